"""What an export says of itself to a demo page."""

import json
from pathlib import Path

PLACE = "assets.extra/demo"


class Facts:
    """The facts beside a SavedModel, or none where it was made before there were any.

    Args:
        version: path of the SavedModel.

    Attributes:
        folder: where the files of the examples lie.
        values: fact name to value.
        examples: list of {"text": ...} or {"files": [paths]}.
    """

    def __init__(self, version):
        self.folder = (Path(version) / PLACE).absolute()
        path = self.folder / "facts.json"
        self.values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        self.examples = [self._with_paths(one) for one in self.values.get("examples", ())]

    def _with_paths(self, example):
        if "files" not in example:
            return example
        return {"files": [str(self.folder / name) for name in example["files"]]}

    @property
    def are_there(self):
        """Whether the export says anything."""
        return bool(self.values)

    def get(self, name, otherwise=None):
        """Return a fact, or `otherwise` where the export does not say it."""
        found = self.values.get(name)
        return otherwise if found is None else found
