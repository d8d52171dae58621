"""A language model: an output at every step, the token that comes next."""

import keras

from rnn_apps.models.carried_states import CarriedStates


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
        decoder: as for `language_model`, built.
        streams: as for `CarriedStates`.
    """
    tokens = keras.Input(batch_shape=(streams, None), dtype="int32", name="tokens")
    fresh = keras.Input(batch_shape=(streams,), dtype="bool", name="fresh")
    return keras.Model([tokens, fresh], CarriedStates(decoder, streams, name="carried")(tokens, fresh))
