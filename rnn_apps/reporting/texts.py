"""Summarizes generated texts for the report: chosen examples and their attention."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from rnn_apps.reporting import plots
from rnn_apps.reporting.pages import Plot, data_uri
from rnn_apps.reporting.selection import SCORES, choose_texts, metric_of
from rnn_apps.reporting.views import attention_figure, frame_attention_figure, image_attention_figure

Record = Mapping[str, Any]
ATTENTION_PREFIX = "attention_"  # of the names of plots
MAX_TOKENS, MAX_POSITIONS = 24, 24
MAX_ATTENTION_PLOTS = 2


class Attention(NamedTuple):
    """The attention of one example.

    Attributes:
        tokens: the generated tokens.
        weights: (tokens, positions).
        positions: source words, or numbers of frames; empty for the regions of an image.
        grid: (rows, columns) of the regions of an image, else None.
    """

    tokens: list[str]
    weights: np.ndarray
    positions: list[str]
    grid: tuple[int, int] | None

    @property
    def shares(self) -> list[tuple[str, list[float]]]:
        """Each token and its weights as shares of the largest."""
        largest = self.weights.max(axis=1, keepdims=True)
        shares = self.weights / np.where(largest > 0, largest, 1)
        return list(zip(self.tokens, shares.round(3).tolist()))


def summarise_texts(records: Sequence[Record], folder: Path) -> tuple[dict[str, Any], dict[str, Plot]]:
    """Return the values of the template `texts.html`, and the plots by name.

    Args:
        records: lines of predictions.jsonl, with ``prediction`` and ``references``.
        folder: the run folder, from which images are read.
    """
    lengths = [len(record["prediction"].split()) for record in records]
    reference_lengths = [len(text.split()) for record in records for text in record["references"]]
    mean_length, mean_reference_length = (
        sum(counts) / max(1, len(counts)) for counts in (lengths, reference_lengths)
    )
    groups = choose_texts(records)
    summary = {
        "total": len(records),
        "distinct": len({record["prediction"] for record in records}),
        "mean_length": mean_length,
        "mean_reference_length": mean_reference_length,
        "groups": [
            (title, rule, [_example(number, records[number], folder) for number in numbers])
            for title, rule, numbers in groups
        ],
    }
    means = f"{mean_length:.1f} words on average, references {mean_reference_length:.1f}"
    figure = plots.length_figure(lengths, reference_lengths)
    figures: dict[str, Plot] = {"lengths": (figure, "Words per text", means)}
    if metric := metric_of(records[0]):
        values = [record[metric] for record in records]
        median = f"half of them above {sorted(values)[len(values) // 2]:.2f}"
        figure = plots.score_figure(values, SCORES[metric])
        figures["scores"] = (figure, f"{SCORES[metric]} of single texts", median)
    chosen = [number for *_, numbers in groups for number in numbers]
    return summary, figures | _attention_plots(records, chosen, folder)


def _attention_plots(records: Sequence[Record], chosen: Sequence[int], folder: Path) -> dict[str, Plot]:
    """Return the attention of the first examples as plots; the page shows the same as tables."""
    figures: dict[str, Plot] = {}
    for number in chosen:
        paths = _images(records[number], folder)
        attention = _attention(records[number], len(paths))
        if attention is None or len(figures) == MAX_ATTENTION_PLOTS:
            continue
        tokens, weights = attention.tokens, attention.weights
        images = [np.asarray(Image.open(path)) for path in paths[:MAX_POSITIONS]]
        if attention.grid:
            figure = image_attention_figure(weights, tokens, images[0], attention.grid)
        elif images:
            figure = frame_attention_figure(weights, tokens, images)
        else:
            figure = attention_figure(weights, tokens, attention.positions)
        caption = f"Attention, test example {number + 1}"
        figures[f"{ATTENTION_PREFIX}{number + 1}"] = (figure, caption, " ".join(tokens))
    return figures


def _example(number: int, record: Record, folder: Path) -> dict[str, Any]:
    """Return a record with its number, score (name and value), images (data URIs) and `Attention`."""
    paths, metric = _images(record, folder), metric_of(record)
    return {
        **record,
        "number": number + 1,
        "score": (SCORES[metric], record[metric]) if metric else None,
        "images": [data_uri("jpeg", path.read_bytes()) for path in paths],
        "attention": _attention(record, len(paths)),
    }


def _images(record: Record, folder: Path) -> list[Path]:
    """Return the paths of the input images that still exist."""
    return [path for name in record.get("pictures") or [] if (path := folder / name).is_file()]


def _attention(record: Record, num_images: int) -> Attention | None:
    """Return the attention over the regions of an image, over frames, or over source words.

    None if the record has no attention, or the images to which it belongs no longer exist.
    """
    attention = record.get("attention") or {}
    tokens, rows = attention.get("tokens") or [], attention.get("weights") or []
    if not tokens or not rows or not rows[0]:
        return None
    tokens, weights = tokens[:MAX_TOKENS], np.array(rows[:MAX_TOKENS], float)
    grid = attention.get("grid") or (1, 1)
    num_regions = math.prod(grid)
    if num_images == 1 and weights.shape[1] == num_regions > 1:
        return Attention(tokens, weights, [], tuple(grid))
    if num_images:  # sum over the regions of each frame; the rest is padding
        regions = np.arange(num_images)[:, None] * num_regions + np.arange(num_regions)
        weights = weights[:, regions].sum(axis=-1)
    sources = attention.get("sources") or [str(i + 1) for i in range(num_images)]
    positions = [str(name) for name in sources][:MAX_POSITIONS]
    return Attention(tokens, weights[:, : len(positions)], positions, None) if positions else None
