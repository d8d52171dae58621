"""Video captioning: many-to-many, the frames of a clip in and a sentence about it out."""

from rnn_apps.tasks.captioning import captioning_task
from rnn_apps.tasks.video_captioning.clips import Clips

TASK = captioning_task(Clips)
