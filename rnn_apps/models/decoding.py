"""Sequences out of a step function: greedy, sampling and beam search, each one loop of stock operations.

A step function takes ``(tokens, states, context)`` and returns ``(logits, states)``: the tokens last written
int32 (rows,), any nested structure of states whose first axis is the rows, and a context (encoder outputs,
masks) that no step changes; logits are (rows, vocabulary). A row is one sequence being written.
"""

from typing import NamedTuple

import tensorflow as tf


class Decoded(NamedTuple):
    """What was written, best first.

    Args:
        tokens: int32 (batch, nbest, steps), without the end token, padded; steps is that of the longest.
        lengths: int32 (batch, nbest), tokens written, the end token not counted.
        scores: float32 (batch, nbest), by which they are ranked: the log-probability in nats, end token
            included, over the length penalty; -inf where there are fewer sequences than `nbest`.
    """

    tokens: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor


def sample(
    step,
    start,
    states,
    context=(),
    *,
    end,
    max_length,
    temperature=1.0,
    top_k=0,
    top_p=1.0,
    seed=0,
    forbidden=(),
    padding=0,
):
    """Write one sequence a row, each token drawn from the step's distribution; stop when all have ended.

    Args:
        step: step function of this module.
        start: int32 (batch,), what each sequence is begun with; not part of the answer.
        states, context: what `step` takes first, their first axis the batch.
        end: token that ends a sequence; -1 for none.
        max_length: tokens written at most.
        temperature: divides the logits; 0 takes the likeliest token, which is greedy decoding.
        top_k: draw among the k likeliest alone; 0 for all.
        top_p: draw among the fewest tokens that hold this much probability; 1 for all.
        seed: int; the same seed gives the same tokens.
        forbidden: tokens never written.
        padding: token that fills what is shorter.

    Every argument but `step` and `forbidden` may be a tensor.

    Returns:
        `Decoded` with one answer a row; scores are log-probabilities under the step's own distribution.

    Reference:
        Fan et al., "Hierarchical Neural Story Generation" (2018) for top-k; Holtzman et al., "The Curious
        Case of Neural Text Degeneration" (2020) for top-p.
    """
    seed = tf.cast(seed, tf.int32)

    def body(t, tokens, states, written, lengths, scores, ended):
        logits, states = step(tokens, states, context)
        likelihood = _log_probabilities(logits, forbidden)
        chosen = _draw(likelihood, tf.stack([seed, t]), temperature, top_k, top_p)
        scores += tf.where(ended, 0.0, tf.gather(likelihood, chosen, batch_dims=1))
        ended |= chosen == end
        lengths += tf.cast(~ended, tf.int32)
        tokens = tf.where(ended, padding, chosen)
        return t + 1, tokens, states, written.write(t + 1, tokens), lengths, scores, ended

    batch = tf.shape(start)[0]
    written = tf.TensorArray(tf.int32, 1, dynamic_size=True, element_shape=start.shape).write(0, start)
    nothing = (tf.zeros([batch], tf.int32), tf.zeros([batch]), tf.fill([batch], False))
    loop = (0, start, states, written, *nothing)
    ran = _repeat(body, loop, lambda t, *rest: ~tf.reduce_all(rest[-1]), max_length)
    written, lengths, scores = ran[3:6]
    longest = tf.reduce_max(tf.concat([[0], lengths], 0))
    tokens = tf.transpose(written.stack()[1 : longest + 1])
    return Decoded(tokens[:, None], lengths[:, None], scores[:, None])


def _draw(likelihood, seeds, temperature, top_k, top_p):
    """Draw a token a row by the Gumbel trick, which is the likeliest token at temperature 0."""
    if isinstance(temperature, (int, float)) and temperature == 0:
        return tf.argmax(likelihood, axis=-1, output_type=tf.int32)
    temperature = tf.cast(temperature, tf.float32)
    scaled = likelihood / tf.where(temperature > 0, temperature, 1.0)
    scaled = _keep_likeliest(scaled, top_k, top_p)
    noise = tf.random.stateless_uniform(tf.shape(scaled), seeds, minval=1e-20)
    gumbel = -tf.math.log(-tf.math.log(noise))
    return tf.argmax(scaled + tf.where(temperature > 0, gumbel, 0.0), axis=-1, output_type=tf.int32)


