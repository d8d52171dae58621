"""Rule: a run that is opened again has the scores that it wrote down, and gives the same answers."""

import json
import shutil

import pytest
from comparing import assert_same

from rnn_apps import open_run


def check_restored(folder, run, tiny, inputs, answers):
    """The run in a folder scores what `run` recorded, and answers as it does."""
    again = open_run(folder)
    if tiny.is_trained_here:
        assert again.evaluate() == pytest.approx(run.metrics["test"], rel=1e-4)
    for answer, expected in zip(again.predict(inputs, **tiny.options), answers, strict=True):
        assert_same(answer, expected, "the run that was opened again")


def test_a_run_opened_again_scores_and_answers_the_same(run, tiny, inputs, answers):
    check_restored(run.folder, run, tiny, inputs, answers)


# Seeded fault


@pytest.mark.parametrize("task", ["text_classification"], indirect=True)
def test_a_vocabulary_that_is_read_in_another_order_is_caught(run, tiny, inputs, answers, tmp_path):
    copy = shutil.copytree(run.folder, tmp_path / "copy")
    file = copy / "preprocessing" / "tokenizer.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "tokens": content["tokens"][::-1]}))
    with pytest.raises(AssertionError):
        check_restored(copy, run, tiny, inputs, answers)
