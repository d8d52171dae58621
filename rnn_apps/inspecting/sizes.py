"""Settings that follow from how much data there is, the same for every task."""

import math

from rnn_apps.data.records import BadRecords
from rnn_apps.errors import DataError
from rnn_apps.inspecting.measures import decide_bad_records

_BATCHES = ((4000, 64), (1000, 32), (200, 16), (0, 8))
_MOST_EPOCHS = 30
_WARM_UP = 10  # part of the steps of a training: one in so many
_AVERAGED = 1000  # steps from which on a slow average of the weights pays

_FRACTIONS = (0.1, 0.2, 0.3)
_LEAST = 10  # examples with which a validation says something
_SMALL = 16  # of so many examples one at least, where that is fewer


def load_with_room(inspection, load):
    """Return the parts of a data set, with a part of train as validation that is not too small.

    Args:
        inspection: `Inspection`, to which is added what is decided of records that cannot be used.
        load: ``load(bad, fraction)`` takes `BadRecords` and the fraction of train that becomes validation,
            and returns part name to examples.

    Raises:
        DataError: what the last try raised.
    """
    given = inspection.given.get("data.validation_fraction")
    fractions = _FRACTIONS if given is None else (given,)
    for fraction in fractions:
        bad = BadRecords("skip", 10**9)
        try:
            parts = load(bad, fraction)
        except DataError:
            if fraction == fractions[-1]:
                raise
            continue
        total = sum(map(len, parts.values()))
        if len(parts["validation"]) >= min(_LEAST, total // _SMALL):
            break
    if fraction not in (given, _FRACTIONS[0]):
        why = f"{len(parts['validation'])} examples for validation, where there is no part of its own"
        inspection.decide("data.validation_fraction", fraction, why)
    decide_bad_records(inspection, bad, total)
    return parts


def decide_training(inspection, examples, least_epochs, steps, most_batch=64, unit="examples"):
    """Decide batch size, epochs and warm-up by the number of examples in train.

    Small data takes small batches and more passes, so that a training has about as many steps as it needs to
    settle; large data takes the packaged recipe's.

    Args:
        inspection: `Inspection`.
        examples: in train.
        least_epochs: those of the packaged recipe, for data as large as its own.
        steps: that a training should have at least.
        most_batch: bound on the batch size.
        unit: what examples are called.
    """
    batch = min(most_batch, next(size for least, size in _BATCHES if examples >= least))
    steps_per_epoch = math.ceil(examples / batch)
    epochs = min(_MOST_EPOCHS, max(least_epochs, math.ceil(steps / steps_per_epoch)))
    total = epochs * steps_per_epoch
    inspection.decide("training.batch_size", batch, f"{examples:,} {unit} in train")
    inspection.decide("training.epochs", epochs, f"{steps_per_epoch:,} steps an epoch, {total:,} in all")
    warmup = min(100, total // _WARM_UP)
    inspection.decide("training.warmup_steps", warmup, "a tenth of all steps, at most 100")
    average = 0.99 if total >= 300 else None
    if total < _AVERAGED:
        why = "of weights, over the last 100 steps or so" if average else "no average: too few steps for one"
        inspection.decide("training.weight_averaging", average, why)


def rounded_up(number, least):
    """Return a number as a person would set it: two digits and zeros, never below `least`."""
    if number <= least:
        return least
    size = 10 ** max(0, len(str(int(number))) - 2)
    return math.ceil(number / size) * size
