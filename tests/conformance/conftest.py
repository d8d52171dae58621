"""What the rules share: one tiny run of every registered task, with every registered format."""

import gc

import keras
import pytest
from tiny_tasks import tiny_task

from rnn_apps.tasks import TASKS

QUICK = "text_classification"  # the other tasks are left out by -m "not slow"


@pytest.fixture(
    scope="session",
    params=[QUICK if name == QUICK else pytest.param(name, marks=pytest.mark.slow) for name in TASKS],
)
def task(request):
    """The name of every registered task; all tests of one come together."""
    return request.param


@pytest.fixture(scope="session")
def tiny(task):
    return tiny_task(task)


@pytest.fixture(scope="session")
def run(tiny, task, tmp_path_factory, new_console):
    """The tiny run of a task, complete, with every format in its recipe; read it, never write into it."""
    yield tiny.make(tmp_path_factory.mktemp(task) / "run", new_console())
    keras.backend.clear_session()
    gc.collect()


@pytest.fixture(scope="session")
def inputs(tiny, run):
    """Two raw inputs of the task."""
    return tiny.inputs(run)[:2]


@pytest.fixture(scope="session")
def answers(tiny, run, inputs):
    """What `predict` says of them."""
    return run.predict(inputs, **tiny.options)
