"""What was found in data, what was decided from it, and why."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rnn_apps.errors import Fix, Wording, printable


class Finding(NamedTuple):
    """One thing that was found.

    Args:
        name: a word or two, the same for all data of a task.
        value: a number, text, list or mapping, as JSON has them.
        text: a sentence for people.
        is_warning: whether it should be looked at before training.
        fix: how to fix what it warns of, a sentence or a `rnn_apps.errors.Fix`, or None.
    """

    name: str
    value: Any
    text: str
    is_warning: bool = False
    fix: str | Fix | None = None

    def describe(self, wording: Wording) -> str:
        """Returns the text, and the fix as `wording` puts it."""
        return self.text if self.fix is None else f"{self.text} {wording.fix(self.fix)}"

    def as_dict(self) -> dict[str, Any]:
        """Returns it as JSON has it."""
        text = self.describe(Wording())
        return {"name": self.name, "value": self.value, "text": text, "is_warning": self.is_warning}


class Decision(NamedTuple):
    """One setting of the recipe.

    Args:
        key: dotted path, such as ``data.max_length``.
        value: what it is set to.
        why: the reason, in a few words.
    """

    key: str
    value: Any
    why: str


@dataclass
class Inspection:
    """Everything that an inspector has to say of some data.

    Args:
        task: name of the task.
        path: file or folder that the recipe is to read, as the user wrote it where that is possible.
        base: the packaged recipe from which the new one starts.
        given: settings that the user has chosen, dotted path to value.
    """

    task: str
    path: str
    base: str
    given: dict = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    @property
    def warnings(self) -> list[Finding]:
        """The findings that should be looked at before training."""
        return [finding for finding in self.findings if finding.is_warning]

    def found(self, name, value, text):
        """Add a finding."""
        self.findings.append(Finding(name, value, printable(text)))

    def warn(self, name, value, text, fix=None):
        """Add a finding that should be looked at before training, and how to fix it."""
        self.findings.append(Finding(name, value, printable(text), is_warning=True, fix=fix))

    def decide(self, key, value, why):
        """Add a setting of the recipe; a later one replaces that of the same key, one that is given stays."""
        if key in self.given:
            value, why = self.given[key], "as given"
        self.decisions = [one for one in self.decisions if one.key != key]
        self.decisions.append(Decision(key, value, printable(why)))

    def keep_given(self, *keys):
        """Add settings to the recipe that the user has given."""
        for key in keys:
            if all(one.key != key for one in self.decisions):
                self.decide(key, self.given[key], "")

    def decided(self, key):
        """Return what was decided of a key, or None."""
        return next((one.value for one in self.decisions if one.key == key), None)

    def value(self, name):
        """Return the value of the finding of that name, or None."""
        return next((one.value for one in self.findings if one.name == name), None)

    def as_dict(self):
        """Return all of it as JSON has it."""
        return {
            "task": self.task,
            "path": self.path,
            "findings": [finding.as_dict() for finding in self.findings],
            "decisions": [decision._asdict() for decision in self.decisions],
        }