def _keep_likeliest(scaled, top_k, top_p):
    """Give -inf to all but the `top_k` likeliest, and to all outside the smallest set that holds `top_p`."""
    everything = (tf.cast(top_k, tf.int32) <= 0) & (tf.cast(top_p, tf.float32) >= 1)
    return tf.cond(everything, lambda: scaled, lambda: _sorted_and_cut(scaled, top_k, top_p))


def _sorted_and_cut(scaled, top_k, top_p):
    """As `_keep_likeliest`, where something has to go: sorting a vocabulary takes longer than the network."""
    size = tf.shape(scaled)[-1]
    order = tf.argsort(scaled, direction="DESCENDING", stable=True)
    ranked = tf.nn.softmax(tf.gather(scaled, order, batch_dims=1))
    before = tf.cumsum(ranked, axis=-1, exclusive=True)
    most = tf.where(tf.cast(top_k, tf.int32) > 0, top_k, size)
    kept = (before < top_p) & (tf.range(size) < most)
    kept |= tf.range(size) == 0  # the likeliest always stays
    back = tf.argsort(order)
    return tf.where(tf.gather(kept, back, batch_dims=1), scaled, -float("inf"))


class _Beams(NamedTuple):
    """Sequences in writing or written, per input: (batch, beam, max_length), (batch, beam) twice."""

    tokens: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor

    def best(self, count):
        """The `count` best."""
        scores, places = tf.math.top_k(self.scores, count)
        return _Beams(*(tf.gather(part, places, batch_dims=1) for part in self[:2]), scores), places


def beam_search(
    step,
    start,
    states,
    context=(),
    *,
    end,
    max_length,
    beam=5,
    nbest=1,
    length_penalty=0.0,
    forbidden=(),
    padding=0,
):
    """Search for the likeliest sequences, keeping the `beam` best beginnings of every length.

    A sequence that has `max_length` tokens counts as complete. The search of an input ends when nothing still
    in writing can overtake its `nbest` answers.

    Args:
        step, start, states, context, end, max_length, forbidden, padding: as in `sample`.
        beam: width; at most half the vocabulary's size to the power of `max_length` makes a difference.
        nbest: answers an input, at most `beam`.
        length_penalty: alpha of ((5 + length) / 6) ** alpha, which divides the log-probability; from 0, no
            penalty on long sequences taken back, to about 1. The end token counts.

    Returns:
        `Decoded`, best first.

    Reference:
        Graves, "Sequence Transduction with Recurrent Neural Networks" (2012); the penalty of Wu et al.,
        "Google's Neural Machine Translation System" (2016).
    """
    if isinstance(length_penalty, (int, float)) and length_penalty < 0:
        raise ValueError(f"beam_search: length_penalty: received {length_penalty}, expected at least 0.")
    search = _BeamSearch(step, tf.shape(start)[0], beam, nbest, end, max_length, length_penalty, forbidden)
    return search.run(start, states, context, padding)


