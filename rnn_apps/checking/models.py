"""Checks a recurrent network: padding, batch independence, saving, layer implementations and gradients."""

import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.checking.failures import describe_error
from rnn_apps.checking.masks import find_lost_mask
from rnn_apps.layers import RecurrentLayer, StackedRNN, is_recurrent, why_not
from rnn_apps.models.example_inputs import (
    answers_of,
    call_model,
    example_inputs,
    relative_difference,
    tolerance_of,
)

PADDING, STEPS, GRADIENT_STEPS = 4, 12, 50
VANISHING, EXPLODING = 1e-4, 1e4


class Finding(NamedTuple):
    """The result of one check.

    Args:
        check: name of the check.
        passed: True, False, or None if the check does not apply.
        detail: one line.
    """

    check: str
    passed: bool | None
    detail: str


def check_model(model: keras.Model, steps: int = STEPS, norms: np.ndarray | None = None) -> list[Finding]:
    """Return a list of `Finding` on a Keras model with any layers.

    Args:
        model: functional or sequential `keras.Model` with numeric inputs.
        steps: number of steps of the inputs, if the model does not fix it.
        norms: result of `gradient_norms`, if already computed.

    Raises:
        ValueError: an input is text.
    """
    inputs = example_inputs(model, steps=steps)
    norms = gradient_norms(model, max(GRADIENT_STEPS, steps)) if norms is None else norms
    checks = (_check_padding, _check_batch, _check_reload)
    findings = [Finding(*check(model, inputs)) for check in checks]
    return [*findings, *_find_implementations(model, inputs), gradients_finding(norms)]


_difference = partial(relative_difference, whole=True)


def _largest_difference(outputs, expected):
    return max(_difference(*pair) for pair in zip(outputs, expected))


def _check_padding(model, inputs):
    name = "padding invariance"
    pad_value = _pad_value(model)
    if pad_value is None:
        return name, None, "the model has no mask: no Masking layer, no Embedding with mask_zero"
    padded = [_pad(array, pad_value, tensor) for array, tensor in zip(inputs, model.inputs)]
    if all(a.shape == b.shape for a, b in zip(padded, inputs)):
        return name, None, "no input has a variable number of steps"
    difference = 0.0
    for output, padded_output in zip(answers_of(model, inputs), answers_of(model, padded)):
        same_steps = padded_output[tuple(slice(0, size) for size in output.shape)]
        difference = max(difference, _difference(output, same_steps))
    detail = f"{PADDING} padded steps change outputs by {difference:.0e}"
    if difference <= tolerance_of(model):
        return name, True, detail
    lost = find_lost_mask(model, padded)
    return name, False, f"{detail}; the mask is lost in {lost}" if lost else detail


def _pad_value(model):
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Embedding) and layer.mask_zero:
            return 0
        if isinstance(layer, keras.layers.Masking):
            return layer.mask_value
    return None


def _pad(array, pad_value, tensor):
    if len(tensor.shape) < 2 or tensor.shape[1] is not None:
        return array
    widths = [(0, PADDING if axis == 1 else 0) for axis in range(array.ndim)]
    return np.pad(array, widths, constant_values=pad_value)


def _check_batch(model, inputs):
    name = "batch independence"
    if any(tensor.shape[0] not in (None, 1) for tensor in model.inputs):
        return name, None, "the model has a fixed batch size"
    outputs, tolerance = answers_of(model, inputs), tolerance_of(model)
    repeated = _largest_difference(outputs, answers_of(model, inputs))
    stateful = [x.name for x in model._flatten_layers() if getattr(x, "stateful", False)]
    if stateful or repeated > tolerance:  # the effect of a state may be too small to show
        layers = f"; stateful: {', '.join(stateful)}" if stateful else ""
        return name, False, f"two calls with the same inputs differ by {repeated:.0e}{layers}"
    difference = 0.0
    for row in range(len(inputs[0])):
        single = answers_of(model, [array[row : row + 1] for array in inputs])
        difference = max(
            difference, _largest_difference([output[row : row + 1] for output in outputs], single)
        )
    return name, difference <= tolerance, f"outputs alone and in a batch differ by {difference:.0e}"


def _check_reload(model, inputs):
    name = "save and reload"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
            reloaded = keras.models.load_model(path, compile=False)
        except Exception as error:  # an invalid configuration can cause an error of any type
            return name, False, describe_error(error)
        difference = _largest_difference(answers_of(model, inputs), answers_of(reloaded, inputs))
    return name, difference == 0, f"outputs differ by {difference:.0e}"


