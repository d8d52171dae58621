import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from rnn_apps import recipe as module
from rnn_apps.errors import RecipeError, UserError
from rnn_apps.recipe import (
    apply_overrides,
    dump_recipe,
    json_schema,
    load_recipe,
    packaged_recipes,
    with_data,
    with_sample,
)
from rnn_apps.run_folder import MANIFEST, RECORD

SOUND = "task: text_classification\ndata: {source: 'tfds:imdb_reviews'}\n"
SOUND_VALUES = {"task": "text_classification", "data": {"source": "sample"}}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a recipe as r.yaml into the working folder."""
    monkeypatch.chdir(tmp_path)

    def write_text(text):
        Path("r.yaml").write_text(text, encoding="utf-8")
        return "r.yaml"

    return write_text


def refusal(action, *arguments):
    """Returns the problems that an action ends in."""
    with pytest.raises(RecipeError) as caught:
        action(*arguments)
    return caught.value.problems


def test_every_public_name_exists():
    assert all(hasattr(module, name) for name in module.__all__)


def test_the_package_has_recipes():
    assert {"imdb", "imdb_gru"} <= set(packaged_recipes())


def test_a_recipe_can_be_loaded_by_path_and_takes_the_name_of_its_file(tmp_path):
    file = tmp_path / "my reviews.yaml"
    file.write_text(SOUND)
    assert load_recipe(file).name == load_recipe(str(file)).name == "my_reviews"
    assert load_recipe(file).path == file


def test_what_is_left_out_takes_its_default(write):
    recipe = load_recipe(write(SOUND))
    assert (recipe.seed, recipe.export, recipe.description) == (1, ["saved_model"], None)
    assert (recipe.model.cell, recipe.model.units, recipe.training.epochs) == ("vanilla", [128], 4)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("imbd", 'imbd: no such recipe, and no such file. Did you mean "imdb"? '),
        ("recipes/imdb_gro.yaml", "recipes/imdb_gro.yaml: no such recipe, and no such file. "
         'Did you mean "imdb_gru"? '),
        ("zzz", "zzz: no such recipe, and no such file. "),
        (".", ".: a folder, not a recipe. "),
        (os.devnull, f"{os.devnull}: not a regular file. "),
    ],
)  # fmt: skip
def test_a_recipe_that_is_not_there_names_the_nearest_and_how_to_list_them(name, text, write):
    write(SOUND)
    with pytest.raises(UserError) as caught:
        load_recipe(name)
    assert str(caught.value) == text + "List the packaged ones with: rnn_apps.recipe.packaged_recipes()"


def test_a_run_folder_points_at_its_recipe(tmp_path):
    (tmp_path / "recipe.yaml").write_text(SOUND)
    with pytest.raises(UserError, match=r"The recipe of that run is .*recipe\.yaml\."):
        load_recipe(tmp_path)


def test_a_name_too_long_for_the_system_is_the_users_error():
    with pytest.raises(UserError, match="cannot be read"):
        load_recipe("x" * 5000)


EVERYTHING = """
name: all.of_it
description: |
  Two lines: "quoted" # no comment
  \u00e9\u4e2d\U0001f600
task: text_classification
seed: 2147483647
data:
  source: files
  path: ' /data/no: 12:30'
  text: "1e-3"
  label: 'no'
  class_names: [yes, '5', "null", '~', 'True', 0o17x, '0x1F', "1_000", '- a', '#b', '', "tab\\tnew\\nline"]
  sample: {size: 100, set: {model.units: [32], model: {cell: gru, dropout: 1e-5}, training.clip_norm: null}}
