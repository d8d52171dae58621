"""Commands on finished runs."""

import json
import os
import sys
from contextlib import contextmanager, suppress

import click

from rnn_apps.cli import completing
from rnn_apps.cli.shared import (
    beam_options,
    cli,
    examples,
    json_option,
    print_table,
    run_argument,
    verbose_option,
)
from rnn_apps.cli.streaming import stream_answers
from rnn_apps.errors import Argument, UserError, shown

_OF_FILES = ("format", "column", "shard_size", "runner", "workers", "beam_options")  # apply only to --out
LARGEST_CONFUSION = 12  # classes of a matrix that fits on a screen; --json has larger ones


@cli.command(epilog=examples("rnn-apps evaluate RUN", "rnn-apps evaluate RUN --data more/ --json"))
@run_argument
@click.option(
    "--data",
    type=click.Path(),
    help="Folder or file of other data. Scores its test split, or else its validation split, or else all.",
)
@click.option(
    "--max-invalid-records",
    "max_invalid_records",
    type=click.FloatRange(0, 1_000_000_000),
    metavar="N",
    help="Maximum number of invalid records in --data to skip; below 1 it is a fraction. Default: 0.5.",
)
@json_option
@verbose_option
def evaluate(run, data, max_invalid_records, as_json):
    """Evaluate a RUN on its test split or on other data.

    Also prints the baselines and, for classification tasks, the confusion matrix.
    """
    opened = _opened(run)
    _warn_of_own_data(opened, data)
    with _readers_heard():
        found = opened.evaluate(data, max_invalid_records)
    mark = None if data else opened.score_mark
    if as_json:
        click.echo(json.dumps({**found.as_dict(), "score_mark": mark}, ensure_ascii=False))
        return
    for sentence in (found.coverage, found.truncation):
        if sentence:
            click.echo(sentence)
    for name, value in found.items():
        click.echo(f"{name:<24} {value:.4f}")
    _print_baselines(found)
    if found.confusion is not None and len(found.confusion["labels"]) <= LARGEST_CONFUSION:
        _print_confusion(found.confusion)
    if mark:
        click.echo(mark)


def _warn_of_own_data(opened, data):
    """Print a note if the data is that of the run, whose test split is scored without --data."""
    from rnn_apps.data.prepared import PreparedData

    own = getattr(opened.recipe.data, "path", None)
    if own is not None and PreparedData.find(own) is not None:
        return  # it has a test split
    if None not in (own, data) and len({os.path.realpath(os.path.expanduser(p)) for p in (own, data)}) == 1:
        note = "the network was trained on it; without a test split of its own, all of it is scored"
        click.echo(f"{data}: {note}. To score only what the run held out, omit --data.", err=True)


@contextmanager
def _readers_heard():
    """Context manager that prints log messages of data readers, such as unused files, to standard error."""
    from rnn_apps.runs.console import PrintConsole, log_to_console

    with log_to_console(PrintConsole(sys.stderr), "rnn_apps.data"):
        yield


def _print_baselines(found):
    for name, scores in found.baselines.items():
        listed = ", ".join(f"{key} {value:.4f}" for key, value in scores.items() if not key.startswith("f1/"))
        click.echo(f"baseline {name}: {listed}")
    if found.baselines_left_out:
        click.echo(found.baselines_left_out)


def _print_confusion(confusion):
    from rich.table import Table

    table = Table("label \\ answer", *map(_harmless, confusion["labels"]))
    for label, counts in zip(confusion["labels"], confusion["counts"]):
        table.add_row(_harmless(label), *(f"{count:,}" for count in counts))
    print_table(table)


