"""Tests models written by other Keras versions (benchmarks/golden_models.py) with recorded outputs."""

from pathlib import Path

import numpy as np
import pytest

from rnn_apps.importing import import_model
from rnn_apps.layers import is_recurrent
from rnn_apps.models.example_inputs import answers_of

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent.parent / "golden"
FILES = sorted(path for path in GOLDEN.iterdir() if path.suffix != ".npz")
CONVERTED = {
    "frames": ["rnn: RNN converted"],
    "series": [
        "rnn: RNN converted",
        "simple_rnn: SimpleRNN converted",
        "lstm: LSTM converted",
        "gru: GRU converted",
    ],
    "text_classifier": ["bidirectional: Bidirectional LSTM converted", "gru: GRU converted"],
}


def recorded(path):
    with np.load(path.with_suffix(".npz")) as file:
        given, *answers = (file[name] for name in file.files)
    return given, answers


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.name)
def golden(request):
    return request.param, import_model(request.param)


def test_there_are_files_of_keras_2_and_of_early_keras_3():
    assert {path.name.split("-")[0] for path in FILES} == {"2.15.0", "3.0.5"}
    assert {path.suffix for path in FILES} == {".keras", ".h5"}


def test_the_outputs_are_those_of_the_other_keras(golden):
    path, found = golden
    given, expected = recorded(path)
    answers = answers_of(found.model, [given])
    assert len(answers) == len(expected)
    for ours, theirs in zip(answers, expected):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert found.difference <= 1e-5


def test_recurrent_layers_are_converted_and_every_change_is_listed(golden):
    path, found = golden
    version, name = path.stem.split("-")
    assert found.version == version
    lines = "\n".join(found.changes)
    for converted in CONVERTED[name]:
        assert f"{converted} to rnn-apps" in lines
    assert found.kept == []
    old = version.startswith("2")
    assert ("batch_input_shape" in lines) is old
    assert ("the hard_sigmoid of Keras 2" in lines) is (old and name == "series")


@pytest.mark.parametrize("path", FILES[:2], ids=lambda path: path.name)
def test_recurrent_layers_may_be_kept(path):
    found = import_model(path, keep_layers=True)
    recurrent = [type(layer).__module__ for layer in found.model.layers if is_recurrent(layer)]
    assert recurrent
    assert all(module.startswith("keras.") for module in recurrent)
    given, expected = recorded(path)
    np.testing.assert_allclose(answers_of(found.model, [given])[0], expected[0], atol=1e-5)
