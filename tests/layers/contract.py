"""The contract of every recurrent layer: a list of checks, each taking a `Subject`.

`tests/conformance/test_every_cell.py` runs them over the layers of every registered cell.
"""

import dataclasses
import functools
import json
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from oracles import answers, assert_close, randomize, sequences, tensors
from tensorflow.core.protobuf import saved_model_pb2

FEATURES = 3
POLICIES = {"mixed_bfloat16": 0.05, "mixed_float16": 0.01, "bfloat16": 0.1}


@dataclasses.dataclass(frozen=True)
class Subject:
    """A layer under the contract: `make(**options)` builds it, `arguments` are non-default values for all."""

    name: str
    make: Any
    arguments: Any = None
    compiles: bool = True  # False where it only joins layers that are compiled under this contract themselves

    def built(self, **options):
        layer = self.make(**{"return_state": True, "return_sequences": True, "compile": False, **options})
        layer.build((None, None, FEATURES))
        randomize(layer)
        return layer

    @functools.cached_property
    def layer(self):
        """One built layer for all checks that leave it as it is, so that its loops are traced once."""
        return self.built()


def every_argument_survives_the_config(subject):
    names, values = subject.arguments
    missing, unknown = set(names) - set(values), set(values) - set(names)
    assert not missing, "no non-default value is known"
    assert not unknown, "no such argument"
    layer = subject.make(**values, name="given", trainable=False)
    config = layer.get_config()
    assert set(values) | {"name", "trainable", "dtype"} <= set(config)
    clone = type(layer).from_config(json.loads(json.dumps(config)))
    assert clone.get_config() == config
    plain = type(layer)(**{k: v for k, v in values.items() if k in ("units", "cell")}).get_config()
    for name in set(values) - {"units", "cell"}:
        assert config[name] != plain.get(name), f"{name} has its default in the configuration"


def xla_gives_what_eager_gives(subject):
    if subject.compiles:
        x = sequences()
        for ours, theirs in zip(answers(subject.built(compile=True), x), answers(subject.layer, x)):
            assert_close(ours, theirs)


def padding_changes_nothing(subject):
    x, rubbish = sequences(), sequences(steps=3, seed=9) * 100
    shown, *finals = answers(subject.layer, x)[0]
    weights = len(subject.layer.trainable_variables)
    mask = tf.constant([[True] * 5 + [False] * 3] * 4)
    padded = [np.concatenate([x, rubbish * scale], 1) for scale in (0, 1)]
    for variant in padded:
        results, _ = answers(subject.layer, variant, mask)
        assert_close([results[0][:, :5], *results[1:]], [shown, *finals])
    quiet, loud = (answers(subject.layer, variant, mask)[1] for variant in padded)
    assert_close(loud[-weights:], quiet[-weights:])
    assert not loud[0][:, 5:].any(), "a gradient reaches the padding"
    padded_rows = tf.constant([[True] * 5 + [False] * 3, [False] * 8, [True] * 8, [True] * 8])
    (results, rows), x = answers(subject.layer, padded[1], padded_rows), padded[1]
    assert not results[0][1].any(), "a fully padded row gives zeros"
    assert not any(final[1].any() for final in results[1:]), "a fully padded row keeps its initial state"
    assert not rows[0][1].any()
    assert_close([results[0][0, :5]], [shown[0]])


def lower_precision_runs_and_stays_near(subject):
    x = sequences()
    expected = answers(subject.layer, x)[0]
    for policy, tolerance in POLICIES.items():
        layer = subject.built(dtype=policy)
        if (
            policy == "mixed_bfloat16"
        ):  # the backward pass differs from mixed_float16's in nothing but the dtype
            (shown, *_), gradients = tf.nest.flatten(layer(x)), []
        else:
            (shown, *_), gradients = tensors(layer, x)
        assert shown.dtype == keras.DTypePolicy(policy).compute_dtype
        assert all(np.isfinite(np.asarray(g, "float32")).all() for g in gradients)
        assert_close([np.asarray(shown, "float64")], expected[:1], tolerance)


def _model(layer):
    return keras.Sequential([keras.Input((None, FEATURES)), layer])


def keras_file_reloads_bit_equal(subject, folder):
    model, x = _model(subject.built(return_state=False)), sequences()
    model.save(folder / "model.keras")
    again = keras.models.load_model(folder / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))


def saved_model_reloads_bit_equal_on_stock_operations(subject, folder):
    model, x = _model(subject.built(return_state=False, compile="auto")), sequences()
    model.export(folder / "export", verbose=False)
    loaded = tf.saved_model.load(folder / "export")
    np.testing.assert_array_equal(loaded.serve(x), tf.function(model)(x))
    answer = np.asarray(loaded.serve(x))
    assert_close([loaded.serve(x[:1])], [answer[:1]])
    assert loaded.serve(x[:, :1]).shape == (4, 1, answer.shape[-1])
    assert loaded.serve(x[:0]).shape == (0, *answer.shape[1:])
    graphs = saved_model_pb2.SavedModel.FromString((folder / "export" / "saved_model.pb").read_bytes())
    for graph in graphs.meta_graphs:
        functions = graph.graph_def.library.function
        nodes = [*graph.graph_def.node, *(node for f in functions for node in f.node_def)]
        assert not [f.signature.name for f in functions if "_XlaMustCompile" in f.attr]
        assert not [node.name for node in nodes if "_XlaMustCompile" in node.attr]
        used = {node.op for node in nodes} - {f.signature.name for f in functions}
        assert used <= set(dir(tf.raw_ops)), "not a stock operation"
        assert not [
            op for op in used if op.startswith(("PyFunc", "EagerPyFunc", "Cudnn", "MutableHash", "Xla"))
        ]


def one_graph_gives_what_eager_gives_for_any_batch_and_steps(subject):
    signature = [tf.TensorSpec([None, None, FEATURES])]
    x, layer = sequences(), subject.layer
    expected = answers(layer, x)
    traced = tf.function(lambda x: tensors(layer, x), input_signature=signature)
    for ours, theirs in zip(traced(x), expected):
        assert_close(ours, theirs)
    whole = expected[0][0]
    assert_close([traced(x[:1])[0][0]], [whole[:1]])
    results, gradients = traced(x[:0])
    assert results[0].shape == (0, 5, whole.shape[-1])
    assert all(not np.asarray(g).any() for g in gradients)
    results, gradients = traced(x[:, :1])
    assert results[0].shape == (4, 1, whole.shape[-1])
    assert all(np.isfinite(g).all() for g in gradients)
    assert traced.experimental_get_tracing_count() == 1


def one_step_of_stock_fit_lowers_the_loss(subject):
    layer = subject.built(return_state=False)
    model, x = _model(layer), sequences(batch=4)
    target = sequences(batch=4, features=layer(x).shape[-1], seed=5)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    before, weights = model.fit(x, target, verbose=0).history["loss"][0], layer.get_weights()
    assert model.fit(x, target, verbose=0).history["loss"][0] < before
    assert all((new != old).any() for new, old in zip(layer.get_weights(), weights))


CHECKS = [
    every_argument_survives_the_config,
    xla_gives_what_eager_gives,
    padding_changes_nothing,
    lower_precision_runs_and_stays_near,
    one_graph_gives_what_eager_gives_for_any_batch_and_steps,
    one_step_of_stock_fit_lowers_the_loss,
    keras_file_reloads_bit_equal,
    saved_model_reloads_bit_equal_on_stock_operations,
]
