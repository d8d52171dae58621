"""Our own training step and loop: an explicit position, Keras callbacks, a clean stop at any step."""

import math
import signal
import time
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.errors import RnnAppsError
from rnn_apps.memory import keep_freed_memory

__all__ = ["Interrupted", "Trainer", "TrainingFailed", "learning_rate_schedule", "make_optimizer"]


class TrainingFailed(RnnAppsError):
    """The loss is no longer a number."""


class Interrupted(RnnAppsError):
    """A signal asked the run to stop; what was done is saved.

    Args:
        signal_number: SIGINT or SIGTERM.
    """

    def __init__(self, signal_number):
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number


@keras.saving.register_keras_serializable(package="rnn_apps")
class WarmUpDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly over the warm-up, then stays or falls to zero at the last step.

    Args:
        peak: learning rate after the warm-up.
        warmup_steps: steps of the rise.
        total_steps: steps of the whole run.
        shape: ``"constant"``, ``"linear"`` or ``"cosine"``.
    """

    def __init__(self, peak, warmup_steps, total_steps, shape):
        self.peak, self.warmup_steps, self.total_steps, self.shape = peak, warmup_steps, total_steps, shape

    def __call__(self, step):
        """Return the learning rate of a step, counted from 0."""
        step = tf.cast(step, tf.float32)
        rise = tf.minimum(1.0, (step + 1) / max(1, self.warmup_steps)) if self.warmup_steps else 1.0
        done = (step - self.warmup_steps) / max(1, self.total_steps - self.warmup_steps)
        left = 1 - tf.clip_by_value(done, 0.0, 1.0)
        fall = {"constant": 1.0, "linear": left, "cosine": 0.5 - 0.5 * tf.cos(math.pi * left)}[self.shape]
        return self.peak * rise * fall

    def get_config(self):
        """Return all constructor arguments."""
        names = ("peak", "warmup_steps", "total_steps", "shape")
        return {name: getattr(self, name) for name in names}


def learning_rate_schedule(settings, total_steps):
    """Return the learning rate of `TrainingSettings`: a number, or a schedule over `total_steps`."""
    if settings.schedule == "constant" and not settings.warmup_steps:
        return settings.learning_rate
    return WarmUpDecay(settings.learning_rate, settings.warmup_steps, total_steps, settings.schedule)


def make_optimizer(settings, total_steps):
    """Return the Keras optimizer of `TrainingSettings`; the gradient is clipped by the step, not by it."""
    rate = learning_rate_schedule(settings, total_steps)
    decay = settings.weight_decay or None
    if settings.optimizer == "sgd":
        return keras.optimizers.SGD(rate, weight_decay=decay)
    classes = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "rmsprop": keras.optimizers.RMSprop,
    }
    return classes[settings.optimizer](rate, epsilon=settings.epsilon, weight_decay=decay)


class WeightAverage:
    """A moving average of the weights (Polyak and Juditsky, 1992), used for validation and in the end.

    Args:
        weights: Keras variables.
        decay: of the average; smaller at the start, so that the first weights are soon forgotten.
    """

    def __init__(self, weights, decay):
        self.weights, self.decay = list(weights), decay
        self.averages = [tf.Variable(w.value, trainable=False) for w in self.weights]
        self.count = tf.Variable(0.0, trainable=False)

    def update(self):
        """Take the present weights into the average."""
        self.count.assign_add(1.0)
        rate = 1 - tf.minimum(self.decay, self.count / (self.count + 10))
        for average, weight in zip(self.averages, self.weights):
            average.assign_add(rate * (weight.value - average))

    @contextmanager
    def in_place(self):
        """Within this context the model's weights are the averages."""
        present = [w.numpy() for w in self.weights]
        for average, weight in zip(self.averages, self.weights):
            weight.assign(average)
        try:
            yield
        finally:
            for weight, value in zip(self.weights, present):
                weight.assign(value)


