import numpy as np
import pytest
import tensorflow as tf
from oracles import answers, assert_close, mask_of, randomize, sequences, states
from user_cells import IndRNNCell

from rnn_apps.layers import GRU, LSTM, RecurrentLayer, VanillaRNN, cudnn, graph_form

LAYERS = {"rnn_tanh": VanillaRNN, "lstm": LSTM, "gru": GRU}
GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}


def unpack(params, mode, features, units):
    """The matrices and biases of cuDNN's weight space, as its documentation lays them out for one layer.

    All input matrices (units, features), then all recurrent matrices (units, units), each gate by gate; then
    the biases of both, gate by gate. Gates: LSTM input, forget, new, output; GRU reset, update, new.
    """
    gates, place, parts = GATES[mode], 0, []
    for shape in [(units, features)] * gates + [(units, units)] * gates + [(units,)] * (2 * gates):
        size = int(np.prod(shape))
        parts.append(tf.reshape(params[place : place + size], shape))
        place += size
    assert place == len(params)
    return [parts[i * gates : (i + 1) * gates] for i in range(4)]


def cudnn_step(mode, params, x, h, c):
    """One step for (batch, features), from the equations in cuDNN's documentation of the modes."""
    w, r, b_w, b_r = unpack(params, mode, x.shape[-1], h.shape[-1])
    into = [x @ tf.transpose(m) + b for m, b in zip(w, b_w)]
    back = [h @ tf.transpose(m) + b for m, b in zip(r, b_r)]
    if mode == "lstm":
        i, f, new, o = (a + b for a, b in zip(into, back))
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(new)
        return tf.sigmoid(o) * tf.tanh(c), c
    if mode == "gru":
        reset, update = (tf.sigmoid(into[k] + back[k]) for k in (0, 1))
        new = tf.tanh(into[2] + reset * back[2])
        return (1 - update) * new + update * h, c
    return (tf.tanh if mode == "rnn_tanh" else tf.nn.relu)(into[0] + back[0]), c


class Kernel:
    """Stands in for `tf.raw_ops.CudnnRNNV3` on CPU; answers as NVIDIA documents it, with gradients."""

    def __init__(self):
        self.calls = 0

    def __call__(self, **given):
        self.calls += 1
        assert [given[k] for k in ("is_training", "time_major")] == [True, True]
        assert (given["input_mode"], given["direction"]) == ("linear_input", "unidirectional")
        lengths = given["sequence_lengths"]
        assert (lengths.numpy() >= 1).all(), "cuDNN takes no empty row"
        assert given["input_h"].shape[0] == given["input_c"].shape[0] == 1
        h, c, outputs = given["input_h"][0], given["input_c"][0], []
        for t, x in enumerate(tf.unstack(given["input"])):
            real = (t < lengths)[:, None]
            new = cudnn_step(given["rnn_mode"], given["params"], x, h, c)
            h, c = (tf.where(real, after, before) for after, before in zip(new, (h, c)))
            outputs.append(tf.where(real, h, 0.0))
        return tf.stack(outputs), h[None], c[None], None, None


@pytest.fixture
def gpu(monkeypatch):
    """A machine that says it has a GPU, and a kernel in place of cuDNN's."""
    kernel = Kernel()
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: ["GPU:0"])
    monkeypatch.setattr(cudnn, "_KERNEL", kernel)
    return kernel


def built(layer_class, **options):
    layer = layer_class(4, return_sequences=True, return_state=True, **options)
    layer.build((None, None, 3))
    randomize(layer)
    return layer


@pytest.mark.parametrize(("mode", "activation"), [(m, "tanh") for m in LAYERS] + [("rnn_relu", "relu")])
def test_packed_weights_give_one_step_of_the_cell(mode, activation):
    layer = built(LAYERS.get(mode, VanillaRNN), activation=activation)
    assert cudnn.mode(layer.cell) == mode
    x, start = sequences(steps=1)[:, 0], states(layer.cell.state_sizes)
    _, new = layer.cell(x, start)
    expected = cudnn_step(mode, cudnn.pack(layer.cell), x, tf.constant(start[0]), start[-1])
    assert_close(new, expected[: len(new)])


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("mode", LAYERS)
def test_the_path_over_cudnn_gives_what_the_engine_gives(mode, go_backwards, gpu):
    on_gpu, plain = (built(LAYERS[mode], go_backwards=go_backwards) for _ in range(2))
    x, start = sequences(), states(plain.cell.state_sizes)
    for mask in ("none", "right", "fully padded", "left", "holes"):
        calls = gpu.calls
        results = on_gpu(x, initial_state=start, mask=mask_of(mask), training=True)
        assert on_gpu.engine_path[0] == "cudnn"
        assert gpu.calls - calls == (mask not in ("left", "holes")), "cuDNN runs for right-padded masks alone"
        assert_close(results, plain(x, initial_state=start, mask=mask_of(mask)))


