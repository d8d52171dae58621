"""One training step: on a whole batch, or on parts of it, in several processes or one after another."""

from typing import Any, NamedTuple

import tensorflow as tf

from rnn_apps.data.batches import epoch_in_parts
from rnn_apps.layers.compilation import has_room_to_compile
from rnn_apps.training.precision import LossScale, computing_in
from rnn_apps.training.state import CarriedRows


class StepResult(NamedTuple):
    """What a training step returns.

    Args:
        loss: mean loss over all items of the batch.
        counted: number of items, as counted by `Objective.count`.
        examples: number of examples.
        metrics: sums of the metrics over all items, by name.
        flags: sums of the flags of all processes.
    """

    loss: Any
    counted: Any
    examples: Any
    metrics: dict
    flags: Any


class TrainingStep:
    """Updates the weights by clipped gradients of the mean loss over a batch.

    If a batch is computed in parts, the gradients of sums over the parts are added up, over the processes as
    well, and then divided by the number of items. The update is the same in all processes.

    Args:
        model: `keras.Model` to train.
        batches: training batches, as `Dataset.training_batches` returns them.
        objective: `Objective`.
        optimizer: Keras optimizer, built.
        average: `WeightAverage`, or None.
        settings: `TrainingSettings`.
        workers: `Workers`, the processes that train together; each computes its share of every batch.
    """

    def __init__(self, model, batches, objective, optimizer, average, settings, workers):
        self._model, self._batches, self._objective = model, batches, objective
        self._optimizer, self._average, self._settings = optimizer, average, settings
        self._workers, self._metric_names = workers, ()
        self._shares = workers.share.divided(settings.accumulate_steps)
        self._is_whole = self._shares[0].total == 1
        self._carried = CarriedRows(model, self._shares)
        self.loss_scale = LossScale(settings.precision == "mixed_float16")
        compiles = self._settings.compile is not False and has_room_to_compile()
        self._update = tf.function(self._apply, autograph=False, jit_compile=compiles)
        shapes = getattr(self.epoch(0, 0), "element_spec", None)  # avoids retracing
        options = {"autograph": False, "reduce_retracing": True}
        if self._is_whole:
            self._train_on_whole = tf.function(self._whole, input_signature=shapes, **options)
            return
        self._sums = [tf.Variable(tf.zeros(v.shape), trainable=False) for v in model.trainable_variables]
        self._add_part = tf.function(self._part, input_signature=shapes and shapes[0], **options)
        self._finish = tf.function(self._update_from_sums, **options)

    def epoch(self, epoch, start):
        """Return the batches of an epoch from `start` on, as this process computes them."""
        if self._is_whole:
            return self._batches.epoch(epoch, start)
        return epoch_in_parts(self._batches, self._shares, epoch, start)

    def __call__(self, batch, flags):
        """Train on a batch, an element of `epoch`; return a `StepResult`.

        Args:
            batch: element of `epoch`.
            flags: list of numbers of this process, to be summed over all.
        """
        if self._is_whole:
            return StepResult(*self._train_on_whole(*batch), flags)
        scores = tf.zeros([])
        for number, part in enumerate(batch):
            self._carried.select(number)
            scores += self._add_part(*part)
        scores, flags = self._finish(scores, tf.constant(flags, tf.float32))
        total, count, examples, *sums = scores.numpy()
        metrics = dict(zip(self._metric_names, sums))
        return StepResult(total / max(count, 1), count, examples, metrics, flags.numpy().tolist())

    def _whole(self, inputs, targets):
        gradients, *result = self.differentiate(inputs, targets)
        self.loss_scale.apply(gradients, self._update)
        return result

    def _part(self, inputs, targets, weight):
        """Add the gradients of a part to the sums; return its summed loss, counts and metrics."""
        gradients, loss, count, examples, metrics = self.differentiate(inputs, targets, weight)
        for total, gradient in zip(self._sums, gradients):
            total.assign_add(gradient)
        self._metric_names = list(metrics)
        scores = (loss * tf.cast(count, loss.dtype), count, examples, *metrics.values())
        return weight * tf.stack([tf.cast(score, tf.float32) for score in scores])

    def _update_from_sums(self, scores, flags):
        """Update the weights by the sums over all processes."""
        carried = self._carried.own()
        own = [scores, flags, *carried, *(total.value() for total in self._sums)]
        scores, flags, *rest = self._workers.sum(own)
        self._carried.assign(rest[: len(carried)])
        gradients = [total / tf.maximum(scores[1], 1.0) for total in rest[len(carried) :]]
        self.loss_scale.apply(gradients, self._update)
        for total in self._sums:
            total.assign(tf.zeros_like(total))
        return scores, flags

    def differentiate(self, inputs, targets, weight=None):
        """Return the gradients, the loss, the numbers of items and of examples, and sums of the metrics.

        Args:
            inputs, targets: a batch or a part of one.
            weight: None for the gradients of the mean loss over all items; with a number, those of the sum
                over all items, times this number.
        """
        with computing_in(self._model, self._settings.precision), tf.GradientTape() as tape:
            outputs = _to_float32(self._model(inputs, training=True))
            loss, count = self._objective.loss(outputs, targets), self._objective.count(targets)
            penalty = tf.add_n(self._model.losses) if self._model.losses else 0.0
            total = loss + penalty
            if weight is not None:
                total *= weight * tf.cast(count, total.dtype)
            total = self.loss_scale.scale(total)
        variables = [variable.value for variable in self._model.trainable_variables]
        with computing_in(self._model, self._settings.precision):
            gradients = tape.gradient(total, variables)
        gradients = [tf.convert_to_tensor(g) for g in gradients]  # sums the rows of embeddings once
        metrics = self._objective.batch_metrics(outputs, targets)
        return gradients, loss, count, tf.shape(targets)[0], metrics

    def _apply(self, gradients):
        """Clip by the global norm, apply the optimizer, and update the average, fused by XLA."""
        if self._settings.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self._settings.clip_norm)
        self._optimizer.apply(gradients, self._model.trainable_variables)
        if self._average:
            self._average.update()


def _to_float32(outputs):
    """Cast outputs of lower precision, in which losses would be inexact."""
    return tf.nest.map_structure(
        lambda each: tf.cast(each, tf.float32) if each.dtype.is_floating else each, outputs
    )
