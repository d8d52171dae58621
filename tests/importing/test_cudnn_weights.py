"""Tests that imported CuDNNLSTM and CuDNNGRU layers follow the equations of cuDNN."""

import h5py
import numpy as np
import pytest
from old_files import write_h5

from rnn_apps.errors import UserError
from rnn_apps.importing import cudnn_weights, import_model

UNITS, FEATURES, STEPS = 3, 2, 5
RNG = np.random.default_rng(0)
NUM_GATES = {"CuDNNLSTM": 4, "CuDNNGRU": 3}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def drawn_weights(kind):
    width = NUM_GATES[kind] * UNITS
    shapes = {"kernel": (FEATURES, width), "recurrent_kernel": (UNITS, width), "bias": (2 * width,)}
    return {name: RNG.normal(size=shape) for name, shape in shapes.items()}


def run_cudnn(kind, weights, sequence):
    """The last state by cuDNN's equations; it reads the bytes of a gate's kernel as (units, inputs)."""
    num_gates = NUM_GATES[kind]
    gates = [
        [gate.ravel().reshape(UNITS, -1) for gate in np.hsplit(weights[name], num_gates)]
        for name in ("kernel", "recurrent_kernel")
    ]
    bias_w, bias_r = weights["bias"].reshape(2, num_gates, UNITS)
    h = c = np.zeros(UNITS)
    for x in sequence:
        w = [gate @ x + b for gate, b in zip(gates[0], bias_w)]
        r = [gate @ h + b for gate, b in zip(gates[1], bias_r)]
        if num_gates == 4:
            i, f, candidate, o = (a + b for a, b in zip(w, r))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
            h = sigmoid(o) * np.tanh(c)
        else:
            z, reset = sigmoid(w[0] + r[0]), sigmoid(w[1] + r[1])
            h = z * h + (1 - z) * np.tanh(w[2] + reset * r[2])
    return h


def cudnn_layer(kind, name, **options):
    options = {"return_sequences": False, "stateful": False, **options}
    return {"class_name": kind, "config": {"name": name, "units": UNITS, **options}}


@pytest.mark.parametrize("kind", NUM_GATES)
def test_a_cudnn_layer_answers_as_it_did(kind, tmp_path):
    weights = drawn_weights(kind)
    layer = cudnn_layer(kind, "cu", batch_input_shape=[None, None, FEATURES])
    found = import_model(write_h5(tmp_path / "old.h5", [layer], {"cu": weights}))
    x = RNG.normal(size=(2, STEPS, FEATURES))
    expected = [run_cudnn(kind, weights, sequence) for sequence in x]
    np.testing.assert_allclose(found.model(x.astype("float32")), expected, atol=1e-6)
    assert f"cu: {kind} is now {kind.removeprefix('CuDNN')}" in found.changes


@pytest.mark.parametrize("kind", NUM_GATES)
def test_a_bidirectional_cudnn_layer_answers_as_it_did(kind, tmp_path):
    forward, backward = drawn_weights(kind), drawn_weights(kind)
    options = {"layer": cudnn_layer(kind, "cu"), "merge_mode": "concat"}
    config = {"name": "both", "batch_input_shape": [None, STEPS, FEATURES], **options}
    named = {f"forward_cu/{key}": value for key, value in forward.items()}
    named |= {f"backward_cu/{key}": value for key, value in backward.items()}
    file = write_h5(tmp_path / "old.h5", [{"class_name": "Bidirectional", "config": config}], {"both": named})
    x = RNG.normal(size=(1, STEPS, FEATURES))
    expected = [*run_cudnn(kind, forward, x[0]), *run_cudnn(kind, backward, x[0, ::-1])]
    np.testing.assert_allclose(import_model(file).model(x.astype("float32"))[0], expected, atol=1e-6)


def test_the_other_layout_is_refused_with_a_fix(tmp_path):
    with h5py.File(tmp_path / "clean.h5", "w") as file:
        file.create_group("layers")
    with pytest.raises(UserError, match=r'model.keras: CuDNNLSTM and CuDNNGRU .* model.save\("model.h5"\)'):
        cudnn_weights.convert_cudnn_weights("model.keras", tmp_path / "clean.h5")
