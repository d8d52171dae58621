"""Tests the SavedModel: names and outputs of its signatures, with stock TensorFlow only."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from rnn_apps.errors import RnnAppsError
from rnn_apps.export.saved_model import SavedModel
from rnn_apps.export.serving_files import _notes_on

pytestmark = pytest.mark.slow

TEXTS = ["Far from dull!", "", "<br />The film is a mess?", "Grüße 🎬"]

STOCK_CLIENT = """
import json, sys
import tensorflow as tf

folder, texts = sys.argv[1], json.loads(sys.argv[2])
loaded = tf.saved_model.load(folder)
answers = {}
for name, signature in loaded.signatures.items():
    given = dict(signature.structured_input_signature[1])
    del given["text"]
    assert not given or name == "step"
    for batch in ([], texts[:1], texts):
        states = {key: tf.zeros([len(batch), spec.shape[1]]) for key, spec in given.items()}
        answer = signature(text=tf.constant(batch, tf.string), **states)
        assert all(len(value) == len(batch) for value in answer.values()), (name, batch)
    answers[name] = {key: (x.dtype.name, x.shape.rank, x.numpy().tolist()) for key, x in answer.items()}
assert not any(name.partition(".")[0] == "rnn_apps" for name in sys.modules)
import keras, numpy, rnn_apps
network = keras.models.load_model(sys.argv[3])
answers["network"] = network(numpy.array([[2, 3, 4]])).numpy().tolist()
print(json.dumps(answers, default=bytes.decode))
"""


@pytest.fixture(scope="module")
def answers(finished):
    """Return the answers of a process that has not imported rnn_apps."""
    export, network = finished.folder / "export" / "1", finished.folder / "model.keras"
    command = [sys.executable, "-c", STOCK_CLIENT, export, json.dumps(TEXTS), network]
    process = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def test_another_process_without_rnn_apps_gets_the_trained_networks_answers(finished, answers):
    own, answer = finished.predict(TEXTS), answers["serving_default"]
    assert {name: (kind, rank) for name, (kind, rank, _) in answer.items()} == {
        "label": ("string", 1),
        "score": ("float32", 1),
        "probabilities": ("float32", 2),
        "classes": ("string", 2),
        "words": ("int32", 1),
        "words_read": ("int32", 1),
    }
    assert answer["classes"][2] == [["negative", "positive"]] * len(TEXTS)
    assert answer["words"][2] == answer["words_read"][2]
    assert answer["label"][2] == [a["label"] for a in own]
    np.testing.assert_allclose(answer["score"][2], [a["score"] for a in own], atol=2e-6)
    np.testing.assert_allclose(
        answer["probabilities"][2], [list(a["probabilities"].values()) for a in own], atol=2e-6
    )


def test_a_text_read_in_one_step_is_the_whole(finished, answers):
    own = [list(answer["probabilities"].values()) for answer in finished.predict(TEXTS)]
    found = answers["step"]["probabilities"][2]
    np.testing.assert_allclose(found, own, atol=2e-6)


def test_another_process_gets_the_same_explanations(finished, answers):
    answer = answers["explain"]
    assert {name: (kind, rank) for name, (kind, rank, _) in answer.items()} == {
        "label": ("string", 1),
        "tokens": ("string", 2),
        "scores": ("float32", 2),
        "lengths": ("int32", 1),
    }
    assert answer["label"][2] == [a["label"] for a in finished.predict(TEXTS)]
    for row, own in enumerate(finished.explain(TEXTS)):
        length = answer["lengths"][2][row]
        assert answer["tokens"][2][row][:length] == [word for word, _ in own]
        assert answer["scores"][2][row][:length] == pytest.approx([score for _, score in own], abs=1e-4)
        assert set(answer["tokens"][2][row][length:]) <= {""}


def test_stock_keras_loads_the_network_where_keras_was_imported_before_rnn_apps(finished, answers):
    """The other order is in tests/test_cli.py."""
    assert answers["network"] == finished.model(np.array([[2, 3, 4]])).numpy().tolist()


def test_the_readme_says_which_class_a_probability_belongs_to_and_what_is_read_of_a_text(finished):
    text = (finished.folder / "export" / "1" / "README.md").read_text()
    assert "`probabilities` is in the order of `classes`: `negative`, `positive`.\n" in text
    assert "If `words_read` is less than `words`, the text was too long and was truncated.\n" in text


def test_at_most_twenty_classes_are_named():
    (note,) = _notes_on({"classes"}, [b"class %d" % i for i in range(25)])
    assert note.endswith("`class 18`, `class 19` and 5 more.")
    (note,) = _notes_on({"tokens", "tokens_read"}, [])
    assert note.startswith("If `tokens_read` is less than `tokens`")


def test_the_export_holds_stock_operations_and_nothing_marked_for_xla(finished):
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((finished.folder / "export" / "1" / "saved_model.pb").read_bytes())
    functions = saved.meta_graphs[0].graph_def.library.function
    operations = {node.op for function in functions for node in function.node_def}
    assert len(operations) > 20
    assert not [name for name in operations if "PyFunc" in name or "Cudnn" in name or "Xla" in name]
    assert not any(function.attr["_XlaMustCompile"].b for function in functions)
    assert not any(node.attr["_XlaMustCompile"].b for function in functions for node in function.node_def)


class Module(tf.Module):
    """A predictor whose export has operations that stock runtimes lack."""

    def __init__(self, function):
        super().__init__()
        self.serve = function

    @property
    def module(self):
        return self

    @property
    def signatures(self):
        return {"serving_default": self.serve}

    def verify_saved_model(self, loaded):
        raise AssertionError("refused too late")


TEXT = [tf.TensorSpec([None], tf.string)]
NUMBERS = [tf.TensorSpec([None], tf.float32)]
FOREIGN = {
    "PyFunc": tf.function(
        lambda text: {"y": tf.py_function(lambda x: x, [text], tf.string)}, input_signature=TEXT
    ),
    "lambda": tf.function(
        lambda x: {"y": tf.function(lambda inner: inner + 1, jit_compile=True)(x)}, input_signature=NUMBERS
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_operations_that_stock_runtimes_lack_are_refused(tmp_path, kind):
    with pytest.raises(RnnAppsError, match=rf"the export has .*{kind}.*, which stock runtimes lack"):
        SavedModel().write(Module(FOREIGN[kind]), tmp_path / "export")
