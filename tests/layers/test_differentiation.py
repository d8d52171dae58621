"""The fast backward pass serves every call that is differentiated, whatever `training` says."""

import contextlib
import itertools
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import answers, assert_close, mask_of, randomize, sequences, tensors
from tensorflow.core.protobuf import saved_model_pb2

from rnn_apps.layers import GRU, LSTM, StackedRNN, VanillaRNN, graph_form
from rnn_apps.models.sequence_encoder import SequencePooling

pytestmark = pytest.mark.slow

PEERS = {
    "vanilla": (VanillaRNN, keras.layers.SimpleRNN),
    "gru": (GRU, keras.layers.GRU),
    "lstm": (LSTM, keras.layers.LSTM),
}


def pair(name, **options):
    """Our layer and Keras' of equal weights."""
    ours, theirs = (kind(3, return_sequences=True) for kind in PEERS[name])
    if options:
        ours = PEERS[name][0](3, return_sequences=True, **options)
    for layer in (ours, theirs):
        layer.build((None, None, 3))
    randomize(theirs)
    ours.set_weights(theirs.get_weights())
    return ours, theirs


@pytest.fixture
def loops(monkeypatch):
    """Names of the loops that run or are traced."""
    from rnn_apps.layers.compilation import LoopRunner

    names, call = [], LoopRunner.__call__

    def counted(self, name, loop, *arguments):
        names.append(name)
        return call(self, name, loop, *arguments)

    monkeypatch.setattr(LoopRunner, "__call__", counted)
    return names


@pytest.mark.parametrize("training", [None, False, True])
@pytest.mark.parametrize("in_graph", [False, True], ids=["eager", "graph"])
def test_under_a_tape_every_call_takes_the_fast_backward_pass(training, in_graph, loops):
    ours, theirs = pair("gru")
    x, mask = tf.constant(sequences()), mask_of("holes")
    expected = tensors(theirs, x, mask, training=training)
    step = tf.function(tensors, autograph=False) if in_graph else tensors
    found = step(ours, x, mask, training=training)
    assert set(loops) == {"all", "backward"}
    for a, b in zip(found, expected):
        assert_close(a, b)


def test_a_call_without_a_tape_keeps_no_histories(loops):
    layer, _ = pair("lstm")
    x = tf.constant(sequences())
    layer(x)
    traced = tf.function(lambda x: layer(x, training=False))
    traced(x)
    assert set(loops) == {"outputs"}
    assert layer.loop_compiler._uses is None, "inference counts no uses"


@pytest.mark.parametrize("every", [None, 2])
@pytest.mark.parametrize("name", PEERS)
def test_a_function_traced_without_a_tape_is_differentiated_fast_all_the_same(name, every, loops):
    ours, theirs = pair(name, recompute_every=every)
    x, mask = tf.constant(sequences()), mask_of("left")
    traced = tf.function(lambda x, **options: ours(x, training=options["training"], mask=options["mask"]))
    traced(x, training=False, mask=mask)
    assert "backward" not in loops
    for found, expected in zip(
        answers(lambda_layer(ours, traced), x, mask, training=False), answers(theirs, x, mask, training=False)
    ):
        assert_close(found, expected)
    assert "backward" in loops


def lambda_layer(layer, function):
    """A function in the place of a layer, with the layer's weights."""

    class Called:
        trainable_variables = layer.trainable_variables

        def __call__(self, x, **options):
            return function(x, **options)

    return Called()


def penalty_gradients(call, sources):
    """Gradients of a gradient penalty: how steeply the outputs of `call` depend on the input."""
    x = sources[0]
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(call(x) ** 2)
        penalty = tf.reduce_sum(inner.gradient(y, x) ** 2)
    return [penalty, *outer.gradient(penalty, sources, unconnected_gradients="zero")]


@pytest.mark.parametrize(
    ("name", "where", "every", "training"),
    [
        ("lstm", "eager", None, True),
        ("gru", "graph", None, True),
        ("vanilla", "outside", None, False),
        ("vanilla", "graph", 2, True),
    ],
)
def test_second_gradients_are_those_of_keras(name, where, every, training):
    """With ``training=True`` too, where the backward loop once had no gradient and gave zeros."""
    results, x, mask = [], tf.constant(sequences()), mask_of("right")
    for layer in pair(name, recompute_every=every):
        sources = [x, *(w.value for w in layer.trainable_variables)]
        call = lambda x, layer=layer: layer(x, training=training, mask=mask)  # noqa: E731
        call = tf.function(call, autograph=False) if where == "outside" else call
        compute = tf.function(penalty_gradients, autograph=False) if where == "graph" else penalty_gradients
        results.append(compute(call, sources))
    assert_close(*results, 1e-4)
    assert all(np.asarray(value).any() for value in results[0])


