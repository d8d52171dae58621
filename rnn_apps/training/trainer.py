"""The training step and loop: explicit progress, Keras callbacks, and a clean stop at any step."""

import copy
import math
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field

import keras
import numpy as np

from rnn_apps.errors import RnnAppsError
from rnn_apps.memory import keep_freed_memory
from rnn_apps.training.optimization import WeightAverage, make_optimizer
from rnn_apps.training.state import TrainingState
from rnn_apps.training.step import TrainingStep
from rnn_apps.training.stopping import STOP_SIGNALS, Interrupted, StopSignal
from rnn_apps.training.workers import SINGLE


class TrainingFailed(RnnAppsError):
    """The loss or a weight is NaN or infinite."""


@dataclass
class EpochTotals:
    """Running totals for the current epoch.

    Args:
        batches: number of completed batches.
        examples: number of examples.
        counted: number of items, as counted by `Objective.count`.
        loss: sum of the loss over all items.
        sums: sums of the metrics of `Objective.batch_metrics`, by name.
        seconds: elapsed time.
    """

    batches: int = 0
    examples: int = 0
    counted: float = 0.0
    loss: float = 0.0
    sums: dict = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, result, seconds):
        """Add the `StepResult` of a batch."""
        count = float(result.counted)
        self.batches, self.examples = self.batches + 1, self.examples + int(result.examples)
        self.counted, self.loss = self.counted + count, self.loss + float(result.loss) * count
        self.seconds += seconds
        for name, value in result.metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)

    def means(self):
        """Return the means of loss and metrics over all items, by name."""
        sums = {"loss": self.loss, **self.sums}
        return {name: total / max(self.counted, 1) for name, total in sums.items()}


