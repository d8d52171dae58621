"""Is a recurrent network sound? What padding, company, saving and time do to its answers."""

import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.checking.failures import explained
from rnn_apps.checking.masks import where_the_mask_is_lost
from rnn_apps.layers import RecurrentLayer, StackedRNN, is_recurrent, why_not
from rnn_apps.models.example_inputs import (
    answers_of,
    call_model,
    example_inputs,
    relative_difference,
    tolerance_of,
)

PADDING, STEPS, LONG = 4, 12, 50
VANISHING, EXPLODING = 1e-4, 1e4


class Finding(NamedTuple):
    """What one check found.

    Args:
        check: name of it.
        passed: True, False, or None where it does not apply.
        detail: one line.
    """

    check: str
    passed: bool | None
    detail: str


def check_model(model, steps=STEPS, norms=None):
    """Return a list of `Finding` on a model of Keras, whatever its layers.

    Args:
        model: functional or sequential `keras.Model` of numbers.
        steps: of the inputs, where the model leaves their number open.
        norms: what `gradient_norms` gave, where it has been asked already.

    Raises:
        ValueError: an input of it is text.
    """
    inputs = example_inputs(model, steps=steps)
    norms = gradient_norms(model, max(LONG, steps)) if norms is None else norms
    checks = (_padding, _company, _reload, _paths)
    return [finding for check in checks for finding in check(model, inputs)] + [gradients_finding(norms)]


_differ = partial(relative_difference, whole=True)


def _padding(model, inputs):
    name = "padding invariance"
    pad = _padding_value(model)
    if pad is None:
        return [Finding(name, None, "the model has no mask: no Masking layer, no Embedding with mask_zero")]
    longer = [_lengthened(array, pad, given) for array, given in zip(inputs, model.inputs)]
    if all(a.shape == b.shape for a, b in zip(longer, inputs)):
        return [Finding(name, None, "no input has steps whose number is left open")]
    difference = 0.0
    for short, long in zip(answers_of(model, inputs), answers_of(model, longer)):
        same = long[tuple(slice(0, side) for side in short.shape)]
        difference = max(difference, _differ(short, same))
    if difference <= tolerance_of(model):
        return [Finding(name, True, f"{PADDING} padded steps change answers by {difference:.0e}")]
    lost = where_the_mask_is_lost(model, longer)
    blame = f"; the mask is lost in {lost}" if lost else ""
    return [Finding(name, False, f"{PADDING} padded steps change answers by {difference:.0e}{blame}")]


def _padding_value(model):
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Embedding) and layer.mask_zero:
            return 0
        if isinstance(layer, keras.layers.Masking):
            return layer.mask_value
    return None


def _lengthened(array, pad, given):
    if len(given.shape) < 2 or given.shape[1] is not None:
        return array
    sides = [(0, PADDING if axis == 1 else 0) for axis in range(array.ndim)]
    return np.pad(array, sides, constant_values=pad)


def _company(model, inputs):
    name = "samples apart"
    if any(given.shape[0] not in (None, 1) for given in model.inputs):
        return [Finding(name, None, "the model takes batches of one size only")]
    together, tolerance = answers_of(model, inputs), tolerance_of(model)
    again = max(_differ(*pair) for pair in zip(together, answers_of(model, inputs)))
    stateful = [x.name for x in model._flatten_layers() if getattr(x, "stateful", False)]
    if stateful or again > tolerance:  # a state may fade before it shows
        blame = f"; stateful: {', '.join(stateful)}" if stateful else ""
        return [Finding(name, False, f"the same inputs twice differ by {again:.0e}{blame}")]
    alone = 0.0
    for row in range(len(inputs[0])):
        answers = answers_of(model, [array[row : row + 1] for array in inputs])
        alone = max(alone, *(_differ(a[row : row + 1], b) for a, b in zip(together, answers)))
    detail = f"a sample alone and in a batch differ by {alone:.0e}"
    return [Finding(name, alone <= tolerance, detail)]


def _reload(model, inputs):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
            again = keras.models.load_model(path, compile=False)
        except Exception as error:  # whatever a layer's configuration leads to
            return [Finding("save and reload", False, explained(error))]
        pairs = zip(answers_of(model, inputs), answers_of(again, inputs))
        difference = max(_differ(*pair) for pair in pairs)
    return [Finding("save and reload", difference == 0, f"answers differ by {difference:.0e}")]


