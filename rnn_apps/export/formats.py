"""The base class of the export formats, their registry, and the export of a trained network."""

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnn_apps.errors import UserError, did_you_mean, shown
from rnn_apps.export_formats import FORMATS

OTHER_FORMATS = "Use saved_model, onnx or litert."


class ExportFormat:
    """A format in which a trained network is exported; `register_format` registers it under its name.

    By default an export has one file per `NetworkPart`: a subclass defines how a file is written (`convert`)
    and run (`load`), and a file whose outputs differ too much from the network's is not kept. A format of
    another kind, such as SavedModel, overrides `write`.

    The module of a format imports heavy packages inside these methods only: the command line reads the
    attributes without loading TensorFlow.

    Attributes:
        name: name in recipes and on the command line.
        title: name in texts; by default `name`.
        packages: modules that must be importable.
        extra: extra of rnn-apps that installs them, or None.
        weights: type of the weights to the largest difference allowed, relative for outputs larger than 1;
            None allows any.
        fixed_steps: whether its files take sequences of one length, which ``steps`` sets.
        can_fix_steps: whether they do so where ``steps`` is given, or where the part of the network says so.
        extension: file name extension without the dot.
        batches: (examples, steps) pairs on which a file and the network are compared.
        client_package: package that ``client.py`` needs to run the files; None for a format without a client.
        needs_data: whether `write` has an argument `dataset`, a function that returns the `Dataset` of the
            run with the splits train and test.
        needs_plain_path: whether its writer treats characters such as ``*`` in a path as a pattern.

    Examples:
        >>> @register_format
        ... class Arrays(ExportFormat):
        ...     '''The weights of a network, which no program can run.'''
        ...     name = "arrays"
        >>> get_format("arrays").subdirectory()
        'export/arrays'
        >>> del FORMATS["arrays"]
    """

    name: str
    title: str | None = None
    packages: tuple[str, ...] = ()
    extra: str | None = None
    weights: dict[str, float | None] = {"float32": 1e-5}
    fixed_steps = False
    can_fix_steps = False
    extension: str | None = None
    batches: tuple[tuple[int, int], ...] = ((1, 7), (3, 12))
    client_package: str | None = None
    needs_data = False
    needs_plain_path = False

    @property
    def default_weights(self):
        """The first type of weights."""
        return next(iter(self.weights))

    def subdirectory(self, weights=None):
        """Return the path of an export in its run folder."""
        return f"export/{self.name}" + ("" if weights in (None, self.default_weights) else f"_{weights}")

    @property
    def takes_steps(self):
        """Whether ``steps`` may be given."""
        return self.fixed_steps or self.can_fix_steps

    def unsupported(self, predictor):
        """Return briefly why a network cannot be exported in this format, or None."""
        return None

    def convert(self, part, path, weights):
        """Write a file.

        Args:
            part: `NetworkPart` of the network.
            path: path of the file.
            weights: one of `self.weights`.

        Returns:
            A list of `rnn_apps.export.verification.LayerForm`, or None.
        """
        raise NotImplementedError

    def load(self, path, part):
        """Return a function that runs a file: input name to array in, output name to array out.

        Args:
            path: path of the file.
            part: `NetworkPart` that it was written from.
        """
        raise NotImplementedError

    def files(self, parts):
        """Return (part, file name) for every file to write."""
        return [(part, f"{part.name}.{self.extension}") for part in parts]

    def batches_of(self, part):
        """Return the (examples, steps) pairs on which a file of this part and the network are compared."""
        return self.batches

    def fixes_steps(self, part, steps):
        """Return whether the file of a part takes sequences of one length only; `steps` as in `write`."""
        is_given = steps is not None or part.max_steps is None or part.fixed_steps
        return self.fixed_steps or (self.can_fix_steps and is_given)

    def write(self, predictor, folder, weights="float32", steps=None, examples=None):
        """Write an export, run it, and compare its outputs with the network's.

        Args:
            predictor: `Predictor` of the trained network.
            folder: path, which must not exist.
            weights: one of `self.weights`.
            steps: length of the inputs, for a format that can fix it.
            examples: folder with the example inputs of a run, for a demo page, or None.

        Returns:
            A list of `rnn_apps.export.verification.ExportResult`, one per compared file.

        Raises:
            RnnAppsError: the outputs differ by more than the format allows.
        """
        from rnn_apps.export.client_files import write_client
        from rnn_apps.export.verification import verify_export

        parts, tolerance, results = predictor.network_parts(), self.weights[weights], []
        if steps is not None:
            parts = _with_steps(parts, steps)
        parts = [part._replace(fixed_steps=self.fixes_steps(part, steps)) for part in parts]
        folder.mkdir()
        for part, name in self.files(parts):
            layers = self.convert(part, folder / name, weights) or ()
            run = self.load(folder / name, part)
            result = verify_export(part, run, folder / name, self.batches_of(part), tolerance)
            results.append(result._replace(layers=tuple(layers)))
        if self.client_package is not None:
            forms = {part.name: result.layers for part, result in zip(parts, results)}
            write_client(predictor, parts, folder, self, tolerance, forms)
        return results

    def check_packages(self):
        """Raise UserError if a package that the format needs is not installed."""
        for package in self.packages:
            if importlib.util.find_spec(package) is None:
                requirement = f"'rnn-apps[{self.extra}]'" if self.extra else package
                problem = f"{self.name} needs {package}, which is not installed"
                raise UserError("export", problem, fix=f"pip install {requirement}")


