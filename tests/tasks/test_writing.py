"""What tasks that write share, on one small run a task: scores, records, export, answers, report."""

import base64
import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tests_of_tasks import SMALL, Silence, answers_elsewhere, small_recipe, small_run

from rnn_apps.errors import UserError
from rnn_apps.exporting import export_subdir
from rnn_apps.exporting.client import Client
from rnn_apps.metrics.generation import caption_scores, corpus_bleu_scores
from rnn_apps.runner import open_run
from rnn_apps.serving.demo.marking import safe
from rnn_apps.tasks import find_task
from rnn_apps.tasks.translation.predictor import TranslationObjective

FORMATS = {"translation": "onnx", "video_captioning": "litert", "image_captioning": "onnx"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, looked_into):
    """Task name to its small run, made when it is first asked for."""
    made = {}

    def run(task):
        if task not in made:
            with looked_into():
                folder, formats = tmp_path_factory.mktemp(task) / "run", ["saved_model", FORMATS[task]]
                made[task] = small_run(task, folder, Silence(), export=formats)
        return made[task]

    return run


@pytest.fixture(params=list(SMALL))
def run(request, runs):
    return runs(request.param)


def records_of(run):
    return [json.loads(line) for line in (run.folder / "predictions.jsonl").read_text().splitlines()]


def raw_examples(run):
    """The raw inputs on which the export is verified, as a tensor."""
    _, request = run.predictor.example_requests()[-1]
    return request[run.predictor.raw_spec.name]


def generated(run, raw, beam=3, nbest=1, temperature=0.0, seed=0):
    """Candidates and scores of raw inputs."""
    options = map(tf.constant, (beam, nbest, temperature, seed))
    answer = run.predictor.module.generate(raw, *options)
    return answer["candidates"].numpy().tolist(), answer["scores"].numpy()


def examples_of(run):
    """Raw inputs of the task: as `predict` takes them and as the export does, in base64."""
    if run.recipe.task == "translation":
        texts = ["the dog sleeps", "", "😀 qwxz"]
        return texts, [base64.b64encode(text.encode()).decode() for text in texts]
    raw = raw_examples(run).numpy().tolist()
    return None, tf.nest.map_structure(lambda b: base64.b64encode(b).decode(), raw)


MONITORS = {
    "image_captioning": "val_cider_d",
    "video_captioning": "val_cider_d",
    "translation": "val_bleu",
}
READ = {"image_captioning": [], "video_captioning": ["encoder/reader/level_0_forward"]}


def test_the_views_are_of_what_is_read_and_written(run, check_views):
    read = READ.get(run.recipe.task, ["encoder/reader/level_0_forward"])
    check_views(run, [*read, "decoder/recurrent/level_0_forward"])


def test_every_score_stands_beside_its_baselines_and_what_it_takes_to_compare_it(run):
    metrics = run.metrics
    names = {"bleu_1", "bleu_2", "bleu_3", "bleu_4", "chrf", "token_accuracy", "perplexity"}
    assert names <= set(metrics["test"])
    assert metrics["baseline"]
    for scores in metrics["baseline"].values():
        assert set(scores) == set(metrics["test"]) - {"token_accuracy", "perplexity"}
    assert {"decoding", "vocabulary", "references"} <= set(metrics["settings"])
    assert any("version:" in str(value) for value in metrics["settings"].values())  # sacrebleu's signature
    assert metrics["score_mark"].startswith("SAMPLE score")


def test_the_scores_are_those_of_the_records(run):
    records = records_of(run)
    answers, references = [r["prediction"] for r in records], [r["references"] for r in records]
    assert len(records) == run.metrics["data"]["test"] == 10
    if run.recipe.task == "translation":
        expected = corpus_bleu_scores(answers, references)
        assert all(len(several) == 1 for several in references)
    else:
        expected = caption_scores(answers, references)
        mean = np.mean([record["cider_d"] for record in records])
        assert run.metrics["test"]["cider_d"] == pytest.approx(mean, abs=1e-4)
    for name in ("bleu_1", "bleu_4"):
        assert run.metrics["test"][name] == pytest.approx(expected[name])


def test_the_history_has_what_is_validated(run):
    with open(run.folder / "history.csv") as file:
        (row,) = csv.DictReader(file)
    assert {"loss", "token_accuracy", "val_loss", "val_token_accuracy", MONITORS[run.recipe.task]} <= set(row)


def test_a_run_opened_again_scores_the_same(run):
    again = open_run(run.folder).evaluate()
    assert again == pytest.approx(run.metrics["test"], rel=1e-4)


@pytest.fixture(scope="module")
def elsewhere(runs):
    """Task name to what its export answers in a process without rnn_apps, one for all."""
    made = [runs(task) for task in SMALL]
    asked = [(run, run.predictor.raw_spec.name, examples_of(run)[1]) for run in made]
    return dict(zip(SMALL, answers_elsewhere(asked)))


