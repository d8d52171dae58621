"""An example of a program that runs this export and knows neither TensorFlow nor rnn_apps.

    python client.py INPUT...

INPUT is a text, the path of a picture, a folder of frames, a CSV file of numbers, the beginning of a text, or
an array or rows of a series as JSON: whatever the network was made for. It needs numpy, onnxruntime or
ai-edge-litert, and pillow for pictures.
"""

import csv
import json
import re
import sys
import unicodedata
from pathlib import Path

import numpy as np

__all__ = ["Client", "main", "split_words", "tokens_of"]

RESERVED = {"classify": 2, "write": 4, "go_on": 4}  # numbers before the first token of a vocabulary
UNKNOWN, LONGEST = 1, 32
SPACES = "\t\n\f\r "


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
        path = self.folder / f"{name}.onnx"
        if path.exists():
            import onnxruntime

            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            names = [output.name for output in session.get_outputs()]
            known = {given.name for given in session.get_inputs()}
            return lambda inputs: dict(
                zip(names, session.run(names, {k: v for k, v in inputs.items() if k in known}))
            )
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(self.folder / f"{name}.tflite"))
        interpreter.allocate_tensors()

        def run(inputs):
            for detail in interpreter.get_input_details():
                interpreter.set_tensor(detail["index"], _padded(inputs[detail["name"]], detail["shape"]))
            interpreter.invoke()
            details = interpreter.get_output_details()
            return {o: interpreter.get_tensor(d["index"]).copy() for o, d in zip(part["outputs"], details)}

        return run

    def answer(self, given):
        """Return a readable answer for one input."""
        return getattr(self, f"_{self.facts['kind']}")(given)

    def _arrays(self, given):
        values = json.loads(given)
        names = self.facts["inputs"]
        arrays = values if isinstance(values, dict) else {names[0]: values}
        types = self.facts["parts"]["network"]["inputs"]
        found = self.parts["network"]({n: np.array(arrays[n], types[n])[None] for n in names})
        return {name: array[0].tolist() for name, array in found.items()}

    def _forecast(self, given):
        """From rows of the past, null where a value is missing; or from those and "known", as an object."""
        values = json.loads(given)
        arrays = values if isinstance(values, dict) else {"series": values}
        arrays = {name: np.array(rows, np.float32) for name, rows in arrays.items()}
        before = np.full((self.facts["window"], len(self.facts["columns"])), np.nan, np.float32)
        arrays["series"] = np.concatenate([before, arrays["series"]])[-len(before) :]
        found = self.parts["network"]({name: array[None] for name, array in arrays.items()})
        return {name: array[0].tolist() for name, array in found.items()}

    def _classify(self, text):
        words = (self.folder / "preprocessing" / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
        numbers = {word: index + RESERVED["classify"] for index, word in enumerate(words)}
        read = [numbers.get(token, UNKNOWN) for token in tokens_of(text, "word")]
        kept = _kept(read, self.facts["max_length"], self.facts["keep"]) or [0]
        (probabilities,) = self.parts["network"]({"numbers": np.array([kept], np.int32)})["probabilities"]
        best = int(probabilities.argmax())
        return {"label": self.facts["class_names"][best], "score": float(probabilities[best])}

    def _tag(self, text):
        facts = json.loads((self.folder / "preprocessing" / "encoder.json").read_text(encoding="utf-8"))
        words, letters = (
            {entry: number for number, entry in enumerate(facts[name], start=2)}
            for name in ("words", "characters")
        )
        tokens, longest = text.split(), facts["longest"]
        numbers = [[words.get(token.lower(), UNKNOWN) for token in tokens or [""]]]
        kept = [_kept([letters.get(c, UNKNOWN) for c in token], longest, "both") for token in tokens or [""]]
        characters = [[row + [0] * (longest - len(row)) for row in kept]]
        given = {"words": np.array(numbers, np.int32), "characters": np.array(characters, np.int32)}
        wanted = self.facts["parts"]["network"]["inputs"]
        (probabilities,) = self.parts["network"]({name: given[name] for name in wanted})["probabilities"]
        tags = [self.facts["class_names"][best] for best in probabilities[: len(tokens)].argmax(-1)]
        return {"tokens": tokens, "tags": tags}

    def _label_steps(self, given):
        columns = self.facts["features"]
        if columns is None:
            frames = [_pixels(path, self.facts["image_size"]) for path in sorted(Path(given).iterdir())]
            steps, name = np.stack(frames), "frames"
        else:
            with open(given, encoding="utf-8-sig", newline="") as file:
                rows = [[float(row[column]) for column in columns] for row in csv.DictReader(file)]
            steps, name = np.array(rows, np.float32), "features"
        inputs = {name: steps[None], "there": np.ones((1, len(steps)), bool)}
        (probabilities,) = self.parts["network"](inputs)["probabilities"]
        best = probabilities[: len(steps)].argmax(-1)
        return {"labels": [self.facts["class_names"][number] for number in best]}

    def _write(self, given):
        read = self.parts["encode"]({"given": self._read(given)})
        state = {name: array for name, array in read.items() if name.startswith("state_")}
        context = {name: array for name, array in read.items() if name in ("keys", "mask")}
        return {"text": self._written(self._steps(self.facts["start"], state, context))}

    def log_probabilities(self, text):
        """Return how likely each token of a text is after those before it, in nats, by a language model."""
        last, found, state = self.facts["first"], [], self._no_state()
        for number in self._numbers(text):
            logits, state = self._step(last, state, {})
            found.append(float(logits[number] - logits.max() - np.log(np.exp(logits - logits.max()).sum())))
            last = number
        return found

    def _no_state(self):
        sizes = enumerate(self.facts["states"])
        return {f"state_{i}": np.zeros((1, size), np.float32) for i, size in sizes}

    def _numbers(self, text):
        unit, tokens = self._vocabulary("written.json")
        known = {token: index + RESERVED["go_on"] for index, token in enumerate(tokens)}
        return [known.get(token, UNKNOWN) for token in tokens_of(text, unit, known)]

    def _go_on(self, prompt):
        unit, last, state = self._vocabulary("written.json")[0], self.facts["first"], self._no_state()
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

    def _vocabulary(self, name):
        content = json.loads((self.folder / "preprocessing" / name).read_text(encoding="utf-8"))
        return content["unit"], content["tokens"]

    def _written(self, numbers):
        unit, tokens = self._vocabulary("written.json")
        chosen = [tokens[number - 4] for number in numbers if number >= 4]
        if unit == "subword":
            return b"".join(map(_bytes_of, chosen)).decode("utf-8", "replace").removeprefix(" ")
        text = ("" if unit == "character" else " ").join(chosen)
        return re.sub(" ?<eos> ?", "\n", text) if unit == "token" else text

    def _read(self, given):
        """An input as the network takes it, with a batch of one."""
        if "image_size" in self.facts:
            frames = self.facts["frames"]
            pictures = [given] if frames is None else _evenly(sorted(Path(given).iterdir()), frames)
            pixels = np.stack([_pixels(path, self.facts["image_size"]) for path in pictures])
            return pixels if frames is None else np.maximum(pixels, 1)[None]
        unit, tokens = self._vocabulary("read.json")
        known = {token: index + RESERVED["write"] for index, token in enumerate(tokens)}
        numbers = [known.get(token, UNKNOWN) for token in tokens_of(given, unit, known)]
        return np.array([[*numbers[: self.facts["longest"]], self.facts["end"]]], np.int32)


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
    if not letter or letter in SPACES:
        return "blank"
    return "word" if unicodedata.category(letter)[0] in "LMN" else "other"


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


def _padded(array, shape):
    """An array of the shape that was fixed, with zeros where there is nothing; what is longer is cut."""
    result = np.zeros(shape, array.dtype)
    fits = tuple(slice(0, min(a, b)) for a, b in zip(array.shape, shape))
    result[fits] = array[fits]
    return result


def _evenly(paths, most):
    count = len(paths)
    return paths if count <= most else [paths[(2 * i + 1) * count // (2 * most)] for i in range(most)]


def _pixels(path, size):
    from PIL import Image

    picture = Image.open(path).convert("RGB").resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(picture, np.float32)


def main():
    """Print an answer for every argument."""
    client = Client(Path(__file__).parent)
    for given in sys.argv[1:]:
        print(json.dumps(client.answer(given), ensure_ascii=False))


if __name__ == "__main__":
    main()
