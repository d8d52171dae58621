"""Checks the rank of the inputs of recurrent layers."""

_RANK = 3


def check_rank(layer, sequences):
    """Raise ValueError unless a tensor is ``(batch, steps, features)``.

    Args:
        layer: the `keras.Layer` that is called on it, for the message.
        sequences: tensor, symbolic or not; what has no shape or an unknown rank is not checked.
    """
    shape = getattr(sequences, "shape", None)
    if shape is not None and getattr(shape, "rank", 0) is not None:
        check_shape(layer, shape, _returns_last_output_only(sequences))


def check_shape(layer, shape, lower=None):
    """Raise ValueError unless a shape has three dimensions.

    Args:
        layer: the `keras.Layer` that is built for it, for the message.
        shape: tuple, batch first.
        lower: name of the recurrent layer whose last output it is, None if unknown.
    """
    if len(shape) == _RANK:
        return
    kind = f'{type(layer).__name__} "{layer.name}"'
    expected = "expected 3 dimensions (batch, steps, features)"
    raise ValueError(f"{kind}: {expected}, received {len(shape)}: {tuple(shape)}. {_fix(len(shape), lower)}")


def _fix(rank, lower):
    if lower is not None:
        return f'The layer "{lower}" before it gives its last output only: set return_sequences=True there.'
    if rank > _RANK:
        return "Flatten the dimensions after the steps, for instance with TimeDistributed(Flatten())."
    return (
        "A recurrent layer before it needs return_sequences=True; "
        "numbers (batch, steps) need a last dimension, Reshape((-1, 1)), and tokens an Embedding."
    )


def _returns_last_output_only(tensor):
    """Return the name of the recurrent layer that returned only the last output as this tensor, or None."""
    history = getattr(tensor, "_keras_history", None)
    if history is None or len(tensor.shape) >= _RANK:
        return None
    operation = history.operation
    if getattr(operation, "return_sequences", None) is False:
        return operation.name
    inputs = operation._inbound_nodes[history.node_index].input_tensors
    return _returns_last_output_only(inputs[0]) if inputs else None
