"""Rule: parts of a batch add up to the batch, and lower precision changes its gradients little."""

import itertools

import numpy as np
import pytest

from rnn_apps.recipe import apply_overrides
from rnn_apps.tasks import find_task
from rnn_apps.training import SINGLE, SingleProcess, Trainer

pytestmark = pytest.mark.slow

PROCESSES, PARTS, BATCH, NUM_BATCHES = 2, 2, 12, 2


class OneOf(SingleProcess):
    """One of several processes; the others do not exist."""

    def __init__(self, number, count):
        self.number, self.count = number, count


def sums_of(prepared, settings, workers):
    """Gradients, and loss and counts, of two batches, summed over the parts that one process computes."""
    batches = prepared.dataset.training_batches()
    step = Trainer(prepared.trained, batches, prepared.objective, settings, workers=workers)._train_step
    gradients, scores = [], []
    start = 0 if step._carried.is_used else len(batches) - NUM_BATCHES  # the last ones are the smallest
    for batch in itertools.islice(step.epoch(0, start), NUM_BATCHES):
        is_whole = workers.count * settings.accumulate_steps == 1
        own = [0.0, 0.0]
        for number, part in enumerate([(*batch, 1.0)] if is_whole else batch):
            if not is_whole:
                step._carried.select(number)
            found, loss, count, _, metrics = step.differentiate(*part)
            values = [float(loss) * float(count), float(count), *map(float, metrics.values())]
            own[0] = own[0] + np.concatenate([np.ravel(gradient) for gradient in found])
            own[1] = own[1] + float(part[-1]) * np.array(values)
        gradients.append(own[0])
        scores.append(own[1])
    return np.array(gradients), np.array(scores)


@pytest.fixture(scope="module")
def recipe_and_task(run, tiny):
    """The tiny recipe without random masks, and its `PreparedTask`."""
    if not tiny.is_trained_here:
        pytest.skip("a network that was trained elsewhere is not trained")
    dropouts = [key for key in run.recipe.flat() if key.endswith("dropout")]
    recipe = apply_overrides(run.recipe, {"training.batch_size": BATCH, **dict.fromkeys(dropouts, 0.0)})
    return recipe, find_task(recipe.task).prepare(recipe)


def test_the_parts_of_a_batch_add_up_to_it(recipe_and_task):
    recipe, prepared = recipe_and_task
    gradients, scores = sums_of(prepared, recipe.training, SINGLE)
    settings = recipe.training.model_copy(update={"accumulate_steps": PARTS})
    shares = [sums_of(prepared, settings, OneOf(number, PROCESSES)) for number in range(PROCESSES)]
    counts = scores[:, 1:2]
    assert np.abs(gradients / counts).max() > 1e-3
    np.testing.assert_allclose(sum(part for _, part in shares), scores, rtol=1e-5)
    np.testing.assert_allclose(sum(part for part, _ in shares) / counts, gradients / counts, atol=1e-5)


def first_gradients(prepared, settings):
    """Gradients of the first batch, one vector."""
    batches = prepared.dataset.training_batches()
    step = Trainer(prepared.trained, batches, prepared.objective, settings)._train_step
    gradients, loss, *_ = step.differentiate(*next(iter(step.epoch(0, 0))))
    assert loss.dtype == np.float32
    factor = 2.0**15 if settings.precision == "mixed_float16" else 1.0
    return np.concatenate([np.ravel(gradient) for gradient in gradients]) / factor


def test_lower_precision_changes_gradients_little(recipe_and_task):
    recipe, prepared = recipe_and_task
    exact = first_gradients(prepared, recipe.training)
    for precision, tolerance in (("mixed_bfloat16", 0.4), ("mixed_float16", 0.05)):
        settings = recipe.training.model_copy(update={"precision": precision})
        found = first_gradients(prepared, settings)
        assert found.dtype == np.float32
        assert 1e-7 < np.linalg.norm(found - exact) / np.linalg.norm(exact) < tolerance, precision
    assert {layer.compute_dtype for layer in prepared.trained._flatten_layers()} == {"float32"}
