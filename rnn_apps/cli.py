"""The command line: parses, calls one function, prints."""

import json
import os
import signal
import sys
import warnings

import click

from rnn_apps.errors import RnnAppsError, UserError, shown

__all__ = ["call", "cli", "main"]

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _examples(*lines):
    """An epilog of examples, one a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


_verbose = click.option(
    "--verbose",
    is_flag=True,
    expose_value=False,
    help="Show TensorFlow's own log lines and full tracebacks.",
)


@click.group(
    context_settings=_CONTEXT,
    epilog=_examples("rnn-apps list", "rnn-apps run imdb", "rnn-apps run --help"),
)
@_verbose
@click.version_option(package_name="rnn-apps")
def cli():
    """Recurrent networks, from one YAML recipe to a trained, measured and exported RNN."""


@cli.command("list", epilog=_examples("rnn-apps list"))
def list_recipes():
    """List the recipes that come with rnn-apps, with the shape of recurrence of each."""
    from rich.table import Table

    from rnn_apps.recipe import load_recipe, packaged_recipes
    from rnn_apps.tasks import settings_class

    table = Table("recipe", "task", "shape", "what it does")
    for name, line in packaged_recipes().items():
        task = load_recipe(name).task
        table.add_row(name, task, settings_class(task).shape, line)
    _print_table(table)


_recipe = click.argument("recipe")
_set = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting; repeatable."
)


@cli.command(epilog=_examples("rnn-apps show imdb", "rnn-apps show imdb --set model.cell=gru"))
@_recipe
@_set
def show(recipe, overrides):
    """Print a recipe with every default written out."""
    from rnn_apps.recipe import dump_recipe, load_recipe

    click.echo(dump_recipe(load_recipe(recipe, overrides)), nl=False)


@cli.command(epilog=_examples("rnn-apps validate recipes/imdb.yaml"))
@_recipe
@_set
def validate(recipe, overrides):
    """Check a recipe, and name every problem at once."""
    from rnn_apps.recipe import load_recipe

    loaded = load_recipe(recipe, overrides)
    click.echo(f"{recipe}: a valid recipe for the task {loaded.task}.")


@cli.command(epilog=_examples("rnn-apps schema > recipe.schema.json"))
def schema():
    """Print the JSON Schema of recipes, with which editors complete them."""
    from rnn_apps.recipe import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _seed_list(context, parameter, text):
    if text is None:
        return None
    seeds = [part.strip() for part in text.split(",")]
    if not all(s.isdigit() and int(s) < 2**31 for s in seeds) or len(set(seeds)) < len(seeds):
        raise click.BadParameter(f'received "{text}", expected distinct whole numbers: --seeds 1,2,3')
    return [int(s) for s in seeds]


@cli.command(
    "run",
    epilog=_examples(
        "rnn-apps run imdb",
        "rnn-apps run recipes/imdb.yaml --data my_reviews/ --set training.epochs=8",
        "rnn-apps run imdb_gru --seeds 1,2,3 --out runs/three",
    ),
)
@_recipe
@_set
@click.option("--data", type=click.Path(), help="Folder or file of your own data.")
@click.option("--out", type=click.Path(), help="Folder of the run; runs/<recipe>/<time> by default.")
@click.option(
    "--seeds", callback=_seed_list, metavar="N,N,...", help="Run once a seed, report mean and range."
)
@click.option("--deterministic", is_flag=True, help="Deterministic operations: bit-equal runs, slower.")
@click.option("--no-sample", is_flag=True, help="Fail where the data cannot be had; no generated stand-in.")
@_verbose
def run_recipe(recipe, overrides, data, out, seeds, deterministic, no_sample):
    """Carry out a RECIPE: train, evaluate, export, report."""
    from rnn_apps.progress import Progress
    from rnn_apps.recipe import load_recipe, with_data
    from rnn_apps.run_folder import RunFolder

    overrides = [*overrides, *(["training.deterministic=true"] if deterministic else [])]
    loaded = load_recipe(recipe, overrides)
    if data is not None:
        loaded = with_data(loaded, data)
    if out is not None:
        RunFolder.check_free(out)  # before TensorFlow is loaded
    with Progress() as console:
        from rnn_apps import runner

        options = {"out": out, "sample": not no_sample, "console": console}
        if seeds:
            runs, summary = runner.run_seeds(loaded, seeds, **options)
        else:
            runs, summary = [runner.run(loaded, **options)], {}
    for finished in runs:
        _print_result(finished)
    for name, s in summary.items():
        if not name.startswith("f1/"):
            line = f"{name} over {len(runs)} seeds: {s['mean']:.4f} ({s['low']:.4f} to {s['high']:.4f})"
            click.echo(line + _mark_after(runs[0].metrics))


def _mark_after(metrics):
    mark = metrics.get("score_mark")
    return f"  [{mark}]" if mark else ""


def _print_table(table):
    """Print a rich table as wide as the terminal, or as it needs to be where there is none."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console()
    if not console.is_terminal:
        needed = Measurement.get(console, console.options.update(max_width=10_000), table)
        console.width = max(console.width, needed.maximum)
    console.print(table)


