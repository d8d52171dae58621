"""Levels of recurrence, one above the other, trained jointly."""

import inspect
import logging

import keras
from keras import ops

from rnn_apps.layers.arguments import (
    check_choice,
    check_count,
    check_rate,
    constructor_arguments,
    serialized_arguments,
)
from rnn_apps.layers.input_rank import check_rank, check_shape
from rnn_apps.layers.keras_counterpart import keras_stack, with_weights
from rnn_apps.layers.recurrent_cell import RecurrentCell, get_cell
from rnn_apps.layers.recurrent_layer import RecurrentLayer

_log = logging.getLogger("rnn_apps.layers")


@keras.saving.register_keras_serializable(package="rnn_apps")
class StackedRNN(keras.layers.Layer):
    """One recurrent layer a level; each level reads the outputs of the level below at every step.

    Args:
        units: whole number, or one a level, lowest first.
        cell: ``"vanilla"``, ``"gru"``, ``"lstm"``, a name given with `register_cell`, or a cell class whose
            first argument is `units`. A class that is no `RecurrentCell` runs in `keras.layers.RNN`, slowly;
            the log says so at build, and `slow_levels` lists them.
        bidirectional: a second layer a level reads from the end; the outputs of both are concatenated.
        dropout: rate on the inputs of every level, one mask for all steps.
        recurrent_dropout: rate on the states where they enter the recurrent product, one mask for all steps.
        residual: add a level's input to its output where they are equally wide, which all levels above the
            first must be. Nothing is added at padded steps.
        return_sequences: the outputs of all steps. Otherwise the last, in both directions the last read.
        return_state: the state after the output, a tuple with one entry a level, at depth one too. An entry
            is the tuple of the level's states: the forward layer's, then the backward layer's.
        compile, recompute_every: as in `RecurrentLayer`.
        seed: of starts and dropout; None draws one.

    Call arguments:
        sequences: ``(batch, steps, features)``.
        initial_state: in the form that `return_state` gives; zeros by default.
        mask: ``(batch, steps)`` bool.
        training: bool.

    Returns:
        ``(batch, width)``, or ``(batch, steps, width)`` with `return_sequences`, where width is the last
        level's units, twice that if bidirectional.

    Raises:
        ValueError: an argument is out of range, a residual connection joins different widths, or the input
            has other than three dimensions.

    Examples:
        >>> StackedRNN((8, 8), cell="gru", bidirectional=True)(keras.ops.ones((2, 5, 3))).shape
        TensorShape([2, 16])

    Reference:
        Schuster and Paliwal, "Bidirectional Recurrent Neural Networks" (1997); Hermans and Schrauwen,
        "Training and Analysing Deep Recurrent Neural Networks" (2013).
    """

    def __init__(
        self,
        units,
        cell="vanilla",
        bidirectional=False,
        dropout=0.0,
        recurrent_dropout=0.0,
        residual=False,
        return_sequences=False,
        return_state=False,
        compile="auto",
        recompute_every=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = _check_units(units)
        self.cell = _check_cell(cell)
        self.bidirectional = check_choice("StackedRNN", "bidirectional", bidirectional, (True, False))
        self.dropout = check_rate("StackedRNN", "dropout", dropout)
        self.recurrent_dropout = check_rate("StackedRNN", "recurrent_dropout", recurrent_dropout)
        self.residual = check_choice("StackedRNN", "residual", residual, (True, False))
        self.return_sequences = check_choice(
            "StackedRNN", "return_sequences", return_sequences, (True, False)
        )
        self.return_state = check_choice("StackedRNN", "return_state", return_state, (True, False))
        self.compile = check_choice("StackedRNN", "compile", compile, ("auto", True, False))
        self.recompute_every = recompute_every
        if recompute_every is not None:
            check_count("StackedRNN", "recompute_every", recompute_every)
        self.seed = _check_seed(seed)
        if residual and len(set(self.units)) > 1:
            raise ValueError(
                f"StackedRNN: residual: received units={self.units}, expected levels of equal width."
            )
        self.supports_masking = True
        self.levels = [self._make_level(level) for level in range(len(self.units))]
        self.supports_jit = all(layer.supports_jit for layers in self.levels for layer in layers)

    def _make_level(self, level):
        directions = (False, True) if self.bidirectional else (False,)
        layers = [self._make_layer(level, backwards) for backwards in directions]
        for layer in layers:
            layer.trainable = self.trainable
        return layers

    def _make_layer(self, level, backwards):
        seed = None if self.seed is None else self.seed + 2 * level + backwards
        shared = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
        shared |= {
            "dtype": self.dtype_policy,
            "name": f"level_{level}_{'backward' if backwards else 'forward'}",
        }
        cell_class = get_cell(self.cell) if isinstance(self.cell, str) else self.cell
        if not issubclass(cell_class, RecurrentCell):
            return keras.layers.RNN(self._make_keras_cell(cell_class, self.units[level], seed), **shared)
        starts = {name: _start(name, seed) for name in ("kernel", "recurrent")} if seed is not None else {}
        cell = cell_class(
            self.units[level],
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            seed=seed,
            dtype=self.dtype_policy,
            **{f"{name}_initializer": start for name, start in starts.items()},
        )
        return RecurrentLayer(cell, compile=self.compile, recompute_every=self.recompute_every, **shared)

    def _make_keras_cell(self, cell_class, units, seed):
        """Make a cell of Keras' contract with the options that its constructor takes."""
        parameters = inspect.signature(cell_class).parameters
        options = {"dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout, "seed": seed}
        for name in ("dropout", "recurrent_dropout"):
            if options[name] and name not in parameters:
                raise ValueError(
                    f"StackedRNN: {name}: received {options[name]}, expected 0: "
                    f"{cell_class.__name__} takes none."
                )
        options = {name: value for name, value in options.items() if name in parameters}
        if any(p.kind is p.VAR_KEYWORD or p.name == "dtype" for p in parameters.values()):
            options["dtype"] = self.dtype_policy
        return cell_class(units, **options)

    def to_keras(self):
        """Return the same levels, with their weights, as a `keras.Sequential`; see `rnn_apps.to_keras`."""
        return with_weights(keras_stack(self), self)

    def slow_levels(self):
        """Return the names of the layers whose cells are not in the engine's form."""
        return [x.name for level in self.levels for x in level if not isinstance(x, RecurrentLayer)]

    def __call__(self, sequences, *args, **kwargs):
        """Check the rank of the input, then call the layer."""
        check_rank(self, sequences)
        return super().__call__(sequences, *args, **kwargs)

    def build(self, input_shape):
        """Make all weights for inputs of shape ``(batch, steps, features)``."""
        check_shape(self, input_shape)
        width = input_shape[-1]
        for units, level in zip(self.units, self.levels):
            for layer in level:
                layer.build((input_shape[0], input_shape[1], width))
            width = units * len(level)
        if slow := self.slow_levels():
            name = self.cell.__name__
            _log.warning("%s: %s: %s is not a RecurrentCell: slow path", self.name, ", ".join(slow), name)
        super().build(input_shape)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Run all levels, the lowest first."""
        outputs, last, states = self._run(sequences, initial_state, mask, training)
        output = outputs if self.return_sequences else last
        return (output, states) if self.return_state else output

    def read_on(self, sequences, states=None, mask=None, training=False):
        """Read further steps after what the states have read, whatever the layer returns when called.

        Args:
            sequences, mask, training: as in a call.
            states: in the form that `return_state` gives; None for zeros.

        Returns:
            The outputs of all steps ``(batch, steps, width)``, and the states after the last.
        """
        outputs, _, states = self._run(sequences, states, mask, training)
        return outputs, states

    def zero_states(self, batch):
        """Return states of zeros for so many rows, in the form that `return_state` gives."""
        return tuple(
            tuple(ops.zeros((batch, size), self.compute_dtype) for size in _sizes(level))
            for level in self.levels
        )

    def _run(self, sequences, initial_state, mask, training):
        """Outputs of all steps, the last output, and the final states."""
        final_state = []
        for index, level in enumerate(self.levels):
            start = initial_state[index] if initial_state is not None else None
            outputs, last, state = self._run_level(level, sequences, start, mask, training)
            if self.residual and sequences.shape[-1] == outputs.shape[-1]:
                added = sequences if mask is None else ops.where(mask[:, :, None], sequences, 0)
                last = last + _last_read(added, mask, level)
                outputs = outputs + added
            sequences = outputs
            final_state.append(state)
        return sequences, last, tuple(final_state)

    def _run_level(self, level, sequences, start, mask, training):
        outputs, last, state = [], [], ()
        for index, layer in enumerate(level):
            count = len(layer.state_size)
            initial = list(start[index * count : (index + 1) * count]) if start is not None else None
            result, *states = layer(sequences, initial_state=initial, mask=mask, training=training)
            last.append(result[:, -1])
            outputs.append(ops.flip(result, axis=1) if layer.go_backwards else result)
            state += tuple(states)
        return ops.concatenate(outputs, -1), ops.concatenate(last, -1), state

    def compute_mask(self, inputs, previous_mask=None):
        """The mask goes on to the outputs of all steps."""
        mask = previous_mask if self.return_sequences else None
        states = tuple(tuple(None for x in lv for _ in x.state_size) for lv in self.levels)
        return (mask, states) if self.return_state else mask

    def get_config(self):
        """Return all constructor arguments."""
        by_class = not isinstance(self.cell, str)
        cell = {"registered_name": keras.saving.get_registered_name(self.cell)} if by_class else self.cell
        own = serialized_arguments(self, constructor_arguments(StackedRNN))
        return {**super().get_config(), **own, "cell": cell}

    @classmethod
    def from_config(cls, config):
        """Make the layer that `get_config` described."""
        return cls(**{**config, "cell": cell_from_config(config["cell"])})


def cell_from_config(cell):
    """Return the name or the cell class that the configuration of a `StackedRNN` describes.

    Raises:
        ValueError: the class is not registered.
    """
    if not isinstance(cell, dict):
        return cell
    name = cell["registered_name"]
    found = keras.saving.get_registered_object(name) or getattr(keras.layers, name, None)
    if found is None:
        raise ValueError(
            f"StackedRNN: cell: received {name!r}, expected a class that register_cell or "
            "keras.saving.register_keras_serializable has registered before the model is loaded."
        )
    return found


def _sizes(level):
    """Sizes of the states of a level, direction by direction."""
    sizes = (layer.state_size for layer in level)
    return [size for listed in sizes for size in (listed if isinstance(listed, (list, tuple)) else [listed])]


def _check_units(units):
    listed = tuple(units) if isinstance(units, (list, tuple)) else (units,)
    if not listed:
        raise ValueError("StackedRNN: units: received none, expected one a level.")
    return tuple(check_count("StackedRNN", "units", u) for u in listed)


def _start(name, seed):
    start = keras.initializers.GlorotUniform if name == "kernel" else keras.initializers.Orthogonal
    return start(seed=seed)


def _check_cell(cell):
    if not isinstance(cell, (str, type)):
        raise ValueError(f"StackedRNN: cell: received {cell!r}, expected a name or a cell class.")
    return cell


def _check_seed(seed):
    if seed is not None and not isinstance(seed, int):
        raise ValueError(f"StackedRNN: seed: received {seed!r}, expected a whole number or None.")
    return seed


def _last_read(sequences, mask, level):
    """For each direction its share of the features, of the real step that it read last: (batch, features)."""
    shares = ops.split(sequences, len(level), axis=-1)
    ends = [_end(share, mask, layer.go_backwards) for share, layer in zip(shares, level)]
    return ops.concatenate(ends, axis=-1)


def _end(sequences, mask, backwards):
    if mask is None:
        return sequences[:, 0] if backwards else sequences[:, -1]
    steps = ops.shape(sequences)[1]
    order = ops.arange(steps, 0, -1) if backwards else ops.arange(1, steps + 1)
    read_last = ops.argmax(ops.where(mask, order, 0), axis=1)  # a fully padded row is all zeros
    chosen = ops.cast(ops.one_hot(read_last, steps), sequences.dtype)
    return ops.einsum("bs,bsf->bf", chosen, sequences)
