"""What tasks have in common whose answer is a text with several references."""

from abc import abstractmethod
from functools import cached_property
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rnn_apps.data.batches import WrittenBatches
from rnn_apps.data.text import PADDING
from rnn_apps.data.written_text import START, WrittenText
from rnn_apps.disk import sha256_of_texts
from rnn_apps.metrics.generation import perplexity
from rnn_apps.tasks.options import check_options
from rnn_apps.tasks.task import Task, Truncation
from rnn_apps.tasks.viewing import ViewExamples, last_of_each, nearest_in_length, rows_of
from rnn_apps.tasks.writing.exports import ExportsWriting
from rnn_apps.tasks.writing.loss import GuessesTokens, num_right, num_tokens, sum_of_nats
from rnn_apps.tasks.writing.writer import Search, Writer

__all__ = ["References", "WritingTask"]

ANSWERS_AT_ONCE = 64
INPUTS_AT_ONCE = 16


class References(NamedTuple):
    """All texts of a part that are to be written.

    Args:
        numbers: int32, their tokens and ends, one text after the other.
        lengths: tokens of each, the end counted.
        owners: number of the input that each belongs to.
    """

    numbers: np.ndarray
    lengths: np.ndarray
    owners: np.ndarray


class WritingTask(GuessesTokens, ExportsWriting, Task):
    """A network that writes; a subclass says what it is given.

    Attributes:
        written: `WrittenText` of what is written.
        network: encoder and decoder, which is trained.
        references: part name to `References`.
    """

    options = ("beam", "nbest", "temperature", "seed")
    answer = "text"
    references_at_once = None

    def __init__(self, recipe):
        super().__init__(recipe)
        self.written, self.network, self.references = None, None, {}
        self._cut_references = {}

    @property
    def trained(self):
        """Encoder and decoder."""
        return self.network

    @abstractmethod
    def num_inputs(self, part):
        """Return how many inputs a part has."""

    @abstractmethod
    def given(self, part, numbers):
        """Return what the network is given for these inputs of a part, as an array."""

    @abstractmethod
    def input_batch(self, part):
        """Return ``f(inputs, epoch)``: from an int tensor of input numbers to what the network is given."""

    @abstractmethod
    def reference_texts(self, part):
        """Return a list of texts for every input of a part, as they are scored."""

    @abstractmethod
    def scores(self, answers, references):
        """Return name to score of texts, and the score of each one under the name of `record_score`."""

    @abstractmethod
    def writer(self):
        """Return a `Writer` from raw input to text, with graphs of its own."""

    def refer(self, part, texts):
        """Encode the texts of every input of a part, a list each, for training and for the loss."""
        owners = np.repeat(np.arange(len(texts)), [len(several) for several in texts])
        flat = [text for several in texts for text in several]
        most = self.recipe.data.max_length
        numbers, lengths, tokens = self.written.encode_all(flat, most)
        self.references[part] = References(numbers, lengths, owners)
        cut = (int((tokens > most).sum()), len(flat), most, "tokens", "references")
        self._cut_references[part] = Truncation(*cut, "learned, nor counted in the perplexity")

    def truncations(self, part):
        """References of more than `data.max_length` tokens."""
        return [self._cut_references[part]]

    def _batches(self, part, seed=None):
        numbers, lengths, owners = self.references[part]
        given, training = self.input_batch(part), seed is not None
        size = self.recipe.training.batch_size if training else 2 * ANSWERS_AT_ONCE
        most = self.references_at_once if training else None

        def of_epoch(inputs, epoch):
            return given(inputs, epoch if training else None)

        return WrittenBatches(numbers, lengths, owners, of_epoch, START, size, seed, most=most)

    def training_batches(self):
        """Every reference of train with its input, in an order that (seed, epoch) decides."""
        return self._batches("train", seed=self.recipe.seed)

    @cached_property
    def _likelihood(self):
        def likelihood(given, owners, before, tokens):
            logits = self.trained([given, owners, before], training=False)
            return sum_of_nats(logits, tokens), num_right(logits, tokens), num_tokens(tokens)

        given, texts = self.trained.inputs[0], tf.TensorSpec([None, None], tf.int32)
        owners = tf.TensorSpec([None], tf.int32)
        signature = [tf.TensorSpec(given.shape, given.dtype), owners, texts, texts]
        return tf.function(likelihood, input_signature=signature, autograph=False)

    def teacher_forced(self, part):
        """Return the mean loss of a reference's token in nats, and the part of the tokens that is right."""
        sums = np.zeros(3)
        for inputs, tokens in self._batches(part).epoch():
            sums += [float(value) for value in self._likelihood(*inputs, tokens)]
        return sums[0] / sums[2], sums[1] / sums[2]

    @cached_property
    def _search(self):
        decoding = self.recipe.model.decoding
        return Search(self.network, decoding.length_penalty, decoding.max_length)

    @cached_property
    def _searched(self):
        def searched(given, beam):
            return self._search.best(self._search.encode(given), beam, 1)

        signature = [self._given_spec, tf.TensorSpec([], tf.int32)]
        return tf.function(searched, input_signature=signature, autograph=False)

    @property
    def _given_spec(self):
        given = self.network.inputs[0]
        return tf.TensorSpec(given.shape, given.dtype)

    def write(self, part, beam):
        """Return the best text and its score for every input of a part, in order."""
        texts, scores = [], []
        for start in range(0, self.num_inputs(part), ANSWERS_AT_ONCE):
            numbers = np.arange(start, min(start + ANSWERS_AT_ONCE, self.num_inputs(part)))
            decoded = self._searched(self.given(part, numbers), tf.constant(beam))
            texts += [t.decode("utf-8") for t in self.written.texts(decoded.tokens[:, 0]).numpy()]
            scores += decoded.scores[:, 0].numpy().tolist()
        return texts, scores

    def validate(self):
        """Loss and token accuracy of the references, and the main score of what is written greedily."""
        loss, accuracy = self.teacher_forced("validation")
        answers, _ = self.write("validation", beam=1)
        scores, _ = self.scores(answers, self.reference_texts("validation"))
        name = self.monitor.name.removeprefix("val_")
        return {"val_loss": loss, "val_token_accuracy": accuracy, self.monitor.name: scores[name]}

    def evaluate(self, part):
        """Scores of beam search on a part, and one record an input."""
        answers, ranks = self.write(part, self.recipe.model.decoding.beam)
        references = self.reference_texts(part)
        scores, each = self.scores(answers, references)
        loss, accuracy = self.teacher_forced(part)
        scores |= {"token_accuracy": accuracy, "perplexity": perplexity(loss)}
        records = [
            {
                **self.about(part, number),
                "prediction": answer,
                "score": round(rank, 4),
                "references": several,
                **{name: round(float(values[number]), 4) for name, values in each.items()},
            }
            for number, (answer, rank, several) in enumerate(zip(answers, ranks, references))
        ]
        return scores, records

    def attention_of(self, given):
        """Return the tokens written about one input and the attention weights of each; None without."""
        if self.recipe.model.attention is None:
            return None
        words, weights = (part.numpy() for part in self._attended(given))
        words = [word.decode("utf-8") for word in words]
        return {"tokens": words, "weights": [[round(float(w), 4) for w in row] for row in weights]}

    @cached_property
    def _attended(self):
        def attended(given):
            read, beam = self._search.encode(given), self.recipe.model.decoding.beam
            tokens, lengths, weights = self._search.attended(read, beam)
            return self.written.texts(tokens[0, : lengths[0], None]), weights[0, : lengths[0]]

        return tf.function(attended, input_signature=[self._given_spec], autograph=False)

    def read_steps(self, part, number):
        """Return the names of the steps that the encoder reads of an input, None where it reads none."""
        return None

    def view_examples(self):
        """Inputs of the test part with one of their texts each."""
        flat, lengths, owners = self.references["test"]
        firsts = np.unique(owners, return_index=True)[1]
        chosen = firsts[nearest_in_length(lengths[firsts])]
        tokens = rows_of(flat, lengths, chosen, PADDING)
        before = np.pad(tokens[:, :-1], ((0, 0), (1, 0)), constant_values=START)
        given = self.given("test", owners[chosen])
        inputs = [given, tf.range(len(chosen)), tf.constant(before)]
        written = self.written.texts(tokens.reshape(-1, 1)).numpy().reshape(tokens.shape)
        names = [
            ["(start)", *(word.decode("utf-8") for word in row[: length - 1])]
            for row, length in zip(written, lengths[chosen])
        ]
        read = [self.read_steps("test", number) for number in owners[chosen]]
        steps = {"decoder": names} if None in read else {"encoder": read, "decoder": names}
        targets = last_of_each(tokens, lengths[chosen], PADDING)
        return ViewExamples(self.network, inputs, tf.constant(targets), steps)

    def writer_of(self, read_raw, raw, places=None, lengths=None):
        """Return a `Writer` whose raw inputs `read_raw` turns into what the encoder is given."""
        beam = self.recipe.model.decoding.beam
        more = (self.answer, places, lengths)
        return Writer(self.model, self._search, self.written, beam, read_raw, raw, *more)

    def about(self, part, number):
        """Return what a record says of its input."""
        return {"input": f"{part}:{number}"}

    def settings(self):
        """What has to be known to compare scores."""
        decoding = self.recipe.model.decoding
        search = f"beam {decoding.beam}, length penalty {decoding.length_penalty}"
        texts = self.references.get("test")
        about = {} if texts is None else {"references": self._reference_count("test")}
        longest = f"at most {decoding.max_length} tokens"
        return {"decoding": f"{search}, {longest}", "vocabulary": self.written.size, **about}

    def _reference_count(self, part):
        counts = np.bincount(self.references[part].owners)
        return f"{counts.min()} to {counts.max()}" if counts.min() < counts.max() else int(counts.min())

    def fingerprint(self, marks):
        """Return a digest of all references and of what stands for each input."""
        return sha256_of_texts(
            "\t".join([part, mark, *texts, "\n"])
            for part in self.references
            for mark, texts in zip(marks(part), self.reference_texts(part))
        )

    def save_preprocessing(self, folder):
        """The vocabulary of what is written."""
        self.written.save(folder / "written.json")

    def restore(self, model, folder):
        """Take a trained network and its vocabulary."""
        self.model = model
        self.network = model if model.name == "network" else model.get_layer("network")
        self.written = WrittenText.load(folder / "written.json")

    @cached_property
    def _writer(self) -> Writer:
        return self.writer()

    def generate(self, raw, beam=None, nbest=None, temperature=0.0, seed=0):
        """Return candidates, their scores, and what else is said of the answer, for raw inputs: lists."""
        beam = self.recipe.model.decoding.beam if beam is None else beam
        nbest = 1 if nbest is None else nbest
        check_options(beam=beam, nbest=nbest, temperature=temperature, seed=seed)
        answer = self._writer.generate(
            raw, *map(tf.constant, (int(beam), int(nbest), float(temperature), int(seed)))
        )
        texts = [[t.decode("utf-8") for t in row] for row in answer["candidates"].numpy()]
        scores = answer["scores"].numpy()
        kept = np.isfinite(scores)  # there may be fewer texts than were asked for
        kept[:, 0] = True
        return (
            [[text for text, keep in zip(*row) if keep] for row in zip(texts, kept)],
            [row[keep].tolist() for row, keep in zip(scores, kept)],
            self.notes_on(answer),
        )

    def notes_on(self, answer):
        """Return for each input what its answer says besides, a dict, from what the writer gives."""
        return [{} for _ in answer["scores"]]

    @abstractmethod
    def raw(self, inputs):
        """Return what the export takes, as a tensor, of what a user names; UserError for what is none."""

    def predict(self, inputs, **options):
        """Return the text of each input, with candidates and their scores, best first.

        Args:
            inputs: what a user names.
            **options: ``beam``, ``nbest``, ``temperature``, ``seed``.
        """
        answers = []
        for start in range(0, len(inputs), INPUTS_AT_ONCE):
            answers += zip(*self.generate(self.raw(inputs[start : start + INPUTS_AT_ONCE]), **options))
        return [
            {"input": str(name), self.answer: texts[0], "candidates": texts, "scores": scores, **notes}
            for name, (texts, scores, notes) in zip(inputs, answers)
        ]

    def explain(self, inputs):
        """Return for each input its text, the tokens of it, and attention weights (steps, places)."""
        answer = self._writer.explain(self.raw(inputs))
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
        cut = f" ({answer['truncated']})" if "truncated" in answer else ""
        name, texts = f"{answer['input']}{cut}", answer.get("candidates")
        if not texts or len(texts) == 1:
            return f"{name}: {answer[self.answer]}"
        lines = [f"  {score:8.3f}  {text}" for text, score in zip(texts, answer["scores"])]
        return "\n".join([f"{name}:", *lines])
