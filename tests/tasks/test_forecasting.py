"""The forecasting task from data to answers: scores by hand, raw values in, files that do not fit refused."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

import rnn_apps
from rnn_apps.data.synthetic.series import seasonal_values
from rnn_apps.errors import DataError, RecipeError, UserError
from rnn_apps.export import export_subdir
from rnn_apps.export.client import Client
from rnn_apps.recipe import apply_overrides, load_recipe
from rnn_apps.reporting.forecasts import verdict
from rnn_apps.runs import open_run
from rnn_apps.tasks import find_task
from rnn_apps.tasks.forecasting.answers import columns_note
from rnn_apps.tasks.forecasting.dataset import SeriesPreprocessing
from rnn_apps.tasks.forecasting.predictor import ForecastPredictor
from rnn_apps.training import Trainer

pytestmark = pytest.mark.slow

MODEL = {"units": [6], "window": 30, "lags": 8}
DATA = {"period": 8, "horizon": 4, "windows": 16, "sample": {"size": 600}}
TRAINING = {"epochs": 2, "batch_size": 8, "compile": False, "early_stopping": None}
WAVES = {"series": "shop", "targets": ["sales", "visits"], "covariates": ["rain"], "known": ["sale"]}
WAVES |= {"calendar": ["weekday"], "test_fraction": 0.3}


def recipe_of(**changes):
    model, data = {**MODEL, **changes.pop("model", {})}, {**DATA, **changes.pop("data", {})}
    training = {**TRAINING, **changes.pop("training", {})}
    return load_recipe("forecasting", {"model": model, "data": data, "training": training, **changes})


def trainer_of(task):
    return Trainer(
        task.trained, task.dataset.training_batches(), task.objective, task.predictor.recipe.training
    )


def prepared(**changes):
    return find_task("forecasting").prepare(recipe_of(**changes))


def waves(path, days=120, shops=("north", "south"), ahead=0, columns=5):
    """Two shops of different size, the last days of which have no targets."""
    rows = []
    for size, shop in enumerate(shops, start=1):
        for day in range(days + ahead):
            date = np.datetime64("2024-01-01") + day
            wave = 10.0**size * (2 + np.sin(2 * np.pi * day / 8) + 0.1 * (day % 3))
            targets = [f"{wave:.3f}", f"{wave / 7:.3f}"] if day < days else ["", ""]
            rows.append([str(date), shop, *targets, str(day % 5), str(int(day % 11 == 0))])
    header = ["date", "shop", "sales", "visits", "rain", "sale"]
    path.write_text("\n".join(",".join(row[: columns + 1]) for row in [header, *rows]))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory, new_console):
    """Two series with two targets, a covariate, one that is known in advance, and the day of the week."""
    folder = tmp_path_factory.mktemp("forecasting")
    recipe = recipe_of(data=WAVES, export=["saved_model", "onnx", "litert"])
    data = waves(folder / "waves.csv")
    return rnn_apps.run(recipe, data=data, out=folder / "run", console=new_console())


def test_the_loss_is_the_pinball_loss_over_what_is_there():
    objective = prepared(data={"source": "sample"}).objective
    rng = np.random.default_rng(0)
    truth, outputs = rng.normal(size=(2, 3, 4, 1)), np.sort(rng.normal(size=(2, 3, 4, 1, 3)), axis=-1)
    weight = np.where(rng.random(truth.shape) < 0.3, 0.0, 0.5)
    targets = tf.constant(np.stack([truth, weight], -1), tf.float32)
    error = truth[..., None] - outputs
    losses = np.where(error > 0, error * [0.1, 0.5, 0.9], -error * [0.9, 0.5, 0.1]).mean(-1)
    count = (weight > 0).sum()
    loss = objective.loss(tf.constant(outputs, tf.float32), targets)
    assert float(loss) == pytest.approx((losses * weight).sum() / count, rel=1e-5)
    assert float(objective.count(targets)) == count
    absolute = (np.abs(error[..., 1]) * weight).sum()
    metrics = objective.batch_metrics(tf.constant(outputs, tf.float32), targets)
    assert float(metrics["mase"]) == pytest.approx(absolute, rel=1e-5)


def test_the_views_are_of_the_past(run, check_views):
    check_views(run, ["per_step/recurrent/layer_0_forward"], {str(step) for step in range(-200, 1)})


def test_a_run_writes_scores_beside_the_baselines(run):
    names = {"mase", "smape", "coverage", "mae", "quantile_loss"}
    assert set(run.metrics["test"]) == names
    assert set(run.metrics["baseline"]) == {"naive", "seasonal_naive", "drift"}
    assert all(set(scores) == names for scores in run.metrics["baseline"].values())
    described = run.metrics["data"]
    assert (described["series"], described["step"], described["targets"]) == (2, "day", ["sales", "visits"])
    assert [described[part] for part in ("train", "validation", "test")] == [2 * 76, 2 * 8, 2 * 36]


def test_the_scores_are_those_of_the_records(run):
    records = [json.loads(line) for line in (run.folder / "predictions.jsonl").read_text().splitlines()]
    assert len(records) == 10
    assert [record["origin"] for record in records[:5]] == [
        "2024-03-25",
        "2024-04-02",
        "2024-04-10",
        "2024-04-18",
        "2024-04-26",
    ]
    values = np.genfromtxt(run.folder.parent / "waves.csv", delimiter=",", skip_header=1, usecols=(2, 3))
    scales = [np.abs(part[8:76] - part[:68]).mean(0) for part in (values[:120], values[120:])]
    errors = [
        np.abs(np.subtract(record["targets"][name]["truth"], record["targets"][name]["forecast"])) / scale
        for record, shop in zip(records, [0] * 5 + [1] * 5)
        for name, scale in zip(("sales", "visits"), scales[shop])
    ]
    assert run.metrics["test"]["mase"] == pytest.approx(np.mean(errors), rel=1e-4)
    inside = [
        np.less_equal(lines["lower"], lines["truth"]) & np.less_equal(lines["truth"], lines["upper"])
        for record in records
        for lines in record["targets"].values()
    ]
    assert run.metrics["test"]["coverage"] == pytest.approx(np.mean(inside))


def test_other_data_is_tested_on_whole_but_for_two_seasons_or_on_its_own_test_part(run, tmp_path):
    other = waves(tmp_path / "other.csv", days=60)
    scores = open_run(run.folder).evaluate(other)
    assert 0 < scores["mase"] < 2
    rows = other.read_text().split("\n")
    folder = tmp_path / "parts"
    folder.mkdir()
    for part, wanted in (
        ("train", lambda date: date < "2024-02-15"),
        ("test", lambda date: date >= "2024-02-15"),
    ):
        (folder / f"{part}.csv").write_text(
            "\n".join([rows[0], *(row for row in rows[1:] if wanted(row[:10]))])
        )
    assert open_run(run.folder).evaluate(folder) != scores


def test_a_file_of_the_past_is_answered_with_a_table(run, tmp_path):
    past = waves(tmp_path / "past.csv", days=50, ahead=4)
    answers = run.predict([str(past)])
    assert [answer["series"] for answer in answers] == ["north", "south"]
    assert answers[0]["times"] == ["2024-02-20", "2024-02-21", "2024-02-22", "2024-02-23"]
    sales = answers[1]["targets"]["sales"]
    assert all(
        low <= middle <= high for low, middle, high in zip(sales["lower"], sales["forecast"], sales["upper"])
    )
    lines = run.predictor.answer_line(answers[1]).split("\n")
    assert lines[0].endswith("past.csv  south")
    assert lines[1].split() == ["time", "sales", "from", "to", "visits", "from", "to"]
    assert lines[2].split()[:2] == ["2024-02-20", f"{sales['forecast'][0]:.6g}"]


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (
            {"days": 50, "ahead": 3},
            'received 3 rows after the last value of the targets, expected 4 rows with "sale"',
        ),
        ({"days": 5, "ahead": 4}, "received 5 steps of the past, expected at least 8"),
        ({"days": 50, "ahead": 4, "columns": 4}, 'no column "sale"'),
    ],
)
def test_a_past_that_does_not_fit_is_refused(run, tmp_path, made, problem):
    path = waves(tmp_path / "past.csv", **made)
    with pytest.raises(DataError, match=problem) as caught:
        run.predict([str(path)])
    assert str(caught.value).startswith(str(path))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A network that is not trained, with a table of one series; its recipe skips bad records."""
    path = waves(tmp_path_factory.mktemp("plain") / "waves.csv", shops=("north",), columns=3)
    data = {"source": "files", "path": str(path), "on_invalid_record": "skip", "max_invalid_records": 0.01}
    task = prepared(data={**data, "targets": ["sales", "visits"], "series": "shop"})
    return task.predictor, path


