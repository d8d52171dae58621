"""Predictions for any number of inputs: streamed, written in shards, and continued after an interruption."""

import csv
import io
import json
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rnn_apps.disk import replace_file, sha256_of
from rnn_apps.errors import UserError, shown
from rnn_apps.runs.batch_inputs import BatchInputs

FORMATS = ("jsonl", "csv")
SHARD_SIZE = 10_000
PREFIX = "predicted_"  # of an answer's name that is also the name of an input's column
NOTE = "note"  # CSV column for entries that only some answers have
_BATCH = 256  # inputs of similar length that are predicted together


class BatchResult(NamedTuple):
    """The result of a batch prediction.

    Args:
        answered: number of inputs with an answer.
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


def predict_files(predictor, identity, patterns, out, console, column, format, shard_size, options):
    """Predict all inputs of files; see `rnn_apps.runs.Run.predict_files`.

    Args:
        predictor: `Predictor`.
        identity: what identifies the network, a JSON value.
        patterns, out, column, format, shard_size: as of `Run.predict_files`.
        console: as in `run`.
        options: options of `Predictor.predict`.

    Returns:
        `BatchResult`.
    """
    inputs = BatchInputs(patterns, predictor, column)
    format = format or ("csv" if inputs.are_csv else "jsonl")
    settings = {
        "network": identity,
        "inputs": inputs.facts(),
        "column": column,
        "format": format,
        "shard_size": shard_size,
        "options": options,
    }
    columns, total = inputs.column_names(), sum(1 for _ in inputs)
    if not total:
        raise UserError("inputs", received="no record", expected="at least one", fix="Check the files.")
    progress = _Progress(Path(f"{out}.json"), settings)
    resumed, count = len(progress.shards), -(-total // shard_size)
    if resumed:
        console.log(f"{resumed} of {count} shards were written before")
    console.step(0, total, {})
    done = 0
    for number, chunk in enumerate(_batched(inputs, shard_size)):
        done += len(chunk)
        if number >= resumed:
            answered, rejected = _predict(predictor, chunk, options)
            rows, rejected = _merge(answered, rejected, columns, format, progress)
            name = f"{number:05d}-of-{count:05d}.{format}"
            progress.write(out, name, _contents(rows, rejected, columns, format, progress), rows, rejected)
        console.step(done, total, {})
    console.close()
    progress.finish()
    return progress.result(resumed)


def _batched(items, size):
    """Yield lists of `size` consecutive items; the last may be shorter."""
    items = iter(items)
    while some := list(islice(items, size)):
        yield some


def _predict(predictor, chunk, options):
    """Return the pairs of inputs and answers, in order, and the pairs of invalid inputs and reasons."""
    answers, reasons = {}, {i: one.problem for i, one in enumerate(chunk) if one.problem}
    order = sorted((i for i in range(len(chunk)) if i not in reasons), key=lambda i: len(chunk[i].raw))
    for some in _batched(order, _BATCH):
        try:
            found = predictor.predict([chunk[i].raw for i in some], **options)
            answers |= dict(zip(some, found, strict=True))
        except UserError:  # an input cannot be read: find out which
            for i in some:
                try:
                    (answers[i],) = predictor.predict([chunk[i].raw], **options)
                except UserError as error:
                    reasons[i] = str(error)
    rows = [(chunk[i], _flat(answers[i], chunk[i].raw)) for i in sorted(answers)]
    return rows, [(chunk[i], reasons[i]) for i in sorted(reasons)]


def _flat(answer, raw):
    """An answer with one entry per class in place of a dict, and without the input itself."""
    flat = {}
    for name, value in answer.items():
        if isinstance(value, dict):
            prefix = "probability_" if name == "probabilities" else f"{name}."
            flat |= {f"{prefix}{key}": inner for key, inner in value.items()}
        elif not (isinstance(value, str) and value == raw):
            flat[name] = value
    return flat


def _merge(answered, rejected, columns, format, progress):
    """Return a dict per row of output, and the invalid inputs, now with those that cannot be written."""
    if progress.answers is None and answered:
        first = answered[0][1]
        progress.answers = [name for name in first if all(name in answer for _, answer in answered)]
    known, rows, rejected = set(columns), [], list(rejected)
    for one, answer in answered:
        unexpected = [name for name in one.columns if name not in known]
        clash = next((name for name in unexpected if format == "csv" or name in answer), None)
        if clash is None:
            rows.append({**one.columns, **{_renamed(name, known): value for name, value in answer.items()}})
        else:
            rejected.append((one, f"the key {shown(clash)} is not among those of the first record"))
    return rows, rejected


def _renamed(name, known):
    return PREFIX + name if name in known else name


def _contents(rows, rejected, columns, format, progress):
    """Return the bytes of the answers and, if there are any, of the invalid inputs with their reasons."""
    failed = [{"location": one.location, "reason": reason, "input": one.columns} for one, reason in rejected]
    if format == "jsonl":
        contents = {"answers": _json_lines(rows), "invalid": _json_lines(failed)}
    else:
        names = [_renamed(name, set(columns)) for name in progress.answers or ()]
        contents = {"answers": _csv([*columns, *names], rows)}
        contents["invalid"] = _csv(["location", "reason", "input"], failed)
    return contents if rejected else {"answers": contents["answers"]}


def _json_lines(rows):
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return "".join(lines).encode("utf-8", "replace")


def _csv(header, rows):
    """CSV with these columns; other entries of a row are written to one more column."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*header, NOTE])
    for row in rows:
        others = "; ".join(f"{name}: {value}" for name, value in row.items() if name not in header)
        writer.writerow([*(_cell(row.get(name)) for name in header), others])
    return file.getvalue().encode("utf-8", "replace")