def _find_implementations(model, inputs):
    """Return a finding on the implementation that each recurrent layer uses in training."""
    call_model(model, inputs, training=True)
    findings = []
    for layer in model._flatten_layers():
        name = f"path of {layer.name}"
        if isinstance(layer, RecurrentLayer):
            path, reason = layer.engine_path or ("graph", "it was not run")
            findings.append(Finding(name, True, f"{path}, {reason}"))
        elif is_recurrent(layer) and not isinstance(layer, (StackedRNN, keras.layers.Bidirectional)):
            reason = why_not(layer)
            advice = f": {reason}" if reason else "; importing the model converts it to the faster engine"
            findings.append(Finding(name, None, f"loop of keras.layers.{type(layer).__name__}{advice}"))
    return findings or [Finding("path", None, "no recurrent layer")]


def gradient_norms(model: keras.Model, steps: int = GRADIENT_STEPS, seed: int = 0) -> np.ndarray | None:
    """Return how strongly the last output depends on each step: norms (steps,), or None.

    The norm of the gradient of a random projection of the outputs of the last step with respect to the
    features of each step (the outputs of the first embedding, if there is one in any layer), averaged over
    four random inputs. None if no input has a variable number of steps.

    Reference:
        Bengio, Simard and Frasconi, "Learning Long-Term Dependencies with Gradient Descent is Difficult"
        (1994); Pascanu, Mikolov and Bengio (2013).
    """
    inputs = [tf.constant(array) for array in example_inputs(model, 4, steps, seed)]
    is_variable = [len(tensor.shape) >= 2 and tensor.shape[1] is None for tensor in model.inputs]
    if not any(is_variable):
        return None

    @tf.function(autograph=False)
    def gradient(*inputs):
        with tf.GradientTape() as tape, _watch_embeddings(model, tape) as embedded:
            tape.watch([x for x in inputs if x.dtype.is_floating])
            first = keras.tree.flatten(call_model(model, inputs))[0]
            last = tf.cast(first[:, -1] if len(first.shape) > 2 else first, tf.float32)
            total = tf.reduce_sum(last * tf.random.stateless_normal(tf.shape(last), [seed, 0]))
        sequences = [x for x, variable in zip(inputs, is_variable) if variable and len(x.shape) > 2]
        features = [x for x in [*embedded, *sequences] if x.dtype.is_floating and x.shape[1:2] == [steps]]
        return tape.gradient(total, features[0], unconnected_gradients="zero") if features else None

    result = gradient(*inputs)
    if result is None:
        return None
    by_step = tf.reshape(tf.cast(result, tf.float32), [len(inputs[0]), steps, -1])
    return tf.reduce_mean(tf.norm(by_step, axis=-1), axis=0).numpy()


@contextmanager
def _watch_embeddings(model, tape):
    """Yield a list that collects the outputs of all embeddings in a model, watched by a tape."""
    outputs = []
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding)]

    def watched(original):
        def call(*args, **options):
            output = original(*args, **options)
            tape.watch(output)
            outputs.append(output)
            return output

        return call

    try:
        for layer in layers:
            layer.call = watched(layer.call)
        yield outputs
    finally:
        for layer in layers:
            vars(layer).pop("call", None)


def gradients_finding(norms: np.ndarray | None) -> Finding:
    """Return the `Finding` on the result of `gradient_norms`."""
    name = "gradient over time"
    if norms is None:
        return Finding(name, None, "no input has a variable number of steps and a gradient")
    if not np.isfinite(norms).all() or norms.max() == 0:
        return Finding(name, False, "it is zero, infinite or NaN")
    ends = max(1, len(norms) // 10)
    ratio = float(norms[:ends].mean() / max(norms[-ends:].mean(), 1e-30))
    verdict = "vanishes" if ratio < VANISHING else "explodes" if ratio > EXPLODING else "stays in range"
    detail = f"{norms[0]:.1e} at step 1, {norms[-1]:.1e} at step {len(norms)}: {verdict}"
    return Finding(name, VANISHING <= ratio <= EXPLODING or None, detail)  # never a failure


def draw_gradient_norms(norms: np.ndarray, path: str | Path) -> None:
    """Draw the result of `gradient_norms` over the steps, on a logarithmic scale, to an image file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(1, len(norms) + 1), np.maximum(norms, 1e-30), color="#1f5a8a")
    axes.set(
        xlabel="step", ylabel="gradient norm", yscale="log", title="Dependence of the output on each step"
    )
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