class _BeamSearch:
    """The loop of `beam_search`; its arguments are those."""

    def __init__(self, step, batch, beam, nbest, end, max_length, length_penalty, forbidden):
        self.step, self.batch, self.beam, self.nbest = step, batch, beam, nbest
        self.end, self.max_length, self.length_penalty = end, max_length, length_penalty
        self.forbidden = forbidden

    def run(self, start, states, context, padding):
        """Search until nothing still in writing can win."""
        repeated = tf.nest.map_structure(lambda t: tf.repeat(t, self.beam, axis=0), (start, states, context))
        start, states, self.context = repeated
        self.padding = padding
        shape = tf.stack([self.batch, self.beam])
        empty = tf.fill(tf.stack([self.batch, self.beam, self.max_length]), padding)
        first = tf.where(tf.range(self.beam) == 0, 0.0, -float("inf"))  # one beginning, not many equal ones
        alive = _Beams(empty, tf.zeros(shape, tf.int32), tf.tile(first[None], [self.batch, 1]))
        done = alive._replace(scores=tf.fill(shape, -float("inf")))
        loop = (0, start, states, alive, done)
        *_, done = _repeat(self.body, loop, self.unfinished, self.max_length)
        best, _ = done.best(self.nbest)
        longest = tf.reduce_max(tf.concat([[0], tf.reshape(best.lengths, [-1])], 0))
        return Decoded(best.tokens[:, :, :longest], best.lengths, best.scores)

    def body(self, t, tokens, states, alive, done):
        """Write one token on all beginnings, and sort what comes out into complete and alive."""
        logits, states = self.step(tokens, states, self.context)
        likelihood = _log_probabilities(logits, self.forbidden)
        likelihood = tf.reshape(likelihood, [self.batch, self.beam, logits.shape[-1]])
        candidates, parents, chosen = _expand(alive, likelihood, t, self.beam, self.end, self.padding)
        complete = (chosen == self.end) | (t + 1 == self.max_length)
        among_best = tf.range(tf.shape(chosen)[1]) < self.beam  # so that a beam of one is greedy
        scores = candidates.scores / _penalty(t + 1, self.length_penalty)
        ranked = candidates._replace(scores=tf.where(complete & among_best, scores, -float("inf")))
        done, _ = _Beams(*(tf.concat(pair, 1) for pair in zip(done, ranked))).best(self.beam)
        left = tf.where(complete, -float("inf"), candidates.scores)
        alive, places = candidates._replace(scores=left).best(self.beam)
        rows = tf.range(self.batch)[:, None] * self.beam + tf.gather(parents, places, batch_dims=1)
        states = tf.nest.map_structure(lambda s: tf.gather(s, tf.reshape(rows, [-1])), states)
        tokens = tf.reshape(tf.gather(chosen, places, batch_dims=1), [-1])
        return t + 1, tokens, states, alive, done

    def unfinished(self, t, tokens, states, alive, done):
        """Whether any beginning could still overtake its input's answers: scores only fall."""
        reachable = tf.reduce_max(alive.scores, axis=1) / _penalty(self.max_length, self.length_penalty)
        return tf.reduce_any(reachable > tf.math.top_k(done.scores, self.nbest).values[:, -1])


def _expand(alive, likelihood, t, beam, end, padding):
    """The best continuations of all beginnings of each input, twice as many as beams: one in two may end."""
    batch, size = tf.shape(likelihood)[0], likelihood.shape[-1]
    total = tf.reshape(alive.scores[:, :, None] + likelihood, tf.stack([batch, beam * size]))
    scores, places = tf.math.top_k(total, tf.minimum(2 * beam, beam * size))
    parents, chosen = places // size, places % size
    ended = chosen == end
    here = tf.range(tf.shape(alive.tokens)[-1]) == t
    kept = tf.where(ended, padding, chosen)
    tokens = tf.where(here, kept[:, :, None], tf.gather(alive.tokens, parents, batch_dims=1))
    lengths = tf.where(ended, t, t + 1)
    return _Beams(tokens, lengths, scores), parents, chosen


def _penalty(length, alpha):
    """The length penalty of Wu et al. (2016)."""
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** tf.cast(alpha, tf.float32)


def _log_probabilities(logits, forbidden):
    """(rows, vocabulary) float32, normalised over the tokens that are allowed."""
    logits = tf.cast(logits, tf.float32)
    if len(forbidden):
        hidden = tf.reduce_any(tf.range(logits.shape[-1])[:, None] == tf.constant(forbidden), axis=1)
        logits = tf.where(hidden, -float("inf"), logits)
    return tf.nn.log_softmax(logits)


def _repeat(body, loop, unfinished, max_length):
    """Run `body` while any row is `unfinished`, at most `max_length` times; the number of rows may vary."""

    def free(tensor):
        rows = isinstance(tensor, tf.Tensor) and tensor.shape.rank
        return tf.TensorShape([None, *tensor.shape[1:]]) if rows else None

    shapes = tf.nest.map_structure(free, loop)
    return tf.while_loop(lambda t, *rest: (t < max_length) & unfinished(t, *rest), body, loop, shapes)
