"""Rule: other data is scored with the labels that it has, and the scores of the run stay what they are."""

import hashlib

import pytest


def check_evaluated(run, path, expected):
    """Other data has the scores that are known of it, named as those of the run."""
    found = run.evaluate(path)
    assert found.scored > 0
    if run.metrics:
        assert set(found) <= set(run.metrics["test"])
    assert set(found), "no scores"
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=0.01), name


@pytest.mark.parametrize("part", ["test", "train"])
def test_other_data_is_scored_by_its_own_labels_whatever_its_one_split_is_called(run, tiny, part, tmp_path):
    before = digest(run.folder)
    check_evaluated(run, *tiny.other_data(run, tmp_path, part))
    assert digest(run.folder) == before


def digest(folder):
    """Of the recorded scores and of what they were counted from."""
    files = [folder / name for name in ("metrics.json", "predictions.jsonl", "model.keras")]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]


# Seeded fault


class ScoresItsOwnData:
    """A run that reads its own data in place of others."""

    def __init__(self, run):
        self.metrics, self.evaluate = run.metrics, lambda path: run.evaluate()


@pytest.mark.parametrize("task", ["text_classification"], indirect=True)
def test_a_run_that_scores_its_own_data_is_caught(run, tiny, tmp_path):
    assert run.metrics["test"]["accuracy"] < 1
    with pytest.raises(AssertionError, match="accuracy"):
        check_evaluated(ScoresItsOwnData(run), *tiny.other_data(run, tmp_path, "test"))
