"""Rule: the scores of a run are those of the records that it keeps, and its baselines have scores too."""

import json

import pytest


def check_scores(metrics, records, tiny):
    """Scores that are counted again from the records are those of the run; baselines have scores too."""
    found = tiny.scores(records)
    shared = {name: value for name, value in found.items() if name in metrics["test"]}
    assert len(shared) > 0 or not found, f"none of {list(found)} is a score of the run"
    for name, value in shared.items():
        assert metrics["test"][name] == pytest.approx(value, abs=2e-4), name
    assert metrics["baseline"]
    for name, scores in metrics["baseline"].items():
        assert set(scores) & set(metrics["test"]), f"the baseline {name} has no score of the run"


def records_of(run):
    return [json.loads(line) for line in (run.folder / "predictions.jsonl").read_text().splitlines()]


def test_the_scores_are_those_of_the_records(run, tiny):
    if tiny.is_trained_here:
        check_scores(run.metrics, records_of(run), tiny)
    else:
        assert run.metrics == {}


# Seeded fault


@pytest.mark.parametrize(
    "task", ["text_classification", "tagging", "image_captioning", "forecasting"], indirect=True
)
def test_scores_of_half_of_the_records_are_caught(run, tiny):
    records = records_of(run)
    lacking = {**run.metrics, "test": {name: value + 0.01 for name, value in run.metrics["test"].items()}}
    with pytest.raises(AssertionError):
        check_scores(lacking, records, tiny)
    with pytest.raises(AssertionError):
        check_scores({**run.metrics, "baseline": {}}, records, tiny)
