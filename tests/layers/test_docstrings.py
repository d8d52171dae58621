import doctest
import importlib
import inspect
import pkgutil
import textwrap

import keras
import pytest

import rnn_apps.layers
from rnn_apps import layers

MODULES = [m.name for m in pkgutil.iter_modules(rnn_apps.layers.__path__)]


def run_examples(module):
    names = {"keras": keras, **{name: getattr(layers, name) for name in layers.__all__}}
    return doctest.testmod(module, extraglobs=names)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_docstrings_hold(name):
    assert run_examples(importlib.import_module(f"rnn_apps.layers.{name}")).failed == 0


def test_the_layers_show_examples_and_a_wrong_one_is_caught():
    for name in ("RecurrentLayer", "StackedRNN", "VanillaRNN", "LSTM", "GRU"):
        assert ">>> " in getattr(layers, name).__doc__
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
    wrong = parser.get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert runner.run(wrong, out=lambda text: None).failed == 1


def test_the_cell_in_the_docstring_of_the_base_works():
    text = inspect.getdoc(layers.RecurrentCell)  # without the indentation, as Python 3.13 keeps it anyway
    start = text.rindex("\n", 0, text.index("@register_cell"))
    code = textwrap.dedent(text[start : text.index("`step` may")])
    names = {name: getattr(layers, name) for name in layers.__all__} | {"ops": keras.ops, "__name__": "shown"}
    exec(code, names)
    assert layers.RecurrentLayer(names["LeakyCell"](4))(keras.ops.ones((2, 3, 5))).shape == (2, 4)
