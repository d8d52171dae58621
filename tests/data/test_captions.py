"""Captions and images in every supported layout, and the messages for invalid folders."""

import gzip
import io
import json
import zipfile

import pytest
from PIL import Image

from rnn_apps.data.caption_files import CaptionsLayout
from rnn_apps.data.captions import load_captioned_folder
from rnn_apps.data.image_store import ImageStore
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.splits import SplitRequest
from rnn_apps.errors import DataError

NAMES = [f"{i:02}.png" for i in range(12)]


def picture():
    file = io.BytesIO()
    Image.new("RGB", (2, 2)).save(file, "PNG")
    return file.getvalue()


def put_images(folder, names=NAMES, where="images", compression=zipfile.ZIP_STORED):
    if where.endswith(".zip"):
        with zipfile.ZipFile(folder / where, "w", compression) as target:
            for name in names:
                target.writestr(name, picture())
        return
    for name in names:
        path = folder / where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture())


def split_of(index):
    return ("train", "train", "val", "test")[index % 4]


def rows():
    return [
        {"image": n, "captions": [f"a {n}", "two  words"], "split": split_of(i)} for i, n in enumerate(NAMES)
    ]


def put_jsonl(folder, records, name="captions.jsonl"):
    text = "\n".join(r if isinstance(r, str) else json.dumps(r) for r in records)
    data = text.encode("utf-8", "surrogateescape")
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def put_csv(folder, lines=None):
    lines = lines or [f'{n},"a {n}",{split_of(i)}\n{n},two  words,' for i, n in enumerate(NAMES)]
    (folder / "captions.csv").write_text("\n".join(["image,caption,split", *lines]))


def put_tokens(folder):
    lines = [f"{n}#{k}\t{c}" for n in NAMES for k, c in enumerate([f"a {n}", "two  words"])]
    (folder / "My.token.txt").write_text("\n".join(lines))
    for part, ending in (("train", "train"), ("val", "dev"), ("test", "test")):
        names = [n for i, n in enumerate(NAMES) if split_of(i) == part]
        (folder / f"My.{ending}Images.txt").write_text("\n".join(names) + "\n")


def loaded(folder, action="fail", most=100):
    invalid = InvalidRecords(action, most)
    parts, store = load_captioned_folder(folder, SplitRequest(), invalid)
    return parts, store, dict(invalid.skipped)


@pytest.mark.parametrize("where", ["images", "frames", ".", "pictures.zip"])
@pytest.mark.parametrize("layout", ["jsonl", "jsonl.gz", "csv", "tokens"])
def test_every_layout_gives_the_same(layout, where, tmp_path):
    put_images(tmp_path, where=where)
    if layout.startswith("jsonl"):
        put_jsonl(tmp_path, rows(), f"captions.{layout}")
    else:
        {"csv": put_csv, "tokens": put_tokens}[layout](tmp_path)
    parts, store, _ = loaded(tmp_path)
    for part, written in (("train", "train"), ("validation", "val"), ("test", "test")):
        expected = [n for i, n in enumerate(NAMES) if split_of(i) == written]
        assert [one.name for one in parts[part]] == expected
        for one in parts[part]:
            assert one.captions == [f"a {one.name}", "two words"]
            assert one.frames == (one.name,)
            assert store.read(one.frames[0]) == picture()


def test_a_clip_has_its_frames_in_the_order_of_the_record(tmp_path):
    put_images(tmp_path, where="clips.zip")
    frames = [["02.png", "00.png"], ["01.png"], ["03.png", "04.png", "05.png"]]
    records = [
        {"video_id": f"v{i}", "frames": f, "captions": ["x"], "split": s}
        for i, (f, s) in enumerate(zip(frames, ("train", "dev", "test")))
    ]
    put_jsonl(tmp_path, records)
    parts, _, _ = loaded(tmp_path)
    found = [one for part in ("train", "validation", "test") for one in parts[part]]
    assert [one.name for one in found] == ["v0", "v1", "v2"]
    assert [list(one.frames) for one in found] == frames


CLIPS = [f"{i:02}{suffix}" for i, suffix in enumerate([".mp4", ".AVI", ".mkv", ".gif", ".webm", ".mov"] * 2)]


