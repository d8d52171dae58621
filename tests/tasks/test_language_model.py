"""Language models: likelihood by hand, states carried from window to window, text that goes on."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tests_of_tasks import small_recipe, small_run

from rnn_apps.errors import UserError
from rnn_apps.models.language_model import language_model, window_model
from rnn_apps.models.sequence_decoder import SequenceDecoder
from rnn_apps.tasks import find_task


@pytest.fixture(scope="module")
def run(tmp_path_factory, new_console):
    folder, console = tmp_path_factory.mktemp("lm") / "run", new_console()
    run = small_run("language_model", folder, console, export=["saved_model", "keras"])
    run.heard = console
    return run


def test_a_recipe_names_its_formats_and_one_that_cannot_be_is_said(run):
    assert {path.name for path in (run.folder / "export").iterdir()} == {"1"}
    (line,) = (line for line in run.heard.lines if line.startswith("Not exported as keras: "))
    assert "its decoder has no equivalent" in line
    before = [
        line.startswith(("This network will not be exported as keras", "Epoch")) for line in run.heard.lines
    ]
    assert run.heard.lines[before.index(True)].startswith("This network will not"), "said before training"
    assert (run.folder / "manifest.json").is_file()


def decoder_of(cell="gru", units=(5, 4)):
    return SequenceDecoder(9, embedding=3, units=units, cell=cell, seed=1, name="decoder")


@pytest.mark.parametrize("cell", ["vanilla", "gru", "lstm"])
def test_windows_with_carried_states_are_the_whole_text(cell):
    """What is read in windows of 4 gives the logits of reading all 12 tokens at once."""
    decoder = decoder_of(cell)
    whole, windows = language_model(decoder), window_model(decoder, streams=2)
    tokens = np.random.default_rng(0).integers(4, 9, (2, 12)).astype("int32")
    fresh = [tf.constant([True, True]), *[tf.constant([False, False])] * 2]
    parts = [windows([tf.constant(tokens[:, 4 * i : 4 * i + 4]), fresh[i]]) for i in range(3)]
    np.testing.assert_allclose(np.concatenate(parts, 1), whole(tokens), atol=1e-5)


def test_a_fresh_row_forgets_and_the_others_do_not():
    decoder = decoder_of()
    whole, windows = language_model(decoder), window_model(decoder, streams=2)
    tokens = tf.constant([[4, 5, 6], [7, 8, 4]])
    windows([tokens, tf.constant([True, True])])
    logits = windows([tokens, tf.constant([True, False])])
    np.testing.assert_allclose(logits[0], whole(tokens)[0], atol=1e-5)
    assert np.abs(logits[1] - whole(tokens)[1]).max() > 1e-4


def test_gradients_of_one_window_are_those_of_full_backpropagation():
    decoder = decoder_of()
    whole, windows = language_model(decoder), window_model(decoder, streams=2)
    tokens = tf.constant([[4, 5, 6, 7], [8, 4, 5, 6]])
    found = []
    for network, given in ((whole, tokens), (windows, [tokens, tf.constant([True, True])])):
        variables = [v.value for v in decoder.trainable_variables]
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network(given, training=True) ** 2)
        found.append([tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)])
    for ours, expected in zip(*found):
        np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_the_score_is_the_mean_surprise_at_every_token_but_the_first(run):
    dataset = find_task("language_model").prepare_evaluation(run.recipe, run.predictor).dataset
    tokens = dataset.encoded["test"]
    logits = run.model(tokens[None, :-1].astype("int32")).numpy()[0].astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    nats = -log_p[np.arange(len(tokens) - 1), tokens[1:]].mean()
    assert run.metrics["test"]["nats_per_character"] == pytest.approx(nats, rel=1e-4)
    assert run.metrics["test"]["bits_per_character"] == pytest.approx(nats / np.log(2), rel=1e-4)


def test_the_baselines_are_a_unigram_and_a_five_gram_model(run):
    baseline = run.metrics["baseline"]
    assert set(baseline) == {"unigram", "five_gram"}
    assert baseline["five_gram"]["nats_per_character"] < baseline["unigram"]["nats_per_character"]


def test_records_go_on_from_the_test_part_and_hold_what_truly_follows(run):
    dataset = find_task("language_model").prepare_evaluation(run.recipe, run.predictor).dataset
    text = dataset.splits["test"]
    records = [json.loads(line) for line in (run.folder / "predictions.jsonl").read_text().splitlines()]
    assert len(records) == 8
    for record in records:
        assert record["source"] + record["references"][0] in text
        assert record["prediction"]


def test_a_prompt_is_gone_on_with_and_its_seed_decides(run):
    first, again = run.predict(["the "], length=20, seed=1), run.predict(["the "], length=20, seed=1)
    assert first == again
    assert first[0]["text"].startswith("the ")
    assert len(first[0]["text"]) == 24
    assert run.predict(["the "], length=20, seed=2) != first


def test_prompts_side_by_side_are_answered_as_alone(run):
    prompts = ["", "the old ", "a character that it never saw: \u2603"]
    together = run.predict(prompts, length=10, temperature=0.0)
    alone = [run.predict([prompt], length=10, temperature=0.0)[0] for prompt in prompts]
    assert [a["text"] for a in together] == [a["text"] for a in alone]
    np.testing.assert_allclose(
        [a["log_probability"] for a in together], [a["log_probability"] for a in alone], atol=1e-4
    )


def test_the_likelihood_of_what_is_written_is_that_of_its_tokens(run):
    (answer,) = run.predict(["the "], length=5, temperature=0.0)
    (steps,) = run.explain([answer["text"]])
    # It is written among the tokens that may be written, so it is no less likely than among all.
    assert sum(score for _, score in steps[4:]) <= answer["log_probability"] + 1e-3
    assert "".join(word for word, _ in steps[-5:]) == answer["text"][-5:]
    assert [len(word) for word, _ in steps] == [1] * 9
    assert run.explain([""]) == [[]]


def test_lines_as_they_come_surprise_as_the_whole_text_does(run, monkeypatch):
    lines = ["the old man sleeps", "", "anna finds the key"]
    (steps,) = run.explain(["".join(f"{line}\n" for line in lines)])
    for letters in (2_000, 7):
        monkeypatch.setattr("rnn_apps.tasks.language_model.predictor._CHARACTERS", letters)
        found = list(run.stream(lines))
        nats = [value for answer in found for value in answer["nats"]]
        np.testing.assert_allclose(nats, [-score for _, score in steps], atol=2e-4)
        assert [len(answer["tokens"]) for answer in found] == [19, 1, 19]


def test_more_streams_than_the_text_has_tokens_are_refused():
    recipe = small_recipe("language_model", training={"batch_size": 9000})
    with pytest.raises(UserError, match="training.batch_size: received 9000 streams for .* expected at most"):
        find_task("language_model").prepare(recipe)


def test_tokens_are_what_stands_between_blanks_and_line_ends_come_back(tmp_path):
    from rnn_apps.data.tokenizer import Tokenizer

    written = Tokenizer.learn(["the <unk> sat\n", "the N sat\n"], "token")
    numbers = written.encode(tf.constant(["the N sat\nthe <unk>"]))
    assert written.decode(numbers.to_tensor()).numpy()[0].decode() == "the N sat\nthe <unk>"
    assert len(numbers[0]) == 6
