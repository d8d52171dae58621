"""The image captioning task: one-to-many, from an image to a sentence about it."""

from rnn_apps.tasks.captioning import captioning_task
from rnn_apps.tasks.image_captioning.pictures import Pictures

TASK = captioning_task(Pictures)
