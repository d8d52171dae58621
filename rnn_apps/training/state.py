"""The state of training as named arrays: saved and restored bit for bit."""


class TrainingState:
    """The variables of training, and the engine's counts of shapes, which determine what XLA compiles.

    Args:
        model: `keras.Model`; its seed generators are among its variables.
        optimizer: Keras optimizer, built.
        average: `WeightAverage`, or None.
    """

    def __init__(self, model, optimizer, average):
        groups = {
            "model": model.variables,
            "optimizer": optimizer.variables,
            "average": average.variables if average else [],
        }
        self._variables = {f"{name}.{i}": v for name, group in groups.items() for i, v in enumerate(group)}
        layers = [layer for layer in model._flatten_layers() if hasattr(layer, "loop_compiler")]
        self._compilers = {f"engine.{i}": layer.loop_compiler for i, layer in enumerate(layers)}

    def arrays(self):
        """Return name to array."""
        variables = {name: variable.numpy() for name, variable in self._variables.items()}
        return variables | {name: compiler.uses() for name, compiler in self._compilers.items()}

    def restore(self, arrays):
        """Restore the result of `arrays`.

        Raises:
            ValueError: if they are of another network or optimizer; nothing is changed.
        """
        wrong = {*self._variables, *self._compilers} ^ set(arrays)
        wrong |= {n for n, v in self._variables.items() if n not in wrong and v.shape != arrays[n].shape}
        if wrong:
            raise ValueError(f"state: received others than expected: {', '.join(sorted(wrong)[:5])}.")
        for name, variable in self._variables.items():
            variable.assign(arrays[name])
        for name, compiler in self._compilers.items():
            compiler.restore_uses(arrays[name])
