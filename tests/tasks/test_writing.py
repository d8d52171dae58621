"""The objective of text generation, and decoding without attention."""

import numpy as np
import pytest
import tensorflow as tf
from tests_of_tasks import small_recipe

from rnn_apps.tasks import find_task
from rnn_apps.tasks.translation.predictor import TranslationObjective

pytestmark = pytest.mark.slow


def test_without_attention_it_writes_and_explains_without_places():
    recipe = small_recipe("translation", model={"attention": None, "units": [6, 6]})
    task = find_task("translation").prepare(recipe)
    answers = task.predictor.predict(["the dog", ""], beam=3, nbest=2)
    assert [(len(answer["candidates"]), len(answer["scores"])) for answer in answers] == [(2, 2), (2, 2)]
    (explained,) = task.predictor.explain(["the dog"])
    assert all(row == [] for row in explained["weights"])
    assert task.predictor.illustrate(task.dataset, "test", 0) == ({}, {})


def test_the_loss_is_the_mean_over_real_tokens_with_smoothed_targets():
    recipe = small_recipe("translation", training={"label_smoothing": 0.2})
    objective = TranslationObjective(recipe, None, None)
    logits = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    tokens = np.array([[4, 3, 0], [2, 1, 3]])
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    smooth = np.eye(5)[tokens] * 0.8 + 0.2 / 5
    each = -(smooth * log_p).sum(-1)
    expected = each[tokens != 0].sum() / 5
    loss = objective.loss(tf.constant(logits), tf.constant(tokens))
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(objective.count(tf.constant(tokens))) == 5


def test_tokens_are_right_where_they_are_real():
    objective = TranslationObjective(small_recipe("translation"), None, None)
    logits = tf.one_hot([[4, 1, 0], [2, 2, 3]], 5)
    right = objective.batch_metrics(logits, tf.constant([[4, 3, 0], [2, 1, 3]]))
    assert float(right["token_accuracy"]) == 3
