"""Evaluates a finished run on its own data or on other data."""

from collections import Counter

import numpy as np

from rnn_apps.data.tfds_source import SourceUnavailable
from rnn_apps.errors import DataError, UserError
from rnn_apps.metrics.classification import confusion_matrix
from rnn_apps.recipe import apply_overrides, with_data

USUAL_CAP = 0.5  # fraction of other data that may be unusable


class Evaluation(dict):
    """Scores by name, with facts about the data.

    Attributes:
        scored: how much was scored: texts, sentences, origins, or the tokens of a language model.
        unit: of `scored`: records or tokens.
        skipped: reason to number of records that could not be used.
        truncation: what was not read of texts that are too long: a sentence, or None.
        baselines: name to scores on the same records.
        baselines_left_out: why baselines that learn from training data are missing: a sentence, or None.
        confusion: of a classification ``{"labels": [...], "counts": [[...]]}``, a row for each true label and
            a column for each answer; else None.
    """

    def __init__(self, scores, scored, skipped, truncation, baselines, baselines_left_out, confusion):
        super().__init__(scores)
        self.scored, self.unit = scored
        self.skipped, self.truncation = skipped, truncation
        self.baselines, self.baselines_left_out = baselines, baselines_left_out
        self.confusion = confusion

    @property
    def coverage(self):
        """A sentence on how many records were scored, and why others were not."""
        left_out = sum(self.skipped.values())
        if not left_out:
            return f"{self.scored:,} {self.unit} scored"
        reasons = ", ".join(f"{reason} ({n:,})" for reason, n in Counter(self.skipped).most_common())
        of = f" of {self.scored + left_out:,}" if self.unit == "records" else ""
        return f"{self.scored:,}{of} {self.unit} scored; skipped: {reasons}"

    def as_dict(self):
        """Return everything as JSON values, with the scores under ``"test"``."""
        return {"test": dict(self), **vars(self)}


def evaluation_recipe(recipe, data, max_invalid_records):
    """Return the recipe that reads other data, and counts invalid records instead of failing."""
    recipe = with_data(recipe, data)
    if not hasattr(recipe.data, "max_invalid_records"):
        return recipe
    cap = USUAL_CAP if max_invalid_records is None else max_invalid_records
    return apply_overrides(recipe, {"data.on_invalid_record": "skip", "data.max_invalid_records": cap})


def evaluate(prepared, own, recorded):
    """Evaluate a network on a test split.

    Args:
        prepared: `PreparedTask` of `Task.prepare_evaluation`.
        own: function that returns the `Dataset` of the run's own recipe, not read yet; None where the data is
            its own.
        recorded: the run's `metrics`, {} where it is not complete.

    Returns:
        `Evaluation`.
    """
    dataset, predictor, objective, _ = prepared
    scores, records = objective.evaluate("test")
    truncations = [str(one) for one in dataset.all_truncations("test") if one.longer]
    pairs = _label_pairs(records, objective.record_kind, predictor.class_names)
    if own is None:
        baselines, left_out = recorded.get("baseline", {}), None
    else:
        baselines, left_out = _baselines(prepared, own, recorded.get("data", {}).get("fingerprint"))
        if pairs is not None and "majority" not in baselines:
            counts = Counter(pairs[0].tolist()).most_common(1)
            baselines = {"majority": {"accuracy": counts[0][1] / len(pairs[0])}, **baselines}
    return Evaluation(
        scores,
        objective.scored(records),
        dataset.skipped,
        ". ".join(truncations) or None,
        baselines,
        left_out,
        None if pairs is None else _confusion(*pairs, predictor.class_names),
    )


def _baselines(prepared, own, fingerprint):
    """Baselines on the test split, and the reason why those that learn are missing, or None."""
    left_out = "The baselines that learn from training data are left out: "
    if prepared.objective.baselines_learn:
        other = own()
        try:
            if not prepared.dataset.add_training_split(other):
                return {}, f"{left_out}only a run computes them"
            if fingerprint is not None and other.digest() != fingerprint:
                return {}, f"{left_out}the training data of the run has changed since"
        except (SourceUnavailable, DataError, UserError):
            data = other.recipe.data
            place = data.path or data.source
            return {}, f"{left_out}the training data of the run, {place}, is not available as it was"
    return prepared.objective.baselines(), None


def _label_pairs(records, kind, class_names):
    """True and predicted class indices of all records or all their steps; None for other tasks."""
    if not records or kind not in ("classes", "step_classes"):
        return None
    index = {name: number for number, name in enumerate(class_names)}
    if kind == "classes":
        pairs = [(record["label"], record["prediction"]) for record in records]
    else:
        pairs = [pair for record in records for pair in zip(record["labels"], record["predictions"])]
    return tuple(np.array([index[name] for name in names]) for names in zip(*pairs))


def _confusion(labels, predictions, class_names):
    counts = confusion_matrix(labels, predictions, len(class_names))
    return {"labels": list(class_names), "counts": counts.tolist()}