class Trainer:
    """Trains the model of a task.

    Args:
        task: a prepared `Task`.
        callbacks: Keras callbacks; `set_model`, every hook and `model.stop_training` are honoured.
        on_step: called with (step, total steps, logs) after each step, for a progress bar.

    Attributes:
        history: one dict an epoch: loss and the batch metrics, means over what `Task.count` counts,
            validation, learning rate, seconds.
        step: optimizer steps taken.
        best_epoch: the epoch, from 1, whose weights the model has in the end.
    """

    def __init__(self, task, callbacks=(), on_step=None):
        self.task, self.model, self.settings = task, task.trained, task.recipe.training
        self.batches = task.training_batches()
        self.total_steps = self.settings.epochs * len(self.batches)
        self.optimizer = make_optimizer(self.settings, self.total_steps)
        self.optimizer.build(self.model.trainable_variables)
        self.model.optimizer = self.optimizer
        decay = self.settings.weight_averaging
        self._average = WeightAverage(self.model.trainable_variables, decay) if decay else None
        self._callbacks = keras.callbacks.CallbackList(list(callbacks), model=self.model)
        self._on_step = on_step or (lambda *_: None)
        self._signal = None
        keep_freed_memory()
        self._update = tf.function(
            self._apply, autograph=False, jit_compile=self.settings.compile is not False
        )
        shapes = getattr(self.batches.epoch(0), "element_spec", None)  # known from the start: traced once
        self._step = tf.function(
            self._train_step, input_signature=shapes, autograph=False, reduce_retracing=True
        )
        self.history, self.step, self.best_epoch = [], 0, 0
        self._best = (None, None)

    def _train_step(self, inputs, targets):
        """One update: gradients, clipped by their joint norm, applied; returns loss and summed metrics."""
        with tf.GradientTape() as tape:
            outputs = self.model(inputs, training=True)
            loss = self.task.loss(outputs, targets)
            penalty = tf.add_n(self.model.losses) if self.model.losses else 0.0
            total = loss + penalty
        variables = self.model.trainable_variables
        gradients = tape.gradient(total, [v.value for v in variables])
        gradients = [tf.convert_to_tensor(g) for g in gradients]  # an embedding's rows, added up once
        self._update(gradients)
        return loss, self.task.count(targets), self.task.batch_metrics(outputs, targets)

    def _apply(self, gradients):
        """Clip by the joint norm, take the optimizer's step, move the average: XLA makes few passes of it."""
        if self.settings.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.settings.clip_norm)
        self.optimizer.apply(gradients, self.model.trainable_variables)
        if self._average:
            self._average.update()

    def train(self):
        """Run all epochs, or stop early; the model has the best weights in the end.

        Raises:
            TrainingFailed: the loss is NaN or infinite.
            Interrupted: SIGINT or SIGTERM came; the model has the best weights so far.
        """
        self.model.stop_training = False
        self._callbacks.on_train_begin()
        try:
            with self._catching_signals():
                for epoch in range(self.settings.epochs):
                    self._run_epoch(epoch)
                    if self._signal:  # it came while validating
                        raise Interrupted(self._signal)
                    if self.model.stop_training or self._patience_is_over(epoch):
                        break
        finally:
            self._restore_best()
        self._callbacks.on_train_end(self.history[-1])

    def _run_epoch(self, epoch):
        self._callbacks.on_epoch_begin(epoch)
        start, losses, sums = time.perf_counter(), 0.0, {}
        examples, counted = 0, 0.0
        for batch, (inputs, targets) in enumerate(self.batches.epoch(epoch)):
            self._callbacks.on_train_batch_begin(batch)
            loss, count, metrics = self._step(inputs, targets)
            loss, count = float(loss), float(count)
            self.step += 1
            if not math.isfinite(loss):
                where = f"step {self.step} (epoch {epoch + 1}, batch {batch + 1})"
                rate = f"training.learning_rate (now {self.settings.learning_rate})"
                raise TrainingFailed(
                    f"training: the loss became {loss} at {where}. Try a lower {rate} or training.clip_norm."
                )
            examples += int(targets.shape[0])
            counted, losses = counted + count, losses + loss * count
            for name, value in metrics.items():
                sums[name] = sums.get(name, 0.0) + float(value)
            logs = {"loss": losses / counted, **{name: total / counted for name, total in sums.items()}}
            self._callbacks.on_train_batch_end(batch, logs)
            self._on_step(self.step, self.total_steps, logs)
            if self._signal or self.model.stop_training:
                break
        if self._signal:
            raise Interrupted(self._signal)
        self._end_epoch(epoch, logs, examples, time.perf_counter() - start)

    def _end_epoch(self, epoch, logs, examples, seconds):
        with self._average.in_place() if self._average else _nothing():
            logs = {**logs, **self.task.validate()}
            self._keep_if_best(epoch, logs)
        row = {"epoch": epoch + 1, "step": self.step, **logs}
        rate = self.optimizer.learning_rate
        row |= {"learning_rate": float(np.asarray(rate)), "seconds": seconds}
        row["examples_per_second"] = examples / seconds
        self.history.append(row)
        self._callbacks.on_epoch_end(epoch, logs)

    def _keep_if_best(self, epoch, logs):
        name, higher = self.task.monitor
        score = logs[name] if higher else -logs[name]
        if self._best[0] is None or score > self._best[0]:
            self._best = (score, self.model.get_weights())
            self.best_epoch = epoch + 1

    def _patience_is_over(self, epoch):
        patience = self.settings.early_stopping
        return patience is not None and epoch + 1 - self.best_epoch >= patience

    def _restore_best(self):
        if self._best[1] is not None:
            self.model.set_weights(self._best[1])

    @contextmanager
    def _catching_signals(self):
        """SIGINT and SIGTERM end the run after the step at hand, a second one at once.

        Outside the main thread signals are not ours.
        """

        def note(number, frame):
            if self._signal:
                raise KeyboardInterrupt
            self._signal = number

        try:
            previous = {n: signal.signal(n, note) for n in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not the main thread
            previous = {}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


@contextmanager
def _nothing():
    yield
