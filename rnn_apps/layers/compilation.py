"""Compiles recurrent loops with XLA for recurring shapes, and runs plain graphs otherwise."""

import logging
import os
from contextlib import contextmanager

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import record  # no public function tells whether a tape is open
from tensorflow.python.ops import control_flow_util  # nor whether an outer function is compiled by XLA
from tensorflow.python.saved_model import save_context  # nor whether a model is being saved

from rnn_apps.memory import share_of_maps

_log = logging.getLogger("rnn_apps.layers")
USES_BEFORE_COMPILING = 3
MOST_MAPS = 0.5  # of those that Linux allows, above which nothing new is compiled
MAX_COMPILED_SHAPES = 16
_ADMITTED = -1
_graph_form = False
_steps_per_iteration = 1
_for_serving = False
_in_blocks = False


def has_room_to_compile():
    """Whether this process may compile more with XLA.

    XLA keeps about three memory maps for each kernel that it has compiled until the process ends, and crashes
    if the system allows no more. 30 to 60 trainings of stacked layers use them up.
    """
    return share_of_maps() <= MOST_MAPS


@contextmanager
def graph_form(steps_per_iteration=1, for_serving=False, in_blocks=False):
    """Context manager in which all loops are plain graphs of stock operations, as exports need.

    Args:
        steps_per_iteration: how many steps are unrolled in the body of a loop. With more than one, which is
            faster, TensorFlow runs the graph, but other runtimes may not.
        for_serving: whether loops have a second form, which `rnn-apps serve` compiles.
        in_blocks: whether loops have the form that suits LiteRT, see `rnn_apps.layers.block_loop`.
    """
    global _graph_form, _steps_per_iteration, _for_serving, _in_blocks
    previous = _graph_form, _steps_per_iteration, _for_serving, _in_blocks
    _graph_form, _steps_per_iteration = True, steps_per_iteration
    _for_serving, _in_blocks = for_serving, in_blocks
    try:
        yield
    finally:
        _graph_form, _steps_per_iteration, _for_serving, _in_blocks = previous


def in_graph_form():
    """Whether loops must be plain graphs: inside `graph_form`, or while saving a SavedModel."""
    return _graph_form or save_context.in_save_context()


def steps_per_iteration():
    """Return how many steps to unroll in the body of a loop that is not differentiated."""
    return _steps_per_iteration


def in_blocks():
    """Whether loops that are not differentiated run over blocks of steps, as LiteRT needs them."""
    return _in_blocks


def is_for_serving():
    """Whether loops get a second form, for the server, in the graph that is traced."""
    return _for_serving


def is_differentiated(tensors):
    """Whether a gradient tape inside the traced function watches any of these tensors."""
    return record.should_record_backprop([tf.convert_to_tensor(one) for one in tensors])


def inside_xla():
    """Whether the traced code is part of a function that XLA compiles."""
    if tf.executing_eagerly():
        return False
    return control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def num_parts(batch, differentiated):
    """Return the number of parallel parts of the batch: one per core if differentiated, at most 4.

    Args:
        batch: static batch size, or None where it is not known.
        differentiated: bool. Inference and exports keep one loop.
    """
    if not differentiated or in_graph_form() or inside_xla() or tf.config.list_logical_devices("GPU"):
        return 1
    return max(1, min(num_cores(), 4, batch or 4))