def _cell(value):
    if isinstance(value, (list, dict, bool)):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


class _Progress:
    """The file next to the shards that says which of them are complete.

    Args:
        path: of the file.
        settings: what the prediction depends on.

    Raises:
        UserError: if the file belongs to another prediction, or a shard has changed.
    """

    def __init__(self, path, settings):
        self._path, self._settings = path, json.loads(json.dumps(settings))
        self.shards, self.answers, self.is_complete = [], None, False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = f"{path.parent} cannot be made: {error.strerror}"
            raise UserError(problem=problem, fix="Name another prefix.", option="out") from error
        if path.exists():
            self._read()

    def _read(self):
        fix = "Name another prefix, or remove its files yourself."
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            before, self.shards, self.answers = (found[key] for key in ("settings", "shards", "answers"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                problem=f"{self._path} is not of a batch prediction", fix=fix, option="out"
            ) from error
        changed = next((key for key in self._settings if before.get(key) != self._settings[key]), None)
        if changed is not None:
            received, expected = shown(self._settings[changed]), shown(before.get(changed))
            where = f"{self._path}, {changed}"
            raise UserError(where, "of another prediction", received=received, expected=expected, fix=fix)
        for shard in self.shards:
            for name, digest in shard["files"].items():
                file = self._path.parent / name
                if not file.is_file() or sha256_of(file) != digest:
                    raise UserError(str(file), "is missing or has changed", fix=fix)

    def write(self, out, name, contents, rows, rejected):
        """Write the files of a shard, and note that it is complete."""
        files, names = {}, {}
        for kind, content in contents.items():
            path = Path(f"{out}-{name}" if kind == "answers" else f"{out}-{kind}-{name}")
            replace_file(path, content)
            names[kind], files[path.name] = path.name, sha256_of(path)
        self.shards.append({"answered": len(rows), "invalid": len(rejected), "names": names, "files": files})
        self._write()

    def finish(self):
        """Note that all shards are complete."""
        self.is_complete = True
        self._write()

    def _write(self):
        content = {
            "complete": self.is_complete,
            "answered": sum(shard["answered"] for shard in self.shards),
            "invalid": sum(shard["invalid"] for shard in self.shards),
            "answers": self.answers,
            "settings": self._settings,
            "shards": self.shards,
        }
        replace_file(self._path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())

    def result(self, resumed):
        """Return the `BatchResult`."""
        folder = self._path.parent

        def paths(kind):
            return [folder / shard["names"][kind] for shard in self.shards if kind in shard["names"]]

        answered, invalid = (sum(shard[key] for shard in self.shards) for key in ("answered", "invalid"))
        return BatchResult(answered, invalid, paths("answers"), paths("invalid"), resumed)
