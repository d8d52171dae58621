"""Tests that every check of `rnn-apps check` passes on valid models and detects a planted fault."""

import keras
import numpy as np
import pytest

from rnn_apps.checking import check_model, draw_gradient_norms, gradient_norms
from rnn_apps.checking.masks import find_lost_mask
from rnn_apps.layers import VanillaRNN
from rnn_apps.models.language_model import language_model
from rnn_apps.models.sequence_decoder import SequenceDecoder
from rnn_apps.runs.imported import check, import_run

pytestmark = pytest.mark.slow

L = keras.layers


def sequential(*layers, shape=(None, 3)):
    return keras.Sequential([keras.Input(shape), *layers])


def found(model):
    return {finding.check: finding for finding in check_model(model)}


def test_a_valid_model_passes_every_check():
    embedding = L.Embedding(9, 4, mask_zero=True)
    model = sequential(embedding, VanillaRNN(4, name="ours"), L.Dense(1), shape=(None,))
    findings = found(model)
    names = {
        "padding invariance",
        "batch independence",
        "save and reload",
        "path of ours",
        "gradient over time",
    }
    assert set(findings) == names
    assert all(finding.passed for finding in findings.values())
    assert findings["path of ours"].detail.startswith("xla")


@pytest.mark.parametrize(
    ("layers", "blame"),
    [
        ([L.Conv1D(4, 3, padding="same", name="conv"), L.GRU(3)], "the mask is lost in conv (Conv1D)"),
        ([L.Reshape((-1, 3), name="shape"), L.GRU(3)], "the mask is lost in shape (Reshape)"),
    ],
)
def test_a_lost_mask_is_detected_and_its_layer_named(layers, blame):
    model = sequential(L.Masking(), *layers)
    finding = found(model)["padding invariance"]
    assert finding.passed is False
    assert finding.detail.endswith(blame)


def merged(merge):
    """Return a network that merges masked word vectors with numbers that have no mask."""
    words, numbers = keras.Input((None,)), keras.Input((None, 4))
    masked = L.Embedding(9, 4, mask_zero=True)(words)
    return keras.Model([words, numbers], L.GRU(3)(merge(masked, numbers)))


def inner_model(x, other):
    given = keras.Input((None, 4))
    return keras.Model(given, L.Conv1D(4, 3, padding="same", name="conv")(given))(x)


@pytest.mark.parametrize(
    ("merge", "blame"),
    [
        (lambda x, y: L.Concatenate(name="a")([x, y]), "a (Concatenate), one input of which has no mask"),
        (lambda x, y: L.Concatenate(1, name="a")([x, y]), "a (Concatenate), one input of which has no mask"),
        (lambda x, y: L.Add(name="a")([x, y]), "a (Add), one input of which has no mask"),
        (lambda x, y: 2 * x, "(Multiply)"),
        (inner_model, "conv (Conv1D)"),
    ],
    ids=["Concatenate", "Concatenate along the steps", "Add", "operation", "model within the model"],
)
@pytest.mark.filterwarnings("ignore")
def test_a_mask_that_is_lost_in_a_graph_is_detected(merge, blame):
    detail = found(merged(merge))["padding invariance"].detail
    assert "the mask is lost in " in detail
    assert blame in detail


@pytest.mark.filterwarnings("ignore")
def test_no_layer_is_blamed_for_a_mask_that_all_inputs_have():
    joined = merged(lambda x, y: L.Concatenate()([x, L.Dense(2)(x)]))
    inputs = [np.array([[1, 2, 0, 0]], "float32"), np.ones((1, 4, 4), "float32")]
    assert find_lost_mask(joined, inputs) is None
    dropped = merged(lambda x, y: L.Concatenate()([x, y]))
    assert find_lost_mask(dropped, inputs).startswith("concatenate")


def test_a_model_without_a_mask_is_reported_as_such():
    finding = found(sequential(L.GRU(3)))["padding invariance"]
    assert finding.passed is None
    assert "has no mask" in finding.detail


@keras.saving.register_keras_serializable(package="test_checking")
class Leaky(L.Layer):
    """Subtracts the mean of the batch."""

    def call(self, x):
        return x - keras.ops.mean(x, axis=0, keepdims=True)


