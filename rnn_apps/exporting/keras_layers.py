"""Plain layers of Keras: a model that loads where rnn_apps is not installed."""

import keras

from rnn_apps.errors import UserError
from rnn_apps.exporting.comparing import compared
from rnn_apps.layers import NotConvertible
from rnn_apps.models.example_inputs import answers_of
from rnn_apps.models.plain_keras import plain_model

__all__ = ["write_keras_layers"]

TOLERANCE = 1e-5
BATCHES = ((1, 7), (3, 12))


def write_keras_layers(parts, folder):
    """Write ``model.keras``, which any Keras loads, run it, and compare.

    Args:
        parts: list of `Part`.
        folder: path of a folder that is there.

    Returns:
        Rows as of `compared`.

    Raises:
        UserError: the network has a layer that Keras has no counterpart for.
        RnnAppsError: the answers differ by more than `TOLERANCE`.
    """
    part = next((part for part in parts if part.model is not None), None)
    if part is None:
        problem = "its decoder has no counterpart in plain layers of Keras"
        raise UserError("--format keras", problem, fix="saved_model, onnx and litert hold it.")
    try:
        plain = plain_model(part.model)
    except NotConvertible as error:
        fix = "saved_model, onnx and litert hold it."
        raise UserError("--format keras", str(error).rstrip("."), fix=fix) from error
    path = folder / "model.keras"
    plain.save(path)
    names = list(part.answers(part.examples(1, part.steps, 0)))
    loaded = keras.models.load_model(path, compile=False)

    def run(inputs):
        return dict(zip(names, answers_of(loaded, inputs)))

    return [compared(part, run, path, BATCHES, TOLERANCE)]
