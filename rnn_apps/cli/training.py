"""Commands that run recipes."""

import os
import shlex

import click

from rnn_apps.cli import completing
from rnn_apps.cli.shared import (
    beam_options,
    cli,
    examples,
    mark_after,
    print_table,
    recipe_argument,
    set_option,
    verbose_option,
)
from rnn_apps.cli.wording import STARTED_AS
from rnn_apps.errors import Call, RnnAppsError, UserError


def _seed_list(context, parameter, text):
    if text is None:
        return None
    seeds = [part.strip() for part in text.split(",")]
    if not all(s.isdigit() and int(s) < 2**31 for s in seeds) or len(set(seeds)) < len(seeds):
        raise click.BadParameter(f'received "{text}", expected distinct whole numbers: --seeds 1,2,3')
    return [int(s) for s in seeds]


@cli.command(
    "run",
    epilog=examples(
        "rnn-apps run imdb",
        "rnn-apps run recipes/imdb.yaml --data my_reviews/ --set training.epochs=8",
        "rnn-apps run imdb_gru --seeds 1,2,3 --out runs/three",
        "rnn-apps run --resume runs/imdb/2026-01-31-120000",
    ),
)
@click.argument("recipe", required=False, shell_complete=completing.recipes)
@set_option
@click.option("--data", type=click.Path(), help="Folder or file of your own data.")
@click.option("--out", type=click.Path(), help="Folder for the run; runs/RECIPE/TIME by default.")
@click.option(
    "--seeds", callback=_seed_list, metavar="N,N,...", help="Run once with each seed; report mean and range."
)
@click.option(
    "--deterministic", is_flag=True, help="Use deterministic operations: bit-identical runs, but slower."
)
@click.option(
    "--no-sample",
    is_flag=True,
    help="Fail if the data set is unavailable; do not fall back to synthetic data.",
)
@click.option(
    "--resume",
    type=click.Path(),
    shell_complete=completing.runs,
    metavar="RUN",
    help="Resume a stopped run from its newest checkpoint; RECIPE may be omitted.",
)
@click.option("--force", is_flag=True, help="With --resume: resume even if recipe or data have changed.")
@click.option(
    "--devices",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Train on several GPUs, one process for each; without a GPU, on parts of the cores.",
)
@click.option("--slurm", is_flag=True, help="Train together with the other tasks of this Slurm step.")
@verbose_option
@click.pass_context
def run_recipe(
    context, recipe, overrides, data, out, seeds, deterministic, no_sample, resume, force, devices, slurm
):
    """Run a RECIPE: train, evaluate, export, report.

    If the variable TF_CONFIG names the processes of several machines, they train together.
    """
    from rnn_apps.cluster import Cluster
    from rnn_apps.progress import Progress
    from rnn_apps.recipe import load_recipe, load_run_recipe, with_data
    from rnn_apps.run_folder import RunFolder

    if resume is not None and (out is not None or seeds):
        problem, fix = "continues one run in its folder", "Omit --out and --seeds."
        raise UserError(problem=problem, fix=fix, option="resume")
    if devices > 1:
        if slurm:
            raise UserError(
                problem="starts no processes", fix="Omit --devices; srun starts them.", option="slurm"
            )
        arguments = _without_devices(context.obj["arguments"])
        return _launch(context, devices, f"run --devices {devices}", arguments, on_gpus=True)
    cluster = Cluster.from_environment()
    if slurm:
        os.environ[STARTED_AS] = "run --slurm"
    if recipe is None and resume is not None and cluster and not (cluster.is_chief or os.path.isdir(resume)):
        raise UserError(resume, "only the chief has this folder", fix="Name the recipe as well.")
    if recipe is None:
        if resume is None:
            raise UserError("Name a recipe.", fix=Call("List them with", "recipe.packaged_recipes"))
        recipe = RunFolder.open(resume) / "recipe.yaml"
        load_run_recipe(resume)  # fails in one line if another version wrote it
    overrides = [*overrides, *(["training.deterministic=true"] if deterministic else [])]
    loaded = load_recipe(recipe, overrides, "--set")
    if data is not None:
        loaded = with_data(loaded, data, "--data")
    if out is not None and cluster is None:
        RunFolder.free_path(loaded.name, out)  # before TensorFlow is loaded
    with Progress() as console:
        import rnn_apps.runs

        options = {"out": out, "sample": not no_sample, "console": console, "slurm": slurm}
        if seeds:
            runs, summary = rnn_apps.runs.run_seeds(loaded, seeds, **options)
        else:
            runs, summary = [rnn_apps.runs.run(loaded, resume=resume, force=force, **options)], {}
    runs = [finished for finished in runs if finished is not None]  # only the chief has one
    for finished in runs:
        _print_result(finished)
    failed = [(run, *entry) for run in runs for entry in run.metrics.get("not_exported", {}).items()]
    for name, s in summary.items():
        if not name.startswith("f1/"):
            line = f"{name} over {len(runs)} seeds: {s['mean']:.4f} ({s['low']:.4f} to {s['high']:.4f})"
            click.echo(line + mark_after(runs[0].metrics))
    if failed:
        again = "All else is complete; to try again: rnn-apps export {} --format {}"
        lines = (
            f"Not exported as {name}: {reason} {again.format(run.folder, name)}"
            for run, name, reason in failed
        )
        raise RnnAppsError("\n".join(lines))


def _launch(context, count, started_as, arguments, on_gpus=False):
    from rnn_apps.cli.launching import clusters_of, launch

    context.exit(launch(clusters_of(count), arguments, started_as, context.obj["program"], on_gpus))


