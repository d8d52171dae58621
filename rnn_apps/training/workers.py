"""Processes that train together: sums over all of them, and values that all must agree on."""

import io
import json
import os
import re
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from rnn_apps.cluster import CPU, DEVICE, VARIABLE
from rnn_apps.data.batches import Share
from rnn_apps.errors import RnnAppsError, UserError, shown
from rnn_apps.training.stopping import Stopped

_CHUNK = 2**16  # numbers that are exchanged together
_HEADER = 4  # numbers that hold the size of a message


class WorkerLost(Stopped):
    """Another process of the training cannot be reached."""


class SingleProcess:
    """A training in one process; `Workers` has the same methods.

    Attributes:
        number: number of this process, from 0.
        count: number of processes.
        is_chief: whether this process writes the run folder.
    """

    number, count, is_chief = 0, 1, True

    @property
    def share(self):
        """The `Share` of every batch that this process computes."""
        return Share(self.number, self.count)

    def sum(self, tensors):
        """Return the sums of float tensors over all processes, inside a `tf.function`."""
        return tensors

    def sum_values(self, values):
        """Return the sums of a few numbers over all processes, a list."""
        return list(values)

    def gather(self, value):
        """Return the JSON values of all processes, in the order of their numbers."""
        return [value]

    def broadcast(self, value):
        """Return the JSON value of the chief."""
        return value

    def broadcast_arrays(self, arrays):
        """Return the arrays of the chief, by name."""
        return arrays

    @contextmanager
    def together(self):
        """Context manager that fails in all processes if it fails in one."""
        yield

    def check_same(self, what, value, fix):
        """Raise UserError in all processes unless a dict is the same in all."""

    @contextmanager
    def watching(self):
        """Context manager that raises WorkerLost if another process cannot be reached."""
        yield


SINGLE = SingleProcess()


