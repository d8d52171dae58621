"""Tests that hostile model files, one for each kind of public advisory, are refused without side effects.

Side effects are detected by a canary file that their code would write, a listener on the loopback interface
that they would call, and the memory of the process.
"""

import json
import os
import pickle
import resource
import socket
import stat
import threading
import time
import zipfile

import h5py
import keras
import numpy as np
import pytest

from rnn_apps.errors import UserError
from rnn_apps.importing import building, import_model

pytestmark = pytest.mark.slow

L = keras.layers
MAX_MEMORY = 400e6


@pytest.fixture(scope="module")
def harmless(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "harmless.keras"
    layers = [keras.Input((None, 3)), keras.layers.SimpleRNN(2), keras.layers.Dense(1)]
    keras.Sequential(layers).save(path)
    return path


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def was_called(server):
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def url_of(server):
    return f"http://127.0.0.1:{server.getsockname()[1]}/words.txt"


def rewritten(source, target, change=None, extra=(), weights=None):
    """Copy a .keras archive with a changed configuration, additional files or other weights."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "config.json" and change:
                config = json.loads(content)
                content = json.dumps(change(config) or config).encode()
            if entry.filename == "model.weights.h5" and weights:
                content = weights.read_bytes()
            new.writestr(entry.filename, content)
        for info, content in extra:
            new.writestr(info, content)
    return target


def with_layer(layer):
    def change(config):
        config["config"]["layers"].insert(1, layer)

    return change


def layer(module, name, **config):
    return {
        "module": module,
        "class_name": name,
        "config": {"name": "hostile", **config},
        "registered_name": None,
    }


def set_activation(value):
    def change(config):
        config["config"]["layers"][2]["config"]["activation"] = value

    return change


def lambda_layer(canary):
    """Return a Lambda layer whose code writes the canary, as Keras serializes it."""
    made = keras.layers.Lambda(eval(f"lambda x: (open({str(canary)!r}, 'w').close(), x)[1]"))
    return keras.saving.serialize_keras_object(made)


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


CONFIGURATIONS = {
    "code in a Lambda": lambda canary, url: with_layer(lambda_layer(canary)),
    "a function of os": lambda canary, url: set_activation(function("os", "system")),
    "a function of builtins": lambda canary, url: set_activation(function("builtins", "eval")),
    "a class of subprocess": lambda canary, url: with_layer(
        layer("subprocess", "Popen", args=["touch", str(canary)])
    ),
    "a download": lambda canary, url: with_layer(
        layer("keras.utils", "get_file", fname="x", origin=url, extract=True)
    ),
    "a class under a registered name": lambda canary, url: with_layer(
        layer("os", "Dense", units=3) | {"class_name": "popen", "registered_name": "os>popen"}
    ),
    "a vocabulary from a path": lambda canary, url: with_layer(
        layer("keras.layers", "StringLookup", vocabulary="/etc/passwd")
    ),
    "a vocabulary from an address": lambda canary, url: with_layer(
        layer("keras.layers", "TextVectorization", vocabulary=url)
    ),
    "a nested SavedModel": lambda canary, url: with_layer(
        layer("keras.layers", "TFSMLayer", filepath=str(canary.parent))
    ),
    "a pickle in a wrapper": lambda canary, url: with_layer(
        layer("keras.layers", "TorchModuleWrapper", pickled="gASVCg==")
    ),
    "JAX code": lambda canary, url: with_layer(layer("keras.layers", "JaxLayer", call_fn="x")),
    "a million units": lambda canary, url: with_layer(layer("keras.layers", "Dense", units=200_000_000)),
    "an endless embedding": lambda canary, url: with_layer(
        layer("keras.layers", "Embedding", input_dim=2_000_000_000, output_dim=1000)
    ),
    "a repeated output": lambda canary, url: with_layer(
        layer("keras.layers", "ZeroPadding1D", padding=2_000_000_000)
    ),
    "a size beyond all": lambda canary, url: with_layer(layer("keras.layers", "Dense", units=1e300)),
    "a negative size": lambda canary, url: with_layer(layer("keras.layers", "Dense", units=-5)),
    "a class that is no text": lambda canary, url: with_layer(layer("keras.layers", ["Dense"], units=3)),
    "no layers": lambda canary, url: lambda config: {"class_name": "Sequential", "config": {}},
    "no model": lambda canary, url: lambda config: [1, 2, 3],
    "another object": lambda canary, url: lambda config: layer("keras.layers", "Dense", units=3),
    "an inner model of code": lambda canary, url: with_layer(
        {"class_name": "Sequential", "config": {"layers": [lambda_layer(canary)]}}
    ),
    "code in an initializer": lambda canary, url: (
        lambda config: config["config"]["layers"][2]["config"].update(
            kernel_initializer=lambda_layer(canary)["config"]["function"]
        )
    ),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_hostile_configuration_is_refused(name, harmless, canary, listener, tmp_path):
    change = CONFIGURATIONS[name](canary, url_of(listener))
    path = rewritten(harmless, tmp_path / "hostile.keras", change)
    refused(path, canary, listener)


def refused(path, canary=None, listener=None):
    before, files = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, set(path.parent.iterdir())
    with pytest.raises(UserError) as caught:
        import_model(path)
    assert str(path) in str(caught.value)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MAX_MEMORY
    assert set(path.parent.iterdir()) == files
    assert canary is None or not canary.exists()
    assert listener is None or not was_called(listener)
    return str(caught.value)


def link(name, target):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target


ARCHIVES = {
    "a path out of the archive": [("../evil.txt", "x")],
    "an absolute path": [("/evil.txt", "x")],
    "a link": [link("assets", "/etc")],
    "a file more": [("assets/vocabulary.txt", "x")],
    "a Python file": [("__init__.py", "raise SystemExit")],
    "two configurations": [("config.json", "{}")],
    "many files": [(f"{i}", "") for i in range(50)],
}


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_more_than_a_model_is_refused(name, harmless, canary, tmp_path):
    refused(rewritten(harmless, tmp_path / "hostile.keras", extra=ARCHIVES[name]), canary)


def test_a_zip_bomb_is_refused(harmless, tmp_path):
    path = tmp_path / "hostile.keras"
    with zipfile.ZipFile(harmless) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("config.json", old.read("config.json"))
        with new.open("model.weights.h5", "w") as file:
            for _ in range(300):
                file.write(bytes(1 << 20))
    assert path.stat().st_size < 1e6
    assert "unpacks from" in refused(path)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_methods_without_a_bound_are_refused(packing, harmless, tmp_path):
    path = tmp_path / "hostile.keras"
    with zipfile.ZipFile(harmless) as old, zipfile.ZipFile(path, "w", packing) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert "is compressed; expected no compression, or deflate" in refused(path)


def test_text_in_a_file_cannot_control_the_terminal(harmless, tmp_path):
    def change(config):
        config["config"]["layers"][1]["config"]["implementation"] = "\x1b[2Jgone\n"

    found = import_model(rewritten(harmless, tmp_path / "odd.keras", change))
    assert any("implementation" in line for line in found.changes)
    assert all(line.isprintable() for line in found.changes)


def test_a_registered_name_like_those_of_rnn_apps_is_ignored(harmless, tmp_path):
    def change(config):
        config["config"]["layers"][2] |= {"registered_name": "rnn_apps>ApplicationPreprocessing"}

    found = import_model(rewritten(harmless, tmp_path / "odd.keras", change))
    assert type(found.model.layers[-1]) is keras.layers.Dense


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[" * 100_000, "nested 100000 levels deep"),
        (b'{"class_name": NaN}', "NaN is not a number"),
        (b'{"class_name": "Sequential"', "config.json cannot be read"),
        (b"\xff\xfe\x00", "config.json cannot be read"),
        (b" " * (17 << 20), "bytes of config.json"),
    ],
    ids=["deep", "nan", "cut", "no text", "long"],
)
def test_a_configuration_that_is_not_valid_json_is_refused(text, message, harmless, tmp_path):
    path = tmp_path / "hostile.keras"
    with zipfile.ZipFile(harmless) as old, zipfile.ZipFile(path, "w") as new:
        new.writestr("config.json", text)
        new.writestr("model.weights.h5", old.read("model.weights.h5"))
    assert message in refused(path)


def external_link(file, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.ones(3)
    file["link"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/secret")


def external_storage(file, tmp_path):
    (tmp_path / "raw.bin").write_bytes(bytes(64))
    file.create_dataset("raw", (16,), "f4", external=[(str(tmp_path / "raw.bin"), 0, 64)])


def virtual(file, tmp_path):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "secret", (3,))
    file.create_virtual_dataset("virtual", layout)


def soft_link(file, tmp_path):
    file["link"] = h5py.SoftLink("/layers")


def cycle(file, tmp_path):
    file["layers/again"] = file["layers"]


def hollow(file, tmp_path):
    file.create_dataset("hollow", (1 << 40,), "f4", chunks=(1 << 16,))


def compressed(file, tmp_path):
    file.create_dataset("packed", data=np.zeros(1 << 20, "f4"), compression="gzip")


def objects(file, tmp_path):
    file.create_dataset("objects", data=["text"], dtype=h5py.string_dtype())


HDF5 = [external_link, external_storage, virtual, soft_link, cycle, hollow, compressed, objects]


@pytest.mark.parametrize("spoil", HDF5, ids=lambda spoil: spoil.__name__)
def test_weights_that_are_not_plain_numbers_in_the_file_are_refused(spoil, harmless, tmp_path):
    weights = tmp_path / "weights.h5"
    with zipfile.ZipFile(harmless) as archive:
        weights.write_bytes(archive.read("model.weights.h5"))
    with h5py.File(weights, "a") as file:
        spoil(file, tmp_path)
    refused(rewritten(harmless, tmp_path / "hostile.keras", weights=weights))


def test_more_weights_than_the_file_holds_are_never_allocated(harmless, tmp_path):
    path = rewritten(
        harmless, tmp_path / "hostile.keras", with_layer(layer("keras.layers", "Dense", units=30_000))
    )
    assert "its layers need" in refused(path)


class Payload:
    """Runs when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_refused_whatever_its_name(canary, tmp_path):
    for name in ("model.keras", "model.h5", "model.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps(Payload(canary)))
        assert "a pickle or joblib file, which can run any code" in refused(tmp_path / name, canary)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_file_cut_anywhere_is_refused(ending, harmless, tmp_path):
    whole = tmp_path / f"whole{ending}"
    keras.models.load_model(harmless).save(whole)
    content = whole.read_bytes()
    for part in (0, 3, 100, len(content) // 2, len(content) - 30):
        path = tmp_path / f"cut{ending}"
        path.write_bytes(content[:part])
        refused(path)


# Sizes that are known only when layers are called


def nested(depth, calls, leaf):
    """Return nested models, each of which calls the next one several times, and the innermost a layer."""
    if depth == 0:
        return leaf
    given = layer("keras.layers", "InputLayer", batch_shape=[None, 3], dtype="float32") | {"name": "given"}
    given["config"]["name"], given["inbound_nodes"] = "given", []

    def node(name, index):
        history = {"shape": [None, 3], "dtype": "float32", "keras_history": [name, index, 0]}
        return {"args": [{"class_name": "__keras_tensor__", "config": history}], "kwargs": {}}

    inner = nested(depth - 1, calls, leaf)
    nodes = [node("inner", index - 1) if index else node("given", 0) for index in range(calls)]
    inner = {**inner, "config": {**inner["config"], "name": "inner"}, "name": "inner", "inbound_nodes": nodes}
    ends = {"input_layers": [["given", 0, 0]], "output_layers": [["inner", calls - 1, 0]]}
    layers = {"name": f"level{depth}", "layers": [given, inner], **ends}
    return {"module": "keras.models", "class_name": "Functional", "config": layers, "registered_name": None}


def of_configuration(config, harmless, tmp_path):
    return rewritten(harmless, tmp_path / "hostile.keras", lambda _: config)


@pytest.mark.parametrize("depth", [8, 15])
def test_models_that_call_one_another_several_times_are_refused_at_once(depth, harmless, tmp_path):
    config = nested(depth, 4, layer("keras.layers", "Dense", units=3))
    start = time.monotonic()
    assert "layers that are called" in refused(of_configuration(config, harmless, tmp_path))
    assert time.monotonic() - start < 5


def test_a_layer_that_is_called_at_very_many_steps_is_refused(harmless, tmp_path):
    inputs = layer("keras.layers", "InputLayer", batch_shape=[None, 200_000, 3], dtype="float32")
    inputs["config"]["name"] = "given"
    steps = layer("keras.layers", "TimeDistributed", layer=layer("keras.layers", "Dense", units=1))
    config = layer("keras.models", "Sequential", layers=[inputs, steps])
    start = time.monotonic()
    assert "layers that are called 200,000 times" in refused(of_configuration(config, harmless, tmp_path))
    assert time.monotonic() - start < 5


def test_planning_has_a_time_limit(harmless, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "PLANNING_SECONDS", 0.1)
    config = nested(6, 4, layer("keras.layers", "Dense", units=3))
    start, threads = time.monotonic(), threading.active_count()
    assert "layers that take more than 0.1 s to plan" in refused(of_configuration(config, harmless, tmp_path))
    assert time.monotonic() - start < 3
    assert threading.active_count() == threads


def attention(kind, steps):
    given = keras.Input((steps, 8))
    if kind == "within a model":
        inner = keras.Input((None, 8))
        result = keras.Model(inner, L.MultiHeadAttention(1, 1)(inner, inner))(given)
    elif kind == "at every step":
        given = keras.Input((5, steps, 8))
        inner = keras.Input((steps, 8))
        result = L.TimeDistributed(keras.Model(inner, L.Attention()([inner, inner])))(given)
    elif kind == "several heads":
        result = L.MultiHeadAttention(4, 1)(query=given, value=given)
    else:
        result = getattr(L, kind)()([given, given])
    return keras.Model(given, L.Dense(1)(result))


KINDS = ["Attention", "AdditiveAttention", "several heads", "within a model", "at every step"]


@pytest.mark.parametrize("kind", KINDS)
def test_attention_over_very_long_inputs_is_refused(kind, tmp_path):
    attention(kind, 20_000).save(tmp_path / "hostile.keras")
    assert "layers whose outputs have" in refused(tmp_path / "hostile.keras")
    attention(kind, 20).save(tmp_path / "good.keras")
    assert import_model(tmp_path / "good.keras").model.count_params() > 0


# Tests of the detectors


def test_keras_itself_would_run_the_lambda(harmless, canary, tmp_path):
    path = rewritten(harmless, tmp_path / "hostile.keras", with_layer(lambda_layer(canary)))
    keras.models.load_model(path, safe_mode=False)
    assert canary.exists()


def test_the_listener_hears_a_call(listener):
    assert not was_called(listener)
    with socket.create_connection(listener.getsockname()):
        assert was_called(listener)


def test_the_harmless_model_is_imported(harmless, tmp_path):
    found = import_model(rewritten(harmless, tmp_path / "same.keras"))
    assert [line.partition(":")[2] for line in found.changes] == [
        " SimpleRNN converted to rnn-apps, with its weights"
    ]
    assert found.difference <= 1e-5


def test_nested_models_are_imported(harmless, tmp_path):
    config = nested(3, 3, layer("keras.layers", "Rescaling", scale=2.0, offset=0.0))
    found = import_model(of_configuration(config, harmless, tmp_path))
    doublings = 3 * 2 * 2  # the first node of an inner model is its own inputs
    np.testing.assert_array_equal(found.model(np.ones((1, 3))), np.full((1, 3), 2.0**doublings))
