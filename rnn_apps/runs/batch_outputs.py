"""The files of batch prediction: shards of answers and of invalid inputs, and the progress next to them."""

import csv
import glob
import io
import json
from pathlib import Path
from typing import NamedTuple

from rnn_apps.disk import has_digest, replace_file, sha256_of
from rnn_apps.errors import UserError, printable, shown

FORMATS = ("jsonl", "csv")
PREFIX = "predicted_"  # of an answer's name that is also the name of an input's column
NOTE = "note"  # CSV column for entries that only some answers have
_MAX_PROGRESS = 2**28  # bytes
_FIX = "Name another prefix, or remove its files yourself."


class BatchResult(NamedTuple):
    """The result of a batch prediction.

    Args:
        answered: number of answers, one per input; a table of several streams has one for each.
        invalid: number of inputs without one.
        shards: paths of the files with answers.
        invalid_shards: paths of the files with the invalid inputs and the reasons.
        resumed: number of shards that an interrupted prediction had written before.
    """

    answered: int
    invalid: int
    shards: list
    invalid_shards: list
    resumed: int


class Names:
    """The names of the columns of the output: those of the inputs, and free names for the answers.

    Args:
        columns: names of the inputs' columns.
        answers: names of the entries that all answers have; None to take them from the first shard.
        format: one of `FORMATS`.

    Attributes:
        answers: as above, once they are known.
    """

    def __init__(self, columns, answers, format):
        self._columns, self.answers, self._format = columns, answers, format
        self._known = set(columns)

    def _renamed(self, name):
        while name in self._known:
            name = PREFIX + name
        return name

    def contents(self, answered, rejected):
        """Return the bytes of the files of a shard, and the numbers of answers and of invalid inputs.

        Inputs whose keys the output cannot hold are moved to the invalid ones.

        Args:
            answered: list of pairs of a `BatchInput` and the entries of its answer.
            rejected: list of pairs of a `BatchInput` and a reason.
        """
        if self.answers is None and answered:
            first = answered[0][1]
            self.answers = [name for name in first if all(name in a for _, a in answered)]
        rows, rejected = [], list(rejected)
        for one, answer in answered:
            renamed = {self._renamed(name): value for name, value in answer.items()}
            unexpected = [name for name in one.columns if name not in self._known]
            clash = next((name for name in unexpected if self._format == "csv" or name in renamed), None)
            if clash is None:
                rows.append({**one.columns, **renamed})
            else:
                rejected.append((one, f"the key {shown(clash)} is not among those of the first record"))
        failed = [{"location": one.location, "reason": why, "input": one.columns} for one, why in rejected]
        contents = {"answers": self._encode([*self._columns, *self._answers()], rows)}
        if failed:
            contents["invalid"] = self._encode(["location", "reason", "input"], failed)
        return contents, (len(rows), len(failed))

    def _answers(self):
        return map(self._renamed, self.answers or ())

    def _encode(self, header, rows):
        """JSON lines, or CSV with these columns; other entries of a row are written to one more column."""
        if self._format == "jsonl":
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            return "".join(lines).encode("utf-8", "replace")
        file = io.StringIO(newline="")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header, self._renamed(NOTE)])
        for row in rows:
            others = "; ".join(f"{name}: {value}" for name, value in row.items() if name not in header)
            writer.writerow([*(_cell(row.get(name)) for name in header), others])
        return file.getvalue().encode("utf-8", "replace")


def _cell(value):
    if isinstance(value, (list, dict, bool)):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