def changed(path, value, rows):
    """The lines of a table with a value for the sales of its last rows."""
    lines = path.read_text().splitlines()
    for place in range(len(lines) - rows, len(lines)):
        date, shop, _, *others = lines[place].split(",")
        lines[place] = ",".join([date, shop, value, *others])
    return lines


@pytest.mark.parametrize("value", ["1e38", "inf", "-1e99", "much"])
def test_a_value_that_is_not_read_is_said_with_the_forecast(plain, tmp_path, value):
    predictor, path = plain
    lines, past = changed(path, value, rows=3), tmp_path / "past.csv"
    past.write_text("\n".join(lines))
    said = "not a number" if value == "much" else "infinite or too large"
    (answer,) = predictor.predict([str(past)])
    assert answer["skipped"] == f"3 {said}"
    assert predictor.answer_line(answer).split("\n")[1] == f"Skipped in this file: 3 {said}"
    stream = predictor.open_stream()
    *before, last = stream.feed(lines)
    assert [one.get("skipped") for one in before[-3:]] == [None, f"1 {said}", f"1 {said}"]
    assert stream.line(last).endswith(f"\t(skipped: 1 {said})")


def test_a_forecast_that_is_not_finite_is_refused_with_the_value_that_it_comes_from(plain, tmp_path):
    """Weights far from those of any training multiply values near the largest of float32."""
    predictor, path = plain
    rng = np.random.default_rng(0)
    predictor.model.set_weights([rng.normal(0, 100, w.shape) for w in predictor.model.get_weights()])
    lines, past = changed(path, "9e36", rows=1), tmp_path / "past.csv"
    past.write_text("\n".join(lines))
    wrong = r"north  sales: the forecast is not a finite number; received values up to 9e\+36"
    with pytest.raises(DataError, match=f'{wrong} .in the column "sales".') as caught:
        predictor.predict([str(past)])
    assert str(caught.value).startswith(str(past))
    with pytest.raises(DataError, match=rf"^line \d+  {wrong}"):
        list(predictor.open_stream().feed(lines))


