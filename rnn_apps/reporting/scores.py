"""Scores in the report: their meaning, comparison with baselines, and number formats."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

# Name to (meaning, whether higher is better), most important first.
METRICS = {
    "span_f1": ("exactly correct spans, F1", True),
    "span_precision": ("fraction of predicted spans that are correct", True),
    "span_recall": ("fraction of true spans that are predicted", True),
    "accuracy": ("fraction of correct predictions", True),
    "bleu": ("overlap with the references, 0 to 100", True),
    "cider_d": ("agreement with the references, 0 to 10", True),
    "bleu_4": ("overlap of up to four words with the references, 0 to 100", True),
    "bleu_3": ("of up to three words", True),
    "bleu_2": ("of up to two words", True),
    "bleu_1": ("of single words", True),
    "rouge_l": ("longest common subsequence, F, 0 to 100", True),
    "chrf": ("overlap of characters, F, 0 to 100", True),
    "mase": ("error relative to the seasonal naive forecast", False),
    "perplexity": ("effective number of equally likely next words", False),
    "nats_per_character": ("negative log-likelihood per character, in nats", False),
    "token_accuracy": ("fraction of correct next tokens, given the true previous ones", True),
    "f1_macro": ("F1, mean over the classes", True),
    "auc": ("how well the scores rank", True),
    "log_loss": ("negative log-likelihood of the true class, in nats", False),
    "calibration_error": ("mean absolute difference of confidence and accuracy", False),
    "bits_per_character": ("negative log-likelihood per character, in bits", False),
    "smape": ("symmetric percentage error", False),
    "coverage": ("fraction of actual values inside the interval", None),
    "mae": ("mean absolute error, in the units of the data", False),
    "quantile_loss": ("loss of all quantiles, relative to the seasonal naive's error on train", False),
}
CLASS_PREFIX = "f1/"
UNPLOTTED_COLUMNS = {"epoch", "step", "learning_rate", "seconds", "examples_per_second"}  # of a history
MAX_CLASSES = 20
# Orange, white, blue: distinguishable with any colour vision, and light enough for dark text.
LOW, MIDDLE, HIGH = (241, 163, 64), (255, 255, 255), (103, 169, 207)


class Row(NamedTuple):
    """A metric and its values, that of the model first.

    Attributes:
        name: name of the metric, or of the class.
        meaning: what it measures.
        better: "higher", "lower" or "".
        values: model on test, each baseline on test, model on validation.
        best: index of the best value on test, or None.
    """

    name: str
    meaning: str
    better: str
    values: list[float | None]
    best: int | None


def main_metric(metrics: Mapping[str, Any]) -> str | None:
    """Return the name of the most important test score, or None if there are no scores."""
    test = metrics.get("test") or {}
    return next((name for name in [*METRICS, *test] if test.get(name) is not None), None)


def bar_scale(metrics: Mapping[str, Any]) -> float | None:
    """Return the value of a full bar, at least 1, or None if bars cannot show the main metric."""
    main = main_metric(metrics)
    baselines = [metrics["baseline"][name].get(main) for name in baseline_names(metrics)]
    values = [(metrics.get("test") or {}).get(main), *baselines]
    finite = [_finite_or(value, -1.0) for value in values if value is not None]
    if not finite or min(finite) < 0 or _is_higher_better(main) is False:
        return None
    return max(1.0, *finite)


def baseline_names(metrics: Mapping[str, Any]) -> list[str]:
    """Return the names of the baselines, strongest first by the main metric."""
    baselines = {name: values for name, values in (metrics.get("baseline") or {}).items() if values}
    main = main_metric(metrics)
    sign = -1 if _is_higher_better(main) else 1
    return sorted(baselines, key=lambda name: sign * _finite_or(baselines[name].get(main), -sign * math.inf))


def _is_higher_better(name: str | None) -> bool | None:
    return METRICS.get(name or "", ("", True))[1]


def score_rows(metrics: Mapping[str, Any]) -> list[Row]:
    """Return one row per metric, except those of single classes."""
    return [_row(metrics, name) for name in metric_names(metrics)]


def metric_names(metrics: Mapping[str, Any]) -> list[str]:
    """Return the names of the test scores, most important first, except those of single classes."""
    test = metrics.get("test") or {}
    known = [name for name in METRICS if name in test]
    return known + [name for name in test if name not in METRICS and not name.startswith(CLASS_PREFIX)]


def class_rows(metrics: Mapping[str, Any]) -> list[Row]:
    """Return the F1 of single classes, lowest first, at most MAX_CLASSES."""
    names = [name for name in metrics.get("test") or {} if name.startswith(CLASS_PREFIX)]
    rows = [_row(metrics, name)._replace(name=name.removeprefix(CLASS_PREFIX)) for name in names]
    return sorted(rows, key=lambda row: _finite_or(row.values[0], 0.0))[:MAX_CLASSES]


def format_number(value: object) -> str:
    """Return a number with three decimals and thousands separators.

    >>> [format_number(value) for value in (0.88934, 25000, None, 1234.5, 0.00012)]
    ['0.889', '25,000', '–', '1,234.5', '0.00012']
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


def format_duration(seconds: object) -> str:
    """Return seconds in readable units.

    >>> format_duration(3.21), format_duration(75), format_duration(7384)
    ('3.2 s', '1 min 15 s', '2 h 3 min')
    """
    if not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def score_colour(score: float) -> str:
    """Return the colour of a score, from 0 (orange) over 0.5 (white) to 1 (blue).

    >>> score_colour(0.0), score_colour(0.5), score_colour(1.0)
    ('#f1a340', '#ffffff', '#67a9cf')
    """
    end = HIGH if score > 0.5 else LOW
    share = abs(score - 0.5) * 2
    mixed = (round(middle + (far - middle) * share) for middle, far in zip(MIDDLE, end))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _row(metrics: Mapping[str, Any], name: str) -> Row:
    baselines = [metrics["baseline"][baseline].get(name) for baseline in baseline_names(metrics)]
    values = [metrics["test"].get(name), *baselines]
    default = ("F1 of one class", True) if name.startswith(CLASS_PREFIX) else ("", None)
    meaning, is_higher_better = METRICS.get(name, default)
    better, best = {True: "higher", False: "lower", None: ""}[is_higher_better], None
    if better and len(values) > 1:
        worst = -math.inf if is_higher_better else math.inf
        finite = [_finite_or(value, worst) for value in values]
        best = finite.index(max(finite) if is_higher_better else min(finite))
    return Row(name, meaning, better, [*values, (metrics.get("validation") or {}).get(name)], best)


def _finite_or(value: object, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else default
