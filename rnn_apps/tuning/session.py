"""One process of a search: it runs trials and trainings until all are finished, and writes the results."""

from dataclasses import replace

from optuna.exceptions import StorageInternalError

from rnn_apps.errors import RnnAppsError, UserError, first_line, shown
from rnn_apps.layers.compilation import has_room_to_compile
from rnn_apps.recipe import dump_recipe
from rnn_apps.reporting.scores import format_duration
from rnn_apps.run_folder import RunFolder
from rnn_apps.runs.console import PrintConsole
from rnn_apps.runs.pipeline import with_absolute_paths
from rnn_apps.training import Interrupted
from rnn_apps.training.stopping import StopSignal
from rnn_apps.tuning.comparison import NUM_SEEDS, Comparison
from rnn_apps.tuning.results import Findings, write_results
from rnn_apps.tuning.space import dump_space, plain_space
from rnn_apps.tuning.study import (
    COMPARISON,
    FACTS,
    PROBLEM,
    RANDOM,
    RECIPE_FILE,
    SPACE_FILE,
    best_trial,
    find_facts,
    finished_trials,
    names_of_searches,
    open_storage,
    open_study,
    plain,
)
from rnn_apps.tuning.trials import SECONDS, Base, Search, sampled_settings

DEFAULTS = {"trials": 50, "sampler": "tpe", "compare": True}
RANDOM_SEED = 7919  # added to the seed, so that random search has other trials than the search
# Settings that do not change scores, or that are paths on this machine.
_NOT_COMPARED = ("name", "description", "export", "views", "data.path", "model.encoder.weights")
_MOST = 3  # differences in a message


