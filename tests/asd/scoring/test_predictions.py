"""Predictions matched to gold answers by id, in every file format, and every way in which they can fail to match."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from asd.errors import ScoreError
from asd.scoring.predictions import read_predictions, score_predictions
from asd.scoring.reference_files import read_references


def write(path: Path, content: Any) -> str:
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def write_lines(path: Path, rows: list[dict[str, Any]]) -> str:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def answers(**texts: str) -> list[dict[str, Any]]:
    return [
        {"question_id": name, "prompt": "What is it?", "text": text, "model_id": "m"} for name, text in texts.items()
    ]


def test_both_forms_and_their_difference(tmp_path: Path) -> None:
    predictions = write_lines(tmp_path / "merge.jsonl", answers(a="Teapot.", b="teapot", c="dog", d="cat"))
    gold = [
        {"question_id": name, "answer": label}
        for name, label in zip("abcd", ["Teapot", "Teapot", "Guide dog", "Teapot"], strict=True)
    ]
    report = score_predictions(predictions, task="imagenet", scorer="label", gold=write(tmp_path / "test.json", gold))
    assert (report.questions, report.legacy, report.fixed, report.difference) == (4, 0.5, 0.5, 0.0)
    assert (report.only_legacy, report.only_fixed) == (["c"], ["b"])


def test_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    rows = answers(a="Teapot.", b="Kettle.")
    gold = write(
        tmp_path / "test.json", [{"question_id": "a", "answer": "Teapot"}, {"question_id": "b", "answer": "Kettle"}]
    )
    for name, order in (("one", rows), ("two", rows[::-1])):
        report = score_predictions(write_lines(tmp_path / name, order), task="imagenet", scorer="label", gold=gold)
        assert report.legacy == 1.0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            [{"question_id": 7, "answer": "tea", "image": "x.jpg", "text": "What?"}],
            ("tea", (), (), "What?", "x.jpg", 1.0),
        ),
        (
            [{"question_id": 7, "answer_bbox": "[0.1,0.2,0.3,0.4]", "size": [4, 3]}],
            ("[0.1,0.2,0.3,0.4]", (), (), "", "", 4.0),
        ),
        ({"7": {"question": "q", "choices": ["no", "tea"], "answer": 1}}, ("tea", (), ("no", "tea"), "q", "", 1.0)),
        ({"7": {"answer": "tea", "isBalanced": True}}, ("tea", (), (), "", "", 1.0)),
        (
            {"data": [{"question_id": 7, "answers": ["tea", "pot", "tea"]}]},
            ("tea", ("tea", "pot", "tea"), (), "", "", 1.0),
        ),
        (
            {
                "annotations": [
                    {
                        "question_id": 7,
                        "multiple_choice_answer": "tea",
                        "answers": [{"answer": "tea"}, {"answer": "pot"}],
                    }
                ]
            },
            ("tea", ("tea", "pot"), (), "", "", 1.0),
        ),
    ],
)
def test_files_of_the_benchmarks(tmp_path: Path, content: Any, expected: tuple[Any, ...]) -> None:
    assert read_references(write(tmp_path / "gold.json", content)) == {"7": expected}


def test_vizwiz_images_are_ids(tmp_path: Path) -> None:
    gold = write(tmp_path / "val.json", [{"image": "VizWiz_val_0.jpg", "answers": [{"answer": "tea"}]}])
    assert read_references(gold)["VizWiz_val_0.jpg"].gold == "tea"


def test_only_one_split(tmp_path: Path) -> None:
    gold = write(
        tmp_path / "problems.json", {"1": {"answer": "a", "split": "train"}, "2": {"answer": "b", "split": "test"}}
    )
    assert set(read_references(gold, split="test")) == {"2"}
    with pytest.raises(ScoreError, match="holds no gold answers of the split 'val'"):
        read_references(gold, split="val")


def test_prediction_files_of_our_own(tmp_path: Path) -> None:
    rows = [
        {"id": "q1", "prompt": "?", "text": "b", "gold": "sun", "accepted": ["sun"], "options": ["moon", "sun"]},
        {"id": "q2", "prompt": "?", "text": "A", "gold": "sun", "accepted": ["sun"], "options": ["moon", "sun"]},
    ]
    table = pa.Table.from_pylist(rows)
    path = tmp_path / "scienceqa.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    coin = score_predictions(str(path), task="scienceqa", scorer="letter")
    sefe = score_predictions(str(path), task="scienceqa", scorer="letter", sefe=True)
    assert (coin.legacy, coin.fixed, sefe.legacy, sefe.legacy_rule) == (0.5, 0.5, 0.0, "letter_sefe:legacy")


def test_released_form_that_lacks_annotators_says_so(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "p.jsonl.gz", [{"question_id": "1", "text": "tea", "ground_truth": "tea"}])
    report = score_predictions(path, task="textvqa", scorer="vqa_soft")
    assert (report.legacy, report.fixed, report.difference) == (None, 1.0, None)
    assert "needs the answers of 10 annotators" in report.legacy_reason


GOLD = [{"question_id": "a", "answer": "tea"}, {"question_id": "b", "answer": "pot"}]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (answers(a="tea"), r"of 2 questions 1 without a prediction \('b'\)\. For a part of a test set"),
        (answers(a="x", b="y", c="z"), r"1 predicted that have no gold answer \('c'\)"),
        (answers(a="x", c="z"), r"1 without a prediction \('b'\) and 1 predicted that have no gold answer \('c'\)"),
        (answers(a="x", b="y") + answers(a="z"), r"predicted twice: 'a'\. Which one counts"),
        ([{"text": "x"}], "record 1: expected an id in one of question_id, questionId, id"),
        ([{"question_id": "a"}], r"record 1 \(a\) has no answer: expected a text in one of text"),
        ([], "holds no predictions"),
    ],
)
def test_predictions_that_do_not_match(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    path, gold = write_lines(tmp_path / "p.jsonl", rows), write(tmp_path / "gold.json", GOLD)
    with pytest.raises(ScoreError, match=message):
        score_predictions(path, task="gqa", scorer="gqa", gold=gold)


def test_gold_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="record 'a' has no gold answer: expected one of answer_bbox, gold"):
        read_references(write(tmp_path / "g.json", [{"question_id": "a", "question": "?"}]))
    with pytest.raises(ScoreError, match="the id 'a' stands twice"):
        read_references(write(tmp_path / "g.json", [GOLD[0], GOLD[0]]))
    with pytest.raises(ScoreError, match="the answer is option number 3, but there are 2"):
        read_references(write(tmp_path / "g.json", {"1": {"answer": 3, "choices": ["x", "y"]}}))
    (tmp_path / "bad.jsonl").write_text('{"id": 1, "text": "x"}\n{"id": 2, "te\n', encoding="utf-8")
    with pytest.raises(ScoreError, match=r"cannot be read as JSON, JSON Lines or Arrow \(line 2"):
        read_predictions(str(tmp_path / "bad.jsonl"))
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"id": 1, "text": "x"}' * 99)[:30])
    with pytest.raises(ScoreError, match="cannot be read as JSON, JSON Lines or Arrow"):
        read_predictions(str(tmp_path / "cut.jsonl.gz"))


def test_predictions_without_gold_answers(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "p.jsonl", answers(a="tea"))
    with pytest.raises(ScoreError, match=r"prediction 'a' has no gold answer.*Name a file of gold answers with --gold"):
        score_predictions(path, task="gqa", scorer="gqa")


BASE = [{"question_id": number, "answer": "red"} for number in range(3)]


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"\xef\xbb\xbf" + b"".join(b'{"question_id": %d, "text": "red"}\n' % n for n in range(3)), ""),
        ('[{"question_id": 0, "text": "red"}, {"question_id": 1, "text": "red"}, {"question_id": 2, "text": "red"}]'
         .encode("utf-16"), ""),
        (b"".join(b'{"question_id": %d, "text": "red", "logprob": NaN, "p": -Infinity}\n' % n for n in range(3)), ""),
        (b"".join(b'{"question_id": %d, "text": "red \\ud83d"}\n' % n for n in range(3)), "3 predictions held half an emoji"),
        (b"".join(b'{"question_id": %d.0, "text": "red"}\n' % n for n in range(3)), ""),
        (b'[{"question_id": 0, "answer": "red"}, {"question_id": 1, "answer": "red"}, {"question_id": 2, "answer": "red"}]', ""),
        (b'{"0": "red", "1": "red", "2": "red"}', ""),
        (b'{"results": [{"id": 0, "pred": ["red"]}, {"id": 1, "pred": "red"}, {"id": 2, "predict": "red"}]}', ""),
    ],
    ids=["bom", "utf-16", "nan", "half an emoji", "float ids", "challenge", "by id", "wrapped"],
)  # fmt: skip
def test_predictions_as_the_world_writes_them(tmp_path: Path, content: bytes, note: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(content)
    report = score_predictions(str(path), task="vqav2", scorer="single_string", gold=write(tmp_path / "g.json", BASE))
    assert (report.questions, report.fixed) == (3, 1.0)
    assert "".join(report.notes).startswith(note) and bool(report.notes) == bool(note)


def test_an_answer_that_is_null_costs_its_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(
        '{"question_id": 0, "text": NaN}\n{"question_id": 1, "text": null}\n{"question_id": 2, "text": "red"}\n'
    )
    report = score_predictions(str(path), task="vqav2", scorer="single_string", gold=write(tmp_path / "g.json", BASE))
    assert report.fixed == pytest.approx(1 / 3)
    assert report.notes == ("2 predictions are null or NaN; they count as empty answers ('0', '1')",)


def test_an_answer_is_never_its_own_gold_answer(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "p.jsonl", [{"question_id": "1", "answer": "tea"}])
    with pytest.raises(ScoreError, match="Name a file of gold answers with --gold"):
        score_predictions(path, task="gqa", scorer="gqa")


@pytest.mark.parametrize(
    ("scorer", "record", "answer"),
    [
        ("relaxed_number", {"query": "How many?", "label": ["14"]}, "14"),
        ("relaxed_number", {"label": [14]}, "14"),
        ("relaxed_number", {"label": 14.0}, "14"),
        ("exact_match", {"answer": ["teapot", "kettle"]}, "kettle"),
        ("exact_match", {"answer": {"text": ["teapot"]}}, "teapot"),
        ("exact_match", {"answers": {"text": ["teapot", "teapot"], "answer_start": [1, 1]}}, "teapot"),
        ("gqa", {"answer": True}, "yes"),
        ("yes_no", {"label": "True"}, "Yes"),
        ("yes_no", {"label": "FALSE"}, "No"),
        ("yes_no", {"label": True}, "yes"),
        ("yes_no", {"label": 1}, "Yes"),
        ("yes_no", {"label": 0}, "No"),
        ("yes_no", {"label": "0"}, "No"),
        ("yes_no", {"label": [False]}, "No"),
        ("letter", {"answer": "B", "options": {"A": "cat", "B": "dog"}}, "B"),
        ("letter", {"answer": "dog", "options": {"A": "cat", "B": "dog"}}, "B"),
        ("letter", {"answerKey": 0, "answer": "(B)", "choices": {"label": ["A", "B"], "text": ["cat", "dog"]}}, "dog"),
        ("letter", {"answer": "1", "options": ["cat", "dog"]}, "B"),
        ("letter", {"answer": 1.0, "options": ["cat", "dog"]}, "B"),
        ("letter", {"answer": "2", "options": ["1", "2"]}, "B"),
        ("letter", {"answer": "B", "options": ["A", "B"]}, "B"),
        ("iou", {"answer": [[0.1, 0.1, 0.5, 0.5]]}, "[0.1,0.1,0.5,0.5]"),
    ],
)
def test_gold_answers_in_the_kinds_that_data_sets_have(
    tmp_path: Path, scorer: str, record: dict[str, Any], answer: str
) -> None:
    gold = write(tmp_path / "g.json", [{"question_id": 1, **record}])
    path = write_lines(tmp_path / "p.jsonl", [{"question_id": 1, "text": answer}])
    assert score_predictions(path, task="x", scorer=scorer, gold=gold).fixed == 1.0
    wrong = write_lines(tmp_path / "w.jsonl", [{"question_id": 1, "text": "zebra"}])
    assert score_predictions(wrong, task="x", scorer=scorer, gold=gold).fixed == 0.0


@pytest.mark.parametrize(
    ("scorer", "record", "message"),
    [
        ("yes_no", {"answer": "maybe"}, r"1 of 1 gold answers cannot be scored by the rule yes_no \('1'\): .*'maybe' is no yes"),
        ("letter", {"answer": "bird", "options": ["cat", "dog"]}, r"'bird' is neither a letter nor exactly one of the options"),
        ("letter", {"answer": "E", "options": ["cat", "dog"]}, "'E' is beyond the last of 2 options"),
        ("letter", {"answer": "7", "options": ["cat", "dog"]}, "the answer is option number 7, but there are 2"),
        ("letter", {"answer": "A", "options": ["B", "A"]}, r"letter of option 1 \('B'\) and the text of option 2: write"),
        ("iou", {"answer": "left"}, r"'left' is no box: expected \[x1,y1,x2,y2\]"),
        ("final_number", {"answer": "none"}, "'none' holds no number"),
        ("gqa", {"answer": {"words": "tea"}}, "the gold answer is an object without a text: expected text, answer, value"),
    ],
)  # fmt: skip
def test_gold_answers_that_nothing_could_meet(
    tmp_path: Path, scorer: str, record: dict[str, Any], message: str
) -> None:
    gold = write(tmp_path / "g.json", [{"question_id": 1, **record}])
    path = write_lines(tmp_path / "p.jsonl", [{"question_id": 1, "text": "A"}])
    with pytest.raises(ScoreError, match=message):
        score_predictions(path, task="x", scorer=scorer, gold=gold)


@pytest.mark.parametrize(("other", "right"), [("B", "A"), ("dog", "B")])
def test_a_letter_that_is_also_an_option_is_read_as_the_rest_of_the_file_is(
    tmp_path: Path, other: str, right: str
) -> None:
    records = [
        {"question_id": 1, "answer": "A", "options": ["B", "A", "C"]},
        {"question_id": 2, "answer": other, "options": ["cat", "dog"]},
    ]
    path = write_lines(tmp_path / "p.jsonl", [{"question_id": 1, "text": right}, {"question_id": 2, "text": "B. dog"}])
    gold = write(tmp_path / "g.json", records)
    assert score_predictions(path, task="x", scorer="letter", gold=gold).fixed == 1.0
