"""Batches by length: every example once, in an order that depends on (seed, epoch), with little padding."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.data.batches import SequenceBatches, TargetTextBatches, bucket_boundaries

COUNT = 1000
BATCH = 16


@pytest.fixture(scope="module")
def sequences():
    """Sequence i holds i + 1 in its every step and has the label i; lengths are as long-tailed as reviews."""
    rng = np.random.default_rng(0)
    lengths = np.minimum(400, rng.lognormal(4.5, 0.8, COUNT).astype(np.int64))
    lengths[:3] = 0
    return np.repeat(np.arange(1, COUNT + 1, dtype=np.int32), lengths), lengths


def batches_of(sequences, seed=1, **options):
    return SequenceBatches(*sequences, np.arange(COUNT), BATCH, seed, **options)


def labels(dataset):
    return [batch_labels.numpy().tolist() for _, batch_labels in dataset]


def test_every_example_comes_exactly_once_with_its_own_numbers(sequences):
    batches, lengths, seen = batches_of(sequences), sequences[1], []
    for numbers, batch_labels in batches.epoch(3):
        numbers, seen = numbers.numpy(), [*seen, *batch_labels.numpy()]
        for row, label in zip(numbers, batch_labels.numpy()):
            np.testing.assert_array_equal(row, np.where(np.arange(len(row)) < lengths[label], label + 1, 0))
    assert sorted(seen) == list(range(COUNT))
    assert batches.num_examples == COUNT


def test_the_length_is_the_number_of_batches_of_every_epoch(sequences):
    batches = batches_of(sequences)
    assert {len(labels(batches.epoch(epoch))) for epoch in range(3)} == {len(batches)}


def test_an_order_depends_on_seed_and_epoch_and_nothing_else(sequences):
    def order(seed, epoch):
        return labels(batches_of(sequences, seed).epoch(epoch))

    tf.random.set_seed(1)
    first = order(1, 0)
    tf.random.set_seed(2)
    assert order(1, 0) == first
    assert order(1, 1) != first
    assert order(2, 0) != first


def test_another_epoch_puts_other_examples_together(sequences):
    batches = batches_of(sequences)
    one, other = ({frozenset(batch) for batch in labels(batches.epoch(epoch))} for epoch in (0, 1))
    assert len(one & other) < 0.1 * len(one)


def test_short_and_long_batches_are_mixed_within_an_epoch(sequences):
    shapes = [numbers.shape[1] for numbers, _ in batches_of(sequences).epoch(0)]
    assert shapes != sorted(shapes)


@pytest.mark.parametrize("start", [0, 1, 7, 10_000])
def test_an_epoch_from_batch_k_is_the_tail_of_the_whole(sequences, start):
    batches = batches_of(sequences)
    assert labels(batches.epoch(2, start)) == labels(batches.epoch(2))[start:]


def test_without_a_seed_the_order_is_that_of_the_data_within_each_length(sequences):
    batches = batches_of(sequences, seed=None)
    assert labels(batches.epoch(0)) == labels(batches.epoch(1))
    for batch in labels(batches.epoch(0)):
        assert batch == sorted(batch)


def test_the_plan_tells_the_examples_of_each_batch_and_its_width(sequences):
    batches = batches_of(sequences)
    plan = [(indices.tolist(), length) for indices, length in batches.plan(4)]
    assert plan == [(y.numpy().tolist(), x.shape[1]) for x, y in batches.epoch(4)]


def test_few_shapes_occur_and_padding_is_bounded(sequences):
    batches, lengths = batches_of(sequences), sequences[1]
    shapes = {(len(indices), length) for indices, length in batches.plan(0)}
    assert len({length for _, length in shapes}) <= 10
    assert len(shapes) <= 20  # a whole and a rest for each length
    steps = sum(len(indices) * length for indices, length in batches.plan(0))
    unsorted = sum(len(part) * part.max() for part in np.array_split(lengths, COUNT // BATCH))
    assert steps < 0.7 * unsorted


def test_boundaries_hold_the_longest_and_are_few_where_batches_are_few():
    assert bucket_boundaries([3, 9, 5], batch_size=2) == [9]
    assert bucket_boundaries([], 2) == [1]
    assert bucket_boundaries([0, 0], 2) == [1]
    lengths = np.arange(1, 100_001)
    tenths = bucket_boundaries(lengths, 64)
    assert np.diff([0, *tenths]) == pytest.approx([10_000] * 10, abs=400)
    assert tenths[-1] == 100_000
    assert len(bucket_boundaries(lengths[:2000], 64)) == 2  # 31 batches are enough for one length more


@pytest.mark.parametrize("seed", range(5))
def test_no_other_boundaries_leave_less_padding(seed):
    rng = np.random.default_rng(seed)
    lengths = np.minimum(1 + rng.lognormal(1.5, 0.8, 60).astype(int), 14)
    found = bucket_boundaries(lengths, batch_size=1)  # 4 boundaries
    others = itertools.combinations(range(1, max(lengths)), 3)
    assert len(found) == 4
    assert padded(lengths, found) == min(padded(lengths, [*some, max(lengths)]) for some in others)


def padded(lengths, boundaries):
    return np.asarray(boundaries)[np.searchsorted(boundaries, lengths)].sum()


def test_boundaries_that_cut_a_sequence_are_refused(sequences):
    with pytest.raises(ValueError, match="expected the last to hold 400 steps"):
        batches_of(sequences, boundaries=[10, 399])


def test_an_epoch_is_not_kept_in_memory_as_batches(sequences):
    """What the dataset's graph holds besides the one copy of all numbers is of the size of the indices."""
    batches = batches_of(sequences)
    captured = batches.epoch(0)._input_dataset._map_func.function.captured_inputs
    own = {id(batches._rows._rows.flat_values), id(batches._rows._rows.row_splits), id(batches._labels)}
    sizes = [int(tf.size(tensor)) for tensor in captured if id(tensor) not in own]
    assert sum(sizes) <= 2 * COUNT + 3 * len(batches)


