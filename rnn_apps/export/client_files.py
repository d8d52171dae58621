"""What a program without TensorFlow needs next to exported files: a client, its facts and a README."""

import json
import shutil
from pathlib import Path

from rnn_apps.errors import RnnAppsError
from rnn_apps.export.client import RUNTIMES, Client, InputError
from rnn_apps.models.example_inputs import relative_difference

_CLIENT = Path(__file__).parent / "client.py"
_README = """# {name}: {files}

The network of the task {task}. An example of a program that runs it, without TensorFlow:

```sh
pip install numpy {package}
python client.py --help
```

{inputs}
{length}{classes}"""


def write_client(predictor, parts, folder, form, tolerance):
    """Write ``client.py``, ``client.json``, ``preprocessing/`` and ``README.md``, and try the client.

    Args:
        predictor: `Predictor` of the trained network.
        parts: list of `NetworkPart`, as they were written.
        folder: path of the folder with their files.
        form: `ExportFormat` of the files.
        tolerance: by which files of a fixed length may differ from the network; None allows any difference.

    Raises:
        RnnAppsError: the client answers a sequence of another length otherwise than the network.
    """
    shutil.copyfile(_CLIENT, folder / "client.py")
    (folder / "preprocessing").mkdir()
    predictor.preprocessing.save(folder / "preprocessing")
    of_parts = {part.name: _facts(part, form) for part in parts}
    facts = {"kind": predictor.kind, **predictor.facts(), "parts": of_parts}
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    (folder / "client.json").write_text(text + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_readme(predictor, parts, form), encoding="utf-8")
    if form.fixed_steps:
        _try_lengths(parts[0], Client(folder), tolerance)


def load_as_client(path, part, form):
    """Return a function that runs a file as ``client.py`` does: name to array in, name to array out."""
    return RUNTIMES[form.ending](path, _facts(part, form))


def _facts(part, form):
    outputs = part.answers(part.examples(1, part.steps, 0))
    return {
        "inputs": {key: spec.dtype.name for key, spec in part.inputs.items()},
        "outputs": sorted(outputs),
        "steps": part.steps if form.fixed_steps and part.sequences else None,
        "sequences": part.sequences,
        "by_step": _by_step(part, outputs),
        "states": {key: spec.shape[-1] for key, spec in part.inputs.items() if key.startswith("state_")},
        "pads": part.masks_padding,
    }


def _by_step(part, outputs):
    """Names of the outputs whose second dimension is the steps of the input."""
    if not part.sequences:
        return []
    longer = part.answers(part.examples(1, part.steps + 1, 0))
    return sorted(key for key, array in outputs.items() if array.shape != longer[key].shape)


def _readme(predictor, parts, form):
    lines = []
    for part in parts:
        lines.append(f"`{part.name}.{form.ending}` takes")
        for key, spec in part.inputs.items():
            fixed = {0: 1, 1: part.steps} if form.fixed_steps else {}
            sides = (fixed.get(i, "any") if side is None else side for i, side in enumerate(spec.shape))
            lines.append(f"- `{key}`: {spec.dtype.name} ({', '.join(map(str, sides))})")
        lines.append("")
    has_step = any(part.name == "step" for part in parts[1:])
    length = _about_length(parts[0], has_step, predictor.kind == "forecast", form.name)
    names = predictor.class_names
    classes = f"\n`probabilities` are of the classes, in this order: {', '.join(names)}.\n" if names else ""
    return _README.format(
        name=predictor.recipe.name,
        files=" and ".join(f"{part.name}.{form.ending}" for part in parts),
        task=predictor.recipe.task,
        package=form.client_package,
        inputs="\n".join([*lines, *([f"{note}\n"] if (note := predictor.input_note()) else [])]),
        length=f"{length}\n" if form.fixed_steps and parts[0].sequences else "",
        classes=classes,
    )


def _about_length(part, has_step, is_forecast, name):
    if is_forecast:
        does = "takes the last steps of a longer series, and missing values before a shorter one"
    elif not part.masks_padding:
        does = "rejects others"
    else:
        does = "pads shorter ones, and the network masks the padding; longer ones it "
        does += (
            "reads step by step with `step`, with the same answers" if has_step and part.scores else "rejects"
        )
    chosen = f" (`rnn-apps export RUN --format {name} --steps N`)" if part.max_steps else ""
    return f"Sequences have a fixed length of {part.steps} steps{chosen}. The client {does}."


def _try_lengths(part, client, tolerance):
    """Compare the client's answers with the network's at several lengths, one of them past the limit."""
    if part.max_steps is None:
        return
    for steps in sorted({1, (part.steps + 1) // 2, part.steps, part.steps + 3}):
        inputs = part.examples(1, steps, steps)
        try:
            found = client.read(part.name, dict(zip(part.inputs, inputs)))
        except InputError:
            if steps > part.steps or not part.masks_padding:
                continue
            raise
        for key, own in part.answers(inputs).items():
            difference = relative_difference(own, found[key])
            if tolerance is not None and not difference <= tolerance:
                problem = f"with {steps} steps its {key} differs by {difference:.1e} from the network's"
                raise RnnAppsError(f"{part.name}: {problem}; it was not kept.")
