"""`check-cell`: what keeps the contract passes, and each planted fault is found by its check."""

import re

import keras
import pytest
from click.testing import CliRunner
from keras import ops

from rnn_apps.checking import cells, check_cell, cost
from rnn_apps.cli import cli
from rnn_apps.cli.main import call
from rnn_apps.layers import RecurrentCell, VanillaRNNCell, register_cell


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


@pytest.mark.parametrize("cell", [LeakyCell, "ind_rnn", "layer_norm_lstm"])
def test_a_cell_that_keeps_the_contract_passes(cell):
    findings = check_cell(cell)
    assert not [finding for finding in findings if finding.passed is False]
    assert findings[0].detail.startswith("on the engine")
    assert len(findings) == 14


@pytest.mark.parametrize(
    ("cell", "check", "said"),
    [
        (SeesTheBatch, "examples do not see one another", "largest difference"),
        (NotAdditive, "examples do not see one another", "largest difference"),
        (HiddenWeight, "it learns", "no gradient reaches .*gain"),
        (LosesArgument, "every argument survives", "get_config loses decay"),
        (
            DoesNotBuild,
            "outputs are those of its steps",
            "RuntimeError: Exception encountered when calling RecurrentLayer",
        ),
    ],
)
def test_a_planted_fault_is_found(cell, check, said, monkeypatch):
    (one,) = (tried for tried in cells._CHECKS if tried.__name__ == "_" + check.replace(" ", "_"))
    monkeypatch.setattr(cells, "_CHECKS", (one,))  # the others take seconds
    (finding,) = check_cell(cell)
    assert (finding.check, finding.passed) == (check, False)
    assert re.search(said, finding.detail)


def test_a_keras_cell_says_that_it_is_on_the_slow_path():
    first, *_ = check_cell(keras.layers.SimpleRNNCell)
    assert first.passed
    assert "it is no RecurrentCell, so keras.layers.RNN runs it" in first.detail


def test_costs_are_of_the_cells_that_were_named():
    small = (2, 3, 4, 5)
    prices = cost.costs({"vanilla": VanillaRNNCell, "gru": "gru"}, small, rounds=1)
    assert [price.cell for price in prices] == ["vanilla", "gru"]
    assert prices[0].weights == 4 * 5 + 5 * 5 + 5
    assert all(price.milliseconds > 0 for price in prices)


def test_the_command_prints_every_check_and_names_a_cell_that_is_none(capsys):
    result = CliRunner().invoke(cli, ["check-cell", "min_gru", "--no-cost"])
    assert result.exit_code == 0
    assert "a stream is the whole" in result.output
    assert call(["check-cell", "min_gruu"]) == 2
    assert 'no cell "min_gruu". Did you mean "min_gru"?' in capsys.readouterr().err
