"""Converts between TensorFlow Serving's JSON and arrays, within limits.

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
    """An invalid request; the message says what was expected and names no path of the server."""


class Limits(NamedTuple):
    """Upper limits on one request.

    Args:
        body: bytes of the body.
        depth: nesting depth of lists and objects.
        instances: number of examples.
        text: bytes of one text.
        pixels: pixels of one image.
        numbers: numbers in one input.
    """

    body: int = 16 << 20
    depth: int = 32
    instances: int = 1024
    text: int = 100_000
    pixels: int = 20_000_000
    numbers: int = 4 << 20


class ParsedRequest(NamedTuple):
    """A valid request.

    Args:
        signature: name of the signature.
        inputs: input name to array.
        row_format: whether the request came in row format; the response then uses it too.
        num_examples: number of examples.
    """

    signature: str
    inputs: dict
    row_format: bool
    num_examples: int


def read_request(body, signatures, limits):
    """Return the `ParsedRequest` of a request body.

    Args:
        body: bytes.
        signatures: signature name to the `tf.TensorSpec`s of its inputs, by input name.
        limits: `Limits`.

    Raises:
        BadRequest: the request is invalid.
    """
    values = _parse_json(body, limits.depth)
    if not isinstance(values, dict) or set(values) - _KEYS or len({"instances", "inputs"} & set(values)) != 1:
        raise BadRequest('expected an object with "instances" or "inputs", and optionally "signature_name"')
    signature = values.get("signature_name", "")
    signature = DEFAULT_SIGNATURE if signature == "" else signature  # as TensorFlow Serving does
    if not isinstance(signature, str) or signature not in signatures:
        known = ", ".join(sorted(signatures))
        raise BadRequest(f"signature_name: received {_preview(signature)}, expected one of {known}")
    specs, row_format = signatures[signature], "instances" in values
    columns = _rows_to_columns(values["instances"], specs, limits) if row_format else values["inputs"]
    if not row_format and len(specs) == 1 and not isinstance(columns, dict):
        columns = {next(iter(specs)): columns}
    return make_request(signature, columns, specs, limits, row_format)


def make_request(signature, columns, specs, limits, row_format=False):
    """Return the `ParsedRequest` of Python values.

    Args:
        signature: name of the signature.
        columns: input name to a value or nested lists of values; texts and files as str or bytes.
        specs: input name to `tf.TensorSpec`.
        limits: `Limits`.
        row_format: see `ParsedRequest`.

    Raises:
        BadRequest: the values do not fit the signature or exceed the limits.
    """
    if not isinstance(columns, dict) or set(columns) != set(specs):
        received = ", ".join(map(str, columns)) if isinstance(columns, dict) else "one value"
        raise BadRequest(f"inputs: received {received[:200]}, expected {', '.join(specs)}")
    arrays = {name: _to_array(name, columns[name], spec, limits) for name, spec in specs.items()}
    return ParsedRequest(signature, arrays, row_format, _count_examples(arrays, specs, limits))


def _parse_json(body, max_depth):
    brackets = np.frombuffer(_STRING.sub(b"", body), np.uint8)
    steps = np.isin(brackets, [91, 123]).astype(np.int8) - np.isin(brackets, [93, 125]).astype(np.int8)
    if len(steps) and np.cumsum(steps, dtype=np.int64).max() > max_depth:
        raise BadRequest(f"received JSON nested more than {max_depth} levels deep")

    def parse_constant(name):
        if name != "NaN":  # TensorFlow Serving's notation for a missing value
            raise BadRequest(f"received {name}, which is not a JSON number")
        return math.nan

    try:
        return json.loads(body, parse_constant=parse_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"received invalid JSON ({str(error)[:100]})") from error


def _rows_to_columns(instances, specs, limits):
    """Convert row format to column format; a scalar input must have the same value in every row."""
    if not isinstance(instances, list) or not instances:
        raise BadRequest("instances: expected a list with at least one element")
    if len(instances) > limits.instances:
        raise BadRequest(f"instances: received {len(instances):,}, expected at most {limits.instances:,}")
    if not all(isinstance(row, dict) and set(row) == set(specs) for row in instances):
        if len(specs) != 1 or any(isinstance(row, dict) and "b64" not in row for row in instances):
            raise BadRequest(f"instances: expected every element to be an object with {', '.join(specs)}")
        return {next(iter(specs)): instances}
    columns = {name: [row[name] for row in instances] for name in specs}
    for name, spec in specs.items():
        if spec.shape.rank == 0:
            if any(value != columns[name][0] for value in columns[name]):
                raise BadRequest(f"{name}: expected the same value in every instance")
            columns[name] = columns[name][0]
    return columns


def _to_array(name, value, spec, limits):
    """Return one input as an array of the spec's dtype and shape."""
    if spec.dtype.name == "string":
        array = _strings(name, value, spec.shape.rank, limits)
    else:
        array = _numbers(name, value, spec, limits)
    if not spec.shape.is_compatible_with(array.shape):
        expected = "x".join("any" if size is None else str(size) for size in spec.shape) or "one value"
        raise BadRequest(f"{name}: received shape {'x'.join(map(str, array.shape))}, expected {expected}")
    return array


