"""Translation: many-to-many, a sentence in and its translation out."""

import numpy as np
import tensorflow as tf
from sacrebleu.metrics import CHRF

from rnn_apps.data.records import BadRecords
from rnn_apps.data.text import PADDING, flat_numbers
from rnn_apps.data.translation_sources import load_pairs
from rnn_apps.data.written_text import END, FIRST_TOKEN, WrittenText
from rnn_apps.metrics.generation import corpus_bleu_scores
from rnn_apps.models.encoder_decoder import encoder_decoder, text_reader
from rnn_apps.tasks.cell import resolve_cell
from rnn_apps.tasks.task import Monitor, Truncation, read_of
from rnn_apps.tasks.writing.decoder import learned, make_decoder
from rnn_apps.tasks.writing.task import WritingTask

__all__ = ["TranslationTask"]

STEP_OF_LENGTHS = 8  # sources are padded to multiples of it, so that few shapes are compiled


class TranslationTask(WritingTask):
    """A sentence in, its translation out; see `TranslationSettings` for the recipe.

    Args:
        recipe: `Recipe` of the task ``translation``.

    Attributes:
        read: `WrittenText` of the source language.
    """

    reads_text = True
    monitor = Monitor("val_bleu", higher_is_better=True)
    baselines_learn = False

    def __init__(self, recipe):
        super().__init__(recipe)
        self.read, self.sources, self.signatures_of_scores = None, {}, None
        self._longer = {}

    def prepare(self):
        """Read the pairs, learn both vocabularies from train, make the network."""
        self._load()
        data, train = self.recipe.data, self.splits["train"]
        self.read = learned(train.sources, data.unit, data.vocabulary_size)
        self.written = learned(train.targets, data.unit, data.vocabulary_size)
        self._encode()
        self.model = self.network = self._network()

    def prepare_evaluation(self, whole=False):
        """Read the test part anew for a restored network."""
        self._load(whole)
        self.splits = {"test": self.splits["test"]}
        self._encode()

    def _load(self, whole=False):
        data = self.recipe.data
        self.bad = BadRecords(data.on_bad_record, data.max_bad_records)
        languages = (data.source_language, data.target_language)
        self.source_name, self.splits = load_pairs(
            data.source,
            data.path,
            languages,
            data.sample_size,
            self.recipe.seed,
            self.bad,
            data.validation_fraction,
            data.max_examples,
            whole,
            data.named_files,
        )
        self.bad.check_fraction(self.source_name, sum(map(len, self.splits.values())))

    def _encode(self):
        for part, pairs in self.splits.items():
            self.refer(part, [[target] for target in pairs.targets])
            numbers, lengths, tokens = flat_numbers(pairs.sources, self._source_numbers)
            self.sources[part] = tf.RaggedTensor.from_row_lengths(numbers, lengths)
            self._longer[part] = int((tokens > self.recipe.data.max_length).sum())

    def _source_numbers(self, texts):
        """Strings (batch,) to ragged token numbers, each sentence cut and ended, and its length before."""
        tokens = self.read.numbers(texts)
        numbers = tokens[:, : self.recipe.data.max_length]
        ended = tf.concat([numbers, tf.fill([numbers.nrows(), 1], END)], axis=1)
        return ended, tokens.row_lengths()

    def truncations(self, part):
        """Sources and references of more than `data.max_length` tokens."""
        counts = (self._longer[part], len(self.splits[part]), self.recipe.data.max_length)
        return [Truncation(*counts, "tokens", "sources"), *super().truncations(part)]

    def _make_reader(self):
        model = self.recipe.model
        return text_reader(
            self.read.size,
            model.embedding,
            model.dropout,
            model.level_dropout,
            self.recipe.seed,
            units=tuple(model.encoder_units),
            cell=resolve_cell(model.cell),
            recurrent_dropout=model.recurrent_dropout,
            compile=self.recipe.training.compile,
            recompute_every=self.recipe.training.recompute_every,
        )

    def _network(self):
        decoder = make_decoder(self.recipe, self.written.size, self.recipe.model.attention)
        return encoder_decoder(self._make_reader(), decoder)

    def num_inputs(self, part):
        """Pairs."""
        return len(self.splits[part])

    def given(self, part, numbers):
        """Token numbers of these sources, padded."""
        return _padded(tf.gather(self.sources[part], numbers))

    def input_batch(self, part):
        """Token numbers of the sources."""
        sources = self.sources[part]
        return lambda numbers, epoch: _padded(tf.gather(sources, numbers))

    def reference_texts(self, part):
        """The translations as they are written."""
        return [[target] for target in self.splits[part].targets]

    def about(self, part, number):
        """Place and source."""
        return {"input": f"{part}:{number + 1}", "source": self.splits[part].sources[number]}

    def scores(self, answers, references):
        """BLEU of one to four tokens and chrF of plain text, as sacrebleu gives them; chrF of each."""
        scores = corpus_bleu_scores(answers, references)
        self.signatures_of_scores = scores.pop("signatures")
        chrf = CHRF()
        each = [chrf.sentence_score(answer, texts).score for answer, texts in zip(answers, references)]
        return scores, {"chrf": np.array(each)}

    def baselines(self):
        """The source itself, which shares names and numbers with its translation."""
        return {
            "copy_of_the_source": self.scores(self.splits["test"].sources, self.reference_texts("test"))[0]
        }

    def describe_data(self):
        """Source and counts."""
        return {
            "source": self.source_name,
            **{part: len(pairs) for part, pairs in self.splits.items()},
            "skipped": self.skipped,
            "fingerprint": self.fingerprint(lambda part: self.splits[part].sources),
        }

    def settings(self):
        """What has to be known to compare scores."""
        data = self.recipe.data
        about = {"languages": f"{data.source_language} to {data.target_language}", "tokens": data.unit}
        return {
            **about,
            "vocabulary_read": self.read.size,
            **super().settings(),
            **(self.signatures_of_scores or {}),
        }

    def save_preprocessing(self, folder):
        """Both vocabularies."""
        super().save_preprocessing(folder)
        self.read.save(folder / "read.json")

    def restore(self, model, folder):
        """Take a trained network and its vocabularies."""
        super().restore(model, folder)
        self.read = WrittenText.load(folder / "read.json")

    def read_steps(self, part, number):
        """The tokens of the source."""
        tokens = self.sources[part][number]
        return [word.decode("utf-8") or "(end)" for word in self.read.texts(tokens[:, None]).numpy()]

    def illustrate(self, part, number):
        """Where the network looked at each token."""
        looked = self.attention_of(self.given(part, [number]))
        if looked is None:
            return {}, {}
        words = self.read_steps(part, number)
        weights = [row[: len(words)] for row in looked["weights"]]  # the rest is padding
        return {"attention": {**looked, "weights": weights, "sources": words}}, {}

    def raw(self, inputs):
        """The texts."""
        return tf.constant([text.encode("utf-8", "replace") for text in inputs])

    def writer(self):
        """From texts to their translations."""

        def read_raw(texts):
            return self._source_numbers(texts)[0].to_tensor()

        def lengths(texts):
            tokens = tf.cast(self._source_numbers(texts)[1], tf.int32)
            return {"tokens": tokens, "tokens_read": tf.minimum(tokens, self.recipe.data.max_length)}

        def places(texts):
            return self.read.texts(read_raw(texts)[:, :, None])

        spec = tf.TensorSpec([None], tf.string, name="text")
        writer = self.writer_of(read_raw, spec, places, lengths)
        writer.read_table = self.read  # tf.saved_model finds its table there
        return writer

    def notes_on(self, answer):
        """What was read of a source that is too long."""
        pairs = zip(answer["tokens_read"].numpy(), answer["tokens"].numpy())
        return [read_of(read, tokens, "tokens") for read, tokens in pairs]

    def number_examples(self, batch, steps, seed):
        """Random tokens, rows of different lengths."""
        rng = np.random.default_rng(seed)
        numbers = rng.integers(FIRST_TOKEN, self.read.size, (batch, steps))
        real = np.arange(steps) < rng.integers(1, steps + 1, (batch, 1))
        return np.where(real, numbers, PADDING).astype("int32")

    @property
    def fixed_steps(self):
        """Tokens of a source, its end counted."""
        return self.recipe.data.max_length + 1

    most_steps = fixed_steps

    def client_facts(self):
        """How a text is written, and how long a source may be."""
        return {**super().client_facts(), "longest": self.recipe.data.max_length}

    def demo_facts(self):
        """The languages."""
        data = self.recipe.data
        return {**super().demo_facts(), "languages": [data.source_language, data.target_language]}

    def raw_example(self, part, number, record):
        """The source."""
        return record["source"]

    def export_examples(self):
        """The empty text, a short one, and one of many tokens."""
        return tf.constant(["", "a man", " ".join(self.read.tokens[300:320]) or "a", "ÄÖ 😀"])


def _padded(ragged):
    """Ragged int32 (batch, steps) to dense, padded to a multiple of `STEP_OF_LENGTHS`."""
    longest = tf.maximum(ragged.bounding_shape()[1], 1)
    steps = -(-longest // STEP_OF_LENGTHS) * STEP_OF_LENGTHS
    return ragged.to_tensor(0, shape=tf.stack([-1, steps]))
