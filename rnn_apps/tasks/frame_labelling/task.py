"""The frame labelling task: one output at every step of a clip or a sensor stream."""

from rnn_apps.models.per_step import PerStepNetwork, per_step_model
from rnn_apps.models.step_features import (
    frame_feature_extractor,
    numeric_feature_extractor,
    precomputed_feature_extractor,
)
from rnn_apps.tasks.frame_labelling.dataset import FrameDataset, FramePreprocessing, is_frozen
from rnn_apps.tasks.frame_labelling.predictor import FramePredictor
from rnn_apps.tasks.objectives.classes import StepClassObjective
from rnn_apps.tasks.step_predictor import step_classifier, training_model
from rnn_apps.tasks.task import Network, Task


def frame_labeller(recipe, dataset):
    """Return the `Network` from frames or features, and a mask, to logits at every step.

    If the CNN is frozen, the trained model starts after it; the saved model contains it.
    """

    def make_extractor():
        options = (recipe.model.dropout, recipe.seed)
        if recipe.data.are_pictures and not is_frozen(recipe):
            return frame_feature_extractor(dataset.preprocessing.cnn, *options)
        (steps, _), _, _ = dataset.encoded["train"]
        if is_frozen(recipe):
            return precomputed_feature_extractor(steps.shape[1], *options)
        return numeric_feature_extractor(steps, *options)

    network = model = step_classifier(recipe, make_extractor, len(dataset.class_names))
    if is_frozen(recipe):
        trained = PerStepNetwork(network)
        model = per_step_model(
            frame_feature_extractor(dataset.preprocessing.cnn), trained.recurrent, trained.head
        )
    return Network(model, training_model(recipe, network))


TASK = Task(FrameDataset, frame_labeller, StepClassObjective, FramePredictor, FramePreprocessing)