def test_columns_that_changed_since_training_are_refused_when_scored_anew(run, tmp_path):
    path = waves(tmp_path / "less.csv", columns=4)
    with pytest.raises(DataError, match=r'less\.csv:1: no column "sale"'):
        open_run(run.folder).evaluate(path)


def test_what_is_known_in_advance_changes_the_forecast(run, tmp_path):
    past = waves(tmp_path / "past.csv", days=50, ahead=4)
    before = run.predict([str(past)])
    lines = past.read_text().split("\n")
    past.write_text("\n".join(line[:-1] + "1" if ",,," in line else line for line in lines))
    assert run.predict([str(past)])[0]["targets"] != before[0]["targets"]


def test_the_influence_of_each_step_is_explained(run, tmp_path):
    past = waves(tmp_path / "past.csv", days=50, ahead=4)
    (steps,) = run.explain([str(past)])
    assert [time for time, *_ in steps][-1] == "2024-02-19"
    assert len(steps) == MODEL["window"]
    before = np.mean(run.predict([str(past)])[0]["targets"]["sales"]["forecast"])
    text = past.read_text()
    row = next(line for line in text.split("\n") if line.startswith("2024-02-19,north"))
    cells = row.split(",")
    cells[2] = f"{float(cells[2]) + 0.1:.3f}"
    past.write_text(text.replace(row, ",".join(cells)))
    after = np.mean(run.predict([str(past)])[0]["targets"]["sales"]["forecast"])
    assert (after - before) / 0.1 == pytest.approx(steps[-1][2], abs=0.02)


def raw_rows(run, path):
    """What a client sends: the past of one shop, and what is known in advance."""
    rows = [line.split(",") for line in path.read_text().split("\n")[1:] if ",north," in line]
    past = [row for row in rows if row[2]]
    monday = [float((np.datetime64(row[0]).astype(int) + 3) % 7) for row in past]
    series = [[*map(float, row[2:6]), day] for row, day in zip(past, monday)]
    return {"series": [series], "known": [[[float(row[5])] for row in rows if not row[2]]]}


