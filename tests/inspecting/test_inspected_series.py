"""Tables with a date column: times, gaps, seasons and columns, counted by hand."""

import datetime
import math

import messy
import numpy as np
import pytest

from rnn_apps.errors import DataError, Wording
from rnn_apps.inspecting import inspect_data
from rnn_apps.inspecting.series import autocorrelation, find_season, inspect_series
from rnn_apps.inspecting.tables import find_sentinels


def decided(inspection):
    return {decision.key: decision.value for decision in inspection.decisions}


def test_a_messy_series_is_counted(tmp_path):
    inspection = inspect_series(messy.sales(tmp_path))
    found, settings = {f.name: f.value for f in inspection.findings}, decided(inspection)
    assert found["step"] == {"step": "day", "series": 1, "first": "2023-01-02", "last": "2024-02-25"}
    assert found["invalid_records"] == {"duplicate time": 1}
    assert found["gaps"] == 3
    assert found["missing"] == {"sold": 4}
    assert (settings["data.period"], settings["data.horizon"]) == (7, 7)
    assert settings["data.targets"] == ["sold", "visitors"]
    assert settings["data.known"] == ["closed"]
    assert settings["data.calendar"] == ["weekday"]
    assert (settings["data.on_gap"], settings["data.max_invalid_records"]) == ("fill", 0.01)


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


def test_cells_that_training_would_refuse_are_invalid_records(tmp_path):
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(day) for day in range(60)]
    rows = [f"{day},{'shut' if i == 40 else i % 7}" for i, day in enumerate(days)]
    inspection = inspect_series(table(tmp_path, ["date,x", *rows]))
    assert inspection.value("invalid_records") == {"not a number": 1}
    assert decided(inspection)["data.on_invalid_record"] == "skip"


REFUSED = {
    "no dates": ("a,b\n1,2\n2,3\n", "no column holds dates"),
    "no numbers": ("date,word\n2024-01-01,x\n2024-01-02,y\n", "no column of numbers to forecast"),
    "too few": ("date,x\n2024-01-01,1.5\n2024-01-02,2.5\n", "received 2 steps, expected at least 30"),
    "mixed dates": ("date,x\n2024-01-01,1.5\n01.02.2024,2.5\n", "dates that are all in the same format"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_no_series_is_refused(tmp_path, text, said):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        inspect_series(tmp_path / "a.csv")


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


def table(folder, lines):
    (folder / "a.csv").write_text("\n".join([*lines, ""]))
    return folder / "a.csv"


def test_a_date_and_a_time_of_day_are_one_time_not_many_series(tmp_path):
    rows = [f"{t:%d/%m/%Y;%H.%M.%S};{5 + math.sin(t.hour / 24 * 6.28):.3f}" for t in hours(240, 2)]
    settings = decided(inspect_series(table(tmp_path, ["Date;Time;power", *rows])))
    assert (settings["data.time"], settings["data.time_format"]) == (["Date", "Time"], "%d/%m/%Y %H.%M.%S")
    assert settings["data.period"] == 12
    assert not {"data.series", "data.max_invalid_records"} & set(settings)


def test_trading_days_are_rows_without_gaps(tmp_path):
    days = [hours(1)[0] + datetime.timedelta(day) for day in range(120)]
    rows = [f"{d:%Y-%m-%d},{100 + 7919 * i % 13}" for i, d in enumerate(days) if d.weekday() < 5 and i != 30]
    inspection = inspect_series(table(tmp_path, ["date,close", *rows]))
    settings = decided(inspection)
    assert inspection.value("step")["step"] == "weekday"
    assert (settings["data.on_gap"], inspection.value("gaps")) == ("ignore", 1)


def test_a_sentinel_is_warned_of_and_missing_where_it_is_given(tmp_path):
    rows = [
        f"{t:%Y-%m-%d %H:%M},{-200 if i % 9 == 0 else 5 + math.sin(t.hour / 24 * 6.28):.2f}"
        for i, t in enumerate(hours(300))
    ]
    path = table(tmp_path, ["date,co", *rows])
    inspection = inspect_series(path)
    assert inspection.value("sentinel") == {"column": "co", "value": -200.0, "rows": 34}
    (warning,) = inspection.warnings
    assert "data.missing_values=[-200]" in warning.describe(Wording())
    told = inspect_data("forecasting", path, {"data.missing_values": [-200]})
    assert told.value("sentinel") is None
    assert decided(told)["data.period"] == 24
    assert decided(told)["data.missing_values"] == [-200]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([1.5, 2, 3] * 10 + [-999] * 3, [(-999, 3, "1.5 to 3")]),
        ([1.5, 2, 3] * 10 + [-999] * 2, []),
        ([1.5, 2, 3] * 10 + [0] * 9, []),
        ([0, 50, 100, 60, 70] * 10 + [-1] * 9, []),
        (
            [0, 500, 100, 600, 70] * 10 + [999] * 9 + [-9999] * 5,
            [(-9999, 5, "0 to 999"), (999, 9, "0 to 600")],
        ),
    ],
)
def test_what_is_far_from_all_else_and_there_several_times_may_mean_missing(values, found):
    assert find_sentinels(values) == found
