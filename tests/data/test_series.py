"""Series in CSV files: what is read, and what is refused with file and row or cleaned."""

import gzip

import numpy as np
import pytest

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.series import CleaningOptions, Columns, read_series
from rnn_apps.data.time_steps import TimeStep
from rnn_apps.errors import DataError

DAYS = "date,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n"


ANY = Columns()


def read(folder, text, columns=ANY, action="fail", step=None, **repairs):
    file = folder / "s.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    invalid = InvalidRecords(action, 100)
    return read_series(file, columns, CleaningOptions(invalid, **repairs), step=step), invalid


# name: (file, columns, repairs, place behind the path of the file, what the message says)
REFUSED = {
    "an empty file": ("", {}, {}, ": ", "received an empty file, expected a line of column names and rows"),
    "column names alone": ("date,y\n", {}, {}, ": ", "received only column names"),
    "a row with a field too many": (
        DAYS + "2024-01-04,4,5\n",
        {},
        {},
        ":5: ",
        "3 fields where the header has 2",
    ),
    "a row with a field too few": (
        "date,y\n2024-01-01\n" + DAYS[7:],
        {},
        {},
        ":2: ",
        "1 field where the header has 2",
    ),
    "a cell that is not a number": (
        DAYS + "2024-01-04,4 apples\n",
        {},
        {},
        ":5: y ",
        'is not a number; received "4 apples"',
    ),
    "an infinite value": (
        DAYS + "2024-01-04,inf\n",
        {},
        {},
        ":5: y ",
        'is infinite or too large; received "inf"',
    ),
    "a value beyond float32": (DAYS + "2024-01-04,1e99\n", {}, {}, ":5: y ", "infinite or too large"),
    "a missing value": (
        DAYS + "2024-01-04,NA\n",
        {},
        {"on_missing": "fail"},
        ":5: y ",
        "data.on_missing=mask",
    ),
    "not a number as NaN": (DAYS + "2024-01-04,nan\n", {}, {"on_missing": "fail"}, ":5: y ", "missing"),
    "a cell that is no time": (
        DAYS + "soon,4\n",
        {},
        {},
        ":5: date ",
        'is not a time; received "soon", expected a time such as',
    ),
    "a day that no month has": (DAYS + "2024-02-30,4\n", {}, {}, ":5: date ", "not a time"),
    "rows out of order": (
        DAYS + "2023-12-31,4\n",
        {},
        {},
        ":5: ",
        "its time is before that of the row above",
    ),
    "a time twice": (DAYS + "2024-01-03,4\n", {}, {}, ":5: ", "duplicate time"),
    "a gap": (
        DAYS + "2024-01-06,4\n",
        {},
        {},
        ":5: ",
        "2 steps are missing before it; received 2024-01-06 after 2024-01-03",
    ),
    "a time between the steps": (
        DAYS + "2024-01-04T05,4\n",
        {},
        {"on_gap": "fill"},
        ":5: ",
        "its distance from the row before is not a multiple of the step",
    ),
    "a column that is not there": (
        DAYS,
        {"targets": ("z",)},
        {},
        ":1: ",
        'no column "z"; the columns are "date", "y"',
    ),
    "a misspelt column": (
        DAYS.replace("y", "sales"),
        {"targets": ("sale",)},
        {},
        ":1: ",
        'Did you mean "sales"',
    ),
    "a time that is not there": (DAYS, {"time": ("day",)}, {}, ":1: ", "data.time=COLUMN"),
    "two columns of one name": (
        "a,a\n1,2\n",
        {},
        {},
        ":1: ",
        'two columns are called "a"',
    ),
    "nothing to forecast": ("date,y\n2024-01-01,a\n", {}, {}, ":1: ", "no column of numbers to forecast"),
    "an id that is missing": (
        "id,y\na,1\n,2\n",
        {"series": "id"},
        {},
        ":3: ",
        "the series id in id is missing",
    ),
    "another step than in training": (
        DAYS,
        {},
        {"step": TimeStep("second", 3600)},
        ": ",
        "received a row every day, expected one every hour",
    ),
    "a quote that is not closed": (DAYS + '2024-01-04,"4\n', {}, {}, ":5: ", "not CSV"),
    "UTF-16": (DAYS.encode("utf-16"), {}, {}, ": ", "received UTF-16, expected UTF-8"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_invalid_data_is_refused_with_file_and_row(case, tmp_path):
    text, columns, repairs, place, problem = REFUSED[case]
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, Columns(**columns), **repairs)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 's.csv'}{place}"), message
    assert problem in message


