"""Dataset of the tagging task."""

from typing import ClassVar

from rnn_apps.baselines.most_frequent_label import most_frequent_label_probabilities
from rnn_apps.data.tagged_files import TaggedSentence, open_tagged
from rnn_apps.data.word_character_encoder import WordCharacterEncoder
from rnn_apps.tasks.labelled_sequences import LabelledSequences
from rnn_apps.tasks.preprocessing import Preprocessing

UNUSED_CHARACTERS = 2  # encoded but not used if the recipe reads words only


class TagPreprocessing(Preprocessing):
    """The vocabularies of words and characters (`encoder`), and the tags in the order of the logits."""

    files: ClassVar = {**Preprocessing.files, "encoder": ("encoder.json", WordCharacterEncoder)}


class TaggedSentences(LabelledSequences):
    """Tagged sentences from files, TFDS, or synthetic data."""

    def open(self, request):
        """Open the sentences."""
        data = self.recipe.data
        return open_tagged(self._source(), request, self.invalid, (data.tokens, data.tags))

    def learn(self):
        """Learn the vocabularies and the tags from train."""
        data, characters = self.recipe.data, self.recipe.model.characters
        tokens = (one.tokens for one in self.examples("train"))
        max_length = characters.max_length if characters else UNUSED_CHARACTERS
        encoder = WordCharacterEncoder.learn(tokens, data.vocabulary_size, data.min_count, max_length)
        return TagPreprocessing(self.learn_labels(), encoder=encoder)

    def encode_steps(self, sequences):
        """Return word ids, and character ids if the recipe uses them."""
        words, characters = self.preprocessing.encoder.encode_all([one.tokens for one in sequences])
        return [words] if self.recipe.model.characters is None else [words, characters]

    def encoding_settings(self):
        """The settings of the data, and how many characters of a word are read."""
        characters = self.recipe.model.characters
        max_length = None if characters is None else characters.max_length
        return super().encoding_settings() | {"model.characters.max_length": max_length}

    def from_json(self, values):
        """Return the `TaggedSentence`."""
        return TaggedSentence(*values)

    def step_names(self, sequence):
        """Return the words."""
        return list(sequence.tokens)

    def fingerprint(self, split):
        """Words and tags."""
        for one in self.splits[split]:
            yield "\n".join(f"{token}\t{label}" for token, label in zip(one.tokens, one.labels))

    def baselines(self):
        """The most frequent tag of each word."""
        train, test = (
            [token for one in self.splits[split] for token in one.tokens] for split in ("train", "test")
        )
        labels = self.encoded["train"][2]
        answers = most_frequent_label_probabilities(train, labels, test, len(self.class_names))
        return {"most_frequent_tag": answers}

    def settings(self):
        """Tokens and vocabularies."""
        encoder = self.preprocessing.encoder
        return {
            "tokens": "as in the data",
            "vocabulary": encoder.vocabulary_size,
            "characters": 0 if self.recipe.model.characters is None else encoder.num_characters,
            "scored": "every token of the split",
        }

    def raw_example(self, split, number, record):
        """The words, joined by spaces."""
        return " ".join(record["tokens"])
