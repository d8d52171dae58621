"""Word vectors against the formula in NumPy, and the similarities that they must show."""

import numpy as np
import pytest

from rnn_apps.data import word_vectors
from rnn_apps.data.word_vectors import cooccurrence_vectors

TEXTS = [[2, 3, 4, 2, 5], [3, 6, 1, 2], [5, 5], [4], [], [6, 3, 2, 4, 4, 1, 6]]
NUMBERS = np.concatenate([np.array(text, np.int32) for text in TEXTS])
LENGTHS = np.array([len(text) for text in TEXTS])


def vectors_by_numpy(window):
    """The positive information of every pair, one pair after another, and its full decomposition."""
    counts = np.zeros((7, 7))
    for text in TEXTS:
        for i, first in enumerate(text):
            for j, second in enumerate(text):
                if i != j and abs(i - j) <= window and min(first, second) > 1:
                    counts[first, second] += 1
    total = counts.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(counts * counts.sum() / np.outer(total, total))
    information = np.where(counts > 0, np.maximum(information, 0), 0)
    left, values, _ = np.linalg.svd(information)
    vectors = left * np.sqrt(values)
    known = information.any(axis=1)
    vectors = np.where(known[:, None], vectors - vectors[known].mean(axis=0), 0)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9) * np.sqrt(7)


@pytest.mark.parametrize("window", [1, 2, 8])
@pytest.mark.parametrize("at_once", [2, 1_000_000])
def test_every_angle_between_words_is_that_of_the_formula(window, at_once, monkeypatch):
    monkeypatch.setattr(word_vectors, "_CHUNK_SIZE", at_once)
    vectors, expected = cooccurrence_vectors(NUMBERS, LENGTHS, 7, 7, window), vectors_by_numpy(window)
    np.testing.assert_allclose(vectors @ vectors.T, expected @ expected.T, atol=1e-3)


def test_words_with_the_same_neighbours_are_near_and_the_texts_keep_apart():
    rng = np.random.default_rng(0)
    good, bad, fine, poor = 2, 3, 4, 5
    texts = [rng.permutation([w, *rng.integers(6, 16, 4)]) for w in [good, fine] * 150]
    texts += [rng.permutation([w, *rng.integers(16, 26, 4)]) for w in [bad, poor] * 150]
    numbers, lengths = np.concatenate(texts).astype(np.int32), np.full(len(texts), 5)
    unit = cooccurrence_vectors(numbers, lengths, 26, 6) / np.sqrt(6)
    assert unit[good] @ unit[fine] > 0.9
    assert unit[bad] @ unit[poor] > 0.9
    assert unit[good] @ unit[bad] < 0


def test_reserved_numbers_and_words_without_neighbours_are_zeros_and_all_others_of_one_length():
    vectors = cooccurrence_vectors(NUMBERS, LENGTHS, 12, 4)
    known = [2, 3, 4, 5, 6]
    np.testing.assert_allclose(np.linalg.norm(vectors[known], axis=1), 2, rtol=1e-5)
    assert not vectors[[0, 1, 7, 8, 9, 10, 11]].any()
    assert vectors.dtype == np.float32


def test_vectors_wider_than_the_vocabulary_end_in_zeros():
    vectors = cooccurrence_vectors(NUMBERS, LENGTHS, 7, 20)
    assert vectors.shape == (7, 20)
    assert not vectors[:, 7:].any()
    assert vectors[2, :7].any()


@pytest.mark.parametrize("texts", [[], [[2], [3]], [[1, 1, 1]], [[], []]])
def test_texts_without_a_pair_give_zeros(texts):
    numbers = np.array([word for text in texts for word in text], np.int32)
    vectors = cooccurrence_vectors(numbers, np.array([len(t) for t in texts], int), 5, 3)
    np.testing.assert_array_equal(vectors, np.zeros((5, 3)))


def test_the_seed_decides():
    first, second = (cooccurrence_vectors(NUMBERS, LENGTHS, 7, 3, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first, second)