@pytest.mark.parametrize("where", ["videos", ".", "clips.zip"])
@pytest.mark.parametrize("layout", ["jsonl", "csv"])
def test_a_video_stands_for_its_frames_by_the_name_of_its_file(layout, where, tmp_path):
    put_images(tmp_path, CLIPS, where)
    if layout == "jsonl":
        records = [{"video": n, "caption": f"a {n}", "split": split_of(i)} for i, n in enumerate(CLIPS)]
        put_jsonl(tmp_path, records)
    else:
        lines = [f"{n},a {n},{split_of(i)}" for i, n in enumerate(CLIPS)]
        (tmp_path / "captions.csv").write_text("\n".join(["video,caption,split", *lines]))
    parts, store, _ = loaded(tmp_path)
    found = [one for inputs in parts.values() for one in inputs]
    assert sorted(one.name for one in found) == sorted(CLIPS)
    for one in found:
        assert one.frames == (one.name,)
        assert one.captions == [f"a {one.name}"]
        assert store.read(one.frames[0])


def test_a_video_has_the_name_that_its_record_gives_and_images_come_before_videos(tmp_path):
    put_images(tmp_path, ["00.mp4", *NAMES])
    named = {"video": "00.mp4", "name": "v7", "caption": "x", "split": "train"}
    both = {"video": "is not looked at", "image": "00.png", "caption": "x", "split": "train"}
    put_jsonl(tmp_path, [*rows()[1:], named, both])
    found = {one.name: one.frames for one in loaded(tmp_path)[0]["train"]}
    assert found["v7"] == ("00.mp4",)
    assert found["00.png"] == ("00.png",)


VIDEO_PROBLEM = "video: expected a file name that ends in .mp4, .avi, .mkv, .gif, .webm, .mov"
BAD_VIDEOS = [
    ("00.png", VIDEO_PROBLEM),
    ("clip", VIDEO_PROBLEM),
    ("99.mp4", "its video is missing"),
    ("", "names no video"),
]


@pytest.mark.parametrize("layout", ["jsonl", "csv"])
@pytest.mark.parametrize(("name", "reason"), [*BAD_VIDEOS, (7, VIDEO_PROBLEM), (["a.mp4"], VIDEO_PROBLEM)])
def test_a_invalid_video_is_named_or_counted(name, reason, layout, tmp_path):
    put_images(tmp_path, CLIPS)
    if layout == "jsonl":
        good = [{"video": n, "caption": "x", "split": split_of(i)} for i, n in enumerate(CLIPS)]
        put_jsonl(tmp_path, [*good, {"video": name, "caption": "x"}])
    else:
        lines = [f"{n},x,{split_of(i)}" for i, n in enumerate(CLIPS)]
        (tmp_path / "captions.csv").write_text("\n".join(["video,caption,split", *lines, f'"{name}",x,']))
    with pytest.raises(DataError, match=r"captions\.(jsonl:13|csv:14): ") as caught:
        loaded(tmp_path)
    assert reason in str(caught.value)
    assert loaded(tmp_path, "skip")[2] == {reason: 1}


def test_without_splits_a_hash_of_the_name_makes_them(tmp_path):
    names = [f"{i}.png" for i in range(200)]
    put_images(tmp_path, names)
    records = [{"image": n, "caption": f"caption {k}"} for k in range(3) for n in names]
    put_jsonl(tmp_path, records)
    parts, _, _ = loaded(tmp_path)
    sides = {part: {one.name for one in inputs} for part, inputs in parts.items()}
    assert set.union(*sides.values()) == set(names)
    assert sum(map(len, sides.values())) == 200, "a picture stands on two sides"
    assert all(len(one.captions) == 3 for inputs in parts.values() for one in inputs)
    assert 20 < len(sides["test"]) < 60
    put_jsonl(tmp_path, records[::-1])
    assert {part: {one.name for one in inputs} for part, inputs in loaded(tmp_path)[0].items()} == sides


def test_validation_is_split_off_from_train_and_a_lonely_validation_is_the_test(tmp_path):
    names = [f"{i}.png" for i in range(100)]
    put_images(tmp_path, names)
    split = lambda i: "dev" if i < 10 else "train"  # noqa: E731
    put_jsonl(tmp_path, [{"image": n, "caption": "x", "split": split(i)} for i, n in enumerate(names)])
    parts, _, _ = loaded(tmp_path)
    assert {one.name for one in parts["test"]} == set(names[:10])
    assert 0 < len(parts["validation"]) < 30


