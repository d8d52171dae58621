"""Every notebook runs from top to bottom, on public names alone."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_there_are_eight_notebooks():
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{number:02d}" for number in range(1, 9)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_from_top_to_bottom(path, monkeypatch):
    monkeypatch.setenv("RNN_APPS_QUICK", "1")  # small settings: what is read are the committed outputs
    NotebookClient(nbformat.read(path, as_version=4), timeout=120).execute()  # raises where a cell fails


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_shows_what_came_out_of_all_its_cells_in_their_order(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = [output.output_type for cell in cells for output in cell.outputs]
    assert "error" not in kinds
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_says_what_is_understood_and_folds_its_answers(path):
    text = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown")
    assert "At the end you will" in text.split("##")[0]
    sources = re.findall(r"`(rnn_apps/[\w/]+\.py)`", text)
    assert sources
    assert all((ROOT / source).is_file() for source in sources)
    exercises = text.split("## Exercises")[1]
    questions, answers = exercises.split("<details>")
    assert len(re.findall(r"^\d\.", questions, re.M)) == len(re.findall(r"^\d\.", answers, re.M)) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_uses_public_names_only(path):
    tree = ast.parse(code_of(nbformat.read(path, as_version=4)))
    names = [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
    modules = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert not [name for name in names if name.startswith("_")]
    assert not [m for m in modules if m.startswith("rnn_apps") and m not in ("rnn_apps", "rnn_apps.layers")]
