"""Every bad input is one clear message on standard error with the right exit code, and leaves nothing behind."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.asd.cli.conftest import Made
from tests.asd.cli_runner import Outcome, run_asd
from tests.asd.sources_made import record, vqa_records, write_lines

RECORDS = vqa_records(60)
ARRAY = json.dumps(RECORDS, indent=1).encode()
LINES = "".join(json.dumps(item) + "\n" for item in RECORDS).encode()
QUIZ = """name: quiz
title: Quiz
family: vqa
native_style: short_answer
scorer: exact_match
licence: mine
citation: me
styles: {yes_no: [mined]}
layouts: [{name: table, columns: {question: q, gold: a, split: part}}]
"""


def assert_told(done: Outcome, code: int, message: str) -> None:
    """`message` is a pattern for the error text; nothing but that error is on standard error."""
    assert done.code == code, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert done.err.count("error: ") == 1 or done.err.startswith("Usage: ")
    assert re.search(message, done.err, re.DOTALL), done.err


def convert(out: Path, source: Path, *options: object, task: object = "vqav2") -> Outcome:
    done = run_asd("convert", "--task", task, "--source", source, "--out", out, *options)
    assert not out.exists(), "something was left behind"
    return done


BROKEN_FILES = {
    "empty.json": (b"", "the file is empty.*Found: empty.json"),
    "blank.json": (b" \n\n", "the file is empty"),
    "other.json": (
        b'[{"foo": 1}]',
        r"nothing here fits task 'vqav2'.*Found: other.json \(json; fields foo\)",
    ),
    "other.csv": (b"a,b\n1,2\n", r"nothing here fits task 'vqav2'.*Found: other.csv \(csv; fields a, b\)"),
    "cut-array.json": (
        ARRAY[:-500],
        r"cut-array.json: the JSON array ends at byte \d+ in the middle of record 5\d .*fetch it",
    ),
    "garbage.json": (bytes(range(128, 256)) * 40, "nothing here fits task 'vqav2'"),
    "garbage": (os.urandom(4000).replace(b"{", b"x").replace(b"[", b"x"), "nothing here fits task 'vqav2'"),
    "utf16.json": (ARRAY.decode().encode("utf-16")[:-1], "the text is not what its first bytes say"),
    "cut.json.gz": (
        gzip.compress(ARRAY)[:-300],
        "cut.json.gz: the compressed data ends too early; the file is truncated",
    ),
    "cut.jsonl.gz": (gzip.compress(LINES)[:-300], "cut.jsonl.gz: the compressed data ends too early"),
    "bad.json.gz": (b"\x1f\x8b" + os.urandom(300), "bad.json.gz: the file is damaged"),
    "deep.json": (b"[" * 100_000, "nothing here fits"),
}


@pytest.mark.parametrize("name", BROKEN_FILES)
def test_broken_files(tmp_path: Path, name: str) -> None:
    content, message = BROKEN_FILES[name]
    (tmp_path / name).write_bytes(content)
    assert_told(convert(tmp_path / "out", tmp_path / name), 1, message)


def test_a_dict_of_records_that_is_cut_off(tmp_path: Path) -> None:
    for name, key, item in (("questions", "questions", {"question_id": 1, "image_id": 2, "question": "Is it red?"}),
                            ("annotations", "annotations", {"question_id": 1, "image_id": 2, "answers": [{"answer": "yes"}],
                             "multiple_choice_answer": "yes", "answer_type": "yes/no", "question_type": "is"})):  # fmt: skip
        middle = "v2_OpenEnded_mscoco_train2014_questions" if name == "questions" else "v2_mscoco_train2014_annotations"
        text = json.dumps({key: [{**item, "question_id": number} for number in range(50)]})
        (tmp_path / f"{middle}.json").write_text(text if name == "annotations" else text[:-40])
    done = convert(tmp_path / "out", tmp_path)
    assert_told(
        done,
        1,
        r"questions.json: the JSON text ends at byte \d+ in the middle of record 49 .*the file is truncated",
    )


def test_places_without_data(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "picture.png").write_bytes(b"x")
    assert_told(convert(tmp_path / "out", tmp_path / "gone.json"), 1, "gone.json: there is no such file or folder")
    assert_told(convert(tmp_path / "out", tmp_path / "empty"), 1, "Found: no data file")
    assert_told(convert(tmp_path / "out", tmp_path / "other"), 1, "Found: no data file")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="uses a file that cannot be read even by root")
def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert_told(
        convert(tmp_path / "out", Path("/proc/self/mem")),
        1,
        r"/proc/self/mem: cannot be read \(Input/output error\)",
    )


def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jsonl")
    Path(name).write_bytes(LINES)
    assert_told(
        convert(tmp_path / "out", Path(name)), 2, r"argument '.*\\udcff.jsonl' is no UTF-8 text. Rename the file"
    )
    assert_told(
        convert(tmp_path / "out", tmp_path), 1, r"the file name '\\udcff.jsonl' is no UTF-8 text. Rename the file"
    )


def bad_image(path: str) -> bytes:
    return json.dumps({**record("bad", "What is it?", "car"), "image": path}).encode() + b"\n"


BAD_ROWS = {
    "no answer": (json.dumps(record("bad", "What is it?", "")).encode() + b"\n", "no_answer"),
    "cut line": (LINES.splitlines()[0][:-40], "bad_json"),
    "image above": (bad_image("../x.jpg"), "image_outside_root"),
    "image absolute": (bad_image("/etc/x.jpg"), "image_outside_root"),
    "deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n", "bad_json"),
    "number": (b"7\n", "not_an_object|bad_record"),
    "half a character": (
        json.dumps(record("bad", "Wh\ud800t?", "car")).encode() + b"\n",
        "bad_json|lone_surrogate",
    ),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_single_bad_rows_are_kept_apart_or_stop_a_strict_run(tmp_path: Path, name: str) -> None:
    content, reason = BAD_ROWS[name]
    source = tmp_path / "rows.jsonl"
    source.write_bytes(LINES + content)
    done = run_asd("convert", "--task", "vqav2", "--source", source, "--out", tmp_path / "data", "--json")
    assert done.code == 0, done.err
    counts = json.loads(done.out)["counts"]
    assert counts["samples"] + sum(counts["rejects"].values()) == 61
    if counts["rejects"]:
        strict = convert(tmp_path / "strict", source, "--strict")
        assert_told(strict, 1, rf"rows.jsonl, row 60, id .*: ({reason}) .*--strict stops at the first bad row")


def test_too_many_bad_rows(tmp_path: Path) -> None:
    rows = [record(f"bad{number}", "What is it?", "") for number in range(30)]
    some = write_lines(tmp_path / "some.jsonl", [*RECORDS, *rows])
    none = write_lines(tmp_path / "none.jsonl", rows)
    message = r"30 of 90 rows \(33.3%\) are unusable \(no_answer: 30\), more than --max-reject-rate 0.2; the first is .*row 60"
    assert_told(convert(tmp_path / "out", some), 1, f"source {some} .*{message}")
    message = r"no usable sample: all 30 rows were rejected \(no_answer: 30\); the first is .*row 0"
    assert_told(convert(tmp_path / "out", none), 1, message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--styles", "yes_on"], "no answer style named 'yes_on'; did you mean 'yes_no'"),
        (["--styles", ""], "--styles: no style is named"),
        (["--styles", "short_answer"], "short_answer is the native style of task 'vqav2'; choose other"),
        (["--styles", "detailed_explanation"], "detailed_explanation of task 'vqav2' can only be made by a rewriter"),
        (["--source-format", "lava"], "no source format named 'lava'; did you mean 'llava'"),
        (["--ratio", "1.2"], r"--ratio 1.2: give a share between 0 and 1, not 1.2"),
        (["--ratio", "20"], r"--ratio 20: give a share between 0 and 1; 20 % is 0.2"),
        (["--ratio", "-0.1"], r"--ratio -0.1: give a share between 0 and 1, not -0.1"),
        (["--ratio", "nan"], "--ratio nan: give a number, not nan"),
        (["--ratio", "half"], "Invalid value for '--ratio'"),
        (["--ratio-per-style", "yes_no"], "'yes_no' is not STYLE=SHARE, e.g. yes_no=0.1"),
        (["--ratio-per-style", "yes_on=0.1"], "no answer style named 'yes_on'; did you mean"),
        (["--ratio-per-style", "yes_no=nan"], "--ratio-per-style: yes_no=nan is outside"),
        (["--ratio-per-style", "yes_no=0.9,multiple_choice=0.9"], "--ratio-per-style: the shares add up to 1.8, more than 1"),
        (["--ratio-per-style", "yes_no=0.1,yes_no=0.2"], "--ratio-per-style: yes_no stands twice"),
        (["--ratio-per-style", "free_form=0.1"], "--ratio-per-style: free_form is no target style"),
        (["--ratio-per-style", ""], "--ratio-per-style is empty"),
        (["--ratio-per-style", "yes_no=0.1", "--ratio", "0.1"], "give --ratio or --ratio-per-style, not both"),
        (["--workers", "0"], "--workers 0: give a number at least 1, not 0"),
        (["--seed", "one"], "Invalid value for '--seed'"),
        (["--seed", "99999999999999999999"], "--seed 99999999999999999999: give a number below"),
        (["--max-reject-rate", "2"], "--max-reject-rate 2: give a share between 0 and 1; 2 % is 0.02"),
        (["--name", "a/b"], "'a/b' cannot name a version"),
        (["--image-root", "/no/such/folder", "--embed-images"], "image root /no/such/folder is not a folder"),
        (["--template-dir", "/no/such/folder"], "template folder /no/such/folder does not exist"),
        (["--tepmlate-dir", "x"], "No such option: --tepmlate-dir"),
    ],
)  # fmt: skip
def test_settings_that_are_wrong(tmp_path: Path, made: Made, options: list[str], message: str) -> None:
    assert_told(convert(tmp_path / "out", made.source, *options), 2, message)


BLOCKS = "{{% block prompt %}}{}{{% endblock %}}{{% block response %}}{{{{ response }}}}{{% endblock %}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% if %}", r"_default.jinja:1: template does not compile"),
        (BLOCKS.format("{{ question }} {{ nope }}"), r"_default.jinja.*nope"),
        (BLOCKS.format("Well?"), r"_default.jinja.*question"),
        ("", r"_default.jinja: block 'prompt' is missing"),
    ],
)
def test_templates_that_are_wrong(tmp_path: Path, made: Made, text: str, message: str) -> None:
    folder = tmp_path / "templates"
    (folder / "yes_no").mkdir(parents=True)
    (folder / "yes_no" / "_default.jinja").write_text(text)
    assert_told(convert(tmp_path / "out", made.source, "--template-dir", folder), 2, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"name: x\n  y: [", r"task.yaml:2: no valid YAML, column 4"),
        (
            QUIZ.replace("title: Quiz", "title: 3").encode(),
            r"task.yaml:2: key 'title': input should be a valid string, got 3",
        ),
        (
            QUIZ.replace("family", "famly").encode(),
            r"task.yaml:3: no task key named 'famly'; did you mean 'family'",
        ),
        (QUIZ.replace("yes_no", "yes_on").encode(), r"task.yaml:8: .*yes_on"),
        (b"\xff\xfe\x00", r"task.yaml: expected UTF-8 text, got byte 0xff at offset 0"),
        (b"", r"task.yaml: expected `key: value` lines, got an empty file"),
    ],
)
def test_task_files_that_are_wrong(tmp_path: Path, made: Made, text: bytes, message: str) -> None:
    (tmp_path / "task.yaml").write_bytes(text)
    assert_told(convert(tmp_path / "out", made.source, task=tmp_path / "task.yaml"), 2, message)


def test_names_of_tasks_and_recipes(tmp_path: Path, made: Made) -> None:
    assert_told(convert(tmp_path / "out", made.source, task="vqav3"), 2, "no task named 'vqav3'; did you mean 'vqav2'")
    assert_told(convert(tmp_path / "out", made.source, task="no/x.yaml"), 2, "no/x.yaml: there is no such task file")
    assert_told(run_asd("tasks", "vqav"), 2, "no task named 'vqav'; did you mean 'vqav2'")
    assert_told(run_asd("convert", "--recipe", "coin/ads"), 2, "no recipe named 'coin/ads'; did you mean 'coin/asd'")
    (tmp_path / "recipe.yaml").write_bytes(b"\xff\x00")
    assert_told(run_asd("convert", "--recipe", tmp_path / "recipe.yaml"), 2, "recipe.yaml is not valid YAML")
    assert_told(run_asd("convert"), 2, "give TASK .* or --recipe NAME .*, one of the two")
    assert_told(run_asd("convrt"), 2, "No such command 'convrt'")


def test_splits(tmp_path: Path, made: Made) -> None:
    (tmp_path / "quiz.yaml").write_text(QUIZ)
    rows = write_lines(
        tmp_path / "rows.jsonl", [{"q": "Who?", "a": "me", "part": part} for part in ("train", "val", "test")]
    )
    done = convert(tmp_path / "out", rows, "--split", "trian", task=tmp_path / "quiz.yaml")
    assert_told(done, 1, r"no row of split 'trian' \(found test: 1 rows, train: 1 rows, val: 1 rows\)")
    evil = write_lines(tmp_path / "evil.jsonl", [{"q": "Who?", "a": "me", "part": "../../etc"}])
    assert_told(
        convert(tmp_path / "out", evil, task=tmp_path / "quiz.yaml"),
        1,
        r"split '../../etc' .* cannot name a file",
    )
    assert_told(
        run_asd("export", made.data, "--out", tmp_path / "x.json", "--split", "trian"),
        2,
        "did you mean 'train'",
    )


def test_images_that_are_not_there(tmp_path: Path, made: Made) -> None:
    message = r"image images/q0.jpg cannot be read at .*/images/q0.jpg \(No such file.*--image-root, or leave out --embed-images"
    assert_told(convert(tmp_path / "out", made.source, "--embed-images"), 1, message)
    assert_told(convert(tmp_path / "out", made.source, "--embed-images", "--image-root", tmp_path), 1, message)


def test_places_that_something_else_owns(tmp_path: Path, made: Made) -> None:
    file, project = tmp_path / "file", tmp_path / "project"
    file.write_text("x")
    project.mkdir()
    (project / "README.md").write_text("mine")
    for out, message in ((file, f"cannot write {file}/.staging: {file} is a file. Move it away"),
                         (file / "below", f"{file} is a file. Move it away"),
                         (project, "is no dataset of this package and has a README.md of its own"),
                         (tmp_path / ("x" * 300), "File name too long")):  # fmt: skip
        done = run_asd("convert", "--task", "vqav2", "--source", made.source, "--out", out)
        assert_told(done, 1, message)
    assert file.read_text() == "x"
    assert [path.name for path in project.iterdir()] == ["README.md"]
    assert_told(run_asd("inspect", made.data, "--html", tmp_path), 1, "is a folder. Move it away")
    assert_told(run_asd("inspect", made.data, "--html", file / "x.html"), 1, "file is a file. Move it away")
    assert_told(run_asd("export", made.data, "--out", file), 1, "file is a file. Move it away")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "project"]


READERS: list[list[str]] = [
    ["inspect"],
    ["verify"],
    ["quality"],
    ["export", "--out", "OUT/x.json"],
    ["inspect", "--html", "OUT/x.html"],
]


def read_all(data: Path, out: Path) -> list[Outcome]:
    """Every command that reads rows, on the latest version; and both ways round in a comparison."""
    done = [run_asd(words[0], data, *(word.replace("OUT", str(out)) for word in words[1:])) for words in READERS]
    return [*done, run_asd("diff", f"{data}@v1", f"{data}@v2"), run_asd("diff", f"{data}@v2", f"{data}@v1")]


def test_what_is_no_dataset(tmp_path: Path, made: Made) -> None:
    for place, message in (
        (tmp_path, "is not a dataset written by `asd convert`"),
        (tmp_path / "gone", "does not exist"),
    ):
        for words in (*READERS, ["versions"]):
            assert_told(
                run_asd(words[0], place, *(word.replace("OUT", str(tmp_path)) for word in words[1:])),
                2,
                message,
            )
        assert_told(run_asd("diff", place, made.data), 2, message)
        assert_told(run_asd("diff", made.data, place), 2, message)


def test_versions_and_styles_that_are_not_there(tmp_path: Path, made: Made) -> None:
    for words in READERS:
        done = run_asd(words[0], f"{made.data}@v3", *(word.replace("OUT", str(tmp_path)) for word in words[1:]))
        assert_told(done, 2, "no version named 'v3'; did you mean 'v2' or 'v1'")
    assert_told(run_asd("diff", f"{made.data}@v1", f"{made.data}@v9"), 2, "no version named 'v9'")
    assert_told(
        run_asd("inspect", made.data, "--style", "yes_on"),
        2,
        "no answer style named 'yes_on'; did you mean 'yes_no'",
    )
    assert_told(run_asd("inspect", made.data, "--style", "bounding_box"), 2, "has no samples of style bounding_box")
    assert_told(run_asd("inspect", made.data, "-n", "0"), 2, "Invalid value for '-n'")
    assert_told(
        run_asd("export", made.data, "--out", tmp_path / "x", "--to", "llvaa"),
        2,
        "no export format named 'llvaa'",
    )
    assert_told(run_asd("diff", made.data), 2, "Missing argument 'DIR@VERSION'")


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    data = path.read_bytes()
    path.unlink()  # a new file, in case the old one is mapped
    path.write_bytes(change(data))


MANIFEST_DAMAGE = {
    "newer format": (lambda data: data.replace(b'"format_version": 3', b'"format_version": 99'),
                     "has format 99; this build reads format 1, 2, 3. Upgrade the package"),
    "cut off": (lambda data: data[:50], "manifest.json cannot be read"),
    "no object": (lambda data: b"[1]", "has format None"),
    "binary": (lambda data: b"\xff\xfe", "manifest.json cannot be read"),
    "field missing": (lambda data: data.replace(b'"task"', b'"tusk"'), "manifest.json: field t[au]sk"),
}  # fmt: skip


@pytest.mark.parametrize("name", MANIFEST_DAMAGE)
def test_damaged_manifests(tmp_path: Path, copy: Path, name: str) -> None:
    change, message = MANIFEST_DAMAGE[name]
    rewrite(copy / "latest" / "manifest.json", change)
    for done in read_all(copy, tmp_path):
        assert_told(done, 1, message)
    listed = run_asd("versions", copy)
    assert listed.code == 1
    assert re.search(message, listed.err)
    assert "v1" in listed.out, "the versions that can be read are listed all the same"
    assert not list(tmp_path.glob("x.*"))


SHARD_DAMAGE = {
    "cut off": (lambda data: data[:-100], r"has \d+ bytes, expected \d+"),
    "zeros": (
        lambda data: data[:1000] + bytes(9000) + data[10_000:],
        "cannot be read|has sha256|has changed since it was written",
    ),
    "garbage": (lambda data: os.urandom(len(data)), "cannot be read|has sha256|has changed since it was written"),
    "empty": (lambda data: b"", "has 0 bytes, expected"),
}


@pytest.mark.parametrize("name", SHARD_DAMAGE)
def test_damaged_shards(tmp_path: Path, copy: Path, name: str) -> None:
    change, message = SHARD_DAMAGE[name]
    rewrite(copy / "latest" / "data" / "train-00001.arrow", change)
    for done in read_all(copy, tmp_path):
        assert done.code == 1, done.out
        assert re.search(message, done.err), done.err
        assert "Traceback" not in done.err
    assert re.search("is damaged:\n  - .*train-00001.arrow.*\nDelete .* and convert again", run_asd("verify", copy).err)
    assert not list(tmp_path.glob("x.*"))


def test_a_missing_shard_and_a_missing_manifest(tmp_path: Path, copy: Path) -> None:
    shard = copy / "latest" / "data" / "train-00001.arrow"
    shard.unlink()
    for done in read_all(copy, tmp_path):
        assert_told(done, 1, "train-00001.arrow (cannot be read|is missing)")
    (copy / "latest" / "manifest.json").unlink()
    for done in read_all(copy, tmp_path):
        assert_told(done, 1, "is not a finished version")


def test_what_is_damaged_is_made_again(copy: Path, made: Made) -> None:
    """Not "already there": the same bytes come back under the same id and number."""
    first = made.versions[0]
    whole = (copy / "versions" / first / "data" / "train-00000.arrow").read_bytes()
    (copy / "versions" / first / "data" / "train-00000.arrow").unlink()
    done = run_asd("convert", "--task", "vqav2", "--source", made.source, "--out", copy, "--ratio", "0.3", "--json")
    assert done.code == 0, done.err
    assert f"version {first} is there but damaged; making it again" in done.err
    assert (json.loads(done.out)["version"], json.loads(done.out)["number"]) == (first, "v1")
    assert (copy / "versions" / first / "data" / "train-00000.arrow").read_bytes() == whole
    assert run_asd("verify", copy).code == 0


def test_references_that_are_damaged_or_lost(copy: Path) -> None:
    (copy / "latest").unlink()
    assert_told(run_asd("inspect", copy), 1, r"has lost its `latest`. Name a version, e.g. .*data@v2")
    assert run_asd("inspect", f"{copy}@v2").code == 0
    for text in ("{", "[]", '{"version": 3}'):
        (copy / "refs" / "v1.json").write_text(text)
        assert_told(
            run_asd("versions", copy),
            1,
            r"refs/v1.json cannot be read .* Delete it; the version itself is not harmed",
        )


def test_a_task_whose_scorer_is_no_rule(tmp_path: Path, made: Made) -> None:
    task = tmp_path / "quiz.yaml"
    task.write_text(QUIZ.replace("exact_match", "exact"))
    done = run_asd("convert", "--task", task, "--source", made.source, "--out", tmp_path / "out")
    assert_told(
        done, 2, r"no scoring rule named 'exact'; did you mean .*'exact_match'.*the `scorer` of the task 'quiz'"
    )
    assert not (tmp_path / "out").exists()
