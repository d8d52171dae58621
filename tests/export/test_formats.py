"""Tests the ONNX, LiteRT and Keras exports: comparison with the network, refusals, and their client."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import rnn_apps
from rnn_apps.cli import call
from rnn_apps.data.text import tokenize
from rnn_apps.data.tokenizer import Tokenizer
from rnn_apps.errors import RnnAppsError, UserError
from rnn_apps.export import FORMATS, export_subdir, get_format
from rnn_apps.export.client import Client, InputError, split_words, tokens_of
from rnn_apps.export.litert import LiteRT
from rnn_apps.models.example_inputs import relative_difference
from rnn_apps.recipe import apply_overrides
from rnn_apps.runs import open_run

pytestmark = pytest.mark.slow

TEXTS = ["A film to remember!", "", "<br />Dull, dull?  It's naïve…", "Grüße 🎬 " * 30]
ODD = [
    "",
    " ",
    "a  b\n\nc",
    "it's naïve…  x",
    "日本語 テキスト",
    "\t tab",
    "a" * 70,
    "e\u0301 🎬!!",
    "1,000.5 €",
]


@pytest.fixture(scope="module")
def exported(finished, tmp_path_factory):
    """Return a function from format and weights to the folder and results of an export, made only once."""
    made, folder = {}, tmp_path_factory.mktemp("exports")

    def export(name, weights="float32"):
        if (name, weights) not in made:
            made[name, weights] = finished.export(name, out=folder / f"{name}-{weights}", weights=weights)
        return made[name, weights]

    return export


@pytest.mark.parametrize(
    ("name", "weights", "most"),
    [
        ("onnx", "float32", 1e-5),
        ("onnx", "int8", 0.1),
        ("litert", "float32", 1e-5),
        ("litert", "int8", 0.1),
        ("keras", "float32", 1e-5),
    ],
)
def test_an_export_answers_as_the_network(name, weights, most, exported):
    folder, (written,) = exported(name, weights)
    assert written.difference <= most
    assert written.agreement >= 0.9
    assert written.bytes == (folder / written.name).stat().st_size
    assert written.milliseconds > 0


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_a_program_without_tensorflow_gives_the_same_labels(name, exported, finished):
    folder, _ = exported(name)
    program = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    check = "assert not {'tensorflow', 'keras', 'rnn_apps'} & set(sys.modules)"
    command = [sys.executable, "-c", f"{program}; {check}", folder / "client.py", *TEXTS]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for answer, own in zip(answers, finished.predict(TEXTS), strict=True):
        assert answer["label"] == own["label"]
        assert answer["score"] == pytest.approx(own["score"], abs=1e-4)


def test_the_keras_export_loads_without_rnn_apps(exported, finished):
    folder, _ = exported("keras")
    numbers = [[2, 3, 4, 0], [5, 1, 0, 0]]
    program = (
        "import json, sys; sys.modules['rnn_apps'] = None; import keras, numpy\n"
        "model = keras.models.load_model(sys.argv[1])\n"
        "print(json.dumps(model(numpy.array(json.loads(sys.argv[2]))).numpy().tolist()))"
    )
    command = [sys.executable, "-c", program, folder / "model.keras", json.dumps(numbers)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=120)
    assert done.returncode == 0, done.stderr
    logits = finished.model(np.array(numbers))
    np.testing.assert_allclose(json.loads(done.stdout), tf.nn.softmax(logits), atol=1e-5)


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_an_export_with_other_outputs_is_not_kept(name, finished, tmp_path, monkeypatch):
    other = open_run(finished.folder)
    part = other.predictor.network_parts()[0]
    calls = []

    def restless(numbers):
        calls.append(1)
        return {key: value + 0.1 * len(calls) for key, value in part.function(numbers).items()}

    monkeypatch.setattr(other.predictor, "network_parts", lambda: [part._replace(function=restless)])
    with pytest.raises(
        RnnAppsError, match=r"network\.\w+: its outputs differ from the network's by .*it was not kept"
    ):
        other.export(name, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "package"), [(name, package) for name in FORMATS for package in get_format(name).packages]
)
def test_a_missing_package_is_named_with_its_extra(name, package, finished, tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda p, *rest: None if p == package else real(p, *rest)
    )
    with pytest.raises(UserError) as error:
        finished.export(name, out=tmp_path / "out")
    needs = f"export: {name} needs {package}, which is not installed."
    assert str(error.value) == f"{needs} pip install 'rnn-apps[{name}]'"
    recipe = apply_overrides(finished.recipe, {"export": ["saved_model", name]})
    with pytest.raises(UserError, match="not installed"):  # before anything is trained
        rnn_apps.run(recipe, out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "onx"], 'no such format "onx". Did you mean "onnx"?'),
        (
            ["--format", "keras", "--weights", "int8"],
            "keras has no int8 weights, only float32. int8 is for onnx, litert, micro.",
        ),
        (["--format", "litert", "--weights", "int4"], 'received "int4"; expected float32, int8, float16'),
    ],
)
def test_unsupported_options_are_refused(arguments, message, finished, tmp_path, capsys):
    out = tmp_path / "out"
    assert call(["export", str(finished.folder), "--out", str(out), *arguments]) == 2
    assert message.replace(";", ",") in capsys.readouterr().err.replace(";", ",")
    assert not out.exists()


def test_the_command_prints_what_was_measured(finished, tmp_path, capsys):
    assert call(["export", str(finished.folder), "--out", str(tmp_path / "k"), "--format", "keras"]) == 0
    out = capsys.readouterr().out
    assert "model.keras" in out
    assert "100.0 %" in out


def test_smaller_weights_are_scored_on_the_records_of_the_run(finished, tmp_path, capsys):
    for name in ("litert", "onnx"):
        command = ["export", str(finished.folder), "--out", str(tmp_path / name), "--format", name]
        assert call([*command, "--weights", "int8"]) == 0
        (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("accuracy on ")]
        own, theirs = re.fullmatch(
            r"accuracy on \d+ .*: (\S+) of the network, (\S+) of these files", line
        ).groups()
        assert abs(float(own) - float(theirs)) < 0.1
    client, records = Client(tmp_path / "onnx"), records_of(finished)
    own = np.mean([record["prediction"] == record["label"] for record in records])
    name, network, files = finished.predictor.export_score(client, records)
    assert (name, network) == ("accuracy", pytest.approx(own))
    wrong = [{**record, "label": "none of them"} for record in records]
    assert finished.predictor.export_score(client, wrong) == ("accuracy", 0, 0)


def records_of(run):
    return [json.loads(line) for line in (run.folder / "predictions.jsonl").read_text().splitlines()][:20]


def test_probabilities_have_class_names_and_a_truncated_text_is_marked(exported, finished):
    long = "good " * (finished.recipe.data.max_length + 3)
    for name in ("onnx", "litert"):
        folder, _ = exported(name)
        short, cut, empty = (Client(folder).answer(text) for text in ("good", long, ""))
        assert list(short["probabilities"]) == finished.predictor.class_names
        assert short["probabilities"][short["label"]] == short["score"]
        assert "truncated" not in short
        assert empty["empty"] == finished.predict("")[0]["empty"]
        most = finished.recipe.data.max_length
        assert cut["truncated"] == f"read {most} of {most + 3} words"
        names = ", ".join(finished.predictor.class_names)
        assert f"in this order: {names}." in (folder / "README.md").read_text()


def test_a_text_longer_than_the_fixed_length_is_refused(finished, tmp_path):
    folder, _ = finished.export("litert", out=tmp_path / "litert", steps=5)
    client = Client(folder)
    (own,) = finished.predict(["good bad"])
    assert client.answer("good bad")["score"] == pytest.approx(own["score"], abs=1e-4)
    expected = (
        "numbers: received shape 1x6, expected 1x5: this file takes at most 5 steps; README.md says how"
    )
    with pytest.raises(InputError, match=expected):
        client.answer("good " * 6)
    command = [sys.executable, folder / "client.py"]
    done = subprocess.run([*command, "good " * 6], capture_output=True, text=True, cwd="/", timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(
        r"^client.py: good .*: numbers: received .*README.md says how to export others\n$", done.stderr
    )
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, cwd="/", timeout=60)
    assert (done.returncode, "python client.py INPUT..." in done.stdout) == (0, True)


def test_a_network_that_no_file_runs_at_any_length_has_a_file_of_one_length(finished, tmp_path, monkeypatch):
    convert, tried = LiteRT.convert, []

    def convert_fixed(self, part, path, weights):
        tried.append(part.fixed_steps)
        if not part.fixed_steps:
            raise RuntimeError("failed to prepare")
        convert(self, part, path, weights)

    monkeypatch.setattr(LiteRT, "convert", convert_fixed)
    folder, _ = finished.export("litert", out=tmp_path / "litert")
    assert tried == [False, True]
    assert Client(folder).metadata["parts"]["network"]["steps"] == finished.recipe.data.max_length
    (own,) = finished.predict(["good bad"])
    assert Client(folder).answer("good bad")["score"] == pytest.approx(own["score"], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "steps", "message"),
    [
        ("onnx", 5, "steps: onnx takes sequences of any length. Leave it out; it is for litert."),
        ("litert", 0, "steps: received 0, expected 1 to "),
        ("litert", 100_000, "steps: received 100000, expected 1 to "),
    ],
)
def test_an_invalid_length_is_refused(name, steps, message, finished, tmp_path):
    with pytest.raises(UserError) as error:
        finished.export(name, out=tmp_path / "out", steps=steps)
    assert str(error.value).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_onnx_has_no_float16_weights(finished, tmp_path):
    with pytest.raises(
        UserError, match="onnx has no float16 weights, only float32, int8. float16 is for litert"
    ):
        finished.export("onnx", out=tmp_path / "out", weights="float16")


def test_every_format_has_its_own_folder():
    places = [export_subdir(name) for name in FORMATS] + [export_subdir("litert", "int8")]
    assert places == [
        "export/1",
        "export/onnx",
        "export/litert",
        "export/micro",
        "export/keras",
        "export/litert_int8",
    ]


def test_the_page_on_exports_has_every_format_and_its_extra():
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
    rows = dict(
        re.findall(r"^\| `(\w+)` \|.*\| ?([^|]*?) ?\|$", page.partition("## All formats")[2], re.MULTILINE)
    )
    expected = {name: get_format(name).extra for name in FORMATS}
    assert rows == {name: f"`rnn-apps[{extra}]`" if extra else "" for name, extra in expected.items()}


# Text in the client


@pytest.mark.parametrize("text", ODD + TEXTS)
def test_the_client_reads_words_as_the_graph_does(text):
    assert tokens_of(text, "word") == [t.decode() for t in tokenize(tf.constant([text]))[0].numpy()]


@pytest.mark.parametrize("unit", ["word", "character", "subword", "token"])
@pytest.mark.parametrize("text", ODD)
def test_the_client_reads_and_writes_every_unit_as_the_graph_does(text, unit, tmp_path):
    written = Tokenizer.learn([*ODD, *TEXTS, "the tables of the other tablet"], unit, 400)
    written.save(tmp_path / "tokenizer.json")
    known = {token: index + 4 for index, token in enumerate(written.tokens)}
    numbers = [known.get(token, 1) for token in tokens_of(text, unit, known)]
    assert numbers == written.encode(tf.constant([text]))[0].numpy().tolist()
    client = Client.__new__(Client)
    client.folder = tmp_path
    (tmp_path / "preprocessing").mkdir()
    (tmp_path / "tokenizer.json").rename(tmp_path / "preprocessing" / "tokenizer.json")
    writable = [number for number in numbers if number != 1]  # no network writes the unknown token
    own = written.decode(tf.constant([[*writable, 3]], tf.int32)).numpy()[0].decode()
    assert client._detokenize(writable) == own


def test_long_words_are_cut_as_in_the_graph():
    assert split_words("a" * 70) == [" " + "a" * 31, "a" * 32, "a" * 7]


def test_a_difference_is_relative_for_large_entries_and_infinite_for_nan():
    assert relative_difference([100.0, 0.5], [101.0, 0.5]) == pytest.approx(0.01)
    assert relative_difference([0.0], [np.nan]) == np.inf
    assert relative_difference([0.0], [[0.0]]) == np.inf
    assert relative_difference([np.nan, 1.0, np.inf], [np.nan, 1.0, np.inf]) == 0
    assert relative_difference([np.nan], [0.0]) == relative_difference([np.inf], [-np.inf]) == np.inf


def test_a_small_entry_among_large_ones_counts_for_itself_or_by_the_largest():
    assert relative_difference([1e6, 0.0], [1e6, 0.1]) == pytest.approx(0.1)
    assert relative_difference([1e6, 0.0], [1e6, 0.1], whole=True) == pytest.approx(1e-7)
    assert relative_difference([np.inf, 2.0], [np.inf, 3.0], whole=True) == pytest.approx(0.5)
