"""Decides settings that depend on the amount of data, the same for every task."""

import math

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.splits import SplitRequest
from rnn_apps.errors import DataError
from rnn_apps.inspecting.measures import decide_invalid_records

_BATCH_SIZES = ((4000, 64), (1000, 32), (200, 16), (0, 8))  # by minimum number of examples
_MAX_EPOCHS = 30
_MAX_WARMUP = 100
_MIN_AVERAGED, _MAX_AVERAGED = 300, 1000  # total steps between which weight averaging is decided here

_FRACTIONS = (0.1, 0.2, 0.3)
_MIN_VALIDATION = 10  # examples that make a meaningful validation split
_MAX_VALIDATION_SHARE = 16  # one in 16 examples is enough if that is fewer


def load_splits(inspection, load):
    """Return the splits of a data set, with a validation split that is not too small.

    Args:
        inspection: `Inspection`, to which decisions about invalid records are added.
        load: ``load(request, invalid)`` takes a `SplitRequest` and `InvalidRecords`, and returns split name
            to examples.

    Raises:
        DataError: from the last attempt.
    """
    given = inspection.overrides.get("data.validation_fraction")
    fractions = _FRACTIONS if given is None else (given,)
    for fraction in fractions:
        invalid = InvalidRecords("skip", 10**9)
        try:
            splits = load(SplitRequest(fraction), invalid)
        except DataError:
            if fraction == fractions[-1]:
                raise
            continue
        total = sum(map(len, splits.values()))
        if len(splits["validation"]) >= min(_MIN_VALIDATION, total // _MAX_VALIDATION_SHARE):
            break
    if fraction not in (given, _FRACTIONS[0]):
        why = f"{len(splits['validation'])} examples for validation, if it has no file of its own"
        inspection.decide("data.validation_fraction", fraction, why)
    decide_invalid_records(inspection, invalid, total)
    return splits


def decide_training(inspection, num_examples, min_epochs, steps, max_batch_size=64, noun="examples"):
    """Decide batch size, epochs and warm-up by the number of examples in train.

    Small data gets small batches and more epochs, so that training has about as many steps as it needs to
    converge; large data gets the values of the packaged recipe.

    Args:
        inspection: `Inspection`.
        num_examples: Number of examples in train.
        min_epochs: Epochs of the packaged recipe, for data as large as its own.
        steps: Minimum number of training steps.
        max_batch_size: Largest batch size.
        noun: What examples are called.
    """
    size = next(size for min_examples, size in _BATCH_SIZES if num_examples >= min_examples)
    batch_size = min(max_batch_size, size)
    steps_per_epoch = math.ceil(num_examples / batch_size)
    epochs = min(_MAX_EPOCHS, max(min_epochs, math.ceil(steps / steps_per_epoch)))
    total = epochs * steps_per_epoch
    inspection.decide("training.batch_size", batch_size, f"{num_examples:,} {noun} in train")
    inspection.decide("training.epochs", epochs, f"{steps_per_epoch:,} steps per epoch, {total:,} in all")
    warmup, why = min(_MAX_WARMUP, total // 10), f"a tenth of all steps, at most {_MAX_WARMUP}"
    inspection.decide("training.warmup_steps", warmup, why)
    if total < _MIN_AVERAGED:
        inspection.decide("training.weight_averaging", None, "too few steps for an average")
    elif total < _MAX_AVERAGED:
        inspection.decide("training.weight_averaging", 0.99, "over about the last 100 steps")


def round_up(number, minimum):
    """Return a number rounded up to two significant digits, at least `minimum`."""
    if number <= minimum:
        return minimum
    size = 10 ** max(0, len(str(int(number))) - 2)
    return math.ceil(number / size) * size