def _print_result(run):
    from rich.table import Table

    metrics = run.metrics
    mark = metrics.get("score_mark")
    names = [n for n in metrics["test"] if not n.startswith("f1/")]
    table = Table("", *names, title=mark)
    for label, scores in (("this network", metrics["test"]), *metrics["baseline"].items()):
        table.add_row(label, *(f"{scores[n]:.4f}" if n in scores else "-" for n in names))
    _print_table(table)
    if names:
        score = metrics["test"][names[0]]
        click.echo(f"Test {names[0]} {score:.4f} on {metrics['data']['source']}{_mark_after(metrics)}")
    click.echo(f"Report: {run.folder / 'report.html'}")


_run = click.argument("run", type=click.Path())
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@cli.command(epilog=_examples("rnn-apps evaluate RUN", "rnn-apps evaluate RUN --data more/ --json"))
@_run
@click.option("--data", type=click.Path(), help="Folder or file of other data.")
@_json
@_verbose
def evaluate(run, data, as_json):
    """Score a run's network anew on the test part of its data, or of other data."""
    from rnn_apps import runner

    opened = runner.open_run(run)
    scores = opened.evaluate(data)
    mark = None if data else opened.metrics.get("score_mark")
    if as_json:
        click.echo(json.dumps({"test": scores, "score_mark": mark}))
        return
    for name, value in scores.items():
        click.echo(f"{name:<24} {value:.4f}")
    if mark:
        click.echo(mark)


@cli.command(
    epilog=_examples(
        'rnn-apps predict RUN "a film to remember"',
        "rnn-apps predict RUN photo.jpg --beam 5 --nbest 3",
        'rnn-apps predict RUN --prompt "ROMEO:" --length 300 --temperature 0.7',
        "rnn-apps predict RUN --file reviews.txt --json",
        "cat reviews.txt | rnn-apps predict RUN -",
    )
)
@_run
@click.argument("inputs", nargs=-1)
@click.option(
    "--file",
    type=click.File("r", encoding="utf-8-sig", errors="replace"),
    help="One input a line.",
)
@click.option("--beam", type=int, help="Width of the beam search of a task that writes; 1 is greedy.")
@click.option("--nbest", type=int, help="Texts an input of a task that writes, best first.")
@click.option("--prompt", multiple=True, help="Beginning of a text that a language model goes on with.")
@click.option("--length", type=int, help="Tokens that a language model writes.")
@click.option("--temperature", type=float, help="Draw texts at random; above 1 more freely, below 1 less.")
@click.option("--top-k", type=int, help="Draw among the so many likeliest tokens of a language model.")
@click.option("--top-p", type=float, help="Draw among the fewest tokens that hold this much probability.")
@click.option("--seed", type=int, help="Of what is drawn at random.")
@_json
@_verbose
def predict(run, inputs, file, prompt, as_json, **options):
    """Answer INPUTS, texts or files, with a run's network; "-" reads one input a line from standard input."""
    from rnn_apps import runner

    texts = [text for text in (*inputs, *prompt) if text != "-"]
    if file is not None:
        texts += [line.rstrip("\r\n") for line in file]
    if "-" in inputs or (not texts and file is None and not sys.stdin.isatty()):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
        texts += [line.rstrip("\r\n") for line in sys.stdin]
    if not texts:
        raise UserError("predict", "no input", fix='Give texts, --file, or lines on standard input with "-".')
    opened = runner.open_run(run)
    for answer in opened.predict(texts, **{k: v for k, v in options.items() if v is not None}):
        if as_json:
            click.echo(json.dumps(answer, ensure_ascii=False))
        else:
            click.echo(_harmless(opened.task.answer_line(answer)))


