"""Reads the files of a finished run for the report."""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rnn_apps.errors import RnnAppsError, message
from rnn_apps.reporting.labels import step_records
from rnn_apps.reporting.predictions import PredictionSummary, summarise

History = dict[str, list[float]]


class Run(NamedTuple):
    """The content of a run folder.

    Attributes:
        name: name of the recipe, or of the folder.
        metrics: content of metrics.json.
        history: column to one number per epoch, NaN where missing; empty without a history.
        recipe: text of the resolved recipe; empty without one.
        predictions: counts and chosen examples of a classification, also of single steps.
        texts: records of a text generation task, else empty.
        sequences: records of a sequence labelling task, else empty.
        forecasts: records of a forecasting task, else empty.
        views: content of views.json; empty without one.
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
    """Read the files of a run folder; all but metrics.json may be missing.

    Raises:
        RnnAppsError: a required file is missing or damaged.
    """
    path = folder / "metrics.json"
    if not path.is_file():
        raise RnnAppsError(message(str(path), "missing", expected="the folder of a finished run"))
    metrics = _parse_object(_read_text(path), str(path))
    records = _read_json_lines(folder / "predictions.jsonl")
    texts, sequences, forecasts = (
        list(records) if metrics.get("record_kind") == kind else []
        for kind in ("texts", "step_classes", "forecasts")
    )
    names = [str(name) for name in metrics.get("class_names") or []]
    views = folder / "views.json"
    return Run(
        name=str(metrics.get("recipe") or folder.resolve().name),
        metrics=metrics,
        history=_read_history(folder / "history.csv"),
        recipe=_read_text(folder / "recipe.yaml"),
        texts=texts,
        sequences=sequences,
        forecasts=forecasts,
        views=_parse_object(_read_text(views), str(views)) if views.is_file() else {},
        predictions=summarise(step_records(sequences) if sequences else records, names),
    )


def _parse_object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise RnnAppsError(message(where, f"damaged ({error})", expected="a JSON object")) from error
    if not isinstance(value, dict):
        raise RnnAppsError(message(where, received=type(value).__name__, expected="a JSON object"))
    return value


def _read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _parse_object(line, f"{path}:{number}")


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _read_history(path: Path) -> History:
    rows = list(csv.DictReader(_read_text(path).splitlines()))
    return {name: [_parse_number(row[name]) for row in rows] for name in rows[0]} if rows else {}


def _parse_number(text: str | None) -> float:
    try:
        value = float(text or "nan")
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