model: {cell: my.cells:Leaky, units: [2, 2], residual: true, dropout: 0.1}
training: {learning_rate: 1e-7, clip_norm: null, weight_averaging: 0.999, compile: false}
export: []
""".replace("'', ", "")


@pytest.mark.parametrize("text", [SOUND, EVERYTHING], ids=["defaults", "everything"])
def test_a_dumped_recipe_loads_as_an_equal_one(text, write, tmp_path):
    recipe = load_recipe(write(text))
    other = tmp_path / "other.yaml"
    other.write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(other) == recipe
    assert dump_recipe(load_recipe(other)) == dump_recipe(recipe)


def test_a_dumped_recipe_writes_every_default_out(write):
    text = dump_recipe(load_recipe(write(SOUND)))
    recipe = load_recipe("r.yaml")
    for part in (recipe.data, recipe.model, recipe.training):
        assert all(f"\n  {key}:" in text for key in type(part).model_fields)


def test_set_overrides_one_key_and_the_later_wins(write):
    recipe = load_recipe(write(SOUND), ["training.epochs=8", "model.units=[4, 5]", "training.epochs = 9"])
    assert (recipe.training.epochs, recipe.model.units) == (9, [4, 5])
    assert recipe.training.batch_size == 64


def test_a_set_value_is_read_by_the_rules_of_the_file(write):
    overrides = ["training.learning_rate=1e-3", "training.clip_norm=", "data.label=no", "description=a=b"]
    recipe = load_recipe(write(SOUND), overrides)
    assert (recipe.training.learning_rate, recipe.training.clip_norm) == (0.001, None)
    assert (recipe.data.label, recipe.description) == ("no", "a=b")


def test_a_mapping_overrides_leaf_by_leaf(write):
    nested = {"training": {"epochs": 1}, "model": {"units": (3, 4)}, "data.path": Path("/d")}
    recipe = load_recipe(write(SOUND + "training: {batch_size: 2}\n"), {**nested, "data.source": "files"})
    assert (recipe.training.epochs, recipe.training.batch_size) == (1, 2)
    assert (recipe.model.units, recipe.data.path) == ([3, 4], "/d")


def test_overriding_a_recipe_leaves_the_first_one_alone(write):
    recipe = load_recipe(write(SOUND))
    assert apply_overrides(recipe, ["model.units=[9]"]).model.units == [9]
    assert recipe == load_recipe("r.yaml")


def test_an_override_that_is_wrong_is_named_by_its_option(write):
    unchecked = ["training.epochs=0", "trainng.epochs=1", "model={unit: 3}"]
    overrides = [*unchecked, "seed", "data.text=[", "seed.x=1"]
    assert refusal(load_recipe, write(SOUND + "seed: 5\n"), overrides) == [
        "override seed: expected KEY=VALUE, as in training.epochs=8.",
        "override data.text: not YAML, in column 2: while parsing a flow node expected the node content, but "
        "found '<stream end>'. Indent with spaces, one level a mapping; "
        'text that holds ": " or " #" goes into quotes.',
        "override seed.x: seed is 5, which has no keys. Override it as a whole.",
        "override training.epochs: received 0, expected a whole number from 1 to 10000.",
        'override model  model.unit: unknown key. Did you mean "units"? Allowed here: cell, units, '
        "residual, layer_dropout, recurrent_dropout, embedding, bidirectional, pooling, dropout, "
        "word_dropout, word_vectors.",
        'override trainng.epochs: unknown key "trainng". Did you mean "training"? '
        "Allowed here: name, description, task, seed, training, export, views, data, model.",
    ]


def test_an_override_from_python_is_named_by_its_path(write):
    assert refusal(load_recipe, write(SOUND), {"training": {"epochs": "five"}}) == [
        'override training.epochs: received "five", expected a whole number from 1 to 10000.'
    ]


@pytest.mark.parametrize("mark", [RECORD, MANIFEST])
def test_the_cell_of_a_run_is_taken_as_it_is_and_no_other(mark, write):
    """The process that made the run may have registered it."""
    text, unknown = (
        SOUND + "model: {cell: lstn}\n",
        'model.cell: received "lstn", expected the name of a cell',
    )
    assert refusal(load_recipe, write(text))[0].startswith(f"r.yaml:3  {unknown}")
    Path(mark).parent.mkdir(exist_ok=True)
    Path(mark).touch()
    recipe = with_data(load_recipe("r.yaml"), "/d")
    assert recipe.model.cell == "lstn"
    assert refusal(apply_overrides, recipe, ["model.cell=lstn"])[0].startswith(f"override {unknown}")


def test_overrides_that_replace_a_whole_are_not_blamed_on_the_file(write):
    text = SOUND + "training: {epochs: 3}\n"
    assert refusal(load_recipe, write(text), ["training={epochs: 0}"]) == [
        "override training  training.epochs: received 0, expected a whole number from 1 to 10000."
    ]


def test_with_data_points_a_recipe_at_files(write):
    recipe = load_recipe(write(SOUND))
    pointed = with_data(recipe, Path("/my/data"))
    assert (pointed.data.source, pointed.data.path) == ("files", "/my/data")
    assert (pointed.model, pointed.name, recipe.data.path) == (recipe.model, recipe.name, None)


def test_with_data_refuses_a_path_of_nothing(write):
    [problem] = refusal(with_data, load_recipe(write(SOUND)), "")
    assert problem.endswith('data.path: received "", expected the path of a file or a folder or null.')


def test_with_sample_applies_its_settings_and_lists_them(write):
    text = SOUND.replace("}", ", sample: {set: {model.units: [8], training: {epochs: 1}}}}")
    recipe, applied = with_sample(load_recipe(write(text)))
    assert (recipe.data.source, recipe.model.units, recipe.training.epochs) == ("sample", [8], 1)
    assert applied == ["model.units = [8]", "training.epochs = 1"]


def test_a_recipe_that_names_the_sample_has_its_settings_and_what_the_user_sets_wins(write):
    sample = "{set: {model.units: [8], training.epochs: 1}}"
    text = f"task: text_classification\ndata: {{source: sample, sample: {sample}}}\n"
    recipe = load_recipe(write(text), ["training.epochs=5"])
    assert (recipe.model.units, recipe.training.epochs) == ([8], 5)
    assert recipe.data.sample.set == {}  # so that a resolved recipe is not changed when it is loaded again
    nested = load_recipe(write(text), {"training": {"epochs": 5}})
    assert nested.training.epochs == 5


def test_data_of_ones_own_takes_the_settings_of_the_sample_back(write):
    sample = "{set: {model.units: [8], training.epochs: 1}}"
    text = f"task: text_classification\ndata: {{source: sample, sample: {sample}}}\n"
    recipe = with_data(load_recipe(write(text), ["training.batch_size=3"]), "mine")
    assert (recipe.data.source, recipe.data.path) == ("files", "mine")
    assert (recipe.model.units, recipe.training.batch_size) == ([128], 3)
    assert recipe.data.sample.set != {}
    again = apply_overrides(load_recipe(write(text)), {"data": {"source": "files", "path": "mine"}})
    assert again.model.units == [128]


def test_an_empty_mapping_is_merged_and_an_empty_assignment_clears(write):
    file = write("task: text_classification\ndata: {source: files, path: x}\nmodel: {units: [7]}\n")
    assert load_recipe(file, {"model": {}, "data": {}}) == load_recipe(file)
    assert load_recipe(file, ["model={}"]).model.units == [128]


def test_with_sample_leaves_the_path_of_files_behind(write):
    pointed = with_data(load_recipe(write(SOUND)), "/my/data")
    assert with_sample(pointed)[0].data.path is None


def test_a_recipe_without_a_sample_has_no_stand_in(write):
    recipe = load_recipe(write(SOUND.replace("}", ", sample: null}")))
    with pytest.raises(
        UserError,
        match=r"^r\.yaml:2  data\.sample: this recipe has no synthetic data to use instead of its own",
    ):
        with_sample(recipe)


def test_settings_of_a_sample_are_checked_when_the_recipe_is_loaded(write):
    head = "task: text_classification\ndata:\n  source: sample\n  sample:\n    set:\n"
    text = head + "      training.epochs: 0\n      task: x\n"
    where = "data.sample.set"
    assert refusal(load_recipe, write(text)) == [
        f"r.yaml:6  {where}  training.epochs: received 0, expected a whole number from 1 to 10000.",
        f"r.yaml:7  {where}  task: a sample cannot set this. Remove it.",
    ]


def test_the_schema_is_sound_and_the_committed_copy_is_current():
    jsonschema.Draft202012Validator.check_schema(json_schema())
    committed = resources.files("rnn_apps.recipes").joinpath("recipe.schema.json").read_text("utf-8")
    assert json.loads(committed) == json_schema(), "rnn-apps schema > recipes/recipe.schema.json"


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"data": {"source": "sample"}}, []),
        ({"task": "sentimnt", "data": {"source": "sample"}}, ["task"]),
        ({"task": "text_classification"}, []),
        ({"task": "text_classification", "data": {"source": "imdb"}}, ["data", "source"]),
        ({**SOUND_VALUES, "modl": {}}, []),
        ({**SOUND_VALUES, "model": {"units": [0]}}, ["model", "units", 0]),
        ({**SOUND_VALUES, "training": {"compile": 1}}, ["training", "compile"]),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(values, path, write):
    errors = list(jsonschema.Draft202012Validator(json_schema()).iter_errors(values))
    assert [list(error.absolute_path) for error in errors] == [path]
    assert refusal(load_recipe, write(json.dumps(values)))


def test_loading_a_recipe_imports_no_tensorflow():
    code = (
        "import sys; from rnn_apps import recipe; recipe.load_recipe('imdb'); recipe.json_schema(); "
        "print({'tensorflow', 'keras', 'numpy', 'tensorflow_datasets'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
