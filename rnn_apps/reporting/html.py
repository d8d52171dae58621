"""Puts the report together: figures into `plots/`, and one HTML file that needs nothing else."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from rnn_apps.reporting import plots, scores
from rnn_apps.reporting.folder import Run, read_run
from rnn_apps.reporting.forecasts import summarise_forecasts
from rnn_apps.reporting.inside import inside_figures, unrolled_of
from rnn_apps.reporting.labels import summarise_labels
from rnn_apps.reporting.pages import Picture, environment, sample_mark, save_picture, write_page
from rnn_apps.reporting.predictions import Example, PredictionSummary
from rnn_apps.reporting.texts import ATTENTION, summarise_texts
from rnn_apps.reporting.words import word_trace
from rnn_apps.tasks import TASKS, settings_class
from rnn_apps.tasks.shapes import SHAPES

MOST_CONFUSED = 20
LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
MOST_CURVES = 4


def write_report(folder: Path) -> Path:
    """Writes `report.html` and `plots/` (PNG, SVG) into the folder of a finished run, from its files alone.

    Read are `metrics.json`, which must be there, and `history.csv`, `predictions.jsonl`, `views.json` and
    `recipe.yaml`; what is missing is left out of the page. Each file is written beside its place and then
    renamed.

    Returns:
        Path of the report.

    Raises:
        RnnAppsError: a file that is needed is missing or damaged.
    """
    run = read_run(Path(folder))
    texts, of_texts = summarise_texts(run.texts, Path(folder))
    forecasts, ahead = summarise_forecasts(run.forecasts, run.metrics) if run.forecasts else (None, {})
    learning, of_predictions = _learning_figures(run), _prediction_figures(run.predictions)
    shape, inside = unrolled_of(run.views), inside_figures(run.views, *_traces(run.predictions))
    figures = learning | of_predictions | of_texts | ahead | shape | inside
    pictures = {name: save_picture(Path(folder), name, *parts) for name, parts in figures.items()}
    content = _content(run, pictures)
    content |= {
        "curves": [pictures[name] for name in learning],
        "inside": [pictures[name] for name in inside],
    }
    content |= {"forecasts": forecasts, "forecast_pictures": {name: pictures[name] for name in ahead}}
    content |= {
        "texts": texts if run.texts else None,
        "text_pictures": [pictures[name] for name in of_texts if not name.startswith(ATTENTION)],
    }
    return write_page(Path(folder), environment().get_template("report.html").render(content))


def _content(run: Run, pictures: Mapping[str, Picture]) -> dict[str, Any]:
    metrics, predictions = run.metrics, run.predictions
    task = str(metrics.get("task") or "")
    shape = metrics.get("shape") or (settings_class(task).shape if task in TASKS else None)
    groups = _groups(predictions)
    return {
        "name": run.name,
        "task": task,
        "shape": shape,
        "diagram": SHAPES.get(str(shape)),
        "metrics": metrics,
        "mark": sample_mark(metrics),
        "main": scores.main_metric(metrics),
        "baselines": scores.baseline_names(metrics),
        "scale": scores.bar_scale(metrics),
        "rows": scores.score_rows(metrics),
        "class_rows": scores.class_rows(metrics),
        "unrolled": pictures.get("unrolled"),
        "confusion": pictures.get("confusion_matrix"),
        "confusion_is_small": len(predictions.class_names) <= plots.FEW_CLASSES,
        "reliability": pictures.get("reliability"),
        "epochs": len(next(iter(run.history.values()), [])),
        "total": predictions.total,
        "groups": groups,
        "labels": summarise_labels(run.sequences, predictions.class_names) if run.sequences else None,
        "traced": any(example["trace"] for group in groups for example in group["examples"]),
        "class_names": predictions.class_names,
        "recipe": run.recipe,
    }


def _groups(predictions: PredictionSummary) -> list[dict[str, Any]]:
    """Returns the shown examples by the rule that chose them."""
    rules = [
        ("Wrong", "The most confident mistakes.", predictions.mistakes),
        ("Right, but only just", "The right answers of least confidence.", predictions.close_calls),
        (
            "Minds changed",
            "Of the others, those whose score moves most from word to word.",
            predictions.swings,
        ),
    ]
    return [
        {"title": title, "rule": rule, "examples": [_shown(example, predictions) for example in examples]}
        for title, rule, examples in rules
        if examples
    ]


def _shown(example: Example, predictions: PredictionSummary) -> dict[str, Any]:
    names = predictions.class_names
    return {
        "number": example.number,
        "words": LINE_BREAK.sub(" ", example.text).split(),
        "label": names[example.label],
        "prediction": names[example.prediction],
        "right": example.label == example.prediction,
        "score": example.score,
        "trace": word_trace(example, names),
    }


def _traces(predictions: PredictionSummary) -> tuple[list[Any], str]:
    """Of the traced examples of two classes the words with the second one's probability, and its name."""
    names = predictions.class_names
    if len(names) != 2:
        return [], ""
    groups = (predictions.mistakes, predictions.close_calls, predictions.swings)
    traces = [word_trace(example, names) for group in groups for example in group]
    return [[(word.text, word.score) for word in trace.words] for trace in traces if trace], names[1]


def _learning_figures(run: Run) -> dict[str, tuple[Figure, str, str]]:
    history, figures = run.history, {}
    names = [name for name in history if name not in scores.NOT_A_CURVE and not name.startswith("val_")]
    validated = [name.removeprefix("val_") for name in history if name.startswith("val_")]
    alone = [name for name in validated if name not in names]
    best = (run.metrics.get("training") or {}).get("best_epoch")
    for name in (*names[:MOST_CURVES], *alone[:MOST_CURVES]):
        training, validation = history.get(name, []), history.get(f"val_{name}")
        figure = plots.learning_figure(name, training, validation, best)
        caption = f"{name.replace('_', ' ').capitalize()} by epoch"
        figures[name] = (figure, caption, _curve_in_words(training, validation))
    return figures


def _curve_in_words(training: list[float], validation: list[float] | None) -> str:
    lines = [("training", training), ("validation", validation or [])]
    number = scores.number
    return "; ".join(
        f"{name} from {number(values[0])} to {number(values[-1])} over {len(values)} epochs"
        for name, values in lines
        if values
    )


def _prediction_figures(predictions: PredictionSummary) -> dict[str, tuple[Figure, str, str]]:
    if not predictions.total:
        return {}
    classes = predictions.most_confused(MOST_CONFUSED)
    all_of_them = len(predictions.class_names)
    which = (
        "" if len(classes) == all_of_them else f" ({len(classes)} most confused of {all_of_them:,} classes)"
    )
    names = predictions.class_names
    largest = sorted(predictions.confusion.items(), key=lambda item: -item[1])[:8]
    cells = "; ".join(
        f"{names[true]} answered as {names[said]}: {count:,}" for (true, said), count in largest
    )
    filled = [index for index, count in enumerate(predictions.bin_count) if count]
    bins = "; ".join(
        f"confidence {predictions.bin_confidence[index] / predictions.bin_count[index]:.2f}: "
        f"accuracy {predictions.bin_right[index] / predictions.bin_count[index]:.2f} "
        f"of {predictions.bin_count[index]:,}"
        for index in filled
    )
    return {
        "confusion_matrix": (
            plots.confusion_figure(predictions, classes),
            f"Confusion matrix{which}",
            cells,
        ),
        "reliability": (
            plots.reliability_figure(predictions),
            "Reliability: can its confidence be believed?",
            bins,
        ),
    }
