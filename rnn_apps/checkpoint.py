"""Checkpoints that are whole or not there: written beside their place, made durable, then renamed."""

import json
import logging
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from rnn_apps.disk import sha256_of, to_disk
from rnn_apps.errors import RnnAppsError, UserError

__all__ = ["Checkpoint", "Checkpoints"]

KEPT = 2
STATE, BEST, FACTS, MANIFEST = "state.npz", "best.npz", "facts.json", "manifest.json"
_NAME, _WRITING, _DAMAGED = "step-", ".writing-", "damaged-"
_log = logging.getLogger(__name__)


class _Damaged(RnnAppsError):
    """A checkpoint is not what was written."""


class Checkpoint(NamedTuple):
    """What a training was at one step.

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
    """The newest checkpoints of one run, each a folder of its own; one process at a time.

    A folder appears under its name only when all of it is on the disk, with the sha256 of every file. The one
    before the newest is kept, so that there is always a whole one, even where the disk spoils the newest.

    Args:
        folder: path; it is made where it is not there.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self._written_best = ({}, None)  # arrays, and the file that holds them

    @contextmanager
    def locked(self):
        """Within this context the folder is ours; a lock whose process is dead does not count.

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
                shutil.rmtree(left)
            yield self
        finally:
            lock.release()

    def save(self, checkpoint):
        """Write a `Checkpoint`; `best` is linked, not written again, while it is the same object as before.

        Raises:
            UserError: it cannot be written; what was there before is intact.
        """
        place = self.folder / f"{_NAME}{checkpoint.step:010d}"
        beside = self.folder / f"{_WRITING}{os.getpid()}-{place.name}"
        try:
            beside.mkdir()
            self._write(beside, checkpoint)
            self._put(beside, place)
        except OSError as error:
            problem = f"the checkpoint of step {checkpoint.step} cannot be written: {error.strerror or error}"
            fix = "What was saved before is intact: mend this, then go on with --resume."
            raise UserError(str(self.folder), problem, fix=fix) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        self._written_best = (checkpoint.best, place / BEST)
        self.keep_newest(KEPT)

    def keep_newest(self, count=1):
        """Remove all but so many: one is enough for a run that is complete."""
        for old in self._paths()[:-count]:
            shutil.rmtree(old, ignore_errors=True)

    def _write(self, folder, checkpoint):
        np.savez(folder / STATE, **checkpoint.state)
        arrays, file = self._written_best
        if arrays is not checkpoint.best or not _linked(file, folder / BEST):
            np.savez(folder / BEST, **checkpoint.best)
        (folder / FACTS).write_text(json.dumps(checkpoint.facts), encoding="utf-8")
        digests = {name: sha256_of(folder / name) for name in (STATE, BEST, FACTS)}
        for name in digests:
            to_disk(folder / name)
        manifest = {"step": checkpoint.step, "sha256": digests}
        (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        to_disk(folder / MANIFEST)
        to_disk(folder)

    def _put(self, beside, place):
        if place.exists():  # the same step once more, by a resumed run: no rename replaces a folder
            old = place.with_name(f"{_WRITING}{os.getpid()}-old")
            os.replace(place, old)
            os.replace(beside, place)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(beside, place)
        to_disk(self.folder)

    def newest(self):
        """Return the newest whole `Checkpoint`, or None where none was ever written.

        A damaged one is set aside with a warning, and the one before it is taken.

        Raises:
            UserError: all are damaged, or the folder cannot be read.
        """
        damaged = []
        for path in reversed(self._paths()):
            try:
                checkpoint = _read(path)
            except _Damaged as error:
                damaged.append(path)
                _log.warning("%s is damaged (%s); set aside", path, error)
                self._set_aside(path)
                continue
            self._written_best = (checkpoint.best, path / BEST)
            return checkpoint
        if damaged:
            fix = "Run the recipe anew, in another folder."
            raise UserError(str(self.folder), f"no checkpoint is whole, {len(damaged)} are damaged", fix=fix)
        return None

    def _set_aside(self, path):
        target = path.with_name(f"{_DAMAGED}{path.name}")
        shutil.rmtree(target, ignore_errors=True)
        os.replace(path, target)

    def _paths(self):
        """Folders of checkpoints, the newest last."""
        return sorted(self.folder.glob(f"{_NAME}*"))


def _read(path):
    """The checkpoint in a folder; _Damaged where it is not what was written."""
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        for name in (STATE, BEST, FACTS):
            if sha256_of(path / name) != manifest["sha256"][name]:
                raise _Damaged(f"{name} has changed")
        facts = json.loads((path / FACTS).read_text(encoding="utf-8"))
        return Checkpoint(manifest["step"], facts, _arrays(path / STATE), _arrays(path / BEST))
    except FileNotFoundError as error:
        raise _Damaged(f"{Path(error.filename).name} is missing") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _Damaged(f"{MANIFEST} cannot be read") from error


def _arrays(path):
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _linked(source, target):
    """Whether a second name was given to a file; not every file system has them."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True