@cli.command(
    epilog=examples(
        'rnn-apps predict RUN "a film to remember"',
        "rnn-apps predict RUN photo.jpg --beam 5 --nbest 3",
        'rnn-apps predict RUN --prompt "ROMEO:" --length 300 --temperature 0.7',
        "rnn-apps predict RUN reviews.csv",
        "rnn-apps predict RUN --file reviews.txt --json",
        "cat reviews.txt | rnn-apps predict RUN -",
        "cat sensor.csv | rnn-apps predict RUN --stream",
        "rnn-apps predict RUN 'reviews/*.jsonl' --out answers/reviews",
        "rnn-apps predict RUN 'reviews/*.jsonl' --out answers/reviews --runner DirectRunner",
    )
)
@run_argument
@click.argument("inputs", nargs=-1, shell_complete=completing.files)
@click.option(
    "--file",
    type=click.Path(),
    help="File with one input per line, or a table with texts in the recipe's column.",
)
@click.option(
    "--text", "as_text", is_flag=True, help="Treat INPUTS as texts, even if there are files of that name."
)
@click.option("--beam", type=int, help="Beam width for captioning and translation; 1 is greedy search.")
@click.option(
    "--nbest", type=int, help="Number of texts per input, best first, for captioning and translation."
)
@click.option("--prompt", multiple=True, help="Prompt for a language model to continue.")
@click.option("--length", type=int, help="Number of tokens that a language model generates.")
@click.option("--temperature", type=float, help="Sampling temperature: above 1 more random, below 1 less.")
@click.option("--top-k", type=int, help="Sample from the K most likely tokens of a language model.")
@click.option(
    "--top-p",
    type=float,
    help="Sample from the smallest set of tokens of a language model with this total probability.",
)
@click.option("--seed", type=int, help="Random seed for sampling.")
@click.option(
    "--stream",
    is_flag=True,
    help='Answer step by step while input arrives; INPUTS are files, or "-" for standard input.',
)
@click.option(
    "--out",
    metavar="PREFIX",
    type=click.Path(),
    help="Predict all INPUTS, files or patterns of files, and write the answers in shards; the same "
    "command continues after an interruption.",
)
@click.option("--format", type=click.Choice(["jsonl", "csv"]), help="With --out: format of the shards.")
@click.option("--column", help="With --out: column with the texts; that of the recipe by default.")
@click.option(
    "--shard-size", type=click.IntRange(1, 10_000_000), help="With --out: inputs per shard; 10,000."
)
@beam_options
@json_option
@verbose_option
def predict(run, inputs, file, as_text, prompt, stream, out, as_json, **options):
    """Make predictions for INPUTS with the network of a RUN.

    INPUTS are texts or files, as the task reads them; "-" reads one per line from standard input.
    """
    batch = {name: options.pop(name) for name in _OF_FILES}
    if out is not None:
        others = {
            "file": file,
            "prompt": prompt or None,
            "as_text": as_text or None,
            "stream": stream or None,
        }
        _refuse_beside("--out", {**others, "as_json": as_json or None})
        return _predict_files(run, inputs, out, batch | options)
    for name, value in batch.items():
        if value is not None:
            raise UserError(
                problem="applies only to --out", fix=Argument("Add it", "out=PREFIX"), option=name
            )
    if stream:
        _refuse_beside("--stream", {"file": file, "prompt": prompt or None, **options})
        return _stream(_opened(run), inputs or ("-",), as_json)
    named = [text for text in inputs if text != "-"]
    reads_stdin = "-" in (*inputs, file) or not (named or prompt or file or sys.stdin.isatty())
    lines = _lines_of_stdin() if reads_stdin else []
    if not (named or prompt or lines or file not in (None, "-")):
        raise UserError("predict", "no input", fix='Give texts, --file, or lines on standard input with "-".')
    if file not in (None, "-") and not os.path.exists(file):
        raise UserError(file, "no such file", expected="inputs, one per line, or a table", option="file")
    opened = _opened(run)
    _refuse_rows(opened, lines)
    options = {name: value for name, value in options.items() if value is not None}
    with _readers_heard():
        texts = [] if file in (None, "-") else opened.inputs_of(file)
        answers = opened.predict(named, as_text, **options) if named else []
        if more := [*prompt, *texts, *lines]:
            answers = [*answers, *opened.predict(more, as_text=True, **options)]
    for answer in answers:
        if as_json:
            click.echo(json.dumps(answer, ensure_ascii=False))
        else:
            click.echo(_harmless(opened.predictor.answer_line(answer)))


def _refuse_rows(opened, lines):
    """Reject the rows of a table where standard input should hold the paths of tables."""
    if not (lines and opened.predictor.reads_tables) or os.path.exists(lines[0]):
        return
    fix = ["Save the table as a file and name it."]
    with suppress(UserError):
        opened.predictor.open_stream()
        fix.append(Argument("Or, to answer after every row, add", "stream"))
    expected = "the path of a table on each line"
    raise UserError("standard input, line 1", received=shown(lines[0]), expected=expected, fix=fix)


def _lines_of_stdin():
    sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")
    return [line.rstrip("\r\n") for line in sys.stdin]


def _opened(run):
    """Open a run; if it is not complete, print a note next to the answers."""
    import rnn_apps.runs

    opened = rnn_apps.runs.open_run(run)
    if not opened.is_complete:
        resume = f"rnn-apps run --resume {run}"
        click.echo(
            f"{run} is not finished: this is its best network so far. Resume it with: {resume}", err=True
        )
    return opened


def _refuse_beside(option, others):
    """Reject options that cannot be combined with another one."""
    for name, value in others.items():
        if value is not None:
            problem = f"cannot be combined with {option}"
            raise UserError(problem=problem, fix="Leave one of them out.", option=name)


def _predict_files(run, patterns, out, options):
    """Write the answers for files in shards, and print where they are."""
    from rnn_apps.progress import Progress

    if not patterns:
        raise UserError("predict", "no input", fix="Name files, or patterns of files in quotes.")
    options = {name: value for name, value in options.items() if value is not None}
    with Progress() as console:
        result = _opened(run).predict_files(patterns, out, console=console, **options)
    kinds = (("answered", result.answered, result.shards), ("invalid", result.invalid, result.invalid_shards))
    for kind, count, paths in kinds:
        places = f": {paths[0]}" if paths else ""
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        click.echo(f"{count:,} {kind}{places}{more}")


def _stream(opened, sources, as_json):
    for stream, answer in stream_answers(opened.predictor.open_stream, sources):
        click.echo(
            json.dumps(answer, ensure_ascii=False) if as_json else _harmless(stream.line(answer), "\t")
        )


def _harmless(text, kept=""):
    """Return lines without terminal control characters."""
    lines = text.split("\n")
    return "\n".join("".join(c for c in line if c.isprintable() or c in kept) for line in lines)


@cli.command(
    epilog=examples(
        "rnn-apps compare runs/imdb/* runs/imdb_gru/*",
        "rnn-apps compare runs/imdb/* runs/imdb_gru/* --out runs/compared",
    )
)
@click.argument("runs", nargs=-1, required=True, type=click.Path(), shell_complete=completing.runs)
@click.option(
    "--out", type=click.Path(), help="Folder for a page with learning curves and the range over seeds."
)
@verbose_option
def compare(runs, out):
    """Compare RUNS: scores, and settings that differ.

    A RUN may also be a folder written by rnn-apps run --seeds, which stands for the runs of all seeds.
    """
    from rich.table import Table

    import rnn_apps.runs

    opened, differing = rnn_apps.runs.compare(runs)
    report = None if out is None else rnn_apps.runs.write_comparison(opened, out)
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
    print_table(table)
    if report is not None:
        click.echo(f"Report: {report}")
