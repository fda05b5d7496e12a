"""Whole blocks of LLaVA/CoIN records as native columns, without a Python object a row.

Only plain records go this way: text or integer ids, at most one image path, questions and answers in turn,
prompts without options. Every other record of the block goes through `asd.sources.llava_record.read_record`,
whose meaning this module must match row for row; a block that Arrow cannot parse goes there as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from asd.columns import NATIVE_SCHEMA
from asd.records import Reject
from asd.schemas.image_marks import MARK
from asd.schemas.styles import AnswerStyle
from asd.sources.bad_record import BadRecordError
from asd.sources.json_columns import records_of
from asd.sources.json_stream import parse_json
from asd.sources.kept_rows import KEY
from asd.sources.llava_record import (
    BOX,
    RecordRules,
    Row,
    normalise_gold,
    read_record,
    rows_to_batch,
)
from asd.sources.messages import OTHER_IMAGE_KEYS
from asd.sources.prompt_columns import Mask, Offsets, PromptColumns, take_apart_columns
from asd.sources.record_blocks import Block, element_ends

_strings = pa.list_(pa.string())
_TURN = pa.struct([("from", pa.string()), ("value", pa.string()), ("role", pa.string()), ("content", pa.string())])
_COLUMNS: dict[str, pa.DataType] = {
    "id": pa.string(),
    "question_id": pa.string(),
    "image": pa.string(),
    **dict.fromkeys(OTHER_IMAGE_KEYS, pa.string()),
    "conversations": pa.list_(_TURN),
    "images": _strings,
    "messages": pa.list_(_TURN),
    "text": pa.string(),
    "answer": pa.string(),
    "answer_bbox": pa.string(),
    "answers": _strings,
    "accepted": _strings,
    "system": pa.string(),
    "tools": pa.string(),
    "solution": pa.string(),
    "lecture": pa.string(),
    "full_answer": pa.string(),
    "answer_type": pa.string(),
    "rationales": _strings,
    "ocr_tokens": _strings,
    KEY: pa.string(),
}
"""Every key that `read_record` looks at; others are skipped while parsing."""
_PLAIN = frozenset({"id", "question_id", "image", "conversations"})
_IDS = ("id", "question_id")
_ODD_PATH = r"\A[./]|\./|/\.|//|/\z|\\|:|\x00"
"""At least every path that `image_text.image_text` changes or refuses (RE2)."""
_FIRST_RECORD_BYTES = 1 << 16
_CONSTANT_ROWS = 1 << 16

Table = tuple[pa.RecordBatch, list[Reject]]


class UnplainBlockError(Exception):
    """The block is not of the shape that the columnar reading knows; it says nothing about its validity."""


def read_block(block: Block, rules: RecordRules) -> Table:
    """Native rows of a block, in source order, and its rejects."""
    if rules.is_columnar:
        try:
            return read_table(parse_block(block), block.first_row, rules, lambda odd: _records_at(block, odd))
        except (UnplainBlockError, pa.ArrowException):
            pass
    return read_block_by_record(block, rules)


def read_guessed_block(block: Block, rules: RecordRules) -> Table | None:
    """As `read_block`; None if the block is not what was guessed (see `Block.is_guess`)."""
    if rules.is_columnar:
        try:
            return read_table(parse_block(block), block.first_row, rules, lambda odd: _records_at(block, odd))
        except (UnplainBlockError, pa.ArrowException):
            pass
    try:
        is_right = len(orjson.loads(b"".join((b"[", block.data, b"]")))) == block.rows
    except orjson.JSONDecodeError:
        is_right = False
    return read_block_by_record(block, rules) if is_right else None


def read_block_by_record(block: Block, rules: RecordRules) -> Table:
    """The same, record by record."""
    rows: list[Row] = []
    rejects: list[Reject] = []
    for row, record in _records(block, rules, rejects):
        read, refused = read_record(record, row, rules)
        rows += read
        rejects += refused
    return rows_to_batch(rows), rejects


def _records(block: Block, rules: RecordRules, rejects: list[Reject]) -> Iterator[tuple[int, Any]]:
    if block.form == "array":
        try:
            whole = orjson.loads(b"".join((b"[", block.data, b"]")))
            if len(whole) == block.rows:
                yield from enumerate(whole, block.first_row)
                return
        except orjson.JSONDecodeError:
            pass
    for row, text in enumerate(_texts(block), block.first_row):
        if block.form == "lines" and not text.strip():
            continue
        try:
            record = parse_json(text)
        except ValueError as exc:
            where = f"line {row + 1}" if block.form == "lines" else f"record {row} (counted from 0)"
            why = getattr(exc, "msg", exc)
            rejects.append(Reject(rules.file, row, "", "bad_json", f"{where} is not valid JSON ({why}): {text[:60]!r}"))
            continue
        yield row, record


def _records_at(block: Block, places: list[int]) -> list[Any]:
    """Records of a block that Arrow could parse."""
    texts = list(_texts(block))
    try:
        return [parse_json(texts[place]) for place in places]
    except ValueError:
        raise UnplainBlockError from None


def _texts(block: Block) -> Iterator[bytes]:
    if block.form == "lines":
        yield from bytes(block.data[:-1]).split(b"\n")
        return
    data, start = bytes(block.data) + b"]", 0
    for end in element_ends(data)[0].tolist():
        yield data[start:end].strip(b" \t\r\n").removeprefix(b",").lstrip(b" \t\r\n")
        start = end


def parse_block(block: Block) -> pa.RecordBatch:
    """The known keys of each record as columns. Raises: ArrowException or UnplainBlockError."""
    if block.form == "lines" and not _is_object_a_line(block):
        raise UnplainBlockError
    _check_utf8(block.data)
    first = _first_record(block)
    if first.keys() <= _COLUMNS.keys():
        try:  # a column costs its share of the parsing even where no record has it
            return _parse(block, _schema(first, only_its_keys=True), "error")
        except pa.ArrowException:
            pass
    return _parse(block, _schema(first, only_its_keys=False), "ignore")


def _parse(block: Block, schema: pa.Schema, on_other_keys: str) -> pa.RecordBatch:
    data = block.data
    if block.form == "array":
        data = b"".join((b'{"r":[', data, b"]}"))
        schema = pa.schema([("r", pa.list_(pa.struct(list(schema))))])
    table = pj.read_json(
        pa.BufferReader(pa.py_buffer(data)),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=pj.ParseOptions(
            explicit_schema=schema,
            unexpected_field_behavior=on_other_keys,
            newlines_in_values=block.form == "array",
        ),
    )
    parsed = table.to_batches()
    if len(parsed) != 1:
        raise UnplainBlockError
    records = parsed[0]
    if block.form == "array":
        inner = records.column(0).flatten()
        if inner.null_count or len(records) != 1:
            raise UnplainBlockError
        records = pa.RecordBatch.from_struct_array(inner)
    if len(records) != block.rows:
        raise UnplainBlockError
    return records


def _first_record(block: Block) -> dict[str, Any]:
    head = bytes(block.data[:_FIRST_RECORD_BYTES])
    if block.form == "lines":
        end = head.find(b"\n")
    else:
        ends, _ = element_ends(head)
        end = int(ends[0]) if len(ends) else 0
    try:
        first = orjson.loads(head[:end] if end > 0 else head)
    except orjson.JSONDecodeError:
        raise UnplainBlockError from None
    if not isinstance(first, dict):
        raise UnplainBlockError
    return first


def _schema(first: dict[str, Any], *, only_its_keys: bool) -> pa.Schema:
    """Which type the ids have is read off the first record."""
    types = {name: kind for name, kind in _COLUMNS.items() if not only_its_keys or name in first or name == "image"}
    for key in _IDS:
        if isinstance(first.get(key), int) and not isinstance(first[key], bool):
            types[key] = pa.int64()
    turns = first.get("conversations")
    if only_its_keys and isinstance(turns, list) and turns and isinstance(turns[0], dict):
        types["conversations"] = pa.list_(pa.struct([field for field in _TURN if field.name in turns[0]]))
    return pa.schema(list(types.items()))


def _is_object_a_line(block: Block) -> bool:
    """Arrow also takes two objects on a line; then its rows would not be the lines."""
    octets = np.frombuffer(block.data, np.uint8)
    ends = block.line_ends - 1 if block.line_ends is not None else np.flatnonzero(octets == ord("\n"))
    before = octets[ends - 1]  # for a newline at 0 that is the last byte, a newline: refused below
    if (before == ord("\r")).any():
        before = np.where(before == ord("\r"), octets[ends - 2], before)
    is_closed, is_opened = before == ord("}"), octets[ends[:-1] + 1] == ord("{")
    return bool(is_closed.all() and is_opened.all()) and octets[0] == ord("{")


def _check_utf8(data: bytes | memoryview) -> None:
    """Arrow's JSON parser does not. Raises: ArrowInvalid."""
    offsets = pa.py_buffer(np.array([0, len(data)], np.int32))
    pa.BinaryArray.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(data)]).cast(pa.string())


