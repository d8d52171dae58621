"""TensorFlow Serving's JSON to arrays and back, within limits.

Reference:
    TensorFlow Serving, "RESTful API": row format (``instances``), column format (``inputs``), ``b64``.
"""

import base64
import binascii
import io
import json
import math
import re
from typing import NamedTuple

import numpy as np
from PIL import Image

from rnn_apps.errors import RnnAppsError

DEFAULT_SIGNATURE = "serving_default"
_KEYS = {"signature_name", "instances", "inputs"}
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_IMAGE_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")


class BadRequest(RnnAppsError):
    """What a client sent cannot be answered; the text says why and names no path."""


class Limits(NamedTuple):
    """What a request may hold.

    Args:
        body: bytes.
        depth: of lists and mappings within one another.
        instances: examples.
        text: bytes of one text.
        pixels: of one picture.
        numbers: in one input.
    """

    body: int = 16 << 20
    depth: int = 32
    instances: int = 1024
    text: int = 100_000
    pixels: int = 20_000_000
    numbers: int = 4 << 20


class Asked(NamedTuple):
    """A request.

    Args:
        signature: its name.
        inputs: name to array.
        rows: whether it came in row format, in which the answer goes back.
        count: examples.
    """

    signature: str
    inputs: dict
    rows: bool
    count: int  # type: ignore[assignment]


def read_request(body, signatures, limits):
    """Return the `Asked` of a request's body.

    Args:
        body: bytes.
        signatures: name to the specs of its inputs, which are a dict of name to `tf.TensorSpec`.
        limits: `Limits`.

    Raises:
        BadRequest: with one line that says what was expected.
    """
    values = _parsed(body, limits.depth)
    if not isinstance(values, dict) or set(values) - _KEYS or len({"instances", "inputs"} & set(values)) != 1:
        raise BadRequest('expected an object with "instances" or "inputs", and "signature_name" where wanted')
    signature = values.get("signature_name", "")
    signature = DEFAULT_SIGNATURE if signature == "" else signature  # as TensorFlow Serving reads it
    if not isinstance(signature, str) or signature not in signatures:
        known = ", ".join(sorted(signatures))
        raise BadRequest(f"signature_name: received {_shown(signature)}, expected one of {known}")
    specs, rows = signatures[signature], "instances" in values
    columns = _columns_of_rows(values["instances"], specs, limits) if rows else values["inputs"]
    if not rows and len(specs) == 1 and not isinstance(columns, dict):
        columns = {next(iter(specs)): columns}
    return make_request(signature, columns, specs, limits, rows)


def make_request(signature, columns, specs, limits, rows=False):
    """Return the `Asked` of plain values.

    Args:
        signature: name.
        columns: input name to a value or lists of them; of texts and files str or bytes.
        specs: input name to `tf.TensorSpec`.
        limits: `Limits`.
        rows: as of `Asked`.

    Raises:
        BadRequest: with one line that says what was expected.
    """
    if not isinstance(columns, dict) or set(columns) != set(specs):
        received = ", ".join(map(str, columns)) if isinstance(columns, dict) else "one value"
        raise BadRequest(f"inputs: received {received[:200]}, expected {', '.join(specs)}")
    arrays = {name: _array(name, columns[name], spec, limits) for name, spec in specs.items()}
    return Asked(signature, arrays, rows, _count(arrays, specs, limits))


def _parsed(body, most):
    marks = np.frombuffer(_STRING.sub(b"", body), np.uint8)
    steps = np.isin(marks, [91, 123]).astype(np.int8) - np.isin(marks, [93, 125]).astype(np.int8)
    if len(steps) and np.cumsum(steps, dtype=np.int64).max() > most:
        raise BadRequest(f"received JSON nested more than {most} deep")

    def constant(name):
        if name != "NaN":  # a value that is missing, written as TensorFlow Serving takes it
            raise BadRequest(f"received {name}, which is no number of JSON")
        return math.nan

    try:
        return json.loads(body, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"received no JSON ({str(error)[:100]})") from error


def _columns_of_rows(instances, specs, limits):
    """Row format to column format; what is one value for all rows must be the same in each."""
    if not isinstance(instances, list) or not instances:
        raise BadRequest("instances: expected a list of at least one")
    if len(instances) > limits.instances:
        raise BadRequest(f"instances: received {len(instances):,}, expected at most {limits.instances:,}")
    if not all(isinstance(one, dict) and set(one) == set(specs) for one in instances):
        if len(specs) != 1 or any(isinstance(one, dict) and "b64" not in one for one in instances):
            raise BadRequest(f"instances: expected an object of {', '.join(specs)} each")
        return {next(iter(specs)): instances}
    columns = {name: [one[name] for one in instances] for name in specs}
    for name, spec in specs.items():
        if spec.shape.rank == 0:
            if any(value != columns[name][0] for value in columns[name]):
                raise BadRequest(f"{name}: expected the same value in every instance")
            columns[name] = columns[name][0]
    return columns


