"""Cells as a user would write them: one with weights of its own, one elementwise, one without recurrence."""

import keras
from keras import ops

from rnn_apps.layers import RecurrentCell, register_cell


@register_cell("test_layer_norm")
class LayerNormCell(RecurrentCell):
    """h_t = tanh(gain * normalised(z + r)): reduces over features and owns a weight."""

    additive = True

    def build(self, input_shape):
        super().build(input_shape)
        self.gain = self.add_weight(name="gain", shape=(self.units,), initializer="ones")

    @property
    def own_weights(self):
        return (self.gain,)

    def step(self, z, r, states, gain):
        total = z + r
        total = total - ops.mean(total, axis=-1, keepdims=True)
        scale = ops.rsqrt(ops.mean(total * total, axis=-1, keepdims=True) + 1e-3)
        return (self.activation(gain * total * scale),)


@register_cell("test_ind_rnn")
class IndRNNCell(RecurrentCell):
    """IndRNN with a leak: every unit sees its own past only."""

    gates = 2
    recurrent = "elementwise"

    def step(self, z, r, states):
        (h,) = states
        (z_leak, z_new), (r_leak, r_new) = ops.split(z, 2, axis=-1), ops.split(r, 2, axis=-1)
        leak = ops.sigmoid(z_leak + r_leak)
        return (leak * h + (1 - leak) * self.activation(z_new + r_new),)


@register_cell("test_min_gru")
class MinGRUCell(RecurrentCell):
    """minGRU: the gates see the input alone."""

    gates = 2
    recurrent = "none"

    def step(self, z, r, states):
        (h,) = states
        z_gate, z_new = ops.split(z, 2, axis=-1)
        gate = ops.sigmoid(z_gate)
        return ((1 - gate) * h + gate * z_new,)


@keras.saving.register_keras_serializable(package="tests")
class PlainKerasCell(keras.layers.Layer):
    """A cell of Keras' contract alone, which the engine cannot run."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))
        super().build(input_shape)

    def call(self, inputs, states):
        (h,) = states
        h = 0.5 * h + ops.matmul(inputs, self.kernel)
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units}
