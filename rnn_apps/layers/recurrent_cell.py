"""Base class and registry of recurrent cells.

A custom cell is a subclass of `RecurrentCell` with `gates` and `step`; see its docstring.
"""

import keras
from keras import ops

from rnn_apps.layers.arguments import check_choice, check_count, check_rate, serialized_arguments
from rnn_apps.layers.arguments import constructor_arguments as _arguments
from rnn_apps.layers.recurrence import CellForm

_CELLS: dict[str, type] = {}


def register_cell(name):
    """Register a cell class under a name, for recipes, `StackedRNN` and saved models.

    Args:
        name: unique name; registering the same class again replaces it.

    Raises:
        ValueError: if another class has the name, or the class is not a `RecurrentCell`.
    """

    def register(cls):
        if not (isinstance(cls, type) and issubclass(cls, RecurrentCell)):
            raise ValueError(
                f"register_cell({name!r}): received {cls!r}, expected a subclass of RecurrentCell."
            )
        known = _CELLS.get(name)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(
                f"register_cell({name!r}): the name is already registered for {known.__qualname__}."
            )
        _CELLS[name] = keras.saving.register_keras_serializable(package="rnn_apps.cells", name=name)(cls)
        return cls

    return register


def list_cells():
    """Return the registered names, in order of registration."""
    return list(_CELLS)


def get_cell(name):
    """Return the cell class registered under `name`; ValueError lists the known names."""
    if name not in _CELLS:
        known = ", ".join(_CELLS)
        raise ValueError(
            f"cell: received {name!r}, expected one of {known}, or a name given with register_cell."
        )
    return _CELLS[name]


