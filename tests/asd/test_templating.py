"""Templates: the built-in ones are sound, a user's broken one is refused before any row, data stays data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from asd.errors import TemplateError, UnknownNameError, UsageError
from asd.resources import pipelines_dir, templates_dir
from asd.schemas.styles import TARGET_STYLES, AnswerStyle
from asd.schemas.task import Family
from asd.templating import VARIABLES, TemplateSet

GOOD = """\
{% block prompt %}
{{ context }}
Q: {{ question }}
{% if candidate %}
A: {{ candidate }}?
{% endif %}
{{ rfp }}
{% endblock %}
{% block response %}
{{ answer }}
{% endblock %}
"""
MC = """\
{% block prompt %}
{{ context }} {{ question }}
{% for letter, option in options %}
({{ letter }}) {{ option }}
{% endfor %}
{{ rfp }}
{% endblock %}
{% block response %}{{ letter }}{% endblock %}
"""


def values(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = dict.fromkeys(VARIABLES, "") | {
        "options": [],
        "question": "What is it?",
        "rfp": "Say it.",
    }
    return base | changes


def user_set(tmp_path: Path, source: str, name: str = "yes_no/_default") -> TemplateSet:
    file = tmp_path / f"{name}.jinja"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")
    return TemplateSet(tmp_path)


@pytest.mark.parametrize("family", get_args(Family))
def test_builtin_templates_pass_their_check(family: str) -> None:
    TemplateSet().check(TARGET_STYLES, family)


def test_builtin_templates_open_with_purpose_and_variables() -> None:
    files = sorted(templates_dir().rglob("*.jinja"))
    assert len(files) >= len(TARGET_STYLES)
    for file in files:
        head = file.read_text(encoding="utf-8").split("#}")[0]
        assert head.startswith("{# Purpose:") and "Variables:" in head, file


def test_family_template_else_default() -> None:
    templates = TemplateSet()
    assert templates.get(AnswerStyle.YES_NO, "grounding").name == "yes_no/grounding"
    assert templates.get(AnswerStyle.YES_NO, "vqa").name == "yes_no/_default"
    assert templates.get(AnswerStyle.YES_NO, "vqa") is templates.get(AnswerStyle.YES_NO, "chart")


def test_style_without_template() -> None:
    with pytest.raises(UnknownNameError, match="no template for answer style named 'free_form'"):
        TemplateSet().get(AnswerStyle.FREE_FORM, "vqa")


def test_multiple_choice_layout() -> None:
    template = TemplateSet().get(AnswerStyle.MULTIPLE_CHOICE, "vqa")
    prompt, response = template.render(values(options=[("A", "cat"), ("B", "dog")], letter="B", context="A pet shop."))
    assert prompt == "A pet shop.\nWhat is it?\nA. cat\nB. dog\nSay it."
    assert response == "B"
    assert template.reference == f"multiple_choice/_default@{template.sha256[:12]}"


def test_data_is_never_template_source() -> None:
    template = TemplateSet().get(AnswerStyle.SHORT_ANSWER, "vqa")
    prompt, response = template.render(values(question="{{ 7 * 7 }} {% raw %}?", answer="{{ rfp }}"))
    assert prompt.startswith("{{ 7 * 7 }} {% raw %}?")
    assert response == "{{ rfp }}"


def test_user_folder_overrides_file_by_file(tmp_path: Path) -> None:
    templates = user_set(tmp_path, GOOD)
    templates.check(TARGET_STYLES, "vqa")
    assert templates.get(AnswerStyle.YES_NO, "vqa").path.is_relative_to(tmp_path)
    assert templates.get(AnswerStyle.YES_NO, "grounding").path.is_relative_to(templates_dir())
    assert templates.get(AnswerStyle.SHORT_ANSWER, "vqa").path.is_relative_to(templates_dir())
    assert user_set(tmp_path, MC, "multiple_choice/ocr").get(AnswerStyle.MULTIPLE_CHOICE, "ocr").render(
        values(options=[("A", "cat")], letter="A")
    ) == ("What is it?\n(A) cat\nSay it.", "A")


def test_sha256_changes_with_the_file(tmp_path: Path) -> None:
    first = user_set(tmp_path, GOOD).get(AnswerStyle.YES_NO, "vqa").sha256
    assert user_set(tmp_path, GOOD + "\n").get(AnswerStyle.YES_NO, "vqa").sha256 != first


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "{% block prompt %}\n{{ question }\n{% endblock %}",
            r"_default\.jinja:\d: template does not compile",
        ),
        (GOOD.replace("{{ rfp }}", "{{ rfp|randm }}"), r"_default\.jinja:7: .*No filter named 'randm'"),
        (GOOD.replace("{{ rfp }}", "{{ rfp|random }}"), r"_default\.jinja:7: .*No filter named 'random'"),
        (
            GOOD.replace("{{ question }}", "{{ qestion }}"),
            r"jinja:3: unknown variable 'qestion'; did you mean 'question'",
        ),
        (GOOD.replace("{{ question }}", "{{ range(3) }}"), r"jinja:3: unknown variable 'range'"),
        (GOOD.split("{% block response %}")[0], r"jinja: block 'response' is missing"),
        (GOOD.replace("block response", "block reply"), r"jinja:9: unknown block 'reply'"),
        ("Hello\n" + GOOD, r"jinja:1: stands outside the blocks prompt and response"),
        ('{% include "x.jinja" %}' + GOOD, r"jinja:1: .*templates stand alone"),
        (GOOD.replace("{{ context }}", '{% include "x" %}'), r"jinja:2: a template stands alone"),
        (
            GOOD.replace("{{ question }}", ""),
            r"jinja:1: the prompt block loses the question; write \{\{ question \}\}",
        ),
        (GOOD.replace("{{ context }}", ""), r"the prompt block loses the context"),
        (GOOD.replace("{{ candidate }}", ""), r"the prompt block loses the candidate"),
        (
            GOOD.replace("{{ rfp }}", "{{ rfp }} Thanks."),
            r"the prompt block does not end with the response-format prompt",
        ),
        (GOOD.replace("{{ rfp }}", ""), r"the prompt block loses the response-format prompt"),
        (GOOD.replace("Q: ", "<image>\nQ: "), r"the prompt block writes <image>"),
        (
            GOOD.replace("{{ answer }}", "Perhaps"),
            r"jinja:9: the response block does not give the answer back",
        ),
        (
            GOOD.replace("{{ answer }}", "{{ answer.foo }}"),
            r"jinja:10: template fails on a probe sample: .*foo",
        ),
        (
            GOOD.replace("{{ answer }}", "{{ answer.__class__ }}"),
            r"jinja:10: template fails on a probe .*unsafe",
        ),
        (
            GOOD.replace("{{ context }}", "{{ 1 / 0 }}"),
            r"jinja:2: template fails on a probe sample: division by zero",
        ),
    ],
)
def test_broken_template_fails_the_check(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        user_set(tmp_path, source).check([AnswerStyle.YES_NO], "vqa")


@pytest.mark.parametrize("broken", [MC.replace("({{ letter }})", "-"), MC.replace("{{ option }}", "")])
def test_template_that_loses_options_or_letters(tmp_path: Path, broken: str) -> None:
    with pytest.raises(TemplateError, match=r"loses options or their letters; write \{% for letter, option"):
        user_set(tmp_path, broken, "multiple_choice/_default").check([AnswerStyle.MULTIPLE_CHOICE], "vqa")


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    user_set(tmp_path, GOOD.replace("{{ question }}", "").replace("{{ context }}", ""))
    templates = user_set(tmp_path, "{{", "short_answer/_default")
    with pytest.raises(TemplateError) as caught:
        templates.check(TARGET_STYLES, "vqa")
    assert [part in str(caught.value) for part in ("the question", "the context", "does not compile")] == [True] * 3


def test_file_that_would_never_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"no template named 'yesno/_default'; did you mean 'yes_no/_default'"):
        user_set(tmp_path, GOOD, "yesno/_default")


def test_missing_and_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere does not exist; expected a folder with"):
        TemplateSet(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"holds no <style>/<family>\.jinja file"):
        TemplateSet(tmp_path)


def test_resources_are_found() -> None:
    assert (templates_dir() / "yes_no" / "_default.jinja").is_file()
    assert pipelines_dir().name == "pipelines"
