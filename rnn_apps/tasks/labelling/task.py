"""What tasks share that give every step of a sequence a label: one output at every step."""

import json
from abc import abstractmethod
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.data.records import BadRecords
from rnn_apps.data.steps import NO_LABEL, StepBatches, WindowBatches
from rnn_apps.disk import sha256_of_texts
from rnn_apps.errors import DataError, shown
from rnn_apps.metrics.classification import classification_metrics
from rnn_apps.metrics.spans import are_span_tags, span_f1
from rnn_apps.models.stepwise import StepReader, stepwise_model, window_model
from rnn_apps.tasks.cell import make_levels, model_errors
from rnn_apps.tasks.task import Monitor, Task
from rnn_apps.tasks.viewing import LONGEST, ViewExamples, last_of_each, nearest_in_length, rows_of

__all__ = ["LabellingTask"]

LABELS_SHOWN = 12


class LabellingTask(Task):
    """A sequence in, a label for every step of it out.

    A subclass reads sequences, each with `place` and `labels` and whatever it encodes.

    Args:
        recipe: `Recipe` whose model is a `LabellingModel`.

    Attributes:
        sequences: part name to list of sequences.
        encoded: part name to (arrays (all steps, ...), lengths (sequences,), labels (all steps,)).
    """

    monitor = Monitor("val_accuracy", higher_is_better=True)

    answers_at_once = 64  # sequences that are scored side by side
    longest_whole = 2_000  # steps of a sequence that is read in one piece for its score

    def __init__(self, recipe):
        super().__init__(recipe)
        self.sequences, self.encoded, self._windows, self._core = {}, {}, None, None

    @abstractmethod
    def load(self, bad, whole, needed):
        """Return the name of the source, and part name to list of sequences."""

    def count_records(self, sequences):
        """Return how many records of the source these sequences are made of."""
        return len(sequences)

    @abstractmethod
    def learn(self, sequences):
        """Learn the preprocessing from the sequences of train."""

    @abstractmethod
    def encode(self, sequences):
        """Return what the network takes of all steps of all sequences: a list of arrays (all steps, ...)."""

    @abstractmethod
    def make_front(self):
        """Return the `keras.Model` that sees every step by itself, as `stepwise_model` takes it."""

    @abstractmethod
    def step_names(self, sequence):
        """Return what the record of a sequence calls its steps: a list of str."""

    @abstractmethod
    def make_labeller(self):
        """Return a `StepLabeller`."""

    @property
    def can_stream(self):
        """Whether a step is answered before the next is seen."""
        return not self.recipe.model.bidirectional

    @property
    def core(self):
        """The network over what `encode` gives; `model`, unless a frozen part stands before it."""
        return self._core or self.model

    @core.setter
    def core(self, network):
        self._core = network

    @property
    def trained(self):
        """The network that carries its states from window to window, or the core itself."""
        return self._windows or self.core

    def make_whole(self, core):
        """Return the network that is saved, from the one that is trained."""
        return core

    def prepare(self):
        """Read the sequences, learn from train, encode every part, make the network."""
        self._load(whole=False, needed="train")
        self.class_names = sorted({label for one in self.sequences["train"] for label in one.labels})
        if len(self.class_names) < 2:
            received = f"train with {shown(self.class_names[0])} as its only label"
            raise DataError(self.source_name, received=received, expected="two labels or more")
        self._refuse_unknown_labels()
        if are_span_tags(self.class_names):
            self.monitor = Monitor("val_span_f1", higher_is_better=True)
        self.learn(self.sequences["train"])
        self._encode()
        self._make_model()

    def prepare_evaluation(self, whole=False):
        """Read the test part anew for a restored network."""
        self._load(whole, needed=None if whole else "train")
        self._refuse_unknown_labels("test")
        self.sequences = {"test": self.sequences["test"]}
        self._encode()

    def _load(self, whole, needed):
        data = self.recipe.data
        self.bad = BadRecords(data.on_bad_record, data.max_bad_records)
        self.source_name, self.sequences = self.load(self.bad, whole, needed)

    def _refuse_unknown_labels(self, *parts):
        """Report sequences with a label that the network cannot give, by default of all splits; they go."""
        known = set(self.class_names)
        names = ", ".join(self.class_names[:LABELS_SHOWN])
        expected = names + (", ..." if len(known) > LABELS_SHOWN else "")
        for part in parts or tuple(self.sequences):
            sequences, kept = self.sequences[part], []
            for one in sequences:
                place = next((i for i, label in enumerate(one.labels) if label not in known), None)
                if place is None:
                    kept.append(one)
                    continue
                where = f"{one.place}, step {place + 1}"
                received = shown(one.labels[place])
                advice = "Mend the label, or give train an example of it."
                counted = f"unknown label {received}"
                self.bad.report(where, "a label that train never shows", advice, received, expected, counted)
            self.sequences[part] = kept
            if not kept:
                raise DataError(self.source_name, f"nothing is left for {part}")
        used = sum(self.count_records(sequences) for sequences in self.sequences.values())
        self.bad.check_fraction(self.source_name, used)

    def _encode(self):
        index = {name: number for number, name in enumerate(self.class_names)}
        for part, sequences in self.sequences.items():
            labels = np.array([index[label] for one in sequences for label in one.labels], np.int32)
            lengths = np.array([len(one.labels) for one in sequences], np.int64)
            self.encoded[part] = (self.encode(sequences), lengths, labels)

    def _make_model(self):
        recipe, model = self.recipe, self.recipe.model
        start = keras.initializers.GlorotUniform(seed=recipe.seed)
        with model_errors(model.cell):
            recurrent = make_levels(recipe, bidirectional=model.bidirectional)
            head = keras.layers.Dense(len(self.class_names), kernel_initializer=start, dtype="float32")
            self.core = stepwise_model(self.make_front(), recurrent, head, model.dropout, recipe.seed)
            self.model = self.make_whole(self.core)
        if recipe.training.tbptt is not None:
            self._windows = window_model(self.core, recipe.training.batch_size)

    def training_batches(self):
        """Whole sequences of similar length, or windows of many side by side."""
        training, seed = self.recipe.training, self.recipe.seed
        if training.tbptt is None:
            return StepBatches(*self.encoded["train"], training.batch_size, seed)
        return WindowBatches(*self.encoded["train"], training.batch_size, training.tbptt.steps, seed)

    def loss(self, outputs, targets):
        """Cross-entropy in nats over the steps that are there, with label smoothing."""
        smoothing = self.recipe.training.label_smoothing
        there, log_p = targets != NO_LABEL, tf.nn.log_softmax(outputs)
        nats = -tf.gather(log_p, tf.maximum(targets, 0), batch_dims=2)
        nats = (1 - smoothing) * nats - smoothing * tf.reduce_mean(log_p, axis=-1)
        return tf.reduce_sum(tf.where(there, nats, 0.0)) / tf.maximum(self._number(there), 1.0)

    def count(self, targets):
        """Steps that are there."""
        return self._number(targets != NO_LABEL)

    def batch_metrics(self, outputs, targets):
        """Right labels."""
        return {"accuracy": self._number(tf.equal(tf.argmax(outputs, -1, tf.int32), targets))}

    @staticmethod
    def _number(there):
        return tf.reduce_sum(tf.cast(there, tf.float32))

    def probabilities(self, part):
        """Return the probabilities of all steps of a part: (all steps, classes)."""
        arrays, lengths, labels = self.encoded[part]
        result = np.zeros((len(labels), len(self.class_names)), np.float32)
        at_once = min(self.answers_at_once, len(lengths))
        if self.can_stream and lengths.max() > self.longest_whole:
            streams = at_once
            batches = WindowBatches(arrays, lengths, labels, streams, self.longest_whole)
            states = self._reader.zero_states(streams)
            for begins, counts, _, ((*inputs, fresh), _) in zip(*batches.plan(), batches.epoch()):
                answers, states = self._read(inputs, fresh, states)
                _put(result, answers.numpy(), begins, counts)
            return result
        batches, begins = StepBatches(arrays, lengths, labels, at_once), np.cumsum(lengths) - lengths
        for (rows, _), (inputs, _) in zip(batches.plan(0), batches.epoch()):
            _put(result, self._answer(inputs).numpy(), begins[rows], lengths[rows])
        return result

    @property
    def _reader(self):
        return StepReader(self.core)

    @cached_property
    def _answer(self):
        def answer(inputs):
            return tf.nn.softmax(self.core(inputs, training=False))

        return tf.function(answer, autograph=False, reduce_retracing=True)

    @cached_property
    def _read(self):
        def read(inputs, fresh, states):
            states = tf.nest.map_structure(lambda state: tf.where(fresh[:, None], 0.0, state), states)
            logits, states = self._reader.read_on(inputs, states)
            return tf.nn.softmax(logits), states

        return tf.function(read, autograph=False)

    def validate(self):
        """Loss and accuracy on validation, and F1 of spans where the labels are such."""
        probabilities, labels = self.probabilities("validation"), self.encoded["validation"][2]
        chosen = np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)
        scores = {
            "loss": float(-np.log(chosen).mean()),
            "accuracy": float((probabilities.argmax(1) == labels).mean()),
            **self._span_scores("validation", probabilities),
        }
        return {f"val_{name}": score for name, score in scores.items()}

    def _span_scores(self, part, probabilities):
        if not are_span_tags(self.class_names):
            return {}
        answers = self._by_sequence(part, [self.class_names[best] for best in probabilities.argmax(1)])
        return span_f1([one.labels for one in self.sequences[part]], answers)

    def _by_sequence(self, part, values):
        ends = np.cumsum(self.encoded[part][1])
        return [values[end - length : end] for end, length in zip(ends, self.encoded[part][1])]

    def evaluate(self, part):
        """Scores over all steps of a part, and one record a sequence."""
        probabilities = self.probabilities(part)
        records = [
            {
                "input": one.place.rpartition("/")[2],
                "tokens": self.step_names(one),
                "labels": list(one.labels),
                **self._readable(row),
            }
            for one, row in zip(self.sequences[part], self._by_sequence(part, probabilities))
        ]
        return self.scores_of(part, probabilities), records

    def _readable(self, rows):
        best = rows.argmax(axis=-1)
        return {
            "predictions": [self.class_names[one] for one in best],
            "scores": [round(float(row[one]), 4) for row, one in zip(rows, best)],
        }

    def scores_of(self, part, probabilities):
        """Return the scores on a part of probabilities (all steps, classes), ours or a baseline's."""
        scores = classification_metrics(self.encoded[part][2], probabilities, self.class_names)
        return {**self._span_scores(part, probabilities), **scores}

    def take_training_split(self, other):
        """Read and encode the sequences of train."""
        other._load(whole=False, needed="train")
        other._refuse_unknown_labels()
        everything, other.sequences = other.sequences, {"train": other.sequences["train"]}
        other._encode()
        self.sequences["train"], self.encoded["train"] = other.sequences["train"], other.encoded["train"]
        other.sequences = everything
        return True

    def describe_data(self):
        """Source and counts."""
        return {
            "source": self.source_name,
            **{part: len(sequences) for part, sequences in self.sequences.items()},
            "skipped": self.skipped,
            "fingerprint": sha256_of_texts(
                f"{part}\n{self.mark(one)}" for part, sequences in self.sequences.items() for one in sequences
            ),
        }

    @abstractmethod
    def mark(self, sequence):
        """Return a text that changes when the sequence does."""

    def save_preprocessing(self, folder):
        """What is learned from train, and the labels."""
        self.encoder.save(folder / "encoder.json")
        (folder / "class_names.json").write_text(json.dumps(self.class_names), encoding="utf-8")

    def restore(self, model, folder):
        """Take a trained network, what it reads with, and its labels."""
        self.model = model
        self.class_names = json.loads((folder / "class_names.json").read_text(encoding="utf-8"))

    @cached_property
    def labeller(self):
        """The `StepLabeller` that answers."""
        return self.make_labeller()

    def demo_facts(self):
        """The labels."""
        return {"class_names": self.class_names}

    def signatures(self):
        """A labeller with `serving_default` and, where nothing looks ahead, `step`, traced anew."""
        labeller = self.make_labeller()
        return labeller, labeller.signatures

    def view_examples(self):
        """Sequences of the test part."""
        arrays, lengths, labels = self.encoded["test"]
        chosen = nearest_in_length(lengths)
        inputs = [rows_of(array, lengths, chosen) for array in arrays]
        targets = last_of_each(rows_of(labels, lengths, chosen, NO_LABEL), lengths[chosen], NO_LABEL)
        names = [self.step_names(self.sequences["test"][n])[:LONGEST] for n in chosen]
        inputs = inputs[0] if len(inputs) == 1 else inputs
        return ViewExamples(self.core, inputs, tf.constant(targets), {"recurrent": names})


def _put(result, answers, begins, counts):
    """Write the first `counts` steps of every row of `answers` where its sequence stands in `result`."""
    for row, begin, count in zip(answers, begins, counts):
        result[begin : begin + count] = row[:count]
