"""Which numbers the report compares, what they mean, and how they are written."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

# Name -> (what it is, whether more is better), main ones first.
METRICS = {
    "span_f1": ("exactly right spans, F1", True),
    "span_precision": ("spans found that are right", True),
    "span_recall": ("spans there that are found", True),
    "accuracy": ("part of the answers that are right", True),
    "bleu": ("overlap with the references, 0 to 100", True),
    "cider_d": ("agreement with the references, 0 to 10", True),
    "bleu_4": ("overlap of up to four words with the references, 0 to 100", True),
    "bleu_3": ("of up to three words", True),
    "bleu_2": ("of up to two words", True),
    "bleu_1": ("of single words", True),
    "rouge_l": ("longest common subsequence, F, 0 to 100", True),
    "chrf": ("overlap of characters, F, 0 to 100", True),
    "mase": ("error relative to the seasonal naive forecast", False),
    "perplexity": ("words the model wavers between", False),
    "nats_per_character": ("surprise at each character", False),
    "token_accuracy": ("next tokens that are right, given the true ones before", True),
    "f1_macro": ("F1, mean over the classes", True),
    "auc": ("how well the scores rank", True),
    "log_loss": ("surprise at the true class, in nats", False),
    "calibration_error": ("confidence minus accuracy, mean size", False),
    "bits_per_character": ("surprise at each character, in bits", False),
    "smape": ("symmetric percentage error", False),
    "coverage": ("part of what came that lies inside the interval", None),
    "mae": ("mean absolute error, in the units of the data", False),
    "quantile_loss": ("loss of all quantiles, relative to the seasonal naive's error within train", False),
}
PER_CLASS = "f1/"
NOT_A_CURVE = {"epoch", "step", "learning_rate", "seconds", "examples_per_second"}  # of a history
MOST_CLASSES = 20


class Row(NamedTuple):
    """A metric and its values, that of the model first.

    Attributes:
        name: of the metric, or of the class.
        meaning: what it measures.
        better: "higher", "lower" or "".
        values: model on test, each baseline on test, model on validation.
        best: index of the best of the values on test, or None.
    """

    name: str
    meaning: str
    better: str
    values: list[float | None]
    best: int | None


def main_metric(metrics: Mapping[str, Any]) -> str | None:
    """Returns the name of the one score that stands for the run, or None where nothing was measured."""
    test = metrics.get("test") or {}
    return next((name for name in [*METRICS, *test] if test.get(name) is not None), None)


def bar_scale(metrics: Mapping[str, Any]) -> float | None:
    """Returns what the longest bar of the main metric stands for, 1 at least; None where bars say nothing."""
    main = main_metric(metrics)
    values = [
        (metrics.get("test") or {}).get(main),
        *(metrics["baseline"][n].get(main) for n in baseline_names(metrics)),
    ]
    finite = [_finite(value, -1.0) for value in values if value is not None]
    if not finite or min(finite) < 0 or METRICS.get(main or "", ("", True))[1] is False:
        return None
    return max(1.0, *finite)


def baseline_names(metrics: Mapping[str, Any]) -> list[str]:
    """Returns the names of the baselines, strongest first by the main metric."""
    baselines = {name: values for name, values in (metrics.get("baseline") or {}).items() if values}
    main = main_metric(metrics)
    sign = -1 if METRICS.get(main or "", ("", True))[1] else 1
    return sorted(baselines, key=lambda name: sign * _finite(baselines[name].get(main), -sign * math.inf))


def score_rows(metrics: Mapping[str, Any]) -> list[Row]:
    """Returns one row a metric, without those of single classes."""
    return [_row(metrics, name) for name in metric_names(metrics)]


def metric_names(metrics: Mapping[str, Any]) -> list[str]:
    """Returns the names of the test scores, main ones first, without those of single classes."""
    test = metrics.get("test") or {}
    known = [name for name in METRICS if name in test]
    return known + [name for name in test if name not in METRICS and not name.startswith(PER_CLASS)]


def class_rows(metrics: Mapping[str, Any]) -> list[Row]:
    """Returns F1 of single classes, worst first, at most MOST_CLASSES."""
    names = [name for name in metrics.get("test") or {} if name.startswith(PER_CLASS)]
    rows = [_row(metrics, name)._replace(name=name.removeprefix(PER_CLASS)) for name in names]
    return sorted(rows, key=lambda row: _finite(row.values[0], 0.0))[:MOST_CLASSES]


def number(value: object) -> str:
    """Returns a number as the report writes it: three digits behind the point, thousands apart.

    >>> number(0.88934), number(25000), number(None), number(1234.5), number(0.00012)
    ('0.889', '25,000', '–', '1,234.5', '0.00012')
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "–" if value is None else str(value)
    if not math.isfinite(value):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) >= 100:
        return f"{value:,.1f}"
    return f"{value:.3f}" if abs(value) >= 0.001 or value == 0 else f"{value:.2g}"


def duration(seconds: object) -> str:
    """Returns seconds as a person says them.

    >>> duration(3.21), duration(75), duration(7384)
    ('3.2 s', '1 min 15 s', '2 h 3 min')
    """
    if not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _row(metrics: Mapping[str, Any], name: str) -> Row:
    validation = metrics.get("validation") or {}
    of_baselines = [metrics["baseline"][other].get(name) for other in baseline_names(metrics)]
    of_test = [metrics["test"].get(name), *of_baselines]
    default = ("F1 of one class", True) if name.startswith(PER_CLASS) else ("", None)
    meaning, higher = METRICS.get(name, default)
    better = {True: "higher", False: "lower", None: ""}[higher]
    return Row(name, meaning, better, [*of_test, validation.get(name)], _best(of_test, higher))


def _best(values: list[float | None], higher: bool | None) -> int | None:
    if higher is None or len(values) < 2:
        return None
    worst = -math.inf if higher else math.inf
    finite = [_finite(value, worst) for value in values]
    return finite.index(max(finite) if higher else min(finite))


def _finite(value: object, otherwise: float) -> float:
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    return otherwise
