"""Searches for settings: wrong spaces and studies are named, kills lose nothing, and test is never scored."""

import json
import os
import signal
import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pytest

import rnn_apps
from rnn_apps.cli import call
from rnn_apps.errors import RecipeError, RnnAppsError, UserError
from rnn_apps.recipe import apply_overrides, load_recipe, packaged_recipes, with_data
from rnn_apps.tasks import find_task, task_names
from rnn_apps.tuning.space import Choices, Range, dump_space, read_space
from rnn_apps.tuning.study import Location, finished_trials, open_storage, open_study

RATES = {"training.learning_rate": {"low": 0.001, "high": 0.05, "log": True}}
SPACE = {**RATES, "model.units": [[2], [3]]}
SMALL = [
    "data.source=sample",
    "data.sample.size=100",
    "model.units=[2]",
    "model.embedding=2",
    "training.epochs=1",
    "training.batch_size=32",
    "training.compile=false",
]


class Console:
    def __init__(self):
        self.lines, self.steps = [], 0

    def log(self, text):
        self.lines.append(text)

    def step(self, step, total, logs):
        self.steps += 1

    def close(self):
        pass


def imdb(*overrides):
    return load_recipe("imdb", [*SMALL, *overrides])


def tune(*overrides, space=SPACE, trials=2, **options):
    options = {"compare": False, "console": Console(), **options}
    return rnn_apps.tune(imdb(*overrides), space, trials=trials, **options)


def facts_of(study):
    """The trials of a study file: (number, state), read without Optuna."""
    with sqlite3.connect(study) as database:
        rows = database.execute("select number, state from trials where study_id = 1 order by number")
        return list(rows)


# The space


