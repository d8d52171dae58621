"""The files of a finished run, as the report needs them."""

import csv
import json
import math
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from rnn_apps.errors import RnnAppsError, message
from rnn_apps.reporting.labels import by_step
from rnn_apps.reporting.predictions import PredictionSummary, summarise

History = dict[str, list[float]]


class Run(NamedTuple):
    """What a run folder holds.

    Attributes:
        name: name of the recipe, or of the folder.
        metrics: the content of metrics.json.
        history: column -> one number an epoch, NaN where there is none; empty without a history.
        recipe: text of the resolved recipe; empty without one.
        predictions: counts and chosen examples of a classification, of every step where steps are labelled.
        texts: records of what was written, where the task writes; else empty.
        sequences: records of sequences whose steps are labelled; else empty.
        forecasts: records of what was forecast, where the task forecasts; else empty.
        views: what was measured of the inside of the network; empty without it.
    """

    name: str
    metrics: dict[str, Any]
    history: History
    recipe: str
    predictions: PredictionSummary
    texts: list[dict[str, Any]]
    sequences: list[dict[str, Any]]
    forecasts: list[dict[str, Any]]
    views: dict[str, Any]


def read_run(folder: Path) -> Run:
    """Returns what the files of `folder` say; all but metrics.json may be missing.

    Raises:
        RnnAppsError: a file that is needed is missing or damaged.
    """
    metrics = _metrics(folder / "metrics.json")
    records = _json_lines(folder / "predictions.jsonl")
    first = list(islice(records, 1))
    kinds = ("references", "tokens", "horizon")
    kind = next((key for key in kinds if first and key in first[0]), None)
    records = chain(first, records)
    texts, sequences, forecasts = (list(records) if kind == key else [] for key in kinds)
    names = [str(name) for name in metrics.get("class_names") or []]
    return Run(
        name=str(metrics.get("recipe") or folder.resolve().name),
        metrics=metrics,
        history=_history(folder / "history.csv"),
        recipe=_text(folder / "recipe.yaml"),
        texts=texts,
        sequences=sequences,
        forecasts=forecasts,
        views=_views(folder / "views.json"),
        predictions=summarise(by_step(sequences) if sequences else records, names),
    )


def _metrics(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RnnAppsError(message(str(path), "missing", expected="the folder of a finished run"))
    return _json_object(path.read_text(encoding="utf-8"), str(path))


def _views(path: Path) -> dict[str, Any]:
    return _json_object(_text(path), str(path)) if path.is_file() else {}


def _json_object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise RnnAppsError(message(where, f"damaged ({error})", expected="a JSON object")) from error
    if not isinstance(value, dict):
        raise RnnAppsError(message(where, received=type(value).__name__, expected="a JSON object"))
    return value


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _json_object(line, f"{path}:{number}")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _history(path: Path) -> History:
    rows = list(csv.DictReader(_text(path).splitlines()))
    return {name: [_number(row[name]) for row in rows] for name in rows[0]} if rows else {}


def _number(text: str | None) -> float:
    try:
        value = float(text or "nan")
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
