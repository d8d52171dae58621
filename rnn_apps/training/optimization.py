"""Optimizers, learning rate schedules, and weight averaging."""

import math
from contextlib import contextmanager

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="rnn_apps")
class WarmUpDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Increases linearly during warm-up, then stays constant or decays to zero at the last step.

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
    """Return the Keras optimizer of `TrainingSettings`, without clipping, which the training step does."""
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
    """A moving average of the weights (Polyak and Juditsky, 1992), for validation and the final model.

    Args:
        weights: Keras variables.
        decay: of the average; smaller at the start, so that the first weights are soon forgotten.
    """

    def __init__(self, weights, decay):
        self.weights, self.decay = list(weights), decay
        self.averages = [tf.Variable(w.value, trainable=False) for w in self.weights]
        self.count = tf.Variable(0.0, trainable=False)

    @property
    def variables(self):
        """The variables of the average."""
        return [*self.averages, self.count]

    def update(self):
        """Update the average with the current weights."""
        self.count.assign_add(1.0)
        rate = 1 - tf.minimum(self.decay, self.count / (self.count + 10))
        for average, weight in zip(self.averages, self.weights):
            average.assign_add(rate * (weight.value - average))

    @contextmanager
    def in_place(self):
        """Context manager in which the model has the averaged weights."""
        present = [w.numpy() for w in self.weights]
        for average, weight in zip(self.averages, self.weights):
            weight.assign(average)
        try:
            yield
        finally:
            for weight, value in zip(self.weights, present):
                weight.assign(value)
