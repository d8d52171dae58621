"""What TensorFlow Serving reads besides a SavedModel, and what a person reads who starts it."""

import base64
import json
import shlex

import numpy as np
import tensorflow as tf

from rnn_apps.errors import printable

LONGEST = 200  # letters of a value in a command
MOST_CLASSES = 20  # that are named
_README = """# {name}: a SavedModel of the task {task}

`serving_default` takes

{inputs}

and gives

{outputs}
{notes}
Further signatures: {others}.

Ask it once, with what TensorFlow installs:

```sh
saved_model_cli run --dir . --tag_set serve --signature_def serving_default {asked}
```

Serve it over HTTP with TensorFlow Serving, as version 1:

```sh
docker run -p 8501:8501 -v "$(pwd):/models/{name}/1" -e MODEL_NAME={name} tensorflow/serving
curl -d @assets.extra/request.json http://localhost:8501/v1/models/{name}:predict
```

`assets.extra` holds that request, the requests that warm a server up, and in `demo` what a demo page
needs: unless it was left out (`rnn-apps export RUN --no-examples`), up to four inputs of the test part.
"""


def write_warm_up(folder, request):
    """Write ``assets.extra/tf_serving_warmup_requests``: what a server answers before it takes requests.

    Args:
        folder: path of a SavedModel.
        request: name to tensor, for ``serving_default``.

    Reference:
        The messages PredictionLog, PredictLog, PredictRequest and ModelSpec of TensorFlow Serving, whose
        package is not needed for these few fields.
    """
    inputs = b"".join(
        _field(2, _field(1, name.encode()) + _field(2, _proto(value))) for name, value in request.items()
    )
    model = _field(1, _field(3, b"serving_default"))
    log = _field(6, _field(1, model + inputs))
    (folder / "assets.extra").mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        writer.write(log)


def _proto(value):
    return tf.make_tensor_proto(value.numpy()).SerializeToString()


def _field(number, content):
    """One length-delimited field of a protocol buffer."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value):
    if value < 128:
        return bytes([value])
    return bytes([value & 127 | 128]) + _varint(value >> 7)


def write_readme(folder, name, task, signatures, request, note=""):
    """Write ``README.md``: what the SavedModel takes and gives, and the commands that ask it and serve it.

    What the commands send lies in ``assets.extra``.

    Args:
        folder: path of the SavedModel.
        name: by which it is to be served.
        task: name of its task.
        signatures: name to concrete function, as it was loaded.
        request: name to tensor, an example for ``serving_default``.
        note: on the inputs, or "".
    """
    default, extra = signatures["serving_default"], folder / "assets.extra"
    extra.mkdir(exist_ok=True)
    plain = {key: value.numpy().tolist() for key, value in request.items()}
    inputs = {key: _mapped(value, _in_json) for key, value in plain.items()}
    (extra / "request.json").write_text(json.dumps({"inputs": inputs}) + "\n", encoding="utf-8")
    has_classes = "classes" in default.structured_outputs
    classes = default(**request)["classes"].numpy()[0].tolist() if has_classes else []
    text = _README.format(
        name=name,
        task=task,
        inputs=_listed(default.structured_input_signature[1]),
        outputs=_listed(default.structured_outputs),
        notes="".join(f"\n{one}\n" for one in (note, *_notes_on(default.structured_outputs, classes)) if one),
        others=", ".join(f"`{other}`" for other in signatures if other != "serving_default") or "none",
        asked=_asked(extra, plain),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _notes_on(outputs, classes):
    """Yield what the outputs do not say by their names: the order of classes, and what is read of a text."""
    if classes:
        names = [printable(name.decode("utf-8", "replace")) for name in classes]
        more = f" and {len(names) - MOST_CLASSES:,} more" if len(names) > MOST_CLASSES else ""
        listed = ", ".join(f"`{name}`" for name in names[:MOST_CLASSES])
        yield f"`probabilities` are in the order of `classes`: {listed}{more}."
    for unit in ("words", "tokens"):
        if f"{unit}_read" in outputs:
            less = f"Where `{unit}_read` is less than `{unit}`"
            yield f"{less}, the text was too long and the rest was not read."


def _listed(specs):
    lines = []
    for name, spec in sorted(specs.items()):
        shape = ", ".join("any" if side is None else str(side) for side in spec.shape)
        lines.append(f"- `{name}`: {spec.dtype.name} ({shape})")
    return "\n".join(lines)


def _asked(extra, plain):
    """Arguments of saved_model_cli: short values as they are, others as files in the folder `extra`."""
    files, texts = [], []
    for key, value in plain.items():
        text = json.dumps(_mapped(value, _in_json), ensure_ascii=False)
        if len(text) < LONGEST and "b64" not in text:
            texts.append(f"{key}={text}")
        else:
            np.save(extra / f"{key}.npy", np.array(value))
            files.append(f"{key}=assets.extra/{key}.npy")
    arguments = [("--inputs", files), ("--input_exprs", texts)]
    return " ".join(f"{name} {shlex.quote(';'.join(values))}" for name, values in arguments if values)


def _in_json(value):
    """A number or a text as JSON has it; bytes that are no text as TensorFlow Serving takes them."""
    if not isinstance(value, bytes):
        return round(value, 4) if isinstance(value, float) else value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


def _mapped(value, function):
    return [_mapped(one, function) for one in value] if isinstance(value, list) else function(value)