def register_format(cls: type[ExportFormat]) -> type[ExportFormat]:
    """Register a subclass of `ExportFormat` under its `name`; a decorator.

    Recipes (``export: [NAME]``), ``rnn-apps export --format NAME``, the schema and the completion include it.

    Raises:
        ValueError: the class is not an `ExportFormat`, has no name, or its name is taken by another.
    """
    if not (isinstance(cls, type) and issubclass(cls, ExportFormat) and getattr(cls, "name", None)):
        raise ValueError(
            f"register_format: received {cls!r}, expected a subclass of ExportFormat with a name."
        )
    registered = FORMATS.setdefault(cls.name, cls)
    if _import_path(registered) != _import_path(cls):
        problem = f"{cls.name!r} is taken by {_import_path(registered)}"
        raise ValueError(f"register_format: {problem}; choose another name.")
    FORMATS[cls.name] = cls
    return cls


def get_format(name: str) -> ExportFormat:
    """Return the `ExportFormat` with this name.

    Raises:
        UserError: there is no such format.
    """
    if name not in FORMATS:
        problem, fix = f"no such format {shown(name)}", did_you_mean(name, FORMATS)
        raise UserError(problem=problem, fix=fix, option="format")
    cls = FORMATS[name]
    if isinstance(cls, str):
        module, _, cls = cls.partition(":")
        cls = getattr(importlib.import_module(module), cls)
    return cls()


def weight_types() -> dict[str, list[str]]:
    """Return each type of weights and the names of the formats that support it."""
    types: dict[str, list[str]] = {}
    for name in FORMATS:
        for weights in get_format(name).weights:
            types.setdefault(weights, []).append(name)
    return types


def export_subdir(name: str, weights: str | None = None) -> str:
    """Return the path of an export in its run folder."""
    return get_format(name).subdirectory(weights)


def export_model(
    predictor: Any,
    name: str,
    folder: str | Path,
    weights: str | None = None,
    examples: Path | None = None,
    steps: int | None = None,
    dataset: Callable[[], Any] | None = None,
) -> list:
    """Export a network and compare the outputs of the export with its own.

    Args:
        predictor: `Predictor` of the trained network.
        name: one of `FORMATS`.
        folder: path, which must not exist.
        weights: a type of weights that the format supports; None for its first one.
        examples: folder with the example inputs of a run, for a demo page, or None.
        steps: length of the inputs, for a format that can fix it.
        dataset: function that returns the `Dataset` of the run, for a format that needs it.

    Returns:
        A list of `rnn_apps.export.verification.ExportResult`, empty for a SavedModel.

    Raises:
        UserError: there is no such format, it does not support the network, or a package is missing.
        RnnAppsError: the outputs differ by more than the format allows.
    """
    chosen, types = get_format(name), weight_types()
    weights = weights or chosen.default_weights
    if weights not in types:
        raise UserError(received=shown(weights), expected=", ".join(types), option="weights")
    if weights not in chosen.weights:
        problem = f"{name} has no {weights} weights, only {', '.join(chosen.weights)}"
        fix = f"{weights} is for {', '.join(types[weights])}."
        raise UserError(problem=problem, fix=fix, option="weights")
    chosen.check_packages()
    if steps is not None and not chosen.takes_steps:
        fixed = ", ".join(other for other in FORMATS if get_format(other).takes_steps)
        fix = f"Leave it out; it is for {fixed}."
        raise UserError(problem=f"{name} takes sequences of any length", fix=fix, option="steps")
    problem = chosen.unsupported(predictor)
    if problem is not None:
        raise UserError(name, problem, fix=OTHER_FORMATS, option="format")
    data = {"dataset": dataset} if chosen.needs_data else {}
    return chosen.write(predictor, Path(folder), weights, steps, examples, **data)


def _import_path(cls):
    return cls if isinstance(cls, str) else f"{cls.__module__}:{cls.__qualname__}"


def _with_steps(parts, steps):
    """Return the parts with another sequence length, for a format with fixed shapes."""
    limits = [part.max_steps for part in parts if part.max_steps is not None]
    if not limits:
        problem = "the length of this network's inputs cannot be changed"
        raise UserError(problem=problem, fix="Leave it out.", option="steps")
    if not 1 <= steps <= min(limits):
        expected = f"1 to {min(limits):,}, what the network reads"
        raise UserError(received=str(steps), expected=expected, option="steps")
    return [
        part._replace(steps=steps, min_steps=min(steps, part.min_steps))
        if part.max_steps is not None
        else part
        for part in parts
    ]
