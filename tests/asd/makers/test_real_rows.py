"""Makers on real annotation rows: every draft that is made passes every check of its style, evenly dealt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from maker_samples import make_spec

from asd.makers.distractors import DistractorIndex
from asd.makers.drafting import MakerContext, draft
from asd.makers.rendering import RenderContext, render
from asd.records import Draft, Sample
from asd.schemas.styles import AnswerStyle
from asd.styles.checking import check
from asd.styles.style_rows import Rendered
from asd.templating import TemplateSet

Reader = Callable[[Path], Iterator[Sample]]
pytestmark = pytest.mark.shared_data


def scienceqa(folder: Path) -> Iterator[Sample]:
    problems = json.loads((folder / "scienceqa" / "problems.json").read_text(encoding="utf-8"))
    for pid, row in list(problems.items())[:400]:
        gold = row["choices"][row["answer"]]
        yield Sample(
            pid,
            row["question"],
            gold,
            images=["image.png"] if row["image"] else [],
            context=row["hint"],
            options=row["choices"],
            answer_index=row["answer"],
            accepted=[gold],
            solution=row["solution"] or None,
        )


def vqax(folder: Path) -> Iterator[Sample]:
    rows = json.loads((folder / "vqax" / "vqaX_val.json").read_text(encoding="utf-8"))
    for question_id, row in list(rows.items())[:400]:
        answers = [answer["answer"] for answer in row["answers"]]
        gold = Counter(answers).most_common(1)[0][0]
        accepted = list(dict.fromkeys([gold, *answers]))
        yield Sample(
            question_id,
            row["question"],
            gold,
            images=[row["image_name"]],
            accepted=accepted,
            rationales=row["explanation"],
        )


def convert(samples: list[Sample], style: AnswerStyle, family: str) -> list[Rendered]:
    spec = make_spec(family)
    rows_to_mine = [(number, sample.question, sample.gold, None) for number, sample in enumerate(samples)]
    maker_context = MakerContext(spec, 0, DistractorIndex.build(rows_to_mine, seed=0))
    render_context = RenderContext.build(spec, 0, TemplateSet())
    rows = []
    for sample in samples:
        made = draft(sample, style, maker_context)
        if isinstance(made, Draft):
            dealt = sum(bool(row.candidate) for row in rows)
            rows.append(render(sample, made, dealt % 2, render_context))
            assert check(rows[-1], sample, made) == [], sample.source_id
    return rows


@pytest.mark.parametrize(
    ("read", "family", "style", "share"),
    [
        (scienceqa, "science", AnswerStyle.YES_NO, 0.95),
        (scienceqa, "science", AnswerStyle.SHORT_ANSWER, 0.3),
        (scienceqa, "science", AnswerStyle.BRIEF_EXPLANATION, 0.4),
        (scienceqa, "science", AnswerStyle.DETAILED_EXPLANATION, 0.5),
        (vqax, "vqa", AnswerStyle.YES_NO, 0.83),
        (vqax, "vqa", AnswerStyle.MULTIPLE_CHOICE, 0.53),
        (vqax, "vqa", AnswerStyle.BRIEF_EXPLANATION, 0.92),
        (vqax, "vqa", AnswerStyle.DETAILED_EXPLANATION, 0.8),
    ],
)
def test_most_real_rows_convert_and_all_pass(
    shared_data: Path, read: Reader, family: str, style: AnswerStyle, share: float
) -> None:
    samples = list(read(shared_data))
    assert len(convert(samples, style, family)) >= share * len(samples)


def test_free_polarity_is_even_on_real_rows(shared_data: Path) -> None:
    rows = convert(list(scienceqa(shared_data)), AnswerStyle.YES_NO, "science")
    dealt = Counter(row.response for row in rows if row.candidate)
    assert abs(dealt["Yes"] - dealt["No"]) <= 1
