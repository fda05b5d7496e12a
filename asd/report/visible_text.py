"""Text of the data, made harmless before any view shows it."""

from __future__ import annotations

import re

from asd.shown_text import CONTROL

_CONTROL = re.compile(f"[{CONTROL}]")


def visible(text: object) -> str:
    """Text that cannot act on a terminal or reorder a line: control and direction marks are shown as
    U+FFFD.
    """
    return _CONTROL.sub("\ufffd", "" if text is None else str(text))
