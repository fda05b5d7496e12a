"""CHECKS.md explains every check and every reason that the rewriter gives, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from asd.rewrite.distractor_checks import DISTRACTOR_CHECKS
from asd.rewrite.explanation_checks import EXPLANATION_CHECKS

PACKAGE = Path(__file__).resolve().parents[3] / "asd" / "rewrite"
GIVEN = re.compile(r"(?:Decline|Problem|Unparsed|ImageInputError)\(\s*\"([a-z_]+)\"")
FROM_MAKERS = {"unread_alternatives", "disputed_answer"}
"""Given by a maker that the rewriter asks."""


def test_every_reason_is_explained_and_no_other() -> None:
    given = {check.slug for check in (*DISTRACTOR_CHECKS, *EXPLANATION_CHECKS)} | FROM_MAKERS
    for name in "writable rewriter image_input reply_text second_opinion content".split():
        given |= set(GIVEN.findall((PACKAGE / f"{name}.py").read_text("utf-8")))
    first_cells = re.findall(r"^\| (`.*?) \|", (PACKAGE / "CHECKS.md").read_text("utf-8"), re.MULTILINE)
    explained = {reason for cell in first_cells for reason in re.findall(r"`([a-z_]+)`", cell)}
    assert len(given) > 40
    assert given == explained
