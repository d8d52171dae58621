"""Predictor of text classification."""

from functools import cached_property

import numpy as np
import tensorflow as tf

from rnn_apps.models.per_step import state_specs
from rnn_apps.models.streaming_encoder import StreamingEncoder
from rnn_apps.tasks.class_predictor import ClassPredictor, readable_answer
from rnn_apps.tasks.predictor import call_network, numbered_states, truncation_note
from rnn_apps.tasks.streaming import Stream, needs_whole_input


class TextPredictor(ClassPredictor):
    """Classifies texts."""

    kind = "classify"
    reads_text = True
    input_key = "text"
    export_tolerance = 1e-5

    @property
    def encoder(self):
        """The `TextEncoder`."""
        return self.preprocessing.encoder

    @property
    def tables(self):
        """The `TextEncoder`."""
        return self.encoder

    @cached_property
    def _streaming(self):
        return StreamingEncoder(self.model, self.recipe.model.pooling)

    def functions(self):
        """Return ``serving_default``, ``explain``, and for a network that only reads forward ``step``."""
        functions = {**super().functions(), "explain": (self._explain, [self.raw_spec])}
        if not self.recipe.model.bidirectional:
            specs = [self.raw_spec, *state_specs(self.zero_states(1))]
            functions["step"] = (self._step, specs)
        return functions

    def zero_states(self, batch):
        """Return the flat list of initial states of a stream."""
        return self._streaming.zero_states(batch)

    def classify(self, raw):
        """Return label, score, probabilities (batch, classes), and numbers of words for strings (batch,)."""
        words = self.encoder.tokenizer.split(raw)
        read = self.encoder.truncate(words)
        lengths = {"words": words.row_lengths(), "words_read": read.row_lengths()}
        answer = self.answer_of(call_network(self.model, [self.encoder.pad(read)]))
        return answer | {name: tf.cast(length, tf.int32) for name, length in lengths.items()}

    def _step(self, text, *states):
        """Return the answer for everything read so far, and the new states as ``next_state_0``, ..."""
        numbers = self.encoder.tokenizer.encode(text)
        steps = tf.maximum(numbers.bounding_shape(axis=1), 1)
        numbers = numbers.to_tensor(0, shape=tf.stack([-1, steps]))
        logits, states = self._streaming.forward_from_state(numbers, states)
        return {**self.answer_of(logits), **numbered_states(states, "next_state")}

    def _explain(self, text):
        """Return label, tokens and scores (batch, steps), padded, and lengths (batch,) for strings (batch,).

        A score is the probability of the final label if the text ended after that word. The network reads
        each prefix separately, which is exact for any cell, direction and pooling.
        """
        tokens = self.encoder.tokens(text)
        numbers = self.encoder(text)
        chosen = tf.argmax(self._probabilities(numbers), axis=-1)
        steps = tf.shape(numbers)[1]

        def prefixes(row):
            numbers, label = row
            mask = tf.sequence_mask(tf.range(1, steps + 1), steps)
            probabilities = self._probabilities(tf.where(mask, numbers[None], 0))
            return tf.gather(probabilities, label, axis=1)

        batch = tf.shape(numbers)[0]
        missing = tf.maximum(1 - batch, 0)  # map_fn fails on an empty batch
        rows = tf.pad(numbers, [[0, missing], [0, 0]]), tf.pad(chosen, [[0, missing]])
        scores = tf.map_fn(prefixes, rows, fn_output_signature=tf.float32)[:batch]
        return {
            "label": tf.gather(tf.constant(self.class_names), chosen),
            "tokens": tokens.to_tensor(shape=tf.stack([-1, tf.cast(steps, tf.int64)])),
            "scores": tf.ensure_shape(scores, [None, None]),
            "lengths": tf.cast(tokens.row_lengths(), tf.int32),
        }

    def _probabilities(self, numbers):
        return tf.nn.softmax(call_network(self.model, [numbers]))

    def encode_raw(self, raw):
        """Return the word ids of texts."""
        return [self.encoder(raw)]

    def readable(self, raw, answer):
        """Return text, label, score, probabilities (by class), and a note if the text was truncated."""
        readable = super().readable(raw, answer)
        return {
            "text": readable.pop("input"),
            **readable,
            **({} if answer["words"] else {"empty": "no word was read"}),
            **truncation_note(answer["words_read"], answer["words"], "words"),
        }

    def answer_line(self, answer):
        """Label, score and text."""
        line = super().answer_line({**answer, "input": answer["text"]})
        notes = "".join(f"  ({answer[key]})" for key in ("truncated", "empty") if key in answer)
        return line + notes

    def open_stream(self):
        """Return a `TextStream`."""
        if self.recipe.model.bidirectional:
            raise needs_whole_input()
        return TextStream(self)

    def explain(self, texts):
        """Return the [word, probability of the final class after that word] pairs of each text."""
        answer = self.call("explain", self.raw_tensor(texts))
        words, scores, lengths = (answer[key].numpy() for key in ("tokens", "scores", "lengths"))
        return [
            [[word.decode("utf-8"), round(float(score), 4)] for word, score in zip(w[:n], s[:n])]
            for w, s, n in zip(words, scores, lengths)
        ]

    def illustrate(self, dataset, split, number):
        """The score of an example word by word."""
        (steps,) = self.explain([dataset.splits[split].texts[number]])
        return {"steps": steps}, {}

    @property
    def part_steps(self):
        """The maximum number of words."""
        return self.encoder.max_length

    max_steps = part_steps

    def number_examples(self, batch, steps, seed):
        """Return random word ids, padded to different lengths."""
        rng = np.random.default_rng(seed)
        numbers = rng.integers(1, self.encoder.vocabulary_size, (batch, steps))
        valid = np.arange(steps) < rng.integers(1, steps + 1, (batch, 1))
        return [np.where(valid, numbers, 0).astype("int32")]

    def facts(self):
        """Class names, and the truncation of long texts."""
        encoder = self.encoder
        return {"class_names": self.class_names, "max_length": encoder.max_length, "keep": encoder.keep}

    def export_score(self, client, records):
        """Accuracy on the texts of the records."""
        labels = [record["label"] for record in records]
        texts = [record["text"] for record in records]
        own, exported = self.predict(texts), map(client.answer, texts)
        return "accuracy", *(
            float(np.mean([answer["label"] == label for answer, label in zip(answers, labels)]))
            for answers in (own, exported)
        )

    def example_requests(self):
        """A text, and a few that test the tokenizer, including an empty one."""
        texts = ["", "!", " ".join(self.encoder.words[:50]), "a word that nobody wrote: qwxz"]
        requests = (["a film to remember"], texts)
        return [("serving_default", {"text": tf.constant(request)}) for request in requests]


class TextStream(Stream):
    """Reads lines of one text, and classifies everything read so far after each line.

    Args:
        predictor: `TextPredictor` of a network that can stream.
    """

    def __init__(self, predictor):
        super().__init__(predictor.module.signature("step"), predictor.zero_states(1))
        self._class_names = predictor.class_names

    def feed(self, lines):
        """Return text, label, score and probabilities (by class) after every line."""
        return [self._read_line(line) for line in lines]

    def _read_line(self, line):
        answer = self.read(tf.constant([line.encode("utf-8", "replace")]))
        readable = readable_answer(line, answer, self._class_names)
        return {"text": readable.pop("input"), **readable}

    def line(self, answer):
        """Label and score so far, and the line."""
        return f"{answer['label']}\t{answer['score']:.3f}\t{answer['text']}"
