"""Sentiment and any other text classification: many-to-one."""

import json
from functools import cached_property

import numpy as np
import tensorflow as tf

from rnn_apps.baselines.bag_of_words import bag_of_words_probabilities
from rnn_apps.baselines.majority import majority_probabilities
from rnn_apps.data.batches import SequenceBatches
from rnn_apps.data.sources import load_parts, load_test, open_source
from rnn_apps.data.text import TextEncoder
from rnn_apps.data.word_vectors import cooccurrence_vectors
from rnn_apps.disk import sha256_of_texts
from rnn_apps.errors import RnnAppsError
from rnn_apps.metrics.classification import classification_metrics
from rnn_apps.models.sequence_encoder import sequence_encoder
from rnn_apps.tasks.cell import model_errors, resolve_cell
from rnn_apps.tasks.sentiment.answers import TextClassifier
from rnn_apps.tasks.sentiment.exports import network_part
from rnn_apps.tasks.sentiment.streaming import VerdictStream
from rnn_apps.tasks.streaming import looks_ahead
from rnn_apps.tasks.task import Monitor, Task, Truncation, read_of
from rnn_apps.tasks.viewing import LONGEST, ViewExamples, nearest_in_length, rows_of

__all__ = ["SentimentTask"]

EXPORT_TOLERANCE = 1e-5
ANSWERS_AT_ONCE = 256