# name: (file, repairs, values, reason that is counted)
REPAIRED = {
    "a ragged row": (
        DAYS + "2024-01-04\n2024-01-05,5\n",
        {"action": "skip"},
        [1, 2, 3, np.nan, 5],
        "1 field",
    ),
    "no number": (
        DAYS + "2024-01-04,x\n2024-01-05,5\n",
        {"action": "skip"},
        [1, 2, 3, np.nan, 5],
        "not a number",
    ),
    "infinite": (DAYS + "2024-01-04,-inf\n", {"action": "skip"}, [1, 2, 3, np.nan], "infinite"),
    "a time twice": (DAYS + "2024-01-03,9\n", {"action": "skip"}, [1, 2, 3], "duplicate time"),
    "no time, and the gap that it leaves": (
        DAYS + "x,4\n2024-01-05,5\n",
        {"action": "skip", "on_gap": "fill"},
        [1, 2, 3, np.nan, 5],
        "not a time",
    ),
    "out of order": ("date,y\n2024-01-03,3\n2024-01-01,1\n2024-01-02,2\n", {"sort": True}, [1, 2, 3], None),
    "a gap filled": (DAYS + "2024-01-05,5\n", {"on_gap": "fill"}, [1, 2, 3, np.nan, 5], None),
    "a gap ignored": (DAYS + "2024-01-05,5\n", {"on_gap": "ignore"}, [1, 2, 3, 5], None),
    "missing filled": (DAYS + "2024-01-04,\n", {"on_missing": "fill"}, [1, 2, 3, 3], None),
    "missing masked": (DAYS + "2024-01-04,NA\n", {}, [1, 2, 3, np.nan], None),
    "a ragged row without a time": ("y,z\n1,0\n2\n3,0\n", {"action": "skip"}, [1, np.nan, 3], "1 field"),
}


@pytest.mark.parametrize("case", REPAIRED)
def test_invalid_data_is_cleaned_as_the_recipe_says(case, tmp_path):
    text, repairs, values, reason = REPAIRED[case]
    found, invalid = read(tmp_path, text, **repairs)
    np.testing.assert_array_equal(found.series[0].values[:, 0], values)
    counted = [key for key in invalid.skipped if reason and key.startswith(reason)]
    assert len(invalid.skipped) == len(counted) == (reason is not None)


def test_columns_are_found_where_none_are_named(tmp_path):
    found, _ = read(tmp_path, "when,a,name,b\n2024-01,1,x,\n2024-02,NA,y,2\n")
    assert (found.columns.time, found.columns.targets) == (("when",), ("a", "b"))
    assert found.step == TimeStep("month", 1)
    np.testing.assert_array_equal(found.series[0].values, [[1, np.nan], [np.nan, 2]])


def test_a_spreadsheet_s_semicolons_and_decimal_commas_are_read(tmp_path):
    text = "date;y ;z\n2024-01-01;1.000,5;7\n2024-01-02;;8,25\n2024-01-03;2,5;-1\n"
    found, _ = read(tmp_path, text)
    np.testing.assert_array_equal(found.series[0].values, [[1000.5, 7], [np.nan, 8.25], [2.5, -1]])
    assert found.columns.targets == ("y", "z")


def test_features_stand_in_the_order_targets_covariates_known(tmp_path):
    columns = Columns(targets=("c",), covariates=("a",), known=("b",))
    found, _ = read(tmp_path, "a,b,c\n1,2,3\n4,5,6\n", columns)
    np.testing.assert_array_equal(found.series[0].values, [[3, 1, 2], [6, 4, 5]])
    np.testing.assert_array_equal(found.series[0].times, [1, 2])