WRONG = [
    ("training.learning_rat: [1, 2]", 'unknown key "training.learning_rat". Did you mean "learning_rate"'),
    ("training.learning_rate: {low: 0.1, high: 20}", "received 20.0, expected a number above 0"),
    ("training.epochs: {low: 0.5, high: 3}", "received 0.5, expected a whole number from 1"),
    ("model.units: [[8], [0]]", "model.units.0: received 0, expected a whole number from 1"),
    ("model.cell: [gru, gruu]", 'received "gruu"'),
    ("training.learning_rate: {low: 0.1, high: 0.1}", "low 0.1 and high 0.1, expected low below high"),
    ("training.learning_rate: {low: 0, high: 1, log: true}", "low: received 0.0, expected a number above 0"),
    ("training.learning_rate: {low: 0.1}", "high is missing"),
    ("training.learning_rate: {low: 0.1, high: .nan}", "high: received .nan, expected a number"),
    ("training.learning_rate: {low: 0.1, high: 1, logg: true}", 'unknown field. Did you mean "log"'),
    ("training.learning_rate: {low: 0.1, high: 1, log: 1}", "received 1, expected true or false"),
    ("training.batch_size: {low: 8, high: 30, step: 8}", "received 30, expected low plus steps, such as 24"),
    ("training.batch_size: {low: 8, high: 32, step: 8, log: true}", "cannot be combined with log: true"),
    ("training.batch_size: {low: 8, high: 32, step: 0}", "step: received 0, expected above 0"),
    ("training.batch_size: {low: true, high: 32}", "low: received true, expected a number"),
    ("training.batch_size: [8]", "received 1 of them, expected 2 to 100 choices"),
    ("training.batch_size: [8, 8]", "expected choices that all differ"),
    ("training.batch_size: 8", "received 8, expected a range or a list of choices"),
    ("training: {epochs: {low: 1, high: 2}}", "a whole section; search single settings"),
    ("seed: [1, 2]", "scores that differ by chance"),
    ("data.source: [sample, files]", "decides which examples are read or scored"),
    ("data.validation_fraction: [0.1, 0.2]", "decides which examples are read or scored"),
    ("export: [[onnx], [litert]]", "trials are not exported"),
    ("training.deterministic: [true, false]", "does not change the score"),
    ("training.epochs: [1, 2]\ntraining.epochs: [2, 3]", "written twice"),
    ("", "the file says nothing. A space starts with a key of the recipe"),
    ("[1, 2]", "expected a mapping of recipe keys"),
    ("training.epochs: !!python/object:os.system [1, 2]", "received the tag"),
    ("a: [" * 40 + "]" * 40, "nested more than 32 levels deep"),
    ("\n".join(f"model.x{n}: [1, 2]" for n in range(51)), "received 51 keys, expected at most 50"),
    ("x: [" + "1, " * 25_000 + "1]", "more than 20,000 values"),
    ("# " + "x" * 300_000, "more than 256 KiB, expected a space, which is far smaller"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=[text[:40] for text, _ in WRONG])
def test_a_wrong_space_is_named_with_its_line_and_nothing_is_written(text, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(text)
    with pytest.raises(RecipeError) as caught:
        rnn_apps.tune("imdb", "space.yaml")
    assert any(line.startswith("space.yaml") and expected in line for line in caught.value.problems)
    assert str(caught.value).endswith("nothing was run.")
    assert os.listdir() == ["space.yaml"]


def test_a_space_keeps_whole_numbers_whole_and_is_the_same_after_writing(tmp_path):
    text = (
        "training.learning_rate: {low: 1, high: 2}\n"
        "training.batch_size: {low: 8, high: 32, step: 8}\n"
        "model.units: [[64], [128, 128]]\n"
        "training.weight_averaging: [null, 0.99]\n"
    )
    (tmp_path / "space.yaml").write_text(text)
    space = read_space(tmp_path / "space.yaml", load_recipe("imdb"))
    assert space == {
        "training.learning_rate": Range(1.0, 2.0),
        "training.batch_size": Range(8, 32, 8),
        "model.units": Choices(([64], [128, 128])),
        "training.weight_averaging": Choices((None, 0.99)),
    }
    assert isinstance(space["training.batch_size"].low, int)
    (tmp_path / "again.yaml").write_text(dump_space(space))
    assert read_space(tmp_path / "again.yaml", load_recipe("imdb")) == space


def test_a_value_that_fits_with_another_searched_value_only_is_accepted():
    residual, recipe = {"model.residual": [False, True]}, imdb("model.units=[2, 3]")
    with pytest.raises(RecipeError, match=r"residual: received true, but units are \[2, 3\]"):
        read_space(residual, recipe)
    assert len(read_space({**residual, "model.units": [[2, 2], [2, 3]]}, recipe)) == 2


@pytest.mark.parametrize("task", [name for name in task_names() if name != "imported"])
def test_the_learning_rate_of_every_task_can_be_searched(task):
    recipe = next(one for one in map(load_recipe, packaged_recipes()) if one.task == task)
    assert read_space(RATES, recipe) == {"training.learning_rate": Range(0.001, 0.05, log=True)}


def test_an_imported_model_is_refused(tmp_path):
    (tmp_path / "model.yaml").write_text("task: imported")
    with pytest.raises(UserError, match="an imported model is not trained"):
        rnn_apps.tune(tmp_path / "model.yaml", {"model.steps": [3, 4]})


# Options and studies


REFUSED = [
    (["imdb"], "--space: missing"),
    ([], "Name a recipe"),
    (["imdb", "--space", "nothing.yaml"], "nothing.yaml: no such file"),
    (["imdb", "--space", "."], ".: a folder"),
    (["imdb", "--space", "space.yaml", "--trials", "0"], "--trials"),
    (["imdb", "--space", "space.yaml", "--sampler", "grid"], "--sampler"),
    (["imdb", "--space", "space.yaml", "--study", "space.yaml"], "--study: space.yaml is not a study"),
    (["imdb", "--space", "space.yaml", "--study", "other.db"], "--study: other.db is not a study"),
    (["imdb", "--space", "space.yaml", "--study", "."], "--study: . is a folder"),
    (["--study", "runs/gone/study.db"], "runs/gone/study.db: no such study. Name the file of a study, or"),
    (["imdb", "--space", "space.yaml", "--study", "mongodb://me:secret@host/x"], "postgresql://"),
    (["imdb", "--space", "space.yaml", "--out", "full"], "--out: full is there already"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), REFUSED, ids=[" ".join(a) for a, _ in REFUSED])
def test_a_wrong_option_is_named_and_nothing_is_written(arguments, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text("training.epochs: [1, 2]")
    Path("full").mkdir()
    Path("full/mine.txt").touch()
    with sqlite3.connect("other.db") as database:
        database.execute("create table mine (x)")
    before = sorted(os.listdir())
    assert call(["tune", *arguments]) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert len(error.splitlines()) == 1
    assert "secret" not in error
    assert sorted(os.listdir()) == before


def test_a_cluster_is_refused(monkeypatch):
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    with pytest.raises(UserError, match="TF_CONFIG: names a cluster"):
        tune()


def test_without_optuna_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'rnn-apps\[tune\]'"):
        tune()


def test_a_password_is_never_shown():
    location = Location.parse("postgresql://me:secret@host:5432/studies")
    assert str(location) == "postgresql://me@host:5432/studies"
    assert "secret" in location.url


# Searches


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """A search in which scores of the test split would fail."""
    patch = pytest.MonkeyPatch()
    folder, console = tmp_path_factory.mktemp("tune") / "search", Console()
    from rnn_apps.tasks.objectives.classes import ClassObjective
    from rnn_apps.tasks.text_classification.dataset import TextDataset

    def forbidden(*_, **__):
        raise AssertionError("the test split is scored")

    encode, encoded = TextDataset.encode, []
    patch.setattr(ClassObjective, "evaluate", forbidden)
    patch.setattr(ClassObjective, "baselines", forbidden)
    patch.setattr(TextDataset, "encode", lambda self, split: encoded.append(split) or encode(self, split))
    found = tune(out=folder, console=console)
    patch.undo()
    return found, console, encoded


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A search of 3 trials with a comparison; scores are a function of learning rate and seed."""
    from rnn_apps.tuning import trials

    patch, console = pytest.MonkeyPatch(), Console()
    patch.setattr(trials, "train", lambda base, recipe, *_: (recipe.training.learning_rate + recipe.seed, 1))
    found = tune(trials=3, out=tmp_path_factory.mktemp("tune") / "search", compare=True, console=console)
    patch.undo()
    return found, console


@pytest.mark.slow
def test_the_test_split_is_neither_encoded_nor_scored(search):
    found, _, encoded = search
    assert set(encoded) == {"train", "validation"}
    assert "test" not in found.results["data"]


@pytest.mark.slow
def test_a_file_of_the_test_split_is_not_opened(tmp_path):
    rows = [json.dumps({"text": f"word{n % 7} good" if n % 2 else "bad", "label": n % 2}) for n in range(60)]
    (tmp_path / "train.jsonl").write_text("\n".join(rows))
    (tmp_path / "validation.jsonl").write_text("\n".join(rows[:10]))
    (tmp_path / "test.jsonl").write_text("not JSON")
    from rnn_apps.tuning.trials import Base

    recipe = with_data(imdb("data.label=label", "data.text=text"), tmp_path)
    with pytest.raises(UserError, match="test.jsonl"):
        find_task("text_classification").prepare(recipe)
    base = Base.prepare(recipe, False, Console())
    counts = {split: base.data.get(split) for split in ("train", "validation", "test")}
    assert counts == {"train": 60, "validation": 10, "test": None}


@pytest.mark.slow
def test_a_search_writes_the_best_recipe_all_trials_and_a_page(compared):
    found, _ = compared
    names = {path.name for path in found.folder.iterdir()}
    inputs, outputs = {"recipe.yaml", "space.yaml", "study.db"}, {"best.yaml", "trials.csv", "tune.json"}
    assert names == {*inputs, *outputs, "report.html", "plots"}
    results = json.loads((found.folder / "tune.json").read_text())
    assert results["trials"] == {"complete": 3, "pruned": 0, "failed": 0}
    assert results["monitor"] == {"name": "val_accuracy", "higher_is_better": True}
    rows = (found.folder / "trials.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["search", *3 * ["tpe"], *3 * ["random"]]
    scores = [float(row.split(",")[3]) for row in rows[1:4]]
    assert results["best"]["score"] == max(scores)
    best = load_recipe(found.folder / "best.yaml")
    assert best == found.best
    assert best.training.learning_rate == results["best"]["settings"]["training.learning_rate"]
    assert best.model.units == results["best"]["settings"]["model.units"]
    page = (found.folder / "report.html").read_text()
    assert all(
        text in page for text in ("best of random search", "the recipe itself", "training.learning_rate")
    )
    assert "SAMPLE score" in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.slow
def test_the_comparison_trains_each_recipe_with_seeds_that_no_trial_has_used(compared):
    found, console = compared
    comparison, rows = found.results["comparison"], (found.folder / "trials.csv").read_text().splitlines()
    assert comparison["seeds"] == [2, 3, 4]
    rates = {
        "best of this search": found.results["best"]["settings"]["training.learning_rate"],
        "best of random search": max(float(row.split(",")[8]) for row in rows if row.startswith("random")),
        "the recipe itself": imdb().training.learning_rate,
    }
    for one in comparison["candidates"]:
        assert one["scores"] == pytest.approx({str(seed): rates[one["label"]] + seed for seed in (2, 3, 4)})
    assert [one["label"] for one in comparison["candidates"]] == list(rates)
    assert any("3 more trials of random search and 9 trainings" in line for line in console.lines)


@pytest.mark.slow
def test_the_best_recipe_scores_in_a_run_what_it_scored_in_its_trial(search, tmp_path):
    found, _, _ = search
    quick = {"export": [], "views": False}
    run = rnn_apps.run(found.folder / "best.yaml", out=tmp_path / "run", console=Console(), **quick)
    assert run.metrics["validation"]["accuracy"] == pytest.approx(found.results["best"]["score"])


@pytest.mark.slow
def test_a_finished_search_is_only_read_and_another_space_recipe_or_data_is_refused(search, capsys):
    found, _, _ = search
    study, before = found.folder / "study.db", facts_of(found.folder / "study.db")
    console = Console()
    again = rnn_apps.tune(study=study, console=console)
    assert again.results["best"] == found.results["best"]
    assert facts_of(study) == before
    assert not any(line.startswith(("Trial", "Random", "Comparison")) for line in console.lines)
    with pytest.raises(UserError, match=r"of another space: model.units was \[\[2\], \[3\]\], is null"):
        tune(space=RATES, study=study)
    with pytest.raises(UserError, match=r"of another recipe: training.batch_size was 32, is 16"):
        tune("training.batch_size=16", study=study)
    others = ["model.cell=gru", "model.dropout=0.1", "training.optimizer=sgd", "training.epsilon=0.1"]
    with pytest.raises(UserError, match="of another recipe: model.cell was .*; and 1 more"):
        tune(*others, study=study)
    with pytest.raises(UserError, match="of another (recipe|data set): "):
        tune("data.sample.size=120", study=study)
    assert facts_of(study) == before


@pytest.mark.slow
def test_a_trial_that_a_killed_process_left_running_is_replaced(search):
    found, _, _ = search
    study = found.folder / "study.db"
    killed = optuna.load_study(study_name="imdb", storage=f"sqlite:///{study}").ask()
    with sqlite3.connect(study) as database:  # as if the process had written its last heartbeat an hour ago
        values = f"({killed._trial_id}, datetime('now', '-1 hour'))"
        database.execute(f"insert into trial_heartbeats (trial_id, heartbeat) values {values}")
    assert facts_of(study)[2:] == [(2, "RUNNING")]
    longer = rnn_apps.tune(study=study, trials=3, compare=False, console=Console())
    assert facts_of(study) == [(0, "COMPLETE"), (1, "COMPLETE"), (2, "FAIL"), (3, "COMPLETE")]
    assert longer.results["trials"] == {"complete": 3, "pruned": 0, "failed": 0}


@pytest.mark.slow
def test_a_signal_keeps_finished_trials_and_says_how_to_continue(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text("training.learning_rate: [0.001, 0.002, 0.003]")
    from rnn_apps.tuning import trials

    def terminate(*_):
        if finished:
            os.kill(os.getpid(), signal.SIGTERM)
        finished.append(1)
        return 0.5, 1

    finished = []
    monkeypatch.setattr(trials, "train", terminate)
    settings = [part for text in SMALL for part in ("--set", text)]
    code = call(["tune", "imdb", "--space", "space.yaml", "--no-compare", "--out", "out", *settings])
    assert code == 128 + signal.SIGTERM
    assert "Continue with: rnn-apps tune --study out/study.db" in capsys.readouterr().err
    assert facts_of("out/study.db") == [(0, "COMPLETE"), (1, "FAIL")]
    assert not Path("out/best.yaml").exists()


@pytest.mark.slow
def test_a_search_continues_in_a_new_process_when_xla_has_no_room_left(tmp_path, monkeypatch, capsys):
    from rnn_apps.tuning import session, trials

    def replaced(program, command):
        started.append(command)
        raise SystemExit(0)

    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text("training.learning_rate: [0.001, 0.002, 0.003]")
    monkeypatch.setattr(trials, "train", lambda *_: (0.5, 1))
    monkeypatch.setattr("rnn_apps.cli.tuning.os.execvp", replaced)
    room, started = [True, False], []  # not asked before the first trial
    monkeypatch.setattr(session, "has_room_to_compile", lambda: room.pop(0) if room else True)
    command = ["tune", "imdb", "--space", "space.yaml", "--no-compare", "--out", "out", "--trials", "4"]
    command += [part for text in SMALL for part in ("--set", text)]
    with pytest.raises(SystemExit):
        call(command, program=["python", "-m", "rnn_apps"])
    assert "continuing in a new one" in capsys.readouterr().out
    assert started == [["python", "-m", "rnn_apps", *command, "--study", "out/study.db"]]
    assert facts_of("out/study.db") == [(0, "COMPLETE"), (1, "COMPLETE")]
    assert call(started[0][3:], program=["python"]) == 0
    assert facts_of("out/study.db") == [(n, "COMPLETE") for n in range(4)]
    assert len(started) == 1


# What a search proposes and counts, without training


@pytest.fixture
def fake(monkeypatch):
    """Replaces training by a function of the recipe; returns how to make a search of a study."""
    from rnn_apps.tuning import trials

    def use(function, study, space=SPACE, sampler="tpe", seed=1, overrides=()):
        base = SimpleNamespace(
            monitor=("val_accuracy", True),
            recipe_with=lambda settings: apply_overrides(recipe, settings),
            between_trials=lambda: None,
        )
        recipe = imdb(*overrides)
        monkeypatch.setattr(trials, "train", function)
        monkeypatch.setattr(trials.keras.backend, "clear_session", lambda: None)
        return trials.Search(base, study, Console(), read_space(space, recipe), sampler, seed)

    return use


def study_in_memory():
    pruner = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=1)
    return optuna.create_study(direction="maximize", pruner=pruner)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_search_is_a_function_of_its_seed(sampler, fake):
    def rates(seed, *counts):
        study = study_in_memory()
        for count in counts:  # a search that is continued
            options = {"space": RATES, "sampler": sampler, "seed": seed}
            fake(lambda base, recipe, *_: (recipe.training.learning_rate, 1), study, **options).run_until(
                count
            )
        return [trial.params["training.learning_rate"] for trial in study.trials]

    first = rates(1, 14)
    assert first == rates(1, 5, 14)
    assert first != rates(2, 14)
    assert len(set(first)) == 14
    if sampler == "tpe":  # has learned that higher rates score higher
        assert np.mean(first[10:]) > np.mean(first[:10])


def test_bad_trials_are_pruned_and_count(fake):
    def scores(base, recipe, console, callbacks):
        score = 0.5 if recipe.model.units == [2] else 0.1
        for epoch in range(3):
            callbacks[0].on_epoch_end(epoch, {"val_accuracy": score})
        return score, 1

    study = study_in_memory()
    search = fake(scores, study)
    search.run_until(12)
    pruned = [trial for trial in study.trials if trial.state.name == "PRUNED"]
    assert pruned
    assert {trial.params["model.units"] for trial in pruned} == {"[3]"}
    assert {len(trial.intermediate_values) for trial in pruned} == {2}, "not in the first epoch"
    assert len(study.trials) == 12
    assert any("pruned after epoch 2" in line for line in search.console.lines)


def test_settings_that_conflict_fail_their_trial_only(fake):
    space = {"model.residual": [False, True], "model.units": [[2, 2], [2, 3]]}
    study = study_in_memory()
    fake(lambda *_: (0.5, 1), study, space, overrides=["model.units=[2, 2]"]).run_until(12)
    failed = [trial for trial in study.trials if trial.state.name == "FAIL"]
    assert 0 < len(failed) < 12
    assert len(finished_trials(study)) == len(study.trials) == 12
    assert all("received true, but units are [2, 3]" in trial.user_attrs["problem"] for trial in failed)
    assert all(trial.params == {"model.residual": "true", "model.units": "[2, 3]"} for trial in failed)


def test_an_unexpected_error_fails_its_trial_with_its_name(monkeypatch):
    from rnn_apps.tuning import trials

    monkeypatch.setattr(trials.stages, "prepare", lambda *_: 1 / 0)
    with pytest.raises(trials.TrialFailed, match="ZeroDivisionError: division by zero"):
        trials.train(SimpleNamespace(sample_of=None, monitor=("val_loss", False)), imdb(), Console())


def test_another_validation_split_or_score_fails_a_trial():
    from rnn_apps.tuning import trials

    class Data:
        def fingerprint(self, split):
            return ["other"]

    base = SimpleNamespace(monitor=("val_loss", False), validation="digest", recipe=imdb())
    with pytest.raises(trials.TrialFailed, match="another validation split"):
        trials._check_comparable(base, imdb(), Data(), SimpleNamespace(monitor=("val_loss", False)))
    with pytest.raises(trials.TrialFailed, match="is scored by val_bleu, the others by val_loss"):
        trials._check_comparable(base, imdb(), Data(), SimpleNamespace(monitor=("val_bleu", True)))


def test_workers_on_one_file_lose_and_repeat_no_trial(fake, tmp_path):
    together = threading.Barrier(2, timeout=60)

    def score(base, recipe, *_):
        if together.n_waiting or not together.broken:
            together.wait()  # both workers always have a trial that runs
        return recipe.training.learning_rate, 1

    def work():
        study = open_study(open_storage(Location.parse(tmp_path / "study.db")), "imdb", True)
        fake(score, study, RATES).run_until(6)
        together.abort()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    study = optuna.load_study(study_name="imdb", storage=f"sqlite:///{tmp_path / 'study.db'}")
    complete = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    assert 6 <= len(complete) <= 7, "at most one more, which the other worker had begun"
    assert [trial.number for trial in study.trials] == list(range(len(study.trials)))
    assert len({trial.params["training.learning_rate"] for trial in study.trials}) == len(study.trials)


@pytest.mark.slow
def test_a_search_without_a_complete_trial_says_why(tmp_path, monkeypatch):
    from rnn_apps.tuning import trials

    def fail(*_):
        raise trials.TrialFailed("the loss became nan")

    monkeypatch.setattr(trials, "train", fail)
    with pytest.raises(RnnAppsError, match="all 2 trials failed, 2 of them: the loss became nan"):
        tune(out=tmp_path / "out")
