"""Language models: at every step, logits of the next token."""

import keras

from rnn_apps.models.carried_states import CarriedStates


def language_model(decoder):
    """Return the `keras.Model` from tokens int (batch, steps) to logits, starting from zero states.

    Args:
        decoder: `SequenceDecoder` without attention.
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    return keras.Model(tokens, decoder(tokens), name="language_model")


def window_model(decoder, streams):
    """Return the `keras.Model` for training: ``[tokens, reset]`` of `CarriedStates` to logits.

    Args:
        decoder: as in `language_model`, built.
        streams: as in `CarriedStates`.
    """
    tokens = keras.Input(batch_shape=(streams, None), dtype="int32", name="tokens")
    reset = keras.Input(batch_shape=(streams,), dtype="bool", name="reset")
    return keras.Model([tokens, reset], CarriedStates(decoder, streams, name="carried")(tokens, reset))