def test_a_time_may_stand_in_several_columns(tmp_path):
    columns = Columns(time=("year", "month", "day", "hour"))
    text = "no,year,month,day,hour,y\n1,2010,1,1,22,5\n2,2010,1,1,23,6\n3,2010,1,2,0,7\n"
    found, _ = read(tmp_path, text, columns)
    assert found.step == TimeStep("second", 3600)
    assert found.step.text(found.series[0].times[-1]) == "2010-01-02 00:00"
    assert found.columns.targets == ("y",)  # no counts the rows


def test_a_time_may_be_written_otherwise(tmp_path):
    columns = Columns(time=("t",), time_format="%d.%m.%Y")
    found, _ = read(tmp_path, "t,y\n30.01.2024,1\n31.01.2024,2\n01.02.2024,3\n", columns)
    assert found.step == TimeStep("second", 86400)


def test_many_series_stand_below_or_between_one_another(tmp_path):
    text = "date,shop,y\n2024-01-01,a,1\n2024-01-01,b,10\n2024-01-02,b,20\n2024-01-02,a,2\n"
    found, _ = read(tmp_path, text, Columns(series="shop"))
    values = {one.name: one.values[:, 0].tolist() for one in found.series}
    assert values == {"a": [1, 2], "b": [10, 20]}


def test_a_problem_of_one_series_among_many_names_its_row(tmp_path):
    text = "date,shop,y\n2024-01-02,a,1\n2024-01-01,b,10\n2024-01-03,a,2\n2024-01-01,a,3\n"
    with pytest.raises(DataError, match=r"s\.csv:5: its time is before"):
        read(tmp_path, text, Columns(series="shop"))


def folder_of(folder, parts):
    for split, days in parts.items():
        rows = "".join(f"2024-01-{day:02d},{day}\n" for day in days)
        (folder / f"{split}.csv").write_text("date,y\n" + rows)
    return read_series(folder, Columns(), CleaningOptions(InvalidRecords("fail", 0)))


def test_splits_of_a_folder_follow_one_another(tmp_path):
    found = folder_of(tmp_path, {"train": range(1, 11), "val": range(11, 14), "test": range(14, 20)})
    (one,) = found.series
    assert one.values[:, 0].tolist() == list(range(1, 20))
    assert one.stops == {"train": 10, "validation": 13, "test": 19}
    assert found.splits == ["train", "validation", "test"]


def test_splits_that_do_not_follow_one_another_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"test\.csv:2: its time is before"):
        folder_of(tmp_path, {"train": range(5, 9), "test": range(1, 5)})


def test_a_gzipped_file_is_read(tmp_path):
    with gzip.open(tmp_path / "s.csv.gz", "wt") as file:
        file.write(DAYS)
    found = read_series(tmp_path / "s.csv.gz", Columns(), CleaningOptions(InvalidRecords("fail", 0)))
    assert found.series[0].values[:, 0].tolist() == [1, 2, 3]


def test_json_lines_are_no_series(tmp_path):
    (tmp_path / "s.jsonl").write_text('{"y": 1}\n')
    with pytest.raises(DataError, match=r"received a \.jsonl file, expected \.csv"):
        read_series(tmp_path / "s.jsonl", Columns(), CleaningOptions(InvalidRecords("fail", 0)))


def test_a_last_line_needs_no_end(tmp_path):
    found, _ = read(tmp_path, DAYS.rstrip("\n"))
    assert len(found.series[0]) == 3


def test_too_many_invalid_rows_are_refused_after_all(tmp_path):
    text = DAYS + "".join(f"2024-01-{day:02d},x\n" for day in range(4, 9))
    file = tmp_path / "s.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=r"more than 3 invalid records were skipped"):
        read_series(file, Columns(targets=("y",)), CleaningOptions(InvalidRecords("skip", 3)))


