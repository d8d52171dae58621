"""The n-gram model: by hand, against a slow one of dictionaries, and normalized over all tokens."""

import time
from collections import Counter, defaultdict

import numpy as np
import pytest

from rnn_apps.baselines import ngrams
from rnn_apps.baselines.ngrams import NGramModel

TRAIN = [0, 1, 0, 1, 0, 2]


def probabilities(model, context):
    """Of every token after a context."""
    rows = [[*context, token] for token in range(model.vocabulary_size)]
    return np.exp([model.log_probabilities(row)[-1] for row in rows])


def test_unigrams_count_with_add_one():
    model = NGramModel(1, vocabulary_size=4).fit(TRAIN)
    np.testing.assert_allclose(probabilities(model, []), np.array([3 + 1, 2 + 1, 1 + 1, 0 + 1]) / (6 + 4))
    np.testing.assert_allclose(probabilities(model, [2, 1]), [0.4, 0.3, 0.2, 0.1])


def test_bigrams_by_hand():
    """The bigrams are 01 twice, 10 twice, 02 once; discounts are 0.5 off one and 1 off two (too few counts).

    Of the four pairs of a token and one before it, the start of the text among them, 0 has two and 1 and 2
    one each: (2 - 1) / 4, (1 - 0.5) / 4 twice, and the 0.5 that are left, shared by four tokens.
    """
    model = NGramModel(2, vocabulary_size=4).fit(TRAIN)
    alone = np.array([0.25, 0.125, 0.125, 0]) + 0.125
    np.testing.assert_allclose(probabilities(model, []), alone)
    after_0 = np.array([0, (2 - 1) / 3, (1 - 0.5) / 3, 0]) + (1 + 0.5) / 3 * alone
    np.testing.assert_allclose(probabilities(model, [0]), after_0)
    np.testing.assert_allclose(probabilities(model, [1]), np.array([(2 - 1) / 2, 0, 0, 0]) + 1 / 2 * alone)
    np.testing.assert_allclose(probabilities(model, [2]), alone)  # the last: nothing is known of what follows
    np.testing.assert_allclose(probabilities(model, [3]), alone)  # never seen


def test_discounts_by_hand_and_the_usual_ones_where_they_cannot_be_estimated():
    counts = np.array([1] * 8 + [2] * 3 + [3] * 2 + [4] + [9] * 5)
    scale = 8 / (8 + 2 * 3)
    expected = [1 - 2 * scale * 3 / 8, 2 - 3 * scale * 2 / 3, 3 - 4 * scale * 1 / 2]
    np.testing.assert_allclose(ngrams._discounts(counts), expected)
    assert ngrams._discounts(counts[counts != 3]).tolist() == [0.5, 1.0, 1.5]
    assert ngrams._discounts(np.array([1, 2] + [3] * 9 + [4])).tolist() == [0.5, 1.0, 1.5]  # 2 - 9 is below 0
    assert ngrams._discounts(np.array([], int)).tolist() == [0.5, 1.0, 1.5]


class Slow:
    """The same smoothing as Chen and Goodman write it, with dictionaries."""

    def __init__(self, order, vocabulary_size, tokens):
        self.size, self.counts, before = vocabulary_size, [None] * (order + 1), [None, *tokens]
        for n in range(1, order + 1):
            grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
            if n < order:
                pairs = {(before[i], gram) for i, gram in enumerate(grams)}
                grams = [gram for _, gram in pairs]
            self.counts[n] = Counter(grams)
        self.discounts = [None, *(self.estimate(counts) for counts in self.counts[1:])]
        self.following = defaultdict(dict)
        for counts in self.counts[1:]:
            for gram, count in counts.items():
                self.following[gram[:-1], len(gram)][gram[-1]] = count

    @staticmethod
    def estimate(counts):
        n1, n2, n3, n4 = (sum(count == k for count in counts.values()) for k in (1, 2, 3, 4))
        if n1 and n2 and n3 and n4:
            y = n1 / (n1 + 2 * n2)
            found = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
            if all(0 < d <= k for k, d in enumerate(found, 1)):
                return [0, *found]
        return [0, 0.5, 1.0, 1.5]

    def probability(self, context, token):
        lower = self.probability(context[1:], token) if context else 1 / self.size
        following = self.following.get((context, len(context) + 1))
        if not following:
            return lower
        total, discounts = sum(following.values()), self.discounts[len(context) + 1]
        taken = sum(discounts[min(count, 3)] for count in following.values())
        count = following.get(token, 0)
        return (count - discounts[min(count, 3)] + taken * lower) / total


