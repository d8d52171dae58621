"""What tests of several floors share: one tiny finished run, made once."""

import gc
import json
import os
import re
import resource
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from contextlib import contextmanager
from pathlib import Path

import pytest

SMALL_NETWORK = {"embedding": 4, "units": [4], "bidirectional": False}
SMALL_TRAINING = {"epochs": 2, "batch_size": 16, "compile": False}
SMALL_SAMPLE = {"source": "sample", "vocabulary_size": 100, "sample": {"size": 200}}


class Heard:
    """A console that keeps what is said."""

    def __init__(self):
        self.lines, self.steps, self.closed = [], [], False

    def log(self, text):
        self.lines.append(text)

    def step(self, step, total, logs):
        self.steps.append((step, total, dict(logs)))

    def close(self):
        self.closed = True


LARGE_WORKER = 2_000  # MB after which a worker gets no more tests; a new one costs 9 s of work


def pytest_xdist_make_scheduler(config, log):
    """Sends the tests of a file to one worker, or those of one task, cell or notebook.

    A worker that has grown large finishes the tests that it has, and a new one takes its place when it has
    ended: TensorFlow keeps what XLA has compiled for the life of the process.
    """
    from xdist.scheduler import LoadFileScheduling

    class BySubject(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file, _, test = nodeid.partition("::")
            folder, _, name = file.rpartition("/")
            parameters = re.search(r"\[(\w+)", test)
            if parameters and name.startswith("test_task_"):
                return f"{folder}/{parameters[1]}"
            if parameters and name in ("test_every_cell.py", "test_every_inspector.py", "test_notebooks.py"):
                return f"{file}/{parameters[1]}"
            return file

        def _reschedule(self, node):
            if node not in self.registered_collections or node.shutting_down:
                return  # still collecting, or finishing
            if getattr(node, "memory", 0) > LARGE_WORKER and self.workqueue:
                node.is_replaced = True
                node.shutdown()  # after the tests that it has
                return
            super()._reschedule(node)
            while self.workqueue and self._pending_of(self.assigned_work[node]) < 2:
                super()._reschedule(node)  # a worker starts a test when it knows the next one

        def remove_node(self, node):
            crashed = super().remove_node(node)
            if getattr(node, "is_replaced", False) and not crashed and self.workqueue:
                config.pluginmanager.getplugin("dsession")._clone_node(node)
                node.gateway.exit()  # else its process lives until the end of all tests
            return crashed

    return BySubject(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish(session):
    """What was imported stays: the collector need not look through it again at each of its rounds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.fixture(scope="session", autouse=True)
def graphs_run_as_written():
    """Small graphs run once or twice: TensorFlow takes longer to rewrite them than to run them.

    Programs that tests start rewrite theirs, as a user's do.
    """
    import tensorflow as tf  # not before the workers of pytest stand

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory):
    """What is computed once for every input goes where the tests are, not into the user's cache."""
    os.environ["RNN_APPS_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session", autouse=True)
def drawn():
    """Context manager within which reports draw their figures; elsewhere an empty image stands for each.

    Drawing takes longer than the training of most tests.
    """
    from rnn_apps.reporting import drawing  # imports TensorFlow, which only workers need

    render, empty = drawing.png_and_svg, (b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>")

    @contextmanager
    def draw():
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(drawing, "png_and_svg", render)
            yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "png_and_svg", lambda figure: empty)
        yield draw


@pytest.fixture(scope="session")
def new_console():
    return Heard


@pytest.fixture
def heard(new_console):
    return new_console()


@pytest.fixture(scope="session")
def check_views():
    """Checks that the views of a run are of its own layers and steps, and in its report."""

    def check(run, layers, steps=None):
        found = json.loads((run.folder / "views.json").read_text())
        assert [state["layer"] for state in found["states"]] == layers
        for state in found["states"]:
            for given in state["inputs"]:
                assert len(given["steps"]) == len(given["values"]) > 0
                assert max(abs(v) for row in given["values"] for v in row) > 0
                assert steps is None or set(given["steps"]) <= steps
        norms = found["gradients"]["trained"]
        assert norms
        assert all(one[0] > 0 for one in norms.values())
        assert list(found["gradients"]["fresh"]) == ["vanilla", "gru", "lstm"]
        epochs = {epoch for of_layer in found["eigenvalues"].values() for epoch in of_layer}
        rows = len((run.folder / "history.csv").read_text().splitlines()) - 1
        assert epochs == {str(epoch) for epoch in range(rows + 1)}
        assert found["network"]["parts"]
        page = (run.folder / "report.html").read_text()
        assert "layer_0" not in page  # layers are numbered from 1, and described
        assert page.count("Hidden state of") >= len(layers)
        assert "folded and unrolled" in page
        assert "In the heat maps" in page

    return check


@pytest.fixture(scope="session")
def small_recipe():
    from rnn_apps.recipe import load_recipe

    settings = {"model": SMALL_NETWORK, "training": SMALL_TRAINING, "data": SMALL_SAMPLE, "views": False}
    return load_recipe("imdb", settings)


@pytest.fixture(scope="session")
def finished(small_recipe, tmp_path_factory, drawn):
    """A whole run of the generated sample, of seconds; read it, never write into it."""
    import rnn_apps

    heard = Heard()
    with drawn():
        folder = tmp_path_factory.mktemp("runs") / "finished"
        run = rnn_apps.run(small_recipe, out=folder, console=heard, views=True)
    run.heard = heard
    return run


@pytest.fixture(scope="session")
def demo_page():
    """From a run to the demo page over its export."""

    def made(run):
        from rnn_apps.serving.demo.client import Client
        from rnn_apps.serving.demo.metadata import Metadata
        from rnn_apps.serving.demo.routing import page_for
        from rnn_apps.serving.model import Model, Worker
        from rnn_apps.serving.protocol import Limits

        model = Model(run.folder / "export")
        return page_for(Client(Worker(model), Limits(), lambda: True), Metadata(model.path))

    return made


class Costs:
    """Prints what a test run cost: seconds, the share of tests not marked slow, and each worker's memory."""

    def __init__(self):
        self.start, self.seconds, self.peaks = time.monotonic(), {True: 0.0, False: 0.0}, {}

    def pytest_runtest_logreport(self, report):
        self.seconds["slow" in report.keywords] += report.duration
        if hasattr(report, "node"):  # of a worker
            report.node.memory = dict(report.user_properties)["memory"]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        if "peak_memory" in getattr(node, "workeroutput", {}):
            self.peaks[node.gateway.id] = node.workeroutput["peak_memory"]

    def pytest_terminal_summary(self, terminalreporter):
        peaks = sorted(self.peaks.values()) or [peak_memory()]
        memory = ", ".join(f"{peak:,.0f} MB" for peak in peaks)
        slow, quick = self.seconds[True], self.seconds[False]
        share = 100 * quick / max(slow + quick, 1e-9)
        terminalreporter.write_line(
            f"{time.monotonic() - self.start:.0f} s in all; tests not marked slow took {quick:.0f} s of "
            f"{slow + quick:.0f} s of work ({share:.0f} %); peak memory of each worker: {memory}"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if sys.platform == "linux" else 0
    report.user_properties.append(("memory", pages * resource.getpagesize() / 2**20))
    return report


def peak_memory():
    """The largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Costs())


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peak_memory"] = peak_memory()
