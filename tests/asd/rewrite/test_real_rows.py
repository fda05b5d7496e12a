"""False alarms and catches of the checks, measured on what people wrote: figures that CHECKS.md quotes.

Texts of people stand in for good replies; the same texts beside a wrong answer, or for another image, for bad ones.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asd.makers.wording import as_sentence, collapse
from asd.rewrite.distractor_checks import DISTRACTOR_CHECKS, DistractorCase
from asd.rewrite.explanation_checks import EXPLANATION_CHECKS, ExplanationCase
from asd.rewrite.language import is_other_language
from asd.rewrite.meaning_checks import find_problems
from asd.rewrite.self_talk import find_self_talk
from asd.schemas.styles import AnswerStyle

pytestmark = pytest.mark.shared_data
BRIEF, DETAILED = AnswerStyle.BRIEF_EXPLANATION, AnswerStyle.DETAILED_EXPLANATION
OF_FORM = {"too_short", "too_long", "gold_missing", "wrong_verdict", "nothing_new"}
"""What people were never told to keep to."""


def shares(cases: Iterable[Any], checks: Any) -> dict[str, float]:
    counted: Counter[str] = Counter()
    total = 0
    for case in cases:
        total += 1
        counted.update(problem.slug for problem in find_problems(case, checks))
    assert total > 500
    return {check.slug: counted[check.slug] / total for check in checks}


def aokvqa(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    rows = json.loads((folder / "aokvqa/aokvqa_val_annotations.json").read_text("utf-8"))["annotations"]
    asked = json.loads((folder / "aokvqa/aokvqa_val_questions.json").read_text("utf-8"))["questions"]
    questions = {row["question_id"]: row["question"] for row in asked}
    for row in rows:
        yield questions[row["question_id"]], row["choices"][row["correct_choice_idx"]], row


def rationales(folder: Path, lead: str = "") -> Iterator[ExplanationCase]:
    for question, gold, row in aokvqa(folder):
        others = tuple(choice for choice in row["choices"] if choice != gold)
        for text in row["rationales"]:
            opening = lead.format(others[0]) if others else lead
            yield ExplanationCase(f"{opening}{as_sentence(text)}", gold, question, BRIEF, (), others)


def test_rationales_of_people_pass_what_they_could_know_of(shared_data: Path) -> None:
    failed = shares(rationales(shared_data), EXPLANATION_CHECKS)
    assert failed["option_letters"] < 0.01, "all of them do name letters"
    assert all(share < 0.002 for slug, share in failed.items() if slug not in {"option_letters", *OF_FORM})


def test_a_wrong_conclusion_is_caught(shared_data: Path) -> None:
    for lead in ("The correct answer is {}. ", "Here {} is the right answer. "):
        assert shares(rationales(shared_data, lead), EXPLANATION_CHECKS)["other_answer"] > 0.98


def test_worked_solutions_pass(shared_data: Path) -> None:
    def solutions() -> Iterator[ExplanationCase]:
        for row in json.loads((shared_data / "scienceqa/problems.json").read_text("utf-8")).values():
            if not row["solution"]:
                continue
            gold = collapse(row["choices"][row["answer"]])
            others = tuple(choice for choice in map(collapse, row["choices"]) if choice != gold)
            yield ExplanationCase(collapse(row["solution"]), gold, row["question"], DETAILED, (), others, row["hint"])

    failed = shares(solutions(), EXPLANATION_CHECKS)
    assert all(failed[slug] < 0.005 for slug in ("babble", "other_answer", "self_talk", "unfinished", "other_language"))


def test_options_of_people_are_mostly_fit(shared_data: Path) -> None:
    def options() -> Iterator[DistractorCase]:
        for question, gold, row in aokvqa(shared_data):
            wrong = [choice for choice in row["choices"] if choice != gold]
            for place, choice in enumerate(wrong):
                yield DistractorCase(choice, gold, (), tuple(wrong[:place]), question)

    failed = shares(options(), DISTRACTOR_CHECKS)
    assert failed["other_kind"] < 0.04 and failed["close_to_answer"] < 0.02
    assert all(share < 0.02 for slug, share in failed.items() if slug != "other_kind")


def test_what_any_annotator_answered_is_no_wrong_answer(shared_data: Path) -> None:
    vqax = list(json.loads((shared_data / "vqax/vqaX_val.json").read_text("utf-8")).values())
    answers = [list(dict.fromkeys(answer["answer"] for answer in row["answers"])) for row in vqax]
    several = [(row["question"], known) for row, known in zip(vqax, answers, strict=True) if len(known) > 1]

    def accepted() -> Iterator[DistractorCase]:
        for question, known in several:
            for answer in known[1:]:
                yield DistractorCase(answer, known[0], tuple(known), (), question)

    assert shares(accepted(), DISTRACTOR_CHECKS)["accepted_answer"] == 1.0


def test_self_talk_is_rare_where_people_write(shared_data: Path) -> None:
    texts = [text for _, _, row in aokvqa(shared_data) for text in row["rationales"]]
    vqax = json.loads((shared_data / "vqax/vqaX_val.json").read_text("utf-8")).values()
    texts += [text for row in vqax for text in row["explanation"]]
    texts += gzip.decompress((shared_data / "flickr30k/train.1.en.gz").read_bytes()).decode().splitlines()
    assert sum(map(bool, map(find_self_talk, texts))) < 0.001 * len(texts) and len(texts) > 10_000


def test_self_talk_is_found_where_models_speak_of_themselves(shared_data: Path) -> None:
    rows = json.loads((shared_data / "text_only/identity.json").read_text("utf-8"))
    english = [row["output"] for row in rows if row["output"].isascii()]
    assert all(map(find_self_talk, english)) and len(english) > 10


def test_german_captions_are_told_from_english_ones(shared_data: Path) -> None:
    english, german = (
        gzip.decompress((shared_data / f"flickr30k/train.1.{code}.gz").read_bytes()).decode().splitlines()
        for code in ("en", "de")
    )
    question = "What is the man in the picture doing, and where is he?"
    assert sum(is_other_language(text, question) for text in english) == 0
    pairs = list(zip(german[::2], german[1::2], strict=True))  # about as long as a brief explanation
    assert sum(is_other_language(f"{one}. {other}.", question) for one, other in pairs) > 0.9 * len(pairs)


def test_descriptions_of_other_images_are_told_from_those_of_the_same(shared_data: Path) -> None:
    captions = [
        gzip.decompress((shared_data / f"flickr30k/train.{number}.en.gz").read_bytes()).decode().splitlines()
        for number in range(1, 6)
    ]

    def described(shift: int) -> Iterator[ExplanationCase]:
        for place in range(0, len(captions[0]), 4):
            text = captions[0][(place + shift) % len(captions[0])]
            told = [one[place] for one in captions[1:]]
            yield ExplanationCase(as_sentence(text), told[0], told[0], BRIEF, tuple(told), is_description=True)

    same, other = (shares(described(shift), EXPLANATION_CHECKS)["object_missing"] for shift in (0, 101))
    assert same < 0.04 and other > 0.5
