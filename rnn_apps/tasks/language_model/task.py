"""Language models: an output at every step, the token that comes next."""

from functools import cached_property

import numpy as np
import tensorflow as tf

from rnn_apps.baselines.ngrams import NGramModel
from rnn_apps.data.plain_text import StreamBatches, load_texts
from rnn_apps.data.records import BadRecords
from rnn_apps.data.text import PADDING
from rnn_apps.data.written_text import END_OF_LINE, FIRST_TOKEN, WrittenText
from rnn_apps.disk import sha256_of_texts
from rnn_apps.errors import RnnAppsError, UserError
from rnn_apps.metrics.generation import bits_per_character, perplexity
from rnn_apps.models.language_model import language_model, window_model
from rnn_apps.tasks.language_model.batches import FreshFirst
from rnn_apps.tasks.language_model.streaming import TextStream
from rnn_apps.tasks.language_model.writer import NEVER_WRITTEN, PromptWriter
from rnn_apps.tasks.options import check_options
from rnn_apps.tasks.task import Monitor, Task
from rnn_apps.tasks.viewing import FEW, ViewExamples, last_of_each
from rnn_apps.tasks.writing.decoder import learned, make_decoder
from rnn_apps.tasks.writing.loss import GuessesTokens, num_right, sum_of_nats
from rnn_apps.tasks.writing.parts import numbered, step_part

__all__ = ["LanguageModelTask"]

VALIDATION_STREAMS = 8  # read side by side; the test is read in one piece
READ_AT_ONCE = 100  # tokens of a stream
VIEWED = 60  # tokens of a piece in the views
CONTINUED = 8  # places of the test part that the records go on from
PROMPT_TOKENS = 40
ORDERS = {"unigram": 1, "five_gram": 5}


