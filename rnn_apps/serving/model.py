"""Loads the newest complete version of a SavedModel and runs it in a worker thread that batches requests."""

import hashlib
import json
import logging
import queue
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rnn_apps.errors import UserError
from rnn_apps.serving.compiled import load_compiled, warm_up_requests
from rnn_apps.serving.protocol import DEFAULT_SIGNATURE, BadRequest, ParsedRequest

MANIFEST = "manifest.json"
QUEUE_SIZE, MAX_BATCH_SIZE = 64, 256
_STOP = object()
_log = logging.getLogger("rnn_apps.serving")


class Busy(Exception):
    """The queue is full."""


def newest_version(folder):
    """Return the number and the path of the newest complete version in a folder.

    A version is complete if its manifest exists and every file that it lists has the listed digest. A folder
    that itself holds a SavedModel is a version: its number is its name, or 1 if that is not a number.

    Raises:
        UserError: there is no complete version.
    """
    folder = Path(folder)
    if (folder / "saved_model.pb").is_file() and _is_complete(folder):
        name = folder.resolve().name
        return int(name) if name.isdigit() else 1, folder
    numbers = sorted((int(p.name) for p in folder.glob("*") if p.name.isdigit() and p.is_dir()), reverse=True)
    for number in numbers:
        if _is_complete(folder / str(number)):
            return number, folder / str(number)
    problem = f"contains {len(numbers)} versions, none complete" if numbers else "contains no version"
    raise UserError(str(folder), problem, fix="Export the run again.")


def _is_complete(version):
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
        folder: folder of versions; the newest complete one is loaded.

    Attributes:
        version: number of the loaded version.
        path: folder of the loaded version.
        specs: signature name to the specs of its inputs, by name.
        outputs: signature name to the specs of its outputs, by name.
        num_compiled: number of loops that XLA compiles for requests with one example.
    """

    def __init__(self, folder):
        self.version, self.path = newest_version(folder)
        self._loaded, self.num_compiled = load_compiled(self.path)
        functions = self._loaded.signatures
        self.specs = {name: dict(f.structured_input_signature[1]) for name, f in functions.items()}
        self.outputs = {name: dict(f.structured_outputs) for name, f in functions.items()}

    def warm_up(self):
        """Answer requests of several lengths, so that no later one waits for XLA; return the seconds it took.

        If the model cannot be compiled, it is loaded again without.
        """
        start = time.monotonic()
        try:
            for inputs in warm_up_requests(self.path, self.specs.get(DEFAULT_SIGNATURE, {})):
                self.answer(DEFAULT_SIGNATURE, inputs)
        except BadRequest as error:
            if self.num_compiled:
                _log.warning("the loops of the model run uncompiled: %s", error.__cause__ or error)
                self._loaded, self.num_compiled = tf.saved_model.load(str(self.path)), 0
        return time.monotonic() - start

    def answer(self, signature, inputs):
        """Return output name to array.

        Raises:
            BadRequest: the model cannot process these inputs.
        """
        specs = self.specs[signature]
        tensors = {name: tf.constant(array, specs[name].dtype) for name, array in inputs.items()}
        try:
            outputs = self._loaded.signatures[signature](**tensors)
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise BadRequest(f"the model cannot process these inputs ({type(error).__name__})") from error
        return {name: value.numpy() for name, value in outputs.items()}


class _Waiting(NamedTuple):
    request: ParsedRequest
    future: Future
    deadline: float


class Worker:
    """Runs a model in one thread; waiting requests are answered in one batch where their shapes allow.

    Args:
        model: `Model`.
        timeout: seconds after which a waiting request is dropped.
        queue_size: maximum number of waiting requests.
    """

    def __init__(self, model, timeout=30.0, queue_size=QUEUE_SIZE):
        self.model, self.timeout = model, timeout
        self._queue = queue.Queue(queue_size)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def is_alive(self):
        """Whether the thread is running."""
        return self._thread.is_alive()

    def submit(self, request):
        """Return the `Future` of the outputs of a `ParsedRequest`.

        Raises:
            Busy: the queue is full.
        """
        future = Future()
        try:
            self._queue.put_nowait(_Waiting(request, future, time.monotonic() + self.timeout))
        except queue.Full:
            raise Busy from None
        return future

    def stop(self):
        """Answer the waiting requests, then end the thread."""
        self._queue.put(_STOP)
        self._thread.join(self.timeout)

    def _work(self):
        first = self._queue.get()
        while first is not _STOP:
            batch, first = self._collect_batch(first)
            self._answer(batch)
            first = self._queue.get() if first is None else first

    def _collect_batch(self, first):
        """Return the waiting requests that fit in a batch with `first`, and the next one, or None."""
        batch, num_examples = [first], first.request.num_examples
        while num_examples < MAX_BATCH_SIZE:
            try:
                other = self._queue.get_nowait()
            except queue.Empty:
                break
            if other is _STOP or not self._can_batch(first.request, other.request):
                return batch, other
            batch.append(other)
            num_examples += other.request.num_examples
        return batch, None

    def _can_batch(self, request, other):
        """Whether two requests differ in nothing but the number of examples."""
        if not request.signature == other.signature == DEFAULT_SIGNATURE:
            return False
        specs, outputs = self.model.specs[request.signature], self.model.outputs[request.signature]
        is_batched = all(
            spec.shape.rank and spec.shape[0] is None for spec in (*specs.values(), *outputs.values())
        )
        return is_batched and all(
            request.inputs[name].shape[1:] == other.inputs[name].shape[1:] for name in specs
        )

    def _answer(self, batch):
        now = time.monotonic()
        batch = [item for item in batch if item.deadline > now and item.future.set_running_or_notify_cancel()]
        if batch:
            self._set_results(batch)

    def _set_results(self, batch):
        try:
            results = self._outputs([item.request for item in batch])
        except BaseException as error:
            if isinstance(error, BadRequest) and len(batch) > 1:
                for item in batch:  # one by one, so that an invalid request fails without the others
                    self._set_results([item])
            else:
                for item in batch:
                    item.future.set_exception(error)
        else:
            for item, outputs in zip(batch, results):
                item.future.set_result(outputs)

    def _outputs(self, requests):
        """Return the outputs of each request, all from one call of the model."""
        signature = requests[0].signature
        if len(requests) == 1:
            return [self.model.answer(signature, requests[0].inputs)]
        joined = {
            name: np.concatenate([request.inputs[name] for request in requests])
            for name in self.model.specs[signature]
        }
        outputs = self.model.answer(signature, joined)
        stops = np.cumsum([request.num_examples for request in requests])
        return [
            {name: array[stop - request.num_examples : stop] for name, array in outputs.items()}
            for request, stop in zip(requests, stops)
        ]
