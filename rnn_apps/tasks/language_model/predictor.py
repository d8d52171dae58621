"""Predictor of the language model task."""

import numpy as np
import tensorflow as tf

from rnn_apps.data.tokenizer import END_OF_LINE, FIRST_TOKEN
from rnn_apps.tasks.decoder_parts import step_part
from rnn_apps.tasks.language_model.module import NEVER_GENERATED, PromptContinuer
from rnn_apps.tasks.language_model.streaming import TextStream
from rnn_apps.tasks.options import check_options
from rnn_apps.tasks.predictor import Predictor, numbered_states


class LanguageModelPredictor(Predictor):
    """Continues prompts."""

    kind = "continue_text"
    reads_text = True
    options = ("length", "temperature", "seed", "top_k", "top_p")

    @property
    def decoder(self):
        """The `SequenceDecoder` of the network."""
        return self.model.get_layer("decoder")

    @property
    def vocabulary(self):
        """The `Tokenizer`."""
        return self.preprocessing.vocabulary

    @property
    def separator(self):
        """The separator between tokens of a text."""
        return " " if self.recipe.data.unit == "token" else ""

    def make_module(self):
        """Return a `PromptContinuer` with `serving_default`, `generate` and `step`."""
        newline = END_OF_LINE if self.recipe.data.unit == "token" else "\n"
        first = newline if newline in self.vocabulary.tokens else self.vocabulary.tokens[0]
        text = "\n" if first == END_OF_LINE else first
        (number,) = self.vocabulary.encode(tf.constant([text])).flat_values.numpy()
        return PromptContinuer(self.model, self.decoder, self.vocabulary, int(number))

    def predict(self, inputs, length=None, temperature=None, seed=0, top_k=0, top_p=1.0):
        """Return each prompt with its continuation.

        Args:
            inputs: prompts.
            length: number of tokens to generate.
            temperature: divides the logits; 0 takes the most probable token.
            seed: random seed.
            top_k, top_p: as in `rnn_apps.models.decoding.sample`.
        """
        default = self.recipe.model.generation
        length = default.length if length is None else length
        temperature = default.temperature if temperature is None else temperature
        check_options(length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        prompts = tf.constant([text.encode("utf-8", "replace") for text in inputs])
        options = (int(length), float(temperature), int(seed), int(top_k), float(top_p))
        answer = self.module.generate(prompts, *map(tf.constant, options))
        texts, scores = answer["text"].numpy(), answer["log_probability"].numpy()
        return [
            {"input": prompt, "text": text.decode("utf-8", "replace"), "log_probability": float(score)}
            for prompt, text, score in zip(inputs, texts, scores)
        ]

    def open_stream(self):
        """Return a `TextStream`."""
        return TextStream(self.module)

    def answer_line(self, answer):
        """The whole text."""
        return answer["text"]

    def explain(self, inputs):
        """Return the [token, log-probability in nats] pairs of each text."""
        explained = []
        for text in inputs:
            (numbers,) = self.vocabulary.encode(tf.constant([text])).to_list()
            before = tf.constant([[self.module.first, *numbers]])
            log_p = tf.nn.log_softmax(self.decoder.forward_from_state(before, None)[0])[0].numpy()
            words = [self.preprocessing.text(np.array([number])) for number in numbers]
            scores = [round(float(row[number]), 4) for row, number in zip(log_p, numbers)]
            explained.append([list(pair) for pair in zip(words, scores)])
        return explained

    def network_parts(self):
        """Return one step of the network."""

        def states(batch, steps, seed):
            rng = np.random.default_rng(seed)
            tokens = rng.integers(FIRST_TOKEN, self.vocabulary.size, (batch, 5)).astype("int32")
            return numbered_states(self.decoder.forward_from_state(tf.constant(tokens), None)[1])

        return [step_part(self.decoder, states)]

    def facts(self):
        """Sampling settings, and the unit of tokens."""
        default = self.recipe.model.generation
        return {
            "first": int(self.module.first),
            "max_length": default.length,
            "never": NEVER_GENERATED,
            "length": default.length,
            "temperature": default.temperature,
            "unit": self.recipe.data.unit,
        }

    def export_score(self, client, records):
        """Mean nats per token of prompts and references."""
        texts = [self.separator.join([record["source"], *record["references"]]) for record in records]
        own = [score for tokens in self.explain(texts) for _, score in tokens]
        exported = [score for text in texts for score in client.log_probabilities(text)]
        return "nats_per_token", -float(np.mean(own)), -float(np.mean(exported))

    def example_requests(self):
        """A prompt, and a batch of prompts with a seed, including an empty one."""
        options = {"length": tf.constant(12), "temperature": tf.constant(0.7)}
        sampling = {"seed": tf.constant(4), "top_k": tf.constant(0), "top_p": tf.constant(1.0)}
        prompts = tf.constant(["", "the ", "a prompt with \u2603"])
        return [
            ("serving_default", {"prompt": tf.constant(["the"]), **options}),
            ("generate", {"prompt": prompts, **options, **sampling}),
        ]
