"""An example of a program that runs this export with neither TensorFlow nor rnn_apps.

    python client.py INPUT...

INPUT depends on the network: a text, the path of an image, a folder of frames, a CSV file with a row for each
step to label, the beginning of a text, or as JSON or the path of a .json file an array, the rows of a series,
or an object of several by name, such as {"series": [[1.5], [null]], "known": [[0]]}. README.md has an
example. Each answer is one line of JSON. It needs numpy, onnxruntime or ai-edge-litert, pillow for images.
"""

import csv
import json
import re
import sys
import unicodedata
from pathlib import Path

import numpy as np

UNKNOWN, MAX_WORD_LENGTH = 1, 32
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
SPACES = "\t\n\f\r "


class InputError(ValueError):
    """An input that the exported network cannot read."""


class Client:
    """The exported network of a folder.

    Args:
        folder: folder of the exported files.

    Attributes:
        metadata: content of client.json.
        parts: name to a function that runs a file: name to array in, name to array out.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.metadata = self._json("client.json")
        self.parts = {name: self._load(name, part) for name, part in self.metadata["parts"].items()}

    def _json(self, path):
        return json.loads((self.folder / path).read_text(encoding="utf-8"))

    def _load(self, name, part):
        for extension, load in RUNTIMES.items():
            path = self.folder / f"{name}.{extension}"
            if path.exists():
                return load(path, part)
        raise FileNotFoundError(f"{self.folder / name}: no such file ending in {' or '.join(RUNTIMES)}")

    def run(self, name, inputs):
        """Run a part; a sequence too long for a file with a fixed length is run step by step if possible.

        Args:
            name: name of the part.
            inputs: name to array, with a batch of one.

        Returns:
            Name to array.

        Raises:
            InputError: the file does not support the shape of an input.
        """
        part, step = self.metadata["parts"][name], self.metadata["parts"].get("step")
        length = max((inputs[key].shape[1] for key in part["sequences"]), default=0)
        fits = part["steps"] is None or length <= part["steps"]
        if fits or not step or not set(part["inputs"]) < set(step["inputs"]):
            return self.parts[name](inputs)
        state, outputs = self._zero_state(), []
        for i in range(length):
            inputs_of_step = {key: array[:, i : i + 1] for key, array in inputs.items()}
            outputs.append(self.parts["step"]({**inputs_of_step, **state}))
            state = {key: outputs[-1][f"next_{key}"] for key in state}
        return {key: np.concatenate([step[key] for step in outputs], axis=1) for key in part["outputs"]}

    def answer(self, value):
        """Return a readable answer for one input."""
        return getattr(self, f"_{self.metadata['kind']}")(value)

    def _arrays(self, text):
        return self._run_one(self._parse(text))

    def _forecast(self, text):
        """Forecast from rows of the past, null where a value is missing, or from an object with "known"."""
        arrays, columns = self._parse(text), self.metadata["columns"]
        if arrays["series"].shape[1:] != (len(columns),):
            raise InputError(f"series: expected rows of [{', '.join(columns)}]")
        missing = np.full((self.metadata["window"], len(columns)), np.nan, np.float32)
        arrays["series"] = np.concatenate([missing, arrays["series"]])[-len(missing) :]
        return self._run_one(arrays)

    def _parse(self, text):
        """Return name to array from JSON or a .json file: an object, or the array of the only input."""
        types = self.metadata["parts"]["network"]["inputs"]
        try:
            values = json.loads(Path(text).read_text("utf-8") if text.endswith(".json") else text)
            arrays = values if isinstance(values, dict) else {next(iter(types)): values}
            if set(arrays) == set(types):
                return {name: np.array(arrays[name], dtype) for name, dtype in types.items()}
        except json.JSONDecodeError:
            raise InputError("not JSON, expected numbers as JSON, or the path of a .json file") from None
        except (ValueError, TypeError):
            raise InputError("expected arrays of numbers, with rows of the same length") from None
        raise InputError(f"received {', '.join(arrays)}, expected an object of {', '.join(types)}")

    def _run_one(self, arrays):
        outputs = self.run("network", {name: array[None] for name, array in arrays.items()})
        return {name: array[0].tolist() for name, array in outputs.items()}

    def _classify(self, text):
        numbers = self._numbers(text)
        kept = _truncate(numbers, self.metadata["max_length"], self.metadata["keep"]) or [0]
        (probabilities,) = self.run("network", {"numbers": np.array([kept], np.int32)})["probabilities"]
        by_class = {name: float(p) for name, p in zip(self.metadata["class_names"], probabilities)}
        best = max(by_class, key=by_class.get)
        answer = {"label": best, "score": by_class[best], "probabilities": by_class}
        answer |= {} if numbers else {"empty": "no word was read"}
        return answer | _truncation_note(len(kept), len(numbers), "words")

    def _tag(self, text):
        encoder = self._json("preprocessing/encoder.json")
        max_length = encoder["max_length"]
        words, letters = ({e: n for n, e in enumerate(encoder[k], start=2)} for k in ("words", "characters"))
        tokens = text.split()
        numbers = [[words.get(token.lower(), UNKNOWN) for token in tokens or [""]]]
        rows = [[letters.get(letter, UNKNOWN) for letter in token] for token in tokens or [""]]
        rows = [_truncate(row, max_length, "both") for row in rows]
        characters = [[row + [0] * (max_length - len(row)) for row in rows]]
        inputs = {"words": np.array(numbers, np.int32), "characters": np.array(characters, np.int32)}
        inputs = {name: inputs[name] for name in self.metadata["parts"]["network"]["inputs"]}
        (probabilities,) = self.run("network", inputs)["probabilities"]
        tags = [self.metadata["class_names"][best] for best in probabilities[: len(tokens)].argmax(-1)]
        return {"tokens": tokens, "tags": tags}

    def _label_steps(self, path):
        columns = self.metadata["features"]
        if columns is None:
            frames = [_pixels(frame, self.metadata["image_size"]) for frame in _frames(path)]
            return {"labels": self._labels("frames", np.stack(frames))}
        streams = {}
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            names = table.fieldnames or ()
            if missing := [name for name in columns if name not in names]:
                raise InputError(f"no column {missing[0]}; the columns are {', '.join(names)}")
            for row in table:
                steps = streams.setdefault(row.get(self.metadata["stream"]), [])
                line = table.line_num
                steps.append([self._cell(row, name, i, steps, line) for i, name in enumerate(columns)])
        labels = {key: self._labels("features", np.array(rows, np.float32)) for key, rows in streams.items()}
        return {"labels": labels[None]} if None in labels else {"streams": labels}

    def _cell(self, row, column, index, previous, line):
        """Return a cell as a number; an empty one repeats the previous number if the network expects that."""
        text = (row[column] or "").strip()
        if not text and previous and self.metadata["on_missing"] == "previous":
            return previous[-1][index]
        try:
            return float(text)
        except ValueError:
            raise InputError(f"line {line}, {column}: received {text!r}, expected a number") from None

    def _labels(self, name, steps):
        inputs = {name: steps[None], "mask": np.ones((1, len(steps)), bool)}
        (probabilities,) = self.run("network", inputs)["probabilities"]
        return [self.metadata["class_names"][number] for number in probabilities.argmax(-1)]

    def _write(self, value):
        array, note = self._encode(value)
        outputs = self.run("encode", {"inputs": array})
        state = {name: array for name, array in outputs.items() if name.startswith("state_")}
        context = {name: array for name, array in outputs.items() if name in ("keys", "mask")}
        return {"text": self._detokenize(self._generate(self.metadata["start"], state, context))} | note

    def _continue_text(self, prompt):
        unit, last, state = self._tokenizer()[0], self.metadata["first"], self._zero_state()
        for number in self._numbers(prompt):
            state = self._step(last, state, {})[1]
            last = number
        space = " " if unit == "token" and prompt else ""
        return {"text": prompt + space + self._detokenize(self._generate(last, state, {}))}

    def log_probabilities(self, text):
        """Return the log-probability of each token of a text, given those before it, by a language model."""
        last, result, state = self.metadata["first"], [], self._zero_state()
        for number in self._numbers(text):
            logits, state = self._step(last, state, {})
            shifted = logits - logits.max()
            result.append(float(shifted[number] - np.log(np.exp(shifted).sum())))
            last = number
        return result

    def _generate(self, last, state, context):
        """Return the most likely tokens, one at a time, until the end token."""
        numbers = []
        for _ in range(self.metadata["max_length"]):
            logits, state = self._step(last, state, context)
            logits[self.metadata["never"]] = -np.inf
            last = int(logits.argmax())
            if last == self.metadata.get("end"):
                break
            numbers.append(last)
        return numbers

    def _step(self, token, state, context):
        outputs = self.parts["step"]({"token": np.array([token], np.int32), **state, **context})
        return outputs["logits"][0], {name: outputs[f"next_{name}"] for name in state}

    def _zero_state(self):
        sizes = self.metadata["parts"]["step"]["states"]
        return {name: np.zeros((1, size), np.float32) for name, size in sizes.items()}

    def _encode(self, value):
        """Return an input as an array with a batch of one, and a note if it was truncated."""
        if "image_size" in self.metadata:
            num_frames, size = self.metadata["frames"], self.metadata["image_size"]
            if num_frames is None:
                return _pixels(value, size)[None], {}
            frames = _evenly_spaced(_frames(value), num_frames)
            return np.maximum(np.stack([_pixels(path, size) for path in frames]), 1)[None], {}
        numbers = self._numbers(value, "source_tokenizer.json")
        kept = numbers[: self.metadata["longest"]]
        note = _truncation_note(len(kept), len(numbers), "tokens")
        return np.array([[*kept, self.metadata["end"]]], np.int32), note

    def _tokenizer(self, name="tokenizer.json"):
        """Return the unit, the tokens, and the number of the first token."""
        content = self._json(f"preprocessing/{name}")
        return content["unit"], content["tokens"], 4 if content["markers"] else 2

    def _numbers(self, text, name="tokenizer.json"):
        unit, tokens, first = self._tokenizer(name)
        vocabulary = {token: index + first for index, token in enumerate(tokens)}
        return [vocabulary.get(token, UNKNOWN) for token in tokens_of(text, unit, vocabulary)]

    def _detokenize(self, numbers):
        unit, tokens, first = self._tokenizer()
        chosen = [tokens[number - first] for number in numbers if number >= first]
        if unit == "subword":
            return b"".join(map(_to_bytes, chosen)).decode("utf-8", "replace").removeprefix(" ")
        text = ("" if unit == "character" else " ").join(chosen)
        return re.sub(" ?<eos> ?", "\n", text) if unit == "token" else text


def _load_onnx(path, part):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    shapes = {details.name: details.shape for details in session.get_inputs()}
    return lambda inputs: dict(zip(names, session.run(names, _fit(inputs, shapes, part))))


def _load_litert(path, part):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    input_details, output_details = interpreter.get_input_details(), interpreter.get_output_details()
    shapes = {x["name"]: [n if n > 0 else None for n in x["shape_signature"].tolist()] for x in input_details}
    sizes = None

    def run(inputs):
        nonlocal interpreter, sizes
        fitted = _fit(inputs, shapes, part)
        if sizes != [array.shape for array in fitted.values()]:
            sizes = [array.shape for array in fitted.values()]
            interpreter = Interpreter(model_path=str(path))  # resized twice, one may answer wrongly
            for details in input_details:
                interpreter.resize_tensor_input(details["index"], fitted[details["name"]].shape)
            interpreter.allocate_tensors()
        for details in input_details:
            interpreter.set_tensor(details["index"], fitted[details["name"]])
        interpreter.invoke()
        arrays = (interpreter.get_tensor(details["index"]) for details in output_details)  # copies
        outputs = dict(zip(part["outputs"], arrays))
        for name in part["by_step"]:  # without the steps of the padding
            outputs[name] = outputs[name][:, : inputs[part["sequences"][0]].shape[1]]
        return outputs

    return run


# File name extension to a loader: (path, entry of the part in client.json) to a function of arrays by name.
RUNTIMES = {"onnx": _load_onnx, "tflite": _load_litert}


def tokens_of(text, unit, vocabulary=()):
    """Return the tokens of a text.

    Args:
        text: str.
        unit: ``"word"``, ``"character"``, ``"token"`` or ``"subword"``.
        vocabulary: tokens of the subwords.
    """
    if unit == "character":
        return list(text)
    if unit == "token":
        return text.replace("\n", " <eos> ").split()
    if unit == "subword":
        pieces = {_to_bytes(token): token for token in vocabulary}
        longest = max(map(len, pieces))
        return [piece for word in split_words(text) for piece in _subwords(word.encode(), pieces, longest)]
    text = re.sub(r"(?i)<br\s*/?>", " ", text)
    for mark in "!?":
        text = text.replace(mark, f" {mark} ")
    kept = (c if c in "'!?" or unicodedata.category(c)[0] in "LMN" else " " for c in text)
    return "".join(kept).lower().split()


def split_words(text):
    """Return the words of a text, each with one preceding space; other white space is separate."""
    text, words, start = f" {text}" if text else "", [], 0
    while start < len(text):
        end = start
        if text[end] == " " and _kind(text[end + 1 : end + 2]) != "space":
            end += 1
        kind = _kind(text[end])
        end += 1
        while kind != "space" and _kind(text[end : end + 1]) == kind:
            end += 1
        words += [text[i : min(i + MAX_WORD_LENGTH, end)] for i in range(start, end, MAX_WORD_LENGTH)]
        start = end
    return words


def _kind(character):
    if not character or character in SPACES:
        return "space"
    return "word" if unicodedata.category(character)[0] in "LMN" else "other"


def _subwords(word, pieces, longest):
    """Split a word from the left into its longest subwords, with single bytes as the fallback."""
    tokens = []
    while word:
        lengths = (n for n in range(min(longest, len(word)), 0, -1) if word[:n] in pieces)
        length = next(lengths, 1)
        tokens.append(pieces.get(word[:length], ""))
        word = word[length:]
    return tokens


def _to_bytes(token):
    if re.fullmatch("(<0x[0-9A-F]{2}>)+", token):
        return bytes.fromhex(re.sub("<0x|>", "", token))
    return token.encode()


def _truncate(numbers, max_length, keep):
    if len(numbers) <= max_length or keep == "start":
        return numbers[:max_length]
    if keep == "end":
        return numbers[-max_length:]
    return numbers[: max_length - max_length // 2] + numbers[-(max_length // 2) :]


def _truncation_note(kept, length, unit):
    return {"truncated": f"read {kept:,} of {length:,} {unit}"} if kept < length else {}


def _fit(inputs, shapes, part):
    """Return name to array in the shapes of a file: masked sequences are padded, others must fit."""
    fitted = {}
    for name, shape in shapes.items():
        array, is_sequence = inputs[name], name in part["sequences"]
        expected = [want if isinstance(want, int) else size for want, size in zip(shape, array.shape)]
        padded = [*array.shape]
        if part["pads"] and is_sequence and len(shape) == array.ndim:
            padded[1] = max(padded[1], expected[1])
        if len(shape) != array.ndim or padded != expected:
            sizes = "x".join(str(size) if isinstance(size, int) else "any" for size in shape)
            problem = f"{name}: received shape {'x'.join(map(str, array.shape))}, expected {sizes}"
            if is_sequence and part["steps"]:
                steps = f"{'at most ' if part['pads'] else ''}{part['steps']} steps"
                problem += f": this file takes {steps}; README.md says how to export others"
            raise InputError(problem)
        fitted[name] = np.zeros(expected, array.dtype)
        fitted[name][tuple(map(slice, array.shape))] = array
    return fitted


def _evenly_spaced(paths, num):
    return paths if len(paths) <= num else [paths[(2 * i + 1) * len(paths) // (2 * num)] for i in range(num)]


def _frames(folder):
    """Return the paths of the images in a folder, in the order of their names."""
    paths = sorted(Path(folder).iterdir()) if Path(folder).is_dir() else []
    if not (images := [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]):
        raise InputError("no images in it, expected a folder of frames in the order of their names")
    return images


def _pixels(path, size):
    from PIL import Image

    try:
        image = Image.open(path).convert("RGB").resize((size[1], size[0]), Image.Resampling.BILINEAR)
    except (OSError, ValueError, SyntaxError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged, or of another kind"
        raise InputError(f"{Path(path).name} cannot be read: {reason}; expected an image") from None
    return np.asarray(image, np.float32)


def main():
    """Print one answer per argument."""
    if not sys.argv[1:] or {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__.strip())
        return
    client = Client(Path(__file__).parent)
    for value in sys.argv[1:]:
        try:
            print(json.dumps(client.answer(value), ensure_ascii=False))
        except (InputError, OSError, ValueError, KeyError) as error:
            reason = getattr(error, "strerror", None) or error
            print(f"client.py: {value[:80]}: {reason}", file=sys.stderr)
            sys.exit(2)


if __name__ == "__main__":
    main()
