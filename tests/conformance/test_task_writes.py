"""Rule: a task that generates text scores it against baselines, decodes by beam search and by sampling, shows
what the decoder attended to, and its export generates the same text without rnn_apps."""

import base64
import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.errors import UserError
from rnn_apps.export.client import Client

MONITORS = {
    "image_captioning": "val_cider_d",
    "video_captioning": "val_cider_d",
    "translation": "val_bleu",
}
pytestmark = pytest.mark.slow
every_writer = pytest.mark.parametrize("task", MONITORS, indirect=True)
only_translation = pytest.mark.parametrize("task", ["translation"], indirect=True)


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
    """Raw inputs of the task in base64."""
    if run.recipe.task == "translation":
        raw = [text.encode() for text in ("the dog sleeps", "", "😀 qwxz")]
    else:
        raw = raw_examples(run).numpy().tolist()
    return tf.nest.map_structure(lambda b: base64.b64encode(b).decode(), raw)


@every_writer
def test_every_score_has_its_baselines_and_what_a_comparison_needs(run):
    metrics = run.metrics
    names = {"bleu_1", "bleu_2", "bleu_3", "bleu_4", "chrf", "token_accuracy", "perplexity"}
    assert names <= set(metrics["test"])
    assert metrics["baseline"]
    for scores in metrics["baseline"].values():
        assert set(scores) == set(metrics["test"]) - {"token_accuracy", "perplexity"}
    assert {"decoding", "vocabulary", "references"} <= set(metrics["settings"])
    assert any("version:" in str(value) for value in metrics["settings"].values())  # sacrebleu's signature
    assert metrics["score_mark"].startswith("SAMPLE score")


@every_writer
def test_the_history_contains_the_validation_scores(run, task):
    with open(run.folder / "history.csv") as file:
        row, *_ = csv.DictReader(file)
    assert {"loss", "token_accuracy", "val_loss", "val_token_accuracy", MONITORS[task]} <= set(row)


CLIENT = """
import base64, json, sys
import tensorflow as tf

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # each graph runs once
few = {"beam": 2, "nbest": 2, "seed": 3}
options = {
    "serving_default": {},
    "explain": {},
    "generate": {**{k: tf.constant(v) for k, v in few.items()}, "temperature": tf.constant(0.0)},
}
folder, name, inputs = json.load(sys.stdin)
inputs = {name: tf.constant(tf.nest.map_structure(base64.b64decode, inputs))}
loaded, answers = tf.saved_model.load(folder), {}
for signature in options:
    answer = loaded.signatures[signature](**inputs, **options[signature])
    answers[signature] = {key: value.numpy().tolist() for key, value in answer.items()}
print(json.dumps(answers, default=bytes.decode))
assert not any(module.partition(".")[0] == "rnn_apps" for module in sys.modules)
"""


def answers_without_rnn_apps(run, encoded):
    """The answers of the SavedModel in a process that has imported TensorFlow only."""
    request = json.dumps([str(run.folder / "export" / "1"), run.predictor.raw_spec.name, encoded])
    command, environment = [sys.executable, "-c", CLIENT], {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(command, input=request, capture_output=True, text=True, env=environment)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


@every_writer
def test_a_process_without_rnn_apps_generates_the_same_texts(run):
    encoded = examples_of(run)
    answers = answers_without_rnn_apps(run, encoded)
    raw = tf.constant(tf.nest.map_structure(base64.b64decode, encoded))
    expected = run.predictor.call("serving_default", raw)
    key = run.predictor.answer
    texts = [text.decode() for text in expected[key].numpy()]
    assert answers["serving_default"][key] == texts
    assert [row[0] for row in answers["serving_default"]["candidates"]] == texts
    np.testing.assert_allclose(answers["serving_default"]["scores"], expected["scores"].numpy(), atol=1e-5)
    assert answers["explain"][key] == texts
    assert [len(row) for row in answers["generate"]["candidates"]] == [2] * len(texts)
    weights, lengths = np.array(answers["explain"]["weights"]), answers["explain"]["lengths"]
    for row, length in zip(weights, lengths):
        np.testing.assert_allclose(row[:length].sum(axis=-1), 1, atol=1e-4)


@only_translation
def test_a_source_that_is_too_long_is_truncated_and_every_answer_says_so(run, tmp_path):
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


@every_writer
def test_samples_depend_on_the_seed_and_candidates_are_sorted_by_score(run):
    raw = raw_examples(run)[:2]
    first, scores = generated(run, raw, nbest=4, temperature=1.5, seed=1)
    again, _ = generated(run, raw, nbest=4, temperature=1.5, seed=1)
    other, _ = generated(run, raw, nbest=4, temperature=1.5, seed=2)
    assert first == again != other
    assert all(row == sorted(row, reverse=True) for row in scores.tolist())
    assert [len(row) for row in first] == [4, 4]


@every_writer
def test_a_wider_beam_never_gives_a_less_likely_best(run):
    raw = raw_examples(run)
    best = [generated(run, raw, beam=beam)[1][:, 0] for beam in (1, 4)]
    assert (best[1] >= best[0] - 1e-5).mean() > 0.5  # beam search promises it on average, not each time


@every_writer
def test_the_report_shows_the_texts_and_the_attention(run):
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


@pytest.mark.parametrize("seed", [3_000_000_000, -3_000_000_000])
@only_translation
def test_a_seed_that_is_not_a_32_bit_number_is_refused(run, seed):
    with pytest.raises(UserError, match="seed: received"):
        run.predict(["a dog"], seed=seed)


@only_translation
def test_teacher_forcing_and_search_agree_on_the_likelihood_of_a_text(run):
    """The score of a generated text is the sum of its tokens' log-probabilities under teacher forcing."""
    predictor, raw = run.predictor, raw_examples(run)[1:2]
    decoded = predictor.search.best(predictor.encode(raw), 1, 1)
    tokens = decoded.tokens[0, 0, : int(decoded.lengths[0, 0])].numpy()
    whole = [*tokens, 3] if len(tokens) < run.recipe.model.decoding.max_length else list(tokens)
    numbers = predictor.read_raw(raw)
    numbers = tf.repeat(numbers, 2, axis=0)  # a batch of one has another static shape than the graph wants
    inputs = [numbers, tf.constant([0, 1]), tf.constant([[2, *whole[:-1]]] * 2)]
    logits = predictor.network(inputs, training=False)[0].numpy()
    logits[:, [0, 1, 2]] = -np.inf
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    total = log_p[np.arange(len(whole)), whole].sum()
    penalty = ((5 + len(whole)) / 6) ** run.recipe.model.decoding.length_penalty
    assert float(decoded.scores[0, 0]) == pytest.approx(total / penalty, abs=1e-4)
