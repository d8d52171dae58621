"""Every kind of mistake in a recipe, and the whole text that its writer gets to read.

The messages were written by hand from the documented keys and ranges; lines are counted in the text.
"""

import pytest

from rnn_apps.errors import RecipeError
from rnn_apps.recipe import load_recipe
from rnn_apps.tasks import task_names

TOP = "name, description, task, seed, training, export, views, data, model"
TASKS = ", ".join(task_names())
DATA = (
    "source, path, validation_fraction, on_invalid_record, max_invalid_records, shuffle, sample, text, "
    "label, class_names, vocabulary_size, max_length, keep"
)
MODEL = (
    "cell, units, residual, layer_dropout, recurrent_dropout, embedding, bidirectional, pooling, "
    "dropout, word_dropout, word_vectors"
)
TRAINING = (
    "batch_size, epochs, optimizer, learning_rate, schedule, warmup_steps, epsilon, weight_decay, clip_norm, "
    "weight_averaging, early_stopping, label_smoothing, precision, accumulate_steps, checkpoint_every, "
    "recompute_every, deterministic, compile"
)
SOURCE = "tfds:NAME (such as tfds:imdb_reviews), files or sample"
SIZES = "a list of 1 to 16 entries, each a whole number from 1 to 16384"
CELLS = (
    "Built in: vanilla, gru, lstm, min_gru, ind_rnn, layer_norm_lstm; "
    "a cell of your own is written module:Class, or in Python registered first."
)
QUOTE = "To make it text, put it into quotes:"
PART = "a number of at least 0 and below 1"
CLASSES = "a list of 2 to 1000 entries, each text of 1 to 200 characters or null"

HEAD = "task: text_classification\ndata:\n  source: tfds:imdb_reviews\n"  # what follows is line 4

