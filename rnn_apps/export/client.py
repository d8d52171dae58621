"""An example of a program that runs this export and knows neither TensorFlow nor rnn_apps.

    python client.py INPUT...

INPUT is what the network was made for: a text, the path of a picture, a folder of frames, a CSV file of
numbers, the beginning of a text, or as JSON an array, rows of a series, or an object of both by their names,
such as {"series": [[1.5], [null]], "known": [[0]]}. Each answer is a line of JSON. The program needs numpy,
onnxruntime or ai-edge-litert, and pillow for pictures.
"""

import csv
import json
import re
import sys
import unicodedata
from pathlib import Path

import numpy as np

UNKNOWN, LONGEST = 1, 32
SPACES = "\t\n\f\r "


class InputError(ValueError):
    """An input that the exported network cannot read."""


class Client:
    """The network of a folder.

    Args:
        folder: of this file.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.facts = json.loads((self.folder / "client.json").read_text(encoding="utf-8"))
        self.parts = {name: self._load(name, part) for name, part in self.facts["parts"].items()}

    def _load(self, name, part):
        for ending, load in RUNTIMES.items():
            path = self.folder / f"{name}.{ending}"
            if path.exists():
                return load(path, part)
        raise FileNotFoundError(f"{self.folder / name}: no such file ending in {' or '.join(RUNTIMES)}")

    def read(self, name, inputs):
        """Run a part; what is too long for a file with fixed shapes is read step by step if it can be.

        Args:
            name: of the part.
            inputs: name to array, with a batch of one.

        Returns:
            Name to array.

        Raises:
            InputError: an input has another shape than the file takes.
        """
        part, other = self.facts["parts"][name], self.facts["parts"].get("step")
        length = max((inputs[key].shape[1] for key in part["sequences"]), default=0)
        fits = part["steps"] is None or length <= part["steps"]
        if fits or not other or not set(part["inputs"]) < set(other["inputs"]):
            return self.parts[name](inputs)
        state, found = self._no_state(), []
        for step in range(length):
            one = {key: array[:, step : step + 1] for key, array in inputs.items()}
            found.append(self.parts["step"]({**one, **state}))
            state = {key: found[-1][f"next_{key}"] for key in state}
        return {key: np.concatenate([one[key] for one in found], axis=1) for key in part["outputs"]}

    def answer(self, given):
        """Return a readable answer for one input."""
        return getattr(self, f"_{self.facts['kind']}")(given)

    def _arrays(self, given):
        values = json.loads(given)
        names, types = self.facts["inputs"], self.facts["parts"]["network"]["inputs"]
        arrays = values if isinstance(values, dict) else {names[0]: values}
        if set(names) != set(arrays):
            raise InputError(f"received {', '.join(arrays)}, expected {', '.join(names)}")
        found = self.read("network", {n: np.array(arrays[n], types[n])[None] for n in names})
        return {name: array[0].tolist() for name, array in found.items()}

    def _forecast(self, given):
        """From rows of the past, null where a value is missing; or from those and "known", as an object."""
        values = json.loads(given)
        arrays = values if isinstance(values, dict) else {"series": values}
        arrays = {name: np.array(rows, np.float32) for name, rows in arrays.items()}
        if set(arrays) != set(names := self.facts["parts"]["network"]["inputs"]):
            raise InputError(f"received {', '.join(arrays)}, expected an object of {', '.join(names)}")
        before = np.full((self.facts["window"], len(self.facts["columns"])), np.nan, np.float32)
        arrays["series"] = np.concatenate([before, arrays["series"]])[-len(before) :]
        found = self.parts["network"]({name: array[None] for name, array in arrays.items()})
        return {name: array[0].tolist() for name, array in found.items()}

    def _classify(self, text):
        read = self._numbers(text)
        kept = _kept(read, self.facts["max_length"], self.facts["keep"]) or [0]
        (probabilities,) = self.read("network", {"numbers": np.array([kept], np.int32)})["probabilities"]
        by_class = {name: float(p) for name, p in zip(self.facts["class_names"], probabilities)}
        best = max(by_class, key=by_class.get)
        answer = {"label": best, "score": by_class[best], "probabilities": by_class}
        return answer | _cut(len(kept), len(read), "words")

    def _tag(self, text):
        facts = json.loads((self.folder / "preprocessing" / "encoder.json").read_text(encoding="utf-8"))
        words, letters = ({e: n for n, e in enumerate(facts[k], start=2)} for k in ("words", "characters"))
        tokens, max_length = text.split(), facts["max_length"]
        numbers = [[words.get(token.lower(), UNKNOWN) for token in tokens or [""]]]
        kept = [
            _kept([letters.get(c, UNKNOWN) for c in token], max_length, "both") for token in tokens or [""]
        ]
        characters = [[row + [0] * (max_length - len(row)) for row in kept]]
        given = {"words": np.array(numbers, np.int32), "characters": np.array(characters, np.int32)}
        used = {name: given[name] for name in self.facts["parts"]["network"]["inputs"]}
        (probabilities,) = self.read("network", used)["probabilities"]
        tags = [self.facts["class_names"][best] for best in probabilities[: len(tokens)].argmax(-1)]
        return {"tokens": tokens, "tags": tags}

    def _label_steps(self, given):
        columns = self.facts["features"]
        if columns is None:
            frames = [_pixels(path, self.facts["image_size"]) for path in sorted(Path(given).iterdir())]
            return {"labels": self._labels("frames", np.stack(frames))}
        streams = {}
        with open(given, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            if missing := [name for name in columns if name not in (table.fieldnames or ())]:
                raise InputError(
                    f"no column {missing[0]}; the columns are {', '.join(table.fieldnames or ())}"
                )
            for row in table:
                steps = streams.setdefault(row.get(self.facts["stream"]), [])
                steps.append(
                    [self._number(row, name, i, steps, table.line_num) for i, name in enumerate(columns)]
                )
        labels = {key: self._labels("features", np.array(rows, np.float32)) for key, rows in streams.items()}
        return {"labels": labels[None]} if None in labels else {"streams": labels}

    def _number(self, row, column, index, before, line):
        """A cell as a number; an empty one repeats the number before it where the network was trained so."""
        text = (row[column] or "").strip()
        if not text and before and self.facts["on_missing"] == "previous":
            return before[-1][index]
        try:
            return float(text)
        except ValueError:
            raise InputError(f"line {line}, {column}: received {text!r}, expected a number") from None

    def _labels(self, name, steps):
        inputs = {name: steps[None], "mask": np.ones((1, len(steps)), bool)}
        (probabilities,) = self.read("network", inputs)["probabilities"]
        return [self.facts["class_names"][number] for number in probabilities.argmax(-1)]

    def _write(self, given):
        numbers, cut = self._read(given)
        read = self.read("encode", {"inputs": numbers})
        state = {name: array for name, array in read.items() if name.startswith("state_")}
        context = {name: array for name, array in read.items() if name in ("keys", "mask")}
        return {"text": self._written(self._steps(self.facts["start"], state, context))} | cut

    def log_probabilities(self, text):
        """Return how likely each token of a text is after those before it, in nats, by a language model."""
        last, found, state = self.facts["first"], [], self._no_state()
        for number in self._numbers(text):
            logits, state = self._step(last, state, {})
            found.append(float(logits[number] - logits.max() - np.log(np.exp(logits - logits.max()).sum())))
            last = number
        return found

    def _no_state(self):
        sizes = self.facts["parts"]["step"]["states"]
        return {name: np.zeros((1, size), np.float32) for name, size in sizes.items()}

    def _numbers(self, text, name="tokenizer.json"):
        unit, tokens, first = self._tokenizer(name)
        known = {token: index + first for index, token in enumerate(tokens)}
        return [known.get(token, UNKNOWN) for token in tokens_of(text, unit, known)]

    def _continue_text(self, prompt):
        unit, last, state = self._tokenizer()[0], self.facts["first"], self._no_state()
        for number in self._numbers(prompt):
            state = self._step(last, state, {})[1]
            last = number
        between = " " if unit == "token" and prompt else ""
        return {"text": prompt + between + self._written(self._steps(last, state, {}))}

    def _steps(self, last, state, context):
        """Take the likeliest token each time, until the end."""
        written = []
        for _ in range(self.facts["max_length"]):
            logits, state = self._step(last, state, context)
            logits[self.facts["never"]] = -np.inf
            last = int(logits.argmax())
            if last == self.facts.get("end"):
                break
            written.append(last)
        return written

    def _step(self, token, state, context):
        found = self.parts["step"]({"token": np.array([token], np.int32), **state, **context})
        return found["logits"][0], {name: found[f"next_{name}"] for name in state}

    def _tokenizer(self, name="tokenizer.json"):
        """Unit, tokens, and the number of the first token."""
        content = json.loads((self.folder / "preprocessing" / name).read_text(encoding="utf-8"))
        return content["unit"], content["tokens"], 4 if content["markers"] else 2

    def _written(self, numbers):
        unit, tokens, first = self._tokenizer()
        chosen = [tokens[number - first] for number in numbers if number >= first]
        if unit == "subword":
            return b"".join(map(_bytes_of, chosen)).decode("utf-8", "replace").removeprefix(" ")
        text = ("" if unit == "character" else " ").join(chosen)
        return re.sub(" ?<eos> ?", "\n", text) if unit == "token" else text

    def _read(self, given):
        """An input as the network takes it, with a batch of one, and what was left out of it."""
        if "image_size" in self.facts:
            frames = self.facts["frames"]
            pictures = [given] if frames is None else _evenly(sorted(Path(given).iterdir()), frames)
            pixels = np.stack([_pixels(path, self.facts["image_size"]) for path in pictures])
            return (pixels, {}) if frames is None else (np.maximum(pixels, 1)[None], {})
        numbers = self._numbers(given, "source_tokenizer.json")
        kept = numbers[: self.facts["longest"]]
        return np.array([[*kept, self.facts["end"]]], np.int32), _cut(len(kept), len(numbers), "tokens")


def _onnx(path, part):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    shapes = {given.name: given.shape for given in session.get_inputs()}
    return lambda inputs: dict(zip(names, session.run(names, _fitted(inputs, shapes, part))))


def _litert(path, part):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    given, details = interpreter.get_input_details(), interpreter.get_output_details()
    shapes = {detail["name"]: detail["shape"].tolist() for detail in given}

    def run(inputs):
        fitted = _fitted(inputs, shapes, part)
        for detail in given:
            interpreter.set_tensor(detail["index"], fitted[detail["name"]])
        interpreter.invoke()
        found = {o: interpreter.get_tensor(d["index"]).copy() for o, d in zip(part["outputs"], details)}
        steps = [inputs[key].shape[1] for key in part["sequences"]][:1]
        return {o: a[:, : steps[0]] if o in part["by_step"] else a for o, a in found.items()}

    return run


# Ending of a file to what loads it: (path, facts of the part in client.json) to a function of arrays by name.
RUNTIMES = {"onnx": _onnx, "tflite": _litert}


def tokens_of(text, unit, known=()):
    """Return the tokens of a text.

    Args:
        text: str.
        unit: ``"word"``, ``"character"``, ``"token"`` or ``"subword"``.
        known: vocabulary of the subwords.
    """
    if unit == "character":
        return list(text)
    if unit == "token":
        return text.replace("\n", " <eos> ").split()
    if unit == "subword":
        pieces = {_bytes_of(token): token for token in known}
        longest = max(map(len, pieces))
        return [piece for word in split_words(text) for piece in _pieces(word.encode(), pieces, longest)]
    text = re.sub(r"(?i)<br\s*/?>", " ", text)
    for mark in "!?":
        text = text.replace(mark, f" {mark} ")
    kept = (c if c in "'!?" or unicodedata.category(c)[0] in "LMN" else " " for c in text)
    return "".join(kept).lower().split()


def split_words(text):
    """Return the words of a text, each with the one space before it; other blanks stand alone."""
    text, words, start = f" {text}" if text else "", [], 0
    while start < len(text):
        end = start
        if text[end] == " " and _kind(text[end + 1 : end + 2]) != "blank":
            end += 1
        kind = _kind(text[end])
        end += 1
        while kind != "blank" and _kind(text[end : end + 1]) == kind:
            end += 1
        words += [text[i : min(i + LONGEST, end)] for i in range(start, end, LONGEST)]
        start = end
    return words


def _kind(letter):
    is_word = letter and unicodedata.category(letter)[0] in "LMN"
    return "blank" if not letter or letter in SPACES else "word" if is_word else "other"


def _pieces(word, pieces, longest):
    """A word from the left, each time its longest piece, else a byte."""
    found = []
    while word:
        lengths = (n for n in range(min(longest, len(word)), 0, -1) if word[:n] in pieces)
        length = next(lengths, 1)
        found.append(pieces.get(word[:length], ""))
        word = word[length:]
    return found


def _bytes_of(piece):
    if re.fullmatch("(<0x[0-9A-F]{2}>)+", piece):
        return bytes.fromhex(re.sub("<0x|>", "", piece))
    return piece.encode()


def _kept(numbers, most, keep):
    if len(numbers) <= most or keep == "start":
        return numbers[:most]
    return numbers[-most:] if keep == "end" else numbers[: most - most // 2] + numbers[-(most // 2) :]


def _cut(kept, length, unit):
    return {"truncated": f"read {kept:,} of {length:,} {unit}"} if kept < length else {}


def _fitted(inputs, shapes, part):
    """Name to array in the shapes that a file takes; zeros fill what is masked, all else must fit."""
    fitted = {}
    for name, shape in shapes.items():
        array = inputs[name]
        wanted = [want if isinstance(want, int) else is_ for want, is_ in zip(shape, array.shape)]
        padded = [*array.shape]
        if part["pads"] and name in part["sequences"] and len(shape) == array.ndim:
            padded[1] = max(padded[1], wanted[1])
        if len(shape) != array.ndim or padded != wanted:
            expected = "x".join(str(want) if isinstance(want, int) else "any" for want in shape)
            problem = f"{name}: received shape {'x'.join(map(str, array.shape))}, expected {expected}"
            if name in part["sequences"] and part["steps"]:
                most = "at most " if part["pads"] else ""
                problem += (
                    f": this file takes {most}{part['steps']} steps; README.md says how to export others"
                )
            raise InputError(problem)
        fitted[name] = np.zeros(wanted, array.dtype)
        fitted[name][tuple(map(slice, array.shape))] = array
    return fitted


def _evenly(paths, most):
    count = len(paths)
    return paths if count <= most else [paths[(2 * i + 1) * count // (2 * most)] for i in range(most)]


def _pixels(path, size):
    from PIL import Image

    picture = Image.open(path).convert("RGB").resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(picture, np.float32)


def main():
    """Print an answer for every argument."""
    if not sys.argv[1:] or {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__.strip())
        return
    client = Client(Path(__file__).parent)
    for given in sys.argv[1:]:
        try:
            print(json.dumps(client.answer(given), ensure_ascii=False))
        except (InputError, OSError, ValueError, KeyError) as error:
            print(f"client.py: {given[:80]}: {error}", file=sys.stderr)
            sys.exit(2)


if __name__ == "__main__":
    main()
