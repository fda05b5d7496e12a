"""From a record's values to one native row: the rules that hold for every data set, whatever its layout.

Gold first among the accepted answers, letters only in the response of multiple choice, one spelling of yes
and no, image paths that stay below the image root. A record that breaks a rule is a RowError with a short
stable reason.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from asd.columns import NATIVE_SCHEMA
from asd.lazy_regex import regex
from asd.records import Reject
from asd.schemas.boxes import BoxError, check_fit, parse_box
from asd.schemas.image_marks import MARK, is_placed, make_inert, names_image, strip_marks
from asd.schemas.styles import LETTERS, SPELLINGS, AnswerStyle
from asd.schemas.task import TaskSpec
from asd.sources.annotators import NO_VOTE, Vote, is_refusal
from asd.sources.bad_record import BadRecordError
from asd.sources.batch import MAX_IMAGE_CHARS, NativeBatch
from asd.sources.expressions import Compiled, Fn, Row, RowError, to_text
from asd.sources.image_text import image_text
from asd.sources.marked_options import Marked, option_by_mark
from asd.sources.prompt_text import has_option_mark, make_rules, split_instruction, take_apart

UNANSWERABLE = "unanswerable"
"""Value of `answer_type` for a sample whose gold answer, by vote, is a refusal."""

_SPLITS = {
    "training": "train",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "minival": "val",
    "testing": "test",
    "testdev": "test",
}
_YES_NO = {
    "yes": "yes",
    "true": "yes",
    "1": "yes",
    "y": "yes",
    "no": "no",
    "false": "no",
    "0": "no",
    "n": "no",
}

_STYLES_OF_LISTS = (
    AnswerStyle.SHORT_ANSWER,
    AnswerStyle.MULTIPLE_CHOICE,
    AnswerStyle.BRIEF_EXPLANATION,
    AnswerStyle.DETAILED_EXPLANATION,
)
_NO_RULES = make_rules()
_LONGEST_INDEX = 10
"""Digits."""
_UNPLAIN_IMAGE = regex(r"/|data:|file:|[a-z][a-z0-9+.\-]+://|iVBORw0KGgo|R0lGOD|UklGR|Qk", re.IGNORECASE)
"""How a text begins that may be more than a path below the image root."""

_REGIONS = ("region_names", "region_boxes")
_LIST_COLUMNS = ("images", "options", "accepted", "rationales", "ocr_tokens", "other_boxes", *_REGIONS)
_NULLABLE_TEXT = frozenset({"rfp", "full_answer", "solution", "answer_type", "passthrough", "asked"})
_TEXT_EXTRAS = ("context", "rfp", "full_answer", "solution", "passthrough", "asked")


@lru_cache(maxsize=1 << 10)
def normalise_split(name: str) -> str:
    """train, val or test for the usual spellings; any other name as it is."""
    name = name.strip()
    return _SPLITS.get(name.lower(), name)


def split_in_name(file: str) -> str | None:
    """The split that a file's name or one of its folders speaks of, the name first; None if none does."""
    for part in reversed(file.lower().split("/")):
        for word in re.split(r"[^a-z]+", part):
            if word in _SPLITS or word in ("train", "val", "test"):
                return _SPLITS.get(word, word)
    return None


def normalise_yes_no(answer: str) -> str | None:
    """yes or no for the usual spellings (Yes, true, "1", ...); None for anything else."""
    return _YES_NO.get(answer.strip().rstrip(".").casefold())


def check_image_path(path: str) -> str:
    """The path without a leading "./". Raises: RowError `image_outside_root` if it is absolute or leaves the
    root."""
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    if "\0" in path:
        raise RowError("bad_image", f"{path!r} holds a NUL, which no file name does")
    if path.startswith(("/", "\\")) or ".." in path or ":" in path:
        parts = path.replace("\\", "/").split("/")
        if not parts[0] or ".." in parts or parts[0].endswith(":"):
            raise RowError("image_outside_root", f"{path!r} does not stay below the image root")
    return path


@dataclass(frozen=True, slots=True)
class ColumnFns:
    """The compiled columns of a layout (or of one of its variants)."""

    columns: dict[str, Compiled]
    votes: Callable[[Any, Row], Vote] | None = None

    def used(self) -> set[str]:
        names = {*self.columns, "rfp", "passthrough"}
        return names | {"accepted", "answer_type"} if self.votes is not None else names


