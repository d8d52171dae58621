"""The result of an inspection: findings, decisions, and their reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rnn_apps.errors import Fix, Wording, printable


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
