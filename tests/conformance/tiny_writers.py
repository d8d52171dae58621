"""The tiny runs of the tasks that write: captions, translations, texts that go on."""

import json
import shutil
from pathlib import Path

import numpy as np
from tiny_task import CNN, SAMPLE, TinyTask, encoded

from rnn_apps.metrics.generation import caption_scores, corpus_bleu_scores

DECODER = {"embedding": 6, "units": [8], "dropout": 0.0, "decoding": {"beam": 2, "max_length": 5}}


class TinyWriting(TinyTask):
    without = ("keras", "micro")
    layers = ("decoder/recurrent/layer_0_forward",)
    client_options = {"beam": 1}
    text = "caption"

    def served(self, answer):
        return {self.text: answer[self.text], "scores": answer["scores"]}

    def client_answer(self, answer):
        return {"text": answer[self.text]}

    def explained(self, explanation):
        return {self.text: explanation[self.text]}

    def scores(self, records):
        answers, references = ([record[key] for record in records] for key in ("prediction", "references"))
        found = caption_scores(answers, references)
        return {**found, "cider_d": np.mean([record["cider_d"] for record in records])}

    def demo_settings(self):
        return 2, 1, 0, 0


class TinyCaptioning(TinyWriting):
    def other_data(self, run, folder, part):
        inputs, lines = self.inputs(run)[:2], []
        for number, (raw, answer) in enumerate(zip(inputs, run.predict(inputs))):
            names = []
            for file in self.files_of(raw):
                names.append(f"{number}-{file.name}")
                shutil.copy(file, folder / names[-1])
            lines.append(json.dumps({**self.named(names), "captions": [answer["caption"]], "split": part}))
        (folder / "captions.jsonl").write_text("\n".join(lines))
        return folder, {"bleu_1": 100.0}


class TinyImageCaptioning(TinyCaptioning):
    recipe = "image_captioning"
    demo_facts = {"grid": [2, 2]}
    settings = {
        "model": {
            **DECODER,
            "projection": 6,
            "encoder": {**CNN, "image_size": [32, 32], "horizontal_flip": False},
        }
    }

    def request(self, raw):
        return {"image": encoded(raw)}

    def files_of(self, raw):
        return [Path(raw)]

    def named(self, names):
        return {"image": names[0]}


class TinyVideoCaptioning(TinyCaptioning):
    recipe = "video_captioning"
    settings = {
        "model": {
            **DECODER,
            "projection": 6,
            "encoder_units": [4],
            "encoder": {**CNN, "horizontal_flip": False},
        }
    }
    layers = ("encoder/recurrent/layer_0_forward", "decoder/recurrent/layer_0_forward")

    def path_of(self, files):
        return str(files[0].parent)

    def request(self, raw):
        return {"frames": [encoded(path) for path in self.files_of(raw)]}

    def files_of(self, raw):
        return sorted(Path(raw).iterdir())

    def named(self, names):
        return {"frames": names}


class TinyTranslation(TinyWriting):
    recipe = "translation"
    settings = {
        "model": {**DECODER, "encoder_units": [4]},
        "data": {**SAMPLE, "vocabulary_size": 300},
        "training": {"learning_rate": 0.001},  # one that learns a little writes nothing but blanks
    }
    layers = ("encoder/recurrent/layer_0_forward", "decoder/recurrent/layer_0_forward")
    text = "text"

    def other_data(self, run, folder, part):
        sources = self.inputs(run)[:2]
        answers = [answer["text"] for answer in run.predict(sources)]
        for language, texts in (("en", sources), ("de", answers)):
            (folder / f"{part}.{language}").write_text("".join(f"{text}\n" for text in texts))
        return folder, {"bleu_1": 100.0}

    def scores(self, records):
        return corpus_bleu_scores(
            *([record[key] for record in records] for key in ("prediction", "references"))
        )


class TinyLanguageModel(TinyTask):
    recipe = "language_model"
    settings = {
        "model": {"embedding": 4, "units": [8], "generation": {"length": 5}},
        "training": {"batch_size": 8, "tbptt": {"steps": 20}},
    }
    without = ("keras",)
    layers = ("decoder/recurrent/layer_0_forward",)
    options = {"length": 5, "temperature": 0.0}
    client_options = options
    text = "text"

    def request(self, raw):
        return {"prompt": raw, **self.options}

    def client_answer(self, answer):
        return {"text": answer["text"]}

    def lines(self, raw):
        return ["the old man", raw.replace("\n", " ")]

    def whole(self, run, raw):
        lines = self.lines(raw)
        (steps,) = run.explain(["".join(f"{line}\n" for line in lines)])
        return {"nats": [-score for _, score in steps[len(lines[0]) + 1 :]]}

    def explained(self, explanation):
        return {"input": "".join(token for token, _ in explanation)}

    def other_data(self, run, folder, part):
        text = " ".join(self.inputs(run)) * 4 + "\n"
        (folder / f"{part}.txt").write_text(text)
        (steps,) = run.explain([text], as_text=True)  # its first token follows the mark of a beginning
        return folder, {"nats_per_character": -np.mean([score for _, score in steps[1:]])}

    def scores(self, records):
        return {}  # of the tokens, of which the records hold a few

    def demo_settings(self):
        return 5, 0.0, 1, 0

    def demo_says(self, answer):
        return [answer["text"][len(answer["input"]) :].strip()]
