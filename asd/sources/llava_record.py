"""One record in the LLaVA/CoIN layout as native rows: the definition of what the layout means.

`asd.sources.llava_columns` does the same to whole blocks of plain records and hands the others to
`read_record`.

Total: every record gives rows, rejects, or both; never an exception, never nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import orjson
import pyarrow as pa

from asd.columns import NATIVE_SCHEMA
from asd.records import Reject, brief
from asd.schemas.boxes import BoxError, boxes_inside, canonical_box, check_fit, parse_box
from asd.schemas.image_marks import BLANKS, MARK, is_placed, make_inert, names_image, opens_with_marks, strip_marks
from asd.schemas.layout import BoxConvention
from asd.schemas.styles import LETTERS, AnswerStyle
from asd.schemas.task import TaskSpec
from asd.sources import kept_rows
from asd.sources.annotators import vote
from asd.sources.bad_record import BadRecordError
from asd.sources.image_text import image_texts
from asd.sources.marked_options import Marked, option_by_mark
from asd.sources.messages import Message, are_answers, as_json, listed_images, read_messages
from asd.sources.option_lines import count_other_marks
from asd.sources.option_marks import CAPITALS
from asd.sources.prompt_text import PromptParts, PromptRules, kept_prompt, make_rules, take_apart

Row = tuple[Any, ...]
"""Values in the order of NATIVE_SCHEMA."""

_EXTRA_KEYS = frozenset(
    {"ocr_tokens", "solution", "lecture", "full_answer", "answer_type", "rationales", "answers", "accepted"}
)
_SPLIT_NAMES = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "minival": "val",
    "dev": "val",
}
_SPLIT_NAMES |= {"test": "test", "testdev": "test"}
BOX = r"\[ *{n} *, *{n} *, *{n} *, *{n} *\]".replace("{n}", r"(-?[0-9]+(?:\.[0-9]+)?)")
"""Boxes as conversations write them; in this form Python and RE2 read them alike."""
_BOX = re.compile(BOX)
_DECLARE = "name it in the task's YAML (boxes: xyxy_permille, say)"
_LETTER_ANSWER = re.compile(r"\(?([A-Za-z])\)?[.:)]?")
_LETTER_AND_TEXT = re.compile(r"\(?([A-Z])[.:)]+[ \t]+(.+)", re.DOTALL)
_YES_NO = {"yes": "yes", "no": "no", "yes.": "yes", "no.": "no", "yes!": "yes", "no!": "no"}
_TRUE_FALSE = {
    "true": "yes",
    "false": "no",
    "true.": "yes",
    "false.": "no",
    "1": "yes",
    "0": "no",
    "y": "yes",
    "n": "no",
}


@dataclass(frozen=True)
class RecordRules:
    """What one file of one task needs to know to read a record."""

    file: str
    split: str
    style: AnswerStyle
    is_classification: bool
    default_question: str
    prompt: PromptRules
    boxes: BoxConvention | None = None
    """How answers write boxes; None: as samples do."""
    reads_regions: bool = False
    """Whether `regions` of records are looked at."""
    image_roots: tuple[str, ...] = ()
    """See `asd.sources.image_text.image_text`."""

    @property
    def is_columnar(self) -> bool:
        """Whether `asd.sources.llava_columns` may read the plain records."""
        return self.style != AnswerStyle.FREE_FORM and self.boxes is None and not self.reads_regions


def make_record_rules(spec: TaskSpec, file: str, image_roots: tuple[str, ...] = ()) -> RecordRules:
    rfps = [rfp for texts in spec.rfps.values() for rfp in texts]
    return RecordRules(
        file=file,
        split=split_of(file),
        style=spec.native_style,
        is_classification=spec.family == "classification",
        default_question=(spec.question or "").strip(BLANKS),
        prompt=make_rules(rfps, is_grounding=spec.native_style == AnswerStyle.BOUNDING_BOX),
        boxes=spec.boxes if spec.native_style == AnswerStyle.BOUNDING_BOX else None,
        reads_regions=spec.reads_regions,
        image_roots=image_roots,
    )


def split_of(file: str) -> str:
    """The split that a file name speaks of (`llava_test_CQM-A.json` is test); `train` where it names none."""
    for part in reversed(posixpath.normpath(file).lower().split("/")):
        for word in re.split(r"[^a-z]+", part):
            if word in _SPLIT_NAMES:
                return _SPLIT_NAMES[word]
    return "train"


def read_record(record: Any, row: int, rules: RecordRules) -> tuple[list[Row], list[Reject]]:
    """Rows and rejects of one record; `row` is its number in the file."""
    if not isinstance(record, dict):
        return [], [
            Reject(rules.file, row, "", "not_an_object", f"expected a JSON object, found {brief(record, 40)!r}")
        ]
    source_id = f"{rules.file}:{row}"
    try:
        if kept_rows.is_shard_row(record):
            return [_row_of_shard(record, row, rules)], []
        source_id = record_id(record) or source_id
        messages, images = read_conversation(record, rules)
        if _is_passed_through(record, messages, rules):
            return [_passthrough_row(record, messages, images, source_id, row, rules)], []
        if is_placed([text for role, text in messages if role == "user"], len(images)):
            placed = _with_all_marks(messages, len(images))
            return [_passthrough_row(record, placed, images, source_id, row, rules)], []
        return _turn_rows(record, messages, images, source_id, row, rules)
    except BadRecordError as bad:
        return [], [Reject(rules.file, row, source_id, bad.reason, bad.detail)]
    except RecursionError:
        return [], [Reject(rules.file, row, source_id, "nested_too_deeply", "lists and objects nest too deeply")]


def record_id(record: dict[str, Any]) -> str:
    """`id`, else `question_id`; empty where there is neither."""
    for key in ("id", "question_id"):
        value = record.get(key)
        if value is None or value == "":
            continue
        if isinstance(value, float) and value.is_integer():  # pandas, where some id is missing
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise BadRecordError("bad_id", f"{key} must be text or an integer, found {brief(value, 40)!r}")
        return str(value)
    return ""


def read_conversation(record: dict[str, Any], rules: RecordRules) -> tuple[list[Message], list[str]]:
    """Messages and images, these as the native column has them. Raises: BadRecordError."""
    messages, shown = read_messages(record)
    return messages, image_texts(listed_images(record) if shown is None else shown, rules.image_roots)


def _is_passed_through(record: dict[str, Any], messages: Sequence[Message], rules: RecordRules) -> bool:
    """Dialogue that is not question and answer in turn, tool calls, and every record of a free-form task."""
    if rules.style == AnswerStyle.FREE_FORM or record.get("tools"):
        return not str(record.get(kept_rows.KEY) or "").startswith("[")
    start = 1 if messages[0][0] == "system" else 0
    wanted = ("user", "assistant")
    return any(role != wanted[number % 2] for number, (role, _) in enumerate(messages[start:]))


def _passthrough_row(
    record: dict[str, Any],
    messages: list[Message],
    images: list[str],
    source_id: str,
    row: int,
    rules: RecordRules,
) -> Row:
    asked = [strip_marks(text) for role, text in messages if role == "user"]
    question = next((stripped.text for stripped in asked if stripped.text), "")
    if not question:
        raise BadRecordError("empty_question", "no turn of the user has a text")
    _check_image_count(sum(stripped.before + stripped.behind for stripped in asked), images)
    answer = _last_of(messages, "assistant") or _last_of(messages, "function_call")
    if answer is None:
        raise BadRecordError("no_answer", "no turn of the assistant has a text")
    messages = _with_tools(record, messages)
    kept = orjson.dumps([{"role": role, "content": text} for role, text in messages]).decode()
    answer = answer.strip(BLANKS)
    parts = PromptParts(question)
    return make_row(rules, source_id, row, images=images, parts=parts, gold=answer, response=answer, passthrough=kept)


def _last_of(messages: Sequence[Message], role: str) -> str | None:
    """The last text of a role."""
    return next((text for said_by, text in reversed(messages) if said_by == role and text.strip(BLANKS)), None)


def _with_tools(record: dict[str, Any], messages: list[Message]) -> list[Message]:
    """The messages behind the tools that the record describes, calls as the export says that their source wrote them."""
    try:
        spelling = kept_rows.spelt_calls(record)
    except ValueError as exc:
        raise _not_as_exported(exc) from exc
    if spelling is None:
        tools = record.get("tools")
        return (
            [("tools", tools if isinstance(tools, str) else as_json(tools, "tools")), *messages] if tools else messages
        )
    tools, calls = spelling
    if len(calls) != sum(role == "function_call" for role, _ in messages):
        raise _not_as_exported(f"calls of {len(calls)} messages, and others in the record")
    rest = iter(calls)
    spelt = [(role, [text] if role != "function_call" else next(rest)) for role, text in messages]
    return [*([("tools", tools)] if tools else ()), *((role, text) for role, texts in spelt for text in texts)]


def _not_as_exported(why: object) -> BadRecordError:
    return BadRecordError("bad_asd", f"the text under {kept_rows.KEY!r} is not as exported: {why}")


def _with_all_marks(messages: Sequence[Message], num_images: int) -> list[Message]:
    """As many marks as images: those without one open the first question, and answers have none."""
    missing = num_images - sum(text.count(MARK) for role, text in messages if role == "user")
    first = next(number for number, (role, _) in enumerate(messages) if role == "user")
    marked = [(role, text if role == "user" else make_inert(text)) for role, text in messages]
    marked[first] = ("user", f"{MARK}\n" * missing + messages[first][1])
    return marked


def _check_image_count(placeholders: int, images: list[str]) -> None:
    if placeholders > len(images):
        raise BadRecordError("image_count", f"{placeholders} <image> marks for {len(images)} images")


def _count_marks(asked: Sequence[str], apart: Sequence[PromptParts], images: list[str]) -> int:
    """Marks that stand for images: all of them where some image has none outside of the text, else those outside."""
    outside = sum(parts.placeholders for parts in apart)
    return outside if outside >= len(images) else sum(text.count(MARK) for text in asked)


def _turn_rows(
    record: dict[str, Any],
    messages: Sequence[Message],
    images: list[str],
    source_id: str,
    row: int,
    rules: RecordRules,
) -> tuple[list[Row], list[Reject]]:
    system = messages[0][1].strip(BLANKS) if messages[0][0] == "system" else ""
    turns = messages[1:] if messages[0][0] == "system" else messages
    pairs = [(turns[i][1], turns[i + 1][1] if i + 1 < len(turns) else "") for i in range(0, len(turns), 2)]
    if not pairs:
        raise BadRecordError("no_turns", "the only turn is a system prompt")
    entries = _told(record, len(pairs))
    apart = [take_apart(question, rules.prompt) for question, _ in pairs]
    _check_image_count(_count_marks([question for question, _ in pairs], apart, images), images)
    named = _regions(record["regions"]) if rules.reads_regions and "regions" in record else ((), ())
    rows: list[Row] = []
    rejects: list[Reject] = []
    for turn, ((prompt, response), parts) in enumerate(zip(pairs, apart, strict=True)):
        turn_id = source_id if len(pairs) == 1 else f"{source_id}#{turn}"
        answer = response.strip(BLANKS)
        if (entry := entries[turn]) is not None:
            where = (turn_id, source_id, turn)
            rows.append(_told_row(entry, _bare(prompt, images), answer, images, where, row, rules))
            continue
        try:
            if rules.boxes is not None and answer:
                answer = _converted_box(answer, rules.boxes, record)
            asked, index, gold = read_answer(prompt, answer, parts, rules)
        except BadRecordError as bad:
            rejects.append(Reject(rules.file, row, turn_id, bad.reason, bad.detail))
            continue
        is_relettered = _is_choice(rules) and asked.alphabet != CAPITALS
        if index is not None and _is_choice(rules) and (is_relettered or option_index(answer, asked.options) is None):
            answer = LETTERS[index]  # answers of this style are capital letters, and so are then its marks
        kept = None if system or is_relettered else kept_prompt(prompt, asked)
        context = "\n".join(filter(None, (system, asked.context)))
        extras = _extras(record, gold, is_single=len(pairs) == 1)
        row_of_turn = make_row(
            rules, turn_id, row, images=images, parts=asked._replace(context=context), answer_index=index,
            gold=gold, response=answer, group=source_id, turn=turn, asked=kept, regions=named, **extras,
        )  # fmt: skip
        rows.append(row_of_turn)
    return add_other_boxes(rows) if rules.style == AnswerStyle.BOUNDING_BOX else rows, rejects


def _told(record: dict[str, Any], num_turns: int) -> list[dict[str, Any] | None]:
    try:
        return kept_rows.told(record, num_turns)
    except ValueError as exc:
        raise _not_as_exported(exc) from exc


def _bare(prompt: str, images: Sequence[str]) -> str:
    """Without the marks that this package puts before it: one line an image."""
    return prompt.removeprefix(f"{MARK}\n" * len(images))


def _told_row(
    entry: dict[str, Any],
    prompt: str,
    answer: str,
    images: list[str],
    where: tuple[str, str, int],
    row: int,
    rules: RecordRules,
) -> Row:
    """A row of which the export told; prompt: bare. where: source id, group, turn."""
    options, gold = tuple(entry["options"]), entry["gold"]
    is_native = entry["style"] == rules.style
    marked = f"{MARK}\n" * len(images) + prompt
    parts = PromptParts(entry["question"], entry["context"], options, entry["rfp"] or None)
    return make_row(
        rules, where[0], row, images=images, parts=parts, gold=gold, response=answer, group=where[1], turn=where[2],
        answer_index=option_index(answer, options) if is_native and options else None, accepted=entry["accepted"],
        passthrough=None if is_native else kept_rows.keep(entry, marked),
        asked=kept_prompt(prompt, parts) if is_native else None,
    )  # fmt: skip


def _row_of_shard(record: dict[str, Any], row: int, rules: RecordRules) -> Row:
    """A row of our own shards, under the name that it had there."""
    try:
        kept_rows.check_entry({name: record[name] for name in kept_rows.FIELDS})
    except ValueError as exc:
        raise BadRecordError("bad_asd", f"the row is not as exported: {exc}") from exc
    messages, images = read_conversation(record, rules)
    name = str(record.get("id") or "").removeprefix(f"{record.get('task')}/{record.get('split')}/")
    if not name or not isinstance(record["turn"], int):
        raise BadRecordError("bad_asd", "the row has no id or no turn")
    prompt = record.get("prompt")
    if len(messages) != 2 or messages[0][1] != prompt or not opens_with_marks(prompt, len(images)):
        return _passthrough_row(record, messages, images, name, row, rules)
    where = (name, str(record["group"]), record["turn"])
    return _told_row(record, _bare(messages[0][1], images), messages[1][1].strip(BLANKS), images, where, row, rules)


def read_answer(
    prompt: str, response: str, parts: PromptParts, rules: RecordRules
) -> tuple[PromptParts, int | None, str]:
    """(parts, index of the gold option, gold answer). Raises: BadRecordError."""
    if not response:
        raise BadRecordError("no_answer", f"no answer to {parts.question[:80]!r}")
    index = None
    if names_image(response) and MARK in response:
        raise BadRecordError("no_answer", f"the answer is an image mark, {response[:40]!r}, and no text")
    if parts.options:
        if any(MARK in option and names_image(option) for option in parts.options):
            raise BadRecordError("image_count", f"options are <image> marks: {' / '.join(parts.options)[:80]!r}")
        index = _option_of(response, parts)
        if len(parts.options) > len(LETTERS) and (index is not None or _is_letter(response) or _is_choice(rules)):
            raise BadRecordError("too_many_options", f"{len(parts.options)} options, letters for {len(LETTERS)}")
        if index is None and rules.style != AnswerStyle.MULTIPLE_CHOICE:
            parts = take_apart(prompt, rules.prompt, with_options=False)
    if not parts.question:
        if not rules.default_question:
            raise BadRecordError("empty_question", f"nothing is asked in {prompt[:80]!r}")
        parts = parts._replace(question=rules.default_question)
    if index is not None:
        return parts, index, parts.options[index]
    if rules.style == AnswerStyle.MULTIPLE_CHOICE:
        if not parts.options:
            if (count := count_other_marks(prompt)) > len(LETTERS):
                raise BadRecordError("too_many_options", f"{count} options, letters for {len(LETTERS)}")
            raise BadRecordError("no_options", f"no option lines (A., B., ...) in {prompt[-80:]!r}")
        raise BadRecordError("answer_not_an_option", f"answer {response[:40]!r}, {len(parts.options)} options")
    return parts, None, normalise_gold(response, rules)


def _is_choice(rules: RecordRules) -> bool:
    return rules.style == AnswerStyle.MULTIPLE_CHOICE


def _is_letter(response: str) -> bool:
    """Also of an option behind Z."""
    return re.fullmatch(r"\(?[A-Z]{1,2}\)?[.:)]?", response) is not None


def _option_of(response: str, parts: PromptParts) -> int | None:
    index = option_index(response, parts.options) if parts.alphabet == CAPITALS else None
    return (
        option_by_mark(response, Marked(parts.question, parts.options, "", parts.alphabet)) if index is None else index
    )


def option_index(response: str, options: Sequence[str]) -> int | None:
    """The option that "B", "(B)", "B. its text" or its text means; None where that is not exactly one."""
    match = _LETTER_ANSWER.fullmatch(response)
    if match and (number := LETTERS.index(match.group(1).upper())) < len(options):
        return number
    low = response.casefold()
    same = [number for number, option in enumerate(options) if option.casefold() == low]
    if len(same) == 1:
        return same[0]
    match = _LETTER_AND_TEXT.fullmatch(response)
    if match is None:
        return None
    number = LETTERS.index(match.group(1))
    is_same = number < len(options) and options[number].casefold() == match.group(2).strip(BLANKS).casefold()
    return number if is_same else None


def normalise_gold(response: str, rules: RecordRules) -> str:
    """The answer as text: boxes without blanks, labels without their full stop, "yes"/"no" in one spelling.

    response: not empty, trimmed. Raises: BadRecordError for what the native style cannot be.
    """
    style = rules.style
    if style == AnswerStyle.BOUNDING_BOX:
        return spaceless_box(response)
    if style in (AnswerStyle.SHORT_ANSWER, AnswerStyle.YES_NO) and len(response) <= 6:
        low = response.lower()
        polarity = _YES_NO.get(low)
        if polarity is None and style == AnswerStyle.YES_NO:
            polarity = _TRUE_FALSE.get(low)
        if polarity is not None:
            return polarity
    if style == AnswerStyle.YES_NO:
        raise BadRecordError("answer_not_yes_no", f"expected yes or no, found {response[:40]!r}")
    is_label = rules.is_classification and style == AnswerStyle.SHORT_ANSWER
    if is_label and response.endswith(".") and not response.endswith(".."):
        return response[:-1].rstrip(BLANKS) or response
    return response


def spaceless_box(text: str) -> str:
    """ "[x1,y1,x2,y2]" with the numbers as given. Raises: BadRecordError."""
    match = _BOX.fullmatch(text)
    if match is None:
        raise BadRecordError("bad_box", f"expected [x1,y1,x2,y2], found {text[:60]!r}")
    try:
        check_fit(parse_box(text), _DECLARE)
    except BoxError as exc:
        raise BadRecordError(exc.reason, str(exc)) from exc
    return f"[{','.join(match.groups())}]"


def _converted_box(answer: str, convention: BoxConvention, record: dict[str, Any]) -> str:
    """The only box inside the answer, as samples write it. Raises: BadRecordError."""
    inside = boxes_inside(answer)
    frame = [float(side) for side in (record.get("width"), record.get("height")) if _is_number(side)]
    size = (frame[0], frame[1]) if len(frame) == 2 else None
    try:
        return canonical_box(inside[0] if len(inside) == 1 else answer, convention, size)
    except BoxError as exc:
        raise BadRecordError(exc.reason, str(exc)) from exc


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _extras(record: dict[str, Any], gold: str, *, is_single: bool) -> dict[str, Any]:
    """Optional keys; the ones that speak of one answer count only where the record has one turn."""
    extras: dict[str, Any] = {}
    if _EXTRA_KEYS.isdisjoint(record):
        return extras
    if tokens := _texts(record.get("ocr_tokens")):
        extras["ocr_tokens"] = tokens
    if not is_single:
        return extras
    if worked := [text for key in ("lecture", "solution") if (text := _text(record.get(key)))]:
        extras["solution"] = "\n".join(worked)
    for key in ("full_answer", "answer_type"):
        if text := _text(record.get(key)):
            extras[key] = text
    if rationales := _texts(record.get("rationales")):
        extras["rationales"] = rationales
    answers = record.get("answers")
    also = [*_texts(record.get("accepted")), *(vote(answers).accepted if are_answers(answers) else ())]
    if also:
        extras["accepted"] = list(dict.fromkeys([gold, *also]))
    return extras


def _regions(value: Any) -> tuple[list[str], list[str]]:
    """Names and boxes; "" for a box that is none. Raises: BadRecordError."""
    if not isinstance(value, list) or not all(
        isinstance(region, dict) and _text(region.get("name")) for region in value
    ):
        raise BadRecordError("bad_field", f"regions: expected a list of {{name, box}}, found {brief(value)!r}")
    names, boxes = [], []
    for region in value:
        names.append(str(_text(region["name"])))
        try:
            boxes.append(canonical_box(region.get("box"), "xyxy_square"))
        except BoxError:
            boxes.append("")
    return names, boxes


def _text(value: Any) -> str | None:
    return (value.strip(BLANKS) or None) if isinstance(value, str) else None


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [text for item in items if (text := _text(item))]


def make_row(
    rules: RecordRules,
    source_id: str,
    row: int,
    *,
    images: list[str],
    parts: PromptParts,
    gold: str,
    response: str,
    answer_index: int | None = None,
    accepted: list[str] | None = None,
    rationales: Sequence[str] = (),
    full_answer: str | None = None,
    solution: str | None = None,
    ocr_tokens: Sequence[str] = (),
    answer_type: str | None = None,
    group: str | None = None,
    turn: int = 0,
    passthrough: str | None = None,
    asked: str | None = None,
    regions: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> Row:
    return (
        source_id, rules.split, images, parts.question, parts.context, parts.options, answer_index, gold,
        accepted or [gold], response, parts.rfp, rationales, full_answer, solution,
        parts.ocr_tokens or ocr_tokens, (), answer_type, source_id if group is None else group, turn,
        rules.file, row, passthrough, asked, *regions,
    )  # fmt: skip


_GOLD = NATIVE_SCHEMA.get_field_index("gold")
_OTHER_BOXES = NATIVE_SCHEMA.get_field_index("other_boxes")


def add_other_boxes(rows: list[Row]) -> list[Row]:
    """Each turn's `other_boxes`: the boxes of the other turns, in order, each once, never its own."""
    if len(rows) < 2:
        return rows
    boxes = list(dict.fromkeys(row[_GOLD] for row in rows))
    return [
        (*row[:_OTHER_BOXES], [box for box in boxes if box != row[_GOLD]], *row[_OTHER_BOXES + 1 :]) for row in rows
    ]


def rows_to_batch(rows: Sequence[Row]) -> pa.RecordBatch:
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(NATIVE_SCHEMA)
    to_array: Callable[..., pa.Array] = pa.array
    arrays = [to_array(column, type=field.type) for column, field in zip(columns, NATIVE_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=NATIVE_SCHEMA)
