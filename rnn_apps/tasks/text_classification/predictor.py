"""A text in, its class and a probability for each class out."""

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.tasks.predictor import NetworkPart, Predictor, truncation_note
from rnn_apps.tasks.streaming import Stream, looks_ahead
from rnn_apps.tasks.text_classification.module import TextClassifier

__all__ = ["TextPredictor"]

TEXTS_PER_CALL = 64


class TextPredictor(Predictor):
    """Classifies texts."""

    kind = "classify"
    reads_text = True
    export_tolerance = 1e-5

    @property
    def encoder(self):
        """The `TextEncoder`."""
        return self.preprocessing.encoder

    def make_module(self):
        """Return a `TextClassifier`."""
        model = self.recipe.model
        pooling = None if model.bidirectional else model.pooling
        return TextClassifier(self.model, self.encoder, self.class_names, pooling)

    def predict(self, inputs):
        """Return label, score and probabilities (by class) of each text."""
        answers = []
        for start in range(0, len(inputs), TEXTS_PER_CALL):
            texts = inputs[start : start + TEXTS_PER_CALL]
            answer = self.module.classify(_as_tensor(texts))
            answers += map(self._readable, texts, *(answer[key].numpy() for key in _ANSWERED))
        return answers

    def _readable(self, text, probabilities, label, score, read, words):
        rounded = [round(float(p), 6) for p in probabilities]
        return {
            "text": text,
            "label": label.decode("utf-8"),
            "score": round(float(score), 6),
            "probabilities": dict(zip(self.class_names, rounded)),
            **({} if words else {"empty": "no word was read"}),
            **truncation_note(read, words, "words"),
        }

    def answer_line(self, answer):
        """Label, score and text."""
        start = " ".join(answer["text"][:1000].split())[:80]
        notes = "".join(f"  ({answer[key]})" for key in ("truncated", "empty") if key in answer)
        return f"{answer['label']:<12} {answer['score']:.3f}  {start}{notes}"

    def open_stream(self):
        """Return a stream that says, after each line, what the text so far is."""
        if self.recipe.model.bidirectional:
            raise looks_ahead()
        return TextStream(self.module)

    def explain(self, texts):
        """Return for each text its [word, probability of the final class after that word] pairs."""
        answer = self.module.explain(_as_tensor(texts))
        words, scores, lengths = (answer[key].numpy() for key in ("tokens", "scores", "lengths"))
        return [
            [[word.decode("utf-8"), round(float(score), 4)] for word, score in zip(w[:n], s[:n])]
            for w, s, n in zip(words, scores, lengths)
        ]

    def illustrate(self, dataset, split, number):
        """The score of an example word by word."""
        (steps,) = self.explain([dataset.splits[split].texts[number]])
        return {"steps": steps}, {}

    def network_parts(self):
        """Return the network: word numbers to probabilities."""
        probabilities = keras.layers.Softmax(name="probabilities")(self.model.output)
        classifier = keras.Model(self.model.inputs, probabilities)
        steps, words = self.encoder.max_length, self.encoder.vocabulary_size

        def network(numbers):
            return {"probabilities": classifier(numbers, training=False)}

        def examples(batch, steps, seed):
            rng = np.random.default_rng(seed)
            numbers = rng.integers(1, words, (batch, steps))
            valid = np.arange(steps) < rng.integers(1, steps + 1, (batch, 1))
            return [np.where(valid, numbers, 0).astype("int32")]

        inputs = {"numbers": tf.TensorSpec([None, None], tf.int32, name="numbers")}
        return [
            NetworkPart("network", network, inputs, examples, steps, "probabilities", classifier, steps, True)
        ]

    def facts(self):
        """How a text is read, and the names of the classes."""
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
        """A text, and a few that test the tokenizer, the empty one among them."""
        texts = ["", "!", " ".join(self.encoder.words[:50]), "a word that nobody wrote: qwxz"]
        requests = (["a film to remember"], texts)
        return [("serving_default", {"text": tf.constant(request)}) for request in requests]


_ANSWERED = ("probabilities", "label", "score", "words_read", "words")


def _as_tensor(texts):
    return tf.constant([text.encode("utf-8", "replace") for text in texts])


class TextStream(Stream):
    """Reads lines of one text, and says after each what all of it is so far.

    Args:
        module: `TextClassifier` with a step.
    """

    def __init__(self, module):
        super().__init__(module.step, module.zero_states(1))

    def feed(self, lines):
        """Return label, score and probabilities after every line."""
        return [self._after(line) for line in lines]

    def _after(self, line):
        answer = self.read(_as_tensor([line]))
        probabilities = [round(float(value), 6) for value in answer["probabilities"]]
        label, score = answer["label"].decode("utf-8"), round(float(answer["score"]), 6)
        return {"text": line, "label": label, "score": score, "probabilities": probabilities}

    def line(self, answer):
        """Label and score so far, and the line."""
        return f"{answer['label']}\t{answer['score']:.3f}\t{answer['text']}"
