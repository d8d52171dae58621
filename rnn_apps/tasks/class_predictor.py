"""One class for a whole input: the predictor and the exports that such tasks share."""

from abc import abstractmethod

import keras
import tensorflow as tf

from rnn_apps.tasks.predictor import NetworkPart, Predictor

INPUTS_PER_CALL = 64


class ClassModule(tf.Module):
    """A network with its preprocessing and the names of its classes, in one graph.

    Args:
        model: `keras.Model` to logits (batch, classes).
        class_names: names in the order of the logits.
        encode: from a raw input to what the network takes, a list.
        raw: `tf.TensorSpec` of the raw input, named.
        tables: `tf.Module` that `encode` uses, whose tables are kept with the export, or None.
    """

    def __init__(self, model, class_names, encode, raw, tables=None):
        super().__init__()
        self.model, self.tables, self._encode = model, tables, encode
        self._held = [variable.value for variable in model.variables]  # tf.saved_model finds no others
        self.class_names = tf.constant(class_names)
        self.classify = tf.function(self._classify, input_signature=[raw], autograph=False)

    @property
    def signatures(self):
        """Name to the function of every signature."""
        return {"serving_default": self.classify}

    def _classify(self, raw):
        """A batch of raw inputs to label, score and probabilities (batch, classes)."""
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


class ClassPredictor(Predictor):
    """Gives one class to a whole input.

    Attributes:
        raw_spec: `tf.TensorSpec` of the raw inputs, named.
        part_steps: length of the sequences in a format with fixed shapes.
        most_steps, masks_padding: as of `NetworkPart`.
    """

    raw_spec = tf.TensorSpec([None], tf.string, name="text")
    part_steps = 32
    most_steps = None
    masks_padding = True

    @abstractmethod
    def encode_raw(self, raw):
        """Return what the network takes of raw inputs, a list of tensors: within the graph."""

    @abstractmethod
    def number_examples(self, batch, steps, seed):
        """Return random inputs of the model: a list of arrays (batch, steps, ...)."""

    def raw_tensor(self, inputs):
        """Return what the export takes, as a tensor, of what a user names: texts by default."""
        return tf.constant([str(one).encode("utf-8", "replace") for one in inputs])

    def make_module(self):
        """Return a `ClassModule`."""
        return ClassModule(self.model, self.class_names, self.encode_raw, self.raw_spec)

    def predict(self, inputs):
        """Return label, score and probabilities (by class) of each input."""
        answers = []
        for start in range(0, len(inputs), INPUTS_PER_CALL):
            several = inputs[start : start + INPUTS_PER_CALL]
            answer = self.module.classify(self.raw_tensor(several))
            rows = zip(*(value.numpy() for value in answer.values()))
            answers += [self.readable(one, dict(zip(answer, row))) for one, row in zip(several, rows)]
        return answers

    def readable(self, raw, answer):
        """Return a readable answer.

        Args:
            raw: the raw input.
            answer: its row of what the module answers, name to array.
        """
        return {
            "input": str(raw),
            "label": answer["label"].decode("utf-8"),
            "score": round(float(answer["score"]), 6),
            "probabilities": {
                name: round(float(p), 6) for name, p in zip(self.class_names, answer["probabilities"])
            },
        }

    def answer_line(self, answer):
        """Label, score and input."""
        start = " ".join(answer["input"][:1000].split())[:80]
        return f"{answer['label']:<12} {answer['score']:.3f}  {start}"

    def network_parts(self):
        """Return the network to probabilities."""
        inputs = {
            one.name: tf.TensorSpec([None, *one.shape[1:]], one.dtype, name=one.name)
            for one in self.model.inputs
        }
        probabilities = keras.layers.Softmax(name="probabilities")(self.model.output)
        classifier = keras.Model(self.model.inputs, probabilities)

        def network(*given):
            return {"probabilities": classifier(given[0] if len(given) == 1 else list(given), training=False)}

        return [
            NetworkPart(
                "network",
                network,
                inputs,
                self.number_examples,
                self.part_steps,
                "probabilities",
                classifier,
                self.most_steps,
                self.masks_padding,
            )
        ]