def _without_devices(arguments):
    """The arguments of a command without the option --devices and its value."""
    kept, skips = [], False
    for text in arguments:
        if not skips and text != "--devices" and not text.startswith("--devices="):
            kept.append(text)
        skips = text == "--devices" and not skips
    return kept


@cli.command(
    context_settings={"ignore_unknown_options": True},
    epilog=examples(
        "rnn-apps workers imdb --workers 4",
        "rnn-apps workers imdb --workers 2 --data my_reviews/ --set training.epochs=8",
        "rnn-apps workers --workers 2 --resume runs/imdb/2026-01-31-120000",
    ),
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="RECIPE [OPTIONS OF RUN]...")
@click.option("--workers", type=click.IntRange(1, 1024), required=True, help="Number of processes.")
@click.pass_context
def workers(context, arguments, workers):
    """Run a RECIPE in several processes on this machine.

    Takes all options of "rnn-apps run". Each process computes a share of every batch, on its part of the
    cores. For GPUs use "rnn-apps run --devices".
    """
    from rnn_apps.cluster import VARIABLE, Cluster

    for text in arguments:
        option = text.partition("=")[0]
        if option in ("--devices", "--slurm"):
            problem, fix = "cannot be combined with --workers", "Leave one of them out."
            raise UserError(option, problem, fix=fix)
    if Cluster.from_environment() is not None:
        problem = "names the processes, but this command starts its own"
        raise UserError(VARIABLE, problem, fix='Unset it, or use "rnn-apps run".')
    _launch(context, workers, f"workers --workers {workers}", ["run", *arguments])


@cli.command(
    epilog=examples(
        "rnn-apps prepare imdb --data reviews.jsonl --to prepared/reviews",
        "rnn-apps prepare recipes/imdb.yaml --to prepared/imdb --set data.max_length=200",
        "rnn-apps prepare image_captioning --data photos/ --to prepared/photos --runner DirectRunner",
    )
)
@recipe_argument
@set_option
@click.option("--data", type=click.Path(), help="Folder or file of your own data.")
@click.option("--to", type=click.Path(), required=True, help="Folder to write, or to continue writing.")
@beam_options
@verbose_option
def prepare(recipe, overrides, data, to, **beam):
    """Prepare the data of a RECIPE that is larger than memory.

    Writes the learned preprocessing, and the encoded examples in compressed shards, which "rnn-apps run
    RECIPE --data FOLDER" reads from disk. The same command continues an interrupted preparation.
    """
    from rnn_apps.progress import Progress
    from rnn_apps.recipe import load_recipe, with_data

    loaded = load_recipe(recipe, overrides, "--set")
    loaded = loaded if data is None else with_data(loaded, data, "--data")
    with Progress() as console:
        import rnn_apps.runs

        prepared = rnn_apps.runs.prepare(loaded, to, console=console, **beam)
    counts = ", ".join(f"{name} {split.size:,}" for name, split in prepared.splits.items())
    shards = [shard for split in prepared.splits.values() for shard in split.shards]
    size = sum(shard.bytes for shard in shards) / 1e6
    click.echo(f"Prepared {prepared.source} ({counts}): {len(shards)} shards, {size:,.1f} MB")
    for reason, count in prepared.skipped.items():
        click.echo(f"  skipped {count:,}: {reason}")
    settings = (f"--set {shlex.quote(text)}" for text in overrides if not text.startswith("data.source"))
    command = ["rnn-apps run", shlex.quote(recipe), "--data", shlex.quote(str(to)), *settings]
    click.echo(f"Train from it with: {' '.join(command)}")


@cli.command("kill-test", epilog=examples("rnn-apps kill-test imdb --kills 20 --set data.source=sample"))
@recipe_argument
@set_option
@click.option("--data", type=click.Path(), help="Folder or file of your own data.")
@click.option(
    "--kills", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Number of kills."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed of the times of the kills.")
@click.option(
    "--out", type=click.Path(), help="Folder in which to keep the runs; a temporary one by default."
)
@verbose_option
def kill_test(recipe, overrides, data, kills, seed, out):
    """Kill runs of a RECIPE, resume them, and compare them.

    Kills are at random times; each run is compared with an uninterrupted one.
    """
    import tempfile

    from rnn_apps.recipe import load_recipe, with_data
    from rnn_apps.run_folder import RunFolder
    from rnn_apps.runs.kill_test import kill_test

    loaded = load_recipe(recipe, overrides, "--set")
    loaded = with_data(loaded, data, "--data") if data is not None else loaded
    if out is not None:
        RunFolder.check_free(out)
    with tempfile.TemporaryDirectory() as temporary:
        found = kill_test(loaded, kills, out or temporary, seed, click.echo)
    click.echo(f"{found.kills} kills, {found.runs} runs, {len(found.unequal)} of them unequal")
    if found.unequal:
        raise RnnAppsError("\n".join(found.unequal))


def _print_result(run):
    from rich.table import Table

    metrics = run.metrics
    mark = metrics.get("score_mark")
    names = [n for n in metrics["test"] if not n.startswith("f1/")]
    table = Table("", *names, title=mark)
    for label, scores in (("this network", metrics["test"]), *metrics["baseline"].items()):
        table.add_row(label, *(f"{scores[n]:.4f}" if n in scores else "-" for n in names))
    print_table(table)
    if names:
        score = metrics["test"][names[0]]
        click.echo(f"Test {names[0]} {score:.4f} on {metrics['data']['source']}{mark_after(metrics)}")
    click.echo(f"Report: {run.folder / 'report.html'}")
