"""Runs a Keras model one operation at a time, including nested models."""

import keras


def walk(model, inputs, visit):
    """Return the outputs of a model for symbolic or concrete inputs.

    Args:
        model: functional or sequential `keras.Model`.
        inputs: tensors, in the structure that the model's graph takes.
        visit: ``visit(operation, args, options)`` calls an operation and returns its outputs. An operation is
            a layer or an operation of `keras.ops`; nested models are visited operation by operation.
    """

    def called(operation):
        def call(*args, **options):
            if isinstance(operation, keras.Model):
                return walk(operation, args[0], visit)
            return visit(operation, args, options)

        return call

    graph = model._functional if isinstance(model, keras.Sequential) else model
    outputs = graph._run_through_graph(inputs, operation_fn=called)
    flat = keras.tree.flatten(outputs)
    return flat[0] if isinstance(model, keras.Sequential) and len(flat) == 1 else outputs
