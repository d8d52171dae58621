"""Sentences with a tag for every word."""

from rnn_apps.baselines.most_frequent_label import most_frequent_label_probabilities
from rnn_apps.data.tagged_files import load_tagged
from rnn_apps.data.word_character_encoder import WordCharacterEncoder
from rnn_apps.tasks.labelled_sequences import LabelledSequences
from rnn_apps.tasks.preprocessing import Preprocessing, load_class_names

UNUSED_CHARACTERS = 2  # read and not used, where the recipe sees words only


class TagPreprocessing(Preprocessing):
    """Vocabularies of words and characters, and the tags.

    Args:
        encoder: `WordCharacterEncoder`.
        class_names: the tags, in the order of the logits.
    """

    def __init__(self, encoder, class_names):
        super().__init__(class_names)
        self.encoder = encoder

    def save(self, folder):
        """Write the vocabularies and the tags."""
        super().save(folder)
        self.encoder.save(folder / "encoder.json")

    @classmethod
    def load(cls, folder, model):
        """Return what `save` wrote."""
        return cls(WordCharacterEncoder.load(folder / "encoder.json"), load_class_names(folder))


class TaggedSentences(LabelledSequences):
    """Sentences of files, of TFDS, or generated ones."""

    def load(self, request):
        """Return the name of the source and the sentences of every split."""
        data = self.recipe.data
        return load_tagged(self._source(), request, self.invalid, (data.tokens, data.tags))

    def learn(self):
        """Return the vocabularies and the tags of train."""
        data, characters = self.recipe.data, self.recipe.model.characters
        tokens = [one.tokens for one in self.splits["train"]]
        max_length = characters.max_length if characters else UNUSED_CHARACTERS
        encoder = WordCharacterEncoder.learn(tokens, data.vocabulary_size, data.min_count, max_length)
        return TagPreprocessing(encoder, self.learn_labels())

    def encode_steps(self, sequences):
        """Return word numbers, and those of characters where the recipe reads them."""
        words, characters = self.preprocessing.encoder.encode_all([one.tokens for one in sequences])
        return [words] if self.recipe.model.characters is None else [words, characters]

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
            "tokens": "as the data divides them",
            "vocabulary": encoder.vocabulary_size,
            "characters": 0 if self.recipe.model.characters is None else encoder.num_characters,
            "scored": "every token of the split",
        }

    def raw_example(self, split, number, record):
        """The words, as the export divides them."""
        return " ".join(record["tokens"])
