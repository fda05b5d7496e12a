"""`asd init`: whatever format a file has, the task that is written for it converts at once, and says why it is so."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import asd
from asd.errors import SourceError, UsageError
from asd.task_guess.styles import guess_boxes, guess_style
from asd.task_guess.task_text import draft_task
from asd.tasks.registry import load_task
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines

ROWS = [
    {"part": f"p{number}", "photo": f"{number}.jpg", "ask": f"What is part {number} made of?", "reply": reply}
    for number, reply in enumerate(["steel", "brass", "copper", "glass", "oak", "steel", "zinc", "tin"] * 5)
]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def convert_as_told(out: str) -> Any:
    """The conversion of the command that `asd init` printed, with the options that stand there."""
    command = next(line for line in out.splitlines() if line.startswith("look it over, then:")).partition("asd ")[2]
    words = [word for word in shlex.split(command) if word != "--dry-run"]
    done = run_asd(*words, "--out", "made", "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)["counts"]


def init(path: Path, *options: str) -> tuple[str, Any]:
    done = run_asd("init", path, "--out", "task.yaml", *options)
    assert done.code == 0, done.err
    return Path("task.yaml").read_text("utf-8"), convert_as_told(done.out)


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps({"data": rows}), "utf-8")
    else:
        write_lines(path, rows)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".parquet"])
def test_rows_of_any_format(tmp_path: Path, suffix: str) -> None:
    text, counts = init(write_rows(tmp_path / f"my rows{suffix}", ROWS))
    spec = load_task("./task.yaml")
    assert (spec.name, spec.native_style.value, spec.family) == ("my_rows", "short_answer", "vqa")
    assert "native_style: short_answer      # 100% of the answers have at most 5 words" in text
    for line in ("images: photo", "question: ask", "gold: reply"):
        assert f"\n      {line} " in text
    assert (counts["samples"], counts["rejects"]) == (40, {})
    assert counts["converted"] == 8


def test_conversations_of_any_form(tmp_path: Path) -> None:
    forms = {
        "llava": vqa_records(40),
        "messages": [
            {"messages": [{"role": "user", "content": f"What is the name of ship {number}?"},
                          {"role": "assistant", "content": f"Ship {number}"}]} for number in range(40)
        ],
        "alpaca": [{"instruction": f"Name ship {number}.", "input": "", "output": f"Ship {number}"} for number in range(40)],
    }  # fmt: skip
    for name, rows in forms.items():
        (tmp_path / "task.yaml").unlink(missing_ok=True)
        text, counts = init(write_rows(tmp_path / f"{name}.json", rows))
        assert counts["samples"] == 40, name
        assert "layouts: []" in text
        assert load_task("./task.yaml").native_style.value == "short_answer"


def test_native_styles_with_their_evidence() -> None:
    def style(answers: list[Any], options: float = 0.0) -> tuple[str, str]:
        found = guess_style(answers, ["What?"] * len(answers), options, is_caption=False)
        return found.style.value, found.why

    assert style(["yes", "no", "no", "No."]) == ("yes_no", "the answers are 75% 'no', 25% 'yes'")
    assert style([0, 1, 1, 0])[0] == "yes_no"
    assert style(["A", "B"], options=1.0) == ("multiple_choice", "100% of the questions have options")
    assert style([[0.1, 0.2, 0.3, 0.4]] * 3)[0] == "bounding_box"
    assert style(["[12, 20, 40, 60]"] * 3)[0] == "bounding_box"
    assert style(["red car", "two dogs", "yes"]) == (
        "short_answer", "100% of the answers have at most 5 words, the median is 2",
    )  # fmt: skip
    assert style(["It is the one that stands on the left side."] * 3)[0] == "brief_explanation"
    assert style(["word " * 200] * 3)[0] == "free_form"


def test_conventions_of_boxes() -> None:
    def convention(boxes: list[Any], *, size: bool = False) -> str:
        return guess_boxes(boxes, has_size=size).convention

    assert convention([[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.9, 0.8]]) == "xyxy_unit"
    assert convention([[0.6, 0.2, 0.3, 0.1]]) == "xywh_unit"
    assert convention([[100, 200, 300, 400]], size=True) == "xyxy_pixels"
    assert convention([[300, 200, 100, 50]], size=True) == "xywh_pixels"
    assert convention([[100, 200, 300, 400]]) == "xyxy_permille"
    found = guess_boxes([[1500, 800, 90, 90]], has_size=False)
    assert (found.convention, found.frame) == ("xywh_pixels", (1600, 900))


def test_options_answers_and_images(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "0.png").write_bytes(b"x")
    rows = [{"qid": number, "picture": f"{number}.png", "question": f"Which is number {number}?",
             "choices": ["one", "two", "three"], "answer": number % 3, "hint": "count"} for number in range(30)]  # fmt: skip
    done = run_asd("init", write_rows(tmp_path / "quiz.jsonl", rows))
    assert f"--image-root {tmp_path}/images" in done.out
    text = Path("quiz.yaml").read_text("utf-8")
    assert "answer_index: answer      # numbers from 0 to 2, the option's place from 0" in text
    assert "source_id: qid" in text and "context: hint" in text
    assert convert_as_told(done.out)["samples"] == 30
    (row, *_) = asd.load("made", style="multiple_choice")
    assert row["gold"] == "one"


def test_guesses_can_be_overruled(tmp_path: Path) -> None:
    rows = [
        {"question": f"Row {number}", "b": f"Who is in picture {number}?", "answer": "x", "c": "me"}
        for number in range(20)
    ]
    text, _ = init(write_rows(tmp_path / "rows.jsonl", rows), "--question", "b", "--answer", "c")
    assert "question: b               # as you said" in text and "gold: c" in text


def test_a_file_without_header(tmp_path: Path) -> None:
    lines = "".join(f'"{number}","{number}.jpg","Who wrote book {number}?","Ann Lee"\n' for number in range(30))
    (tmp_path / "books.csv").write_text(lines)
    text, counts = init(tmp_path / "books.csv", "--question", "column_3", "--answer", "column_4")
    assert "csv_columns: [column_1, column_2, column_3, column_4]" in text and "images: column_2" in text
    assert counts["samples"] == 30


def test_mistakes_are_told(tmp_path: Path) -> None:
    for rows, message in (
        ([{"a1": "x", "b1": "y"}], r"no field looks like the question\. Name it with --question FIELD, if it is here:\n  a1: "),
        ([{"question": "Who?", "pic": "x.jpg"}, {"question": "What?", "pic": "y.jpg"}], r"no field looks like the answer\."),
        ([{"question_id": 1, "image": "a.jpg", "text": "Who?"}], r"the first 1 records ask and nobody answers"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=message):
            draft_task(write_rows(tmp_path / "rows.jsonl", rows))
    with pytest.raises(UsageError, match=r"has no field 'x'\. Its fields: part, photo, ask, reply"):
        draft_task(write_rows(tmp_path / "rows.jsonl", ROWS), {"question": "x"})
    with pytest.raises(SourceError, match=r"nowhere\.csv: there is no such file"):
        draft_task(tmp_path / "nowhere.csv")
    with pytest.raises(UsageError, match=r"is a folder; name one of its files"):
        draft_task(tmp_path)
    (tmp_path / "numbers.json").write_text("[[1, 2], [3]]")
    with pytest.raises(UsageError, match=r"no records with named fields among the first 2"):
        draft_task(tmp_path / "numbers.json")
    write_rows(tmp_path / "mine.jsonl", ROWS)
    assert run_asd("init", "mine.jsonl").code == 0
    assert "mine.yaml is there already; give another name with --out" in run_asd("init", "mine.jsonl").err


@pytest.mark.parametrize("name", ["yes", "no", "null", "2024", "1e3", "0x1f", "on", "y", "1_000"])
def test_names_that_yaml_takes_for_something_else(name: str, tmp_path: Path) -> None:
    write_rows(tmp_path / f"{name}.jsonl", ROWS)
    done = run_asd("init", f"{name}.jsonl")
    assert done.code == 0, done.err
    assert load_task(f"{name}.yaml").name == name
    assert f'name: "{name}"' in Path(f"{name}.yaml").read_text("utf-8")


def test_names_of_several_lines_stay_on_theirs(tmp_path: Path) -> None:
    rows = [row | {"a\nname: evil": "x", "b\u2028styles: {}": "y"} for row in ROWS]
    path = write_rows(tmp_path / "my\nrows: 1.jsonl", rows)
    done = run_asd("init", path, "--out", "task.yaml")
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == len(done.out.split("\n")) - 1
    assert "my\\u000arows: 1.jsonl" in Path("task.yaml").read_text("utf-8")
    assert load_task("task.yaml").name == "my_rows_1"


def test_a_file_that_its_own_check_does_not_pass_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path / "rows.jsonl", ROWS)
    monkeypatch.setattr("asd.cli.init.read_task_file", lambda path: load_task("nowhere.yaml"))
    done = run_asd("init", "rows.jsonl")
    assert done.code == 2
    assert not Path("rows.yaml").exists()


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("file", "native"),
    [
        ("scienceqa/llava_test_CQM-A.json", "multiple_choice"),
        ("gqa/ood_testdev_tail.json.gz", "short_answer"),
        ("vqax/vqaX_val.json", "short_answer"),
        ("ocrbench/OCRBench.json", "short_answer"),
        ("chartqa/simple/test_human_simple.json", "short_answer"),
        ("vsr/random_dev.jsonl", "yes_no"),
        ("tabmwp/problems_dev1k.json", "short_answer"),
        ("refcocos/refcocos_test.json", "bounding_box"),
        ("talk2car/val_commands.json", "bounding_box"),
        ("coco_caps_boxes/caps_boxes_coco2014_val_80.jsonl", "brief_explanation"),
        ("text_only/alpaca_en_demo.json", "free_form"),
    ],
)
def test_real_files_convert_at_once(file: str, native: str, shared_data: Path) -> None:
    _, counts = init(shared_data / file)
    assert load_task("./task.yaml").native_style.value == native
    assert counts["samples"] > 50
    assert counts["converted"] > 10 or native == "free_form"


def letters(fields: list[str], count: int = 30) -> list[dict[str, str]]:
    animals = ["cat", "dog", "bird", "fish", "horse", "cow"]
    return [
        {"question": f"Which animal is number {n}?", "answer": "ABCD"[n % 4]}
        | {name: animals[(n + place) % 6] for place, name in enumerate(fields)}
        for n in range(count)
    ]


@pytest.mark.parametrize(
    "fields", [list("ABCD"), ["option_a", "option_b", "option_c", "option_d"], ["choice1", "choice2"]]
)
def test_options_in_a_field_each(fields: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = letters(fields)
    if len(fields) == 2:
        rows = [row | {"answer": "AB"[n % 2]} for n, row in enumerate(rows)]
    write_lines(tmp_path / "mc.jsonl", rows)
    assert run_asd("init", "mc.jsonl").code == 0
    text = (tmp_path / "mc.yaml").read_text("utf-8")
    assert "native_style: multiple_choice" in text
    assert f"options: [{', '.join(fields)}]" in text
    assert "not used" not in text
    done = run_asd("convert", "mc.yaml", "--source", "mc.jsonl", "--ratio", "0.5", "--json")
    assert done.code == 0, done.err


def test_letters_without_options_are_no_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "mc.jsonl", letters([]))
    done = run_asd("init", "mc.jsonl")
    assert done.code == 2
    assert "the answers (answer) are letters (A, B, C, D), and no field was found that holds the options" in done.err


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_prompts_and_completions_of_a_csv_file_are_read_as_those_of_json(tmp_path: Path, separator: str) -> None:
    rows = [("What is it?", "a cat"), ("What colour is the cat, then?", "black"), ("How many; one or two?", "2")]
    with (tmp_path / "mine.csv").open("w", newline="") as stream:
        csv.writer(stream, delimiter=separator).writerows([("prompt", "completion"), *rows])
    lines = (json.dumps({"prompt": asked, "completion": answer}) + "\n" for asked, answer in rows)
    (tmp_path / "mine.jsonl").write_text("".join(lines))
    read = []
    for name in ("mine.csv", "mine.jsonl"):
        (tmp_path / "mine.yaml").write_text(draft_task(tmp_path / name).yaml)
        done = asd.convert(task="mine.yaml", source=name, out=f"{name}-out", ratio=0)
        read.append([(row["prompt"], row["response"]) for row in asd.load(str(done.path)).to_list()])
    assert read[0] == read[1] and len(read[0]) == 3
