"""Messy data folders as new users have them: generated, the same every time."""

import datetime
import json
import math
import random

from PIL import Image

GOOD = ["wunderbar", "herzlich", "klug", "spannend", "warm", "leicht", "schön", "lebendig"]
BAD = ["öde", "flach", "lahm", "kalt", "laut", "zäh", "leer", "müde"]
THINGS = ["Film", "Handlung", "Musik", "Kamera", "Figur", "Dialog", "Ende", "Anfang", "Szene", "Regie"]
COLOURS = {"red": (220, 30, 30), "green": (30, 170, 60), "blue": (40, 60, 220), "yellow": (235, 215, 40)}
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
ZAHLEN = ["eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn"]
NOUNS = {"dog": "Hund", "house": "Haus", "tree": "Baum", "child": "Kind", "river": "Fluss", "book": "Buch"}
VERBS = {"sees": "sieht", "wants": "will", "finds": "findet", "loses": "verliert", "paints": "malt"}


def spreadsheet(folder, rows=240):
    """A CSV of reviews with a byte-order mark, semicolons, quotes and decimal commas.

    By hand: every 60th review repeats the first one, three rows have no rating, two labels are in capitals.
    """
    draw, lines = random.Random(1), []
    first = None
    for number in range(rows):
        is_good = number % 3 != 0
        words = draw.choices(GOOD if is_good else BAD, k=draw.randint(3, 9))
        text = " ".join(f"{draw.choice(THINGS)} {word}," for word in words) + f' ein "Film" ({number})'
        first = first or text
        text = first if number % 60 == 0 else text
        label = "gut" if is_good else "schlecht"
        label = label.upper() if number in (10, 12) else "" if number in (20, 40, 50) else label
        price, quoted = f"1.{number:03},50", text.replace('"', '""')
        lines.append(f'{number + 1000};{price};{label};"{quoted}"')
    content = "\r\n".join(["Nr;Preis;Wertung;Kritik", *lines, ""])
    (folder / "kritiken.csv").write_bytes(b"\xef\xbb\xbf" + content.encode())
    return folder / "kritiken.csv"


def photographs(folder, count=80):
    """Photographs of two sizes in a folder, and a CSV with a column of names and two of captions.

    By hand: one photograph has no caption, one row names none that is there, one picture is broken.
    """
    (folder / "photos").mkdir(parents=True)
    lines, draw = [], random.Random(2)
    for number in range(count):
        colour = list(COLOURS)[number % len(COLOURS)]
        size = (96, 64) if number % 2 else (64, 96)
        picture = Image.new("RGB", size, COLOURS[colour])
        picture.putpixel((number % 60, number // 60), (0, 0, 0))
        name = f"IMG_{number:04}.jpg"
        picture.save(folder / "photos" / name)
        thing = draw.choice(("wall", "door", "car"))
        lines.append(f'{name},"A {colour} {thing}, seen from near.","There is a {thing} which is {colour}"')
    Image.new("RGB", (64, 64)).save(folder / "photos" / "IMG_9999.jpg")
    (folder / "photos" / "IMG_0005.jpg").write_bytes(b"no picture")
    lines.append("IMG_7777.jpg,A photograph that is gone,It is not there")
    text = "\n".join(["file name,first caption,second caption", *lines, ""])
    (folder / "what is on them.csv").write_text(text)
    return folder


def parallel_texts(folder, count=400):
    """Two texts with a sentence a line, English and German; the last ten repeat the first ten in capitals."""
    draw, pairs = random.Random(3), []
    for number in range(count - 10):
        (a, b), (c, d), (v, w) = (draw.choice(list(of.items())) for of in (NOUNS, NOUNS, VERBS))
        at = number % 10
        pairs.append((f"The {a} {v} {NUMBERS[at]} times a {c}.", f"{b} {w} {ZAHLEN[at]} Mal {d}."))
    pairs += [(one.upper(), other) for one, other in pairs[:10]]
    (folder / "letters_english.txt").write_text("".join(f"{one}\n" for one, _ in pairs))
    (folder / "letters_german.txt").write_text("".join(f"{other}\n" for _, other in pairs))
    return folder


def sales(folder, days=420):
    """A CSV with a date column: two series of numbers with a week in them, decimal points, days off.

    By hand: three days are missing in two gaps, one row stands twice, four cells are empty.
    """
    draw, lines = random.Random(4), []
    for day in range(days):
        date = datetime.date(2023, 1, 2) + datetime.timedelta(day)
        if day in (100, 200, 201):
            continue
        wave = math.sin(day % 7 / 7 * 2 * math.pi)
        sold = "" if day in (5, 6, 50, 60) else f"{100 + day / 10 + 30 * wave + draw.random() * 5:.2f}"
        line = f"{date.isoformat()},{sold},{20 + 4 * wave + draw.random():.3f},{int(day % 7 == 6)}"
        lines += [line] * (2 if day == 300 else 1)
    (folder / "shop.csv").write_text("\n".join(["date,sold,visitors,closed", *lines, ""]))
    return folder / "shop.csv"


def tagged_sentences(folder):
    """Sixty sentences of three words in CoNLL columns, each with a noun of its own."""
    sentences = [f"the\tD\nhouse{i}\tN\nstands\tV\n" for i in range(60)]
    (folder / "tags.conll").write_text("\n".join(sentences))
    return folder / "tags.conll"


def one_book(folder):
    """One text of 300 lines."""
    (folder / "book.txt").write_text("".join(f"Line {i} of a book.\n" for i in range(300)))
    return folder / "book.txt"


def machines(folder):
    """A CSV of 30 machines with ten rows each, semicolons and decimal commas."""
    rows = [f"{t};m{m};{20 + t},5;{'on' if t % 3 else 'off'}\n" for m in range(30) for t in range(10)]
    (folder / "machines.csv").write_text("step;machine;heat;state\n" + "".join(rows))
    return folder / "machines.csv"


def clips(folder):
    """Pictures of which two each are the frames of a clip with one caption."""
    photographs(folder, 40)
    names = [f"IMG_{i:04}.jpg" for i in range(40) if i != 5]
    pairs = zip(names[::2], names[1::2])
    lines = [json.dumps({"frames": pair, "captions": [f"a clip on the left of {pair[0]}"]}) for pair in pairs]
    (folder / "captions.jsonl").write_text("\n".join(lines))
    (folder / "photos").rename(folder / "frames")
    (folder / "what is on them.csv").unlink()
    return folder
