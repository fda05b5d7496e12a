"""The task table: every built-in YAML is a task, and a YAML that is none is told what is wrong and where."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from asd.cli.tasks import overview
from asd.errors import UnknownNameError, UsageError
from asd.schemas.styles import AnswerStyle, Maker
from asd.tasks.registry import general_rfp_keys, load_task, rfps_for
from asd.tasks.task_files import TASKS_DIR, builtin_tasks, read_mapping

MINIMAL = """\
name: mine
title: Mine
family: vqa
native_style: short_answer
styles:
  yes_no: [field, mined]
scorer: exact_match
licence: CC0
citation: none
"""


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", builtin_tasks())
def test_builtin_task_is_complete(name: str) -> None:
    spec = load_task(name)
    assert spec.name == name
    assert spec.licence and spec.citation and spec.scorer and spec.title
    for style in spec.styles:
        assert len(rfps_for(spec, style.value)) >= 4
    if AnswerStyle.YES_NO in spec.styles:
        assert len(rfps_for(spec, "yes_no_candidate")) >= 4


def test_benchmarks_without_local_rows_are_there() -> None:
    names = set(builtin_tasks())
    assert {"docvqa", "pathvqa", "llava_conversation", "llava_reasoning", "llava_detail"} <= names
    assert {"imagenet_r", "arxivqa", "vizwiz_caption", "clevr_math"} <= names
    assert {"dcl_rs", "dcl_med", "dcl_ad", "dcl_sci", "dcl_fin"} <= names


def test_task_from_path_and_from_string_path(tmp_path: Path) -> None:
    file = write(tmp_path, MINIMAL)
    assert load_task(file) == load_task(str(file))
    assert load_task(file).styles[AnswerStyle.YES_NO] == [Maker.FIELD, Maker.MINED]


def test_own_rfps_win_over_family_and_general_ones(tmp_path: Path) -> None:
    text = MINIMAL.replace("family: vqa", "family: statement") + 'rfps:\n  multiple_choice: ["Letter, please."]\n'
    spec = load_task(write(tmp_path, text))
    assert rfps_for(spec, "multiple_choice") == ("Letter, please.",)
    assert all("statement" in rfp.lower() or "true" in rfp for rfp in rfps_for(spec, "yes_no"))
    assert rfps_for(spec, "short_answer") == rfps_for(load_task("docvqa"), "short_answer")
    assert set(general_rfp_keys()) <= set(spec.rfps)


def test_unknown_rfp_key() -> None:
    with pytest.raises(UnknownNameError, match=r"no response-format prompt named 'yesno'; did you mean 'yes_no'"):
        rfps_for(load_task("docvqa"), "yesno")


def test_paraphrases_differ_and_are_one_line() -> None:
    for family_task in ("docvqa", "vizwiz_caption", "imagenet_r"):
        for key, rfps in load_task(family_task).rfps.items():
            assert len(set(rfps)) == len(rfps) >= 4, key
            assert all(rfp == rfp.strip() and "\n" not in rfp and "<image>" not in rfp for rfp in rfps)


def test_unknown_task_suggests_near_names() -> None:
    with pytest.raises(UnknownNameError, match=r"no task named 'docqva'; did you mean 'docvqa'.*path to a YAML"):
        load_task("docqva")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"mine\.yaml: expected `key: value` lines, got an empty file"),
        ("- a\n- b\n", r"expected `key: value` lines, got list"),
        ("name: [1\ntitle: x\n", r"mine\.yaml:\d+: no valid YAML, column \d+:"),
        ("name: a\nname: b\n", r"mine\.yaml:2: .*key 'name' stands twice"),
        (
            MINIMAL.replace("family: vqa", "family: vqqa"),
            r"mine\.yaml:3: key 'family': input should be .* got 'vqqa'",
        ),
        (MINIMAL.replace("scorer: exact_match\n", ""), r"mine\.yaml: key 'scorer' is missing"),
        (MINIMAL + "licens: MIT\n", r"mine\.yaml:10: no task key named 'licens'; did you mean 'licence'"),
        (
            MINIMAL.replace("[field, mined]", "[field, minded]"),
            r"mine\.yaml:6: key 'styles.yes_no.1': .*got 'minded'",
        ),
        (
            MINIMAL.replace("yes_no:", "short_answer:"),
            r"'short_answer' is the native style, so nothing converts",
        ),
        (MINIMAL.replace("yes_no:", "free_form:"), r"'free_form' can be native but not a target"),
    ],
)
def test_bad_yaml_says_file_line_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_task(write(tmp_path, text))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_task(write(tmp_path, "name: mine\nfamily: vqqa\n"))
    told = str(caught.value).splitlines()
    assert len(told) >= 3
    assert all(any(f"'{name}'" in line for line in told) for name in ("family", "native_style", "scorer"))


def test_missing_file_and_bad_encoding(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.yaml: there is no such task file"):
        load_task(tmp_path / "gone.yaml")
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"title: caf\xe9\n")
    with pytest.raises(UsageError, match=r"expected UTF-8 text, got byte 0xe9 at offset 10"):
        load_task(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + "title: Again\n", r"mine\.yaml:10: .*key 'title' stands twice"),
        (MINIMAL + "? [a, b]\n: c\n", r"mine\.yaml:10: no valid YAML, column 3: found unhashable key"),
        (MINIMAL + "<<: {title: Merged, homepage: x}\n", None),
    ],
)
def test_keys_of_a_task_file(tmp_path: Path, text: str, message: str | None) -> None:
    file = write(tmp_path, text)
    if message is None:
        assert (load_task(file).title, load_task(file).homepage) == ("Mine", "x")
        return
    with pytest.raises(UsageError, match=message):
        load_task(file)


def test_the_overview_of_tasks_says_what_their_models_say() -> None:
    files = [read_mapping(TASKS_DIR / f"{name}.yaml") for name in builtin_tasks()]
    specs = [load_task(name).model_dump(mode="json") for name in builtin_tasks()]
    assert overview(files) == overview(specs)


def test_listing_tasks_waits_for_no_models() -> None:
    code = "import sys, asd.cli.tasks as t; t.run(None, as_json=False); print('pydantic' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.endswith("for data of your own.\nFalse\n")


def test_registry_imports_nothing_heavy() -> None:
    heavy = ("pyarrow", "jinja2", "polars", "numpy")
    code = f"import sys, asd.tasks.registry; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"\[\]\s*", told)
