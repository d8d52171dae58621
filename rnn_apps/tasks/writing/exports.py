"""What tasks that write give away: a SavedModel from raw input to text, and the parts that take numbers."""

from abc import abstractmethod

import numpy as np
import tensorflow as tf

from rnn_apps.data.written_text import END, START
from rnn_apps.errors import RnnAppsError
from rnn_apps.tasks.writing.parts import encode_part, step_part
from rnn_apps.tasks.writing.writer import NEVER_WRITTEN

__all__ = ["ExportsWriting"]

EXPORT_TOLERANCE = 1e-4


class ExportsWriting:
    """The exports of a `WritingTask`."""

    def signatures(self):
        """A writer with `serving_default`, `generate` and `explain`, traced anew for the export."""
        writer = self.writer()
        return writer, writer.signatures

    def whole_front(self):
        """Return the model from numbers of a raw input to what the network is given, or None."""
        return None

    @abstractmethod
    def number_examples(self, batch, steps, seed):
        """Return numbers of raw inputs, as the front or else the network takes them."""

    @property
    def fixed_steps(self):
        """Steps of an input in formats with fixed shapes."""
        return 1

    most_steps = None  # as of `Part`

    def parts(self):
        """What reads an input, and one step of writing."""
        front, search = self.whole_front(), self._search
        given = (front or self.network).inputs[0]
        spec = tf.TensorSpec([None, *given.shape[1:]], given.dtype, name="given")

        def examples(batch, steps, seed):
            return [self.number_examples(batch, steps, seed)]

        encode = encode_part(spec, front, search, self.fixed_steps, examples, self.most_steps)

        def begin(batch, steps, seed):
            return encode.function(tf.constant(examples(batch, steps, seed)[0]))

        return [encode, step_part(search.decoder, begin, self.fixed_steps, self.most_steps)]

    def client_facts(self):
        """How a text is written."""
        length = self.recipe.model.decoding.max_length
        return {"kind": "write", "start": START, "end": END, "max_length": length, "never": NEVER_WRITTEN}

    def demo_facts(self):
        """How many texts are compared while writing."""
        return {"beam": self.recipe.model.decoding.beam}

    def export_score(self, client, records):
        """The score by which weights are chosen, of what is written greedily about the records' sources."""
        if "source" not in records[0]:
            return None
        given, references = zip(*((record["source"], record["references"]) for record in records))
        own = [answer[self.answer] for answer in self.predict(given, beam=1)]
        theirs = [client.answer(text)["text"] for text in given]
        name = self.monitor.name.removeprefix("val_")
        return name, *(self.scores(texts, references)[0][name] for texts in (own, theirs))

    def example_request(self):
        """One raw input."""
        return {self._writer.write.input_signature[0].name: self.export_examples()[1:2]}

    @abstractmethod
    def export_examples(self):
        """Return a few raw inputs, as a tensor, on which the export is held against the trained network."""

    def check_export(self, loaded):
        """Hold the export's texts and scores against our own."""
        raw = self.export_examples()
        answer = loaded.signatures["serving_default"](raw)
        own = self._writer.write(raw)
        close = np.allclose(answer["scores"].numpy(), own["scores"].numpy(), atol=EXPORT_TOLERANCE)
        same = (answer[self.answer].numpy() == own[self.answer].numpy()).all()
        if not (close and same):
            raise RnnAppsError("the export's texts and scores differ from the trained network's.")
