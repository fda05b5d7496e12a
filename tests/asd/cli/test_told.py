"""What is said where the wrong file, folder, task or number is given."""

from __future__ import annotations

import gzip
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.cli.main import _stop
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines

TASK = (
    'name: my_task\ntitle: "Birds"\nfamily: vqa\nnative_style: short_answer\nstyles:\n  yes_no: [field, mined]\n'
    "scorer: contains\nlicence: none\ncitation: none\nlayouts:\n  - name: rows\n"
    '    files: "*.jsonl"\n    columns: {source_id: uid, question: ask, gold: right}\n'
)


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.jsonl", "{}")
    return out.getvalue()


BYTES = {
    "a PNG picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
    "a JPEG picture": b"\xff\xd8\xff\xe0" + b"\0" * 40,
    "a GIF picture": b"GIF89a" + b"\0" * 40,
    "a ZIP archive": zipped(),
    "a PDF document": b"%PDF-1.7\n%\xe2\xe3",
    "a web page": b"<!DOCTYPE html><html></html>",
    "an XML file": b"<?xml version='1.0'?><a/>",
    "a tar archive": b"a.json".ljust(257, b"\0") + b"ustar\x0000".ljust(300, b"\0"),
    "a Python pickle": b"\x80\x04\x95\x00",
    "a NumPy array": b"\x93NUMPY\x01\x00",
    "a Parquet file": b"PAR1\x15\x04",
    "an HDF5 file": b"\x89HDF\r\n\x1a\n",
    "packed with xz": b"\xfd7zXZ\x00\x00",
    "a program": b"\x7fELF\x02\x01",
    "an MP4 or HEIC file": b"\0\0\0\x18ftypmp42",
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:1",
}


@pytest.mark.parametrize("kind", BYTES)
def test_what_holds_no_records_is_named(tmp_path: Path, kind: str) -> None:
    (tmp_path / "p").write_bytes(BYTES[kind])
    (tmp_path / "p.gz").write_bytes(gzip.compress(BYTES[kind]))
    for name in ("p", "p.gz"):
        done = run_asd("score", tmp_path / name, "--task", "vqav2")
        assert done.code == 2 or done.code == 1
        assert f"{name} is {kind}" in done.err
        assert "expected JSON, JSON Lines or Arrow" in done.err


def score(tmp_path: Path, records: list[dict[str, Any]], *options: Any, task: str = "vqav2") -> Any:
    return run_asd("score", write_lines(tmp_path / "p.jsonl", records), "--task", task, *options)


@pytest.mark.parametrize("empty", [None, float("nan")])
@pytest.mark.parametrize("field", ["text", "prediction", "response", "output", "pred", "generated_text"])
def test_a_missing_answer_is_never_the_gold_one(tmp_path: Path, empty: Any, field: str) -> None:
    records = [{"question_id": number, field: empty if number < 3 else "cat", "answer": "cat"} for number in range(4)]
    done = score(tmp_path, records, "--rule", "exact_match")
    assert done.code == 0, done.err
    assert "25.00" in done.out
    assert "3 predictions are null or NaN; they count as empty answers" in done.out


@pytest.mark.parametrize("value", [["a", "b"], [], {"text": "cat"}, {}])
def test_an_answer_that_is_no_text_is_told(tmp_path: Path, value: Any) -> None:
    records = [{"question_id": 1, "text": "cat", "answer": "cat"}, {"question_id": 2, "text": value, "answer": "cat"}]
    done = score(tmp_path, records)
    assert done.code != 0
    assert f"record 2 (2) has no text as its answer: 'text' is {value}" in done.err


def test_a_record_without_the_field_that_the_others_have(tmp_path: Path) -> None:
    records = [{"question_id": 1, "text": "cat", "answer": "cat"}, {"question_id": 2, "answer": "cat"}]
    assert "record 2 (2) has no answer: expected a text in one of text, prediction" in score(tmp_path, records).err
    assert "has no answer: expected a text in one of text" in score(tmp_path, [{"question_id": 1, "x": "cat"}]).err


def test_a_dataset_is_not_scored_against_itself(tmp_path: Path) -> None:
    made = asd.convert("vqav2", write_lines(tmp_path / "r.jsonl", vqa_records(20)), out=tmp_path / "d", ratio=0)
    for other in (made.path, f"{made.path}@v1"):
        done = run_asd("score", made.path, "--task", "vqav2", "--gold", other)
        assert "is scored against itself: a dataset holds gold answers, no predictions" in done.err
        assert done.code != 0


def test_a_file_as_its_own_gold_is_read_for_both(tmp_path: Path) -> None:
    records = [{"question_id": 1, "text": "cat", "answer": "cat"}, {"question_id": 2, "text": "dog", "answer": "cat"}]
    done = score(tmp_path, records, "--gold", tmp_path / "p.jsonl", "--rule", "exact_match")
    assert "2 questions" in done.out and "50.00" in done.out


