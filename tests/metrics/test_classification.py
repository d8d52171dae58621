"""Scores of class probabilities, against hand counts, scikit-learn and brute force."""

import numpy as np
import pytest
from sklearn import metrics

from rnn_apps.metrics.classification import classification_metrics, confusion_matrix, reliability_curve


@pytest.fixture
def many_classes():
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 5, size=400)
    probabilities = rng.dirichlet(np.ones(5), size=400)
    probabilities[np.arange(400), labels] += 0.3
    return labels, probabilities / probabilities.sum(axis=1, keepdims=True), list("abcde")


def test_four_examples_counted_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]])
    scores = classification_metrics([0, 0, 1, 1], probabilities, ["no", "yes"])
    # Right are the first and third. Each class: 1 true positive of 2 answers and 2 true ones, F1 = 1/2.
    assert scores["accuracy"] == 0.5
    assert scores["f1/no"] == scores["f1/yes"] == scores["f1_macro"] == 0.5
    # Pairs of (yes, no) scores: .8 over .1 and .6, .3 over .1 but under .6: 3 of 4.
    assert scores["auc"] == 0.75
    assert scores["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.8, 0.3]).mean())
    # Four bins with one example each: |.9-1|, |.6-0|, |.8-1|, |.7-0|, mean 0.4.
    assert scores["calibration_error"] == pytest.approx(0.4)


def test_many_classes_agree_with_scikit_learn(many_classes):
    labels, probabilities, names = many_classes
    scores = classification_metrics(labels, probabilities, names)
    answers = probabilities.argmax(axis=1)
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(labels, answers))
    assert scores["f1_macro"] == pytest.approx(metrics.f1_score(labels, answers, average="macro"))
    assert scores["auc"] == pytest.approx(metrics.roc_auc_score(labels, probabilities, multi_class="ovr"))
    assert scores["log_loss"] == pytest.approx(metrics.log_loss(labels, probabilities))
    assert [scores[f"f1/{name}"] for name in names] == pytest.approx(
        metrics.f1_score(labels, answers, average=None).tolist()
    )


def test_calibration_error_agrees_with_a_loop_over_bins(many_classes):
    labels, probabilities, names = many_classes
    total = 0.0
    for index in range(15):
        inside = [
            (row.max(), row.argmax() == label)
            for row, label in zip(probabilities, labels)
            if index / 15 < row.max() <= (index + 1) / 15
        ]
        if inside:
            confidence, right = np.mean(inside, axis=0)
            total += len(inside) / len(labels) * abs(confidence - right)
    assert classification_metrics(labels, probabilities, names)["calibration_error"] == pytest.approx(total)


def test_auc_agrees_with_counting_all_pairs():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, size=60)
    positive = np.round(rng.random(60), 1)  # rounded, so that there are ties
    pairs = [(a > b) + 0.5 * (a == b) for a in positive[labels == 1] for b in positive[labels == 0]]
    scores = classification_metrics(labels, np.stack([1 - positive, positive], axis=1), ["no", "yes"])
    assert scores["auc"] == pytest.approx(np.mean(pairs))


def test_classes_that_never_occur_do_not_lower_the_macro_scores(many_classes):
    labels, probabilities, names = many_classes
    wider = np.concatenate([probabilities, np.zeros((400, 2))], axis=1)
    few, many = (
        classification_metrics(labels, values, classes)
        for values, classes in [(probabilities, names), (wider, [*names, "f", "g"])]
    )
    assert many == few


def test_a_class_that_is_answered_but_never_true_has_f1_of_zero():
    scores = classification_metrics([0, 0], np.array([[0.9, 0.1], [0.2, 0.8]]), ["no", "yes"])
    assert scores["f1/yes"] == 0
    assert scores["f1_macro"] == pytest.approx((2 / 3 + 0) / 2)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_in_the_test_part_leaves_auc_out(label):
    scores = classification_metrics([label] * 3, np.full((3, 2), 0.5), ["no", "yes"])
    assert "auc" not in scores
    assert scores["log_loss"] == pytest.approx(np.log(2))


def test_no_examples_give_no_scores():
    assert classification_metrics([], np.zeros((0, 2)), ["no", "yes"]) == {}
    assert reliability_curve([], np.zeros((0, 2))).count.tolist() == [0] * 15
    assert confusion_matrix([], [], 2).tolist() == [[0, 0], [0, 0]]


def test_a_certain_wrong_answer_costs_a_finite_loss():
    scores = classification_metrics([1], np.array([[1.0, 0.0]]), ["no", "yes"])
    assert scores["log_loss"] == pytest.approx(-np.log(1e-7))


def test_scores_are_plain_floats(many_classes):
    assert {type(value) for value in classification_metrics(*many_classes).values()} == {float}


def test_a_wrong_shape_is_reported_with_both_shapes():
    with pytest.raises(ValueError, match=r"received shape \(2, 3\), expected \(2, 2\)"):
        classification_metrics([0, 1], np.zeros((2, 3)), ["no", "yes"])


def test_probabilities_that_are_not_numbers_are_refused():
    with pytest.raises(ValueError, match="received 1 rows that are not finite"):
        classification_metrics([0, 1], np.array([[0.5, 0.5], [np.nan, 0.5]]), ["no", "yes"])


def test_confusion_rows_are_true_classes(many_classes):
    labels, probabilities, _ = many_classes
    answers = probabilities.argmax(axis=1)
    np.testing.assert_array_equal(
        confusion_matrix(labels, answers, 5), metrics.confusion_matrix(labels, answers)
    )
    assert confusion_matrix([0, 0, 2], [0, 1, 2], 3).tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_reliability_bins_by_hand():
    probabilities = np.array([[0.5, 0.5], [0.4, 0.6], [1.0, 0.0], [0.9, 0.1]])
    curve = reliability_curve([0, 0, 0, 1], probabilities, bins=4)
    # (0.25, 0.5] holds the first (right), (0.5, 0.75] the second (wrong), (0.75, 1] the rest (1 of 2 right).
    assert curve.count.tolist() == [0, 1, 1, 2]
    np.testing.assert_allclose(curve.centre, [0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(curve.confidence, [np.nan, 0.5, 0.6, 0.95])
    np.testing.assert_allclose(curve.accuracy, [np.nan, 1.0, 0.0, 0.5])
