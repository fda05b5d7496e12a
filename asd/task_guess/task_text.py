"""A task file for data that no task describes: what is guessed stands beside its evidence, to be looked over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from asd.errors import UsageError
from asd.schemas.styles import AnswerStyle
from asd.shown_text import shown_on_line
from asd.sources.bad_record import BadRecordError
from asd.sources.messages import listed_images, read_messages
from asd.task_guess.columns import Guess, guess_columns, image_ids, is_text_list
from asd.task_guess.look import Look, is_image_name, look_at
from asd.task_guess.styles import MAKERS, SCORERS, Boxes, NativeStyle, guess_boxes, guess_style, has_options

_FAMILIES = {AnswerStyle.BOUNDING_BOX: "grounding"}
_YAML_WORDS = ("y", "n")
"""What other readers of YAML than ours take for a truth value."""
_LIKELY_ROOTS = ("images", "image", "imgs", "pictures", "photos", "media", "data")


@dataclass(frozen=True)
class TaskDraft:
    """A guessed task: its YAML, and what a user should know of it."""

    name: str
    yaml: str
    native: NativeStyle
    rows: int
    """Records that were looked at."""
    image_root: Path | None
    """Folder below which the first images are; None where they were not found."""
    has_images: bool
    notes: tuple[str, ...] = field(default=())


def draft_task(path: Path, chosen: Mapping[str, str] | None = None) -> TaskDraft:
    """Look at a file and describe it as a task.

    chosen: native column ("question", "gold", "images", ...) -> field of the records, where a guess is not wanted.
    Raises: SourceError, UsageError (see `look_at`, `guess_columns`).
    """
    look = look_at(path)
    name = re.sub(r"[^a-z0-9]+", "_", path.name.split(".")[0].lower()).strip("_") or "my_task"
    if look.is_conversation and not chosen:
        return _of_conversations(look, name)
    return _of_records(look, name, dict(chosen or {}))


def _of_conversations(look: Look, name: str) -> TaskDraft:
    questions, answers, turns, images = [], [], 0, []
    for row in look.rows:
        try:
            messages, shown = read_messages(row)
        except BadRecordError:
            continue
        said = [text for role, text in messages if role == "assistant"]
        asked = [text for role, text in messages if role == "user"]
        questions += asked[: len(said)]
        answers += said[: len(asked)]
        turns = max(turns, len(said))
        images += shown if shown is not None else listed_images(row)
    if not answers:
        raise UsageError(
            f"{look.path}: the first {len(look.rows):,} records ask and nobody answers; name a file with answers."
        )
    native = _native(
        answers, questions, _with_options(questions), is_caption=False, is_plain=turns == 1 and bool(images)
    )
    boxes = guess_boxes(answers, has_size=False) if native.style is AnswerStyle.BOUNDING_BOX else None
    why = "conversations need no layout: every task reads them"
    lines = [*_head(look, name, native, _family(native, questions, bool(images)), ""), *_boxes_of_task(boxes), "",
             f"layouts: []                     # {why}"]  # fmt: skip
    return _draft(look, name, native, lines, images, [])


def _of_records(look: Look, name: str, chosen: dict[str, str]) -> TaskDraft:
    guess = guess_columns(look, chosen)
    gold, asked, options = (guess.fields.get(key) for key in ("gold", "question", "options"))
    answers = [value[0] if is_text_list(value) else value for value in (gold.values if gold else ())]
    if "annotators" in guess.paths:
        answers = [value[0]["answer"] for value in gold.values] if gold else []
    questions = [str(value) for value in (asked.values if asked else ())]
    share = max(len(options.values) / len(look.rows) if options else 0.0, _with_options(questions))
    native = _native(answers, questions, share, is_caption=guess.is_caption, is_plain="images" in guess.paths)
    names = {candidate.path for candidate in look.fields}
    boxes, notes = None, []
    if native.style is AnswerStyle.BOUNDING_BOX:
        boxes = guess_boxes(answers, has_size={"width", "height"} <= names)
        guess.paths["gold"] = _box_expression(guess.paths["gold"], boxes)
        guess.why["gold"] = boxes.why
        if boxes.frame:
            notes.append(
                f"the frame of the boxes, {boxes.frame[0]} x {boxes.frame[1]} pixels, is guessed: look it over"
            )
    family = "caption" if guess.is_caption else _family(native, questions, "images" in guess.paths)
    lines = [*_head(look, name, native, family, guess.constant_question), "", *_layout(look, guess)]
    ids = image_ids(look)
    if "images" not in guess.paths and ids is not None:
        lines.append(
            f'      # images: "{{{shown_on_line(ids.path)}}}.jpg"   # without an ending there: say how they are named'
        )
        notes.append(
            f"{ids.path} may name the images, without an ending; the commented line `images:` says how to use it"
        )
    listed = [path for text in guess.paths.values() for path in text.strip("[]").split(", ")]
    used = {path.rstrip("?") for path in listed} | {candidate.path for candidate in guess.fields.values()}
    rest = [
        candidate.path
        for candidate in look.fields
        if candidate.path not in used and not candidate.path.startswith(tuple(f"{u}." for u in used))
    ]
    if rest:
        lines.append(f"    # not used: {shown_on_line(', '.join(rest[:30]))}")
    shown = guess.fields.get("images")
    return _draft(look, name, native, lines, list(shown.values) if shown else [], notes)


def _native(
    answers: list[Any], questions: list[str], options: float, *, is_caption: bool, is_plain: bool
) -> NativeStyle:
    """is_plain: one answer about an image, not talk; a long one is then a detailed explanation."""
    native = guess_style(answers, questions, options, is_caption=is_caption)
    if native.style is AnswerStyle.FREE_FORM and is_plain:
        return NativeStyle(AnswerStyle.DETAILED_EXPLANATION, native.why)
    return native


def _with_options(questions: list[str]) -> float:
    return sum(map(has_options, questions)) / len(questions) if questions else 0.0


def _family(native: NativeStyle, questions: list[str], has_images: bool) -> str:
    if native.style in _FAMILIES:
        return _FAMILIES[native.style]
    if not has_images:
        return "text"
    asking = sum(text.rstrip().endswith("?") for text in questions)
    return "statement" if native.style is AnswerStyle.YES_NO and asking < len(questions) / 10 else "vqa"


def _head(look: Look, name: str, native: NativeStyle, family: str, question: str) -> list[str]:
    makers = MAKERS[native.style]
    return [
        f"# Guessed from the first {len(look.rows):,} records of {shown_on_line(look.path.name)} ({look.kind}). "
        "Look it over; what is wrong is",
        "# changed here. All keys: docs/my-task.md; layouts: asd/sources/LAYOUTS.md.",
        f"name: {_text(name)}",
        _noted(f"# title: {_text(look.path.name.split('.')[0])}", "in cards and reports, in place of the name"),
        _noted(
            f"family: {family}", "chooses the templates: vqa, ocr, classification, science, grounding, statement, ..."
        ),
        _noted(f"native_style: {native.style.value}", native.why),
        *(
            [_noted(f"question: {_text(question)}", "asked of every row, for the records have no question")]
            if question
            else []
        ),
        "styles:                         # target style -> who may make it, in order of trust; a rewriter only with --rewriter",
        *(f"  {style}: [{names}]" for style, names in makers.items()),
        _noted(f"scorer: {SCORERS[native.style]}", "docs/scoring.md has the others"),
        "# licence: ...                  # of the data: the card says it, and `asd push` wants it",
    ]


def _layout(look: Look, guess: Guess) -> Iterator[str]:
    suffix = (
        "".join(look.path.suffixes[-2:]) if look.path.suffix in (".gz", ".zst", ".gzip", ".zstd") else look.path.suffix
    )
    yield "layouts:"
    yield "  - name: rows"
    yield _noted(f'    files: "*{suffix}"', "of a folder; a single file is read whatever its name")
    if look.records:
        yield _noted(f"    records: {_text(look.records)}", "where the records are in the file")
    if look.csv_columns:
        yield _noted(f"    csv_columns: [{', '.join(map(_text, look.csv_columns))}]", "the file has no header line")
    yield "    columns:"
    if "source_id" not in guess.paths:
        what = "its key in the file" if look.has_keys else "file and number"
        yield f"      # source_id: ...          # no field is different in every row: {what} will name it"
    for column, path in guess.paths.items():
        yield _noted(f"      {column}: {path if path[0] in '[{' else _text(path)}", guess.why[column])


def _boxes_of_task(boxes: Boxes | None) -> list[str]:
    return [_noted(f"boxes: {boxes.convention}", boxes.why)] if boxes and boxes.convention != "xyxy_unit" else []


def _box_expression(path: str, boxes: Boxes) -> str:
    size = (
        {"width": boxes.frame[0], "height": boxes.frame[1]} if boxes.frame else {"width": "width", "height": "height"}
    )
    inside = "".join(f", {key}: {value}" for key, value in size.items()) if boxes.convention.endswith("_pixels") else ""
    return f"{{box: {{from: {_text(path)}, convention: {boxes.convention}{inside}}}}}"


def _draft(
    look: Look, name: str, native: NativeStyle, lines: list[str], images: list[Any], notes: list[str]
) -> TaskDraft:
    names = [
        path for image in images[:50] for path in (image if isinstance(image, list) else [image]) if is_image_name(path)
    ]
    root = _image_root(look.path, names)
    if names and root is None and not all("://" in name for name in names):
        notes = [
            *notes,
            f"{names[0]} was not found near {look.path}; say where the images are with --image-root FOLDER",
        ]
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return TaskDraft(name, text, native, len(look.rows), root, bool(images), tuple(notes))


def _image_root(path: Path, names: list[str]) -> Path | None:
    """The first likely folder in which one of the first images is."""
    folder = path.resolve().parent
    near = [
        folder,
        *(folder / inside for inside in _LIKELY_ROOTS),
        folder.parent,
        *(folder.parent / inside for inside in _LIKELY_ROOTS),
    ]
    return next((root for root in near for name in names[:20] if (root / name).is_file()), None)


def _noted(line: str, note: str) -> str:
    return f"{line:<31} # {shown_on_line(' '.join(note.split()))}"


def _text(value: str) -> str:
    """A YAML scalar that is read as this text: bare where it cannot be taken for anything else."""
    if re.fullmatch(r"[A-Za-z_$][\w$ .?-]*[\w?]|[A-Za-z_]", value) and value.lower() not in _YAML_WORDS:
        with suppress(yaml.YAMLError):
            if yaml.safe_load(value) == value:
                return value
    return shown_on_line(json.dumps(value, ensure_ascii=False))
