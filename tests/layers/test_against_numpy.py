import numpy as np
import pytest
from oracles import NUMPY_STEPS, assert_close, mask_of, numpy_loop, randomize, sequences, states

from rnn_apps.layers import GRU, LSTM, VanillaRNN, VanillaRNNCell

OURS = {"vanilla": VanillaRNN, "lstm": LSTM, "gru": GRU}


@pytest.mark.parametrize("name", OURS)
def test_every_step_is_the_equation(name):
    layer = OURS[name](4, return_sequences=True, return_state=True)
    layer.build((None, None, 3))
    randomize(layer)
    x, initial = sequences(), states(layer.cell.state_sizes)
    for mask in ("none", "holes", "fully padded"):
        outputs, *finals = layer(x, initial_state=initial, mask=mask_of(mask))
        expected = numpy_loop(NUMPY_STEPS[name], layer.get_weights(), x, initial, mask_of(mask))
        assert_close([outputs, *finals], [expected[0], *expected[1]])


def test_the_output_is_y_equals_w_hy_h_and_the_state_stays_h():
    layer = VanillaRNN(4, output_units=2, return_sequences=True, return_state=True)
    layer.build((None, None, 3))
    randomize(layer)
    *weights, output_kernel = layer.get_weights()
    x, initial = sequences(), states([4])
    for mask in ("none", "right", "left", "fully padded"):
        outputs, final = layer(x, initial_state=initial, mask=mask_of(mask))
        hidden, finals = numpy_loop(NUMPY_STEPS["vanilla"], weights, x, initial, mask_of(mask))
        assert outputs.shape == (4, 5, 2)
        assert_close([outputs, final], [hidden @ output_kernel, finals[0]])


def test_the_last_output_is_w_hy_of_the_final_state():
    layer = VanillaRNN(4, output_units=2)
    layer.build((None, None, 3))
    randomize(layer)
    *weights, output_kernel = layer.get_weights()
    x = sequences()
    _, finals = numpy_loop(
        NUMPY_STEPS["vanilla"], weights, x, states([4]) * 0 + [np.zeros((4, 4), "float32")]
    )
    assert_close([layer(x)], [finals[0] @ output_kernel])


def test_the_symbol_table_of_the_docstring_names_the_real_weights_and_shapes():
    rows = [line.strip(" |").split(" | ") for line in VanillaRNNCell.__doc__.splitlines() if "| `" in line]
    assert [row[0] for row in rows] == ["W_xh", "W_hh", "b", "W_hy"]
    sizes = {"features": 3, "units": 5, "output_units": 2}
    cell = VanillaRNNCell(sizes["units"], output_units=sizes["output_units"])
    cell.build((None, sizes["features"]))
    shapes = {w.name: tuple(w.shape) for w in cell.trainable_variables}
    for _, weight, shape, _ in rows:
        symbols = [s.strip() for s in shape.strip("()").split(",") if s.strip()]
        assert shapes.pop(weight.strip("`")) == tuple(sizes[s] for s in symbols)
    assert not shapes, "the table leaves out a weight"


def test_the_number_of_weights_does_not_grow_with_the_sequence():
    layer = VanillaRNN(4)
    layer(sequences(steps=2))
    before = layer.count_params()
    layer(sequences(steps=50))
    assert layer.count_params() == before == 3 * 4 + 4 * 4 + 4
