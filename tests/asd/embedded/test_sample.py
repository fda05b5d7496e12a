"""The embedded sample: small, the same every time, readable as the layout it claims, and true."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from asd.embedded import EMBEDDED_TASKS, scenes, write_sample
from asd.embedded.lettering import ask_about_book, make_book, make_sign
from asd.embedded.science import make_problem
from asd.errors import UnknownNameError
from asd.schemas.task import TaskSpec
from asd.sources.llava import batches

KINDS = {
    "scienceqa": ("multiple_choice", "science"),
    "imagenet": ("short_answer", "classification"),
    "grounding": ("bounding_box", "grounding"),
}


def read_rows(path: Path, task: str) -> list[dict[str, Any]]:
    style, family = KINDS.get(task, ("short_answer", "vqa"))
    spec = TaskSpec.model_validate(
        {
            "name": task,
            "title": task,
            "native_style": style,
            "family": family,
            "scorer": "-",
            "licence": "-",
            "citation": "-",
        }
    )
    found = list(batches(path, path.name, spec, batch_rows=1000))
    assert [reject for batch in found for reject in batch.rejects] == []
    return [row for batch in found for row in batch.table.to_pylist()]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("task", EMBEDDED_TASKS)
def test_sample_is_small_whole_and_repeatable(task: str, tmp_path: Path) -> None:
    path = write_sample(task, tmp_path / "a")
    files = files_of(tmp_path / "a")
    assert sum(map(len, files.values())) < 1_000_000
    write_sample(task, tmp_path / "b")
    assert files_of(tmp_path / "b") == files
    write_sample(task, tmp_path / "c", seed=1)
    assert files_of(tmp_path / "c") != files

    rows = read_rows(path, task)
    assert len(rows) == 120
    assert len({row["source_id"] for row in rows}) == 120
    assert all(row["rfp"] and row["question"] and row["gold"] for row in rows)
    assert {image for row in rows for image in row["images"]} == files.keys() - {"train.json"}
    for row in rows:
        for name in row["images"]:
            with Image.open(tmp_path / "a" / name) as image:
                assert max(image.size) <= 128


@pytest.mark.parametrize("task", ["gqa", "vqav2", "ocrvqa", "grounding"])
def test_some_tasks_ask_several_questions_of_an_image(task: str, tmp_path: Path) -> None:
    rows = read_rows(write_sample(task, tmp_path), task)
    assert max(row["turn"] for row in rows) == 2


def test_the_number_of_rows_is_exact(tmp_path: Path) -> None:
    assert len(read_rows(write_sample("gqa", tmp_path, rows=7), "gqa")) == 7


def test_more_rows_keep_the_first_records(tmp_path: Path) -> None:
    few = json.loads(write_sample("vizwiz", tmp_path / "a", rows=5).read_text())
    many = json.loads(write_sample("vizwiz", tmp_path / "b", rows=9).read_text())
    assert many[:5] == few


def test_unknown_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no embedded task named 'gqaa'; did you mean 'gqa'"):
        write_sample("gqaa", tmp_path)


def test_wrong_answers_can_be_mined(tmp_path: Path) -> None:
    for task in EMBEDDED_TASKS:
        golds = {row["gold"] for row in read_rows(write_sample(task, tmp_path / task), task)}
        assert len(golds) >= 12, task


def test_scienceqa_has_every_shape_of_problem(tmp_path: Path) -> None:
    rows = read_rows(write_sample("scienceqa", tmp_path), "scienceqa")
    assert {len(row["options"]) for row in rows} == {2, 3, 4, 5}
    assert {(bool(row["images"]), bool(row["context"])) for row in rows} == {
        (True, True),
        (True, False),
        (False, True),
        (False, False),
    }
    assert all(row["solution"] and row["gold"] == row["options"][row["answer_index"]] for row in rows)
    assert all(row["response"] in "ABCDE" for row in rows)


def test_vizwiz_has_questions_that_cannot_be_answered(tmp_path: Path) -> None:
    golds = [row["gold"] for row in read_rows(write_sample("vizwiz", tmp_path), "vizwiz")]
    assert 10 <= golds.count("unanswerable") <= 50


@pytest.mark.parametrize("number", range(40))
def test_boxes_enclose_the_drawn_shape(number: int) -> None:
    scene = scenes.make_scene(Random(number))
    image = scenes.draw_scene(scene)
    for shape in scene.shapes:
        colour = scenes.COLOURS[shape.colour]
        pixels = [
            (x, y)
            for x in range(shape.box[0] - 4, shape.box[2] + 5)
            for y in range(shape.box[1] - 4, shape.box[3] + 5)
            if 0 <= x < scenes.WIDTH and 0 <= y < scenes.HEIGHT and image.getpixel((x, y)) == colour
        ]
        found = (
            min(x for x, _ in pixels),
            min(y for _, y in pixels),
            max(x for x, _ in pixels),
            max(y for _, y in pixels),
        )
        assert all(abs(a - b) <= 1 for a, b in zip(found, shape.box, strict=True)), shape


def test_square_box() -> None:
    assert scenes.square_box((0, 0, 128, 96), 128, 96) == "[0.00,0.12,1.00,0.88]"
    assert scenes.square_box((48, 0, 96, 96), 96, 96) == "[0.50,0.00,1.00,1.00]"


@pytest.mark.parametrize("number", range(60))
def test_answers_are_true_of_the_scene(number: int) -> None:
    scene = scenes.make_scene(Random(number))
    names = {shape.name for shape in scene.shapes}
    assert len(names) == len(scene.shapes)
    askers = tuple(dict.fromkeys(scenes.ABOUT_COUNTS + scenes.ABOUT_RELATIONS))
    for question, answer in scenes.ask_questions(scene, Random(number), 20, askers):
        words = question.rstrip("?").split()
        match words:
            case ["What", "colour", "is", "the", kind]:
                assert f"{answer} {kind}" in names
            case ["Which", "shape", "is", colour]:
                assert f"{colour} {answer}" in names
            case ["How", "many", "shapes", *_]:
                assert int(answer) == len(names)
            case ["How", "big", "is", "the", colour, kind, *_]:
                assert answer == next(
                    shape.size for shape in scene.shapes if f"{colour} {kind.strip(',')}" == shape.name
                )
            case ["How", "many", what, *_]:
                one = "cross" if what == "crosses" else what.removesuffix("s")
                assert int(answer) == sum(one in (shape.kind, shape.colour) for shape in scene.shapes)
            case ["Is", "there", _, colour, kind]:
                assert (answer == "yes") == (f"{colour} {kind}" in names)
            case ["Is", "the", c1, k1, "left", "of", "the", c2, k2]:
                x = {shape.name: shape.x for shape in scene.shapes}
                assert (answer == "yes") == (x[f"{c1} {k1}"] < x[f"{c2} {k2}"])
            case ["In", "which", *_]:
                assert answer in ("left", "middle", "right")
            case _:
                assert answer in names, question


def test_texts_to_read_hold_their_answers() -> None:
    for number in range(200):
        sign = make_sign(Random(number))
        assert sign.answer.lower() in " ".join(sign.lines).lower()
        book = make_book(Random(number))
        for question, answer in ask_about_book(book, Random(number)):
            assert answer in (book.title, book.author, book.genre) or question.startswith("Does")


def test_options_are_distinct_and_the_solution_names_the_right_one() -> None:
    for number in range(300):
        problem = make_problem(Random(number))
        assert len(set(problem.options)) == len(problem.options)
        assert problem.options[problem.answer].lower() in problem.solution.lower()
