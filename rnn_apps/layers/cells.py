"""Cells: one step of recurrence each, written so that the engine can run all steps fast.

A cell of your own is a subclass of `RecurrentCell` with `gates` and `step`; see its docstring.
"""

import keras
from keras import ops

from rnn_apps.layers.arguments import check_choice, check_count, check_rate, serialized_arguments
from rnn_apps.layers.arguments import constructor_arguments as _arguments
from rnn_apps.layers.recurrence import CellForm

__all__ = ["GRUCell", "LSTMCell", "RecurrentCell", "VanillaRNNCell", "get_cell", "list_cells", "register_cell"]

_CELLS = {}


def register_cell(name):
    """Give a cell class a name for recipes, `StackedRNN` and saved models.

    Args:
        name: identifier, unique; registering the same class again replaces it.

    Raises:
        ValueError: the name is taken by another class, or the class is not a `RecurrentCell`.
    """

    def register(cls):
        if not (isinstance(cls, type) and issubclass(cls, RecurrentCell)):
            raise ValueError(f"register_cell({name!r}): received {cls!r}, expected a subclass of RecurrentCell.")
        known = _CELLS.get(name)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(f"register_cell({name!r}): the name is taken by {known.__qualname__}; choose another.")
        _CELLS[name] = keras.saving.register_keras_serializable(package="rnn_apps")(cls)
        return cls

    return register


def list_cells():
    """Return the registered names, in order of registration."""
    return list(_CELLS)


def get_cell(name):
    """Return the cell class registered under `name`; ValueError lists the known names."""
    if name not in _CELLS:
        known = ", ".join(_CELLS)
        raise ValueError(f"cell: received {name!r}, expected one of {known}, or a name given with register_cell.")
    return _CELLS[name]


