"""Two tasks whose sources use the same record ids are two tasks: nothing of one is taken for the other's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asd
from asd_training.config import build_config
from asd_training.data import load_tasks
from asd_training.evaluation.prediction_rows import read_predictions
from asd_training.inputs import RunInputs
from asd_training.loop import run
from tests.training.run_settings import make_settings
from tests.training.tiny_tasks import write_colours


def two_of_one_kind(root: Path, **settings: Any) -> dict[str, Any]:
    """Tasks `cats` and `dogs`, both converted as vqav2, with records c0, c1, ... of their own pictures and questions."""
    given = make_settings(root, method={"method": "zero-shot"}, **settings)
    tasks = []
    for name, asked in (("cats", "What colour is it?"), ("dogs", "Which colour do you see?")):
        source = write_colours(root / f"same-{name}", train=6, test=6)
        if name == "dogs":
            for file in source.glob("*.json"):
                file.write_text(file.read_text().replace("What colour is it?", asked))
        for split in ("train", "test"):
            asd.convert(task="vqav2", source=source, image_root=source, split=split, ratio=0.0,
                        out=root / f"same-asd/{name}-{split}", workers=1)  # fmt: skip
        made = {split: str(root / f"same-asd/{name}-{split}") for split in ("train", "test")}
        tasks.append({"task": name, "scorer": "single_string", **made})
    given["data"] = {"root": str(root), "tasks": tasks}
    return given


def test_each_task_is_asked_its_own_questions(workshop: Path) -> None:
    given = two_of_one_kind(workshop, name="same-ids")
    config = build_config(given)
    cats, dogs = load_tasks(config.data, train=False)
    assert [row["id"] for row in cats.test] == [row["id"] for row in dogs.test]
    inputs = RunInputs(config, [cats, dogs])
    for task, asked in ((cats, "What colour is it?"), (dogs, "Which colour do you see?")):
        for row, encoded in zip(task.test, inputs.questions(list(task.test), task.test_image_root), strict=True):
            if row["images"]:
                assert asked in inputs.tokenizer.decode(encoded.ids)


def test_answers_do_not_depend_on_the_cache(workshop: Path) -> None:
    texts = {}
    for cache_mb in (0, 64):
        config = build_config(two_of_one_kind(workshop, name=f"same-ids-{cache_mb}", train={"cache_mb": cache_mb}))
        run(config, lambda text: None)
        found = [read_predictions(path) for path in sorted((config.run_dir / "predictions").rglob("*.arrow"))]
        texts[cache_mb] = [[(row["task"], row["prompt"], row["text"]) for row in rows] for rows in found]
    assert texts[0] == texts[64]
