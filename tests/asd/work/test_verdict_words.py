"""Yes and no are spelt in one way throughout a version, the source's, and prompts name them so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import asd
from asd.styles.wording import with_verdicts


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
