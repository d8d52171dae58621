"""Predictor of the tagging task."""

import numpy as np
import tensorflow as tf

from rnn_apps.data.tagged_files import TAGGED_ENDINGS, read_words
from rnn_apps.data.tokenizer import FIRST_WITHOUT_MARKERS
from rnn_apps.errors import Argument, DataError
from rnn_apps.tasks.step_predictor import StepPredictor
from rnn_apps.tasks.stepwise import EXAMPLE_STEPS
from rnn_apps.tasks.streaming import Stream, needs_whole_input

TEXTS_PER_CALL = 64


class TagPredictor(StepPredictor):
    """Tags the words of texts, which are split at whitespace."""

    kind = "tag"
    reads_text = True
    input_key = "text"
    answered = "tags"
    part_steps = 60
    export_tolerance = 1e-5
    raw_spec = tf.TensorSpec([None], tf.string, name="text")

    @property
    def tables(self):
        """The `WordCharacterEncoder`."""
        return self.preprocessing.encoder

    def _inputs(self, words, characters):
        return [words] if self.recipe.model.characters is None else [words, characters]

    def encode_raw(self, text):
        """Split and encode texts (batch,)."""
        text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
        tokens = tf.strings.split(text)
        numbers = self._inputs(*self.tables(tokens))
        steps = tf.cast(tf.shape(numbers[0])[1], tf.int64)
        padded = tokens.to_tensor("", shape=tf.stack([-1, steps]))
        return numbers, tokens.row_lengths(), {"tokens": padded}

    @property
    def text_readers(self):
        """The words of sentences in the formats of the training data, except lines of text."""
        endings = (ending for ending in TAGGED_ENDINGS if not ending.startswith(".txt"))
        return dict.fromkeys(endings, self._read_sentences)

    def _read_sentences(self, path):
        sentences = read_words(path, self.recipe.data.tokens)
        return [" ".join(map(_without_whitespace, sentence)) for sentence in sentences]

    def predict(self, inputs):
        """Return the tokens, tags and scores of each text."""
        answers = []
        for start in range(0, len(inputs), TEXTS_PER_CALL):
            texts = inputs[start : start + TEXTS_PER_CALL]
            answer = self.call(
                "serving_default", tf.constant([text.encode("utf-8", "replace") for text in texts])
            )
            answers += [{"text": text, **row} for text, row in zip(texts, _rows(answer))]
        return answers

    def answer_line(self, answer):
        """Each word with its tag."""
        return " ".join(f"{token}/{tag}" for token, tag in zip(answer["tokens"], answer["tags"]))

    def explain(self, inputs):
        """Return the [word, tag, probability] triples of each text."""
        return [
            [list(triple) for triple in zip(answer["tokens"], answer["tags"], answer["scores"])]
            for answer in self.predict(inputs)
        ]

    def open_stream(self):
        """Return a `WordStream`."""
        if not self.can_stream:
            raise needs_whole_input()
        return WordStream(self)

    def number_examples(self, batch, steps, seed):
        """Return random word and character ids, padded to different lengths."""
        encoder, rng = self.tables, np.random.default_rng(seed)
        valid = np.arange(steps) < rng.integers(1, steps + 1, (batch, 1))
        words = rng.integers(1, encoder.vocabulary_size, (batch, steps)) * valid
        letters = rng.integers(1, encoder.num_characters, (batch, steps, encoder.max_length))
        return self._inputs(words.astype("int32"), (letters * valid[:, :, None]).astype("int32"))

    def stepwise_problem(self):
        """A network that reads characters or backward."""
        if self.recipe.model.characters is not None:
            return "it reads the characters of each word (train it with model.characters=null)"
        return super().stepwise_problem()

    def stepwise_kind(self):
        """The vocabulary with the embedding of each word; an example of the most frequent words."""
        embedding = self.per_step.extractor.get_layer("embedding").embeddings.numpy()
        return {
            "kind": "tags",
            "constants": {
                "tokens": self.tables.words,
                "first": FIRST_WITHOUT_MARKERS,
                "class_names": self.class_names,
            },
            "example": (np.arange(EXAMPLE_STEPS)[:, None] % (len(embedding) - 1) + 1).astype(np.float32),
            "table": embedding,
        }

    def export_score(self, client, records):
        """Accuracy over all tokens of the records; tokens that the export does not tag count as wrong."""
        labels = [record["labels"] for record in records]
        texts = [" ".join(map(_without_whitespace, record["tokens"])) for record in records]
        own, exported = self.predict(texts), map(client.answer, texts)
        return "accuracy", *(
            _accuracy([answer["tags"] for answer in answers], labels) for answers in (own, exported)
        )

    def example_requests(self):
        """A sentence, and a few that test the tokenizer, including an empty one."""
        texts = ["", "!", " ".join(self.tables.words[:50]), "a word that nobody wrote: Qwxz\u2603"]
        requests = (["they book a flight"], texts)
        return [("serving_default", {"text": tf.constant(request)}) for request in requests]


class WordStream(Stream):
    """Tags lines of words; an empty line does not end the text.

    Args:
        predictor: `TagPredictor` of a network that can stream.
    """

    cuts_at_blanks = True

    def __init__(self, predictor):
        super().__init__(predictor.module.signature("step"), predictor.zero_states(1))

    def feed(self, lines):
        """Return token, tag and score of every word."""
        if any("\t" in line for line in lines):
            fix = ["Keep only the words.", Argument("Or give the file without", "stream")]
            raise DataError("a line", received="columns separated by tabs", expected="words", fix=fix)
        text = " ".join(lines).encode("utf-8", "replace")
        if not text.split():
            return []
        answer = self.read(tf.constant([text]))
        rows = zip(answer["tokens"], answer["tags"], answer["scores"][: answer["lengths"]])
        return [
            {
                "token": token.decode("utf-8", "replace"),
                "tag": tag.decode("utf-8"),
                "score": round(float(score), 4),
            }
            for token, tag, score in rows
        ]

    def line(self, answer):
        """Word and tag."""
        return f"{answer['token']}\t{answer['tag']}\t{answer['score']:.3f}"


def _without_whitespace(token):
    """A token as a single word, which is not split again."""
    return "".join(token.split()) or "_"


def _accuracy(tags, labels):
    correct = sum(a == b for predicted, true in zip(tags, labels) for a, b in zip(predicted, true))
    return correct / sum(map(len, labels))


def _rows(answer):
    """Tokens, tags and scores of each text, from the outputs of the export."""
    tokens, tags, scores, lengths = (answer[key].numpy() for key in ("tokens", "tags", "scores", "lengths"))
    return [
        {
            "tokens": [token.decode("utf-8", "replace") for token in tokens[row, :length]],
            "tags": [tag.decode("utf-8") for tag in tags[row, :length]],
            "scores": [round(float(score), 4) for score in scores[row, :length]],
        }
        for row, length in enumerate(lengths)
    ]
