"""Tests that mixed-precision models are compared with the tolerance of their layers."""

import keras
import pytest

from rnn_apps.importing import import_model
from rnn_apps.models.example_inputs import tolerance_of

L = keras.layers


def mixed(policy, first, last):
    """Return a network whose recurrent layer has a policy of its own, between two other layers."""
    frames = keras.Input((None, 3))
    state = L.LSTM(8, dtype=policy)(L.Dense(4, dtype=first)(frames))
    return keras.Model(frames, L.Dense(1, dtype=last)(state))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("outer", ["head last", "head first"])
def test_a_model_with_float32_at_one_end_is_imported(policy, outer, tmp_path):
    first, last = (policy, "float32") if outer == "head last" else ("float32", policy)
    keras.utils.set_random_seed(0)
    mixed(policy, first, last).save(tmp_path / "half.keras")
    found = import_model(tmp_path / "half.keras")
    assert 1e-5 < found.difference < 1e-2
    assert "lstm" in found.changes[-1]


def test_the_tolerance_is_that_of_the_least_precise_layer():
    assert tolerance_of(mixed("float32", "float32", "float32")) == 1e-5
    assert tolerance_of(mixed("mixed_float16", "float32", "float32")) == 1e-2
    inner = mixed("float32", "mixed_bfloat16", "float32")
    assert tolerance_of(keras.Sequential([keras.Input((None, 3)), inner])) == 5e-2
