"""Greedy search, sampling and beam search over a step function, as loops of stock operations.

A step function takes ``(tokens, states, context)`` and returns ``(logits, states)``: the last tokens int32
(rows,), any nested structure of states whose first axis is the rows, and a context (encoder outputs, masks)
that stays the same at all steps; logits are (rows, vocabulary). Each row is one sequence being generated.
"""

from typing import NamedTuple

import tensorflow as tf


class Decoded(NamedTuple):
    """Generated sequences, best first.

    Args:
        tokens: int32 (batch, nbest, steps), without the end token, padded to the longest sequence.
        lengths: int32 (batch, nbest), number of generated tokens, without the end token.
        scores: float32 (batch, nbest), log-probability in nats (including the end token) divided by the
            length penalty; -inf if there are fewer sequences than `nbest`.
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
    suppressed=(),
    padding=0,
):
    """Sample one sequence per row, token by token, until all sequences have ended.

    Args:
        step: step function; see the module's docstring.
        start: int32 (batch,), start tokens, which are not part of the result.
        states, context: initial arguments of `step`, whose first axis is the batch.
        end: token that ends a sequence; -1 for none.
        max_length: maximum number of generated tokens.
        temperature: divides the logits; 0 takes the most likely token (greedy search).
        top_k: sample from the k most likely tokens only; 0 for all.
        top_p: sample from the smallest set of tokens with at least this total probability; 1 for all.
        seed: int; the same seed gives the same tokens.
        suppressed: tokens that are never generated.
        padding: token that pads shorter sequences.

    All arguments except `step` and `suppressed` may be tensors.

    Returns:
        `Decoded` with one sequence per row; scores are log-probabilities under the model's own distribution,
        whatever the temperature.

    Reference:
        Fan et al., "Hierarchical Neural Story Generation" (2018) for top-k; Holtzman et al., "The Curious
        Case of Neural Text Degeneration" (2020) for top-p.
    """
    seed = tf.cast(seed, tf.int32)

    def body(t, tokens, states, generated, lengths, scores, ended):
        logits, states = step(tokens, states, context)
        likelihood = _log_probabilities(logits, suppressed)
        chosen = _sample_tokens(likelihood, tf.stack([seed, t]), temperature, top_k, top_p)
        scores += tf.where(ended, 0.0, tf.gather(likelihood, chosen, batch_dims=1))
        ended |= chosen == end
        lengths += tf.cast(~ended, tf.int32)
        tokens = tf.where(ended, padding, chosen)
        return t + 1, tokens, states, generated.write(t + 1, tokens), lengths, scores, ended

    batch = tf.shape(start)[0]
    generated = tf.TensorArray(tf.int32, 1, dynamic_size=True, element_shape=start.shape).write(0, start)
    nothing = (tf.zeros([batch], tf.int32), tf.zeros([batch]), tf.fill([batch], False))
    loop = (0, start, states, generated, *nothing)
    ran = _repeat(body, loop, lambda t, *rest: ~tf.reduce_all(rest[-1]), max_length)
    generated, lengths, scores = ran[3:6]
    longest = tf.reduce_max(tf.concat([[0], lengths], 0))
    tokens = tf.transpose(generated.stack()[1 : longest + 1])
    return Decoded(tokens[:, None], lengths[:, None], scores[:, None])


def _sample_tokens(likelihood, seeds, temperature, top_k, top_p):
    """Sample a token per row by the Gumbel-max trick; at temperature 0 the most likely token."""
    if isinstance(temperature, (int, float)) and temperature == 0:
        return tf.argmax(likelihood, axis=-1, output_type=tf.int32)
    temperature = tf.cast(temperature, tf.float32)
    scaled = likelihood / tf.where(temperature > 0, temperature, 1.0)
    scaled = _filter(scaled, top_k, top_p)
    noise = tf.random.stateless_uniform(tf.shape(scaled), seeds, minval=1e-20)
    gumbel = -tf.math.log(-tf.math.log(noise))
    return tf.argmax(scaled + tf.where(temperature > 0, gumbel, 0.0), axis=-1, output_type=tf.int32)


def _filter(scaled, top_k, top_p):
    """Set all logits to -inf except those of the `top_k` tokens, and of the smallest set with `top_p`."""
    everything = (tf.cast(top_k, tf.int32) <= 0) & (tf.cast(top_p, tf.float32) >= 1)
    # Sorting the vocabulary takes longer than the network, so it is skipped if nothing is filtered.
    return tf.cond(everything, lambda: scaled, lambda: _sort_and_filter(scaled, top_k, top_p))


def _sort_and_filter(scaled, top_k, top_p):
    size = tf.shape(scaled)[-1]
    order = tf.argsort(scaled, direction="DESCENDING", stable=True)
    ranked = tf.nn.softmax(tf.gather(scaled, order, batch_dims=1))
    before = tf.cumsum(ranked, axis=-1, exclusive=True)
    most = tf.where(tf.cast(top_k, tf.int32) > 0, top_k, size)
    kept = (before < top_p) & (tf.range(size) < most)
    kept |= tf.range(size) == 0  # always keep the most likely token
    back = tf.argsort(order)
    return tf.where(tf.gather(kept, back, batch_dims=1), scaled, -float("inf"))


class _Beams(NamedTuple):
    """Unfinished or finished sequences: (batch, beam, max_length), (batch, beam) and (batch, beam)."""

    tokens: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor

    def best(self, count):
        """Return the `count` best sequences, and their indices."""
        scores, indices = tf.math.top_k(self.scores, count)
        return _Beams(*(tf.gather(field, indices, batch_dims=1) for field in self[:2]), scores), indices


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
    suppressed=(),
    padding=0,
):
    """Beam search: keep the `beam` most likely partial sequences at every step.

    A sequence of `max_length` tokens counts as complete. The search stops once no partial sequence can
    overtake the `nbest` complete ones of its input.

    Args:
        step, start, states, context, end, max_length, suppressed, padding: as in `sample`.
        beam: beam width.
        nbest: number of sequences to return per input, at most `beam`.
        length_penalty: alpha in ((5 + length) / 6) ** alpha, which divides the log-probability; 0 for no
            normalization by length, usually at most 1. The end token counts.

    Returns:
        `Decoded`, best first.

    Reference:
        Graves, "Sequence Transduction with Recurrent Neural Networks" (2012); the penalty of Wu et al.,
        "Google's Neural Machine Translation System" (2016).
    """
    if isinstance(length_penalty, (int, float)) and length_penalty < 0:
        raise ValueError(f"beam_search: length_penalty: received {length_penalty}, expected at least 0.")
    search = _BeamSearch(step, tf.shape(start)[0], beam, nbest, end, max_length, length_penalty, suppressed)
    return search.run(start, states, context, padding)


class _BeamSearch:
    """The loop of `beam_search`, with the same arguments."""

    def __init__(self, step, batch, beam, nbest, end, max_length, length_penalty, suppressed):
        self.step, self.batch, self.beam, self.nbest = step, batch, beam, nbest
        self.end, self.max_length, self.length_penalty = end, max_length, length_penalty
        self.suppressed = suppressed

    def run(self, start, states, context, padding):
        """Search until no partial sequence can win."""
        repeated = tf.nest.map_structure(lambda t: tf.repeat(t, self.beam, axis=0), (start, states, context))
        start, states, self.context = repeated
        self.padding = padding
        shape = tf.stack([self.batch, self.beam])
        empty = tf.fill(tf.stack([self.batch, self.beam, self.max_length]), padding)
        first = tf.where(
            tf.range(self.beam) == 0, 0.0, -float("inf")
        )  # start from one beam, not from equal ones
        alive = _Beams(empty, tf.zeros(shape, tf.int32), tf.tile(first[None], [self.batch, 1]))
        done = alive._replace(scores=tf.fill(shape, -float("inf")))
        loop = (0, start, states, alive, done)
        *_, done = _repeat(self.body, loop, self.unfinished, self.max_length)
        best, _ = done.best(self.nbest)
        longest = tf.reduce_max(tf.concat([[0], tf.reshape(best.lengths, [-1])], 0))
        return Decoded(best.tokens[:, :, :longest], best.lengths, best.scores)

    def body(self, t, tokens, states, alive, done):
        """Extend all partial sequences by one token, and separate complete from partial ones."""
        logits, states = self.step(tokens, states, self.context)
        likelihood = _log_probabilities(logits, self.suppressed)
        likelihood = tf.reshape(likelihood, [self.batch, self.beam, logits.shape[-1]])
        candidates, parents, chosen = _expand(alive, likelihood, t, self.beam, self.end, self.padding)
        complete = (chosen == self.end) | (t + 1 == self.max_length)
        among_best = tf.range(tf.shape(chosen)[1]) < self.beam  # a beam of one is greedy search
        scores = candidates.scores / _penalty(t + 1, self.length_penalty)
        ranked = candidates._replace(scores=tf.where(complete & among_best, scores, -float("inf")))
        done, _ = _Beams(*(tf.concat(pair, 1) for pair in zip(done, ranked))).best(self.beam)
        left = tf.where(complete, -float("inf"), candidates.scores)
        alive, indices = candidates._replace(scores=left).best(self.beam)
        rows = tf.range(self.batch)[:, None] * self.beam + tf.gather(parents, indices, batch_dims=1)
        states = tf.nest.map_structure(lambda s: tf.gather(s, tf.reshape(rows, [-1])), states)
        tokens = tf.reshape(tf.gather(chosen, indices, batch_dims=1), [-1])
        return t + 1, tokens, states, alive, done

    def unfinished(self, t, tokens, states, alive, done):
        """Whether any partial sequence could still overtake a complete one; log-probabilities only fall."""
        reachable = tf.reduce_max(alive.scores, axis=1) / _penalty(self.max_length, self.length_penalty)
        return tf.reduce_any(reachable > tf.math.top_k(done.scores, self.nbest).values[:, -1])


def _expand(alive, likelihood, t, beam, end, padding):
    """The best continuations of each input: twice as many as beams, because every beam may end."""
    batch, size = tf.shape(likelihood)[0], likelihood.shape[-1]
    total = tf.reshape(alive.scores[:, :, None] + likelihood, tf.stack([batch, beam * size]))
    scores, indices = tf.math.top_k(total, tf.minimum(2 * beam, beam * size))
    parents, chosen = indices // size, indices % size
    ended = chosen == end
    here = tf.range(tf.shape(alive.tokens)[-1]) == t
    kept = tf.where(ended, padding, chosen)
    tokens = tf.where(here, kept[:, :, None], tf.gather(alive.tokens, parents, batch_dims=1))
    lengths = tf.where(ended, t, t + 1)
    return _Beams(tokens, lengths, scores), parents, chosen


def _penalty(length, alpha):
    """Length penalty of Wu et al. (2016)."""
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** tf.cast(alpha, tf.float32)


def _log_probabilities(logits, suppressed):
    """Log-probabilities float32 (rows, vocabulary), normalized over the tokens that are not suppressed."""
    logits = tf.cast(logits, tf.float32)
    if len(suppressed):
        hidden = tf.reduce_any(tf.range(logits.shape[-1])[:, None] == tf.constant(suppressed), axis=1)
        logits = tf.where(hidden, -float("inf"), logits)
    return tf.nn.log_softmax(logits)


def _repeat(body, loop, unfinished, max_length):
    """Run `body` while any row is `unfinished`, at most `max_length` times, for any number of rows."""

    def any_rows(tensor):
        rows = isinstance(tensor, tf.Tensor) and tensor.shape.rank
        return tf.TensorShape([None, *tensor.shape[1:]]) if rows else None

    shapes = tf.nest.map_structure(any_rows, loop)
    return tf.while_loop(lambda t, *rest: (t < max_length) & unfinished(t, *rest), body, loop, shapes)
