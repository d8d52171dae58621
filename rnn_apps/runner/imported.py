"""A model file of Keras made into a run folder."""

import shutil
from pathlib import Path

import keras
import tensorflow as tf

from rnn_apps.checking import LONG, STEPS, check_model, gradient_norms
from rnn_apps.disk import sha256_of
from rnn_apps.errors import UserError
from rnn_apps.exporting import export_model, place_of
from rnn_apps.importing import import_model
from rnn_apps.recipe import Recipe, dump_recipe
from rnn_apps.run_folder import RunFolder
from rnn_apps.runner.finished import Run
from rnn_apps.tasks import settings_class, task_class

__all__ = ["check", "import_run"]


def import_run(path, out=None, keep_layers=False):
    """Take a Keras model in as a run that can be asked, scored, exported and served.

    Args:
        path: .keras or .h5 file, of Keras 2 or 3.
        out: folder for the run; ``runs/<name of the file>/<time>`` by default.
        keep_layers: leave Keras' own recurrent layers as they are.

    Returns:
        The `Run`, and the `Imported` model with all that was changed.

    Raises:
        UserError: the file is refused; nothing was written.
    """
    name = "".join(c if c.isalnum() and c.isascii() else "_" for c in Path(path).stem).strip("_")[:60]
    out = RunFolder.free_path(name or "imported", out)
    found = import_model(path, keep_layers)
    origin = {"origin": Path(path).name, "sha256": sha256_of(path), "steps": found.steps}
    settings = settings_class("imported").model_validate({"task": "imported", "model": origin})
    parts = {key: getattr(settings, key) for key in ("data", "model", "training", "seed", "export")}
    recipe = Recipe(name=name or "imported", task="imported", **parts)
    task = task_class("imported")(recipe)
    task.restore(found.model, None)
    folder = RunFolder.create(out)
    try:
        _write(folder, task, recipe, found, origin)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)  # it was free before
        raise
    return Run(folder.path), found


def _write(folder, task, recipe, found, origin):
    folder.write_text("recipe.yaml", dump_recipe(recipe))
    with folder.writing("model.keras") as place:
        found.model.save(place)
    with folder.writing("preprocessing") as place:
        place.mkdir()
        task.save_preprocessing(place)
    with folder.writing(place_of("saved_model")) as place:
        export_model(task, "saved_model", place)
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
        model, _, _, _, _, steps = import_model(path, keep_layers=True)
    try:
        norms = gradient_norms(model, max(LONG, steps))
        return check_model(model, steps, norms), norms
    except ValueError as error:
        raise UserError(str(path), str(error).rstrip(".")) from error
