"""What a scoring rule is: one answer in, a number in 0..1 out, in the released form and in the repaired one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import NamedTuple

from asd.scoring.answer_text import plain_form
from asd.scoring.written import says_nothing, unwrapped


class Reference(NamedTuple):
    """What an answer is compared with. `gold` is an option's text, its letter, "yes"/"no", a phrase or a box."""

    gold: str
    accepted: tuple[str, ...] = ()
    """Further right answers, or the answers of all annotators (repeated ones are votes)."""
    options: tuple[str, ...] = ()
    prompt: str = ""
    image: str = ""
    """Path of the image; one released rule looks at the file's name."""
    side: float = 1.0
    """Longer side of the image in pixels; one released rule multiplies by it, which rounds borderline cases."""

    @property
    def right_answers(self) -> tuple[str, ...]:
        return (self.gold, *self.accepted)


Scorer = Callable[[str, Reference], float]


class Rule(NamedTuple):
    name: str
    legacy: Scorer
    """Gives the very number of the released script, defects included."""
    fixed: Scorer
    source: str
    """Whose rule the legacy form is."""
    defects: str
    """What the legacy form gets wrong and the fixed one does not; empty if nothing is known."""
    gold_problem: Callable[[Reference], str | None] | None = None
    """Says what is wrong with a gold answer that no answer could meet; None for a good one. No entry: any text will do."""


def answered(fixed: Scorer) -> Scorer:
    """The rule with 0 for an answer that says nothing: empty, articles or marks alone, unless the gold answer is just that."""

    @wraps(fixed)
    def score(prediction: str, reference: Reference) -> float:
        if says_nothing(unwrapped(prediction)):
            said = plain_form(prediction)
            if not said or said not in map(plain_form, reference.right_answers):
                return 0.0
        return fixed(prediction, reference)

    return score