FOUR = (1, 2, 4, 8)
TIMES = {
    "a date and a clock": (
        "Date;Time;y",
        ["16/12/2006;22.00.00", "16/12/2006;23.00.00", "17/12/2006;00.00.00"],
    ),
    "a clock and a date": ("Time;Date;y", ["22:00;2006-12-16", "23:00;2006-12-16", "00:00;2006-12-17"]),
    "a date and an hour": ("day;hour;y", ["20061216;22", "20061216;23", "20061217;0"]),
    "AM and PM": ("t;y", ["12/16/2006 10:00 PM", "12/16/2006 11:00 PM", "12/17/2006 12:00 AM"]),
    "offsets that change": ("t;y", ["2006-12-16 23:00+01:00", "2006-12-16 23:00Z", "2006-12-17T02:00+0200"]),
}


@pytest.mark.parametrize(("header", "times"), TIMES.values(), ids=list(TIMES))
def test_times_are_read_however_they_are_written(tmp_path, header, times):
    text = "\n".join([header, *(f"{time};{value}" for time, value in zip(times, FOUR)), ""])
    found, _ = read(tmp_path, text)
    assert found.columns.targets == ("y",)
    assert found.step == TimeStep("second", 3600)
    assert [found.step.text(time) for time in found.series[0].times] == [
        "2006-12-16 22:00",
        "2006-12-16 23:00",
        "2006-12-17 00:00",
    ]


def test_a_date_and_a_time_of_day_may_be_named(tmp_path):
    text = "y,Date,Time\n1,16.12.2006,1.00\n2,16.12.2006,2.00\n3,16.12.2006,3.00\n"
    found, _ = read(tmp_path, text, Columns(time=("Date", "Time")))
    assert (found.columns.time_format, found.columns.targets) == ("%d.%m.%Y %H.%M", ("y",))
    assert found.step == TimeStep("second", 3600)


def test_a_date_without_separators_is_a_time_and_is_not_forecast(tmp_path):
    text = "date,y,other\n20200130,1,20200101\n20200131,2,20200102\n20200201,4,20200103\n"
    found, _ = read(tmp_path, text)
    assert (found.columns.time, found.columns.targets) == (("date",), ("y",))
    assert found.step == TimeStep("second", 86400)


def test_a_counter_of_rows_is_not_forecast_and_a_named_column_that_counts_is(tmp_path):
    for name in ("", "Unnamed: 0", "index"):
        text = f"{name},date,y\n0,2020-01-01,5\n1,2020-01-02,6\n2,2020-01-03,7\n"
        assert read(tmp_path, text)[0].columns.targets == ("y",)


def test_numbers_that_stand_for_a_missing_value_are_missing(tmp_path):
    text = "date,y\n2020-01-01,5\n2020-01-02,-200\n2020-01-03,-200.0\n"
    found, _ = read(tmp_path, text, Columns(missing=(-200.0,)))
    assert np.isnan(found.series[0].values[:, 0]).tolist() == [False, True, True]


def test_trading_days_have_no_gap_at_a_weekend_and_no_row_may_be_of_one(tmp_path):
    days = [f"2020-01-{day:02}" for day in range(1, 31) if day not in (4, 5, 11, 12, 18, 19, 25, 26)]
    text = "\n".join(["date,y", *(f"{day},{day[-2:]}" for day in days), ""])
    found, _ = read(tmp_path, text)
    assert (found.step, len(found.series[0])) == (TimeStep("weekday"), len(days))
    assert found.step.text(found.step.later(found.series[0].times[-1], 2)) == "2020-02-03"  # a Monday
    with pytest.raises(
        DataError,
        match="is not a multiple of the step; received 2020-01-05 after 2020-01-04",
    ):
        read(tmp_path, "date,y\n2020-01-04,1\n2020-01-05,2\n2020-01-06,3\n", step=TimeStep("weekday"))
    few = "date,y\n2020-01-06,1\n2020-01-07,2\n2020-01-09,3\n"
    assert len(read(tmp_path, few, step=TimeStep("weekday"), on_gap="fill")[0].series[0]) == 4
    assert len(read(tmp_path, text, step=TimeStep("second", 86400), on_gap="fill")[0].series[0]) == 30