class Progress:
    """The file next to the shards that says which of them are complete.

    Args:
        out: prefix of the files.
        settings: what the prediction depends on.

    Attributes:
        shards: list of dicts that describe the complete shards.
        answers: names of the entries that all answers have, from the first shard with answers; else None.

    Raises:
        UserError: if the file belongs to another prediction or is damaged, or a shard has changed.
    """

    def __init__(self, out, settings):
        self._out, self._path = Path(out), Path(f"{out}.json")
        self._settings = json.loads(json.dumps(settings))
        self.shards, self.answers, self._is_complete = [], None, False
        if self._path.exists():
            self._read()
            return
        left = next(self._out.parent.glob(f"{glob.escape(self._out.name)}-*-of-*"), None)
        if left is not None:
            problem = f"there are files with the prefix {out}, such as {left.name}, but no {self._path.name}"
            raise UserError(problem=problem, fix=_FIX, option="out")

    def _read(self):
        try:
            if self._path.stat().st_size > _MAX_PROGRESS:
                raise ValueError("too large")
            found = json.loads(self._path.read_text(encoding="utf-8"))
            before, self.shards, self.answers = found["settings"], found["shards"], found["answers"]
            _check_shards(before, self.shards, self.answers)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            problem = f"{self._path} is not of a batch prediction"
            raise UserError(problem=problem, fix=_FIX, option="out") from error
        changed = next((key for key in self._settings if before.get(key) != self._settings[key]), None)
        if changed is not None:
            received, expected = shown(self._settings[changed]), shown(before.get(changed))
            if changed == "inputs":
                received, expected = _first_difference(self._settings[changed], before.get(changed))
            where = f"{self._path}, {changed}"
            raise UserError(where, "of another prediction", received=received, expected=expected, fix=_FIX)
        for shard in self.shards:
            for name, digest in shard["files"].items():
                file = self._path.parent / name
                if not has_digest(file, digest):
                    fix = f"Restore it; or move all files of the prefix {self._out} away, and predict again."
                    raise UserError(str(file), "is missing or has changed", fix=fix)

    def add(self, shard, answers):
        """Note that the next shard is complete.

        Args:
            shard: what `ShardFiles.write` returned.
            answers: names of the entries that all answers have, if they are known.
        """
        self.shards.append(shard)
        self.answers = answers
        self._save()

    def finish(self):
        """Note that all shards are complete."""
        self._is_complete = True
        self._save()

    def _save(self):
        content = {
            "complete": self._is_complete,
            "answered": sum(shard["answered"] for shard in self.shards),
            "invalid": sum(shard["invalid"] for shard in self.shards),
            "answers": self.answers,
            "settings": self._settings,
            "shards": self.shards,
        }
        replace_file(self._path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())

    def result(self, resumed):
        """Return the `BatchResult`."""

        def paths(kind):
            return [
                self._path.parent / shard["names"][kind] for shard in self.shards if kind in shard["names"]
            ]

        answered, invalid = (sum(shard[key] for shard in self.shards) for key in ("answered", "invalid"))
        return BatchResult(answered, invalid, paths("answers"), paths("invalid"), resumed)


class ShardFiles(NamedTuple):
    """The files of the shards of a batch prediction, which several processes may write.

    Args:
        out: prefix of the files.
        num_shards: number of shards.
        format: one of `FORMATS`.
    """

    out: str
    num_shards: int
    format: str

    def write(self, number, contents, counts):
        """Write the files of a shard.

        Args:
            number: number of the shard.
            contents: dict with the bytes of "answers" and, if there are any, of "invalid" inputs.
            counts: numbers of answers and of invalid inputs.

        Returns:
            A dict that describes the shard.
        """
        files, names, (answered, invalid), out = {}, {}, counts, Path(self.out)
        for kind, content in contents.items():
            middle = "" if kind == "answers" else f"{kind}-"
            end = f"{number:05d}-of-{self.num_shards:05d}.{self.format}"
            path = out.with_name(f"{out.name}-{middle}{end}")
            replace_file(path, content)
            names[kind], files[path.name] = path.name, sha256_of(path)
        return {"answered": answered, "invalid": invalid, "names": names, "files": files}

    def _note(self, number):
        out = Path(self.out)
        return out.with_name(f".{out.name}-{number:05d}.json")

    def leave(self, number, shard):
        """Leave a note that describes a shard, for the process that knows all of them."""
        replace_file(self._note(number), json.dumps(shard).encode())

    def has_note(self, number):
        """Return whether a note on a shard was left."""
        return self._note(number).is_file()

    def num_notes(self):
        """Return the number of shards with a note."""
        return sum(map(self.has_note, range(self.num_shards)))

    def take(self, number):
        """Return the description of a shard that was left, and remove the note.

        None if there is no note, or its shard is not complete.
        """
        path = self._note(number)
        if not path.is_file():
            return None
        try:
            shard = json.loads(path.read_text(encoding="utf-8"))
            _check_shards({}, [shard], None)
            is_complete = all(has_digest(path.parent / name, one) for name, one in shard["files"].items())
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            is_complete = False
        path.unlink()
        return shard if is_complete else None


def _first_difference(now, before):
    """Describe the first input file that differs: (received, expected)."""
    if not (isinstance(before, list) and all(isinstance(one, list) and len(one) == 3 for one in before)):
        return "other files", "those of the first time"
    own, others = ({path: facts for path, *facts in files} for files in (now, before))
    for path in sorted(own.keys() | others.keys()):
        if path not in own or path not in others:
            here, there = ("no such file" if path not in files else "a file" for files in (own, others))
            return f"{printable(path)}: {here}", there
        if own[path] != others[path]:
            return f"{printable(path)}, which has changed", "as it was"
    return "another order of files", "that of the first time"


def _check_shards(settings, shards, answers):
    """Raise ValueError if the content of a progress file does not have the right types."""
    is_valid = isinstance(settings, dict) and isinstance(shards, list)
    is_valid &= answers is None or (
        isinstance(answers, list) and all(isinstance(one, str) for one in answers)
    )
    for shard in shards if is_valid else ():
        texts = [*shard["names"].items(), *shard["files"].items()]
        is_valid &= all(isinstance(text, str) for pair in texts for text in pair)
        is_valid &= all(isinstance(shard[key], int) for key in ("answered", "invalid"))
        is_valid &= set(shard["names"].values()) == set(shard["files"])
        is_valid &= all(Path(name).name == name for name in shard["files"])
    if not is_valid:
        raise ValueError("types")
