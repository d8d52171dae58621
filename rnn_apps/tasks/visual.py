"""Creates the CNN of a recipe."""

from pathlib import Path

from rnn_apps.errors import Setting, UserError, did_you_mean, shown
from rnn_apps.models.visual_encoder import SMALL_CNN, application_names, visual_encoder


def make_visual_encoder(encoder, seed):
    """Return the `keras.Model` from images to regions for `VisualEncoderSettings`.

    Args:
        encoder: the settings.
        seed: random seed of the small CNN's initializers.

    Raises:
        UserError: if there is no such model, option or layer, or its weights are unavailable or do not fit.
    """
    size = tuple(encoder.image_size)
    try:
        return visual_encoder(
            encoder.name, encoder.weights, size, encoder.options, encoder.trainable_from, encoder.pooled, seed
        )
    except Exception as error:  # Keras raises all kinds of errors for files and downloads
        raise _user_error(encoder, error) from error


def _user_error(encoder, error):
    if encoder.name not in (SMALL_CNN, *application_names()):
        fix = did_you_mean(encoder.name, [SMALL_CNN, *application_names()])
        return UserError("model.encoder.name", "no such model", received=shown(encoder.name), fix=fix)
    if str(error).startswith("visual_encoder: "):
        return UserError("model.encoder", str(error).removeprefix("visual_encoder: ").rstrip("."))
    text = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
    if encoder.weights == "imagenet" and not isinstance(error, ValueError):
        return UserError(
            "model.encoder.weights",
            f"the ImageNet weights of {encoder.name} are not here and cannot be downloaded ({text})",
            fix=[
                "Keras caches downloads in ~/.keras/models.",
                Setting(
                    "Use a file of weights without the top, which Keras calls NAME_no_top.h5",
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