# Below `data:`, `model:` and `training:` on lines 4 or 5. id: (one line of YAML, what follows the place)
IN_DATA = {
    "unknown data key": (
        "clas_names: x",
        f'clas_names: unknown key. Did you mean "class_names"? Allowed here: {DATA}.',
    ),
    "key of elsewhere": (
        "epochs: 3",
        f'epochs: unknown key. Did you mean "training.epochs"? Allowed here: {DATA}.',
    ),
    "path is a number": (
        "path: 5",
        f'path: received 5, expected the path of a file or a folder or null. {QUOTE} "5".',
    ),
    "path without files": (
        "path: /x",
        'path: received "/x", but source is tfds:imdb_reviews, which takes no path. '
        "Set data.source to files.",
    ),
    "empty column": ("text: ''", 'text: received "", expected text of 1 to 200 characters.'),
    "one column for both": (
        "label: text",
        'label: received "text", expected a column other than that of the text.',
    ),
    "column is a truth": (
        "label: true",
        f'label: received true, expected text of 1 to 200 characters. {QUOTE} "true".',
    ),
    "one class": ("class_names: [a]", f'class_names: received ["a"], expected {CLASSES}.'),
    "classes in text": ("class_names: a, b", f'class_names: received "a, b", expected {CLASSES}.'),
    "equal classes": (
        "class_names: [a, b, a]",
        'class_names: received "a" more than once, expected entries that all differ.',
    ),
    "number as class": (
        "class_names: [neg, 1]",
        f'class_names.1: received 1, expected text of 1 to 200 characters. {QUOTE} "1".',
    ),
    "all is validation": (
        "validation_fraction: 1",
        "validation_fraction: received 1, expected a number above 0 and below 0.9.",
    ),
    "fraction in percent": (
        "validation_fraction: 10%",
        'validation_fraction: received "10%", expected a number above 0 and below 0.9.',
    ),
    "unknown way to shuffle": (
        "shuffle: examples first",
        'shuffle: received "examples first", expected one of shards, examples. Did you mean "examples"?',
    ),
    "huge vocabulary": (
        "vocabulary_size: 2000000",
        "vocabulary_size: received 2000000, expected a whole number from 2 to 1000000.",
    ),
    "underscored number": (
        "vocabulary_size: 20_000",
        'vocabulary_size: received "20_000", expected a whole number from 2 to 1000000.',
    ),
    "no words": ("max_length: 0", "max_length: received 0, expected a whole number from 1 to 100000."),
    "half a word": ("max_length: 1.5", "max_length: received 1.5, expected a whole number from 1 to 100000."),
    "keep the middle": (
        "keep: ends",
        'keep: received "ends", expected one of start, end, both. Did you mean "end"?',
    ),
    "bad records": (
        "on_invalid_record: no",
        'on_invalid_record: received "no", expected one of fail, skip.',
    ),
    "fewer than none": (
        "max_invalid_records: -1",
        "max_invalid_records: received -1, expected a number from 0 to 1000000000.",
    ),
    "neither a number of records nor a fraction": (
        "max_invalid_records: 1.5",
        "max_invalid_records: received 1.5, expected a whole number, or a fraction below 1.",
    ),
    "sample by name": (
        "sample: reviews",
        'sample: received "reviews", expected a mapping with the keys name, size, set or null.',
    ),
    "sample too small": (
        "sample: {size: 9}",
        "sample.size: received 9, expected a whole number from 100 to 1000000.",
    ),
    "unknown sample": ("sample: {name: reviewz}", 'sample.name: received "reviewz", expected reviews.'),
    "unknown sample key": (
        "sample: {seize: 200}",
        'sample.seize: unknown key. Did you mean "size"? Allowed here: name, size, set.',
    ),
    "sample sets a list": ("sample: {set: [1]}", "sample.set: received [1], expected a mapping."),
}
IN_MODEL = {
    "unknown model key": ("cel: gru", f'cel: unknown key. Did you mean "cell"? Allowed here: {MODEL}.'),
    "unlike any key": ("xyzzy: 1", f"xyzzy: unknown key. Allowed here: {MODEL}."),
    "key is a number": ("7: 1", f"7: unknown key. Allowed here: {MODEL}."),
    "embedding as text": (
        "embedding: '128'",
        'embedding: received "128", expected a whole number from 1 to 4096.',
    ),
    "embedding is null": ("embedding:", "embedding: received null, expected a whole number from 1 to 4096."),
    "misspelt cell": (
        "cell: vanila",
        f'cell: received "vanila", expected the name of a cell. Did you mean "vanilla"? {CELLS}',
    ),
    "misspelt cell, far off": (
        "cell: lstn",
        f'cell: received "lstn", expected the name of a cell. Did you mean "lstm"? {CELLS}',
    ),
    "cell of nobody": ("cell: peephole", f'cell: received "peephole", expected the name of a cell. {CELLS}'),
    "cell in capitals": (
        "cell: LSTM",
        f'cell: received "LSTM", expected the name of a cell. Did you mean "lstm"? {CELLS}',
    ),
    "cell in words": ("cell: my cell", f'cell: received "my cell", expected the name of a cell. {CELLS}'),
    "units without brackets": ("units: 128", f"units: received 128, expected {SIZES}."),
    "no units": ("units: []", f"units: received [], expected {SIZES}."),
    "a unit of none": ("units: [8, 0]", "units.1: received 0, expected a whole number from 1 to 16384."),
    "yes for true": ("bidirectional: yes", 'bidirectional: received "yes", expected true or false.'),
    "one for true": ("residual: 1", "residual: received 1, expected true or false."),
    "residual sizes": (
        "{units: [4, 5], residual: true}",
        "residual: received true, but units are [4, 5]; expected layers of equal size.",
    ),
    "word vectors": (
        "word_vectors: glove",
        'word_vectors: received "glove", expected one of random, cooccurrence.',
    ),
    "pooling": (
        "pooling: mean-max",
        'pooling: received "mean-max", expected one of last, mean, max, mean_max. Did you mean "mean_max"?',
    ),
    "all dropped": ("dropout: 1.0", f"dropout: received 1.0, expected {PART}."),
    "negative dropout": ("word_dropout: -0.1", f"word_dropout: received -0.1, expected {PART}."),
    "infinite dropout": ("recurrent_dropout: .inf", f"recurrent_dropout: received .inf, expected {PART}."),
    "no number at all": ("layer_dropout: .nan", f"layer_dropout: received .nan, expected {PART}."),
    "more weights than any machine holds": (
        "{units: [16384, 16384], cell: lstm}",
        # 2 directions x 4 gates x ((128 + 16384) x 16384 + (2 x 16384 + 16384) x 16384), and 20000 x 128
        "units: these settings make 8,609,271,808 weights (2,560,000 in the embedding, "
        "8,606,711,808 in the recurrent layers), expected at most 2,000,000,000.",
    ),
}
IN_TRAINING = {
    "unknown training key": (
        "epoch: 3",
        f'epoch: unknown key. Did you mean "epochs"? Allowed here: {TRAINING}.',
    ),
    "key of the model": (
        "dropout: 0.1",
        f'dropout: unknown key. Did you mean "model.dropout"? Allowed here: {TRAINING}.',
    ),
    "epochs in words": ("epochs: five", 'epochs: received "five", expected a whole number from 1 to 10000.'),
    "epochs with a point": ("epochs: 4.0", "epochs: received 4.0, expected a whole number from 1 to 10000."),
    "epochs by the clock": (
        "epochs: 12:30",
        'epochs: received "12:30", expected a whole number from 1 to 10000.',
    ),
    "batches of none": ("batch_size: 0", "batch_size: received 0, expected a whole number from 1 to 65536."),
    "a list for a number": (
        "batch_size: [64]",
        "batch_size: received [64], expected a whole number from 1 to 65536.",
    ),
    "optimizer": (
        "optimizer: adm",
        'optimizer: received "adm", expected one of adam, adamw, sgd, rmsprop. Did you mean "adam"?',
    ),
    "no learning": (
        "learning_rate: 0",
        "learning_rate: received 0, expected a number above 0 and at most 10.",
    ),
    "schedule": ("schedule: 5", "schedule: received 5, expected one of constant, cosine, linear."),
    "warm-up": (
        "warmup_steps: -5",
        "warmup_steps: received -5, expected a whole number from 0 to 1000000000.",
    ),
    "epsilon": ("epsilon: 0", "epsilon: received 0, expected a number above 0 and at most 1."),
    "decay": ("weight_decay: 2", "weight_decay: received 2, expected a number from 0 to 1."),
    "clip at none": ("clip_norm: 0", "clip_norm: received 0, expected a number above 0 or null."),
    "averaging": (
        "weight_averaging: 1",
        "weight_averaging: received 1, expected a number above 0 and below 1 or null.",
    ),
    "patience": (
        "early_stopping: true",
        "early_stopping: received true, expected a whole number from 1 to 10000 or null.",
    ),
    "smoothing": ("label_smoothing: 1", f"label_smoothing: received 1, expected {PART}."),
    "precision": (
        "precision: float16",
        'precision: received "float16", expected one of float32, mixed_bfloat16, mixed_float16. '
        'Did you mean "float32"?',
    ),
    "no part": (
        "accumulate_steps: 0",
        "accumulate_steps: received 0, expected a whole number from 1 to 65536.",
    ),
    "checkpoints in words": (
        "checkpoint_every: often",
        'checkpoint_every: received "often", expected a mapping with the keys steps, minutes.',
    ),
    "checkpoints never": (
        "checkpoint_every: {minutes: 0}",
        "checkpoint_every.minutes: received 0, expected a number above 0 and at most 10000 or null.",
    ),
    "recomputing nothing": (
        "recompute_every: 0",
        "recompute_every: received 0, expected a whole number from 1 to 1000000 or null.",
    ),
    "deterministic": ("deterministic: on", 'deterministic: received "on", expected true or false.'),
    "compile": ("compile: 1", "compile: received 1, expected one of auto, true, false."),
    "compile by guess": (
        "compile: outo",
        'compile: received "outo", expected one of auto, true, false. Did you mean "auto"?',
    ),
}

