"""All answer styles. A style that `AnswerStyle` names and that is not here, or lacks a part, fails when this is imported."""

from __future__ import annotations

from collections.abc import Mapping

from asd.schemas.styles import AnswerStyle, IncompleteStyleError, require_all
from asd.styles import (
    bounding_box,
    brief_explanation,
    detailed_explanation,
    free_form,
    multiple_choice,
    short_answer,
    yes_no,
)
from asd.styles.style import Style, Target, Writing
from asd.tasks.registry import general_rfp_keys
from asd.templating import REWRITE_FOLDER, TemplateSet

_MODULES = (
    yes_no, multiple_choice, short_answer, brief_explanation, detailed_explanation, bounding_box, free_form,
)  # fmt: skip
STYLES: Mapping[AnswerStyle, Style] = require_all(
    "entry in asd/styles/table.py", {module.STYLE.name: module.STYLE for module in _MODULES}
)


def target_of(style: AnswerStyle) -> Target:
    """Raises: IncompleteStyleError for a style that is only ever native."""
    target = STYLES[style].target
    if target is None:
        raise IncompleteStyleError(f"style {style.value} is no target")
    return target


def writing_of(style: AnswerStyle) -> Writing:
    """Raises: IncompleteStyleError for a style that no language model writes."""
    writing = STYLES[style].written
    if writing is None:
        raise IncompleteStyleError(f"style {style.value} is written by no language model")
    return writing


def _require_texts() -> None:
    """Every style has its response-format prompts, every target a template, every written style a prompt."""
    templates = TemplateSet()
    for style in STYLES.values():
        lacks = [f"{key!r} in asd/tasks/_defaults.yaml" for key in style.rfp_keys if key not in general_rfp_keys()]
        folders = [style.name.value] if style.target else []
        folders += [f"{REWRITE_FOLDER}/{style.name.value}"] if style.written else []
        lacks += [f"templates/{folder}/_default.jinja" for folder in folders if not templates.has_default(folder)]
        if lacks:
            raise IncompleteStyleError(f"style {style.name.value} lacks {'; '.join(lacks)}")


_require_texts()