def test_another_process_without_rnn_apps_gives_the_same_texts(run, elsewhere):
    answers, (_, encoded) = elsewhere[run.recipe.task], examples_of(run)
    raw = tf.constant(tf.nest.map_structure(base64.b64decode, encoded))
    own = run.predictor.module.best(raw)
    key = run.predictor.answer
    texts = [text.decode() for text in own[key].numpy()]
    assert answers["serving_default"][key] == texts
    assert [row[0] for row in answers["serving_default"]["candidates"]] == texts
    np.testing.assert_allclose(answers["serving_default"]["scores"], own["scores"].numpy(), atol=1e-5)
    assert answers["explain"][key] == texts
    assert [len(row) for row in answers["generate"]["candidates"]] == [2] * len(texts)
    weights, lengths = np.array(answers["explain"]["weights"]), answers["explain"]["lengths"]
    for row, length in zip(weights, lengths):
        np.testing.assert_allclose(row[:length].sum(axis=-1), 1, atol=1e-4)


@pytest.mark.parametrize(("task", "name"), FORMATS.items())
def test_encoder_and_step_without_tensorflow_write_the_same_texts(task, name, runs, tmp_path):
    """Of the files that a run wrote whose recipe names two formats."""
    run = runs(task)
    folder = run.folder / export_subdir(name)
    assert run.metrics["not_exported"] == {}
    assert {Path(one).stem for one in folder.iterdir()} >= {"encode", "step", "client"}
    inputs = client_inputs(run, tmp_path)
    answers = [Client(folder).answer(str(one))["text"] for one in inputs]
    assert answers == [answer[run.predictor.answer] for answer in run.predict(inputs, beam=1)]
    score = run.export_score(folder)
    if run.recipe.task != "translation":
        assert score == "not scored: the run's test records do not hold what it reads"
    else:
        assert (score.name, score.network) == ("bleu", pytest.approx(score.files))


def test_a_source_that_is_too_long_is_cut_and_says_so_everywhere(runs, tmp_path):
    run = runs("translation")
    most, source = run.recipe.data.max_length, "the small dog sees a cat . " * 20
    (answer,) = run.predict([source], beam=1)
    vocabulary = run.predictor.preprocessing.source_vocabulary
    tokens = len(vocabulary.numbers(tf.constant([source]))[0])
    assert tokens > most
    said = f"read {most} of {tokens} tokens"
    assert answer["truncated"] == said
    assert run.predictor.answer_line(answer).startswith(f"{source} ({said}): ")
    assert Client(run.folder / "export" / "onnx").answer(source)["truncated"] == said
    served = tf.saved_model.load(str(run.folder / "export" / "1"))
    served = served.signatures["serving_default"](text=tf.constant([source, "the dog"]))
    assert served["tokens"].numpy().tolist() == [
        tokens,
        len(vocabulary.numbers(["the dog"])[0]),
    ]
    assert served["tokens_read"].numpy().tolist() == [most, served["tokens"].numpy()[1]]
    (tmp_path / "test.en").write_text(f"{source}\nthe dog\n")
    (tmp_path / "test.de").write_text("der Hund\nder Hund\n")
    found = run.evaluate(tmp_path)
    assert found.truncation == f"1 of 2 sources are longer than {most} tokens; the rest of each is not read"
    assert set(found.baselines) == {"copy_of_the_source"}


def client_inputs(run, folder):
    """Texts, or pictures of the size that the network takes, or folders of them."""
    if run.recipe.task == "translation":
        return ["the dog sleeps", "", "😀 qwxz the small cat"]
    height, width = run.recipe.model.encoder.image_size
    rng, paths = np.random.default_rng(0), []
    for index in range(3):
        path = folder / f"picture{index}.png"
        if run.recipe.task == "video_captioning":
            path = folder / "clip" / f"{index}.png"
            path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (height, width, 3), "uint8")).save(path)
        paths.append(path)
    return paths[:2] if run.recipe.task == "image_captioning" else [folder / "clip"]


def test_what_is_drawn_follows_its_seed_and_candidates_come_best_first(run):
    raw = raw_examples(run)[:2]
    first, scores = generated(run, raw, nbest=4, temperature=1.5, seed=1)
    again, _ = generated(run, raw, nbest=4, temperature=1.5, seed=1)
    other, _ = generated(run, raw, nbest=4, temperature=1.5, seed=2)
    assert first == again != other
    assert all(row == sorted(row, reverse=True) for row in scores.tolist())
    assert [len(row) for row in first] == [4, 4]


def test_a_wider_beam_never_gives_a_less_likely_best(run):
    raw = raw_examples(run)
    best = [generated(run, raw, beam=beam)[1][:, 0] for beam in (1, 4)]
    assert (best[1] >= best[0] - 1e-5).mean() > 0.5  # beam search promises it on average, not each time


