"""The files of a finished search: the best recipe, all trials, and the page."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import keras
import optuna
import tensorflow as tf

from rnn_apps.recipe import Recipe, dump_recipe
from rnn_apps.reporting import write_tuning
from rnn_apps.runs.trained_run import sample_mark
from rnn_apps.tuning.comparison import comparison_seeds
from rnn_apps.tuning.space import Space, plain_space
from rnn_apps.tuning.study import PROBLEM
from rnn_apps.tuning.trials import EPOCH, SECONDS, Base, sampled_settings

BEST_FILE, TRIALS_FILE, RESULTS_FILE = "best.yaml", "trials.csv", "tune.json"
FEWEST_COMPLETE = 5  # trials below which importances are noise


@dataclass(frozen=True)
class Tuning:
    """A finished search.

    Attributes:
        folder: `Path` of its files.
        best: `Recipe` with the best settings.
        results: content of ``tune.json``.
    """

    folder: Path
    best: Recipe
    results: dict


@dataclass(frozen=True)
class Findings:
    """What the processes of a search have found together.

    Attributes:
        base: `Base`.
        space: `Space`.
        options: options of the search, and the name and location of its study.
        best: the best trial.
        trials, random: finished trials of the search and of random search.
        compared: list of `Candidate`, empty without a comparison.
    """

    base: Base
    space: Space
    options: dict
    best: optuna.trial.FrozenTrial
    trials: list
    random: list
    compared: list

    def settings(self, trial):
        """Return the settings of a trial, dotted key to value."""
        return sampled_settings(trial.params, self.space)

    def row(self, trial):
        """Return what the files say of a trial."""
        return {
            "number": trial.number,
            "state": {"COMPLETE": "complete", "PRUNED": "pruned"}.get(trial.state.name, "failed"),
            "score": trial.value,
            "epoch": trial.user_attrs.get(EPOCH),
            "epochs": len(trial.intermediate_values),
            "seconds": trial.user_attrs.get(SECONDS),
            "problem": trial.user_attrs.get(PROBLEM),
            "settings": self.settings(trial),
        }


def write_results(findings, folder):
    """Write the best recipe, all trials and the page of a search, and return its `Tuning`.

    Args:
        findings: `Findings`.
        folder: `RunFolder`.
    """
    base, best = findings.base, findings.base.recipe_with(findings.settings(findings.best))
    trials = [findings.row(trial) for trial in findings.trials]
    others = [findings.row(trial) for trial in findings.random]
    states = [trial["state"] for trial in trials]
    complete = states.count("complete")
    results = {
        "recipe": base.recipe.name,
        "task": base.recipe.task,
        "mark": sample_mark(base.recipe.data, base.sample_of),
        "data": base.data,
        "monitor": base.monitor._asdict(),
        "space": plain_space(findings.space),
        "options": findings.options,
        "trials": {state: states.count(state) for state in ("complete", "pruned", "failed")},
        "best": findings.row(findings.best),
        "importances": _importances(findings) if complete >= FEWEST_COMPLETE else None,
        "comparison": _comparison(findings),
        "seconds": round(sum(trial["seconds"] or 0 for trial in (*trials, *others)), 1),
        "versions": _versions(),
    }
    default = {key: _value_at(base.recipe.as_dict(), key) for key in findings.space}
    page = {"trials": trials, "random_trials": others, "default": default, "num_important": complete}
    write_tuning(results | page, folder.path)
    rows = [{"search": findings.options["sampler"], **trial} for trial in trials]
    rows += [{"search": "random", **trial} for trial in others]
    folder.write_csv(TRIALS_FILE, [_flat(row, findings.space) for row in rows])
    folder.write_text(BEST_FILE, dump_recipe(best))
    folder.write_json(RESULTS_FILE, results)
    return Tuning(folder.path, best, results)


def _importances(findings):
    """Return the share of the variance of the score that each setting explains, or None if it has none."""
    scores = {trial.value for trial in findings.trials if trial.state.name == "COMPLETE"}
    if len(scores) < 2:
        return None
    study = optuna.create_study()
    study.add_trials(findings.trials)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    try:
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (ValueError, RuntimeError):  # the settings explain nothing
        return None
    return {key: float(value) for key, value in found.items()}


def _comparison(findings):
    if not findings.compared:
        return None
    candidates = [
        {
            "label": one.label,
            "settings": one.settings,
            "scores": {str(seed): score for seed, score in one.scores.items()},
        }
        for one in findings.compared
    ]
    return {"seeds": comparison_seeds(findings.base.recipe.seed), "candidates": candidates}


def _flat(row, space):
    settings = row.pop("settings")
    texts = {key: json.dumps(settings[key]) if key in settings else "" for key in space}
    return row | {"problem": row["problem"] or ""} | texts


def _value_at(values, key):
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _versions():
    return {
        "python": sys.version.split()[0],
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "optuna": optuna.__version__,
    }
