"""Dataset of the language model task: one long sequence of tokens per split."""

from typing import ClassVar

import numpy as np
import tensorflow as tf

from rnn_apps.baselines.ngrams import NGramModel
from rnn_apps.data.columns import Column
from rnn_apps.data.plain_text import StreamBatches
from rnn_apps.data.stored_streams import StoredStreams
from rnn_apps.data.text import PADDING
from rnn_apps.data.text_splits import TextSplits
from rnn_apps.data.tokenizer import Tokenizer
from rnn_apps.errors import UserError
from rnn_apps.tasks.dataset import STORED, Dataset
from rnn_apps.tasks.decoder import learn_vocabulary
from rnn_apps.tasks.preprocessing import Preprocessing
from rnn_apps.tasks.viewing import NUM_EXAMPLES, ViewExamples, keep_last_targets

VIEW_STEPS = 60  # tokens of an example in the views
ORDERS = {"unigram": 1, "five_gram": 5}


class TextPreprocessing(Preprocessing):
    """The `Tokenizer` of the texts (`vocabulary`)."""

    files: ClassVar = {"vocabulary": ("tokenizer.json", Tokenizer)}

    def text(self, tokens):
        """Return the text of token ids, int32 (tokens,)."""
        (text,) = self.vocabulary.decode(tf.constant(tokens[None], tf.int32)).numpy()
        return text.decode("utf-8")


class TextStreams(Dataset):
    """One text per split; `encoded` maps splits to token ids int32 (tokens,)."""

    max_raw_train = 64  # blocks of text

    def open(self, request):
        """Open the texts."""
        unit = "word" if self.recipe.data.unit == "token" else "character"
        return TextSplits(self._source(), request, self.invalid, unit)

    def collect(self, examples):
        """Return the text of blocks."""
        return "".join(examples)

    def examples_in_memory(self, split):
        """The text."""
        return [self.splits[split]]

    def count_records(self, examples):
        """Return the number of lines."""
        return examples.count("\n")

    def to_json(self, split, example):
        """The block."""
        return example

    def from_json(self, values):
        """The block."""
        return values

    def learn(self):
        """Learn the vocabulary from train."""
        data = self.recipe.data
        lines = (line for text in self.examples("train") for line in text.splitlines(keepends=True))
        vocabulary = learn_vocabulary(lines, data.unit, data.vocabulary_size, data.min_count)
        return TextPreprocessing(vocabulary=vocabulary)

    def encode(self, split):
        """Return the token ids."""
        return self.preprocessing.vocabulary.encode(tf.constant([self.splits[split]])).flat_values.numpy()

    def columns(self, split):
        """The token ids, all in one example."""
        tokens = self.encoded[split]
        return {"tokens": Column(tokens, np.array([len(tokens)]))}

    def encoded_rows(self, store):
        """Return the `ShardStore`."""
        return store

    def prepare(self, load_preprocessing):
        """Read and encode the texts.

        Raises:
            UserError: if train has too few tokens for a batch of streams.
        """
        super().prepare(load_preprocessing)
        streams, tokens = self.recipe.training.batch_size, self.count("train")
        if streams > (tokens - 1) // 2:
            received = f"{streams} streams for {tokens:,} tokens of train"
            raise UserError("training.batch_size", received=received, expected=f"at most {(tokens - 1) // 2}")

    def batches(self, split, batch_size, seed=None):
        """Consecutive windows of `batch_size` streams."""
        training, tokens = self.recipe.training, self.encoded[split]
        whole = -(-(self.count("train" if split == STORED else split) - 1) // batch_size)
        steps = training.tbptt.steps if training.tbptt else whole
        if split == STORED:
            groups = self.shard_groups(split)
            per_group = len(tokens) if groups is None else groups.per_group
            return StoredStreams(tokens, "tokens", batch_size, steps, seed, per_group)
        return ResettingBatches(tokens, batch_size, steps, seed)

    def count(self, split):
        """Return the number of tokens."""
        return len(self.encoded[split]) if self._prepared is None else super().count(split)

    def baselines(self):
        """Mean nats per token of a unigram and an interpolated 5-gram model."""
        train, test, size = self.encoded["train"], self.encoded["test"], self.preprocessing.vocabulary.size
        models = {name: NGramModel(order, size).fit(train) for name, order in ORDERS.items()}
        return {name: float(-model.log_probabilities(test)[1:].mean()) for name, model in models.items()}

    def fingerprint(self, split):
        """The text."""
        return [self.splits[split]]

    def settings(self):
        """Unit and vocabulary."""
        return {
            "tokens": self.recipe.data.unit,
            "vocabulary": self.preprocessing.vocabulary.size,
            "scored": "every token of the split except the first, read in one pass",
        }

    def raw_example(self, split, number, record):
        """The prompt."""
        return record["source"]

    def view_examples(self, predictor):
        """Evenly spaced excerpts of the test split."""
        tokens = self.encoded["test"]
        steps = min(VIEW_STEPS, len(tokens) - 1)
        starts = np.linspace(0, len(tokens) - 1 - steps, NUM_EXAMPLES).astype(int)
        rows = np.stack([tokens[start : start + steps + 1] for start in starts])
        texts = self.preprocessing.vocabulary.decode(rows[:, :-1].reshape(-1, 1)).numpy()
        texts = texts.reshape(len(rows), steps)
        names = [[token.decode("utf-8", "replace").replace("\n", "⏎") for token in row] for row in texts]
        targets = keep_last_targets(rows[:, 1:], np.full(len(rows), steps), PADDING)
        return ViewExamples(predictor.model, rows[:, :-1], tf.constant(targets), {"": names})


class ResettingBatches(StreamBatches):
    """Stream batches with a flag for rows that start a text: all rows in the first window of an epoch."""

    def epoch(self, epoch=0, start=0):
        """Return a `tf.data.Dataset` of ((tokens, resets), targets)."""

        @tf.autograph.experimental.do_not_convert
        def with_resets(number, window):
            tokens, targets = (tf.ensure_shape(tensor, [self.streams, None]) for tensor in window)
            return (tokens, tf.fill([self.streams], number == 0)), targets

        return super().epoch(epoch, start).enumerate(start).map(with_resets)