class RecurrentCell(keras.layers.Layer):
    """One step of recurrence in the engine's form; the base of all cells.

    A subclass says how wide its gates are and what a step does with ``z = x @ kernel + bias``, which is
    computed for all steps before the loop, and ``r = h @ recurrent_kernel``::

        @register_cell("leaky")
        class LeakyCell(RecurrentCell):
            gates = 2

            def step(self, z, r, states):
                (h,) = states
                z_leak, z_new = ops.split(z, 2, axis=-1)
                r_leak, r_new = ops.split(r, 2, axis=-1)
                leak = ops.sigmoid(z_leak + r_leak)
                return (leak * h + (1 - leak) * ops.tanh(z_new + r_new),)

    `step` may reduce over features, never over batch or time, and reads no variable but those of
    `own_weights`, which it receives as further arguments. Where `recurrent` is ``none``, r is 0.0.

    Class attributes:
        gates: width of z and r in multiples of `units`.
        recurrent: ``dense`` (a matrix), ``elementwise`` (a vector) or ``none``.
        additive: True if `step` reads z and r only as ``z + r``; the engine then passes ``(z + r, 0.0)``.

    Args:
        units: size of the state, at least 1.
        activation: of the new state.
        use_bias: whether z has a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: starts of the weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of the weights.
        dropout: rate on the inputs, 0 <= rate < 1. In the layers one mask serves all steps of a sequence;
            a bare cell draws one each call.
        recurrent_dropout: rate on the state where it enters the recurrent product, and only there.
        seed: of the dropout masks.

    Call arguments:
        inputs: ``(batch, features)``.
        states: list of states, each ``(batch, size)``.

    Raises:
        ValueError: an argument is out of range; nothing is clamped.
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
        """`state_sizes` as Keras' cell contract wants it."""
        return self.units if len(self.state_sizes) == 1 else list(self.state_sizes)

    @property
    def output_size(self):
        """Features of the output of a step."""
        return self.units

    @property
    def own_weights(self):
        """The cell's further weights, passed on to `step`."""
        return ()

    def step(self, z, r, states, *own_weights):
        """Return the new states from ``z`` and ``r`` (batch, gates * units) and the old states."""
        raise NotImplementedError

    def output(self, state):
        """Return the output (..., output_size) for the first state (..., units)."""
        return state

    def build(self, input_shape):
        """Make the weights for inputs of shape ``(batch, features)``."""
        width = self.gates * self.units
        self.kernel = self._add("kernel", (input_shape[-1], width), "kernel")
        shapes = {"dense": (self.units, width), "elementwise": (width,)}
        self.recurrent_kernel = None
        if self.recurrent != "none":
            self.recurrent_kernel = self._add("recurrent_kernel", shapes[self.recurrent], "recurrent")
        self.bias = self._add("bias", self.bias_shape(), "bias") if self.use_bias else None
        super().build(input_shape)

    def bias_shape(self):
        """Shape of `bias`."""
        return (self.gates * self.units,)

    def split_bias(self):
        """Return the biases of z and of r, each a tuple of none or one."""
        return ((self.bias,) if self.use_bias else ()), ()

    def _add(self, name, shape, kind):
        def in_float32(shape, dtype=None):  # QR, behind the orthogonal start, knows no half precision
            return ops.cast(self.start(kind, shape), dtype or "float32")

        return self.add_weight(
            name=name,
            shape=shape,
            initializer=in_float32,
            regularizer=getattr(self, f"{kind}_regularizer"),
            constraint=getattr(self, f"{kind}_constraint"),
        )

    def start(self, kind, shape):
        """Return the float32 start of a weight; `kind` is ``kernel``, ``recurrent`` or ``bias``."""
        initializer = getattr(self, f"{kind}_initializer")
        if kind == "recurrent" and len(shape) == 1 and isinstance(initializer, keras.initializers.Orthogonal):
            initializer = keras.initializers.RandomUniform(-1.0, 1.0, seed=self.seed)  # a vector has no QR
        return initializer(shape, dtype="float32")

    def form(self):
        """Return the `CellForm` under which the engine runs this cell."""
        return CellForm(self.step, self.recurrent, self.additive)

    def call(self, inputs, states, training=False):
        """Take one step: ``(output, new states)``."""
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
            return ops.matmul(h, self.recurrent_kernel)
        return ops.concatenate([h] * self.gates, axis=-1) * self.recurrent_kernel

    def drop(self, tensor, rate, training):
        """Return `tensor` with dropout while training."""
        return keras.random.dropout(tensor, rate, seed=self.seed_generator) if training and rate else tensor

    def get_initial_state(self, batch_size=None):
        """Return zeros, one ``(batch, size)`` a state."""
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_sizes]

    def get_config(self):
        """Return all constructor arguments."""
        return {**super().get_config(), **serialized_arguments(self, _arguments(type(self)))}


@register_cell("vanilla")
class VanillaRNNCell(RecurrentCell):
    """h_t = tanh(W_hh h_{t-1} + W_xh x_t + b), y_t = W_hy h_t.

    | symbol | weight | shape | meaning |
    |---|---|---|---|
    | W_xh | `kernel` | (features, units) | input to state; rows are examples, so it is the textbook's transpose |
    | W_hh | `recurrent_kernel` | (units, units) | state to state, orthogonal at start |
    | b | `bias` | (units,) | shared by every step, like all weights, however long the sequence |
    | W_hy | `output_kernel` | (units, output_units) | y_t = W_hy h_t, only where `output_units` is given |

    Args:
        units: size of h.
        output_units: size of y; None gives h itself as the output.
        **kwargs: as in `RecurrentCell`, which are those of `keras.layers.SimpleRNNCell`.

    Reference:
        Elman, "Finding Structure in Time", Cognitive Science 14 (1990).
    """

    additive = True

    def __init__(self, units, activation="tanh", use_bias=True, *args, output_units=None, **kwargs):
        super().__init__(units, activation, use_bias, *args, **kwargs)
        self.output_units = output_units
        if output_units is not None:
            check_count(type(self).__name__, "output_units", output_units)

    @property
    def output_size(self):
        """`output_units` where given, else `units`."""
        return self.output_units or self.units

    def build(self, input_shape):
        """Make the weights of the table above."""
        super().build(input_shape)
        self.output_kernel = None
        if self.output_units:
            self.output_kernel = self._add("output_kernel", (self.units, self.output_units), "kernel")

    def step(self, z, r, states):
        """h_t = tanh(z_t + r_t)."""
        return (self.activation(z + r),)

    def output(self, state):
        """y_t = W_hy h_t."""
        return ops.matmul(state, self.output_kernel) if self.output_units else state


