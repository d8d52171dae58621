"""A layer at every step, for any number of steps and examples, in a graph as well."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.importing import import_model
from rnn_apps.layers import TimeDistributed, to_keras

L = keras.layers
INNER = {
    "Dense": lambda: L.Dense(2),
    "pooling that reads a mask": lambda: L.GlobalAveragePooling1D(),
    "LSTM": lambda: L.LSTM(2),
    "model": lambda: keras.Sequential([keras.Input((4, 3)), L.Conv1D(2, 2), L.Flatten()]),
}


@pytest.mark.parametrize("name", INNER)
def test_an_open_number_of_steps_gives_what_keras_gives_for_a_fixed_one(name):
    inner, x = INNER[name](), np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("float32")
    mask = np.arange(4) < np.array([[1, 2, 3, 4, 2]] * 2)[..., None] if "mask" in name else None
    expected = L.TimeDistributed(inner)(x, mask=mask)
    layer = TimeDistributed(inner)
    layer.build(x.shape)
    open_steps = tf.function(layer, input_signature=[tf.TensorSpec([None, None, 4, 3])])
    masked = tf.function(lambda x, mask: layer(x, mask=mask))
    found = open_steps(x) if mask is None else masked(x, mask)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_model_over_open_steps_is_imported_and_converted_back(tmp_path):
    letters = keras.Input((None, 4), dtype="int32")
    words = L.TimeDistributed(L.GlobalAveragePooling1D())(L.TimeDistributed(L.Embedding(9, 3))(letters))
    model = keras.Model(letters, L.LSTM(2, return_sequences=True)(words))
    model.save(tmp_path / "letters.keras")
    found = import_model(tmp_path / "letters.keras")
    assert sum("TimeDistributed converted to rnn-apps" in line for line in found.changes) == 2
    graph = tf.function(found.model, input_signature=[tf.TensorSpec([None, None, 4], "int32")])
    x = np.random.default_rng(0).integers(0, 9, (3, 7, 4)).astype("int32")
    np.testing.assert_allclose(graph(x), model(x), atol=1e-6)
    back = to_keras(found.model)
    assert [type(layer) for layer in back.layers] == [type(layer) for layer in model.layers]
    found.model.save(tmp_path / "again.keras")
    np.testing.assert_allclose(import_model(tmp_path / "again.keras").model(x), model(x), atol=1e-6)


def test_a_fixed_number_of_steps_stays_with_keras(tmp_path):
    steps = keras.Input((5, 3))
    keras.Model(steps, L.TimeDistributed(L.Dense(2))(steps)).save(tmp_path / "fixed.keras")
    found = import_model(tmp_path / "fixed.keras")
    assert found.changes == []
    assert type(found.model.layers[-1]) is L.TimeDistributed
