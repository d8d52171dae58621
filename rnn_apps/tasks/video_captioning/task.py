"""Video captioning: many-to-many, the frames of a clip in and a sentence about it out."""

from functools import partial

from rnn_apps.tasks.captioning import (
    CaptionDataset,
    CaptionObjective,
    CaptionPredictor,
    CaptionPreprocessing,
    captioner,
)
from rnn_apps.tasks.task import Task
from rnn_apps.tasks.video_captioning.clips import Clips

TASK = Task(
    partial(CaptionDataset, Clips),
    captioner,
    CaptionObjective,
    partial(CaptionPredictor, Clips),
    CaptionPreprocessing,
)
