"""What a scoring rule is: one answer in, a number in 0..1 out, in the released form and in the repaired one."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


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
