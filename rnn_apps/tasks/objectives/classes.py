"""Objectives of classification: one class per sequence, or one per step."""

from functools import cached_property

import numpy as np
import tensorflow as tf

from rnn_apps.baselines.majority import majority_probabilities
from rnn_apps.data.steps import NO_LABEL, StepBatches, WindowBatches
from rnn_apps.metrics.classification import classification_metrics
from rnn_apps.metrics.spans import are_span_tags, span_f1
from rnn_apps.models.per_step import PerStepNetwork
from rnn_apps.tasks.objectives.objective import Monitor, Objective
from rnn_apps.tasks.predictor import call_network, input_specs

SMALLEST_PROBABILITY = 1e-7
EVALUATION_BATCH_SIZE = 256


def readable_classes(probabilities, class_names, digits=6):
    """Return lists of the most probable class of each row, and of its probability."""
    best = probabilities.argmax(axis=-1)
    scores = [round(float(row[index]), digits) for row, index in zip(probabilities, best)]
    return [class_names[index] for index in best], scores


def _loss_and_accuracy(probabilities, labels):
    chosen = np.clip(probabilities[np.arange(len(labels)), labels], SMALLEST_PROBABILITY, 1)
    accuracy = float((probabilities.argmax(1) == labels).mean())
    return {"val_loss": float(-np.log(chosen).mean()), "val_accuracy": accuracy}


class ClassObjective(Objective):
    """One class per sequence: cross-entropy, and scores of a classification.

    The model returns logits (batch, classes). The dataset must have a method `labels(split)`, and its batches
    a method `plan(epoch)` that returns the examples in each batch.
    """

    record_kind = "classes"
    monitor = Monitor("val_accuracy", higher_is_better=True)

    def loss(self, outputs, targets):
        """Cross-entropy in nats, with label smoothing."""
        smoothing, classes = self.recipe.training.label_smoothing, outputs.shape[-1]
        one_hot = tf.one_hot(targets, classes) * (1 - smoothing) + smoothing / classes
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(one_hot, outputs))

    def batch_metrics(self, outputs, targets):
        """Number of correct answers."""
        correct = tf.equal(tf.argmax(outputs, -1, tf.int32), targets)
        return {"accuracy": tf.reduce_sum(tf.cast(correct, tf.float32))}

    @cached_property
    def _probabilities(self):
        model = self.predictor.core

        def probabilities(*inputs):
            return tf.nn.softmax(call_network(model, inputs))

        specs = list(input_specs(model).values())
        return tf.function(probabilities, input_signature=specs, autograph=False)

    def probabilities(self, split):
        """Return the class probabilities of a split, (examples, classes), in the order of the data."""
        batches = self.dataset.batches(split, EVALUATION_BATCH_SIZE)
        result = np.zeros((batches.num_examples, len(self.dataset.class_names)), np.float32)
        for (indices, _), (inputs, _) in zip(batches.plan(0), batches.epoch(0)):
            inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
            result[indices] = self._probabilities(*inputs).numpy()
        return result

    def validate(self):
        """Loss and accuracy."""
        return _loss_and_accuracy(
            self.probabilities("validation"), np.asarray(self.dataset.labels("validation"))
        )

    def evaluate(self, split):
        """Classification scores, and one record per example."""
        dataset, names, probabilities = self.dataset, self.dataset.class_names, self.probabilities(split)
        labels = dataset.labels(split)
        records = [
            {
                **dataset.describe_example(split, number),
                "label": names[labels[number]],
                "prediction": prediction,
                "score": score,
                "probabilities": [round(float(p), 6) for p in row],
            }
            for number, (prediction, score, row) in enumerate(
                zip(*readable_classes(probabilities, names), probabilities)
            )
        ]
        return classification_metrics(labels, probabilities, names), records

    def baselines(self):
        """The most frequent class, and the baselines of the dataset, whose answers are probabilities."""
        names, test = self.dataset.class_names, self.dataset.labels("test")
        majority = majority_probabilities(self.dataset.labels("train"), len(test), len(names))
        answers = {"majority": majority, **self.dataset.baselines()}
        return {name: classification_metrics(test, answer, names) for name, answer in answers.items()}