GOOD = {"image": "00.png", "caption": "x", "split": "train"}
INVALID = [
    ("{oops", "not JSON"),
    ("[1]", "not a JSON object"),
    ({"image": "00.png"}, "captions: expected a string or a list of strings"),
    ({"image": "00.png", "captions": "x"}, "captions: expected a string or a list of strings"),
    ({"image": 7, "caption": "x"}, "image or frames: expected a string or a list of strings"),
    ({"frames": ["00.png", 3], "caption": "x"}, "image or frames: expected a string or a list of strings"),
    ({"frames": [], "caption": "x"}, "names no image"),
    ({"image": "", "caption": "x"}, "names no image"),
    ({"image": "00.png", "caption": " "}, "caption is empty"),
    ({"image": "00.png", "captions": []}, "caption is empty"),
    ({"image": "99.png", "caption": "x"}, "its image is missing"),
    ({"image": "../../secret.png", "caption": "x"}, "its image is missing"),
    ({"image": "/etc/hostname", "caption": "x"}, "its image is missing"),
    ({"image": "00.png", "caption": "x", "split": "restval"}, "split is not train, validation or test"),
    ({"image": "00.png", "caption": "x", "split": 3}, "split: expected a string"),
    ('{"image": "00.png", "caption": "caf\udce9"}', "not valid UTF-8"),
]


@pytest.mark.parametrize(("record", "reason"), INVALID)
def test_a_invalid_record_is_named_or_counted(record, reason, tmp_path):
    put_images(tmp_path)
    put_jsonl(tmp_path, [*rows(), record])
    with pytest.raises(DataError, match=r"captions\.jsonl:13: ") as caught:
        loaded(tmp_path)
    assert reason in str(caught.value)
    assert "on_invalid_record=skip" in str(caught.value)
    parts, _, skipped = loaded(tmp_path, "skip")
    assert skipped == {reason: 1}
    assert sum(map(len, parts.values())) == 12


def test_a_token_line_without_a_tab_is_invalid_and_an_image_in_no_list_belongs_to_no_split(tmp_path):
    put_images(tmp_path)
    put_tokens(tmp_path)
    file = tmp_path / "My.token.txt"
    file.write_text(file.read_text() + "\nstray.png#0\tnot in any list\n00.png no tab\n")
    with pytest.raises(DataError, match=r"token\.txt:26: expected NAME#NUMBER, a tab and a caption"):
        loaded(tmp_path)
    assert loaded(tmp_path, "skip")[2] == {"expected NAME#NUMBER, a tab and a caption": 1}


def broken_zip(folder):
    put_images(folder, where="pictures.zip")
    (folder / "pictures.zip").write_bytes((folder / "pictures.zip").read_bytes()[:50])


FOLDERS = [
    (lambda f: None, "received none, expected one captions file"),
    (lambda f: (put_jsonl(f, rows()), put_csv(f)), "received captions.jsonl, captions.csv, expected one"),
    (lambda f: [put_images(f, where=w) for w in ("a.zip", "b.zip")] and put_csv(f), "expected one zip file"),
    (lambda f: (broken_zip(f), put_csv(f)), "pictures.zip: cannot be read"),
    (lambda f: (put_images(f), put_jsonl(f, [GOOD])), "no usable example for"),
    (lambda f: (put_images(f), put_jsonl(f, [])), "no usable example for train, 0 in all"),
    (lambda f: (put_images(f), (f / "captions.csv").write_text("file,caption\n")), 'no column "image"'),
    (lambda f: (put_images(f), (f / "captions.csv").write_text("")), "the columns are none"),
    (lambda f: (put_images(f), put_csv(f, ['00.png,"open'])), "not CSV"),
    (lambda f: (put_images(f), (f / "captions.jsonl").write_bytes(b"\xff\xfe{")), "received UTF-16"),
    (lambda f: (put_images(f), (f / "captions.jsonl.gz").write_bytes(b"\x1f\x8b\x08")), "cannot be read"),
]


