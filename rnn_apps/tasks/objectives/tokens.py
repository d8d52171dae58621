"""Objectives over tokens: cross-entropy of the next token, and scores of generated texts."""

from abc import abstractmethod
from functools import cached_property

import numpy as np
import tensorflow as tf

from rnn_apps.data.text import PADDING
from rnn_apps.metrics.generation import perplexity
from rnn_apps.tasks.objectives.objective import Objective

ANSWERS_PER_CALL = 64


def num_tokens(targets):
    """Return the number of tokens of int (texts, steps) that are not padding, as float32."""
    return tf.math.count_nonzero(targets != PADDING, dtype=tf.float32)


def num_correct(logits, targets):
    """Return the number of tokens, without padding, that are the most probable ones, as float32."""
    correct = (tf.argmax(logits, -1, tf.int32) == targets) & (targets != PADDING)
    return tf.math.count_nonzero(correct, dtype=tf.float32)


def sum_of_nats(logits, targets):
    """Return the negative log-likelihood of all tokens without padding, in nats."""
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    return tf.reduce_sum(tf.where(targets != PADDING, nats, 0.0))


def token_loss(logits, targets, smoothing=0.0):
    """Return the mean cross-entropy per token, without padding, in nats.

    Args:
        logits: (texts, steps, vocabulary).
        targets: int (texts, steps), 0 for padding.
        smoothing: label smoothing, probability mass spread evenly over all tokens.
    """
    total = sum_of_nats(logits, targets)
    if smoothing:
        uniform = tf.reduce_logsumexp(logits, axis=-1) - tf.reduce_mean(logits, axis=-1)
        uniform = tf.reduce_sum(tf.where(targets != PADDING, uniform, 0.0))
        total = (1 - smoothing) * total + smoothing * uniform
    return total / tf.maximum(num_tokens(targets), 1.0)


class TokenObjective(Objective):
    """Cross-entropy of the next token; the model returns logits (batch, steps, vocabulary)."""

    record_kind = "texts"

    def loss(self, outputs, targets):
        """Mean cross-entropy per token in nats, with label smoothing."""
        return token_loss(outputs, targets, self.recipe.training.label_smoothing)

    def count(self, targets):
        """Number of tokens, including end tokens."""
        return num_tokens(targets)

    def batch_metrics(self, outputs, targets):
        """Number of correct tokens with teacher forcing."""
        return {"token_accuracy": num_correct(outputs, targets)}


class GenerationObjective(TokenObjective):
    """Generated texts with one or more references.

    The dataset is a `GenerationDataset`, the predictor a `GenerationPredictor`.

    Attributes:
        text_settings: settings that the scores of texts depend on, set by `text_scores`.
    """

    def __init__(self, recipe, dataset, predictor):
        super().__init__(recipe, dataset, predictor)
        self.text_settings = {}

    @abstractmethod
    def text_scores(self, answers, references):
        """Return a dict of scores of all texts, and a dict of the scores of each text.

        Args:
            answers: list of texts.
            references: list of texts for each answer.
        """

    @cached_property
    def _likelihood(self):
        core = self.predictor.core

        def likelihood(inputs, source_index, before, tokens):
            logits = core([inputs, source_index, before], training=False)
            return sum_of_nats(logits, tokens), num_correct(logits, tokens), num_tokens(tokens)

        inputs, texts = core.inputs[0], tf.TensorSpec([None, None], tf.int32)
        source_index = tf.TensorSpec([None], tf.int32)
        signature = [tf.TensorSpec(inputs.shape, inputs.dtype), source_index, texts, texts]
        return tf.function(likelihood, input_signature=signature, autograph=False)

    def teacher_forced(self, split):
        """Return the mean loss per reference token in nats, and the fraction of correct tokens."""
        sums = np.zeros(3)
        for inputs, tokens in self.dataset.batches(split, 2 * ANSWERS_PER_CALL).epoch():
            sums += [float(value) for value in self._likelihood(*inputs, tokens)]
        return sums[0] / sums[2], sums[1] / sums[2]

    def generate(self, split, beam):
        """Return the best text and its score for every input of a split, in order."""
        texts, scores, count = [], [], self.dataset.count(split)
        for start in range(0, count, ANSWERS_PER_CALL):
            numbers = np.arange(start, min(start + ANSWERS_PER_CALL, count))
            inputs = self.dataset.network_inputs(split, numbers)
            decoded = self.predictor.decode(inputs, tf.constant(beam))
            generated = self.predictor.vocabulary.decode(decoded.tokens[:, 0]).numpy()
            texts += [text.decode("utf-8") for text in generated]
            scores += decoded.scores[:, 0].numpy().tolist()
        return texts, scores

    def validate(self):
        """Loss and token accuracy with teacher forcing, and the main score of greedy search."""
        loss, accuracy = self.teacher_forced("validation")
        answers, _ = self.generate("validation", beam=1)
        scores, _ = self.text_scores(answers, self.dataset.reference_texts("validation"))
        name = self.monitor.name.removeprefix("val_")
        return {"val_loss": loss, "val_token_accuracy": accuracy, self.monitor.name: scores[name]}

    def evaluate(self, split):
        """Scores of beam search, and one record per input."""
        answers, log_probabilities = self.generate(split, self.recipe.model.decoding.beam)
        references = self.dataset.reference_texts(split)
        scores, each = self.text_scores(answers, references)
        loss, accuracy = self.teacher_forced(split)
        records = [
            {
                **self.dataset.describe_example(split, number),
                "prediction": answer,
                "score": round(log_probability, 4),
                "references": texts,
                **{name: round(float(values[number]), 4) for name, values in each.items()},
            }
            for number, (answer, log_probability, texts) in enumerate(
                zip(answers, log_probabilities, references)
            )
        ]
        return {**scores, "token_accuracy": accuracy, "perplexity": perplexity(loss)}, records

    def baselines(self):
        """The scores of the dataset's baselines."""
        references = self.dataset.reference_texts("test")
        return {
            name: self.text_scores(texts, references)[0] for name, texts in self.dataset.baselines().items()
        }

    def settings(self):
        """Tokenizer, vocabulary, decoding and references."""
        decoding = self.recipe.model.decoding
        search = f"beam {decoding.beam}, length penalty {decoding.length_penalty}"
        return {
            **self.dataset.settings(),
            "decoding": f"{search}, at most {decoding.max_length} tokens",
            "vocabulary": self.predictor.vocabulary.size,
            "references": self.dataset.references_per_input("test"),
            **self.text_settings,
        }
