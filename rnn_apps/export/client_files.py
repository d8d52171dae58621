"""Writes the files for a program without TensorFlow: a client, its metadata, preprocessing and a README."""

import json
import shlex
import shutil
from pathlib import Path

from rnn_apps.data.files import csv_bytes
from rnn_apps.errors import RnnAppsError
from rnn_apps.export.client import RUNTIMES, Client, InputError
from rnn_apps.models.example_inputs import relative_difference

EXAMPLE_STEPS = 12
_CLIENT = Path(__file__).parent / "client.py"
_README = """# {name}: {files}

The network of the task {task}. An example of a program that runs it, without TensorFlow:

```sh
pip install numpy {package}
python client.py {example}
```

This input only shows the format; `python client.py --help` describes it.

{inputs}
{length}{classes}"""


def write_client(predictor, parts, folder, form, tolerance, layers):
    """Write ``client.py``, ``client.json``, ``preprocessing/`` and ``README.md``, and test the client.

    Args:
        predictor: `Predictor` of the trained network.
        parts: list of exported `NetworkPart`.
        folder: path of the folder with their files.
        form: `ExportFormat` of the files.
        tolerance: largest difference of the client's outputs from the network's; None allows any.
        layers: name of a part to the `LayerForm` of its recurrent layers.

    Raises:
        RnnAppsError: the client's outputs for a sequence of another length differ from the network's.
    """
    shutil.copyfile(_CLIENT, folder / "client.py")
    (folder / "preprocessing").mkdir()
    predictor.preprocessing.save(folder / "preprocessing")
    described = {
        part.name: {**_describe(part, form), "layers": [layer._asdict() for layer in layers[part.name]]}
        for part in parts
    }
    metadata = {"kind": predictor.kind, **predictor.facts(), "parts": described}
    text = json.dumps(metadata, indent=2, ensure_ascii=False)
    (folder / "client.json").write_text(text + "\n", encoding="utf-8")
    example = shlex.quote(_write_example(predictor, parts[0], form, folder))
    readme = _readme(predictor, parts, form, example) + _describe_layers(layers)
    (folder / "README.md").write_text(readme, encoding="utf-8")
    if form.takes_steps:
        _verify_lengths(parts[0], Client(folder), tolerance)


def make_runner(path, part, form):
    """Return a function that runs a file with the client's code: name to array in, name to array out."""
    return RUNTIMES[form.extension](path, _describe(part, form))


def _describe(part, form):
    """Return the metadata of a part in client.json."""
    outputs, by_step = part.answers(part.examples(1, part.steps, 0)), []
    if part.sequences:  # outputs whose shape depends on the number of steps
        longer = part.answers(part.examples(1, part.steps + 1, 0))
        by_step = sorted(key for key, array in outputs.items() if array.shape != longer[key].shape)
    return {
        "inputs": {key: spec.dtype.name for key, spec in part.inputs.items()},
        "outputs": sorted(outputs),
        "steps": part.steps if part.fixed_steps and part.sequences else None,
        "sequences": part.sequences,
        "by_step": by_step,
        "states": {key: spec.shape[-1] for key, spec in part.inputs.items() if key.startswith("state_")},
        "pads": part.masks_padding,
    }


def _write_example(predictor, part, form, folder):
    """Return an input for the client; a file or folder of it is written into `folder`."""
    if predictor.kind == "arrays":
        steps = part.steps if part.fixed_steps else max(part.min_steps, min(part.steps, EXAMPLE_STEPS))
        inputs = dict(zip(part.inputs, part.examples(1, steps, 0)))
    else:
        (_, request), *_ = predictor.example_requests()
        inputs = {name: tensor.numpy() for name, tensor in request.items()}
    first, *_ = values = [array[0] if array.ndim else array for array in inputs.values()]
    limit = part.steps if part.fixed_steps else None
    if "image" in inputs and isinstance(first, bytes):
        (folder / "example.png").write_bytes(first)
        return "example.png"
    if isinstance(first, bytes):
        return " ".join(first.decode("utf-8").split()[:limit])
    if first.dtype == object:
        (folder / "example").mkdir()
        for number, frame in enumerate(filter(None, first[:limit]), start=1):
            (folder / "example" / f"{number}.png").write_bytes(frame)
        return "example"
    if predictor.kind == "label_steps":
        (folder / "example.csv").write_bytes(csv_bytes(predictor.features, first[:limit].tolist()))
        return "example.csv"
    text = json.dumps({name: array.tolist() for name, array in zip(inputs, values)})
    (folder / "example.json").write_text(text + "\n", encoding="utf-8")
    return "example.json"


