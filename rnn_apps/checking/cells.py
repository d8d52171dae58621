"""Checks that a cell keeps its contract: every property that rnn-apps promises, tested on one cell."""

import inspect
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.checking.failures import describe_error
from rnn_apps.checking.models import Finding, gradient_norms, gradients_finding
from rnn_apps.layers import StackedRNN, graph_form
from rnn_apps.models.example_inputs import relative_difference

BATCH, STEPS, FEATURES = 4, 9, 5
TOLERANCE, GRADIENT_TOLERANCE = 1e-5, 1e-4
VALID_STEPS = 6  # before the padding


def check_cell(cell: str | type, units: int = 8) -> list[Finding]:
    """Return a list of `Finding` on a cell, one for each property of the contract.

    Args:
        cell: name of a registered cell, or a class: a `RecurrentCell` or one with Keras' cell contract, whose
            first argument is `units`.
        units: size of the state.
    """
    findings = []
    for name, check in _CHECKS.items():
        try:
            passed, detail = check(cell, units)
        except Exception as error:  # a cell under development may raise any exception
            passed, detail = False, describe_error(error, getattr(cell, "__module__", None))
        findings.append(Finding(name, passed, detail))
        if not passed and name == "builds":
            break  # the other checks would fail for the same reason
    return findings


def _layer(cell, units, **options):
    layer = StackedRNN((units,), cell=cell, return_sequences=True, seed=1, **{"compile": False, **options})
    layer.build((None, None, FEATURES))
    return layer


def _sequences():
    return np.random.default_rng(0).normal(size=(BATCH, STEPS, FEATURES)).astype("float32")


def _cell_of(layer):
    return layer.layers[0][0].cell


def _check_build(cell, units):
    layer = _layer(cell, units)
    slow = layer.slow_layers()
    if problem := _check_call(layer) if slow else _check_step(layer):
        return False, problem
    if slow:
        problem = "it is not a RecurrentCell, so keras.layers.RNN runs it step by step"
        return True, f"{problem}: {', '.join(slow)}"
    form = _cell_of(layer).form()
    reads = "its step reads only z + r" if form.additive else "its step reads z and r"
    return True, f"on the engine: recurrent is {form.recurrent}, {reads}"


def _check_step(layer):
    """Return a problem with the result of the `step` of a `RecurrentCell`, or None."""
    cell, states = _cell_of(layer), tuple(tf.nest.flatten(layer.zero_states(BATCH)))
    z = tf.ones((BATCH, cell.kernel.shape[-1]), cell.compute_dtype)
    r = 0.0 if cell.additive or cell.recurrent == "none" else z
    result = cell.step(z, r, states, *map(tf.convert_to_tensor, cell.own_weights))
    if not isinstance(result, (list, tuple)):
        return f"step returns {_describe(result)}, expected a tuple with one array per state, such as (h,)"
    return _check_states("step", result, states)


def _check_call(layer):
    """Return a problem with the result of the `call` of a cell with Keras' contract, or None."""
    cell, states = _cell_of(layer), tf.nest.flatten(layer.zero_states(BATCH))
    result = cell(tf.constant(_sequences()[:, 0]), states)
    if not isinstance(result, (list, tuple)) or len(result) != 2:
        return f"call returns {_describe(result)}, expected the output and the list of states"
    return _check_states("call", tf.nest.flatten(result[1]), states)


def _check_states(method, result, states):
    if len(result) != len(states):
        count = f"{len(result)} {'state' if len(result) == 1 else 'states'}"
        return f"{method} returns {count}, expected {len(states)}"
    for new, old in zip(result, states):
        if not hasattr(new, "shape") or tuple(new.shape) != tuple(old.shape):
            return f"{method} returns {_describe(new, 'a state')}, expected the shape {tuple(old.shape)}"
    return None


def _describe(value, array="an array"):
    if hasattr(value, "shape"):
        return f"{array} of shape {tuple(value.shape)}"
    return "None" if value is None else f"a {type(value).__name__}"


def _python_loop(layer, sequences):
    """Return the outputs of `cell.call` in a loop over the steps."""
    cell, outputs = _cell_of(layer), []
    state = tf.nest.flatten(layer.zero_states(BATCH))
    for step in range(sequences.shape[1]):
        output, state = cell(sequences[:, step], state)
        state = list(state) if isinstance(state, (list, tuple)) else [state]
        outputs.append(output)
    return tf.stack(outputs, axis=1)


def _check_outputs(cell, units):
    layer, x = _layer(cell, units), tf.constant(_sequences())
    return _compare(layer(x), _python_loop(layer, x), TOLERANCE)