# Texts that are written about an input

TEXTS = [[5, 3], [6, 7, 3], [8, 3], [4, 4, 4, 3], [9, 3]]
OF = np.array([0, 0, 1, 2, 2])


def written(batch_size=2, seed=None, most=None, boundaries=(4,)):
    lengths = np.array([len(text) for text in TEXTS])
    numbers = np.concatenate(TEXTS).astype(np.int32)

    def given(inputs, epoch):
        return tf.cast(inputs, tf.int32) * 10

    return TargetTextBatches(numbers, lengths, OF, given, 2, batch_size, seed, list(boundaries), most)


def padded_rows(batches, epoch=0):
    """(what was given, tokens before, tokens) of every text of an epoch."""
    rows = []
    for (given, owners, before), tokens in batches.epoch(epoch):
        owned = zip(given.numpy()[owners.numpy()], before.numpy(), tokens.numpy())
        rows += [(int(g), b.tolist(), t.tolist()) for g, b, t in owned]
    return rows


def test_every_text_comes_once_with_its_input_and_what_stands_before_each_token():
    padded = [[*text, 0, 0, 0][:4] for text in TEXTS]
    expected = [(10 * owner, [2, *text[:-1]], text) for owner, text in zip(OF, padded)]
    assert sorted(padded_rows(written())) == sorted(expected)
    assert sorted(padded_rows(written(seed=3), epoch=5)) == sorted(expected)


def test_texts_of_an_input_share_one_reading_of_it():
    for (given, owners, _), _ in written(batch_size=6).epoch():
        assert len(given) == len(set(given.numpy())) == 3
        assert owners.numpy().tolist() == OF.tolist()


def test_of_many_texts_some_are_drawn_again_each_epoch():
    batches = written(seed=1, most=1)
    epochs = [sorted(padded_rows(batches, epoch)) for epoch in range(8)]
    assert all([given for given, *_ in rows] == [0, 10, 20] for rows in epochs)
    assert len({str(rows) for rows in epochs}) > 1
    assert {tuple(t) for rows in epochs for *_, t in rows} == {(*t, *[0] * (4 - len(t))) for t in TEXTS}