# Whole recipes. id: (text, problems)
WHOLE = {
    "no task": ("data: {source: sample}\n", [f"r.yaml:1  task: missing; expected one of {TASKS}."]),
    "misspelt task": (
        "# first\ntask: taggin\n",
        [f'r.yaml:2  task: received "taggin", expected one of {TASKS}. Did you mean "tagging"?'],
    ),
    "task is a list, and more is wrong": (
        "task: [tagging]\nseed: -1\nsede: 1\n",
        [
            f'r.yaml:1  task: received ["tagging"], expected one of {TASKS}. Did you mean "tagging"?',
            "r.yaml:2  seed: received -1, expected a whole number from 0 to 2147483647.",
            f'r.yaml:3  sede: unknown key. Did you mean "seed"? Allowed here: {TOP}.',
        ],
    ),
    "no data": (
        "task: text_classification\n",
        [f"r.yaml:1  data: missing; expected a mapping with the keys {DATA}."],
    ),
    "data is text": (
        "task: text_classification\ndata: imdb\n",
        [f'r.yaml:2  data: received "imdb", expected a mapping with the keys {DATA}.'],
    ),
    "no source": (
        "task: text_classification\ndata:\n  text: review\n",
        [f"r.yaml:2  data.source: missing; expected {SOURCE}."],
    ),
    "unknown source": (
        "task: text_classification\ndata:\n  source: imdb\n",
        [f'r.yaml:3  data.source: received "imdb", expected {SOURCE}.'],
    ),
    "files without a path": (
        "task: text_classification\ndata: {source: files}\n",
        ["r.yaml:2  data.path: missing; source is files, expected the file or folder to read."],
    ),
    "sample without a sample": (
        "task: text_classification\ndata:\n  source: sample\n  sample: null\n",
        [
            "r.yaml:4  data.sample: received null, but source is sample, "
            "expected a mapping with name and size."
        ],
    ),
    "embedding beyond any machine": (
        "task: text_classification\n"
        "data:\n  source: sample\n  vocabulary_size: 1000000\n"
        "model:\n  embedding: 4096\n",
        [
            # 2 directions x (4096 + 128) x 128
            "r.yaml:6  model.embedding: these settings make 4,097,081,344 weights (4,096,000,000 in the "
            "embedding, 1,081,344 in the recurrent layers), expected at most 2,000,000,000."
        ],
    ),
    "formats": (
        HEAD + "export: [onx, saved_model]\n",
        [
            'r.yaml:4  export.0: received "onx", expected one of saved_model, onnx, litert, micro, keras. '
            'Did you mean "onnx"?'
        ],
    ),
    "a format twice": (
        HEAD + "export: [saved_model, saved_model]\n",
        ['r.yaml:4  export: received "saved_model" more than once, expected entries that all differ.'],
    ),
    "a name that is a path": (
        HEAD + "name: ../x\n",
        [
            "r.yaml:4  name: received \"../x\", expected letters, digits, '.', '_' and '-', at most 100 "
            "or null."
        ],
    ),
    "an entry on a line of its own": (
        HEAD + "model:\n  units:\n    - 8\n    - eight\n",
        ['r.yaml:7  model.units.1: received "eight", expected a whole number from 1 to 16384.'],
    ),
    "a merge key": (
        "task: text_classification\ndata: &d\n  source: sample\nmodel:\n  <<: *d\n",
        [f"r.yaml:5  model.<<: unknown key. Allowed here: {MODEL}."],
    ),
    "very long text": (
        HEAD + f"seed: {'x' * 1000}\n",
        [f'r.yaml:4  seed: received "{"x" * 55} ..., expected a whole number from 0 to 2147483647.'],
    ),
    "conflicts beside mistakes": (
        "task: text_classification\ndata:\n  source: files\n  keep: all\n"
        "model: {units: [1, 2], residual: true, cel: x}\n",
        [
            "r.yaml:2  data.path: missing; source is files, expected the file or folder to read.",
            'r.yaml:4  data.keep: received "all", expected one of start, end, both.',
            f'r.yaml:5  model.cel: unknown key. Did you mean "cell"? Allowed here: {MODEL}.',
            "r.yaml:5  model.residual: received true, but units are [1, 2]; expected layers of equal size.",
        ],
    ),
    "a key twice beside mistakes": (
        HEAD + "seed: 1\nseed: 2\nexport: keras\n",
        [
            "r.yaml:5  seed: written twice, first on line 4. Keep one of the two.",
            'r.yaml:6  export: received "keras", expected a list of entries, each one of saved_model, onnx, '
            "litert, micro, keras.",
        ],
    ),
}


