"""Dataset and predictor of tasks that generate a text for an input: captioning and translation."""

from abc import abstractmethod
from functools import cached_property

import numpy as np
import tensorflow as tf

from rnn_apps.data.batches import TargetTextBatches
from rnn_apps.data.text import PADDING
from rnn_apps.data.tokenizer import END, START
from rnn_apps.tasks.dataset import Dataset
from rnn_apps.tasks.decoder_parts import encode_part, step_part
from rnn_apps.tasks.predictor import Predictor, check_options
from rnn_apps.tasks.references import References
from rnn_apps.tasks.text_generator import NEVER_GENERATED, BeamSearch
from rnn_apps.tasks.truncation import Truncation
from rnn_apps.tasks.viewing import ViewExamples, keep_last_targets, nearest_in_length, padded_rows

INPUTS_PER_CALL = 16


class GenerationDataset(Dataset):
    """Inputs with one or more reference texts each; `encoded` maps splits to `References`.

    The preprocessing must have a `vocabulary`, the `Tokenizer` of the generated texts.

    Attributes:
        references_per_batch: maximum number of references per input in a training batch; None for all.
    """

    references_per_batch: int | None = None

    @abstractmethod
    def network_inputs(self, split, numbers):
        """Return the network's inputs for these examples of a split, an array or tensor."""

    @abstractmethod
    def reference_texts(self, split):
        """Return the reference texts of every input of a split, as they are scored."""

    def training_input(self, split):
        """Return ``f(numbers, epoch)``, from an int tensor of input indices to inputs of the core network."""
        return lambda numbers, epoch: self.network_inputs(split, numbers)

    def encode_references(self, texts):
        """Return the `References`, given a list of texts for every input."""
        source_index = np.repeat(np.arange(len(texts)), [len(references) for references in texts])
        flat = [text for references in texts for text in references]
        limit = self.recipe.data.max_length
        numbers, lengths, tokens = self.preprocessing.vocabulary.encode_all(flat, limit)
        longer, use = int((tokens > limit).sum()), "learned, nor counted in the perplexity"
        truncation = Truncation(longer, len(flat), limit, "tokens", "references", use)
        return References(numbers, lengths, source_index, [truncation])

    def truncations(self, split):
        """References of more than `data.max_length` tokens."""
        return self.encoded[split].truncations

    def references_per_input(self, split):
        """Return the number of references per input, or a text with its range."""
        counts = np.bincount(self.encoded[split].source_index)
        return f"{counts.min()} to {counts.max()}" if counts.min() < counts.max() else int(counts.min())

    def batches(self, split, batch_size, seed=None):
        """Batches of references with their inputs."""
        inputs, is_training = self.training_input(split), seed is not None
        most = self.references_per_batch if is_training else None

        def of_epoch(numbers, epoch):
            return inputs(numbers, epoch if is_training else None)

        options = {"max_per_input": most, "groups": self.shard_groups(split)}
        texts = self.encoded[split][:3]
        return TargetTextBatches(*texts, of_epoch, START, batch_size, seed, **options)

    def input_steps(self, split, number):
        """Return the names of the encoder's steps for an input, or None if the encoder is not recurrent."""
        return None

    def view_examples(self, predictor):
        """Inputs of the test split with one reference each."""
        flat, lengths, source_index, *_ = self.encoded["test"]
        firsts = np.unique(source_index, return_index=True)[1]
        chosen = firsts[nearest_in_length(lengths[firsts])]
        tokens = padded_rows(flat, lengths, chosen, PADDING)
        before = np.pad(tokens[:, :-1], ((0, 0), (1, 0)), constant_values=START)
        network_inputs = self.network_inputs("test", source_index[chosen])
        inputs = [network_inputs, tf.range(len(chosen)), tf.constant(before)]
        texts = self.preprocessing.vocabulary.decode(tokens.reshape(-1, 1)).numpy().reshape(tokens.shape)
        names = [
            ["(start)", *(word.decode("utf-8") for word in row[: length - 1])]
            for row, length in zip(texts, lengths[chosen])
        ]
        encoder_steps = [self.input_steps("test", number) for number in source_index[chosen]]
        steps = {"decoder": names}
        if None not in encoder_steps:
            steps = {"encoder": encoder_steps, **steps}
        targets = keep_last_targets(tokens, lengths[chosen], PADDING)
        return ViewExamples(predictor.network, inputs, tf.constant(targets), steps)


