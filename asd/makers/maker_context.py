"""What a maker may know beside the sample itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asd.schemas.styles import AnswerStyle, Maker
from asd.schemas.task import TaskSpec

if TYPE_CHECKING:
    from asd.makers.distractors import DistractorIndex
    from asd.styles.wording import Wording


@dataclass(frozen=True, slots=True)
class MakerContext:
    spec: TaskSpec
    seed: int
    distractors: DistractorIndex | None = None
    """Wrong answers mined from the whole task; None where the task needs none."""
    rendering: Wording | None = None
    """By the built-in templates: drafts of unusual texts are rendered and checked before they are given out."""

    def allows(self, style: AnswerStyle, maker: Maker) -> bool:
        """Whether the task lists this maker for this style."""
        return maker in self.spec.styles.get(style, ())