def test_the_export_takes_raw_values(run, tmp_path):
    path = waves(tmp_path / "past.csv", days=20, ahead=4)
    loaded = tf.saved_model.load(str(run.folder / "export" / "1"))
    given = {name: tf.constant(rows, tf.float32) for name, rows in raw_rows(run, path).items()}
    answer = {name: value.numpy() for name, value in loaded.signatures["serving_default"](**given).items()}
    own = run.predict([str(path)])[0]["targets"]
    for name in ("forecast", "lower", "upper"):
        assert np.shape(answer[name]) == (1, 4, 2)
        for index, target in enumerate(("sales", "visits")):
            found = [row[index] for row in answer[name][0]]
            assert found == pytest.approx(own[target][name], rel=1e-4)


def test_what_is_known_in_advance_cannot_be_streamed(run):
    with pytest.raises(UserError, match="stream: this network needs future values of sale"):
        run.predictor.open_stream()


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    """A network of two series with a calendar, not trained; and the table that it reads."""
    path = waves(tmp_path_factory.mktemp("streamed") / "waves.csv")
    data = {**WAVES, "known": [], "source": "files", "path": str(path), "on_gap": "fill"}
    predictor = prepared(data=data, model={"window": 200}).predictor
    rng = np.random.default_rng(0)
    predictor.model.set_weights([w + rng.normal(0, 0.1, w.shape) for w in predictor.model.get_weights()])
    return predictor, path


def test_rows_as_they_come_are_answered_as_the_whole_file_is(streamed):
    """Of the second series two days are missing, which are filled."""
    predictor, path = streamed
    header, *rows = path.read_text().split("\n")
    rows = [row for row in rows if row[:16] not in ("2024-02-01,south", "2024-02-02,south")]
    stream, answers = predictor.open_stream(), {}
    for line in [header, *sorted(rows)]:
        answers |= {answer["series"]: answer for answer in stream.feed([line])}
        if line.startswith("2024-01-01,north"):
            lags = predictor.sizes.lags
            assert answers["north"]["note"] == f"{lags - 1} of the last {lags} values of sales are missing"
    assert all("note" not in answer for answer in answers.values())
    other = path.with_name("less.csv")
    other.write_text("\n".join([header, *rows]))
    for own in predictor.predict([str(other)]):
        found = answers[own["series"]]
        assert found["times"] == own["times"]
        for target, lines in own["targets"].items():
            assert found["targets"][target]["forecast"] == pytest.approx(lines["forecast"], rel=1e-3)
    cells = stream.line(answers["south"]).split("\t")
    assert cells[:2] == ["south", "2024-04-30"]
    assert cells[2] == f"{answers['south']['targets']['sales']['forecast'][0]:.6g}"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("2024-01-02,north,1,2,x,0", 'line 3: rain is not a number; received "x"'),
        ("2024-01-02,north,1", "line 3: 3 fields where the header has 6"),
        ("2024-01-02,no\rth,1,2,3,0", "line 3: not CSV: new-line character"),
        ("2024-01-01,north,1,2,3,0", "line 3: duplicate time. Leave the row out. A network trained with"),
        (
            "2024-01-02T05,north,1,2,3,0",
            "line 3: its distance from the row before is not a multiple of the step",
        ),
    ],
)
def test_a_row_of_a_stream_that_cannot_be_read_is_named(streamed, line, problem):
    stream = streamed[0].open_stream()
    stream.feed(["date,shop,sales,visits,rain,sale", "2024-01-01,north,1,2,3,0"])
    with pytest.raises(DataError) as caught:
        stream.feed([line])
    assert str(caught.value).startswith(problem)


