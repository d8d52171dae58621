"""What the words say without their order: unigram TF-IDF and logistic regression, by scikit-learn."""

import re
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from rnn_apps.baselines.majority import majority_probabilities

MOST_FEATURES = 50_000
MOST_WEIGHTS = 2_000_000  # features x classes; the solver keeps some 20 arrays of this size
LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def bag_of_words_probabilities(
    train_texts: Sequence[str], train_labels: Sequence[int], test_texts: Sequence[str], num_classes: int
) -> np.ndarray:
    """Returns class probabilities for `test_texts` from a linear model of word counts, order ignored.

    Each word weighs (1 + log count) * idf, rows have length 1, no stop words are dropped. Where there is
    nothing to learn from (no words at all, or one class only) the answer is that of `majority_probabilities`.

    Args:
        train_texts: texts; HTML line breaks count as spaces.
        train_labels: class indices, one a text.
        test_texts: texts to answer for; one without a known word gets the model's prior.
        num_classes: number of classes; one that training never shows has probability 0.

    Returns:
        Array (test_examples, num_classes) whose rows sum to 1.
    """
    vectorizer = TfidfVectorizer(
        preprocessor=_plain,
        token_pattern=r"\w+",
        sublinear_tf=True,
        max_features=min(MOST_FEATURES, max(1, MOST_WEIGHTS // num_classes)),
        dtype=np.float32,
    )
    readable = any(re.search(r"\w", _plain(text)) for text in train_texts)
    if not readable or len(set(train_labels)) < 2 or not len(test_texts):
        return majority_probabilities(train_labels, len(test_texts), num_classes)
    model = LogisticRegression(max_iter=1000).fit(vectorizer.fit_transform(train_texts), train_labels)
    probabilities = np.zeros((len(test_texts), num_classes))
    probabilities[:, model.classes_] = model.predict_proba(vectorizer.transform(test_texts))
    return probabilities


def _plain(text: str) -> str:
    return LINE_BREAK.sub(" ", text).lower()
