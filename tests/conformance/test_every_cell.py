"""Rule: every registered cell keeps the contract of layers, in both directions of every level of a stack too,
and every format that holds its network answers as the network does."""

import inspect
import json

import keras
import numpy as np
import pytest
from comparing import assert_same
from contract import (
    CHECKS,
    Subject,
    lower_precision_runs_and_stays_near,
    one_step_of_stock_fit_lowers_the_loss,
    padding_changes_nothing,
)
from user_cells import LayerNormCell

import rnn_apps
from rnn_apps.checking import check_cell
from rnn_apps.errors import RnnAppsError, UserError
from rnn_apps.export.client import Client
from rnn_apps.export.formats import FORMATS
from rnn_apps.layers import (
    GRU,
    LSTM,
    RecurrentLayer,
    StackedRNN,
    VanillaRNN,
    VanillaRNNCell,
    get_cell,
    list_cells,
)
from rnn_apps.layers.arguments import constructor_arguments
from rnn_apps.layers.compilation import in_graph_form

pytestmark = pytest.mark.slow

CELLS = [name for name in list_cells() if get_cell(name).__module__.startswith("rnn_apps.")]
LAYERS = {layer.cell_class: layer for layer in (VanillaRNN, LSTM, GRU)}  # cells with a layer of their own
NON_DEFAULT = {
    "units": 5,
    "activation": "relu",
    "recurrent_activation": "hard_sigmoid",
    "use_bias": False,
    "kernel_initializer": "he_normal",
    "recurrent_initializer": "glorot_normal",
    "bias_initializer": "ones",
    "kernel_regularizer": keras.regularizers.L2(0.1),
    "recurrent_regularizer": keras.regularizers.L1(0.2),
    "bias_regularizer": keras.regularizers.L2(0.3),
    "kernel_constraint": keras.constraints.MaxNorm(1.0),
    "recurrent_constraint": keras.constraints.MaxNorm(2.0),
    "bias_constraint": keras.constraints.NonNeg(),
    "dropout": 0.25,
    "recurrent_dropout": 0.5,
    "seed": 3,
    "output_units": 2,
    "unit_forget_bias": False,
    "reset_after": False,
    "use_cudnn": False,
    "implementation": 1,
    "return_sequences": True,
    "return_state": True,
    "go_backwards": True,
    "stateful": True,
    "unroll": True,
    "zero_output_for_mask": True,
    "compile": False,
    "recompute_every": 3,
    "largest": 0.5,
    "epsilon": 0.1,
    "residual": True,
    "bidirectional": True,
}


def arguments_of(cls, **fixed):
    """Names of the constructor's arguments, and a value for each that is not its default."""
    names = [n for n in inspect.signature(cls).parameters if n != "kwargs"]
    if issubclass(cls, RecurrentLayer):
        names = list(dict.fromkeys(names + list(constructor_arguments(RecurrentLayer))))
        names = names if cls is RecurrentLayer else [n for n in names if n != "cell"]
    return names, {**{n: NON_DEFAULT[n] for n in names if n in NON_DEFAULT}, **fixed}


def layer_of(name):
    """The layer of a registered cell alone."""
    cell_class = get_cell(name)
    if layer := LAYERS.get(cell_class):
        fixed = {"output_units": 2} if layer is VanillaRNN else {}
        return Subject(name, lambda **options: layer(**{"units": 4, **fixed, **options}), arguments_of(layer))

    def make(**options):
        dtype = {"dtype": options["dtype"]} if "dtype" in options else {}
        return RecurrentLayer(**{"cell": cell_class(4, **dtype), **options})

    cell = cell_class(5, dropout=0.5, kernel_regularizer="l2")
    return Subject(name, make, arguments_of(RecurrentLayer, cell=cell))


def stack_of(name, title="two layers, both directions", **fixed):
    """A stack of a registered cell, whose layers are compiled under the contract of its own."""
    fixed = fixed or {"units": (4, 3), "bidirectional": True}

    def make(**options):
        return StackedRNN(**{"cell": name, **fixed, **options})

    arguments = arguments_of(StackedRNN, units=(5, 5), cell="gru" if name != "gru" else "lstm")
    return Subject(f"{name}, {title}", make, arguments, compiles=False)


