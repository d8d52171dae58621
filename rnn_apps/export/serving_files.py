"""Writes the warm-up requests and the README of a SavedModel for TensorFlow Serving."""

import base64
import json
import shlex

import numpy as np
import tensorflow as tf

from rnn_apps.errors import printable

MAX_VALUE_LENGTH = 200  # characters of a value in a command
MAX_CLASSES = 20
_README = """# {name}: a SavedModel of the task {task}

`serving_default` takes

{inputs}

and returns

{outputs}
{notes}
Further signatures: {others}.

Run it once, with a command that TensorFlow installs:

```sh
saved_model_cli run --dir . --tag_set serve --signature_def serving_default {arguments}
```

Serve it over HTTP with TensorFlow Serving, as version 1:

```sh
docker run -p 8501:8501 -v "$(pwd):/models/{name}/1" -e MODEL_NAME={name} tensorflow/serving
curl -d @assets.extra/request.json http://localhost:8501/v1/models/{name}:predict
```

`assets.extra` holds this request, warm-up requests for a server, and in `demo` the files of a demo page:
unless omitted (`rnn-apps export RUN --no-examples`), up to four inputs of the test split.
"""


def write_warm_up(folder, request):
    """Write ``assets.extra/tf_serving_warmup_requests``, which a server runs before it accepts requests.

    Args:
        folder: path of a SavedModel.
        request: name to tensor, for ``serving_default``.

    Reference:
        The messages PredictionLog, PredictLog, PredictRequest and ModelSpec of TensorFlow Serving, whose
        package is not needed for these few fields.
    """
    inputs = b"".join(
        _field(
            2, _field(1, name.encode()) + _field(2, tf.make_tensor_proto(value.numpy()).SerializeToString())
        )
        for name, value in request.items()
    )
    model = _field(1, _field(3, b"serving_default"))
    log = _field(6, _field(1, model + inputs))
    (folder / "assets.extra").mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        writer.write(log)


def _field(number, content):
    """Return a length-delimited field of a protocol buffer."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value):
    if value < 128:
        return bytes([value])
    return bytes([value & 127 | 128]) + _varint(value >> 7)


def write_readme(folder, name, task, signatures, request, note=""):
    """Write ``README.md``: the inputs and outputs of the SavedModel, and commands to run and serve it.

    The requests of the commands are stored in ``assets.extra``.

    Args:
        folder: path of the SavedModel.
        name: name under which to serve it.
        task: name of its task.
        signatures: name to concrete function of the loaded SavedModel.
        request: name to tensor, an example for ``serving_default``.
        note: note on the inputs, or "".
    """
    default, extra = signatures["serving_default"], folder / "assets.extra"
    extra.mkdir(exist_ok=True)
    values = {key: value.numpy().tolist() for key, value in request.items()}
    inputs = {key: _to_json(value) for key, value in values.items()}
    (extra / "request.json").write_text(json.dumps({"inputs": inputs}) + "\n", encoding="utf-8")
    outputs = default.structured_outputs
    classes = default(**request)["classes"].numpy()[0].tolist() if "classes" in outputs else []
    notes = [note, *_notes_on(outputs, classes)]
    text = _README.format(
        name=name,
        task=task,
        inputs=_list_specs(default.structured_input_signature[1]),
        outputs=_list_specs(outputs),
        notes="".join(f"\n{note}\n" for note in notes if note),
        others=", ".join(f"`{other}`" for other in signatures if other != "serving_default") or "none",
        arguments=_command_arguments(extra, values),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _notes_on(outputs, classes):
    """Yield notes on the order of the classes and on the truncation of texts."""
    if classes:
        names = [printable(name.decode("utf-8", "replace")) for name in classes]
        more = f" and {len(names) - MAX_CLASSES:,} more" if len(names) > MAX_CLASSES else ""
        listed = ", ".join(f"`{name}`" for name in names[:MAX_CLASSES])
        yield f"`probabilities` is in the order of `classes`: {listed}{more}."
    for unit in ("words", "tokens"):
        if f"{unit}_read" in outputs:
            yield f"If `{unit}_read` is less than `{unit}`, the text was too long and was truncated."


def _list_specs(specs):
    lines = []
    for name, spec in sorted(specs.items()):
        shape = ", ".join("any" if size is None else str(size) for size in spec.shape)
        lines.append(f"- `{name}`: {spec.dtype.name} ({shape})")
    return "\n".join(lines)


def _command_arguments(extra, values):
    """Return the arguments of saved_model_cli: short values as text, others as files in `extra`."""
    files, texts = [], []
    for key, value in values.items():
        text = json.dumps(_to_json(value), ensure_ascii=False)
        if len(text) < MAX_VALUE_LENGTH and "b64" not in text:
            texts.append(f"{key}={text}")
        else:
            np.save(extra / f"{key}.npy", np.array(value))
            files.append(f"{key}=assets.extra/{key}.npy")
    options = [("--inputs", files), ("--input_exprs", texts)]
    return " ".join(f"{name} {shlex.quote(';'.join(pairs))}" for name, pairs in options if pairs)


def _to_json(value):
    """Return nested values for JSON: rounded numbers, texts, and other bytes as TensorFlow Serving's b64."""
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    if not isinstance(value, bytes):
        return round(value, 4) if isinstance(value, float) else value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}
