"""What a data set's licence allows, in one sentence, from the words under which it is known here. Not legal advice:
the licence text at the origin decides."""

from __future__ import annotations

import re
from typing import NamedTuple


class Terms(NamedTuple):
    """None: not known here."""

    may_share: bool | None
    """Whether a converted copy may be passed on."""
    may_sell: bool | None
    """Whether commercial use is allowed."""
    sentence: str


_UNKNOWN = Terms(None, None, "not stated here: read the terms at its homepage before you use or share it")
_RULES: tuple[tuple[str, Terms], ...] = (  # the strictest first: a text may name several licences
    ("internal", Terms(False, None, "internal: not to be passed on")),
    ("registration", Terms(None, None, "only after registration, under the terms agreed to there")),
    ("CC BY-NC-ND", Terms(False, False, "share unchanged only, with attribution, not commercially; not what is made of it")),
    ("CC BY-NC-SA", Terms(True, False, "share converted copies under the same licence, with attribution, not commercially")),
    ("CC BY-NC", Terms(True, False, "share converted copies with attribution, not commercially")),
    ("non-commercial", Terms(None, False, "research and education only, not commercially; read the terms before sharing")),
    ("see homepage|terms of", _UNKNOWN),
    ("CC BY-SA", Terms(True, True, "share converted copies under the same licence, with attribution")),
    ("CC BY", Terms(True, True, "use and share converted copies with attribution")),
    ("Apache|MIT|BSD", Terms(True, True, "use and share converted copies, keeping the licence notice")),
    ("CC0|public domain", Terms(True, True, "use and share freely")),
)  # fmt: skip


def licence_terms(licence: str) -> Terms:
    """The strictest of the licences that a text names."""
    for pattern, terms in _RULES:
        if re.search(pattern, licence, re.IGNORECASE):
            return terms
    return _UNKNOWN
