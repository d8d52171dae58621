"""Predictor of the language model task."""

from functools import cached_property

import numpy as np
import tensorflow as tf

from rnn_apps.data.text import PADDING, UNKNOWN
from rnn_apps.data.tokenizer import END, END_OF_LINE, FIRST_TOKEN, START
from rnn_apps.models.decoding import sample
from rnn_apps.models.per_step import state_specs
from rnn_apps.tasks.decoder_parts import step_part
from rnn_apps.tasks.predictor import Predictor, check_options, numbered_states
from rnn_apps.tasks.stepwise import EXAMPLE_STEPS, StepwiseNetwork, one_step
from rnn_apps.tasks.streaming import Stream

_CHARACTERS = 2_000  # of a text that are read at a time
NEVER_GENERATED = (PADDING, UNKNOWN, START, END)


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

    @cached_property
    def first(self):
        """The start token, before the first token of a text: the end of a line, if there is one."""
        newline = END_OF_LINE if self.recipe.data.unit == "token" else "\n"
        first = newline if newline in self.vocabulary.tokens else self.vocabulary.tokens[0]
        text = "\n" if first == END_OF_LINE else first
        with tf.init_scope():  # a graph may be the first to ask
            (number,) = self.vocabulary.encode(tf.constant([text])).flat_values.numpy()
        return int(number)

    @property
    def tables(self):
        """The `Tokenizer`."""
        return self.vocabulary

    def functions(self):
        """Return ``serving_default``, ``generate`` with all options of sampling, and ``step``."""
        prompt = [
            tf.TensorSpec([None], tf.string, name="prompt"),
            tf.TensorSpec([], tf.int32, name="length"),
            tf.TensorSpec([], tf.float32, name="temperature"),
        ]
        sampling = {"seed": tf.int32, "top_k": tf.int32, "top_p": tf.float32}
        options = [tf.TensorSpec([], dtype, name=name) for name, dtype in sampling.items()]
        chunk = [tf.TensorSpec([None], tf.string, name="text"), tf.TensorSpec([None], tf.int32, name="last")]
        return {
            "serving_default": (self._continue, prompt),
            "generate": (self._continue, [*prompt, *options]),
            "step": (self._step, [*chunk, *state_specs(self.decoder.zero_states(1))]),
        }

    def initial_state(self, batch):
        """Return the initial state arguments of ``step``: `last`, and the flat list of states."""
        return [tf.fill([batch], self.first), *tf.nest.flatten(self.decoder.zero_states(batch))]

    def _step(self, text, last, *states):
        """Read the next chunks of texts, and return their tokens with log-probabilities.

        Args:
            text: strings (batch,), the next chunk of each text, which must end between tokens.
            last: int32 (batch,), ``next_last`` of the previous chunk, or as in `initial_state`.
            states: ``next_state_0``, ... of the previous chunk, or as in `initial_state`.

        Returns:
            ``tokens`` (batch, steps), ``log_probability`` (batch, steps) in nats, both padded, ``lengths``
            (batch,), ``next_last`` and ``next_state_0``, ...
        """
        numbers = self.vocabulary.encode(text)
        lengths = tf.cast(numbers.row_lengths(), tf.int32)
        padded = numbers.to_tensor(
            PADDING, shape=tf.stack([-1, tf.maximum(numbers.bounding_shape(axis=1), 1)])
        )
        before = tf.concat([last[:, None], padded[:, :-1]], axis=1)
        mask = tf.sequence_mask(lengths, tf.shape(padded)[1])
        states = tf.nest.pack_sequence_as(self.decoder.zero_states(1), list(states))
        logits, states, _ = self.decoder.forward_from_state(before, states, mask=mask)
        log_probability = tf.gather(tf.nn.log_softmax(logits), padded, batch_dims=2)
        ends = tf.gather(padded, tf.maximum(lengths - 1, 0), batch_dims=1)
        return {
            "tokens": tf.where(mask, self.vocabulary.id_to_token(padded), ""),
            "log_probability": tf.where(mask, log_probability, 0.0),
            "lengths": lengths,
            "next_last": tf.where(lengths > 0, ends, last),
            **numbered_states(states, "next_state"),
        }

    def _continue(self, prompt, length, temperature, seed=0, top_k=0, top_p=1.0):
        """Return prompts with their continuations (batch,), and log-probabilities of the latter in nats."""
        start, states = self._read(prompt)
        decoded = sample(
            self.decoder.step,
            start,
            states,
            end=-1,
            max_length=length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            suppressed=NEVER_GENERATED,
        )
        follows = self.vocabulary.decode(decoded.tokens[:, 0])
        needs_blank = (self.vocabulary.unit == "token") & (tf.strings.length(prompt) > 0)
        between = tf.where(needs_blank, " ", "")
        return {"text": prompt + between + follows, "log_probability": decoded.scores[:, 0]}

    def _read(self, prompt):
        """Return the last token of each prompt, and the states before it."""
        numbers = self.vocabulary.encode(prompt)
        numbers = tf.concat([tf.fill([numbers.nrows(), 1], self.first), numbers], axis=1)
        lengths = tf.cast(numbers.row_lengths(), tf.int32)
        padded = numbers.to_tensor(PADDING)
        mask = tf.sequence_mask(lengths - 1, tf.shape(padded)[1])
        _, states, _ = self.decoder.forward_from_state(padded, None, mask=mask)
        return tf.gather(padded, lengths - 1, batch_dims=1), states

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
        answer = self.call("generate", prompts, *map(tf.constant, options))
        texts, scores = answer["text"].numpy(), answer["log_probability"].numpy()
        return [
            {"input": prompt, "text": text.decode("utf-8", "replace"), "log_probability": float(score)}
            for prompt, text, score in zip(inputs, texts, scores)
        ]

    def open_stream(self):
        """Return a `TextStream`."""
        return TextStream(self)

    def answer_line(self, answer):
        """The whole text."""
        return answer["text"]

    def explain(self, inputs):
        """Return the [token, log-probability in nats] pairs of each text."""
        explained = []
        for text in inputs:
            (numbers,) = self.vocabulary.encode(tf.constant([text])).to_list()
            before = tf.constant([[self.first, *numbers]])
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

    def stepwise_problem(self):
        """None: every language model reads forward only."""
        return None

    def stepwise(self, dataset):
        """The network from an embedded token to the logits of the next one."""
        decoder = self.decoder
        structure, embedding = decoder.zero_states(1), decoder.embedder.embeddings.numpy()
        test = dataset.encoded["test"]

        def recurrent(features, states):
            logits, states, _ = decoder.forward_embedded(features, states)
            return logits, states

        def score(answers):
            (logits,), after = answers, test[1:]
            shifted = logits - logits.max(-1, keepdims=True)
            nats = np.log(np.exp(shifted).sum(-1)) - shifted[np.arange(len(after)), after]
            return "nats_per_token", float(nats.mean())

        return StepwiseNetwork(
            kind="text",
            constants={**self.facts(), "tokens": self.vocabulary.tokens},
            function=one_step(recurrent, lambda logits: logits, structure),
            width=embedding.shape[1],
            states=tuple(state.shape[1] for state in tf.nest.flatten(structure)),
            sequences=lambda split: [dataset.encoded[split][:-1, None]],
            answers=lambda tokens: decoder.forward_from_state(tokens.T, None)[0].numpy()[0],
            score=score,
            example=(np.arange(EXAMPLE_STEPS)[:, None] % len(self.vocabulary.tokens) + FIRST_TOKEN),
            table=embedding,
        )

    def facts(self):
        """Sampling settings, and the unit of tokens."""
        default = self.recipe.model.generation
        return {
            "first": self.first,
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


class TextStream(Stream):
    """Reads lines, and returns the likelihood of each, given all lines before it.

    Args:
        predictor: `LanguageModelPredictor`.
    """

    def __init__(self, predictor):
        super().__init__(predictor.module.signature("step"), predictor.initial_state(1))
        self._unit = predictor.vocabulary.unit

    def feed(self, lines):
        """Return the tokens of every line, including its end, their nats, and the mean."""
        return [self._read_line(line) for line in lines]

    def _read_line(self, line):
        tokens, nats = [], []
        for piece in _pieces(f"{line}\n", self._unit):
            answer = self.read(tf.constant([piece.encode("utf-8", "replace")]))
            count = int(answer["lengths"])
            nats += [round(-float(likely), 4) for likely in answer["log_probability"][:count]]
            tokens += [token.decode("utf-8", "replace") for token in answer["tokens"][:count]]
        mean = round(sum(nats) / max(1, len(nats)), 4)
        return {"text": line, "tokens": tokens, "nats": nats, "mean_nats": mean}

    def line(self, answer):
        """Mean nats per token, and the line."""
        return f"{answer['mean_nats']:.3f}\t{answer['text']}"


def _pieces(text, unit):
    """Split a text into chunks, without splitting tokens."""
    if unit == "character":
        return [text[start : start + _CHARACTERS] for start in range(0, len(text), _CHARACTERS)]
    pieces, start = [], 0
    while len(text) - start > _CHARACTERS:
        end = max(text.rfind(blank, start + 1, start + _CHARACTERS) for blank in " \t")
        if end <= start:
            break
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]
