"""Windows over a stream of tokens, by hand."""

import numpy as np
import pytest

from rnn_apps.data.plain_text import StreamBatches


def arrays(batches, epoch=0, start=0):
    return [(tokens.numpy(), targets.numpy()) for tokens, targets in batches.epoch(epoch, start)]


def test_windows_by_hand():
    # 12 tokens, so 11 targets: 5 of them (2 to 6) for the first row and 6 (7 to 12) for the second.
    batches = StreamBatches(np.arange(1, 13), streams=2, steps=4)
    (first, first_targets), (second, second_targets) = arrays(batches)
    assert first.tolist() == [[1, 2, 3, 4], [6, 7, 8, 9]]
    assert first_targets.tolist() == [[2, 3, 4, 5], [7, 8, 9, 10]]
    assert second.tolist() == [[5, 0, 0, 0], [10, 11, 0, 0]]
    assert second_targets.tolist() == [[6, 0, 0, 0], [11, 12, 0, 0]]
    assert (len(batches), batches.num_examples) == (2, 4)
    assert {array.dtype for array in (first, first_targets)} == {np.dtype(np.int32)}


@pytest.mark.parametrize("seed", [None, 1])
@pytest.mark.parametrize(("count", "streams", "steps"), [(1000, 7, 9), (1001, 8, 25), (50, 64, 3), (2, 1, 5)])
def test_every_token_but_the_first_is_a_target_once_after_that_before_it(count, streams, steps, seed):
    tokens = np.random.default_rng(0).permutation(count).astype(np.int32) + 1
    follows = dict(zip(tokens, tokens[1:]))
    batches, seen = StreamBatches(tokens, streams, steps, seed), []
    for read, targets in arrays(batches, epoch=3):
        assert read.shape == targets.shape == (streams, steps)
        assert ((read == 0) == (targets == 0)).all()
        assert all(follows[token] == target for token, target in zip(read[read > 0], targets[read > 0]))
        seen += targets[targets > 0].tolist()
    assert sorted(seen) == sorted(tokens[1:].tolist())


def test_a_row_goes_on_where_it_ended_and_ends_where_the_next_began():
    tokens = np.arange(1, 1002)
    rows = np.concatenate([read for read, _ in arrays(StreamBatches(tokens, 6, 11))], axis=1)
    streams = [row[row > 0] for row in rows]
    assert np.concatenate(streams).tolist() == tokens[:-1].tolist()
    assert {len(stream) for stream in streams} == {166, 167}  # 1000 over 6
    for row, stream in zip(rows, streams):
        assert row[: len(stream)].tolist() == stream.tolist()  # padding only at the end


def test_epochs_with_a_seed_begin_elsewhere_but_have_as_many_windows():
    tokens = np.arange(1, 1002)
    batches = StreamBatches(tokens, 5, 10, seed=3)
    epochs = [arrays(batches, epoch) for epoch in range(3)]
    assert len({epoch[0][0][0, 0] for epoch in epochs}) == 3
    assert [len(epoch) for epoch in epochs] == [len(batches)] * 3 == [20] * 3
    for epoch in epochs:
        read = np.concatenate([tokens for tokens, _ in epoch], axis=1)
        jumps = np.flatnonzero(np.diff(read.ravel()) != 1)
        assert len(jumps) == 1  # from the end of the text to its start, and the rows follow one another
        assert read.ravel()[jumps[0] : jumps[0] + 2].tolist() == [1000, 1]


def test_seed_and_epoch_alone_decide():
    def windows(seed, epoch):
        return np.stack(arrays(StreamBatches(np.arange(1, 200), 3, 8, seed), epoch)).tolist()

    assert windows(1, 2) == windows(1, 2)
    assert windows(1, 2) != windows(1, 3)
    assert windows(1, 2) != windows(2, 2)
    assert windows(None, 2) == windows(None, 3)


@pytest.mark.parametrize("start", [0, 1, 5, 9, 100])
def test_an_epoch_from_batch_k_is_the_tail_of_the_whole(start):
    batches = StreamBatches(np.arange(1, 200), 3, 8, seed=1)
    tail = [read.tolist() for read, _ in arrays(batches, 2, start)]
    assert tail == [read.tolist() for read, _ in arrays(batches, 2)][start:]


@pytest.mark.parametrize(
    ("tokens", "received"),
    [
        ([], "0 ids, the smallest none"),
        ([5], "1 ids, the smallest 5"),
        ([1, 0, 2], "3 ids, the smallest 0"),
    ],
)
def test_tokens_that_are_padding_or_too_few_are_refused(tokens, received):
    with pytest.raises(ValueError, match=f"tokens: received {received}, expected two or more, from 1 on"):
        StreamBatches(tokens, 1, 1)
