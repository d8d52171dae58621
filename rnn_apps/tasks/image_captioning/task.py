"""Image captioning: one-to-many, a picture in and a sentence about it out."""

from rnn_apps.tasks.captioning import captioning_task
from rnn_apps.tasks.image_captioning.pictures import Pictures

TASK = captioning_task(Pictures)
