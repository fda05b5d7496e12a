"""YAML from anywhere: bounded, the same by both of PyYAML's parsers, and refused in one sentence otherwise."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from asd.plain_yaml import MAX_DEPTH, MAX_TEXT, MAX_VALUES, YamlBoundsError, parse_yaml
from asd.recipes.recipe import load_recipe
from asd_training.config import read_settings
from asd_training.errors import SettingError
from tests.asd.cli_runner import run_asd

REPOSITORY = Path(__file__).parents[2]
FOLDERS = ("asd", "pipelines", "training", "tests", "benchmarks", ".github")
FILES = sorted(
    path
    for folder in FOLDERS
    for suffix in ("*.yaml", "*.yml")
    for path in (REPOSITORY / folder).rglob(suffix)
    if "_resources" not in path.parts
)


def bomb(levels: int, width: int = 9) -> str:
    lines = [f"a0: &a0 [{', '.join('x' * width)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merged(levels: int) -> str:
    lines = ["m0: &m0 {k: x}"]
    return "\n".join(lines + [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 4)}]}}" for n in range(1, levels)])


HOSTILE = {
    "recursive mapping": ("name: &t {x: *t}", "part of"),
    "recursive list": ("name: &t [*t]", "part of"),
    "recursive by way of two": ("a: &a [&b {x: *a}]", "part of"),
    "recursive key": ("&a {? *a : 1}", "part of"),
    "recursive whole": ("&a\nname: x\nstyles: *a\n", "part of"),
    "six levels of aliases": (bomb(6), "more than 100,000 values"),
    "nine levels of aliases": (bomb(9), "more than 100,000 values"),
    "forty levels of two": (bomb(40, 2), "more than 100,000 values"),
    "mappings of aliases": (f"a: &a {{{', '.join(f'k{n}: x' for n in range(400))}}}\nb: [{'*a, ' * 400}]", "100,000 values"),
    "merged mappings": (merged(30), "100,000 values"),
    "many values": ("- x\n" * (MAX_VALUES + 1), "more than 100,000 values"),
    "deep list": ("[" * 150 + "]" * 150, f"more than {MAX_DEPTH} levels"),
    "deeper than the parser goes": ("[" * 200_000, "."),
    "deep mapping": ("{a: " * 120 + "x" + "}" * 120, f"more than {MAX_DEPTH} levels"),
    "deep by indentation": ("\n".join(" " * n + "a:" for n in range(150)), f"more than {MAX_DEPTH} levels"),
    "deep by dashes": ("- " * 3000 + "x", "."),
    "long": ("x" * (MAX_TEXT + 1), "longer than"),
    "no such date": ("name: 2001-99-99", "cannot be read"),
    "a long number": ("name: " + "9" * 5000, "cannot be read"),
    "an object": ("name: !!python/object/apply:os.system [true]", "."),
    "NUL": ("name: a\0b", "."),
    "an unhashable key": ("? [a]\n: b", "."),
}  # fmt: skip


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_every_file_is_the_same_by_both_parsers(file: Path) -> None:
    text = file.read_text("utf-8")
    assert parse_yaml(text, yaml.CSafeLoader) == parse_yaml(text, yaml.SafeLoader)


def test_files_were_found() -> None:
    assert len(FILES) > 60


@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader], ids=["C", "Python"])
@pytest.mark.parametrize(("text", "told"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_yaml_is_refused_at_once(text: str, told: str, loader: type) -> None:
    if loader is yaml.SafeLoader and len(text) > 500_000:
        pytest.skip("the Python parser takes 10 s for so long a text")
    before = time.process_time()
    with pytest.raises(yaml.YAMLError, match=told):
        parse_yaml(text, loader)
    assert time.process_time() - before < 5


@pytest.mark.parametrize(("text", "told"), HOSTILE.values(), ids=HOSTILE)
def test_every_reader_of_yaml_is_within_the_bounds(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "hostile.yaml"
    file.write_text(text)
    outcome = run_asd("tasks", file)
    assert outcome.code == 2
    assert outcome.err.startswith(f"error: {file}")
    outcome = run_asd("convert", "--recipe", file)
    assert outcome.code == 2
    assert outcome.err.startswith(f"error: {file}")
    with pytest.raises(SettingError, match="not valid YAML"):
        read_settings(file)


def test_aliases_and_merges_within_the_bounds_are_read() -> None:
    assert parse_yaml("a: &a {k: 1}\nb: {<<: *a, l: 2}\nc: [*a, *a]") == {
        "a": {"k": 1}, "b": {"k": 1, "l": 2}, "c": [{"k": 1}, {"k": 1}],
    }  # fmt: skip
    assert parse_yaml("") is None


def test_what_nests_as_deep_as_allowed_is_read() -> None:
    assert parse_yaml("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))
    with pytest.raises(YamlBoundsError, match="levels"):
        parse_yaml("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_a_recipe_that_is_no_file_is_said(tmp_path: Path) -> None:
    import os

    from asd.errors import UsageError

    pipe = tmp_path / "r.yaml"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="no recipe named"):
        load_recipe(str(pipe))
    outcome = run_asd("tasks", pipe)
    assert outcome.code == 1
    assert "cannot be read (it is a named pipe" in outcome.err
