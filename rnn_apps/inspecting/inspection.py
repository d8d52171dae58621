"""The result of an inspection: findings, decisions and their reasons, and those that most data has."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.split_files import conversion_advice, listed_files, unread_files
from rnn_apps.data.splits import SplitRequest
from rnn_apps.errors import DataError, Fix, Wording, printable, shown
from rnn_apps.inspecting.encodings import check_encoding
from rnn_apps.inspecting.measures import count_of, leakage, percent, quantile, skip_limit

_BATCH_SIZES = ((4000, 64), (1000, 32), (200, 16), (0, 8))  # by minimum number of examples
_MAX_EPOCHS = 30
_MAX_WARMUP = 100
_MIN_AVERAGED, _MAX_AVERAGED = 300, 1000  # total steps between which weight averaging is decided here
_FRACTIONS = (0.1, 0.2, 0.3)
_MAX_CLASSES_LISTED = 20
_MIN_VALIDATION = 10  # examples that make a meaningful validation split
_MAX_VALIDATION_SHARE = 16  # one in 16 examples is enough if that is fewer


class Finding(NamedTuple):
    """One property of the data.

    Args:
        name: A word or two, the same for all data of a task.
        value: A number, text, list or mapping that can be written as JSON.
        text: A sentence for people.
        is_warning: Whether it should be checked before training.
        fix: How to fix it, a sentence or a `rnn_apps.errors.Fix`, or None.
    """

    name: str
    value: Any
    text: str
    is_warning: bool = False
    fix: str | Fix | None = None

    def describe(self, wording: Wording) -> str:
        """Return the text, followed by the fix as `wording` puts it."""
        return self.text if self.fix is None else f"{self.text} {wording.fix(self.fix)}"

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as a dictionary for JSON."""
        text = self.describe(Wording())
        return {"name": self.name, "value": self.value, "text": text, "is_warning": self.is_warning}


class Decision(NamedTuple):
    """One setting of the recipe.

    Args:
        key: Dotted key, such as ``data.max_length``.
        value: Value of the setting.
        why: The reason, in a few words.
    """

    key: str
    value: Any
    why: str


