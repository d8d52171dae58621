"""A sentence to a tag for every word."""

from rnn_apps.serving.demo.marking import details, safe, table, texts
from rnn_apps.serving.demo.page import Shown, TextPage
from rnn_apps.serving.demo.palette import palette

MOST_WORDS = 1000


class TagsPage(TextPage):
    """Takes ``text``, gives ``tokens`` and ``tags``."""

    takes, gives = {"text"}, {"tokens", "tags", "scores", "lengths"}
    title, label, lines, button = "A sentence to its tags", "Sentence", 3, "Tag"
    lead = "Type a sentence, or click one of the examples. Words are what white space divides."

    def answer(self, text):
        """Each word with its tag."""
        found = self.ask("serving_default", text=[text])
        count = int(found["lengths"][0])
        words, tags = (texts(found[name][0])[:count] for name in ("tokens", "tags"))
        scores = found["scores"][0, :count].tolist()
        if not words:
            return Shown("There is no word in it.", "")
        colours = palette(self.facts.get("class_names", sorted(set(tags))))
        chips = " ".join(
            f'<span title="{score:.3f}"><b><bdi>{safe(word)}</bdi></b>'
            f'<i style="background:{colours.get(tag, "")}">{safe(tag)}</i></span>'
            for word, tag, score in zip(words[:MOST_WORDS], tags, scores)
        )
        said = ", ".join(f"{word} {tag}" for word, tag in zip(words[:40], tags))
        more = f" The first {MOST_WORDS:,} are shown." if count > MOST_WORDS else ""
        rows = [(w, t, f"{s:.3f}") for w, t, s in zip(words[:MOST_WORDS], tags, scores)]
        named = "words" if count > 1 else "word"
        return Shown(
            f"{count:,} {named}: {said}{', ...' if count > 40 else '.'}{more}",
            f'<p class="tagged" dir="auto">{chips}</p>'
            + details("The same as a table", table("Words and tags", ["word", "tag", "score"], rows, (2,))),
        )
