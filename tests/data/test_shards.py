"""Shards: what is written is read, damage is named, and an epoch reads a few shards at a time."""

import gzip
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.data.batches import SequenceBatches
from rnn_apps.data.columns import Column, as_rows
from rnn_apps.data.prepared import ColumnSpec
from rnn_apps.data.shard_store import ShardGroups, ShardStore
from rnn_apps.data.shards import read_index, read_raw, read_shard, write_shard
from rnn_apps.errors import DataError

LENGTHS = np.array([3, 0, 5, 1])
STEPS = int(LENGTHS.sum())
COLUMNS = {
    "ids": Column(np.arange(STEPS, dtype=np.int32) - 4, LENGTHS),
    "letters": Column(np.arange(STEPS * 6, dtype=np.int32).reshape(STEPS, 2, 3), LENGTHS),
    "numbers": Column(np.linspace(-1, 1e30, STEPS * 2, dtype=np.float32).reshape(STEPS, 2), LENGTHS),
    "mask": Column(np.arange(STEPS) % 2 == 0, LENGTHS),
    "label": Column(np.array([7, -1, 0, 2**31 - 1], np.int32)),
    "weight": Column(np.array([0.1, 0.2, 0.3, 0.4], np.float32)),
}
SPECS = {name: ColumnSpec.of(column) for name, column in COLUMNS.items()}
RAW = ['["a", 1]', '{"b": "\\u2603"}']


def test_columns_of_all_types_are_read_as_they_were_written(tmp_path):
    shard = write_shard(tmp_path, "train-00000", COLUMNS, RAW)
    found = read_shard(tmp_path, shard, SPECS)
    for name, (values, lengths) in COLUMNS.items():
        assert found[name].values.dtype == values.dtype
        np.testing.assert_array_equal(found[name].values, values)
        assert (found[name].lengths is None) == (lengths is None)
        assert lengths is None or found[name].lengths.tolist() == lengths.tolist()
    assert list(read_raw(tmp_path, shard)) == [["a", 1], {"b": "\u2603"}]
    assert (shard.examples, shard.raw) == (4, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "train-00000.jsonl.gz",
        "train-00000.npy",
        "train-00000.tfrecord.gz",
    ]


def test_rows_of_shards_are_those_in_memory(tmp_path):
    shards = [write_shard(tmp_path, f"train-0000{i}", COLUMNS, []) for i in range(3)]
    store = ShardStore(tmp_path, shards, SPECS, max_cached=1)
    assert len(store) == 12
    assert store.index_of("label").tolist() == COLUMNS["label"].values.tolist() * 3
    indices = tf.constant([11, 0, 5, 6])
    for name in ("ids", "letters", "numbers", "mask"):
        values, lengths = COLUMNS[name]
        memory = as_rows(np.concatenate([values] * 3), np.tile(lengths, 3))
        for options in ({}, {"num_rows": 6}, {"pad_value": 1}):
            own = store.rows(name).padded(indices, tf.constant(5, tf.int64), **options)
            expected = memory.padded(indices, tf.constant(5, tf.int64), **options)
            np.testing.assert_array_equal(own, expected)
        np.testing.assert_array_equal(store.rows(name).load(), np.concatenate([values] * 3))


def damage(path, how):
    content = path.read_bytes()
    path.unlink()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


@pytest.mark.parametrize("how", ["missing", "truncated", "flipped"])
@pytest.mark.parametrize(
    ("ending", "read"),
    [
        (".tfrecord.gz", lambda folder, shard: read_shard(folder, shard, SPECS)),
        (".npy", lambda folder, shard: read_index(folder, shard, len(SPECS))),
        (".jsonl.gz", lambda folder, shard: list(read_raw(folder, shard))),
    ],
)
def test_a_damaged_file_is_named(tmp_path, ending, read, how):
    shard = write_shard(tmp_path, "train-00000", COLUMNS, RAW)
    damage(tmp_path / f"train-00000{ending}", how)
    with pytest.raises(DataError, match=f"train-00000{ending}: .*Prepare the data again"):
        read(tmp_path, shard)


def hostile(folder, **changes):
    """A shard whose manifest has other numbers, with digests that are right."""
    return write_shard(folder, "train-00000", COLUMNS, RAW)._replace(**changes)


