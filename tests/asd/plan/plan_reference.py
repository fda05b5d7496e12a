"""The plan as its module's docstring tells it, over plain lists, with every maker's answer known beforehand."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

YES_NO, MULTIPLE_CHOICE, NUM_STYLES = 0, 1, 5
FREE, FIXED_YES = 0, 1
Accepts = Callable[[int, int], bool]


@dataclass
class Reference:
    """keys, capable, polarity, primary: one entry per sample; accepts: of (sample, style); options: of a sample."""

    keys: Sequence[int]
    capable: Sequence[int]
    polarity: Sequence[int]
    primary: Sequence[int]
    accepts: Accepts
    options: Callable[[int], int]
    seed: int
    used: set[int] = field(default_factory=set)
    given: dict[int, tuple[int, int]] = field(default_factory=dict)
    """sample -> (style, deal)"""

    def draw_all(self, goal: int, quotas: Mapping[int, int] | None) -> None:
        self.waiting: dict[int, deque[int]] = defaultdict(deque)
        self.by_key = sorted(range(len(self.keys)), key=lambda row: (self.keys[row], row))
        self.yes = self.no = 0
        self.coin, self.letters = Random(f"{self.seed}:polarity"), defaultdict(list)
        self.hands: dict[int, int] = defaultdict(int)
        able = [style for style in range(NUM_STYLES) if any(mask >> style & 1 for mask in self.capable)]
        turns = deque(style for style in able if quotas is None or quotas.get(style, 0) > 0)
        counts = dict.fromkeys(able, 0)
        while turns and len(self.given) < goal:
            style = turns.popleft()
            is_full = quotas is not None and counts[style] >= quotas[style]
            row = None if is_full else self.draw(style)
            if row is not None:
                counts[style] += 1
                self.given[row] = style, self.deal(row, style)
                turns.append(style)

    def draw(self, style: int) -> int | None:
        if self.waiting[style]:
            return self.waiting[style].popleft()
        while (row := self.head(style)) is not None:
            self.used.add(row)
            order = [(self.primary[row] + step) % NUM_STYLES for step in range(NUM_STYLES)]
            taken = [other for other in order if self.capable[row] >> other & 1 and self.accepts(row, other)]
            if taken and taken[0] == style:
                return row
            if taken:
                self.waiting[taken[0]].append(row)
        for row in reversed(self.by_key):
            may = self.capable[row] >> style & 1 and self.primary[row] != style and row not in self.used
            if may and self.accepts(row, style):
                self.used.add(row)
                return row
        return None

    def head(self, style: int) -> int | None:
        left = [row for row in self.by_key if self.primary[row] == style and row not in self.used]
        if style == YES_NO and self.yes != self.no:
            behind = (FREE, FIXED_YES if self.yes < self.no else 3 - FIXED_YES)
            left = [row for row in left if self.polarity[row] in behind] or left
        return left[0] if left else None

    def deal(self, row: int, style: int) -> int:
        if style == YES_NO:
            kind = self.polarity[row]
            coin = self.yes < self.no if self.yes != self.no else kind == FREE and self.coin.random() < 0.5
            is_yes = coin if kind == FREE else kind == FIXED_YES
            self.yes, self.no = self.yes + is_yes, self.no + (not is_yes)
            return int(is_yes)
        count = self.options(row)
        if style != MULTIPLE_CHOICE or count < 2:
            return 0
        if not self.letters[count]:
            hand = list(range(count))
            Random(f"{self.seed}:letters:{count}:{self.hands[count]}").shuffle(hand)
            self.hands[count] += 1
            self.letters[count] = hand
        return self.letters[count].pop(0)
