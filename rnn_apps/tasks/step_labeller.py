"""The graph from raw sequences to labels of all steps, for predictions and exports."""

import tensorflow as tf

from rnn_apps.models.per_step import PerStepNetwork, state_specs
from rnn_apps.tasks.predictor import numbered_states


class StepLabeller(tf.Module):
    """Encoding, network and class names in one graph.

    Args:
        model: model of `rnn_apps.models.per_step.per_step_model` to logits (batch, steps, classes).
        class_names: class names in the order of the logits.
        encode: function from raw inputs to (list of the network's inputs, lengths int (batch,), dict of
            further outputs, each (batch, steps)).
        tables: `tf.Module` with the lookup tables of `encode`, which are exported as well, or None.
        raw: named `tf.TensorSpec` of the raw inputs.
        answered: key of the labels in the outputs.
        can_stream: whether there is a signature ``step`` with explicit states.
    """

    def __init__(self, model, class_names, encode, tables, raw, answered, can_stream):
        super().__init__()
        self.model, self.tables, self._encode, self._answered = model, tables, encode, answered
        self._held = [variable.value for variable in model.variables]  # tf.saved_model finds no others
        self.class_names = tf.constant(class_names)
        self.network = PerStepNetwork(model)
        self.label = tf.function(self._label, input_signature=[raw], autograph=False)
        self.step = None
        if can_stream:
            specs = state_specs(self.network.zero_states(1))
            self.step = tf.function(self._step, input_signature=[raw, *specs], autograph=False)

    @property
    def signatures(self):
        """Functions of all signatures by name."""
        return {"serving_default": self.label} | ({"step": self.step} if self.step else {})

    def zero_states(self, batch):
        """Return the flat list of initial states of a stream."""
        return tf.nest.flatten(self.network.zero_states(batch))

    def _label(self, raw):
        """Return labels and scores (batch, steps), padded, and lengths (batch,) of a batch of sequences."""
        return self._read(raw, None)[0]

    def _step(self, raw, *states):
        """As `_label`, from given states, with the new states as ``next_state_0``, ..."""
        answer, states = self._read(raw, self.network.pack_states(states))
        return {**answer, **numbered_states(states, "next_state")}

    def _read(self, raw, states):
        inputs, lengths, further = self._encode(raw)
        if states is None:  # the model may be bidirectional
            logits = self.model(inputs if len(inputs) > 1 else inputs[0], training=False)
        else:
            logits, states = self.network.forward_from_state(inputs, states)
        probabilities = tf.nn.softmax(logits)
        mask = tf.sequence_mask(lengths, tf.shape(logits)[1])
        labels = tf.gather(self.class_names, tf.argmax(probabilities, axis=-1))
        answer = {
            **further,
            self._answered: tf.where(mask, labels, ""),
            "scores": tf.where(mask, tf.reduce_max(probabilities, axis=-1), 0.0),
            "lengths": tf.cast(lengths, tf.int32),
        }
        return answer, states
