"""Options under marks other than "A. " on lines: read where the answer is one of them, and bare marks are no answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asd
from asd.makers.distractors import is_minable
from asd.sources.marked_options import Marked, may_be_marked, names_listed_option, option_by_mark, split_marked
from asd.sources.prompt_columns import take_apart_columns
from asd.sources.prompt_text import make_rules, take_apart

ASKED = "Which animal is shown?"
LINES = [
    ("(a) cat|(b) dog|(c) bird", "c"),
    ("[A] cat|[B] dog|[C] bird", "C"),
    ("[a] cat|[b] dog|[c] bird", "[c]"),
    ("1) cat|2) dog|3) bird", "3"),
    ("1. cat|2. dog|3. bird", "3."),
    ("(1)cat|(2)dog|(3)bird", "(3)"),
    ("①cat|②dog|③bird", "③"),
    ("❶ cat|❷ dog|❸ bird", "3"),
    ("⑴ cat|⑵ dog|⑶ bird", "3"),
    ("Ⓐ cat|Ⓑ dog|Ⓒ bird", "C"),
    ("1️⃣ cat|2️⃣ dog|3️⃣ bird", "3️⃣"),
    ("Ａ．cat|Ｂ．dog|Ｃ．bird", "Ｃ"),
    ("（A）cat|（B）dog|（C）bird", "C"),
    ("【A】cat|【B】dog|【C】bird", "C"),
    ("甲. cat|乙. dog|丙. bird", "丙"),
    ("甲、cat|乙、dog|丙、bird", "选丙"),
    ("一、cat|二、dog|三、bird", "三"),
    ("А) cat|Б) dog|В) bird", "В"),
    ("а) cat|б) dog|в) bird", "в)"),
    ("А) cat|В) dog|С) bird", "С"),
    ("α) cat|β) dog|γ) bird", "γ"),
    ("가. cat|나. dog|다. bird", "다"),
    ("ㄱ. cat|ㄴ. dog|ㄷ. bird", "ㄷ"),
    ("ア．cat|イ．dog|ウ．bird", "ウ"),
    ("أ) cat|ب) dog|ج) bird", "ج"),
    ("क) cat|ख) dog|ग) bird", "ग"),
    ("i. cat|ii. dog|iii. bird", "iii"),
    ("I) cat|II) dog|III) bird", "III"),
    ("Ⅰ. cat|Ⅱ. dog|Ⅲ. bird", "Ⅲ"),
    ("a. cat|b. dog|c. bird", "c"),
    ("a: cat|b: dog|c: bird", "C"),
    ("Option A: cat|Option B: dog|Option C: bird", "Option C"),
    ("Choice 1: cat|Choice 2: dog|Choice 3: bird", "choice 3"),
    ("选项A：cat|选项B：dog|选项C：bird", "选项C"),
    ("**A.** cat|**B.** dog|**C.** bird", "**C**"),
    ("**A**: cat|**B**: dog|**C**: bird", "C"),
    ("- A: cat|- B: dog|- C: bird", "C"),
    ("* a) cat|* b) dog|* c) bird", "c) bird"),
    ("A - cat|B - dog|C - bird", "C"),
    ("A.cat|B.dog|C.bird", "C. bird"),
    ("{A} cat|{B} dog|{C} bird", "{C}"),
    ("<A> cat|<B> dog|<C> bird", "C"),
    ("0: cat|1: dog|2: bird", "2"),
    ("A: cat|B: dog|C: bird", "The answer is C."),
    ("A : cat|B : dog|C : bird", "C"),
    ("A- cat|B- dog|C- bird", "C"),
    ("> A. cat|> B. dog|> C. bird", "C"),
    ("(A)\ncat|(B)\ndog|(C)\nbird", "C"),
    ("(1) - cat|(2) - dog|(3) - bird", "3"),
    ("A.\xa0cat|B.\u3000dog|C.\xa0bird", "C"),
]
ONE_LINE = [
    ("A. cat B. dog C. bird", "C"),
    ("A) cat B) dog C) bird", "c"),
    ("(A) cat (B) dog (C) bird", "(C)"),
    ("(a) cat, (b) dog, (c) bird", "c"),
    ("(a) cat; (b) dog; or (c) bird", "c"),
    ("[A] cat [B] dog [C] bird", "C"),
    ("A: cat, B: dog, C: bird", "C"),
    ("A: cat | B: dog | C: bird", "C"),
    ("A. cat / B. dog / C. bird", "bird"),
    ("A=cat, B=dog, C=bird", "C"),
    ("1) cat 2) dog 3) bird", "3"),
    ("1. cat, 2. dog, 3. bird.", "3"),
    ("①cat ②dog ③bird", "③"),
    ("①cat②dog③bird", "3"),
    ("A.cat B.dog C.bird", "C"),
    ("A、cat；B、dog；C、bird", "C"),
    ("甲.cat 乙.dog 丙.bird", "丙"),
    ("а) cat, б) dog, в) bird", "в"),
    ("选项：A.cat B.dog C.bird", "C"),
    ("Options: A. cat B. dog C. bird", "C"),
    ("Choices: (1) cat (2) dog (3) bird", "(3)"),
    ("Options: a) cat, b) dog and c) bird", "c"),
]
ALL = [(listed.replace("|", "\n") if ONE_LINE is not kind else listed, answer, "\n" if ONE_LINE is not kind else " ")
       for kind in (LINES, ONE_LINE) for listed, answer in kind]  # fmt: skip
NO_LISTS = [
    "Take vitamin A. b is not enough.",
    "Is it hepatitis A. B. or C?",
    "What is the sum of (1) and (2)?",
    "Solve 1) 2 + 2 = ? 2) 3 + 3 = ?",
    "Is it 1:30 or 2:30?",
    "Simplify 1. x = 2 2. y = 3",
    "What do 1.5 and 2.5 make?",
    "Meet me at 1 a.m. or 2 b.m.",
    "Which is larger, A or B?",
    "What does the sign say? 2. Street",
    "Is it plan B. or plan A.?",
    "e.g. a dog",
    "1. only one",
]


@pytest.mark.parametrize(("listed", "answer", "join"), ALL)
def test_options_under_any_mark(listed: str, answer: str, join: str) -> None:
    for behind in ("", "\nAnswer:", "\nAnswer with the letter of the option."):
        parts = take_apart(f"{ASKED}{join}{listed}{behind}", make_rules())
        assert (parts.question, parts.options) == (ASKED, ("cat", "dog", "bird"))
        assert option_by_mark(answer, Marked(ASKED, parts.options, "", parts.alphabet)) == 2
        assert parts.rfp == (behind.strip() or None)
    assert names_listed_option(f"{ASKED}{join}{listed}", answer) == (answer.removesuffix("bird") == answer)
    assert not names_listed_option(f"{ASKED}{join}{listed}", "a horse")


@pytest.mark.parametrize("text", NO_LISTS)
@pytest.mark.parametrize("answer", ["b", "B", "2", "A"])
def test_what_only_looks_like_a_list(text: str, answer: str) -> None:
    found = split_marked(text)
    assert found is None
    if "." not in text and ")" not in text:
        assert not names_listed_option(text, answer)


@pytest.mark.parametrize(
    ("listed", "answer"),
    [
        ("A cat\nB dog\nC bird", "B"),
        ("#1 cat\n#2 dog", "2"),
        ('"A": cat\n"B": dog', "B"),
        ("{'A': 'cat', 'B': 'dog'}", "A"),
        ("a/ cat\nb/ dog", "b"),
        ("A | cat\nB | dog", "B"),
        ("| A | cat |\n| B | dog |", "B"),
        ("yes (A) or no (B)", "B"),
        ("(b) cat\n(a) dog", "a"),
        ("B. cat\nC. dog", "C"),
        ("Statement 1: x. Statement 2: y.", "2"),
        ("cat (1), dog (2), bird (3)", "3"),
        ("cat = a), dog = b)", "b"),
    ],
)
def test_marks_of_lists_that_cannot_be_read(listed: str, answer: str) -> None:
    assert names_listed_option(f"{ASKED}\n{listed}", answer)
    assert not is_minable(f"{ASKED}\n{listed}", answer)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("Which is larger, A or B?", "B"),
        ("What number is on the bus, 1 or 2?", "2"),
        ("Joe won 3 games, lost 2. He has 1-star and 2-star reviews. How many are left of 3?", "2"),
        ("What is 1/2 of 4?", "2"),
        ("What letter is on the shirt?", "B"),
        ("Is it 1:30 or 2:30?", "2"),
    ],
)
def test_letters_and_numbers_that_are_answers(asked: str, answer: str) -> None:
    assert not names_listed_option(asked, answer)


def test_a_number_that_is_asked_for_is_no_mark() -> None:
    asked = "How many cats are there?\n1. two\n2. three"
    found = split_marked(asked)
    assert found is not None
    assert option_by_mark("2", found) is None
    assert option_by_mark("three", found) == option_by_mark("(2)", found) == 1
    assert names_listed_option(asked, "2")  # nor is it a wrong answer for others


@pytest.mark.parametrize("answer", ["AC", "A, C", "A and C", "B,C", "ABC", "b & c"])
def test_several_marks_are_no_answer_text(answer: str) -> None:
    asked = f"{ASKED}\nA. cat\nB. dog\nC. bird"
    assert names_listed_option(asked, answer)
    assert not is_minable(asked, answer)


def test_the_question_may_stand_behind_its_options() -> None:
    parts = take_apart("Options: A. cat B. dog. Which one is shown?", make_rules())
    assert (parts.question, parts.options) == ("Which one is shown?", ("cat", "dog"))


def convert(tmp_path: Path, task: str, rows: list[dict[str, Any]], **settings: Any) -> list[dict[str, Any]]:
    source = tmp_path / "rows.json"
    source.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    made = asd.convert(task, source, out=tmp_path / "out", workers=1, **settings)
    return asd.load(made.path).to_list()


def talk(number: int, asked: str, answer: str) -> dict[str, Any]:
    turns = [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]
    return {"id": f"q{number}", "conversations": turns}


def test_short_answer_tasks_read_them(tmp_path: Path) -> None:
    rows = [talk(number, f"{ASKED}{join}{listed}", answer) for number, (listed, answer, join) in enumerate(ALL)]
    made = convert(tmp_path, "vqav2", rows, ratio=1.0)
    assert len(made) == len(rows)
    assert {row["gold"] for row in made} == {"bird"}
    assert {tuple(row["options"]) for row in made if row["style"] in ("short_answer", "multiple_choice")} == {
        ("cat", "dog", "bird"), *{tuple(row["options"]) for row in made if row["style"] == "multiple_choice"}
    }  # fmt: skip
    for row in made:
        if row["style"] == "multiple_choice":
            assert sorted(row["options"]) == ["bird", "cat", "dog"]
        if row["style"] == "yes_no":
            assert row["candidate"] in ("cat", "dog", "bird", None)
    native = convert(tmp_path, "vqav2", rows, ratio=0)
    assert [row["prompt"] for row in native] == [row["conversations"][0]["value"] for row in rows]
    assert [row["response"] for row in native] == [row["conversations"][1]["value"] for row in rows]


def test_multiple_choice_tasks_read_them(tmp_path: Path) -> None:
    rows = [talk(number, f"{ASKED}{join}{listed}", answer) for number, (listed, answer, join) in enumerate(ALL)]
    made = convert(tmp_path, "scienceqa", rows, ratio=0)
    assert [row["gold"] for row in made] == ["bird"] * len(rows)
    assert {row["response"] for row in made} <= {"C", "c", "(C)", "C. bird", "bird"}
    for row, (listed, answer, join) in zip(made, ALL, strict=True):
        if answer in ("③", "丙", "iii"):
            assert row["prompt"].startswith(f"{ASKED}\nA. cat\nB. dog\nC. bird\n")
        elif answer == "C":
            assert row["prompt"] in (f"{ASKED}{join}{listed}", f"{ASKED}\nA. cat\nB. dog\nC. bird\n{row['rfp']}")


def test_a_bare_mark_is_never_a_wrong_answer(tmp_path: Path) -> None:
    """Lists that nobody can read whole: their letters stay out of the other rows."""
    colours = ["red", "blue", "green", "black", "white", "pink", "brown", "grey", "orange", "yellow"]
    plain = [talk(number, "What color is the car?", colours[number % 10]) for number in range(60)]
    unread = [
        talk(100 + number, f"What color is the car? Pick some.\n(a) {colours[number % 10]}\n(b) teal\n(c) gold", "ab")
        for number in range(30)
    ]
    made = convert(tmp_path, "vqav2", plain + unread, ratio=1.0, styles=["yes_no", "multiple_choice"])
    for row in made:
        if row["source_id"] >= "q100" and len(row["source_id"]) == 4:
            assert row["maker"] == "native"
        assert not {"ab", "a", "b"} & {*row["options"], row["candidate"]} or row["maker"] == "native"


def test_questions_in_a_field_list_options_too(tmp_path: Path) -> None:
    task = tmp_path / "birds.yaml"
    task.write_text(
        'name: birds\ntitle: "Birds"\nfamily: vqa\nnative_style: short_answer\nstyles:\n  yes_no: [field, mined]\n'
        "  multiple_choice: [field, mined]\nscorer: contains\nlicence: none\ncitation: none\nlayouts:\n  - name: rows\n"
        '    files: "*.json"\n    columns: {source_id: id, question: q, gold: a}\n',
        "utf-8",
    )
    rows = [{"id": f"q{number}", "q": f"{ASKED}{join}{listed}", "a": answer}
            for number, (listed, answer, join) in enumerate(ALL)]  # fmt: skip
    rows += [{"id": "plain", "q": "What is it?", "a": "B"}, {"id": "more", "q": f"{ASKED} (a) x (b) y", "a": "horse"}]
    native = {row["source_id"]: row for row in convert(tmp_path, str(task), rows, ratio=0)}
    for row in rows[:-2]:
        got = native[row["id"]]
        assert (got["gold"], got["options"], got["question"]) == ("bird", ["cat", "dog", "bird"], ASKED)
        assert got["prompt"].startswith(row["q"])
        assert got["response"] == row["a"]
    assert native["plain"]["gold"] == "B"
    assert (native["more"]["gold"], native["more"]["options"]) == ("horse", [])
    chosen = convert(tmp_path, str(task), rows, ratio=1.0, styles=["multiple_choice"])
    assert {tuple(sorted(row["options"])) for row in chosen if row["style"] == "multiple_choice"} == {
        ("bird", "cat", "dog")
    }


fragments = st.sampled_from(
    ["Which?", "\n", " ", "(a) cat", "(b) dog", "A. x", "B. y", "1) one", "2) two", "②", "①", "А)", "Б) z", "甲.", "乙、q", "I.",
     "II.", "Option A:", "Option B: u", "选项：", "0: n", "1: y", "**A**", "**B**", "- ", "=", "A - b", "B - c", "2.5", "b."]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(fragments, max_size=12).map("".join), st.text(max_size=30)))
def test_lists_are_whole_and_the_columnar_reading_leaves_them(text: str) -> None:
    found = split_marked(text)
    if found is not None:
        assert len(found.options) > 1
        assert all(found.options)
        assert all(option in text for option in found.options if "\n" not in option)
        assert may_be_marked(text)
    plain = text.replace("\x00", "")
    data = np.frombuffer(plain.encode("utf-8", "replace") + b"\x00\x00", np.uint8)
    columns = take_apart_columns(data, np.array([0]), np.array([len(data) - 2]), make_rules())
    if take_apart(plain.encode("utf-8", "replace").decode(), make_rules()).options:
        assert columns.is_other[0]


@pytest.mark.parametrize(
    "answer",
    ["b", "(b)", "B.", "Dog.", "b dog", "b - dog", "b)dog", "**b**", "<b>", "\\boxed{b}", "$\\boxed{\\text{b}}$", "Answer: b",
     "choice (b)", "The correct answer is b", "respuesta: b"],
)  # fmt: skip
def test_answers_that_name_an_option(answer: str) -> None:
    found = split_marked("Which?\n(a) cat\n(b) dog")
    assert found is not None
    assert option_by_mark(answer, found) == 1


@pytest.mark.parametrize("answer", ["c", "ab", "b, a", "a and b"])
def test_marks_that_name_no_one_option(answer: str) -> None:
    assert not is_minable("Which?\n(a) cat\n(b) dog", answer)


@pytest.mark.parametrize("key", ["image_path", "img_path", "image_file", "image_url", "img"])
def test_images_under_other_keys(tmp_path: Path, key: str) -> None:
    rows = [talk(number, "What is it?", "cat") | {key: f"{number}.jpg"} for number in range(3)]
    rows.append(talk(3, "What is it?", "cat") | {key: "no.jpg", "image": "3.jpg"})
    rows.append(talk(4, "What is it?", "cat") | {key: None})
    made = convert(tmp_path, "vqav2", rows, ratio=0)
    assert [[one["path"] for one in row["images"]] for row in made] == [["0.jpg"], ["1.jpg"], ["2.jpg"], ["3.jpg"], []]
