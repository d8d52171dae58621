import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import assert_close, mask_of, randomize, sequences, states, tensors

from rnn_apps.layers import GRU, LSTM, StackedRNN, VanillaRNN, compilation, cudnn, graph_form, recurrent_layer
from rnn_apps.layers.cells import GRUCell, LSTMCell
from rnn_apps.layers.compilation import LoopCompiler, inside_xla, num_parts
from rnn_apps.layers.recurrence import RecurrentWeights, forward_loop


def form(compiler, batch, steps, training=True):
    """Use a shape once and return the form that its loop ran in."""

    def loop(x):
        return x + 1, tf.constant(1 if inside_xla() else 0)

    @tf.function
    def use(x):
        return compiler.runner(tf.shape(x)[:2], training)("loop", loop, x)

    return "xla" if int(use(tf.zeros([batch, steps]))[1]) else "graph"


@pytest.fixture
def few_shapes(monkeypatch):
    monkeypatch.setattr(compilation, "MAX_COMPILED_SHAPES", 2)


def test_a_shape_is_compiled_on_its_third_use_and_from_then_on():
    compiler = LoopCompiler("auto")
    assert [form(compiler, 2, 3) for _ in range(4)] == ["graph", "graph", "xla", "xla"]
    assert form(compiler, 3, 2) == "graph"  # another shape counts from nothing


def test_no_more_than_so_many_shapes_are_compiled(few_shapes):
    compiler = LoopCompiler("auto")
    found = {steps: [form(compiler, 2, steps) for _ in range(4)][-1] for steps in (3, 4, 5)}
    assert found == {3: "xla", 4: "xla", 5: "graph"}
    assert form(compiler, 2, 3) == "xla"


def test_a_process_without_room_for_more_compiled_code_compiles_no_more_shapes(monkeypatch, caplog):
    """XLA crashes the process when Linux allows no more memory maps."""
    assert 0 <= compilation.share_of_maps() < 0.5
    before = LoopCompiler("auto")
    assert [form(before, 2, 3) for _ in range(3)][-1] == "xla"
    monkeypatch.setattr(compilation, "share_of_maps", lambda: 0.51)
    after = LoopCompiler("auto")
    assert [form(after, 2, 3) for _ in range(4)] == ["graph"] * 4
    assert "would run out of memory maps: new layers run without it" in caplog.text
    assert form(before, 2, 3) == "xla"


def test_sixteen_shapes_is_the_limit():
    assert compilation.MAX_COMPILED_SHAPES == 16
    assert compilation.USES_BEFORE_COMPILING == 3


def test_answers_and_exports_are_never_compiled():
    compiler = LoopCompiler("auto")
    assert [form(compiler, 2, 3, training=False) for _ in range(4)] == ["graph"] * 4
    assert compiler._uses is None, "answering counts no uses"
    with graph_form():
        assert form(LoopCompiler(True), 2, 3) == "graph"


def test_true_compiles_at_once_and_false_never():
    assert form(LoopCompiler(True), 2, 3) == "xla"
    assert [form(LoopCompiler(False), 2, 3) for _ in range(4)] == ["graph"] * 4


def test_inside_a_compiled_function_nothing_is_compiled_again():
    compiler = LoopCompiler(True)

    @tf.function(jit_compile=True)
    def outer(x):
        return compiler.runner(tf.shape(x)[:2], True)("loop", lambda x: x + 1, x)

    assert float(outer(tf.zeros([1, 1]))[0, 0]) == 1
    assert not compiler._functions


def test_a_whole_training_call_counts_one_use_even_in_parts(monkeypatch):
    monkeypatch.setattr(recurrent_layer, "num_parts", lambda batch, training: 2)
    layer = VanillaRNN(4)
    x = sequences(batch=4)
    forms = []
    for _ in range(3):
        tensors(layer, x)
        forms.append(("all", True) in layer.loop_compiler._functions)
    assert forms == [False, False, True]


def test_the_compiled_third_call_gives_what_the_first_gave_in_eager_and_in_a_graph():
    layer, x = GRU(4, return_sequences=True), sequences()
    layer.build(x.shape)
    first = tensors(layer, x)
    traced = tf.function(lambda x: tensors(layer, x))
    for step in (layer, traced):
        later = tensors(layer, x) if step is layer else traced(x)
        for ours, theirs in zip(later, first):
            assert_close(ours, theirs)
    assert int(traced(x)[0][0].shape[0]) == 4


@pytest.mark.parametrize(
    ("layer_class", "mask", "options"),
    [
        (VanillaRNN, "holes", {}),
        (LSTM, "none", {}),
        (LSTM, "holes", {"recurrent_dropout": 0.5}),
        (GRU, "left", {}),
        (GRU, "fully padded", {"recurrent_dropout": 0.5, "reset_after": False}),
    ],
)
def test_compiled_loops_give_what_plain_ones_give(layer_class, mask, options):
    x, found = sequences(), []
    for compiled in (True, False):
        layer = layer_class(4, return_sequences=True, return_state=True, compile=compiled, **options)
        layer.build(x.shape)
        randomize(layer)
        layer.cell.seed_generator.state.assign([0, 1])
        initial = states(layer.cell.state_sizes)
        found.append(tensors(layer, x, mask_of(mask), initial if len(initial) > 1 else initial[0]))
    for ours, theirs in zip(*(tf.nest.flatten(one) for one in found)):
        assert_close(ours, theirs)


