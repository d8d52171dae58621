"""Tests the report of a run: completeness, no external resources, hostile text, any width."""

import csv
import json
import math
import random
import re
import shutil
import subprocess
from html.parser import HTMLParser

import matplotlib.image
import pytest

from rnn_apps.errors import RnnAppsError
from rnn_apps.reporting import write_report
from rnn_apps.reporting.predictions import summarise
from rnn_apps.reporting.scores import baseline_names, class_rows, format_number, score_colour

HOSTILE = '<script>alert("x")</script><img src="http://evil.example/x.png" onerror=alert(1)> & </pre>'
SECTIONS = ["score", "data", "learning", "errors", "examples", "inside", "run", "recipe"]
CLASSES = ["negative", "positive"]
TEXT = "Although the first half is dull I was far from bored and the film is a triumph"
COLUMNS = ["epoch", "step", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def make_prediction(rng, class_names=CLASSES, steps=True, text=None):
    """Return a line of predictions.jsonl; about nine of ten are correct."""
    label = rng.randrange(len(class_names))
    right = rng.random() < 0.9
    prediction = label if right else (label + 1) % len(class_names)
    score = 1 - 0.5 * rng.random() ** (2 if right else 1)
    words = (text or " ".join(rng.choices(TEXT.split(), k=rng.randrange(5, 40)))).split()
    probabilities = [(1 - score) / (len(class_names) - 1)] * len(class_names)
    probabilities[prediction] = score
    record = {"text": " ".join(words), "label": class_names[label], "prediction": class_names[prediction]}
    if steps:
        walk = [0.5 + (score - 0.5) * n / len(words) + 0.2 * math.sin(n) for n in range(len(words) - 1)]
        record["steps"] = [[word, min(1, max(0, p))] for word, p in zip(words, [*walk, score])]
    return record | {"score": score, "probabilities": probabilities}


def make_metrics(**changes):
    """Return metrics as a finished run writes them."""
    score = {"accuracy": 0.9732, "f1_macro": 0.973, "f1/negative": 0.972, "f1/positive": 0.974, "auc": 0.996}
    score |= {"log_loss": 0.0812, "calibration_error": 0.0113}
    majority = {"accuracy": 0.5, "f1_macro": 0.333, "log_loss": 0.693, "calibration_error": 0.0}
    words = {"accuracy": 0.613, "f1_macro": 0.612, "auc": 0.641, "log_loss": 0.66, "calibration_error": 0.041}
    return {
        "task": "text_classification",
        "recipe": "imdb",
        "data": {
            "source": "sample:reviews",
            "is_sample": True,
            "sample_of": "imdb_reviews",
            "train": 4800,
            "validation": 600,
            "test": 600,
            "skipped": {"empty_text": 2},
        },
        "class_names": CLASSES,
        "record_kind": "classes",
        "test": score,
        "validation": score | {"accuracy": 0.9699},
        "baseline": {"majority": majority, "bag_of_words": words},
        "training": {
            "steps_planned": 450,
            "steps_executed": 450,
            "resumes": 0,
            "parameters": 91_266,
            "best_epoch": 5,
        },
        "seconds": {"data": 1.31, "training": 74.2, "evaluation": 2.9},
        "settings": {"tokenizer": "words, lower case", "max_length": 400, "units": [128]},
        "score_mark": "SAMPLE score, not imdb_reviews",
        "layers": [{"layer": "vanilla_rnn", "path": "xla", "reason": "a shape seen three times"}],
        "versions": {"rnn-apps": "0.1.0", "tensorflow": "2.21.0", "keras": "3.15.1"},
        **changes,
    }


def write_run(folder, metrics=None, predictions=None, epochs=6):
    """Fill a run folder and return it."""
    rng = random.Random(3)
    (folder / "metrics.json").write_text(json.dumps(metrics or make_metrics()))
    if predictions is None:
        predictions = [make_prediction(rng) for _ in range(600)]
    (folder / "predictions.jsonl").write_text("".join(json.dumps(record) + "\n" for record in predictions))
    with (folder / "history.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for epoch in range(1, epochs + 1):
            losses = 0.7 / epoch, 1 - 0.45 / epoch, 0.75 / epoch + 0.01 * epoch, 0.96 - 0.4 / epoch
            writer.writerow([epoch, 75 * epoch, *losses, 0.001, 12.4])
    (folder / "recipe.yaml").write_text(
        "task: text_classification\ndata:\n  source: tfds:imdb_reviews\nseed: 1\n"
    )
    return folder


class Page(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))

    def attributes(self, *names):
        return [attrs[name] for _, attrs in self.tags for name in names if attrs.get(name)]


def report_of(folder):
    return Page(write_report(folder).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a run on synthetic data, with its report."""
    folder = write_run(tmp_path_factory.mktemp("run"))
    return folder, report_of(folder)


def test_every_section_exists_and_is_linked(finished):
    ids = [attrs.get("id") for tag, attrs in finished[1].tags if tag == "section"]
    assert ids == SECTIONS
    assert finished[1].attributes("href") == [f"#{name}" for name in SECTIONS]


def test_scores_are_shown_with_the_baselines(finished):
    text = finished[1].text
    for shown in ["0.973", "0.613", "0.500", "bag of words", "majority", "log loss", "many-to-one"]:
        assert shown in text


def test_data_timing_recipe_versions_and_layers_are_shown(finished):
    text = finished[1].text
    expected = [
        "4,800",
        "skipped: empty text",
        "1 min 14 s",
        "91,266",
        "2.21.0",
        "xla",
        "a shape seen three times",
    ]
    for shown in [*expected, "source: tfds:imdb_reviews"]:
        assert shown in text


def test_a_sample_is_marked_in_title_banner_and_score(finished):
    assert finished[1].text.count("SAMPLE score, not imdb_reviews") == 3


def test_a_real_data_set_is_not_marked(tmp_path):
    data = {"source": "tfds:imdb_reviews", "is_sample": False, "sample_of": None, "train": 1, "test": 1}
    assert (
        "SAMPLE"
        not in report_of(write_run(tmp_path, make_metrics(data=data, score_mark=None), [], epochs=0)).text
    )


def test_the_page_loads_no_other_files(finished):
    folder, page = finished
    assert all(source.startswith("data:image/") for source in page.attributes("src"))
    assert all(target.startswith("#") for target in page.attributes("href", "xlink:href"))
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "base"}
    assert "url(" not in (folder / "report.html").read_text()


def test_every_image_has_alternative_text(finished):
    pictures = [attrs for tag, attrs in finished[1].tags if tag == "img"]
    assert len(pictures) == 5
    assert all(len(attrs["alt"]) > 30 for attrs in pictures)
    assert all(attrs.get("aria-label") for _, attrs in finished[1].tags if attrs.get("role") == "img")


def test_plots_are_kept_as_png_and_svg(finished):
    names = {path.name for path in (finished[0] / "plots").iterdir()}
    kept = ("loss", "accuracy", "confusion_matrix", "reliability", "word_effects")
    assert names == {f"{name}.{kind}" for name in kept for kind in ("png", "svg")}
    assert matplotlib.image.imread(finished[0] / "plots" / "loss.png").std() > 0.05


def test_heat_maps_are_explained_only_where_there_are_some(finished):
    assert "In the heat maps" not in (finished[0] / "report.html").read_text()


def test_the_same_run_gives_the_same_report(finished, tmp_path):
    again = write_run(tmp_path)
    write_report(again)
    assert (again / "report.html").read_bytes() == (finished[0] / "report.html").read_bytes()


def test_hostile_text_is_shown_and_never_interpreted(tmp_path):
    names = [HOSTILE, "$x^{"]
    rng = random.Random(1)
    predictions = [make_prediction(rng, names, steps=index % 2, text=HOSTILE) for index in range(30)]
    metrics = make_metrics(
        recipe=HOSTILE, class_names=names, settings={HOSTILE: HOSTILE}, versions={"a": HOSTILE}
    )
    folder = write_run(tmp_path, metrics, predictions)
    (folder / "recipe.yaml").write_text(HOSTILE)
    page = report_of(folder)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "iframe"})
    assert all(source.startswith("data:") for source in page.attributes("src"))
    assert not page.attributes("onerror")
    assert page.text.count('<script>alert("x")</script>') >= 10


def test_text_that_is_not_valid_unicode_is_still_written(tmp_path):
    record = make_prediction(random.Random(1), text="half of a pair: \ud83d")
    assert "half of a pair" in report_of(write_run(tmp_path, predictions=[record], epochs=0)).text


def test_no_predictions_no_baseline_and_no_history_leave_a_shorter_page(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps(make_metrics(baseline={}, layers=[], versions=None)))
    text = report_of(tmp_path).text
    for shown in [
        "nothing to compare this number with",
        "No epoch was recorded",
        "No predictions",
        "not in this folder",
    ]:
        assert shown in text


def test_empty_metrics_still_give_a_page(tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    assert "There are no scores" in report_of(tmp_path).text


def test_a_baseline_without_scores_is_left_out(tmp_path):
    metrics = make_metrics(baseline={"majority": {"accuracy": 0.5}, "bag_of_words": None})
    text = report_of(write_run(tmp_path, metrics, [], epochs=0)).text
    assert "majority" in text
    assert "bag of words" not in text


def test_line_breaks_of_html_are_shown_as_spaces(tmp_path):
    record = make_prediction(random.Random(1), steps=False, text="one<br /><br />two")
    assert "one two" in report_of(write_run(tmp_path, predictions=[record], epochs=0)).text


def test_one_epoch_is_drawn_as_points(tmp_path):
    page = report_of(write_run(tmp_path, predictions=[], epochs=1))
    assert "each curve is a point" in page.text
    assert matplotlib.image.imread(tmp_path / "plots" / "loss.png").std() > 0.02


def test_examples_without_steps_are_shown_as_plain_text(tmp_path):
    rng = random.Random(1)
    page = report_of(
        write_run(tmp_path, predictions=[make_prediction(rng, steps=False) for _ in range(40)], epochs=0)
    )
    assert "polyline" not in {tag for tag, _ in page.tags}
    assert sum(tag == "article" for tag, _ in page.tags) == 9  # 4 wrong ones of the 40, and 5 right ones


def test_of_a_thousand_classes_the_twenty_most_confused_are_drawn(tmp_path):
    names = [f"class {index}" for index in range(1000)]
    rng = random.Random(1)
    predictions = [make_prediction(rng, names, steps=False) for _ in range(300)]
    test = {"accuracy": 0.9} | {f"f1/{name}": 0.9 for name in names}
    page = report_of(write_run(tmp_path, make_metrics(class_names=names, test=test), predictions, epochs=0))
    assert "20 most confused of 1,000 classes" in page.text
    assert "The 20 lowest of 1,000 classes" in page.text


def test_most_confident_mistakes_and_closest_calls_are_chosen():
    def record(label, score):
        return {"text": "", "label": label, "prediction": 0, "score": score}

    records = [record(0, score / 100) for score in range(50, 100)] + [
        record(1, s / 100) for s in range(50, 100)
    ]
    summary = summarise(records, CLASSES)
    assert [example.score for example in summary.mistakes] == [0.99, 0.98, 0.97, 0.96, 0.95]
    assert [example.score for example in summary.close_calls] == [0.50, 0.51, 0.52, 0.53, 0.54]
    assert dict(summary.confusion) == {(0, 0): 50, (1, 0): 50}
    assert summary.bin_count.sum() == summary.total == 100


def test_labels_may_be_names_or_indices():
    by_name = {"text": "", "label": "positive", "prediction": "negative", "score": 0.6}
    by_index = {"text": "", "label": 1, "prediction": 0, "score": 0.6}
    assert summarise([by_name, by_index], CLASSES).confusion == {(1, 0): 2}


def test_the_lowest_classes_come_first():
    rows = class_rows({"test": {"f1/a": 0.9, "f1/b": 0.1, "f1/c": None, "accuracy": 0.5}})
    assert [row.name for row in rows] == ["c", "b", "a"]


def test_a_missing_or_damaged_file_is_named_with_its_line(tmp_path):
    with pytest.raises(RnnAppsError, match=r"metrics\.json: missing"):
        write_report(tmp_path)
    write_run(tmp_path)
    (tmp_path / "predictions.jsonl").write_text('{"label": 0, "prediction": 0}\n{"label"')
    with pytest.raises(RnnAppsError, match=r"predictions\.jsonl:2: damaged"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_the_strongest_baseline_comes_first():
    baseline = {"majority": {"accuracy": 0.5}, "bag_of_words": {"accuracy": 0.6}}
    assert baseline_names({"test": {"accuracy": 0.9}, "baseline": baseline}) == ["bag_of_words", "majority"]
    errors = {"naive": {"mase": 1.0}, "drift": {"mase": 0.8}}
    assert baseline_names({"test": {"mase": 0.7}, "baseline": errors}) == ["drift", "naive"]


def test_numbers_that_are_none_or_not_finite_are_a_dash():
    assert [format_number(value) for value in (None, math.nan, math.inf)] == ["–"] * 3


@pytest.mark.parametrize("score", [0.0, 0.1, 0.25, 0.5, 0.8, 1.0])
def test_dark_text_is_readable_on_every_colour(score):
    """The contrast is at least 6 to 1 by the formula of WCAG 2, which requires 4.5."""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert (luminance(score_colour(score)) + 0.05) / (luminance("#1d2433") + 0.05) > 6


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [420, 1300])
def test_a_browser_shows_the_page_without_network_access(finished, tmp_path, width):
    picture = tmp_path / "page.png"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    profile, size = f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900"
    page = (finished[0] / "report.html").as_uri()
    command = [CHROMIUM, *flags, profile, size, f"--screenshot={picture}", page]
    subprocess.run(command, capture_output=True, check=True, timeout=60)
    pixels = matplotlib.image.imread(picture)
    assert pixels.shape[:2] == (900, width)
    assert pixels[..., :3].std() > 0.05
