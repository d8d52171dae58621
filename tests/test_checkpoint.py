"""Checkpoints: whole or not there, the one before when the newest is damaged, one process at a time."""

import errno
import json
import logging
import os
import subprocess
import sys

import numpy as np
import pytest

from rnn_apps.checkpoint import Checkpoint, Checkpoints
from rnn_apps.disk import sha256_of
from rnn_apps.errors import UserError

BEST = {"0": np.arange(4.0)}


def checkpoint(step, best=BEST):
    state = {"model.0": np.full((2, 3), step / 3, "float32"), "optimizer.0": np.array(step, "int64")}
    return Checkpoint(step, {"epoch": step // 10, "loss": 1 / 3}, state, best)


def assert_is(found, step, best=BEST):
    expected = checkpoint(step, best)
    assert (found.step, found.facts) == (step, expected.facts)
    for ours, theirs in ((found.state, expected.state), (found.best, best)):
        assert ours.keys() == theirs.keys()
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name])
            assert ours[name].dtype == theirs[name].dtype


@pytest.fixture
def checkpoints(tmp_path):
    with Checkpoints(tmp_path / "run" / "checkpoints").locked() as checkpoints:
        yield checkpoints


def names(checkpoints):
    return sorted(p.name for p in checkpoints.folder.iterdir() if p.name != "lock")


def test_what_is_saved_comes_back_and_the_newest_two_stay(checkpoints):
    assert checkpoints.newest() is None
    for step in (3, 12, 100):
        checkpoints.save(checkpoint(step))
        assert_is(checkpoints.newest(), step)
    assert names(checkpoints) == ["checkpoint-000002", "checkpoint-000003"]
    checkpoints.keep_newest()
    assert names(checkpoints) == ["checkpoint-000003"]


def test_the_same_step_may_be_saved_again_and_no_instant_is_without_it(checkpoints, monkeypatch):
    checkpoints.save(checkpoint(5))
    replace = os.replace

    def killed(source, target):
        assert_is(Checkpoints(checkpoints.folder).newest(), 5)
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    checkpoints.save(checkpoint(5, best={}))
    assert_is(checkpoints.newest(), 5, best={})
    assert names(checkpoints) == ["checkpoint-000001", "checkpoint-000002"]


def cut(content):
    return content[: len(content) // 2]


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGE = {"cut": cut, "flipped bit": flip, "empty": lambda content: b"", "other": lambda content: b"[]"}


@pytest.mark.parametrize("name", ["state.npz", "best.npz", "facts.json", "manifest.json"])
@pytest.mark.parametrize("damage", [*DAMAGE, "missing"])
def test_a_damaged_one_is_set_aside_and_the_one_before_is_taken(name, damage, checkpoints, caplog):
    checkpoints.save(checkpoint(1))
    checkpoints.save(checkpoint(2))  # with the same best weights
    file = checkpoints.folder / "checkpoint-000002" / name
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(DAMAGE[damage](file.read_bytes()))
    with caplog.at_level(logging.WARNING):
        assert_is(checkpoints.newest(), 1)
    assert "checkpoint-000002 is damaged" in caplog.text
    assert names(checkpoints) == ["checkpoint-000001", "damaged-checkpoint-000002"]
    checkpoints.save(checkpoint(2))  # what was redone
    assert names(checkpoints) == ["checkpoint-000001", "checkpoint-000003", "damaged-checkpoint-000002"]
    assert_is(checkpoints.newest(), 2)


def test_where_none_is_whole_it_says_so(checkpoints):
    for step in (1, 2):
        checkpoints.save(checkpoint(step))
        (checkpoints.folder / f"checkpoint-00000{step}" / "state.npz").write_bytes(b"")
    for _ in range(2):  # and does not begin from nothing when it is asked again
        with pytest.raises(UserError, match="no checkpoint is whole, 2 are damaged"):
            checkpoints.newest()


def test_what_cannot_be_read_for_a_moment_is_not_damaged(checkpoints, monkeypatch):
    checkpoints.save(checkpoint(1))

    def away(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr("rnn_apps.checkpoint.sha256_of", away)
        with pytest.raises(UserError, match="checkpoint-000001: cannot be read: Input/output error"):
            checkpoints.newest()
    assert_is(checkpoints.newest(), 1)


@pytest.mark.parametrize("moment", ["numpy.savez", "os.replace"])
def test_a_full_disk_leaves_what_was_there(moment, checkpoints, monkeypatch):
    checkpoints.save(checkpoint(1))

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(moment, full)
        with pytest.raises(UserError, match="step 2 cannot be written: No space left on device. .*resume="):
            checkpoints.save(checkpoint(2))
    assert names(checkpoints) == ["checkpoint-000001"]
    assert_is(checkpoints.newest(), 1)
    checkpoints.save(checkpoint(2))
    assert_is(checkpoints.newest(), 2)


HOLD = """
import sys
from rnn_apps.checkpoint import Checkpoints
with Checkpoints(sys.argv[1]).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_two_processes_in_one_folder_are_one_too_many_and_a_dead_one_does_not_count(tmp_path):
    folder = tmp_path / "run" / "checkpoints"
    command = [sys.executable, "-c", HOLD, folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(UserError, match="run: another process works in it"), Checkpoints(folder).locked():
            pass
        (folder / ".writing-1").mkdir()
        other.kill()
    with Checkpoints(folder).locked() as checkpoints:
        assert names(checkpoints) == []  # what it had not finished is gone


def test_a_folder_that_cannot_be_made_is_named():
    checkpoints = Checkpoints("/proc/rnn-apps/checkpoints")
    with (
        pytest.raises(UserError, match="/proc/rnn-apps/checkpoints: cannot be written"),
        checkpoints.locked(),
    ):
        pass


def test_a_long_path_with_spaces_and_accents(tmp_path):
    folder = tmp_path / ("é ü " * 30).strip() / ("ż" * 100)
    with Checkpoints(folder).locked() as checkpoints:
        checkpoints.save(checkpoint(1))
        assert_is(checkpoints.newest(), 1)


def test_nothing_is_pickled(checkpoints):
    checkpoints.save(checkpoint(1))
    place = checkpoints.folder / "checkpoint-000001"
    np.savez(place / "state.npz", evil=np.array([{}], dtype=object))
    manifest = json.loads((place / "manifest.json").read_text())
    manifest["sha256"]["state.npz"] = sha256_of(place / "state.npz")
    (place / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="no checkpoint is whole"):
        checkpoints.newest()
