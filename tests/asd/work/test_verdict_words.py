"""Yes and no are spelt in one way throughout a version, the source's, and prompts name them so."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

import asd
from asd.styles.wording import with_verdicts
from asd.work.verdict_words import respelt, spellings, verdict_words


def test_prompts_name_the_words_as_they_are_spelt() -> None:
    texts = ["Reply with Yes or No only.", "Give a plain Yes if it is true, else a plain No.", "Say nothing else."]
    assert with_verdicts(texts, ("yes", "no")) == (
        "Reply with yes or no only.",
        "Give a plain yes if it is true, else a plain no.",
        "Say nothing else.",
    )


def test_a_no_that_denies_something_is_no_answer() -> None:
    texts = [
        "Yes or no, with no explanation.",
        "No sentence: yes/no.",
        "Answer yes or no in one word.",
        'Say "no" if not.',
    ]
    assert with_verdicts(texts, ("YES", "NO")) == (
        "YES or NO, with no explanation.",
        "No sentence: YES/NO.",
        "Answer YES or NO in one word.",
        'Say "NO" if not.',
    )


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("Yes means it fits, no means it does not.", "Yes means it fits, No means it does not."),
        ("Reply with Yes (if so) or no (if not).", "Reply with Yes (if so) or No (if not)."),
        ("Answer yes or no. There is no, repeat, no need.", "Answer Yes or No. There is no, repeat, no need."),
        ("There is no, repeat, no need to explain.", "There is no, repeat, no need to explain."),
    ],
)
def test_a_no_is_an_answer_only_in_a_sentence_with_a_yes(text: str, spelt: str) -> None:
    assert with_verdicts([text], ("Yes", "No")) == (spelt,)


@pytest.mark.parametrize("words", [("yes", "no"), ("Yes", "No")])
def test_one_spelling_a_version(tmp_path: Path, words: tuple[str, str]) -> None:
    rows = [
        {"question_id": n, "image": f"{n}.jpg", "text": f"Is there a dog beside tree {n}?", "label": words[n % 2]}
        for n in range(40)
    ]
    source = tmp_path / "coco_pope.json"
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    made = asd.convert(task="pope", source=source, out=tmp_path / "out", ratio=0.5, workers=1)
    shown = [row for row in asd.load(made.path) if row["style"] == "yes_no"]
    assert shown and {row["response"] for row in shown} == set(words)
    assert all(words[0] in row["rfp"] and words[1] in row["rfp"] for row in shown)


def test_a_source_that_spells_in_both_ways_gets_the_more_frequent_one(tmp_path: Path) -> None:
    labels = ["yes", "no", "Yes", "no"]
    rows = [
        {"question_id": n, "image": f"{n}.jpg", "text": f"Is there a dog beside tree {n}?", "label": labels[n % 4]}
        for n in range(80)
    ]
    source = tmp_path / "coco_pope.json"
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    made = asd.convert(task="pope", source=source, out=tmp_path / "out", ratio=0.2, workers=1)
    responses = {row["response"] for row in asd.load(made.path) if row["style"] == "yes_no"}
    assert responses == {"yes", "no"}


@pytest.mark.parametrize("instruction", ["", "\nAnswer YES or NO."])
def test_answers_in_capitals_stay_as_they_are(tmp_path: Path, instruction: str) -> None:
    rows = [
        {
            "id": str(n),
            "image": f"{n}.jpg",
            "conversations": [
                {"from": "human", "value": f"<image>\nIs there a dog beside tree {n}?{instruction}"},
                {"from": "gpt", "value": ("YES", "NO")[n % 2]},
            ],
        }
        for n in range(40)
    ]
    source = tmp_path / "coco_pope.json"
    source.write_text(json.dumps(rows), encoding="utf-8")
    made = asd.convert(task="pope", source=source, out=tmp_path / "out", ratio=0.3, workers=1)
    assert {row["response"] for row in asd.load(made.path) if row["style"] == "yes_no"} == {"YES", "NO"}


SHORT = """
name: short
title: Short
family: vqa
native_style: short_answer
styles: {yes_no: [field], multiple_choice: [field]}
scorer: exact_match
licence: none
citation: none
layouts:
  - name: rows
    files: "*.jsonl"
    columns: {source_id: id, images: image, question: q, gold: a}
