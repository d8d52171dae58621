"""Keras export: a model of stock Keras layers, which loads without rnn-apps."""

from rnn_apps.errors import UserError
from rnn_apps.export.formats import OTHER_FORMATS, ExportFormat


class KerasLayers(ExportFormat):
    """One ``model.keras`` that consists of stock Keras layers."""

    name = "keras"

    def unsupported(self, predictor):
        """Return a reason if the network has a decoder, which stock Keras layers cannot represent."""
        if all(part.model is None for part in predictor.network_parts()):
            return "its decoder has no equivalent in stock Keras layers"
        return None

    def files(self, parts):
        """Return the first part that is a Keras model."""
        return [(next(part for part in parts if part.model is not None), "model.keras")]

    def convert(self, part, path, weights):
        """Write the model with stock Keras layers in place of those of rnn-apps.

        Raises:
            UserError: a layer has no equivalent.
        """
        from rnn_apps.layers import NotConvertible
        from rnn_apps.models.plain_keras import plain_model

        try:
            plain_model(part.model).save(path)
        except NotConvertible as error:
            problem = str(error).rstrip(".")
            raise UserError(self.name, problem, fix=OTHER_FORMATS, option="format") from error

    def load(self, path, part):
        """Return a function that runs the model."""
        import keras

        from rnn_apps.models.example_inputs import answers_of

        names = list(part.answers(part.examples(1, part.steps, 0)))
        loaded = keras.models.load_model(path, compile=False)
        return lambda inputs: dict(zip(names, answers_of(loaded, list(inputs.values()))))
