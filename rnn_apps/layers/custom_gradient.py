"""Functions with fast custom gradients that are differentiable themselves."""

import weakref

import tensorflow as tf
from tensorflow.python.eager import forwardprop_util  # no public function tells what has a tangent
from tensorflow.python.framework import ops  # the public API registers gradients, and removes none


def with_gradient(plain, pass_forward, pass_backward, arguments, is_taped=True):
    """Call a function whose gradient is computed by `pass_backward`.

    Gradients of that gradient are TensorFlow's own, of the plain function: gradient penalties, Hessians and
    the like are exact, but slower.

    Args:
        plain: ``plain(*arguments)`` returns nested tensors by operations that TensorFlow differentiates.
        pass_forward: ``pass_forward(*arguments)`` returns the same, and what the backward pass reads of it.
        pass_backward: ``pass_backward(kept, arguments, *upstream)``, with the upstream gradients nested like
            the results, returns the gradients, nested like the arguments; what it returns for an argument
            that is not of floating point is ignored.
        arguments: nested tensors.
        is_taped: whether a tape is open, which must not record `pass_forward`.
    """
    inputs = [tf.convert_to_tensor(one) for one in tf.nest.flatten(arguments)]  # a state may be a variable
    if forwardprop_util.pack_tangents(inputs).tangents:  # forward mode knows no gradients of our own
        return plain(*tf.nest.pack_sequence_as(arguments, inputs))
    count, floats = len(inputs), [tensor.dtype.is_floating for tensor in inputs]
    structure = []

    @tf.custom_gradient
    def run(*flat):
        given = _untaped(arguments, flat) if is_taped else tf.nest.pack_sequence_as(arguments, list(flat))
        results, kept = pass_forward(*given)
        kept = tf.nest.map_structure(tf.stop_gradient, kept)
        structure[:] = [results]

        @tf.custom_gradient
        def gradient(*tensors):
            upstream = _untaped(results, tensors[count:])
            gradients = tf.nest.flatten(pass_backward(kept, _untaped(arguments, tensors[:count]), *upstream))
            of_floats = [g for g, is_float in zip(gradients, floats) if is_float]
            return of_floats, lambda *d: _second_gradients(plain, arguments, floats, tensors, d)

        def gradients(*upstream):
            # Copies: what a gradient of this gradient reads must be of the graph that computes this one.
            upstream = map(tf.convert_to_tensor, upstream)  # that of a gather is made of slices
            found = iter(_freed_with_graph(gradient(*map(tf.identity, [*flat, *upstream]))))
            return [next(found) if is_float else None for is_float in floats]

        return tf.nest.flatten(results), gradients

    found = _freed_with_graph(run(*inputs))
    return tf.nest.pack_sequence_as(structure[0], found)


def _freed_with_graph(results):
    """Return the results of a `tf.custom_gradient` function, whose gradient lives as long as its graph.

    TensorFlow registers the gradient for the life of the process, and with it every tensor of the graph.
    """
    if tf.is_symbolic_tensor(results[0]):
        name, registry = results[0].op.get_attr("_gradient_op_type").decode(), ops.gradient_registry
        graph = weakref.ref(ops.get_default_graph())
        setattr(graph(), name, registry.lookup(name))
        registry._registry.pop(name)
        registry.register(lambda *operands: getattr(graph(), name)(*operands), name)
        weakref.finalize(graph(), registry._registry.pop, name).atexit = False
    return results


def _second_gradients(plain, arguments, floats, tensors, upstream):
    """Differentiate the gradients of `plain` by its arguments and by the upstream gradients it was given."""
    given, d_results = list(tensors[: len(floats)]), list(tensors[len(floats) :])
    sources, zero = [t for t, is_float in zip(given, floats) if is_float], tf.UnconnectedGradients.ZERO
    with tf.GradientTape(watch_accessed_variables=False) as outer:
        outer.watch([*sources, *d_results])
        with tf.GradientTape(watch_accessed_variables=False) as inner:
            inner.watch(sources)
            results = tf.nest.flatten(plain(*tf.nest.pack_sequence_as(arguments, given)))
        first = inner.gradient(results, sources, d_results, unconnected_gradients=zero)
    found = iter(outer.gradient(first, [*sources, *d_results], list(upstream), unconnected_gradients=zero))
    return [next(found) if is_float else None for is_float in (*floats, *(True for _ in d_results))]


def _untaped(structure, flat):
    """Pack tensors, hidden from outer tapes, which would have every loop record itself."""
    return tf.nest.pack_sequence_as(structure, [tf.stop_gradient(tensor) for tensor in flat])
