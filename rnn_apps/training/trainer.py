"""Our own training step and loop: an explicit position, Keras callbacks, a clean stop at any step."""

import copy
import math
import signal
import time
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.errors import RnnAppsError, Wording
from rnn_apps.memory import keep_freed_memory
from rnn_apps.training.optimization import WeightAverage, make_optimizer
from rnn_apps.training.state import TrainingState


class TrainingFailed(RnnAppsError):
    """The loss is no longer a number."""


class Interrupted(RnnAppsError):
    """A signal asked the run to stop; what was done is saved.

    Args:
        signal_number: SIGINT or SIGTERM.
        fix: how to resume the run, a `rnn_apps.errors.Fix`, or None.
    """

    def __init__(self, signal_number, fix=None):
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number, self.fix = signal_number, fix

    def __str__(self):
        return self.text(Wording())

    def text(self, wording):
        """Return the message as `wording` puts it."""
        return self.args[0] if self.fix is None else f"{self.args[0]}. {wording.fix(self.fix)}"


@dataclass
class EpochTotals:
    """What the batches of an epoch that are done add up to.

    Args:
        batches: done.
        examples: in them.
        counted: what `Objective.count` counts in them.
        loss: sum over what is counted.
        sums: name to sum, of `Objective.batch_metrics`.
        seconds: that they took.
    """

    batches: int = 0
    examples: int = 0
    counted: float = 0.0
    loss: float = 0.0
    sums: dict = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, examples, loss, count, metrics, seconds):
        """Add a batch."""
        self.batches, self.examples = self.batches + 1, self.examples + examples
        self.counted, self.loss = self.counted + count, self.loss + loss * count
        self.seconds += seconds
        for name, value in metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)

    def means(self):
        """Return name to mean over what is counted."""
        sums = {"loss": self.loss, **self.sums}
        return {name: total / self.counted for name, total in sums.items()}


