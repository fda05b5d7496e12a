"""The columnar form of `asd.sources.prompt_text`: many prompts at once, as offsets into one buffer.

It handles prompts that are a question with placeholders and an instruction. Prompts with option lines,
context or OCR tokens are flagged `is_other`, and the caller gives those to `take_apart`. What an instruction
is, is asked of `prompt_text` itself, once for each distinct line, so the two forms cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asd.schemas.image_marks import MARK
from asd.sources.instructions import is_instruction
from asd.sources.marked_options import SECOND_MARK
from asd.sources.prompt_text import PromptRules, is_box_instruction

Offsets = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

_IS_BLANK = np.zeros(256, np.bool_)
_IS_BLANK[list(b" \t\r\n\x0b\x0c")] = True
_IS_STOP = np.zeros(256, np.bool_)
_IS_STOP[list(b".?!")] = True
_NEWLINE, _COLON, _SPACE, _QUESTION_MARK = 0x0A, 0x3A, 0x20, 0x3F
_OTHER = rf"Context|OCR token|A[.)][ \t]|{SECOND_MARK}"
"""All that `take_apart` could take for context, OCR tokens or options, and some more (RE2)."""
_OTHER_PAIRS = (
    *(b"Co", b"CR", b"A.", b"A)", b" -", b" ="),
    *(bytes(pair) for pair in product(b"Bb21iI", b")]}>.:*_")),
)
"""One of these pairs of bytes, or one that is not ASCII, is wherever `_OTHER` matches; to look for them is far faster."""
_IS_OTHER_PAIR = np.zeros(1 << 16, np.bool_)
_IS_OTHER_PAIR[np.frombuffer(b"".join(_OTHER_PAIRS), np.uint16)] = True
_IS_OTHER_PAIR.reshape(256, 256)[128:] = True
_MAX_ROUNDS = 64
"""Of trimming one blank or one placeholder a row; prompts that need more are flagged as other."""
_MAX_INSTRUCTION_LINES = 4


@dataclass(slots=True)
class PromptColumns:
    """One entry a prompt; entries with `is_other` set mean nothing."""

    question: pa.StringArray
    rfp: pa.StringArray
    asked: pa.StringArray
    """See `prompt_text.kept_prompt`."""
    placeholders: Offsets
    is_other: Mask


@dataclass(slots=True)
class _Prompts:
    """Each prompt's question and instruction as slices of `data`, as far as they are known."""

    data: Bytes
    start: Offsets
    end: Offsets
    rfp_start: Offsets
    rfp_end: Offsets
    is_other: Mask


def take_apart_columns(data: Bytes, start: Offsets, end: Offsets, rules: PromptRules) -> PromptColumns:
    """Prompts given as slices `[start, end)` of a UTF-8 buffer, ascending and apart from each other."""
    count = len(start)
    is_other = _find_others(data, start, end)
    start, end = start.copy(), end.copy()
    is_other |= _trim(data, start, end)
    placeholders, is_unfinished = _strip_placeholders(data, start, end)
    is_other |= is_unfinished
    first, last = start.copy(), end.copy()
    no_rfp = np.zeros(count, np.int64)
    prompts = _Prompts(data, start, end, no_rfp, no_rfp.copy(), is_other)
    _take_last_lines(prompts, rules)
    if rules.is_grounding:
        _take_box_instructions(prompts)
    _take_last_sentences(prompts, rules)
    question = cut_slices(data, prompts.start, prompts.end)
    return PromptColumns(question, _rfp_column(prompts), _asked(prompts, first, last), placeholders, prompts.is_other)


def _asked(prompts: _Prompts, first: Offsets, last: Offsets) -> pa.StringArray:
    """The prompts that are more than a question and an instruction on the next line; null for the others."""
    is_next = (prompts.rfp_start == prompts.end + 1) & (_bytes_at(prompts.data, prompts.end) == _NEWLINE)
    is_plain = (prompts.rfp_end > 0) & is_next & (prompts.start == first) & (prompts.rfp_end == last)
    kept = np.flatnonzero(~is_plain & (first < last))
    if not len(kept):
        return pa.nulls(len(first), pa.string())
    cut = cut_slices(prompts.data, first[kept], last[kept])
    place = np.zeros(len(first), np.int32)
    place[kept] = np.arange(len(kept))
    mask = np.ones(len(first), np.bool_)
    mask[kept] = False
    return cut.take(pa.array(place, mask=mask))


def cut_slices(data: Bytes, start: Offsets, end: Offsets) -> pa.StringArray:
    """Copies ascending, disjoint slices of a UTF-8 buffer into an array, without a Python object for each.

    Between each two slices stands a gap; slices and gaps together are one valid array over it.
    """
    offsets = np.empty(2 * len(start) + 1, np.int32)
    offsets[0:-1:2] = start
    offsets[1::2] = end
    offsets[-1] = end[-1] if len(end) else 0
    both = pa.StringArray.from_buffers(2 * len(start), pa.py_buffer(offsets), pa.py_buffer(data))
    return both.take(pa.array(np.arange(0, 2 * len(start), 2, dtype=np.int32)))


