"""The trivial baselines of every classifier."""

import numpy as np
import pytest

from rnn_apps.baselines.bag_of_words import bag_of_words_probabilities
from rnn_apps.baselines.majority import majority_probabilities

TEXTS = ["good film", "a good cast", "really good", "bad film", "a bad cast", "really bad"]
LABELS = [1, 1, 1, 0, 0, 0]


def test_majority_answers_the_class_frequencies_for_every_example():
    # by hand: 1 of 5 is class 0, 3 of 5 class 1, 1 of 5 class 3
    expected = [[0.2, 0.6, 0.0, 0.2]] * 3
    np.testing.assert_allclose(majority_probabilities([1, 0, 1, 3, 1], 3, 4), expected)


def test_majority_of_nothing_is_uniform():
    np.testing.assert_allclose(majority_probabilities([], 2, 4), np.full((2, 4), 0.25))


def test_majority_of_equals_is_the_first_class():
    assert majority_probabilities([1, 0], 1, 2).argmax() == 0


def test_bag_of_words_reads_words():
    probabilities = bag_of_words_probabilities(TEXTS, LABELS, ["bad bad", "GOOD!"], 2)
    assert probabilities.shape == (2, 2)
    assert probabilities.argmax(axis=1).tolist() == [0, 1]


def test_bag_of_words_ignores_order():
    first, second = bag_of_words_probabilities(TEXTS, LABELS, ["good not bad bad", "bad bad not good"], 2)
    np.testing.assert_array_equal(first, second)


def test_bag_of_words_answers_many_classes_and_never_one_that_training_lacks():
    probabilities = bag_of_words_probabilities(["red", "green", "blue"] * 5, [0, 2, 3] * 5, ["green"], 5)
    assert probabilities.shape == (1, 5)
    assert probabilities.argmax() == 2
    assert probabilities[0, [1, 4]].tolist() == [0, 0]
    assert probabilities.sum() == pytest.approx(1)


def test_line_breaks_of_html_are_not_words():
    broken = [text.replace(" ", "<br /><BR>") for text in TEXTS]
    np.testing.assert_array_equal(
        bag_of_words_probabilities(broken, LABELS, ["good<br/>br"], 2),
        bag_of_words_probabilities(TEXTS, LABELS, ["good"], 2),
    )


@pytest.mark.parametrize("texts", [["", " ", "!?"], ["<br />", "", "..."]])
def test_texts_without_words_give_the_class_frequencies(texts):
    np.testing.assert_allclose(
        bag_of_words_probabilities(texts, [0, 0, 1], ["good", ""], 2), [[2 / 3, 1 / 3]] * 2
    )


def test_one_class_in_training_gives_that_class():
    np.testing.assert_array_equal(bag_of_words_probabilities(["a", "b"], [1, 1], ["a"], 2), [[0.0, 1.0]])


@pytest.mark.parametrize("words", ["film", "the a of", "x"])
def test_a_vocabulary_of_few_common_words_still_gives_probabilities(words):
    probabilities = bag_of_words_probabilities([words] * 4, [0, 1, 1, 1], [words, "", "unknown"], 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == 1).all()


@pytest.mark.parametrize("train", [[], TEXTS])
def test_nothing_to_answer_for_gives_no_rows(train):
    assert bag_of_words_probabilities(train, LABELS[: len(train)], [], 2).shape == (0, 2)


def test_numpy_arrays_are_taken_for_labels_and_texts():
    probabilities = bag_of_words_probabilities(np.array(TEXTS), np.array(LABELS), np.array(["good"]), 2)
    assert probabilities.argmax() == 1
