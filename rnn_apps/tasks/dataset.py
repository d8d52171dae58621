"""The data of a task: splits, the preprocessing learned from train, and batches."""

import copy
import logging
from abc import ABC, abstractmethod
from collections import Counter

from rnn_apps.data.prepared import NOT_ENCODED, PREPROCESSING, PreparedData, combined_digest
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.shard_store import ShardStore
from rnn_apps.data.shards import read_raw
from rnn_apps.data.splits import SPLIT_NAMES, DataSource, SplitRequest
from rnn_apps.disk import sha256_of_texts
from rnn_apps.errors import UserError
from rnn_apps.tasks.lazy_dict import LazyDict
from rnn_apps.tasks.preprocessing import Preprocessing
from rnn_apps.tasks.truncation import Truncation

_log = logging.getLogger(__name__)
STORED = "stored"  # in place of "train" for examples that stay on disk


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
        max_raw_train: maximum number of training examples that prepared data holds as they were.
        max_chunk: maximum number of examples that are encoded together for prepared data.
        dropped: names of splits that `prepare` drops before it learns, encodes or scores anything.
        streamed: Counter of examples by split, of the last `stream`.
    """

    max_raw_train, max_chunk = 25_000, 16_384
    dropped: tuple[str, ...] = ()

    def __init__(self, recipe, preprocessing=None):
        self.recipe, self.preprocessing = recipe, preprocessing
        self.splits, self.encoded = {}, {}
        self.source_name, self.invalid = None, None
        self._prepared, self._shards, self._reader = None, None, None
        self.streamed = Counter()

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
        """Return an iterable of the examples of a split: those in memory, or else read again."""
        streamed = (example for name, example in self.stream() if name == split)
        return self.examples_in_memory(split) if split in self.splits else streamed

    def examples_in_memory(self, split):
        """Return an iterable of the examples of a split from `splits`."""
        return self.splits[split]

    def stream(self):
        """Yield (split, example) of all data, which is never in memory as a whole."""
        self.invalid, self.streamed = self._new_invalid_records(), Counter()
        if self._reader is None:
            self._reader = self.open(self._request())
            self.source_name = self._reader.name
        for split, example in self._reader.stream(self.invalid):
            self.streamed[split] += 1
            yield split, example
        self._reader.check_sizes({split: self.streamed[split] for split in self._reader.split_names})

    def read(self, request):
        """Read the data into `splits`, and set `source_name`.

        Of prepared data, the examples that the folder holds as they were before encoding are read: all of
        validation and test, and evenly spaced ones of train.

        Args:
            request: `SplitRequest`.
        """
        self.invalid = self._new_invalid_records()
        if self._find_prepared() is not None:
            names = ("test",) if request.use_all_for_test else SPLIT_NAMES
            self.invalid.skipped.update(self._prepared.skipped)
            self.splits = LazyDict(names, self._read_prepared)
            return
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

    def drop_unusable(self, split, examples):
        """Report examples that the preprocessing cannot encode, and return the others, a list."""
        return examples

    def check(self, *splits):
        """Skip or reject the examples of these splits that the preprocessing cannot encode."""
        return

    def prepare(self, load_preprocessing):
        """Read all splits, learn the preprocessing from train, and encode every split.

        Prepared data has its preprocessing, and its training examples stay on disk.

        Args:
            load_preprocessing: `Preprocessing.load` of the task.
        """
        prepared = self._find_prepared()
        if prepared is not None:
            prepared.check_settings(self.encoding_settings())
            self.preprocessing = load_preprocessing(prepared.folder / PREPROCESSING, None)
            self.complete_preprocessing()
            self._shards = ShardStore(prepared.folder, prepared.splits["train"].shards, prepared.columns)
        self.read(self._request())
        for split in {*self.dropped} & {*self.splits}:
            del self.splits[split]
        if prepared is None:
            self.preprocessing = self.learn()
            self.check(*self.splits)
        self._encode_splits()
        if self._shards is not None:
            self.encoded[STORED] = self.encoded_rows(self._shards)
            self._log_sample_of_train()

    def _log_sample_of_train(self):
        every = self._prepared.splits["train"].raw_every
        if every > 1:
            uses = "Baselines, and initial values that are computed from data"
            _log.info("%s, use one in %s training examples", uses, f"{every:,}")

    def _find_prepared(self):
        """Return the `PreparedData` of the recipe, or None if its data is not prepared."""
        data = self.recipe.data
        if self._prepared is None and data.source == "files" and data.path is not None:
            self._prepared = PreparedData.find(data.path)
        if self._prepared is not None:
            self._prepared.check_task(self.recipe.task)
            self.source_name = self._prepared.source
        return self._prepared

    def _read_prepared(self, split):
        prepared = self._prepared
        raw = (x for shard in prepared.splits[split].shards for x in read_raw(prepared.folder, shard))
        return self.collect(map(self.from_json, raw))

    def check_preparable(self):
        """Raise UserError if the data of this recipe cannot be prepared in bounded memory."""
        if type(self).open is Dataset.open:
            problem = f"data of the task {self.recipe.task} cannot be prepared"
            raise UserError("prepare", problem, fix="Train from the data itself.")

    def encoding_settings(self):
        """Return the settings that prepared data depends on, dotted recipe key to value."""
        excluded, flat = tuple(f"data.{key}" for key in NOT_ENCODED), self.recipe.flat()
        return {k: v for k, v in flat.items() if k.startswith("data.") and not k.startswith(excluded)}

    def columns(self, split):
        """Return the columns of an encoded split, column name to `Column`, for prepared data."""
        raise NotImplementedError(f"{type(self).__name__} cannot be prepared.")

    def encoded_rows(self, store):
        """Return what `encode` returns, with rows of a `ShardStore` in place of arrays."""
        raise NotImplementedError(f"{type(self).__name__} cannot be prepared.")

    def piece(self):
        """Return a `Dataset` with the same preprocessing and no data, to encode some of the examples."""
        piece = copy.copy(self)
        piece.splits, piece.encoded = {}, {}
        return piece

    def complete_preprocessing(self):
        """Add what `Preprocessing.load` takes from a trained model to the preprocessing of prepared data."""
        return

    def to_json(self, split, example):
        """Return an example of a split, as `examples` has it, as a JSON value."""
        return list(example)

    def from_json(self, values):
        """Return the example that `to_json` returned."""
        return tuple(values)

    def prepare_evaluation(self, use_all=False, splits=("test",)):
        """Read and encode the test split, or others, for a trained network.

        Args:
            use_all: whether to use all examples if the data has no test split.
            splits: names of the splits.
        """
        self.read(self._request(use_all))
        self.check(*splits)
        self.splits = {split: self.splits[split] for split in splits}
        self._encode_splits()

    def _request(self, use_all=False):
        fraction = getattr(self.recipe.data, "validation_fraction", 0.1)
        return SplitRequest(fraction, use_all, None if use_all else "train", self.dropped)

    def _encode_splits(self):
        self.encoded = LazyDict(self.splits, self.encode)
        if self._prepared is None:
            self.encoded = dict(self.encoded)

    def training_batches(self):
        """Return the training batches."""
        split = "train" if self._shards is None else STORED
        return self.batches(split, self.recipe.training.batch_size, self.recipe.seed)

    @property
    def read_failure(self):
        """The error that stopped the reading of training examples from disk, or None."""
        return None if self._shards is None else self._shards.failure

    def shard_groups(self, split):
        """Return the `groups` argument of batches of a split: None unless it is read from shards."""
        return self._shards.groups if split == STORED and self.recipe.data.shuffle == "shards" else None

    def add_training_split(self, other):
        """Add the training split of the run's own data, so that baselines can be scored on other data.

        Args:
            other: `Dataset` of the run's recipe and preprocessing, not read yet.

        Returns:
            Whether baselines can be computed from it.
        """
        other.read(other._request())
        other.check(*other.splits)
        self.splits["train"], self.encoded["train"] = other.splits["train"], other.encode("train")
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
        return len(self.splits[split]) if self._prepared is None else self._prepared.splits[split].size

    def baselines(self):
        """Return the answers of each baseline for the test split, as the objective scores them."""
        return {}

    def fingerprint(self, split):
        """Yield a text for each example of a split that identifies its content."""
        yield from map(repr, self.splits[split])

    def digest(self):
        """Return the SHA-256 of the content of all splits."""
        if self._prepared is not None:
            return self._prepared.fingerprint
        return combined_digest({split: sha256_of_texts(self.fingerprint(split)) for split in self.splits})

    def describe(self):
        """Return the description of the data in ``metrics.json``: source, counts and a fingerprint."""
        counts = {split: self.count(split) for split in self.splits}
        content = {"skipped": self.skipped, "fingerprint": self.digest()}
        return {"source": self.source_name, **counts, **content}

    def settings(self):
        """Return the settings of the data that scores depend on, such as the tokenizer."""
        return {}

    def truncations(self, split):
        """Return a list of `Truncation` for a split; empty if nothing is truncated by design."""
        return []

    def all_truncations(self, split):
        """Return the `truncations` of a split, of prepared data those of all its examples."""
        if self._prepared is not None:
            return [Truncation(*values) for values in self._prepared.splits[split].truncations]
        return self.truncations(split)

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
