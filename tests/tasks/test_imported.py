"""From a model file to a run folder that is asked, scored and exported, by the command line."""

import importlib
import json
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnn_apps
from rnn_apps.cli import call
from rnn_apps.errors import DataError, UserError
from rnn_apps.export.client import Client, InputError
from rnn_apps.runs import import_run
from rnn_apps.tasks.imported.scores import array_scores

pytestmark = pytest.mark.slow

L = keras.layers
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A classifier of word numbers into three classes, with the padded words masked."""
    path = tmp_path_factory.mktemp("model") / "mon modèle.keras"
    embedding = L.Embedding(11, 4, mask_zero=True)
    words = keras.Input((None,), name="words")
    classes = L.Dense(3, "softmax", name="dense")
    model = keras.Model(words, classes(L.LSTM(3, name="lstm")(embedding(words))))
    model.set_weights([w + RNG.normal(size=w.shape) for w in model.get_weights()])
    model.save(path)
    return path


@pytest.fixture(scope="module")
def run(file, tmp_path_factory):
    return import_run(file, tmp_path_factory.mktemp("runs") / "imported")[0]


@pytest.fixture(scope="module")
def two_inputs(tmp_path_factory):
    """Two inputs, two outputs."""
    path = tmp_path_factory.mktemp("model") / "two.keras"
    frames, known = keras.Input((None, 2), name="frames"), keras.Input((3,), name="known")
    state = L.GRU(3)(frames)
    total = L.Dense(1, name="total")(L.Concatenate()([state, known]))
    keras.Model([frames, known], [total, L.Dense(2, name="pair")(state)]).save(path)
    return import_run(path, tmp_path_factory.mktemp("runs") / "two")[0]


def answers(file, *rows):
    return [keras.models.load_model(file)(np.array([row], "float32"))[0].numpy() for row in rows]


def test_it_answers_as_the_model_that_came_in(run, file):
    given = [[1, 2, 3], [4, 5, 6, 7, 8]]
    found = run.predict([str(row) for row in given])
    for answer, expected in zip(found, answers(file, *given)):
        (output,) = answer["output"].values()
        np.testing.assert_allclose(output, expected, atol=1e-6)


def test_inputs_may_be_files(run, file, tmp_path):
    np.save(tmp_path / "a.npy", np.array([1, 2, 3]))
    np.savez(tmp_path / "a.npz", words=np.array([1, 2, 3]))
    (tmp_path / "a.json").write_text("[1, 2, 3]")
    paths = [tmp_path / name for name in ("a.npy", "a.npz", "a.json")]
    for answer in run.predict(paths):
        np.testing.assert_allclose(answer["output"]["dense"], answers(file, [1, 2, 3])[0], atol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("hello", 'received "hello", expected an array as JSON'),
        ("[[1, 2], [3]]", "rows of different lengths"),
        ("[1, 99]", "received 1 to 99, expected token ids from 0 to 10"),
        ('{"others": [1]}', "received others, expected words"),
        ("[[1, 2]]", "received shape 1x2, expected any"),
        ('["a"]', "expected finite numbers"),
        ("nowhere.npy", "cannot be read"),
        ("[1, NaN]", "expected finite numbers"),
    ],
)
def test_an_input_that_does_not_fit_says_what_would(given, message, run):
    with pytest.raises(UserError, match=message):
        run.predict([given])


def test_it_is_scored_on_arrays_by_name_or_as_x_and_y(run, tmp_path):
    words = RNG.integers(1, 11, (100, 6))
    expected = np.concatenate([run.model(words[i : i + 1].astype("float32")) for i in range(100)]).argmax(-1)
    targets = np.where(np.arange(100) < 90, expected, (expected + 1) % 3)
    for names in (("x", "y"), ("words", "dense")):
        np.savez(tmp_path / "test.npz", **dict(zip(names, (words, targets))))
        for data in (tmp_path, tmp_path / "test.npz"):
            assert run.evaluate(data)["accuracy"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones((2, 3))}, "no targets; expected y or dense"),
        ({"y": np.ones(2)}, "no array words"),
        ({"x": np.ones((2, 3)), "y": np.ones(5, int)}, "arrays have different lengths"),
        ({"x": np.ones((2, 3)), "y": np.array([0, 7])}, "classes 0 to 7"),
        ({"x": np.ones((2, 3)), "y": np.array(["a", "b"])}, "received targets 2 of <U1"),
        ({"x": np.array([[{}]], object), "y": np.array([0])}, "cannot be read"),
    ],
)
def test_data_that_do_not_fit_are_named(arrays, message, run, tmp_path):
    np.savez(tmp_path / "test.npz", **arrays)
    with pytest.raises(DataError, match=message):
        run.evaluate(tmp_path / "test.npz")


def test_without_data_it_says_what_to_name(run, tmp_path):
    with pytest.raises(UserError, match="no data of its own.*npz"):
        run.evaluate()
    with pytest.raises(DataError, match="no such file"):
        run.evaluate(tmp_path)


def test_scores_follow_from_shapes_and_types():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
    found = array_scores("y", np.array([0, 0]), probabilities)
    assert found == pytest.approx({"accuracy": 0.5, "log_loss": -(np.log(0.9) + np.log(0.2)) / 2})
    assert array_scores("y", np.array([1, 0]), np.array([[0.9], [0.6]]))["accuracy"] == 0.5
    of_steps = array_scores("y", np.array([[0, 1]]), np.array([[[2.0, 1.0], [5.0, 3.0]]]))
    assert of_steps == {"accuracy": 0.5}  # logits: no log loss
    quantities = array_scores("y", np.array([1.0, 3.0]), np.array([[2.0], [5.0]]))
    assert quantities == pytest.approx({"mae": 1.5, "rmse": np.sqrt(2.5)})


def test_the_export_takes_the_models_own_names_and_any_number_of_examples(run, file):
    loaded = tf.saved_model.load(str(run.folder / "export" / "1"))
    words = np.array([[1, 2, 3, 4]] * 5, "float32")
    given = loaded.signatures["serving_default"](words=tf.constant(words))
    np.testing.assert_allclose(given["dense"][0], answers(file, [1, 2, 3, 4])[0], atol=1e-6)
    assert given["dense"].shape == (5, 3)


def test_several_inputs_and_outputs_go_by_name(two_inputs, tmp_path):
    given = {"frames": [[1.0, 2.0], [0.5, 1.0]], "known": [1, 2, 3]}
    (answer,) = two_inputs.predict([json.dumps(given)])
    assert {name: np.shape(value) for name, value in answer["output"].items()} == {
        "total": (1,),
        "pair": (2,),
    }
    with pytest.raises(UserError, match="received one array, expected a mapping of frames, known"):
        two_inputs.predict(["[[1, 2]]"])
    arrays = {"frames": RNG.normal(size=(4, 5, 2)), "known": RNG.normal(size=(4, 3))}
    np.savez(tmp_path / "test.npz", **arrays, total=np.full(4, 2.0), pair=np.full((4, 2), 2.0))
    scores = two_inputs.evaluate(tmp_path)
    assert set(scores) == {"total/mae", "total/rmse", "pair/mae", "pair/rmse"}


def test_the_run_folder_says_where_it_comes_from(run, file):
    facts = json.loads((run.folder / "import.json").read_text())
    assert facts["origin"] == file.name
    assert facts["changes"] == ["lstm: LSTM converted to rnn-apps, with its weights"]
    assert facts["largest_difference"] <= 1e-5
    assert rnn_apps.open_run(run.folder).recipe.task == "imported"
    assert (run.folder / "manifest.json").is_file()


def test_what_is_refused_leaves_nothing_behind(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.keras").write_bytes(b"PK\x03\x04 and no more")
    assert call(["import", "bad.keras"]) == 2
    assert "bad.keras: cannot be read" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.keras"]


def test_the_commands_work_from_file_to_answer(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(["import", str(file), "--keep-layers"]) == 0
    folder = capsys.readouterr().out.splitlines()[-1].removeprefix("Run folder: ")
    assert folder.startswith("runs/mon_mod")
    assert call(["predict", folder, "[1, 2, 3]"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("dense [0.")
    assert "is not finished" not in said.err
    assert call(["export", folder, "--out", "again/1"]) == 0
    assert (tmp_path / "again" / "1" / "saved_model.pb").is_file()
    capsys.readouterr()
    for model in (str(file), folder):
        assert call(["check", model, "--json", "--plot", "norms.png"]) == 0
        assert json.loads(capsys.readouterr().out)[0] == {
            "check": "padding invariance",
            "passed": True,
            "detail": "4 padded steps change outputs by 0e+00",
        }
    assert (tmp_path / "norms.png").stat().st_size > 1000


def test_a_model_that_fails_a_check_ends_with_1(tmp_path, capsys):
    layers = [L.Masking(), L.Conv1D(4, 3, padding="same", name="conv"), L.GRU(3)]
    keras.Sequential([keras.Input((None, 3)), *layers]).save(tmp_path / "loser.keras")
    assert call(["check", str(tmp_path / "loser.keras")]) == 1
    out, err = capsys.readouterr()
    assert "the mask is lost in conv" in " ".join(out.split())
    assert "loser.keras: 1 of" in err


def test_it_is_no_recipe_to_run(run):
    with pytest.raises(UserError, match="imported models cannot be trained"):
        rnn_apps.run(run.recipe)


def test_a_model_that_was_trained_comes_in_without_its_optimizer(tmp_path):
    model = keras.Sequential([keras.Input((None, 2)), L.LSTM(3), L.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    x = RNG.normal(size=(8, 5, 2))
    model.fit(x, np.ones((8, 1)), verbose=0)
    for name in ("a.keras", "a.h5"):
        model.save(tmp_path / name)
        imported, _ = import_run(tmp_path / name, tmp_path / f"run-{name}")
        np.testing.assert_allclose(imported.model(x), model(x), atol=1e-5)


def test_outputs_of_one_layer_have_names_of_their_own(tmp_path):
    """The usual encoder: the states of an LSTM."""
    given = keras.Input((None, 2), name="my input")
    _, h, c = L.LSTM(3, return_state=True, name="lstm")(given)
    keras.Model(given, [h, c]).save(tmp_path / "encoder.keras")
    run, _ = import_run(tmp_path / "encoder.keras", tmp_path / "run")
    (answer,) = run.predict(["[[1, 2], [3, 4]]"])
    assert list(answer["output"]) == ["lstm", "lstm_1"]
    loaded = tf.saved_model.load(str(run.folder / "export" / "1"))
    found = loaded.signatures["serving_default"](my_input=tf.constant([[[1.0, 2], [3, 4]]]))
    np.testing.assert_allclose(found["lstm_1"][0], answer["output"]["lstm_1"], atol=1e-6)


def test_each_input_is_held_to_the_embedding_that_reads_it(tmp_path):
    user, item, price = (keras.Input((1,), name=name) for name in ("user", "item", "price"))
    parts = [L.Embedding(1000, 2)(user), L.Embedding(50, 2)(item)]
    x = L.Concatenate()([*map(L.Flatten(), parts), price])
    keras.Model([user, item, price], L.Dense(1)(x)).save(tmp_path / "two.keras")
    run, _ = import_run(tmp_path / "two.keras", tmp_path / "run")
    run.predict(['{"user": [900], "item": [49], "price": [-3.5]}'])
    with pytest.raises(UserError, match="input item: received 50 to 50, expected token ids from 0 to 49"):
        run.predict(['{"user": [900], "item": [50], "price": [1]}'])
    with pytest.raises(UserError, match="input user: a fraction"):
        run.predict(['{"user": [1.5], "item": [1], "price": [1]}'])


def test_operations_between_layers_come_in(tmp_path):
    given = keras.Input((None, 2))
    x = L.LSTM(3, return_sequences=True)(given)
    keras.Model(given, L.Dense(1)(keras.ops.relu(x[:, -1]))).save(tmp_path / "ops.keras")
    run, _ = import_run(tmp_path / "ops.keras", tmp_path / "run")
    assert run.predict(["[[1, 2], [3, 4]]"])


def test_a_run_that_cannot_be_written_to_its_end_leaves_nothing(file, tmp_path, monkeypatch):
    def fail(*arguments):
        raise UserError("export", "no room")

    monkeypatch.setattr("rnn_apps.runs.imported.export_model", fail)
    with pytest.raises(UserError, match="no room"):
        import_run(file, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_one_hot_targets_are_classes():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.1, 0.1, 0.8]])
    assert array_scores("y", np.eye(3)[[0, 0, 2]], probabilities)["accuracy"] == pytest.approx(2 / 3)
    assert array_scores("y", np.array([[0], [0], [2]]), probabilities)["accuracy"] == pytest.approx(2 / 3)


def test_too_few_steps_are_said(tmp_path):
    keras.Sequential([keras.Input((None, 1)), L.Conv1D(2, 5), L.GRU(2)]).save(tmp_path / "c.keras")
    run, _ = import_run(tmp_path / "c.keras", tmp_path / "run")
    with pytest.raises(UserError, match="too few steps"):
        run.predict(["[[1], [2]]"])
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(DataError, match="one array without a name"):
        run.evaluate(tmp_path / "x.npy")


def test_only_a_file_of_fixed_length_rejects_what_it_would_have_to_cut_or_pad(tmp_path):
    keras.Sequential([keras.Input((None, 2)), L.GRU(3)]).save(tmp_path / "g.keras")
    run, _ = import_run(tmp_path / "g.keras", tmp_path / "run")
    folder, _ = run.export("litert", out=tmp_path / "litert", steps=5)
    client, steps = Client(folder), RNG.normal(size=(6, 2)).round(3).tolist()
    (own,), (name,) = run.predict([json.dumps(steps[:5])]), run.predictor.names.outputs
    np.testing.assert_allclose(client.answer(json.dumps(steps[:5]))[name], own["output"][name], atol=1e-5)
    for count in (4, 6):
        (given,) = run.predictor.names.inputs
        expected = rf"{given}: received shape 1x{count}x2, expected 1x5x2: this file takes 5 steps"
        with pytest.raises(InputError, match=expected):
            client.answer(json.dumps(steps[:count]))
    assert "The client rejects others." in (folder / "README.md").read_text()
    folder, _ = run.export("litert", out=tmp_path / "any")
    client = Client(folder)
    for count in (6, 4, 6):
        (own,) = run.predict([json.dumps(steps[:count])])
        np.testing.assert_allclose(
            client.answer(json.dumps(steps[:count]))[name], own["output"][name], atol=1e-5
        )


def test_inputs_and_outputs_that_are_a_mapping_go_by_its_keys(tmp_path):
    frames, known = keras.Input((None, 2), name="frames"), keras.Input((3,), name="age")
    state = L.LSTM(4)(frames)
    outputs = {"total": L.Dense(1)(L.Concatenate()([state, known])), "pair": L.Dense(2)(state)}
    model = keras.Model({"frames": frames, "age": known}, outputs)
    model.save(tmp_path / "mapping.keras")
    run, _ = import_run(tmp_path / "mapping.keras", tmp_path / "run")
    given = {"frames": RNG.normal(size=(4, 5, 2)), "age": RNG.normal(size=(4, 3))}
    expected = {name: np.asarray(value) for name, value in model(given).items()}
    (answer,) = run.predict([{name: array[0] for name, array in given.items()}])
    for name, value in answer["output"].items():
        np.testing.assert_allclose(value, expected[name][0], atol=1e-5)
    np.savez(tmp_path / "test.npz", **given, **expected)
    assert run.evaluate(tmp_path / "test.npz")["total/mae"] < 1e-5
    assert run.export("onnx", out=tmp_path / "onnx")[1][0].difference < 1e-5
    loaded = tf.saved_model.load(str(run.folder / "export" / "1")).signatures["serving_default"]
    found = loaded(**{name: tf.constant(array, tf.float32) for name, array in given.items()})
    np.testing.assert_allclose(found["pair"], expected["pair"], atol=1e-5)
    assert call(["check", str(run.folder)]) == 0


@pytest.mark.parametrize("ours", [False, True])
def test_a_state_that_went_on_begins_anew_and_that_is_listed(ours, tmp_path):
    kind = rnn_apps.layers.VanillaRNN if ours else L.SimpleRNN
    model = keras.Sequential([keras.Input(batch_shape=(2, 5, 3)), kind(4, stateful=True, name="carried")])
    x = RNG.normal(size=(2, 5, 3)).astype("float32")
    fresh = np.asarray(model(x))
    assert np.abs(np.asarray(model(x)) - fresh).max() > 0.01
    model.save(tmp_path / "carried.keras")
    run, found = import_run(tmp_path / "carried.keras", tmp_path / "run")
    assert "carried: stateful removed, every input starts from a zero state" in found.changes
    for _ in range(2):
        np.testing.assert_allclose(run.model(x), fresh, atol=1e-5)


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A module of the user's own with a layer and an activation, in the working folder."""
    (tmp_path / "own_layers.py").write_text(
        "import keras\n"
        '@keras.saving.register_keras_serializable(package="own")\n'
        "class Doubling(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return 2 * x\n"
        '@keras.saving.register_keras_serializable(package="own")\n'
        "def half(x):\n"
        "    return x / 2\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("own_layers")
    for name in ("own>Doubling", "own>half"):
        keras.saving.get_custom_objects().pop(name, None)
    sys.modules.pop("own_layers", None)


def test_a_model_in_memory_with_classes_of_its_own_becomes_a_run(own_module):
    given = keras.Input((None, 3))
    states = L.LSTM(4, name="lstm")(own_module.Doubling()(given))
    model = keras.Model(given, L.Dense(2, own_module.half, name="dense")(states))
    x = RNG.normal(size=(1, 5, 3)).astype("float32")
    expected = np.asarray(model(x))[0]
    run = rnn_apps.import_model(model, out="run")
    assert run.recipe.model.classes == ["own_layers:own>Doubling", "own_layers:own>half"]
    assert "LSTM converted to rnn-apps" in json.loads((run.folder / "import.json").read_text())["changes"][0]
    for name in ("own>Doubling", "own>half"):  # as in another process
        keras.saving.get_custom_objects().pop(name)
    sys.modules.pop("own_layers")
    again = rnn_apps.open_run("run")
    np.testing.assert_allclose(again.predict([x[0].tolist()])[0]["output"]["dense"], expected, atol=1e-6)
    loaded = tf.saved_model.load("run/export/1").signatures["serving_default"]
    np.testing.assert_allclose(next(iter(loaded(**{given.name: x}).values()))[0], expected, atol=1e-6)


def test_a_run_whose_classes_are_unknown_says_where_they_were(own_module, tmp_path):
    given = keras.Input((None, 3))
    rnn_apps.import_model(keras.Model(given, own_module.Doubling()(given)), out="run")
    keras.saving.get_custom_objects().pop("own>Doubling")
    (tmp_path / "own_layers.py").write_text("")
    sys.modules.pop("own_layers")
    importlib.invalidate_caches()
    with pytest.raises(UserError, match='"own>Doubling" of this model is not registered by .*"own_layers"'):
        rnn_apps.open_run("run").predict([[[1, 2, 3]]])


class Unregistered(L.Layer):
    """Saves, and does not load again."""

    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda given: keras.Model(given, Unregistered()(given)), "does not load again.*register_keras"),
        (lambda given: keras.Sequential([L.LSTM(2)]), "its input shape is unknown.*keras.Input"),
        (lambda given: keras.Model(), "received a Model, expected a functional or sequential model"),
    ],
    ids=["unregistered class", "no inputs", "subclass"],
)
def test_a_model_in_memory_that_makes_no_run_is_refused(build, message, tmp_path):
    with pytest.raises(UserError, match=message):
        rnn_apps.import_model(build(keras.Input((None, 3))), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