def test_gold_answers_under_own_names_are_read_by_the_tasks_layout(tmp_path: Path) -> None:
    (tmp_path / "my_task.yaml").write_text(TASK)
    gold = write_lines(
        tmp_path / "own.jsonl", [{"uid": f"u{number}", "ask": "What?", "right": "cat"} for number in (1, 2)]
    )
    records = [{"question_id": "u1", "text": "cat"}, {"question_id": "u2", "text": "dog"}]
    done = score(tmp_path, records, "--gold", gold, task=str(tmp_path / "my_task.yaml"))
    assert done.code == 0, done.err
    assert "50.00" in done.out
    told = score(tmp_path, records, "--gold", gold).err
    assert (
        "expected an id in one of question_id, questionId, id. Fields of other names are read by a task's layout"
        in told
    )


@pytest.mark.parametrize("command", ["verify", "quality", "inspect", "versions", "export", "score"])
def test_files_folders_and_nothing_in_place_of_a_dataset(tmp_path: Path, command: str) -> None:
    (tmp_path / "rows.jsonl").write_text('{"id": 1}\n')
    (tmp_path / "p.jsonl").write_text('{"id": 1, "text": "cat"}\n')

    def told(place: Path) -> str:
        if command == "score":
            done = run_asd("score", place, "--task", "vqav2")
        else:
            done = run_asd(command, place, *(["--out", tmp_path / "o"] if command == "export" else []))
        assert done.code != 0
        return done.err

    if command == "score":
        assert "there is no such file" in told(tmp_path / "gone.jsonl")
        return
    assert f"{tmp_path / 'rows.jsonl'} is a file, and a dataset is a folder" in told(tmp_path / "rows.jsonl")
    assert "does not exist" in told(tmp_path / "gone")
    assert "is not a dataset written by `asd convert`" in told(tmp_path)


def test_a_task_file_that_lies_here_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_task.yaml").write_text(TASK)
    monkeypatch.chdir(tmp_path)
    done = run_asd("convert", "my_task", "--source", "own.jsonl")
    assert "no task named 'my_task'" in done.err
    assert "The file my_task.yaml is here: give my_task.yaml, its path." in done.err


def test_an_image_root_of_an_export_must_be_there(tmp_path: Path) -> None:
    made = asd.convert("vqav2", write_lines(tmp_path / "r.jsonl", vqa_records(20)), out=tmp_path / "d", ratio=0)
    done = run_asd("export", made.path, "--out", tmp_path / "o", "--image-root", tmp_path / "nowhere")
    assert done.code == 2
    assert f"--image-root {tmp_path / 'nowhere'} does not exist" in done.err
    done = run_asd("export", made.path, "--out", tmp_path / "o", "--image-root", tmp_path / "r.jsonl")
    assert "is no folder" in done.err


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--ratio", "20", "--ratio 20: give a share between 0 and 1; 20 % is 0.2"),
        ("--ratio", "100", "--ratio 100: give a share between 0 and 1; 100 % is 1"),
        ("--ratio", "-1", "--ratio -1: give a share between 0 and 1, not -1"),
        ("--ratio", "1e9", "--ratio 1e+09: give a share between 0 and 1, not"),
        ("--ratio", "inf", "--ratio inf: give a"),
        ("--max-reject-rate", "5", "--max-reject-rate 5: give a share between 0 and 1; 5 % is 0.05"),
        ("--max-reject-rate", "-0.5", "--max-reject-rate -0.5: give a share between 0 and 1"),
        ("--workers", "0", "--workers 0: give a number at least 1, not 0"),
        ("--workers", "-3", "--workers -3: give a number at least 1"),
        ("--engine", "spark", "--engine spark: give 'local' or 'ray', not spark"),
    ],
)
def test_numbers_are_told_in_the_terms_of_options(tmp_path: Path, option: str, value: str, told: str) -> None:
    done = run_asd("convert", "vqav2", "--out", tmp_path / "d", f"{option}={value}")
    assert done.code == 2
    assert told in done.err
    assert "Input should" not in done.err


def test_the_api_speaks_so_too(tmp_path: Path) -> None:
    for given, told in [({"ratio": 20}, "ratio: give a share between 0 and 1; 20 % is 0.2"),
                        ({"workers": "many"}, "workers: give a whole number, not many"),
                        ({"seed": 1.5}, "seed: give a whole number, not 1.5"),
                        ({"shard_rows": 0}, "shard_rows: give a number at least 1"),
                        ({"embed_images": "perhaps"}, "embed_images: give true or false, not perhaps")]:  # fmt: skip
        with pytest.raises(asd.errors.UsageError) as caught:
            asd.convert("vqav2", out=tmp_path / "d", **given)
        assert told in str(caught.value)


def test_nan_in_json_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps([{"question_id": 1, "text": float("nan"), "gold": "x"}]))
    assert "1 predictions are null or NaN" in run_asd("score", tmp_path / "p.json", "--task", "vqav2").out