def _readme(predictor, parts, form, example):
    lines = []
    for part in parts:
        lines.append(f"`{part.name}.{form.extension}` takes")
        for key, spec in part.inputs.items():
            fixed = {0: 1} if form.takes_steps else {}
            fixed |= {1: part.steps} if part.fixed_steps else {}
            sizes = (fixed.get(i, "any") if size is None else size for i, size in enumerate(spec.shape))
            lines.append(f"- `{key}`: {spec.dtype.name} ({', '.join(map(str, sizes))})")
        lines.append("")
    if note := predictor.input_note():
        lines.append(f"{note}\n")
    note_length = form.takes_steps and parts[0].sequences
    names = ", ".join(predictor.class_names or ())
    return _README.format(
        name=predictor.recipe.name,
        files=" and ".join(f"{part.name}.{form.extension}" for part in parts),
        task=predictor.recipe.task,
        package=form.client_package + (" pillow" if example in ("example", "example.png") else ""),
        example=example,
        inputs="\n".join(lines),
        length=f"{_describe_length(predictor, parts, form)}\n" if note_length else "",
        classes=f"\n`probabilities` has the classes in this order: {names}.\n" if names else "",
    )


def _describe_layers(layers):
    rows = [f"| {part} | {' | '.join(layer)} |" for part, listed in layers.items() for layer in listed]
    if not rows:
        return ""
    return "\n".join(["", "| part | recurrent layer | operator | note |", "|---|---|---|---|", *rows, ""])


def _describe_length(predictor, parts, form):
    part, can_step = parts[0], any(part.name == "step" for part in parts[1:])
    option = f"`rnn-apps export RUN --format {form.name} --steps N`"
    if not part.fixed_steps:
        return (
            "Sequences can have any length. Make a new interpreter for a new length, as the client does: one "
            f"that is resized again may answer wrongly. {option} exports files for one length."
        )
    if predictor.kind == "forecast":
        does = "takes the last steps of a longer series, and puts missing values before a shorter one"
    elif not part.masks_padding:
        does = "rejects others"
    elif can_step and part.scores:
        does = (
            "pads shorter ones, and the network masks the padding; longer ones it reads step by step with "
            "`step`, with the same results"
        )
    else:
        does = "pads shorter ones, and the network masks the padding; longer ones it rejects"
    option = f" ({option})" if part.max_steps else ""
    return f"Sequences have a fixed length of {part.steps} steps{option}. The client {does}."


def _verify_lengths(part, client, tolerance):
    """Compare the client's outputs with the network's at several lengths, one of them past a fixed length."""
    if part.max_steps is None:
        return
    most = part.steps + 3 if part.fixed_steps else part.max_steps
    least = 1 if part.fixed_steps else part.min_steps
    lengths = {1, (part.steps + 1) // 2, part.steps, part.steps + 3}
    for steps in sorted({min(max(steps, least), most) for steps in lengths}):
        inputs = part.examples(1, steps, steps)
        try:
            outputs = client.run(part.name, dict(zip(part.inputs, inputs)))
        except InputError:
            if part.fixed_steps and (steps > part.steps or not part.masks_padding):
                continue
            raise
        for key, expected in part.answers(inputs).items():
            difference = relative_difference(expected, outputs[key])
            if tolerance is not None and not difference <= tolerance:
                problem = f"with {steps} steps its {key} differs from the network's by {difference:.1e}"
                raise RnnAppsError(f"{part.name}: {problem}; it was not kept.")