@pytest.mark.parametrize("in_function", [False, True], ids=["eager", "function"])
def test_forward_mode_gives_the_tangents_of_keras(in_function):
    """A function is traced in the plain form: TensorFlow's forward mode takes no gradients of one's own."""
    x, tangent, results = tf.constant(sequences()), tf.constant(sequences(seed=5)), []
    for layer in pair("gru"):
        call = tf.function(lambda x, layer=layer: layer(x), autograph=False) if in_function else layer
        plain = graph_form() if in_function else contextlib.nullcontext()
        with plain, tf.autodiff.ForwardAccumulator(x, tangent) as accumulator:
            y = call(x)
        results.append(accumulator.jvp(y))
    assert_close(results[:1], results[1:])


@pytest.mark.parametrize("mode", ["mean", "mean_max"])
def test_pooling_has_second_gradients(mode):
    x, mask, results = tf.constant(sequences()), mask_of("right"), []
    for training in (True, None):
        pool = SequencePooling(mode)
        results.append(penalty_gradients(lambda x, t=training, p=pool: p(x**3, mask=mask, training=t), [x]))
    valid = tf.cast(mask[:, :, None], tf.float32)
    if mode == "mean":

        def plain(x):
            return tf.reduce_sum(x**3 * valid, 1) / tf.reduce_sum(valid, 1)

        results.append(penalty_gradients(plain, [x]))
    for found in results[1:]:
        assert_close(results[0], found)


@pytest.fixture(scope="module")
def trained():
    model = keras.Sequential(
        [
            keras.Input((None, 3)),
            keras.layers.Masking(),
            StackedRNN((3, 3), cell="gru"),
            keras.layers.Dense(2),
        ]
    )
    model.compile("sgd", "mse")
    for _ in range(3):  # the third batch of a shape is compiled
        model.train_on_batch(sequences(), np.ones((4, 2)))
    return model


@pytest.mark.parametrize("write", ["export", "save", "traced"])
def test_what_a_user_exports_directly_holds_stock_operations(trained, write, tmp_path):
    folder = str(tmp_path / "model")
    if write == "export":
        trained.export(folder, verbose=False)
    elif write == "save":
        tf.saved_model.save(trained, folder)
    else:
        module = tf.Module()
        module.model = trained
        module.serve = tf.function(trained, input_signature=[tf.TensorSpec([None, None, 3])])
        tf.saved_model.save(module, folder, signatures={"serve": module.serve})
    content = saved_model_pb2.SavedModel()
    content.ParseFromString((tmp_path / "model" / "saved_model.pb").read_bytes())
    graph = content.meta_graphs[0].graph_def
    nodes = itertools.chain(graph.node, *(f.node_def for f in graph.library.function))
    assert not [f.signature.name for f in graph.library.function if f.attr["_XlaMustCompile"].b]
    assert not {node.op for node in nodes} & {"PyFunc", "EagerPyFunc", "MutableHashTableV2"}
    loaded = tf.saved_model.load(folder)
    (answer,) = loaded.signatures[list(loaded.signatures)[0]](tf.constant(sequences())).values()
    assert_close([answer], [trained(sequences())])


def test_tf2onnx_called_directly_converts_a_trained_model(trained, tmp_path):
    tf2onnx, onnxruntime = pytest.importorskip("tf2onnx"), pytest.importorskip("onnxruntime")
    path, spec = str(tmp_path / "model.onnx"), tf.TensorSpec([None, None, 3])
    tf2onnx.convert.from_function(tf.function(trained), [spec], opset=18, output_path=path)
    session = onnxruntime.InferenceSession(path)
    (answer,) = session.run(None, {session.get_inputs()[0].name: sequences()})
    assert_close([answer], [trained(sequences())])


FREED = """
import gc, weakref
import keras, tensorflow as tf
from rnn_apps.layers import StackedRNN

def graph_of_a_step(cell):
    layer, x = StackedRNN((3, 2), cell=cell), tf.ones((2, 4, 3))
    layer(x)

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x, training=True))
        return tape.gradient(loss, layer.trainable_variables)

    step(x)
    return weakref.ref(step.get_concrete_function(x).graph)

graphs = [graph_of_a_step(cell) for cell in ("vanilla", "gru", "lstm")]
keras.backend.clear_session()
gc.collect()
assert [graph() for graph in graphs] == [None, None, None]
"""


def test_the_graph_of_a_training_step_is_freed_with_its_model():
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