@pytest.mark.parametrize(("fill", "message"), FOLDERS)
def test_a_folder_that_cannot_be_used_is_named(fill, message, tmp_path):
    fill(tmp_path)
    with pytest.raises(DataError, match=message) as caught:
        loaded(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_no_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="gone: no such folder"):
        loaded(tmp_path / "gone")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_broken_member_of_a_zip_is_named(compression, tmp_path):
    put_images(tmp_path, where="pictures.zip", compression=compression)
    data = bytearray((tmp_path / "pictures.zip").read_bytes())
    begin = data.index(b"00.png") + len("00.png")
    data[begin : begin + 8] = b"\xff" * 8
    (tmp_path / "pictures.zip").write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"pictures\.zip: 00\.png: cannot be read"):
        ImageStore(tmp_path / "pictures.zip").read("00.png")


@pytest.mark.parametrize("changed", [{"split": "test"}, {"frames": ["01.png"]}])
def test_lines_that_contradict_each_other_about_a_image_are_refused(changed, tmp_path):
    put_images(tmp_path)
    first = {"name": "n", "frames": ["00.png"], "caption": "x", "split": "train"}
    put_jsonl(tmp_path, [*rows(), first, {**first, **changed}])
    with pytest.raises(DataError, match=r"jsonl:14: it contradicts an earlier line about the same image"):
        loaded(tmp_path)


def test_a_split_that_comes_late_holds_for_the_whole_image(tmp_path):
    put_images(tmp_path)
    late = [{"image": "00.png", "caption": "x"}, {"image": "00.png", "caption": "y", "split": "test"}]
    put_jsonl(tmp_path, [*late, *rows()[1:]])
    parts, _, _ = loaded(tmp_path)
    assert [one.captions for one in parts["test"] if one.name == "00.png"] == [["x", "y"]]


def test_one_folder_around_all_images_of_a_zip_is_no_split_of_their_names(tmp_path):
    put_images(tmp_path, [f"Pictures/{n}" for n in NAMES] + ["__MACOSX/Pictures/._00.png"], "pictures.zip")
    put_csv(tmp_path)
    parts, store, _ = loaded(tmp_path)
    assert sum(map(len, parts.values())) == 12
    assert store.read("00.png") == picture()


def test_lemmas_are_no_captions_and_a_folder_of_images_comes_before_a_zip(tmp_path):
    put_images(tmp_path)
    put_tokens(tmp_path)
    (tmp_path / "My.lemma.token.txt").write_text("00.png#0\tdog run")
    put_images(tmp_path, ["other.png"], "other.zip")
    parts, _, _ = loaded(tmp_path)
    assert sum(map(len, parts.values())) == 12


def test_a_csv_row_of_another_width_is_named_by_the_line_on_which_it_begins(tmp_path):
    put_images(tmp_path)
    put_csv(tmp_path, ['00.png,"two\nlines",train', "01.png,a comma, too many,train"])
    with pytest.raises(DataError, match=r"captions\.csv:4: 4 fields where the header has 3"):
        loaded(tmp_path)


# Folders that nobody prepared


def test_a_recipe_may_name_file_folder_and_columns(tmp_path):
    put_images(tmp_path, where="photos")
    lines = [f"photos/{name.upper()};first of {name};second of {name}\n" for name in NAMES]
    (tmp_path / "list.csv").write_text("Photo;Text 1;Text 2\n" + "".join(lines))
    layout = CaptionsLayout("list.csv", "photos", "Photo", ("Text 1", "Text 2"))
    parts, store = load_captioned_folder(tmp_path, SplitRequest(0.3), InvalidRecords("fail", 0), layout)
    found = [one for inputs in parts.values() for one in inputs]
    assert len(found) == 12
    assert all(one.captions[0].startswith("first") and len(one.captions) == 2 for one in found)
    assert {one.frames[0] for one in found} == set(store.names)


def test_a_file_that_a_recipe_names_must_be_there(tmp_path):
    with pytest.raises(DataError, match=r"list\.csv: no such file or folder. Check data\.captions_file\."):
        load_captioned_folder(tmp_path, SplitRequest(), InvalidRecords("fail", 0), CaptionsLayout("list.csv"))


