"""An example of a program that runs this network step by step, as a microcontroller does.

    python client.py INPUT [tflm]

INPUT depends on the network: a CSV file with a row for each step, a text to tag, or the beginning of a text.
README.md has an example. Each answer is one line of JSON. The program needs numpy and ai-edge-litert,
or after ``tflm`` tflite-micro, the interpreter of microcontrollers.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np

UNKNOWN = 1
EMPTY = ("", "nan", "na", "null", "none", "?")


class InputError(ValueError):
    """An input that the network cannot read."""


class LiteRT:
    """A file in the interpreter of LiteRT.

    Args:
        path: path of the file.
    """

    def __init__(self, path):
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        details = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._inputs, self._outputs = ([one["index"] for one in listed] for listed in details)

    def run(self, arrays):
        """Return the outputs, a list of arrays, for a list of inputs."""
        for index, array in zip(self._inputs, arrays):
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


class TFLM:
    """A file in the interpreter of TensorFlow Lite for Microcontrollers.

    Args:
        path: path of the file.
        arena: bytes of the arena; None for more than enough.
    """

    def __init__(self, path, arena=None):
        from tflite_micro.python.tflite_micro import runtime

        self._interpreter = runtime.Interpreter.from_file(str(path), arena_size=arena)

    def run(self, arrays):
        """Return the outputs, a list of arrays, for a list of inputs."""
        for index, array in enumerate(arrays):
            self._interpreter.set_input(array, index)
        self._interpreter.invoke()
        return [self._interpreter.get_output(index) for index in range(len(arrays))]


RUNTIMES = {"litert": LiteRT, "tflm": TFLM}


class Network:
    """One step of the network, with its states.

    Args:
        runtime: an instance of one of `RUNTIMES`.
        description: content of network.json.
    """

    def __init__(self, runtime, description):
        self._runtime = runtime
        (self._input, *self._states), (self._output, *self._next) = (
            [(np.dtype(one["type"]), one["size"], one["scale"], one["zero_point"]) for one in tensors]
            for tensors in (description["inputs"], description["outputs"])
        )
        self.reset()

    def reset(self):
        """Begin a new sequence, with states of zeros."""
        self.states = [
            quantize(np.zeros((1, size), np.float32), (dtype, size, *scale))
            for dtype, size, *scale in self._states
        ]

    def step(self, features):
        """Return the outputs, float32 (any,), for the features of the next step, and keep the new states."""
        arrays = [quantize(features[None], self._input), *self.states]
        output, *states = self._runtime.run(arrays)
        self.states = [
            state if after == before else quantize(dequantize(state, after), before)
            for state, after, before in zip(states, self._next, self._states)
        ]
        return dequantize(output, self._output)[0]


def quantize(values, tensor):
    """Return float values as the integers of a tensor: its type, size, scale and zero point."""
    dtype, _, scale, zero_point = tensor
    if scale is None:
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    rounded = np.floor(values / np.float32(scale) + np.float32(0.5)) + zero_point
    return np.clip(rounded, limits.min, limits.max).astype(dtype)


def dequantize(values, tensor):
    """Return the float values that integers of a tensor stand for."""
    _, _, scale, zero_point = tensor
    if scale is None:
        return values
    return (values.astype(np.float32) - zero_point) * np.float32(scale)


class Labels:
    """Rows of numbers, each with a label.

    Args:
        constants: ``"constants"`` of network.json.
        table: features of each token, or None.
    """

    def __init__(self, constants, table=None):
        self.constants, self.table = constants, table
        self._scale = np.array(constants.get("scale", ()), np.float32)
        self._offset = np.array(constants.get("offset", ()), np.float32)

    def reset(self):
        """Begin a new sequence."""

    def encode(self, step):
        """Return the features, float32 (width,), of a raw step."""
        return step * self._scale + self._offset

    def decode(self, outputs):
        """Return the answer to a step as an array."""
        return outputs

    def answers(self, network, path):
        """Yield a readable answer to every row of a CSV file; the rows of each stream belong together."""
        streams, previous = {}, {}
        for place, name, row in read_rows(path, self.constants["columns"], self.constants["stream"]):
            if self.constants["on_missing"] == "previous" and name in previous:
                row = np.where(np.isnan(row), previous[name], row)
            if np.isnan(row).any():
                raise InputError(f"{place}: a number is missing")
            previous[name] = row
            if name not in streams:
                network.reset()
                streams[name] = network.states
            network.states = streams[name]
            answer = class_of(network.step(self.encode(row)), self.constants["class_names"])
            streams[name] = network.states
            yield {"stream": name, **answer} if name else answer


class Tags(Labels):
    """Words, each with a tag."""

    def encode(self, step):
        """Return the embedding of a word id."""
        return self.table[int(step[0])]

    def answers(self, network, text):
        """Yield a readable answer to every word of a text."""
        first = self.constants["first"]
        ids = {word: number for number, word in enumerate(self.constants["tokens"], start=first)}
        for word in text.split():
            outputs = network.step(self.encode([ids.get(word.lower(), UNKNOWN)]))
            yield {"word": word, **class_of(outputs, self.constants["class_names"])}


class Text(Tags):
    """Tokens of a text, each with the logits of the next one."""

    FIRST = 4  # id of the first token of the vocabulary

    def answers(self, network, text):
        """Yield a text with its most likely continuation."""
        tokens, by_words = self.constants["tokens"], self.constants["unit"] == "token"
        ids = {token: number for number, token in enumerate(tokens, start=self.FIRST)}
        pieces = text.replace("\n", " <eos> ").split() if by_words else list(text)
        outputs = network.step(self.encode([self.constants["first"]]))
        for piece in pieces:
            outputs = network.step(self.encode([ids.get(piece, UNKNOWN)]))
        for _ in range(self.constants["length"]):
            outputs[self.constants["never"]] = -np.inf
            best = int(outputs.argmax())
            pieces.append(tokens[best - self.FIRST])
            outputs = network.step(self.encode([best]))
        yield {"text": (" " if by_words else "").join(pieces)}


class Forecasts(Labels):
    """Rows of a series, each with a forecast of the next steps."""

    def __init__(self, constants, table=None):
        super().__init__(constants, table)
        scaling, self._count = constants["scaling"], len(constants["targets"])
        arrays = (scaling["mean"], scaling["deviation"], scaling["spread"])
        self._mean, self._deviation, self._spread = (np.array(values, np.float32) for values in arrays)
        self._kernel, self._bias = (
            np.array(constants["linear"][name], np.float32) for name in ("kernel", "bias")
        )
        self.reset()

    def reset(self):
        """Forget the lags."""
        self._lags = np.full((self.constants["lags"], self._count), np.nan, np.float32)

    def encode(self, step):
        """Return the features of a raw row, in which NaN stands for a missing value."""
        constants, scaling, count = self.constants, self.constants["scaling"], self._count
        others = len(step) - len(constants["periods"])
        data = np.where(np.isin(step[:others], np.float32(constants["missing"])), np.nan, step[:others])
        self._lags = np.concatenate([self._lags[1:], data[None, :count]]).astype(np.float32)
        valid, values = ~np.isnan(self._lags), np.nan_to_num(self._lags)
        if scaling["offset"] is not None:
            shifted = np.maximum(values + np.float32(scaling["offset"]), constants["tiny"])
            values = np.log(shifted) * valid
        number = np.maximum(valid.sum(0), 1)
        self._level = np.where(valid.any(0), values.sum(0) / number, self._mean[:count])
        deviations, self._spread_now = (values - self._level) * valid, self._spread
        if scaling["by_window"]:
            lowest = constants["min_relative_spread"] * np.abs(self._level) + constants["tiny"]
            self._spread_now = np.maximum(np.abs(deviations).sum(0) / number, lowest)
        self._normalized = deviations / self._spread_now
        features = [self._normalized.reshape(-1), ~valid[-1]]
        if scaling["level_feature"]:
            features.append((self._level - self._mean[:count]) / self._deviation[:count])
        if others > count:
            columns = slice(count, others)
            standardized = (data[count:] - self._mean[columns]) / self._deviation[columns]
            features += [np.nan_to_num(standardized), np.isnan(data[count:])]
        angles = np.nan_to_num(step[others:] * np.float32(2 * np.pi / np.array(constants["periods"])))
        known = ~np.isnan(step[others:])
        return np.concatenate([*features, np.sin(angles) * known, np.cos(angles) * known]).astype(np.float32)

    def decode(self, outputs):
        """Return the quantiles (horizon, targets, quantiles) of the next steps."""
        names, scaling = self.constants["quantiles"], self.constants["scaling"]
        corrections = outputs.reshape(-1, self._count, len(names))
        middle = len(names) // 2
        quantiles = np.empty_like(corrections)
        quantiles[..., middle] = self._kernel.T @ self._normalized + self._bias[:, None]
        quantiles[..., middle] += corrections[..., middle]
        steps = np.logaddexp(0, corrections)
        for index in range(middle + 1, len(names)):
            quantiles[..., index] = quantiles[..., index - 1] + steps[..., index]
        for index in range(middle - 1, -1, -1):
            quantiles[..., index] = quantiles[..., index + 1] - steps[..., index]
        values = self._level[:, None] + self._spread_now[:, None] * quantiles
        if scaling["offset"] is None:
            return values
        limited = np.minimum(values, self.constants["max_log"])
        return np.exp(limited) - np.float32(scaling["offset"])[:, None]

    def answers(self, network, path):
        """Yield the forecast after every row of a CSV file with one series."""
        targets, middle = self.constants["targets"], len(self.constants["quantiles"]) // 2
        for _, _, row in read_rows(path, self.constants["columns"], None):
            quantiles = self.decode(network.step(self.encode(row)))
            yield {
                name: {
                    key: quantiles[:, index, place].tolist()
                    for key, place in (("forecast", middle), ("lower", 0), ("upper", -1))
                }
                for index, name in enumerate(targets)
            }


READERS = {"labels": Labels, "tags": Tags, "text": Text, "forecasts": Forecasts}


def stream(network, reader, sequence):
    """Return the answers to all steps of a raw sequence (steps, columns), as an array (steps, ...)."""
    network.reset()
    reader.reset()
    return np.stack([reader.decode(network.step(reader.encode(step))) for step in sequence])


def class_of(logits, names):
    """Return the label of a step and its probability."""
    probabilities = np.exp(logits - logits.max())
    best = int(logits.argmax())
    return {"label": names[best], "score": round(float(probabilities[best] / probabilities.sum()), 4)}


def read_rows(path, columns, stream_column):
    """Yield location, stream and numbers, float32 (columns,), of every row of a CSV file; NaN if empty."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        if missing := [name for name in columns if name not in (table.fieldnames or ())]:
            listed = ", ".join(table.fieldnames or ())
            raise InputError(f"{path}: no column {missing[0]}; the columns are {listed}")
        for row in table:
            place = f"{path}, line {table.line_num}"
            yield (
                place,
                row.get(stream_column),
                np.array([_number(row, n, place) for n in columns], np.float32),
            )


def _number(row, name, place):
    text = (row[name] or "").strip()
    try:
        return np.nan if text.lower() in EMPTY else float(text)
    except ValueError:
        raise InputError(f"{place}, {name}: received {text!r}, expected a number") from None


def load(folder, runtime="litert"):
    """Return the `Network` of a folder and the reader of its inputs, an instance of one of `READERS`."""
    folder = Path(folder)
    description = json.loads((folder / "network.json").read_text(encoding="utf-8"))
    table = folder / "table.npy"
    loaded = np.load(table, allow_pickle=False) if table.exists() else None
    reader = READERS[description["kind"]](description["constants"], loaded)
    return Network(RUNTIMES[runtime](folder / "network.tflite"), description), reader


def main():
    """Answer the input on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("input")
    parser.add_argument("runtime", nargs="?", choices=RUNTIMES, default="litert")
    arguments = parser.parse_args()
    network, reader = load(Path(__file__).parent, arguments.runtime)
    try:
        for answer in reader.answers(network, arguments.input):
            print(json.dumps(answer, ensure_ascii=False))
    except (InputError, OSError) as error:
        sys.exit(f"client.py: {error}")


if __name__ == "__main__":
    main()
