"""Sequences longer than memory: states that go on from window to window while training."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="rnn_apps")
class CarriedStates(keras.layers.Layer):
    """Reads each window from the states that the window before it left: truncated backpropagation.

    Gradients stop at the start of a window.

    Args:
        reader: a built layer with ``zero_states(batch)`` and ``read_on(inputs, states, mask=, training=)``,
            which gives outputs and states first: `StackedRNN`, or `SequenceDecoder` without attention.
        streams: rows of a batch, always as many.

    Call arguments:
        inputs: ``(streams, steps, ...)``, what the reader reads.
        fresh: bool (streams,), rows whose sequence begins with this window.
        mask: bool (streams, steps), steps that are there; None for all.

    Returns:
        The reader's outputs of all steps.

    Reference:
        Mikolov et al., "Recurrent Neural Network Based Language Model" (2010).
    """

    def __init__(self, reader, streams, **kwargs):
        super().__init__(**kwargs)
        self.reader, self.streams = reader, streams
        self.supports_masking, self.supports_jit = True, False

    def build(self, inputs_shape, fresh_shape=None, mask_shape=None):
        """Make a variable for every state."""
        zeros = tf.nest.flatten(self.reader.zero_states(self.streams))
        self.carried = [
            self.add_weight(name=f"state_{i}", shape=state.shape, initializer="zeros", trainable=False)
            for i, state in enumerate(zeros)
        ]
        self.built = True

    def call(self, inputs, fresh, mask=None, training=False):
        """Read a window, and keep the states for the next."""
        kept = [tf.where(fresh[:, None], 0.0, tf.convert_to_tensor(state)) for state in self.carried]
        states = tf.nest.pack_sequence_as(self.reader.zero_states(1), kept)
        outputs, states, *_ = self.reader.read_on(inputs, states, mask=mask, training=training)
        for variable, state in zip(self.carried, tf.nest.flatten(states)):
            variable.assign(tf.stop_gradient(state))
        return outputs
