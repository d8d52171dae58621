"""Three cells from research, which also serve as examples of custom cells."""

import keras
from keras import ops

from rnn_apps.layers.cells import LSTMCell
from rnn_apps.layers.recurrent_cell import RecurrentCell, register_cell


@register_cell("min_gru")
class MinGRUCell(RecurrentCell):
    """minGRU: h_t = (1 - u_t) h_{t-1} + u_t c_t, with u_t = sigmoid(W_u x_t + b_u) and c_t = W_c x_t + b_c.

    Gate and candidate see the input alone, so there is no recurrent matrix: all products are made before the
    loop.

    Args:
        units: size of h.
        activation: of the candidate; none, as published.
        **kwargs: as in `RecurrentCell`; what is said of a recurrent kernel has no effect.

    Reference:
        Feng et al., "Were RNNs All We Needed?" (2024), in its linear form.
    """

    gates = 2
    recurrent = "none"

    def __init__(self, units, activation="linear", *args, **kwargs):
        super().__init__(units, activation, *args, **kwargs)

    def step(self, z, r, states):
        """h_t from h_{t-1}, gate and candidate."""
        (h,) = states
        gate, candidate = ops.split(z, 2, axis=-1)
        gate = ops.sigmoid(gate)
        return ((1 - gate) * h + gate * self.activation(candidate),)


@register_cell("ind_rnn")
class IndRNNCell(RecurrentCell):
    """Independently recurrent: h_t = relu(W x_t + w * h_{t-1} + b), where every unit sees its own past only.

    Args:
        units: size of h, and of the vector w.
        activation: of the new state.
        recurrent_constraint: by default no |w| is above `largest`, so that gradients do not explode.
        largest: bound of |w|; 2 ** (1 / steps) holds the gradient over so many steps below 2.
        **kwargs: as in `RecurrentCell`.

    Reference:
        Li et al., "Independently Recurrent Neural Network (IndRNN): Building a Longer and Deeper RNN" (2018).
    """

    recurrent = "elementwise"
    additive = True

    def __init__(self, units, activation="relu", *args, largest=1.0, recurrent_constraint=None, **kwargs):
        constraint = LargestWeight(largest) if recurrent_constraint is None else recurrent_constraint
        super().__init__(units, activation, *args, recurrent_constraint=constraint, **kwargs)
        self.largest = largest

    def step(self, z, r, states):
        """h_t = relu(z_t + w * h_{t-1})."""
        return (self.activation(z + r),)


@keras.saving.register_keras_serializable(package="rnn_apps")
class LargestWeight(keras.constraints.Constraint):
    """Clips every weight to the range from -largest to largest.

    Args:
        largest: above 0.
    """

    def __init__(self, largest):
        self.largest = largest

    def __call__(self, weight):
        """Clip."""
        return ops.clip(weight, -self.largest, self.largest)

    def get_config(self):
        """Return the bound."""
        return {"largest": self.largest}


@register_cell("layer_norm_lstm")
class LayerNormLSTMCell(LSTMCell):
    """LSTM with layer normalization of the input product, the recurrent product and the cell state.

    LN(W x_t) * g_x + LN(U h_{t-1}) * g_h + b gives the gates, and h_t = o_t * tanh(LN(c_t) * g_c + b_c).

    Args:
        units: size of h and of c.
        epsilon: added to the variance.
        **kwargs: as in `LSTMCell`.

    Reference:
        Ba, Kiros and Hinton, "Layer Normalization" (2016), supplementary material.
    """

    additive = False

    def __init__(self, units, *args, epsilon=1e-3, **kwargs):
        super().__init__(units, *args, **kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        """Create the weights of an LSTM, gains, and a shift."""
        super().build(input_shape)
        shapes = {"input_gain": 4, "recurrent_gain": 4, "cell_gain": 1}
        for name, gates in shapes.items():
            gain = self.add_weight(name=name, shape=(gates * self.units,), initializer="ones")
            setattr(self, name, gain)
        self.cell_shift = self.add_weight(name="cell_shift", shape=(self.units,), initializer="zeros")

    def split_bias(self):
        """No biases, because the bias is added after the normalization."""
        return (), ()

    @property
    def own_weights(self):
        """Gains, shift, and the bias of the gates."""
        bias = (self.bias,) if self.use_bias else ()
        return (self.input_gain, self.recurrent_gain, self.cell_gain, self.cell_shift, *bias)

    def step(self, z, r, states, input_gain, recurrent_gain, cell_gain, cell_shift, *bias):
        """The step of an LSTM over normalised sums."""
        _, c = states
        total = self._normalised(z) * input_gain + self._normalised(r) * recurrent_gain
        i, f, g, o = ops.split(sum(bias, total), 4, axis=-1)
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        c = f * c + i * self.activation(g)
        return o * self.activation(self._normalised(c) * cell_gain + cell_shift), c

    def _normalised(self, x):
        """Mean 0 and variance 1 over the features."""
        x = x - ops.mean(x, axis=-1, keepdims=True)
        return x * ops.rsqrt(ops.mean(x * x, axis=-1, keepdims=True) + self.epsilon)
