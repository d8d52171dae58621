"""The decoder: one pass over all steps gives what step by step gives, and what looks at what."""

import inspect
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.layers import GRUCell
from rnn_apps.models.decoding import beam_search, sample
from rnn_apps.models.sequence_decoder import SequenceDecoder

RNG = np.random.default_rng(0)
TOKENS = RNG.integers(1, 9, (3, 5)).astype("int32")
MEMORY = RNG.normal(size=(3, 4, 6)).astype("float32")
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
SUMMARY = RNG.normal(size=(3, 2)).astype("float32")


def decoder_of(**changes):
    settings = {"embedding": 4, "units": (4,), "compile": False, "seed": 1}
    return SequenceDecoder(9, **{**settings, **changes})


def given(decoder):
    return {"memory": MEMORY, "memory_mask": MASK} if decoder.attention else {}


def randomized(decoder, **inputs):
    decoder(TOKENS, **inputs)
    rng = np.random.default_rng(2)
    decoder.set_weights([rng.normal(size=w.shape) * 0.5 for w in decoder.get_weights()])
    return decoder


FORMS = [
    {"cell": "vanilla"},
    {"cell": "lstm", "units": (4, 4), "residual": True},
    {"cell": "gru", "attention": "dot"},
    {"cell": "vanilla", "attention": "additive", "tied": True},
    {"cell": "lstm", "units": (3, 5), "attention": "dot", "tied": True},
]


@pytest.mark.parametrize("changes", FORMS)
@pytest.mark.parametrize("summary", [None, SUMMARY])
def test_one_pass_over_all_steps_gives_what_step_by_step_gives(changes, summary):
    decoder = decoder_of(**changes)
    inputs = {**given(decoder), **({} if summary is None else {"summary": summary})}
    randomized(decoder, **inputs)
    whole = decoder(TOKENS, **inputs)
    states = decoder.zero_states(3) if summary is None else decoder.initial_state(summary)
    context = decoder.project_memory(*given(decoder).values())
    for t in range(5):
        logits, states = decoder.step(tf.constant(TOKENS[:, t]), states, context)
        np.testing.assert_allclose(logits, whole[:, t], atol=1e-5)


@pytest.mark.parametrize("attention", ["dot", "additive"])
def test_padded_places_are_never_looked_at(attention):
    decoder = randomized(decoder_of(attention=attention), memory=MEMORY)
    changed = np.where(MASK[:, :, None], MEMORY, 99).astype("float32")
    answers = [decoder(TOKENS, memory=m, memory_mask=MASK) for m in (MEMORY, changed)]
    np.testing.assert_allclose(*answers, atol=1e-6)
    without = decoder(TOKENS, memory=changed)
    assert np.abs(without - answers[0])[1:].max() > 0.01


def test_attention_weights_are_a_distribution_over_the_real_places():
    decoder = randomized(decoder_of(attention="dot"), memory=MEMORY)
    context = decoder.project_memory(MEMORY, MASK)
    *_, weights = decoder.step_with_attention(tf.constant([1, 2, 3]), decoder.zero_states(3), context)
    np.testing.assert_allclose(np.sum(weights, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.where(MASK, 0, weights), 0, atol=1e-6)
    assert decoder_of().attention is None


def test_the_memory_is_attended_as_the_formula_says():
    decoder = randomized(decoder_of(attention="dot"), memory=MEMORY, summary=SUMMARY)
    h, _ = decoder.recurrent(decoder.embedder(TOKENS), initial_state=decoder.initial_state(SUMMARY))
    query, keys = np.asarray(h) @ decoder.query.kernel.numpy(), MEMORY @ decoder.key.kernel.numpy()
    scores = np.where(MASK[:, None], query @ keys.swapaxes(1, 2), -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    joined = (
        np.concatenate([h, weights @ keys], -1) @ decoder.output_projection.kernel.numpy()
        + decoder.output_projection.bias.numpy()
    )
    expected = np.tanh(joined) @ decoder.logits.kernel.numpy() + decoder.logits.bias.numpy()
    answer = decoder(TOKENS, memory=MEMORY, summary=SUMMARY, memory_mask=MASK)
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_no_step_sees_a_later_token():
    decoder = randomized(decoder_of(attention="dot"), memory=MEMORY)
    later = TOKENS.copy()
    later[:, 3:] = 9 - later[:, 3:]
    answers = [np.asarray(decoder(t, memory=MEMORY)) for t in (TOKENS, later)]
    np.testing.assert_array_equal(answers[0][:, :3], answers[1][:, :3])
    assert (answers[0][:, 3:] != answers[1][:, 3:]).any()


def test_tied_weights_are_one_matrix():
    decoder = randomized(decoder_of(tied=True))
    shapes = [tuple(w.shape) for w in decoder.trainable_weights]
    assert shapes.count((9, 4)) == 1
    assert decoder.logits is None


@pytest.mark.parametrize("changes", FORMS)
def test_a_saved_decoder_answers_the_same(changes, tmp_path):
    decoder = randomized(decoder_of(**changes), **given(decoder_of(**changes)))
    tokens = keras.Input((None,), dtype="int32")
    memory = keras.Input((None, 6)) if decoder.attention else None
    model = keras.Model([tokens, *([memory] if decoder.attention else [])], decoder(tokens, memory=memory))
    model.save(tmp_path / "decoder.keras")
    loaded = keras.models.load_model(tmp_path / "decoder.keras")
    inputs = [TOKENS, *([MEMORY] if decoder.attention else [])]
    np.testing.assert_array_equal(model(inputs), loaded(inputs))


@pytest.mark.slow
def test_training_teaches_it_to_repeat_its_memory():
    """Attention must be used: the summary is absent, and only the memory tells which token comes."""
    tokens = np.tile(np.arange(1, 5, dtype="int32"), (64, 1))
    wanted = np.random.default_rng(5).integers(1, 9, (64, 4)).astype("int32")
    memory = np.concatenate([np.eye(9)[wanted], np.tile(np.eye(4), (64, 1, 1))], -1).astype("float32")
    decoder = decoder_of(embedding=16, units=(16,), attention="dot", cell="vanilla")
    inputs = [keras.Input((None,), dtype="int32"), keras.Input((None, 13))]
    model = keras.Model(inputs, decoder(inputs[0], memory=inputs[1]))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.03), loss, metrics=["accuracy"])
    history = model.fit([tokens, memory], wanted, epochs=50, batch_size=64, verbose=0)
    assert history.history["accuracy"][-1] > 0.9


