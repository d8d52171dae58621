"""A stack of recurrent layers, trained jointly."""

import inspect
import logging

import keras
from keras import ops

from rnn_apps.layers import onnx_operators
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
    """Stacks recurrent layers; each layer reads the outputs of the layer below it at every step.

    Args:
        units: int, or a list of ints with one entry per layer, bottom layer first.
        cell: ``"vanilla"``, ``"gru"``, ``"lstm"``, the name of a registered cell (`register_cell`), or a cell
            class whose first argument is `units`. A class that is not a `RecurrentCell` runs in
            `keras.layers.RNN`, which is slow: a warning is logged at build, and `slow_layers` lists them.
        bidirectional: whether each layer also reads the sequence backwards; the outputs of both directions
            are concatenated.
        dropout: dropout rate of the inputs of every layer, with one mask for all steps.
        recurrent_dropout: dropout rate of the recurrent states, with one mask for all steps.
        residual: whether to add each layer's input to its output if their widths are equal; all layers must
            have the same number of units. Nothing is added at padded steps.
        return_sequences: whether to return the outputs of all steps, or only the last (in both directions,
            the last one read).
        return_state: whether to return the state in addition to the output: a tuple with one entry per
            layer, also for a single layer. Each entry is the tuple of the layer's states, those of the
            forward direction first.
        compile, recompute_every: as in `RecurrentLayer`.
        seed: random seed of initializers and dropout; None for a random one.

    Call arguments:
        sequences: ``(batch, steps, features)``.
        initial_state: states in the structure that `return_state` returns; zeros by default.
        mask: ``(batch, steps)`` bool.
        training: bool.

    Returns:
        ``(batch, width)``, or ``(batch, steps, width)`` with `return_sequences`, where width is the number of
        units of the last layer, or twice that if bidirectional.

    Raises:
        ValueError: if an argument is out of range, a residual connection joins different widths, or the
            input does not have three dimensions.

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
                f"StackedRNN: residual: received units={self.units}, expected layers of equal width."
            )
        self.supports_masking = True
        self.layers = [self._make_layer(index) for index in range(len(self.units))]
        self.supports_jit = all(direction.supports_jit for layer in self.layers for direction in layer)

    def _make_layer(self, index):
        backwards = (False, True) if self.bidirectional else (False,)
        directions = [self._make_direction(index, each) for each in backwards]
        for direction in directions:
            direction.trainable = self.trainable
        return directions

    def _make_direction(self, index, backwards):
        seed = None if self.seed is None else self.seed + 2 * index + backwards
        shared = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
        shared |= {
            "dtype": self.dtype_policy,
            "name": f"layer_{index}_{'backward' if backwards else 'forward'}",
        }
        cell_class = get_cell(self.cell) if isinstance(self.cell, str) else self.cell
        if not issubclass(cell_class, RecurrentCell):
            return keras.layers.RNN(self._make_keras_cell(cell_class, self.units[index], seed), **shared)
        initializers = {} if seed is None else _initializers(seed)
        cell = cell_class(
            self.units[index],
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            seed=seed,
            dtype=self.dtype_policy,
            **initializers,
        )
        return RecurrentLayer(cell, compile=self.compile, recompute_every=self.recompute_every, **shared)

    def _make_keras_cell(self, cell_class, units, seed):
        """Create a Keras cell with the options that its constructor accepts."""
        parameters = inspect.signature(cell_class).parameters
        options = {"dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout, "seed": seed}
        for name in ("dropout", "recurrent_dropout"):
            if options[name] and name not in parameters:
                raise ValueError(
                    f"StackedRNN: {name}: received {options[name]}, expected 0: "
                    f"{cell_class.__name__} has no such argument."
                )
        options = {name: value for name, value in options.items() if name in parameters}
        if any(p.kind is p.VAR_KEYWORD or p.name == "dtype" for p in parameters.values()):
            options["dtype"] = self.dtype_policy
        return cell_class(units, **options)

    def to_keras(self):
        """Return the same layers, with their weights, as a `keras.Sequential`; see `rnn_apps.to_keras`."""
        return with_weights(keras_stack(self), self)

    def slow_layers(self):
        """Return the names of the layers whose cells are not a `RecurrentCell`."""
        return [x.name for layer in self.layers for x in layer if not isinstance(x, RecurrentLayer)]

    def __call__(self, sequences, *args, **kwargs):
        """Check the rank of the input, then call the layer."""
        check_rank(self, sequences)
        return super().__call__(sequences, *args, **kwargs)

    def build(self, input_shape):
        """Make all weights for inputs of shape ``(batch, steps, features)``."""
        check_shape(self, input_shape)
        width = input_shape[-1]
        for units, layer in zip(self.units, self.layers):
            for direction in layer:
                direction.build((input_shape[0], input_shape[1], width))
            width = units * len(layer)
        if slow := self.slow_layers():
            name = self.cell.__name__
            _log.warning("%s: %s: %s is not a RecurrentCell: slow path", self.name, ", ".join(slow), name)
        super().build(input_shape)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Run all layers, bottom layer first."""
        outputs, last, states = self._run(sequences, initial_state, mask, training)
        output = outputs if self.return_sequences else last
        return (output, states) if self.return_state else output

    def forward_from_state(self, sequences, states=None, mask=None, training=False):
        """Continue from given states, regardless of `return_sequences` and `return_state`.

        Args:
            sequences, mask, training: as in a call.
            states: in the structure that `return_state` returns; None for zeros.

        Returns:
            The outputs of all steps ``(batch, steps, width)``, and the states after the last step.
        """
        outputs, _, states = self._run(sequences, states, mask, training)
        return outputs, states

    def zero_states(self, batch):
        """Return states of zeros for a batch, in the structure that `return_state` returns."""
        return tuple(
            tuple(ops.zeros((batch, size), self.compute_dtype) for size in _sizes(layer))
            for layer in self.layers
        )

    def _run(self, sequences, initial_state, mask, training):
        """Return the outputs of all steps, the last output, and the final states."""
        final_state = []
        for index, layer in enumerate(self.layers):
            initial = initial_state[index] if initial_state is not None else None
            outputs, last, state = self._run_layer(layer, sequences, initial, mask, training)
            if self.residual and sequences.shape[-1] == outputs.shape[-1]:
                added = sequences if mask is None else ops.where(mask[:, :, None], sequences, 0)
                last = last + _last_read(added, mask, layer)
                outputs = outputs + added
            sequences = outputs
            final_state.append(state)
        return sequences, last, tuple(final_state)

    def _run_layer(self, layer, sequences, initial_state, mask, training):
        outputs, last, state = [], [], ()
        for index, direction in enumerate(layer):
            count = len(direction.state_size)
            initial = None if initial_state is None else list(initial_state[index * count :][:count])
            if onnx_operators.is_active() and not isinstance(direction, RecurrentLayer):
                onnx_operators.takes(direction)
            result, *states = direction(sequences, initial_state=initial, mask=mask, training=training)
            last.append(result[:, -1])
            outputs.append(ops.flip(result, axis=1) if direction.go_backwards else result)
            state += tuple(states)
        return ops.concatenate(outputs, -1), ops.concatenate(last, -1), state

    def compute_mask(self, inputs, previous_mask=None):
        """Pass the mask on to the outputs of all steps."""
        mask = previous_mask if self.return_sequences else None
        states = tuple(tuple(None for x in layer for _ in x.state_size) for layer in self.layers)
        return (mask, states) if self.return_state else mask

    def get_config(self):
        """Return all constructor arguments."""
        by_class = not isinstance(self.cell, str)
        cell = {"registered_name": keras.saving.get_registered_name(self.cell)} if by_class else self.cell
        own = serialized_arguments(self, constructor_arguments(StackedRNN))
        return {**super().get_config(), **own, "cell": cell}

    @classmethod
    def from_config(cls, config):
        """Create a layer from its config."""
        return cls(**{**config, "cell": cell_from_config(config["cell"])})