CONVERSATION = {
    "id": "q", "image": "a.jpg", "conversations": [{"from": "human", "value": "What is it?"}, {"from": "gpt", "value": "cat"}]
}  # fmt: skip
NESTED = {
    "result.data": {"result": {"data": [CONVERSATION, CONVERSATION]}},
    "a.b.c": {"a": {"b": {"c": [CONVERSATION]}}},
    "result.rows": {"meta": {"n": 1}, "result": {"rows": [CONVERSATION], "x": 2}},
    "train.data": {"train": {"data": [CONVERSATION]}, "test": {"data": [CONVERSATION]}},
    "rows[].row": {"rows": [{"row_idx": 0, "row": CONVERSATION}]},
    "data": [{"data": [CONVERSATION]}],
    "row": [{"row_idx": 0, "row": CONVERSATION}],
}


@pytest.mark.parametrize("place", NESTED)
def test_conversations_that_lie_deeper_are_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "p.json").write_text(json.dumps(NESTED[place]))
    done = run_asd("convert", "vqav2", "--source", tmp_path / "p.json", "--out", tmp_path / "d")
    assert done.code != 0
    assert f"p.json holds conversations under '{place}' of the first object" in done.err


@pytest.mark.parametrize("name", ["book30-listing-train.jsonl", "rows.jsonl", "rows.json", "rows"])
def test_conversations_are_no_table(tmp_path: Path, name: str) -> None:
    """The layout of covers, a CSV file without a header, would read any line as seven columns."""
    records = [CONVERSATION | {"id": f"q{number}"} for number in range(20)]
    lines = "\n".join(map(json.dumps, records)) if name.endswith("l") else json.dumps(records)
    (tmp_path / name).write_text(lines)
    made = asd.convert("ocrvqa", tmp_path / name, out=tmp_path / "d", ratio=0)
    rows = asd.load(made.path).to_list()
    assert [row["gold"] for row in rows] == ["cat"] * 20


def test_a_layout_that_gives_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "my_task.yaml").write_text(TASK)
    folder = tmp_path / "rows"
    folder.mkdir()
    write_lines(folder / "own.jsonl", [{"uid": number, "ask": "What?", "right": "cat"} for number in range(5)])
    alone = run_asd("convert", tmp_path / "my_task.yaml", "--source", folder, "--out", tmp_path / "d", "--ratio", 0)
    assert alone.code == 0 and "passed over" not in alone.err
    write_lines(folder / "a.jsonl", [CONVERSATION])
    both = run_asd("convert", tmp_path / "my_task.yaml", "--source", folder, "--out", tmp_path / "e", "--ratio", 0)
    assert both.code == 0
    assert "layout 'rows' was passed over (a.jsonl: no field 'uid'" in both.err + both.out
    assert "layout 'llava' is read" in both.err + both.out


def test_too_few_answers_to_mine_name_a_remedy(tmp_path: Path) -> None:
    records = [{"id": number, "conversations": [{"from": "human", "value": f"What color is the car number {number}?"},
                                                {"from": "gpt", "value": "red" if number % 2 else "blue"}]}
               for number in range(20)]  # fmt: skip
    source = write_lines(tmp_path / "p.jsonl", records)
    done = run_asd("convert", "vqav2", "--source", source, "--out", tmp_path / "d", "--styles", "multiple_choice")
    assert "too_few_distractors: the task has too few answers of one kind" in done.out
    assert (
        "at least 8 different ones, on at least 12 rows. Each of these helps: more rows that bring other answers"
        in " ".join(done.out.split())
    )


def test_a_number_is_never_given_again(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "p.jsonl", vqa_records(20))
    out = tmp_path / "d"
    for seed in (1, 2):
        asd.convert("vqav2", source, out=out, seed=seed)
    (out / "refs/v2.json").unlink()
    asd.convert("vqav2", source, out=out, seed=3)
    assert sorted(path.stem for path in out.glob("refs/v*.json")) == ["v1", "v3"]
    (out / "refs/.last-number").write_text("no number")
    asd.convert("vqav2", source, out=out, seed=4)
    assert (out / "refs/v4.json").is_file()


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("convert gqa", " Finished parts are kept: run the same command again to go on."),
        ("merge asd-data/gqa", " Finished parts are kept: run the same command again to go on."),
        ("mix mix.yaml", " Conversions of its parts that were finished are kept: run the same command again to go on."),
        ("judge x.jsonl", " Replies that came in are kept: run the same command again to go on."),
        ("probe ask q.jsonl", " Answers that came in are kept: run the same command again to go on."),
        ("probe questions", ""),
        ("--help", ""),
        ("", ""),
    ],
)
def test_what_is_kept_is_told_when_a_command_is_stopped(
    words: str, kept: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["asd", *words.split()])
    with pytest.raises(SystemExit, match="130"):
        _stop()
    assert capsys.readouterr().err == f"stopped.{kept}\n"
