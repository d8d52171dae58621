"""Trials: sampled settings, trained on train and scored on validation."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import tensorflow as tf
from optuna import TrialPruned
from optuna.exceptions import OptunaError, UpdateFinishedTrialError

from rnn_apps.disk import sha256_of_texts
from rnn_apps.errors import RnnAppsError, first_line, shown, type_and_line
from rnn_apps.recipe import Recipe, with_values
from rnn_apps.recipe.document import Place
from rnn_apps.runs import stages
from rnn_apps.runs.pipeline import check_environment
from rnn_apps.training import Interrupted, Trainer
from rnn_apps.tuning.space import Choices
from rnn_apps.tuning.study import PROBLEM, finished_trials, make_sampler

_log = logging.getLogger(__name__)
DROPPED = ("test",)
EPOCH, SECONDS = "best_epoch", "seconds"  # attributes of a trial
_SEEDS = 2**31


class TrialFailed(Exception):
    """A trial whose settings cannot be used; the search continues."""


class Quiet:
    """A console without the log lines of single trainings.

    Args:
        console: as in `rnn_apps.run`; it receives the steps.
    """

    def __init__(self, console):
        self.step, self.close = console.step, console.close

    def log(self, text):
        """Print nothing."""


@dataclass(frozen=True)
class Base:
    """What all trials of a search share.

    Attributes:
        recipe: `Recipe` that the sampled settings are applied to.
        sample_of: name of the data set that synthetic data replaces, or None.
        monitor: `Monitor`, the validation score.
        validation: SHA-256 of the validation split.
        data: description of the data without test.
        between_trials: function that is called before each trial.
    """

    recipe: Recipe
    sample_of: str | None
    monitor: tuple
    validation: str
    data: dict
    between_trials: Callable[[], None] = lambda: None

    @classmethod
    def prepare(cls, recipe, allow_sample, console, sample_of=None):
        """Read the data of a recipe, and return what its trials share.

        Args:
            recipe: `Recipe`.
            allow_sample, console, sample_of: as in `stages.prepare`.
        """
        check_environment(recipe)
        prepared = stages.prepare(recipe, allow_sample, console, sample_of, DROPPED)
        dataset, objective = prepared.task.dataset, prepared.task.objective
        digest = sha256_of_texts(dataset.fingerprint("validation"))
        base = cls(prepared.recipe, prepared.sample_of, objective.monitor, digest, prepared.data)
        del prepared, dataset, objective
        keras.backend.clear_session()  # also collects garbage
        return base

    def recipe_with(self, settings, seed=None):
        """Return the `Recipe` with some settings, dotted key to value.

        Raises:
            RecipeError: if they do not fit together.
        """
        settings = settings if seed is None else {**settings, "seed": seed}
        return with_values(self.recipe, settings, {key: Place(f"trial {key}") for key in settings})


class ReportScores(keras.callbacks.Callback):
    """Reports the validation score of every epoch to a trial, and prunes it."""

    def __init__(self, trial, name):
        super().__init__()
        self.trial, self.name = trial, name

    def on_epoch_end(self, epoch, logs=None):
        """Report the score; raises `TrialPruned`."""
        self.trial.report(float(logs[self.name]), epoch)
        if self.trial.should_prune():
            raise TrialPruned(f"pruned after epoch {epoch + 1}")


def train(base, recipe, console, callbacks=()):
    """Train a recipe on train, and return its best validation score and the number of that epoch.

    The test split is dropped before anything is learned from the data.

    Args:
        base: `Base`.
        recipe: `Recipe`.
        console: as in `rnn_apps.run`.
        callbacks: Keras callbacks.

    Raises:
        TrialFailed: if the recipe cannot be trained, or its scores cannot be compared.
        Interrupted: after a signal.
    """
    try:
        dataset, _, objective, trained = stages.prepare(
            recipe, False, Quiet(console), base.sample_of, DROPPED
        ).task
        _check_comparable(base, recipe, dataset, objective)
        batches, name = dataset.training_batches(), base.monitor[0]
        trainer = Trainer(trained, batches, objective, recipe.training, callbacks, console.step)
        console.step(0, trainer.total_steps, {})
        trainer.train()
    except (Interrupted, TrialFailed, OptunaError):
        raise
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise TrialFailed("not enough memory") from error
    except RnnAppsError as error:
        raise TrialFailed(first_line(error)) from error
    except Exception as error:  # such as those of custom cells; the other trials go on
        _log.debug("a trial failed", exc_info=True)
        raise TrialFailed(type_and_line(error)) from error
    finally:
        console.close()
    if not trainer.best_epoch:
        raise TrialFailed(f"{name} was never a finite number")
    return float(trainer.history[trainer.best_epoch - 1][name]), trainer.best_epoch


def _check_comparable(base, recipe, dataset, objective):
    if tuple(objective.monitor) != tuple(base.monitor):
        raise TrialFailed(f"is scored by {objective.monitor[0]}, the others by {base.monitor[0]}")
    # Another seed generates other synthetic data, which is the same for all candidates of a comparison.
    is_same_seed = recipe.seed == base.recipe.seed
    if is_same_seed and sha256_of_texts(dataset.fingerprint("validation")) != base.validation:
        raise TrialFailed("has another validation split than the others")


def sampled_settings(params, space):
    """Return the settings of a trial, dotted key to value, from its Optuna parameters."""
    return {
        key: json.loads(value) if isinstance(space.get(key), Choices) else value
        for key, value in params.items()
    }


class Trials:
    """Runs the trials of one study.

    Args:
        base: `Base`.
        study: Optuna study.
        console: as in `rnn_apps.run`.
    """

    def __init__(self, base, study, console):
        self.base, self.study, self.console = base, study, console

    def run(self, function):
        """Run one trial: ``function(trial)`` returns a recipe, and whether the trial may be pruned.

        Its errors are saved with the trial.

        Raises:
            Interrupted, KeyboardInterrupt: after a signal; the trial does not count.
        """

        def score(trial):
            start = time.perf_counter()
            try:
                return self._score(trial, *function(trial))
            except (TrialFailed, RnnAppsError) as error:
                if isinstance(error, Interrupted):
                    raise
                trial.set_user_attr(PROBLEM, first_line(error))
                raise TrialFailed(first_line(error)) from error
            finally:
                trial.set_user_attr(SECONDS, round(time.perf_counter() - start, 2))
                keras.backend.clear_session()

        self.base.between_trials()
        with_lost = (TrialFailed, UpdateFinishedTrialError)  # given up by another process meanwhile
        self.study.optimize(score, n_trials=1, catch=with_lost, callbacks=[self.log])

    def log(self, study, trial):
        """Called with each finished trial; logs nothing."""

    def _score(self, trial, recipe, prunes):
        callbacks = [ReportScores(trial, self.base.monitor[0])] if prunes else []
        score, epoch = train(self.base, recipe, self.console, callbacks)
        trial.set_user_attr(EPOCH, epoch)
        return score

    def outcome(self, trial):
        """Return the score of a trial, or why it has none, as a text."""
        name, seconds = self.base.monitor[0], f"{trial.user_attrs.get(SECONDS, 0):.0f} s"
        if PROBLEM in trial.user_attrs:
            return f"failed, {trial.user_attrs[PROBLEM]}"
        if trial.value is None:
            return "given up"
        if trial.state.name == "PRUNED":
            return (
                f"pruned after epoch {len(trial.intermediate_values)}, {name} {trial.value:.4f} ({seconds})"
            )
        return f"{name} {trial.value:.4f} at epoch {trial.user_attrs[EPOCH]} ({seconds})"


class Search(Trials):
    """A search: trials with sampled settings, until enough are finished.

    Args:
        base, study, console: as of `Trials`.
        space: `Space`.
        sampler: "tpe" or "random".
        seed: random seed of the sampler.
        label: how log lines begin.
    """

    def __init__(self, base, study, console, space, sampler, seed, label="Trial"):
        super().__init__(base, study, console)
        self.space, self.sampler, self.seed, self.label = space, sampler, seed, label

    def run_until(self, count):
        """Run trials until `count` of them are finished, here or in other processes."""
        while len(finished_trials(self.study)) < count:
            self.run(self._sample)

    def _sample(self, trial):
        # Seeded by trial, so that processes that share the study propose different settings.
        self.study.sampler = make_sampler(self.sampler, (self.seed * 1_000_003 + trial.number) % _SEEDS)
        params = {key: self._suggest(trial, key, values) for key, values in self.space.items()}
        return self.base.recipe_with(sampled_settings(params, self.space)), True

    @staticmethod
    def _suggest(trial, key, values):
        if isinstance(values, Choices):
            return trial.suggest_categorical(key, [json.dumps(value) for value in values.values])
        if values.is_whole:
            step = values.step or 1
            return trial.suggest_int(key, values.low, values.high, step=step, log=values.log)
        return trial.suggest_float(key, values.low, values.high, step=values.step, log=values.log)

    def log(self, study, trial):
        """Log the settings and the outcome of a trial."""
        settings = sampled_settings(trial.params, self.space)
        texts = (f"{key}={format_value(value)}" for key, value in settings.items())
        self.console.log(f"{self.label} {trial.number}: {', '.join(texts)}: {self.outcome(trial)}")


def format_value(value):
    """Return a sampled value as a short text."""
    return f"{value:.4g}" if isinstance(value, float) else shown(value)
