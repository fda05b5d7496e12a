"""A pattern that is compiled at its first use does what `re` does, and is built by no import."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys

import pytest

from asd.lazy_regex import regex


def test_it_does_what_a_pattern_does() -> None:
    pattern, compiled = regex(r"(?P<word>\w+)-", re.IGNORECASE), re.compile(r"(?P<word>\w+)-", re.IGNORECASE)
    text = "one-Two-three"
    assert pattern.pattern == compiled.pattern
    for method in ("match", "fullmatch", "search"):
        assert str(getattr(pattern, method)(text)) == str(getattr(compiled, method)(text))
    assert pattern.findall(text) == compiled.findall(text)
    assert [match.span() for match in pattern.finditer(text)] == [match.span() for match in compiled.finditer(text)]
    assert pattern.sub("", text) == compiled.sub("", text)
    assert pattern.subn("", text) == compiled.subn("", text)
    assert pattern.split(text) == compiled.split(text)
    assert (pattern.flags, pattern.groups, dict(pattern.groupindex)) == (compiled.flags, 1, {"word": 1})


def test_it_reads_bytes_and_goes_to_other_processes() -> None:
    pattern = regex(rb"\d+")
    assert pattern.findall(b"1 22") == pickle.loads(pickle.dumps(pattern)).findall(b"1 22") == [b"1", b"22"]


def test_a_wrong_pattern_fails_at_its_first_use() -> None:
    with pytest.raises(re.error, match="unterminated subpattern"):
        regex("(").search("")


def test_an_attribute_that_patterns_lack_is_missing_here_too() -> None:
    with pytest.raises(AttributeError, match=r"'re\.Pattern' object has no attribute 'matches'"):
        regex("x").matches  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_makers_compiles_next_to_nothing_of_ours() -> None:
    code = (
        "import re, sys\ncompiled = []\nreal = re.compile\n"
        "re.compile = lambda *given, **more: (compiled.append(sys._getframe(1).f_globals['__name__']), real(*given, **more))[1]\n"
        "import asd.conversion.convert\nprint(sum(name.startswith('asd.') for name in compiled))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 10  # those with which tables are made as they are imported
