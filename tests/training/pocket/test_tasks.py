"""The drawn tasks: same arguments, same bytes; true answers; read by ASD without a reject."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from random import Random

import numpy as np
import pytest
import yaml

import asd
from asd.resources import pipelines_dir
from asd.schemas.answers import parse_response
from asd.schemas.boxes import read_answer
from asd.schemas.styles import AnswerStyle
from asd.tasks.registry import load_task
from asd_training.config import DataConfig, load_config
from asd_training.pocket import TASKS
from asd_training.pocket.corpus import REQUESTS, picture_example, text_example
from asd_training.pocket.data import SIZES, write_tasks
from asd_training.pocket.drawing import SIZE, draw_scene, make_scene
from asd_training.pocket.questions import ABOUT_COUNTS, ABOUT_RELATIONS
from asd_training.pocket.tasks import RFP_BOX, RFP_LETTER, RFP_SHORT, make_record
from asd_training.pocket.words import AUTHORS, COLOURS, SIGN_WORDS, TITLES


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pocket")
    write_tasks(folder, train=40, test=10, seed=3)
    return folder


def digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def test_same_arguments_same_bytes(drawn: Path, tmp_path: Path) -> None:
    write_tasks(tmp_path, train=40, test=10, seed=3)
    assert digest(tmp_path) == digest(drawn)
    assert make_record("gqa", "train", 0, 3).turns != make_record("gqa", "train", 0, 4).turns


def test_a_longer_file_begins_with_the_shorter_ones_records(drawn: Path, tmp_path: Path) -> None:
    write_tasks(tmp_path, train=60, test=10, seed=3)
    for task in ("scienceqa", "textvqa", "imagenet", "vizwiz"):
        short, long = (json.loads((folder / task / "train.json").read_text()) for folder in (drawn, tmp_path))
        assert long[: len(short)] == short


@pytest.mark.parametrize("task", TASKS)
def test_asd_reads_every_question(task: str, drawn: Path, tmp_path: Path) -> None:
    done = asd.convert(task=task, source=str(drawn / task), image_root=drawn, ratio=0.0, out=tmp_path, workers=1)
    rows = list(asd.load(f"{done.path}@{done.number}"))
    style = load_task(task).native_style
    assert not done.manifest.counts.rejects
    counts = {split: sum(row["split"] == split for row in rows) for split in ("train", "test")}
    assert counts == {"train": round(40 * SIZES[task]), "test": 10}
    assert all(parse_response(AnswerStyle(style), row["response"], options=row["options"]) for row in rows)
    assert all((drawn / image["path"]).is_file() for row in rows for image in row["images"])


def test_a_later_task_can_ask_for_boxes(drawn: Path, tmp_path: Path) -> None:
    """As pipelines/pocket/boxes-asd.yaml has it: of a scene, one of the shapes with its own box."""
    entry = load_config(pipelines_dir() / "pocket" / "boxes-asd.yaml").data.tasks[1]
    source = drawn / entry.task
    done = asd.convert(
        task=entry.task, source=str(source), split="train", styles=entry.styles, ratio=0.5, out=tmp_path, workers=1
    )
    rows = [row for row in asd.load(done.path) if row["style"] == "bounding_box"]
    assert len(rows) == pytest.approx(len(list(asd.load(done.path))) / 8, abs=1)
    scenes = {record["id"]: record["regions"] for record in json.loads((source / "train.json").read_text())}
    for row in rows:
        boxes = {f"the {one['name']}": one["box"] for one in scenes[row["group"]]}
        assert boxes[row["question"]] == row["response"]


def test_styles_of_a_task_need_a_conversion() -> None:
    with pytest.raises(ValueError, match=r"task 'gqa' has styles, but nothing is to be converted; set data.convert"):
        DataConfig(tasks=[{"task": "gqa", "styles": ["yes_no"]}])


def test_tasks_with_short_answers_share_one_prompt() -> None:
    prompts = {task: make_record(task, "train", 0, 0).turns[0][0] for task in TASKS}
    assert {task for task, prompt in prompts.items() if prompt.endswith(RFP_SHORT)} == set(TASKS) - {
        "scienceqa",
        "grounding",
    }
    assert prompts["scienceqa"].endswith(RFP_LETTER)
    assert prompts["grounding"].startswith(RFP_BOX)


@pytest.mark.parametrize("seed", range(20))
def test_a_box_encloses_the_pixels_of_its_shape(seed: int) -> None:
    random = Random(seed)
    scene = make_scene(random, 1, 1)
    pixels = np.asarray(draw_scene(scene, random))
    rows, columns = np.nonzero((pixels == COLOURS[scene[0].colour]).all(-1))
    box = read_answer(scene[0].box_text)
    assert box is not None
    assert np.allclose(np.multiply(box, SIZE), (columns.min(), rows.min(), columns.max(), rows.max()), atol=1.01)


@pytest.mark.parametrize("seed", range(30))
def test_answers_are_true_of_the_scene(seed: int) -> None:
    random = Random(seed)
    scene = make_scene(random)
    for asker in (*ABOUT_RELATIONS, *ABOUT_COUNTS):
        if (asked := asker(scene, random)) is None:
            continue
        named = [shape for shape in scene if shape.name in asked.question]
        if asked.question.startswith("Is there"):
            assert (asked.answer == "yes") == bool(named)
        elif asked.question.startswith("How many shapes"):
            assert int(asked.answer) == len(scene)
        elif "left of" in asked.question:
            first, second = sorted(named, key=lambda shape: asked.question.index(shape.name))
            assert (asked.answer == "yes") == (first.x < second.x)
        if asked.answer not in ("yes", "no"):
            assert asked.answer in asked.sentence


def test_lettering_fits_on_a_line() -> None:
    assert max(map(len, (*SIGN_WORDS, *TITLES, *AUTHORS))) <= 6


def test_the_base_is_not_drilled_with_the_prompts_of_the_tasks_or_of_asd() -> None:
    defaults = yaml.safe_load((Path(asd.__file__).parent / "tasks" / "_defaults.yaml").read_text("utf-8"))
    drilled = {prompt for prompts in defaults["rfps"].values() for prompt in prompts} | {RFP_SHORT, RFP_LETTER, RFP_BOX}
    requests = {request for group in REQUESTS.values() for request in group}
    assert not requests & drilled
    texts = [text_example(Random(n)) for n in range(300)] + [picture_example(Random(n)) for n in range(300)]
    assert not any(prompt in one.prompt for one in texts for prompt in drilled)


def test_the_base_only_answers_about_pictures_in_sentences() -> None:
    examples = [picture_example(Random(n)) for n in range(300)]
    assert all(one.image is not None and one.answer.endswith(".") and " " in one.answer for one in examples)


def test_every_pocket_run_names_its_own_file() -> None:
    paths = [path for path in (pipelines_dir() / "pocket").glob("*.yaml") if not path.name.startswith("_")]
    both = {"seq-lora", "replay", "ewc", "o-lora", "moelora", "continual-llava"}
    names = {"reglora", "sefe", "joint", "zero-shot", "quick", *both, *(f"{name}-asd" for name in both)}
    assert {path.stem for path in paths} >= names
    for name in both:
        plain, asd = (load_config(pipelines_dir() / "pocket" / f"{name}{end}.yaml") for end in ("", "-asd"))
        assert (plain.method, plain.train) == (asd.method, asd.train)
        assert (plain.data.convert.ratio, asd.data.convert.ratio) == (0.0, 0.2)
    for path in paths:
        assert path.read_text("utf-8").startswith(f"# asd-train run pipelines/pocket/{path.name}\n")
        assert load_config(path).name == f"pocket-{path.stem}"
