"""Two models' answers to the same questions, style by style: what was lost, and whether there is evidence enough to say so."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from asd.errors import UsageError
from asd.probing.items import ProbeItem
from asd.probing.reading import Reading, read
from asd.schemas.styles import AnswerStyle

Z = 1.96
"""Two-sided, 95 %."""
MAX_DROP = 0.1
"""Share of a style's questions by which it may fall."""
MAX_EXAMPLES = 5
FEWEST = 10
"""Questions of a style below which nothing is concluded."""

Verdict = Literal["lost", "kept", "gained", "unclear"]


@dataclass(frozen=True, slots=True)
class Change:
    """How often something holds before and after, over the same questions; shares in 0..1.

    low, high: 95 % interval of after - before, for paired proportions with half an answer added to each cell of the 2 x 2
    table (Agresti and Min: Simple improved confidence intervals for comparing matched proportions. Stat. Med. 24, 2005).
    """

    count: int
    before: float
    after: float
    lost: int
    """Questions for which it held before and does not after."""
    won: int
    low: float
    high: float

    @property
    def difference(self) -> float:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Lost:
    """A question that was answered in its style before, and is not after."""

    item: ProbeItem
    before: str
    after: str
    still_right: bool


@dataclass(frozen=True, slots=True)
class StyleChange:
    """verdict: of the style. facts: of what the answers say, in whatever style."""

    style: AnswerStyle
    follows: Change
    right: Change
    right_leniently: Change
    verdict: Verdict
    facts: Verdict
    examples: tuple[Lost, ...]

    @property
    def sentence(self) -> str:
        name, follows, facts = self.style.value.replace("_", " "), self.follows, self.right_leniently
        moved = f"{follows.before:.0%} to {follows.after:.0%}"
        known = f"{facts.before:.0%} to {facts.after:.0%}"
        if self.verdict == "lost":
            facts_moved = {
                "kept": f"the facts are kept ({known})",
                "gained": f"the facts are kept ({known})",
                "lost": f"facts are lost as well ({known})",
                "unclear": f"whether facts are lost is not clear ({known})",
            }[self.facts]
            return f"style lost: {name} {moved}; {facts_moved}"
        if self.verdict == "unclear":
            return f"not enough evidence on {name} ({moved}, {follows.count} questions): ask more"
        if self.facts == "lost":
            return f"{name} is {self.verdict} ({moved}), but facts are lost ({known})"
        return f"{name} is {self.verdict} ({moved})"


@dataclass(frozen=True)
class Comparison:
    styles: tuple[StyleChange, ...]
    questions: int
    unmatched: int
    """Questions that only one of the files has, or that one of the models was not asked."""
    max_drop: float

    @property
    def fallen(self) -> tuple[AnswerStyle, ...]:
        return tuple(change.style for change in self.styles if change.verdict == "lost")

    def as_json(self) -> dict[str, Any]:
        return {
            "questions": self.questions,
            "unmatched": self.unmatched,
            "max_drop": self.max_drop,
            "fallen": [style.value for style in self.fallen],
            "styles": {
                change.style.value: {
                    "verdict": change.verdict,
                    "facts": change.facts,
                    "sentence": change.sentence,
                    **{name: _figures(getattr(change, name)) for name in ("follows", "right", "right_leniently")},
                    "examples": [
                        {"id": example.item.id, "prompt": example.item.prompt, "right": example.item.response,
                         "before": example.before, "after": example.after, "still_right": example.still_right}
                        for example in change.examples
                    ],
                }
                for change in self.styles
            },
        }  # fmt: skip


def _figures(change: Change) -> dict[str, Any]:
    return {
        "before": round(change.before, 6),
        "after": round(change.after, 6),
        "difference": round(change.difference, 6),
        "interval_95": [round(change.low, 6), round(change.high, 6)],
        "lost": change.lost,
        "won": change.won,
        "questions": change.count,
    }


def compare(before: Sequence[ProbeItem], after: Sequence[ProbeItem], max_drop: float = MAX_DROP) -> Comparison:
    """Answers are joined by id and must be to the same prompts. Raises: UsageError."""
    for items in (before, after):
        if repeated := next((name for name, count in Counter(item.id for item in items).items() if count > 1), None):
            raise UsageError(f"question {repeated} stands more than once in one of the files; ids must be unique.")
    later = {item.id: item for item in after}
    pairs = [(item, later[item.id]) for item in before if item.id in later]
    asked = [(old, new) for old, new in pairs if old.answer is not None and new.answer is not None]
    if not asked:
        raise UsageError(
            "the two files have no answered question in common: both must answer the same `asd probe questions`."
        )
    for old, new in asked:
        if _asked(old) != _asked(new):
            raise UsageError(
                f"question {old.id} is not the same in both files; answer one file of questions with both models."
            )
    by_style = {style: [pair for pair in asked if pair[0].style is style] for style in AnswerStyle}
    styles = [_style_change(style, mine, max_drop) for style, mine in by_style.items() if mine]
    everything = {item.id for item in before} | set(later)
    return Comparison(tuple(styles), len(asked), len(everything) - len(asked), max_drop)


def _asked(item: ProbeItem) -> tuple[object, ...]:
    return item.prompt, item.response, item.style, item.options, item.accepted, item.question


def _style_change(style: AnswerStyle, pairs: Sequence[tuple[ProbeItem, ProbeItem]], max_drop: float) -> StyleChange:
    readings = [(read(old), read(new)) for old, new in pairs]
    follows = _change(readings, "follows")
    leniently = _change(readings, "right_leniently")
    lost = [
        Lost(old, old.answer or "", new.answer or "", after.right_leniently)
        for (old, new), (before, after) in zip(pairs, readings, strict=True)
        if before.follows and not after.follows
    ]
    return StyleChange(
        style,
        follows,
        _change(readings, "right"),
        leniently,
        verdict_of(follows, max_drop),
        verdict_of(leniently, max_drop),
        tuple(lost[:MAX_EXAMPLES]),
    )


def _change(readings: Sequence[tuple[Reading, Reading]], name: str) -> Change:
    held = [(getattr(before, name), getattr(after, name)) for before, after in readings]
    return paired_change(
        both=sum(before and after for before, after in held),
        lost=sum(before and not after for before, after in held),
        won=sum(after and not before for before, after in held),
        neither=sum(not before and not after for before, after in held),
    )


def paired_change(both: int, lost: int, won: int, neither: int) -> Change:
    """The change of a 2 x 2 table of paired answers; see `Change`."""
    count = both + lost + won + neither
    total, lost_, won_ = count + 2.0, lost + 0.5, won + 0.5
    middle = (won_ - lost_) / total
    error = math.sqrt(max(0.0, (won_ + lost_) - (won_ - lost_) ** 2 / total)) / total
    return Change(
        count,
        (both + lost) / count,
        (both + won) / count,
        lost,
        won,
        max(-1.0, middle - Z * error),
        min(1.0, middle + Z * error),
    )


def verdict_of(change: Change, max_drop: float) -> Verdict:
    """lost: it fell by more than `max_drop`, and the interval lies below 0. kept: the interval rules such a fall out.
    gained: kept, and the interval lies above 0. unclear: neither can be said."""
    if change.count < FEWEST:
        return "unclear"
    if change.difference < -max_drop and change.high < 0:
        return "lost"
    if change.low > -max_drop:
        return "gained" if change.low > 0 else "kept"
    return "unclear"
