"""Question by question, what turned from right to wrong and from wrong to right, with and without what guessing does.

A mean accuracy hides both behind their difference: BWT is what was gained minus what was lost. Harmon et al. 2025
("Mapping Post-Training Forgetting in Language Models at Scale", arXiv 2510.17776) count them apart, and take off what
random guesses among a question's options are expected to change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asd.schemas.styles import AnswerStyle

SHARES = ("lost", "gained", "lost_beyond_chance", "gained_beyond_chance")


@dataclass(frozen=True)
class Transitions:
    """Counts of questions. by_chance: expected number of questions lost, and of questions gained, by guessing alone; None
    where answers are open, so that nobody guesses right.
    """

    kept: int
    """Right, and right again."""
    lost: int
    """Right, then wrong (1 to 0)."""
    gained: int
    """Wrong, then right (0 to 1)."""
    never: int
    by_chance: float | None

    @property
    def questions(self) -> int:
        return self.kept + self.lost + self.gained + self.never

    def shares(self) -> dict[str, float | None]:
        """Of all questions, in 0..1. Beyond chance: less what guessing is expected to change; below 0 where fewer
        questions changed than guesses would have.
        """
        shares: dict[str, float | None] = {"lost": self.lost / self.questions, "gained": self.gained / self.questions}
        for name in ("lost", "gained"):
            count = getattr(self, name)
            known = self.by_chance is not None
            shares[f"{name}_beyond_chance"] = (count - self.by_chance) / self.questions if known else None
        return shares

    def to_json(self) -> dict[str, Any]:
        counts = {"kept": self.kept, "lost": self.lost, "gained": self.gained, "never": self.never}
        return {**counts, "by_chance": self.by_chance, "shares": self.shares()}


def count_transitions(
    before: Mapping[str, bool], after: Mapping[str, bool], choices: Mapping[str, int | None]
) -> Transitions:
    """before, after: whether a question was answered right, by id, the same ids. choices: among how many answers a guess
    chooses; None for open questions, which count as never guessed right.

    Of n questions with k choices each, A0 answered right before and A1 after (shares): a model either knows the answer or
    guesses, so that a wrong share 1 - A comes with a lucky one of (1 - A) / (k - 1). Questions lost by chance are lucky
    guesses before and wrong ones after, and the two times do not depend on each other:

        n * (1 - A0) / (k - 1) * (1 - A1)

    which is also the number gained by chance, so gained - lost, which BWT is the mean of, stays what it is. Summed over
    the groups of questions with the same k.
    """
    pairs = [(right, after[row_id]) for row_id, right in before.items()]
    groups: dict[int, list[tuple[bool, bool]]] = {}
    for row_id, right in before.items():
        number = choices[row_id]
        if number is not None and number > 1:
            groups.setdefault(number, []).append((right, after[row_id]))
    expected = [_lost_by_chance(group, number) for number, group in sorted(groups.items())]
    return Transitions(
        kept=pairs.count((True, True)),
        lost=pairs.count((True, False)),
        gained=pairs.count((False, True)),
        never=pairs.count((False, False)),
        by_chance=sum(expected) if expected else None,
    )


def choices_of(native_style: AnswerStyle | str, options: Sequence[str]) -> int | None:
    """Among how many answers a guess in the task's style chooses: its options, yes or no; None for open answers."""
    style = AnswerStyle(native_style)
    if style is AnswerStyle.MULTIPLE_CHOICE:
        return len(options) or None
    return 2 if style is AnswerStyle.YES_NO else None


def mean_shares(splits: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Mean of each share over tasks, each task counted once as BWT does; None where no task has it.

    Beyond chance: of the tasks that can be guessed, less chance; open ones as they are.
    """
    means: dict[str, float | None] = {}
    for name in SHARES:
        plain = name.removesuffix("_beyond_chance")
        values = [
            split["shares"][name] if split["shares"][name] is not None else split["shares"][plain] for split in splits
        ]
        corrected = name == plain or any(split["shares"][name] is not None for split in splits)
        means[name] = sum(values) / len(values) if values and corrected else None
    return means


def summarise(splits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """By task, and their mean, from the JSON of what was forgotten; {} where builds before this one wrote it."""
    by_task = {task: split["transitions"] for task, split in splits.items() if "transitions" in split}
    return {"by_task": by_task, "mean": mean_shares(list(by_task.values()))} if by_task else {}


def _lost_by_chance(pairs: Sequence[tuple[bool, bool]], choices: int) -> float:
    wrong_before = sum(not before for before, _ in pairs)
    wrong_after = sum(not after for _, after in pairs)
    return wrong_before / (choices - 1) * wrong_after / len(pairs)