class RecurrentCell(keras.layers.Layer):
    """Base class of recurrent cells, which compute one step.

    A subclass defines the number of gates, and a step on ``z = x @ kernel + bias``, which is computed for all
    steps before the loop, and on ``r = h @ recurrent_kernel``::

        @register_cell("leaky")
        class LeakyCell(RecurrentCell):
            gates = 2

            def step(self, z, r, states):
                (h,) = states
                z_leak, z_new = ops.split(z, 2, axis=-1)
                r_leak, r_new = ops.split(r, 2, axis=-1)
                leak = ops.sigmoid(z_leak + r_leak)
                return (leak * h + (1 - leak) * ops.tanh(z_new + r_new),)

    `step` may reduce over features, but not over batch or time. It must not read any variables except those
    of `own_weights`, which are passed as further arguments. If `recurrent` is ``none``, r is 0.0.

    Class attributes:
        gates: width of z and r in multiples of `units`.
        recurrent: ``dense`` (a matrix), ``elementwise`` (a vector) or ``none``.
        additive: True if `step` reads z and r only as ``z + r``; the engine then passes ``(z + r, 0.0)``.

    Args:
        units: size of the state, at least 1.
        activation: activation of the new state.
        use_bias: whether z has a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: regularizers of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: constraints of the weights.
        dropout: dropout rate of the inputs, 0 <= rate < 1. Layers use one mask for all steps of a sequence; a
            cell by itself samples one per call. Unlike in `keras.layers.LSTM` and `GRU`, all gates share one
            mask, for both rates, so that each matrix product stays whole.
        recurrent_dropout: dropout rate of the state as an input of the recurrent product, and only there.
        seed: random seed of dropout.

    Call arguments:
        inputs: ``(batch, features)``.
        states: list of states, each ``(batch, size)``.

    Raises:
        ValueError: if an argument is out of range.
    """

    gates = 1
    recurrent = "dense"
    additive = False

    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        *,
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        title = type(self).__name__
        self.units = check_count(title, "units", units)
        self.activation = keras.activations.get(activation)
        self.use_bias = check_choice(title, "use_bias", use_bias, (True, False))
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.recurrent_constraint = keras.constraints.get(recurrent_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.dropout = check_rate(title, "dropout", dropout)
        self.recurrent_dropout = check_rate(title, "recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    @property
    def state_sizes(self):
        """Sizes of the states; the first is the h that enters the recurrent product and is the output."""
        return (self.units,)

    @property
    def state_size(self):
        """`state_sizes` in the form that Keras expects of cells."""
        return self.units if len(self.state_sizes) == 1 else list(self.state_sizes)

    @property
    def output_size(self):
        """Number of output features."""
        return self.units

    @property
    def loop_kernel(self):
        """The weight whose product with the state is r, `recurrent_kernel`."""
        return self.recurrent_kernel

    @property
    def own_weights(self):
        """Further weights of the cell, which are passed to `step`."""
        return ()

    def step(self, z, r, states, *own_weights):
        """Return the new states from ``z`` and ``r`` (batch, gates * units) and the old states."""
        raise NotImplementedError

    def output(self, state):
        """Return the output (..., output_size) for the first state (..., units)."""
        return state

    def build(self, input_shape):
        """Create the weights for inputs of shape ``(batch, features)``."""
        width = self.gates * self.units
        self.kernel = self.add_cell_weight("kernel", (input_shape[-1], width), "kernel")
        shapes = {"dense": (self.units, width), "elementwise": (width,)}
        self.recurrent_kernel = None
        if self.recurrent != "none":
            self.recurrent_kernel = self.add_cell_weight(
                "recurrent_kernel", shapes[self.recurrent], "recurrent"
            )
        self.bias = self.add_cell_weight("bias", self.bias_shape(), "bias") if self.use_bias else None
        super().build(input_shape)

    def bias_shape(self):
        """Shape of `bias`."""
        return (self.gates * self.units,)

    def split_bias(self):
        """Return the biases of z and of r, as tuples of at most one bias."""
        return ((self.bias,) if self.use_bias else ()), ()

    def add_cell_weight(self, name, shape, kind):
        """Add a weight with the initializer, regularizer and constraint of `kind` (see `initial_value`)."""

        def in_float32(shape, dtype=None):  # the orthogonal initializer needs QR, which lacks half precision
            return ops.cast(self.initial_value(kind, shape), dtype or "float32")

        return self.add_weight(
            name=name,
            shape=shape,
            initializer=in_float32,
            regularizer=getattr(self, f"{kind}_regularizer"),
            constraint=getattr(self, f"{kind}_constraint"),
        )

    def initial_value(self, kind, shape):
        """Return the initial float32 value of a weight; `kind` is ``kernel``, ``recurrent`` or ``bias``."""
        initializer = getattr(self, f"{kind}_initializer")
        if kind == "recurrent" and len(shape) == 1 and isinstance(initializer, keras.initializers.Orthogonal):
            initializer = keras.initializers.RandomUniform(-1.0, 1.0, seed=self.seed)  # a vector has no QR
        return initializer(shape, dtype="float32")

    def form(self):
        """Return the `CellForm` with which the engine runs this cell."""
        return CellForm(self.step, self.recurrent, self.additive)

    def call(self, inputs, states, training=False):
        """Compute one step: ``(output, new states)``."""
        h, *rest = states if isinstance(states, (list, tuple)) else [states]
        bias_z, bias_r = self.split_bias()
        z = ops.matmul(self.drop(inputs, self.dropout, training), self.kernel)
        z = sum((ops.cast(b, z.dtype) for b in bias_z), z)
        r = self._recur(self.drop(h, self.recurrent_dropout, training))
        r = sum((ops.cast(b, z.dtype) for b in bias_r), r)
        z, r = (z + r, 0.0) if self.additive else (z, r)
        new = self.step(z, r, (h, *rest), *map(ops.convert_to_tensor, self.own_weights))
        return self.output(new[0]), list(new)

    def _recur(self, h):
        if self.recurrent == "none":
            return 0.0
        if self.recurrent == "dense":
            return ops.matmul(h, self.loop_kernel)
        return ops.concatenate([h] * self.gates, axis=-1) * self.recurrent_kernel

    def drop(self, tensor, rate, training):
        """Return `tensor` with dropout during training."""
        return keras.random.dropout(tensor, rate, seed=self.seed_generator) if training and rate else tensor

    def get_initial_state(self, batch_size=None):
        """Return initial states of zeros, each ``(batch, size)``."""
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_sizes]

    def get_config(self):
        """Return all constructor arguments."""
        return {**super().get_config(), **serialized_arguments(self, _arguments(type(self)))}
