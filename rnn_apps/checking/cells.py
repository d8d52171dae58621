"""Does a cell keep the contract? Each claim that rnn_apps makes for a cell, tried on one."""

import inspect
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.checking.failures import explained
from rnn_apps.checking.models import Finding, gradient_norms, gradients_finding
from rnn_apps.layers import StackedRNN, graph_form
from rnn_apps.models.example_inputs import relative_difference

BATCH, STEPS, FEATURES = 4, 9, 5
TOLERANCE, GRADIENT_TOLERANCE = 1e-5, 1e-4
REAL = 6  # steps before the padding


def check_cell(cell, units=8):
    """Return a list of `Finding` on a cell, each of which names what is promised.

    Args:
        cell: a class, `RecurrentCell` or of Keras' cell contract, whose first argument is `units`; or the
            name of a registered one.
        units: size of the state.
    """
    findings = []
    for check in _CHECKS:
        name = check.__name__.strip("_").replace("_", " ")
        try:
            passed, detail = check(cell, units)
        except Exception as error:  # whatever a cell under development raises
            passed, detail = False, explained(error, getattr(cell, "__module__", None))
        findings.append(Finding(name, passed, detail))
        if not passed and check is _is_made:
            break  # the others would all say the same
    return findings


def _layer(cell, units, **options):
    layer = StackedRNN((units,), cell=cell, return_sequences=True, seed=1, **{"compile": False, **options})
    layer.build((None, None, FEATURES))
    return layer


def _sequences():
    return np.random.default_rng(0).normal(size=(BATCH, STEPS, FEATURES)).astype("float32")


def _inner(layer):
    """The cell inside of a stack of one level."""
    return layer.layers[0][0].cell


def _is_made(cell, units):
    layer = _layer(cell, units)
    slow = layer.slow_layers()
    if problem := _problem_of_call(layer) if slow else _problem_of_step(layer):
        return False, problem
    if slow:
        problem = "it is no RecurrentCell, so keras.layers.RNN runs it, step by step"
        return True, f"{problem}: {', '.join(slow)}"
    form = _inner(layer).form()
    kind = "its step reads z + r alone" if form.additive else "its step reads z and r"
    return True, f"on the engine: recurrent is {form.recurrent}, {kind}"


def _problem_of_step(layer):
    """What is wrong with what the `step` of a `RecurrentCell` gives, or None."""
    cell, states = _inner(layer), tuple(tf.nest.flatten(layer.zero_states(BATCH)))
    z = tf.ones((BATCH, cell.kernel.shape[-1]), cell.compute_dtype)
    r = 0.0 if cell.additive or cell.recurrent == "none" else z
    given = cell.step(z, r, states, *map(tf.convert_to_tensor, cell.own_weights))
    if not isinstance(given, (list, tuple)):
        return f"step gives {_kind(given)}, expected a tuple, one array a state: (h,) where there is one"
    return _problem_of_states("step", given, states)


def _problem_of_call(layer):
    """What is wrong with what the `call` of a cell of Keras' contract gives, or None."""
    cell, states = _inner(layer), tf.nest.flatten(layer.zero_states(BATCH))
    given = cell(tf.constant(_sequences()[:, 0]), states)
    if not isinstance(given, (list, tuple)) or len(given) != 2:
        return f"call gives {_kind(given)}, expected two things: the output, and the list of states"
    return _problem_of_states("call", tf.nest.flatten(given[1]), states)


def _problem_of_states(method, given, states):
    if len(given) != len(states):
        count = f"{len(given)} {'state' if len(given) == 1 else 'states'}"
        return f"{method} gives {count}, expected {len(states)}: one array a state"
    for one, old in zip(given, states):
        if not hasattr(one, "shape") or tuple(one.shape) != tuple(old.shape):
            wanted = f"{tuple(old.shape)}: one array a state, as wide as the state"
            return f"{method} gives {_kind(one, 'a state')}, expected {wanted}"
    return None


def _kind(value, array="an array"):
    """What a method gave, in words."""
    if hasattr(value, "shape"):
        return f"{array} of shape {tuple(value.shape)}"
    return "None" if value is None else f"a {type(value).__name__}"


def _by_hand(layer, sequences):
    """Outputs of all steps of `cell.call`, one after the other: what the equation says."""
    cell, outputs = _inner(layer), []
    state = tf.nest.flatten(layer.zero_states(BATCH))
    for step in range(sequences.shape[1]):
        output, state = cell(sequences[:, step], state)
        state = list(state) if isinstance(state, (list, tuple)) else [state]
        outputs.append(output)
    return tf.stack(outputs, axis=1)


def _outputs_are_those_of_its_steps(cell, units):
    layer, x = _layer(cell, units), tf.constant(_sequences())
    return _near(layer(x), _by_hand(layer, x), TOLERANCE)


