"""Every command says what it is for, whole, with its options in groups and an example that its own parser takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

import asd
from asd.cli.help import RARE
from asd.cli.main import app
from asd_training.cli.main import app as training_app
from asd_training.cli.main import main as training_main
from tests.asd.cli_runner import run_asd
from tests.conftest import REPO

DOCS = "\n".join(page.read_text("utf-8") for page in [*sorted((REPO / "docs").glob("*.md")), REPO / "README.md"])


def leaves(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "list_commands"):
        yield words, command
        return
    context = command.make_context(words[-1], ["--version"], resilient_parsing=True)
    for name in command.list_commands(context):
        yield from leaves(command.get_command(context, name), (*words, name))


def all_commands() -> list[Any]:
    found = [*leaves(get_command(app), ("asd",)), *leaves(get_command(training_app), ("asd-train",))]
    return [pytest.param(words, command, id=" ".join(words)) for words, command in found]


COMMANDS = all_commands()


def test_all_commands_are_found() -> None:
    names = {param.id for param in COMMANDS}
    assert {"asd convert", "asd data check", "asd rewrite cache export", "asd-train pocket base"} <= names
    assert len(names) > 25


@pytest.mark.parametrize(("words", "command"), COMMANDS)
def test_help_describes_every_option_and_ends_with_examples_that_parse(words: tuple[str, ...], command: Any) -> None:
    assert len((command.help or "").split()) >= 4
    context = command.make_context(" ".join(words), [], resilient_parsing=True)
    for param in command.get_params(context):
        if not getattr(param, "hidden", False):
            assert len((param.get_help_record(context) or ("", ""))[1].split()) >= 2, param.name
    assert f"\nExamples:\n  {' '.join(words)}" in f"\n{command.get_help(context)}"
    examples = [shlex.split(one.partition(" > ")[0], comments=True) for one in (command.epilog or "").splitlines()]
    own = [example for example in examples if tuple(example[: len(words)]) == words]  # others show what comes next
    assert own
    for example in own:
        command.make_context(" ".join(words), example[len(words) :])


@pytest.mark.parametrize(("words", "command"), COMMANDS)
def test_every_command_is_on_a_page_of_the_docs(words: tuple[str, ...], command: Any) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(' '.join(words))}(?![\w-])", DOCS), "no page of docs/ shows it"


def test_descriptions_of_commands_are_whole() -> None:
    assert "..." not in run_asd("--help").out.replace("[ARGS]...", "")
    told = "".join(run_asd("--help").out.split())  # lines also end at a hyphen
    for param in COMMANDS:
        words, command = param.values
        if words[0] == "asd" and len(words) == 2:
            assert "".join(command.help.strip().split("\n\n")[0].split()) in told


def test_rare_options_are_named_and_shown_on_request() -> None:
    short, whole = run_asd("convert", "--help").out, run_asd("convert", "--help-all").out
    headings = re.findall(r"^(\S.*):$", short, re.MULTILINE)
    assert headings == ["Arguments", "Source", "What to convert", "Output", "Other options", "Examples"]
    for name in RARE:
        assert re.search(
            rf"^{re.escape(name)}: \d+ options more, shown by asd convert --help-all$", short, re.MULTILINE
        )
        assert f"\n{name}:\n" in whole
    assert "--ray-address" not in short and "--ray-address" in whole
    assert "--pipeline" not in whole  # an older spelling of --recipe, still taken


def test_asd_train_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        training_main(["--version"])
    assert capsys.readouterr().out == f"asd-train {asd.__version__}\n"
