"""What every task must answer, so that training, export and report need not know which one it is."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf

from rnn_apps.errors import UserError
from rnn_apps.tasks.cell import resolve_cell

__all__ = ["MOST_STEPS", "Monitor", "Part", "Task", "Truncation", "read_of"]

MOST_STEPS = 100_000  # of a file with fixed shapes


class Monitor(NamedTuple):
    """The validation metric by which the best weights are chosen.

    Args:
        name: a key of what `Task.validate` returns.
        higher_is_better: bool.
    """

    name: str
    higher_is_better: bool


class Truncation(NamedTuple):
    """How many texts of a split are longer than what is read or learned of them.

    Args:
        longer: how many.
        of: all of them.
        most: what is read of a longer one.
        unit: of `most`: words or tokens.
        what: the texts are called.
        use: what is not done with the rest of a longer one.
    """

    longer: int
    of: int
    most: int
    unit: str
    what: str = "texts"
    use: str = "read"

    def __str__(self):
        longer = f"{self.longer:,} of {self.of:,} {self.what} are longer than {self.most:,} {self.unit}"
        return f"{longer}; the rest of each is not {self.use}"


def read_of(read, length, unit):
    """Return ``{"truncated": "read 400 of 1,012 words"}`` for the answer to a longer text, else ``{}``."""
    return {"truncated": f"read {read:,} of {length:,} {unit}"} if read < length else {}


class Part(NamedTuple):
    """A piece of a network that takes and gives numbers, for formats that know no text and no loop around it.

    Args:
        name: of its file.
        function: tensors, in the order of `inputs`, to a dict of tensors.
        inputs: name to `tf.TensorSpec`; None for a side that is open.
        examples: ``examples(batch, steps, seed)`` gives an array for each input.
        steps: length of its sequences, for a format with fixed shapes.
        scores: which output has on its last side what is chosen from; None where none has.
        model: `keras.Model` that does the same, its outputs in the order of `function`, or None.
        most_steps: the largest `steps` that make sense; None where they cannot be chosen.
        masks_padding: whether sequences that end in zeros give what they give without them.
        least_steps: the fewest that the network is known to work on.
    """

    name: str
    function: Callable
    inputs: dict
    examples: Callable
    steps: int
    scores: str | None = None
    model: keras.Model | None = None
    most_steps: int | None = None
    masks_padding: bool = False
    least_steps: int = 1

    @property
    def sequences(self):
        """Names of the inputs whose second dimension is their steps."""
        return [name for name, spec in self.inputs.items() if len(spec.shape) > 1 and spec.shape[1] is None]

    def answers(self, inputs):
        """Return name to array for a list of arrays."""
        return {name: value.numpy() for name, value in self.function(*map(tf.constant, inputs)).items()}


class Task(ABC):
    """One application, from data to readable answers.

    A task is made for training with `prepare`, or for answering from a run folder with `restore`.

    Attributes:
        recipe: the recipe that it carries out.
        monitor: `Monitor`.
        model: the `keras.Model`, numbers in and numbers out; it is saved.
        options: names of what `predict` takes besides its inputs.
        class_names: of a classification.
    """

    monitor = None
    options = ()
    reads_text = False  # whether a raw input is a text
    class_names = None

    def __init__(self, recipe):
        self.recipe = recipe
        self.model = None

    @abstractmethod
    def prepare(self):
        """Read the data, learn the preprocessing from the training part, make the model."""

    @abstractmethod
    def prepare_evaluation(self, whole=False):
        """Read the test part anew for a restored task.

        Args:
            whole: take all examples where the data has no part of its own to test on.
        """

    @abstractmethod
    def training_batches(self):
        """Return the batches of the training part: `len`, `num_examples` and `epoch(epoch, start)`."""

    @property
    def trained(self):
        """The `keras.Model` that is trained; `model`, unless a frozen part stands before it."""
        return self.model

    @abstractmethod
    def loss(self, outputs, targets):
        """Return the mean loss of a batch, over what `count` counts: a scalar tensor."""

    def count(self, targets):
        """Return over how much the loss of a batch is the mean: examples, or tokens."""
        return tf.shape(targets)[0]

    @abstractmethod
    def batch_metrics(self, outputs, targets):
        """Return name to the sum over what `count` counts of what is shown while training."""

    @abstractmethod
    def validate(self):
        """Return name to score on the validation part, for the curves and for `monitor`."""

    @abstractmethod
    def evaluate(self, part):
        """Return the scores on a part, and its examples as `predictions.jsonl` has them."""

    @abstractmethod
    def baselines(self):
        """Return baseline name to scores on the test part."""

    bad = None  # `BadRecords` of the data that was read

    @property
    def skipped(self):
        """Reason to number of records that could not be used."""
        return {} if self.bad is None else dict(self.bad.skipped)

    baselines_learn = True  # whether `baselines` reads the training split

    def take_training_split(self, other):
        """Take the training split of the run's own data, for `baselines` on other data.

        Args:
            other: restored `Task` of the run's recipe, whose data is not read yet.

        Returns:
            Whether this task can do so.
        """
        return False

    @abstractmethod
    def describe_data(self):
        """Return what `metrics.json` says of the data."""

    @abstractmethod
    def settings(self):
        """Return what has to be known to compare scores: tokenizer and the like."""

    def scored(self, records):
        """Return how much of the test split `evaluate` scored, and the unit of that number.

        Args:
            records: that `evaluate` returned.
        """
        return len(records), "records"

    def truncations(self, part):
        """Return a list of `Truncation` of a split, empty where its texts are used as they are."""
        return []

    def illustrate(self, part, number):
        """Return what the report shows of an example beside its record.

        Args:
            part: name of the part.
            number: of the example in the records of `evaluate`.

        Returns:
            Entries for its record, and file name to bytes of what it refers to.
        """
        return {}, {}

    @abstractmethod
    def view_examples(self):
        """Return `ViewExamples` of the test part, for the views of the report into the recurrence."""

    @abstractmethod
    def explain(self, inputs):
        """Return for each raw input how its answer comes about."""

    @abstractmethod
    def save_preprocessing(self, folder: Path):
        """Write into `folder` all that answers need besides the model."""

    def register(self):
        """Make the classes of a saved model known to Keras, before it is loaded: a cell of the user's own."""
        resolve_cell(self.recipe.model.cell)

    @abstractmethod
    def restore(self, model, folder: Path):
        """Take a trained model and what `save_preprocessing` wrote."""

    @abstractmethod
    def predict(self, inputs, **options):
        """Return a readable answer (a dict) for each raw input; which `options` it takes, the task says."""

    def open_stream(self):
        """Return a `rnn_apps.tasks.streaming.Stream`, which answers as its input comes.

        Raises:
            UserError: an answer of this task needs the whole input.
        """
        problem = f"the task {self.recipe.task} answers a whole input, not its steps as they come"
        raise UserError("--stream", problem, fix="Leave it out.")

    @abstractmethod
    def answer_line(self, answer):
        """Return what the command line prints of an answer of `predict`."""

    @abstractmethod
    def signatures(self):
        """Return the tf.Module to export, and its signatures: name to a `tf.function` of set inputs."""

    @abstractmethod
    def parts(self):
        """Return a list of `Part`: what ONNX, LiteRT and plain Keras can hold of the network."""

    @abstractmethod
    def client_facts(self):
        """Return what a program needs to know that runs the parts, as JSON can hold it."""

    def input_note(self):
        """Return what an export's README says of its inputs besides their shapes: sentences, or ""."""
        return ""

    def demo_facts(self):
        """Return what the demo page of a server has to know besides the signatures, as JSON can hold it."""
        return {}

    def raw_example(self, part, number, record):
        """Return what the network was given of an example, for the demo page.

        Args:
            part: name of the part.
            number: of the example in the records of `evaluate`.
            record: that record.

        Returns:
            A text; or file name to bytes, in order; None where there is nothing to show.
        """
        return None

    def export_score(self, client, records):
        """Return the main score of the network and of an exported one, on what a run kept of its test part.

        Args:
            client: `rnn_apps.exporting.client.Client` of the exported files.
            records: of `predictions.jsonl`.

        Returns:
            Name of the score, the network's and the exported one's; None where the records do not hold what
            the client has to be asked, such as pictures.
        """
        return None

    @abstractmethod
    def example_request(self):
        """Return name to tensor: what `serving_default` may be asked."""

    @abstractmethod
    def check_export(self, loaded):
        """Raise RnnAppsError if a loaded SavedModel answers otherwise than this task."""
