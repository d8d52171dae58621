"""The layer that runs a recurrent cell over a sequence, on the engine."""

import logging

import keras
import tensorflow as tf
from keras import ops

from rnn_apps.layers import cudnn, onnx_operators
from rnn_apps.layers.arguments import check_choice, check_count
from rnn_apps.layers.compilation import LoopCompiler, is_differentiated, num_parts
from rnn_apps.layers.input_rank import check_rank, check_shape
from rnn_apps.layers.keras_counterpart import LAYER_OPTIONS, keras_layer, with_weights
from rnn_apps.layers.projection import project
from rnn_apps.layers.recomputation import recur_in_chunks
from rnn_apps.layers.recurrence import RecurrentWeights, recur
from rnn_apps.layers.recurrent_cell import RecurrentCell

_log = logging.getLogger("rnn_apps.layers")
_OWN_OPTIONS = {"use_cudnn": "auto", "implementation": 2, "compile": "auto", "recompute_every": None}


@keras.saving.register_keras_serializable(package="rnn_apps")
class RecurrentLayer(keras.layers.RNN):
    """Runs any `RecurrentCell` over the steps of a sequence, on the engine.

    Masks, initial and final states, `stateful` and `go_backwards` work as in `keras.layers.RNN`.

    Args:
        cell: `RecurrentCell`.
        return_sequences: whether to return the outputs of all steps instead of the last one.
        return_state: whether to return the final states after the output.
        go_backwards: whether to read the sequence backwards; outputs are in reading order.
        stateful: whether the final states of a batch are the initial states of the next one.
        unroll, implementation: accepted for compatibility with Keras; they have no effect, which is logged.
        use_cudnn: ``"auto"``: where gradients are computed on a GPU, cuDNN is used if it supports the
            arguments. True: an error if it does not. False: never.
        zero_output_for_mask: whether outputs at masked steps are zeros instead of the previous output.
        compile: ``"auto"``: where gradients are computed, XLA compiles a (batch, steps) shape on its third
            use, at most 16 shapes per layer. True: always. False: never.
        recompute_every: gradient checkpointing: store the states of every Nth step only, and recompute the
            other steps in the backward pass, so that memory grows with ``N + steps / N``.

    Call arguments:
        sequences: ``(batch, steps, features)``.
        initial_state: list of states, each ``(batch, size)``; zeros by default.
        mask: ``(batch, steps)`` bool; masked steps leave the states unchanged.
        training: bool; whether dropout applies. Under a gradient tape, and with ``training=True``, the fast
            paths run (XLA, split batch, cuDNN); inference and exports run a plain loop of stock operations.

    Returns:
        ``(batch, output_size)``, or ``(batch, steps, output_size)`` with `return_sequences`; with
        `return_state` a tuple of that and each final state ``(batch, size)``.

    Raises:
        ValueError: if an argument is out of range, or the input does not have three dimensions.

    Examples:
        >>> layer = RecurrentLayer(VanillaRNNCell(8), return_sequences=True)
        >>> layer(keras.ops.ones((2, 5, 3))).shape
        TensorShape([2, 5, 8])
    """

    def __init__(
        self,
        cell,
        *,
        unroll=False,
        use_cudnn="auto",
        implementation=2,
        compile="auto",
        recompute_every=None,
        **kwargs,
    ):
        if not isinstance(cell, RecurrentCell):
            raise ValueError(
                f"{type(self).__name__}: cell: received {cell!r}, expected a RecurrentCell. "
                "Use keras.layers.RNN for other cells."
            )
        title = type(self).__name__
        for name in ("return_sequences", "return_state", "go_backwards", "stateful", "zero_output_for_mask"):
            check_choice(title, name, kwargs.get(name, False), (True, False))
        super().__init__(cell, **kwargs)
        self.unroll_requested = check_choice(title, "unroll", unroll, (True, False))
        self.use_cudnn = check_choice(title, "use_cudnn", use_cudnn, ("auto", True, False))
        self.implementation = implementation
        if implementation not in (0, 1, 2):  # 0 is of Keras 1
            raise ValueError(f"{title}: implementation: received {implementation!r}, expected 0, 1 or 2.")
        self.compile = check_choice(title, "compile", compile, ("auto", True, False))
        self.recompute_every = recompute_every
        if recompute_every is not None:
            check_count(title, "recompute_every", recompute_every)
        self.supports_jit = compile is not False and compile != "auto"
        self.engine_path = None
        self.loop_compiler = LoopCompiler(compile)
        if unroll:
            _log.info("%s: unroll has no effect; the engine's loop is compiled instead.", self.name)
        if implementation != 2:
            _log.info("%s: implementation has no effect; all gates share one dropout mask.", self.name)

    @property
    def units(self):
        """Size of the state."""
        return self.cell.units

    def to_keras(self):
        """Return the equivalent Keras layer, with the same weights; see `rnn_apps.to_keras`."""
        return with_weights(keras_layer(self), self)

    def __call__(self, sequences, *args, **kwargs):
        """Check the rank of the input, then call the layer."""
        check_rank(self, sequences)
        return super().__call__(sequences, *args, **kwargs)

    def build(self, sequences_shape, initial_state_shape=None):
        """Create the weights of the cell for inputs of shape ``(batch, steps, features)``."""
        check_shape(self, sequences_shape)
        super().build(sequences_shape, initial_state_shape)

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Run the engine: ``(last output, all outputs, final states)``, as `keras.layers.RNN` expects."""
        training = training is True
        if sequences.dtype != self.compute_dtype:  # integers, which Keras does not convert
            sequences = ops.cast(sequences, self.compute_dtype)
        initial = tuple(initial_state) if isinstance(initial_state, (list, tuple)) else (initial_state,)
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        masks = () if mask is None else (tf.cast(mask, tf.bool),)
        differentiated = training or self._is_differentiated(sequences, initial)
        path = self._note_path(differentiated, masks)
        sequences = self._drop_inputs(sequences, training)
        rows = (sequences, masks, initial, self._recurrent_dropout(initial[0], training))
        if path == "cudnn":
            last, outputs, finals = self._run_on_gpu(rows)
        elif onnx_operators.is_active() and onnx_operators.takes(self, sequences.shape[1]):
            outputs, finals = onnx_operators.run(self, rows[:3], lambda: self._run_in_parts(rows, False))
            last = outputs
        else:
            last, outputs, finals = self._run_in_parts(rows, differentiated)
        return last, outputs, list(finals)

    def _is_differentiated(self, sequences, initial):
        """Whether a tape watches the input, a state or a weight."""
        return is_differentiated([sequences, *initial, *map(_read, self.cell.trainable_variables)])

    def _run_in_parts(self, rows, differentiated):
        """Run the engine on parts of the batch in parallel."""
        run_loop = self.loop_compiler.runner(tf.shape(rows[0])[:2], differentiated)
        parts = _split_rows(rows, num_parts(rows[0].shape[0], differentiated))
        results = [self._run_rows(part, run_loop) for part in parts]
        return tf.nest.map_structure(lambda *r: tf.concat(r, 0) if len(r) > 1 else r[0], *results)

    def _run_on_gpu(self, rows):
        """Run cuDNN, or the plain loop if a mask is not right-padded; XLA and cuDNN are never mixed."""
        sequences, masks, initial, _ = rows

        def kernel():
            outputs, finals = cudnn.run(self.cell, sequences, masks, initial, self.go_backwards)
            return self._results(outputs, finals, masks)

        if not masks:
            return kernel()
        run_loop = LoopCompiler(False).runner(tf.shape(sequences)[:2], True)
        return tf.cond(cudnn.is_right_padded(*masks), kernel, lambda: self._run_rows(rows, run_loop))

    def _note_path(self, differentiated, masks):
        """Choose the path; for differentiated calls it is logged and stored in `engine_path`."""
        path = cudnn.choose_path(self, differentiated, bool(masks))
        if self.use_cudnn is True and differentiated and path[0] != "cudnn":
            raise ValueError(
                f'{self.name}: use_cudnn=True, but: {path[1]}. Use use_cudnn="auto" to train without cuDNN.'
            )
        if differentiated and path != self.engine_path:
            _log.info("%s: %s path: %s", self.name, *path)
            self.engine_path = path
        return path[0]

    def _drop_inputs(self, sequences, training):
        if not (training and self.cell.dropout):
            return sequences
        keep = self.cell.drop(ops.ones_like(sequences[:, :1, :]), self.cell.dropout, True)
        return sequences * keep

    def _recurrent_dropout(self, state, training):
        if not (training and self.cell.recurrent_dropout) or self.cell.recurrent == "none":
            return ()
        return (self.cell.drop(ops.ones_like(state), self.cell.recurrent_dropout, True),)

    def _run_rows(self, rows, run_loop):
        """Run the engine on a part of the batch; the results are those of `inner_loop`."""
        sequences, masks, initial, keep = rows
        time_major = self._to_time_major(sequences)
        mask = tuple(self._to_time_major(m)[:, :, None] for m in masks)
        weights, kernel, bias = self._weights(keep)
        form, collect = self.cell.form(), self.return_sequences
        if self.recompute_every:
            inputs, padded = _pad_steps(time_major, mask, self.recompute_every)
            chunked = (inputs, kernel, bias, padded, initial, weights, collect, self.recompute_every)
            outputs, finals = recur_in_chunks(form, run_loop, *chunked)
            outputs = tuple(o[: tf.shape(time_major)[0]] for o in outputs)
        else:
            z = project(time_major, kernel, bias)
            outputs, finals = recur(form, run_loop, z, mask, initial, weights, collect)
        return self._results(tf.transpose(outputs[0], [1, 0, 2]) if collect else None, finals, masks)

    def _results(self, states, finals, masks):
        """Return (last output, outputs, final states), the results of `inner_loop`."""
        last = self.cell.output(self._last_output(finals[0], masks))
        return last, self._all_outputs(states, masks) if self.return_sequences else last, finals

    def _weights(self, keep):
        cell = self.cell
        bias_z, bias_r = (tuple(map(_read, bias)) for bias in cell.split_bias())
        recurrent = () if cell.recurrent == "none" else (_read(cell.loop_kernel),)
        own = tuple(map(_read, cell.own_weights))
        return RecurrentWeights(recurrent, bias_r, keep, own), _read(cell.kernel), bias_z

    def _to_time_major(self, tensor):
        """Transpose (batch, steps, ...) to (steps, batch, ...), in reading order."""
        tensor = tf.transpose(tensor, [1, 0, *range(2, len(tensor.shape))])
        return tf.reverse(tensor, [0]) if self.go_backwards else tensor

    def _read_mask(self, masks):
        """The mask in reading order, or () without a mask."""
        return tuple(tf.reverse(m, [1]) if self.go_backwards else m for m in masks)

    def _last_output(self, state, masks):
        """The last step as in Keras: zeros without a valid step, or if it is masked and outputs zeros."""
        for mask in self._read_mask(masks):
            valid = mask[:, -1] if self.zero_output_for_mask else tf.reduce_any(mask, axis=1)
            state = tf.where(valid[:, None], state, tf.zeros_like(state))
        return state

    def _all_outputs(self, states, masks):
        """Outputs of all steps: masked steps repeat the last valid output, or zeros before the first one."""
        for mask in self._read_mask(masks):
            started = mask if self.zero_output_for_mask else tf.cumsum(tf.cast(mask, tf.int32), axis=1) > 0
            states = tf.where(started[:, :, None], states, tf.zeros_like(states))
        return self.cell.output(states)

    def get_config(self):
        """Return all constructor arguments, but not defaults that `keras.layers.SimpleRNN` does not know."""
        config = {key: value for key, value in super().get_config().items() if key not in LAYER_OPTIONS}
        options = {name: getattr(self, name) for name in LAYER_OPTIONS}
        options["unroll"] = self.unroll_requested
        own = {name: getattr(self, name) for name in _OWN_OPTIONS}
        return {**config, **options, **{k: v for k, v in own.items() if v != _OWN_OPTIONS[k]}}


def _read(weight):
    """Return a weight as a plain tensor in the compute dtype."""
    return tf.convert_to_tensor(ops.convert_to_tensor(weight))


def _split_rows(rows, parts):
    """Split every tensor of `rows` along the batch into nearly equal parts."""
    if parts == 1:
        return [rows]
    batch = tf.shape(rows[0])[0]
    sizes = [(batch + i) // parts for i in range(parts)]
    flat = [tf.split(tensor, sizes, axis=0, num=parts) for tensor in tf.nest.flatten(rows)]
    return [tf.nest.pack_sequence_as(rows, list(part)) for part in zip(*flat)]


def _pad_steps(inputs, mask, every):
    """Pad (steps, batch, features) to a multiple of `every` steps, with a mask."""
    steps = inputs.shape[0]
    if steps is not None and steps % every == 0:
        return inputs, mask
    extra = -tf.shape(inputs)[0] % every
    mask = mask or (tf.ones(tf.concat([tf.shape(inputs)[:2], [1]], 0), tf.bool),)
    padding = [[0, extra], [0, 0], [0, 0]]
    return tf.pad(inputs, padding), tuple(tf.pad(m, padding) for m in mask)
