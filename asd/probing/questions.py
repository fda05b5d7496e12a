"""Where a probe's questions come from: drawn by this package, rows of versions, or one's own rows in every style."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import xxhash

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
from asd.sources.image_text import is_address

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
    images that no folder has: those of embedded samples, and those that rows hold. text_only: leave questions with pictures
    out.
    """
    with _own_pictures(pictures) as own:
        items = [
            item
            for number, settings in enumerate(conversions)
            for item in in_every_style(
                ConvertConfig(**settings, out=own.folder / str(number)), count, own, text_only=text_only
            )
        ]
        return [own.kept(item) for item in _first_of_each_style(items, count)]


class _OwnPictures:
    """Pictures that would be gone with a temporary folder: those of the chosen questions are copied beside their file."""

    def __init__(self, folder: Path, pictures: Path) -> None:
        self.folder, self._pictures = folder, pictures

    def hold(self, image: Mapping[str, Any]) -> str:
        """The path of an image whose bytes a row holds: one file for equal bytes."""
        data = image["bytes"]
        suffix = re.search(r"\.[A-Za-z0-9]{2,5}$", image["path"] or "")
        path = self.folder / "held" / f"{xxhash.xxh3_128_hexdigest(data)}{suffix[0] if suffix else ''}"
        if not path.exists():
            write_bytes(path, data, durable=False)
        return str(path)

    def kept(self, item: ProbeItem) -> ProbeItem:
        """With its pictures of the temporary folder copied, and named relative to the file of the questions."""
        return item.model_copy(update={"images": tuple(map(self._keep, item.images))})

    def _keep(self, path: str) -> str:
        if not Path(path).is_relative_to(self.folder):
            return path
        name = Path(path).relative_to(self.folder)
        target, data = self._pictures / name, Path(path).read_bytes()
        if not target.exists() or target.read_bytes() != data:  # of other questions, or cut short
            write_bytes(target, data)
        return f"{self._pictures.name}/{name.as_posix()}"


@contextmanager
def _own_pictures(pictures: Path) -> Iterator[_OwnPictures]:
    with tempfile.TemporaryDirectory(prefix="asd-probe-") as name:
        yield _OwnPictures(Path(name).resolve(), pictures)


def in_every_style(config: ConvertConfig, count: int, own: _OwnPictures, *, text_only: bool = False) -> list[ProbeItem]:
    """The same questions in the native style and in each style that their task can take without a language model.

    Each style is a conversion of its own, of all samples; questions that most styles have come first. text_only: leave
    those with pictures out. Raises: UsageError, and what `convert` raises.
    """
    spec = config.load_spec()
    by_row: dict[str, dict[AnswerStyle, ProbeItem]] = {}
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
                item = _item(row, image_root, own)
                by_row.setdefault(row["id"], {}).setdefault(item.style, item)
    ranked = sorted(by_row.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [item for _, styles in ranked[:count] for item in styles.values()]


def rows_of_versions(locations: Sequence[str], count: int, pictures: Path) -> list[ProbeItem]:
    """`count` rows of each style of versions that are there, those of smallest keyed hash; of rows of one id the first.

    pictures: as for `questions_of`.
    """
    samples: dict[str, KeyedSample[ProbeItem]] = {}
    seen: set[str] = set()
    with _own_pictures(pictures) as own:
        for location in locations:
            root, wanted = split_location(location)
            version = Store(root).resolve(wanted)
            image_root = Store(root).image_root(version)
            for row in _rows(root, version):
                if (name := _question_id(row)) not in seen:
                    seen.add(name)
                    sample = samples.setdefault(row["style"], KeyedSample(count, _PURPOSE))
                    sample.offer(name, partial(_item, row, image_root, own))
        return [own.kept(item) for sample in samples.values() for item in sample.rows()]


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


def _question_id(row: dict[str, Any]) -> str:
    """Of the row's own id, which no order of rows changes."""
    return f"{row['id']}/{row['style']}"


def _item(row: dict[str, Any], image_root: str | None, own: _OwnPictures) -> ProbeItem:
    style = AnswerStyle(row["style"])
    verdict = parse_yes_no(row["response"]) if style is AnswerStyle.YES_NO else None
    return ProbeItem(
        id=_question_id(row),
        task=row["task"],
        style=style,
        question=row["question"],
        prompt=row["prompt"],
        images=tuple(
            own.hold(image) if image["bytes"] else _located(image["path"], image_root)
            for image in row["images"]
            if image["bytes"] or image["path"]
        ),
        options=tuple(row["options"]),
        response=row["response"],
        accepted=_right_answers(row, verdict),
    )


def _located(path: str, image_root: str | None) -> str:
    return path if image_root is None or is_address(path) else str(Path(image_root) / path)


def _right_answers(row: dict[str, Any], verdict: str | None) -> tuple[str, ...]:
    """What a right answer may say in this style: not the source's own answer where that is a box and the style is words."""
    if verdict is not None:
        return (verdict,)
    accepted = tuple(row["accepted"])
    if accepted and read_answer(accepted[0]) is not None and row["style"] != AnswerStyle.BOUNDING_BOX:
        return (row["response"].rstrip("."),)
    return accepted
