"""Dataset of text classification."""

from typing import ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from rnn_apps.baselines.bag_of_words import bag_of_words_probabilities
from rnn_apps.data.batches import SequenceBatches
from rnn_apps.data.columns import Column
from rnn_apps.data.records import LabelledTexts
from rnn_apps.data.sources import KNOWN_CLASSES, check_classes, open_labelled_texts, open_source
from rnn_apps.data.tokenizer import TextEncoder
from rnn_apps.errors import DataError, shown
from rnn_apps.tasks.dataset import Dataset
from rnn_apps.tasks.preprocessing import Preprocessing
from rnn_apps.tasks.truncation import Truncation
from rnn_apps.tasks.viewing import MAX_STEPS, ViewExamples, nearest_in_length, padded_rows


class TextPreprocessing(Preprocessing):
    """The `TextEncoder` of words (`encoder`), and the class names in the order of the logits."""

    files: ClassVar = {**Preprocessing.files, "encoder": ("", TextEncoder)}  # several files in the folder
    tokenizer = "words in lower case, ! and ? apart, HTML line breaks removed"


class EncodedTexts(NamedTuple):
    """The texts of a split, encoded.

    Attributes:
        ids: int32 word ids of all texts, concatenated.
        lengths: number of words read of each text.
        words: number of words of each text in total.
        labels: class index of each text.
    """

    ids: np.ndarray
    lengths: np.ndarray
    words: np.ndarray
    labels: list


class TextDataset(Dataset):
    """Labelled texts from files, TFDS, or synthetic data."""

    def open(self, request):
        """Open the texts, with the classes of a trained network."""
        data, known = self.recipe.data, self.preprocessing and self.preprocessing.class_names
        source = open_source(self._source(), data.text, data.label, request.required_split)
        reader, self._class_names = open_labelled_texts(
            source, request, self.invalid, data.class_names, known
        )
        return reader

    def collect(self, examples):
        """Return the `LabelledTexts`."""
        return LabelledTexts.of(examples)

    def examples_in_memory(self, split):
        """Text and class index of each example."""
        return zip(self.splits[split].texts, self.splits[split].labels)

    def learn(self):
        """Learn the vocabulary and the classes from train."""
        data, classes = self.recipe.data, set()

        def texts():
            for text, index in self.examples("train"):
                classes.add(index)
                yield text

        encoder = TextEncoder.learn(texts(), data.vocabulary_size, data.max_length, data.keep)
        check_classes(self.source_name, classes, self._class_names)
        return TextPreprocessing(self._class_names, encoder=encoder)

    def encode(self, split):
        """Return the `EncodedTexts`."""
        examples = self.splits[split]
        return EncodedTexts(*self.preprocessing.encoder.encode_all(examples.texts), examples.labels)

    def batches(self, split, batch_size, seed=None):
        """Batches of texts of similar length."""
        ids, lengths, _, labels = self.encoded[split]
        return SequenceBatches(ids, lengths, labels, batch_size, seed, groups=self.shard_groups(split))

    def columns(self, split):
        """Word ids, number of words in total, and class index."""
        ids, lengths, words, labels = self.encoded[split]
        values = {"words": words, "label": labels}
        scalars = {name: Column(np.asarray(array, np.int32)) for name, array in values.items()}
        return {"ids": Column(ids, lengths), **scalars}

    def encoded_rows(self, store):
        """Return the `EncodedTexts`."""
        indices = (store.index_of(name) for name in ("ids", "words", "label"))
        return EncodedTexts(store.rows("ids"), *indices)

    def to_json(self, split, example):
        """Text and class name."""
        text, index = example
        return [text, self.class_names[index]]

    def from_json(self, values):
        """Text and class index.

        Raises:
            DataError: the network does not know the class.
        """
        text, name = values
        if name not in self.class_names:
            received, expected = f"the class {shown(name)}", ", ".join(map(shown, self.class_names))
            raise DataError(self.source_name, received=received, expected=expected, fix=KNOWN_CLASSES)
        return text, self.class_names.index(name)

    def labels(self, split):
        """Return the class index of each text."""
        return self.splits[split].labels

    def baselines(self):
        """A bag-of-words classifier."""
        train, test = self.splits["train"], self.splits["test"]
        classes = len(self.class_names)
        answers = bag_of_words_probabilities(train.texts, train.labels, test.texts, classes)
        return {"bag_of_words": answers}

    def fingerprint(self, split):
        """Label and text."""
        examples = self.splits[split]
        return (f"{label}\t{text}\n" for text, label in zip(examples.texts, examples.labels))

    def settings(self):
        """Tokenizer and vocabulary."""
        vocabulary = self.preprocessing.encoder.vocabulary_size
        return {"tokenizer": self.preprocessing.tokenizer, "vocabulary": vocabulary}

    def truncations(self, split):
        """Texts of more than `data.max_length` words."""
        _, lengths, words, _ = self.encoded[split]
        longer = int((words > lengths).sum())
        return [Truncation(longer, len(words), self.preprocessing.encoder.max_length, "words")]

    def describe_example(self, split, number):
        """The text."""
        return {"text": self.splits[split].texts[number]}

    def raw_example(self, split, number, record):
        """The text."""
        return record["text"]

    def view_examples(self, predictor):
        """Texts of the test split."""
        numbers, lengths, *_ = self.encoded["test"]
        chosen = nearest_in_length(lengths)
        texts, labels = self.splits["test"].texts, self.splits["test"].labels
        raw = tf.constant([texts[n].encode("utf-8", "replace") for n in chosen])
        tokens = self.preprocessing.encoder.tokens(raw)
        words = [[word.decode("utf-8") for word in row[:MAX_STEPS]] for row in tokens.to_list()]
        targets = tf.constant([labels[n] for n in chosen])
        return ViewExamples(predictor.core, padded_rows(numbers, lengths, chosen), targets, {"": words})
