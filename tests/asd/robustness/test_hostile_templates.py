"""Templates that divide by zero, count to a billion or go round for ever: one message with template, line and row."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from asd.errors import TemplateError
from asd.template_sandbox import BoundedEnvironment, TemplateBoundsError
from asd.templating import compile_blocks
from tests.asd.cli_runner import Outcome
from tests.asd.robustness.hostile_rows import assert_told, convert, lines, row, sound_rows

TEMPLATE = """{{% block prompt %}}
{{{{ context }}}} {{{{ question }}}}
{{% if candidate %}}Is it {{{{ candidate }}}}?
{{% endif %}}
{{{{ {expression} }}}}
{{{{ rfp }}}}
{{% endblock %}}
{{% block response %}}
{{{{ answer }}}}
{{% endblock %}}
"""
LONG = "(question | length - 30) * 1000"
"""Nothing for the probes' questions of 31 characters."""
IN_SOME_ROW = {
    "a division by zero": "1 // (99 - (question | length))",
    "a float by zero": "1 / (99 - (question | length))",
    "a rest by zero": "1 % (99 - (question | length))",
    "a number of 5,000 digits": "10 ** ((question | length) * 51)",
    "a power of a power": "2 ** (2 ** (question | length))",
    "a long text": "'x' * (question | length) ** 5",
    "a long list": "([0] * (question | length) ** 4) | length",
    "an index outside": "question[98:99] and question.split('x')[100]",
    "no such attribute": "question.nowhere if (question | length) == 99 else ''",
    "a text plus a number": "question + 1 if (question | length) == 99 else ''",
    "a wide centre": "question.center((question | length) * 1000)",
    "a wide filter": "question | center((question | length) * 1000)",
    "an infinite float": "2.0 ** ((question | length) * 100)",
    "a number that is none": "(question | length == 99 and 'x' or '1') * 1 + (question | length == 99 and 1 or '')",
}

ALWAYS = {
    "a number of 5,000 digits": "10 ** 5000",
    "a tower": "9 ** 9 ** 9 ** 9",
    "many products": " * ".join(["9" * 30] * 5),
    "a long text": "'x' * 10 ** 10",
    "a long text the other way": "10 ** 10 * 'x'",
    "a long list": "[0] * 10 ** 10",
    "a sum of long texts": "('x' * 90000) + ('x' * 90000)",
    "put together": "('x' * 90000) ~ ('x' * 90000)",
    "ljust": "'x'.ljust(10 ** 10)",
    "rjust": "'x'.rjust(10000000000)",
    "zfill": "'1'.zfill(10000000000)",
    "the filter center": "'x' | center(10000000000)",
    "the filter indent": "'x' | indent(10000000000, true)",
    "the filter indent by a text": "('x\\n' * 9000) | indent('y' * 90000)",
    "a format": "'%10000000000d' % 1",
    "a format of a given width": "'%*d' % (10000000000, 1)",
    "the filter format": "'%10000000000d' | format(1)",
    "the method format": "'{:10000000000}'.format(1)",
    "replace": "('x' * 90000).replace('x', 'x' * 90000)",
    "replace nothing": "('x' * 90000).replace('', 'x' * 90000)",
    "the filter replace": "('x' * 90000) | replace('x', 'x' * 90000)",
    "join": "('y' * 90000).join(['x'] * 90000)",
    "the filter join": "(['x'] * 90000) | join('y' * 90000)",
    "the filter join of texts": "(['x' * 90000] * 90000) | join",
    "translate": "('x' * 90000).translate({120: 'x' * 90000})",
    "expandtabs": "('\\t' * 90000).expandtabs(10000)",
}  # fmt: skip

LOOPS = {
    "four loops": "{% for a in 'x' * 99 %}{% for b in 'x' * 99 %}{% for c in 'x' * 99 %}{% endfor %}{% endfor %}{% endfor %}",
    "two long loops": "{% for a in [0] * 90000 %}{% for b in [0] * 90000 %}{% endfor %}{% endfor %}",
    "a macro of itself": "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
    "a macro of itself twice": "{% macro f(x) %}{% if x %}{{ f(x - 1) }}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(200) }}",
    "two macros of each other": "{% macro f(x) %}{{ g(x) }}{% endmacro %}{% macro g(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
    "doubled by a set": "{% set x = 'x' * 90000 %}{% set x = x ~ x %}{{ x }}",
    "products in a loop": "{% for a in 'x' * 400 %}{% for b in 'x' * 400 %}{{ 1 * 1 }}{% endfor %}{% endfor %}",
}  # fmt: skip


def convert_with(tmp_path: Path, source: str, style: str = "yes_no") -> Outcome:
    folder = tmp_path / "templates" / style
    folder.mkdir(parents=True)
    (folder / "_default.jinja").write_text(source)
    rows = [row(number, question=f"Is cup {number} red?", answer="yes") for number in range(30)]
    rows.append(row(99, question=f"Is the {'x' * 87} red?", answer="yes"))
    (tmp_path / "rows.jsonl").write_bytes(lines(rows))
    return convert(tmp_path, tmp_path / "rows.jsonl", "--template-dir", tmp_path / "templates", "--styles", style,
                   "--ratio", "1")  # fmt: skip