class Trainer:
    """Trains a model.

    Args:
        model: the `keras.Model` that is trained.
        batches: of an epoch of training, as `Dataset.training_batches` returns them.
        objective: `Objective`.
        settings: `TrainingSettings`.
        callbacks: Keras callbacks; `set_model`, every hook and `model.stop_training` are honoured.
        on_step: called with (step, total steps, logs) after each step, for a progress bar.
        keep: called as ``keep(trainer, needed)`` after each step, needed before and after validation and
            when a signal ends the run; it may take `position` and the rest and write them down.

    Attributes:
        history: one dict an epoch: loss and the batch metrics, means over what `Objective.count` counts,
            validation, learning rate, seconds.
        epoch: epochs done.
        step: optimizer steps taken.
        best_epoch: the epoch, from 1, whose weights the model has in the end: of the best validation score,
            of equal ones the first, or where there is a `val_loss` that of the lowest.
        best_weights: of that epoch, name to array.
    """

    def __init__(self, model, batches, objective, settings, callbacks=(), on_step=None, keep=None):
        self.model, self.batches, self.objective, self.settings = model, batches, objective, settings
        self.total_steps = self.settings.epochs * len(self.batches)
        self.optimizer = make_optimizer(self.settings, self.total_steps)
        self.optimizer.build(self.model.trainable_variables)
        self.model.optimizer = self.optimizer
        decay = self.settings.weight_averaging
        self._average = WeightAverage(self.model.trainable_variables, decay) if decay else None
        self._state = TrainingState(self.model, self.optimizer, self._average)
        self._callbacks = keras.callbacks.CallbackList(list(callbacks), model=self.model)
        self._on_step, self._keep = on_step or (lambda *_: None), keep or (lambda *_: None)
        self._signal, self._is_validating = None, False
        keep_freed_memory()
        self._update = tf.function(
            self._apply, autograph=False, jit_compile=self.settings.compile is not False
        )
        shapes = getattr(self.batches.epoch(0), "element_spec", None)  # known from the start: traced once
        self._step = tf.function(
            self._train_step, input_signature=shapes, autograph=False, reduce_retracing=True
        )
        self.history, self.epoch, self.step, self.tally = [], 0, 0, EpochTotals()
        self.best_epoch, self.best_weights, self._best_score = 0, {}, None

    def _train_step(self, inputs, targets):
        """One update: gradients, clipped by their joint norm, applied; returns loss and summed metrics."""
        with tf.GradientTape() as tape:
            outputs = self.model(inputs, training=True)
            loss = self.objective.loss(outputs, targets)
            penalty = tf.add_n(self.model.losses) if self.model.losses else 0.0
            total = loss + penalty
        variables = self.model.trainable_variables
        gradients = tape.gradient(total, [v.value for v in variables])
        gradients = [tf.convert_to_tensor(g) for g in gradients]  # an embedding's rows, added up once
        self._update(gradients)
        return loss, self.objective.count(targets), self.objective.batch_metrics(outputs, targets)

    def _apply(self, gradients):
        """Clip by the joint norm, take the optimizer's step, move the average: XLA makes few passes of it."""
        if self.settings.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.settings.clip_norm)
        self.optimizer.apply(gradients, self.model.trainable_variables)
        if self._average:
            self._average.update()

    def position(self):
        """Return where training stands besides its arrays, as plain values."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "tally": asdict(self.tally),
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best_score": self._best_score,
        }

    def arrays(self):
        """Return all that steps change, name to array.

        Raises:
            TrainingFailed: one of them is no longer finite.
        """
        found = self._state.arrays()
        if not all(np.isfinite(array).all() for array in found.values() if array.dtype.kind == "f"):
            raise self._failure("a weight became infinite or NaN")
        return found

    def restore(self, position, arrays, best_weights):
        """Go on from where `position`, `arrays` and `best_weights` were taken.

        Raises:
            ValueError: the arrays are of another network or optimizer; nothing was changed.
        """
        self._state.restore(arrays)
        position = copy.deepcopy(position)
        self.epoch, self.step = position["epoch"], position["step"]
        self.tally, self.history = EpochTotals(**position["tally"]), position["history"]
        self.best_epoch, best = position["best_epoch"], position["best_score"]
        self._best_score = [best, -math.inf] if isinstance(best, float) else best  # of an earlier version
        self.best_weights = best_weights

    def change_rate(self):
        """Go on with the learning rate of the recipe where it is no schedule, not with what was restored."""
        if self.settings.schedule == "constant" and not self.settings.warmup_steps:
            self.optimizer.learning_rate = self.settings.learning_rate

    def train(self):
        """Run all epochs that are left, or stop early; the model has the best weights in the end.

        Raises:
            TrainingFailed: the loss or a weight is NaN or infinite.
            Interrupted: SIGINT or SIGTERM came; the model has the best weights so far.
        """
        self.model.stop_training = False
        self._callbacks.on_train_begin()
        try:
            with self._catching_signals():
                while not self._is_over():
                    self._run_epoch()
                    stopped_by = self._signal
                    self._keep(self, True)
                    if stopped_by:
                        raise Interrupted(stopped_by)
        finally:
            self._restore_best()
        self._callbacks.on_train_end(self.history[-1])

    def _is_over(self):
        patience, done = self.settings.early_stopping, self.epoch
        is_patient = patience is None or not done or done - self.best_epoch < patience
        return self.model.stop_training or done >= self.settings.epochs or not is_patient

    def _run_epoch(self):
        tally = self.tally
        self._callbacks.on_epoch_begin(self.epoch)
        start = time.perf_counter()
        for inputs, targets in self.batches.epoch(self.epoch, tally.batches):
            batch = tally.batches
            self._callbacks.on_train_batch_begin(batch)
            loss, count, metrics = self._step(inputs, targets)
            loss, count = float(loss), float(count)
            self.step += 1
            if not math.isfinite(loss):
                raise self._failure(f"the loss became {loss}")
            tally.add(int(targets.shape[0]), loss, count, metrics, time.perf_counter() - start)
            logs = tally.means()
            self._callbacks.on_train_batch_end(batch, logs)
            self._on_step(self.step, self.total_steps, logs)
            if self.model.stop_training:
                break
            stopped_by = self._signal  # it may change at any instant
            self._keep(self, stopped_by is not None)
            if stopped_by:
                raise Interrupted(stopped_by)
            start = time.perf_counter()
        self._end_epoch()

    def _failure(self, problem):
        batch = self.step - self.epoch * len(self.batches)
        where = f"step {self.step} (epoch {self.epoch + 1}, batch {batch})"
        rate = f"training.learning_rate (now {self.settings.learning_rate})"
        return TrainingFailed(f"training: {problem} at {where}. Try a lower {rate} or training.clip_norm.")

    def _end_epoch(self):
        tally, epoch = self.tally, self.epoch
        self.arrays()  # what is not finite is not validated
        self._keep(self, True)  # a signal ends the validation at once
        with self._average.in_place() if self._average else nullcontext():
            logs = {**tally.means(), **self._validated()}
            self._keep_if_best(logs)
        row = {"epoch": epoch + 1, "step": self.step, **logs}
        rate = self.optimizer.learning_rate
        row |= {"learning_rate": float(np.asarray(rate)), "seconds": tally.seconds}
        row["examples_per_second"] = tally.examples / tally.seconds
        self.history.append(row)
        self._callbacks.on_epoch_end(epoch, logs)
        self.epoch, self.tally = epoch + 1, EpochTotals()

    def _validated(self):
        """Scores on the validation part; Interrupted where a signal has come or comes meanwhile."""
        self._is_validating = True
        try:
            if self._signal:
                raise Interrupted(self._signal)
            return self.objective.validate()
        finally:
            self._is_validating = False

    def _keep_if_best(self, logs):
        name, higher = self.objective.monitor
        score = [float(logs[name] if higher else -logs[name]), -float(logs.get("val_loss", 0))]  # of equals
        if math.isfinite(score[0]) and (self._best_score is None or score > self._best_score):
            weights = self.model.get_weights()
            self.best_weights = {str(index): weight for index, weight in enumerate(weights)}
            self._best_score, self.best_epoch = score, self.epoch + 1

    def _restore_best(self):
        if self.best_weights:
            self.model.set_weights([self.best_weights[str(i)] for i in range(len(self.best_weights))])

    @contextmanager
    def _catching_signals(self):
        """SIGINT and SIGTERM end the run after the step at hand, a second one, or one in validation, at once.

        Outside the main thread signals are not ours.
        """

        def note(number, frame):
            if self._signal:
                raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
            self._signal = number
            if self._is_validating:
                raise Interrupted(number)

        try:
            previous = {n: signal.signal(n, note) for n in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not the main thread
            previous = {}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
