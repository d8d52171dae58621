"""The data of a task: splits, the preprocessing learned from train, and batches."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.splits import DataSource, SplitRequest
from rnn_apps.disk import sha256_of_texts
from rnn_apps.tasks.preprocessing import Preprocessing


class Truncation(NamedTuple):
    """How many texts of a split are longer than what is read or learned of them.

    Attributes:
        longer: number of longer texts.
        total: number of all texts.
        limit: what is read of a longer one.
        unit: of `limit`: words or tokens.
        what: what the texts are called.
        use: what is not done with the rest of a longer one.
    """

    longer: int
    total: int
    limit: int
    unit: str
    what: str = "texts"
    use: str = "read"

    def __str__(self):
        longer = f"{self.longer:,} of {self.total:,} {self.what} are longer than {self.limit:,} {self.unit}"
        return f"{longer}; the rest of each is not {self.use}"


class Dataset(ABC):
    """The splits of a recipe's data, raw and as numbers.

    A subclass implements `read` and `batches`; what else it must say differs little between tasks and has a
    default here.

    Args:
        recipe: `Recipe`.
        preprocessing: `Preprocessing` of a trained network; None learns it from train.

    Attributes:
        splits: split name to its examples, raw.
        encoded: split name to what the network and the loss take of them.
        preprocessing: `Preprocessing`.
        source_name: where the data is from, as users read it.
        invalid: `InvalidRecords` that were found while reading, or None.
    """

    def __init__(self, recipe, preprocessing=None):
        self.recipe, self.preprocessing = recipe, preprocessing
        self.splits, self.encoded = {}, {}
        self.source_name, self.invalid = None, None

    @abstractmethod
    def read(self, request):
        """Read the splits into `splits`, and set `source_name`.

        Args:
            request: `SplitRequest`.
        """

    @abstractmethod
    def batches(self, split, batch_size, seed=None):
        """Return batches of a split, with `len`, `num_examples` and ``epoch(epoch, start)``.

        Args:
            split: its name.
            batch_size: examples per batch.
            seed: of the order of training, in which (seed, epoch) decides; None keeps the order of the data.
        """

    def learn(self):
        """Return the `Preprocessing` learned from the training split."""
        return Preprocessing()

    def encode(self, split):
        """Return what the network and the loss take of a split; the examples themselves by default."""
        return self.splits[split]

    def check(self, *splits):
        """Leave out the examples of these splits that the preprocessing cannot encode, or refuse them."""
        return

    def prepare(self):
        """Read all splits, learn the preprocessing from train, and encode every split."""
        self.read(self._request())
        self.preprocessing = self.learn()
        self.check(*self.splits)
        self._encode_splits()

    def prepare_evaluation(self, use_all=False):
        """Read and encode the test split for a trained network.

        Args:
            use_all: take all examples of data that has no split of its own to test on.
        """
        self.read(self._request(use_all))
        self.check("test")
        self.splits = {"test": self.splits["test"]}
        self._encode_splits()

    def _request(self, use_all=False):
        fraction = getattr(self.recipe.data, "validation_fraction", 0.1)
        return SplitRequest(fraction, use_all, None if use_all else "train")

    def _encode_splits(self):
        for split in self.splits:
            self.encoded[split] = self.encode(split)

    def training_batches(self):
        """Return the batches of an epoch of training."""
        return self.batches("train", self.recipe.training.batch_size, self.recipe.seed)

    def add_training_split(self, other):
        """Add the training split of the run's own data, for baselines next to scores on other data.

        Args:
            other: `Dataset` of the run's recipe with the run's preprocessing, not read yet.

        Returns:
            Whether baselines can be computed from it.
        """
        other.read(other._request())
        other.check(*other.splits)
        other.encoded["train"] = other.encode("train")
        self.splits["train"], self.encoded["train"] = other.splits["train"], other.encoded["train"]
        return True

    @property
    def class_names(self):
        """Names of the classes of a classification, else None."""
        return self.preprocessing.class_names

    @property
    def skipped(self):
        """Reason to number of records that could not be used."""
        return {} if self.invalid is None else dict(self.invalid.skipped)

    def count(self, split):
        """Return the number of examples of a split."""
        return len(self.splits[split])

    def baselines(self):
        """Return baseline name to its answers for the test split, as the objective scores them."""
        return {}

    def fingerprint(self, split):
        """Yield a text per example of a split that changes when the example does."""
        yield from map(repr, self.splits[split])

    def digest(self):
        """Return the sha256 of all `fingerprint` texts of all splits."""
        return sha256_of_texts(
            f"{split}\n{text}" for split in self.splits for text in self.fingerprint(split)
        )

    def describe(self):
        """Return what ``metrics.json`` says of the data: source, counts and a fingerprint."""
        return {
            "source": self.source_name,
            **{split: self.count(split) for split in self.splits},
            "skipped": self.skipped,
            "fingerprint": self.digest(),
        }

    def settings(self):
        """Return what has to be known of the data to compare scores: the tokenizer and the like."""
        return {}

    def truncations(self, split):
        """Return a list of `Truncation` of a split, empty where its texts are used as they are."""
        return []

    def describe_example(self, split, number):
        """Return what the record of an example says of its input: a dict."""
        return {"input": f"{split}:{number + 1}"}

    def raw_example(self, split, number, record):
        """Return the raw input of an example, for the demo page.

        Args:
            split: its name.
            number: of the example in the records of the objective.
            record: that record.

        Returns:
            A text; or file name to bytes, in order; None where there is nothing to show.
        """
        return None

    def view_examples(self, predictor):
        """Return `ViewExamples` of the test split, for the report's views of the recurrence; None without.

        Args:
            predictor: `Predictor` of the network.
        """
        return None

    def _new_invalid_records(self):
        data = self.recipe.data
        return InvalidRecords(data.on_invalid_record, data.max_invalid_records)

    def _source(self):
        data = self.recipe.data
        return DataSource(data.source, data.path, data.sample_size, self.recipe.seed)
