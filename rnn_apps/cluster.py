"""The processes that train together, as TF_CONFIG describes them."""

import json
import os
import socket
from typing import NamedTuple

from rnn_apps.errors import UserError, shown

VARIABLE = "TF_CONFIG"
DEVICE, CPU = "RNN_APPS_DEVICE", "cpu"  # the variable with the index of the GPU that a process uses
ROLES = ("chief", "worker")
_MAX_CHARACTERS, _MAX_WORKERS, _MAX_DIGITS = 2**20, 4096, 6
_EXAMPLE = '{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}'


class Cluster(NamedTuple):
    """The addresses of all workers, and which of them this process is.

    Args:
        addresses: tuple of "host:port", the chief first.
        number: number of this process, from 0.
    """

    addresses: tuple
    number: int

    @classmethod
    def from_environment(cls):
        """Return the cluster in the variable TF_CONFIG, or None if it names at most one process.

        Raises:
            UserError: if the variable is not a cluster of workers.
        """
        text = os.environ.get(VARIABLE, "")
        cluster = cls.parse(text) if text.strip() else None
        return None if cluster is None or len(cluster.addresses) == 1 else cluster

    @classmethod
    def parse(cls, text):
        """Return the cluster that a value of TF_CONFIG describes, or None without one.

        Raises:
            UserError: if it is not a cluster of workers.
        """
        config = _parse_json(text)
        _expect(isinstance(config, dict), f"a JSON object such as {_EXAMPLE}", config)
        jobs, task = config.get("cluster") or {}, config.get("task")
        if not jobs:
            return None
        _expect(isinstance(jobs, dict), "an object of roles", jobs, "cluster")
        for role, names in jobs.items():
            _expect(role in ROLES, " and ".join(ROLES), role, "cluster", "role")
            _expect(isinstance(names, list) and names, "a list of addresses", names, "cluster", role)
        chiefs = len(jobs.get("chief", ()))
        _expect(chiefs <= 1, "one address", f"{chiefs} addresses", "cluster", "chief")
        addresses = [address for role in ROLES for address in jobs.get(role, ())]
        count = len(addresses)
        _expect(count <= _MAX_WORKERS, f"at most {_MAX_WORKERS} addresses", f"{count}", "cluster")
        for address in addresses:
            _expect(_is_address(address), '"host:port"', address, "cluster")
        doubled = next((address for address in addresses if addresses.count(address) > 1), None)
        _expect(doubled is None, "each address once", doubled, "cluster")
        _expect(isinstance(task, dict), 'an object with "type" and "index"', task, "task")
        role, index = task.get("type"), task.get("index")
        _expect(isinstance(role, str) and role in jobs, " or ".join(jobs), role, "task", "type")
        count = len(jobs[role])
        is_index = type(index) is int or (isinstance(index, str) and index.isascii() and index.isdecimal())
        is_index = is_index and (type(index) is int or len(index) < _MAX_DIGITS) and int(index) >= 0
        _expect(is_index and int(index) < count, f"0 to {count - 1}", index, "task", "index")
        return cls(tuple(addresses), addresses.index(jobs[role][int(index)]))

    @property
    def is_chief(self):
        """Whether this process writes the run folder."""
        return self.number == 0

    def config(self):
        """Return the value of TF_CONFIG that describes this cluster."""
        jobs = {"worker": list(self.addresses)}
        return json.dumps({"cluster": jobs, "task": {"type": "worker", "index": self.number}})

    def check_port(self):
        """Raise UserError if another program uses the port of this process."""
        address = self.addresses[self.number]
        port = int(address.rpartition(":")[2])
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("", port))
            except OSError as error:
                problem = f"port {port} of {address} cannot be used: {error.strerror}"
                fix = "Stop the program that uses it, or name another port, the same on all machines."
                raise UserError(VARIABLE, problem, fix=fix) from error

    def with_devices(self, count):
        """Return the clusters of the processes of this machine, if each uses one of its `count` devices.

        The process for device d of a worker listens on the worker's port + d.
        """
        spread = []
        for address in self.addresses:
            host, _, port = address.rpartition(":")
            spread += [f"{host}:{int(port) + device}" for device in range(count)]
        doubled = next(
            (address for address in spread if spread.count(address) > 1 or not _is_address(address)), None
        )
        _expect(
            doubled is None, f"{count} free ports from each address on, one per device", doubled, "cluster"
        )
        return [Cluster(tuple(spread), self.number * count + device) for device in range(count)]


def on_this_machine(count):
    """Return the clusters of `count` processes of this machine, with free ports."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        addresses = tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in sockets)
    finally:
        for each in sockets:
            each.close()
    return [Cluster(addresses, number) for number in range(count)]


def _parse_json(text):
    _expect(len(text) <= _MAX_CHARACTERS, f"at most {_MAX_CHARACTERS:,} characters", f"{len(text):,}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        received, expected = f"{shown(text)} ({error})", f"JSON such as {_EXAMPLE}"
        raise UserError(VARIABLE, received=received, expected=expected) from error


def _is_address(value):
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    is_port = port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 2**16
    return is_port and bool(host) and host.isprintable() and not any(c.isspace() or c in ",/" for c in host)


def _expect(condition, expected, received, *path):
    if not condition:
        where = ", ".join([VARIABLE, *map(str, path)])
        fix = "Correct the variable, or unset it to train in one process."
        raise UserError(where, received=shown(received), expected=expected, fix=fix)