class StepClassObjective(Objective):
    """One class per step: cross-entropy over the valid steps, accuracy, and span F1.

    The core network returns logits (batch, steps, classes). The dataset is a `LabelledSequences`.
    """

    record_kind = "step_classes"

    def __init__(self, recipe, dataset, predictor):
        super().__init__(recipe, dataset, predictor)
        self._has_spans = are_span_tags(dataset.class_names)
        self.monitor = Monitor("val_span_f1" if self._has_spans else "val_accuracy", higher_is_better=True)

    def loss(self, outputs, targets):
        """Cross-entropy in nats over the valid steps, with label smoothing."""
        smoothing = self.recipe.training.label_smoothing
        valid, log_p = targets != NO_LABEL, tf.nn.log_softmax(outputs)
        nats = -tf.gather(log_p, tf.maximum(targets, 0), batch_dims=2)
        nats = (1 - smoothing) * nats - smoothing * tf.reduce_mean(log_p, axis=-1)
        return tf.reduce_sum(tf.where(valid, nats, 0.0)) / tf.maximum(_number(valid), 1.0)

    def count(self, targets):
        """Number of valid steps."""
        return _number(targets != NO_LABEL)

    def batch_metrics(self, outputs, targets):
        """Number of correct labels."""
        return {"accuracy": _number(tf.equal(tf.argmax(outputs, -1, tf.int32), targets))}

    def probabilities(self, split):
        """Return the class probabilities of all steps of a split, (all steps, classes).

        A network that reads forward only reads long sequences in windows, and carries its states over.
        """
        dataset = self.dataset
        arrays, lengths, labels = dataset.encoded[split]
        result = np.zeros((len(labels), len(dataset.class_names)), np.float32)
        batch_size, longest = min(dataset.evaluation_batch_size, len(lengths)), dataset.longest_whole
        if self.predictor.can_stream and lengths.max() > longest:
            batches = WindowBatches(arrays, lengths, labels, batch_size, longest)
            states = PerStepNetwork(self.predictor.core).zero_states(batch_size)
            for starts, counts, _, ((*inputs, resets), _) in zip(*batches.plan(), batches.epoch()):
                window, states = self._window_probabilities(inputs, resets, states)
                _scatter(result, window.numpy(), starts, counts)
            return result
        batches, starts = StepBatches(arrays, lengths, labels, batch_size), np.cumsum(lengths) - lengths
        for (rows, _), (inputs, _) in zip(batches.plan(0), batches.epoch()):
            _scatter(result, self._whole_probabilities(inputs).numpy(), starts[rows], lengths[rows])
        return result

    @cached_property
    def _whole_probabilities(self):
        core = self.predictor.core

        def probabilities(inputs):
            return tf.nn.softmax(core(inputs, training=False))

        return tf.function(probabilities, autograph=False, reduce_retracing=True)

    @cached_property
    def _window_probabilities(self):
        network = PerStepNetwork(self.predictor.core)

        def probabilities(inputs, resets, states):
            states = tf.nest.map_structure(lambda state: tf.where(resets[:, None], 0.0, state), states)
            logits, states = network.forward_from_state(inputs, states)
            return tf.nn.softmax(logits), states

        return tf.function(probabilities, autograph=False)

    def validate(self):
        """Loss and accuracy, and span F1 if the labels are span tags."""
        probabilities = self.probabilities("validation")
        scores = _loss_and_accuracy(probabilities, self.dataset.encoded["validation"][2])
        spans = self._span_scores("validation", probabilities)
        return scores | {f"val_{name}": score for name, score in spans.items()}

    def _span_scores(self, split, probabilities):
        if not self._has_spans:
            return {}
        names = self.dataset.class_names
        answers = self._by_sequence(split, [names[best] for best in probabilities.argmax(1)])
        return span_f1([sequence.labels for sequence in self.dataset.splits[split]], answers)

    def _by_sequence(self, split, values):
        _, lengths, _ = self.dataset.encoded[split]
        return [values[end - length : end] for end, length in zip(np.cumsum(lengths), lengths)]

    def evaluate(self, split):
        """Scores over all steps, and one record per sequence."""
        probabilities, records = self.probabilities(split), []
        for number, rows in enumerate(self._by_sequence(split, probabilities)):
            predictions, scores = readable_classes(rows, self.dataset.class_names, digits=4)
            records.append(
                {
                    **self.dataset.describe_example(split, number),
                    "labels": list(self.dataset.splits[split][number].labels),
                    "predictions": predictions,
                    "scores": scores,
                }
            )
        return self._scores(split, probabilities), records

    def _scores(self, split, probabilities):
        scores = classification_metrics(
            self.dataset.encoded[split][2], probabilities, self.dataset.class_names
        )
        return {**self._span_scores(split, probabilities), **scores}

    def baselines(self):
        """The most frequent label, and the baselines of the dataset, whose answers are probabilities."""
        train, test = (self.dataset.encoded[split][2] for split in ("train", "test"))
        majority = majority_probabilities(train, len(test), len(self.dataset.class_names))
        answers = {"majority": majority, **self.dataset.baselines()}
        return {name: self._scores("test", answer) for name, answer in answers.items()}


def _number(condition):
    return tf.reduce_sum(tf.cast(condition, tf.float32))


def _scatter(result, rows, starts, counts):
    """Copy the first `counts` steps of every row to `result`, beginning at `starts`."""
    for row, start, count in zip(rows, starts, counts):
        result[start : start + count] = row[:count]
