"""Drafts that rows share: of a plain row the makers read nothing but question and answers, so rows that have the same are
asked about once."""

from __future__ import annotations

from dataclasses import dataclass

from asd.makers.drafting import Drafter, plain_sample
from asd.makers.keyed import Keyed, Prepared
from asd.plan.codes import NOBODY
from asd.records import Decline, Draft
from asd.schemas.styles import TARGET_STYLES
from asd.work.draft_files import Made

NUM_KEPT = 1 << 13
"""Questions with their answers that are kept for the next row that has the same."""
_NAMES = [style.value for style in TARGET_STYLES]
PlainKey = tuple[str, str, tuple[str, ...], str | None]
"""(question, gold answer, accepted answers, answer type) of a row."""
Styles = tuple[int, ...]
"""Numbers of styles among TARGET_STYLES, in the order in which they are tried."""


def reason_of(number: int, declined: Decline) -> str:
    """The reason as reports count it. number: of the style that declined."""
    return f"{_NAMES[number]}: {declined.reason}"


class SharedDrafts:
    """Drafts of plain rows (see `asd.makers.drafting.is_plain`), their styles tried in turn."""

    def __init__(self, drafter: Drafter) -> None:
        self._drafter = drafter
        self._kept: dict[PlainKey, _Asked] = {}

    def first_accepted(self, key: PlainKey, styles: Styles, source_id: str) -> Made:
        """The same object for all rows where the row's id has no say."""
        asked = self._kept.get(key)
        if asked is None:
            if len(self._kept) == NUM_KEPT:
                self._kept.clear()
            asked = self._kept[key] = _Asked(key, self._drafter)
        outcome = asked.in_turn(styles)
        return outcome if isinstance(outcome, Made) else self._settled(asked, outcome, source_id)

    def _settled(self, asked: _Asked, waiting: _Waiting, source_id: str) -> Made:
        made = self._drafter.settled(waiting.keyed, waiting.number, source_id)
        if isinstance(made, Draft):
            return Made(waiting.number, made, waiting.reasons)
        reasons = [*waiting.reasons, reason_of(waiting.number, made)]
        later = asked.in_turn(waiting.rest)
        if not isinstance(later, Made):
            later = self._settled(asked, later, source_id)
        return Made(later.outcome, later.draft, reasons + later.reasons)


@dataclass(slots=True)
class _Waiting:
    """A style of which a row's id decides whether and how it accepts."""

    number: int
    keyed: Keyed
    reasons: list[str]
    """Why the styles before it declined."""
    rest: Styles


class _Asked:
    """One question with its answers, and what the makers have made of it."""

    __slots__ = ("_drafter", "_found", "_prepared", "_sample")

    def __init__(self, key: PlainKey, drafter: Drafter) -> None:
        self._sample, self._drafter = plain_sample(*key), drafter
        self._prepared: dict[int, Prepared] = {}
        self._found: dict[Styles, Made | _Waiting] = {}

    def in_turn(self, styles: Styles) -> Made | _Waiting:
        outcome = self._found.get(styles)
        if outcome is None:
            outcome = self._found[styles] = self._ask(styles)
        return outcome

    def _ask(self, styles: Styles) -> Made | _Waiting:
        reasons: list[str] = []
        for place, number in enumerate(styles):
            made = self._prepared.get(number)
            if made is None:
                made = self._prepared[number] = self._drafter.prepare(number, self._sample)
            if isinstance(made, Draft):
                return Made(number, made, reasons)
            if isinstance(made, Keyed):
                return _Waiting(number, made, reasons, styles[place + 1 :])
            reasons.append(reason_of(number, made))
        return Made(NOBODY, None, reasons)
