"""What the demo page of a server reads besides a SavedModel: what the task says of itself, and examples."""

import json
import shutil

# In the folder `examples` of a run: a list of {"text": ...} or {"files": [names]}.
EXAMPLES_FILE = "given.json"


def write_demo_files(folder, predictor, examples=None):
    """Write ``assets.extra/demo``: ``facts.json``, and the files of the examples that a visitor may click.

    Args:
        folder: path of a SavedModel.
        predictor: `Predictor` of the trained network.
        examples: folder with `EXAMPLES_FILE` and the files that it names, or None.
    """
    place = folder / "assets.extra" / "demo"
    place.mkdir(parents=True, exist_ok=True)
    given = _given(examples)
    for name in (name for one in given for name in one.get("files", ())):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(examples / name, place / name)
    recipe = predictor.recipe
    is_sample = getattr(recipe.data, "source", None) == "sample"
    about = {"name": recipe.name, "task": recipe.task, "is_sample": is_sample}
    facts = {**about, **predictor.facts(), "examples": given}
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    (place / "facts.json").write_text(text + "\n", encoding="utf-8")


def _given(examples):
    if examples is None or not (examples / EXAMPLES_FILE).is_file():
        return []
    return json.loads((examples / EXAMPLES_FILE).read_text(encoding="utf-8"))
