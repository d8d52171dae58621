"""Rule: a task trains in lower precision, with gradients close to those of float32 and float32 weights."""

import numpy as np
import pytest

from rnn_apps.recipe import apply_overrides
from rnn_apps.tasks import find_task
from rnn_apps.training import Trainer

pytestmark = pytest.mark.slow


def gradients_of(prepared, settings):
    """Gradients of the first batch, one vector."""
    batches = prepared.dataset.training_batches()
    step = Trainer(prepared.trained, batches, prepared.objective, settings)._train_step
    gradients, loss, *_ = step.differentiate(*next(iter(step.epoch(0, 0))))
    assert loss.dtype == np.float32
    factor = 2.0**15 if settings.precision == "mixed_float16" else 1.0
    return np.concatenate([np.ravel(gradient) for gradient in gradients]) / factor


def test_lower_precision_changes_gradients_little(run, tiny):
    if not tiny.is_trained_here:
        pytest.skip("a network that was trained elsewhere is not trained")
    dropouts = [key for key in run.recipe.flat() if key.endswith("dropout")]
    recipe = apply_overrides(run.recipe, {"training.batch_size": 8, **dict.fromkeys(dropouts, 0.0)})
    prepared = find_task(recipe.task).prepare(recipe)
    exact = gradients_of(prepared, recipe.training)
    for precision, tolerance in (("mixed_bfloat16", 0.4), ("mixed_float16", 0.05)):
        settings = recipe.training.model_copy(update={"precision": precision})
        found = gradients_of(prepared, settings)
        assert found.dtype == np.float32
        difference = np.linalg.norm(found - exact) / np.linalg.norm(exact)
        assert 1e-7 < difference < tolerance, precision
    assert {layer.compute_dtype for layer in prepared.trained._flatten_layers()} == {"float32"}