def _gradients(function, layer, x):
    variables = [variable.value for variable in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = function(x)
        total = tf.reduce_sum(outputs * tf.random.stateless_normal(outputs.shape, (1, 2)))
    return tape.gradient(total, [x, *variables], unconnected_gradients="zero")


def _gradients_are_those_of_its_steps(cell, units):
    layer, x = _layer(cell, units), tf.constant(_sequences())
    ours = _gradients(lambda given: layer(given, training=True), layer, x)
    expected = _gradients(lambda given: _by_hand(layer, given), layer, x)
    return _near(ours, expected, GRADIENT_TOLERANCE)


def _xla_gives_the_same(cell, units):
    layer, x = _layer(cell, units), tf.constant(_sequences())
    if layer.slow_layers():
        return None, "the engine's loops alone are compiled"
    compiled = _layer(cell, units, compile=True)
    compiled.set_weights(layer.get_weights())
    ours = _gradients(tf.function(lambda given: compiled(given, training=True)), compiled, x)
    return _near(ours, _gradients(lambda given: layer(given, training=True), layer, x), GRADIENT_TOLERANCE)


def _padding_changes_nothing(cell, units):
    layer, x = _layer(cell, units), _sequences()
    there = np.broadcast_to(np.arange(STEPS) < REAL, (BATCH, STEPS))
    noisy = np.where(there[:, :, None], x, 100 * x)
    outputs, states = layer.forward_from_state(x[:, :REAL])
    padded, after = layer.forward_from_state(noisy, mask=there)
    return _near([padded[:, :REAL], *tf.nest.flatten(after)], [outputs, *tf.nest.flatten(states)], TOLERANCE)


def _examples_do_not_see_one_another(cell, units):
    layer, x = _layer(cell, units), _sequences()
    return _near(layer(x[:1]), layer(x)[:1], TOLERANCE)


def _a_stream_is_the_whole(cell, units):
    layer, x, states, found = _layer(cell, units), _sequences(), None, []
    for chunk in (x[:, :1], x[:, 1:5], x[:, 5:]):
        outputs, states = layer.forward_from_state(chunk, states)
        found.append(outputs)
    return _near(tf.concat(found, axis=1), layer(x), TOLERANCE)


def _it_stacks_in_both_directions(cell, units):
    stack = StackedRNN((units, units), cell=cell, bidirectional=True, return_sequences=True, compile=False)
    outputs = stack(_sequences())
    return bool(np.isfinite(outputs).all()), f"two layers, outputs {tuple(outputs.shape)}"


def _every_argument_survives(cell, units):
    made = _inner(_layer(cell, units))
    config = made.get_config()
    again = type(made).from_config(config).get_config()
    names = [
        name
        for name, parameter in inspect.signature(type(made)).parameters.items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    lost = [name for name in names if name not in config]
    changed = [name for name in config if config[name] != again.get(name)]
    if lost or changed:
        return False, f"get_config loses {', '.join(lost + changed)}"
    return True, f"{len(config)} entries of get_config make the same cell"


def _model(cell, units):
    inputs = keras.Input((None, FEATURES))
    return keras.Model(inputs, _layer(cell, units)(inputs))


def _a_saved_model_is_the_same(cell, units):
    model, x = _model(cell, units), _sequences()
    with tempfile.TemporaryDirectory(prefix="rnn-apps-") as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        again = keras.models.load_model(path, compile=False)
    return _near(again(x), model(x), 0.0)


def _an_export_is_the_same(cell, units):
    model, x = _model(cell, units), _sequences()
    with tempfile.TemporaryDirectory(prefix="rnn-apps-") as folder, graph_form():
        model.export(folder, verbose=False)
        loaded = tf.saved_model.load(folder)
        return _near(loaded.serve(x), model(x), TOLERANCE)


def _half_precision_runs(cell, units):
    outputs = _layer(cell, units, dtype="mixed_bfloat16")(_sequences())
    return bool(np.isfinite(tf.cast(outputs, tf.float32)).all()), f"mixed_bfloat16 gives {outputs.dtype}"


def _it_learns(cell, units):
    layer, x = _layer(cell, units), tf.constant(_sequences())
    target = tf.random.stateless_uniform(layer(x).shape, (3, 4), -0.5, 0.5)
    optimizer, losses = keras.optimizers.Adam(0.01), []
    for _ in range(30):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(x, training=True) - target) ** 2)
        variables = layer.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        still = [v.path for v, g in zip(variables, gradients) if g is None]
        if still:
            return False, f"no gradient reaches {', '.join(still)}"
        optimizer.apply(gradients, variables)
        losses.append(float(loss))
    return losses[-1] < losses[0], f"30 steps of Adam take the loss from {losses[0]:.3f} to {losses[-1]:.3f}"


def _gradient_over_time(cell, units):
    finding = gradients_finding(gradient_norms(_model(cell, units)))
    return finding.passed, finding.detail


def _near(ours, expected, tolerance):
    pairs = zip(tf.nest.flatten(ours), tf.nest.flatten(expected))
    difference = max(relative_difference(np.asarray(one), np.asarray(other)) for one, other in pairs)
    return bool(difference <= tolerance), f"largest difference {difference:.1e}"


_CHECKS = (
    _is_made,
    _outputs_are_those_of_its_steps,
    _gradients_are_those_of_its_steps,
    _xla_gives_the_same,
    _padding_changes_nothing,
    _examples_do_not_see_one_another,
    _a_stream_is_the_whole,
    _it_stacks_in_both_directions,
    _every_argument_survives,
    _a_saved_model_is_the_same,
    _an_export_is_the_same,
    _half_precision_runs,
    _it_learns,
    _gradient_over_time,
)
