"""The network that a recipe of frame labelling describes."""

from rnn_apps.models.step_features import feature_front, frame_front, scaled_front
from rnn_apps.models.stepwise import StepReader, stepwise_model
from rnn_apps.tasks.frame_labelling.dataset import is_frozen
from rnn_apps.tasks.step_predictor import step_classifier, training_form
from rnn_apps.tasks.task import Network


def frame_labeller(recipe, dataset):
    """Return the `Network` from frames, or numbers, and a mask to logits at every step.

    Where the CNN is frozen, what is trained begins after it, and the model that is saved contains it.
    """

    def make_front():
        options = (recipe.model.dropout, recipe.seed)
        if recipe.data.are_pictures and not is_frozen(recipe):
            return frame_front(dataset.preprocessing.cnn, *options)
        (steps, _), _, _ = dataset.encoded["train"]
        if is_frozen(recipe):
            return feature_front(steps.shape[1], *options)
        return scaled_front(steps, *options)

    network = model = step_classifier(recipe, make_front, len(dataset.class_names))
    if is_frozen(recipe):
        reader = StepReader(network)
        model = stepwise_model(frame_front(dataset.preprocessing.cnn), reader.recurrent, reader.head)
    return Network(model, training_form(recipe, network))
