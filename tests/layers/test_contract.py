import inspect

import keras
import pytest
from contract import CHECKS, Subject
from user_cells import LayerNormCell

from rnn_apps.layers import (
    GRU,
    LSTM,
    IndRNNCell,
    LayerNormLSTMCell,
    MinGRUCell,
    RecurrentLayer,
    StackedRNN,
    VanillaRNN,
)
from rnn_apps.layers.arguments import constructor_arguments

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
    "reset_after": True,  # nothing else is taken
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
    names = [n for n in inspect.signature(cls).parameters if n != "kwargs"]
    if issubclass(cls, RecurrentLayer):
        names = list(dict.fromkeys(names + list(constructor_arguments(RecurrentLayer))))
        names = names if cls is RecurrentLayer else [n for n in names if n != "cell"]
    return names, {**{n: NON_DEFAULT[n] for n in names if n in NON_DEFAULT}, **fixed}


def named(cls, **fixed):
    def make(**options):
        return cls(**{"units": 4, **fixed, **options})

    return Subject(cls.__name__, make, arguments_of(cls))


def over(cell_class):
    def make(**options):
        dtype = {"dtype": options["dtype"]} if "dtype" in options else {}
        return RecurrentLayer(**{"cell": cell_class(4, **dtype), **options})

    cell = cell_class(5, dropout=0.5, kernel_regularizer="l2")
    return Subject(f"RecurrentLayer({cell_class.__name__})", make, arguments_of(RecurrentLayer, cell=cell))


def stacked(title, compiles=True, **fixed):
    def make(**options):
        return StackedRNN(**{"units": 4, **fixed, **options})

    arguments = arguments_of(StackedRNN, units=(5, 5), cell="gru")
    return Subject(f"StackedRNN({title})", make, arguments, compiles)


SUBJECTS = [
    named(VanillaRNN, output_units=2),
    named(LSTM),
    named(GRU),
    over(LayerNormLSTMCell),
    over(IndRNNCell),
    over(MinGRUCell),
    stacked("one level, both directions", False, bidirectional=True),
    stacked("two levels, residual", False, units=(3, 3), residual=True, cell="gru"),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_contract(subject, check, tmp_path):
    check(subject, tmp_path) if "folder" in inspect.signature(check).parameters else check(subject)


@pytest.mark.parametrize("cell_class", [LayerNormCell, LayerNormLSTMCell, IndRNNCell, MinGRUCell])
def test_every_argument_of_a_users_cell_survives_the_config(cell_class):
    names = constructor_arguments(cell_class)
    values = {name: NON_DEFAULT[name] for name in names}
    values |= {"activation": "elu"}
    config = cell_class(**values).get_config()
    assert cell_class.from_config(config).get_config() == config
    plain = cell_class(4).get_config()
    assert not [name for name in names if config[name] == plain[name]]
