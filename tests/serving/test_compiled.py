"""Tests the loops that the server compiles: equal outputs for every cell, plain files, and the warm-up."""

import json
import logging

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from rnn_apps.compiled_form import FUNCTION, LENGTHS
from rnn_apps.layers import StackedRNN, get_cell, graph_form, list_cells
from rnn_apps.serving import model as serving_model
from rnn_apps.serving.compiled import load_compiled, warm_up_requests
from rnn_apps.serving.protocol import BadRequest

FEATURES = 3

CELLS = [name for name in list_cells() if get_cell(name).__module__.startswith("rnn_apps.")]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A SavedModel of a layer with every cell, and the function that it was saved from."""
    folder, module = tmp_path_factory.mktemp("saved"), tf.Module()
    layers = {name: StackedRNN(4, cell=name, return_sequences=True) for name in CELLS}

    def outputs(x, mask):
        return {name: layer(x, mask=mask) for name, layer in layers.items()}

    for layer in layers.values():
        layer.build((None, None, FEATURES))
    specs = [
        tf.TensorSpec([None, None, FEATURES], name="x"),
        tf.TensorSpec([None, None], tf.bool, name="mask"),
    ]
    module.kept = [weight.value for layer in layers.values() for weight in layer.weights]
    function = tf.function(outputs, input_signature=specs, autograph=False)
    with graph_form(for_serving=True):
        tf.saved_model.save(module, folder, signatures=function)
    return folder, outputs


def functions_of(folder):
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((folder / "saved_model.pb").read_bytes())
    return model.meta_graphs[0].graph_def.library.function


def test_compiled_loops_of_every_cell_give_the_outputs_of_the_layer(saved):
    folder, outputs = saved
    before = (folder / "saved_model.pb").read_bytes()
    plain, (compiled, num_loops) = tf.saved_model.load(str(folder)), load_compiled(folder)
    assert num_loops == len(CELLS)
    rng = np.random.default_rng(0)
    for batch, steps in ((1, 5), (1, LENGTHS[0] + 1), (2, 5)):
        x = tf.constant(rng.normal(size=(batch, steps, FEATURES)), tf.float32)
        mask = tf.constant(rng.random((batch, steps)) < 0.7)
        expected = outputs(x, mask)
        for loaded in (plain, compiled):
            for name, found in loaded.signatures["serving_default"](x=x, mask=mask).items():
                np.testing.assert_allclose(found, expected[name], atol=1e-5, err_msg=f"{name} {batch, steps}")
    assert (folder / "saved_model.pb").read_bytes() == before
    functions = functions_of(folder)
    assert sum(FUNCTION in function.signature.name for function in functions) == num_loops
    assert not any(function.attr["_XlaMustCompile"].b for function in functions)


def test_a_model_without_such_loops_is_loaded_as_it_is(tmp_path):
    module = tf.Module()
    module.f = tf.function(lambda x: x + 1, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(module, tmp_path)
    loaded, num_loops = load_compiled(tmp_path)
    assert (num_loops, loaded.f(tf.constant([1.0])).numpy().tolist()) == (0, [2.0])


@pytest.mark.parametrize(
    ("inputs", "spec", "shapes"),
    [
        ({"text": ["a b c"]}, tf.TensorSpec([None], tf.string), [3, 64, 256, 1024]),
        ({"series": [[[1.0], [2.0]]]}, tf.TensorSpec([None, None, 1]), [2, 64, 256, 1024]),
        ({"series": [[[1.0], [2.0]]]}, tf.TensorSpec([None, 2, 1]), [2]),
        ({"text": [""]}, tf.TensorSpec([None], tf.string), [0]),
        ({"frames": [["a", "b"]]}, tf.TensorSpec([None, None], tf.string), [2]),
        ({"image": [{"b64": "/9j/4AAQ"}]}, tf.TensorSpec([None], tf.string), []),
        ({"other": [1]}, tf.TensorSpec([None, None]), []),
    ],
)
def test_warm_up_has_every_compiled_length_of_inputs_of_any_length(inputs, spec, shapes, tmp_path):
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "request.json").write_text(json.dumps({"inputs": inputs}))
    (name,) = inputs
    found = []
    for request in warm_up_requests(tmp_path, {"other_name" if name == "other" else name: spec}):
        array = request[name]
        found.append(len(array[0].split()) if array.ndim == 1 else array.shape[1])
    assert found == shapes


def test_an_export_without_an_example_is_not_warmed_up(tmp_path):
    assert list(warm_up_requests(tmp_path, {})) == []


def test_a_model_that_cannot_be_compiled_is_served_plain(saved, monkeypatch, caplog):
    folder, _ = saved
    monkeypatch.setattr(serving_model, "newest_version", lambda folder: (1, folder))
    monkeypatch.setattr(serving_model, "warm_up_requests", lambda folder, specs: [{"x": None}])
    model = serving_model.Model(folder)
    compiled = model._loaded

    def refuse(signature, inputs):
        raise BadRequest("the model cannot process these inputs")

    monkeypatch.setattr(model, "answer", refuse)
    with caplog.at_level(logging.WARNING):
        assert model.warm_up() >= 0
    assert (model.num_compiled, model._loaded is compiled) == (0, False)
    assert "run uncompiled: the model cannot process these inputs" in caplog.text
