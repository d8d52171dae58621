"""Baseline: logistic regression on unigram TF-IDF features, which ignores word order."""

import re
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from rnn_apps.baselines.majority import majority_probabilities

MAX_FEATURES = 50_000
MAX_WEIGHTS = 2_000_000  # features x classes; the solver keeps about 20 arrays of this size
LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def bag_of_words_probabilities(
    train_texts: Sequence[str], train_labels: Sequence[int], test_texts: Sequence[str], num_classes: int
) -> np.ndarray:
    """Return class probabilities for `test_texts` from a linear model of word counts.

    The weight of a word is (1 + log count) * idf, rows have length 1, stop words are kept. If there is
    nothing to learn from (no words, or only one class), the result is that of `majority_probabilities`.

    Args:
        train_texts: Texts; HTML line breaks count as spaces.
        train_labels: Class indices, one per text.
        test_texts: Texts to classify; one without a known word gets the model's prior.
        num_classes: Number of classes; one that is not in train has probability 0.

    Returns:
        Array (test_examples, num_classes) whose rows sum to 1.
    """
    vectorizer = TfidfVectorizer(
        preprocessor=_preprocess,
        token_pattern=r"\w+",
        sublinear_tf=True,
        max_features=min(MAX_FEATURES, max(1, MAX_WEIGHTS // num_classes)),
        dtype=np.float32,
    )
    has_words = any(re.search(r"\w", _preprocess(text)) for text in train_texts)
    if not has_words or len(set(train_labels)) < 2 or not len(test_texts):
        return majority_probabilities(train_labels, len(test_texts), num_classes)
    model = LogisticRegression(max_iter=1000).fit(vectorizer.fit_transform(train_texts), train_labels)
    probabilities = np.zeros((len(test_texts), num_classes))
    probabilities[:, model.classes_] = model.predict_proba(vectorizer.transform(test_texts))
    return probabilities


def _preprocess(text: str) -> str:
    return LINE_BREAK.sub(" ", text).lower()
