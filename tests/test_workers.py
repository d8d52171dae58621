"""Two processes train as one does, stop together, and a run that lost a worker can be resumed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from train_as_worker import Console, Trained

import rnn_apps
from rnn_apps.checkpoint import Checkpoints
from rnn_apps.cli import call
from rnn_apps.cluster import DEVICE, VARIABLE, Cluster, on_this_machine
from rnn_apps.errors import UserError
from rnn_apps.run_folder import CHECKPOINTS
from rnn_apps.runs.connecting import slurm_cluster

TRAINING = {"epochs": 1, "batch_size": 12, "clip_norm": 0.5, "learning_rate": 0.002, "compile": False}
TRAINING |= {"schedule": "constant", "warmup_steps": 0, "weight_averaging": None}
SAMPLE = {"source": "sample", "sample": {"size": 100}}
LABELS = ("negative", "positive")
TINY = {"embedding": 3, "units": [3], "dropout": 0.0}
RECIPES = {
    "imdb": {"model": {**TINY, "word_dropout": 0.0}, "data": {**SAMPLE, "vocabulary_size": 50}},
    "translation": {"model": TINY, "data": SAMPLE},
    "language_model": {"model": TINY, "data": SAMPLE},
}


def test_a_cluster_of_the_environment_is_refused_where_processes_are_started(monkeypatch, capsys):
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    assert call(["workers", "imdb", "--workers", "2"]) == 2
    assert (
        "TF_CONFIG: names the processes, but this command starts its own. Unset it" in capsys.readouterr().err
    )


def job_of(name, **changes):
    """Arguments of `rnn_apps.run` for a tiny run; the states of the language model are carried."""
    training = {**TRAINING, **changes.pop("training", {})}
    return {"recipe": name, "export": [], "views": False, "training": training, **RECIPES[name], **changes}


def texts(folder, count):
    """Settings of a file of labelled texts, which is made here."""
    path = folder / f"{count}.jsonl"
    rows = [{"text": f"word {number}", "label": LABELS[number % 2]} for number in range(count)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return {"source": "files", "path": str(path)}


def state_of(folder):
    """The last step of a run, and its weights and carried states."""
    final = Checkpoints(Path(folder) / CHECKPOINTS).newest()
    return final.step, {name: array for name, array in final.state.items() if array.dtype.kind == "f"}


def check_equal(folder, expected):
    """Steps, weights and states of optimizer and recurrence are those of a run in one process."""
    (step, state), (expected_step, expected_state) = state_of(folder), state_of(expected)
    assert step == expected_step
    assert set(state) == set(expected_state)
    for name, array in state.items():
        np.testing.assert_allclose(array, expected_state[name], atol=1e-5, err_msg=name)


def train(jobs, folder, count=2):
    """Run jobs in several processes; return the lines and the exit code of each."""
    file = folder / "jobs.json"
    file.write_text(json.dumps(jobs))
    program = [sys.executable, str(Path(__file__).with_name("train_as_worker.py")), str(file)]
    processes = [
        subprocess.Popen(
            [*program, str(number)],
            env=os.environ | {VARIABLE: cluster.config(), "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, cluster in enumerate(on_this_machine(count))
    ]
    outputs = [process.communicate(timeout=300)[0].splitlines() for process in processes]
    return outputs, [process.returncode for process in processes]


def train_alone(**job):
    with pytest.raises(Trained):
        rnn_apps.run(**job, console=Console())


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path):
    runs = {name: str(tmp_path / name) for name in RECIPES}
    refused, own = str(tmp_path / "refused"), texts(tmp_path, 50)
    missing, other = {"source": "files", "path": "missing.jsonl"}, texts(tmp_path, 60)
    jobs = [job_of("imdb", out=refused, of_worker_1={"seed": 7})]
    jobs += [job_of("imdb", out=refused, data=own, of_worker_1={"data": data}) for data in (missing, other)]
    jobs += [job_of("language_model", out=refused, training={"batch_size": 31})]
    jobs += [job_of(name, out=out) for name, out in runs.items()]
    stopped, killed = str(tmp_path / "stopped"), str(tmp_path / "killed")
    jobs += [job_of("language_model", out=stopped, signal=[1, 3, signal.SIGTERM])]
    often = {"checkpoint_every": {"steps": 2}}
    jobs += [job_of("imdb", out=killed, training=often, signal=[1, 5, signal.SIGKILL])]
    (chief, worker), codes = train(jobs, tmp_path)

    assert codes == [0, -signal.SIGKILL], (chief, worker)
    messages = [chief.pop(0) for _ in range(4)]
    assert messages[0].startswith("UserError: worker 1 (127.0.0.1:")
    assert "), recipe, seed: received 7, expected 1 as of the chief. Start all workers" in messages[0]
    assert messages[1].startswith("UserError: worker 1 (127.0.0.1:")
    assert "missing.jsonl: no such file" in messages[1]
    assert "), data, train: received 43, expected 36 as of the chief. Give all" in messages[2]
    assert messages[3].startswith("UserError: training.batch_size: received 31, divided into 2 parts")
    assert [worker.pop(0) for _ in range(4)][::2] == messages[::2]
    assert not (tmp_path / "refused").exists()
    for name, out in runs.items():
        train_alone(**job_of(name, out=tmp_path / f"one-{name}"))
        check_equal(out, tmp_path / f"one-{name}")
    assert chief[:3] == ["trained"] * 3
    assert worker[:3] == ["done"] * 3

    assert chief[3] == f'Interrupted: stopped by SIGTERM. Resume with: rnn_apps.run(resume="{stopped}")'
    assert worker[3] == "Interrupted: stopped by SIGTERM"
    assert state_of(stopped)[0] == 4  # the step in which all processes learn of the signal
    train_alone(resume=stopped)
    check_equal(stopped, tmp_path / "one-language_model")

    assert chief[4].startswith("WorkerLost: lost the connection to worker 1 (127.0.0.1:")
    assert chief[4].endswith(f'Restart all workers with: rnn_apps.run(resume="{killed}")')
    assert state_of(killed)[0] == 4
    train_alone(resume=killed)
    check_equal(killed, tmp_path / "one-imdb")


# Slurm

STEP = {
    "SLURM_STEP_NODELIST": "n[2,10]",
    "SLURM_STEP_TASKS_PER_NODE": "2,1",
    "SLURM_PROCID": "2",
    "SLURM_LOCALID": "0",
}


@pytest.fixture
def step(monkeypatch):
    """The variables of a task of a Slurm step."""
    monkeypatch.delenv(DEVICE, raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name, value in STEP.items():
        monkeypatch.setenv(name, value)
    yield monkeypatch
    os.environ.pop(DEVICE, None)


def test_the_tasks_of_a_slurm_step_are_a_cluster(step):
    addresses = ("n2:8888", "n2:8889", "n10:8888")
    assert slurm_cluster() == Cluster(addresses, 2)
    step.setenv("SLURM_STEP_NODELIST", "n2")
    step.setenv("SLURM_STEP_TASKS_PER_NODE", "1")
    step.setenv("SLURM_PROCID", "0")
    assert slurm_cluster() is None


@pytest.mark.parametrize(("visible", "device"), [(None, "1"), ("0,1,2,3", "1"), ("3", "0")])
def test_a_task_uses_its_own_gpu_or_the_one_of_its_number(step, visible, device):
    step.setenv("SLURM_LOCALID", "1")
    if visible:
        step.setenv("CUDA_VISIBLE_DEVICES", visible)
    slurm_cluster()
    assert os.environ[DEVICE] == device


@pytest.mark.parametrize("missing", STEP)
def test_without_srun_there_is_no_step(step, missing):
    step.delenv(missing)
    with pytest.raises(UserError, match=f"^slurm: not a task of a Slurm step .KeyError '{missing}'"):
        slurm_cluster()


def test_a_task_beyond_the_step_is_refused(step):
    step.setenv("SLURM_PROCID", "3")
    with pytest.raises(UserError, match="task 3 of 3 on 2 nodes"):
        slurm_cluster()


# Kubernetes


def test_the_manifest_of_the_docs_describes_a_cluster():
    page = (Path(__file__).parent.parent / "docs/workers.md").read_text(encoding="utf-8")
    service, _, job = yaml.safe_load_all(page.partition("```yaml\n")[2].partition("```")[0])
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (script,) = container["args"]
    variables = {one["name"]: one["value"] for one in container["env"]} | {"JOB_COMPLETION_INDEX": "3"}
    shown = script.replace("exec rnn-apps", "echo $TF_CONFIG #")
    answer = subprocess.run(["bash", "-c", shown], env=os.environ | variables, capture_output=True, text=True)
    cluster = Cluster.parse(answer.stdout)
    name = f"{job['metadata']['name']}-3.{service['metadata']['name']}:2222"
    assert len(cluster.addresses) == job["spec"]["completions"] == job["spec"]["parallelism"]
    assert (cluster.number, cluster.addresses[3]) == (3, name)
    assert job["spec"]["template"]["spec"]["subdomain"] == service["metadata"]["name"]
