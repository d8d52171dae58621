"""Predictor and export module of tasks with one class per input."""

from abc import abstractmethod

import keras
import tensorflow as tf

from rnn_apps.tasks.predictor import NetworkPart, Predictor

INPUTS_PER_CALL = 64


class ClassModule(tf.Module):
    """A network with its preprocessing and class names in one graph.

    Args:
        model: `keras.Model` to logits (batch, classes).
        class_names: class names in the order of the logits.
        encode: function from raw inputs to the list of the network's inputs.
        raw: named `tf.TensorSpec` of the raw inputs.
        tables: `tf.Module` with the lookup tables of `encode`, which are exported as well, or None.
    """

    def __init__(self, model, class_names, encode, raw, tables=None):
        super().__init__()
        self.model, self.tables, self._encode = model, tables, encode
        self._held = [variable.value for variable in model.variables]  # tf.saved_model finds no others
        self.class_names = tf.constant(class_names)
        self.classify = tf.function(self._classify, input_signature=[raw], autograph=False)

    @property
    def signatures(self):
        """Functions of all signatures by name."""
        return {"serving_default": self.classify}

    def _classify(self, raw):
        """Return label, score and probabilities (batch, classes) of a batch of raw inputs."""
        return self._answer(self._probabilities(self._encode(raw)))

    def _probabilities(self, inputs):
        return tf.nn.softmax(self.model(inputs[0] if len(inputs) == 1 else inputs, training=False))

    def _answer(self, probabilities):
        return {
            "label": tf.gather(self.class_names, tf.argmax(probabilities, axis=-1)),
            "score": tf.reduce_max(probabilities, axis=-1),
            "probabilities": probabilities,
            "classes": tf.tile(self.class_names[None], [tf.shape(probabilities)[0], 1]),
        }


def readable_answer(raw, answer, class_names):
    """Return input, label, score and probabilities (by class) from the outputs of a `ClassModule`."""
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

    def make_module(self):
        """Return a `ClassModule`."""
        return ClassModule(self.model, self.class_names, self.encode_raw, self.raw_spec)

    def predict(self, inputs):
        """Return label, score and probabilities (by class) of each input."""
        answers = []
        for start in range(0, len(inputs), INPUTS_PER_CALL):
            batch = inputs[start : start + INPUTS_PER_CALL]
            answer = self.module.classify(self.raw_tensor(batch))
            rows = zip(*(value.numpy() for value in answer.values()))
            answers += [self.readable(raw, dict(zip(answer, row))) for raw, row in zip(batch, rows)]
        return answers

    def readable(self, raw, answer):
        """Return a readable answer.

        Args:
            raw: raw input.
            answer: dict of the module's outputs for this input.
        """
        return readable_answer(raw, answer, self.class_names)

    def answer_line(self, answer):
        """Label, score and the start of the input."""
        start = " ".join(answer["input"][:1000].split())[:80]
        return f"{answer['label']:<12} {answer['score']:.3f}  {start}"

    def network_parts(self):
        """Return the network, from its inputs to probabilities."""
        specs = {
            tensor.name: tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype, name=tensor.name)
            for tensor in self.model.inputs
        }
        probabilities = keras.layers.Softmax(name="probabilities")(self.model.output)
        classifier = keras.Model(self.model.inputs, probabilities)

        def network(*inputs):
            inputs = inputs[0] if len(inputs) == 1 else list(inputs)
            return {"probabilities": classifier(inputs, training=False)}

        return [
            NetworkPart(
                "network",
                network,
                specs,
                self.number_examples,
                self.part_steps,
                "probabilities",
                classifier,
                self.max_steps,
                self.masks_padding,
            )
        ]
