"""Tests that recurrent layers become operators of ONNX with the layer's own outputs, and which do not."""

import logging

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
import tf2onnx
from folders import operators_of

from rnn_apps.export.onnx_operators import handlers
from rnn_apps.export.onnx_quantization import quantize
from rnn_apps.export.verification import LayerForm
from rnn_apps.layers import GRU, LSTM, StackedRNN, VanillaRNN, list_cells
from rnn_apps.layers.onnx_operators import MOST_SLOW_VALUES, onnx_operators

FEATURES = 3
SHAPES = [(1, 1), (2, 7), (5, 4)]
ALL = {"return_sequences": True, "return_state": True}
LAYERS = {
    "vanilla": lambda: VanillaRNN(4, **ALL),
    "vanilla_last": lambda: VanillaRNN(4),
    "relu_backwards": lambda: VanillaRNN(4, activation="relu", go_backwards=True, **ALL),
    "readout": lambda: VanillaRNN(4, output_units=2, return_sequences=True),
    "gru": lambda: GRU(4, **ALL),
    "gru_last_backwards": lambda: GRU(4, go_backwards=True, return_state=True),
    "gru_reset_before": lambda: GRU(4, reset_after=False, **ALL),
    "gru_zeros": lambda: GRU(4, zero_output_for_mask=True, go_backwards=True, **ALL),
    "lstm_last": lambda: LSTM(4, return_state=True),
    "lstm_backwards": lambda: LSTM(4, go_backwards=True, **ALL),
    "lstm_no_bias": lambda: LSTM(4, use_bias=False, activation="relu", **ALL),
    "bidirectional": lambda: keras.layers.Bidirectional(LSTM(4, return_sequences=True)),
    "stack": lambda: StackedRNN(
        (4, 4), cell="gru", bidirectional=True, residual=False, return_sequences=True
    ),
}
UNMASKED = ("vanilla", "vanilla_last", "gru_last_backwards", "bidirectional")


def convert(function, specs, path):
    """Return the operators of a function's layers, its file, and a function that runs it."""
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    traced = tf.function(function, input_signature=specs, autograph=False)
    with onnx_operators() as written:
        tf2onnx.convert.from_function(
            traced, specs, opset=18, output_path=str(path), custom_op_handlers=handlers(written)
        )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return written, onnx.load(path), lambda inputs: dict(zip(names, session.run(names, inputs)))


def built(layers):
    keras.utils.set_random_seed(1)
    for layer in layers.values():
        layer(tf.zeros([1, 2, FEATURES]))
        for weight in layer.weights:
            weight.assign(0.5 * keras.random.normal(weight.shape))
    return layers


def numbered(name, results):
    return {f"{name}_{index}": one for index, one in enumerate(tf.nest.flatten(results))}


def inputs_of(batch, steps, seed, mask):
    rng = np.random.default_rng(seed)
    inputs = {"x": rng.normal(size=(batch, steps, FEATURES)).astype(np.float32)}
    if mask:  # any mask: left, interior, right, and a row without a valid step
        inputs["mask"] = rng.random((batch, steps)) < 0.6
        inputs["mask"][-1] = False
    return inputs


def assert_equal(function, run, masked):
    for seed, (batch, steps) in enumerate(SHAPES):
        inputs = inputs_of(batch, steps, seed, masked)
        expected, found = function(*map(tf.constant, inputs.values())), run(inputs)
        assert expected.keys() == found.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=f"{name} {batch, steps}")


@pytest.mark.parametrize("masked", [False, True])
def test_operators_give_the_outputs_and_states_of_the_layers(masked, tmp_path):
    layers = built({name: make() for name, make in LAYERS.items() if masked or name in UNMASKED})
    specs = [
        tf.TensorSpec([None, None, FEATURES], name="x"),
        tf.TensorSpec([None, None], tf.bool, name="mask"),
    ]

    def function(x, mask=None):
        results = {}
        for name, layer in layers.items():
            results |= numbered(name, layer(x, mask=mask))
        return results

    written, model, run = convert(function, specs[: 1 + masked], tmp_path / "layers.onnx")
    assert_equal(function, run, masked)
    assert {one.form for one in written} == {"RNN", "GRU", "LSTM"}
    types = operators_of(model.graph)
    for form in ("RNN", "GRU", "LSTM"):
        assert types.count(form) == sum(one.form == form for one in written)
    assert types.count("Loop") == sum("a Loop" in one.note for one in written) == 2 + masked
    assert "ReverseSequence" not in types


