"""A functional or sequential model run one operation at a time, models within it included."""

import keras


def walk(model, inputs, visit):
    """Return what a model gives for its inputs, symbolic or not.

    Args:
        model: functional or sequential `keras.Model`.
        inputs: tensors, in the structure that the graph of the model takes.
        visit: ``visit(operation, args, options)`` calls an operation and returns its outputs. An operation is
            a layer or an operation of `keras.ops`; what a model within the model is made of is visited.
    """

    def called(operation):
        def call(*args, **options):
            if isinstance(operation, keras.Model):
                return walk(operation, args[0], visit)
            return visit(operation, args, options)

        return call

    graph = model._functional if isinstance(model, keras.Sequential) else model
    found = graph._run_through_graph(inputs, operation_fn=called)
    flat = keras.tree.flatten(found)
    return flat[0] if isinstance(model, keras.Sequential) and len(flat) == 1 else found