class SentimentTask(Task):
    """A text in, its class out; see `SentimentSettings` for the recipe.

    Args:
        recipe: `Recipe` of the task ``sentiment``.
    """

    reads_text = True
    monitor = Monitor("val_accuracy", higher_is_better=True)
    tokenizer = "words in lower case, ! and ? apart, HTML line breaks removed"

    def __init__(self, recipe):
        super().__init__(recipe)
        self.encoder = None

    def prepare(self):
        """Read the texts, learn the vocabulary from train, encode every part, make the network."""
        data = self.recipe.data
        self._read()
        train = self.splits["train"].texts
        self.encoder = TextEncoder.learn(train, data.vocabulary_size, data.max_length, data.keep)
        self._encode()
        self.model = self._make_model()

    def prepare_evaluation(self, whole=False):
        """Read the test part anew for a restored network, with its own vocabulary and classes."""
        source, options = self._open_source(needed=None if whole else "train")
        test, self._skipped = load_test(source, self.class_names, *options, whole=whole)
        self.splits = {"test": test}
        self._encode()

    def _read(self):
        source, options = self._open_source()
        self.splits, self.class_names, self._skipped = load_parts(
            source, self.recipe.data.class_names, *options
        )
        self.source_name = source.name

    def _open_source(self, needed="train"):
        data = self.recipe.data
        size = data.sample_size
        source = open_source(data.source, data.path, data.text, data.label, size, self.recipe.seed, needed)
        return source, (data.validation_fraction, data.on_bad_record, data.max_bad_records)

    def _encode(self):
        self._encoded, self._longer = {}, {}
        for part, texts in self.splits.items():
            *self._encoded[part], words = self.encoder.encode_all(texts.texts)
            self._longer[part] = int((words > self._encoded[part][1]).sum())

    def truncations(self, part):
        """Texts of more than `data.max_length` words."""
        return [Truncation(self._longer[part], len(self.splits[part]), self.encoder.max_length, "words")]

    def _make_model(self):
        recipe, model, vectors = self.recipe, self.recipe.model, self._word_vectors()
        with model_errors(model.cell):
            return sequence_encoder(
                self.encoder.vocabulary_size,
                len(self.class_names),
                embedding=model.embedding,
                cell=resolve_cell(model.cell),
                units=model.units,
                bidirectional=model.bidirectional,
                residual=model.residual,
                pooling=model.pooling,
                dropout=model.dropout,
                recurrent_dropout=model.recurrent_dropout,
                level_dropout=model.level_dropout,
                word_dropout=model.word_dropout,
                word_vectors=vectors,
                compile=recipe.training.compile,
                recompute_every=recipe.training.recompute_every,
                seed=recipe.seed,
            )

    def _word_vectors(self):
        if self.recipe.model.word_vectors == "random":
            return None
        size, width = self.encoder.vocabulary_size, self.recipe.model.embedding
        return cooccurrence_vectors(*self._encoded["train"], size, width, seed=self.recipe.seed)

    def _batches(self, part, seed=None):
        numbers, lengths = self._encoded[part]
        size = ANSWERS_AT_ONCE if seed is None else self.recipe.training.batch_size
        return SequenceBatches(numbers, lengths, self.splits[part].labels, size, seed)

    def training_batches(self):
        """Batches of train in an order that (seed, epoch) decides."""
        return self._batches("train", seed=self.recipe.seed)

    def loss(self, outputs, targets):
        """Cross-entropy in nats, with label smoothing."""
        smoothing = self.recipe.training.label_smoothing
        hot = tf.one_hot(targets, len(self.class_names))
        hot = hot * (1 - smoothing) + smoothing / len(self.class_names)
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(hot, outputs))

    def batch_metrics(self, outputs, targets):
        """Right answers."""
        right = tf.equal(tf.argmax(outputs, -1, tf.int32), targets)
        return {"accuracy": tf.reduce_sum(tf.cast(right, tf.float32))}

    def probabilities(self, part):
        """Return class probabilities of a part in its own order: (examples, classes)."""
        return self._predict_batches(self._batches(part))

    def _predict_batches(self, batches):
        result = np.zeros((batches.num_examples, len(self.class_names)), np.float32)
        for (indices, _), (numbers, _) in zip(batches.plan(0), batches.epoch(0)):
            result[indices] = self._answer(numbers).numpy()
        return result

    @cached_property
    def _answer(self):
        spec = tf.TensorSpec([None, None], tf.int32)

        def answer(numbers):
            return tf.nn.softmax(self.model(numbers, training=False))

        return tf.function(answer, input_signature=[spec], autograph=False)

    def validate(self):
        """Loss and accuracy on validation."""
        probabilities, labels = self.probabilities("validation"), np.asarray(self.splits["validation"].labels)
        chosen = np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)
        return {
            "val_loss": float(-np.log(chosen).mean()),
            "val_accuracy": float((probabilities.argmax(1) == labels).mean()),
        }

    def evaluate(self, part):
        """Scores on a part, and one record an example."""
        texts, probabilities = self.splits[part], self.probabilities(part)
        scores = classification_metrics(texts.labels, probabilities, self.class_names)
        return scores, [
            {"text": text, "label": self.class_names[label], **self._readable(row)}
            for text, label, row in zip(texts.texts, texts.labels, probabilities)
        ]

    def _readable(self, row):
        best = int(np.argmax(row))
        return {
            "prediction": self.class_names[best],
            "score": round(float(row[best]), 6),
            "probabilities": [round(float(p), 6) for p in row],
        }

    def baselines(self):
        """The most frequent class, and a bag of words, on the same test part."""
        train, test, classes = self.splits["train"], self.splits["test"], len(self.class_names)
        guesses = {
            "majority": majority_probabilities(train.labels, len(test), classes),
            "bag_of_words": bag_of_words_probabilities(train.texts, train.labels, test.texts, classes),
        }
        return {name: classification_metrics(test.labels, p, self.class_names) for name, p in guesses.items()}

    @property
    def skipped(self):
        """Reason to number of records that could not be used."""
        return self._skipped

    def take_training_split(self, other):
        """Read the texts of train."""
        other._read()
        self.splits["train"] = other.splits["train"]
        return True

    def describe_data(self):
        """Source and counts."""
        return {
            "source": self.source_name,
            **{part: len(texts) for part, texts in self.splits.items()},
            "skipped": self.skipped,
            "fingerprint": sha256_of_texts(
                f"{label}\t{text}\n"
                for part in self.splits.values()
                for text, label in zip(part.texts, part.labels)
            ),
        }

    def settings(self):
        """What has to be known to compare scores."""
        return {"tokenizer": self.tokenizer, "vocabulary": self.encoder.vocabulary_size}

    def save_preprocessing(self, folder):
        """Vocabulary and class names."""
        self.encoder.save(folder)
        (folder / "class_names.json").write_text(json.dumps(self.class_names), encoding="utf-8")

    def restore(self, model, folder):
        """Take a trained network, its vocabulary and its class names."""
        self.model = model
        self.encoder = TextEncoder.load(folder)
        self.class_names = json.loads((folder / "class_names.json").read_text(encoding="utf-8"))

    @cached_property
    def _classifier(self):
        return self._make_classifier()

    def _make_classifier(self):
        model = self.recipe.model
        pooling = None if model.bidirectional else model.pooling
        return TextClassifier(self.model, self.encoder, self.class_names, pooling)

    def open_stream(self):
        """A `VerdictStream`."""
        if self.recipe.model.bidirectional:
            raise looks_ahead()
        return VerdictStream(self._classifier)

    def predict(self, inputs):
        """Return label, score and probabilities (by class) of each text."""
        answers = []
        for start in range(0, len(inputs), 64):
            batch = tf.constant([text.encode("utf-8", "replace") for text in inputs[start : start + 64]])
            found = self._classifier.classify(batch)
            keys = ("probabilities", "words_read", "words")
            answers += zip(inputs[start : start + 64], *(found[key].numpy() for key in keys))
        return [self._answered(*answer) for answer in answers]

    def _answered(self, text, probabilities, read, words):
        readable = self._readable(probabilities)
        return {
            "text": text,
            "label": readable["prediction"],
            "score": readable["score"],
            "probabilities": dict(zip(self.class_names, readable["probabilities"])),
            **({} if words else {"empty": "no word was read"}),
            **read_of(read, words, "words"),
        }

    def illustrate(self, part, number):
        """The score of an example word by word."""
        (steps,) = self.explain([self.splits[part].texts[number]])
        return {"steps": steps}, {}

    def view_examples(self):
        """Texts of the test part."""
        numbers, lengths = self._encoded["test"]
        chosen = nearest_in_length(lengths)
        texts, labels = self.splits["test"].texts, self.splits["test"].labels
        tokens = self.encoder.tokens(tf.constant([texts[n].encode("utf-8", "replace") for n in chosen]))
        words = [[word.decode("utf-8") for word in row[:LONGEST]] for row in tokens.to_list()]
        targets = tf.constant([labels[n] for n in chosen])
        return ViewExamples(self.model, rows_of(numbers, lengths, chosen), targets, {"": words})

    def answer_line(self, answer):
        """Label, score and text."""
        start = " ".join(answer["text"][:1000].split())[:80]
        cut = "".join(f"  ({answer[key]})" for key in ("truncated", "empty") if key in answer)
        return f"{answer['label']:<12} {answer['score']:.3f}  {start}{cut}"

    def explain(self, texts):
        """Return for each text its [word, probability of the final class after that word] pairs."""
        answer = self._classifier.explain(tf.constant([t.encode("utf-8", "replace") for t in texts]))
        words, scores, lengths = (answer[key].numpy() for key in ("tokens", "scores", "lengths"))
        return [
            [[word.decode("utf-8"), round(float(score), 4)] for word, score in zip(w[:n], s[:n])]
            for w, s, n in zip(words, scores, lengths)
        ]

    def signatures(self):
        """A classifier with its signatures, traced anew for the export."""
        classifier = self._make_classifier()
        return classifier, classifier.signatures

    def parts(self):
        """The network: word numbers to probabilities."""
        return [network_part(self.model, self.encoder)]

    def client_facts(self):
        """How a text is read, and the names of the classes."""
        return {
            "kind": "classify",
            "class_names": self.class_names,
            "max_length": self.encoder.max_length,
            "keep": self.encoder.keep,
        }

    def demo_facts(self):
        """The names of the classes."""
        return {"class_names": self.class_names}

    def raw_example(self, part, number, record):
        """The text."""
        return record["text"]

    def export_score(self, client, records):
        """Accuracy on the texts of the records."""
        labels = [record["label"] for record in records]
        own = [answer["label"] for answer in self.predict([record["text"] for record in records])]
        theirs = [client.answer(record["text"])["label"] for record in records]
        return "accuracy", *(float(np.mean([a == b for a, b in zip(x, labels)])) for x in (own, theirs))

    def example_request(self):
        """One text."""
        return {"text": tf.constant(["a film to remember"])}

    def check_export(self, loaded):
        """Hold the export's answers against our own on a few texts, the empty one among them."""
        texts = ["", "!", " ".join(self.encoder.words[:50]), "a word that nobody wrote: qwxz"]
        answer = loaded.signatures["serving_default"](text=tf.constant(texts))
        own = self._classifier.classify(tf.constant(texts))
        difference = float(np.abs(answer["probabilities"].numpy() - own["probabilities"].numpy()).max())
        if difference > EXPORT_TOLERANCE:
            raise RnnAppsError(
                f"the export's probabilities differ by {difference} from the trained network's."
            )
