"""The vanilla, LSTM and GRU cells, each written as its equations."""

import keras
from keras import ops

from rnn_apps.layers.arguments import check_choice, check_count
from rnn_apps.layers.recurrent_cell import RecurrentCell, register_cell

# The derivative of an activation, read from its value.
_SLOPES = {
    keras.activations.tanh: lambda h: 1 - h * h,
    keras.activations.sigmoid: lambda h: h * (1 - h),
    keras.activations.relu: lambda h: ops.cast(h > 0, h.dtype),
}


@register_cell("vanilla")
class VanillaRNNCell(RecurrentCell):
    """h_t = tanh(W_hh h_{t-1} + W_xh x_t + b), y_t = W_hy h_t.

    | symbol | weight | shape | meaning |
    |---|---|---|---|
    | W_xh | `kernel` | (features, units) | input to state; rows are examples: the textbook's transpose |
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
        """`output_units`, or `units` if it is None."""
        return self.output_units or self.units

    def build(self, input_shape):
        """Create the weights of the table above."""
        super().build(input_shape)
        self.output_kernel = None
        if self.output_units:
            self.output_kernel = self.add_cell_weight(
                "output_kernel", (self.units, self.output_units), "kernel"
            )

    def step(self, z, r, states):
        """h_t = tanh(z_t + r_t)."""
        return (self.activation(z + r),)

    def form(self):
        """Return the `CellForm`; the backward loop needs only h, so nothing else is stored."""
        known = type(self).step is VanillaRNNCell.step and self.recurrent != "none"
        return super().form()._replace(slope=_SLOPES.get(self.activation) if known else None)

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

    def initial_value(self, kind, shape):
        """As in `RecurrentCell`, with ones for the bias of the forget gate if `unit_forget_bias`."""
        start = super().initial_value(kind, shape)
        forget = ops.arange(shape[-1]) // self.units == 1
        return (
            ops.where(forget, ops.ones_like(start), start)
            if kind == "bias" and self.unit_forget_bias
            else start
        )

    def step(self, z, r, states):
        """c_t = f * c_{t-1} + i * g; h_t = o * tanh(c_t)."""
        _, c = states
        i, f, g, o = ops.split(z + r, 4, axis=-1)
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        c = f * c + i * self.activation(g)
        return o * self.activation(c), c


@register_cell("gru")
class GRUCell(RecurrentCell):
    """Gated recurrent unit with the weights of `keras.layers.GRUCell`: gates z, r, h.

    h_t = u * h_{t-1} + (1 - u) * tanh(z_h + s * r_h), with update u and reset s = sigmoid(z + r).

    Args:
        units: size of h.
        recurrent_activation: of the gates.
        reset_after: whether the reset gate is applied after the recurrent product, as in cuDNN. False applies
            it before: the candidate is tanh(z_h + (s * h_{t-1}) W_h), a second product in every step.
        **kwargs: as in `RecurrentCell`.

    Reference:
        Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder" (2014), version 1 with
        ``reset_after=True``, version 3 without.
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
        self.reset_after = check_choice(type(self).__name__, "reset_after", reset_after, (True, False))

    def bias_shape(self):
        """Two rows, the bias of z and the bias of r; a single one for ``reset_after=False``."""
        return (2, 3 * self.units) if self.reset_after else super().bias_shape()

    def split_bias(self):
        """The rows of `bias`."""
        if not (self.use_bias and self.reset_after):
            return super().split_bias()
        return (self.bias[0],), (self.bias[1],)

    @property
    def loop_kernel(self):
        """The kernel of both gates, and of the candidate if the reset follows the product."""
        return self.recurrent_kernel if self.reset_after else self.recurrent_kernel[:, : 2 * self.units]

    @property
    def own_weights(self):
        """The recurrent kernel of the candidate, if the reset precedes the product."""
        return () if self.reset_after else (self.recurrent_kernel[:, 2 * self.units :],)

    def step(self, z, r, states, *candidate_kernel):
        """h_t = u * h_{t-1} + (1 - u) * candidate."""
        (h,) = states
        z_u, z_s, z_h = ops.split(z, 3, axis=-1)
        r_u, r_s, *r_h = ops.split(r, 3 if self.reset_after else 2, axis=-1)
        update, reset = self.recurrent_activation(z_u + r_u), self.recurrent_activation(z_s + r_s)
        r_h = reset * r_h[0] if self.reset_after else ops.matmul(reset * h, *candidate_kernel)
        return (update * h + (1 - update) * self.activation(z_h + r_h),)
