"""The shapes of recurrence as they are drawn."""

import pytest

from rnn_apps.tasks import settings_class, task_names
from rnn_apps.tasks.shapes import SHAPES, draw_shape


def test_every_task_has_a_shape_that_is_drawn_but_what_is_imported():
    undrawn = [name for name in task_names() if settings_class(name).shape not in SHAPES]
    assert undrawn == ["imported"]
    assert draw_shape("any") == ""


@pytest.mark.parametrize("shape", SHAPES)
def test_a_drawing_has_outputs_over_states_over_inputs(shape):
    outputs, states, inputs = draw_shape(shape).split("\n")
    assert states == "h→h→h→h"
    assert [letter == "y" for letter in outputs[::2]] == list(SHAPES[shape].outputs)
    assert [letter == "x" for letter in inputs[::2]] == list(SHAPES[shape].inputs)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_drawing_is_made_of_ascii_where_that_is_all_there_is(shape):
    assert draw_shape(shape, ascii_only=True) == draw_shape(shape).replace("→", ">")
    assert draw_shape(shape, ascii_only=True).isascii()


def test_the_names_say_what_is_drawn():
    counts = {name: (sum(steps.inputs), sum(steps.outputs)) for name, steps in SHAPES.items()}
    assert counts["many-to-one"] == (4, 1)
    assert counts["one-to-many"] == (1, 4)
    assert counts["one output at every step"] == (4, 4)
    assert not any(i and o for i, o in zip(*SHAPES["many-to-many"])), "all is read before anything is written"