class GenerationPredictor(Predictor):
    """Generates a text for an input.

    The preprocessing must have a `vocabulary`, as in `GenerationDataset`.

    Attributes:
        answer: key of the text in answers.
        raw_spec: named `tf.TensorSpec` of the raw inputs.
    """

    kind = "write"
    options = ("beam", "nbest", "temperature", "seed")
    answer = "text"
    raw_spec: tf.TensorSpec

    @abstractmethod
    def raw_tensor(self, inputs):
        """Return raw inputs as a tensor, the input of the export; raises UserError for an invalid input."""

    @abstractmethod
    def read_raw(self, raw):
        """Return the network's inputs for a tensor of raw inputs, as part of the graph."""

    @property
    def network(self):
        """The `keras.Model` of encoder and decoder, without a feature extractor."""
        return self.model if self.model.name == "network" else self.model.get_layer("network")

    @property
    def core(self):
        """The network."""
        return self.network

    @property
    def vocabulary(self):
        """The `Tokenizer` of the generated texts."""
        return self.preprocessing.vocabulary

    @cached_property
    def search(self):
        """The `BeamSearch` over the network."""
        decoding = self.recipe.model.decoding
        return BeamSearch(self.network, decoding.length_penalty, decoding.max_length)

    @property
    def _network_spec(self):
        inputs = self.network.inputs[0]
        return tf.TensorSpec(inputs.shape, inputs.dtype)

    @cached_property
    def decode(self):
        """The `tf.function` from the network's inputs and a beam width to the `Decoded` best texts."""

        def decode(inputs, beam):
            return self.search.best(self.search.encode(inputs), beam, 1)

        signature = [self._network_spec, tf.TensorSpec([], tf.int32)]
        return tf.function(decode, input_signature=signature, autograph=False)

    @cached_property
    def _attended(self):
        def attended(inputs):
            encoded, beam = self.search.encode(inputs), self.recipe.model.decoding.beam
            tokens, lengths, weights = self.search.attended(encoded, beam)
            return self.vocabulary.decode(tokens[0, : lengths[0], None]), weights[0, : lengths[0]]

        return tf.function(attended, input_signature=[self._network_spec], autograph=False)

    def attention_of(self, inputs):
        """Return the generated tokens and their attention weights for one input; None without attention."""
        if self.recipe.model.attention is None:
            return None
        words, weights = (tensor.numpy() for tensor in self._attended(inputs))
        words = [word.decode("utf-8") for word in words]
        return {"tokens": words, "weights": [[round(float(w), 4) for w in row] for row in weights]}

    @property
    def tables(self):
        """The `Tokenizer` of the generated texts."""
        return self.vocabulary

    def sources_of(self, raw):
        """Return ``sources``, the texts of the attended positions (batch, positions), if they are tokens."""
        return {}

    def lengths_of(self, raw):
        """Return lengths of raw inputs, int32 (batch,), in total and read, by name."""
        return {}

    def functions(self):
        """Return ``serving_default``, ``generate`` and ``explain``."""
        scalar = {"beam": tf.int32, "nbest": tf.int32, "temperature": tf.float32, "seed": tf.int32}
        options = [tf.TensorSpec([], dtype, name=name) for name, dtype in scalar.items()]
        return {
            "serving_default": (self._best, [self.raw_spec]),
            "generate": (self._sample_or_search, [self.raw_spec, *options]),
            "explain": (self._explain, [self.raw_spec]),
        }

    def encode(self, raw):
        """Return the outputs of the encoder for raw inputs, as part of the graph."""
        return self.search.encode(self.read_raw(raw))

    def _best(self, raw):
        """Beam search: texts (batch,), candidates (batch, beam) and their scores, best first."""
        beam = self.recipe.model.decoding.beam
        return self._answered(raw, self.search.best(self.encode(raw), beam, beam))

    def _sample_or_search(self, raw, beam, nbest, temperature, seed):
        """Beam search if temperature is 0, else sampling."""
        encoded, beam = self.encode(raw), tf.maximum(beam, nbest)
        decoded = tf.cond(
            temperature > 0,
            lambda: self.search.sampled(encoded, nbest, temperature, seed),
            lambda: self.search.best(encoded, beam, nbest),
        )
        return self._answered(raw, decoded)

    def _answered(self, raw, decoded):
        candidates = self.vocabulary.decode(decoded.tokens)
        answer = {self.answer: candidates[:, 0], "candidates": candidates, "scores": decoded.scores}
        return answer | self.lengths_of(raw)

    def _explain(self, raw):
        """Texts, tokens (batch, steps), their lengths, and attention weights (batch, steps, positions).

        If the positions are tokens, ``sources`` (batch, positions) are their texts.
        """
        tokens, lengths, weights = self.search.attended(self.encode(raw), self.recipe.model.decoding.beam)
        return {
            self.answer: self.vocabulary.decode(tokens),
            "tokens": self.vocabulary.decode(tokens[:, :, None]),
            "weights": weights,
            "lengths": lengths,
            **self.sources_of(raw),
        }

    def predict(self, inputs, **options):
        """Return the text of each input, with candidates and their scores, best first.

        Args:
            inputs: raw inputs.
            **options: ``beam``, ``nbest``, ``temperature``, ``seed``.
        """
        answers = []
        for start in range(0, len(inputs), INPUTS_PER_CALL):
            answers += self._generate(inputs[start : start + INPUTS_PER_CALL], **options)
        return answers

    def _generate(self, inputs, beam=None, nbest=None, temperature=0.0, seed=0):
        beam = self.recipe.model.decoding.beam if beam is None else beam
        nbest = 1 if nbest is None else nbest
        check_options(beam=beam, nbest=nbest, temperature=temperature, seed=seed)
        options = (int(beam), int(nbest), float(temperature), int(seed))
        answer = self.call("generate", self.raw_tensor(inputs), *map(tf.constant, options))
        texts = [[text.decode("utf-8") for text in row] for row in answer["candidates"].numpy()]
        scores = answer["scores"].numpy()
        kept = np.isfinite(scores)  # there may be fewer texts than requested
        kept[:, 0] = True
        return [
            {
                "input": str(name),
                self.answer: candidates[0],
                "candidates": [text for text, keep in zip(candidates, row) if keep],
                "scores": of_texts[row].tolist(),
                **notes,
            }
            for name, candidates, of_texts, row, notes in zip(
                inputs, texts, scores, kept, self.notes_on(answer)
            )
        ]

    def notes_on(self, answer):
        """Return further entries of each answer, a list of dicts, from the outputs of the export."""
        return [{} for _ in answer["scores"]]

    def explain(self, inputs):
        """Return the text of each input, its tokens, and their attention weights (steps, positions)."""
        answer = self.call("explain", self.raw_tensor(inputs))
        texts, tokens, weights, lengths = (
            answer[key].numpy() for key in (self.answer, "tokens", "weights", "lengths")
        )
        return [
            {
                self.answer: text.decode("utf-8"),
                "tokens": [token.decode("utf-8") for token in row[:n]],
                "weights": w[:n].tolist(),
            }
            for text, row, w, n in zip(texts, tokens, weights, lengths)
        ]

    def answer_line(self, answer):
        """The input and its text, or its texts with their scores."""
        note = f" ({answer['truncated']})" if "truncated" in answer else ""
        name, texts = f"{answer['input']}{note}", answer.get("candidates")
        if not texts or len(texts) == 1:
            return f"{name}: {answer[self.answer]}"
        lines = [f"  {score:8.3f}  {text}" for text, score in zip(texts, answer["scores"])]
        return "\n".join([f"{name}:", *lines])

    def decoder_parts(self, number_examples, extractor=None, steps=1, max_steps=None):
        """Return the parts of encoder and decoder: encoding an input, and one decoding step.

        Args:
            number_examples: ``number_examples(batch, steps, seed)`` returns random inputs of the extractor,
                or of the network.
            extractor: feature extractor, a `keras.Model` to the inputs of the network, or None.
            steps, max_steps: as in `NetworkPart`.
        """
        inputs = (extractor or self.network).inputs[0]
        spec = tf.TensorSpec([None, *inputs.shape[1:]], inputs.dtype, name="inputs")

        def examples(batch, steps, seed):
            return [number_examples(batch, steps, seed)]

        encode = encode_part(spec, extractor, self.search, steps, examples, max_steps)

        def initial(batch, steps, seed):
            return encode.function(tf.constant(number_examples(batch, steps, seed)))

        return [encode, step_part(self.search.decoder, initial, steps, max_steps)]

    def facts(self):
        """Decoding settings."""
        decoding = self.recipe.model.decoding
        return {
            "start": START,
            "end": END,
            "max_length": decoding.max_length,
            "never": NEVER_GENERATED,
            "beam": decoding.beam,
        }
