import math

import pytest
from pydantic import ValidationError

from rnn_apps import settings
from rnn_apps.settings import Settings, TaskSettings, TrainingSettings
from rnn_apps.tasks.settings import recurrent_weights
from rnn_apps.tasks.text_classification.settings import (
    TextClassificationData,
    TextClassificationModel,
    TextClassificationSettings,
)

SOUND_DATA = {"source": "tfds:imdb_reviews"}

# From the specification of the keys: smallest and largest that are allowed, then ones just beyond.
TRAINING_RANGES = [
    ("batch_size", [1, 65_536], [0, 65_537]),
    ("epochs", [1, 10_000], [0, 10_001]),
    ("learning_rate", [1e-12, 10], [0, -1e-3, 10.1]),
    ("warmup_steps", [0, 100_000], [-1]),
    ("epsilon", [1e-12, 1], [0, -1e-7, 2]),
    ("weight_decay", [0, 1], [-0.1, 1.1]),
    ("clip_norm", [None, 1e-3, 1e6], [0, -1]),
    ("weight_averaging", [None, 0.001, 0.999], [0, 1]),
    ("early_stopping", [None, 1], [0]),
    ("label_smoothing", [0, 0.99], [-0.1, 1]),
    ("optimizer", ["adam", "adamw", "sgd", "rmsprop"], ["Adam", None]),
    ("schedule", ["constant", "cosine", "linear"], ["step"]),
    ("compile", ["auto", True, False], ["yes", 1, 0, None]),
]
DATA_RANGES = [
    ("source", ["tfds:imdb_reviews", "tfds:glue/sst2", "tfds:a/b:1.0.0"], ["tfds:", "imdb", "tfds:../x", ""]),
    ("class_names", [None, ["a", "b"]], [["a"], ["a", "a"], [], ["a", ""]]),
    ("validation_fraction", [0.01, 0.89], [0, 0.9]),
    ("vocabulary_size", [2, 1_000_000], [1, 1_000_001]),
    ("max_length", [1, 100_000], [0, 100_001]),
    ("keep", ["start", "end", "both"], ["middle"]),
    ("on_invalid_record", ["fail", "skip"], ["ignore"]),
    ("max_invalid_records", [0], [-1]),
    ("sample", [None, {"name": "reviews"}, {"size": 100}], [{"size": 99}, {"name": "films"}, "reviews"]),
]
MODEL_RANGES = [
    ("embedding", [1, 4096], [0, 4097]),
    ("cell", ["vanilla", "gru", "my.cells:Leaky"], ["peephole", "lstn", "LSTM", "", "a b", "my.cells:"]),
    ("units", [[1], [16_384], [1] * 16], [[], [0], [16_385], [1] * 17, 128]),
    ("pooling", ["last", "mean", "max", "mean_max"], ["sum"]),
    ("dropout", [0, 0.99], [-0.1, 1]),
    ("recurrent_dropout", [0, 0.99], [-0.1, 1]),
    ("layer_dropout", [0, 0.99], [-0.1, 1]),
    ("word_dropout", [0, 0.99], [-0.1, 1]),
]
RANGES = [
    *[(TrainingSettings, {}, *row) for row in TRAINING_RANGES],
    *[(TextClassificationData, SOUND_DATA, *row) for row in DATA_RANGES],
    *[(TextClassificationModel, {}, *row) for row in MODEL_RANGES],
    (TextClassificationSettings, {"data": SOUND_DATA}, "seed", [0, 2**31 - 1], [-1, 2**31]),
    (
        TextClassificationSettings,
        {"data": SOUND_DATA},
        "export",
        [[], ["saved_model"]],
        [["onx"], ["saved_model", "saved_model"]],
    ),
    (
        TextClassificationSettings,
        {"data": SOUND_DATA},
        "name",
        ["a", "a.b-c_1"],
        ["", "../x", ".a", "a/b", "a" * 101],
    ),
]


@pytest.mark.parametrize(
    ("cls", "others", "key", "value"),
    [(cls, others, key, value) for cls, others, key, allowed, _ in RANGES for value in allowed],
)
def test_values_at_the_edge_of_a_range_are_taken(cls, others, key, value):
    cls.model_validate({**others, key: value})


@pytest.mark.parametrize(
    ("cls", "others", "key", "value"),
    [(cls, others, key, value) for cls, others, key, _, refused in RANGES for value in refused],
)
def test_values_beyond_a_range_are_refused(cls, others, key, value):
    with pytest.raises(ValidationError) as caught:
        cls.model_validate({**others, key: value})
    assert {error["loc"][0] for error in caught.value.errors()} == {key}


@pytest.mark.parametrize("cls", [TrainingSettings, TextClassificationData, TextClassificationModel])
def test_no_key_takes_a_value_of_another_type(cls):
    for key in cls.model_fields:
        for foreign in ["5", True, 5, 0.5, [None]]:
            others = SOUND_DATA if cls is TextClassificationData else {}
            try:
                accepted = getattr(cls.model_validate({**others, key: foreign}), key)
            except ValidationError:
                continue
            assert accepted == foreign, key
            assert type(accepted) is type(foreign) or (isinstance(accepted, float) and type(foreign) is int)


def test_defaults_are_those_that_are_documented():
    assert TrainingSettings().model_dump() == {
        "batch_size": 64,
        "epochs": 4,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "schedule": "constant",
        "warmup_steps": 0,
        "epsilon": 1e-7,
        "weight_decay": 0.0,
        "clip_norm": 1.0,
        "checkpoint_every": {"steps": None, "minutes": 10.0},
        "weight_averaging": None,
        "early_stopping": None,
        "label_smoothing": 0.0,
        "precision": "float32",
        "accumulate_steps": 1,
        "recompute_every": None,
        "deterministic": False,
        "compile": "auto",
    }


def test_settings_cannot_be_changed_after_they_were_checked():
    with pytest.raises(ValidationError, match="frozen"):
        TrainingSettings().epochs = 5


def test_a_number_must_be_finite():
    for value in (math.inf, math.nan):
        with pytest.raises(ValidationError, match="finite"):
            TrainingSettings(learning_rate=value)


@pytest.mark.parametrize(
    "cls", [TaskSettings, TrainingSettings, TextClassificationData, TextClassificationModel]
)
def test_every_key_is_described_for_editors(cls):
    assert all(field.description for field in cls.model_fields.values())


def test_a_conflict_between_keys_names_the_key_to_mend():
    class Pair(Settings):
        low: int = 0
        high: int = 1

        def cross_checks(self):
            if self.low > self.high:
                yield ("low",), "above high {as it says}"

    class Outer(Settings):
        pair: Pair

    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"pair": {"low": 2}})
    [error] = caught.value.errors()
    assert (error["loc"], error["msg"]) == (("pair", "low"), "above high {as it says}")


def test_recurrent_weights_are_those_of_the_equation():
    # W_xh (features, units) and W_hh (units, units), for each direction and gate, by hand.
    by_hand = 2 * 4 * (3 * 5 + 5 * 5 + 10 * 7 + 7 * 7)
    assert recurrent_weights("lstm", [5, 7], features=3, directions=2) == by_hand
    assert recurrent_weights("vanilla", [5], features=3) == 3 * 5 + 5 * 5


def test_every_public_name_exists():
    assert all(hasattr(settings, name) for name in settings.__all__)
