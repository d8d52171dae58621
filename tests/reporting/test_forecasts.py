"""Tests the report of forecasts: plots, descriptions, and a clear verdict if nothing beats naive."""

import json
import math

import numpy as np
import pytest

from rnn_apps.reporting import write_report
from rnn_apps.reporting.forecasts import summarise_forecasts, verdict

HOSTILE = '<script>alert("x")</script> $\\frac'
STEPS = np.arange(6.0)


def make_record(number, targets=("y",), mase=None):
    """Return an origin with a forecast 1 too high and a seasonal naive forecast 2 too low."""
    lines = {
        "history": [*STEPS, None],
        "truth": [*(STEPS + number), None],
        "lower": [0.0] * 7,
        "upper": [9.0] * 7,
    }
    lines |= {"forecast": [*(STEPS + number + 1), 1.0], "seasonal_naive": [*(STEPS + number - 2), 1.0]}
    score = number / 10 if mase is None else mase
    shared = {"series": "", "origin": f"2024-01-{number + 1:02d}", "horizon": 7, "coverage": 1.0}
    return {**shared, "mase": score, "targets": dict.fromkeys(targets, lines)}


def make_metrics(own=0.5, **baselines):
    baselines = baselines or {"naive": 0.9, "seasonal_naive": 0.8, "drift": 1.0}
    return {
        "task": "forecasting",
        "record_kind": "forecasts",
        "data": {"source": "s.csv", "is_sample": False, "train": 100, "validation": 10, "test": 30},
        "test": {"mase": own, "coverage": 0.77},
        "baseline": {name: {"mase": value, "coverage": 0.5} for name, value in baselines.items()},
        "settings": {"interval": 0.8},
    }


NAIVE = "Nothing here beats naive: its error is"
SEASONAL = "The network does not beat the seasonal naive forecast: its error is"


@pytest.mark.parametrize(
    ("metrics", "words", "wins"),
    [
        (make_metrics(0.6), "Its error is 25 % below that of the best baseline, seasonal naive.", True),
        (make_metrics(1.0, naive=0.8, drift=0.9), f"{NAIVE} 25 % above that of the naive", False),
        (make_metrics(0.899, naive=0.9), f"{NAIVE} within 1 % of that of the naive", False),
        (make_metrics(0.9, naive=2.0, seasonal_naive=0.6), f"{SEASONAL} 50 % above", False),
        ({"test": {"mase": 1.0}}, "There is no baseline to compare with.", False),
    ],
)
def test_the_verdict_says_whether_the_network_beats_naive(metrics, words, wins):
    sentence, won = verdict(metrics)
    assert sentence.startswith(words)
    assert won is wins


def test_evenly_spaced_origins_and_the_worst_of_the_others_are_shown():
    summary, figures = summarise_forecasts([make_record(number) for number in range(11)], make_metrics())
    even, worst = (names for *_, names in summary["groups"])
    assert even == [f"forecast_{number}" for number in (1, 3, 5, 7, 9, 11)]
    assert worst == ["forecast_10", "forecast_8"]
    assert set(figures) == {"error_by_step", *even, *worst}
    assert (summary["total"], summary["coverage"], summary["interval"]) == (11, 0.77, 0.8)
    for count in (1, 5):
        summary, _ = summarise_forecasts([make_record(number) for number in range(count)], make_metrics())
        assert [len(names) for *_, names in summary["groups"]] == [count]


def test_the_targets_alternate_and_captions_name_them():
    records = [make_record(number, targets=("a", "b")) for number in range(3)]
    _, figures = summarise_forecasts(records, make_metrics())
    captions = [figures[f"forecast_{number}"][1] for number in (1, 2, 3)]
    assert [caption.split(" ")[0] for caption in captions] == ["a", "b", "a"]
    assert captions[1] == "b from 2024-01-02, MASE 0.1"
    assert figures["forecast_1"][2] == "6 of 6 actual values are inside the interval"


def test_errors_by_step_are_in_units_of_the_seasonal_naive_error():
    _, figures = summarise_forecasts([make_record(number) for number in range(3)], make_metrics())
    figure, _, described = figures["error_by_step"]
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines["this model"], [0.5] * 6 + [math.nan])
    np.testing.assert_allclose(lines["seasonal naive"], [1.0] * 6 + [math.nan])
    assert described.startswith("0.50 one step ahead")


@pytest.mark.parametrize("own", [0.6, 2.0])
def test_the_page_holds_the_verdict_and_the_pictures(own, tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps(make_metrics(own)))
    records = [make_record(number, targets=(HOSTILE,)) for number in range(4)]
    (tmp_path / "predictions.jsonl").write_text("\n".join(map(json.dumps, records)))
    page = write_report(tmp_path).read_text()
    assert ("25 % below that of the best baseline" in page) == (own == 0.6)
    assert ("does not beat the seasonal naive forecast" in page) == (own == 2.0)
    assert "77.0 % of the actual values are inside the 80.0 % interval" in page
    assert "<script" not in page
    assert page.count("<img ") == 5
    assert {path.stem for path in (tmp_path / "plots").iterdir()} == {
        "error_by_step", *(f"forecast_{number}" for number in (1, 2, 3, 4)),
    }  # fmt: skip
