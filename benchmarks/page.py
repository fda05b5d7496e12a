"""Figures put into a page of docs/, each between two comments that name it."""

from __future__ import annotations

import re


def filled(page: str, figures: dict[str, str]) -> str:
    """The page with what is between `<!-- figures: NAME -->` and `<!-- /figures -->` replaced.

    Raises: KeyError if the page has not exactly one place for a name.
    """
    for name, text in figures.items():
        between = re.compile(rf"(<!-- figures: {re.escape(name)} -->\n).*?(<!-- /figures -->)", re.DOTALL)
        page, count = between.subn(lambda marks, text=text: f"{marks[1]}\n{text}\n\n{marks[2]}", page)
        if count != 1:
            raise KeyError(f"{count} places for the figures {name!r} in the page, expected 1")
    return page