class Trainer:
    """Trains a model.

    Args:
        model: `keras.Model` to train.
        batches: training batches, as `Dataset.training_batches` returns them.
        objective: `Objective`.
        settings: `TrainingSettings`.
        callbacks: Keras callbacks; all hooks and `model.stop_training` are supported.
        on_step: called with (step, total steps, logs) after each step, for a progress bar.
        checkpoint: called as ``checkpoint(trainer, required)`` after each step, with required=True before and
            after validation and when a signal stops the run; it may save `progress`, `arrays` and the best
            weights.
        workers: `Workers`, the processes that train together; each computes its share of every batch.

    Attributes:
        history: list of dicts, one per epoch: means of loss and metrics, validation scores, learning rate and
            seconds.
        epoch: number of completed epochs.
        step: number of optimizer steps.
        best_epoch: number of the epoch, from 1, with the best validation score, whose weights the model has
            in the end; ties are broken by `val_loss` if there is one, else by the earliest epoch.
        best_weights: weights of that epoch, arrays by name.
    """

    def __init__(
        self, model, batches, objective, settings, callbacks=(), on_step=None, checkpoint=None, workers=SINGLE
    ):
        self.model, self.batches, self.objective, self.settings = model, batches, objective, settings
        self.total_steps = self.settings.epochs * len(self.batches)
        self.optimizer = make_optimizer(self.settings, self.total_steps)
        self.optimizer.build(self.model.trainable_variables)
        self.model.optimizer = self.optimizer
        self._workers = workers
        decay = self.settings.weight_averaging
        self._average = WeightAverage(self.model.trainable_variables, decay) if decay else None
        self._callbacks = keras.callbacks.CallbackList(list(callbacks), model=self.model)
        self._on_step = on_step or (lambda *_: None)
        self._checkpoint = checkpoint or (lambda *_: None)
        self._signal = StopSignal()
        keep_freed_memory()
        self._train_step = TrainingStep(
            model, batches, objective, self.optimizer, self._average, settings, workers
        )
        self._state = TrainingState(model, self.optimizer, self._average, self._train_step.loss_scale)
        self.history, self.epoch, self.step, self.totals = [], 0, 0, EpochTotals()
        self.best_epoch, self.best_weights, self._best_score = 0, {}, None

    def progress(self):
        """Return the progress of training, without its arrays, as plain values."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "totals": asdict(self.totals),
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best_score": self._best_score,
        }

    def arrays(self):
        """Return the state of training, arrays by name.

        Raises:
            TrainingFailed: if one of them is not finite.
        """
        arrays = self._state.arrays()
        if not all(np.isfinite(array).all() for array in arrays.values() if array.dtype.kind == "f"):
            raise self._failure("a weight became infinite or NaN")
        return arrays

    def restore(self, progress, arrays, best_weights):
        """Resume from saved `progress`, `arrays` and `best_weights`.

        Raises:
            ValueError: if the arrays are of another network or optimizer; nothing is changed.
        """
        self._state.restore(arrays)
        progress = copy.deepcopy(progress)
        self.epoch, self.step = progress["epoch"], progress["step"]
        self.totals, self.history = EpochTotals(**progress["totals"]), progress["history"]
        self.best_epoch, self._best_score = progress["best_epoch"], progress["best_score"]
        self.best_weights = best_weights

    def share_state(self):
        """Start all processes from the progress and the arrays of the chief, with different random masks."""
        if self._workers.count == 1:
            return
        is_chief = self._workers.is_chief
        progress = self._workers.broadcast(self.progress() if is_chief else None)
        arrays = self._workers.broadcast_arrays(self.arrays() if is_chief else {})
        if not is_chief:
            self.restore(progress, arrays, {})
            self._state.shift_seeds(self._workers.number)

    @property
    def skipped_steps(self):
        """Number of steps that were skipped in float16; None in other precisions."""
        return self._train_step.loss_scale.skipped

    def reset_learning_rate(self):
        """Use the constant learning rate of the recipe instead of the restored one."""
        if self.settings.schedule == "constant" and not self.settings.warmup_steps:
            self.optimizer.learning_rate = self.settings.learning_rate

    def train(self):
        """Train for the remaining epochs, or until early stopping; the model ends with the best weights.

        Raises:
            TrainingFailed: if the loss or a weight is NaN or infinite.
            Interrupted: after SIGINT or SIGTERM; the model has the best weights so far.
            WorkerLost: if another process cannot be reached.
        """
        self.model.stop_training = False
        self._callbacks.on_train_begin()
        try:
            with self._signal.noting(), self._workers.watching():
                while not self._is_over():
                    self._run_epoch()
                    stopped_by = self._agree()
                    self._checkpoint(self, True)
                    if stopped_by:
                        raise Interrupted(stopped_by)
        finally:
            self._restore_best()
        self._callbacks.on_train_end(self.history[-1])

    def _is_over(self):
        patience, epoch = self.settings.early_stopping, self.epoch
        stops_early = patience is not None and epoch > 0 and epoch - self.best_epoch >= patience
        return self.model.stop_training or epoch >= self.settings.epochs or stops_early

    def _run_epoch(self):
        totals = self.totals
        self._callbacks.on_epoch_begin(self.epoch)
        start = time.perf_counter()
        for batch in self._train_step.epoch(self.epoch, totals.batches):
            number = totals.batches
            self._callbacks.on_train_batch_begin(number)
            result = self._train_step(batch, self._flags())
            loss = float(result.loss)
            self.step += 1
            if not math.isfinite(loss):
                raise self._failure(f"the loss became {loss}")
            totals.add(result, time.perf_counter() - start)
            logs = totals.means()
            self._callbacks.on_train_batch_end(number, logs)
            self._on_step(self.step, self.total_steps, logs)
            is_over, stopped_by = self._requests(result.flags)
            if is_over:
                break
            self._checkpoint(self, stopped_by is not None)
            if stopped_by:
                raise Interrupted(stopped_by)
            start = time.perf_counter()
        self._end_epoch()

    def _flags(self):
        """Whether each signal has been received, and whether a callback has stopped the training."""
        requests = [*(self._signal.number == number for number in STOP_SIGNALS), self.model.stop_training]
        return [float(is_set) for is_set in requests]

    def _requests(self, flags):
        """Return whether training is over, and the signal that stops it or None, as in all processes.

        Args:
            flags: sum of the `_flags` of all processes.
        """
        if self._workers.count == 1:
            return self.model.stop_training, self._signal.number
        *signals, is_over = (flag > 0 for flag in flags)
        return is_over, next((n for n, is_set in zip(STOP_SIGNALS, signals) if is_set), None)

    def _agree(self):
        """Return the signal that stops the training in all processes, or None."""
        self.model.stop_training, stopped_by = self._requests(self._workers.sum_values(self._flags()))
        return stopped_by

    def _failure(self, problem):
        batch = self.step - self.epoch * len(self.batches)
        where = f"step {self.step} (epoch {self.epoch + 1}, batch {batch})"
        rate = f"training.learning_rate (now {self.settings.learning_rate})"
        return TrainingFailed(f"training: {problem} at {where}. Try a lower {rate} or training.clip_norm.")

    def _end_epoch(self):
        totals, epoch = self.totals, self.epoch
        self.arrays()  # fails if a weight is not finite
        self._checkpoint(self, True)  # a signal stops the validation at once
        with self._average.in_place() if self._average else nullcontext():
            logs = {**totals.means(), **self._validate()}
            self._save_if_best(logs)
        row = {"epoch": epoch + 1, "step": self.step, **logs}
        rate = self.optimizer.learning_rate
        row |= {"learning_rate": float(np.asarray(rate)), "seconds": totals.seconds}
        row["examples_per_second"] = totals.examples / totals.seconds
        self.history.append(row)
        self._callbacks.on_epoch_end(epoch, logs)
        self.epoch, self.totals = epoch + 1, EpochTotals()

    def _validate(self):
        """Scores on the validation split, by the chief; raises Interrupted at once after a signal."""
        scores, stopped_by = None, self._agree()
        with self._workers.together():
            if self._workers.is_chief and not stopped_by:
                try:
                    with self._signal.raising():
                        scores = self.objective.validate()
                except Interrupted as stopped:
                    stopped_by = stopped.signal_number
        scores, stopped_by = self._workers.broadcast([scores, stopped_by])
        if stopped_by:
            raise Interrupted(stopped_by)
        return scores

    def _save_if_best(self, logs):
        name, higher = self.objective.monitor
        score = [float(logs[name] if higher else -logs[name]), -float(logs.get("val_loss", 0))]  # of equals
        if math.isfinite(score[0]) and (self._best_score is None or score > self._best_score):
            weights = self.model.get_weights()
            self.best_weights = {str(index): weight for index, weight in enumerate(weights)}
            self._best_score, self.best_epoch = score, self.epoch + 1

    def _restore_best(self):
        if self.best_weights:
            self.model.set_weights([self.best_weights[str(i)] for i in range(len(self.best_weights))])
