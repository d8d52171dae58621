"""Compares recipes found by a search with the one that it began with, each trained with several seeds."""

import json
import time
from dataclasses import dataclass

from optuna.storages import fail_stale_trials
from optuna.trial import TrialState

from rnn_apps.tuning.study import finished_trials
from rnn_apps.tuning.trials import Trials

NUM_SEEDS = 3
_SETTINGS, _SEED, _LABEL = "settings", "seed", "label"  # attributes of a trial
_POLL_SECONDS = 2


@dataclass(frozen=True)
class Candidate:
    """A recipe of the comparison.

    Attributes:
        label: its name.
        settings: settings in which it differs from the recipe of the search, dotted key to value.
        scores: validation score by seed; None where the training failed.
    """

    label: str
    settings: dict
    scores: dict

    @property
    def values(self):
        """The scores of the trainings that did not fail, a list."""
        return [score for score in self.scores.values() if score is not None]


def comparison_seeds(seed):
    """Return the seeds of the comparison: the ones after that of the search, which no trial has used."""
    return [(seed + number) % 2**31 for number in range(1, NUM_SEEDS + 1)]


class Comparison(Trials):
    """Trains every candidate with every seed, in this process or in others that share the study.

    Each training is a trial of the study, so a comparison is resumed like a search.

    Args:
        base, study, console: as of `Trials`.
    """

    def run_all(self, candidates):
        """Train the candidates that are not trained yet, and return all `Candidate`s.

        Args:
            candidates: label to settings.
        """
        seeds = comparison_seeds(self.base.recipe.seed)
        wanted = {(_text(settings), seed): label for label, settings in candidates.items() for seed in seeds}
        while missing := [key for key in wanted if key not in self._scores()]:
            running = self._running()
            free = [key for key in missing if key not in running]
            if free:
                self._run_one(*free[0], wanted[free[0]])
            else:
                fail_stale_trials(self.study)
                time.sleep(_POLL_SECONDS)
        scores = self._scores()
        return [
            Candidate(label, settings, {seed: scores[_text(settings), seed] for seed in seeds})
            for label, settings in candidates.items()
        ]

    def _run_one(self, text, seed, label):
        def recipe_of(trial):
            trial.set_user_attr(_SETTINGS, text)
            trial.set_user_attr(_SEED, seed)
            trial.set_user_attr(_LABEL, label)
            return self.base.recipe_with(json.loads(text), seed), False

        self.run(recipe_of)

    def log(self, study, trial):
        """Log the score of a training."""
        label, seed = trial.user_attrs.get(_LABEL), trial.user_attrs.get(_SEED)
        self.console.log(f"Comparison: {label}, seed {seed}: {self.outcome(trial)}")

    def _scores(self):
        found = {}
        for trial in finished_trials(self.study):
            found.setdefault(_key(trial), trial.value)
        return found

    def _running(self):
        trials = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return {_key(trial) for trial in trials}


def _text(settings):
    return json.dumps(settings, sort_keys=True)


def _key(trial):
    return trial.user_attrs.get(_SETTINGS), trial.user_attrs.get(_SEED)
