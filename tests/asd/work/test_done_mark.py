"""A done-mark notices any bit that changed, in the file or in the mark itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.work.done_mark import (
    DamagedFileError,
    Imprint,
    give_marked_name,
    imprint_of,
    is_as_left,
    mark_beside,
    read_mark,
    remove_damaged,
    require_unchanged,
    write_mark,
)


def marked(folder: Path, content: bytes) -> Path:
    hidden, path = folder / ".drafts.1.tmp", folder / "drafts"
    hidden.write_bytes(content)
    give_marked_name(hidden, path, durable=False)
    assert not hidden.exists()
    return path


@given(content=st.binary(min_size=1, max_size=300), place=st.integers(0), bit=st.integers(0, 7), in_mark=st.booleans())
def test_one_bit_is_noticed_and_the_file_goes(content: bytes, place: int, bit: int, in_mark: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = marked(Path(folder), content)
        assert is_as_left(path)
        damaged = mark_beside(path) if in_mark else path
        data = bytearray(damaged.read_bytes())
        data[place % len(data)] ^= 1 << bit
        damaged.write_bytes(data)
        said: list[str] = []
        remove_damaged([path], said.append)
        assert not path.exists()
        assert said == [f"note: {path} is damaged (it has changed since it was written); making it again"]


def test_a_file_without_its_mark_and_a_mark_without_its_file(tmp_path: Path) -> None:
    path = marked(tmp_path, b"rows")
    mark = mark_beside(path).read_bytes()
    mark_beside(path).unlink()
    assert not is_as_left(path)
    mark_beside(path).write_bytes(mark)
    path.unlink()
    said: list[str] = []
    assert not is_as_left(path, said.append) and said == []  # it was never there, so there is nothing to tell


def test_what_else_is_noted_comes_back_and_errors_say_what_is_wrong(tmp_path: Path) -> None:
    path, mark = tmp_path / "rows", tmp_path / "rows.json"
    path.write_bytes(b"12345")
    write_mark(mark, {"rows": imprint_of(path)}, {"notes": ["a note"]})
    files, known = read_mark(mark)
    assert known == {"notes": ["a note"]} and files["rows"].size_bytes == 5
    with pytest.raises(DamagedFileError, match=r"rows has 5 bytes, expected 4$"):
        require_unchanged(path, Imprint(4, files["rows"].xxh3_128))
    path.write_bytes(b"12346")
    with pytest.raises(DamagedFileError, match=r"rows has changed since it was written$"):
        require_unchanged(path, files["rows"])
    require_unchanged(path, files["rows"], is_trusted=True)
    with pytest.raises(DamagedFileError, match=r"absent cannot be read \(No such file or directory\)$"):
        require_unchanged(tmp_path / "absent", files["rows"])
    mark.write_text('{"valid": ["but", "something else"]}')
    with pytest.raises(DamagedFileError, match=r"rows\.json cannot be read \(it has changed since it was written\)$"):
        read_mark(mark)