def _paths(model, inputs):
    """Which path every recurrent layer takes while training, and why not a faster one."""
    call_model(model, inputs, training=True)
    found = []
    for layer in model._flatten_layers():
        if isinstance(layer, RecurrentLayer):
            path, reason = layer.engine_path or ("graph", "it was not run")
            found.append(Finding(f"path of {layer.name}", True, f"{path}, {reason}"))
        elif is_recurrent(layer) and not isinstance(layer, (StackedRNN, keras.layers.Bidirectional)):
            reason = why_not(layer)
            found.append(Finding(f"path of {layer.name}", None, _advice(layer, reason)))
    return found or [Finding("path", None, "no recurrent layer")]


def _advice(layer, reason):
    kind = f"keras.layers.{type(layer).__name__}"
    return f"{kind}'s own loop: {reason}" if reason else f"{kind}'s own loop; importing it makes it ours"


def gradient_norms(model, steps=LONG, seed=0):
    """Return how strongly the last answer depends on each step: norms (steps,), or None.

    The norm of the gradient, by the features of a step (of what the first embedding gives where there is one,
    in whatever layer it is), of a random sum of the outputs of the last step, mean over four random inputs.
    None where no input has steps whose number is left open.

    Reference:
        Bengio, Simard and Frasconi, "Learning Long-Term Dependencies with Gradient Descent is Difficult"
        (1994); Pascanu, Mikolov and Bengio (2013).
    """
    inputs = [tf.constant(array) for array in example_inputs(model, 4, steps, seed)]
    if not any(len(given.shape) >= 2 and given.shape[1] is None for given in model.inputs):
        return None

    @tf.function(autograph=False)
    def gradient(*inputs):
        with tf.GradientTape() as tape, _embedded(model, tape) as words:
            tape.watch([x for x in inputs if x.dtype.is_floating])
            first = keras.tree.flatten(call_model(model, inputs))[0]
            last = first[:, -1] if len(first.shape) > 2 else first
            total = tf.reduce_sum(
                tf.cast(last, tf.float32) * tf.random.stateless_normal(tf.shape(last), [seed, 0])
            )
        given = [x for x, open_ in zip(inputs, model.inputs) if len(x.shape) > 2 and open_.shape[1] is None]
        features = [x for x in [*words, *given] if x.dtype.is_floating and x.shape[1:2] == [steps]]
        return tape.gradient(total, features[0], unconnected_gradients="zero") if features else None

    found = gradient(*inputs)
    if found is None:
        return None
    by_step = tf.reshape(tf.cast(found, tf.float32), [len(inputs[0]), steps, -1])
    return tf.reduce_mean(tf.norm(by_step, axis=-1), axis=0).numpy()


@contextmanager
def _embedded(model, tape):
    """Within this context a list fills with what embeddings give, wherever they are in a model, watched."""
    seen = []
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding)]

    def watched(look_up):
        def call(*args, **options):
            found = look_up(*args, **options)
            tape.watch(found)
            seen.append(found)
            return found

        return call

    try:
        for layer in layers:
            layer.call = watched(layer.call)
        yield seen
    finally:
        for layer in layers:
            vars(layer).pop("call", None)


def gradients_finding(norms):
    """Return the `Finding` on what `gradient_norms` gave."""
    name = "gradient over time"
    if norms is None:
        return Finding(name, None, "no input has steps whose number is left open and numbers to derive by")
    if not np.isfinite(norms).all() or norms.max() == 0:
        return Finding(name, False, "it is zero, infinite or no number")
    ends = max(1, len(norms) // 10)
    ratio = float(norms[:ends].mean() / max(norms[-ends:].mean(), 1e-30))
    verdict = "vanishes" if ratio < VANISHING else "explodes" if ratio > EXPLODING else "stays in range"
    detail = f"{norms[0]:.1e} at step 1, {norms[-1]:.1e} at step {len(norms)}: {verdict}"
    return Finding(name, VANISHING <= ratio <= EXPLODING or None, detail)  # a fact, and no fault


def draw_gradient_norms(norms, path):
    """Draw the norms of `gradient_norms` over the steps, on a logarithmic scale, into a picture file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(1, len(norms) + 1), np.maximum(norms, 1e-30), color="#1f5a8a")
    axes.set(xlabel="step", ylabel="gradient norm", yscale="log", title="How the answer depends on each step")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
