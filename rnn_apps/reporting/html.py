"""Writes the report of a run: plots in `plots/`, and one self-contained HTML file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnn_apps.reporting import plots, scores
from rnn_apps.reporting.folder import Run, read_run
from rnn_apps.reporting.forecasts import summarise_forecasts
from rnn_apps.reporting.labels import summarise_labels
from rnn_apps.reporting.pages import Plot, save_plot, score_mark, write_page
from rnn_apps.reporting.predictions import Example, PredictionSummary
from rnn_apps.reporting.texts import ATTENTION_PREFIX, summarise_texts
from rnn_apps.reporting.view_figures import unrolled_plot, view_plots
from rnn_apps.tasks import TASKS, settings_class
from rnn_apps.tasks.shapes import SHAPES

MAX_CONFUSED = 20
MAX_CURVES = 4


def write_report(folder: Path) -> Path:
    """Write `report.html` and `plots/` (PNG, SVG) of a finished run from the files in its folder.

    `metrics.json` is required. `history.csv`, `predictions.jsonl`, `views.json` and `recipe.yaml` are
    optional; the page omits what is missing. Each file is written under a temporary name and then renamed.

    Returns:
        Path of the report.

    Raises:
        RnnAppsError: a required file is missing or damaged.
    """
    folder = Path(folder)
    run = read_run(folder)
    metrics, predictions = run.metrics, run.predictions
    texts, text_plots = summarise_texts(run.texts, folder) if run.texts else (None, {})
    forecasts, forecast_plots = summarise_forecasts(run.forecasts, metrics) if run.forecasts else (None, {})
    learning_plots, inside_plots = _learning_plots(run), view_plots(run.views, *_traces(predictions))
    all_plots = learning_plots | _prediction_plots(predictions) | text_plots | forecast_plots
    all_plots |= unrolled_plot(run.views) | inside_plots
    pictures = {name: save_plot(folder, name, plot) for name, plot in all_plots.items()}
    task = str(metrics.get("task") or "")
    shape = metrics.get("shape") or (settings_class(task).shape if task in TASKS else None)
    groups = _groups(predictions)
    content = {
        "name": run.name,
        "task": task,
        "shape": shape,
        "diagram": SHAPES.get(str(shape)),
        "metrics": metrics,
        "mark": score_mark(metrics),
        "main": scores.main_metric(metrics),
        "baselines": scores.baseline_names(metrics),
        "scale": scores.bar_scale(metrics),
        "rows": scores.score_rows(metrics),
        "class_rows": scores.class_rows(metrics),
        "pictures": pictures,
        "curves": [pictures[name] for name in learning_plots],
        "inside": [pictures[name] for name in inside_plots],
        "confusion_is_small": len(predictions.class_names) <= plots.MAX_CLASSES_IN_PAIR,
        "epochs": len(next(iter(run.history.values()), [])),
        "total": predictions.total,
        "groups": groups,
        "labels": summarise_labels(run.sequences, predictions.class_names) if run.sequences else None,
        "traced": any(example["trace"] for group in groups for example in group["examples"]),
        "class_names": predictions.class_names,
        "recipe": run.recipe,
        "forecasts": forecasts,
        "texts": texts,
        "text_pictures": [pictures[name] for name in text_plots if not name.startswith(ATTENTION_PREFIX)],
    }
    return write_page(folder, "report.html", content)


def _groups(predictions: PredictionSummary) -> list[dict[str, Any]]:
    """Return the shown examples by the rule that chose them."""
    rules = [
        ("Wrong", "The most confident mistakes.", predictions.mistakes),
        ("Barely right", "The least confident correct predictions.", predictions.close_calls),
        ("Large swings", "Of the others, those whose score changes most over the words.", predictions.swings),
    ]
    return [
        {"title": title, "rule": rule, "examples": [_example(example, predictions) for example in examples]}
        for title, rule, examples in rules
        if examples
    ]


def _example(example: Example, predictions: PredictionSummary) -> dict[str, Any]:
    names = predictions.class_names
    return {
        **example._asdict(),
        "label": names[example.label],
        "prediction": names[example.prediction],
        "right": example.label == example.prediction,
        "trace": _word_trace(example, names),
    }


def _word_trace(example: Example, class_names: Sequence[str]) -> dict[str, Any] | None:
    """Return the score after each word, and the class whose probability it is; None without steps.

    With two classes the score is the probability of the second one, so that a colour means the same in every
    example; with more, it is the probability of the predicted class.
    """
    if not example.steps:
        return None
    index = 1 if len(class_names) == 2 else example.prediction
    is_predicted = index == example.prediction
    words = [(word, score if is_predicted else 1 - score) for word, score in example.steps]
    return {"class_name": class_names[index], "words": words}


def _traces(predictions: PredictionSummary) -> tuple[list[Any], str]:
    """Return the words of examples of two classes with the probability of the second, and its name."""
    names = predictions.class_names
    if len(names) != 2:
        return [], ""
    examples = (*predictions.mistakes, *predictions.close_calls, *predictions.swings)
    traces = [trace for example in examples if (trace := _word_trace(example, names))]
    return [trace["words"] for trace in traces], names[1]


def _learning_plots(run: Run) -> dict[str, Plot]:
    history, figures = run.history, {}
    names = [name for name in history if name not in scores.UNPLOTTED_COLUMNS and not name.startswith("val_")]
    validation_names = [name.removeprefix("val_") for name in history if name.startswith("val_")]
    validation_only = [name for name in validation_names if name not in names]
    best = (run.metrics.get("training") or {}).get("best_epoch")
    for name in (*names[:MAX_CURVES], *validation_only[:MAX_CURVES]):
        training, validation = history.get(name, []), history.get(f"val_{name}")
        description = "; ".join(
            f"{split} from {scores.format_number(values[0])} to {scores.format_number(values[-1])} "
            f"over {len(values)} epochs"
            for split, values in (("training", training), ("validation", validation))
            if values
        )
        caption = f"{name.replace('_', ' ').capitalize()} by epoch"
        figures[name] = (plots.learning_figure(name, training, validation, best), caption, description)
    return figures


def _prediction_plots(predictions: PredictionSummary) -> dict[str, Plot]:
    if not predictions.total:
        return {}
    names, classes = predictions.class_names, predictions.most_confused(MAX_CONFUSED)
    caption = "Confusion matrix"
    if len(classes) < len(names):
        caption += f" ({len(classes)} most confused of {len(names):,} classes)"
    cells = "; ".join(
        f"{names[label]} predicted as {names[prediction]}: {count:,}"
        for (label, prediction), count in predictions.confusion.most_common(8)
    )
    bins = "; ".join(
        f"confidence {confidence / count:.2f}: accuracy {right / count:.2f} of {count:,}"
        for count, right, confidence in zip(
            predictions.bin_count, predictions.bin_right, predictions.bin_confidence
        )
        if count
    )
    reliability = plots.reliability_figure(predictions)
    return {
        "confusion_matrix": (plots.confusion_figure(predictions, classes), caption, cells),
        "reliability": (reliability, "Reliability: accuracy by confidence", bins),
    }
