"""Writes the files of a SavedModel for a server's demo page: metadata of the task, and examples."""

import json
import shutil

from rnn_apps.data.prepared import is_synthetic

# In the folder `examples` of a run: a list of {"text": ...} or {"files": [names]}.
EXAMPLES_FILE = "given.json"


def write_demo_files(folder, predictor, examples=None):
    """Write ``assets.extra/demo``: ``facts.json``, and the files of the examples on the page.

    Args:
        folder: path of a SavedModel.
        predictor: `Predictor` of the trained network.
        examples: folder with `EXAMPLES_FILE` and the files that it names, or None.
    """
    demo = folder / "assets.extra" / "demo"
    demo.mkdir(parents=True, exist_ok=True)
    inputs = []
    if examples is not None and (examples / EXAMPLES_FILE).is_file():
        inputs = json.loads((examples / EXAMPLES_FILE).read_text(encoding="utf-8"))
    for name in (name for example in inputs for name in example.get("files", ())):
        (demo / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(examples / name, demo / name)
    recipe = predictor.recipe
    metadata = {"name": recipe.name, "task": recipe.task, "is_sample": is_synthetic(recipe.data)}
    metadata |= predictor.facts()
    text = json.dumps({**metadata, "examples": inputs}, indent=1, ensure_ascii=False)
    (demo / "facts.json").write_text(text + "\n", encoding="utf-8")
