"""The pages: the site builds strictly, fetches nothing, and shows commands, keys and code that exist."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import click
import pytest
from mkdocs.exceptions import PluginError

from rnn_apps.cli import cli
from rnn_apps.recipe import load_recipe, packaged_recipes
from rnn_apps.recipe.problems import node_at
from rnn_apps.tasks import settings_class, task_names

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "recipes/README.md"])
FENCED = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
BEFORE = r"^[ #$]*|[|&] |[(/]|with: "  # at the beginning of a line, behind a pipe, as a path, or as advice
COMMAND = re.compile(rf"(?:{BEFORE})(rnn-apps(?: [^\n|)#>;&]*)?)(?=$|[|)#>;&\n])", re.MULTILINE)
KEY = re.compile(r"(?<![\w/.-])(?:data|model|training)(?:\.[a-z_]+)+(?![\w(/])")
NOT_KEYS = (
    "csv",
    "csv.gz",
    "h5",
    "jsonl",
    "keras",
    "npz",
    "py",
    "yaml",
    "fit",
)  # files, and Keras' model.fit
ADDRESS = re.compile(r"(?:https?:)?//\w")


def code_of(page):
    """The texts of a page that are code: blocks and spans."""
    text = page.read_text(encoding="utf-8")
    blocks = [block[2] for block in FENCED.findall(text)]
    return [*blocks, *(span.replace("\\|", "|") for span in INLINE.findall(FENCED.sub("", text)))]


# Commands and keys


def wrong_in_command(line):
    """What a command line names that is not there, or None."""
    words = [word for word in shlex.split(line)[1:] if word != "..."]
    if not words or words[0].startswith("-"):
        command, words = cli, words
    elif words[0] in cli.commands:
        command, words = cli.commands[words[0]], words[1:]
    elif words[0].isupper():
        return None
    else:
        return f"no command {words[0]}"
    try:
        given, left, _ = command.make_parser(click.Context(command)).parse_args(words)
    except click.UsageError as error:
        return error.format_message()
    if left and command is not cli:
        return f"left over: {left}"
    recipe, task = given.get("recipe"), None
    if isinstance(recipe, str) and re.fullmatch("[a-z_]+", recipe):
        if recipe not in packaged_recipes():
            return f"no recipe {recipe}"
        task = load_recipe(recipe).task
    for override in given.get("overrides") or ():
        key = override.partition("=")[0]
        if not is_key(key, task):
            return f"no key {key}"
    return None


def is_key(key, task=None):
    if key in ("KEY", "key", "a.b", "seed"):
        return True
    return any(node_at(settings_class(name), key.split(".")) for name in ([task] if task else task_names()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_on_a_page_exists_with_its_options_and_keys(page):
    lines = [line.strip() for code in code_of(page) for line in COMMAND.findall(code)]
    assert {line: wrong for line in lines if (wrong := wrong_in_command(line))} == {}


def test_commands_are_found_on_the_pages():
    found = [line for page in PAGES for code in code_of(page) for line in COMMAND.findall(code)]
    assert len(found) > 100
    assert {line.split()[1] for line in found if len(line.split()) > 1} >= set(cli.commands)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("rnn-apps rum imdb", "no command rum"),
        ("rnn-apps run imdb --seed 1", "No such option"),
        ("rnn-apps run imbd", "no recipe imbd"),
        ("rnn-apps run imdb --set training.epoch=1", "no key training.epoch"),
        ("rnn-apps run imdb --set model.attention=dot", "no key model.attention"),
        ("rnn-apps evaluate RUN more", "left over"),
        ("rnn-apps run imdb --seeds", "requires an argument"),
    ],
)
def test_a_wrong_command_would_be_caught(line, wrong):
    assert wrong in wrong_in_command(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_key_on_a_page_exists(page):
    keys = {key for code in code_of(page) for key in KEY.findall(code)}
    assert [key for key in keys if key.partition(".")[2] not in NOT_KEYS and not is_key(key)] == []


def test_keys_are_found_on_the_pages():
    assert len({key for page in PAGES for code in code_of(page) for key in KEY.findall(code)}) > 80
    assert not is_key("model.cells")


# Code and links


def python_blocks():
    found = [(page, block[2]) for page in PAGES for block in FENCED.findall(page.read_text())]
    python = [(p, b[2]) for p in PAGES for b in FENCED.findall(p.read_text()) if b[1] == "python"]
    assert len(found) > len(python) > 4
    return python


def test_python_on_the_pages_compiles_and_what_trains_nothing_runs(tmp_path):
    runs = []
    for page, block in python_blocks():
        compile(block, str(page), "exec")
        if not re.search(r"rnn_apps\.(run|tune)\(", block):
            runs.append(block)
    assert len(runs) > 3
    command = [sys.executable, "-c", "\n".join(runs)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "name", ["README.md", "ARCHITECTURE.md", "recipes/README.md", "benchmarks/README.md"]
)
def test_links_between_the_texts_of_the_repository_lead_somewhere(name):
    links = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", (ROOT / name).read_text())
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


# The site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    line = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Requests(HTMLParser):
    """What a browser fetches of itself when it shows a page, and the scripts in it."""

    def __init__(self, text):
        super().__init__()
        self.found, self._in_script = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self._in_script = tag == "script"
        names = ("src", "srcset", "data", "poster", "style", *(["href"] if tag in ("link", "use") else []))
        self.found += [attributes[name] for name in names if attributes.get(name)]

    def handle_data(self, data):
        if self._in_script or self.lasttag == "style":
            self.found.append(data)


def requests_elsewhere(text):
    return [found for found in Requests(text).found if ADDRESS.search(found) and found[:5] != "data:"]


def test_no_page_requests_anything_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    assert {str(p): w for p in pages if (w := requests_elsewhere(p.read_text(encoding="utf-8")))} == {}
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert [s for s in styles if re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", s)] == []


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/css">',
        '<img src="http://a.example/x.png">',
        '<p style="background: url(https://a.example/x)">',
        "<style>@import 'https://a.example/x'</style>",
        '<script>fetch("https://a.example")</script>',
    ],
)
def test_a_page_that_requests_something_would_be_caught(text):
    assert requests_elsewhere(text)


def test_every_notebook_is_a_page(site):
    names = [path.stem for path in (ROOT / "notebooks").glob("*.ipynb")]
    assert [name for name in names if not (site / "notebooks" / f"{name}.html").exists()] == []


def test_the_reference_names_every_command_and_key(site):
    commands = (site / "reference/commands.html").read_text()
    assert [name for name in cli.commands if f'id="rnn-apps-{name}"' not in commands] == []
    keys = (site / "reference/recipe.html").read_text()
    assert "<code>training.tbptt.steps</code>" in keys
    assert "a whole number from 1 to 10000" in keys


# What the hooks refuse


def hook(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/hooks/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def explained():
    module = hook("recipes_explained")
    return lambda text: module.on_page_markdown(text, None, None, None)


@pytest.mark.parametrize(
    ("text", "is_formula"),
    [("$h_t$", True), ("$$h_t$$", True), ("from $5 to $6", False), ("`$h_t$`", False), ("$ x", False)],
)
def test_formulas_of_a_notebook_are_drawn_without_a_script_and_prices_stay(text, is_formula):
    module = hook("pages_from_elsewhere")
    drawn = module.CODE_OR_MATH.sub(module._as_mathml, text)
    assert ("<math" in drawn) is is_formula
    assert is_formula or drawn == text


def test_a_key_of_a_recipe_that_no_line_explains_fails_the_build(explained):
    with pytest.raises(PluginError, match="not explained: task, data.source"):
        explained("```recipe imdb\nseed: it\n```")


def test_a_line_that_explains_nothing_fails_the_build(explained):
    with pytest.raises(PluginError, match="nothing in it is explained by 'model.cel: it'"):
        explained("```recipe imdb\nmodel.cel: it\n```")


def test_the_table_of_keys_has_bounds_defaults_and_meaning(explained):
    table = explained("<!-- keys of every recipe -->")
    row = "| `training.epochs` | a whole number from 1 to 10000 | `4` | Passes over the training examples. |"
    assert row in table.splitlines()
