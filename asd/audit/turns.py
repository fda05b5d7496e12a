"""The turns of a fine-tuning file in any format that is read here: what is said to the model, and what it is to say.

Files of conversations, pairs of a prompt and its answer, flat questions, `datasets` data sets, and versions of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import xxhash

from asd.errors import SourceError, UsageError
from asd.records import brief
from asd.schemas.image_marks import strip_marks
from asd.sources.bad_record import BadRecordError
from asd.sources.formats import ReadOptions, detect_format, iterate_records
from asd.sources.json_columns import records_of
from asd.sources.json_stream import BadRecord
from asd.sources.messages import TURN_KEYS, listed_images, looks_like, read_messages, unread_form

Record = Mapping[str, Any]
_ASKED_KEYS = ("question", "prompt", "instruction", "query", "input")
_ANSWER_KEYS = ("answer", "response", "output", "completion", "target", "label")
_SUFFIXES = (".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".csv", ".tsv", ".tar", ".gz", ".zst")
_SHOWN_FIELDS = 30
_SPEAKERS = ("assistant", "function_call")
LLAMA_FACTORY_INDEX = "dataset_info.json"
_UNREAD_SHOWN = 3
_LONGEST_NAME = 200
"""Characters of a path or an address; longer texts are data."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer that a model is trained to give."""

    where: str
    """File and record (counted from 0), as messages name them."""
    prompt: str
    """What was said last before it, without image marks."""
    answer: str
    is_call: bool = False
    """Whether the answer is a call of a tool."""
    is_first: bool = True
    """Whether nothing was answered before it in its record."""
    images: tuple[str, ...] = ()
    """As `_image_name` tells them apart."""
    before: str = ""
    """What was said in its record before the prompt, which tells turns apart that ask the same."""


