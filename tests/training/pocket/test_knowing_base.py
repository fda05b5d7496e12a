"""The base that is told every fact: the same rules for pictures, more facts; the shipped base's corpus stays as it is."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
import yaml

pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

import asd
from asd_training.errors import ModelError
from asd_training.pocket import drawing
from asd_training.pocket.base_model import base_folder, checksum, raise_further
from asd_training.pocket.corpus import make_examples, picture_example, text_example
from asd_training.pocket.tasks import RFP_BOX, RFP_LETTER, RFP_SHORT
from asd_training.pocket.words import CATEGORIES


def test_the_corpus_of_the_shipped_base_is_as_it_was() -> None:
    digest = sha256()
    for with_picture in (True, False):
        for one in make_examples(300, 0, with_picture=with_picture):
            digest.update(repr((one.prompt, one.answer)).encode())
    assert digest.hexdigest() == "f037c2f47a3a5c32fab69225c2b19b396ea7e570c420355dd40f69d6dccdb47a"


def test_pictures_are_only_answered_in_sentences() -> None:
    examples = [picture_example(Random(n), "all") for n in range(600)]
    assert all(one.image is not None and one.answer.endswith(".") and " " in one.answer for one in examples)


def test_it_is_not_drilled_with_the_prompts_of_the_tasks_or_of_asd() -> None:
    defaults = yaml.safe_load((Path(asd.__file__).parent / "tasks" / "_defaults.yaml").read_text("utf-8"))
    drilled = {prompt for prompts in defaults["rfps"].values() for prompt in prompts} | {RFP_SHORT, RFP_LETTER, RFP_BOX}
    examples = [make(Random(n), "all") for make in (picture_example, text_example) for n in range(300)]
    assert not any(prompt in one.prompt for one in examples for prompt in drilled)


def test_it_is_told_every_name_and_every_science_fact() -> None:
    answers = " ".join(picture_example(Random(n), "all").answer for n in range(1500))
    assert {name for name in drawing.OBJECTS if name.lower() in answers.lower().split()} == set(drawing.OBJECTS)
    told = {text_example(Random(n), "all").answer for n in range(6000)}
    assert {f"{word.capitalize()} is a {kind}." for kind, words in CATEGORIES.items() for word in words} <= told


def test_corners_in_sentences_are_those_of_a_box_in_the_picture() -> None:
    said = [one.answer for n in range(600) if " stands between " in (one := picture_example(Random(n), "all")).answer]
    assert len(said) > 10
    for sentence in said:
        left, top, right, bottom = map(float, re.findall(r"\d\.\d\d", sentence))
        assert round(drawing.SIZE * (right - left)) == round(drawing.SIZE * (bottom - top))
        assert round(drawing.SIZE * (right - left)) in (10, 12, 14)


def test_a_start_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"has no model\.safetensors; name a folder that `asd-train pocket base` wrote"
    ):
        raise_further(tmp_path / "new", start=tmp_path)


def test_it_is_raised_further_from_a_base(tmp_path: Path) -> None:
    from transformers import AutoModelForImageTextToText

    recipe = raise_further(tmp_path / "knowing", steps=3, examples=70, say=lambda text: None)
    assert recipe["facts"] == "all"
    assert recipe["start"] == checksum(base_folder())["sha256"]
    assert recipe["sha256"] == checksum(tmp_path / "knowing")["sha256"] != recipe["start"]
    before, after = (
        dict(AutoModelForImageTextToText.from_pretrained(folder).named_parameters())
        for folder in (base_folder(), tmp_path / "knowing")
    )
    changed = {name for name in before if not before[name].equal(after[name])}
    assert any("language_model" in name for name in changed)
    assert not any("vision_tower" in name for name in changed)
