"""Spans against seqeval, on random tags and by hand."""

import random

import pytest
from seqeval import metrics

from rnn_apps.metrics.spans import are_span_tags, span_f1, spans_of

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@pytest.mark.parametrize("seed", range(20))
def test_scores_are_those_of_seqeval_whatever_the_tags(seed):
    chance = random.Random(seed)
    truth = [chance.choices(TAGS, k=chance.randint(1, 12)) for _ in range(30)]
    answers = [[tag if chance.random() < 0.7 else chance.choice(TAGS) for tag in row] for row in truth]
    scores = span_f1(truth, answers)
    assert scores["span_f1"] == pytest.approx(metrics.f1_score(truth, answers))
    assert scores["span_precision"] == pytest.approx(metrics.precision_score(truth, answers))
    assert scores["span_recall"] == pytest.approx(metrics.recall_score(truth, answers))


def test_by_hand():
    assert spans_of(["B-A", "B-A", "I-B", "O"]) == [("A", 0, 1), ("A", 1, 2), ("B", 2, 3)]
    scores = span_f1([["B-A", "I-A", "O", "B-B"]], [["B-A", "O", "O", "B-B"]])
    assert scores == {"span_f1": 0.5, "span_precision": 0.5, "span_recall": 0.5}


def test_nothing_found_and_nothing_there_give_zero():
    assert span_f1([["O"]], [["O"]])["span_f1"] == 0
    assert span_f1([["B-A"]], [["O"]])["span_f1"] == 0


@pytest.mark.parametrize(
    ("names", "are"),
    [(["B-X", "I-X", "O"], True), (["B-X"], True), (["O"], False), (["NOUN", "O"], False), (["B-"], False)],
)
def test_tags_of_spans_are_told_from_others(names, are):
    assert are_span_tags(names) is are
