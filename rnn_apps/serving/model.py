"""The newest complete version of a SavedModel, and the thread that asks it, many requests at a time."""

import hashlib
import json
import queue
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rnn_apps.errors import UserError
from rnn_apps.serving.protocol import DEFAULT_SIGNATURE, BadRequest

MANIFEST = "manifest.json"
WAITING, TOGETHER = 64, 256
_END = object()


class Busy(Exception):
    """The queue is full."""


def newest_version(folder):
    """Return the number and the path of the newest complete version below a folder.

    A version whose manifest is not there, or names what is not there or has changed, was not copied whole.
    A folder that is a version itself is one of its own, number 1 where its name is no number.

    Raises:
        UserError: there is none.
    """
    folder = Path(folder)
    if (folder / "saved_model.pb").is_file() and _is_whole(folder):
        name = folder.resolve().name
        return int(name) if name.isdigit() else 1, folder
    numbers = sorted((int(p.name) for p in folder.glob("*") if p.name.isdigit() and p.is_dir()), reverse=True)
    for number in numbers:
        if _is_whole(folder / str(number)):
            return number, folder / str(number)
    fix = "Export the run again."
    problem = f"{len(numbers)} versions in it, none of them complete" if numbers else "no version in it"
    raise UserError(str(folder), problem, fix=fix)


def _is_whole(version):
    try:
        digests = json.loads((version / MANIFEST).read_text(encoding="utf-8"))["sha256"]
        return bool(digests) and all(
            hashlib.sha256((version / name).read_bytes()).hexdigest() == digest
            for name, digest in digests.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


class Model:
    """A loaded SavedModel.

    Args:
        folder: that holds versions.

    Attributes:
        version: number of the one that was loaded.
        path: of that version.
        specs: signature name to the specs of its inputs, by name.
        outputs: signature name to the specs of its outputs, by name.
    """

    def __init__(self, folder):
        self.version, path = newest_version(folder)
        self.path = path
        self._loaded = tf.saved_model.load(str(path))
        functions = self._loaded.signatures
        self.specs = {name: dict(f.structured_input_signature[1]) for name, f in functions.items()}
        self.outputs = {name: dict(f.structured_outputs) for name, f in functions.items()}

    def answer(self, signature, inputs):
        """Return the outputs, name to array.

        Raises:
            BadRequest: the network cannot work on these inputs.
        """
        specs = self.specs[signature]
        tensors = {name: tf.constant(array, specs[name].dtype) for name, array in inputs.items()}
        try:
            outputs = self._loaded.signatures[signature](**tensors)
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise BadRequest(f"the model cannot work on these inputs ({type(error).__name__})") from error
        return {name: value.numpy() for name, value in outputs.items()}


class _Waiting(NamedTuple):
    asked: object
    future: Future
    deadline: float


class Worker:
    """Asks a model in a thread of its own; requests that wait are put together where they fit.

    Args:
        model: `Model`.
        seconds: after which a request that still waits is given up.
        waiting: requests that may wait.
    """

    def __init__(self, model, seconds=30.0, waiting=WAITING):
        self.model, self.seconds = model, seconds
        self._queue = queue.Queue(waiting)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def is_alive(self):
        """Whether there is still somebody who answers."""
        return self._thread.is_alive()

    def submit(self, asked):
        """Return the `Future` of the outputs of an `Asked`.

        Raises:
            Busy: so many wait that there is no place.
        """
        future = Future()
        try:
            self._queue.put_nowait(_Waiting(asked, future, time.monotonic() + self.seconds))
        except queue.Full:
            raise Busy from None
        return future

    def stop(self):
        """Answer what waits, then end."""
        self._queue.put(_END)
        self._thread.join(self.seconds)

    def _work(self):
        first = self._queue.get()
        while first is not _END:
            group, first = self._group(first)
            self._answer(group)
            first = self._queue.get() if first is None else first

    def _group(self, first):
        """What waits and fits to the first of it, and what came next, or None."""
        group, count = [first], first.asked.count
        while count < TOGETHER:
            try:
                other = self._queue.get_nowait()
            except queue.Empty:
                break
            if other is _END or not self._fit(first.asked, other.asked):
                return group, other
            group.append(other)
            count += other.asked.count
        return group, None

    def _fit(self, one, other):
        """Whether two requests may be answered by one call: nothing but the number of examples differs."""
        if not one.signature == other.signature == DEFAULT_SIGNATURE:
            return False
        specs, outputs = self.model.specs[one.signature], self.model.outputs[one.signature]
        by_example = all(
            spec.shape.rank and spec.shape[0] is None for spec in (*specs.values(), *outputs.values())
        )
        return by_example and all(
            one.inputs[name].shape[1:] == other.inputs[name].shape[1:] for name in specs
        )

    def _answer(self, group):
        now = time.monotonic()
        group = [one for one in group if one.deadline > now and one.future.set_running_or_notify_cancel()]
        if not group:
            return
        try:
            for one, outputs in zip(group, self._outputs([one.asked for one in group])):
                one.future.set_result(outputs)
        except BadRequest as error:
            if len(group) == 1:
                group[0].future.set_exception(error)
                return
            for one in group:  # which of them it was
                self._alone(one)
        except BaseException as error:
            for one in group:
                if not one.future.done():
                    one.future.set_exception(error)

    def _alone(self, one):
        try:
            one.future.set_result(self._outputs([one.asked])[0])
        except BaseException as error:
            one.future.set_exception(error)

    def _outputs(self, asked):
        """The outputs of several requests of one kind, from one call."""
        specs = self.model.specs[asked[0].signature]
        if len(asked) == 1:
            return [self.model.answer(asked[0].signature, asked[0].inputs)]
        joined = {name: np.concatenate([one.inputs[name] for one in asked]) for name in specs}
        outputs = self.model.answer(asked[0].signature, joined)
        ends = np.cumsum([one.count for one in asked])
        return [
            {name: array[end - one.count : end] for name, array in outputs.items()}
            for one, end in zip(asked, ends)
        ]
