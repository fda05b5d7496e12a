"""Audits of whole files: what is counted, what is found, and what a command prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asd.audit.audit import audit_files
from asd.audit.forms import Form
from asd.export.table import FORMATS
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import write_lines

SHORT = "Answer with a word or a short phrase."


def record(asked: str, answer: str, number: int = 0) -> dict[str, Any]:
    turns = [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]
    return {"id": str(number), "conversations": turns}


def written(path: Path, pairs: Sequence[tuple[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_lines(path, [record(asked, answer, number) for number, (asked, answer) in enumerate(pairs)])
    return path


def keys_of(path: Path) -> list[tuple[str, str]]:
    return [(finding.key, finding.mark) for finding in audit_files([str(path)]).findings]


def test_hand_counted_shares(tmp_path: Path) -> None:
    pairs = [(f"Is it {n}?\nAnswer Yes or No.", "Yes") for n in range(10)]
    pairs += [(f"What is {n}?", "a cat") for n in range(20)]
    pairs += [(f"What is {n}?\n{SHORT}", "It is a large cat that sleeps.") for n in range(10)]
    tally = audit_files([str(written(tmp_path / "a.jsonl", pairs))]).whole
    assert (tally.turns, tally.records, tally.with_images) == (40, 40, 0)
    assert dict(tally.forms) == {Form.YES_NO: 10, Form.SHORT_ANSWER: 20, Form.BRIEF_EXPLANATION: 10}
    assert (tally.asked[None], tally.silent[Form.SHORT_ANSWER]) == (20, 20)
    assert tally.contradictions == {(Form.SHORT_ANSWER, Form.BRIEF_EXPLANATION): 10}
    assert tally.word_quantiles(Form.BRIEF_EXPLANATION) == (7, 7, 7)
    assert tally.scripts == {"Latin": 40}


def test_one_style_only_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = written(tmp_path / "my file.jsonl", [(f"What is {n}?\n{SHORT}", f"cat {n}") for n in range(50)])
    (finding,) = audit_files([str(path)]).findings
    assert (finding.key, finding.mark, finding.title) == ("monoculture", "bad", "100% of the answers are short answer")
    assert f"--source '{path}' --ratio 0.2" in finding.remedy


def test_answers_that_nobody_asked_for(tmp_path: Path) -> None:
    assert ("unnamed", "bad") in keys_of(
        written(tmp_path / "a.jsonl", [(f"What is {n}?", f"cat {n}") for n in range(30)])
    )


def test_prompts_that_contradict_their_answers(tmp_path: Path) -> None:
    pairs = [(f"What is {n}?\n{SHORT}", "It is a large cat that sleeps." if n % 2 else "a cat") for n in range(40)]
    found = audit_files([str(written(tmp_path / "a.jsonl", pairs))]).findings
    (finding,) = [finding for finding in found if finding.key == "contradictions"]
    assert finding.title == "20 of the 40 answers whose prompt names a form have another one (50.0%)"
    assert finding.examples[0].where.endswith("a.jsonl:1")


def test_one_prompt_before_several_kinds_of_answer(tmp_path: Path) -> None:
    asked = "Follow the instruction and respond to it."
    pairs = [
        (f"Question {n}?\nAnswer the question directly.", ("B", "It is a large cat that sleeps.")[n % 2])
        for n in range(40)
    ]
    assert ("shared_prompt", "look") in keys_of(written(tmp_path / "a.jsonl", pairs)), asked


def test_answers_that_break_their_own_style(tmp_path: Path) -> None:
    pairs = [(f"Is it {n}?\nAnswer Yes or No.", "yes" if n < 5 else "No") for n in range(60)]
    found = audit_files([str(written(tmp_path / "a.jsonl", pairs))]).findings
    (finding,) = [finding for finding in found if finding.key == "mixed_writing"]
    assert finding.title == "yes no is written in several ways: Yes/No (55), yes/no (5)"


def test_answers_in_another_language_than_their_prompts(tmp_path: Path) -> None:
    english, german = (
        "What is it that is on the table, and where is it from?",
        "Was ist das auf dem Tisch, und wo ist es her?",
    )
    said = "The cat is on the table, and it is from the house."
    gesagt = "Die Katze ist auf dem Tisch, und sie ist aus dem Haus."
    pairs = [(f"{english} {n}", said) for n in range(20)] + [(f"{german} {n}", gesagt) for n in range(10)]
    pairs += [(f"{english} {n}", gesagt) for n in range(2)] + [(f"{english} {n}", "这是一只猫。") for n in range(1)]
    pairs += [(f"{english} {n}\n{SHORT}", "cat") for n in range(7)]
    audit = audit_files([str(written(tmp_path / "a.jsonl", pairs))])
    assert dict(audit.whole.languages) == {"English": 20, "German": 12, "Chinese": 1, "too short to tell": 7}
    assert audit.whole.in_other_language == 3
    (finding,) = [finding for finding in audit.findings if finding.key == "language"]
    assert finding.title == "3 answers are in another language than their prompt (7.5%)"
    assert (finding.mark, finding.examples[0].answer) == ("look", gesagt)
    done = run_asd("styles", tmp_path / "a.jsonl", "--fail-on", "language")
    assert done.code == 4
    assert "languages of the answers: English 50%, German 30%, too short to tell 18%, Chinese 2%" in done.out


def test_an_options_text_is_a_phrase_where_a_phrase_is_asked_for(tmp_path: Path) -> None:
    listed = "What is it?\nA. a cat\nB. a dog\n"
    pairs = [(f"{listed}{SHORT}", "a cat"), (listed.strip(), "a cat"), (f"{listed}{SHORT}", "A")]
    tally = audit_files([str(written(tmp_path / "a.jsonl", pairs))]).whole
    assert tally.forms == {Form.SHORT_ANSWER: 1, Form.MULTIPLE_CHOICE: 2}
    assert tally.contradictions == {(Form.SHORT_ANSWER, Form.MULTIPLE_CHOICE): 1}


def test_repeated_turns_and_other_answers_to_one_prompt(tmp_path: Path) -> None:
    pairs = (
        [("What is it?", "a cat")] * 20 + [("What is it?", "a dog")] + [(f"What is {n}?", "a cat") for n in range(20)]
    )
    audit = audit_files([str(written(tmp_path / "a.jsonl", pairs))])
    assert audit.whole.repeated() == (19, 1)


def test_pictures_are_told_apart_by_their_bytes_or_their_paths(tmp_path: Path) -> None:
    same = "A" * 300
    images: list[Any] = [
        {"path": "a.png", "bytes": b"1"}, {"path": "a.png", "bytes": b"2"}, {"path": "b.png", "bytes": b"1"},
        {"path": "a.png", "bytes": None},
    ]  # fmt: skip
    table = pa.table({"image": images, "question": ["What?"] * 4, "answer": ["a cat"] * 4})
    pq.write_table(table, tmp_path / "a.parquet")
    assert audit_files([str(tmp_path / "a.parquet")]).whole.repeated() == (1, 0)
    lines = [record("<image>\nWhat?", "a cat", n) | {"image": f"https://x/{same}{n % 2}"} for n in range(4)]
    write_lines(tmp_path / "long.jsonl", lines)
    assert audit_files([str(tmp_path / "long.jsonl")]).whole.repeated() == (2, 0)


def test_the_same_question_later_in_two_dialogues_is_no_repetition(tmp_path: Path) -> None:
    def dialogue(name: str) -> dict[str, Any]:
        said = (
            ("human", f"I am {name}."),
            ("gpt", f"Hello {name}."),
            ("human", "Thanks!"),
            ("gpt", "You are welcome."),
        )
        return {"id": name, "conversations": [{"from": role, "value": text} for role, text in said]}

    write_lines(tmp_path / "a.jsonl", [dialogue("Ann"), dialogue("Bob")])
    tally = audit_files([str(tmp_path / "a.jsonl")]).whole
    assert (tally.turns, tally.records, tally.repeated()) == (4, 2, (0, 0))


def test_files_are_mixed_by_weight(tmp_path: Path) -> None:
    verdicts = written(tmp_path / "v.jsonl", [(f"Is it {n}?\nAnswer Yes or No.", "Yes") for n in range(30)])
    phrases = written(tmp_path / "p.jsonl", [(f"What is {n}?\n{SHORT}", "a cat") for n in range(90)])
    audit = audit_files([str(verdicts), str(phrases)], weights=(3, 1))
    shares = {name: share for name, share in audit.whole.mixed.items() if share}
    assert shares == {"yes_no": 0.75, "short_answer": 0.25}
    (finding,) = audit.findings
    assert (finding.key, finding.mark, finding.share) == ("monoculture", "look", 0.75)
    assert run_asd("styles", verdicts, phrases, "--weights", "95,5", "--fail-on", "monoculture").code == 4


def test_a_folder_of_versions_and_one_with_an_empty_file(tmp_path: Path) -> None:
    for task in ("gqa", "scienceqa"):
        assert run_asd("convert", "--task", task, "--out", tmp_path / "data" / task).code == 0
    assert audit_files([str(tmp_path / "data")]).whole.turns == 240
    written(tmp_path / "some" / "a.jsonl", [("What?", "a cat")])
    (tmp_path / "some" / "empty.jsonl").touch()
    assert audit_files([str(tmp_path / "some")]).whole.turns == 1


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_that_is_exported_is_audited(name: str, tmp_path: Path) -> None:
    done = run_asd("convert", "--task", "scienceqa", "--ratio", "0.5", "--out", tmp_path / "data", "--json")
    data = json.loads(done.out)["path"]
    assert run_asd("export", data, "--to", name, "--out", tmp_path / "out").code == 0
    of_version = audit_files([data]).whole
    exported = audit_files([str(tmp_path / "out")]).whole
    for form in (Form.YES_NO, Form.BRIEF_EXPLANATION, Form.SHORT_ANSWER):
        assert exported.forms[form] == of_version.forms[form] > 0


@pytest.mark.parametrize(
    "lines",
    [
        [{"instruction": "What is it?", "input": "", "output": "a cat"}],
        [{"prompt": "What is it?", "completion": "a cat"}],
        [{"query": "What is it?", "response": "a cat"}],
        [{"question": "What is it?", "answer": "a cat"}],
        [
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "What is it?"}]},
                    {"role": "assistant", "content": "a cat"},
                ]
            }
        ],
    ],
)
def test_the_spellings_of_a_pair(lines: list[dict[str, Any]], tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", lines)
    assert audit_files([str(tmp_path / "a.jsonl")]).whole.forms == {Form.SHORT_ANSWER: 1}


def test_fields_of_other_names(tmp_path: Path) -> None:
    lines = [{"ask": f"What is {n}?", "said": {"best": [f"cat {n}", "x"]}, "output": "no"} for n in range(3)]
    write_lines(tmp_path / "a.jsonl", [*lines, {"ask": "Who?"}])
    done = run_asd("styles", tmp_path / "a.jsonl", "--question", "ask", "--answer", "said.best", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["all"]["answers"] == {"short_answer": 3}
    assert told["unread"]["examples"] == [f"{tmp_path}/a.jsonl:3: no text in field said.best (its fields: ask)"]
    one = run_asd("styles", tmp_path / "a.jsonl", "--question", "ask", "--json")
    assert json.loads(one.out)["all"]["answers"] == {"yes_no": 3}, "the answer stands in one of the usual fields"
    (tmp_path / "a.json").write_text(json.dumps({"rows": lines}))
    assert audit_files([str(tmp_path / "a.json")], question="ask", answer="said.best").whole.turns == 3
    wrong = run_asd("styles", tmp_path / "a.jsonl", "--question", "asked", "--answer", "said")
    assert wrong.code == 1
    assert "a.jsonl:0: no text in field asked, said (its fields: ask, said, output)" in wrong.err


def test_a_named_field_wins_over_a_conversation(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [record("What is it?", "a large cat that sleeps.") | {"q": "Is it?", "a": "Yes"}])
    assert audit_files([str(tmp_path / "a.jsonl")], question="q", answer="a").whole.forms == {Form.YES_NO: 1}


def test_the_command_prints_and_fails_as_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", [(f"What is {n}?\n{SHORT}", f"cat {n}") for n in range(50)])
    done = run_asd("styles", path)
    assert done.code == 0
    assert "short_answer (a number, a word, a phrase)" in done.out
    assert " bad  100% of the answers are short answer" in done.out
    failed = run_asd("styles", path, "--fail-on", "monoculture")
    assert (failed.code, failed.err) == (4, "--fail-on: found monoculture\n")
    assert run_asd("styles", path, "--fail-on", "duplicates").code == 0
    told = json.loads(run_asd("styles", path, "--json").out)
    assert told["all"]["answers"] == {"short_answer": 50}
    assert [finding["key"] for finding in told["findings"]] == ["monoculture"]


def test_the_page_is_whole_and_escaped(tmp_path: Path) -> None:
    asked = f"What is <script>alert(1)</script>?\n{SHORT}"
    path = written(tmp_path / "a.jsonl", [(asked, "It is a <b>large</b> cat that sleeps.")] * 30)
    assert run_asd("styles", path, "--html", tmp_path / "deep" / "page.html").code == 0
    page = (tmp_path / "deep" / "page.html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "30 of the 30 answers" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nowhere.json"],
            r"nowhere.json is not there. Give a file of fine-tuning data, a folder of them, or hf:NAME.",
        ),
        (["{file}", "--weights", "1,2"], "--weights 1,2: expected one number of 0 or more for each of the 1 files"),
        (["{file}", "--weights", "x"], "--weights x: expected one number"),
        (["{file}", "--fail-on", "mono"], "no finding named 'mono'; did you mean 'monoculture'?"),
        (["{picture}"], "is no file of records (JSON, JSON Lines, CSV, Parquet, Arrow, WebDataset)"),
        (["{empty}"], "holds no file that could be fine-tuning data"),
        (["{other}"], "Name the fields that hold them: --question FIELD --answer FIELD.\nother.jsonl:0: no question"),
        (["{other}"], "{'a': 1} (its fields: a)"),
        (["{none}"], "no question with its answer was found: it has no records"),
        ([], "give FILE, the data that you fine-tune on: asd styles train.jsonl"),
        (["{file}", "--question", ""], "--question '': give the name of the field, e.g. --question text"),
        (["{file}", "--answer", " "], "--answer '': give the name of the field"),
    ],
)
def test_what_cannot_be_audited_is_one_message(arguments: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    names = {"file": str(written(tmp_path / "a.jsonl", [("What?", "cat")])), "empty": str(tmp_path / "empty"),
             "other": str(tmp_path / "other.jsonl"), "picture": str(tmp_path / "a.png")}  # fmt: skip
    (tmp_path / "none.json").write_text("[]")
    names["none"] = str(tmp_path / "none.json")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(60))
    write_lines(tmp_path / "other.jsonl", [{"a": 1}, {"b": 2}])
    done = run_asd("styles", *(argument.format(**names) for argument in arguments))
    assert done.code in (1, 2)
    assert message in done.err.replace(f"{tmp_path}/", "")
    assert "Traceback" not in done.err


def test_records_that_are_not_read_are_counted_and_named(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [record("What is it?", "a cat"), {"a": 1}])
    done = run_asd("styles", tmp_path / "a.jsonl")
    assert "not read: 1 records" in done.out
    assert "a.jsonl:1: no question with its answer: {'a': 1}" in done.out


def test_of_many_fields_the_first_are_named(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [{f"f{number}": number for number in range(400)}])
    for options in ([], ["--question", "q", "--answer", "f0"]):
        assert "f28, f29, and 370 more)" in run_asd("styles", tmp_path / "a.jsonl", *options).err


def test_a_conversation_that_cannot_be_read_is_named_with_its_reason_in_words(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": {"text": "Hello."}}]
    write_lines(tmp_path / "a.jsonl", [record("What is it?", "a cat"), {"messages": turns}])
    done = run_asd("styles", tmp_path / "a.jsonl")
    assert "a.jsonl:1: turn 1 (counted from 0) needs from/value or role/content, both text)" in done.out


def test_a_line_that_is_nested_too_deeply_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        json.dumps(record("What is it?", "a cat")) + "\n" + "[" * 5000 + "]" * 5000 + "\n", "utf-8"
    )
    done = run_asd("styles", tmp_path / "a.jsonl")
    assert done.code == 0, done.err
    assert "nested too deeply" in done.out
    (tmp_path / "b.jsonl").write_text("{" + '"a":[' * 5000, "utf-8")
    done = run_asd("styles", tmp_path / "b.jsonl")
    assert done.code == 1
    assert "Traceback" not in done.err


def test_of_a_prompt_and_its_completion_only_the_completion_is_trained_on(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Is it red?"}, {"role": "assistant", "content": "yes"}]
    record = {
        "prompt": [*said, {"role": "user", "content": "Why?"}],
        "completion": [{"role": "assistant", "content": "Paint."}],
    }
    forms = audit_files([str(write_lines(tmp_path / "rows.jsonl", [record, {"messages": said}]))]).whole.forms
    assert +forms == {Form.SHORT_ANSWER: 1, Form.YES_NO: 1}
