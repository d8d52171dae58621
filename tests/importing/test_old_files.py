"""Tests files of the versions of Keras 2, whose configurations differ."""

import numpy as np
import pytest
from old_files import write_h5

from rnn_apps.errors import UserError
from rnn_apps.importing import import_model

RNG = np.random.default_rng(0)
SHAPE = [None, 5, 3]


def layer(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, **config}}


def lstm_weights(features=3, units=2):
    shapes = {"kernel": (features, 4 * units), "recurrent_kernel": (units, 4 * units), "bias": (4 * units,)}
    return {name: RNG.normal(size=shape) for name, shape in shapes.items()}


def test_a_configuration_that_is_a_list_of_layers_is_read(tmp_path):
    inner = {
        "class_name": "Sequential",
        "config": [layer("Dense", "dense", units=3, batch_input_shape=SHAPE)],
    }
    layers = [layer("Activation", "first", activation="tanh", batch_input_shape=SHAPE), inner]
    layers += [layer("LSTM", "lstm", units=2, recurrent_activation="sigmoid", implementation=0)]
    dense, lstm = {"kernel": RNG.normal(size=(3, 3)), "bias": RNG.normal(size=3)}, lstm_weights()
    named = [layers[0], layer("Sequential", "inner"), layers[2]]
    config = {"class_name": "Sequential", "config": layers}
    weights = {"inner": dense, "lstm": lstm}
    found = import_model(write_h5(tmp_path / "old.h5", named, weights, version="2.1.6", config=config))
    x = RNG.normal(size=(1, 5, 3)).astype("float32")
    h = c = np.zeros(2)
    for step in np.tanh(x[0]) @ dense["kernel"] + dense["bias"]:
        z = step @ lstm["kernel"] + h @ lstm["recurrent_kernel"] + lstm["bias"]
        i, f, _, o = (1 / (1 + np.exp(-gate)) for gate in np.split(z, 4))
        c = f * c + i * np.tanh(z[4:6])
        h = o * np.tanh(c)
    np.testing.assert_allclose(found.model(x)[0], h, atol=1e-6)
    assert "sequential: its list of layers is now a configuration" in found.changes


OLD_KEYS = {
    "SimpleRNN of Keras 2.0": layer("SimpleRNN", "a", units=2, implementation=1, input_dim=3, input_length=5),
    "SpatialDropout1D": layer("SpatialDropout1D", "a", rate=0.1, noise_shape=None, seed=None),
    "a shape within Bidirectional": layer(
        "Bidirectional", "a", layer=layer("LSTM", "b", units=2, batch_input_shape=SHAPE)
    ),
}


@pytest.mark.parametrize("name", OLD_KEYS)
def test_old_keys_are_read(name, tmp_path):
    old = OLD_KEYS[name]
    both = {f"{way}/{key}": value for way in ("f", "b") for key, value in lstm_weights().items()}
    simple = {"kernel": np.ones((3, 2)), "recurrent_kernel": np.ones((2, 2)), "bias": np.ones(2)}
    weights = {"Bidirectional": both, "SimpleRNN": simple}.get(old["class_name"], {})
    if "layer" not in old["config"]:
        old["config"]["batch_input_shape"] = SHAPE
    assert import_model(write_h5(tmp_path / "old.h5", [old], {"a": weights})).model.input_shape == (
        None,
        5,
        3,
    )


@pytest.mark.parametrize(
    ("first", "version", "message"),
    [
        (layer("Dense", "a", output_dim=2), "1.2.2", "a file of Keras 1.2.2; expected one of Keras 2 or 3"),
        (layer("TFOpLambda", "a", function="math.add"), "2.9.0", 'layer "a" .* replace it with a layer'),
        (layer("Attention", "a", causal=True), "2.9.0", "a: causal=True is not supported"),
    ],
)
def test_removed_features_are_refused_with_a_fix(first, version, message, tmp_path):
    with pytest.raises(UserError, match=message):
        import_model(write_h5(tmp_path / "old.h5", [first], {}, version=version))
