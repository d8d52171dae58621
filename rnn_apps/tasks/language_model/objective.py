"""The objective of language models: scores of next-token predictions."""

from functools import cached_property

import numpy as np
import tensorflow as tf

from rnn_apps.data.plain_text import StreamBatches
from rnn_apps.metrics.generation import bits_per_character, perplexity
from rnn_apps.tasks.objectives.tokens import TokenObjective, num_correct, sum_of_nats

VALIDATION_STREAMS = 8  # in parallel; the test split is read as one stream
STEPS_PER_CALL = 100
NUM_CONTINUATIONS = 8  # records of the test split
PROMPT_TOKENS = 40


class LanguageModelObjective(TokenObjective):
    """Perplexity of words, or bits per character, with states carried through the whole split."""

    @cached_property
    def _likelihood(self):
        decoder = self.predictor.decoder

        def likelihood(tokens, targets, states):
            logits, states, _ = decoder.forward_from_state(tokens, states)
            return sum_of_nats(logits, targets), num_correct(logits, targets), states

        return tf.function(likelihood, autograph=False, reduce_retracing=True)

    def likelihood(self, split, streams):
        """Return the mean nats per token of a split, and the fraction of correct tokens."""
        tokens = self.dataset.encoded[split]
        states, sums = self.predictor.decoder.zero_states(streams), np.zeros(2)
        for inputs, targets in StreamBatches(tokens, streams, STEPS_PER_CALL).epoch():
            nats, correct, states = self._likelihood(inputs, targets, states)
            sums += [float(nats), float(correct)]
        return sums / (len(tokens) - 1)

    def validate(self):
        """Loss and token accuracy."""
        streams = min(VALIDATION_STREAMS, len(self.dataset.encoded["validation"]) - 1)
        loss, accuracy = self.likelihood("validation", streams)
        return {"val_loss": loss, "val_token_accuracy": accuracy}

    def _scores(self, nats):
        if self.recipe.data.unit == "token":
            return {"perplexity": perplexity(nats)}
        return {"nats_per_character": nats, "bits_per_character": bits_per_character(nats)}

    def evaluate(self, split):
        """Scores of a split, and records with continuations of evenly spaced prompts."""
        nats, accuracy = self.likelihood(split, 1)
        return {**self._scores(nats), "token_accuracy": accuracy}, self._continuations(split)

    def _continuations(self, split):
        tokens, text = self.dataset.encoded[split], self.predictor.preprocessing.text
        end = PROMPT_TOKENS + self.recipe.model.generation.length
        starts = np.linspace(0, max(0, len(tokens) - end), NUM_CONTINUATIONS).astype(int)
        prompts = [text(tokens[start : start + PROMPT_TOKENS]) for start in starts]
        truth = [text(tokens[start + PROMPT_TOKENS : start + end]) for start in starts]
        answers = self.predictor.predict(prompts, seed=self.recipe.seed)
        separator = self.predictor.separator
        return [
            {
                "input": f"{split} from token {start + 1:,}",
                "source": prompt,
                "prediction": answer["text"][len(prompt) :].removeprefix(separator),
                "score": answer["log_probability"],
                "references": [continuation],
            }
            for start, prompt, continuation, answer in zip(starts, prompts, truth, answers)
        ]

    def baselines(self):
        """The scores of the n-gram models."""
        return {name: self._scores(nats) for name, nats in self.dataset.baselines().items()}

    def scored(self, records):
        """The predicted tokens, all except the first."""
        return len(self.dataset.encoded["test"]) - 1, "tokens"
