"""Rule: every packaged recipe opens with what it does, is valid, is shown whole, has a page, and runs."""

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml
from tiny_tasks import tiny_task

import rnn_apps
from rnn_apps.cli import call
from rnn_apps.errors import RecipeError
from rnn_apps.recipe import dump_recipe, json_schema, load_recipe, packaged_recipes

PAGES = Path(__file__).parents[2] / "docs" / "tasks"
RECIPES = list(packaged_recipes())


def text_of(name):
    return resources.files("rnn_apps.recipes").joinpath(f"{name}.yaml").read_text("utf-8")


def check_opening(text, name):
    """The first lines are the schema, what it does, and the command that runs it."""
    lines = text.splitlines()
    assert lines[0] == "# yaml-language-server: $schema=recipe.schema.json"
    assert lines[1].startswith("# ")
    assert lines[1].endswith(".")
    assert lines[2] == f"#   rnn-apps run {name}"


def check_valid(path):
    """It loads, as it is and once it is written out, and both forms match the schema."""
    recipe = load_recipe(path)
    jsonschema.validate(yaml.safe_load(Path(path).read_text("utf-8")), json_schema())
    jsonschema.validate(yaml.safe_load(dump_recipe(recipe)), json_schema())
    return recipe


def check_shown(name, folder, capsys):
    """What `show` prints is the recipe with every default, and `validate` accepts it."""
    capsys.readouterr()
    assert call(["show", name]) == 0
    shown = folder / f"{name}.yaml"
    shown.write_text(capsys.readouterr().out, encoding="utf-8")
    assert load_recipe(shown) == load_recipe(name)
    assert call(["validate", str(shown)]) == 0


def check_page(name, pages):
    """A page of the tasks names it, and shows how to run it or what its lines mean."""
    named = [page for page in pages if f"`{name}`" in page]
    assert named, f"no page of docs/tasks names the recipe {name}"
    explained = any(f'--8<-- "recipes/{name}.yaml"' in page for page in pages)
    assert explained or any(f"rnn-apps run {name}" in page for page in named), (
        f"no page says how to run {name}"
    )


def check_runs(name, folder, console):
    """With settings of a tiny run of its task it comes to its end."""
    settings = tiny_task(load_recipe(name).task).overrides(export=[], views=False)
    settings["training"] = {**settings["training"], "epochs": 1}
    run = rnn_apps.run(name, out=folder, console=console, **settings)
    assert run.is_complete
    assert run.metrics["recipe"] == name
    assert run.metrics["test"]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_opens_with_what_it_does(name):
    check_opening(text_of(name), name)
    assert text_of(name).splitlines()[1] == f"# {packaged_recipes()[name]}"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_valid_and_matches_its_schema(name, tmp_path):
    (tmp_path / f"{name}.yaml").write_text(text_of(name), encoding="utf-8")
    assert check_valid(tmp_path / f"{name}.yaml") == load_recipe(name)
    assert load_recipe(name).name == name


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_shown_with_every_default(name, tmp_path, capsys):
    check_shown(name, tmp_path, capsys)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_a_page(name):
    check_page(name, [page.read_text(encoding="utf-8") for page in PAGES.glob("*.md")])


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in RECIPES if n != tiny_task(load_recipe(n).task).recipe])
def test_a_recipe_runs(name, tmp_path, new_console):
    """Those from which the tiny run of their task is made run in test_task_completes.py."""
    check_runs(name, tmp_path / "run", new_console())


# Seeded faults


def test_a_recipe_with_a_stale_key_is_caught(tmp_path):
    stale = text_of("imdb").replace("  cell: vanilla", "  cel: vanilla")
    (tmp_path / "imdb.yaml").write_text(stale, encoding="utf-8")
    with pytest.raises(RecipeError, match='model.cel: unknown key. Did you mean "cell"'):
        check_valid(tmp_path / "imdb.yaml")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(stale), json_schema())


def test_a_recipe_that_does_not_say_what_it_does_is_caught():
    without = "\n".join(text_of("imdb").splitlines()[1:])
    for text, name in ((without, "imdb"), (text_of("imdb"), "imdb_gru")):
        with pytest.raises(AssertionError):
            check_opening(text, name)


def test_a_recipe_without_a_page_is_caught():
    with pytest.raises(AssertionError, match="no page of docs/tasks names"):
        check_page("haiku", ["The recipe `imdb`: `rnn-apps run imdb`"])
    with pytest.raises(AssertionError, match="no page says how to run"):
        check_page("haiku", ["The recipe `haiku` writes."])


def test_a_default_that_is_not_shown_is_caught(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("rnn_apps.recipe.dump_recipe", lambda recipe: json.dumps({"task": recipe.task}))
    with pytest.raises((AssertionError, RecipeError)):
        check_shown("imdb", tmp_path, capsys)


def test_a_recipe_that_does_not_run_is_caught(tmp_path, new_console, monkeypatch):
    tiny = tiny_task("text_classification")
    monkeypatch.setattr(tiny, "settings", {**tiny.settings, "data": {"source": "files", "path": "nowhere"}})
    with pytest.raises(rnn_apps.errors.UserError, match="no such file or folder"):
        check_runs("imdb_gru", tmp_path / "run", new_console())
