"""Text of a language model in shards: the splits of the whole text, and windows of a few shards at a time."""

import gzip

import numpy as np
import pytest

from rnn_apps.data.columns import Column
from rnn_apps.data.plain_text import StreamBatches
from rnn_apps.data.prepared import ColumnSpec
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.shard_store import ShardStore
from rnn_apps.data.shards import write_shard
from rnn_apps.data.splits import DataSource, SplitRequest
from rnn_apps.data.stored_streams import StoredStreams
from rnn_apps.data.text_splits import TextSplits
from rnn_apps.errors import DataError

SIZES = [400, 380, 420, 400, 12]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The numbers from 1 to 1,612, in five shards."""
    folder, start, shards = tmp_path_factory.mktemp("text"), 1, []
    for number, size in enumerate(SIZES):
        column = Column(np.arange(start, start + size, dtype=np.int32), np.array([size]))
        shards.append(write_shard(folder, f"train-{number:05}", {"tokens": column}, []))
        start += size
    return ShardStore(folder, shards, {"tokens": ColumnSpec.of(column)})


def as_arrays(batches):
    return [(x.numpy(), resets.numpy(), y.numpy()) for (x, resets), y in batches]


def test_one_group_has_the_windows_of_the_text_in_memory(store):
    own = StoredStreams(store, "tokens", 7, 10, seed=3, per_group=5)
    memory = StreamBatches(np.arange(1, 1613), 7, 10, seed=3)
    assert (len(own), own.num_examples) == (len(memory), memory.num_examples)
    for epoch in (0, 1):
        found, expected = as_arrays(own.epoch(epoch)), list(memory.epoch(epoch))
        for number, ((tokens, resets, targets), (x, y)) in enumerate(zip(found, expected, strict=True)):
            np.testing.assert_array_equal(tokens, x)
            np.testing.assert_array_equal(targets, y)
            assert (resets == (number == 0)).all()


def test_every_token_of_a_group_is_predicted_once_per_epoch_after_a_reset_state(store):
    batches = StoredStreams(
        store, "tokens", 7, 10, seed=3, per_group=2
    )  # 0 and 1, 2 and 3, 4 with the latter
    orders = set()
    for epoch in range(6):
        found = as_arrays(batches.epoch(epoch))
        assert len(found) == len(batches)
        targets = np.concatenate([y.ravel() for *_, y in found])
        assert sorted(targets[targets > 0]) == [*range(2, 781), *range(782, 1613)]
        for tokens, _, y in found:
            follows = (y == tokens + 1) | (y == 0) | np.isin(y, (2, 782))  # the text goes on at its start
            assert follows.all()
        starts = [number for number, (_, resets, _) in enumerate(found) if resets.all()]
        assert sum(resets.any() for _, resets, _ in found) == len(starts) == 2
        orders.add(bool(found[0][0].max() > 781))
        for (x, _, y), (of_x, _, of_y) in zip(as_arrays(batches.epoch(epoch, 5)), found[5:], strict=True):
            np.testing.assert_array_equal(x, of_x)
            np.testing.assert_array_equal(y, of_y)
    assert orders == {True, False}


# Splits

PROSE = "".join(f"Line {i} says {'very ' * (i % 7)}little.\n" for i in range(4000))


@pytest.mark.parametrize(
    "texts",
    [
        {"text.txt": PROSE},
        {"text.txt.gz": PROSE},
        {"text.txt": PROSE.replace("\n", "\r\n")},
        {"text.txt": PROSE.rstrip("\n")},
        {"text.txt": PROSE.replace("\n", " ")},
        {"text.txt": "a" * 4000},
        {"text.txt": "\n\n" + PROSE + "\n" * 3000},
        {"train.txt": PROSE, "valid.txt": "one\ntwo\n"},
        {"train.txt": PROSE, "test.txt": "one\ntwo"},
        {"train.txt": PROSE, "dev.txt": "x y", "test.txt": "one\ntwo\n"},
    ],
)
def test_a_stream_of_blocks_is_the_text_of_every_split(tmp_path, texts):
    for name, text in texts.items():
        content = text.encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    source, invalid = DataSource("files", tmp_path, 0, 1), InvalidRecords("fail", 0)
    splits = TextSplits(source, SplitRequest(0.1), invalid, "character")
    streamed = dict.fromkeys(splits.split_names, "")
    for split, block in splits.stream(invalid):
        assert len(block) < 70_000 or "\n" not in block
        streamed[split] += block
    assert streamed == {split: text for split, (text,) in splits.lists().items()}


def test_a_split_without_text_is_named():
    splits = TextSplits(DataSource("sample", None, 100, 1), SplitRequest(0.1), None, "word")
    splits.check_sizes({"train": 3, "validation": 1, "test": 1})
    with pytest.raises(DataError, match="0 words for test"):
        splits.check_sizes({"train": 3, "validation": 1, "test": 0})
