"""What a check of a reply is, and how checks are run: named predicates, each with a sentence for the next try.

The checks themselves are in `distractor_checks` and `explanation_checks`; CHECKS.md lists them with their limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

Case = TypeVar("Case")


class Problem(NamedTuple):
    """`slug` is counted and recorded ("" for mere advice); `sentence` tells the model what to do better."""

    slug: str
    sentence: str


class Check(NamedTuple, Generic[Case]):
    """`find` gives "" where all is well, else what is wrong in a sentence; `slug` names the failure."""

    slug: str
    find: Callable[[Case], str]


def find_problems(case: Case, checks: Sequence[Check[Case]]) -> list[Problem]:
    """One problem per failed check, in the order of the checks; [] is good."""
    return [Problem(check.slug, sentence) for check in checks if (sentence := check.find(case))]


_MARKUP = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ue000-\uf8ff\ufeff\ufffd]"  # controls, what cannot be seen
    r"|[\U0001f300-\U0001faff]"  # emoji
    r"|\*\*|__|`|^\s*(?:[-*•#>]|\d+[.)])\s"  # Markdown
    r"|</?[a-z][^>]*>|\[/?[A-Z]{2,}\]|<\||\\[nt\"]|\$\$|\\[a-z]+\{"  # tags, chat tokens, escapes, TeX
)
_STRUCTURE = re.compile(r"[{}]|\"\s*:")


def find_markup(text: str, source: str = "") -> str:
    """Formatting, code or control characters that plain text does not have; what stands in `source` is let through."""
    for pattern in (_MARKUP, _STRUCTURE):
        match = pattern.search(text)
        if match and (match[0].strip() or match[0]) not in source:
            return match[0].strip() or repr(match[0])
    return ""
