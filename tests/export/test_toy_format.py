"""Tests that a custom format is one registered class, which recipes, commands and run folders support."""

import doctest
import json

import numpy as np
import pytest

import rnn_apps
from rnn_apps.cli import call
from rnn_apps.cli.completing import formats, weights
from rnn_apps.errors import RecipeError, RnnAppsError, UserError
from rnn_apps.export import FORMATS, ExportFormat, register_format
from rnn_apps.export import formats as module
from rnn_apps.recipe import apply_overrides, json_schema


class Toy(ExportFormat):
    """The weights of a vanilla classifier as a NumPy archive, and a NumPy loop that runs them."""

    name = "toy"
    packages = ("numpy",)
    weights = {"float32": 1e-5, "float16": 1e-2}
    extension = "npz"

    def unsupported(self, predictor):
        return None if predictor.recipe.model.cell == "vanilla" else "the NumPy loop has vanilla cells only"

    def convert(self, part, path, weights):
        arrays = [weight.numpy().astype(weights) for weight in part.model.weights]
        np.savez(path, *arrays)

    def load(self, path, part):
        with np.load(path, allow_pickle=False) as archive:
            embedding, kernel, recurrent_kernel, bias, *dense = (archive[name] for name in archive.files)

        def run(inputs):
            h = np.zeros((len(inputs["numbers"]), len(recurrent_kernel)))
            for tokens in inputs["numbers"].T:
                h_next = np.tanh(embedding[tokens] @ kernel + h @ recurrent_kernel + bias)
                h = np.where(tokens[:, None] == 0, h, h_next)  # 0 is padding
            scores = np.exp(h @ dense[0] + dense[1])
            return {"probabilities": scores / scores.sum(-1, keepdims=True)}

        return run


@pytest.fixture(scope="module", autouse=True)
def registered():
    register_format(Toy)
    yield
    del FORMATS["toy"]


@pytest.fixture(scope="module")
def run(small_recipe, registered, tmp_path_factory):
    """A run with the toy format in its recipe; read it, never write into it."""
    changed = {"model.cell": "vanilla", "model.pooling": "last", "views": False}
    recipe = apply_overrides(small_recipe, {**changed, "export": ["saved_model", "toy"]})
    return rnn_apps.run(recipe, out=tmp_path_factory.mktemp("runs") / "toy")


def test_a_run_writes_the_formats_of_its_recipe(run):
    assert run.recipe.export == ["saved_model", "toy"]
    assert "toy" in (run.folder / "recipe.yaml").read_text()
    assert run.metrics["not_exported"] == {}
    manifest = json.loads((run.folder / "manifest.json").read_text())
    assert "export/toy/network.npz" in json.dumps(manifest)
    with np.load(run.folder / "export/toy/network.npz") as archive:
        weights = [archive[name] for name in archive.files]
    assert all(np.array_equal(a, b) for a, b in zip(weights, run.model.get_weights(), strict=True))


def test_a_file_that_answers_differently_is_not_kept(run, tmp_path, monkeypatch):
    def convert(self, part, path, weights):
        np.savez(path, *(1.01 * weight.numpy() for weight in part.model.weights))

    monkeypatch.setattr(Toy, "convert", convert)
    with pytest.raises(
        RnnAppsError, match=r"network.npz: its outputs differ from the network's by .*; it was not kept"
    ):
        run.export("toy", out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_it_and_prints_what_was_compared(run, tmp_path, capsys):
    command = ["export", str(run.folder), "--format", "toy", "--out", str(tmp_path / "toy")]
    assert call([*command, "--weights", "float16"]) == 0
    table, score, place = capsys.readouterr().out.rstrip().rsplit("\n", 2)
    assert "network.npz" in table
    assert "100.0 %" in table
    assert score == (
        "Weights of less precision not scored: the format has no client that can read the test records."
    )
    assert place == f"toy: {tmp_path / 'toy'}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["toy", "--weights", "int8"],
            "--weights: toy has no int8 weights, only float32, float16. int8 is for",
        ),
        (["toy", "--steps", "5"], "--steps: toy takes sequences of any length. Leave it out"),
        (["keras", "--weights", "float16"], "float16 is for litert, toy."),
        (["toi"], 'no such format "toi". Did you mean "toy"? Allowed here: saved_model, '),
    ],
)
def test_the_command_refuses_unsupported_options(arguments, message, run, tmp_path, capsys):
    assert call(["export", str(run.folder), "--out", str(tmp_path / "out"), "--format", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_reported_in_one_line_before_training(run, tmp_path, monkeypatch):
    monkeypatch.setattr(Toy, "packages", ("numpy", "no_such_package"))
    message = "export: toy needs no_such_package, which is not installed. pip install no_such_package"
    for attempt in (
        lambda: run.export("toy", out=tmp_path / "out"),
        lambda: rnn_apps.run(run.recipe, out=tmp_path / "run"),
    ):
        with pytest.raises(UserError) as error:
            attempt()
        assert str(error.value) == message
    assert list(tmp_path.iterdir()) == []


def test_an_unsupported_network_is_reported_before_training(run, heard, tmp_path):
    recipe = apply_overrides(run.recipe, {"model.cell": "gru", "training.epochs": 1, "export": ["toy"]})
    other = rnn_apps.run(recipe, out=tmp_path / "run", console=heard)
    reason = "the NumPy loop has vanilla cells only"
    said = heard.lines.index(f"This network will not be exported as toy: {reason}.")
    assert said < min(n for n, line in enumerate(heard.lines) if line.startswith("Epoch"))
    assert reason in other.metrics["not_exported"]["toy"]
    assert not (other.folder / "export" / "toy").exists()
    with pytest.raises(UserError, match=f"format=toy: {reason}. Use saved_model, onnx or litert."):
        other.export("toy", out=tmp_path / "out")


def test_schema_completion_and_help_list_it(capsys):
    defined = json_schema()["$defs"]
    assert defined["TextClassificationSettings"]["properties"]["export"]["items"]["enum"][-1] == "toy"
    assert [item.value for item in formats(None, None, "to")] == ["toy"]
    assert [item.value for item in weights(None, None, "float16")] == ["float16"]
    assert call(["export", "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Format: saved_model, onnx, litert, micro, keras, toy." in out
    assert "for litert float16 and int8, for micro int8 and int16x8, for toy float16." in out


def test_a_misspelt_name_in_a_recipe_lists_all_names(small_recipe):
    with pytest.raises(RecipeError, match='received "tox", expected .*keras, toy. Did you mean "toy"'):
        apply_overrides(small_recipe, {"export": ["tox"]})


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(module) == (0, 3)


def test_an_invalid_format_cannot_be_registered():
    class Other(Toy):
        name = "onnx"

    for wrong, message in [
        (Other, "'onnx' is taken by rnn_apps.export.onnx:Onnx"),
        (ExportFormat, "expected a subclass of ExportFormat with a name"),
        (dict, "expected a subclass of ExportFormat with a name"),
    ]:
        with pytest.raises(ValueError, match=message):
            register_format(wrong)
    assert register_format(Toy) is Toy  # once more, as when a notebook's cell runs again
