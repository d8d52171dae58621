"""The CNN that a recipe asks for."""

from pathlib import Path

from rnn_apps.errors import Setting, UserError, did_you_mean, shown
from rnn_apps.models.visual_encoder import SMALL_CNN, application_names, visual_encoder


def make_visual_encoder(encoder, seed):
    """Return the `keras.Model` from images to regions that `VisualEncoderSettings` ask for.

    Args:
        encoder: the settings.
        seed: of the small CNN's start.

    Raises:
        UserError: there is no such network, option or layer, or its weights cannot be had or do not fit.
    """
    size = tuple(encoder.image_size)
    try:
        return visual_encoder(
            encoder.name, encoder.weights, size, encoder.options, encoder.trainable_from, encoder.pooled, seed
        )
    except Exception as error:  # Keras raises whatever it meets in a file or on the network
        raise _front_error(encoder, error) from error


def _front_error(encoder, error):
    if encoder.name not in (SMALL_CNN, *application_names()):
        fix = did_you_mean(encoder.name, [SMALL_CNN, *application_names()])
        return UserError("model.encoder.name", "no such network", received=shown(encoder.name), fix=fix)
    if str(error).startswith("visual_encoder: "):
        return UserError("model.encoder", str(error).removeprefix("visual_encoder: ").rstrip("."))
    text = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
    if encoder.weights == "imagenet" and not isinstance(error, ValueError):
        return UserError(
            "model.encoder.weights",
            f"the ImageNet weights of {encoder.name} are not on this machine and cannot be fetched ({text})",
            fix=[
                "Keras keeps what it fetched in ~/.keras/models.",
                Setting(
                    "Name a file of weights without the top, which Keras calls NAME_no_top.h5",
                    "model.encoder.weights=FILE.weights.h5",
                ),
            ],
        )
    if encoder.weights not in (None, "imagenet"):
        if not Path(encoder.weights).is_file():
            return UserError("model.encoder.weights", "no such file", received=encoder.weights)
        fix = f"Expected a .weights.h5 or .h5 file of {encoder.name} with these options, without its top."
        return UserError("model.encoder.weights", f"{encoder.weights} does not fit: {text}", fix=fix)
    return UserError("model.encoder", text)
