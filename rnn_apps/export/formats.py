"""The base class of the export formats, their registry, and the export of a trained network."""

import importlib
import importlib.util
from pathlib import Path

from rnn_apps.errors import UserError, did_you_mean, shown
from rnn_apps.export_formats import FORMATS

HELD_BY = "saved_model, onnx and litert hold it."


class ExportFormat:
    """One form in which a trained network is exported; `register_format` makes it known by its name.

    By default a format is one file per `NetworkPart`: a subclass says how one is written (`convert`) and run
    (`load`), and a file whose answers differ too much from the network's is not kept. A format that holds
    something else, as a SavedModel does, overrides `write`.

    The module of a format imports heavy packages inside these methods only: the command line reads the
    attributes without loading TensorFlow.

    Attributes:
        name: what recipes and the command line call it.
        title: what it is called where a person reads it; by default the name.
        packages: modules that must be importable.
        extra: extra of rnn-apps that installs them, or None.
        weights: type of the weights to the largest difference allowed, relative for answers larger than 1;
            None allows any.
        fixed_steps: whether its files take sequences of one length, which ``steps`` chooses.
        ending: of its files.
        batches: (examples, steps) pairs on which a file and the network are compared.
        client_package: package that ``client.py`` needs to run the files; None for a format without a client.
        needs_plain_path: whether its writer takes characters such as ``*`` in a path for a pattern.

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
    ending: str | None = None
    batches: tuple[tuple[int, int], ...] = ((1, 7), (3, 12))
    client_package: str | None = None
    needs_plain_path = False

    def subdirectory(self, weights="float32"):
        """Return the path of an export in its run folder."""
        return f"export/{self.name}" + ("" if weights == "float32" else f"_{weights}")

    def unsupported(self, predictor):
        """Return why a network has no such form, in a few words, or None."""
        return None

    def convert(self, part, path, weights):
        """Write a file.

        Args:
            part: `NetworkPart` of the network.
            path: of the file.
            weights: one of `self.weights`.
        """
        raise NotImplementedError

    def load(self, path, part):
        """Return a function that runs a file: name to array in, name to array out.

        Args:
            path: of the file.
            part: `NetworkPart` that it was written from.
        """
        raise NotImplementedError

    def files(self, parts):
        """Return (part, file name) for every file that is written."""
        return [(part, f"{part.name}.{self.ending}") for part in parts]

    def batches_of(self, part):
        """Return the (examples, steps) pairs on which a file of this part and the network are compared."""
        return self.batches

    def write(self, predictor, folder, weights="float32", steps=None, examples=None):
        """Write an export, run it, and compare its answers with the network's.

        Args:
            predictor: `Predictor` of the trained network.
            folder: path, which must not exist.
            weights: one of `self.weights`.
            steps: length of the inputs, for a format of fixed lengths; None takes that of the network.
            examples: folder with the example inputs of a run, for a demo page, or None.

        Returns:
            A list of `rnn_apps.export.comparing.ExportResult`, one per file that was compared.

        Raises:
            RnnAppsError: the answers differ by more than the format allows.
        """
        from rnn_apps.export.client_files import write_client
        from rnn_apps.export.comparing import verify_export

        parts = predictor.network_parts()
        if steps is not None:
            parts = _of_length(parts, steps)
        folder.mkdir()
        results = []
        for part, name in self.files(parts):
            self.convert(part, folder / name, weights)
            run = self.load(folder / name, part)
            tolerance = self.weights[weights]
            results.append(verify_export(part, run, folder / name, self.batches_of(part), tolerance))
        if self.client_package is not None:
            write_client(predictor, parts, folder, self, self.weights[weights])
        return results

    def check_packages(self):
        """Raise UserError if a package that the format needs is not installed."""
        for package in self.packages:
            if importlib.util.find_spec(package) is None:
                wanted = f"'rnn-apps[{self.extra}]'" if self.extra else package
                problem = f"{self.name} needs {package}, which is not installed"
                raise UserError("export", problem, fix=f"pip install {wanted}")


def register_format(cls):
    """Add a subclass of `ExportFormat` to the table under its `name`; a decorator.

    Recipes (``export: [NAME]``), ``rnn-apps export --format NAME``, the schema and the completion follow it.

    Raises:
        ValueError: it is no `ExportFormat`, has no name, or the name is taken by another.
    """
    if not (isinstance(cls, type) and issubclass(cls, ExportFormat) and getattr(cls, "name", None)):
        raise ValueError(
            f"register_format: received {cls!r}, expected a subclass of ExportFormat with a name."
        )
    known = FORMATS.setdefault(cls.name, cls)
    if _address(known) != _address(cls):
        raise ValueError(f"register_format: {cls.name!r} is taken by {_address(known)}; choose another name.")
    FORMATS[cls.name] = cls
    return cls


def get_format(name):
    """Return the `ExportFormat` with this name.

    Raises:
        UserError: there is none.
    """
    if name not in FORMATS:
        problem, fix = f"no such format {shown(name)}", did_you_mean(name, FORMATS)
        raise UserError(problem=problem, fix=fix, option="format")
    known = FORMATS[name]
    if isinstance(known, str):
        module, _, known = known.partition(":")
        known = getattr(importlib.import_module(module), known)
    return known()


def weight_types():
    """Return type of weights to the names of the formats that have it."""
    found = {}
    for name in FORMATS:
        for weights in get_format(name).weights:
            found.setdefault(weights, []).append(name)
    return found


def export_subdir(name, weights="float32"):
    """Return the path of an export in its run folder."""
    return get_format(name).subdirectory(weights)


def export_model(predictor, name, folder, weights="float32", examples=None, steps=None):
    """Export a network and compare the answers of the export with its own.

    Args:
        predictor: `Predictor` of the trained network.
        name: one of `FORMATS`.
        folder: path, which must not exist.
        weights: a type of weights that the format has.
        examples: folder with the example inputs of a run, for a demo page, or None.
        steps: length of the inputs, for a format of fixed lengths; None takes that of the network.

    Returns:
        A list of `rnn_apps.export.comparing.ExportResult`, empty for a SavedModel.

    Raises:
        UserError: no such format, a package that it needs is not installed, or the network has no such form.
        RnnAppsError: the answers differ by more than the format allows.
    """
    chosen, known = get_format(name), weight_types()
    if weights not in known:
        raise UserError(received=shown(weights), expected=", ".join(known), option="weights")
    if weights not in chosen.weights:
        problem = f"{name} has no {weights} weights, only {', '.join(chosen.weights)}"
        fix = f"{weights} is for {', '.join(known[weights])}."
        raise UserError(problem=problem, fix=fix, option="weights")
    chosen.check_packages()
    if steps is not None and not chosen.fixed_steps:
        fixed = ", ".join(other for other in FORMATS if get_format(other).fixed_steps)
        fix = f"Leave it out; it is for {fixed}."
        raise UserError(problem=f"{name} takes sequences of any length", fix=fix, option="steps")
    problem = chosen.unsupported(predictor)
    if problem is not None:
        raise UserError(name, problem, fix=HELD_BY, option="format")
    return chosen.write(predictor, Path(folder), weights, steps, examples)


def _address(known):
    return known if isinstance(known, str) else f"{known.__module__}:{known.__qualname__}"


def _of_length(parts, steps):
    """The parts with another length of their sequences, for a format with fixed shapes."""
    chosen = [part for part in parts if part.max_steps is not None]
    if not chosen:
        problem = "the length of this network's inputs cannot be chosen"
        raise UserError(problem=problem, fix="Leave it out.", option="steps")
    most = min(part.max_steps for part in chosen)
    if not 1 <= steps <= most:
        expected = f"1 to {most:,}, what the network reads"
        raise UserError(received=str(steps), expected=expected, option="steps")
    return [
        part._replace(steps=steps, min_steps=min(steps, part.min_steps)) if part in chosen else part
        for part in parts
    ]
