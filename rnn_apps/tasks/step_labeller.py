"""Raw sequences to readable labels in one graph: what is exported, and what `predict` calls."""

import tensorflow as tf

from rnn_apps.models.stepwise import StepReader, state_specs
from rnn_apps.tasks.predictor import numbered_states


class StepLabeller(tf.Module):
    """Encoder, network and class names together.

    Args:
        model: of `rnn_apps.models.stepwise.stepwise_model`, to logits (batch, steps, classes).
        class_names: names in the order of the logits.
        encode: from a raw input to (list of what the network takes, lengths int (batch,), dict of what is
            answered besides, each (batch, steps)).
        encoder: `tf.Module` that `encode` uses, whose tables are kept with the export.
        given: `tf.TensorSpec` of the raw input, named.
        answered: name of the labels in the answer.
        can_stream: whether a signature ``step`` reads on from states.
    """

    def __init__(self, model, class_names, encode, encoder, given, answered, can_stream):
        super().__init__()
        self.model, self.encoder, self._encode, self._answered = model, encoder, encode, answered
        self._held = [variable.value for variable in model.variables]  # tf.saved_model finds no others
        self.class_names = tf.constant(class_names)
        self.reader = StepReader(model)
        self.label = tf.function(self._label, input_signature=[given], autograph=False)
        self.step = None
        if can_stream:
            specs = state_specs(self.reader.zero_states(1))
            self.step = tf.function(self._step, input_signature=[given, *specs], autograph=False)

    @property
    def signatures(self):
        """Name to the function of every signature."""
        return {"serving_default": self.label} | ({"step": self.step} if self.step else {})

    def zero_states(self, batch):
        """Return the flat list of states with which a stream begins."""
        return tf.nest.flatten(self.reader.zero_states(batch))

    def _label(self, raw):
        """A batch of sequences to labels and scores (batch, steps), padded, and lengths (batch,)."""
        return self._read(raw, None)[0]

    def _step(self, raw, *states):
        """As `_label`, for sequences that go on, with the states after them as ``next_state_0``, ..."""
        answer, states = self._read(raw, self.reader.packed(states))
        return {**answer, **numbered_states(states, "next_state")}

    def _read(self, raw, states):
        inputs, lengths, besides = self._encode(raw)
        if states is None:  # one pass, in both directions where there are two
            logits = self.model(inputs if len(inputs) > 1 else inputs[0], training=False)
        else:
            logits, states = self.reader.read_on(inputs, states)
        probabilities = tf.nn.softmax(logits)
        there = tf.sequence_mask(lengths, tf.shape(logits)[1])
        labels = tf.gather(self.class_names, tf.argmax(probabilities, axis=-1))
        answer = {
            **besides,
            self._answered: tf.where(there, labels, ""),
            "scores": tf.where(there, tf.reduce_max(probabilities, axis=-1), 0.0),
            "lengths": tf.cast(lengths, tf.int32),
        }
        return answer, states
