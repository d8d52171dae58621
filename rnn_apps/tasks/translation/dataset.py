"""Dataset of the translation task."""

from typing import ClassVar

import numpy as np
import tensorflow as tf

from rnn_apps.data.columns import Column, as_rows
from rnn_apps.data.parallel import Pairs, open_pairs
from rnn_apps.data.text import encode_flat
from rnn_apps.data.tokenizer import END, Tokenizer
from rnn_apps.tasks.decoder import learn_vocabulary
from rnn_apps.tasks.generation import GenerationDataset
from rnn_apps.tasks.preprocessing import Preprocessing
from rnn_apps.tasks.references import References
from rnn_apps.tasks.truncation import Truncation

MULTIPLE_OF_STEPS = 8  # sources are padded to a multiple, so that few shapes are compiled


class TranslationPreprocessing(Preprocessing):
    """The `Tokenizer` of the source language (`source_vocabulary`), and of the target language."""

    files: ClassVar = {
        "source_vocabulary": ("source_tokenizer.json", Tokenizer),
        "vocabulary": ("tokenizer.json", Tokenizer),
    }

    def source_numbers(self, texts, max_length):
        """Encode sources.

        Args:
            texts: strings (batch,).
            max_length: maximum number of tokens.

        Returns:
            Ragged int32 (batch, steps), truncated and with end tokens, and the lengths before truncation.
        """
        tokens = self.source_vocabulary.encode(texts)
        numbers = tokens[:, :max_length]
        return tf.concat([numbers, tf.fill([numbers.nrows(), 1], END)], axis=1), tokens.row_lengths()


class SentencePairs(GenerationDataset):
    """Sentence pairs from files, TFDS, or synthetic data."""

    def open(self, request):
        """Open the pairs."""
        data = self.recipe.data
        languages = (data.source_language, data.target_language)
        return open_pairs(
            self._source(), request, self.invalid, languages, data.max_examples, data.named_files
        )

    def collect(self, examples):
        """Return the `Pairs`."""
        return Pairs.of(examples)

    def examples_in_memory(self, split):
        """Source and target of each pair."""
        return zip(self.splits[split].sources, self.splits[split].targets)

    def learn(self):
        """Learn the vocabularies from train."""
        data = self.recipe.data
        source, target = (
            learn_vocabulary((pair[side] for pair in self.examples("train")), data.unit, data.vocabulary_size)
            for side in (0, 1)
        )
        return TranslationPreprocessing(source_vocabulary=source, vocabulary=target)

    def encode(self, split):
        """Return the `References`."""
        pairs, limit = self.splits[split], self.recipe.data.max_length
        numbers, lengths, tokens = encode_flat(
            pairs.sources, lambda texts: self.preprocessing.source_numbers(texts, limit)
        )
        longer = Truncation(int((tokens > limit).sum()), len(pairs), limit, "tokens", "sources")
        references = self.encode_references(self.reference_texts(split))
        return references._replace(
            truncations=[longer, *references.truncations], sources=Column(numbers, lengths)
        )

    def network_inputs(self, split, numbers):
        """Return the token ids of these sources, padded to a multiple of `MULTIPLE_OF_STEPS`."""
        sources, lengths = self.encoded[split].sources
        longest = tf.maximum(tf.reduce_max(tf.gather(lengths, numbers)), 1)
        steps = -(-longest // MULTIPLE_OF_STEPS) * MULTIPLE_OF_STEPS
        return as_rows(sources, lengths).padded(numbers, tf.cast(steps, tf.int64))

    def columns(self, split):
        """Token ids of source and target, each with its end."""
        encoded = self.encoded[split]
        return {"source": encoded.sources, "target": Column(encoded.numbers, encoded.lengths)}

    def encoded_rows(self, store):
        """Return the `References`."""
        sources, targets = (Column(store.rows(name), store.index_of(name)) for name in ("source", "target"))
        return References(*targets, np.arange(len(store)), [], sources)

    def reference_texts(self, split):
        """Return the translations as they are in the data."""
        return [[target] for target in self.splits[split].targets]

    def baselines(self):
        """The source itself, which often shares names and numbers with its translation."""
        return {"copy_of_the_source": self.splits["test"].sources}

    def fingerprint(self, split):
        """Source and translation."""
        pairs = self.splits[split]
        return (f"{source}\t{target}\n" for source, target in zip(pairs.sources, pairs.targets))

    def settings(self):
        """Languages, unit and vocabulary."""
        data = self.recipe.data
        return {
            "languages": f"{data.source_language} to {data.target_language}",
            "tokens": data.unit,
            "vocabulary_read": self.preprocessing.source_vocabulary.size,
        }

    def describe_example(self, split, number):
        """The index of the example, and the source."""
        return {**super().describe_example(split, number), "source": self.splits[split].sources[number]}

    def raw_example(self, split, number, record):
        """The source."""
        return record["source"]

    def input_steps(self, split, number):
        """The tokens of the source."""
        ids, lengths = self.encoded[split].sources
        stop = int(np.sum(lengths[: number + 1]))
        texts = self.preprocessing.source_vocabulary.decode(ids[stop - lengths[number] : stop, None])
        return [word.decode("utf-8") or "(end)" for word in texts.numpy()]
