"""Tagging: one output at every step, a tag for every word of a sentence."""

import numpy as np
import tensorflow as tf

from rnn_apps.baselines.majority import majority_probabilities
from rnn_apps.baselines.most_frequent_label import most_frequent_label_probabilities
from rnn_apps.data.tagged_files import load_tagged
from rnn_apps.data.tagged_text import TaggedText
from rnn_apps.data.word_vectors import cooccurrence_vectors
from rnn_apps.errors import RnnAppsError
from rnn_apps.models.word_reader import CharacterEncoder, word_reader
from rnn_apps.tasks.cell import resolve_cell
from rnn_apps.tasks.labelling.answers import StepLabeller
from rnn_apps.tasks.labelling.parts import labelling_parts
from rnn_apps.tasks.labelling.task import LabellingTask
from rnn_apps.tasks.streaming import looks_ahead
from rnn_apps.tasks.tagging.streaming import WordStream

__all__ = ["TaggingTask"]

EXPORT_TOLERANCE = 1e-5
NO_CHARACTERS = 2  # that are read and not used, where the recipe sees words alone


class TaggingTask(LabellingTask):
    """A sentence in, a tag for every word out; see `TaggingSettings` for the recipe.

    Args:
        recipe: `Recipe` of the task ``tagging``.
    """

    reads_text = True

    def __init__(self, recipe):
        super().__init__(recipe)
        self.encoder = None

    @property
    def _reads_characters(self):
        return self.recipe.model.characters is not None

    def load(self, bad, whole, needed):
        """Sentences of files, of TFDS, or generated ones."""
        data = self.recipe.data
        columns = (data.tokens, data.tags)
        more = (data.sample_size, self.recipe.seed, bad, data.validation_fraction, whole, needed)
        return load_tagged(data.source, data.path, columns, *more)

    def learn(self, sequences):
        """The vocabularies of words and characters."""
        data, characters = self.recipe.data, self.recipe.model.characters
        longest = characters.longest if characters else NO_CHARACTERS
        tokens = [one.tokens for one in sequences]
        self.encoder = TaggedText.learn(tokens, data.vocabulary_size, data.min_count, longest)

    def encode(self, sequences):
        """Word numbers, and those of characters."""
        return self._used(self.encoder.encode_all([one.tokens for one in sequences]))

    def _used(self, numbers):
        return list(numbers) if self._reads_characters else [numbers[0]]

    def make_front(self):
        """A vector of each word, and one that is read from its characters."""
        model, seed, size = self.recipe.model, self.recipe.seed, self.encoder.vocabulary_size
        characters = None
        if self._reads_characters:
            characters = CharacterEncoder(
                self.encoder.num_characters,
                model.characters.embedding,
                model.characters.units,
                cell=resolve_cell(model.cell),
                compile=False,  # few steps of many words: XLA gains little on many shapes
                seed=seed,
                name="character_reader",
            )
        front = word_reader(
            size, model.embedding, characters, self.encoder.longest, model.dropout, model.word_dropout, seed
        )
        if model.word_vectors == "cooccurrence":
            words, lengths = self.encoded["train"][0][0], self.encoded["train"][1]
            vectors = cooccurrence_vectors(words, lengths, size, model.embedding, seed=seed)
            front.get_layer("embedding").set_weights([vectors])
        return front

    def step_names(self, sequence):
        """The words."""
        return list(sequence.tokens)

    def mark(self, sequence):
        """Words and tags."""
        return "\n".join(f"{token}\t{label}" for token, label in zip(sequence.tokens, sequence.labels))

    def baselines(self):
        """The most frequent tag of all, and of each word, on the same test part."""
        tokens = {p: [t for s in self.sequences[p] for t in s.tokens] for p in ("train", "test")}
        labels, classes = self.encoded["train"][2], len(self.class_names)
        guesses = {
            "majority": majority_probabilities(labels, len(tokens["test"]), classes),
            "most_frequent_tag": most_frequent_label_probabilities(
                tokens["train"], labels, tokens["test"], classes
            ),
        }
        return {name: self.scores_of("test", found) for name, found in guesses.items()}

    def settings(self):
        """What has to be known to compare scores."""
        return {
            "tokens": "as the data divides them",
            "vocabulary": self.encoder.vocabulary_size,
            "characters": self.encoder.num_characters if self._reads_characters else 0,
            "scored": "every token of the part",
        }

    def restore(self, model, folder):
        """Take a trained network, its vocabularies and its tags."""
        super().restore(model, folder)
        self.encoder = TaggedText.load(folder / "encoder.json")

    def make_labeller(self):
        """From texts, split at white space, to tags."""

        def encode(text):
            text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
            tokens = tf.strings.split(text)
            numbers = self._used(self.encoder(tokens))
            steps = tf.cast(tf.shape(numbers[0])[1], tf.int64)
            padded = tokens.to_tensor("", shape=tf.stack([-1, steps]))
            return numbers, tokens.row_lengths(), {"tokens": padded}

        spec = tf.TensorSpec([None], tf.string, name="text")
        return StepLabeller(self.model, self.class_names, encode, self.encoder, spec, "tags", self.can_stream)

    def predict(self, inputs):
        """Return the tokens, tags and scores of each text."""
        answers = []
        for start in range(0, len(inputs), 64):
            texts = inputs[start : start + 64]
            answer = self.labeller.label(tf.constant([text.encode("utf-8", "replace") for text in texts]))
            answers += [{"text": text, **row} for text, row in zip(texts, read_answer(answer))]
        return answers

    def open_stream(self):
        """A `WordStream`."""
        if not self.can_stream:
            raise looks_ahead()
        return WordStream(self.labeller)

    def answer_line(self, answer):
        """Each word with its tag."""
        return " ".join(f"{token}/{tag}" for token, tag in zip(answer["tokens"], answer["tags"]))

    def explain(self, inputs):
        """Return for each text its [word, tag, probability] triples."""
        return [
            [list(triple) for triple in zip(answer["tokens"], answer["tags"], answer["scores"])]
            for answer in self.predict(inputs)
        ]

    def parts(self):
        """The network: numbers of words and characters to probabilities."""
        limits = {"words": self.encoder.vocabulary_size, "characters": self.encoder.num_characters}
        steps = 60

        def examples(batch, steps, seed):
            rng = np.random.default_rng(seed)
            there = np.arange(steps) < rng.integers(1, steps + 1, (batch, 1))
            words = rng.integers(1, limits["words"], (batch, steps)) * there
            letters = rng.integers(1, limits["characters"], (batch, steps, self.encoder.longest))
            return self._used((words.astype("int32"), (letters * there[:, :, None]).astype("int32")))

        return labelling_parts(self.model, examples, steps, self.can_stream)

    def client_facts(self):
        """How a text is read, and the names of the tags."""
        return {"kind": "tag", "class_names": self.class_names}

    def raw_example(self, part, number, record):
        """The words, as the export divides them."""
        return " ".join(record["tokens"])

    def export_score(self, client, records):
        """Accuracy over all tokens of the records; those that the files leave without a tag are wrong."""
        labels = [record["labels"] for record in records]
        texts = [" ".join(map(_without_blanks, record["tokens"])) for record in records]
        own = [answer["tags"] for answer in self.predict(texts)]
        theirs = [client.answer(text)["tags"] for text in texts]
        return "accuracy", *(_share_of_right(tags, labels) for tags in (own, theirs))

    def example_request(self):
        """One sentence."""
        return {"text": tf.constant(["they book a flight"])}

    def check_export(self, loaded):
        """Hold the export's answers against our own on a few texts, the empty one among them."""
        texts = tf.constant(
            ["", "!", " ".join(self.encoder.words[:50]), "a word that nobody wrote: Qwxz\u2603"]
        )
        own, answer = self.labeller.label(texts), loaded.signatures["serving_default"](text=texts)
        difference = float(np.abs(answer["scores"].numpy() - own["scores"].numpy()).max())
        if difference > EXPORT_TOLERANCE:
            raise RnnAppsError(f"the export's scores differ by {difference} from the trained network's.")


def _without_blanks(token):
    """A token as one word of a text: what has none is not split there."""
    return "".join(token.split()) or "_"


def _share_of_right(tags, labels):
    right = sum(a == b for said, known in zip(tags, labels) for a, b in zip(said, known))
    return right / sum(map(len, labels))


def read_answer(answer):
    """Return a list with, for each text, its tokens, tags and scores, from what a `StepLabeller` gives."""
    tokens, tags, scores, lengths = (answer[key].numpy() for key in ("tokens", "tags", "scores", "lengths"))
    return [
        {
            "tokens": [token.decode("utf-8", "replace") for token in tokens[row, :length]],
            "tags": [tag.decode("utf-8") for tag in tags[row, :length]],
            "scores": [round(float(score), 4) for score in scores[row, :length]],
        }
        for row, length in enumerate(lengths)
    ]
