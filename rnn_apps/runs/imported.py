"""Converts Keras models to run folders."""

import re
import shutil
from pathlib import Path

import keras
import tensorflow as tf

from rnn_apps import importing
from rnn_apps.checking import GRADIENT_STEPS, STEPS, check_model, gradient_norms
from rnn_apps.checking.failures import describe_error
from rnn_apps.disk import sha256_of
from rnn_apps.errors import UserError
from rnn_apps.export import export_model, export_subdir
from rnn_apps.recipe import Recipe, dump_recipe
from rnn_apps.run_folder import RunFolder
from rnn_apps.runs.run import Run
from rnn_apps.tasks import find_task, settings_class

_REGISTERED = re.compile(r'"([^">]+>[^">]+)"')


def import_model(model, out=None, keep_layers=False):
    """Import a Keras model as a run, as ``rnn-apps import`` does.

    A model in memory may have layers and functions of your own. They must be registered with
    `keras.saving.register_keras_serializable`, and importable wherever the run is opened again: what the
    module of a script or notebook defines is known there only. The SavedModel in the run, which
    ``rnn-apps serve`` answers from, does without them.

    Args:
        model: .keras or .h5 file, of Keras 2 or 3, which is taken for hostile; or a functional or sequential
            `keras.Model`, which is trusted and stays as it is.
        out: folder for the run; ``runs/<name of the file or model>/<time>`` by default.
        keep_layers: leave Keras' own recurrent layers as they are.

    Returns:
        The `Run`; its ``import.json`` lists all that was changed.

    Raises:
        UserError: the model is refused; nothing was written.

    Example:
        >>> model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(4)])  # doctest: +SKIP
        >>> rnn_apps.import_model(model, out="my_run").predict([[[0.1, 0.2, 0.3]]])  # doctest: +SKIP
    """
    return import_run(model, out, keep_layers)[0]


def import_run(source, out=None, keep_layers=False):
    """Return the run of `import_model`, and the `Imported` model with all changes."""
    in_memory = isinstance(source, keras.Model)
    origin = f"model {source.name} in memory" if in_memory else Path(source).name
    stem = source.name if in_memory else Path(source).stem
    name = "".join(c if c.isalnum() and c.isascii() else "_" for c in stem).strip("_")[:60]
    out = RunFolder.free_path(name or "imported", out)
    found = importing.import_model(source, keep_layers)
    facts = {"origin": origin, "sha256": "" if in_memory else sha256_of(source), "steps": found.steps}
    classes = _own_classes(found.model) if in_memory else []
    settings = settings_class("imported").model_validate(
        {"task": "imported", "model": {**facts, "classes": classes}}
    )
    parts = {key: getattr(settings, key) for key in ("data", "model", "training", "seed", "export")}
    recipe = Recipe(name=name or "imported", task="imported", **parts)
    task = find_task("imported")
    predictor = task.predictor(recipe, found.model, task.preprocessing.load(None, found.model))
    folder = RunFolder.create(out)
    try:
        _write(folder, predictor, found, facts)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)  # it was free before
        raise
    return Run(folder.path), found


def _own_classes(model):
    """The registered custom classes and functions of a model, with their modules."""
    found = {name: keras.saving.get_registered_object(name) for name in _REGISTERED.findall(model.to_json())}
    modules = {name: thing.__module__ for name, thing in found.items() if thing is not None}
    theirs = {n: m for n, m in modules.items() if m.partition(".")[0] not in ("keras", "rnn_apps")}
    return sorted(f"{module}:{name}" for name, module in theirs.items())


def _check_loads(place, where):
    """Raise UserError if a model that was just saved does not load again."""
    try:
        keras.models.load_model(place, compile=False)
    except Exception as error:  # whatever a class of the user's own raises
        fix = (
            "Give each class a get_config, and register all classes and functions of your own: "
            '@keras.saving.register_keras_serializable(package="...").'
        )
        problem = f"saved, it does not load again ({describe_error(error)})"
        raise UserError(where, problem, fix=fix) from error


def _write(folder, predictor, found, origin):
    folder.write_text("recipe.yaml", dump_recipe(predictor.recipe))
    with folder.writing("model.keras") as place:
        found.model.save(place)
        _check_loads(place, origin["origin"])
    with folder.writing("preprocessing") as place:
        place.mkdir()
        predictor.preprocessing.save(place)
    with folder.writing(export_subdir("saved_model")) as place:
        export_model(predictor, "saved_model", place)
    facts = {"keras": found.version, "changes": found.changes, "kept": found.kept}
    folder.write_json("import.json", {**origin, **facts, "largest_difference": found.difference})
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    folder.write_manifest({"versions": versions, "data": None})


def check(path):
    """Check the network of a run folder, or a model file of Keras as it is.

    Returns:
        A list of `rnn_apps.checking.Finding`, and the gradient norms by step, or None where there are none.

    Raises:
        UserError: there is no such run or model, or its inputs are no numbers.
    """
    if (Path(path) / "recipe.yaml").is_file():
        run = Run(path)
        model, steps = run.model, getattr(run.recipe.model, "steps", STEPS)
    else:
        model, _, _, _, _, steps = importing.import_model(path, keep_layers=True)
    try:
        norms = gradient_norms(model, max(GRADIENT_STEPS, steps))
        return check_model(model, steps, norms), norms
    except ValueError as error:
        text = str(error)
        raise UserError(str(path), (describe_error(error) if "\n" in text else text).rstrip(".")) from error