def _harmless(text):
    """Lines without what could steer the terminal."""
    return "\n".join("".join(c for c in line if c.isprintable()) for line in text.split("\n"))


@cli.command(epilog=_examples("rnn-apps compare runs/imdb/* runs/imdb_gru/*"))
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@_verbose
def compare(runs):
    """Show RUNS side by side: scores, and the settings in which they differ."""
    from rich.table import Table

    from rnn_apps import runner

    opened, differing = runner.compare(runs)
    table = Table("", *(str(run.folder) for run in opened))
    for key, values in differing.items():
        table.add_row(key, *map(shown, values))
    table.add_section()
    names = dict.fromkeys(name for run in opened for name in run.metrics.get("test", {}))
    for name in names:
        scores = [run.metrics.get("test", {}).get(name) for run in opened]
        table.add_row(name, *("-" if s is None else f"{s:.4f}" for s in scores))
    marks = [run.metrics.get("score_mark") or ("" if run.metrics else "not finished") for run in opened]
    if any(marks):
        table.add_row("", *marks)
    _print_table(table)


@cli.command(epilog=_examples("rnn-apps export RUN", "rnn-apps export RUN --out served/1"))
@_run
@click.option("--out", type=click.Path(), help="Folder to write; export/1 of the run by default.")
@_verbose
def export(run, out):
    """Write a run's network as a SavedModel that takes raw input."""
    from rnn_apps import runner

    click.echo(f"SavedModel: {runner.open_run(run).export(out)}")


def main():
    """Run the command line; TensorFlow's own lines reach the terminal with --verbose only."""
    verbose = "--verbose" in sys.argv
    if not verbose:
        _quieten()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that files are tidied up
    sys.exit(call(sys.argv[1:], verbose))


def call(arguments, verbose=False):
    """Carry out a command and return its exit code: 0, 1, 2, and 130 or 143 after a signal.

    Args:
        arguments: list of strings, without the name of the program.
        verbose: raise what is a bug of ours in place of one line about it.
    """
    try:
        cli.main(arguments, prog_name="rnn-apps", standalone_mode=False)
    except click.exceptions.Abort:
        return 128 + signal.SIGINT
    except click.exceptions.Exit as finished:
        return finished.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except UserError as error:
        return _failed(error, 2)
    except RnnAppsError as error:
        number = getattr(error, "signal_number", None)
        return _failed(error, 128 + number if number else 1)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except Exception as error:
        if verbose:
            raise
        text = str(error).strip().splitlines()
        where = "(rnn-apps --verbose shows where)"
        return _failed(f"{type(error).__name__}: {text[0] if text else ''}\n{where}", 1)
    return 0


def _failed(error, code):
    click.echo(str(error), err=True)
    return code


def _quieten():
    """Send what TensorFlow's C++ part writes to stderr away; Python's own stderr stays on the terminal."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore")
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