@dataclass(slots=True)
class RowSink:
    """Rows by column, until they are taken as one batch. Columns that no layout fills cost nothing per
    row."""

    used: frozenset[str]
    text: dict[str, list[Any]] = field(default_factory=dict)
    flat: dict[str, list[str]] = field(default_factory=dict)
    offsets: dict[str, list[int]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    files: list[tuple[str, str, int]] = field(default_factory=list)
    """(file, the split of its rows where the layout has none, number of the first row that is from it)."""
    ends: array[int] = field(default_factory=lambda: array("i"))
    """Rows and rejects at the end of each record, in turn."""
    image_chars: int = 0
    listed: dict[int, tuple[list[str], int, str | None]] = field(default_factory=dict)
    """Row -> (options, index of the gold one, prompt) where the question itself lists them, which few do."""

    def __post_init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        last = self.files[-1:]
        self.text = {f.name: [] for f in NATIVE_SCHEMA if f.name not in _LIST_COLUMNS}
        self.flat = {name: [] for name in _LIST_COLUMNS}
        self.offsets = {name: [0] for name in _LIST_COLUMNS}
        self.rejects = []
        self.files = [(name, split, 0) for name, split, _ in last]
        self.ends = array("i")
        self.image_chars = 0
        self.listed = {}

    def end_record(self) -> int:
        """Rows and rejects so far."""
        rows, rejects = len(self), len(self.rejects)
        self.ends.append(rows)
        self.ends.append(rejects)
        return rows + rejects

    @property
    def is_heavy(self) -> bool:
        """Whether its images, which are data then, are as long as those of a batch may be."""
        return self.image_chars > MAX_IMAGE_CHARS

    def start_file(self, rel: str, split: str) -> None:
        self.files.append((rel, split, len(self)))

    def __len__(self) -> int:
        return len(self.text["source_id"])

    def take(self) -> NativeBatch:
        """The batch gathered so far; the sink is empty afterwards."""
        size = len(self)
        arrays = [self._array(column, size) for column in NATIVE_SCHEMA]
        ends = np.frombuffer(self.ends, np.int32).reshape(-1, 2)
        batch = NativeBatch(
            pa.RecordBatch.from_arrays(arrays, schema=NATIVE_SCHEMA), self.rejects, None if self.is_heavy else ends
        )
        self._clear()
        return batch

    def _array(self, column: pa.Field, size: int) -> pa.Array:
        name = column.name
        if self.listed and name in ("options", "answer_index", "asked") and name not in self.used:
            empty: tuple[list[str], int | None, str | None] = ([], None, None)
            place = ("options", "answer_index", "asked").index(name)
            return pa.array([self.listed.get(row, empty)[place] for row in range(size)], column.type)
        if name == "source_file":
            return self._per_file([file for file, _, _ in self.files], size)
        if name in _LIST_COLUMNS:
            if name == "accepted" and name not in self.used:
                return pa.ListArray.from_arrays(
                    pa.array(np.arange(size + 1, dtype=np.int32)), pa.array(self.text["gold"], pa.string())
                )
            offsets = self.offsets[name] if name in self.used else np.zeros(size + 1, np.int32)
            return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(self.flat[name], pa.string()))
        values = self.text[name]
        if len(values) == size:
            return pa.array(values, column.type)
        if name == "group":
            return pa.array(self.text["source_id"], pa.string())
        if name == "response":
            return pa.array(self.text["gold"], pa.string())
        if column.nullable:
            return pa.nulls(size, column.type)
        if name == "split":
            return self._per_file([split for _, split, _ in self.files], size)
        default = {"context": "", "turn": 0}[name]
        return pa.repeat(pa.scalar(default, column.type), size)

    def _per_file(self, values: list[str], size: int) -> pa.Array:
        sizes = np.diff([*(start for _, _, start in self.files), size])
        numbers = np.repeat(np.arange(len(values)), sizes) if values else np.zeros(0, np.int64)
        return pa.array(values, pa.string()).take(pa.array(numbers, pa.int64()))


class _Listed(NamedTuple):
    """A question with its options in it, taken apart."""

    question: str
    rfp: str | None
    options: tuple[str, ...]
    gold_place: int
    answer: str
    """As the source has it: the mark of an option, its text, or both."""


