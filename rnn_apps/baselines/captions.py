"""Baselines for captions: the most frequent caption, and a caption of the nearest training input."""

from collections import Counter

import numpy as np

_BATCH_SIZE = 512


def most_frequent_caption(captions):
    """Return the most frequent sentence of train; ties are broken by length, then in alphabetical order.

    Args:
        captions: List of lists of sentences, one list per input of train.
    """
    counts = Counter(caption for of_input in captions for caption in of_input)
    return min(counts, key=lambda caption: (-counts[caption], len(caption), caption))


def nearest_captions(features, train_features, train_captions):
    """Return for each input a caption of the training input that is nearest by cosine similarity.

    Of the captions of that input, the one that shares most words with the others is used.

    Args:
        features: float (inputs, width).
        train_features: float (train inputs, width).
        train_captions: List of lists of sentences, one list per input of train.

    Returns:
        List of sentences.

    Reference:
        Devlin et al., "Exploring Nearest Neighbor Approaches for Image Captioning" (2015).
    """
    train, consensus = _normalize(train_features), {}
    captions = []
    for start in range(0, len(features), _BATCH_SIZE):
        similarity = _normalize(features[start : start + _BATCH_SIZE]) @ train.T
        for nearest in similarity.argmax(axis=1):
            if nearest not in consensus:
                consensus[nearest] = _consensus(train_captions[nearest])
            captions.append(consensus[nearest])
    return captions


def _normalize(vectors):
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _consensus(captions):
    """The caption whose words overlap most with those of the others (F1 score of the two sets)."""
    words = [set(caption.split()) for caption in captions]

    def agreement(index):
        others = (words[i] for i in range(len(words)) if i != index)
        return sum(2 * len(words[index] & o) / max(1, len(words[index]) + len(o)) for o in others)

    return captions[max(range(len(captions)), key=agreement)]