def below(section: str, line: str) -> str:
    return f"{section}: {line}\n" if line.startswith("{") else f"{section}:\n  {line}\n"


def broken_recipes():
    """Yields text and problems, with the place in front of every message."""
    for name, (line, text) in IN_DATA.items():
        yield pytest.param(f"{HEAD}  {line}\n", [f"r.yaml:4  data.{text}"], id=name)
    for section, table in (("model", IN_MODEL), ("training", IN_TRAINING)):
        for name, (line, text) in table.items():
            number = 4 if line.startswith("{") else 5
            problem = f"r.yaml:{number}  {section}.{text}"
            yield pytest.param(HEAD + below(section, line), [problem], id=name)
    for name, (text, problems) in WHOLE.items():
        yield pytest.param(text, problems, id=name)


@pytest.mark.parametrize(("text", "problems"), list(broken_recipes()))
def test_a_mistake_is_named_with_place_received_expected_and_fix(text, problems, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe("r.yaml")
    assert caught.value.problems == problems


def test_the_head_alone_is_sound(tmp_path):
    (tmp_path / "r.yaml").write_text(HEAD)
    assert load_recipe(tmp_path / "r.yaml").task == "text_classification"


def test_every_key_of_every_section_is_broken_by_some_row():
    rows = [text for table in (IN_DATA, IN_MODEL, IN_TRAINING) for _, text in table.values()]
    broken = {text.partition(":")[0].partition(".")[0] for text in rows}
    keys = {key for section in (DATA, MODEL, TRAINING) for key in section.split(", ")}
    assert keys - broken == {"source"}  # its rows are whole recipes


@pytest.mark.parametrize("value", ["''", "5", "[a, a]", "[a, '']", "{a: b}"])
def test_a_setting_of_several_types_is_named_once_and_by_its_own_name(value):
    with pytest.raises(RecipeError) as caught:
        load_recipe("forecasting", [f"data.time={value}"])
    (problem,) = caught.value.problems
    place, _, text = problem.partition(": ")
    assert place in ("override data.time", "override data.time  data.time.1")
    assert "function" not in problem
    assert text.startswith("received ")


def test_a_format_of_times_needs_no_quotes_of_yaml():
    recipe = load_recipe("forecasting", ["data.time=day", "data.time_format=%d.%m.%Y %H:%M"])
    assert recipe.data.time_format == "%d.%m.%Y %H:%M"
