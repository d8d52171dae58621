"""Objective and predictor of the translation task."""

import numpy as np
import tensorflow as tf
from sacrebleu.metrics import CHRF

from rnn_apps.data.text import PADDING
from rnn_apps.data.tokenizer import FIRST_TOKEN
from rnn_apps.metrics.generation import corpus_bleu_scores
from rnn_apps.tasks.generation import GenerationPredictor
from rnn_apps.tasks.objectives.objective import Monitor
from rnn_apps.tasks.objectives.tokens import GenerationObjective
from rnn_apps.tasks.predictor import truncation_note


def translation_scores(answers, references):
    """Return BLEU and chrF of plain text, as sacrebleu computes them, and its signatures."""
    scores = corpus_bleu_scores(answers, references)
    return scores, scores.pop("signatures")


class TranslationObjective(GenerationObjective):
    """BLEU and chrF of plain text, as sacrebleu computes them."""

    monitor = Monitor("val_bleu", higher_is_better=True)
    baselines_learn = False

    def text_scores(self, answers, references):
        """BLEU and chrF of all texts, and chrF of each text."""
        scores, self.text_settings = translation_scores(answers, references)
        chrf = CHRF()
        each = [chrf.sentence_score(answer, texts).score for answer, texts in zip(answers, references)]
        return scores, {"chrf": np.array(each)}


class TranslationPredictor(GenerationPredictor):
    """Translates texts."""

    reads_text = True
    raw_spec = tf.TensorSpec([None], tf.string, name="text")

    @property
    def _max_length(self):
        return self.recipe.data.max_length

    @property
    def _sources(self):
        return self.preprocessing.source_vocabulary

    def raw_tensor(self, inputs):
        """Return the texts."""
        return tf.constant([text.encode("utf-8", "replace") for text in inputs])

    def read_raw(self, raw):
        """Encode texts."""
        return self.preprocessing.source_numbers(raw, self._max_length)[0].to_tensor()

    @property
    def tables(self):
        """The `Tokenizer` of both languages."""
        return [self.vocabulary, self._sources]

    def sources_of(self, raw):
        """The tokens of the sources."""
        return {"sources": self._sources.decode(self.read_raw(raw)[:, :, None])}

    def lengths_of(self, raw):
        """The number of source tokens, and how many of them are read."""
        tokens = tf.cast(self.preprocessing.source_numbers(raw, self._max_length)[1], tf.int32)
        return {"tokens": tokens, "tokens_read": tf.minimum(tokens, self._max_length)}

    def notes_on(self, answer):
        """Notes on truncated sources."""
        pairs = zip(answer["tokens_read"].numpy(), answer["tokens"].numpy())
        return [truncation_note(read, tokens, "tokens") for read, tokens in pairs]

    def illustrate(self, dataset, split, number):
        """The attention weights of each token."""
        attention = self.attention_of(dataset.network_inputs(split, [number]))
        if attention is None:
            return {}, {}
        words = dataset.input_steps(split, number)
        weights = [row[: len(words)] for row in attention["weights"]]  # the rest is padding
        return {"attention": {**attention, "weights": weights, "sources": words}}, {}

    def network_parts(self):
        """Return the encoder, and one decoding step."""
        size = self._sources.size

        def tokens(batch, steps, seed):
            rng = np.random.default_rng(seed)
            numbers = rng.integers(FIRST_TOKEN, size, (batch, steps))
            valid = np.arange(steps) < rng.integers(1, steps + 1, (batch, 1))
            return np.where(valid, numbers, PADDING).astype("int32")

        steps = self._max_length + 1  # includes the end token
        return self.decoder_parts(tokens, steps=steps, max_steps=steps)

    def facts(self):
        """Decoding settings, maximum source length, and languages."""
        data = self.recipe.data
        languages = [data.source_language, data.target_language]
        return {**super().facts(), "longest": data.max_length, "languages": languages}

    def export_score(self, client, records):
        """BLEU of greedy translations of the records' sources."""
        sources, references = zip(*((record["source"], record["references"]) for record in records))
        own = [answer["text"] for answer in self.predict(sources, beam=1)]
        exported = [client.answer(text)["text"] for text in sources]
        return "bleu", *(translation_scores(texts, references)[0]["bleu"] for texts in (own, exported))

    def example_requests(self):
        """A short text, and a batch with an empty text, one of many tokens, and one of unknown characters."""
        many = " ".join(self._sources.tokens[300:320]) or "a"
        requests = (["a man"], ["", "a man", many, "ÄÖ 😀"])
        return [("serving_default", {"text": tf.constant(texts)}) for texts in requests]