@pytest.mark.parametrize("expression", IN_SOME_ROW.values(), ids=IN_SOME_ROW)
def test_what_fails_in_some_row_is_told_with_template_line_and_row(expression: str, tmp_path: Path) -> None:
    outcome = convert_with(tmp_path, TEMPLATE.format(expression=expression))
    assert_told(outcome, "yes_no/_default.jinja:5: template fails")
    assert outcome.code == 2
    assert "in the row 'r99'" in outcome.err or "on a probe sample" in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_division_that_fails_in_one_row_alone_names_it(tmp_path: Path) -> None:
    outcome = convert_with(tmp_path, TEMPLATE.format(expression="1 // (99 - (question | length))"))
    assert_told(outcome, "_default.jinja:5: template fails: integer division or modulo by zero, in the row 'r99'")


@pytest.mark.parametrize("expression", ALWAYS.values(), ids=ALWAYS)
def test_what_would_grow_beyond_all_bounds_is_refused_at_once(expression: str, tmp_path: Path) -> None:
    before = time.process_time()
    outcome = convert_with(tmp_path, TEMPLATE.format(expression=expression))
    assert_told(outcome, "yes_no/_default.jinja:5: template fails on a probe sample")
    assert time.process_time() - before < 10


@pytest.mark.parametrize("text", LOOPS.values(), ids=LOOPS)
def test_loops_and_macros_come_to_an_end(text: str, tmp_path: Path) -> None:
    before = time.process_time()
    outcome = convert_with(tmp_path, TEMPLATE.format(expression="''").replace("{{ '' }}", text))
    assert_told(outcome, "yes_no/_default.jinja:5: template fails on a probe sample")
    assert time.process_time() - before < 20


@pytest.mark.parametrize(
    "expression", ["10 ** 5000", "1 // 0", "'x' * 10 ** 10", "data.nowhere.nothing", "'x'.center(10**9)"]
)
def test_templates_of_prompts_are_bounded_too(expression: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jinja"
    path.write_text("{% block user %}\n{{ " + expression + " }}{{ data }}{% endblock %}")
    template = compile_blocks(path, "x", ("user",), ("data",), ("data",))
    with pytest.raises(TemplateError, match=r"x\.jinja:2: template fails: "):
        template.render("user", {"data": "some"})


def test_a_template_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "yes_no"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "_default.jinja")
    (tmp_path / "rows.jsonl").write_bytes(lines(sound_rows()))
    outcome = convert(tmp_path, tmp_path / "rows.jsonl", "--template-dir", tmp_path / "templates")
    assert_told(outcome, "template cannot be read: ", "named pipe")


PLAIN = {
    "{{ 3 * 4 }}": "12",
    "{{ 2 ** 10 + 1 }}": "1025",
    "{{ 7 % 3 }}{{ 7.5 % 2 }}": "11.5",
    "{{ 'ab' * 3 ~ 1 ~ none }}": "ababab1None",
    "{{ [1] + [2] }}": "[1, 2]",
    "{{ '%s-%03d' % ('a', 7) }}": "a-007",
    "{{ '%s-%03d' | format('a', 7) }}": "a-007",
    "{{ 'a b' | replace(' ', '_') }}{{ 'a b'.replace(' ', '-') }}": "a_ba-b",
    "{{ ['a', 'b'] | join(', ') }}{{ ', '.join(['a', 'b']) }}": "a, ba, b",
    "{{ 'a\nb' | indent(2) }}": "a\n  b",
    "{{ 'a' | center(5) }}": "  a  ",
    "{{ 2.567 | round(1) }}": "2.6",
    "{{ [1, 2, 3] | sum }}": "6",
    "{{ 'a b c' | wordwrap(3) }}": "a b\nc",
    "{% for a in 'ab' %}{% for b in 'cd' %}{{ a ~ b }}{% endfor %}{{ loop.last }}{% endfor %}": "acadFalsebcbdTrue",
    "{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(1) ~ f(2) }}": "<1><2>",
    "{{ {'a': 1} | xmlattr }}": ' a="1"',
    "{% for two in [1, 2, 3] | batch(2, 0) %}{{ two }}{% endfor %}": "[1, 2][3, 0]",
}


@pytest.mark.parametrize(("source", "text"), PLAIN.items())
def test_what_is_within_the_bounds_is_as_in_any_jinja(source: str, text: str) -> None:
    environment = BoundedEnvironment()
    assert environment.from_string(source).render() == text


def test_steps_are_counted_anew_for_each_rendering() -> None:
    environment = BoundedEnvironment()
    template = environment.from_string("{% for a in x %}{% for b in x %}{% endfor %}{% endfor %}")
    for _ in range(3):
        environment.allow()
        template.render(x=range(300))
    environment.allow()
    with pytest.raises(TemplateBoundsError, match="more than 100,000 steps for one row"):
        template.render(x=range(400))
