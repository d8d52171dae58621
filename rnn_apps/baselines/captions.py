"""What a caption's score is measured against: the most frequent caption, and that of the nearest input."""

from collections import Counter

import numpy as np

_ROWS_AT_ONCE = 512


def most_frequent_caption(captions):
    """Return the sentence that train has most often, of equals the shorter, then the first of the alphabet.

    Args:
        captions: list of lists of sentences, one list an input of train.
    """
    counts = Counter(caption for several in captions for caption in several)
    return min(counts, key=lambda caption: (-counts[caption], len(caption), caption))


def nearest_captions(features, train_features, train_captions):
    """Return for each input a caption of the input of train that is nearest by cosine.

    Of the several captions of that input it is the one that shares most words with the others, which is what
    people agree on.

    Args:
        features: float (inputs, width).
        train_features: float (train inputs, width).
        train_captions: list of lists of sentences, one list an input of train.

    Returns:
        List of sentences.

    Reference:
        Devlin et al., "Exploring Nearest Neighbor Approaches for Image Captioning" (2015).
    """
    known, consensus = _unit(train_features), {}
    answers = []
    for start in range(0, len(features), _ROWS_AT_ONCE):
        similarity = _unit(features[start : start + _ROWS_AT_ONCE]) @ known.T
        for nearest in similarity.argmax(axis=1):
            if nearest not in consensus:
                consensus[nearest] = _agreed(train_captions[nearest])
            answers.append(consensus[nearest])
    return answers


def _unit(vectors):
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _agreed(captions):
    """The caption whose words overlap most with those of the others (F1 of the two sets)."""
    words = [set(caption.split()) for caption in captions]

    def agreement(index):
        others = (words[i] for i in range(len(words)) if i != index)
        return sum(2 * len(words[index] & o) / max(1, len(words[index]) + len(o)) for o in others)

    return captions[max(range(len(captions)), key=agreement)]
