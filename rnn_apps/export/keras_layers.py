"""Plain layers of Keras: a model that loads where rnn_apps is not installed."""

from rnn_apps.errors import UserError
from rnn_apps.export.formats import HELD_BY, ExportFormat


class KerasLayers(ExportFormat):
    """One ``model.keras`` of the layers that come with Keras, which any Keras loads."""

    name = "keras"

    def unsupported(self, predictor):
        """Return that Keras' own layers have no decoder, for a network that has one."""
        if all(part.model is None for part in predictor.network_parts()):
            return "its decoder has no counterpart in plain layers of Keras"
        return None

    def files(self, parts):
        """Return the first part that is a Keras model."""
        return [(next(part for part in parts if part.model is not None), "model.keras")]

    def convert(self, part, path, weights):
        """Write the model with each of our layers replaced by Keras' own.

        Raises:
            UserError: a layer has no counterpart.
        """
        from rnn_apps.layers import NotConvertible
        from rnn_apps.models.plain_keras import plain_model

        try:
            plain_model(part.model).save(path)
        except NotConvertible as error:
            problem = str(error).rstrip(".")
            raise UserError(self.name, problem, fix=HELD_BY, option="format") from error

    def load(self, path, part):
        """Return a function that runs the model in this process."""
        import keras

        from rnn_apps.models.example_inputs import answers_of

        names = list(part.answers(part.examples(1, part.steps, 0)))
        loaded = keras.models.load_model(path, compile=False)
        return lambda inputs: dict(zip(names, answers_of(loaded, list(inputs.values()))))
