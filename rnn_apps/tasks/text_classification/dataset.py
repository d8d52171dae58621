"""Dataset of text classification."""

from typing import ClassVar

import tensorflow as tf

from rnn_apps.baselines.bag_of_words import bag_of_words_probabilities
from rnn_apps.data.batches import SequenceBatches
from rnn_apps.data.records import LabelledTexts
from rnn_apps.data.sources import check_classes, open_labelled_texts, open_source
from rnn_apps.data.tokenizer import TextEncoder
from rnn_apps.tasks.dataset import Dataset, Truncation
from rnn_apps.tasks.preprocessing import Preprocessing
from rnn_apps.tasks.viewing import MAX_STEPS, ViewExamples, nearest_in_length, padded_rows


class TextPreprocessing(Preprocessing):
    """The `TextEncoder` of words (`encoder`), and the class names in the order of the logits."""

    files: ClassVar = {**Preprocessing.files, "encoder": ("", TextEncoder)}  # several files in the folder
    tokenizer = "words in lower case, ! and ? apart, HTML line breaks removed"


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

    def examples(self, split):
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
        """Return the word ids of all texts, concatenated, the number of words read of each, and in total."""
        return self.preprocessing.encoder.encode_all(self.splits[split].texts)

    def batches(self, split, batch_size, seed=None):
        """Batches of texts of similar length."""
        numbers, lengths, _ = self.encoded[split]
        return SequenceBatches(numbers, lengths, self.splits[split].labels, batch_size, seed)

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
        _, lengths, words = self.encoded[split]
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
        numbers, lengths, _ = self.encoded["test"]
        chosen = nearest_in_length(lengths)
        texts, labels = self.splits["test"].texts, self.splits["test"].labels
        raw = tf.constant([texts[n].encode("utf-8", "replace") for n in chosen])
        tokens = self.preprocessing.encoder.tokens(raw)
        words = [[word.decode("utf-8") for word in row[:MAX_STEPS]] for row in tokens.to_list()]
        targets = tf.constant([labels[n] for n in chosen])
        return ViewExamples(predictor.core, padded_rows(numbers, lengths, chosen), targets, {"": words})
