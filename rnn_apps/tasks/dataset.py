"""The data of a task: splits, the preprocessing learned from train, and batches."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.splits import DataSource, SplitRequest
from rnn_apps.disk import sha256_of_texts
from rnn_apps.tasks.preprocessing import Preprocessing


class Truncation(NamedTuple):
    """The number of texts in a split that are longer than the maximum length.

    Attributes:
        longer: number of longer texts.
        total: number of all texts.
        limit: maximum length.
        unit: unit of `limit`: words or tokens.
        what: name of the texts in messages.
        use: what the rest of a longer text is not used for, a participle such as "read".
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
    """The splits of a recipe's data, raw and encoded.

    A subclass implements `open` or `read`, and `batches`; all other methods have defaults.

    Args:
        recipe: `Recipe`.
        preprocessing: `Preprocessing` of a trained network; None to learn it from train.

    Attributes:
        splits: dict of split names to raw examples.
        encoded: dict of split names to encoded examples, from which batches are made.
        preprocessing: `Preprocessing`.
        source_name: name of the data source in messages.
        invalid: `InvalidRecords` with the invalid records found while reading, or None.
    """

    def __init__(self, recipe, preprocessing=None):
        self.recipe, self.preprocessing = recipe, preprocessing
        self.splits, self.encoded = {}, {}
        self.source_name, self.invalid = None, None

    def open(self, request):
        """Return a reader of the data, a `SplitReader` or `FixedSplits`.

        Args:
            request: `SplitRequest`.
        """
        raise NotImplementedError(f"{type(self).__name__} reads its data as a whole.")

    def collect(self, examples):
        """Return the value of `splits` for an iterable of the reader's examples, a list by default."""
        return list(examples)

    def examples(self, split):
        """Return an iterable of the examples of a split, as `open` reads them."""
        return self.splits[split]

    def read(self, request):
        """Read the data into `splits`, and set `source_name`.

        Args:
            request: `SplitRequest`.
        """
        self.invalid = self._new_invalid_records()
        reader = self.open(request)
        self.source_name = reader.name
        self.splits = {split: self.collect(examples) for split, examples in reader.lists().items()}
        if self.invalid is not None:
            self.invalid.check_fraction(self.source_name, sum(map(self.count_records, self.splits.values())))

    def count_records(self, examples):
        """Return the number of records that the examples of a split were read from."""
        return len(examples)

    @abstractmethod
    def batches(self, split, batch_size, seed=None):
        """Return the batches of a split, an object with `len`, `num_examples` and ``epoch(epoch, start)``.

        Args:
            split: name of the split.
            batch_size: number of examples per batch.
            seed: random seed for training, where the order is a function of (seed, epoch); None for the order
                of the data.
        """

    def learn(self):
        """Return the `Preprocessing` learned from the training split."""
        return Preprocessing()

    def encode(self, split):
        """Return the encoded examples of a split; by default the raw ones."""
        return self.splits[split]

    def check(self, *splits):
        """Skip or reject the examples of these splits that the preprocessing cannot encode."""
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
            use_all: whether to use all examples if the data has no test split.
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
        """Return the training batches."""
        return self.batches("train", self.recipe.training.batch_size, self.recipe.seed)

    def add_training_split(self, other):
        """Add the training split of the run's own data, so that baselines can be scored on other data.

        Args:
            other: `Dataset` of the run's recipe and preprocessing, not read yet.

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
        """Class names of a classification, else None."""
        return self.preprocessing.class_names

    @property
    def skipped(self):
        """Number of skipped records by reason."""
        return {} if self.invalid is None else dict(self.invalid.skipped)

    def count(self, split):
        """Return the number of examples of a split."""
        return len(self.splits[split])

    def baselines(self):
        """Return the answers of each baseline for the test split, as the objective scores them."""
        return {}

    def fingerprint(self, split):
        """Yield a text for each example of a split that identifies its content."""
        yield from map(repr, self.splits[split])

    def digest(self):
        """Return the SHA-256 of the `fingerprint` texts of all splits."""
        return sha256_of_texts(
            f"{split}\n{text}" for split in self.splits for text in self.fingerprint(split)
        )

    def describe(self):
        """Return the description of the data in ``metrics.json``: source, counts and a fingerprint."""
        return {
            "source": self.source_name,
            **{split: self.count(split) for split in self.splits},
            "skipped": self.skipped,
            "fingerprint": self.digest(),
        }

    def settings(self):
        """Return the settings of the data that scores depend on, such as the tokenizer."""
        return {}

    def truncations(self, split):
        """Return a list of `Truncation` for a split; empty if nothing is truncated by design."""
        return []

    def describe_example(self, split, number):
        """Return the entries that describe the input in the record of an example, a dict."""
        return {"input": f"{split}:{number + 1}"}

    def raw_example(self, split, number, record):
        """Return the raw input of an example, for the demo page.

        Args:
            split: name of the split.
            number: index of the example's record.
            record: record of the example, from `Objective.evaluate`.

        Returns:
            A text, or a dict of file names to bytes, or None if there is nothing to show.
        """
        return None

    def view_examples(self, predictor):
        """Return `ViewExamples` of the test split, for the report's views of the recurrence, or None.

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
