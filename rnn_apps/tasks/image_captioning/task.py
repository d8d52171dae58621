"""Image captioning: one-to-many, a picture in and a sentence about it out."""

from functools import partial

from rnn_apps.tasks.captioning import (
    CaptionDataset,
    CaptionObjective,
    CaptionPredictor,
    CaptionPreprocessing,
    captioner,
)
from rnn_apps.tasks.image_captioning.pictures import Pictures
from rnn_apps.tasks.task import Task

TASK = Task(
    partial(CaptionDataset, Pictures),
    captioner,
    CaptionObjective,
    partial(CaptionPredictor, Pictures),
    CaptionPreprocessing,
)