class RowMaker:
    """Makes the rows of one file for one set of columns and puts them into the sink."""

    def __init__(
        self,
        fns: ColumnFns,
        spec: TaskSpec,
        sink: RowSink,
        row: Row,
        *,
        base_name: str,
        turn: int | None,
        image_roots: tuple[str, ...] = (),
    ) -> None:
        """`turn` is the number of this variant, or None where a record makes one row (or is exploded)."""
        self.sink, self.spec, self.base_name, self.turn = sink, spec, base_name, turn
        self.image_roots = image_roots
        self.votes = fns.votes
        self.columns: dict[str, Fn] = {}
        for name, compiled in fns.columns.items():
            self.columns[name] = _constant(compiled.fn(None, row)) if compiled.per_file else compiled.fn
        get = self.columns.get
        self.source_id, self.question, self.split = get("source_id"), get("question"), get("split")
        self.options, self.answer_index, self.gold = get("options"), get("answer_index"), get("gold")
        self.images, self.accepted, self.response = get("images"), get("accepted"), get("response")
        self.group, self.answer_type = get("group"), get("answer_type")
        self.no_texts: dict[str, str | None] = {name: None for name in _TEXT_EXTRAS if name in sink.used}
        self.texts = [(name, fn) for name in self.no_texts if (fn := get(name)) is not None]
        self.lists = [(n, get(n)) for n in ("rationales", "ocr_tokens", "other_boxes") if n in sink.used]
        self.regions = [(name, get(name) or _constant([])) for name in _REGIONS if name in sink.used]
        self.is_yes_no = spec.native_style is AnswerStyle.YES_NO
        self.is_choice = spec.native_style is AnswerStyle.MULTIPLE_CHOICE
        is_made_box = "gold" in fns.columns and fns.columns["gold"].is_box
        self.checks_box = spec.native_style is AnswerStyle.BOUNDING_BOX and not is_made_box
        self.default_question = spec.question or ""
        is_free = spec.native_style is AnswerStyle.FREE_FORM or get("passthrough") is not None
        self.has_bare_questions = get("rfp") is None and self.question is not None and not is_free
        """Whether an instruction behind the question is the row's response-format prompt."""
        self.reads_lists = self.has_bare_questions and self.options is None and spec.native_style in _STYLES_OF_LISTS
        """Whether options may stand in the question itself."""
        self.last_id = ""

    def add(self, rec: Any, row: Row, turn: int | None = None) -> None:
        """Raises: RowError if the record is no sample; the sink is then as it was."""
        turn = self.turn if turn is None else turn
        base = self._base_id(rec, row)
        self.last_id = source_id = base if turn is None else f"{base}#{turn}"
        question = to_text(self.question(rec, row)) if self.question else None
        question = question.strip() if question else self.default_question
        if not question:
            raise RowError("no_question", "the question is empty")
        asked, rfp, listed = question, None, None
        index: int | None
        vote = self.votes(rec, row) if self.votes else NO_VOTE
        if self.reads_lists and has_option_mark(question) and MARK not in question:
            listed = self._listed(question, self._given_gold(rec, row, vote))
        if listed is not None:
            question, rfp, options, index = listed.question, listed.rfp, list(listed.options), listed.gold_place
            gold = options[index]
        else:
            if self.has_bare_questions:
                question, rfp = split_instruction(question)
            options, index = self._options(rec, row)
            gold, index = self._gold(rec, row, vote, options, index)
        accepted = self._accepted(rec, row, vote, options, gold) if "accepted" in self.sink.used else []
        response = to_text(self.response(rec, row)) if self.response else None
        if not response and listed is not None:
            response = LETTERS[listed.gold_place] if self.is_choice else listed.answer
        if not response:
            response = LETTERS[index] if self.is_choice and index is not None else gold
            if self.is_yes_no:
                response = self._own_verdict(rec, row) or gold.capitalize()
        images = self._images(self.images(rec, row)) if self.images else []
        lists = [(n, _texts(fn(rec, row)) if fn else []) for n, fn in self.lists] if self.lists else ()
        regions = [(name, fn(rec, row) or []) for name, fn in self.regions] if self.regions else ()
        texts = self.no_texts.copy()
        for name, fn in self.texts:
            texts[name] = to_text(fn(rec, row))
        texts["rfp"] = texts["rfp"] or rfp
        context = texts.get("context")
        has_mark = MARK in question or MARK in gold or (context is not None and MARK in context)
        if has_mark or (options and any(MARK in option for option in options)):
            if names_image(gold):
                response = self._letter_of_image(index, gold)
            question, options, index, gold = self._marked(question, options, index, gold, response, len(images), texts)
            accepted = [gold] if names_image(accepted[0] if accepted else "") else accepted
        split = to_text(self.split(rec, row)) if self.split else None
        group = to_text(self.group(rec, row)) if self.group else None
        answer_type = to_text(self.answer_type(rec, row)) if self.answer_type else None
        if self.votes and is_refusal(gold):
            answer_type = UNANSWERABLE

        sink, text = (
            self.sink,
            self.sink.text,
        )  # nothing raises from here on, so no column gets ahead of another
        text["source_id"].append(source_id)
        text["question"].append(question)
        text["gold"].append(gold)
        text["response"].append(response)
        text["source_row"].append(row.row)
        text["group"].append(group or base)
        text["turn"].append(turn or 0)
        if "split" in sink.used:
            text["split"].append(normalise_split(split) if split else "train")
        if "answer_type" in sink.used:
            text["answer_type"].append(answer_type)
        if "options" in sink.used:
            text["answer_index"].append(index)
            self._extend("options", options)
        if listed is not None:
            kept = None if self.is_choice else "\n".join(filter(None, (texts.get("context"), asked)))
            sink.listed[len(sink) - 1] = (options, listed.gold_place, kept)
        if "images" in sink.used:
            self._extend("images", images)
            sink.image_chars += sum(map(len, images))
        if "accepted" in sink.used:
            self._extend("accepted", accepted)
        for name, values in (*lists, *regions):
            self._extend(name, values)
        for column, value in texts.items():
            stripped = value.strip() if value and column != "passthrough" else value
            text[column].append(stripped or (None if column in _NULLABLE_TEXT else ""))

    def _given_gold(self, rec: Any, row: Row, vote: Vote) -> str:
        given = to_text(self.gold(rec, row)) if self.gold else vote.gold
        if not given and self.accepted is not None:
            given = next(iter(_texts(self.accepted(rec, row))), "")
        return (given or "").strip()

    def _listed(self, asked: str, answer: str) -> _Listed | None:
        """What a question that lists its options asks; None where the answer is none of them."""
        parts = take_apart(asked, _NO_RULES)
        if not 1 < len(parts.options) <= len(LETTERS) or parts.context or parts.ocr_tokens:
            return None
        marked = Marked(parts.question, parts.options, "", parts.alphabet)
        index = option_by_mark(answer, marked)
        if index is None:
            return None
        return _Listed(parts.question or self.default_question or asked, parts.rfp, parts.options, index, answer)

    def _extend(self, name: str, values: Sequence[str]) -> None:
        flat = self.sink.flat[name]
        flat.extend(values)
        self.sink.offsets[name].append(len(flat))

    def _letter_of_image(self, index: int | None, gold: str) -> str:
        """Raises: RowError where an answer that is but a mark points at no one image."""
        if index is None or self.answer_index is None:
            raise RowError("no_answer", f"the answer is an image mark, {gold[:40]!r}, and no text")
        return LETTERS[index]

    def _marked(
        self,
        question: str,
        options: list[str],
        index: int | None,
        gold: str,
        response: str,
        num_images: int,
        texts: dict[str, str | None],
    ) -> tuple[str, list[str], int | None, str]:
        """(question, options, index, gold) of a row with image marks in its texts; texts: its further columns, where a
        row whose images stand amid its text gets its conversation. See `asd.schemas.image_marks`."""
        lines = [f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=False)]
        asked = "\n".join(filter(None, [texts.get("context"), question, *lines, texts["rfp"]]))
        if not texts.get("passthrough") and is_placed([asked], num_images):
            asked = f"{MARK}\n" * (num_images - asked.count(MARK)) + asked
            turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": make_inert(response)}]
            texts["passthrough"] = json.dumps(turns, ensure_ascii=False)
            return strip_marks(question).text or self.default_question or MARK, [], None, response
        stripped = strip_marks(question)
        outside = stripped.before + stripped.behind
        if outside > num_images or any(names_image(text) and MARK in text for text in options):
            raise RowError("image_count", f"{asked.count(MARK)} <image> marks for {num_images} images")
        return (stripped.text if num_images else question) or question, options, index, gold

    def _images(self, value: Any) -> list[str]:
        paths = []
        for image in value if isinstance(value, list) else [value]:
            if isinstance(image, str) and not _UNPLAIN_IMAGE.match(image):
                paths.append(check_image_path(image))
                continue
            try:
                paths.append(image_text(str(image) if isinstance(image, int) else image, self.image_roots))
            except BadRecordError as bad:
                raise RowError(bad.reason, bad.detail) from bad
        return [text for text in paths if text]

    def _base_id(self, rec: Any, row: Row) -> str:
        given = to_text(self.source_id(rec, row)) if self.source_id else row.key
        return given or f"{self.base_name}/{row.row}"

    def _options(self, rec: Any, row: Row) -> tuple[list[str], int | None]:
        if self.options is None:
            return [], None
        # A choice of several lines (the closing of a letter) would break the list of lettered lines, so it is put on
        # one. A choice that stands twice stays: letters point at places. Makers drop it, or decline if it is gold.
        options = [" ".join(text.split()) for text in _texts(self.options(rec, row), keep_empty=True)]
        if len(options) > len(LETTERS):
            raise RowError("too_many_options", f"{len(options)} options, letters for {len(LETTERS)}")
        index = self.answer_index(rec, row) if self.answer_index and options else None
        if index is None or index == "":
            return options, None
        number = _index(index)
        if number is None or not 0 <= number < len(options):
            raise RowError("answer_index_out_of_range", f"answer {index!r} of {len(options)} options")
        return options, number

    def _gold(self, rec: Any, row: Row, vote: Vote, options: list[str], index: int | None) -> tuple[str, int | None]:
        if index is not None:
            gold = options[index]
        else:
            given = to_text(self.gold(rec, row)) if self.gold else vote.gold
            if self.gold is None and not given and self.accepted is not None:
                given = next((text for text in _texts(self.accepted(rec, row))), "")
            gold = (given or "").strip()
        if not gold:
            raise RowError("no_answer")
        if self.is_yes_no:
            plain = normalise_yes_no(gold)
            if plain is None:
                raise RowError("not_yes_no", f"the answer of a yes/no task is {gold[:60]!r}")
            return plain, index
        if self.checks_box:
            _check_box(gold)
        if options and index is None:
            index = _find_option(options, gold)
            if index is None:
                raise RowError("answer_not_in_options", f"{gold[:60]!r} is none of the {len(options)} options")
            gold = options[index]
        if self.is_choice and index is None:
            raise RowError("no_options", "a multiple-choice task needs options")
        return gold, index

    def _own_verdict(self, rec: Any, row: Row) -> str:
        """The source's word for its verdict; "" for one that has no words for it (true, 1), or odd ones ("nO")."""
        said = (to_text(self.gold(rec, row)) or "").strip() if self.gold is not None else ""
        return said if any(said in pair for pair in SPELLINGS) else ""

    def _accepted(self, rec: Any, row: Row, vote: Vote, options: list[str], gold: str) -> Sequence[str]:
        if self.accepted is None and not options and vote.accepted and vote.gold == gold:
            return vote.accepted
        given = _texts(self.accepted(rec, row)) if self.accepted else []
        if self.is_yes_no:
            return [gold]
        wrong = {option.casefold() for option in options} - {gold.casefold()}
        out = {gold: None}  # a dict keeps the order and drops repeats
        for answer in map(str.strip, (*given, *vote.accepted)):
            if answer and answer.casefold() not in wrong:  # an annotator's answer may be one of the wrong options
                out[answer] = None
        return list(out)


def _check_box(gold: str) -> None:
    """Raises: RowError."""
    try:
        check_fit(parse_box(gold), "make `gold` of `box: {from: ..., convention: ...}`")
    except BoxError as exc:
        raise RowError(exc.reason, str(exc)) from exc


def _constant(value: Any) -> Fn:
    return lambda rec, row: value


def _texts(value: Any, keep_empty: bool = False) -> list[str]:
    """Texts of a list or of a single value; nulls, and unless told otherwise empty texts, are left out."""
    if value is None:
        return []
    parts = value if isinstance(value, list) else [value]
    texts = [to_text(part) for part in parts]
    return [text for text in texts if text is not None and (text or keep_empty)]


def _index(value: Any) -> int | None:
    """An index given as a number, as digits, or as a letter."""
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    text = str(value).strip()
    if text.isdecimal():
        return int(text) if len(text) < _LONGEST_INDEX else None
    return LETTERS.find(text.upper()) if len(text) == 1 and text.upper() in LETTERS else None


def _find_option(options: Sequence[str], gold: str) -> int | None:
    plain = " ".join(gold.split())
    if plain in options:
        return options.index(plain)
    folded = [option.casefold() for option in options]
    return folded.index(plain.casefold()) if plain.casefold() in folded else None