def test_a_shard_with_more_or_fewer_examples_than_the_manifest_says_is_refused(tmp_path):
    for changes, problem in (
        ({"examples": 5}, "received 4 examples, expected 5"),
        ({"examples": 3}, "received 4 examples, expected 3"),
        ({"decoded": 10}, "holds more than the manifest says"),
    ):
        with pytest.raises(DataError, match=problem):
            read_shard(tmp_path, hostile(tmp_path, **changes), SPECS)
    with pytest.raises(DataError, match="expected int32"):
        read_index(tmp_path, hostile(tmp_path, examples=5), len(SPECS))
    with pytest.raises(DataError, match="cannot be decoded"):
        list(read_raw(tmp_path, hostile(tmp_path, raw=3)))


def test_bytes_that_are_no_records_are_refused(tmp_path):
    shard = write_shard(tmp_path, "train-00000", COLUMNS, RAW)
    path = tmp_path / "train-00000.tfrecord.gz"
    path.write_bytes(gzip.compress(b"\xff" * 100))
    from rnn_apps.disk import sha256_of

    with pytest.raises(DataError, match="cannot be decoded"):
        read_shard(tmp_path, shard._replace(sha256=sha256_of(path)), SPECS)


# Batches


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """2,000 sequences in 20 shards, of which 8 fit into memory."""
    folder, rng = tmp_path_factory.mktemp("shards"), np.random.default_rng(1)
    shards = []
    for number in range(20):
        lengths = rng.integers(1, 40, 100)
        ids = Column(np.repeat(np.arange(100) + 100 * number, lengths).astype(np.int32), lengths)
        label = Column(np.arange(100, dtype=np.int32) + 100 * number)
        shards.append(write_shard(folder, f"train-{number:05}", {"ids": ids, "label": label}, []))
    specs = {name: ColumnSpec.of(column) for name, column in (("ids", ids), ("label", label))}
    return ShardStore(folder, shards, specs, max_cached=8 * max(shard.decoded for shard in shards))


def batches_of(store, groups=True):
    return SequenceBatches(
        store.rows("ids"),
        store.index_of("ids"),
        store.index_of("label"),
        16,
        seed=3,
        boundaries=[10, 20, 39],
        groups=store.groups if groups else None,
    )


def test_every_epoch_has_every_example_once_in_an_order_of_its_own(store):
    batches, orders = batches_of(store), []
    for epoch in range(3):
        plan = batches.plan(epoch)
        assert len(plan) == len(batches)
        orders.append(np.concatenate([indices for indices, _ in plan]).tolist())
        assert sorted(orders[-1]) == list(range(2000))
        assert all(store.index_of("ids")[indices].max() <= length for indices, length in plan)
        assert Counter(len(indices) for indices, _ in plan)[16] >= len(plan) - 3
    assert orders[0] != orders[1] != orders[2]
    assert orders[0] == np.concatenate([indices for indices, _ in batches_of(store).plan(0)]).tolist()


def test_a_batch_holds_the_rows_of_its_plan_and_an_epoch_starts_anywhere(store):
    batches = batches_of(store)
    whole = [(ids.numpy(), labels.numpy()) for ids, labels in batches.epoch(1)]
    for (indices, length), (ids, labels) in zip(batches.plan(1), whole, strict=True):
        assert labels.tolist() == indices.tolist()
        assert ids.shape == (len(indices), length)
        assert (ids == np.where(ids != 0, indices[:, None], 0)).all()
        assert (ids != 0).sum(axis=1).tolist() == np.where(
            indices, store.index_of("ids")[indices], 0
        ).tolist()
    for (ids, labels), (expected, of_expected) in zip(batches.epoch(1, 60), whole[60:], strict=True):
        np.testing.assert_array_equal(ids, expected)
        np.testing.assert_array_equal(labels, of_expected)


def loads(store, batches, monkeypatch, count=None):
    """Number of shards that are decoded for `count` batches, or for an epoch."""
    counted = []

    def counting(folder, shard, specs):
        counted.append(shard.name)
        return read_shard(folder, shard, specs)

    monkeypatch.setattr("rnn_apps.data.shard_store.read_shard", counting)
    store._cached.clear()
    for _ in batches.epoch(0).take(count or -1):
        assert store._cached_bytes() <= 8 * 8 * 2100
    return len(counted)


def test_an_epoch_reads_each_shard_about_once_and_keeps_few(store, monkeypatch):
    assert loads(store, batches_of(store), monkeypatch) <= 30
    assert loads(store, batches_of(store, groups=False), monkeypatch, 5) > 40


def test_a_group_holds_shards_from_anywhere():
    groups = list(ShardGroups([2, 3, 4, 5], 2).shuffled(np.random.default_rng(0)))
    assert [group.dtype for group in groups] == [np.int32] * 2
    assert sorted(np.concatenate(groups)) == list(range(14))