SUBJECTS = [
    *map(layer_of, CELLS),
    *map(stack_of, CELLS),
    stack_of("gru", "residual", units=(3, 3), residual=True),
]


@pytest.fixture(autouse=True)
def _fixed_seed():
    keras.utils.set_random_seed(7)


def cases():
    """Every check of every layer; of the stacks but two those that `check_cell` does not run on a stack."""
    whole = [subject for subject in SUBJECTS if subject.compiles or "residual" in subject.name]
    whole.append(SUBJECTS[len(CELLS)])
    for subject in SUBJECTS:
        for check in CHECKS:
            if subject in whole or check not in (
                lower_precision_runs_and_stays_near,
                one_step_of_stock_fit_lowers_the_loss,
            ):
                yield pytest.param(subject, check, id=f"{subject.name}-{check.__name__}")


@pytest.mark.parametrize(("subject", "check"), cases())
def test_contract(subject, check, tmp_path):
    check(subject, tmp_path) if "folder" in inspect.signature(check).parameters else check(subject)


def check_arguments(cell_class):
    """Every argument of a cell survives its configuration, none with its default."""
    names = constructor_arguments(cell_class)
    values = {name: NON_DEFAULT[name] for name in names} | {"activation": "elu"}
    config = cell_class(**values).get_config()
    assert cell_class.from_config(config).get_config() == config
    plain = cell_class(4).get_config()
    kept = [name for name in names if config[name] == plain[name]]
    assert not kept, f"{kept} have their defaults in the configuration"


@pytest.mark.parametrize("cell_class", [*map(get_cell, CELLS), LayerNormCell])
def test_every_argument_of_a_cell_survives_the_config(cell_class):
    check_arguments(cell_class)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_passes_the_checks_that_users_run_on_theirs(name):
    failed = [finding for finding in check_cell(name, units=3) if finding.passed is False]
    assert not failed


def check_exports(name, folder):
    """A network of the cell is exported in every format that holds it, with the answers of the network."""
    inputs = keras.Input((None, 2), name="series")
    stack = StackedRNN(3, cell=name, bidirectional=True, compile=False)
    model = keras.Model(inputs, keras.layers.Dense(2, name="numbers")(stack(inputs)))
    run = rnn_apps.import_model(model, out=folder)
    series = json.dumps(np.random.default_rng(0).normal(size=(12, 2)).round(3).tolist())
    (answer,) = run.predict([series])
    for form in FORMATS:
        if form == "saved_model":  # written by the import
            continue
        if form == "micro" or (form == "keras" and get_cell(name) not in LAYERS):
            with pytest.raises(UserError, match=f"format={form}"):
                run.export(form)
            continue
        written, _ = run.export(form)
        if (written / "client.json").is_file():
            assert_same(Client(written).answer(series), answer["output"], f"{name} as {form}")


@pytest.mark.parametrize("name", CELLS)
def test_every_format_of_a_cell_answers_as_its_network(name, tmp_path):
    check_exports(name, tmp_path / "run")


# Seeded faults


class Deaf(RecurrentLayer):
    """A layer that does not look at the mask."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        return super().call(sequences, initial_state=initial_state, training=training)


def test_a_cell_that_ignores_the_mask_is_caught():
    subject = Subject("deaf", lambda **options: Deaf(VanillaRNNCell(4), **options))
    with pytest.raises(AssertionError):
        padding_changes_nothing(subject)


class LosesItsEpsilon(get_cell("layer_norm_lstm")):
    """A cell whose configuration lacks an argument."""

    def get_config(self):
        return {**super().get_config(), "epsilon": 1e-3}


def test_a_cell_that_loses_an_argument_is_caught():
    with pytest.raises(AssertionError):
        check_arguments(LosesItsEpsilon)


def test_a_cell_that_answers_otherwise_once_it_is_exported_is_caught(tmp_path, monkeypatch):
    step = VanillaRNNCell.step

    def other_step(self, *arguments):
        (h,) = step(self, *arguments)
        return (h * (0.5 if in_graph_form() else 1.0),)

    monkeypatch.setattr(VanillaRNNCell, "step", other_step)
    with pytest.raises((AssertionError, RnnAppsError), match="differ"):
        check_exports("vanilla", tmp_path / "run")
