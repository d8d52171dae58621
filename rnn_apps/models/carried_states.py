"""Carries recurrent states from window to window, for truncated backpropagation through time."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="rnn_apps")
class CarriedStates(keras.layers.Layer):
    """Runs a recurrent layer on each window, starting from the final states of the previous window.

    Gradients stop at the start of each window (truncated backpropagation through time).

    Args:
        layer: built layer with ``zero_states(batch)`` and ``forward_from_state(inputs, states, mask=,
            training=)``, which returns outputs and states first: `StackedRNN`, or `SequenceDecoder` without
            attention.
        streams: batch size, which is fixed.

    Attributes:
        first_row, num_rows: the streams that a call reads, all by default; see `take_part`.

    Call arguments:
        inputs: ``(streams, steps, ...)``, inputs of the layer.
        reset: bool (streams,), the rows whose sequence starts with this window.
        mask: bool (streams, steps), valid steps; None for all.

    Returns:
        The outputs of the layer at all steps.

    Reference:
        Mikolov et al., "Recurrent Neural Network Based Language Model" (2010).
    """

    def __init__(self, layer, streams, **kwargs):
        super().__init__(**kwargs)
        self.layer, self.streams = layer, streams
        self.first_row, self.num_rows = 0, streams
        self.supports_masking, self.supports_jit = True, False

    def build(self, inputs_shape, reset_shape=None, mask_shape=None):
        """Create a variable for every state."""
        zeros = tf.nest.flatten(self.layer.zero_states(self.streams))
        self.carried_states = [
            self.add_weight(name=f"state_{i}", shape=state.shape, initializer="zeros", trainable=False)
            for i, state in enumerate(zeros)
        ]
        self.built = True

    def take_part(self, num_rows):
        """Let calls read `num_rows` streams from `first_row` on, a variable; other states stay unchanged."""
        self.first_row = 0 if num_rows == self.streams else tf.Variable(0, trainable=False)
        self.num_rows = num_rows

    def call(self, inputs, reset, mask=None, training=False):
        """Run the layer on a window, and keep its final states for the next one."""
        start = tf.convert_to_tensor(self.first_row)
        stop = start + self.num_rows
        flat = []
        for variable in self.carried_states:
            rows = tf.ensure_shape(variable.value[start:stop], (self.num_rows, *variable.shape[1:]))
            flat.append(tf.where(reset[:, None], 0.0, rows))
        states = tf.nest.pack_sequence_as(self.layer.zero_states(1), flat)
        outputs, states, *_ = self.layer.forward_from_state(inputs, states, mask=mask, training=training)
        for variable, state in zip(self.carried_states, tf.nest.flatten(states)):
            before, after = variable.value[:start], variable.value[stop:]
            variable.assign(tf.concat([before, tf.stop_gradient(state), after], 0))
        return outputs