@keras.saving.register_keras_serializable(package="test_checking")
class Forgetful(L.Layer):
    """A layer whose configuration lacks its argument."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {"name": self.name}


def test_dependence_within_a_batch_is_detected():
    finding = found(sequential(L.GRU(3), Leaky()))["batch independence"]
    assert finding.passed is False
    assert finding.detail.startswith("outputs alone and in a batch differ by")


def test_a_stateful_layer_is_detected_and_named():
    given = keras.Input(batch_shape=(1, None, 3))
    model = keras.Model(given, L.GRU(3, stateful=True, name="carried")(given))
    finding = found(model)["batch independence"]
    assert finding.passed is False
    assert finding.detail.endswith("stateful: carried")


def test_a_loss_on_saving_is_detected():
    assert found(sequential(L.GRU(3), Forgetful(2.0)))["save and reload"].passed is False


@keras.saving.register_keras_serializable(package="test_checking")
class OwnCell(L.SimpleRNNCell):
    """A cell that only its user knows."""


@keras.saving.register_keras_serializable(package="test_checking")
class Unreadable(Forgetful):
    """A layer that its configuration cannot restore."""

    def __init__(self, factor, **kwargs):
        super().__init__(factor, **kwargs)


def test_a_model_that_cannot_be_loaded_has_a_reason():
    finding = found(sequential(L.GRU(3), Unreadable(2.0)))["save and reload"]
    said = "TypeError: Unreadable.__init__() missing 1 required positional argument: 'factor'"
    assert finding == ("save and reload", False, said)


def test_the_path_of_keras_own_layers_says_what_would_make_it_faster():
    model = sequential(L.LSTM(3, name="fit", return_sequences=True), L.RNN(OwnCell(3), name="own"))
    findings = found(model)
    assert "importing the model converts it" in findings["path of fit"].detail
    assert "OwnCell is not in the engine's form" in findings["path of own"].detail


def linear(factor):
    """h_t = factor * h_{t-1} + x_t: the gradient of step t of n is factor ** (n - t)."""
    layer = L.SimpleRNN(1, activation="linear")
    model = sequential(layer, shape=(None, 1))
    layer.set_weights([np.ones((1, 1)), np.full((1, 1), factor), np.zeros(1)])
    return model


def test_gradient_norms_are_those_of_the_equation():
    norms = gradient_norms(linear(0.9), steps=20)
    np.testing.assert_allclose(norms / norms[-1], 0.9 ** np.arange(19, -1, -1), rtol=1e-4)


def test_an_embedding_is_found_at_any_depth():
    """In a nested model, in a layer and at the top level, the same network has the same norms."""
    layers = [L.Embedding(9, 4), L.GRU(5)]
    inner = sequential(layers[0], shape=(None,))
    norms = [gradient_norms(sequential(*one, shape=(None,)), 20) for one in (layers, [inner, layers[1]])]
    np.testing.assert_allclose(*norms, rtol=1e-4)
    assert (norms[0] > 0).all()
    decoder = SequenceDecoder(9, 4, (5,))
    model = language_model(decoder)
    of_steps = gradient_norms(model, 20)
    assert of_steps.shape == (20,)
    assert of_steps[-1] > 0
    tokens = np.random.default_rng(0).integers(1, 9, (2, 6))
    before = np.asarray(model(tokens))
    gradient_norms(model, 6)
    np.testing.assert_array_equal(model(tokens), before)
    assert "call" not in vars(decoder.embedder)


def test_a_model_that_needs_many_steps_is_checked_with_them(tmp_path):
    """The same holds for a file and for a run, and for the gradients."""
    narrowing = [L.Conv1D(3, 5, strides=5, name=f"conv{i}") for i in range(2)]  # 25 steps and more
    sequential(*narrowing, L.GRU(2)).save(tmp_path / "narrowing.keras")
    run, found = import_run(tmp_path / "narrowing.keras", tmp_path / "run")
    assert found.steps == 64
    for path in (tmp_path / "narrowing.keras", run.folder):
        findings, norms = check(path)
        assert len(norms) == 64
        assert "step 64" in {one.check: one for one in findings}["gradient over time"].detail


@pytest.mark.parametrize(
    ("factor", "passed", "word"), [(0.5, None, "vanishes"), (1.5, None, "explodes"), (1, True, "range")]
)
def test_gradients_that_vanish_or_explode_are_named(factor, passed, word):
    finding = found(linear(factor))["gradient over time"]
    assert finding.passed is passed
    assert word in finding.detail


def test_the_plot_is_an_image(tmp_path):
    draw_gradient_norms(np.geomspace(1e-3, 1, 20), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_model_of_text_is_refused():
    given = keras.Input((), dtype="string")
    model = keras.Model(given, L.Hashing(3)(given))
    with pytest.raises(ValueError, match="is text, expected numbers"):
        check_model(model)


def test_an_output_that_padding_makes_nan_is_not_equal():
    given = keras.Input((None, 3))
    x = L.Masking()(given)
    model = keras.Model(
        given, L.GRU(2)(x) / keras.ops.min(keras.ops.max(keras.ops.abs(given), -1), 1, keepdims=True)
    )
    assert found(model)["padding invariance"].passed is False