@pytest.mark.parametrize(
    ("name", "found"),
    [("a/One.jpg", "a/One.jpg"), ("one", "a/One.jpg"), ("x\\y\\ONE.JPG", "a/One.jpg"), ("two", "two")],
)
def test_a_name_without_ending_or_folder_is_found_where_it_can_only_be_one(tmp_path, name, found):
    for one in ("a/One.jpg", "a/two.jpg", "b/two.jpg"):
        (tmp_path / one).parent.mkdir(exist_ok=True)
        (tmp_path / one).touch()
    assert ImageStore(tmp_path).resolve(name) == found


# JSON as data sets have it


def as_coco(indices):
    images = [{"file_name": NAMES[i], "id": 7 * i} for i in indices]
    notes = [
        {"image_id": 7 * i, "caption": said} for i in indices for said in (f"a {NAMES[i]}", "two  words")
    ]
    return {"images": images, "annotations": notes, "info": {}}


def as_karpathy():
    splits = {"train": "restval"}
    return {
        "images": [
            {
                "filename": row["image"],
                "filepath": "somewhere",
                "split": splits.get(row["split"], row["split"]),
                "sentences": [{"raw": row["captions"][0]}, {"tokens": ["two", "words"]}],
            }
            for row in rows()
        ]
    }


def put_coco_of_splits(folder):
    (folder / "annotations").mkdir()
    for split in ("train", "val", "test"):
        content = as_coco([i for i in range(12) if split_of(i) == split])
        (folder / "annotations" / f"captions_{split}2017.json").write_text(json.dumps(content))


def put_document(folder, content, name="dataset_flickr8k.json"):
    (folder / name).write_text(json.dumps(content))


def put_text_of_a_table(folder):
    lines = [f'{n},"a {n}",{split_of(i)}\n{n},two  words,' for i, n in enumerate(NAMES)]
    (folder / "captions.txt").write_text("\n".join(["image,caption,split", *lines]))


DOCUMENTS = {
    "COCO, a file per split": put_coco_of_splits,
    "Karpathy": lambda folder: put_document(folder, as_karpathy()),
    "a list of objects": lambda folder: put_document(folder, rows(), "captions.json"),
    "a table called .txt": put_text_of_a_table,
}


@pytest.mark.parametrize("put", DOCUMENTS.values(), ids=list(DOCUMENTS))
@pytest.mark.parametrize("where", ["val2017", "Images"])
def test_captions_as_data_sets_have_them_are_read(tmp_path, put, where):
    put_images(tmp_path, where=where)
    put(tmp_path)
    parts, _, skipped = loaded(tmp_path)
    assert {part: sorted(one.name for one in found) for part, found in parts.items()} == {
        part: [n for i, n in enumerate(NAMES) if split_of(i) == name]
        for part, name in (("train", "train"), ("validation", "val"), ("test", "test"))
    }
    assert {tuple(one.captions) for one in parts["test"]} == {
        (f"a {NAMES[i]}", "two words") for i in (3, 7, 11)
    }
    assert not skipped


def test_one_file_of_coco_names_no_split_and_names_with_captions_are_read(tmp_path):
    put_images(tmp_path, where="val2017")
    put_document(tmp_path, as_coco(range(12)), "captions_val2017.json")
    parts, _, _ = loaded(tmp_path)
    assert {part: len(found) for part, found in parts.items()} == {"train": 9, "validation": 1, "test": 2}
    (tmp_path / "captions_val2017.json").unlink()
    put_document(tmp_path, {name: ["one", "two"] for name in NAMES}, "captions.json")
    assert len(loaded(tmp_path)[0]["train"]) == 9


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "captions.json: not JSON"),
        ('{"a": 1}', "unknown JSON layout; expected COCO"),
        (
            '{"images": [{"id": 1, "file_name": "00.png"}], "annotations": [{"image_id": 2}]}',
            "image_id 2 is not listed",
        ),
        ('[{"image": 5, "caption": "x"}]', "captions.json, entry 1: image or frames: expected a string"),
    ],
)
def test_json_that_holds_no_captions_is_named(tmp_path, content, said):
    put_images(tmp_path)
    (tmp_path / "captions.json").write_text(content)
    with pytest.raises(DataError, match=said):
        loaded(tmp_path)
