"""Tables with a date column: what of their times, gaps, seasons and columns is found, counted by hand."""

import datetime
import math

import messy
import numpy as np
import pytest

from rnn_apps.errors import DataError
from rnn_apps.inspecting.dates import find_format, read_times, step_between
from rnn_apps.inspecting.seasons import autocorrelation, find_season
from rnn_apps.inspecting.series import inspect_series


def decided(inspection):
    return {decision.key: decision.value for decision in inspection.decisions}


def test_a_messy_series_is_counted(tmp_path):
    inspection = inspect_series(messy.sales(tmp_path))
    found, settings = {f.name: f.value for f in inspection.findings}, decided(inspection)
    assert found["step"] == {"step": "day", "series": 1, "first": "2023-01-02", "last": "2024-02-25"}
    assert found["repeats"] == 1
    assert found["gaps"] == 3
    assert found["missing"] == {"sold": 4}
    assert (settings["data.period"], settings["data.horizon"]) == (7, 7)
    assert settings["data.targets"] == ["sold", "visitors"]
    assert settings["data.known"] == ["closed"]
    assert settings["data.calendar"] == ["weekday"]
    assert (settings["data.on_gap"], settings["data.max_bad_records"]) == ("fill", 1)


def hours(count, step=1):
    begin = datetime.datetime(2024, 1, 1)
    return [begin + datetime.timedelta(hours=step * hour) for hour in range(count)]


def test_several_series_in_german_dates_with_decimal_commas(tmp_path):
    lines = []
    for name in ("nord", "sued"):
        for hour, time in enumerate(hours(240)):
            value = f"{5 + math.sin(hour / 24 * 2 * math.pi):.3f}".replace(".", ",")
            lines.append(f"{time:%d.%m.%Y %H:%M};{name};{value}")
    (tmp_path / "netz.csv").write_text("\n".join(["Zeit;Netz;Last", *lines, ""]))
    settings = decided(inspect_series(tmp_path / "netz.csv"))
    assert settings["data.time"] == "Zeit"
    assert settings["data.time_format"] == "%d.%m.%Y %H:%M"
    assert settings["data.series"] == "Netz"
    assert settings["data.targets"] == ["Last"]
    assert settings["data.period"] == 24
    assert settings["data.calendar"] == ["hour", "weekday"]
    assert settings["data.horizon"] == 240 // 12


def test_rows_out_of_order_are_sorted_and_uneven_ones_are_steps(tmp_path):
    days = [f"2024-01-{day:02},{day}" for day in range(1, 32)] + ["2024-02-01,3", "2024-02-02,4"]
    (tmp_path / "a.csv").write_text("\n".join(["date,x", *days[::-1], ""]))
    assert decided(inspect_series(tmp_path / "a.csv"))["data.sort"] is True
    times = [*(f"{time:%Y-%m-%d %H:%M}" for time in hours(40)), "2024-01-03 02:20"]
    (tmp_path / "b.csv").write_text("\n".join(["date,x", *(f"{t},{i}" for i, t in enumerate(times)), ""]))
    inspection = inspect_series(tmp_path / "b.csv")
    assert decided(inspection)["data.on_gap"] == "ignore"
    assert inspection.value("uneven") == 1


REFUSED = {
    "no dates": ("a,b\n1,2\n2,3\n", "no column holds dates"),
    "no numbers": ("date,word\n2024-01-01,x\n2024-01-02,y\n", "no column of numbers to forecast"),
    "too few": ("date,x\n2024-01-01,1.5\n2024-01-02,2.5\n", "received 2 steps, expected at least 30"),
    "mixed dates": ("date,x\n2024-01-01,1.5\n01.02.2024,2.5\n", "dates that are all written in the same way"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_no_series_is_refused(tmp_path, text, said):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        inspect_series(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("cells", "pattern"),
    [
        (["2024-01-05", "2024-01-06"], None),
        (["2024-01-05T10:00:00Z"], None),
        (["05.01.2024", "06.01.2024"], "%d.%m.%Y"),
        (["01/13/2024", "01/14/2024"], "%m/%d/%Y"),
        (["01/02/2024", "02/02/2024", "03/02/2024"], "%d/%m/%Y"),
        (["02/01/2024", "02/02/2024", "02/03/2024"], "%m/%d/%Y"),
        (["2024/01/05 10:30"], "%Y/%m/%d %H:%M"),
        (["5th of May"], ""),
    ],
)
def test_how_dates_are_written_is_found_by_the_even_steps_that_they_give(cells, pattern):
    assert find_format(cells) == pattern


@pytest.mark.parametrize(
    ("cells", "step"),
    [
        (["2024-01-01", "2024-01-02", "2024-01-03"], "day"),
        (["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"], "month"),
        (["2024-01-01", "2024-04-01", "2024-07-01", "2024-10-01"], "3 months"),
        (["2024-01-01 00:00", "2024-01-01 00:15", "2024-01-01 00:30"], "15 minutes"),
        (["2024-01-01", "2024-01-08", "2024-01-15"], "week"),
    ],
)
def test_the_step_is_named(cells, step):
    assert str(step_between([read_times(cells, None)])) == step


def test_autocorrelation_is_that_of_a_plain_loop():
    values = np.random.default_rng(1).normal(size=40)
    steps = np.arange(40)
    rest = values - np.polyval(np.polyfit(steps, values, 1), steps)
    plain = [np.mean(rest[: 40 - lag] * rest[lag:]) for lag in range(10)]
    assert autocorrelation(values, 9) == pytest.approx(np.array(plain) / plain[0])


def test_a_season_is_the_shortest_lag_and_noise_has_none():
    steps = np.arange(300)
    assert find_season(np.sin(steps / 12 * 2 * np.pi) + steps / 50)[0] == 12
    assert find_season(np.random.default_rng(3).normal(size=300)) == (1, 0.0)
    assert find_season(np.ones(300)) == (1, 0.0)
