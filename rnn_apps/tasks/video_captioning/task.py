"""The video captioning task: many-to-many, from the frames of a clip to a sentence about it."""

from rnn_apps.tasks.captioning import captioning_task
from rnn_apps.tasks.video_captioning.clips import Clips

TASK = captioning_task(Clips)