@dataclass
class Unread:
    """Records that hold no turn: how many, and why the first ones were not read."""

    count: int = 0
    examples: tuple[str, ...] = ()

    def add(self, where: str, why: str) -> None:
        self.count += 1
        if len(self.examples) < _UNREAD_SHOWN:
            self.examples += (f"{where}: {why}",)

    def merge(self, other: Unread) -> None:
        self.count += other.count
        self.examples = (self.examples + other.examples)[:_UNREAD_SHOWN]


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the fields that hold the question and its answer, "a.b" for one inside another; None: one of the usual.

    Raises: UsageError for an empty name."""

    question: str | None = None
    answer: str | None = None

    def __post_init__(self) -> None:
        for option, name in (("--question", self.question), ("--answer", self.answer)):
            if name is not None and not name.strip():
                raise UsageError(
                    f"{option} '': give the name of the field, e.g. {option} text; without it the usual ones are read."
                )

    def pair(self, record: Record) -> tuple[str, str] | None:
        asked = _first_text(record, _ASKED_KEYS if self.question is None else (self.question,))
        answer = _first_text(record, _ANSWER_KEYS if self.answer is None else (self.answer,))
        return (asked, answer) if asked is not None and answer is not None else None

    def named(self) -> tuple[str, ...]:
        return tuple(name for name in (self.question, self.answer) if name is not None)

    def missing(self, record: Record) -> str:
        """Which of the named fields a record has no text in, and what it has; "" where none is."""
        lacking = [name for name in self.named() if _first_text(record, (name,)) is None]
        return f"no text in field {', '.join(lacking)}{_fields_of(record)}" if lacking else ""


def _first_text(record: Record, names: Sequence[str]) -> str | None:
    """Of the first of the fields that holds a text; a number is one, and so is the first of several texts."""
    for name in names:
        value: Any = record
        for part in (name,) if name in record else name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str):
            return value
        if isinstance(value, int | float):
            return str(value)
    return None


def read_turns(location: str, unread: Unread, fields: Fields = Fields()) -> Iterator[Turn]:
    """The turns of a file, a folder of files, `DIR[@VERSION]` of ours, or `hf:NAME[#CONFIG]`, in their order.

    unread: counts the records that hold none. fields: where questions and answers stand; versions of ours have their own.
    Raises: UsageError, SourceError, ShardError.
    """
    if location.startswith("hf:"):
        yield from _data_set_turns(location, unread, fields)
        return
    path = Path(location)
    folder = Path(location.rpartition("@")[0]) if "@" in location and not path.exists() else path
    if (folder / "versions").is_dir() or (folder / "manifest.json").is_file():
        yield from _version_turns(location)
    elif (path / "state.json").is_file() or (path / "dataset_dict.json").is_file():
        yield from _data_set_turns(location, unread, fields)
    elif path.is_dir():
        if datasets := sorted(versions.parent for versions in path.glob("*/versions") if versions.is_dir()):
            for dataset in datasets:
                yield from _version_turns(str(dataset))
            return
        for file in _files_of(path):
            yield from _file_turns(file, file.relative_to(path).as_posix(), unread, fields)
    elif path.exists():
        yield from _file_turns(path, location, unread, fields)
    else:
        raise UsageError(f"{location} is not there. Give a file of fine-tuning data, a folder of them, or hf:NAME.")


def _files_of(folder: Path) -> list[Path]:
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in _SUFFIXES
        and path.name != LLAMA_FACTORY_INDEX
        and path.is_file()
        and path.stat().st_size
    )
    if not files:
        raise UsageError(f"{folder} holds no file that could be fine-tuning data ({', '.join(_SUFFIXES)}).")
    return files


def _file_turns(path: Path, name: str, unread: Unread, fields: Fields) -> Iterator[Turn]:
    if detect_format(path) == "text":
        raise SourceError(f"{name} is no file of records (JSON, JSON Lines, CSV, Parquet, Arrow, WebDataset).")
    for row, _, record in iterate_records(path, ReadOptions(is_record=partial(_holds_turns, fields)), name=name):
        yield from _record_turns(record, f"{name}:{row}", unread, fields)


def _data_set_turns(location: str, unread: Unread, fields: Fields) -> Iterator[Turn]:
    from asd.sources.data_sets import load_data_set, record_batches

    loaded = load_data_set(location, None)
    for split, part in loaded.parts.items():
        row = 0
        for batch in record_batches(part):
            for record in records_of(batch):
                yield from _record_turns(record, f"{split}:{row}", unread, fields)
                row += 1


def _version_turns(location: str) -> Iterator[Turn]:
    from asd.shards.reader import read_batches
    from asd.shards.store import split_location

    root, version = split_location(location)
    for batch in read_batches(root, version):
        columns = [batch.column(name).to_pylist() for name in ("id", "prompt", "response", "images", "turn")]
        for name, prompt, response, images, turn in zip(*columns, strict=True):
            shown = tuple(map(_image_name, images))
            yield Turn(name, strip_marks(prompt).text, response, is_first=turn == 0, images=shown)


def _holds_turns(fields: Fields, record: dict[str, Any]) -> bool:
    return fields.pair(record) is not None or (not fields.named() and looks_like(record))


def _record_turns(record: Any, where: str, unread: Unread, fields: Fields) -> Iterator[Turn]:
    if isinstance(record, BadRecord):
        unread.add(where, record.detail)
        return
    try:
        turns = list(_turns_of(record, where, fields)) if isinstance(record, dict) else []
    except BadRecordError as exc:
        unread.add(where, exc.detail)
        return
    if not turns:
        lacking = fields.missing(record) if isinstance(record, dict) else ""
        unread.add(where, lacking or unread_form(record) or _without_turn(record))
    yield from turns


def _without_turn(record: Any) -> str:
    fields = _fields_of(record) if isinstance(record, dict) else ""
    return f"no question with its answer: {brief(record, 60)}{fields}"


def _fields_of(record: Record) -> str:
    more = f", and {len(record) - _SHOWN_FIELDS:,} more" if len(record) > _SHOWN_FIELDS else ""
    return f" (its fields: {', '.join(brief(name) for name in islice(record, _SHOWN_FIELDS))}{more})" if record else ""


def _turns_of(record: dict[str, Any], where: str, fields: Fields) -> Iterator[Turn]:
    """Raises: BadRecordError."""
    untrained = 0
    if not fields.named() and looks_like(record):
        messages, shown = read_messages(record)
        images = tuple(map(_image_name, listed_images(record) if shown is None else shown))
        untrained = _messages_before(record)
    elif pair := fields.pair(record):
        messages, images = [("user", pair[0]), ("assistant", pair[1])], tuple(map(_image_name, listed_images(record)))
    else:
        return
    prompt, before, answered = "", [""], False
    for number, (role, text) in enumerate(messages):
        if role in _SPEAKERS and text.strip():
            is_call = role == "function_call"
            if number >= untrained:
                yield Turn(where, strip_marks(prompt).text, text, is_call, not answered, images, "\n".join(before))
            before += [prompt, text]
            answered = True
        elif role in ("user", "observation"):
            prompt = text
        else:
            before.append(text)


def _messages_before(record: dict[str, Any]) -> int:
    """Messages of a prompt that stands apart from its completion, as a list: trainers train on the completion alone."""
    prompt = record.get("prompt")
    if not isinstance(prompt, list) or not isinstance(record.get("completion"), list | str):
        return 0
    if not record.keys().isdisjoint(TURN_KEYS):
        return 0
    return len(read_messages({**record, "messages": prompt})[0])


def _image_name(image: Any) -> str:
    """What tells a picture apart: the hash of its bytes (or of a long text that holds them), else its path or address."""
    if isinstance(image, dict):
        image = image.get("bytes") or image.get("path") or image.get("url") or ""
    if isinstance(image, bytes):
        return xxhash.xxh3_128_hexdigest(image)
    text = str(image)
    return text if len(text) <= _LONGEST_NAME else xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))


def require_turns(location: str, count: int, unread: Unread) -> None:
    """Raises: SourceError where a file holds no turn at all."""
    if count:
        return
    if not unread.examples:
        raise SourceError(f"{location}: no question with its answer was found: it has no records.")
    raise SourceError(
        f"{location}: no question with its answer was found. Name the fields that hold them: --question FIELD --answer FIELD.\n"
        f"{unread.examples[0]}\n"
        "Read without that: conversations (LLaVA, ShareGPT, chat messages), pairs (prompt/completion, instruction/output, "
        "question/answer, ...), and a benchmark's annotation files after `asd convert`."
    )