class LanguageModelTask(GuessesTokens, Task):
    """The beginning of a text in, the rest out; see `LanguageModelSettings` for the recipe.

    Args:
        recipe: `Recipe` of the task ``language_model``.

    Attributes:
        written: `WrittenText`.
        tokens: part name to int32 (tokens,).
    """

    reads_text = True
    monitor = Monitor("val_loss", higher_is_better=False)
    options = ("length", "temperature", "seed", "top_k", "top_p")

    def __init__(self, recipe):
        super().__init__(recipe)
        self.written, self.tokens, self._windows = None, {}, None

    @property
    def trained(self):
        """The network that carries its states from window to window."""
        return self._windows

    def prepare(self):
        """Read the text, learn the vocabulary from train, make the network."""
        self._load(whole=False)
        data = self.recipe.data
        lines = self.texts["train"].splitlines(keepends=True)
        self.written = learned(lines, data.unit, data.vocabulary_size, data.min_count)
        self._encode()
        self._refuse_too_many_streams()
        decoder = make_decoder(self.recipe, self.written.size)
        self.model = language_model(decoder)
        self._windows = window_model(decoder, self.recipe.training.batch_size)

    def _refuse_too_many_streams(self):
        streams, tokens = self.recipe.training.batch_size, len(self.tokens["train"])
        if streams > (tokens - 1) // 2:
            received = f"{streams} streams for {tokens:,} tokens of train"
            raise UserError("training.batch_size", received=received, expected=f"at most {(tokens - 1) // 2}")

    def prepare_evaluation(self, whole=False):
        """Read the test part anew for a restored network."""
        self._load(whole)
        self.texts = {"test": self.texts["test"]}
        self._encode()

    def _load(self, whole):
        data = self.recipe.data
        self.bad = BadRecords(data.on_bad_record, data.max_bad_records)
        options = (data.sample_size, self.recipe.seed, self.bad)
        more = (data.validation_fraction, "word" if data.unit == "token" else "character", whole)
        self.source_name, self.texts = load_texts(data.source, data.path, *options, *more)
        lines = sum(text.count("\n") for text in self.texts.values())
        self.bad.check_fraction(self.source_name, lines)

    def _encode(self):
        for part, text in self.texts.items():
            self.tokens[part] = self.written.numbers(tf.constant([text])).flat_values.numpy()

    @property
    def decoder(self):
        """The `SequenceDecoder` of the network."""
        return self.model.get_layer("decoder")

    def training_batches(self):
        """Windows of train that follow one another in as many streams as a batch has rows."""
        training, tokens = self.recipe.training, self.tokens["train"]
        whole = -(-(len(tokens) - 1) // training.batch_size)
        steps = training.tbptt.steps if training.tbptt else whole
        return FreshFirst(StreamBatches(tokens, training.batch_size, steps, self.recipe.seed))

    @cached_property
    def _read(self):
        def read(tokens, targets, states):
            logits, states, _ = self.decoder.read_on(tokens, states)
            return sum_of_nats(logits, targets), num_right(logits, targets), states

        return tf.function(read, autograph=False, reduce_retracing=True)

    def likelihood(self, part, streams):
        """Return the mean nats of a token of a part, states carried all along, and the part that is right."""
        windows = StreamBatches(self.tokens[part], streams, READ_AT_ONCE)
        states, sums = self.decoder.zero_states(streams), np.zeros(2)
        for tokens, targets in windows.epoch():
            nats, right, states = self._read(tokens, targets, states)
            sums += [float(nats), float(right)]
        return sums / (len(self.tokens[part]) - 1)

    def validate(self):
        """Loss and token accuracy."""
        loss, accuracy = self.likelihood(
            "validation", min(VALIDATION_STREAMS, len(self.tokens["validation"]) - 1)
        )
        return {"val_loss": loss, "val_token_accuracy": accuracy}

    def _scores(self, nats):
        if self.recipe.data.unit == "token":
            return {"perplexity": perplexity(nats)}
        return {"nats_per_character": nats, "bits_per_character": bits_per_character(nats)}

    def evaluate(self, part):
        """Scores of a part read in one piece, and texts that go on from places at even distances in it."""
        nats, accuracy = self.likelihood(part, 1)
        return {**self._scores(nats), "token_accuracy": accuracy}, self._continued(part)

    def _continued(self, part):
        length = self.recipe.model.generation.length
        tokens, most = self.tokens[part], PROMPT_TOKENS + length
        places = np.linspace(0, max(0, len(tokens) - most), CONTINUED).astype(int)
        prompts = [self._text(tokens[place : place + PROMPT_TOKENS]) for place in places]
        truth = [self._text(tokens[place + PROMPT_TOKENS : place + most]) for place in places]
        answers = self.predict(prompts, seed=self.recipe.seed)
        between = " " if self.recipe.data.unit == "token" else ""
        return [
            {
                "input": f"{part} from token {place + 1:,} on",
                "source": prompt,
                "prediction": answer["text"][len(prompt) :].removeprefix(between),
                "score": answer["log_probability"],
                "references": [rest],
            }
            for place, prompt, rest, answer in zip(places, prompts, truth, answers)
        ]

    def _text(self, tokens):
        return self.written.texts(tf.constant(tokens[None], tf.int32)).numpy()[0].decode("utf-8")

    def view_examples(self):
        """Pieces of the test part, at even distances."""
        tokens = self.tokens["test"]
        steps = min(VIEWED, len(tokens) - 1)
        places = np.linspace(0, len(tokens) - 1 - steps, FEW).astype(int)
        rows = np.stack([tokens[place : place + steps + 1] for place in places])
        texts = self.written.texts(rows[:, :-1].reshape(-1, 1)).numpy().reshape(len(rows), steps)
        names = [[token.decode("utf-8", "replace").replace("\n", "⏎") for token in row] for row in texts]
        targets = last_of_each(rows[:, 1:], np.full(len(rows), steps), PADDING)
        return ViewExamples(self.model, rows[:, :-1], tf.constant(targets), {"": names})

    def illustrate(self, part, number):
        """Nothing more than the text."""
        return {}, {}

    def baselines(self):
        """The unigram and the interpolated 5-gram model of the same tokens."""
        train, test, size = self.tokens["train"], self.tokens["test"], self.written.size
        found = {}
        for name, order in ORDERS.items():
            model = NGramModel(order, size).fit(train)
            found[name] = self._scores(float(-model.log_probabilities(test)[1:].mean()))
        return found

    def scored(self, records):
        """The tokens that are guessed: all but the first."""
        return len(self.tokens["test"]) - 1, "tokens"

    def take_training_split(self, other):
        """Read the text of train."""
        other._load(whole=False)
        other._encode()
        self.tokens["train"] = other.tokens["train"]
        return True

    def describe_data(self):
        """Source, and tokens of every part."""
        return {
            "source": self.source_name,
            **{part: len(tokens) for part, tokens in self.tokens.items()},
            "skipped": self.skipped,
            "fingerprint": sha256_of_texts(f"{part}\n{text}" for part, text in self.texts.items()),
        }

    def settings(self):
        """What has to be known to compare scores."""
        return {
            "tokens": self.recipe.data.unit,
            "vocabulary": self.written.size,
            "scored": "every token of the part but the first, read in one piece with the state carried on",
        }

    def save_preprocessing(self, folder):
        """The vocabulary."""
        self.written.save(folder / "written.json")

    def restore(self, model, folder):
        """Take a trained network and its vocabulary."""
        self.model = model
        self.written = WrittenText.load(folder / "written.json")

    def _make_writer(self):
        newline = END_OF_LINE if self.recipe.data.unit == "token" else "\n"
        first = newline if newline in self.written.tokens else self.written.tokens[0]
        (number,) = self.written.numbers(tf.constant([_as_text(first)])).flat_values.numpy()
        return PromptWriter(self.model, self.decoder, self.written, int(number))

    @cached_property
    def _writer(self):
        return self._make_writer()

    def predict(self, inputs, length=None, temperature=None, seed=0, top_k=0, top_p=1.0):
        """Return each prompt with what follows it.

        Args:
            inputs: prompts.
            length: tokens to write.
            temperature: divides the logits; 0 takes the likeliest token.
            seed: of what is drawn.
            top_k, top_p: as in `rnn_apps.models.decoding.sample`.
        """
        usual = self.recipe.model.generation
        length = usual.length if length is None else length
        temperature = usual.temperature if temperature is None else temperature
        check_options(length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        prompts = tf.constant([text.encode("utf-8", "replace") for text in inputs])
        options = (int(length), float(temperature), int(seed), int(top_k), float(top_p))
        answer = self._writer.generate(prompts, *map(tf.constant, options))
        texts, scores = answer["text"].numpy(), answer["log_probability"].numpy()
        return [
            {"input": prompt, "text": text.decode("utf-8", "replace"), "log_probability": float(score)}
            for prompt, text, score in zip(inputs, texts, scores)
        ]

    def open_stream(self):
        """A `TextStream`."""
        return TextStream(self._writer)

    def answer_line(self, answer):
        """The whole text."""
        return answer["text"]

    def explain(self, inputs):
        """Return for each text its tokens and the log-probability of each, in nats."""
        explained = []
        for text in inputs:
            (numbers,) = self.written.numbers(tf.constant([text])).to_list()
            before = tf.constant([[self._writer.first, *numbers]])
            likely = tf.nn.log_softmax(self.decoder.read_on(before, None)[0])[0].numpy()
            words = [self._text(np.array([number])) for number in numbers]
            scores = [round(float(row[number]), 4) for row, number in zip(likely, numbers)]
            explained.append([list(pair) for pair in zip(words, scores)])
        return explained

    def signatures(self):
        """A writer with `serving_default` and `generate`, traced anew for the export."""
        writer = self._make_writer()
        return writer, writer.signatures

    def parts(self):
        """One step."""

        def begin(batch, steps, seed):
            rng = np.random.default_rng(seed)
            tokens = rng.integers(FIRST_TOKEN, self.written.size, (batch, 5)).astype("int32")
            return numbered(self.decoder.read_on(tf.constant(tokens), None)[1])

        return [step_part(self.decoder, begin)]

    def client_facts(self):
        """How a text goes on."""
        length = self.recipe.model.generation.length
        return {
            "kind": "go_on",
            "first": int(self._writer.first),
            "max_length": length,
            "never": NEVER_WRITTEN,
        }

    def demo_facts(self):
        """How much is written where nobody says, how boldly, and what is counted."""
        usual = self.recipe.model.generation
        return {"length": usual.length, "temperature": usual.temperature, "unit": self.recipe.data.unit}

    def raw_example(self, part, number, record):
        """The text with which it went on."""
        return record["source"]

    def export_score(self, client, records):
        """Mean nats a token of the texts from which the records were taken."""
        between = " " if self.recipe.data.unit == "token" else ""
        texts = [between.join([record["source"], *record["references"]]) for record in records]
        own = [score for tokens in self.explain(texts) for _, score in tokens]
        theirs = [score for text in texts for score in client.log_probabilities(text)]
        return "nats_per_token", -float(np.mean(own)), -float(np.mean(theirs))

    def example_request(self):
        """A beginning, and how it is to go on."""
        asked = {"length": tf.constant(12), "temperature": tf.constant(0.7)}
        return {"prompt": tf.constant(["the"]), **asked}

    def check_export(self, loaded):
        """Hold the export's texts against our own, drawn with one seed."""
        prompts = tf.constant(["", "the ", "a prompt with \u2603"])
        asked = {"length": tf.constant(12), "temperature": tf.constant(0.7), "seed": tf.constant(4)}
        asked |= {"top_k": tf.constant(0), "top_p": tf.constant(1.0)}
        answer = loaded.signatures["generate"](prompt=prompts, **asked)
        own = self._writer.generate(prompts, *asked.values())
        if (answer["text"].numpy() != own["text"].numpy()).any():
            raise RnnAppsError("the export's texts differ from the trained network's.")


def _as_text(token):
    return "\n" if token == END_OF_LINE else token
