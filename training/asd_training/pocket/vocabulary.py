"""Every text that the tokenizer must know by heart: the tasks as ASD converts them, ASD's prompts, the base's corpus."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import yaml

import asd
from asd_training.pocket import TASKS
from asd_training.pocket.corpus import REQUESTS, make_examples
from asd_training.pocket.data import write_tasks
from asd_training.pocket.drawing import SIZE
from asd_training.pocket.tokenizer import CHAT_TEMPLATE
from asd_training.pocket.words import AUTHORS, CATEGORIES, GENRES, SIGN_WORDS, TITLES

ROWS = 400


def all_texts(seed: int) -> Iterator[str]:
    yield CHAT_TEMPLATE
    yield from (f" {edge / SIZE:.2f}\n{edge / SIZE:.2f}" for edge in range(SIZE + 1))
    for words in (AUTHORS, GENRES.values(), SIGN_WORDS, TITLES, *CATEGORIES.values()):
        yield from (f" {word}\n{word}\n {word.capitalize()}\n{word.capitalize()}" for word in words)
    yield from (f"{request}\n {request}" for requests in REQUESTS.values() for request in requests)
    for with_picture in (False, True):
        yield from (
            f"{example.prompt}\n {example.answer}" for example in make_examples(6000, seed, with_picture=with_picture)
        )
    yield from _prompts_of_asd()
    yield from _converted_tasks(seed)


def _prompts_of_asd() -> Iterator[str]:
    defaults = yaml.safe_load(resources.files("asd.tasks").joinpath("_defaults.yaml").read_text("utf-8"))
    for prompts in defaults["rfps"].values():
        yield from prompts


def _converted_tasks(seed: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_tasks(root / "raw", train=ROWS, test=60, seed=seed)
        for task in TASKS:
            for ratio in (0.0, 1.0):
                done = asd.convert(
                    task=task, source=str(root / "raw" / task), ratio=ratio, seed=seed, workers=1,
                    out=root / "asd" / task, image_root=root / "raw",
                )  # fmt: skip
                for row in asd.load(f"{done.path}@{done.number}"):
                    yield f"{row['prompt']}\n {row['response']}"
