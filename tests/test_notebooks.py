"""Every notebook runs from top to bottom, on public names alone."""

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def code_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_from_top_to_bottom(path):
    notebook = nbformat.read(path, as_version=4)
    assert any(cell.get("outputs") for cell in notebook.cells), "outputs are committed"
    NotebookClient(notebook, timeout=120).execute()  # raises where a cell, or an assert in it, fails


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_uses_public_names_only(path):
    tree = ast.parse(code_of(nbformat.read(path, as_version=4)))
    names = [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
    modules = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert not [name for name in names if name.startswith("_")]
    assert not [m for m in modules if m.startswith("rnn_apps") and m not in ("rnn_apps", "rnn_apps.layers")]