def test_operators_start_from_given_states(tmp_path):
    layers = built({"vanilla": VanillaRNN(4, **ALL), "gru": GRU(4, **ALL), "lstm": LSTM(4, **ALL)})
    specs = [
        tf.TensorSpec([None, None, FEATURES], name="x"),
        tf.TensorSpec([None, None], tf.bool, name="mask"),
    ]

    def function(x, mask=None):
        state, results = tf.reduce_sum(x, axis=[1])[:, :1] * tf.constant([[1.0, 2, 3, 4]]), {}
        for name, layer in layers.items():
            states = [state, 0.1 * state] if name == "lstm" else [state]
            results |= numbered(name, layer(x, mask=mask, initial_state=states))
        return results

    _, _, run = convert(function, specs, tmp_path / "layers.onnx")
    assert_equal(function, run, True)


def test_both_branches_of_a_vanilla_layer_are_right(tmp_path):
    units = MOST_SLOW_VALUES // 4
    layer = VanillaRNN(units, return_sequences=True)
    layer(tf.zeros([1, 2, FEATURES]))
    written, model, run = convert(
        lambda x: {"y": layer(x)}, [tf.TensorSpec([None, None, FEATURES], name="x")], tmp_path / "layer.onnx"
    )
    (branch,) = [node for node in model.graph.node if node.op_type == "If"]
    by_branch = {attribute.name: operators_of(attribute.g) for attribute in branch.attribute}
    assert ("RNN" in by_branch["then_branch"], "Loop" in by_branch["else_branch"]) == (True, True)
    for batch in (4, 5):
        inputs = inputs_of(batch, 6, 0, False)
        np.testing.assert_allclose(run(inputs)["y"], layer(inputs["x"]), atol=2e-6)
    (operator,) = written
    assert operator.note == f"a Loop, faster then, where batch x units is above {MOST_SLOW_VALUES:,}"


def test_int8_applies_to_the_weights_of_every_operator(tmp_path):
    cells = ("vanilla", "gru", "lstm", "min_gru")
    layers = {cell: StackedRNN(32, cell=cell, return_sequences=True) for cell in cells}
    for layer in layers.values():
        layer.build((None, None, FEATURES))
    specs = [tf.TensorSpec([None, None, FEATURES], name="x")]
    path = tmp_path / "layers.onnx"
    written, model, run = convert(lambda x: {k: layer(x) for k, layer in layers.items()}, specs, path)
    forms = quantize(path, [LayerForm(one.layer, one.form) for one in written])
    notes = {form.operator: form.note for form in forms}
    in_float32 = "int8 weights, computed in float32"
    loop = "float32 weights in the loop"
    assert notes == {"RNN": in_float32, "GRU": in_float32, "LSTM": "int8", "Loop": loop}
    quantized = onnx.load(path).graph
    assert {"DynamicQuantizeLSTM", "DequantizeLinear", "RNN", "GRU"} <= set(operators_of(quantized))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = inputs_of(2, 7, 0, False)
    names = [output.name for output in session.get_outputs()]
    for name, found in zip(names, session.run(names, inputs)):
        differences = np.abs(found - run(inputs)[name])
        assert differences.max() < 0.1, name
    assert [node.name for node in quantized.node] != [node.name for node in model.graph.node]


@keras.saving.register_keras_serializable(package="tests")
class ForeignCell(keras.layers.SimpleRNNCell):
    """A cell that is not a RecurrentCell."""


def test_every_cell_is_listed_with_its_form_and_the_reason():
    layers = {name: StackedRNN(4, cell=name, return_sequences=True) for name in list_cells()}
    layers |= {
        "foreign": StackedRNN(4, cell=ForeignCell, return_sequences=True),
        "selu": GRU(4, activation="selu", return_sequences=True),
        "half": LSTM(4, dtype="mixed_float16", return_sequences=True),
    }
    for layer in layers.values():
        layer(tf.zeros([1, 2, FEATURES]))

    def function(x):
        return [layer(x) for layer in layers.values()]

    specs = [tf.TensorSpec([None, None, FEATURES], name="x")]
    with onnx_operators() as written:
        tf.function(function, autograph=False).get_concrete_function(*specs)
    forms = {one.layer.split("/")[0]: (one.form, one.note.split(",")[0]) for one in written}
    forms = {name: forms[layer.name] for name, layer in layers.items()}
    operators = {"vanilla": "RNN", "gru": "GRU", "lstm": "LSTM"}
    assert {name: form for name, (form, _) in forms.items() if form != "Loop"} == operators
    assert forms["foreign"][1] == "ForeignCell is not a RecurrentCell"
    assert forms["selu"][1] == "no operator has the activation selu"
    assert forms["half"][1] == "ONNX Runtime has no operator in float16"
    for name in set(list_cells()) - set(operators):
        assert forms[name][1].startswith("ONNX has no operator for ")