@pytest.mark.parametrize("cell_class", [LSTMCell, GRUCell])
def test_a_compiled_step_computes_its_gates_from_tensors_that_do_not_depend_on_t(cell_class):
    """A fusion with both a dynamic slice and an activation is compiled to scalar code."""
    cell = cell_class(8)
    z, state = tf.zeros([5, 4, cell.gates * 8]), tf.zeros([4, 8])

    @tf.function(jit_compile=True, autograph=False)
    def loop(z, initial, kernel):
        return forward_loop(cell.form(), "all")(z, (), initial, RecurrentWeights((kernel,)))

    arguments = z, [state for _ in cell.state_sizes], tf.zeros([8, cell.gates * 8])
    text = loop.experimental_get_compiler_ir(*arguments)(stage="optimized_hlo")
    active = [part for part in text.split("\n}\n") if " tanh(" in part]
    assert active
    assert not any("dynamic-slice(" in part for part in active)


@pytest.mark.parametrize("layer_class", [VanillaRNN, LSTM, GRU])
def test_the_backward_loop_transposes_the_kernel_before_its_steps(layer_class):
    layer = layer_class(4, compile=False)
    layer.build((None, None, 3))
    traced = tf.function(lambda x: tensors(layer, x)).get_concrete_function(sequences())
    products = [
        node.attr["transpose_b"].b
        for function in traced.graph.as_graph_def().library.function
        if "while_body" in function.signature.name
        for node in function.node_def
        if node.op == "MatMul"
    ]
    assert products
    assert not any(products)


def test_stock_fit_runs_in_the_form_that_the_layer_chooses():
    layer = VanillaRNN(4)
    model = keras.Sequential([keras.Input((5, 3)), layer, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    history = model.fit(sequences(batch=6), np.ones((6, 1)), batch_size=2, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert layer.engine_path[0] == "xla"


def test_a_model_with_jit_compile_runs():
    layer = LSTM(4, compile=True)
    model = keras.Sequential([keras.Input((5, 3)), layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=True)
    x = sequences()
    first = model.train_on_batch(x, np.ones((4, 1)))
    assert model.train_on_batch(x, np.ones((4, 1))) < first
    assert layer.engine_path[0] == "xla"


def test_keras_leaves_the_whole_step_uncompiled_where_the_layer_chooses():
    assert not VanillaRNN(4).supports_jit
    assert not StackedRNN(4).supports_jit
    assert StackedRNN(4, compile=True).supports_jit


@pytest.mark.parametrize("length", [20, 43, None])
def test_blocks_of_steps_give_what_single_steps_give(length):
    """The form for LiteRT: steps that fill the blocks and steps that do not, with and without a mask."""
    every, last = GRU(3, return_sequences=True), LSTM(3, return_state=True)

    def call(x, mask):
        return [every(x), last(x, mask=mask)]

    specs = tf.TensorSpec([2, length, 3]), tf.TensorSpec([2, length], tf.bool)
    with graph_form(in_blocks=True):
        blocks = tf.function(call, autograph=False).get_concrete_function(*specs)
    assert not [op for op in blocks.graph.get_operations() if op.type.startswith("TensorList")]
    for steps in (length,) if length else (1, 2, 20, 43):
        x, mask = sequences(batch=2, steps=steps), np.random.default_rng(steps).random((2, steps)) < 0.7
        found = blocks(tf.constant(x), tf.constant(mask))
        for one, other in zip(*map(tf.nest.flatten, (call(x, mask), found)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("batch", "expected"), [(1, 1), (2, 2), (32, 2), (None, 2), (0, 2)])
def test_a_batch_is_cut_into_a_part_a_core_while_training(batch, expected, monkeypatch):
    monkeypatch.setattr(compilation, "num_cores", lambda: 2)
    assert num_parts(batch, True) == expected
    assert num_parts(batch, False) == 1
    with graph_form():
        assert num_parts(batch, True) == 1


def test_there_are_never_more_than_four_parts(monkeypatch):
    monkeypatch.setattr(compilation, "num_cores", lambda: 64)
    assert num_parts(64, True) == num_parts(None, True) == 4
    assert num_parts(3, True) == 3


def test_the_log_says_once_which_path_a_layer_took_and_why(caplog):
    layer = VanillaRNN(4, compile=False, name="encoder")
    with caplog.at_level("INFO", "rnn_apps.layers"):
        for _ in range(2):
            layer(sequences(), training=True)
    said = [record.getMessage() for record in caplog.records if record.name == "rnn_apps.layers"]
    assert said == ["encoder: graph path: compile=False; no cuDNN: no GPU"]
    assert cudnn.choose_path(layer, False) == ("graph", "no gradient is computed")
