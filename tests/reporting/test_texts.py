"""Tests the report of generated texts: chosen examples, attention, hostile text."""

import io
import json
import re

import pytest
from PIL import Image

from rnn_apps.reporting import examples_to_explain, write_report
from rnn_apps.reporting.selection import choose_texts
from rnn_apps.reporting.texts import summarise_texts

HOSTILE = '<script>alert("x")</script>'


def records(count=40, metric="cider_d"):
    """Return texts whose score is their number."""
    return [
        {"input": f"i{i}", "prediction": f"text {i}", "references": ["one text", "another"], metric: float(i)}
        for i in range(count)
    ]


@pytest.fixture
def folder(tmp_path):
    """Return a run folder with attention over an image and over words."""
    stream = io.BytesIO()
    Image.new("RGB", (9, 9), (200, 30, 30)).save(stream, "JPEG")
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "a.jpg").write_bytes(stream.getvalue())
    rows = records()
    attention = {"tokens": ["text", "0"], "weights": [[0.1, 0.2, 0.3, 0.4], [1.0, 0, 0, 0]]}
    rows[0] |= {"pictures": ["examples/a.jpg"], "attention": {**attention, "grid": [2, 2]}}
    rows[39] |= {"source": HOSTILE, "attention": {**attention, "sources": ["w", "x", "y", HOSTILE]}}
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    metrics = {
        "task": "image_captioning",
        "record_kind": "texts",
        "test": {"cider_d": 1.2, "bleu_4": 30.0},
        "baseline": {},
    }
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    return tmp_path


def test_examples_are_chosen_by_position_then_by_score():
    groups = {title: numbers for title, _, numbers in choose_texts(records())}
    assert groups["Throughout"] == [0, 6, 11, 17, 22, 28, 33, 39]
    assert groups["Best"] == [38, 37, 36, 35]
    assert groups["Worst"] == [1, 2, 3, 4]
    assert examples_to_explain(records(), "texts", None) == sorted(
        n for numbers in groups.values() for n in numbers
    )


@pytest.mark.parametrize("count", [0, 1, 3, 9])
def test_few_texts_are_each_shown_once(count):
    shown = [number for *_, numbers in choose_texts(records(count)) for number in numbers]
    assert sorted(shown) == list(range(count))


def test_without_scores_only_positions_decide():
    rows = [{key: value for key, value in row.items() if key != "cider_d"} for row in records()]
    assert [title for title, *_ in choose_texts(rows)] == ["Throughout"]


def test_attention_over_an_image_becomes_cells_and_shares_of_the_largest(folder):
    rows = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    summary, _ = summarise_texts(rows, folder)
    examples = summary["groups"][0][2]
    first, last = examples[0]["attention"], examples[-1]["attention"]
    assert first.grid == (2, 2)
    cells = re.findall(
        r'<rect x="([\d.]+)" y="([\d.]+)" width="50.0" height="50.0"', write_report(folder).read_text()
    )
    assert cells[:4] == [("0.0", "0.0"), ("50.0", "0.0"), ("0.0", "50.0"), ("50.0", "50.0")]
    assert first.shares[0][1] == [0.25, 0.5, 0.75, 1.0]
    assert last.grid is None
    assert last.positions == ["w", "x", "y", HOSTILE]


def test_attention_over_frames_is_summed_over_their_regions(folder):
    row = {
        **records(1)[0],
        "pictures": ["examples/a.jpg"] * 2,
        "attention": {"tokens": ["a"], "weights": [[0.1, 0.1, 0.5, 0.3]], "grid": [1, 2]},
    }
    summary, _ = summarise_texts([row], folder)
    ((*_, [text]),) = summary["groups"]
    assert text["attention"].positions == ["1", "2"]
    assert text["attention"].shares[0][1] == [0.25, 1.0]


def test_lengths_and_different_texts_are_counted(folder):
    rows = [{"prediction": "a b c", "references": ["a", "b c"]}, {"prediction": "a b c", "references": ["a"]}]
    summary, figures = summarise_texts(rows, folder)
    assert (summary["total"], summary["distinct"]) == (2, 1)
    assert (summary["mean_length"], summary["mean_reference_length"]) == (3, 4 / 3)
    assert list(figures) == ["lengths"]


def test_the_page_has_images_attention_and_escaped_hostile_text(folder):
    page = write_report(folder).read_text()
    assert "data:image/jpeg;base64," in page
    assert "attention at text" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert (folder / "plots" / "lengths.png").is_file()
    assert (folder / "plots" / "scores.png").is_file()
    assert "Errors" not in page


def test_a_missing_image_file_leaves_the_rest_of_the_report(folder):
    (folder / "examples" / "a.jpg").unlink()
    assert "text 0" in write_report(folder).read_text()
