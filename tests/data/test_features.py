"""Cached features: computed once, resumed, repaired, and never partially written."""

import numpy as np
import pytest

from rnn_apps.data import features
from rnn_apps.data.features import FeatureCache, cache_folder, fingerprint
from rnn_apps.errors import UserError

SHAPE = (3, 4)
TRUE = np.random.default_rng(0).normal(size=(23, *SHAPE)).astype("float16")


class Encoder:
    """Counts what it is asked for, and fails at a given input."""

    def __init__(self, fails_at=None):
        self.asked, self.fails_at = [], fails_at

    def __call__(self, begin, end):
        if self.fails_at is not None and begin <= self.fails_at < end:
            raise KeyboardInterrupt
        self.asked += range(begin, end)
        return TRUE[begin:end].astype("float32")


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(features, "_INPUTS_PER_SHARD", 5)


def filled(folder, encoder=None, **options):
    cache = FeatureCache(folder, 23, SHAPE)
    cache.fill(encoder or Encoder(), **options)
    return cache


def test_any_choice_of_inputs_comes_back_in_its_order(tmp_path):
    cache = filled(tmp_path / "new")
    chosen = [22, 0, 7, 7, 4, 5, 19]
    np.testing.assert_array_equal(cache[chosen], TRUE[chosen])
    assert cache[chosen].dtype == np.float16
    assert cache[[]].shape == (0, *SHAPE)


def test_each_input_is_computed_once_and_a_second_run_computes_nothing(tmp_path):
    encoder, again = Encoder(), Encoder()
    filled(tmp_path, encoder)
    assert encoder.asked == list(range(23))
    cache = filled(tmp_path, again)
    assert again.asked == []
    np.testing.assert_array_equal(cache[range(23)], TRUE)


def test_a_fill_that_broke_off_goes_on_where_it_stopped(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        filled(tmp_path, Encoder(fails_at=12))
    rest = Encoder()
    cache = filled(tmp_path, rest)
    assert rest.asked == list(range(10, 23))
    np.testing.assert_array_equal(cache[range(23)], TRUE)


@pytest.mark.parametrize("damage", ["cut", "empty", "gone", "another shape", "pickle"])
def test_a_broken_shard_is_computed_again(damage, tmp_path):
    filled(tmp_path)
    shard = tmp_path / "00001.npy"
    data = shard.read_bytes()
    if damage == "gone":
        shard.unlink()
    elif damage == "another shape":
        np.save(shard, TRUE[:5, :2])
    elif damage == "pickle":
        np.save(shard, np.array([{"a": 1}]), allow_pickle=True)
    else:
        shard.write_bytes(data[: len(data) // 2] if damage == "cut" else b"")
    encoder = Encoder()
    cache = filled(tmp_path, encoder)
    assert encoder.asked == list(range(5, 10))
    np.testing.assert_array_equal(cache[range(23)], TRUE)


def test_nothing_half_written_is_left_when_the_disk_is_full(tmp_path, monkeypatch):
    def full(file, array, allow_pickle):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(features.np, "save", full)
    with pytest.raises(OSError, match="No space"):
        filled(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_size_and_time_are_said_once(tmp_path):
    said = []
    cache = filled(tmp_path, log=said.append)
    assert cache.bytes == TRUE.nbytes
    assert len(said) == 1
    assert "Preparing 23 inputs once: 0 MB" in said[0]
    assert str(tmp_path) in said[0]
    filled(tmp_path, log=said.append)
    assert len(said) == 1


def test_an_encoder_of_another_width_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"received \(5, 2, 4\), expected \(5, 3, 4\)"):
        FeatureCache(tmp_path, 23, SHAPE).fill(lambda a, b: TRUE[a:b, :2])


def test_the_fingerprint_changes_with_every_split():
    prints = [fingerprint(*p) for p in (("a", 1), ("a", 2), ("b", 1), ("a", 1, None), (["a"], 1))]
    assert len(set(prints)) == 5
    assert fingerprint({"x": 1, "y": 2}) == fingerprint({"y": 2, "x": 1})


def test_the_folder_is_that_of_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("RNN_APPS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("RNN_APPS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "rnn-apps" / "features"
    monkeypatch.delenv("XDG_CACHE_HOME")

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.home", homeless)
    with pytest.raises(UserError, match="RNN_APPS_CACHE: .*no home folder.*Set RNN_APPS_CACHE to a folder"):
        cache_folder()
