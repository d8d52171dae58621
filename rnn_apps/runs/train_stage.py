"""The training stage of a run: in the chief, which writes all files, and in the other processes."""

from dataclasses import dataclass

import tensorflow as tf

from rnn_apps.memory import peak_memory
from rnn_apps.reporting.views import EigenvalueHistory
from rnn_apps.runs.checkpointing import Checkpointer
from rnn_apps.runs.console import HistoryLogs, log_to_console
from rnn_apps.runs.diagnostics import EIGENVALUES
from rnn_apps.runs.stages import timed, write_record
from rnn_apps.training import Interrupted, Trainer, TrainingFailed, WorkerLost


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        progress: entries about training for ``metrics.json``.
        eigenvalues: `EigenvalueHistory`.
        seconds: elapsed time, including earlier sessions.
    """

    progress: dict
    eigenvalues: EigenvalueHistory
    seconds: float


def train(prepared, folder, checkpoints, console, force, workers):
    """Train, from the newest checkpoint if there is one, and save the best network.

    Args:
        prepared: `Prepared`.
        folder: `RunFolder`.
        checkpoints: `Checkpoints`, locked.
        console: as in `run_recipe`.
        force: whether to use the learning rate of the recipe instead of that in the checkpoint.
        workers: `Workers`, of which this process is the chief.

    Returns:
        `Trained`.

    Raises:
        Interrupted: after a signal; a checkpoint and the best network so far are saved.
        TrainingFailed: if the loss is NaN or infinite; the best network so far is saved.
        WorkerLost: if another process cannot be reached; the best network so far is saved.
    """
    recipe, (dataset, predictor, objective, trained) = prepared.recipe, prepared.task
    logs = HistoryLogs(folder, console)
    checkpointer = Checkpointer(checkpoints, recipe.training.checkpoint_every)
    eigenvalues = EigenvalueHistory(predictor.model, folder / EIGENVALUES)
    callbacks = [logs, eigenvalues] if recipe.views else [logs]
    options = (recipe.training, callbacks, console.step, checkpointer, workers)
    trainer = Trainer(trained, dataset.training_batches(), objective, *options)
    logs.trainer = trainer
    parameters, trainable = predictor.model.count_params(), _count(trained.trainable_weights)
    trained_weights = "" if trainable == parameters else f", {trainable:,} of them trained"
    console.log(f"Network: {parameters:,} weights{trained_weights}")
    with timed() as timer:
        with log_to_console(console), workers.together():
            if checkpointer.restore(trainer):
                if force:
                    trainer.reset_learning_rate()
                    write_record(folder, prepared)
                console.log(f"Resuming at step {trainer.step} of {trainer.total_steps}")
        trainer.share_state()
        console.step(trainer.step, trainer.total_steps, {})
        _train_and_save(trainer, prepared.task, folder, console)
    progress = {
        "steps_planned": trainer.total_steps,
        "steps_executed": trainer.step,
        "resumes": checkpointer.resumes,
        "parameters": int(parameters),
        "parameters_trained": trainable,
        "best_epoch": trainer.best_epoch,
        "examples_per_second": round(trainer.history[-1]["examples_per_second"], 1),
        **_memory(),
    }
    if workers.count > 1:
        progress["processes"] = workers.count
    if trainer.skipped_steps is not None:
        progress["skipped_steps"] = trainer.skipped_steps
        console.log(f"{trainer.skipped_steps} steps skipped: a gradient was not finite in float16")
    return Trained(progress, eigenvalues, round(timer.seconds + checkpointer.seconds, 2))


def _memory():
    """The peak memory of this process, and of its GPU, in MB."""
    memory = {"peak_memory_mb": peak_memory()}
    if tf.config.list_logical_devices("GPU"):
        memory["peak_gpu_memory_mb"] = round(tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e6)
    return memory


def follow(prepared, console, workers):
    """Train as a worker other than the chief, which writes all files and computes all scores.

    Args:
        prepared: `Prepared`.
        console: as in `run_recipe`.
        workers: `Workers`.

    Raises:
        Interrupted, TrainingFailed, WorkerLost: as of `train`.
    """
    settings, (dataset, _, objective, trained) = prepared.recipe.training, prepared.task
    batches = dataset.training_batches()
    trainer = Trainer(trained, batches, objective, settings, on_step=console.step, workers=workers)
    with workers.together():
        pass  # the chief restores a checkpoint
    trainer.share_state()
    try:
        trainer.train()
    except tf.errors.OpError as error:
        raise dataset.read_failure or error from error
    finally:
        console.close()
    console.log("Training is complete; the chief evaluates, exports and reports.")


def _train_and_save(trainer, task, folder, console):
    try:
        trainer.train()
    except Interrupted as stopped:
        console.close()
        _save_network(task, folder)
        done = f"step {trainer.step} of {trainer.total_steps}"
        console.log(f"Stopped at {done}.")
        raise Interrupted(stopped.signal_number, folder.resuming()) from stopped
    except (TrainingFailed, WorkerLost) as error:
        console.close()
        if trainer.best_epoch:
            _save_network(task, folder)
            kept = f"{folder / 'model.keras'} has the weights of epoch {trainer.best_epoch}"
            console.log(f"{kept}, the best so far.")
        if isinstance(error, WorkerLost):
            raise WorkerLost(error.args[0], folder.resuming("Restart all workers with")) from error
        raise
    except tf.errors.OpError as error:  # as which TensorFlow reports an error in the reading of a batch
        console.close()
        raise task.dataset.read_failure or error from error
    finally:
        console.close()
    _save_network(task, folder)


def _save_network(task, folder):
    task.trained.optimizer = None
    with folder.writing("model.keras") as path:
        task.predictor.model.save(path)
    with folder.writing("preprocessing") as path:
        path.mkdir()
        task.predictor.preprocessing.save(path)


def _count(weights):
    return sum(int(weight.shape.num_elements()) for weight in weights)