"""


@pytest.mark.parametrize("words", [("YES", "NO"), ("Y", "N"), ("y", "n"), ("yes", "no"), ("Yes", "No")])
def test_converted_rows_spell_as_the_source_does(tmp_path: Path, words: tuple[str, str]) -> None:
    rows = [{"id": f"r{n}", "image": f"{n}.jpg", "q": f"Is tree {n} tall?", "a": words[n % 2]} for n in range(40)]
    (tmp_path / "task.yaml").write_text(SHORT, encoding="utf-8")
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    made = asd.convert(task=str(tmp_path / "task.yaml"), source=tmp_path, out=tmp_path / "out", ratio=0.5, workers=1)
    shown = [row for row in asd.load(made.path) if row["style"] == "yes_no"]
    assert {row["response"] for row in shown} == set(words)
    assert all(row["response"] == row["gold"] for row in shown)
    assert all(words[0] in row["rfp"] and words[1] in row["rfp"] for row in shown)


@pytest.mark.parametrize("words", [("YES", "NO"), ("Y", "N")])
def test_native_verdicts_in_columns_keep_their_words(tmp_path: Path, words: tuple[str, str]) -> None:
    rows = [
        {"question_id": n, "image": f"{n}.jpg", "text": f"Is there a dog beside tree {n}?", "label": words[n % 2]}
        for n in range(40)
    ]
    source = tmp_path / "coco_pope.json"
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    made = asd.convert(task="pope", source=source, out=tmp_path / "out", ratio=0.3, workers=1)
    assert {row["response"] for row in asd.load(made.path) if row["style"] == "yes_no"} == set(words)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, ("Yes", "No")),
        ({"Y": 3, "N": 2, "yes": 1}, ("Y", "N")),
        ({"NO": 9, "yes": 1}, ("yes", "no")),  # Spanish, perhaps
        ({"Y": 9}, ("Yes", "No")),
        ({"Yes": 2, "yes": 2}, ("Yes", "No")),
    ],
)
def test_the_words_of_most_rows(counts: dict[str, int], words: tuple[str, str]) -> None:
    assert verdict_words(counts) == words


def test_letters_that_questions_for_no_verdict_ask_for_are_not_counted() -> None:
    rows = [("What letter is it?", "Y"), ("Is it red?", "N"), ("Is it red?", "yes"), ("What does it say?", "NO")]
    batch = pa.RecordBatch.from_pylist([{"question": question, "response": said} for question, said in rows])
    assert spellings(batch, is_yes_no=False) == {"N": 1, "yes": 1, "NO": 1}
    assert spellings(batch, is_yes_no=True) == {"Y": 1, "N": 1, "yes": 1, "NO": 1}


def test_a_prompt_that_names_the_words_keeps_its_answer() -> None:
    rows = [
        {"question": "Is it red?", "rfp": None, "asked": None, "passthrough": None, "response": "Yes"},
        {
            "question": "Is it red? Answer Yes or No.",
            "rfp": None,
            "asked": None,
            "passthrough": None,
            "response": "Yes",
        },
        {"question": "Is it red?", "rfp": "Say YES or NO.", "asked": None, "passthrough": None, "response": "No"},
        {"question": "Is it red?", "rfp": None, "asked": "Yes/No: is it red?", "passthrough": None, "response": "No"},
        {"question": "Is it red?", "rfp": None, "asked": None, "passthrough": "[]", "response": "No"},
        {"question": "Is it red?", "rfp": None, "asked": None, "passthrough": None, "response": "NO"},
    ]
    batch = pa.RecordBatch.from_pylist(rows, pa.schema([(name, pa.string()) for name in rows[0]]))
    assert respelt(batch, ("yes", "no"))["response"].to_pylist() == ["yes", "Yes", "No", "No", "No", "NO"]
