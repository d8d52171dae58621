"""Constructor arguments of layers: read from signatures, validated, and serialized to configs.

One list of arguments serves the constructor, `get_config` and the layers that wrap a cell, so that no
argument can be forgotten in one of them.
"""

import inspect

import keras

_SERIALIZERS = {
    "initializer": keras.initializers.serialize,
    "regularizer": keras.regularizers.serialize,
    "constraint": keras.constraints.serialize,
    "activation": keras.activations.serialize,
}


def constructor_arguments(cls, base=keras.layers.Layer):
    """Return a dict of the constructor parameters of `cls` and its parents below `base`."""
    found = {}
    for parent in cls.__mro__:
        if parent is base:
            break
        if "__init__" in vars(parent):
            for name, parameter in inspect.signature(parent.__init__).parameters.items():
                if name != "self" and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                    found.setdefault(name, parameter)
    return found


def serialized_arguments(layer, names):
    """Return a dict of the layer's attributes with these names, serialized for JSON."""
    return {name: _serialize(name, getattr(layer, name)) for name in names}


def _serialize(name, value):
    serializer = _SERIALIZERS.get(name.rsplit("_", 1)[-1])
    return serializer(value) if serializer and value is not None else value


def check_count(layer, name, value):
    """Return `value` if it is an int of at least 1; raises ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{layer}: {name}: received {value!r}, expected a whole number of at least 1.")
    return value


def check_rate(layer, name, value):
    """Return `value` if it is a number from 0 (included) to 1 (excluded); raises ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise ValueError(f"{layer}: {name}: received {value!r}, expected a number from 0 to below 1.")
    return value


def check_choice(layer, name, value, choices):
    """Return `value` if it is one of `choices` (1 is not True); raises ValueError otherwise."""
    if not any(value is choice or (isinstance(value, str) and value == choice) for choice in choices):
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{layer}: {name}: received {value!r}, expected one of {listed}.")
    return value