@register_cell("lstm")
class LSTMCell(RecurrentCell):
    """Long short-term memory, with the weights of `keras.layers.LSTMCell`: gates in the order i, f, c, o.

    c_t = f * c_{t-1} + i * tanh(z_c + r_c) and h_t = o * tanh(c_t), with i, f, o = sigmoid(z + r).

    Args:
        units: size of h and of c.
        recurrent_activation: of the gates.
        unit_forget_bias: start the bias of the forget gate at one.
        **kwargs: as in `RecurrentCell`.

    Reference:
        Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997); forget gate of Gers et al. (2000);
        forget bias of Jozefowicz et al. (2015).
    """

    gates = 4
    additive = True

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        *args,
        unit_forget_bias=True,
        **kwargs,
    ):
        super().__init__(units, activation, use_bias, *args, **kwargs)
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.unit_forget_bias = check_choice(
            type(self).__name__, "unit_forget_bias", unit_forget_bias, (True, False)
        )

    @property
    def state_sizes(self):
        """h and c."""
        return (self.units, self.units)

    def start(self, kind, shape):
        """As for every cell, but the forget gate's bias starts at one where asked."""
        start = super().start(kind, shape)
        forget = ops.arange(shape[-1]) // self.units == 1
        return ops.where(forget, ops.ones_like(start), start) if kind == "bias" and self.unit_forget_bias else start

    def step(self, z, r, states):
        """c_t = f * c_{t-1} + i * g; h_t = o * tanh(c_t)."""
        _, c = states
        i, f, g, o = ops.split(z + r, 4, axis=-1)
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        c = f * c + i * self.activation(g)
        return o * self.activation(c), c


@register_cell("gru")
class GRUCell(RecurrentCell):
    """Gated recurrent unit in its `reset_after` form, with the weights of `keras.layers.GRUCell`: gates z, r, h.

    h_t = u * h_{t-1} + (1 - u) * tanh(z_h + s * r_h), with update u and reset s = sigmoid(z + r).

    Args:
        units: size of h.
        recurrent_activation: of the gates.
        reset_after: must be True: the form before it is not one product a step. `keras.layers.GRU` has it.
        **kwargs: as in `RecurrentCell`.

    Reference:
        Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder" (2014), in the form of cuDNN.
    """

    gates = 3

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        *args,
        reset_after=True,
        **kwargs,
    ):
        super().__init__(units, activation, use_bias, *args, **kwargs)
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        if reset_after is not True:
            raise ValueError(
                f"{type(self).__name__}: reset_after: received {reset_after!r}, expected True: the other form is "
                "not one product a step. Use keras.layers.GRU(..., reset_after=False) for it."
            )
        self.reset_after = reset_after

    def bias_shape(self):
        """Two rows: the bias of z and the bias of r."""
        return (2, 3 * self.units)

    def split_bias(self):
        """The rows of `bias`."""
        return ((self.bias[0],), (self.bias[1],)) if self.use_bias else ((), ())

    def step(self, z, r, states):
        """h_t = u * h_{t-1} + (1 - u) * candidate."""
        (h,) = states
        z_u, z_s, z_h = ops.split(z, 3, axis=-1)
        r_u, r_s, r_h = ops.split(r, 3, axis=-1)
        update, reset = self.recurrent_activation(z_u + r_u), self.recurrent_activation(z_s + r_s)
        return (update * h + (1 - update) * self.activation(z_h + reset * r_h),)
