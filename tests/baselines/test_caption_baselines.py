"""The caption baselines by hand."""

import numpy as np

from rnn_apps.baselines import captions
from rnn_apps.baselines.captions import most_frequent_caption, nearest_captions

TRAIN = [["a dog", "a cat"], ["a dog", "the sea"], ["a cat"], ["a red car", "a red car drives", "wheels"]]
PLACES = np.array([[1, 0], [0, 1], [-1, 0], [0, -5]], float)


def test_the_most_frequent_caption_and_of_equals_the_shorter_then_the_alphabet():
    assert most_frequent_caption([["b"], ["a", "b"]]) == "b"
    assert most_frequent_caption(TRAIN) == "a cat"
    assert most_frequent_caption([["long one", "b", "c"]]) == "b"


def test_the_nearest_is_nearest_by_angle_however_far():
    inputs = np.array([[9, 1], [0.1, 0.2], [-3, 0], [1, -9]])
    assert nearest_captions(inputs, PLACES, TRAIN) == ["a dog", "a dog", "a cat", "a red car"]


def test_of_several_captions_it_is_the_one_that_the_others_agree_with():
    several = [["wheels", "a red car drives fast", "a red car", "a red car outside"]]
    assert nearest_captions([[1, 0]], [[2, 0]], several) == ["a red car"]


def test_inputs_without_direction_and_many_at_once(monkeypatch):
    monkeypatch.setattr(captions, "_BATCH_SIZE", 2)
    inputs = np.concatenate([PLACES, np.zeros((1, 2))])
    answers = nearest_captions(inputs, PLACES, TRAIN)
    assert answers[:4] == ["a dog", "a dog", "a cat", "a red car"]
    assert len(answers) == 5
