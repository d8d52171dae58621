"""Vectors for words from the company they keep in the training texts, before any label is seen."""

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from rnn_apps.data.tokenizer import FIRST_WITHOUT_MARKERS

_WORDS_AT_ONCE = 1_000_000


def cooccurrence_vectors(numbers, lengths, vocabulary_size, width, window=8, seed=0):
    """Return a vector for every word number, near for words that stand near the same words.

    The square root of the singular values times the left singular vectors of the positive pointwise mutual
    information of word and neighbour, as in Levy, Goldberg and Dagan, "Improving Distributional Similarity
    with Lessons Learned from Word Embeddings" (2015), which does what word2vec does in seconds.

    Args:
        numbers: int (words,), all texts one after another, as `TextEncoder.encode_all` gives them.
        lengths: int (texts,), words of each text; words of different texts are no neighbours.
        vocabulary_size: V, with the two reserved numbers.
        width: of a vector.
        window: how many words to either side are neighbours.
        seed: of the randomized decomposition.

    Returns:
        float32 (V, width), every row of length sqrt(width), so that a feature has unit variance; zeros for
        the reserved numbers and for words without a neighbour.
    """
    information = _positive_information(_pair_counts(numbers, lengths, vocabulary_size, window))
    vectors = np.zeros((vocabulary_size, width), np.float32)
    rank = min(width, vocabulary_size)
    if information.nnz:
        decomposition = TruncatedSVD(rank, n_iter=4, random_state=seed)
        scaled = decomposition.fit_transform(information)
        vectors[:, :rank] = scaled / np.sqrt(np.maximum(decomposition.singular_values_, 1e-12))
    return _of_equal_length(vectors, np.asarray(information.getnnz(axis=1)) > 0)


def _pair_counts(numbers, lengths, vocabulary_size, window):
    """How often each word stands within `window` words of each other one: symmetric (V, V)."""
    text = np.repeat(np.arange(len(lengths)), lengths)
    counts = sparse.csr_matrix((vocabulary_size, vocabulary_size), dtype=np.float32)
    for start in range(0, len(numbers), _WORDS_AT_ONCE):
        left = np.arange(start, min(start + _WORDS_AT_ONCE, len(numbers)))
        for distance in range(1, window + 1):
            first = left[left + distance < len(numbers)]
            second = first + distance
            pair = text[first] == text[second]
            pair &= (numbers[first] >= FIRST_WITHOUT_MARKERS) & (numbers[second] >= FIRST_WITHOUT_MARKERS)
            rows, columns = numbers[first[pair]], numbers[second[pair]]
            ones = np.ones(len(rows), np.float32)
            counts += sparse.coo_matrix((ones, (rows, columns)), counts.shape).tocsr()
    return counts + counts.T


def _positive_information(counts):
    """log p(word, neighbour) / (p(word) p(neighbour)) where that is above zero: sparse float32 (V, V)."""
    counts = counts.tocoo()
    total = np.asarray(counts.sum(axis=1), np.float64).ravel()
    information = np.log(counts.data * total.sum() / (total[counts.row] * total[counts.col]))
    above = information > 0
    places = (counts.row[above], counts.col[above])
    return sparse.csr_matrix((information[above].astype(np.float32), places), counts.shape)


def _of_equal_length(vectors, known):
    """Centre the known words' vectors and give each the length sqrt(width); the others stay zeros."""
    if not known.any():
        return vectors
    centred = np.where(known[:, None], vectors - vectors[known].mean(axis=0), 0)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return (centred / np.maximum(length, 1e-9) * np.sqrt(vectors.shape[1])).astype(np.float32)