def num_cores():
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LoopCompiler:
    """Runs loop functions as plain graphs or with XLA.

    Args:
        mode: ``"auto"`` compiles a (batch, steps) shape on its third differentiated use, at most 16 shapes;
            True compiles every shape; False none.
    """

    def __init__(self, mode):
        self.mode = mode
        self._uses = None
        self._functions = {}

    def runner(self, shape, differentiated):
        """Count a use of this shape and return its `LoopRunner`.

        Args:
            shape: (batch, steps), int32, of the whole batch, so that all its parts run in one form.
            differentiated: bool; inference is not counted and not compiled.
        """
        return LoopRunner(self, shape, differentiated)

    def _choose(self, shape, differentiated):
        if in_graph_form() or self.mode is False or inside_xla():
            return False
        if self.mode is True:
            return True
        if not differentiated:
            return False
        answer = self._count(tf.cast(shape, tf.int64))
        return bool(answer) if tf.executing_eagerly() else answer

    def _run(self, name, loop, use_xla, arguments):
        plain = self._function(name, loop, jit=False) if tf.executing_eagerly() else loop
        if use_xla is False:
            return plain(*arguments)
        compiled = self._function(name, loop, jit=True)
        if use_xla is True:
            return compiled(*arguments)
        return tf.cond(use_xla, lambda: compiled(*arguments), lambda: plain(*arguments))

    def _function(self, name, loop, jit):
        key = (name, jit)
        if key not in self._functions:
            self._functions[key] = tf.function(
                loop, jit_compile=jit or None, autograph=False, reduce_retracing=True
            )
        return self._functions[key]

    def uses(self):
        """Return the uses of each shape, int64 (shapes, 2), so that a resumed run compiles the same."""
        self._make_table()
        keys, counts = self._uses.export()
        order = np.argsort(keys.numpy())
        return np.stack([keys.numpy(), counts.numpy()], axis=1)[order]

    def restore_uses(self, uses):
        """Restore the result of `uses`."""
        self._make_table()
        self._uses.insert(tf.constant(uses[:, 0], tf.int64), tf.constant(uses[:, 1], tf.int64))

    def _make_table(self):
        with tf.init_scope():
            if self._uses is None:
                self._uses = tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, default_value=0)
                if not has_room_to_compile():
                    reason = "XLA has compiled so much that the process would run out of memory maps"
                    _log.warning("%s: new layers run without it, more slowly, until a new process.", reason)
                    total, most = (tf.constant([n], tf.int64) for n in (-1, MAX_COMPILED_SHAPES))
                    self._uses.insert(total, most)

    def _count(self, shape):
        """Count a use of this shape; return whether it is to be compiled."""
        self._make_table()
        key, total = shape[0] * 2**32 + shape[1], tf.constant(-1, tf.int64)
        uses, admitted = tf.unstack(self._uses.lookup(tf.stack([key, total])), num=2)
        enters = (uses + 1 >= USES_BEFORE_COMPILING) & (admitted < MAX_COMPILED_SHAPES)
        compiled = (uses == _ADMITTED) | enters
        uses = tf.where(
            compiled, tf.constant(_ADMITTED, tf.int64), tf.minimum(uses + 1, USES_BEFORE_COMPILING)
        )
        self._uses.insert(tf.stack([key, total]), tf.stack([uses, admitted + tf.cast(enters, tf.int64)]))
        return compiled


class LoopRunner:
    """Calls loops as a `LoopCompiler` has chosen for one (batch, steps) shape.

    Args:
        compiler: `LoopCompiler`.
        shape: (batch, steps), int32.
        differentiated: as of `LoopCompiler.runner`.
    """

    def __init__(self, compiler, shape, differentiated):
        self._compiler, self._shape, self.differentiated = compiler, shape, differentiated
        self._use_xla = compiler._choose(shape, differentiated)

    def __call__(self, name, loop, *arguments):
        """Call ``loop(*arguments)``; `name` identifies the loop among those of its layer."""
        return self._compiler._run(name, loop, self._use_xla, arguments)

    def plain(self, name, loop, *arguments):
        """Call it as a plain graph, which TensorFlow itself can differentiate any number of times."""
        return self._compiler._run(name, loop, False, arguments)

    def for_gradient(self):
        """Return the runner of a backward pass: this one, or one that counts the shape only now."""
        if self.differentiated:
            return self
        return LoopRunner(self._compiler, self._shape, True)