def test_outputs_of_padding_over_cudnn_are_zeros_where_asked_and_w_hy_is_applied(gpu):
    options = {"output_units": 2, "zero_output_for_mask": True}
    on_gpu, plain = built(VanillaRNN, **options), built(VanillaRNN, **options)
    results = on_gpu(sequences(), mask=mask_of("right"), training=True)
    assert gpu.calls == 1
    assert_close(results, plain(sequences(), mask=mask_of("right")))


@pytest.mark.parametrize("mode", LAYERS)
def test_every_gradient_flows_through_packing_lengths_and_padding(mode, gpu):
    """With a kernel that has gradients of its own, all agree with the plain loop's."""
    on_gpu, plain = built(LAYERS[mode]), built(LAYERS[mode])
    start = states(plain.cell.state_sizes)
    for mask in ("none", "fully padded"):
        ours = answers(on_gpu, sequences(), mask_of(mask), start)
        with graph_form():
            theirs = answers(plain, sequences(), mask_of(mask), start, training=False)
        assert_close(ours[0], theirs[0])
        assert_close(ours[1], theirs[1])
    assert gpu.calls == 2


def test_the_kernel_has_a_gradient_and_the_modes_we_name():
    from tensorflow.python.framework import op_def_registry, ops

    assert ops.gradient_registry.lookup("CudnnRNNV3")
    attributes = {a.name: a for a in op_def_registry.get("CudnnRNNV3").attr}
    assert set(GATES) <= {v.decode() for v in attributes["rnn_mode"].allowed_values.list.s}


def test_nothing_of_cudnn_is_traced_without_a_gpu_nor_for_an_answer():
    layer = LSTM(4)
    traced = tf.function(lambda x, training: layer(x, mask=mask_of("right"), training=training))
    for training in (True, False):
        graph = traced.get_concrete_function(tf.TensorSpec([4, 5, 3]), training).graph
        names = [op.type for op in graph.get_operations()]
        names += [n.op for f in graph.as_graph_def().library.function for n in f.node_def]
        assert not [name for name in names if "Cudnn" in name]


@pytest.mark.parametrize(
    ("layer", "path", "reason"),
    [
        (VanillaRNN(4), "cudnn", "a GPU, and cuDNN supports every option"),
        (VanillaRNN(4, activation="relu"), "cudnn", "a GPU"),
        (LSTM(4), "cudnn", "a GPU"),
        (GRU(4, compile=False, go_backwards=True, dropout=0.5), "cudnn", "a GPU"),
        (LSTM(4, dtype="mixed_float16"), "cudnn", "a GPU"),
        (VanillaRNN(4, activation="sigmoid"), "xla", "VanillaRNNCell with these activations has no kernel"),
        (LSTM(4, recurrent_activation="relu"), "xla", "LSTMCell with these activations has no kernel"),
        (RecurrentLayer(IndRNNCell(4)), "xla", "IndRNNCell with these activations has no kernel"),
        (GRU(4, use_bias=False), "xla", "no cuDNN: use_bias=False"),
        (GRU(4, recurrent_dropout=0.5), "xla", "no cuDNN: recurrent_dropout"),
        (GRU(4, recompute_every=2), "xla", "no cuDNN: recompute_every"),
        (GRU(4, dtype="mixed_bfloat16"), "xla", "no cuDNN: bfloat16"),
        (GRU(4, use_bias=False, compile=False), "graph", "compile=False; no cuDNN: use_bias=False"),
        (LSTM(4, compile=True), "xla", "compile=True"),
    ],
)
def test_the_path_and_the_option_that_cost_the_fast_one_are_named(layer, path, reason):
    found, why = cudnn.choose_path(layer, differentiated=True, gpus=1)
    assert found == path
    assert reason in why


def test_a_masked_layer_on_a_gpu_says_what_other_masks_cost():
    path, reason = cudnn.choose_path(GRU(4), differentiated=True, has_mask=True, gpus=1)
    assert path == "cudnn"
    assert "plain loop for batches whose mask is not right-padded" in reason


def test_exports_and_compiled_models_never_take_cudnn():
    with graph_form():
        assert cudnn.choose_path(LSTM(4), True, gpus=1) == (
            "graph",
            "an export contains only standard operations",
        )

    found, layer = [], LSTM(4)

    @tf.function(jit_compile=True)
    def compiled(x):
        found.append(cudnn.choose_path(layer, True, gpus=1)[0])
        return x

    compiled(tf.zeros([1]))
    assert found == ["xla"]
    assert cudnn.choose_path(LSTM(4), True, gpus=0)[1].endswith("no cuDNN: no GPU")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[1, 1, 0], [1, 0, 0]], True),
        ([[1, 1, 1]], True),
        ([[0, 0, 0], [1, 1, 0]], True),
        ([[0, 1, 1]], False),
        ([[1, 0, 1], [1, 1, 1]], False),
    ],
)
def test_a_right_padded_mask_is_told_from_others(rows, expected):
    assert bool(cudnn.is_right_padded(tf.constant(rows) > 0)) is expected
