"""A language model that reads one long text window by window: an output at every step."""

import keras
import tensorflow as tf

__all__ = ["CarriedStates", "language_model", "window_model"]


@keras.saving.register_keras_serializable(package="rnn_apps")
class CarriedStates(keras.layers.Layer):
    """Reads each window from the states that the window before it left: truncated backpropagation.

    Gradients stop at the start of a window.

    Args:
        decoder: `SequenceDecoder` without attention, built.
        streams: rows of a batch, always as many.

    Call arguments:
        tokens: int (streams, steps).
        fresh: bool (streams,), rows whose text begins with this window.

    Returns:
        Logits (streams, steps, vocabulary).

    Reference:
        Mikolov et al., "Recurrent Neural Network Based Language Model" (2010).
    """

    def __init__(self, decoder, streams, **kwargs):
        super().__init__(**kwargs)
        self.decoder, self.streams = decoder, streams
        self.supports_jit = False

    def build(self, tokens_shape, fresh_shape=None):
        """Make a variable for every state."""
        zeros = tf.nest.flatten(self.decoder.zero_states(self.streams))
        self.carried = [
            self.add_weight(name=f"state_{i}", shape=state.shape, initializer="zeros", trainable=False)
            for i, state in enumerate(zeros)
        ]
        self.built = True

    def call(self, tokens, fresh, training=False):
        """Read a window, and keep the states for the next."""
        kept = [tf.where(fresh[:, None], 0.0, tf.convert_to_tensor(state)) for state in self.carried]
        states = tf.nest.pack_sequence_as(self.decoder.zero_states(1), kept)
        logits, states, _ = self.decoder.read_on(tokens, states, training=training)
        for variable, state in zip(self.carried, tf.nest.flatten(states)):
            variable.assign(tf.stop_gradient(state))
        return logits


def language_model(decoder):
    """Return the `keras.Model` from tokens int (batch, steps), read from zero states, to logits.

    Args:
        decoder: `SequenceDecoder` without attention.
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    return keras.Model(tokens, decoder(tokens), name="language_model")


def window_model(decoder, streams):
    """Return the `keras.Model` that is trained: ``[tokens, fresh]`` of `CarriedStates` to logits.

    Args:
        decoder, streams: as for `CarriedStates`.
    """
    tokens = keras.Input(batch_shape=(streams, None), dtype="int32", name="tokens")
    fresh = keras.Input(batch_shape=(streams,), dtype="bool", name="fresh")
    return keras.Model([tokens, fresh], CarriedStates(decoder, streams, name="carried")(tokens, fresh))