@pytest.fixture(scope="module")
def texts():
    """Text in which the two tokens before decide, but not the last alone; 10 and 11 are never in train."""
    rng = np.random.default_rng(0)
    tokens = [0, 1]
    for _ in range(2500):
        tokens.append(int((3 * tokens[-1] + tokens[-2] + rng.geometric(0.5)) % 10))
    return tokens[:2000], [*tokens[2000:], 10, 3, 11, 11, *tokens[:20]]


@pytest.mark.parametrize("order", [2, 3, 4, 6])
def test_it_equals_a_slow_model_of_dictionaries(texts, order):
    train, test = texts
    slow = Slow(order, 12, train)
    expected = [slow.probability(tuple(test[max(0, i + 1 - order) : i]), t) for i, t in enumerate(test)]
    model = NGramModel(order, 12).fit(train)
    np.testing.assert_allclose(np.exp(model.log_probabilities(test)), expected, rtol=1e-10)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "context",
    [[], [4], [0, 1, 3], [10], [3, 10, 2, 5], [11, 11, 11, 11, 11], "seen", "last"],
    ids=str,
)
def test_probabilities_of_all_tokens_sum_to_one_after_any_context(texts, order, context):
    train = texts[0]
    if isinstance(context, str):
        context = train[700:708] if context == "seen" else train[-8:]
    answer = probabilities(NGramModel(order, 12).fit(train), context)
    assert answer.min() > 0
    assert answer.sum() == pytest.approx(1, abs=1e-12)


def test_a_longer_context_helps_where_two_tokens_decide(texts):
    train, test = texts[0], texts[1][:500]
    losses = [-NGramModel(n, 12).fit(train).log_probabilities(test).mean() for n in (1, 2, 3)]
    assert losses[:2] == pytest.approx([np.log(10)] * 2, abs=0.05)
    chances = np.array([sum(0.5**k for k in range(first, 200, 10)) for first in range(1, 11)])
    entropy = -np.sum(chances * np.log(chances))  # of the geometric number, by 10
    assert entropy - 0.1 < losses[2] < entropy + 0.25


@pytest.mark.parametrize("count", [0, 1, 2])
def test_texts_shorter_than_the_order_are_learned_and_scored(count):
    model = NGramModel(4, 3).fit([1, 2][:count])
    answer = probabilities(model, [0, 1])
    assert answer.sum() == pytest.approx(1)
    assert answer.argmax() == (0, 1, 2)[count]
    assert model.log_probabilities([]).shape == (0,)
    assert model.log_probabilities([1]).shape == (1,)


def test_nothing_learned_is_uniform():
    np.testing.assert_allclose(NGramModel(3, 4).log_probabilities([0, 1, 2, 3]), np.log([0.25] * 4))


def test_learning_anew_forgets():
    model = NGramModel(2, 4).fit([3, 3, 3, 3]).fit(TRAIN)
    np.testing.assert_array_equal(
        model.log_probabilities(TRAIN), NGramModel(2, 4).fit(TRAIN).log_probabilities(TRAIN)
    )


def test_large_vocabularies_do_not_overflow_and_100_000_tokens_take_no_time():
    rng = np.random.default_rng(0)
    tokens = np.minimum(rng.zipf(1.3, 100_000), 2**31) - 1
    start = time.process_time()
    model = NGramModel(5, 2**31).fit(tokens[:90_000])
    assert np.isfinite(model.log_probabilities(tokens[90_000:])).all()
    assert time.process_time() - start < 5


@pytest.mark.parametrize(("tokens", "received"), [([0, 4], "0 to 4"), ([-1, 2], "-1 to 2")])
def test_tokens_beyond_the_vocabulary_are_refused(tokens, received):
    model = NGramModel(2, 4).fit(TRAIN)
    for method in (model.fit, model.log_probabilities):
        with pytest.raises(ValueError, match=f"tokens: received {received}, expected 0 to 3"):
            method(tokens)


def test_an_order_below_one_is_refused():
    with pytest.raises(ValueError, match="order: received 0, expected at least 1"):
        NGramModel(0, 4)
