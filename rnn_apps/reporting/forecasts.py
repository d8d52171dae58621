"""What the report shows of forecasts: chosen origins beside what came, and errors by steps ahead."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from rnn_apps.reporting import plots
from rnn_apps.reporting.scores import baseline_names
from rnn_apps.reporting.selection import evenly_spaced

Record = Mapping[str, Any]
EVERY_PART = 6  # origins at even distances
WORST = 2
NO_DIFFERENCE = 0.01
PREFIX = "forecast_"


class Forecasts(NamedTuple):
    """All that is shown of the forecasts of a run.

    Attributes:
        total: origins.
        groups: title, rule and names of pictures.
        verdict: whether the network is better than what needs no learning, in words.
        wins: whether it is.
        inside, wanted: part of the truth inside the interval, and the part that it promises.
    """

    total: int
    groups: list[tuple[str, str, list[str]]]
    verdict: str
    wins: bool
    inside: float | None
    wanted: float | None


def summarise_forecasts(records: Sequence[Record], metrics: Mapping[str, Any]) -> tuple[Forecasts, dict]:
    """Returns what is shown, and name to (figure, caption, description).

    Args:
        records: of predictions.jsonl, one an origin.
        metrics: of metrics.json.
    """
    groups = _chosen(records)
    figures = {"error_by_step": _by_step(records)}
    for *_, numbers in groups:
        figures |= {f"{PREFIX}{number + 1}": _one(records[number], number) for number in numbers}
    words, wins = verdict(metrics)
    summary = Forecasts(
        total=len(records),
        groups=[(title, rule, [f"{PREFIX}{n + 1}" for n in numbers]) for title, rule, numbers in groups],
        verdict=words,
        wins=wins,
        inside=(metrics.get("test") or {}).get("coverage"),
        wanted=(metrics.get("settings") or {}).get("interval"),
    )
    return summary, figures


def verdict(metrics: Mapping[str, Any]) -> tuple[str, bool]:
    """Returns in words whether the network's MASE is below that of every baseline, and whether it is."""
    own, names = (metrics.get("test") or {}).get("mase"), baseline_names(metrics)
    values = {name: metrics["baseline"][name].get("mase") for name in names}
    values = {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
    if own is None or not values:
        return "There is no baseline to hold it against.", False
    best = min(values, key=values.__getitem__)
    name, ratio = best.replace("_", " "), own / values[best] if values[best] else math.inf
    if ratio < 1 - NO_DIFFERENCE:
        return f"Its error is {100 * (1 - ratio):.0f} % below that of the best baseline, {name}.", True
    failed = (
        "Nothing here beats naive" if best == "naive" else f"The network does not beat the {name} forecast"
    )
    above = f"{100 * (ratio - 1):.0f} % above" if ratio > 1 + NO_DIFFERENCE else "within 1 % of"
    words = f"{failed}: its error is {above} that of the {name} forecast"
    return f"{words}. On this series use the {name} forecast, which needs no training.", False


def _chosen(records: Sequence[Record]) -> list[tuple[str, str, list[int]]]:
    count = len(records)
    even = evenly_spaced(count, EVERY_PART)
    groups = [("Throughout", f"{len(even)} of {count:,} origins of the test part, at even distances.", even)]
    rest = [n for n in range(count) if n not in even and records[n].get("mase") is not None]
    worst = sorted(rest, key=lambda n: -records[n]["mase"])[:WORST]
    if worst:
        groups.append(("Worst", "Of the others, the highest MASE.", worst))
    return groups


def _one(record: Record, number: int) -> tuple[Figure, str, str]:
    """One target of an origin; the targets take turns."""
    names = list(record["targets"])
    name = names[number % len(names)]
    lines = {key: _numbers(values) for key, values in record["targets"][name].items()}
    series = f" of {record['series']}" if record.get("series") else ""
    score = "" if record.get("mase") is None else f", MASE {record['mase']:.3g}"
    caption = f"{name}{series} from {record['origin']} on{score}"
    inside = (lines["lower"] <= lines["truth"]) & (lines["truth"] <= lines["upper"])
    there = int(np.isfinite(lines["truth"]).sum())
    described = f"{int(inside.sum())} of {there} values that came lie inside the interval"
    return plots.forecast_figure(lines, name), caption, described


def _by_step(records: Sequence[Record]) -> tuple[Figure, str, str]:
    """Mean error by steps ahead, in units of the seasonal naive's mean error of each target."""
    errors: dict[str, list[np.ndarray]] = {"forecast": [], "seasonal_naive": []}
    for name in records[0]["targets"]:
        rows = [record["targets"][name] for record in records]
        truth = np.array([_numbers(row["truth"]) for row in rows])
        found = {key: np.abs(truth - np.array([_numbers(row[key]) for row in rows])) for key in errors}
        usual = found["seasonal_naive"][np.isfinite(found["seasonal_naive"])]
        unit = usual.mean() if len(usual) and usual.mean() > 0 else 1.0
        for key, values in found.items():
            errors[key].append(values / unit)
    means = {key: _mean_by_step(np.concatenate(values)) for key, values in errors.items()}
    first, last = (means["forecast"][at] for at in (0, -1))
    described = f"{first:.2f} one step ahead, {last:.2f} {len(means['forecast'])} steps ahead"
    return plots.step_error_figure(means), "Error by steps ahead", described


def _mean_by_step(errors: np.ndarray) -> np.ndarray:
    there = np.isfinite(errors)
    return np.where(there, errors, 0).sum(axis=0) / np.where(there.any(axis=0), there.sum(axis=0), np.nan)


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in values], dtype=float)