@pytest.mark.parametrize("options", [{"beam": 0}, {"nbest": 101}, {"temperature": -1.0}])
def test_options_out_of_range_are_refused_by_their_name(run, options):
    (name,) = options
    with pytest.raises(UserError, match=rf"^{name}: received .*, expected a number from"):
        run.predict(["anything"], **options)


def test_the_report_shows_what_was_written_and_where_it_looked(run):
    page = (run.folder / "report.html").read_text()
    records = records_of(run)
    assert "What is written" in page
    assert "where it looked at each word" in page
    illustrated = [record for record in records if "attention" in record]
    assert illustrated
    if run.recipe.task != "translation":
        names = [name for record in illustrated for name in record["pictures"]]
        assert all((run.folder / name).is_file() for name in names)
        assert page.count("data:image/jpeg") >= len(names)
    for record in illustrated:
        looked = record["attention"]
        assert len(looked["tokens"]) == len(looked["weights"])
        for row in looked["weights"]:
            assert sum(row) == pytest.approx(1, abs=0.01)


def test_without_attention_it_writes_and_explains_without_places():
    recipe = small_recipe("translation", model={"attention": None, "units": [6, 6]})
    task = find_task("translation").prepare(recipe)
    answers = task.predictor.predict(["the dog", ""], beam=3, nbest=2)
    assert [(len(answer["candidates"]), len(answer["scores"])) for answer in answers] == [(2, 2), (2, 2)]
    (explained,) = task.predictor.explain(["the dog"])
    assert all(row == [] for row in explained["weights"])
    assert task.predictor.illustrate(task.dataset, "test", 0) == ({}, {})


@pytest.mark.parametrize("seed", [3_000_000_000, -3_000_000_000])
def test_a_seed_that_does_not_fit_is_refused(runs, seed):
    with pytest.raises(UserError, match="seed: received"):
        runs("translation").predict(["a dog"], seed=seed)


def test_other_data_may_hold_only_what_is_tested_on(runs, tmp_path):
    for part in ("test", "val", "train"):
        folder = tmp_path / part
        folder.mkdir()
        for language, line in (("en", "a dog"), ("de", "ein Hund")):
            (folder / f"{part}.{language}").write_text(f"{line}\n" * 3)
        assert "bleu" in runs("translation").evaluate(folder)


def test_the_loss_is_the_mean_over_real_tokens_with_smoothed_targets():
    recipe = small_recipe("translation", training={"label_smoothing": 0.2})
    objective = TranslationObjective(recipe, None, None)
    logits = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    tokens = np.array([[4, 3, 0], [2, 1, 3]])
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    smooth = np.eye(5)[tokens] * 0.8 + 0.2 / 5
    each = -(smooth * log_p).sum(-1)
    expected = each[tokens != 0].sum() / 5
    loss = objective.loss(tf.constant(logits), tf.constant(tokens))
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(objective.count(tf.constant(tokens))) == 5


def test_tokens_are_right_where_they_are_real():
    objective = TranslationObjective(small_recipe("translation"), None, None)
    logits = tf.one_hot([[4, 1, 0], [2, 2, 3]], 5)
    right = objective.batch_metrics(logits, tf.constant([[4, 3, 0], [2, 1, 3]]))
    assert float(right["token_accuracy"]) == 3


def test_teacher_forcing_and_search_agree_on_the_likelihood_of_a_text(runs):
    """The score of what was written is the sum of its tokens' log-probabilities under teacher forcing."""
    run = runs("translation")
    predictor, raw = run.predictor, raw_examples(run)[1:2]
    decoded = predictor.search.best(predictor.module.encode(raw), 1, 1)
    tokens = decoded.tokens[0, 0, : int(decoded.lengths[0, 0])].numpy()
    whole = [*tokens, 3] if len(tokens) < 9 else list(tokens)
    numbers = predictor.read_raw(raw)
    numbers = tf.repeat(numbers, 2, axis=0)  # a batch of one has another static shape than the graph wants
    inputs = [numbers, tf.constant([0, 1]), tf.constant([[2, *whole[:-1]]] * 2)]
    logits = predictor.network(inputs, training=False)[0].numpy()
    logits[:, [0, 1, 2]] = -np.inf
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    total = log_p[np.arange(len(whole)), whole].sum()
    penalty = ((5 + len(whole)) / 6) ** run.recipe.model.decoding.length_penalty
    assert float(decoded.scores[0, 0]) == pytest.approx(total / penalty, abs=1e-4)


def test_the_demo_page_writes_about_an_example_as_the_run_does(run, demo_page, tmp_path):
    page = demo_page(run)
    given = page.examples()[0].value
    named = tmp_path if isinstance(given, list) else given
    for path in given if named is tmp_path else ():
        shutil.copy(path, tmp_path)
    (own,) = run.predict([named], beam=4, nbest=2)
    shown = page.answer(given, 4, 2, 0, 0)
    assert own["candidates"][0] in shown.said
    for text in own["candidates"]:
        assert safe(text) in shown.html
    if run.recipe.task == "image_captioning":
        assert page.facts.get("grid") == [2, 2]
