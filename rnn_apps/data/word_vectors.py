"""Word vectors from co-occurrence counts in the training texts, without labels."""

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from rnn_apps.data.tokenizer import FIRST_WITHOUT_MARKERS

_CHUNK_SIZE = 1_000_000


def cooccurrence_vectors(ids, lengths, vocabulary_size, width, window=8, seed=0):
    """Return a vector for every word id, similar for words with similar neighbours.

    The vectors are the left singular vectors of the positive pointwise mutual information of word and
    neighbour, times the square roots of the singular values, as in Levy, Goldberg and Dagan, "Improving
    Distributional Similarity with Lessons Learned from Word Embeddings" (2015). They are comparable to
    word2vec, but take seconds.

    Args:
        ids: int (words,), all texts concatenated, as from `TextEncoder.encode_all`.
        lengths: int (texts,), number of words of each text; neighbours are within one text.
        vocabulary_size: V, including the two reserved ids.
        width: Length of a vector.
        window: Number of words on either side that are neighbours.
        seed: Random seed of the decomposition.

    Returns:
        float32 (V, width), every row of length sqrt(width), so that a feature has unit variance; zeros for
        the reserved ids and for words without a neighbour.
    """
    information = _positive_information(_pair_counts(ids, lengths, vocabulary_size, window))
    vectors = np.zeros((vocabulary_size, width), np.float32)
    rank = min(width, vocabulary_size)
    if information.nnz:
        decomposition = TruncatedSVD(rank, n_iter=4, random_state=seed)
        scaled = decomposition.fit_transform(information)
        vectors[:, :rank] = scaled / np.sqrt(np.maximum(decomposition.singular_values_, 1e-12))
    return _normalize(vectors, np.asarray(information.getnnz(axis=1)) > 0)


def _pair_counts(ids, lengths, vocabulary_size, window):
    """Counts of pairs of words within `window` words of each other: symmetric (V, V)."""
    text = np.repeat(np.arange(len(lengths)), lengths)
    counts = sparse.csr_matrix((vocabulary_size, vocabulary_size), dtype=np.float32)
    for start in range(0, len(ids), _CHUNK_SIZE):
        left = np.arange(start, min(start + _CHUNK_SIZE, len(ids)))
        for distance in range(1, window + 1):
            first = left[left + distance < len(ids)]
            second = first + distance
            pair = text[first] == text[second]
            pair &= (ids[first] >= FIRST_WITHOUT_MARKERS) & (ids[second] >= FIRST_WITHOUT_MARKERS)
            rows, columns = ids[first[pair]], ids[second[pair]]
            ones = np.ones(len(rows), np.float32)
            counts += sparse.coo_matrix((ones, (rows, columns)), counts.shape).tocsr()
    return counts + counts.T


def _positive_information(counts):
    """The positive values of log p(word, neighbour) / (p(word) p(neighbour)): sparse float32 (V, V)."""
    counts = counts.tocoo()
    total = np.asarray(counts.sum(axis=1), np.float64).ravel()
    information = np.log(counts.data * total.sum() / (total[counts.row] * total[counts.col]))
    is_positive = information > 0
    indices = (counts.row[is_positive], counts.col[is_positive])
    return sparse.csr_matrix((information[is_positive].astype(np.float32), indices), counts.shape)


def _normalize(vectors, known):
    """Centre the vectors of known words and scale them to length sqrt(width); the others stay zero."""
    if not known.any():
        return vectors
    centred = np.where(known[:, None], vectors - vectors[known].mean(axis=0), 0)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return (centred / np.maximum(length, 1e-9) * np.sqrt(vectors.shape[1])).astype(np.float32)
