"""What a run says before it begins: lengths with picture tokens, rows that do not fit or cannot be read, settings."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image

from asd.errors import FINDING
from asd_training.cli.main import main
from asd_training.config import ModelConfig, build_config
from asd_training.data import Rows
from asd_training.encoding import Encoder
from asd_training.errors import TaskDataError
from asd_training.lengths import RowLengths
from asd_training.loop import check, run
from asd_training.models import load_processor
from asd_training.prompt_format import PromptFormat
from tests.training.run_settings import make_settings
from tests.training.tiny_models import BUILDERS

MESSAGE = pa.struct({"role": pa.string(), "content": pa.string()})
IMAGE = pa.struct({"path": pa.string(), "bytes": pa.binary()})


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("models")
    return {name: load_processor(ModelConfig(name=str(BUILDERS[name](root / name)))) for name in BUILDERS}


def png(size: tuple[int, int], mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, "png")
    return file.getvalue()


def rows(*made: tuple[str, str, list[bytes]]) -> Rows:
    """Of question, answer and pictures."""
    table = {
        "id": [f"t/train/{number}" for number in range(len(made))],
        "images": pa.array(
            [[{"path": f"{n}.png", "bytes": data} for data in pictures] for n, (_, _, pictures) in enumerate(made)],
            pa.list_(IMAGE),
        ),
        "messages": pa.array(
            [
                [
                    {"role": "user", "content": "<image>\n" * len(pictures) + asked},
                    {"role": "assistant", "content": said},
                ]
                for asked, said, pictures in made
            ],
            pa.list_(MESSAGE),
        ),
        "response": [said for _, said, _ in made],
        "style": ["short_answer"] * len(made),
    }
    return Rows(pa.table(table))


def lengths(processor: Any, found: Rows, **settings: Any) -> RowLengths:
    return RowLengths(found, Encoder(processor, PromptFormat(processor), **settings))


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_tokens_are_counted_as_they_will_be(models: dict[str, Any], name: str) -> None:
    """From sizes alone, what encoding makes of the pictures themselves."""
    shapes = [(20, 12), (64, 64), (300, 40), (33, 150)]
    found = rows(("a?", "b", []), *(("What?", "it is red", [png(shape)]) for shape in shapes),
                 ("Both?", "", [png(shape) for shape in shapes[:2]]))  # fmt: skip
    counted = lengths(models[name], found)
    exact = [len(counted.encoder.example(row).ids) for row in found]
    assert [counted.tokens(number) for number in range(len(found))] == exact
    measured, wrong = counted.measure()
    assert (measured.shortest, measured.longest, measured.empty_answers, wrong) == (min(exact), max(exact), 1, None)


def test_a_large_picture_is_told_with_what_helps(models: dict[str, Any]) -> None:
    found = rows(("What?", "red", [png((20, 12))]), ("What?", "red", [png((2000, 2000))]))
    counted = lengths(models["qwen2_vl"], found, max_length=24)
    longest = counted.tokens(1)
    measured, wrong = counted.measure()
    assert measured.too_long == 1
    assert wrong == (
        f"row t/train/1 has {longest} tokens, 15 of them of its picture of 2000 x 2000 pixels; train.max_length is 24: set "
        f"it to {longest} or more, or leave the row out, or name a processor that makes fewer tokens of a picture "
        "(model.processor)"
    )


def test_what_cutting_helps_and_what_not(models: dict[str, Any]) -> None:
    found = rows(("a?", "b" * 60, []), ("a?", "b" * 70, []))
    _, wrong = lengths(models["llava"], found, max_length=40).measure()
    assert (
        wrong is not None and "or set train.overlong to 'cut' to lose the answers' ends (2 rows are too long" in wrong
    )
    measured, wrong = lengths(models["llava"], found, max_length=40, overlong="cut").measure()
    assert (measured.cut, measured.too_long, wrong) == (2, 0, None)
    _, wrong = lengths(models["llava"], rows(("a" * 80, "b", [])), max_length=40, overlong="cut").measure()
    assert wrong is not None and wrong.endswith("or leave the row out")  # nothing of the answer would be left


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (png((20_000, 20_000), "1"), "it has more than 100,000,000 pixels"),
        (b"GIF89a", "it is no image"),
        (b"", "it is no image|it is empty|cannot be read"),
    ],
)
def test_pictures_that_cannot_be_used_are_told_with_their_row(
    models: dict[str, Any], tmp_path: Path, picture: bytes, message: str
) -> None:
    found = rows(("What?", "red", [png((8, 8))]), ("What?", "red", [picture]))
    if not picture:
        (tmp_path / "1.png").write_bytes(picture)
    with pytest.raises(TaskDataError, match=rf"row t/train/1: the image .* cannot be read: ({message})"):
        lengths(models["llava"], found, image_root=tmp_path).require_readable()


def test_special_tokens_in_questions_are_found_before_training(models: dict[str, Any]) -> None:
    found = rows(("What is <b>?", "</s>", []), ("What does </s> mean?", "an end", []))
    with pytest.raises(TaskDataError, match=r"row t/train/1: its question holds '</s>'"):
        lengths(models["llava"], found).require_readable()


def test_check_says_what_a_run_says_and_keeps(
    workshop: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = make_settings(workshop, name="checked", method={"method": "seq-lora"}, train={"steps": 1})
    settings["data"]["tasks"] = settings["data"]["tasks"][:1]
    (tmp_path / "run.yaml").write_text(json.dumps(settings))
    main_ok("check", str(tmp_path / "run.yaml"))
    text = capsys.readouterr().out
    assert "prompts    the processor's chat template; an answer ends with </s>" in text
    assert "Q: [<image> x 4]\\nWhat colour is it?" in text and "A:« " in text and "</s>»" in text
    assert "steps      01-vqav2: 1 of 4 rows, from 24 rows" in text and "GiB on the device" in text
    assert not Path(settings["out"]).exists()
    said: list[str] = []
    run(build_config(settings), said.append)
    assert said[0] == text.rstrip("\n")
    kept = json.loads((Path(settings["out"]) / "preflight.json").read_text())
    main_ok("check", str(tmp_path / "run.yaml"), "--json")
    assert json.loads(capsys.readouterr().out) == {**kept, "problems": []}
    main_ok("report", settings["out"])
    assert "What colour is it?" in (Path(settings["out"]) / "report.html").read_text()


def main_ok(*arguments: str) -> None:
    try:
        main(list(arguments))
    except SystemExit as stopped:
        assert not stopped.code


def test_check_lists_all_that_is_wrong(workshop: Path, tmp_path: Path) -> None:
    settings = make_settings(workshop, name="wrong", train={"max_length": 80})
    found = check(build_config(settings))
    assert [problem.partition(":")[0] for problem in found.problems] == ["task 'vqav2'", "task 'scienceqa'"]
    (tmp_path / "run.yaml").write_text(json.dumps(settings))
    with pytest.raises(SystemExit) as stopped:
        main(["check", str(tmp_path / "run.yaml")])
    assert stopped.value.code == FINDING