def read_arrow(batch: pa.RecordBatch, first_row: int, rules: RecordRules) -> Table:
    """Native rows of a batch of a Parquet or Arrow file."""
    if rules.is_columnar:
        try:
            return read_table(
                _to_known_types(batch), first_row, rules, lambda odd: records_of(batch.take(pa.array(odd)))
            )
        except (UnplainBlockError, pa.ArrowException):
            pass
    rows: list[Row] = []
    rejects: list[Reject] = []
    for row, record in enumerate(records_of(batch), first_row):
        read, refused = read_record(record, row, rules)
        rows += read
        rejects += refused
    return rows_to_batch(rows), rejects


def _to_known_types(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Raises: UnplainBlockError or ArrowException if a column is of another kind than `_COLUMNS` says."""
    columns = {}
    for name, kind in _COLUMNS.items():
        if name not in batch.schema.names:
            continue
        column = batch.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if name in _IDS and pa.types.is_integer(column.type):
            columns[name] = column.cast(pa.int64())
            continue
        if kind == pa.string() and not _is_text(column.type):
            raise UnplainBlockError
        if kind == pa.list_(_TURN):
            column = _to_turns(column)
        columns[name] = column.cast(kind)
    if not columns:
        raise UnplainBlockError
    return pa.RecordBatch.from_pydict(columns)


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
                                       pa.types.is_null))  # fmt: skip


def _to_turns(column: pa.Array) -> pa.Array:
    """Turns with all of the fields of `_TURN`, absent ones null."""
    is_list = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    if not is_list or not pa.types.is_struct(column.type.value_type) or column.null_count:
        raise UnplainBlockError
    turns = column.flatten()
    given = {field.name: part for field, part in zip(turns.type, turns.flatten(), strict=True)}
    for name, part in given.items():
        if name in {field.name for field in _TURN} and not _is_text(part.type):
            raise UnplainBlockError
    parts = [given[field.name].cast(pa.string()) if field.name in given else pa.nulls(len(turns), pa.string())
             for field in _TURN]  # fmt: skip
    lengths = np.asarray(pc.list_value_length(column).to_numpy(), dtype=np.int64)
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(parts, fields=list(_TURN)))


def read_table(
    records: pa.RecordBatch, first_row: int, rules: RecordRules, whole: Callable[[list[int]], Iterable[Any]]
) -> Table:
    """Native rows of parsed records; `records` has the columns of `_COLUMNS` or fewer.

    whole: the records at these places with all that stands in them, for the reader of single records.
    """
    turns = _Turns(_complete(records), first_row, rules)
    table = turns.table()
    odd = np.flatnonzero(turns.is_odd).tolist()
    if not odd:
        return table, []
    rows: list[Row] = []
    rejects: list[Reject] = []
    for number, record in zip(odd, whole(odd), strict=True):
        read, refused = read_record(record, first_row + number, rules)
        rows += read
        rejects += refused
    return _in_source_order(table, rows_to_batch(rows)), rejects


def _complete(records: pa.RecordBatch) -> dict[str, pa.Array]:
    columns = {name: records.column(name) for name in records.schema.names}
    return {name: columns.get(name, pa.nulls(len(records), kind)) for name, kind in _COLUMNS.items()}


def _in_source_order(plain: pa.RecordBatch, other: pa.RecordBatch) -> pa.RecordBatch:
    if not len(other) or not len(plain):
        return other if not len(plain) else plain
    both = pa.concat_batches([plain, other])
    order = np.argsort(both.column("source_row").to_numpy(), kind="stable")
    return both.take(pa.array(order))


def _to_mask(array: pa.BooleanArray) -> Mask:
    return np.asarray(array.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _string_buffer(array: pa.StringArray) -> tuple[npt.NDArray[np.uint8], Offsets]:
    """(bytes, offsets) of a string column; offsets has one more entry than the column."""
    _, offsets, data = array.buffers()
    places = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1].astype(np.int64)
    return (np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)), places


def _may_have_odd_paths(data: npt.NDArray[np.uint8], offsets: Offsets) -> bool:
    """Whether `_ODD_PATH` could match one of the paths: a look at the bytes of all of them at once."""
    paths = data[offsets[0] : offsets[-1]]
    is_slash = paths == ord("/")
    is_part_mark = is_slash | (paths == ord("."))  # two in a row: "./", "/.", "..", "//"
    starts = offsets[:-1][offsets[:-1] < offsets[1:]] - offsets[0]
    ends = offsets[1:][offsets[:-1] < offsets[1:]] - offsets[0] - 1
    is_odd = (is_part_mark[1:] & is_part_mark[:-1]).any() or is_part_mark[starts].any() or is_slash[ends].any()
    return bool(is_odd) or any(bool((paths == byte).any()) for byte in b"\\:\x00")


class _Turns:
    """Question and answer of every turn of the records that are plain so far; `is_odd`: the other ones."""

    def __init__(self, columns: dict[str, pa.Array], first_row: int, rules: RecordRules) -> None:
        self.columns, self.first_row, self.rules = columns, first_row, rules
        self.count = len(columns["id"])
        self.is_odd = self._has_rare_keys()
        self.image = self._image_paths()
        self.ids = self._ids()
        conversations = columns["conversations"]
        lengths = np.asarray(pc.fill_null(pc.list_value_length(conversations), 0).to_numpy(), dtype=np.int64)
        self.is_odd |= (lengths == 0) | (lengths % 2 == 1)
        self.turns_a_record = np.where(self.is_odd, 0, lengths // 2)
        flat = _flat_turns(conversations, self.is_odd)
        self.record = np.repeat(np.arange(self.count), self.turns_a_record)
        role, value = _role_and_value(flat)
        self._check_roles(role, value)
        self.values = value

    def _has_rare_keys(self) -> Mask:
        """Records with a key that `_PLAIN` lacks, or without turns."""
        odd = np.zeros(self.count, np.bool_)
        for name, column in self.columns.items():
            if name not in _PLAIN and column.null_count < self.count:
                odd |= _to_mask(column.is_valid() if name != KEY else pc.not_equal(column, ""))
        return odd

    def _image_paths(self) -> pa.StringArray:
        image = self.columns["image"]
        is_dotted = pc.starts_with(image, "./")
        if pc.any(is_dotted).as_py():
            image = pc.if_else(is_dotted, pc.utf8_slice_codeunits(image, 2), image)
        if _may_have_odd_paths(*_string_buffer(image)):
            self.is_odd |= _to_mask(pc.match_substring_regex(image, _ODD_PATH))
        return image

    def _ids(self) -> pa.StringArray:
        texts = []
        for key in _IDS:
            column = self.columns[key]
            if column.null_count == self.count:
                continue
            if pa.types.is_integer(column.type):
                column = column.cast(pa.string())
            elif (np.diff(_string_buffer(column)[1]) == 0).any():
                column = pc.if_else(pc.equal(column, ""), None, column)
            texts.append(column)
            if not column.null_count:
                break
        if not texts:
            texts = [pa.nulls(self.count, pa.string())]
        ids = texts[0] if len(texts) == 1 else pc.coalesce(*texts)
        if ids.null_count:
            rows = pa.array(np.arange(self.first_row, self.first_row + self.count)).cast(pa.string())
            ids = pc.coalesce(ids, pc.binary_join_element_wise(self.rules.file, rows, ":"))
        return ids

    def _check_roles(self, role: pa.StringArray, value: pa.StringArray) -> None:
        wanted = np.arange(len(role)) % 2 == 0
        is_user = _to_mask(pc.equal(role, "human"))
        is_assistant = _to_mask(pc.equal(role, "gpt"))
        good = np.where(wanted, is_user, is_assistant)
        if not good.all():
            other = np.where(wanted, _to_mask(pc.equal(role, "user")), _to_mask(pc.equal(role, "assistant")))
            good |= other
        if value.null_count:
            good &= _to_mask(value.is_valid())
        data, offsets = _string_buffer(value)
        if b"<img>" in data[offsets[0] : offsets[-1]].tobytes():
            good &= ~_to_mask(pc.match_substring(value, "<img>"))
        if not good.all():
            self.is_odd[self.record[np.flatnonzero(~good) // 2]] = True

    def table(self) -> pa.RecordBatch:
        data, offsets = _string_buffer(self.values)
        prompts = take_apart_columns(data, offsets[:-1:2], offsets[1::2], self.rules.prompt)
        response = pc.ascii_trim_whitespace(
            self.values.take(pa.array(np.arange(1, len(self.values), 2, dtype=np.int32)))
        )
        gold, has_no_gold = _gold(response, self.rules)
        bad = prompts.is_other | has_no_gold | (np.diff(_string_buffer(prompts.question)[1]) == 0)
        self.is_odd[self.record[bad]] = True
        if prompts.placeholders.any():
            marks = np.bincount(self.record, weights=prompts.placeholders, minlength=self.count)
            self.is_odd |= marks > self._has_image()
            is_later = _turn_numbers(self.turns_a_record) > 0
            self.is_odd[self.record[is_later & (prompts.placeholders > 0)]] = True
        columns = self._columns(prompts, response, gold)
        table = pa.RecordBatch.from_arrays([columns[name] for name in NATIVE_SCHEMA.names], schema=NATIVE_SCHEMA)
        if self.is_odd.any():
            table = table.filter(pa.array(~self.is_odd[self.record]))
        return table

    def _has_image(self) -> Mask:
        """A path that is not empty."""
        lengths = np.diff(_string_buffer(self.image)[1])
        return np.asarray(lengths > 0) & _to_mask(self.image.is_valid())

    def _columns(self, prompts: PromptColumns, response: pa.StringArray, gold: pa.StringArray) -> dict[str, pa.Array]:
        count = len(prompts.question)
        is_single = count == self.count and bool((self.turns_a_record == 1).all())
        record = pa.array(self.record)
        group = self.ids if is_single else self.ids.take(record)
        turn = _turn_numbers(self.turns_a_record)
        source_id = group if is_single else _source_ids(group, turn, self.turns_a_record[self.record])
        constants = _constants(self.rules.file, self.rules.split, count)
        return {
            **constants,
            "source_id": source_id,
            "images": _image_lists(self.image if is_single else self.image.take(record)),
            "question": prompts.question,
            "gold": gold,
            "accepted": _lists_of_one(gold),
            "response": response,
            "rfp": prompts.rfp,
            "asked": prompts.asked,
            "other_boxes": self._other_boxes(gold) if self.rules.prompt.is_grounding else constants["other_boxes"],
            "group": group,
            "turn": pa.array(turn.astype(np.int32)),
            "source_row": pa.array(self.record + self.first_row),
        }

    def _other_boxes(self, gold: pa.StringArray) -> pa.ListArray:
        """See `llava_record.add_other_boxes`."""
        code = gold.dictionary_encode().indices.to_numpy().astype(np.int64)
        is_first = np.ones(len(code), np.bool_)  # of the record's turns with this box
        order = np.lexsort((np.arange(len(code)), code, self.record))
        same = (np.diff(code[order]) == 0) & (np.diff(self.record[order]) == 0)
        is_first[order[1:][same]] = False
        first = np.flatnonzero(is_first)
        boxes_a_record = np.bincount(self.record[first], minlength=self.count)
        begin = np.concatenate(([0], np.cumsum(boxes_a_record)))[self.record]
        size = boxes_a_record[self.record]  # of the list with the own box still in it
        start = np.concatenate(([0], np.cumsum(size)))
        within = np.arange(start[-1]) - np.repeat(start[:-1], size)
        candidate = first[np.repeat(begin, size) + within]
        keep = code[candidate] != np.repeat(code, size)
        offsets = np.concatenate(([0], np.cumsum(size - 1))).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), gold.take(pa.array(candidate[keep])))


def _flat_turns(conversations: pa.ListArray, is_odd: Mask) -> pa.StructArray:
    """All turns of the plain records, one after the other."""
    return (conversations.filter(pa.array(~is_odd)) if is_odd.any() else conversations).flatten()


def _role_and_value(turns: pa.StructArray) -> tuple[pa.StringArray, pa.StringArray]:
    """Under either spelling, from/value or role/content. A turn that is null gives nulls."""
    columns = {field.name: column for field, column in zip(turns.type, turns.flatten(), strict=True)}
    return _first_present(columns, "from", "role"), _first_present(columns, "value", "content")


def _first_present(columns: dict[str, pa.Array], name: str, other: str) -> pa.Array:
    if name not in columns or other not in columns:
        if name not in columns and other not in columns:
            raise UnplainBlockError
        return columns[name if name in columns else other]
    return pc.coalesce(columns[name], columns[other]) if columns[name].null_count else columns[name]


def _gold(response: pa.StringArray, rules: RecordRules) -> tuple[pa.StringArray, Mask]:
    """Gold answers, and which responses are none. Asks `normalise_gold` once for each distinct response."""
    if rules.prompt.is_grounding:
        return _gold_boxes(response)
    if rules.style in (AnswerStyle.BRIEF_EXPLANATION, AnswerStyle.DETAILED_EXPLANATION):
        return response, (np.diff(_string_buffer(response)[1]) == 0) | _to_mask(pc.starts_with(response, MARK))
    encoded = response.dictionary_encode()
    given = encoded.dictionary.to_pylist()
    golds = [_gold_or_none(text, rules) for text in given]
    if golds == given:
        return response, np.zeros(len(response), np.bool_)
    gold = pa.array(golds, pa.string()).take(encoded.indices)
    is_missing = _to_mask(gold.is_null())
    return pc.fill_null(gold, "") if gold.null_count else gold, is_missing


def _gold_or_none(response: str, rules: RecordRules) -> str | None:
    if (
        not response or response.startswith(MARK) or rules.style == AnswerStyle.MULTIPLE_CHOICE
    ):  # letters need the options, so record by record
        return None
    try:
        return normalise_gold(response, rules)
    except BadRecordError:
        return None


_CORNERS = ("x1", "y1", "x2", "y2")
_BOX = rf"\A{BOX}\z".replace("(-", "(?P<{}>-").format(*_CORNERS)


def _gold_boxes(response: pa.StringArray) -> tuple[pa.StringArray, Mask]:
    """See `llava_record.spaceless_box`."""
    numbers = pc.extract_regex(response, _BOX)
    x1, y1, x2, y2 = (pc.cast(pc.struct_field(numbers, name), pa.float64()) for name in _CORNERS)
    inside = [pc.and_(pc.less_equal(0.0, low), pc.less_equal(high, 1.0)) for low, high in ((x1, x2), (y1, y2))]
    has_area = [pc.less(low, high) for low, high in ((x1, x2), (y1, y2))]
    is_box = _to_mask(pc.and_(pc.and_(*inside), pc.and_(*has_area)))
    data, offsets = _string_buffer(response)
    if b" " in data[offsets[0] : offsets[-1]].tobytes():
        response = pc.replace_substring(response, " ", "")
    return response, ~is_box


def _turn_numbers(turns_a_record: Offsets) -> Offsets:
    """0, 1, ... within each record."""
    begin = np.cumsum(turns_a_record) - turns_a_record
    return np.asarray(np.arange(int(turns_a_record.sum())) - np.repeat(begin, turns_a_record))


def _source_ids(group: pa.StringArray, turn: Offsets, turns: Offsets) -> pa.StringArray:
    """The record's id, with "#<turn>" where it has several turns."""
    suffixes = pa.array(["", *(f"#{number}" for number in range(int(turn.max(initial=-1)) + 1))])
    suffix = suffixes.take(pa.array(np.where(turns > 1, turn + 1, 0)))
    return pc.binary_join_element_wise(group, suffix, "")


def _image_lists(image: pa.StringArray) -> pa.ListArray:
    lengths = np.diff(_string_buffer(image)[1])
    has_image = (lengths > 0) & _to_mask(image.is_valid()) if image.null_count else lengths > 0
    if has_image.all():
        return _lists_of_one(image)
    offsets = np.concatenate(([0], np.cumsum(has_image))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), image.filter(pa.array(has_image)))


def _lists_of_one(values: pa.StringArray) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.arange(len(values) + 1, dtype=np.int32)), values)


@lru_cache(maxsize=8)
def _constant_columns(file: str, split: str, count: int) -> dict[str, pa.Array]:
    empty = pa.ListArray.from_arrays(pa.array(np.zeros(count + 1, np.int32)), pa.array([], pa.string()))
    texts = {"split": split, "context": "", "source_file": file}
    nulls = ("answer_index", "full_answer", "solution", "answer_type", "passthrough")
    return {
        **{name: pa.repeat(pa.scalar(text), count) for name, text in texts.items()},
        **{name: pa.nulls(count, NATIVE_SCHEMA.field(name).type) for name in nulls},
        **dict.fromkeys(("options", "rationales", "ocr_tokens", "other_boxes", "region_names", "region_boxes"), empty),
    }


def _constants(file: str, split: str, count: int) -> dict[str, pa.Array]:
    """Columns that plain records leave at one value; slices of one set, so that they cost nothing."""
    size = max(_CONSTANT_ROWS, 1 << max(count - 1, 0).bit_length())
    return {name: column.slice(0, count) for name, column in _constant_columns(file, split, size).items()}