def cell_from_config(cell):
    """Return the name or the cell class from the config of a `StackedRNN`.

    Raises:
        ValueError: if the class is not registered.
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


def _sizes(layer):
    """Sizes of the states of a layer, direction by direction."""
    sizes = (direction.state_size for direction in layer)
    return [size for listed in sizes for size in (listed if isinstance(listed, (list, tuple)) else [listed])]


def _check_units(units):
    listed = tuple(units) if isinstance(units, (list, tuple)) else (units,)
    if not listed:
        raise ValueError("StackedRNN: units: received an empty list, expected one entry per layer.")
    return tuple(check_count("StackedRNN", "units", u) for u in listed)


def _initializers(seed):
    return {
        "kernel_initializer": keras.initializers.GlorotUniform(seed=seed),
        "recurrent_initializer": keras.initializers.Orthogonal(seed=seed),
    }


def _check_cell(cell):
    if not isinstance(cell, (str, type)):
        raise ValueError(f"StackedRNN: cell: received {cell!r}, expected a name or a cell class.")
    return cell


def _check_seed(seed):
    if seed is not None and not isinstance(seed, int):
        raise ValueError(f"StackedRNN: seed: received {seed!r}, expected a whole number or None.")
    return seed


def _last_read(sequences, mask, layer):
    """Each direction's share of the features at the valid step it read last: (batch, features)."""
    shares = ops.split(sequences, len(layer), axis=-1)
    ends = [_end(share, mask, direction.go_backwards) for share, direction in zip(shares, layer)]
    return ops.concatenate(ends, axis=-1)


def _end(sequences, mask, backwards):
    if mask is None:
        return sequences[:, 0] if backwards else sequences[:, -1]
    steps = ops.shape(sequences)[1]
    order = ops.arange(steps, 0, -1) if backwards else ops.arange(1, steps + 1)
    read_last = ops.argmax(ops.where(mask, order, 0), axis=1)  # a fully padded row is all zeros
    chosen = ops.cast(ops.one_hot(read_last, steps), sequences.dtype)
    return ops.einsum("bs,bsf->bf", chosen, sequences)