def test_a_series_read_on_step_by_step_is_the_series_read_at_once(run, tmp_path):
    raw = raw_rows(run, waves(tmp_path / "past.csv", days=20, ahead=4))
    series = np.asarray(raw["series"], np.float32)
    step = tf.saved_model.load(str(run.folder / "export" / "1")).signatures["step"]
    recent, *states = run.predictor.initial_state(1)
    left = {"recent": recent} | {f"state_{i}": state for i, state in enumerate(states)}
    for begin, end in ((0, 3), (3, 4), (4, 20)):
        # What is known is that of the steps behind the chunk; the rest of it stands in the series.
        known = series[:, end : end + 4, 3:4] if end < 17 else np.asarray(raw["known"], np.float32)
        answer = step(series=tf.constant(series[:, begin:end]), known=tf.constant(known), **left)
        left = {name.removeprefix("next_"): value for name, value in answer.items() if "next_" in name}
    whole = run.model([tf.constant(series), tf.constant(raw["known"])])[:, -1]
    np.testing.assert_allclose(answer["forecast"], whole[..., 1], rtol=1e-3)
    np.testing.assert_allclose(answer["upper"], whole[..., 2], rtol=1e-3)


def test_truncated_backpropagation_trains_the_network_that_answers_the_same_with_the_same_seed():
    training = {"tbptt": {"steps": 32}, "batch_size": 4, "epochs": 1}
    trained = []
    for _ in range(2):
        task = prepared(data={"source": "sample"}, training=training)
        before = [weight.copy() for weight in task.predictor.model.get_weights()]
        trainer = trainer_of(task)
        trainer.train()
        assert trainer.step == len(trainer.batches) > 1
        trained.append(task.predictor.model.get_weights())
        assert all((was != now).any() for was, now in zip(before, trained[-1]))
    for one, other in zip(*trained):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("form", ["onnx", "litert"])
def test_known_and_missing_values_are_read_by_other_formats_too(form, run, tmp_path):
    folder = run.folder / export_subdir(form)
    assert run.metrics["not_exported"] == {}
    path = waves(tmp_path / "past.csv", days=20, ahead=4)
    rows = {name: values[0] for name, values in raw_rows(run, path).items()}
    rows["series"][3][0] = None
    lines = path.read_text().split("\n")
    lines[4] = ",".join([*lines[4].split(",")[:2], "", *lines[4].split(",")[3:]])
    path.write_text("\n".join(lines))
    answer = Client(folder).answer(json.dumps(rows))
    own = run.predict([str(path)])[0]["targets"]["sales"]["forecast"]
    assert [row[0] for row in answer["forecast"]] == pytest.approx(own, rel=1e-3)


def test_a_number_that_stands_for_a_missing_value_does_so_in_exports_too(run):
    predictor, (part,) = run.predictor, run.predictor.network_parts()
    columns = dataclasses.replace(predictor.columns, missing=(-999.0,))
    own = SeriesPreprocessing(columns, predictor.step, predictor.preprocessing.examples)
    with_sentinel = ForecastPredictor(run.recipe, predictor.model, own)
    given = [array.copy() for array in part.examples(1, run.recipe.model.window, 1)]
    answers = []
    for value in (np.nan, -999.0):
        given[0][0, -3:, 0] = value
        given[1][0, 1, 0] = value
        exported = (
            with_sentinel.module.signature("serving_default"),
            with_sentinel.network_parts()[0].function,
        )
        answers += [one(*map(tf.constant, given))["forecast"].numpy() for one in exported]
    assert np.isfinite(answers[0]).all()
    for answer in answers[1:]:
        np.testing.assert_allclose(answer, answers[0], rtol=1e-4)
    note = columns_note(columns, ("weekday",))
    assert note.startswith(
        "The columns of `series`, in this order: `sales`, `visits`, `rain`, `sale`, `weekday`. "
    )
    assert note.endswith("A missing value is NaN (null in JSON for client.py), or -999.")


def csv_of(folder, values, header="y"):
    path = folder / "s.csv"
    path.write_text("\n".join([header, *map(str, values)]))
    return {"source": "files", "path": str(path), "targets": None, "known": []}


@pytest.mark.parametrize(
    ("values", "changes", "problem"),
    [
        (
            [5.0] * 200,
            {},
            "a series is constant; received 5 in every row of train, expected different values",
        ),
        (
            ["NA"] * 230 + [1, 2] * 10,
            {"data": {"targets": ["y"]}},
            "a series is constant; received no value in train",
        ),
        (range(18), {}, "received 10 steps for train, 18 in all, expected at least 12"),
        ([-1, 2] * 100, {"model": {"transform": "log"}}, "received -1, expected no negative value"),
    ],
)
def test_series_that_teach_nothing_are_refused(values, changes, problem, tmp_path):
    data = {**csv_of(tmp_path, values), **changes.pop("data", {})}
    with pytest.raises(DataError, match=problem) as caught:
        prepared(data=data, **changes)
    assert str(caught.value).startswith(data["path"])


