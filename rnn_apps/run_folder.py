"""Run folders: files are written under temporary names and renamed; the manifest comes last."""

import csv
import io
import itertools
import json
import os
import shutil
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rnn_apps.disk import names_to_disk, sha256_of, to_disk
from rnn_apps.errors import Argument, Call, UserError

MANIFEST = "manifest.json"
PATTERN = "*?[]\\"  # TensorFlow looks for the files of a SavedModel by a pattern
CHECKPOINTS = "checkpoints"
RECORD = f"{CHECKPOINTS}/run.json"  # what a run was begun with
SKELETON = ("logs", CHECKPOINTS)
_BEFORE_IT_BEGINS = {
    "lock",
    Path(RECORD).name,
}  # files in the folder of checkpoints that alone are nothing yet
_UNFINISHED, _OLD = ".rnn-apps-", "-old"  # .rnn-apps-PID.NAME, .rnn-apps-PID-old.NAME


class RunFolder:
    """The files of a run.

    Args:
        path: the folder.
    """

    def __init__(self, path):
        self.path = Path(path)

    def resuming(self, purpose="Resume with"):
        """Return the `Fix` that resumes the run in this folder."""
        return Call(purpose, "run", f"resume={self.path}")

    @classmethod
    def check_free(cls, out):
        """Raise UserError if `out` exists or cannot be created; nothing is written."""
        out = Path(out)
        if out.is_dir() and _holds_something(out):
            fix = ["Name another folder, or remove it yourself."]
            if (out / RECORD).is_file():
                fix += [cls(out).resuming("Or resume the run in it with")]
            raise UserError(problem=f"{out} is there already and not empty", fix=fix, option="out")
        parent = next(p for p in (out.absolute(), *out.absolute().parents) if p.exists())
        if not parent.is_dir():
            problem, fix = f"{parent} is a file", "Name another folder."
            raise UserError(problem=problem, expected="a folder", fix=fix, option="out")
        if not os.access(parent, os.W_OK | os.X_OK):
            problem, fix = f"{parent} cannot be written to", "Name a folder of your own."
            raise UserError(problem=problem, fix=fix, option="out")

    @staticmethod
    def check_plain(out):
        """Raise UserError if TensorFlow could not load a SavedModel from the path `out`."""
        path = str(Path(out).absolute())
        if any(letter in path for letter in PATTERN):
            problem = f"{path} has one of the characters {' '.join(PATTERN)} in it"
            fix = "TensorFlow takes such a path for a pattern; name a folder without them."
            raise UserError(problem=problem, fix=fix, option="out")

    @classmethod
    def free_path(cls, name, out=None):
        """Return where a run may be made: `out` if free, or a new ``runs/<name>/<time>``; writes nothing.

        Raises:
            UserError: `out` is taken or cannot be made.
        """
        if out is None:
            base = Path("runs") / name / datetime.now().strftime("%Y-%m-%d-%H%M%S")
            others = (base.with_name(f"{base.name}-{i}") for i in itertools.count(2))
            out = next(path for path in itertools.chain([base], others) if not path.exists())
        cls.check_plain(out)
        cls.check_free(out)
        return Path(out)

    @classmethod
    def create(cls, out):
        """Create the folder; raises UserError if it exists or cannot be created."""
        cls.check_free(out)
        folder = cls(out)
        try:
            for child in SKELETON:
                (folder.path / child).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem, fix = f"{out} cannot be made: {error.strerror}", "Name another folder."
            raise UserError(problem=problem, fix=fix, option="out") from error
        return folder

    def remove_unfinished(self):
        """Remove files that a killed process was writing, and restore those that it was replacing."""
        for path in sorted(self.path.rglob(f"{_UNFINISHED}*")):
            number, _, name = path.name.removeprefix(_UNFINISHED).partition(".")
            if number.endswith(_OLD) and not path.with_name(name).exists():
                os.replace(path, path.with_name(name))
            else:
                _remove(path)

    @classmethod
    def open(cls, path, needs=("recipe.yaml",)):
        """Open the folder of a run; raises UserError if it is not a run, or a required file is missing."""
        folder = cls(path)
        missing = [name for name in needs if not (folder.path / name).exists()]
        if not folder.path.is_dir():
            raise UserError(str(path), "no such folder", expected="the folder of a run", fix=_recent())
        is_begun = (folder.path / RECORD).is_file() and "recipe.yaml" not in missing
        if missing and is_begun and not folder.is_complete:
            problem = f"{missing[0]} is missing: training has not saved a network yet"
            raise UserError(str(path), problem, fix=folder.resuming("If it was stopped, resume it with"))
        if missing:
            raise UserError(
                str(path), f"{missing[0]} is missing", expected="the folder of a run", fix=_recent()
            )
        return folder

    @property
    def is_complete(self):
        """Whether the run is complete."""
        return (self.path / MANIFEST).is_file()

    def __truediv__(self, name):
        return self.path / name

    @contextmanager
    def writing(self, name):
        """Context manager with a temporary path, which is renamed to `name` at the end.

        If the writing fails, what was there before stays as it was.
        """
        target = self.path / name
        temporary, old = (
            target.with_name(f"{_UNFINISHED}{os.getpid()}{mark}.{target.name}") for mark in ("", _OLD)
        )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            to_disk(temporary)
            if target.is_dir():  # no rename replaces a folder
                os.replace(target, old)
            os.replace(temporary, target)
            names_to_disk(target.parent)
        except OSError as error:
            fix = ["Make room or name another folder."]
            if isinstance(error, PermissionError):
                fix = [Argument("Name a folder of your own with", "out=PATH")]
            elif (self.path / RECORD).is_file():
                fix = ["Make room.", self.resuming("Then resume with")]
            raise UserError(str(target), f"cannot be written: {error.strerror or error}", fix=fix) from error
        finally:
            if old.exists() and not target.exists():
                os.replace(old, target)
            _remove(temporary)
            _remove(old)

    def write_text(self, name, text):
        """Write one text file."""
        with self.writing(name) as path:
            path.write_text(text, encoding="utf-8")

    def write_json(self, name, value):
        """Write one indented JSON file."""
        self.write_text(name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def write_json_lines(self, name, records):
        """Write one JSON object per line."""
        with self.writing(name) as path, open(path, "w", encoding="utf-8") as lines:
            for record in records:
                lines.write(json.dumps(record, ensure_ascii=False) + "\n")

    def write_csv(self, name, rows):
        """Write rows, dicts with equal keys."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.write_text(name, text.getvalue())

    def read_json(self, name):
        """Return the content of a JSON file of the run; raises UserError if it is missing or damaged."""
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            problem = f"cannot be read ({error})"
            raise UserError(
                str(self.path / name), problem, fix="The run is damaged; run it again."
            ) from error

    def write_manifest(self, facts):
        """Write the SHA-256 of every file, with `facts`; this marks the run as complete."""
        self.write_json(MANIFEST, {**facts, "sha256": self._digests(self.path)})

    def renew_manifest(self, name):
        """Update the manifest of a complete run with the files that were written to the folder `name`."""
        if self.is_complete:
            facts = self.read_json(MANIFEST)
            others = {path: d for path, d in facts["sha256"].items() if not path.startswith(f"{name}/")}
            digests = dict(sorted({**others, **self._digests(self.path / name)}.items()))
            self.write_json(MANIFEST, {**facts, "sha256": digests})

    def _digests(self, below):
        manifest = self.path / MANIFEST
        files = sorted(path for path in below.rglob("*") if path.is_file() and path != manifest)
        kept = [path for path in files if path.relative_to(self.path).parts[0] not in SKELETON]
        return {path.relative_to(self.path).as_posix(): sha256_of(path) for path in kept}


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _holds_something(folder):
    """Whether the folder contains more than an empty run."""
    names = [path.name for path in folder.iterdir() if not path.name.startswith(_UNFINISHED)]
    if not {*names} <= {*SKELETON}:
        return True
    files = (path for name in names for path in (folder / name).rglob("*") if path.is_file())
    return any(file.name not in _BEFORE_IT_BEGINS and not file.name.startswith(_UNFINISHED) for file in files)


def _recent():
    """Advice with the newest runs in the working directory."""
    runs = sorted(Path("runs").glob("*/*/recipe.yaml"), key=lambda p: p.stat().st_mtime)[-3:]
    return f"The newest here: {', '.join(str(p.parent) for p in runs)}." if runs else "Run a recipe first."
