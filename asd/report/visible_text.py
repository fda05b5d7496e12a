"""Text of the data, made harmless before any view shows it."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: object) -> str:
    """Text that cannot act on a terminal or reorder a line: control and direction marks are shown as
    U+FFFD.
    """
    return _CONTROL.sub("\ufffd", "" if text is None else str(text))