def _array(name, value, spec, limits):
    """One input as an array of the spec's type and shape."""
    if spec.dtype.name == "string":
        array = _strings(name, value, spec.shape.rank, limits)
    else:
        array = _numbers(name, value, spec, limits)
    fits = array.ndim == spec.shape.rank and all(
        want in (None, is_) for want, is_ in zip(spec.shape, array.shape)
    )
    if not fits:
        expected = "x".join("any" if side is None else str(side) for side in spec.shape) or "one value"
        raise BadRequest(f"{name}: received shape {'x'.join(map(str, array.shape))}, expected {expected}")
    return array


def _numbers(name, value, spec, limits):
    try:
        array = np.array(value)
    except ValueError as error:
        raise BadRequest(f"{name}: received rows of different lengths") from error
    wanted, kind = spec.dtype.as_numpy_dtype, array.dtype.kind
    if array.size == 0:
        return array.astype(wanted)
    if array.size > limits.numbers:
        raise BadRequest(f"{name}: received {array.size:,} numbers, expected at most {limits.numbers:,}")
    allowed = {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}.get(np.dtype(wanted).kind, "")
    if kind not in allowed:
        missing = "; a missing value is written NaN" if kind == "O" and np.dtype(wanted).kind == "f" else ""
        expected = f"{spec.dtype.name} in lists of one shape{missing}"
        raise BadRequest(f"{name}: received {_shown(value)}, expected {expected}")
    with np.errstate(over="ignore", invalid="ignore"):
        result = array.astype(wanted)
    missing = np.isnan(array) if kind == "f" else np.zeros(array.shape, bool)
    if missing.any() and spec.shape.rank < 2:
        raise BadRequest(f"{name}: received NaN, expected a number: values are missing in a sequence alone")
    fits = np.isfinite(result.astype(np.float64)) | missing
    if not fits.all() or (kind in "iu" and (result != array).any()):
        raise BadRequest(f"{name}: received a number too large for {spec.dtype.name}")
    return result


def _strings(name, value, rank, limits):
    if rank == 0:
        return np.array(_bytes(name, value, limits), object)
    if not isinstance(value, list):
        raise BadRequest(f"{name}: received {_shown(value)}, expected a list")
    items = [_strings(name, one, rank - 1, limits) for one in value]
    if len({item.shape for item in items}) > 1:
        raise BadRequest(f"{name}: received rows of different lengths")
    array = np.empty((len(items), *(items[0].shape if items else [0] * (rank - 1))), object)
    for index, item in enumerate(items):
        array[index] = item if rank > 1 else item.item()
    return array


def _bytes(name, value, limits):
    if isinstance(value, str):
        content = value.encode("utf-8", "replace")
        if len(content) > limits.text:
            raise BadRequest(f"{name}: received {len(content):,} bytes, expected at most {limits.text:,}")
        return content
    content = value if isinstance(value, bytes) else _from_base64(name, value)
    if content.startswith(_IMAGE_MAGIC):
        _check_picture(name, content, limits)
    elif len(content) > limits.text:
        raise BadRequest(f"{name}: received {len(content):,} bytes, expected at most {limits.text:,}")
    return content


def _from_base64(name, value):
    if not (isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)):
        raise BadRequest(f'{name}: received {_shown(value)}, expected a text or {{"b64": ...}}')
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"{name}: received b64 that is no base64") from error


def _check_picture(name, content, limits):
    try:
        width, height = Image.open(io.BytesIO(content)).size
    except Exception as error:  # Pillow raises whatever it meets in a damaged file
        raise BadRequest(f"{name}: received a picture whose head cannot be read") from error
    if width * height > limits.pixels:
        received = f"{width} x {height} pixels"
        raise BadRequest(f"{name}: received {received}, expected at most {limits.pixels:,}")


def _count(arrays, specs, limits):
    counts = {len(arrays[name]) for name, spec in specs.items() if spec.shape.rank}
    if len(counts) > 1:
        raise BadRequest(f"inputs: received {' and '.join(map(str, sorted(counts)))} examples of one request")
    count = counts.pop() if counts else 1
    if not 1 <= count <= limits.instances:
        raise BadRequest(f"inputs: received {count:,} examples, expected 1 to {limits.instances:,}")
    return count


def write_answer(outputs, rows):
    """Return the object that goes back; NaN and the infinities stay what they are.

    Args:
        outputs: name to array; those that are one an example have the examples first.
        rows: row format: a list of one object an example, or of plain values where there is one output.
    """
    plain = {name: _plain(array) for name, array in outputs.items()}
    if len(plain) == 1:
        (values,) = plain.values()
        return {"predictions": values} if rows else {"outputs": values}
    if not rows:
        return {"outputs": plain}
    return {"predictions": [dict(zip(plain, values)) for values in zip(*plain.values())]}


def _plain(array):
    values = array.tolist()
    return _decoded(values) if array.dtype.kind in "OS" else values


def _decoded(values):
    if isinstance(values, list):
        return [_decoded(one) for one in values]
    try:
        return values.decode("utf-8")
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(values).decode()}


def _shown(value):
    text = json.dumps(value)[:60] if isinstance(value, (str, int, float, bool, type(None))) else None
    return text or f"a {type(value).__name__}"