def _rfp_column(prompts: _Prompts) -> pa.StringArray:
    """Null where no instruction was found."""
    has_rfp = prompts.rfp_end > 0
    if has_rfp.all():
        return cut_slices(prompts.data, prompts.rfp_start, prompts.rfp_end)
    rows = np.flatnonzero(has_rfp)
    cut = cut_slices(prompts.data, prompts.rfp_start[rows], prompts.rfp_end[rows])
    place = np.cumsum(has_rfp) - 1
    return cut.take(pa.array(place.astype(np.int32), mask=~has_rfp))


def _find_others(data: Bytes, start: Offsets, end: Offsets) -> Mask:
    if not any(_IS_OTHER_PAIR[data[at : at + (len(data) - at) // 2 * 2].view(np.uint16)].any() for at in (0, 1)):
        return np.zeros(len(start), np.bool_)
    return _to_mask(pc.match_substring_regex(cut_slices(data, start, end), _OTHER))


def _to_mask(array: pa.BooleanArray) -> Mask:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _bytes_at(data: Bytes, at: Offsets) -> Bytes:
    """The byte at each offset; offsets outside of the buffer give the nearest one inside."""
    return data[np.clip(at, 0, len(data) - 1)] if len(data) else np.zeros(len(at), np.uint8)


def _trim_left(data: Bytes, start: Offsets, end: Offsets) -> Mask:
    """Moves `start` over blanks, in place; returns the rows that are not done."""
    for _ in range(_MAX_ROUNDS):
        blank = (start < end) & _IS_BLANK[_bytes_at(data, start)]
        if not blank.any():
            return blank
        start += blank
    return blank


def _trim_right(data: Bytes, start: Offsets, end: Offsets) -> Mask:
    """Moves `end` over blanks, in place; returns the rows that are not done."""
    for _ in range(_MAX_ROUNDS):
        blank = (start < end) & _IS_BLANK[_bytes_at(data, end - 1)]
        if not blank.any():
            return blank
        end -= blank
    return blank


def _trim(data: Bytes, start: Offsets, end: Offsets) -> Mask:
    return _trim_left(data, start, end) | _trim_right(data, start, end)


def _strip_placeholders(data: Bytes, start: Offsets, end: Offsets) -> tuple[Offsets, Mask]:
    """See `image_marks.strip_marks`; moves `start` and `end` in place. Also the rows that it must be asked about: marks
    before and behind the text, or inside it."""
    mark, mark_on_line = MARK.encode(), b"\n" + MARK.encode()
    count = np.zeros(len(start), np.int64)
    is_unfinished = np.zeros(len(start), np.bool_)
    for _ in range(_MAX_ROUNDS):
        has_mark = _has_text_at(data, start, end, mark)
        if not has_mark.any():
            break
        count += has_mark
        start[has_mark] += len(mark)
        is_unfinished |= _trim_left(data, start, end)
    is_unfinished |= has_mark
    before = count.copy()
    for _ in range(_MAX_ROUNDS):
        has_mark = _has_text_at(data, np.maximum(end - len(mark_on_line), start), end, mark_on_line)
        if not has_mark.any():
            break
        count += has_mark
        end[has_mark] -= len(mark)
        is_unfinished |= _trim_right(data, start, end)
    is_unfinished |= has_mark | ((before > 0) & (count > before))
    if np.count_nonzero(data == mark[0]) > count.sum() < data.tobytes().count(mark):  # else no prompt has one left
        is_unfinished |= _to_mask(pc.match_substring(cut_slices(data, start, end), MARK))
    return count, is_unfinished


def _has_text_at(data: Bytes, at: Offsets, end: Offsets, text: bytes) -> Mask:
    """Whether `text` stands at `at` and ends before `end`."""
    fits = at + len(text) <= end
    rows = np.flatnonzero(fits & (_bytes_at(data, at + len(text) - 2) == text[-2]))
    for place, byte in enumerate(text):
        rows = rows[data[at[rows] + place] == byte]
        if not len(rows):
            break
    has_text = np.zeros(len(at), np.bool_)
    has_text[rows] = True
    return has_text


def _last_before(places: Offsets, start: Offsets, end: Offsets) -> Offsets:
    """For each row the last of the ascending `places` in `[start, end)`, or -1."""
    if not len(places):
        return np.full(len(start), -1, np.int64)
    number = np.searchsorted(places, end) - 1
    last = places[np.maximum(number, 0)]
    return np.where((number >= 0) & (last >= start), last, -1)


def _ask_for_each(texts: pa.StringArray, question: Callable[[str], bool]) -> Mask:
    """Asks once for each distinct text."""
    encoded = texts.dictionary_encode()
    answers = np.fromiter((question(text) for text in encoded.dictionary.to_pylist()), np.bool_)
    return answers[encoded.indices.to_numpy()] if len(texts) else np.zeros(0, np.bool_)


def _take_last_lines(prompts: _Prompts, rules: PromptRules) -> None:
    """See `prompt_text.split_last_lines`."""
    data = prompts.data
    newlines = np.flatnonzero(data == _NEWLINE)
    if not len(newlines):
        return
    may_ask = any(rfp.endswith("?") for rfp in rules.known_rfps)
    rows = np.arange(len(prompts.start))
    for number in range(_MAX_INSTRUCTION_LINES):
        start, end = prompts.start[rows], prompts.end[rows]
        newline = _last_before(newlines, start, end)
        is_candidate = newline >= 0
        if not may_ask:
            is_candidate &= _bytes_at(data, end - 1) != _QUESTION_MARK
        rows, end, newline = rows[is_candidate], end[is_candidate], newline[is_candidate]
        line, head = newline + 1, newline.copy()
        prompts.is_other[rows[_trim_left(data, line, end)]] = True
        lines = cut_slices(data, line, end)
        is_taken = _ask_for_each(lines, lambda text: text in rules.known_rfps or is_instruction(text))
        rows, end, newline, line, head = (column[is_taken] for column in (rows, end, newline, line, head))
        if not len(rows):
            return
        prompts.is_other[rows[_trim_right(data, prompts.start[rows], head)]] = True
        if number:  # kept as one slice, which a blank beside the newline would make another text
            prompts.is_other[rows[prompts.rfp_start[rows] != head + 1]] = True
        else:
            prompts.rfp_end[rows] = end
        prompts.rfp_start[rows] = line
        prompts.end[rows] = head
    prompts.is_other[rows] = True


def _take_box_instructions(prompts: _Prompts) -> None:
    """See `prompt_text.split_grounding`."""
    data = prompts.data
    rows = np.flatnonzero(prompts.rfp_end == 0)
    colons = np.flatnonzero(data == _COLON)
    if not len(rows) or not len(colons):
        return
    start, end = prompts.start[rows], prompts.end[rows]
    number = np.minimum(np.searchsorted(colons, start), len(colons) - 1)
    colon = colons[number]
    inside = (colon >= start) & (colon < end - 1)
    rows, start, end, colon = rows[inside], start[inside], end[inside], colon[inside]
    head, tail = colon.copy(), colon + 1
    prompts.is_other[rows[_trim_right(data, start, head) | _trim_left(data, tail, end)]] = True
    matches = _ask_for_each(cut_slices(data, start, head), is_box_instruction)
    rows = rows[matches]
    prompts.rfp_start[rows], prompts.rfp_end[rows] = start[matches], head[matches]
    prompts.start[rows] = tail[matches]


def _take_last_sentences(prompts: _Prompts, rules: PromptRules) -> None:
    """See `prompt_text.split_last_sentence`. Known instructions without a stop before them are left to it."""
    data = prompts.data
    rows = np.flatnonzero((prompts.rfp_end == 0) & ~prompts.is_other)
    if not len(rows):
        return
    start, end = prompts.start[rows], prompts.end[rows]
    texts = cut_slices(data, start, end)
    for rfp in rules.suffixes:
        prompts.is_other[rows[_to_mask(pc.ends_with(texts, rfp))]] = True
    stops = np.flatnonzero((data[1:] == _SPACE) & _IS_STOP[data[:-1]])  # places of the stops, blanks follow
    stop = _last_before(stops, start, end - 1)
    is_candidate = (stop >= 0) & (_bytes_at(data, end - 1) != _QUESTION_MARK)
    rows, end, cut = rows[is_candidate], end[is_candidate], stop[is_candidate] + 1
    tail = cut.copy()
    prompts.is_other[rows[_trim_left(data, tail, end)]] = True
    is_one_line = _last_before(np.flatnonzero(data == _NEWLINE), tail, end) < 0
    is_taken = is_one_line & _ask_for_each(cut_slices(data, tail, end), is_instruction)
    rows = rows[is_taken]
    prompts.rfp_start[rows], prompts.rfp_end[rows] = tail[is_taken], end[is_taken]
    prompts.end[rows] = cut[is_taken]
    _leave_further_sentences(prompts, rows, stops)


def _leave_further_sentences(prompts: _Prompts, rows: Offsets, stops: Offsets) -> None:
    """Flags rows whose last sentence is an instruction once more."""
    data, start, end = prompts.data, prompts.start[rows], prompts.end[rows]
    stop = _last_before(stops, start, end - 1)
    rows, end, tail = rows[stop >= 0], end[stop >= 0], stop[stop >= 0] + 1
    prompts.is_other[rows[_trim_left(data, tail, end)]] = True
    prompts.is_other[rows[_ask_for_each(cut_slices(data, tail, end), is_instruction)]] = True