def _numbers(name, value, spec, limits):
    try:
        array = np.array(value)
    except ValueError as error:
        raise BadRequest(f"{name}: received rows of different lengths") from error
    dtype, kind = np.dtype(spec.dtype.as_numpy_dtype), array.dtype.kind
    if array.size == 0:
        return array.astype(dtype)
    if array.size > limits.numbers:
        raise BadRequest(f"{name}: received {array.size:,} numbers, expected at most {limits.numbers:,}")
    if kind not in {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}.get(dtype.kind, ""):
        hint = "; write a missing value as NaN" if kind == "O" and dtype.kind == "f" else ""
        expected = f"{spec.dtype.name} in lists of one shape{hint}"
        raise BadRequest(f"{name}: received {_preview(value)}, expected {expected}")
    with np.errstate(over="ignore", invalid="ignore"):
        result = array.astype(dtype)
    missing = np.isnan(array) if kind == "f" else np.zeros(array.shape, bool)
    if missing.any() and spec.shape.rank < 2:
        raise BadRequest(f"{name}: received NaN, expected a number: only sequences may have missing values")
    fits = np.isfinite(result.astype(np.float64)) | missing
    if not fits.all() or (kind in "iu" and (result != array).any()):
        raise BadRequest(f"{name}: received a number too large for {spec.dtype.name}")
    return result


def _strings(name, value, rank, limits):
    if rank == 0:
        return np.array(_to_bytes(name, value, limits), object)
    if not isinstance(value, list):
        raise BadRequest(f"{name}: received {_preview(value)}, expected a list")
    items = [_strings(name, item, rank - 1, limits) for item in value]
    if len({item.shape for item in items}) > 1:
        raise BadRequest(f"{name}: received rows of different lengths")
    array = np.empty((len(items), *(items[0].shape if items else [0] * (rank - 1))), object)
    for index, item in enumerate(items):
        array[index] = item if rank > 1 else item.item()
    return array


def _to_bytes(name, value, limits):
    if isinstance(value, str):
        content = value.encode("utf-8", "replace")
    else:
        content = value if isinstance(value, bytes) else _from_base64(name, value)
        if content.startswith(_IMAGE_MAGIC):
            _check_image(name, content, limits)
            return content
    if len(content) > limits.text:
        raise BadRequest(f"{name}: received {len(content):,} bytes, expected at most {limits.text:,}")
    return content


def _from_base64(name, value):
    if not (isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)):
        raise BadRequest(f'{name}: received {_preview(value)}, expected a text or {{"b64": ...}}')
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"{name}: received b64 that is not valid base64") from error


def _check_image(name, content, limits):
    try:
        width, height = Image.open(io.BytesIO(content)).size
    except Exception as error:  # a damaged file makes Pillow raise exceptions of many types
        raise BadRequest(f"{name}: received an image whose header cannot be read") from error
    if width * height > limits.pixels:
        received = f"{width} x {height} pixels"
        raise BadRequest(f"{name}: received {received}, expected at most {limits.pixels:,}")


def _count_examples(arrays, specs, limits):
    counts = {len(arrays[name]) for name, spec in specs.items() if spec.shape.rank}
    if len(counts) > 1:
        received = " and ".join(map(str, sorted(counts)))
        raise BadRequest(f"inputs: received {received} examples, expected the same number in every input")
    count = counts.pop() if counts else 1
    if not 1 <= count <= limits.instances:
        raise BadRequest(f"inputs: received {count:,} examples, expected 1 to {limits.instances:,}")
    return count


def write_response(outputs, row_format):
    """Return the response object; NaN and infinities are kept.

    Args:
        outputs: output name to array, examples first.
        row_format: return a list with one object per example, or with plain values if there is only one
            output.
    """
    plain = {
        name: _decode(array.tolist()) if array.dtype.kind in "OS" else array.tolist()
        for name, array in outputs.items()
    }
    if len(plain) == 1:
        (values,) = plain.values()
        return {"predictions": values} if row_format else {"outputs": values}
    if not row_format:
        return {"outputs": plain}
    return {"predictions": [dict(zip(plain, values)) for values in zip(*plain.values())]}


def _decode(values):
    """Decode the bytes in nested lists as UTF-8, or as base64 where they are not valid UTF-8."""
    if isinstance(values, list):
        return [_decode(value) for value in values]
    try:
        return values.decode("utf-8")
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(values).decode()}


def _preview(value):
    text = json.dumps(value)[:60] if isinstance(value, (str, int, float, bool, type(None))) else None
    return text or f"a {type(value).__name__}"
