"""Atomic checkpoints: written to a temporary folder, flushed to disk, then renamed."""

import json
import logging
import os
import shutil
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from rnn_apps.disk import names_to_disk, sha256_of, to_disk
from rnn_apps.errors import Call, RnnAppsError, UserError

KEPT = 2
STATE, BEST, FACTS, MANIFEST = "state.npz", "best.npz", "facts.json", "manifest.json"
_NAME, _WRITING, _DAMAGED = "checkpoint-", ".writing-", "damaged-"
_log = logging.getLogger(__name__)


class _Damaged(RnnAppsError):
    """A checkpoint is damaged."""


class Checkpoint(NamedTuple):
    """The state of a training at one step.

    Args:
        step: optimizer steps taken.
        facts: plain values, as JSON holds them.
        state: name to array.
        best: the same of the best weights so far, {} where there are none.
    """

    step: int
    facts: dict
    state: dict
    best: dict


class Checkpoints:
    """The newest checkpoints of a run, one folder each, for one process at a time.

    A folder appears under its name only when all of it is on the disk, with the sha256 of every file. The one
    before the newest is kept, so that there is always a whole one, even where the disk spoils the newest.

    Args:
        folder: path; it is made where it is not there.
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    @contextmanager
    def locked(self):
        """Context manager that locks the folder; the lock of a dead process is ignored.

        Raises:
            UserError: another process has it, or it cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / "lock", timeout=0)
            lock.acquire()
        except Timeout as error:
            fix = "Wait for it, stop it, or name another folder."
            raise UserError(str(self.folder.parent), "another process works in it", fix=fix) from error
        except OSError as error:
            raise UserError(str(self.folder), f"cannot be written to: {error.strerror}") from error
        try:
            for left in self.folder.glob(f"{_WRITING}*"):  # by a process that was killed
                shutil.rmtree(left, ignore_errors=True)
            yield self
        finally:
            lock.release()

    def save(self, checkpoint):
        """Write a `Checkpoint`.

        Raises:
            UserError: it cannot be written; what was there before is intact.
        """
        place = self.folder / f"{_NAME}{1 + self._last_number():06d}"  # no name comes twice
        beside = self.folder / f"{_WRITING}{os.getpid()}"
        try:
            beside.mkdir()
            _write(beside, checkpoint)
            os.replace(beside, place)
            names_to_disk(self.folder)
        except OSError as error:
            problem = f"the checkpoint of step {checkpoint.step} cannot be written: {error.strerror or error}"
            call = Call("Fix this, then resume with", "run", f"resume={self.folder.parent}")
            fix = ["What was saved before is intact.", call]
            raise UserError(str(self.folder), problem, fix=fix) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        self.keep_newest(KEPT)

    def keep_newest(self, count=1):
        """Remove all but the newest checkpoints; one is enough for a complete run."""
        for old in self._paths()[:-count]:
            shutil.rmtree(old, ignore_errors=True)

    def newest(self):
        """Return the newest undamaged `Checkpoint`, or None if there was never one.

        Damaged ones are set aside with a warning, and the one before them is taken.

        Raises:
            UserError: all are damaged, or one cannot be read.
        """
        damaged = {}
        for path in reversed(self._paths()):
            try:
                found = _read(path)
            except _Damaged as error:
                damaged[path] = error
                continue
            except OSError as error:
                raise UserError(str(path), f"cannot be read: {error.strerror or error}") from error
            for wrong, reason in damaged.items():
                _log.warning("%s is damaged (%s) and set aside; resuming from %s", wrong, reason, path.name)
                os.replace(wrong, wrong.with_name(f"{_DAMAGED}{wrong.name}"))
            return found
        if damaged:
            fix = "Run the recipe anew, in another folder."
            raise UserError(str(self.folder), f"no checkpoint is whole, {len(damaged)} are damaged", fix=fix)
        return None

    def _last_number(self):
        names = [path.name.rpartition("-")[2] for path in self.folder.glob(f"*{_NAME}*")]
        return max((int(name) for name in names if name.isdigit()), default=0)

    def _paths(self):
        """Checkpoint folders, newest last."""
        return sorted(self.folder.glob(f"{_NAME}*"))


def _write(folder, checkpoint):
    np.savez(folder / STATE, **checkpoint.state)
    np.savez(folder / BEST, **checkpoint.best)
    (folder / FACTS).write_text(json.dumps(checkpoint.facts), encoding="utf-8")
    digests = {name: sha256_of(folder / name) for name in (STATE, BEST, FACTS)}
    manifest = {"step": checkpoint.step, "sha256": digests}
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    to_disk(folder)


def _read(path):
    """Read the checkpoint in a folder; raises _Damaged if it is damaged."""
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        for name in (STATE, BEST, FACTS):
            if sha256_of(path / name) != manifest["sha256"][name]:
                raise _Damaged(f"{name} has changed")
        facts = json.loads((path / FACTS).read_text(encoding="utf-8"))
        return Checkpoint(manifest["step"], facts, _arrays(path / STATE), _arrays(path / BEST))
    except FileNotFoundError as error:
        raise _Damaged(f"{Path(error.filename).name} is missing") from error
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise _Damaged(f"{MANIFEST} cannot be read") from error


def _arrays(path):
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