@dataclass
class Inspection:
    """Everything that an inspector finds and decides.

    Args:
        task: Name of the task.
        path: File or folder that the recipe reads, as the user wrote it if possible.
        base: Packaged recipe on which the new one is based.
        overrides: Settings of the user, dotted key to value.
    """

    task: str
    path: str
    base: str
    overrides: dict = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    @property
    def warnings(self) -> list[Finding]:
        """The findings that should be checked before training."""
        return [finding for finding in self.findings if finding.is_warning]

    def add(self, name: str, value: Any, text: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(name, value, printable(text)))

    def warn(self, name: str, value: Any, text: str, fix: str | Fix | None = None) -> None:
        """Add a finding that should be checked before training, once, and how to fix it."""
        warning = Finding(name, value, printable(text), is_warning=True, fix=fix)
        if warning not in self.findings:
            self.findings.append(warning)

    def decide(self, key: str, value: Any, why: str) -> None:
        """Set a key of the recipe and move it to the end; overrides take precedence."""
        if key in self.overrides:
            value, why = self.overrides[key], "as given"
        self.decisions = [decision for decision in self.decisions if decision.key != key]
        self.decisions.append(Decision(key, value, printable(why)))

    def decide_all(self, settings: Mapping[str, Any], why: str) -> None:
        """Set several keys of the recipe for one reason."""
        for key, value in settings.items():
            self.decide(key, value, why)

    def keep_overrides(self) -> None:
        """Add the overrides that no decision has used."""
        for key, value in self.overrides.items():
            if all(decision.key != key for decision in self.decisions):
                self.decide(key, value, "")

    def setting(self, key: str) -> Any:
        """Return the value that was decided for a key, or None."""
        return next((decision.value for decision in self.decisions if decision.key == key), None)

    def value(self, name: str) -> Any:
        """Return the value of the first finding of that name, or None."""
        return next((finding.value for finding in self.findings if finding.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the inspection as a dictionary for JSON."""
        return {
            "task": self.task,
            "path": self.path,
            "findings": [finding.as_dict() for finding in self.findings],
            "decisions": [decision._asdict() for decision in self.decisions],
        }

    def describe_files(self, folder: str | Path, used: Collection[Path]) -> None:
        """Add the encodings of text files, which must be UTF-8; then `describe_unread`."""
        for file in used:
            encoding = check_encoding(file)
            self.add("file", {"file": file.name, "encoding": encoding}, f"{file.name}: {encoding}.")
        self.describe_unread(folder, used)

    def describe_unread(self, folder: str | Path, used: Iterable[Path]) -> None:
        """Warn of data files in a folder that are not among the `used` ones; a file has none."""
        if files := unread_files(folder, used):
            names = "Files of splits are called train, validation (valid, val, dev, eval) and test."
            text = f"Not read: {listed_files(files)}. {conversion_advice(files) or names}"
            self.warn("unread_files", [file.name for file in files], text)

    def describe_splits(self, splits: Mapping[str, Sequence], num_files: int, noun: str = "Examples") -> None:
        """Add how many examples each split has.

        Args:
            splits: Split name to examples.
            num_files: Number of splits in files of their own; the others are split off train.
            noun: What examples are called.
        """
        sizes = {split: len(examples) for split, examples in splits.items()}
        how = "missing splits are split off train by a hash" if num_files < 3 else "as in the files"
        listed = ", ".join(f"{split} {size:,}" for split, size in sizes.items())
        self.add("splits", sizes, f"{noun}: {listed}; {how}.")

    def describe_classes(self, counts: Counter[str], noun: str, plural: str | None = None) -> None:
        """Add the classes of train, or how else `noun` calls them, with their counts."""
        shares = [f"{name} {n:,} ({percent(n, counts.total())})" for name, n in counts.items()]
        listed = ", ".join(shares[:_MAX_CLASSES_LISTED])
        hidden = len(shares) - _MAX_CLASSES_LISTED
        more = f", and {hidden} more" if hidden > 0 else ""
        self.add("classes", dict(counts), f"{count_of(len(counts), noun, plural)} in train: {listed}{more}.")

    def describe_leakage(self, splits: Mapping[str, list[str]], noun: str, num_files: int = 1) -> None:
        """Warn of examples that occur in more than one split, or add that there are none.

        Args:
            splits: Split name to list of texts.
            noun: What the examples are called.
            num_files: Number of splits in files of their own; with two, validation was split off train and
                counts as train.
        """
        if num_files == 2:
            splits = {"train": splits["train"] + splits["validation"], "test": splits["test"]}
        leaks = leakage(splits)
        for earlier, later, identical, equal, example in leaks:
            value = {"split": later, "also_in": earlier}
            value |= {"equal": identical, "equal_but_for_case_and_space": equal}
            share = percent(equal, len(splits[later]))
            how = "identical" if identical == equal else "with other capitals or spaces"
            how = f"{identical:,} of them identical" if 0 < identical < equal else how
            text = f"{equal:,} of {len(splits[later]):,} {noun} of {later} ({share}) also occur in {earlier}"
            text = f"{text}, {how}: {shown(example)}. They make scores on {later} too high."
            self.warn("leakage", value, text)
        if not leaks and len(splits) > 1:
            self.add("leakage", 0, f"No {noun} occur in two splits, ignoring capitals and spaces.")

    def describe_identical(
        self, contents: Mapping[str, Iterable[tuple[str, bytes]]], noun: str, plural: str | None = None
    ) -> None:
        """Warn of examples whose bytes occur in two splits, or add that there are none.

        Args:
            contents: Split name to pairs of an example's name and its bytes.
            noun, plural: What an example is called.
        """
        first_with: dict[bytes, tuple[str, str]] = {}
        duplicates = []
        for split, examples in contents.items():
            for name, content in examples:
                other, first = first_with.setdefault(hashlib.sha256(content).digest(), (split, name))
                if other != split:
                    duplicates.append(f"{shown(name)} of {split} and {shown(first)} of {other}")
        if not duplicates:
            self.add("leakage", 0, f"No {noun} is in two splits, byte by byte.")
            return
        verb = "is identical to one" if len(duplicates) == 1 else "are identical to some"
        text = f"{count_of(len(duplicates), noun, plural)} of a split {verb} of another split"
        text = f"{text}: {duplicates[0]}. They make scores too high."
        self.warn("leakage", len(duplicates), text)

    def describe_repeats(self, texts: Sequence[str], noun: str) -> None:
        """Add how many texts, called `noun`, repeat an earlier one."""
        repeats = len(texts) - len(set(texts))
        sentence = f"No two {noun} are equal."
        if repeats:
            text, count = Counter(texts).most_common(1)[0]
            sentence = f"{repeats:,} {noun} repeat an earlier one; the most frequent occurs {count} times:"
            sentence = f"{sentence} {shown(text)}."
        self.add("repeats", repeats, sentence)

    def describe_lengths(self, lengths: Sequence[int], name: str, noun: str) -> None:
        """Add the quantiles of lengths, as a finding called `name`; `noun` is what is counted."""
        shares = {"median": 0.5, "95_percent": 0.95, "longest": 1}
        value = {key: quantile(lengths, share) for key, share in shares.items()}
        text = f"half have at most {value['median']:,}, 95 % at most {value['95_percent']:,}, the longest"
        self.add(name, value, f"{noun}: {text} {value['longest']:,}.")

    def describe_unknown_words(self, known: Collection[str], words: Sequence[str]) -> None:
        """Add how many words of the test split do not occur in train, whose words are `known`."""
        unknown = sum(word not in known for word in words)
        text = f"{percent(unknown, len(words))} of the words of test do not occur in train."
        self.add("unknown_words", round(unknown / max(1, len(words)), 4), text)

    def decide_invalid_records(self, invalid: InvalidRecords, num_used: int, max_share: float = 0.0) -> None:
        """Warn of invalid records, and decide which fraction of them may be skipped.

        Args:
            invalid: `InvalidRecords` that skipped them.
            num_used: Number of records that were not skipped.
            max_share: Largest share of invalid records of any split, if splits are counted separately.
        """
        for reason, count in invalid.skipped.items():
            self.warn("invalid_records", {reason: count}, f"{count_of(count, 'record')}: {reason}.")
        if total := invalid.skipped.total():
            why = f"{count_of(total, 'record')} cannot be used"
            self.allow_invalid_records(total, num_used, why, max_share)

    def allow_invalid_records(
        self, num_invalid: int, num_used: int, why: str, max_share: float = 0.0
    ) -> None:
        """Decide to skip invalid records, up to twice their current fraction so that more data still trains.

        Args:
            num_invalid, num_used: Number of records that cannot and that can be used.
            why: The reason for skipping them.
            max_share: As in `decide_invalid_records`.
        """
        total = num_invalid + num_used
        cap = skip_limit(max(max_share, num_invalid / total))
        self.decide("data.on_invalid_record", "skip", why)
        self.decide("data.max_invalid_records", cap, f"{num_invalid:,} of {total:,} records now")

    def load_splits(
        self,
        load: Callable[[SplitRequest, InvalidRecords], dict],
        fractions: Sequence[float] = _FRACTIONS,
        count: Callable[[Any], int] = len,
    ) -> dict:
        """Return the splits of a data set, with a validation split that is not too small.

        Args:
            load: ``load(request, invalid)`` takes a `SplitRequest` and `InvalidRecords`, and returns split
                name to examples.
            fractions: Fractions of train for validation, in order of preference.
            count: ``count(examples)`` returns the number of records of a split.

        Raises:
            DataError: from the last attempt.
        """
        given = self.overrides.get("data.validation_fraction")
        fractions = fractions if given is None else (given,)
        for fraction in fractions:
            invalid = InvalidRecords("skip", 10**9)
            try:
                splits = load(SplitRequest(fraction), invalid)
            except DataError:
                if fraction == fractions[-1]:
                    raise
                continue
            total, num_validation = sum(map(count, splits.values())), count(splits["validation"])
            if num_validation >= min(_MIN_VALIDATION, total // _MAX_VALIDATION_SHARE):
                break
        if fraction not in (given, _FRACTIONS[0]):
            why = f"{num_validation:,} records for validation, if it has no file of its own"
            self.decide("data.validation_fraction", fraction, why)
        self.decide_invalid_records(invalid, total)
        return splits

    def decide_training(
        self,
        num_examples: int,
        min_epochs: int,
        steps: int,
        max_batch_size: int = 64,
        noun: str = "examples",
    ) -> None:
        """Decide batch size, epochs and warm-up by the number of examples in train.

        Small data gets small batches and more epochs, so that training has about as many steps as it needs to
        converge; large data gets the values of the packaged recipe.

        Args:
            num_examples: Number of examples in train.
            min_epochs: Epochs of the packaged recipe, for data as large as its own.
            steps: Minimum number of training steps.
            max_batch_size: Largest batch size.
            noun: What examples are called.
        """
        size = next(size for min_examples, size in _BATCH_SIZES if num_examples >= min_examples)
        batch_size = min(max_batch_size, size)
        steps_per_epoch = math.ceil(num_examples / batch_size)
        epochs = min(_MAX_EPOCHS, max(min_epochs, math.ceil(steps / steps_per_epoch)))
        total, unit = epochs * steps_per_epoch, "step" if steps_per_epoch == 1 else "steps"
        self.decide("training.batch_size", batch_size, f"{num_examples:,} {noun} in train")
        self.decide("training.epochs", epochs, f"{steps_per_epoch:,} {unit} per epoch, {total:,} in all")
        warmup, why = min(_MAX_WARMUP, total // 10), f"a tenth of all steps, at most {_MAX_WARMUP}"
        self.decide("training.warmup_steps", warmup, why)
        if total < _MIN_AVERAGED:
            self.decide("training.weight_averaging", None, "too few steps for an average")
        elif total < _MAX_AVERAGED:
            self.decide("training.weight_averaging", 0.99, "over about the last 100 steps")
