"""The state of training as named arrays: saved and restored bit for bit."""

import tensorflow as tf

from rnn_apps.errors import Setting, UserError


class TrainingState:
    """The variables of training, and the engine's counts of shapes, which determine what XLA compiles.

    Args:
        model: `keras.Model`; its seed generators are among its variables.
        optimizer: Keras optimizer, built.
        average: `WeightAverage`, or None.
        loss_scale: `LossScale`.
    """

    def __init__(self, model, optimizer, average, loss_scale):
        groups = {
            "model": model.variables,
            "optimizer": optimizer.variables,
            "average": average.variables if average else [],
            "loss_scale": loss_scale.variables,
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


def check_divisible(model, total):
    """Raise UserError unless the states that a network carries can be divided into parts of equal size."""
    for layer in _carrying(model):
        if layer.streams % total:
            multiple = -(-layer.streams // total) * total
            received = f"{layer.streams}, divided into {total} parts"
            fix = Setting("Use a multiple of the number of parts", f"training.batch_size={multiple}")
            expected = "parts of equal size"
            raise UserError("training.batch_size", received=received, expected=expected, fix=fix)


def _carrying(model):
    return [layer for layer in model._flatten_layers() if hasattr(layer, "carried_states")]


class CarriedRows:
    """The states that a network carries from batch to batch, of which each part of a batch has some rows.

    Args:
        model: `keras.Model`; its layers `CarriedStates` are told their rows.
        shares: list of `Share` of this process.

    Attributes:
        is_used: whether the network carries states.

    Raises:
        UserError: if the rows cannot be divided evenly.
    """

    def __init__(self, model, shares):
        self._layers = _carrying(model)
        self.is_used = bool(self._layers)
        self._starts, total = [share.number for share in shares], shares[0].total
        check_divisible(model, total)
        for layer in self._layers:
            layer.take_part(layer.streams // total)

    def select(self, number):
        """Let the layers read the rows of a part of this process."""
        for layer in self._layers:
            layer.first_row.assign(self._starts[number] * layer.num_rows)

    def own(self):
        """Return the states with zeros in the rows of other processes."""
        result = []
        for layer in self._layers:
            start, stop = (layer.num_rows * part for part in (self._starts[0], self._starts[-1] + 1))
            padding = [[start, layer.streams - stop], [0, 0]]
            result += [tf.pad(state.value[start:stop], padding) for state in layer.carried_states]
        return result

    def assign(self, states):
        """Set all rows of the states."""
        variables = [state for layer in self._layers for state in layer.carried_states]
        for variable, state in zip(variables, states, strict=True):
            variable.assign(state)
