"""Base class of datasets with a label for every step: tagging and frame labelling."""

import logging
from abc import abstractmethod

import numpy as np
import tensorflow as tf

from rnn_apps.data.columns import Column
from rnn_apps.data.steps import NO_LABEL, StepBatches, WindowBatches
from rnn_apps.errors import DataError, shown
from rnn_apps.tasks.dataset import STORED, Dataset
from rnn_apps.tasks.viewing import MAX_STEPS, ViewExamples, keep_last_targets, nearest_in_length, padded_rows

LABELS_SHOWN = 12
_log = logging.getLogger(__name__)


class LabelledSequences(Dataset):
    """Sequences, each with a `location`, `labels`, and data that a subclass encodes.

    `encoded` maps splits to (arrays (all steps, ...), lengths (sequences,), labels (all steps,)).

    Attributes:
        evaluation_batch_size: batch size of evaluation.
        longest_whole: longest sequence that is evaluated in one piece, in steps.
    """

    evaluation_batch_size = 64
    longest_whole = 2_000

    @abstractmethod
    def encode_steps(self, sequences):
        """Return the network's inputs for all steps of all sequences, a list of arrays (all steps, ...)."""

    @abstractmethod
    def step_names(self, sequence):
        """Return the names of the steps of a sequence, a list of str."""

    def learn_labels(self):
        """Return the sorted labels of train.

        Raises:
            DataError: if there is only one label.
        """
        names = sorted({label for one in self.examples("train") for label in one.labels})
        if len(names) < 2:
            received = f"train with {shown(names[0])} as its only label"
            raise DataError(self.source_name, received=received, expected="two labels or more")
        return names

    def check(self, *splits):
        """Report and remove sequences with a label that is not in train."""
        for split in splits:
            self.splits[split] = self.drop_unusable(split, self.splits[split])
            if not self.splits[split]:
                raise DataError(self.source_name, f"no sequence is left for {split}")
        used = sum(self.count_records(sequences) for sequences in self.splits.values())
        self.invalid.check_fraction(self.source_name, used)

    def drop_unusable(self, split, examples):
        """Report sequences with a label that is not in train, and return the others."""
        known, shown_names = set(self.class_names), ", ".join(self.class_names[:LABELS_SHOWN])
        expected = shown_names + (", ..." if len(known) > LABELS_SHOWN else "")
        return [one for one in examples if self._has_known_labels(one, known, expected)]

    def _has_known_labels(self, sequence, known, expected):
        step = next((i for i, label in enumerate(sequence.labels) if label not in known), None)
        if step is None:
            return True
        received = shown(sequence.labels[step])
        self.invalid.report(
            f"{sequence.location}, step {step + 1}",
            "a label that is not in train",
            "Fix the label, or add an example of it to train.",
            received,
            expected,
            f"unknown label {received}",
        )
        return False

    def encode(self, split):
        """Return arrays of all steps, the length of each sequence, and the class indices of all steps."""
        index = {name: number for number, name in enumerate(self.class_names)}
        sequences = self.splits[split]
        labels = np.array([index[label] for one in sequences for label in one.labels], np.int32)
        lengths = np.array([len(one.labels) for one in sequences], np.int64)
        return self.encode_steps(sequences), lengths, labels

    def batches(self, split, batch_size, seed=None):
        """Batches of whole sequences, or for truncated backpropagation of windows of parallel sequences."""
        training, encoded = self.recipe.training, self.encoded[split]
        if seed is None or training.tbptt is None:
            return StepBatches(*encoded, batch_size, seed, groups=self.shard_groups(split))
        if split == STORED:
            _log.info("training.tbptt reads all training sequences into memory")
            rows, lengths, labels = encoded
            encoded = [one.load() for one in rows], lengths, labels.load()
        return WindowBatches(*encoded, batch_size, training.tbptt.steps, seed)

    def columns(self, split):
        """The network's inputs, ``input_0`` and so on, and the class indices."""
        arrays, lengths, labels = self.encoded[split]
        inputs = {f"input_{number}": Column(array, lengths) for number, array in enumerate(arrays)}
        return {**inputs, "labels": Column(labels, lengths)}

    def encoded_rows(self, store):
        """Return rows of the network's inputs, the length of each sequence, and rows of the labels."""
        *inputs, labels = map(store.rows, store.names)
        return inputs, store.index_of("labels").astype(np.int64), labels

    def describe_example(self, split, number):
        """The names of the sequence and of its steps."""
        sequence = self.splits[split][number]
        return {"input": sequence.location.rpartition("/")[2], "tokens": self.step_names(sequence)}

    def view_examples(self, predictor):
        """Sequences of the test split."""
        arrays, lengths, labels = self.encoded["test"]
        chosen = nearest_in_length(lengths)
        inputs = [padded_rows(array, lengths, chosen) for array in arrays]
        targets = keep_last_targets(padded_rows(labels, lengths, chosen, NO_LABEL), lengths[chosen], NO_LABEL)
        names = [self.step_names(self.splits["test"][n])[:MAX_STEPS] for n in chosen]
        inputs = inputs[0] if len(inputs) == 1 else inputs
        return ViewExamples(predictor.core, inputs, tf.constant(targets), {"recurrent": names})