def test_decoding_runs_it_in_one_graph_for_any_number_of_rows():
    decoder = randomized(decoder_of(attention="dot", cell="lstm"), memory=MEMORY, summary=SUMMARY)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 6]), tf.TensorSpec([None, 2])])
    def write(memory, summary):
        start = tf.fill([tf.shape(memory)[0]], 1)
        given = (decoder.step, start, decoder.initial_state(summary), decoder.project_memory(memory))
        found = beam_search(*given, end=2, max_length=6, beam=3, suppressed=(0, 1))
        return found.tokens, sample(*given, end=2, max_length=6, temperature=0, suppressed=(0, 1)).tokens

    for rows in (1, 3):
        found, greedy = write(MEMORY[:rows], SUMMARY[:rows])
        assert found.shape[:2] == greedy.shape[:2] == (rows, 1)
    alone = np.asarray(write(MEMORY[2:], SUMMARY[2:])[0])[0, 0]
    together = np.asarray(write(MEMORY, SUMMARY)[0])[2, 0]
    np.testing.assert_array_equal(together[: len(alone)], alone)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="attention: received 'soft', expected dot, additive or None"):
        decoder_of(attention="soft")
    with pytest.raises(ValueError, match="expected a memory"):
        decoder_of(attention="dot")(TOKENS)
    with pytest.raises(ValueError, match="expected none, because only attention reads it"):
        decoder_of()(TOKENS, memory=MEMORY)
    with pytest.raises(ValueError, match="received one, expected none, because only attention reads it"):
        decoder_of().project_memory(MEMORY)
    decoder = randomized(decoder_of())
    with pytest.raises(ValueError, match="summary: received one, expected none, as in the first call"):
        decoder(TOKENS, summary=SUMMARY)


def test_a_seed_gives_every_weight_another_start():
    decoder = decoder_of(cell="lstm", attention="dot")
    decoder(TOKENS, memory=np.ones((3, 2, 4), "float32"), summary=np.ones((3, 4), "float32"))
    matrices = [np.asarray(w) for w in decoder.weights if len(w.shape) == 2]
    for index, one in enumerate(matrices):
        assert not any(one.shape == other.shape and (one == other).all() for other in matrices[:index])
    again = decoder_of(cell="lstm", attention="dot")
    again(TOKENS, memory=np.ones((3, 2, 4), "float32"), summary=np.ones((3, 4), "float32"))
    for first, second in zip(decoder.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(first, second)


def test_every_argument_comes_back_from_the_config_with_the_value_that_it_was_given():
    given = {"vocabulary_size": 9, "embedding": 4, "units": (4, 4), "cell": GRUCell, "attention": "dot"}
    given |= {"tied": True, "dropout": 0.1, "layer_dropout": 0.2, "recurrent_dropout": 0.3}
    given |= {"residual": True, "compile": False, "recompute_every": 5, "seed": 6}
    names = set(inspect.signature(SequenceDecoder).parameters) - {"kwargs"}
    assert set(given) == names, "an argument without a value here"
    copy = SequenceDecoder.from_config(json.loads(json.dumps(SequenceDecoder(**given).get_config())))
    assert {name: getattr(copy, name) for name in given} == given


def test_one_number_of_units_is_one_level():
    assert decoder_of(units=4).units == (4,)
