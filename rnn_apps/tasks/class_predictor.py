"""Predictor of tasks with one class per input."""

from abc import abstractmethod

import keras
import tensorflow as tf

from rnn_apps.tasks.predictor import NetworkPart, Predictor, call_network, input_specs

INPUTS_PER_CALL = 64


def readable_answer(raw, answer, class_names):
    """Return input, label, score and probabilities (by class) from the outputs of `ClassPredictor`."""
    return {
        "input": str(raw),
        "label": answer["label"].decode("utf-8"),
        "score": round(float(answer["score"]), 6),
        "probabilities": {name: round(float(p), 6) for name, p in zip(class_names, answer["probabilities"])},
    }


class ClassPredictor(Predictor):
    """Classifies whole inputs.

    Attributes:
        raw_spec: named `tf.TensorSpec` of the raw inputs.
        part_steps: sequence length for formats with fixed shapes.
        max_steps, masks_padding: as in `NetworkPart`.
    """

    raw_spec = tf.TensorSpec([None], tf.string, name="text")
    part_steps = 32
    max_steps = None
    masks_padding = True

    @abstractmethod
    def encode_raw(self, raw):
        """Return the network's inputs for raw inputs, a list of tensors, as part of the graph."""

    @abstractmethod
    def number_examples(self, batch, steps, seed):
        """Return random inputs of the model, a list of arrays (batch, steps, ...)."""

    def raw_tensor(self, inputs):
        """Return raw inputs as a tensor, the input of the export; by default texts."""
        return tf.constant([str(text).encode("utf-8", "replace") for text in inputs])

    def functions(self):
        """Return ``serving_default``."""
        return {"serving_default": (self.classify, [self.raw_spec])}

    def classify(self, raw):
        """Return label, score and probabilities (batch, classes) of raw inputs, as part of the graph."""
        return self.answer_of(call_network(self.model, self.encode_raw(raw)))

    def answer_of(self, logits):
        """Return the outputs of the export for logits (batch, classes)."""
        probabilities, class_names = tf.nn.softmax(logits), tf.constant(self.class_names)
        return {
            "label": tf.gather(class_names, tf.argmax(probabilities, axis=-1)),
            "score": tf.reduce_max(probabilities, axis=-1),
            "probabilities": probabilities,
            "classes": tf.tile(class_names[None], [tf.shape(probabilities)[0], 1]),
        }

    def predict(self, inputs):
        """Return label, score and probabilities (by class) of each input."""
        answers = []
        for start in range(0, len(inputs), INPUTS_PER_CALL):
            batch = inputs[start : start + INPUTS_PER_CALL]
            answer = self.call("serving_default", self.raw_tensor(batch))
            rows = zip(*(value.numpy() for value in answer.values()))
            answers += [self.readable(raw, dict(zip(answer, row))) for raw, row in zip(batch, rows)]
        return answers

    def readable(self, raw, answer):
        """Return a readable answer.

        Args:
            raw: raw input.
            answer: dict of the export's outputs for this input.
        """
        return readable_answer(raw, answer, self.class_names)

    def answer_line(self, answer):
        """Label, score and the start of the input."""
        start = " ".join(answer["input"][:1000].split())[:80]
        return f"{answer['label']:<12} {answer['score']:.3f}  {start}"

    def network_parts(self):
        """Return the network, from its inputs to probabilities."""
        probabilities = keras.layers.Softmax(name="probabilities")(self.model.output)
        classifier = keras.Model(self.model.inputs, probabilities)

        def network(*inputs):
            return {"probabilities": call_network(classifier, inputs)}

        return [
            NetworkPart(
                "network",
                network,
                input_specs(self.model),
                self.number_examples,
                self.part_steps,
                "probabilities",
                classifier,
                self.max_steps,
                self.masks_padding,
            )
        ]
