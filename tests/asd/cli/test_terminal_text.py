"""Nothing of the data, of a server or of a file's name acts on the terminal: control characters are shown, not sent."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from asd.shown_text import open_console, shown, shown_on_line, shown_output
from tests.asd.cli_runner import Outcome, run_asd
from tests.asd.robustness.hostile_rows import convert, lines, row, sound_rows

HOSTILE = {
    "a title": "\x1b]0;PWNED\x07",
    "a colour": "\x1b[31mred\x1b[0m",
    "clear the screen": "\x1b[2J\x1b[H",
    "the bell": "\x07",
    "go back": "good\rbad",
    "erase": "secret\x08\x08\x08\x08\x08\x08",
    "C1 in one character": "\x9b31m",
    "an operating system command in C1": "\x9d0;x\x9c",
    "delete": "\x7f",
    "right to left": "\u202egpj.exe",
    "an isolate": "\u2066x\u2069",
    "a line separator": "a\u2028b",
    "a link": "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "a form feed": "\x0c",
    "shift out": "\x0e",
}
ACTING = {
    *map(chr, range(32)),
    *map(chr, range(0x7F, 0xA0)),
    *map(chr, range(0x2028, 0x202F)),
    *map(chr, range(0x2066, 0x206A)),
}
ACTING -= {"\n", "\t"}


def assert_shown(outcome: Outcome, text: str) -> None:
    told = outcome.out + outcome.err
    assert not ACTING & {*told}, ascii(told)
    hostile = next(letter for letter in text if letter in ACTING)
    assert f"\\u{ord(hostile):04x}" in told or repr(hostile)[1:-1] in told, ascii(told)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_ids_in_errors(text: str, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_bytes(lines([row(1, id=f"x{text}", image="../x")]))
    assert_shown(convert(tmp_path, source), text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_names_of_files(text: str, tmp_path: Path) -> None:
    source = tmp_path / f"x{text.replace('/', '')}.jsonl"
    source.write_bytes(b"")
    assert_shown(convert(tmp_path, source), text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_keys_of_records_and_of_settings(text: str, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_bytes(lines([{f"k{text}": 1}]))
    assert_shown(convert(tmp_path, source), text)
    task = tmp_path / "task.yaml"
    task.write_text(json.dumps({f"k{text}": 1, "name": "x"}))
    assert_shown(run_asd("tasks", task), text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_ids_of_predictions(text: str, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(lines([{"question_id": f"q{text}", "text": "cup", "answer": "dog"}] * 2))
    assert_shown(run_asd("score", path, "--task", "vqav2"), text)
    path.write_bytes(lines([{"question_id": f"q{text}", "text": "a cup", "answer": "cup"}]))
    outcome = run_asd("score", path, "--task", "vqav2")
    assert outcome.code == 0
    assert not ACTING & {*outcome.out}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_samples_in_the_terminal(text: str, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_bytes(lines([*sound_rows(), row(99, id=f"x{text}", question=f"What {text}?", answer=f"cup{text}")]))
    assert convert(tmp_path, source).code == 0
    outcome = run_asd("inspect", tmp_path / "out", "-n", 50)
    assert outcome.code == 0
    assert not ACTING & {*outcome.out}
    assert not ACTING & {*run_asd("diff", tmp_path / "out", tmp_path / "out").out}
    assert not ACTING & {*run_asd("versions", tmp_path / "out", "--json").out}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_arguments_and_commands(text: str, tmp_path: Path) -> None:
    for command in (
        (f"x{text}",),
        ("verify", f"x{text}"),
        ("styles", f"x{text}"),
        ("tasks", f"x{text}"),
        ("convert", "--task", "vqav2", f"--x{text}"),
    ):
        outcome = run_asd(*command)
        assert outcome.code
        assert not ACTING & {*outcome.out, *outcome.err}


def test_documents_stay_json(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_bytes(lines([*sound_rows(), row(99, image="../\x7f\u202e\x9b")]))
    outcome = convert(tmp_path, source, "--json")
    assert not ACTING & {*outcome.out}
    assert json.loads(outcome.out)["counts"]["samples"] == 9


def test_what_is_shown() -> None:
    assert shown("a\x1bb\tc\nd\x7f") == "a\\u001bb\tc\nd\\u007f"
    assert shown_on_line("a\tb\nc") == "a\\u0009b\\u000ac"
    assert shown("né 中 😀 עברית") == "né 中 😀 עברית"


def test_a_console_keeps_its_own_colours_and_shows_those_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    with shown_output():
        open_console(force_terminal=True, color_system="standard").print(
            "[red]own[/red] \x1b[31mtheirs", highlight=False
        )
        print("\x1b[31mplain")
    assert stream.getvalue() == "\x1b[31mown\x1b[0m \\u001b[31mtheirs\n\\u001b[31mplain\n"


def test_the_command_of_training_shows_them_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from asd_training.cli.main import main

    for arguments in (
        ["run", str(tmp_path / "x\x1b[31m.yaml")],
        ["report", "x\x9b31m"],
        ["x\x1b[2J"],
        ["compare", "\u202ex"],
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        told = capsys.readouterr()
        assert not ACTING & {*told.out, *told.err}
        assert told.err


@pytest.mark.parametrize("text", list(HOSTILE.values())[:4])
def test_a_settings_file_of_training(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from asd_training.cli.main import main

    path = tmp_path / "run.yaml"
    path.write_text(json.dumps({f"k{text}": 1, "method": "ewc"}))
    with pytest.raises(SystemExit):
        main(["run", str(path)])
    assert not ACTING & {*capsys.readouterr().err}
