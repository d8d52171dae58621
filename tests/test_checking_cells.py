"""Tests that valid cells pass `check-cell` and each planted fault is detected by its check."""

import inspect
import re

import keras
import pytest
from click.testing import CliRunner
from keras import ops

from rnn_apps.checking import Finding, cells, check_cell, cost
from rnn_apps.checking.failures import describe_error
from rnn_apps.cli import cli
from rnn_apps.cli.main import call
from rnn_apps.layers import RecurrentCell, VanillaRNNCell, register_cell

pytestmark = pytest.mark.slow


@register_cell("checked_leaky")
class LeakyCell(RecurrentCell):
    """The cell of the README."""

    gates = 2

    def step(self, z, r, states):
        (h,) = states
        z_leak, z_new = ops.split(z, 2, axis=-1)
        r_leak, r_new = ops.split(r, 2, axis=-1)
        leak = ops.sigmoid(z_leak + r_leak)
        return (leak * h + (1 - leak) * ops.tanh(z_new + r_new),)


@register_cell("checked_company")
class SeesTheBatch(RecurrentCell):
    def step(self, z, r, states):
        return (ops.tanh(z + r - ops.mean(z, axis=0, keepdims=True)),)


@register_cell("checked_additive")
class NotAdditive(RecurrentCell):
    additive = True

    def step(self, z, r, states):
        return (ops.tanh(z) + ops.tanh(z + r) * ops.mean(z, axis=0, keepdims=True),)


@register_cell("checked_hidden")
class HiddenWeight(RecurrentCell):
    def build(self, input_shape):
        super().build(input_shape)
        self.gain = self.add_weight(name="gain", shape=(self.units,), initializer="ones")

    def step(self, z, r, states):
        return (ops.tanh(z + r),)


@keras.saving.register_keras_serializable(package="checked")
class LosesArgument(keras.layers.Layer):
    def __init__(self, units, decay=0.5, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units
        self.decay = decay

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))

    def call(self, inputs, states):
        h = self.decay * states[0] + ops.matmul(inputs, self.kernel)
        return h, [h]

    def get_config(self):
        return {**keras.layers.Layer.get_config(self), "units": self.units}


class DoesNotBuild(RecurrentCell):
    def step(self, z, r, states):
        raise RuntimeError("not written yet")


class StepGives(RecurrentCell):
    gates = 2
    given = staticmethod(lambda z: z)

    def step(self, z, r, states):
        return self.given(z)


class Adds(RecurrentCell):
    gates = 2

    def step(self, z, r, states):
        return (z + states[0],)


class KerasWide(LosesArgument):
    def call(self, inputs, states):
        return states[0], [ops.concatenate([states[0], states[0]], -1)]


class KerasOutputAlone(LosesArgument):
    def call(self, inputs, states):
        return states[0]


def last_line(cell):
    """Return the location of the last line of a cell."""
    lines, first = inspect.getsourcelines(cell)
    return f"({__file__}:{first + len(lines) - 1})"


def test_a_valid_cell_passes_every_check():
    """The cells of the package pass in tests/conformance."""
    findings = check_cell(LeakyCell)
    assert not [finding for finding in findings if finding.passed is False]
    assert findings[0].detail.startswith("on the engine")
    assert len(findings) == 14


@pytest.mark.parametrize(
    ("cell", "check", "said"),
    [
        (SeesTheBatch, "batch independence", "largest difference"),
        (NotAdditive, "batch independence", "largest difference"),
        (HiddenWeight, "learns", "no gradient reaches .*gain"),
        (LosesArgument, "get_config is complete", "get_config loses decay"),
        (
            DoesNotBuild,
            "outputs match a Python loop",
            "^RuntimeError: not written yet",
        ),
    ],
)
def test_a_planted_fault_is_detected(cell, check, said, monkeypatch):
    monkeypatch.setattr(cells, "_CHECKS", {check: cells._CHECKS[check]})  # the others take seconds
    (finding,) = check_cell(cell)
    assert (finding.check, finding.passed) == (check, False)
    assert re.search(said, finding.detail)


SHAPE = "expected the shape (4, 8)"
TUPLE = "expected a tuple with one array per state, such as (h,)"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda z: (z,), f"step returns a state of shape (4, 16), {SHAPE}"),
        (lambda z: [None], f"step returns None, {SHAPE}"),
        (lambda z: (z, z), "step returns 2 states, expected 1"),
        (lambda z: z[:, :8], f"step returns an array of shape (4, 8), {TUPLE}"),
        (lambda z: None, f"step returns None, {TUPLE}"),
    ],
)
def test_invalid_states_of_a_step_are_reported_once(given, said, monkeypatch):
    monkeypatch.setattr(StepGives, "given", staticmethod(given))
    assert check_cell(StepGives) == [Finding("builds", False, said)]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (DoesNotBuild, f"RuntimeError: not written yet {last_line(DoesNotBuild)}"),
        (Adds, f"InvalidArgumentError: Incompatible shapes: [4,16] vs. [4,8] {last_line(Adds)}"),
        (KerasWide, f"call returns a state of shape (4, 16), {SHAPE}"),
        (
            KerasOutputAlone,
            "call returns an array of shape (4, 8), expected the output and the list of states",
        ),
    ],
)
def test_a_step_that_fails_is_reported_once(cell, said):
    assert check_cell(cell) == [Finding("builds", False, said)]


WRAPPED = """Exception encountered when calling RecurrentLayer.call().

\x1b[1min user code:

    File "/a/recurrent_layer.py", line 9, in inner_loop  *
        last = self._run(rows)
    File "/b/mine.py", line 3, in step  *

    ValueError: Dimensions must be equal, but are 8 and 16
\x1b[0m

Arguments received by RecurrentLayer.call():
  • training=True"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WRAPPED, "ValueError: Dimensions must be equal, but are 8 and 16"),
        ("plain", "RuntimeError: plain"),
        ("", "RuntimeError"),
        ("in user code:\n\n", "RuntimeError: in user code:"),
        ("{{function_node f}} odd [Op:AddV2] name: ", "RuntimeError: odd"),
    ],
)
def test_the_message_of_an_exception_is_extracted(text, said):
    assert describe_error(RuntimeError(text)) == said


def test_a_keras_cell_is_reported_as_slow():
    first, *_ = check_cell(keras.layers.SimpleRNNCell)
    assert first.passed
    assert "it is not a RecurrentCell, so keras.layers.RNN runs it" in first.detail


def test_costs_are_measured_for_the_named_cells():
    small = (2, 3, 4, 5)
    prices = cost.measure_costs({"vanilla": VanillaRNNCell, "gru": "gru"}, small, rounds=1)
    assert [price.cell for price in prices] == ["vanilla", "gru"]
    assert prices[0].weights == 4 * 5 + 5 * 5 + 5
    assert all(price.milliseconds > 0 for price in prices)


def test_the_command_prints_every_check_and_refuses_an_unknown_cell(capsys):
    result = CliRunner().invoke(cli, ["check-cell", "min_gru", "--no-cost"])
    assert result.exit_code == 0
    assert "streaming matches" in result.output
    assert call(["check-cell", "min_gruu"]) == 2
    assert 'no cell "min_gruu". Did you mean "min_gru"?' in capsys.readouterr().err