class Workers(SingleProcess):
    """The processes of a `Cluster`, which compute shares of every batch and stay equal.

    Each process holds all variables and one device. Gradients are summed by
    `tf.distribute.MultiWorkerMirroredStrategy`, which uses NCCL on GPUs.

    Args:
        cluster: `Cluster` of two processes or more.
        console: receives a line while this process waits for the others.

    Raises:
        UserError: if the port or the GPU of this process cannot be used, or TensorFlow is already running.
    """

    def __init__(self, cluster, console):
        self.number, self.count, self.is_chief = cluster.number, len(cluster.addresses), cluster.is_chief
        self._addresses = cluster.addresses
        cluster.check_port()
        others = ", ".join(a for n, a in enumerate(cluster.addresses) if n != cluster.number)
        console.log(f"Worker {self.number} of {self.count}: connecting to {others}")
        os.environ[VARIABLE] = cluster.config()
        try:
            choose_gpu(console)
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except RuntimeError as error:  # TensorFlow forbids it once an operation has been executed
            fix = "Call rnn_apps.run before anything else that uses TensorFlow, or use the command line."
            raise UserError(VARIABLE, "TensorFlow is already running in this process", fix=fix) from error
        except tf.errors.OpError as error:
            raise UserError(VARIABLE, f"no connection ({error.message})") from error
        self._eager_sums = {}

    def sum(self, tensors):
        """Return the sums of float tensors over all processes, inside a `tf.function`."""
        flat = self._all_reduce(tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], 0))
        parts = tf.split(flat, [tensor.shape.num_elements() for tensor in tensors])
        return [tf.reshape(part, tensor.shape) for part, tensor in zip(parts, tensors)]

    def _all_reduce(self, vector):
        def of_replica(values):
            values = tf.identity(values)  # on the device of the replica
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)

        return self._strategy.run(of_replica, args=(vector,))

    def sum_values(self, values):
        """Return the sums of a few numbers over all processes, a list."""
        return self._sum_array(np.asarray(values, np.float32)).tolist()

    def _sum_array(self, array):
        """Sum a float32 vector; all processes call this with vectors of the same sizes in the same order."""
        size = len(array)
        if size not in self._eager_sums:
            signature = [tf.TensorSpec([size], tf.float32)]
            self._eager_sums[size] = tf.function(self._all_reduce, signature, autograph=False)
        with self.watching():
            return self._eager_sums[size](tf.constant(array)).numpy()

    def _gather_bytes(self, data):
        """Return the bytes of all processes.

        Pairs of bytes are sent as float32, which any device can sum and which holds them exactly: at each
        place, only one process has a number other than zero.
        """
        header = np.zeros(_HEADER * self.count, np.float32)
        size = np.array([len(data)], "<u8").view("<u2")
        header[_HEADER * self.number : _HEADER * (self.number + 1)] = size
        sizes = self._sum_array(header).astype("<u2").view("<u8").astype(int)
        words = -(-sizes // 2)
        stops = np.cumsum(words)
        own = np.frombuffer(data + b"\0" * (len(data) % 2), "<u2")
        start = stops[self.number] - len(own)
        result = np.zeros(stops[-1], "<u2")
        for first in range(0, len(result), _CHUNK):
            chunk = np.zeros(_CHUNK, np.float32)
            low, high = max(start, first), min(stops[self.number], first + _CHUNK)
            if low < high:
                chunk[low - first : high - first] = own[low - start : high - start]
            last = min(first + _CHUNK, len(result))
            result[first:last] = self._sum_array(chunk)[: last - first]
        return [
            result[stop - length : stop].tobytes()[:size] for stop, length, size in zip(stops, words, sizes)
        ]

    def gather(self, value):
        """Return the JSON values of all processes, in the order of their numbers."""
        return [json.loads(data) for data in self._gather_bytes(json.dumps(value).encode())]

    def broadcast(self, value):
        """Return the JSON value of the chief."""
        return json.loads(self._gather_bytes(json.dumps(value).encode() if self.is_chief else b"")[0])

    def broadcast_arrays(self, arrays):
        """Return the arrays of the chief, by name."""
        file = io.BytesIO()
        if self.is_chief:
            np.savez(file, **arrays)
        received = self._gather_bytes(file.getvalue())[0]
        with np.load(io.BytesIO(received), allow_pickle=False) as found:
            return {name: found[name] for name in found.files}

    @contextmanager
    def together(self):
        """Context manager that fails in all processes if it fails in one."""
        failure = None
        try:
            yield
        except WorkerLost:
            raise
        except BaseException as error:
            failure = error
            raise
        finally:
            try:
                kinds = self.gather(None if failure is None else _describe(failure))
            except WorkerLost:
                if failure is None:
                    raise
                kinds = []
            first = next((n for n, one in enumerate(kinds) if one is not None), None)
            if failure is None and first is not None:
                is_users, text = kinds[first]
                where = self._name(first)
                raise UserError(where, text) if is_users else RnnAppsError(f"{where}: {text}.")

    def check_same(self, what, value, fix):
        """Raise UserError in all processes unless a dict is the same in all."""
        chiefs, *others = self.gather(value)
        for number, found in enumerate(others, 1):
            for key in {**chiefs, **found}:
                if found.get(key) != chiefs.get(key):
                    received, expected = (shown(one.get(key)) for one in (found, chiefs))
                    place = f"{self._name(number)}, {what}, {key}"
                    raise UserError(place, received=received, expected=f"{expected} as of the chief", fix=fix)

    @contextmanager
    def watching(self):
        """Context manager that raises WorkerLost if another process cannot be reached."""
        try:
            yield
        except tf.errors.OpError as error:
            if "ollective" not in error.message:
                raise
            found = re.search(r"/job:worker/replica:0/task:(\d+)", error.message)
            number = int(found[1]) if found else self.number
            who = self._name(number) if number != self.number else "another worker"
            raise WorkerLost(f"lost the connection to {who}: it has stopped, or cannot be reached") from error

    def _name(self, number):
        chief = ", the chief" if number == 0 else ""
        return f"worker {number} ({self._addresses[number]}{chief})"


def _describe(error):
    """Whether an error is the user's, and its text without the full stop."""
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return False, "stopped by a signal"
    text = str(error) if isinstance(error, RnnAppsError) else f"{type(error).__name__} {error}"
    return isinstance(error, UserError), text.strip().removesuffix(".")


def choose_gpu(console):
    """Use one GPU in this process: that of the variable RNN_APPS_DEVICE, else the first; "cpu" uses none.

    Raises:
        UserError: if there are fewer GPUs.
    """
    gpus, chosen = tf.config.list_physical_devices("GPU"), os.environ.get(DEVICE)
    if not gpus or chosen == CPU:
        tf.config.set_visible_devices([], "GPU")
        return
    if chosen is not None and not (chosen.isascii() and chosen.isdecimal() and len(chosen) < 6):
        raise UserError(DEVICE, received=shown(chosen), expected=f'the number of a GPU, or "{CPU}"')
    index = int(chosen or 0)
    if index >= len(gpus):
        received = f"{index + 1} devices or more"
        raise UserError(
            option="devices", received=received, expected=f"at most {len(gpus)}, the number of GPUs"
        )
    if chosen is None and len(gpus) > 1:
        console.log(f"This process uses 1 of {len(gpus)} GPUs; start one process for each.")
    tf.config.set_visible_devices([gpus[index]], "GPU")
