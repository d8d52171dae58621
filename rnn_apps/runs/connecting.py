"""Connects the processes of a training: by TF_CONFIG, or as tasks of a Slurm step."""

import os

import keras
import tensorflow as tf
from tensorflow.python.distribute.cluster_resolver.slurm_cluster_resolver import (  # see `slurm_cluster`
    expand_hostlist,
    expand_tasks_per_node,
)

import rnn_apps
from rnn_apps.cluster import DEVICE, VARIABLE, Cluster
from rnn_apps.errors import UserError
from rnn_apps.training import SINGLE, Workers

PORT = 8888  # of the first task of a Slurm node; the next ones follow
_LOCAL = ("data.path", "model.encoder.weights")  # settings that may differ between machines
_connected: dict[Cluster, Workers] = {}  # TensorFlow allows one cluster per process


def connect(console, slurm=False):
    """Return the `Workers` of this process; a training in one process if it is not part of a cluster.

    Args:
        console: as in `run`.
        slurm: whether the workers are the tasks of a Slurm step, in place of those of TF_CONFIG.

    Raises:
        UserError: if the cluster is invalid or cannot be connected, or versions differ.
    """
    cluster = slurm_cluster() if slurm else Cluster.from_environment()
    if cluster is None:
        return SINGLE
    if cluster not in _connected:
        if _connected:
            problem, fix = "has changed since this process connected", "Start a new process."
            raise UserError(VARIABLE, problem, fix=fix)
        workers = Workers(cluster, console)
        versions = {
            "rnn-apps": rnn_apps.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        }
        workers.check_same("version", versions, "Install the same versions for all workers.")
        _connected[cluster] = workers
    return _connected[cluster]


def check_same_recipe(recipe, resumes, workers):
    """Raise UserError unless all workers have the same recipe, except for paths, and all resume or none."""
    settings = {key: value for key, value in recipe.flat().items() if key not in _LOCAL}
    settings["recipe"] = recipe.name
    workers.check_same("recipe", settings, "Start all workers with the same recipe and options.")
    workers.check_same("options", {"resume": resumes}, "Resume in all workers, or in none.")


def slurm_cluster():
    """Return the `Cluster` of the tasks of a Slurm step, from the variables that ``srun`` sets.

    `SlurmClusterResolver` sorts the hosts by name, so n10 comes before n2 and the tasks get each other's
    addresses. Only its functions that read Slurm's lists are used.

    Raises:
        UserError: if this process is not a task of a Slurm step.
    """
    try:
        hosts = expand_hostlist(os.environ["SLURM_STEP_NODELIST"])
        tasks = expand_tasks_per_node(os.environ["SLURM_STEP_TASKS_PER_NODE"])
        addresses = [f"{host}:{PORT + task}" for host, count in zip(hosts, tasks) for task in range(count)]
        number, local = int(os.environ["SLURM_PROCID"]), int(os.environ["SLURM_LOCALID"])
        if len(hosts) != len(tasks) or not 0 <= number < len(addresses):
            raise ValueError(f"task {number} of {len(addresses)} on {len(hosts)} nodes")
    except (KeyError, ValueError) as error:
        problem = f"not a task of a Slurm step ({type(error).__name__} {error})"
        raise UserError(problem=problem, fix="Start the command with srun.", option="slurm") from error
    has_own_gpu = os.environ.get("CUDA_VISIBLE_DEVICES", ",").count(",") == 0
    os.environ.setdefault(DEVICE, "0" if has_own_gpu else str(local))
    return Cluster(tuple(addresses), number) if len(addresses) > 1 else None
