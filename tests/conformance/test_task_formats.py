"""Rule: the files of every format, run without the network, give the answers of the network."""

import json
import re
import shlex
import shutil

import keras
import numpy as np
import onnx
import pytest
from comparing import assert_same
from folders import operators_of
from onnx import numpy_helper

from rnn_apps.export import export_subdir
from rnn_apps.export.client import Client, InputError
from rnn_apps.export.formats import FORMATS
from rnn_apps.export.micro.format import HAS_TFLM

STEPS = 5


def check_client(folder, tiny, inputs, expected):
    """The client that lies beside the files answers as `predict` does."""
    client = Client(folder)
    for raw, answer in zip(inputs, expected, strict=True):
        found = client.answer(tiny.client_input(raw))
        assert_same(found, tiny.client_answer(answer), f"the files in {folder.name}")


def check_score(score):
    """The files score as the network on the records of the run, unless these lack what the client asks."""
    if isinstance(score, str):
        assert score.startswith("not scored: the run")
    else:
        assert score.files == pytest.approx(score.network, abs=1e-3)


def check_plain_layers(folder, other):
    """Plain layers of Keras give the numbers of the ONNX file of the same network."""
    model, client = keras.models.load_model(folder / "model.keras", compile=False), Client(other)
    rng, inputs = np.random.default_rng(0), {}
    for tensor in model.inputs:
        shape = [1, *(STEPS if side is None else side for side in tensor.shape[1:])]
        dtype = client.metadata["parts"]["network"]["inputs"][tensor.name]
        made = rng.normal(size=shape) + 3 if dtype.startswith("float") else rng.integers(1, 4, shape)
        inputs[tensor.name] = made.astype(dtype)
    found = [np.asarray(one) for one in keras.tree.flatten(model(list(inputs.values())))]
    expected = client.run("network", inputs)
    assert len(found) == len(expected)
    for one in found:
        errors = [np.abs(one - other).max() for other in expected.values() if other.shape == one.shape]
        assert errors, "no output of this shape"
        assert min(errors) < 1e-4, "the plain layers differ from the ONNX file"


def check_micro(folder):
    """The integers of one step score nearly as the network, in both interpreters."""
    floats, *integers = json.loads((folder / "network.json").read_text())["measured"]
    score = list(floats)[1]
    for row in integers:
        for name in (score, f"{score} in TFLM") if HAS_TFLM else (score,):
            assert row[name] == pytest.approx(floats[score], rel=0.1), row


@pytest.fixture(scope="session")
def client_answers(run, tiny, inputs):
    return run.predict(inputs, **tiny.client_options)


@pytest.mark.parametrize("name", FORMATS)
def test_the_files_of_every_format_answer_as_the_network(run, tiny, inputs, client_answers, name):
    folder = run.folder / export_subdir(name)
    if name in tiny.without or name == "saved_model":  # which test_task_serves.py asks
        assert folder.is_dir() == (name == "saved_model")
    elif name == "micro":
        check_micro(folder)
    elif (folder / "client.json").is_file():
        check_client(folder, tiny, inputs, client_answers)
        check_score(run.export_score(folder))
    else:
        check_plain_layers(folder, run.folder / export_subdir("onnx"))


@pytest.mark.parametrize("name", FORMATS)
def test_the_command_in_the_readme_of_an_export_is_answered(run, name, monkeypatch):
    folder = run.folder / export_subdir(name)
    if not (folder / "client.json").is_file():
        pytest.skip("no client")
    (command,) = re.findall("^python client.py .*", (folder / "README.md").read_text(), re.MULTILINE)
    *_, example = shlex.split(command)
    monkeypatch.chdir(folder)
    assert Client(".").answer(example)


def test_recurrent_layers_are_listed_with_the_operators_in_the_files(run):
    folder = run.folder / export_subdir("onnx")
    listed = {name: part["layers"] for name, part in Client(folder).metadata["parts"].items()}
    assert any(listed.values())
    for name, layers in listed.items():
        found = operators_of(onnx.load(folder / f"{name}.onnx").graph)
        for operator in {"RNN", "GRU", "LSTM"}:
            assert found.count(operator) == sum(layer["operator"] == operator for layer in layers)
        for layer in layers:
            assert layer["operator"] in found
            assert f"| {name} | {' | '.join(layer.values())} |" in (folder / "README.md").read_text()


UNREADABLE = {  # kind, or what it reads: an input, and what the client says of it
    "forecast": {
        "past.csv": "not JSON, expected numbers as JSON, or the path of a .json file",
        "[[1, 2, 3]]": "series: expected rows of [value]",
        "[[1], [2, 3]]": "expected arrays of numbers, with rows of the same length",
        '{"past": [[1]]}': "received past, expected an object of series",
    },
    "arrays": {"words.csv": "not JSON", '{"other": [1]}': "received other, expected an object of words"},
    "frames": {"empty": "no images in it", "nowhere": "no images in it, expected a folder of frames"},
    "image": {
        "text.jpg": "text.jpg cannot be read: it is damaged, or of another kind; expected an image",
        "nowhere.jpg": "nowhere.jpg cannot be read: No such file or directory",
    },
}


def test_the_client_says_what_it_expects(run, tmp_path, monkeypatch):
    client = Client(run.folder / export_subdir("onnx"))
    kind = client.metadata["kind"]
    if "image_size" in client.metadata:
        kind = "image" if run.recipe.task == "image_captioning" else "frames"
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.jpg").write_text("no image")
    monkeypatch.chdir(tmp_path)
    for given, problem in UNREADABLE.get(kind, {}).items():
        with pytest.raises(InputError, match=re.escape(problem)):
            client.answer(given)


# Seeded faults


@pytest.mark.parametrize("task", ["text_classification", "forecasting", "tagging"], indirect=True)
def test_a_format_that_answers_otherwise_is_caught(run, tiny, inputs, client_answers, tmp_path):
    folder = shutil.copytree(run.folder / export_subdir("onnx"), tmp_path / "onnx")
    model = onnx.load(folder / "network.onnx")
    for start in model.graph.initializer:
        values = numpy_helper.to_array(start)
        if values.dtype == np.float32 and values.ndim > 1:
            start.CopyFrom(numpy_helper.from_array(values * -1.5, start.name))
    onnx.save(model, folder / "network.onnx")
    with pytest.raises(AssertionError, match="the files in onnx"):
        check_client(folder, tiny, inputs, client_answers)
    if run.recipe.task == "tagging":  # the share of right ones of two classes may stay what it is
        with pytest.raises(AssertionError):
            check_score(run.export_score(folder))
    with pytest.raises(AssertionError, match="the plain layers differ"):
        check_plain_layers(run.folder / export_subdir("keras"), folder)
