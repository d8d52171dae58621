"""Every notebook runs from top to bottom, on public names alone."""

import ast
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from rnn_apps.layers import recurrent_cell

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells_of(path, kind):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def texts_of(path, kind):
    return ["".join(cell["source"]) for cell in cells_of(path, kind)]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param


def test_there_are_eight_notebooks():
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{number:02d}" for number in range(1, 9)]


def test_a_notebook_runs_from_top_to_bottom(notebook, monkeypatch):
    """In this process: a kernel for each would take longer to import TensorFlow than most cells take."""
    monkeypatch.setenv("RNN_APPS_QUICK", "1")  # small settings: what is read are the committed outputs
    monkeypatch.setattr(recurrent_cell, "_CELLS", dict(recurrent_cell._CELLS))  # what it registers is its own
    plt.switch_backend("agg")  # what is shown opens no window and waits for nobody
    names = {"__name__": "__main__"}
    try:
        for number, source in enumerate(texts_of(notebook, "code"), start=1):
            exec(compile(source, f"{notebook.name}, cell {number}", "exec"), names)
    finally:
        plt.close("all")


def test_a_notebook_shows_what_came_out_of_all_its_cells_in_their_order(notebook):
    cells = cells_of(notebook, "code")
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert "error" not in [output["output_type"] for output in outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    printed = "".join(text for output in outputs for text in output.get("text", []))
    assert not re.findall(r"/tmp/|INFO:|WARNING:|\x1b", printed)  # paths of a machine, log lines, colours


def test_a_notebook_says_what_is_understood_and_folds_its_answers(notebook):
    text = "\n".join(texts_of(notebook, "markdown"))
    assert "At the end you will" in text.split("##")[0]
    sources = re.findall(r"`(rnn_apps/[\w/]+\.py)`", text)
    assert sources
    assert all((ROOT / source).is_file() for source in sources)
    exercises = text.split("## Exercises")[1]
    questions, answers = exercises.split("<details>")
    assert len(re.findall(r"^\d\.", questions, re.M)) == len(re.findall(r"^\d\.", answers, re.M)) >= 3


def test_a_notebook_uses_public_names_only(notebook):
    tree = ast.parse("\n".join(texts_of(notebook, "code")))
    names = [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
    modules = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert not [name for name in names if name.startswith("_")]
    assert not [m for m in modules if m.startswith("rnn_apps") and m not in ("rnn_apps", "rnn_apps.layers")]
