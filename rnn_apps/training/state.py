"""The state of training as named arrays: saved and restored bit for bit."""

import tensorflow as tf

from rnn_apps.errors import Setting, UserError


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

    def shift_seeds(self, number):
        """Change the seeds of all random generators by a number."""
        for variable in self._variables.values():
            if variable.name == "seed_generator_state":
                variable.assign(variable.value + tf.constant([number, 0], variable.value.dtype))

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


class CarriedRows:
    """The states that a network carries from batch to batch, of which each process computes some rows.

    Args:
        model: `keras.Model`; its layers `CarriedStates` are told their rows.
        share: `Share` of this process.

    Attributes:
        count: number of states.

    Raises:
        UserError: if the rows cannot be divided evenly.
    """

    def __init__(self, model, share):
        layers = [layer for layer in model._flatten_layers() if hasattr(layer, "carried_states")]
        self._rows, self._variables = [], []
        for layer in layers:
            if layer.streams % share.total:
                received, expected = (
                    f"{layer.streams}",
                    f"a multiple of {share.total}, the number of processes",
                )
                fix = Setting(
                    "Set it to", f"training.batch_size={-(-layer.streams // share.total) * share.total}"
                )
                raise UserError("training.batch_size", received=received, expected=expected, fix=fix)
            start, stop, _ = share.rows(layer.streams)
            layer.rows = slice(start, stop)
            self._variables += layer.carried_states
            self._rows += [(start, layer.streams - stop)] * len(layer.carried_states)
        self.count = len(self._variables)

    def own(self):
        """Return the states with zeros in the rows of other processes."""
        return [
            tf.pad(variable.value[before : variable.shape[0] - after], [[before, after], [0, 0]])
            for variable, (before, after) in zip(self._variables, self._rows)
        ]

    def assign(self, states):
        """Set all rows of the states."""
        for variable, state in zip(self._variables, states):
            variable.assign(state)