def test_a_series_that_teaches_nothing_is_left_out_where_the_recipe_says_so(tmp_path):
    path = tmp_path / "s.csv"
    rows = [
        f"{i},{shop},{i % 7 if shop == 'b' else 3}"
        for shop in "abc"
        for i in range(100 if shop != "c" else 9)
    ]
    path.write_text("\n".join(["i,shop,y", *rows]))
    data = {
        "source": "files",
        "path": str(path),
        "series": "shop",
        "time": "i",
        "targets": ["y"],
        "known": [],
    }
    dataset = prepared(data={**data, "on_invalid_record": "skip"}).dataset
    assert [one.name for one in dataset.series] == ["b"]
    assert dataset.describe()["skipped"] == {"a series is constant": 1, "a series is too short": 1}


def test_a_calendar_needs_dates(tmp_path):
    data = {**csv_of(tmp_path, range(200)), "calendar": ["hour"]}
    with pytest.raises(UserError, match="data.calendar: there are no dates"):
        prepared(data=data)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"data": {"source": "tfds:imdb_reviews"}}, "data.source: received .*, expected files or sample"),
        ({"data": {"targets": ["y"], "known": ["y"]}}, 'data.known: received "y", which is also in targets'),
        (
            {"data": {"time_format": "%d"}},
            "data.time_format: received a format, but data.time does not name a column",
        ),
        ({"model": {"quantiles": [0.1, 0.4, 0.6, 0.9]}}, "expected an odd number of ascending quantiles"),
        ({"model": {"quantiles": [0.5, 0.1, 0.9]}}, "ascending quantiles"),
        ({"model": {"lags": 40}}, "model.lags: received 40, expected at most the window, 30"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, problem):
    with pytest.raises(RecipeError, match=problem):
        recipe_of(**settings)


def test_the_sample_rewards_what_is_known_in_advance():
    """Trained a little, the network is ahead of every baseline on the generated series."""
    data = {"source": "sample", "period": 24, "horizon": 24, "windows": 160, "sample": {"size": 1500}}
    training = {
        "epochs": 4,
        "batch_size": 16,
        "learning_rate": 0.01,
        "schedule": "constant",
        "warmup_steps": 0,
    }
    task = prepared(
        data={**data, "origins": 40}, model={"units": [16], "window": 48, "lags": 24}, training=training
    )
    trainer_of(task).train()
    scores, _ = task.objective.evaluate("test")
    baselines = {name: values["mase"] for name, values in task.objective.baselines().items()}
    assert scores["mase"] < min(baselines.values())
    assert verdict({"test": scores, "baseline": {n: {"mase": v} for n, v in baselines.items()}})[1]


def test_the_generated_values_are_read_as_they_are():
    dataset = prepared(data={"source": "sample"}).dataset
    np.testing.assert_array_equal(dataset.series[0].values, seasonal_values(600, 1))
    assert dataset.columns.features == ["value", "day_off"]


def test_the_demo_page_forecasts_an_example_as_the_run_does(run, demo_page):
    page = demo_page(run)
    assert "columns date (one row every day), sales, visits, rain, sale." in page.lead
    for example in page.examples():
        (own,) = run.predict([example.value])
        html = page.answer(example.value).html
        for name in ("sales", "visits"):
            for value in (*own["targets"][name]["forecast"], *own["targets"][name]["upper"]):
                assert f'<td class="n">{value:.5g}</td>' in html
        assert own["times"][-1] in html


def test_a_stream_skips_rows_that_are_not_later_if_the_recipe_skips_invalid_records(streamed):
    predictor, _ = streamed
    recipe = apply_overrides(predictor.recipe, {"data.on_invalid_record": "skip"})
    stream = type(predictor)(recipe, predictor.model, predictor.preprocessing).open_stream()
    stream.feed(["date,shop,sales,visits,rain,sale", "2024-01-02,north,1,2,3,0"])
    assert stream.feed(["2024-01-02,north,1,2,3,0", "2024-01-01,north,1,2,3,0"]) == []
    (answer,) = stream.feed(["2024-01-03,north,1,2,3,0"])
    assert answer["skipped"] == "1 duplicate time; 1 time before that of the previous row"
