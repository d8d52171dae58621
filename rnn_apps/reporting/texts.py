"""What the report shows of texts that a network wrote: chosen examples, and where it looked."""

import base64
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from rnn_apps.reporting import plots
from rnn_apps.reporting.selection import SCORES, choose_texts, metric_of
from rnn_apps.reporting.views import attention_figure, frame_attention_figure, image_attention_figure

Record = Mapping[str, Any]
ATTENTION = "attention_"  # with which the names of its figures begin
MOST_TOKENS = 24
MOST_FIGURES = 2  # of attention, as files
MOST_SOURCES = 24


class Look(NamedTuple):
    """Where the network looked as it wrote one token.

    Attributes:
        token: as it is written.
        shares: a number from 0 to 1 a place, 1 where it looked most.
    """

    token: str
    shares: list[float]


class Text(NamedTuple):
    """One example.

    Attributes:
        number: its line in the predictions.
        name: of the input.
        source: the text that was given, or None.
        prediction: what was written.
        references: what was to be written.
        score: name and value, or None.
        pictures: data URIs of the images that were given.
        looks: one a token; empty without attention.
        cells: of a picture's attention: (x, y, width, height) a place, from 0 to 100; empty for other inputs.
        places: what each share is of: source words, or frames by number; empty for pictures.
    """

    number: int
    name: str
    source: str | None
    prediction: str
    references: list[str]
    score: tuple[str, float] | None
    pictures: list[str]
    looks: list[Look]
    cells: list[tuple[float, float, float, float]]
    places: list[str]


class TextSummary(NamedTuple):
    """All that is shown of the texts of a run.

    Attributes:
        total: texts.
        distinct: how many differ.
        mean_length, mean_reference_length: in words.
        groups: title, rule and examples.
    """

    total: int
    distinct: int
    mean_length: float
    mean_reference_length: float
    groups: list[tuple[str, str, list[Text]]]


def summarise_texts(records: Sequence[Record], folder: Path) -> tuple[TextSummary, dict]:
    """Returns what is shown, and name to (figure, caption, description).

    Args:
        records: of predictions.jsonl, with ``prediction`` and ``references``.
        folder: of the run; pictures are read from it.
    """
    lengths = [len(record["prediction"].split()) for record in records]
    wanted = [len(text.split()) for record in records for text in record["references"]]
    groups = choose_texts(records)
    summary = TextSummary(
        total=len(records),
        distinct=len({record["prediction"] for record in records}),
        mean_length=sum(lengths) / max(1, len(lengths)),
        mean_reference_length=sum(wanted) / max(1, len(wanted)),
        groups=[
            (title, rule, [_text(number, records[number], folder) for number in numbers])
            for title, rule, numbers in groups
        ],
    )
    chosen = [number for *_, numbers in groups for number in numbers]
    return summary, _figures(records, lengths, wanted) | _attention(records, chosen, folder)


def _figures(records: Sequence[Record], lengths: list[int], wanted: list[int]) -> dict:
    if not records:
        return {}
    described = (
        f"{sum(lengths) / len(lengths):.1f} words on average, references {sum(wanted) / len(wanted):.1f}"
    )
    figures: dict[str, tuple[Figure, str, str]] = {
        "lengths": (plots.length_figure(lengths, wanted), "Words of a text", described)
    }
    metric = metric_of(records[0])
    if metric:
        values = [record[metric] for record in records]
        middle = sorted(values)[len(values) // 2]
        figures["scores"] = (
            plots.score_figure(values, SCORES[metric]),
            f"{SCORES[metric]} of single texts",
            f"half of them above {middle:.2f}",
        )
    return figures


def _attention(records: Sequence[Record], chosen: Sequence[int], folder: Path) -> dict:
    """Figures of where the network looked, of the first examples; the page shows the same as a table."""
    figures = {}
    for number in [n for n in chosen if (records[n].get("attention") or {}).get("tokens")][:MOST_FIGURES]:
        record = records[number]
        looked = record["attention"]
        tokens, weights = looked["tokens"][:MOST_TOKENS], np.array(looked["weights"][:MOST_TOKENS])
        images = [
            np.asarray(Image.open(p)) for n in record.get("pictures") or [] if (p := folder / n).is_file()
        ]
        grid = tuple(looked.get("grid") or (1, 1))
        if _is_map(weights, grid, len(images)):
            figure = image_attention_figure(weights, tokens, images[0], grid)
        elif images:
            by_window = np.array([_by_frame(row, len(images), math.prod(grid)) for row in weights])
            figure = frame_attention_figure(by_window, tokens, images)
        elif places := _places(looked, 0):
            figure = attention_figure(weights[:, : len(places)], tokens, places)
        else:  # its pictures are gone
            continue
        name = f"{ATTENTION}{number + 1}"
        figures[name] = (figure, f"Attention, test example {number + 1}", " ".join(tokens))
    return figures


def _text(number: int, record: Record, folder: Path) -> Text:
    attention = record.get("attention") or {}
    rows = attention.get("weights") or []
    pictures = [uri for name in record.get("pictures") or [] if (uri := _data_uri(folder / name))]
    grid = attention.get("grid") or [1, 1]
    as_map = _is_map(rows, grid, len(pictures))
    if not as_map:
        rows = [_by_frame(row, len(pictures), math.prod(grid)) for row in rows] if pictures else rows
    metric = metric_of(record)
    return Text(
        number=number + 1,
        name=str(record.get("input", "")),
        source=record.get("source"),
        prediction=record["prediction"],
        references=list(record["references"]),
        score=(SCORES[metric], record[metric]) if metric else None,
        pictures=pictures,
        looks=[
            Look(token, _shares(row[: None if as_map else MOST_SOURCES]))
            for token, row in zip(attention.get("tokens") or [], rows[:MOST_TOKENS])
        ],
        cells=_cells(*grid) if as_map else [],
        places=[] if as_map else _places(attention, len(pictures)),
    )


def _is_map(rows: Sequence[Sequence[float]], grid: Sequence[int], pictures: int) -> bool:
    """Whether each row of weights is over the regions of one picture."""
    return pictures == 1 and len(rows) > 0 and len(rows[0]) == math.prod(grid) > 1


def _by_frame(row: list[float], frames: int, regions: int) -> list[float]:
    """Sums over the regions of each frame; what is left is padding."""
    return [sum(row[i * regions : (i + 1) * regions]) for i in range(frames)]


def _places(attention: Record, frames: int) -> list[str]:
    sources = attention.get("sources") or [str(i + 1) for i in range(frames)]
    return [str(name) for name in sources][:MOST_SOURCES]


def _shares(row: list[float]) -> list[float]:
    most = max(row, default=0) or 1
    return [round(value / most, 3) for value in row]


def _cells(rows: int, columns: int) -> list[tuple[float, float, float, float]]:
    width, height = 100 / columns, 100 / rows
    return [(column * width, row * height, width, height) for row in range(rows) for column in range(columns)]


def _data_uri(path: Path) -> str | None:
    if not path.is_file():
        return None
    return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
