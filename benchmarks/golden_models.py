"""Writes the small models of other Kerases that tests/golden holds, each with inputs and its own answers.

    python benchmarks/golden_models.py tests/golden

It is run once a version, in an environment that has that version and nothing of rnn_apps; the name of a file
begins with the version. The weights are random, of a seed.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

OLD = keras.__version__.startswith("2")
layers = keras.layers


def text_classifier():
    """Sequential, masked words, both directions."""
    model = keras.Sequential()
    given = {"batch_input_shape": (None, None)} if OLD else {}
    if not OLD:
        model.add(keras.Input((None,)))
    model.add(layers.Embedding(11, 3, mask_zero=True, **given))
    model.add(layers.Bidirectional(layers.LSTM(2, return_sequences=True)))
    model.add(layers.GRU(3, dropout=0.2))
    model.add(layers.Dense(2, activation="softmax"))
    return model


def series():
    """Functional, a stack of cells, a plain recurrence with a state that goes on, an old-style GRU."""
    given = keras.Input((None, 3), name="series")
    x = layers.RNN([layers.SimpleRNNCell(3), layers.SimpleRNNCell(2)], return_sequences=True)(given)
    y, state = layers.SimpleRNN(2, return_sequences=True, return_state=True, activation="relu")(given)
    z = layers.GRU(2, reset_after=False, return_sequences=True)(given)
    x = layers.Concatenate()([x, y, z])
    out = layers.LSTM(2, recurrent_activation="hard_sigmoid", go_backwards=True)(x)
    return keras.Model(given, [layers.Dense(1, name="value")(out), state])


def frames():
    """A convolution at every step, normalised, read by an LSTM over a cell."""
    given = keras.Input((None, 6, 6, 1), name="frames")
    x = layers.TimeDistributed(layers.Conv2D(2, 3, activation="relu"))(given)
    x = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
    x = layers.BatchNormalization()(x)
    x = layers.LeakyReLU(0.1)(x)
    return keras.Model(given, layers.RNN(layers.LSTMCell(3))(x))


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    words = rng.integers(1, 11, (4, 6))
    words[1, 4:] = 0
    inputs = {
        text_classifier: words.astype("int32"),
        series: rng.normal(size=(2, 5, 3)).astype("float32"),
        frames: rng.normal(size=(2, 4, 6, 6, 1)).astype("float32"),
    }
    for make, given in inputs.items():
        tf.random.set_seed(1)
        keras.backend.clear_session()
        model = make()
        model.set_weights([w + rng.uniform(-0.3, 0.3, w.shape) ** 2 for w in model.get_weights()])
        answers = model.predict(given, verbose=0)
        answers = answers if isinstance(answers, list) else [answers]
        for ending in ("keras", "h5"):
            name = f"{keras.__version__}-{make.__name__}"
            try:
                model.save(folder / f"{name}.{ending}")
            except ValueError as error:  # Keras 3.0 cannot write a stack of cells as .h5
                print(f"{name}.{ending}: {error}")
                (folder / f"{name}.{ending}").unlink(missing_ok=True)
            np.savez(folder / f"{name}.npz", given, *answers)


if __name__ == "__main__":
    main()
