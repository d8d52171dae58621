"""Sequences with a label at every step: batches and windows by hand, and their invariants."""

import numpy as np
import pytest

from rnn_apps.data.steps import NO_LABEL, StepBatches, WindowBatches

LENGTHS = [5, 12, 3, 7]
STEPS = np.arange(sum(LENGTHS), dtype=np.int32)


def windows_of(lengths, streams, steps, seed=None):
    count = sum(lengths)
    arrays = [np.arange(count, dtype=np.int32) + 100, np.ones(count, bool)]
    return WindowBatches(arrays, lengths, np.arange(count), streams, steps, seed)


def read(batches, epoch=0, start=0):
    """[(first array, there, fresh, labels)] of an epoch."""
    return [(*(x.numpy() for x in inputs), labels.numpy()) for inputs, labels in batches.epoch(epoch, start)]


def test_whole_sequences_are_padded_to_their_bucket():
    batches = StepBatches([STEPS[:5] + 100], [2, 3], STEPS[:5], 2, boundaries=[2, 3])
    (first, labels), (second, more) = list(batches.epoch())
    assert first.numpy().tolist() == [[100, 101], [0, 0]]
    assert labels.numpy().tolist() == [[0, 1], [NO_LABEL] * 2]
    assert second.numpy()[0].tolist() == [102, 103, 104]
    assert more.numpy().tolist() == [[2, 3, 4], [NO_LABEL] * 3]


def test_arrays_of_more_sides_go_along_and_batches_of_a_length_have_one_shape():
    pairs = np.stack([STEPS, -STEPS], axis=1)
    batches = StepBatches([STEPS, pairs], LENGTHS, STEPS, 3, seed=1, boundaries=[12])
    for (single, double), labels in batches.epoch(2):
        assert single.shape == labels.shape == (3, 12)
        there = labels.numpy() >= 0
        np.testing.assert_array_equal(double.numpy()[there][:, 1], -labels.numpy()[there])


def test_windows_by_hand():
    """Two streams of windows of 4: the longest sequence is given first, the next to the stream with least."""
    (a, b, c, d) = read(windows_of(LENGTHS, streams=2, steps=4))
    assert a[3].tolist() == [[5, 6, 7, 8], [0, 1, 2, 3]]
    assert b[3].tolist() == [[9, 10, 11, 12], [4, -1, -1, -1]]
    assert c[3].tolist() == [[13, 14, 15, 16], [20, 21, 22, 23]]
    assert d[3].tolist() == [[17, 18, 19, -1], [24, 25, 26, -1]]
    assert [batch[2].tolist() for batch in (a, b, c, d)] == [
        [True, True],
        [False, False],
        [False, True],
        [True, False],
    ]
    assert d[0].tolist() == [[117, 118, 119, 0], [124, 125, 126, 0]]
    assert d[1].tolist() == [[True, True, True, False]] * 2


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize(("streams", "steps"), [(1, 5), (3, 4), (6, 2), (40, 2)])
def test_every_step_comes_once_an_epoch_after_the_one_before_it(streams, steps, seed):
    batches = windows_of(LENGTHS, streams, steps, seed)
    begins = set(np.cumsum(LENGTHS) - LENGTHS)
    for epoch in (0, 1, 5):
        seen, last = [], np.full(streams, -9)
        found = read(batches, epoch)
        assert len(found) == len(batches)
        for values, there, fresh, labels in found:
            for row in range(streams):
                steps_here = labels[row][there[row]]
                seen += list(steps_here)
                assert (labels[row][~there[row]] == NO_LABEL).all()
                if len(steps_here):
                    assert (np.diff(steps_here) == 1).all()
                    assert values[row][0] == steps_here[0] + 100
                    assert fresh[row] or steps_here[0] == last[row] + 1
                    assert fresh[row] or steps_here[0] not in begins
                    last[row] = steps_here[-1]
        assert sorted(seen) == list(range(sum(LENGTHS)))


def test_a_single_sequence_is_cut_for_the_streams_to_have_something_to_read():
    batches = windows_of([100], streams=4, steps=5)
    assert len(batches) == 5
    first = read(batches)[0]
    assert first[3][:, 0].tolist() == [0, 25, 50, 75]
    assert first[2].all()


def test_splits_of_a_single_sequence_are_as_many_as_its_windows_allow():
    counts = [batch[1].any(axis=1).sum() for batch in read(windows_of([24], streams=4, steps=4))]
    assert counts == [4, 2]


def test_the_order_is_a_function_of_seed_and_epoch_and_can_begin_anywhere():
    def labels(seed, epoch, start=0):
        lengths = [4, 4, 4, 6, 6, 9]
        return [batch[3].tolist() for batch in read(windows_of(lengths, 2, 3, seed), epoch, start)]

    assert labels(1, 2) == labels(1, 2)
    assert labels(1, 2) != labels(1, 3)
    assert labels(1, 2) != labels(2, 2)
    assert labels(None, 0) == labels(None, 7)
    assert labels(1, 2, start=3) == labels(1, 2)[3:]
