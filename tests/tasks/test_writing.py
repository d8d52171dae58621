"""What tasks that write share, on one small run a task: scores, records, export, answers, report."""

import base64
import csv
import json

import numpy as np
import pytest
import tensorflow as tf
from tests_of_tasks import SMALL, Silence, answers_elsewhere, small_recipe, small_run

from rnn_apps.errors import UserError
from rnn_apps.export.client import Client
from rnn_apps.tasks import find_task
from rnn_apps.tasks.translation.predictor import TranslationObjective

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Task name to its small run, made when it is first asked for."""
    made = {}

    def run(task):
        if task not in made:
            formats = ["saved_model", "onnx"] if task == "translation" else ["saved_model"]
            folder = tmp_path_factory.mktemp(task) / "run"
            made[task] = small_run(task, folder, Silence(), export=formats, views=True)
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
    answer = run.predictor.call("generate", raw, *options)
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


def test_the_history_has_what_is_validated(run):
    with open(run.folder / "history.csv") as file:
        (row,) = csv.DictReader(file)
    assert {"loss", "token_accuracy", "val_loss", "val_token_accuracy", MONITORS[run.recipe.task]} <= set(row)


@pytest.fixture(scope="module")
def elsewhere(runs):
    """Task name to what its export answers in a process without rnn_apps, one for all."""
    made = [runs(task) for task in SMALL]
    asked = [(run, run.predictor.raw_spec.name, examples_of(run)[1]) for run in made]
    return dict(zip(SMALL, answers_elsewhere(asked)))


def test_another_process_without_rnn_apps_gives_the_same_texts(run, elsewhere):
    answers, (_, encoded) = elsewhere[run.recipe.task], examples_of(run)
    raw = tf.constant(tf.nest.map_structure(base64.b64decode, encoded))
    own = run.predictor.call("serving_default", raw)
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


def test_a_source_that_is_too_long_is_cut_and_says_so_everywhere(runs, tmp_path):
    run = runs("translation")
    most, source = run.recipe.data.max_length, "the small dog sees a cat . " * 20
    (answer,) = run.predict([source], beam=1)
    vocabulary = run.predictor.preprocessing.source_vocabulary
    tokens = len(vocabulary.encode(tf.constant([source]))[0])
    assert tokens > most
    said = f"read {most} of {tokens} tokens"
    assert answer["truncated"] == said
    assert run.predictor.answer_line(answer).startswith(f"{source} ({said}): ")
    assert Client(run.folder / "export" / "onnx").answer(source)["truncated"] == said
    served = tf.saved_model.load(str(run.folder / "export" / "1"))
    served = served.signatures["serving_default"](text=tf.constant([source, "the dog"]))
    assert served["tokens"].numpy().tolist() == [
        tokens,
        len(vocabulary.encode(["the dog"])[0]),
    ]
    assert served["tokens_read"].numpy().tolist() == [most, served["tokens"].numpy()[1]]
    (tmp_path / "test.en").write_text(f"{source}\nthe dog\n")
    (tmp_path / "test.de").write_text("der Hund\nder Hund\n")
    found = run.evaluate(tmp_path)
    assert found.truncation == f"1 of 2 sources are longer than {most} tokens; the rest of each is not read"
    assert set(found.baselines) == {"copy_of_the_source"}


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


def test_the_report_shows_what_was_written_and_where_it_looked(run):
    page = (run.folder / "report.html").read_text()
    records = records_of(run)
    assert "Generated texts" in page
    assert "attention at each word" in page
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
    decoded = predictor.search.best(predictor.encode(raw), 1, 1)
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
