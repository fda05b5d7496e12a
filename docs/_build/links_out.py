"""Pages link to files of the repository, which the site does not hold: there, such a link becomes the file's name.

A link to a file that does not exist stays a link, so that the strict build reports it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)#\s]+)\)")
_REPOSITORY = Path(__file__).resolve().parents[2]


def on_page_markdown(markdown: str, **_: Any) -> str:
    return _LINK.sub(_name_of, markdown)


def _name_of(link: re.Match[str]) -> str:
    text, target = link.groups()
    path = (_REPOSITORY / "docs" / target).resolve()
    if not path.is_relative_to(_REPOSITORY) or not path.exists():
        return link.group(0)
    name = path.relative_to(_REPOSITORY).as_posix()
    return text if text.strip("`") == name else f"{text} (`{name}`)"
