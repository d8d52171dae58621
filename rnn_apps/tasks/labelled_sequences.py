"""Sequences with a label for every step: what the data sets of tagging and frame labelling share."""

from abc import abstractmethod

import numpy as np
import tensorflow as tf

from rnn_apps.data.steps import NO_LABEL, StepBatches, WindowBatches
from rnn_apps.errors import DataError, shown
from rnn_apps.tasks.dataset import Dataset
from rnn_apps.tasks.viewing import LONGEST, ViewExamples, last_of_each, nearest_in_length, rows_of

LABELS_SHOWN = 12


class LabelledSequences(Dataset):
    """Sequences, each with `location` and `labels` and whatever a subclass encodes.

    The entry of a split in `encoded` is (arrays (all steps, ...), lengths (sequences,), labels (all steps,)).

    Attributes:
        evaluation_batch_size: sequences that are scored side by side.
        longest_whole: steps of a sequence that is read in one piece for its score.
    """

    evaluation_batch_size = 64
    longest_whole = 2_000

    @abstractmethod
    def load(self, request):
        """Return the name of the source, and split name to list of sequences.

        Args:
            request: `SplitRequest`.
        """

    @abstractmethod
    def encode_steps(self, sequences):
        """Return what the network takes of all steps of all sequences: a list of arrays (all steps, ...)."""

    @abstractmethod
    def step_names(self, sequence):
        """Return what the record of a sequence calls its steps: a list of str."""

    def count_records(self, sequences):
        """Return how many records of the source these sequences were read from."""
        return len(sequences)

    def read(self, request):
        """Read the sequences."""
        self.invalid = self._new_invalid_records()
        self.source_name, self.splits = self.load(request)

    def learn_labels(self):
        """Return the sorted labels of train.

        Raises:
            DataError: there is only one.
        """
        names = sorted({label for one in self.splits["train"] for label in one.labels})
        if len(names) < 2:
            received = f"train with {shown(names[0])} as its only label"
            raise DataError(self.source_name, received=received, expected="two labels or more")
        return names

    def check(self, *splits):
        """Report sequences with a label that the network cannot give; they are left out."""
        known, shown_names = set(self.class_names), ", ".join(self.class_names[:LABELS_SHOWN])
        expected = shown_names + (", ..." if len(known) > LABELS_SHOWN else "")
        for split in splits:
            kept = [one for one in self.splits[split] if self._has_known_labels(one, known, expected)]
            self.splits[split] = kept
            if not kept:
                raise DataError(self.source_name, f"nothing is left for {split}")
        used = sum(self.count_records(sequences) for sequences in self.splits.values())
        self.invalid.check_fraction(self.source_name, used)

    def _has_known_labels(self, sequence, known, expected):
        step = next((i for i, label in enumerate(sequence.labels) if label not in known), None)
        if step is None:
            return True
        received = shown(sequence.labels[step])
        self.invalid.report(
            f"{sequence.location}, step {step + 1}",
            "a label that train never shows",
            "Fix the label, or give train an example of it.",
            received,
            expected,
            f"unknown label {received}",
        )
        return False

    def encode(self, split):
        """Return arrays of all steps, the length of each sequence, and the label numbers of all steps."""
        index = {name: number for number, name in enumerate(self.class_names)}
        sequences = self.splits[split]
        labels = np.array([index[label] for one in sequences for label in one.labels], np.int32)
        lengths = np.array([len(one.labels) for one in sequences], np.int64)
        return self.encode_steps(sequences), lengths, labels

    def batches(self, split, batch_size, seed=None):
        """Whole sequences of similar length, or in training windows of many sequences side by side."""
        training = self.recipe.training
        if seed is None or training.tbptt is None:
            return StepBatches(*self.encoded[split], batch_size, seed)
        return WindowBatches(*self.encoded[split], batch_size, training.tbptt.steps, seed)

    def describe_example(self, split, number):
        """The name of the sequence, and of its steps."""
        sequence = self.splits[split][number]
        return {"input": sequence.location.rpartition("/")[2], "tokens": self.step_names(sequence)}

    def view_examples(self, predictor):
        """Sequences of the test split."""
        arrays, lengths, labels = self.encoded["test"]
        chosen = nearest_in_length(lengths)
        inputs = [rows_of(array, lengths, chosen) for array in arrays]
        targets = last_of_each(rows_of(labels, lengths, chosen, NO_LABEL), lengths[chosen], NO_LABEL)
        names = [self.step_names(self.splits["test"][n])[:LONGEST] for n in chosen]
        inputs = inputs[0] if len(inputs) == 1 else inputs
        return ViewExamples(predictor.core, inputs, tf.constant(targets), {"recurrent": names})
