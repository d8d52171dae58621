"""Tests the comparison of runs: grouped seeds, differing settings, highlighted best means."""

import csv
import json
import re

import pytest

from rnn_apps.reporting import write_comparison

HOSTILE = "<script>alert(1)</script>"


def write_run(folder, accuracy, val_accuracy=(0.5, 0.8), **more):
    folder.mkdir()
    metrics = {
        "task": "text_classification",
        "recipe": "imdb",
        "test": {"accuracy": accuracy, "log_loss": 1 - accuracy},
    }
    (folder / "metrics.json").write_text(json.dumps(metrics | more))
    with open(folder / "history.csv", "w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["epoch", "val_accuracy", "seconds"])
        writer.writerows([n + 1, value, 1.0] for n, value in enumerate(val_accuracy))
    return folder


@pytest.fixture
def page(tmp_path):
    scores = {"a1": 0.80, "a2": 0.90, "b1": 0.86}
    folders = [write_run(tmp_path / name, score) for name, score in scores.items()]
    sample = {"source": "sample", "is_sample": True, "sample_of": HOSTILE}
    write_run(tmp_path / "c", 0.5, data=sample)
    settings = [
        {"seed": 1, "model.cell": "vanilla", "model.units": [8]},
        {"seed": 2, "model.cell": "vanilla", "model.units": [8]},
        {"seed": 1, "model.cell": HOSTILE, "model.units": [8]},
        {"seed": 1, "model.cell": "gru", "model.units": [8]},
    ]
    (tmp_path / "out").mkdir()
    path = write_comparison([*folders, tmp_path / "c"], settings, tmp_path / "out")
    return path.read_text(encoding="utf-8")


def row(page, name):
    (found,) = re.findall(rf'<tr><th scope="row">{name}.*?</tr>', page, re.DOTALL)
    return re.findall(r'<td class="([^"]*)">(.*?)</td>', found)


def test_runs_that_differ_in_the_seed_only_share_a_column_with_their_range(page):
    assert [text for _, text in row(page, "accuracy")] == ["0.850 (0.800 to 0.900)", "0.860", "0.500"]
    assert [text for _, text in row(page, "runs")] == ["2", "1", "1"]


def test_the_best_mean_is_highlighted_for_either_direction(page):
    assert [kind for kind, _ in row(page, "accuracy")] == ["n", "n best", "n"]
    assert [kind for kind, _ in row(page, "log loss")] == ["n", "n best", "n"]


def test_only_settings_that_differ_are_listed(page):
    assert row(page, "model.cell")[0][1] == "vanilla"
    assert "model.units" not in page


def test_the_content_of_a_run_is_escaped(page):
    assert HOSTILE not in page
    assert "SAMPLE score, not &lt;script&gt;" in page


def test_curves_and_the_spread_are_saved_next_to_the_page(page, tmp_path):
    names = {path.name for path in (tmp_path / "out" / "plots").iterdir()}
    assert names == {f"{name}.{kind}" for name in ("main", "curve_val_accuracy") for kind in ("png", "svg")}
    assert page.count('src="data:image/svg+xml') == 2
    assert "A ends at 0.800" in page
