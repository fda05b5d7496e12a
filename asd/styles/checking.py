"""Runs the checks of a style over the rows that are made in it."""

from __future__ import annotations

from asd.makers.checks import not_framed
from asd.records import Draft, Sample
from asd.schemas.styles import TARGET_STYLES, AnswerStyle
from asd.styles.style_rows import Rendered, StyleRows, StyleTexts
from asd.styles.table import target_of

CHECKS: dict[AnswerStyle, tuple[str, ...]] = {
    style: tuple(check.__name__ for check in target_of(style).all_checks) for style in TARGET_STYLES
}
"""Names of the checks that `check` runs, by style, in the order in which they run."""


def check(rendered: Rendered, sample: Sample, draft: Draft) -> list[str]:
    """Names of the checks that failed; [] is good."""
    return [run.__name__ for run in target_of(draft.style).all_checks if not run(rendered, sample, draft)]


def suspects(style: AnswerStyle, rows: StyleRows, texts: StyleTexts) -> set[int]:
    """Places of the rows that may fail a check, for `check` to look at; all others pass every one."""
    return {*not_framed(rows, texts), *target_of(style).may_fail(rows, texts)}
