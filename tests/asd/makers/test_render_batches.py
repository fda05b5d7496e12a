"""Rendering many rows at once gives what rendering them one by one gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from maker_samples import make_sample, make_spec

from asd.makers.rendering import RenderContext, render, render_all
from asd.records import Draft
from asd.schemas.styles import AnswerStyle, Maker
from asd.templating import VARIABLES, CompiledTemplate, TemplateRowError, TemplateSet, compile_template

CONTEXT = RenderContext.build(make_spec(), 0, TemplateSet())
TEMPLATES = list(CONTEXT.templates.values())
TEXT = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["<image>", "{{ question }}", "{% endblock %}", "", "\n"]),
)
OPTIONS = st.lists(st.tuples(st.sampled_from("ABCD"), TEXT), max_size=4)
ROW = st.tuples(*(OPTIONS if name == "options" else TEXT for name in VARIABLES))


def one_by_one(template: CompiledTemplate, rows: list[tuple[object, ...]]) -> list[tuple[str, str]]:
    return [template.render(dict(zip(VARIABLES, row, strict=True))) for row in rows]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
@given(rows=st.lists(ROW, max_size=5))
@settings(max_examples=60, deadline=None)
def test_a_template_gives_the_same_for_many_rows(template: CompiledTemplate, rows: list[tuple[object, ...]]) -> None:
    assert template.render_all(rows) == one_by_one(template, rows)


def test_a_template_that_sets_and_shadows_variables(tmp_path: Path) -> None:
    path = tmp_path / "odd.jinja"
    path.write_text(
        "{% block prompt %}{% set seen = question %}{% for letter, rfp in options %}{{ letter }}{{ rfp }}"
        "{{ loop.index }}{% endfor %}{% set question = 'Q ' ~ seen %}{{ question }} {{ rfp }}{% endblock %}"
        "{% block response %}  {{ letter }}{{ answer | upper -}}  {% endblock %}"
    )
    template = compile_template(path, "short_answer/odd")
    rows = [(f"q{n}", "", [("A", "x"), ("B", "y")][:n], "", f"r{n}", f"l{n}", f"a{n}", "") for n in range(3)]
    assert template.render_all(rows) == one_by_one(template, rows)
    assert template.render_all(rows)[2] == ("Ax1By2Q q2 r2", "l2A2")


def test_a_row_that_cannot_be_rendered_raises_as_it_does_alone(tmp_path: Path) -> None:
    path = tmp_path / "fails.jinja"
    path.write_text(
        "{% block prompt %}{{ 1 // (question | length) }}{{ rfp }}{% endblock %}{% block response %}r{% endblock %}"
    )
    template = compile_template(path, "short_answer/fails")
    good, bad = ("q", "", [], "", "r", "", "a", ""), ("", "", [], "", "r", "", "a", "")
    assert template.render_all([good]) == [("1r", "r")]
    with pytest.raises(
        TemplateRowError, match=f"{path}:1: template fails: integer division or modulo by zero"
    ) as raised:
        template.render_all([good, bad])
    assert raised.value.place == 1
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_rows_of_all_styles_keep_their_order() -> None:
    drafts = [
        Draft(AnswerStyle.SHORT_ANSWER, Maker.FIELD, "apple"),
        Draft(AnswerStyle.YES_NO, Maker.MINED, "apple", wrong="pear"),
        Draft(AnswerStyle.MULTIPLE_CHOICE, Maker.MINED, "apple", options=["apple", "fig", "plum", "pear"]),
        Draft(AnswerStyle.BRIEF_EXPLANATION, Maker.RULE, "apple", text="It is an <image> of an apple."),
        Draft(AnswerStyle.YES_NO, Maker.FIELD, "no"),
    ] * 2
    samples = [make_sample(f"What is fruit {n}?", source_id=f"s{n}", images=["a"] * (n % 3)) for n in range(10)]
    deals = [n % 2 for n in range(10)]
    apart = [render(*row, CONTEXT) for row in zip(samples, drafts, deals, strict=True)]
    assert render_all(samples, drafts, deals, CONTEXT) == apart
    assert [one.template.split("/")[0] for one in apart] == [made.style.value for made in drafts]
