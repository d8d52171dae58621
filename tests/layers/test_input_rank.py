"""An input of the wrong rank is rejected where the model is made, by the name of the layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.layers import GRU, LSTM, RecurrentLayer, StackedRNN, VanillaRNN, get_cell, list_cells

L = keras.layers
LAYERS = {
    "vanilla": lambda: VanillaRNN(2, name="upper"),
    "gru": lambda: GRU(2, name="upper"),
    "lstm": lambda: LSTM(2, name="upper"),
    "stack": lambda: StackedRNN((2, 2), name="upper"),
    "both directions": lambda: L.Bidirectional(LSTM(2, name="upper")),
    **{name: lambda name=name: RecurrentLayer(get_cell(name)(2), name="upper") for name in list_cells()},
}


@pytest.fixture(params=LAYERS, name="layer")
def made(request):
    return LAYERS[request.param]()


@pytest.mark.parametrize(
    ("shape", "advice"), [((10,), "Reshape"), ((), "Reshape"), ((5, 6, 7), r"TimeDistributed\(Flatten")]
)
def test_a_wrong_rank_is_rejected_when_the_model_is_made(shape, advice, layer):
    message = (
        rf'upper": expected 3 dimensions \(batch, steps, features\), received {len(shape) + 1}: .*{advice}'
    )
    with pytest.raises(ValueError, match=message):
        layer(keras.Input(shape))


def test_a_layer_that_is_built_still_rejects_it(layer):
    layer(np.ones((2, 3, 4), "float32"))
    with pytest.raises(ValueError, match="received 2: "):
        layer(np.ones((2, 4), "float32"))


@pytest.mark.parametrize(
    "lower",
    [
        [LSTM(2, name="lower")],
        [L.LSTM(2, name="lower"), L.Dropout(0.1), L.Dense(3)],
        [StackedRNN(2, name="lower")],
        [L.Bidirectional(GRU(2), name="lower")],
    ],
    ids=["ours", "of Keras, with layers between", "stack", "both directions"],
)
@pytest.mark.parametrize("upper", ["lstm", "stack"])
def test_the_lower_layer_without_return_sequences_is_named(lower, upper):
    with pytest.raises(ValueError, match='The layer "lower".* return_sequences=True'):
        keras.Sequential([keras.Input((5, 3)), *lower, LAYERS[upper]()])


def test_legal_ranks_stay_legal():
    sequences = np.ones((2, 3, 4), "float32")
    assert LSTM(2)(sequences=sequences).shape == (2, 2)
    assert L.TimeDistributed(GRU(2))(keras.Input((5, 6, 7))).shape == (None, 5, 2)
    layer = VanillaRNN(2, stateful=True)
    layer.build((2, None, 4))
    stream = tf.function(lambda steps: layer(steps), input_signature=[tf.TensorSpec([2, None, 4])])
    assert stream(sequences).shape == (2, 2)
