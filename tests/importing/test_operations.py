"""Tests operations in functional models: those that Keras inserts, and those that users call."""

import zipfile

import keras
import numpy as np
import pytest
from keras import ops

from rnn_apps.errors import UserError
from rnn_apps.importing import import_model

pytestmark = pytest.mark.slow

L = keras.layers


def arithmetic(x):
    y = 1 / ((2 * x - 1) ** 2 + 3) + abs(-x) // 2 + x % 3
    return y + ops.cast(((x > 0) & (x <= 1)) ^ ~(x != 2), "float32") + round(x)


def mask_through_attention(x):
    return L.Attention()([L.Masking()(x)] * 2)


def mask_through_merges(x):
    masked = L.Masking()(x)
    other = L.Dense(3)(masked)
    summed = L.Add()([masked, other])
    return L.Concatenate()([summed, L.Concatenate(axis=1)([masked, x])[:, 1::2]])


def products(x):
    return x @ ops.transpose(x, (0, 2, 1)) @ x + ops.einsum("bsf,bsg->bsg", x, x)


def constants(x):
    scores = ops.where(x > 0, x * np.array([1, 2, 3], "float32"), -np.inf)
    return ops.softmax(ops.where(x > 1, scores, ops.convert_to_tensor([-1e30] * 3)))


def shapes(x):
    state = ops.expand_dims(ops.max(x, axis=1), 1)
    one_hot = ops.one_hot(ops.argmax(x, axis=-1), 3)
    return ops.concatenate([ops.repeat(state, 2, axis=1), ops.tile(state, (1, 3, 1)), one_hot], axis=1)


def steps(x):
    last = ops.sum(ops.cast(ops.any(x != 0, axis=-1), "int32"), axis=1, keepdims=True) - 1
    chosen = ops.take_along_axis(x, ops.expand_dims(last, -1), axis=1)
    return ops.pad(ops.roll(ops.sort(x, axis=1), 1, axis=1), ((0, 0), (1, 0), (0, 0))) + chosen


def functions(x):
    y = ops.log1p(ops.exp(x)) + ops.rsqrt(ops.square(x) + 1) + ops.erf(x) + ops.floor(x) + ops.sin(x)
    return ops.normalize(ops.log_softmax(y) + ops.relu6(y) + ops.logsumexp(y, -1, keepdims=True))


@pytest.mark.parametrize(
    "build",
    [
        arithmetic,
        mask_through_attention,
        mask_through_merges,
        products,
        constants,
        shapes,
        steps,
        functions,
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_pure_operations_are_imported(build, tmp_path):
    given = keras.Input((None, 3))
    model = keras.Model(given, L.GRU(2)(build(given)))
    model.save(tmp_path / "model.keras")
    found = import_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    np.testing.assert_allclose(found.model(x), model(x), atol=1e-5)


LARGE = {
    "tile": lambda x: ops.tile(x, (1, 77, 1)),
    "repeat": lambda x: ops.repeat(x, 77, axis=1),
    "pad": lambda x: ops.pad(x, ((0, 0), (77, 0), (0, 0))),
    "one_hot": lambda x: ops.one_hot(ops.argmax(x, -1), 77),
}


def rewritten(model, path, change):
    """Save a model with its configuration changed as text."""
    model.save(path)
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members["config.json"] = change(members["config.json"].decode()).encode()
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)
    return path


@pytest.mark.parametrize("name", LARGE)
def test_an_operation_with_a_too_large_output_is_refused(name, tmp_path):
    given = keras.Input((None, 3))
    model = keras.Model(given, LARGE[name](given))
    path = rewritten(model, tmp_path / "invalid.keras", lambda text: text.replace("77", "2000000000"))
    with pytest.raises(UserError, match="layers whose outputs have"):
        import_model(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"float64"', '"U2000000000"'), ('"float64"', '"object"'), ("[1.5, 2.5, 3.5]", '["a", "b", "c"]')],
)
def test_a_constant_that_is_not_numbers_is_refused(old, new, tmp_path):
    given = keras.Input((None, 3))
    model = keras.Model(given, given * np.array([1.5, 2.5, 3.5]))
    path = rewritten(model, tmp_path / "invalid.keras", lambda text: text.replace(old, new))
    with pytest.raises(UserError, match="received a constant, expected an array of numbers"):
        import_model(path)


def test_infinity_is_not_a_size(tmp_path):
    layers = [keras.Input((None, 3)), L.Rescaling(77.0)]
    path = rewritten(
        keras.Sequential(layers), tmp_path / "invalid.keras", lambda text: text.replace("77.0", "Infinity")
    )
    with pytest.raises(UserError, match=r"scale; received .inf, expected less than"):
        import_model(path)


def test_an_unsupported_operation_is_named_with_a_fix(tmp_path):
    given = keras.Input((None, 3))
    keras.Model(given, ops.diff(given, axis=1)).save(tmp_path / "model.keras")
    with pytest.raises(UserError, match='the operation "Diff" of keras.ops is not supported.*import_model'):
        import_model(tmp_path / "model.keras")


@keras.saving.register_keras_serializable(package="mine")
class Doubling(L.Layer):
    """A custom layer."""

    def call(self, x):
        return 2 * x


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Doubling(name="own"), 'layer "own" is of the class "Doubling", which Keras 3 does not have'),
        (L.Lambda(lambda x: x, name="own"), 'layer "own" is a Lambda, which runs code'),
        (L.StringLookup(vocabulary=["a"], name="own"), 'layer "own" is a StringLookup, which has files'),
    ],
    ids=["custom", "Lambda", "preprocessing"],
)
def test_an_unsupported_layer_is_named_with_a_fix(layer, message, tmp_path):
    given = keras.Input((None, 3), dtype="string" if "Lookup" in type(layer).__name__ else "float32")
    path = rewritten(keras.Model(given, layer(given)), tmp_path / "model.keras", lambda text: text)
    with pytest.raises(UserError, match=rf"({message}).*rnn_apps\.import_model.*rnn_apps\.from_keras"):
        import_model(path)
