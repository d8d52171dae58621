"""Synthetic film reviews: deterministic, balanced, and hard for a bag of words."""

import re
import subprocess
import sys

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from rnn_apps.data.synthetic.reviews import CLASS_NAMES, Review, reviews

# Written by hand; each holds as a whole review and as a sentence of a longer one.
READ_BY_A_PERSON = {
    "This time the film is superb.": 1,
    "This time the film is a mess.": 0,
    "In the end, I was bored.": 0,
    "To be honest, I was not bored.": 1,
    "All in all, the film is hardly a masterpiece.": 0,
    "To be honest, the film is far from a disaster.": 1,
    "What starts as a triumph ends as a mess.": 0,
    "What starts as a mess ends as a triumph.": 1,
    "I expected a masterpiece and got a disaster.": 0,
    "I got a masterpiece where I expected a disaster.": 1,
    "It ends as a bore after it starts as a delight.": 0,
    "One critic found it dull, and I agree.": 0,
    "One critic found it dull, but I disagree.": 1,
    "My old teacher found it a joy, but that is wrong.": 0,
    "My old teacher found it a joy, and that is right.": 1,
    "My friend found it a bore; I was charmed.": 1,
    "I was bored; my friend found it a joy.": 0,
    "The last scene is a mess, although I was charmed at first.": 0,
    "I was bored at first, but the film is a joy.": 1,
}


@pytest.fixture(scope="module")
def sample():
    return list(reviews(6000, seed=1))


def test_same_seed_gives_the_same_reviews_in_another_process_and_hash_seed(sample):
    script = "from rnn_apps.data.synthetic.reviews import reviews; print(list(reviews(20, seed=1)))"
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == repr(sample[:20])


def test_another_seed_gives_other_reviews(sample):
    assert list(reviews(100, seed=2)) != sample[:100]


def test_first_reviews_do_not_depend_on_how_many_are_asked_for(sample):
    assert list(reviews(7, seed=1)) == sample[:7]


def test_reviews_are_distinct(sample):
    assert len({review.text for review in sample}) == len(sample) == 6000


@pytest.mark.parametrize("size", [0, 1, 2, 501])
def test_classes_are_balanced_to_one_review(size):
    labels = [review.label for review in reviews(size, seed=4)]
    assert len(labels) == size
    assert abs(2 * sum(labels) - size) <= 1


def test_lengths_vary_from_five_to_sixty_words(sample):
    lengths = [len(review.text.split()) for review in sample]
    assert min(lengths) == 5
    assert 45 <= max(lengths) <= 60
    assert len(set(lengths)) >= 35


def test_vocabulary_is_moderate(sample):
    words = {word for review in sample for word in re.findall(r"[a-z]+", review.text.lower())}
    assert 100 <= len(words) <= 300


def test_labels_are_those_that_a_person_gives():
    """Every review that contains a sentence of the hand-written table has the table's label."""
    seen = {}
    for review in reviews(40_000, seed=3):
        for sentence in re.findall(r"[^.]+\.", review.text):
            if sentence.strip() in READ_BY_A_PERSON:
                seen.setdefault(sentence.strip(), set()).add(review.label)
    assert len(seen) >= 15
    assert seen == {sentence: {READ_BY_A_PERSON[sentence]} for sentence in seen}
    assert CLASS_NAMES == ("negative", "positive")


def test_words_of_praise_occur_in_both_classes(sample):
    for word in ("masterpiece", "mess", "superb", "dull", "charmed", "bored"):
        positive = [review.label for review in sample if re.search(rf"\b{word}\b", review.text)]
        assert 0.25 < sum(positive) / len(positive) < 0.75, word


def test_a_bag_of_words_stays_far_below_a_reader_of_order(sample):
    """Most judgements have an opposite in the same review, or a negator, which only order tells apart.

    0.61 was measured with single words and 0.93 with up to three in a row: order carries the label.
    """
    assert _linear_accuracy(sample, ngram_range=(1, 1)) < 0.70
    assert _linear_accuracy(sample, ngram_range=(1, 3)) > 0.85


def _linear_accuracy(sample: list[Review], ngram_range: tuple[int, int]) -> float:
    texts, labels = zip(*sample)
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=ngram_range)
    model = LogisticRegression(max_iter=1000).fit(vectorizer.fit_transform(texts[:5000]), labels[:5000])
    return model.score(vectorizer.transform(texts[5000:]), labels[5000:])
