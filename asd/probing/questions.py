"""Where a probe's questions come from: drawn by this package, rows of versions, or one's own rows in every style."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from asd.conversion.config import ConvertConfig
from asd.conversion.convert import convert
from asd.plan.capability import makeable_styles
from asd.probing.items import ProbeItem
from asd.quality.keyed_sample import KeyedSample
from asd.schemas.answers import parse_yes_no
from asd.schemas.boxes import read_answer
from asd.schemas.styles import AnswerStyle
from asd.shards.files import write_bytes
from asd.shards.reader import read_batches
from asd.shards.store import Store, split_location

DRAWN_TASKS = ("scienceqa", "gqa", "vqav2", "grounding")
"""Embedded samples that the built-in questions are of."""
_PURPOSE = "probe"


def drawn_questions(count: int, pictures: Path, *, text_only: bool = False) -> list[ProbeItem]:
    """The built-in questions, drawn by this package; see `questions_of`."""
    return questions_of([{"task": task} for task in DRAWN_TASKS], count, pictures, text_only=text_only)


def questions_of(
    conversions: Sequence[Mapping[str, Any]], count: int, pictures: Path, *, text_only: bool = False
) -> list[ProbeItem]:
    """Questions in every style, `count` of each style at most, in turn from each task.

    conversions: settings of `asd convert`, without `out`. pictures: folder beside the file of the questions that gets the
    images of embedded samples, which are gone otherwise. text_only: leave questions with pictures out.
    """
    with tempfile.TemporaryDirectory(prefix="asd-probe-") as name:
        folder = Path(name).resolve()
        items = [
            item
            for number, settings in enumerate(conversions)
            for item in in_every_style(ConvertConfig(**settings, out=folder / str(number)), count, text_only=text_only)
        ]
        chosen = _first_of_each_style(items, count)
        for path in sorted({path for item in chosen for path in item.images if Path(path).is_relative_to(folder)}):
            write_bytes(pictures / Path(path).relative_to(folder), Path(path).read_bytes())
        return [_moved(item, folder, pictures) for item in chosen]


def _moved(item: ProbeItem, before: Path, pictures: Path) -> ProbeItem:
    """With images of the folder `before` relative to the folder in which the folder of pictures lies."""
    images = [
        f"{pictures.name}/{Path(path).relative_to(before).as_posix()}" if Path(path).is_relative_to(before) else path
        for path in item.images
    ]
    return item.model_copy(update={"images": tuple(images)})


def in_every_style(config: ConvertConfig, count: int, *, text_only: bool = False) -> list[ProbeItem]:
    """The same questions in the native style and in each style that their task can take without a language model.

    Each style is a conversion of its own, of all samples; questions that most styles have come first. text_only: leave
    those with pictures out. Raises: UsageError, and what `convert` raises.
    """
    spec = config.load_spec()
    by_source: dict[str, dict[AnswerStyle, ProbeItem]] = {}
    kept = config.model_dump(exclude={"styles", "ratio", "ratio_per_style"})
    shares: list[dict[str, Any]] = [
        {"ratio": 0.0},
        *({"ratio_per_style": {style: 1.0}} for style in makeable_styles(spec, config.styles, None)),
    ]
    for share in shares:
        done = convert(ConvertConfig(**{**kept, **share}))
        image_root = Store(done.path).image_root(done.version)
        for row in _rows(done.path, done.version):
            if not (text_only and row["images"]):
                item = _item(row, image_root)
                by_source.setdefault(row["source_id"], {}).setdefault(item.style, item)
    ranked = sorted(by_source.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [item for _, styles in ranked[:count] for item in styles.values()]


def rows_of_versions(locations: Sequence[str], count: int) -> list[ProbeItem]:
    """`count` rows of each style of versions that are there, those of smallest keyed hash."""
    samples: dict[str, KeyedSample[ProbeItem]] = {}
    for location in locations:
        root, wanted = split_location(location)
        version = Store(root).resolve(wanted)
        image_root = Store(root).image_root(version)
        for row in _rows(root, version):
            sample = samples.setdefault(row["style"], KeyedSample(count, _PURPOSE))
            sample.add([f"{row['task']}/{row['id']}"], [_item(row, image_root)])
    return [item for sample in samples.values() for item in sample.rows()]


def _first_of_each_style(items: Sequence[ProbeItem], count: int) -> list[ProbeItem]:
    """Of each style at most `count`, in turn from each task."""
    kept: list[ProbeItem] = []
    for style in AnswerStyle:
        by_task: dict[str, list[ProbeItem]] = {}
        for item in items:
            if item.style is style:
                by_task.setdefault(item.task, []).append(item)
        turns = [item for group in _in_turn(list(by_task.values())) for item in group]
        kept += turns[:count]
    return kept


def _in_turn(groups: Sequence[Sequence[ProbeItem]]) -> Iterator[list[ProbeItem]]:
    for place in range(max(map(len, groups), default=0)):
        yield [group[place] for group in groups if place < len(group)]


def _rows(root: Path, version: str) -> Iterator[dict[str, Any]]:
    """Rows of one question and answer; whole dialogues cannot be asked by themselves."""
    for batch in read_batches(root, version):
        for row in batch.to_pylist():
            if row["prompt"] and len(row["messages"]) == 2:
                yield row


def _item(row: dict[str, Any], image_root: str | None) -> ProbeItem:
    style = AnswerStyle(row["style"])
    verdict = parse_yes_no(row["response"]) if style is AnswerStyle.YES_NO else None
    paths = [image["path"] for image in row["images"] if image["path"]]
    images = [str(Path(image_root) / path) if image_root else path for path in paths]
    return ProbeItem(
        id=f"{row['task']}/{row['source_id']}/{style.value}",
        task=row["task"],
        style=style,
        question=row["question"],
        prompt=row["prompt"],
        images=tuple(images),
        options=tuple(row["options"]),
        response=row["response"],
        accepted=_right_answers(row, verdict),
    )


def _right_answers(row: dict[str, Any], verdict: str | None) -> tuple[str, ...]:
    """What a right answer may say in this style: not the source's own answer where that is a box and the style is words."""
    if verdict is not None:
        return (verdict,)
    accepted = tuple(row["accepted"])
    if accepted and read_answer(accepted[0]) is not None and row["style"] != AnswerStyle.BOUNDING_BOX:
        return (row["response"].rstrip("."),)
    return accepted
