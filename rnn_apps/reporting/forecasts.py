"""Summarizes forecasts for the report: chosen origins, errors by steps ahead, comparison with baselines."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnn_apps.reporting import plots
from rnn_apps.reporting.pages import Plot
from rnn_apps.reporting.scores import baseline_names
from rnn_apps.reporting.selection import choose

Record = Mapping[str, Any]
NUM_EVENLY_SPACED, NUM_WORST = 6, 2  # origins
TIE_MARGIN = 0.01  # relative difference of errors
PREFIX = "forecast_"


def summarise_forecasts(
    records: Sequence[Record], metrics: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Plot]]:
    """Return the values of the template `forecasts.html`, and the plots by name.

    Args:
        records: lines of predictions.jsonl, one per origin.
        metrics: content of metrics.json.
    """
    errors = [None if record.get("mase") is None else -record["mase"] for record in records]
    worst = ("Worst", "the highest MASE", errors, NUM_WORST)
    groups = choose(len(records), "origins of the test split", NUM_EVENLY_SPACED, worst)
    figures = {"error_by_step": _error_by_step(records)}
    for *_, numbers in groups:
        figures |= {f"{PREFIX}{number + 1}": _forecast(records[number], number) for number in numbers}
    sentence, wins = verdict(metrics)
    summary = {
        "total": len(records),
        "groups": [(title, rule, [f"{PREFIX}{n + 1}" for n in numbers]) for title, rule, numbers in groups],
        "verdict": sentence,
        "wins": wins,
        "coverage": (metrics.get("test") or {}).get("coverage"),
        "interval": (metrics.get("settings") or {}).get("interval"),
    }
    return summary, figures


def verdict(metrics: Mapping[str, Any]) -> tuple[str, bool]:
    """Return a sentence on whether the network's MASE is below that of every baseline, and whether it is."""
    own, names = (metrics.get("test") or {}).get("mase"), baseline_names(metrics)
    values = {name: metrics["baseline"][name].get("mase") for name in names}
    values = {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
    if own is None or not values:
        return "There is no baseline to compare with.", False
    best = min(values, key=values.__getitem__)
    name, ratio = best.replace("_", " "), own / values[best] if values[best] else math.inf
    if ratio < 1 - TIE_MARGIN:
        return f"Its error is {100 * (1 - ratio):.0f} % below that of the best baseline, {name}.", True
    outcome = f"The network does not beat the {name} forecast"
    if best == "naive":
        outcome = "Nothing here beats naive"
    above = f"{100 * (ratio - 1):.0f} % above" if ratio > 1 + TIE_MARGIN else "within 1 % of"
    sentence = f"{outcome}: its error is {above} that of the {name} forecast"
    return f"{sentence}. For this series use the {name} forecast, which needs no training.", False


def _forecast(record: Record, number: int) -> Plot:
    """Return one target of an origin; successive origins show the targets in turn."""
    names = list(record["targets"])
    name = names[number % len(names)]
    lines = {key: _to_array(values) for key, values in record["targets"][name].items()}
    series = f" of {record['series']}" if record.get("series") else ""
    score = "" if record.get("mase") is None else f", MASE {record['mase']:.3g}"
    caption = f"{name}{series} from {record['origin']}{score}"
    inside = (lines["lower"] <= lines["truth"]) & (lines["truth"] <= lines["upper"])
    num_values = np.isfinite(lines["truth"]).sum()
    description = f"{inside.sum()} of {num_values} actual values are inside the interval"
    return plots.forecast_figure(lines, name), caption, description


def _error_by_step(records: Sequence[Record]) -> Plot:
    """Return the mean error by steps ahead, in units of the seasonal naive's mean error of each target."""
    errors: dict[str, list[np.ndarray]] = {"forecast": [], "seasonal_naive": []}
    for name in records[0]["targets"]:
        rows = [record["targets"][name] for record in records]
        truth = np.array([_to_array(row["truth"]) for row in rows])
        absolute = {key: np.abs(truth - np.array([_to_array(row[key]) for row in rows])) for key in errors}
        naive = absolute["seasonal_naive"][np.isfinite(absolute["seasonal_naive"])]
        unit = naive.mean() if len(naive) and naive.mean() > 0 else 1.0
        for key, values in absolute.items():
            errors[key].append(values / unit)
    means = {key: _mean_by_step(np.concatenate(values)) for key, values in errors.items()}
    own = means["forecast"]
    description = f"{own[0]:.2f} one step ahead, {own[-1]:.2f} {len(own)} steps ahead"
    return plots.step_error_figure(means), "Error by steps ahead", description


def _mean_by_step(errors: np.ndarray) -> np.ndarray:
    valid = np.isfinite(errors)
    return np.where(valid, errors, 0).sum(axis=0) / np.where(valid.any(axis=0), valid.sum(axis=0), np.nan)


def _to_array(values: Sequence[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in values], dtype=float)
