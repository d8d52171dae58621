"""Text classification: loss, scores and answers by hand, and every cell exported to stock TensorFlow."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.data.word_vectors import cooccurrence_vectors
from rnn_apps.errors import RnnAppsError, UserError
from rnn_apps.export.saved_model import SavedModel
from rnn_apps.layers import get_cell, list_cells, recurrent_cell
from rnn_apps.recipe import apply_overrides, load_recipe, with_data
from rnn_apps.tasks import find_task
from rnn_apps.tasks.cell import resolve_cell
from rnn_apps.tasks.objectives.classes import ClassObjective
from rnn_apps.tasks.settings import GATES
from rnn_apps.training import Trainer

CLASSES = ["bad", "fair", "good"]
WORDS = {"bad": "a dull mess", "fair": "an average film", "good": "a lovely gem"}


def prepared(small_recipe, folder=None, **changes):
    recipe = apply_overrides(small_recipe, changes)
    keras.utils.set_random_seed(recipe.seed)
    return find_task("text_classification").prepare(with_data(recipe, folder) if folder else recipe)


@pytest.fixture(scope="module")
def three_classes(tmp_path_factory, small_recipe):
    """A GRU on 60 texts of three classes, not trained."""
    folder = tmp_path_factory.mktemp("three")
    for part, start in (("train", 0), ("validation", 30), ("test", 45)):
        rows = [
            {"text": f"{WORDS[CLASSES[i % 3]]} {'very ' * (i % 4)}{i}", "label": CLASSES[i % 3]}
            for i in range(start, start + 30 if part == "train" else start + 15)
        ]
        (folder / f"{part}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    data = {"class_names": None, "vocabulary_size": 20}
    return prepared(small_recipe, folder, data=data, model={"cell": "gru", "bidirectional": True})


def test_classes_vocabulary_and_counts_come_from_the_data(three_classes):
    dataset, predictor, objective, _ = three_classes
    assert dataset.class_names == predictor.class_names == CLASSES
    assert predictor.encoder.vocabulary_size == 20
    described = dataset.describe()
    assert [described[split] for split in ("train", "validation", "test")] == [30, 15, 15]
    assert objective.settings()["vocabulary"] == 20


def test_the_fingerprint_tells_data_apart(three_classes):
    dataset = three_classes.dataset
    before, test = dataset.describe()["fingerprint"], dataset.splits["test"]
    assert dataset.describe()["fingerprint"] == before
    for column, other in ((test.texts, "another text"), (test.labels, 2)):
        kept, column[0] = column[0], other
        try:
            assert dataset.describe()["fingerprint"] != before
        finally:
            column[0] = kept


def test_the_vocabulary_is_learned_from_train_alone(three_classes):
    assert "0" in three_classes.predictor.encoder.words
    assert "45" not in three_classes.predictor.encoder.words


def test_word_vectors_from_cooccurrence_are_those_of_train_alone(small_recipe, tmp_path):
    texts = {"train": ["a b x", "c d y", "b a a x", "d c y y"], "validation": ["a d x"], "test": ["b c y"]}
    for part, several in texts.items():
        rows = [json.dumps({"text": text, "label": text[-1]}) for text in several]
        (tmp_path / f"{part}.jsonl").write_text("\n".join(rows))
    model = {"word_vectors": "cooccurrence", "embedding": 4}
    task = prepared(small_recipe, tmp_path, data={"class_names": None}, model=model)

    def vectors_of(*parts):
        encoder = task.predictor.encoder
        *encoded, _ = encoder.encode_all([text for part in parts for text in texts[part]])
        return cooccurrence_vectors(*encoded, encoder.vocabulary_size, 4, seed=small_recipe.seed)

    start = task.predictor.model.get_layer("embedding").get_weights()[0]
    np.testing.assert_array_equal(start, vectors_of("train"))
    for other in ("validation", "test"):
        assert np.abs(start - vectors_of("train", other)).max() > 0.01


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_is_the_cross_entropy_with_smoothed_labels(three_classes, smoothing):
    logits = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    labels = np.array([0, 1, 2, 2, 1])
    smooth = np.eye(3)[labels] * (1 - smoothing) + smoothing / 3
    expected = -(smooth * np.log(np.exp(logits) / np.exp(logits).sum(1, keepdims=True))).sum(1).mean()
    recipe = apply_overrides(three_classes.predictor.recipe, {"training": {"label_smoothing": smoothing}})
    objective = ClassObjective(recipe, three_classes.dataset, three_classes.predictor)
    loss = objective.loss(tf.constant(logits), tf.constant(labels))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_the_same_seed_trains_the_same_weights_to_the_bit_and_another_seed_others(small_recipe):
    rates = {"dropout": 0.5, "word_dropout": 0.2, "layer_dropout": 0.2, "recurrent_dropout": 0.2}
    trained = []
    for seed in (1, 1, 2):
        task = prepared(small_recipe, seed=seed, model={"word_vectors": "cooccurrence", **rates})
        batches = task.dataset.training_batches()
        Trainer(task.trained, batches, task.objective, small_recipe.training).train()
        trained.append(task.trained.get_weights())
    for first, again, other in zip(*trained):
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "mean_max"])
def test_a_text_that_comes_line_by_line_is_in_the_end_what_the_whole_is(small_recipe, pooling):
    task = prepared(small_recipe, model={"cell": "lstm", "units": [4, 3], "pooling": pooling})
    predictor = task.predictor
    words = predictor.encoder.words[:9]
    lines = [" ".join(words[:4]), "", f"{words[4]}, nobody-wrote-this", " ".join(words[5:])]
    stream = predictor.open_stream()
    found = list(stream.feed(lines))
    (whole,) = predictor.predict([" ".join(lines)])
    np.testing.assert_allclose(
        list(found[-1]["probabilities"].values()), list(whole["probabilities"].values()), atol=2e-6
    )
    assert found[1]["probabilities"] == found[0]["probabilities"]
    assert "step" in predictor.module.names


def test_right_answers_are_counted(three_classes):
    logits = tf.constant([[1.0, 0, 0], [0, 1, 0], [0, 1, 0]])
    metrics = three_classes.objective.batch_metrics(logits, tf.constant([0, 1, 2]))
    assert {name: float(value) for name, value in metrics.items()} == {"accuracy": 2.0}


def test_scores_belong_to_the_texts_however_they_were_batched(three_classes):
    """`predict` answers one text after another; `evaluate` batches them by length."""
    scores, records = three_classes.objective.evaluate("test")
    texts = three_classes.dataset.splits["test"].texts
    assert [record["text"] for record in records] == texts
    for record, answer in zip(records, three_classes.predictor.predict(texts)):
        assert record["prediction"] == answer["label"]
        assert record["probabilities"] == pytest.approx(list(answer["probabilities"].values()), abs=2e-6)
    right = [record["label"] == record["prediction"] for record in records]
    assert scores["accuracy"] == pytest.approx(np.mean(right))


def test_validation_loss_and_accuracy_are_those_of_the_probabilities(three_classes):
    texts = three_classes.dataset.splits["validation"]
    rows = np.array([list(a["probabilities"].values()) for a in three_classes.predictor.predict(texts.texts)])
    scores = three_classes.objective.validate()
    assert scores["val_loss"] == pytest.approx(-np.log(rows[np.arange(15), texts.labels]).mean(), abs=1e-4)
    assert scores["val_accuracy"] == pytest.approx((rows.argmax(1) == texts.labels).mean())


def test_an_answer_names_label_score_and_probabilities(three_classes):
    (answer,) = three_classes.predictor.predict(["a lovely gem"])
    assert answer["text"] == "a lovely gem"
    assert list(answer["probabilities"]) == CLASSES
    assert answer["score"] == max(answer["probabilities"].values())
    assert answer["probabilities"][answer["label"]] == answer["score"]
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert three_classes.predictor.predict([]) == []


@pytest.mark.parametrize("text", ["", "...", "a \udce9 surrogate", "x" * 100_000, "word " * 20_000])
def test_any_text_gets_an_answer(three_classes, text):
    assert three_classes.predictor.predict([text])[0]["label"] in CLASSES


def test_explaining_gives_the_score_of_every_beginning(three_classes):
    text = "a very lovely gem"
    final = three_classes.predictor.predict([text])[0]["label"]
    (steps,) = three_classes.predictor.explain([text])
    assert [word for word, _ in steps] == text.split()
    for count, (_, score) in enumerate(steps, start=1):
        (answer,) = three_classes.predictor.predict([" ".join(text.split()[:count])])
        assert score == pytest.approx(answer["probabilities"][final], abs=2e-4)


def test_the_baselines_are_scored_on_the_same_test_part(three_classes):
    baselines = three_classes.objective.baselines()
    assert baselines["majority"]["accuracy"] == pytest.approx(1 / 3)
    assert baselines["bag_of_words"]["accuracy"] == 1.0  # every class has words of its own


def verified_export(predictor, folder):
    """The loaded export, after it has answered batches of none, one and many as the predictor does."""
    SavedModel().write(predictor, folder)
    loaded = tf.saved_model.load(str(folder))
    for texts in ([], [""], ["Far from dull!", "", "one two three four five six seven eight"]):
        answer = loaded.signatures["serving_default"](text=tf.constant(texts, tf.string))
        own = predictor.predict(texts)
        rows = [list(a["probabilities"].values()) for a in own] or np.zeros((0, len(predictor.class_names)))
        assert [label.decode() for label in answer["label"].numpy()] == [a["label"] for a in own]
        np.testing.assert_allclose(answer["probabilities"], rows, atol=2e-6)
    return loaded


@pytest.mark.slow
def test_a_network_compiled_by_xla_exports_too(small_recipe, tmp_path):
    settings = {"model": {"cell": "lstm"}, "training": {"compile": True}}
    data = {"sample": {"size": 100}, "keep": "both", "max_length": 5}
    verified_export(prepared(small_recipe, data=data, **settings).predictor, tmp_path / "export")


def test_an_export_that_answers_otherwise_is_refused(three_classes, tmp_path):
    predictor = three_classes.predictor
    loaded = verified_export(predictor, tmp_path / "export")
    predictor.verify_saved_model(loaded)
    bias = predictor.model.get_layer("logits").bias
    bias.assign([0.0, 1e-4, 0.0])
    try:
        with pytest.raises(RnnAppsError, match="differs by"):
            predictor.verify_saved_model(loaded)
    finally:
        bias.assign([0.0, 0.0, 0.0])


def test_a_restored_task_answers_the_same(three_classes, tmp_path):
    predictor = three_classes.predictor
    predictor.preprocessing.save(tmp_path)
    task = find_task("text_classification")
    again = task.restore(predictor.recipe, lambda: predictor.model, tmp_path)
    texts = ["a lovely gem", "dull", ""]
    assert again.predict(texts) == predictor.predict(texts)
    evaluation = task.prepare_evaluation(predictor.recipe, again)
    assert evaluation.objective.evaluate("test") == three_classes.objective.evaluate("test")


# Cells of the user's own


@pytest.mark.parametrize("name", ["vanilla", "leaky"])
def test_a_registered_name_is_passed_on(name):
    assert resolve_cell(name) == name


def test_a_cell_is_found_in_a_module_of_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "my_own_cells.py").write_text(
        "from rnn_apps.layers import VanillaRNNCell\nclass Mine(VanillaRNNCell): pass\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["/nowhere", *__import__("sys").path])
    assert resolve_cell("my_own_cells:Mine").__name__ == "Mine"


def unresolved(name, **options):
    with pytest.raises(UserError) as caught:
        resolve_cell(name, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "name", "problem"),
    [
        ("x = (", "broken_cells_2", "SyntaxError: '(' was never closed ({file}:1)"),
        ("import os\nraise RuntimeError('oh')", "broken_cells_3", "RuntimeError: oh ({file}:2)"),
        ("def f():\n    1 / 0\n\nf()", "broken_cells_4", "ZeroDivisionError: division by zero ({file}:2)"),
        ("import no_such_library", "broken_cells_5", "ModuleNotFoundError: No module named "),
        ("raise SystemExit", "broken_cells_6", "SystemExit ({file}:1)"),
    ],
)
def test_a_cells_module_that_raises_is_named_with_its_line(tmp_path, monkeypatch, source, name, problem):
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    message = unresolved(f"{name}:Mine")
    problem = problem.format(file=tmp_path / f"{name}.py")
    assert message.startswith(f"model.cell: the module {name} cannot be imported: {problem}")
    assert f'received "{name}:Mine". Fix it; python -c "import {name}" shows' in message
    assert "PYTHONPATH" not in message


def test_a_cells_module_that_is_not_found_is_looked_for_elsewhere():
    message = unresolved("no_such_module:Mine", where="check-cell")
    assert message.startswith("check-cell: ModuleNotFoundError: No module named 'no_such_module'; received")
    assert 'received "no_such_module:Mine". Start rnn-apps in the folder that contains the module' in message
    assert message.endswith("or add that folder to PYTHONPATH.")


def test_a_class_that_a_module_lacks_is_held_against_those_it_has(tmp_path, monkeypatch):
    file = tmp_path / "cells_with_others.py"
    file.write_text("from pathlib import Path\nclass Leaky: pass\nclass Other: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert unresolved("cells_with_others:Leakey") == (
        "model.cell: the module cells_with_others has no class Leakey; received "
        f'"cells_with_others:Leakey". Did you mean "Leaky"? Classes of {file}: Leaky, Other.'
    )
    assert unresolved("marshal:Leaky").endswith("Classes of marshal: none.")


@pytest.mark.parametrize("name", [":Leaky", "my_cells:", ":"])
def test_half_a_name_is_no_name(name):
    assert f'received "{name}", expected module:Class' in unresolved(name)


def test_what_is_no_cell_is_refused(tmp_path, monkeypatch):
    with pytest.raises(UserError, match='received "math:sqrt", expected a class that is a RecurrentCell'):
        resolve_cell("math:sqrt")


def test_the_built_in_names_of_recipes_are_those_of_the_layers():
    cells = {name: get_cell(name) for name in list_cells()}
    assert {n: c.gates for n, c in cells.items() if c.__module__.startswith("rnn_apps.layers.")} == GATES


def test_a_name_that_was_registered_first_is_taken(small_recipe, monkeypatch):
    monkeypatch.setitem(recurrent_cell._CELLS, "leaky_one", get_cell("gru"))
    assert apply_overrides(small_recipe, {"model": {"cell": "leaky_one"}}).model.cell == "leaky_one"
    with pytest.raises(UserError, match='"leaky_two", expected the name of a cell. Did you mean "leaky_one"'):
        apply_overrides(small_recipe, {"model": {"cell": "leaky_two"}})


def test_an_unregistered_name_says_how_to_write_a_cell_of_ones_own(small_recipe, monkeypatch):
    monkeypatch.setitem(recurrent_cell._CELLS, "leaky_one", get_cell("gru"))
    recipe = apply_overrides(
        small_recipe, {"model": {"cell": "leaky_one"}, "data": {"sample": {"size": 100}}}
    )
    monkeypatch.delitem(recurrent_cell._CELLS, "leaky_one")  # as in a process that did not register it
    with pytest.raises(UserError) as caught:
        find_task("text_classification").prepare(recipe)
    assert "received 'leaky_one', expected one of vanilla" in str(caught.value)
    assert str(caught.value).endswith("Write a custom cell as module:Class, so that its module is imported.")


def test_a_recipe_of_another_residual_width_blames_no_cell(small_recipe):
    with pytest.raises(UserError) as caught:
        load_recipe("imdb", {"model": {"units": [3, 4], "residual": True}})
    assert "module:Class" not in str(caught.value)
