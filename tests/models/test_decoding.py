"""Decoding against exhaustive search, against hand-written models of three words, and in an export."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.models.decoding import beam_search, sample

END, A, B, C = 0, 1, 2, 3
START = 3


def table_step(table):
    """A step whose distribution depends on the last two tokens, and on the row's own table in the context.

    The states count the steps and remember the token before the last, so that wrongly reordered states show.
    """
    table = tf.constant(table, tf.float32)

    def step(tokens, states, context):
        before, count = states
        logits = tf.gather_nd(table, tf.stack([context, before, tokens], axis=1))
        return logits, (tokens, count + 1)

    return step


def tables(inputs=2, size=4, seed=0, spread=1.5):
    return np.random.default_rng(seed).normal(size=(inputs, size, size, size)).astype("float32") * spread


def start_of(inputs):
    rows = tf.range(inputs)
    start = tf.fill([inputs], START)
    return start, (start, tf.zeros_like(start)), rows


def log_softmax(x):
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def every_sequence(table, max_length, alpha):
    """(score, tokens) of all sequences that end or are cut at `max_length`, best first."""
    size, found = table.shape[-1], []
    likelihood = log_softmax(table.astype("float64"))
    for length in range(1, max_length + 1):
        for tokens in itertools.product(range(size), repeat=length):
            if END in tokens[:-1] or (tokens[-1] != END and length < max_length):
                continue
            path = (START, START, *tokens)
            total = sum(likelihood[a, b, c] for a, b, c in zip(path, path[1:], path[2:]))
            words = tokens[:-1] if tokens[-1] == END else tokens
            found.append((total / ((5 + length) / 6) ** alpha, words))
    return sorted(found, key=lambda pair: -pair[0])


def words(decoded, row, rank):
    return tuple(decoded.tokens[row, rank, : decoded.lengths[row, rank]].numpy())


@pytest.mark.parametrize("alpha", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_what_exhaustive_search_finds(alpha, seed):
    table, nbest = tables(seed=seed), 6
    start, states, context = start_of(2)
    options = {"end": END, "max_length": 4, "beam": 64, "nbest": nbest, "length_penalty": alpha}
    decoded = beam_search(table_step(table), start, states, context, **options)
    for row in range(2):
        expected = every_sequence(table[row], 4, alpha)[:nbest]
        assert [words(decoded, row, rank) for rank in range(nbest)] == [tokens for _, tokens in expected]
        np.testing.assert_allclose(decoded.scores[row], [score for score, _ in expected], rtol=1e-4)


def test_ending_early_loses_nothing_to_a_search_that_goes_on():
    """With the longest penalty later sequences overtake: the bound must let them."""
    table = tables(inputs=30, seed=9, spread=2.0)
    start, states, context = start_of(30)
    options = {"end": END, "max_length": 4, "beam": 64, "length_penalty": 3.0}
    decoded = beam_search(table_step(table), start, states, context, **options)
    lengths = set()
    for row in range(30):
        score, tokens = every_sequence(table[row], 4, 3.0)[0]
        assert words(decoded, row, 0) == tokens
        lengths.add(len(tokens))
    assert len(lengths) > 2


def garden_path():
    """A begins likeliest, but B leads to the likelier sentence: 0.4 x 0.9 beside 0.6 x 0.34 and less."""
    probability = np.full((1, 4, 4, 4), 1e-9)
    probability[0, :, START] = [1e-9, 0.6, 0.4, 1e-9]
    probability[0, :, A] = [1e-9, 0.33, 0.33, 0.34]
    probability[0, :, B] = [0.9, 0.05, 0.05, 1e-9]
    return np.log(probability)


def test_greedy_takes_the_garden_path_and_a_beam_of_two_does_not():
    start, states, context = start_of(1)
    step = table_step(garden_path())
    greedy = sample(step, start, states, context, end=END, max_length=1, temperature=0)
    assert words(greedy, 0, 0) == (A,)
    decoded = beam_search(step, start, states, context, end=END, max_length=5, beam=2, nbest=2)
    assert words(decoded, 0, 0) == (B,)
    np.testing.assert_allclose(decoded.scores[0, 0], np.log(0.4 * 0.9), rtol=1e-5)


def test_a_beam_of_one_is_greedy():
    table = tables(inputs=20, seed=3)
    start, states, context = start_of(20)
    step, options = table_step(table), {"end": END, "max_length": 6}
    greedy = sample(step, start, states, context, temperature=0, **options)
    beam = beam_search(step, start, states, context, beam=1, **options)
    assert [words(greedy, row, 0) for row in range(20)] == [words(beam, row, 0) for row in range(20)]
    np.testing.assert_allclose(greedy.scores, beam.scores, rtol=1e-4)


def test_rows_that_ended_are_padded_and_score_no_more():
    probability = np.full((2, 4, 4, 4), 1e-9)
    probability[0, :, :] = [1.0, 1e-9, 1e-9, 1e-9]
    probability[1, :, :] = [1e-9, 1e-9, 1.0, 1e-9]
    start, states, context = start_of(2)
    options = {"end": END, "max_length": 3, "padding": C, "temperature": 0}
    decoded = sample(table_step(np.log(probability)), start, states, context, **options)
    assert decoded.tokens[:, 0].numpy().tolist() == [[C, C, C], [B, B, B]]
    assert decoded.lengths[:, 0].numpy().tolist() == [0, 3]
    np.testing.assert_allclose(decoded.scores[:, 0], [0, 0], atol=1e-6)


@pytest.mark.parametrize("search", ["sample", "beam"])
def test_the_loop_ends_as_soon_as_all_rows_have_ended(search):
    calls = []

    def step(tokens, states, context):
        calls.append(1)
        return tf.math.log(tf.ones_like(tokens, tf.float32)[:, None] * [1.0, 1e-30, 1e-30, 1e-30]), states

    start, options = tf.fill([2], START), {"end": END, "max_length": 50}
    if search == "beam":
        beam_search(step, start, (), beam=2, **options)
    else:
        sample(step, start, (), **options)
    assert len(calls) == 1


def frequencies(logits, **options):
    """How often each token is drawn in 20,000 rows of one step."""
    step = lambda tokens, states, context: (tf.tile(tf.constant([logits]), [20_000, 1]), states)  # noqa: E731
    decoded = sample(step, tf.zeros([20_000], tf.int32), (), end=-1, max_length=1, **options)
    return np.bincount(decoded.tokens.numpy().ravel(), minlength=len(logits)) / 20_000


LIKELIHOOD = np.array([0.5, 0.1, 0.25, 0.15], "float32")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, LIKELIHOOD),
        ({"temperature": 0.5}, LIKELIHOOD**2 / (LIKELIHOOD**2).sum()),
        ({"temperature": 0}, [1, 0, 0, 0]),
        ({"top_k": 2}, [2 / 3, 0, 1 / 3, 0]),
        ({"top_k": 9}, LIKELIHOOD),
        ({"top_p": 0.7}, [2 / 3, 0, 1 / 3, 0]),  # 0.5 is not enough, 0.5 + 0.25 is
        ({"top_p": 0.0}, [1, 0, 0, 0]),
        ({"top_k": 3, "top_p": 0.8}, [0.5 / 0.9, 0, 0.25 / 0.9, 0.15 / 0.9]),  # of 0.9: 0.56, 0.83
        ({"suppressed": (0, 3)}, [0, 0.1 / 0.35, 0.25 / 0.35, 0]),
    ],
)
def test_tokens_come_as_often_as_their_probability_says(options, expected):
    np.testing.assert_allclose(frequencies(np.log(LIKELIHOOD), **options), expected, atol=0.015)


def test_the_seed_decides_and_the_steps_differ():
    step = lambda tokens, states, context: (tf.zeros([3, 9]), states)  # noqa: E731
    draw = lambda seed: sample(step, tf.zeros([3], tf.int32), (), end=-1, max_length=40, seed=seed)  # noqa: E731
    first, again, other = draw(1).tokens.numpy(), draw(1).tokens.numpy(), draw(2).tokens.numpy()
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5
    assert len(set(first[0, 0])) > 4
    assert (first[0] != first[1]).any()


def test_forbidden_tokens_are_never_in_a_beam():
    start, states, context = start_of(2)
    decoded = beam_search(
        table_step(tables()),
        start,
        states,
        context,
        end=END,
        max_length=4,
        beam=4,
        nbest=4,
        suppressed=(A, C),
    )
    assert set(decoded.tokens.numpy().ravel()) <= {END, B}


def test_fewer_sequences_than_asked_for_score_minus_infinity():
    start, states, context = start_of(1)
    decoded = beam_search(
        table_step(tables(1)),
        start,
        states,
        context,
        end=END,
        max_length=1,
        beam=4,
        nbest=4,
        suppressed=(A, B),
    )
    assert np.isfinite(decoded.scores[0, :2]).all()
    assert np.isneginf(decoded.scores[0, 2:]).all()


@pytest.mark.parametrize(("inputs", "max_length"), [(0, 3), (2, 0), (0, 0)])
def test_no_rows_and_no_tokens_give_empty_answers_in_a_graph_too(inputs, max_length):
    step, options = table_step(tables()), {"end": END, "max_length": max_length}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def write(rows):
        start = tf.fill(tf.shape(rows), START)
        given = (step, start, (start, tf.zeros_like(start)), rows)
        return beam_search(*given, beam=2, **options).tokens, sample(*given, **options).tokens

    for tokens in write(tf.range(inputs)):
        assert tokens.shape == (inputs, 1, 0)


def test_the_tokens_are_as_long_as_the_longest():
    probability = np.full((1, 4, 4, 4), 1e-9)
    probability[0, :, START], probability[0, :, A] = [0, 1, 0, 0], [1, 0, 0, 0]
    start, states, context = start_of(1)
    given = (table_step(np.log(probability + 1e-9)), start, states, context)
    assert sample(*given, end=END, max_length=9).tokens.shape == (1, 1, 1)
    assert beam_search(*given, end=END, max_length=9, beam=2).tokens.shape == (1, 1, 1)


def test_a_negative_length_penalty_is_refused():
    with pytest.raises(ValueError, match="length_penalty: received -1, expected at least 0"):
        beam_search(None, tf.zeros([1], tf.int32), (), end=END, max_length=3, length_penalty=-1)


def test_one_export_serves_any_batch_beam_and_temperature(tmp_path):
    table = tables(inputs=5, seed=4)
    step = table_step(table)

    class Writer(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.int32),
                tf.TensorSpec([], tf.int32),
                tf.TensorSpec([], tf.int32),
                tf.TensorSpec([], tf.float32),
            ]
        )
        def write(self, inputs, beam, nbest, temperature):
            start = tf.fill(tf.shape(inputs), START)
            states = (start, tf.zeros_like(start))
            options = {"end": END, "max_length": 4}
            found = beam_search(step, start, states, inputs, beam=beam, nbest=nbest, **options)
            drawn = sample(step, start, states, inputs, temperature=temperature, seed=3, **options)
            return {"beam": found.tokens, "scores": found.scores, "drawn": drawn.tokens}

    writer = Writer()
    tf.saved_model.save(writer, str(tmp_path / "writer"), signatures={"serving_default": writer.write})
    loaded = tf.saved_model.load(str(tmp_path / "writer"))
    for inputs, beam, nbest in (([0], 1, 1), ([3, 1, 4], 5, 2), ([0, 1, 2, 3, 4], 64, 3)):
        answer = loaded.write(tf.constant(inputs), beam, nbest, 0.7)
        start = tf.fill([len(inputs)], START)
        states = (start, tf.zeros_like(start))
        expected = beam_search(
            step, start, states, tf.constant(inputs), end=END, max_length=4, beam=beam, nbest=nbest
        )
        np.testing.assert_array_equal(answer["beam"], expected.tokens)
        np.testing.assert_allclose(answer["scores"], expected.scores, rtol=1e-5)
        assert answer["drawn"].shape[0] == len(inputs)