class Session:
    """A search in this process, which other processes may share.

    Args:
        recipe: `Recipe`.
        space: `Space`.
        location: `Location` of the study.
        name: name of the study, or None for that of the recipe, or of the only study in a file.
        options: ``trials``, ``sampler`` and ``compare``; None for those of the study.
        console: receives progress; prints lines by default.
        on_full: as of `rnn_apps.tune`.

    Raises:
        UserError: if the study is of another space.
    """

    def __init__(self, recipe, space, location, name, options, console=None, on_full=None):
        self.recipe, self.space, self.location = with_absolute_paths(recipe), space, location
        self.name, self.console = name or recipe.name, console or PrintConsole()
        self._on_full, self._has_begun = on_full, False
        self._storage, self._facts = None, None
        if location.exists:
            self._storage = open_storage(location)
            if name is None and location.path is not None:
                self.name = next(iter(names_of_searches(self._storage)), self.name)
            self._facts = find_facts(self._storage, self.name)
        if self._facts is not None:
            self._check("space", self._facts["space"], plain(plain_space(space)))
        stored = (self._facts or {}).get("options", {})
        given = {key: value for key, value in options.items() if value is not None}
        self.options = {**DEFAULTS, **stored, **given}

    def run(self, out, allow_sample, continuing):
        """Search, compare and write the results to a folder.

        Args:
            out: path of the folder; new, or that of a process of this search.
            allow_sample: whether to use synthetic data if the data set is unavailable.
            continuing: `Fix` that continues the search.

        Returns:
            `Tuning`.
        """
        sample_of = (self._facts or {}).get("sample_of")
        base = Base.prepare(self.recipe, allow_sample, self.console, sample_of)
        base = replace(base, between_trials=self._make_room)
        facts = self._new_facts(base)
        if self._facts is not None:
            self._check("recipe", self._facts["recipe"], facts["recipe"])
            self._check("data set", self._facts["data"], facts["data"])
        folder, stop = RunFolder(out), StopSignal()
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem, fix = f"{out} cannot be made: {error.strerror}", "Name another folder."
            raise UserError(problem=problem, fix=fix, option="out") from error
        if not (folder / SPACE_FILE).is_file():
            folder.write_text(RECIPE_FILE, dump_recipe(base.recipe))
            folder.write_text(SPACE_FILE, dump_space(self.space))
        try:
            with stop.noting(), stop.raising():
                studies = self._open_studies(base, facts)
                findings = self._search(base, *studies)
        except Interrupted as stopped:
            self.console.log("Stopped; finished trials are saved.")
            raise Interrupted(stopped.signal_number, continuing) from stopped
        except StorageInternalError as error:
            problem = f"{self.location}: cannot be used any more ({first_line(error.__cause__ or error)})"
            raise RnnAppsError(f"{problem}. {continuing}") from error
        return write_results(findings, folder)

    def _make_room(self):
        """Let the caller start another process if this one, after a trial, cannot compile any more."""
        is_first, self._has_begun = not self._has_begun, True
        if not is_first and self._on_full is not None and not has_room_to_compile():
            self._on_full(str(self.location))

    def _new_facts(self, base):
        flat = base.recipe.flat()
        return plain(
            {
                "space": plain_space(self.space),
                "recipe": {key: value for key, value in flat.items() if key not in _NOT_COMPARED},
                "data": {key: value for key, value in base.data.items() if key != "source"},
                "sample_of": base.sample_of,
                "options": self.options,
            }
        )

    def _check(self, what, before, now):
        missing = object()
        keys = [key for key in {**before, **now} if before.get(key, missing) != now.get(key, missing)]
        if keys:
            texts = [f"{key} was {shown(before.get(key))}, is {shown(now.get(key))}" for key in keys[:_MOST]]
            texts += [f"and {len(keys) - _MOST} more"] if len(keys) > _MOST else []
            problem = f"this study is of another {what}: {'; '.join(texts)}"
            raise UserError(str(self.location), problem, fix="Undo that, or name another study.")

    def _open_studies(self, base, facts):
        storage = self._storage or open_storage(self.location)
        higher = base.monitor.higher_is_better
        study, random, comparison = (
            open_study(storage, f"{self.name}{suffix}", higher) for suffix in ("", RANDOM, COMPARISON)
        )
        if study.user_attrs.get(FACTS) != facts:
            study.set_user_attr(FACTS, facts)
        return study, random, comparison

    def _search(self, base, study, random, comparison):
        trials, seed, sampler = self.options["trials"], base.recipe.seed, self.options["sampler"]
        is_compared, is_random = self.options["compare"], sampler == "random"
        self._log_plan(base, study, is_random)
        Search(base, study, self.console, self.space, sampler, seed).run_until(trials)
        best = best_trial(study, trials)
        if best is None:
            raise RnnAppsError(self._no_trial(study))
        candidates = {"best of this search": sampled_settings(best.params, self.space)}
        if is_compared and not is_random:
            self._log_cost(study, trials)
            options = (self.space, "random", seed + RANDOM_SEED, "Random trial")
            Search(base, random, self.console, *options).run_until(trials)
            other = best_trial(random, trials)
            others = (
                {} if other is None else {"best of random search": sampled_settings(other.params, self.space)}
            )
            candidates |= others
        candidates |= {"the recipe itself": {}}
        compared = Comparison(base, comparison, self.console).run_all(candidates) if is_compared else []
        options = {**self.options, "study": str(self.location), "name": self.name}
        others = finished_trials(random, trials) if is_compared and not is_random else []
        return Findings(base, self.space, options, best, finished_trials(study, trials), others, compared)

    def _log_plan(self, base, study, is_random):
        trials, count = self.options["trials"], len(finished_trials(study))
        finished = f", {count:,} of them finished" if count else ""
        name = base.monitor.name
        total = f"{trials:,} trial{'s' if trials > 1 else ''}"
        self.console.log(f"Search: {total}{finished}, scored by {name}; the test split is not used.")
        if self.options["compare"]:
            random = "" if is_random else f"{trials:,} more trials of random search and "
            trainings = NUM_SEEDS * (2 if is_random else 3)
            self.console.log(f"Then, to compare: {random}{trainings} trainings without pruning.")

    def _log_cost(self, study, trials):
        finished = finished_trials(study, trials)
        seconds = [trial.user_attrs.get(SECONDS, 0) for trial in finished]
        complete = [trial.user_attrs.get(SECONDS, 0) for trial in finished if trial.state.name == "COMPLETE"]
        expected = sum(seconds) + 3 * NUM_SEEDS * sum(complete) / len(complete)
        self.console.log(f"The comparison will take about {format_duration(expected)} in one process.")

    def _no_trial(self, study):
        problems = [trial.user_attrs.get(PROBLEM) for trial in finished_trials(study)]
        reason = max(set(problems), key=problems.count)
        return (
            f"{self.location}: all {len(problems)} trials failed, {problems.count(reason)} of them: {reason}"
        )