def _gradients(function, layer, x):
    variables = [variable.value for variable in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = function(x)
        total = tf.reduce_sum(outputs * tf.random.stateless_normal(outputs.shape, (1, 2)))
    return tape.gradient(total, [x, *variables], unconnected_gradients="zero")


def _check_gradients(cell, units):
    layer, x = _layer(cell, units), tf.constant(_sequences())
    gradients = _gradients(lambda x: layer(x, training=True), layer, x)
    expected = _gradients(lambda x: _python_loop(layer, x), layer, x)
    return _compare(gradients, expected, GRADIENT_TOLERANCE)


def _check_xla(cell, units):
    layer, x = _layer(cell, units), tf.constant(_sequences())
    if layer.slow_layers():
        return None, "only the engine's loops are compiled"
    compiled = _layer(cell, units, compile=True)
    compiled.set_weights(layer.get_weights())
    gradients = _gradients(tf.function(lambda x: compiled(x, training=True)), compiled, x)
    return _compare(gradients, _gradients(lambda x: layer(x, training=True), layer, x), GRADIENT_TOLERANCE)


def _check_padding(cell, units):
    layer, x = _layer(cell, units), _sequences()
    mask = np.broadcast_to(np.arange(STEPS) < VALID_STEPS, (BATCH, STEPS))
    noisy = np.where(mask[:, :, None], x, 100 * x)
    outputs, states = layer.forward_from_state(x[:, :VALID_STEPS])
    padded, padded_states = layer.forward_from_state(noisy, mask=mask)
    results = [padded[:, :VALID_STEPS], *tf.nest.flatten(padded_states)]
    return _compare(results, [outputs, *tf.nest.flatten(states)], TOLERANCE)


def _check_batch(cell, units):
    layer, x = _layer(cell, units), _sequences()
    return _compare(layer(x[:1]), layer(x)[:1], TOLERANCE)


def _check_streaming(cell, units):
    layer, x, states, chunks = _layer(cell, units), _sequences(), None, []
    for chunk in (x[:, :1], x[:, 1:5], x[:, 5:]):
        outputs, states = layer.forward_from_state(chunk, states)
        chunks.append(outputs)
    return _compare(tf.concat(chunks, axis=1), layer(x), TOLERANCE)


def _check_stack(cell, units):
    stack = StackedRNN((units, units), cell=cell, bidirectional=True, return_sequences=True, compile=False)
    outputs = stack(_sequences())
    return bool(np.isfinite(outputs).all()), f"two layers, outputs {tuple(outputs.shape)}"


def _check_config(cell, units):
    instance = _cell_of(_layer(cell, units))
    config = instance.get_config()
    restored = type(instance).from_config(config).get_config()
    names = [
        name
        for name, parameter in inspect.signature(type(instance)).parameters.items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    lost = [name for name in names if name not in config]
    changed = [name for name in config if config[name] != restored.get(name)]
    if lost or changed:
        return False, f"get_config loses {', '.join(lost + changed)}"
    return True, f"{len(config)} entries restore the same cell"


def _model(cell, units):
    inputs = keras.Input((None, FEATURES))
    return keras.Model(inputs, _layer(cell, units)(inputs))


def _check_reload(cell, units):
    model, x = _model(cell, units), _sequences()
    with tempfile.TemporaryDirectory(prefix="rnn-apps-") as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        reloaded = keras.models.load_model(path, compile=False)
    return _compare(reloaded(x), model(x), 0.0)


def _check_export(cell, units):
    model, x = _model(cell, units), _sequences()
    with tempfile.TemporaryDirectory(prefix="rnn-apps-") as folder, graph_form():
        model.export(folder, verbose=False)
        loaded = tf.saved_model.load(folder)
        return _compare(loaded.serve(x), model(x), TOLERANCE)


def _check_mixed_precision(cell, units):
    outputs = _layer(cell, units, dtype="mixed_bfloat16")(_sequences())
    return bool(np.isfinite(tf.cast(outputs, tf.float32)).all()), f"outputs are {outputs.dtype.name}"


def _check_learning(cell, units):
    layer, x = _layer(cell, units), tf.constant(_sequences())
    target = tf.random.stateless_uniform(layer(x).shape, (3, 4), -0.5, 0.5)
    optimizer, losses = keras.optimizers.Adam(0.01), []
    for _ in range(30):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(x, training=True) - target) ** 2)
        variables = layer.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        unreached = [v.path for v, g in zip(variables, gradients) if g is None]
        if unreached:
            return False, f"no gradient reaches {', '.join(unreached)}"
        optimizer.apply(gradients, variables)
        losses.append(float(loss))
    detail = f"30 steps of Adam reduce the loss from {losses[0]:.3f} to {losses[-1]:.3f}"
    return losses[-1] < losses[0], detail


def _check_gradient_over_time(cell, units):
    finding = gradients_finding(gradient_norms(_model(cell, units)))
    return finding.passed, finding.detail


def _compare(results, expected, tolerance):
    pairs = zip(tf.nest.flatten(results), tf.nest.flatten(expected))
    difference = max(relative_difference(np.asarray(one), np.asarray(other)) for one, other in pairs)
    return bool(difference <= tolerance), f"largest difference {difference:.1e}"


_CHECKS = {
    "builds": _check_build,
    "outputs match a Python loop": _check_outputs,
    "gradients match a Python loop": _check_gradients,
    "XLA matches": _check_xla,
    "padding invariance": _check_padding,
    "batch independence": _check_batch,
    "streaming matches": _check_streaming,
    "stacks in both directions": _check_stack,
    "get_config is complete": _check_config,
    "save and reload": _check_reload,
    "export matches": _check_export,
    "mixed precision runs": _check_mixed_precision,
    "learns": _check_learning,
    "gradient over time": _check_gradient_over_time,
}
