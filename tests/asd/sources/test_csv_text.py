"""What stands between fields of CSV is found whatever cells hold, and one odd row changes nothing."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asd.sources.csv_text import csv_records, find_separator
from asd.sources.formats import iterate_records
from asd.sources.json_stream import BadRecord
from tests.asd.cli_runner import run_asd

CELLS = st.text(st.sampled_from('ab ,;\t"\n.1é'), max_size=8)
NAMES = st.lists(st.text(st.sampled_from("abcdef_"), min_size=1, max_size=5), min_size=2, max_size=4, unique=True)


def written(rows: list[list[str]], separator: str) -> list[str]:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue().splitlines(keepends=True)


def separator_of(lines: list[str], usual: str = ",") -> str:
    separator, again = find_separator(iter(lines), usual, None)
    assert list(again) == lines
    return separator


@given(st.sampled_from(",;\t"), NAMES, st.data())
def test_plain_headers_tell_it_whatever_the_cells_hold(separator: str, names: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), min_size=1, max_size=5))
    lines = written([names, *rows], separator)
    read = [record for _, _, record in csv_records(iter(lines), "f", ",", None)]
    assert read == [dict(zip(names, row, strict=True)) for row in rows]


@given(
    st.lists(CELLS.filter(bool), min_size=2, max_size=4),
    st.lists(st.text("ab", min_size=1), min_size=2, max_size=2),
    CELLS,
)
@example(["id;code", "answer"], ["1", "2"], "x;y")
@example(["a", "b;c"], ["1", "2"], ";")
def test_other_characters_in_a_header_and_one_ragged_row_change_nothing(
    header: list[str], cells: list[str], ragged: str
) -> None:
    """The ragged row is the first or the last of those that are there."""
    row = [cells[0], *cells[1:] * (len(header) - 1)]
    for rows in ([[ragged], row, row], [row, row, [ragged]]):
        assert separator_of(written([header, *rows], ",")) == ","


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("question;answer\nIs it red, or blue?;red\n", ";"),
        ("question, short;answer\nWhat?;cat\n", ";"),
        ("question;answer\nHow tall?;1,5\nHow wide?;2,5\nHow deep?;3,5\n", ";"),
        ('"question";"answer"\n"a, b";"c"\n', ";"),
        ("question;de,answer\nragged\nWhat?,cat\n", ","),
        ('"question;de",answer\nWhat; is?\nWhat?,cat\n', ","),
        ("id;code,question,answer\n1;2\n", ","),
        ("question;answer\n", ";"),
        ("question\tanswer\nWhat, then?\tcat\n", "\t"),
        ("question\nWhat; then?\n", ","),
        ("", ","),
    ],
)
def test_hand_made_files(text: str, separator: str) -> None:
    assert separator_of(text.splitlines(keepends=True)) == separator


@pytest.mark.parametrize(
    ("first", "separator"), [("sep=;\r\n", ";"), ("\ufeffSEP=|\n", "|"), ('"sep=\t"\n', "\t"), ("sep=,\n", ",")]
)
def test_excels_first_line_is_honoured(first: str, separator: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    body = f"question{separator}answer\nWhat?{separator}cat\nodd\n"
    path.write_text(first + body, "utf-8")
    read = [record for _, _, record in iterate_records(path)]
    assert read == [{"question": "What?", "answer": "cat"}, BadRecord("bad_csv", "line 4 has 1 fields, expected 2")]


@pytest.mark.parametrize("is_packed", [False, True])
def test_lines_that_end_with_carriage_returns_alone(is_packed: bool, tmp_path: Path) -> None:
    rows = "".join(f'"What, {number}?",cat\r' for number in range(20_000))
    data = f"question,answer\r{rows}".encode()
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(data) if is_packed else data)
    read = [record for _, _, record in iterate_records(path)]
    assert (len(read), read[-1]) == (20_000, {"question": "What, 19999?", "answer": "cat"})
    assert "20,000 answers in 20,000 records" in run_asd("styles", path).out


def test_a_carriage_return_in_a_quoted_field_stays(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'question,answer\r\n"one\rtwo",cat\r\n')
    assert [record for _, _, record in iterate_records(tmp_path / "a.csv")] == [
        {"question": "one\rtwo", "answer": "cat"}
    ]


def test_known_names_need_no_header() -> None:
    lines = ["1, x;2\n", "3;4\n"]
    assert find_separator(iter(lines), ",", ("q", "a"))[0] == ";"
    assert find_separator(iter(["1;2,3\n", "4;5\n", "6,7\n"]), ",", ("q", "a"))[0] == ","
