"""Wrong boxes for grounding: other objects of the image, else gold boxes of like questions, else moved
copies.

The order is that of plausibility. All three aim at the same property as `asd.makers.distractors`: text alone
(the expression and the numbers) must not tell the gold box. Other objects are chosen so that the gold box's
rank by size is even; boxes of the pool are golds themselves, of questions with the same telling words
("left", "man"); moved copies keep what gold boxes have in common (touching a border, a middle-heavy spread)
and change size both ways.

Other rows must not tell it either. A box that is gold in k rows stands in k - 1 others, so wrong boxes beside it are such as
are gold in about k - 1 rows; for a box that is gold once, in none: a box of the pool whose inner sides are moved a little.
That is as exact as the pool holds all rows of the task.

Boxes are in 0..1 of the padded square, and written as the gold answer is: "[x1,y1,x2,y2]". Pure but for `BoxPool`, which is
read only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from math import asin, exp, log, sin
from typing import Any

from asd.lazy_regex import regex
from asd.makers.answer_kinds import parse_question
from asd.makers.mining_rows import Draws, Row, smallest_rows
from asd.makers.wording import collapse
from asd.records import Sample
from asd.schemas.boxes import Box, format_box, iou, read_box

MAX_IOU = 0.2
"""A wrong box overlaps the gold one, and any other option, less than this: from 0.3 on, readers took some for right."""
MIN_SIDE = 0.02
"""Shortest side of a box made here: two steps of the two decimals."""
MIN_POOL = 24
"""Boxes that a telling word (or two) must have to be a bucket of its own."""
MAX_TRIES = 24
EDGE = 0.011
"""A box this close to a border touches it."""
Span = tuple[float, float]
_LANDSCAPE = (0.125, 0.875)
"""What a 4:3 image fills of its padded square, along its short side."""


class BoxPool:
    """Gold boxes of a task, grouped by the words of the question that say most about place and size."""

    def __init__(self, telling: dict[str, float], buckets: dict[tuple[str, ...], list[Box]]) -> None:
        """Use `build`."""
        self._telling = telling
        self._buckets = buckets
        self._rows = Counter(buckets.get(_EVERY, ()))

    @classmethod
    def build(cls, rows: Iterable[Row]) -> BoxPool:
        """Rows as for `DistractorIndex.build`, in any order; golds that are no boxes are left out."""
        kept = smallest_rows(rows)
        boxes = sorted((question, box) for _, question, gold, _ in kept if (box := read_box(gold)) is not None)
        telling = _telling_words(boxes)
        buckets: dict[tuple[str, ...], list[Box]] = {}
        waiting = [(_bucket_keys(question, telling), box) for question, box in boxes]
        for depth in range(3):
            groups: dict[tuple[str, ...], list[Box]] = defaultdict(list)
            for keys, box in waiting:
                groups[keys[depth]].append(box)
            buckets.update((key, group) for key, group in groups.items() if len(group) >= MIN_POOL or not key)
            waiting = [row for row in waiting if row[0][depth] not in buckets]
        buckets[_EVERY] = [box for _, box in boxes]
        return cls(telling, buckets)

    def __len__(self) -> int:
        return len(self._buckets[_EVERY])

    def rows_with(self, box: Box) -> int:
        """Rows whose gold answer the box is."""
        return self._rows[box]

    def to_plain(self) -> dict[str, object]:
        """As lists and dicts, for JSON."""
        return {
            "telling": self._telling,
            "buckets": [[list(key), boxes] for key, boxes in self._buckets.items()],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> BoxPool:
        """What `to_plain` gave, also after JSON has turned tuples into lists."""
        buckets = {tuple(key): [(a, b, c, d) for a, b, c, d in boxes] for key, boxes in plain["buckets"]}
        return cls(dict(plain["telling"]), buckets)

    def like(self, question: str) -> list[list[Box]]:
        """The boxes to draw from, those of the question's own bucket first."""
        keys = (*_bucket_keys(question, self._telling), _EVERY)
        return [self._buckets[key] for key in keys if self._buckets.get(key)]


_EVERY = ("*",)


def _bucket_keys(question: str, telling: dict[str, float]) -> tuple[tuple[str, ...], ...]:
    words = sorted(_words(question, telling), key=telling.__getitem__, reverse=True)[:2]
    return tuple(sorted(words)), tuple(words[:1]), ()


def _words(question: str, known: dict[str, float] | None = None) -> list[str]:
    words = dict.fromkeys(parse_question(question).full.split())
    return [word for word in words if known is None or word in known]


def _shape(box: Box) -> tuple[float, float, float, float]:
    width, height = box[2] - box[0], box[3] - box[1]
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, log(width), log(height)


def _telling_words(boxes: Sequence[tuple[str, Box]]) -> dict[str, float]:
    """Half the sum of squared z-scores of a word's mean centre and log size, less its bias d / 2n; rare
    words left out.
    """
    shapes = [(_words(question), _shape(box)) for question, box in boxes]
    if not shapes:
        return {}
    columns = list(zip(*(shape for _, shape in shapes), strict=True))
    means = [sum(column) / len(column) for column in columns]
    spreads = [
        max(sum((value - mean) ** 2 for value in column) / len(column), 1e-6)
        for column, mean in zip(columns, means, strict=True)
    ]
    sums: dict[str, list[float]] = {}
    for words, shape in shapes:
        for word in words:
            total = sums.setdefault(word, [0.0] * 5)
            for place, value in enumerate((*shape, 1.0)):
                total[place] += value
    telling = {}
    for word, total in sorted(sums.items()):
        rows = total[4]
        if rows >= MIN_POOL:
            shifts = zip(total[:4], means, spreads, strict=True)
            score = sum((value / rows - mean) ** 2 / spread for value, mean, spread in shifts)
            telling[word] = round((score - 4 / rows) / 2, 6)
    return telling


def draw_boxes(sample: Sample, count: int, seed: int, pool: BoxPool | None = None) -> list[str]:
    """Up to `count` wrong boxes; each overlaps the gold one and each other by less than MAX_IOU.

    Fewer only where the gold answer is no box, or fills so much of the image that nothing else fits beside
    it.
    """
    gold = read_box(sample.gold)
    if gold is None or count < 1:
        return []
    draws = Draws(f"{seed}:{sample.source_id}:boxes")
    chosen: list[Box] = [gold]
    for answer in sample.accepted:
        other = read_box(answer)
        if other is not None and other not in chosen:
            chosen.append(other)
    own = len(chosen)
    is_coarse = sample.gold != format_box(gold) and max(map(_num_decimals, _NUMBER.findall(sample.gold))) < 2
    wanted = own + count * (3 if is_coarse else 1)  # rounding moves some onto others
    _take_other_objects(sample.other_boxes, gold, wanted, draws, chosen)
    if pool is not None and len(chosen) < wanted:
        for boxes in pool.like(sample.question):
            _take_from_pool(boxes, pool, wanted, draws, chosen)
    if len(chosen) < wanted:
        _take_moved(gold, _frame(chosen), wanted, draws, chosen)
    if sample.gold == format_box(gold):
        return [format_box(box) for box in chosen[own:]]
    return _written_like(collapse(sample.gold), chosen[own:], chosen[:own], draws)[:count]


def _num_decimals(number: str) -> int:
    return len(number.partition(".")[2])


_NUMBER = regex(r"[-+]?(?:\d+\.?\d*|\.\d+)")


def _written_like(gold: str, boxes: Sequence[Box], right: Sequence[Box], draws: Draws) -> list[str]:
    """The boxes in the notation of the gold answer's text; those that its number of decimals moves onto another are left
    out."""
    decimals = max(map(_num_decimals, _NUMBER.findall(gold)))
    texts: list[str] = []
    chosen = [*right]
    for box in boxes:
        finer = [_with_more_decimals(value, decimals, draws) for value in box]
        numbers = iter(_as_written(value, _NUMBER.findall(gold), place) for place, value in enumerate(finer))
        text = _NUMBER.sub(lambda _, numbers=numbers: next(numbers), gold)  # type: ignore[misc]
        moved = read_box(text)
        if moved is not None and _take(moved, chosen):
            texts.append(text)
    return texts


def _with_more_decimals(value: float, decimals: int, draws: Draws) -> float:
    """A coordinate of two decimals with those that it would have if it had been measured, but on a border."""
    if decimals <= 2 or value in (0.0, 1.0) or round(value, 2) != value:
        return value
    return min(max(value + 0.01 * (draws.unit() - 0.5), 0.0), 1.0)


def _as_written(value: float, gold: Sequence[str], place: int) -> str:
    """A coordinate with as many decimals as the gold answer's: all of one number, or none that is 0 at the end, or each of its
    own."""
    parts = [number.partition(".")[2] for number in gold]
    most = max(map(len, parts))
    if all(part in ("", "0") or part[-1] != "0" for part in parts) and len(set(map(len, parts))) > 1:
        text = f"{value:.{most}f}".rstrip("0")
        if text.endswith(".") and "0" in parts:
            text += "0"
        elif text.endswith(".") and "" not in parts:  # the gold answer does not say how whole numbers are written
            text = f"{abs(value - 10**-most):.{most}f}"
        text = text.rstrip(".")
    else:
        text = f"{value:.{len(parts[place])}f}"
    return text[1:] if text.startswith("0.") and any(number.startswith(".") for number in gold) else text


def _take(box: Box, chosen: list[Box]) -> bool:
    if any(iou(box, other) >= MAX_IOU for other in chosen):
        return False
    chosen.append(box)
    return True


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _take_other_objects(texts: Sequence[str], gold: Box, wanted: int, draws: Draws, chosen: list[Box]) -> None:
    """A keyed number of larger objects, the rest smaller ones, as far as there are any."""
    others = [box for text in texts if (box := read_box(text)) is not None]
    for place in range(len(others) - 1, 0, -1):
        swap = draws.below(place + 1)
        others[place], others[swap] = others[swap], others[place]
    larger = [box for box in others if _area(box) > _area(gold)]
    smaller = [box for box in others if _area(box) <= _area(gold)]
    num_larger = draws.below(wanted - len(chosen) + 1)
    fits = (box for box in larger if _take(box, chosen))
    list(islice(fits, num_larger))
    for box in (*smaller, *larger):
        if len(chosen) == wanted:
            return
        _take(box, chosen)


def _take_from_pool(boxes: Sequence[Box], pool: BoxPool, wanted: int, draws: Draws, chosen: list[Box]) -> None:
    """Boxes that are gold in about as many rows as the gold one is beside its own."""
    others = max(pool.rows_with(chosen[0]) - 1, 0)
    for _ in range(MAX_TRIES):
        if len(chosen) == wanted:
            return
        box = boxes[draws.below(len(boxes))]
        if not others:
            box = _reshaped(box, draws)
        if pool.rows_with(box).bit_length() == others.bit_length():
            _take(box, chosen)


def _reshaped(box: Box, draws: Draws) -> Box:
    """The box with its inner sides moved by up to a third of its width and height: a border that it touches stays so."""
    x1, x2 = _with_inner_moved(box[0], box[2], draws)
    y1, y2 = _with_inner_moved(box[1], box[3], draws)
    return x1, y1, x2, y2


def _with_inner_moved(low: float, high: float, draws: Draws) -> Span:
    step = (1 + draws.below(max(int((high - low) * 33), 1))) / 100
    if draws.below(2) and high - low - step >= MIN_SIDE:
        step = -step
    if abs(low - 0.5) < abs(high - 0.5):
        return round(max(low - step, 0.0), 2), high
    return low, round(min(high + step, 1.0), 2)


def _frame(boxes: Sequence[Box]) -> tuple[Span, Span]:
    """The part of the padded square that the image is taken to fill: 4:3 where the known boxes allow it."""
    low, high = _LANDSCAPE
    if all(box[1] >= low - EDGE and box[3] <= high + EDGE for box in boxes):
        return (0.0, 1.0), _LANDSCAPE
    if all(box[0] >= low - EDGE and box[2] <= high + EDGE for box in boxes):
        return _LANDSCAPE, (0.0, 1.0)
    return (0.0, 1.0), (0.0, 1.0)


def _take_moved(gold: Box, frame: tuple[Span, Span], wanted: int, draws: Draws, chosen: list[Box]) -> None:
    """Copies of the gold box, rescaled and moved: mostly sideways, because height in the image goes with what
    a thing is.

    The gold box's ranks by size and by height among the options are drawn first.
    """
    missing = wanted - len(chosen)
    sizes, heights = _even_steps(missing, draws), _even_steps(missing, draws)
    stride, rise = 0.15 + 0.35 * draws.unit(), 0.1 + 0.3 * draws.unit()
    for size, height in zip(sizes, heights, strict=True):
        for attempt in range(MAX_TRIES):
            scale = exp(size * stride + 0.1 * (draws.unit() - 0.5))
            is_free = attempt >= MAX_TRIES // 2  # borders and sizes leave too few places
            scale *= 0.6 if is_free else 1.0
            x1, x2 = _move(gold[0], gold[2], frame[0], scale, draws, is_free=is_free)
            if attempt < MAX_TRIES // 4:
                y1, y2 = _shift(gold[1], gold[3], frame[1], scale, height * rise)
            else:  # too wide to be moved sideways only
                y1, y2 = _move(gold[1], gold[3], frame[1], scale, draws, is_free=is_free)
            box = (round(x1, 2), round(y1, 2), round(x2, 2), round(y2, 2))
            if box[0] < box[2] and box[1] < box[3] and _take(box, chosen):
                break


def _even_steps(count: int, draws: Draws) -> list[int]:
    """`count` steps around 0 in keyed order: with the gold box at 0, its rank is each of 0..count equally
    often.
    """
    rank = draws.below(count + 1)
    steps = [step for step in range(-rank, count - rank + 1) if step]
    turn = draws.below(count)
    return steps[turn:] + steps[:turn]


def _shift(start: float, end: float, span: Span, scale: float, steps: float) -> Span:
    """One side, rescaled, its centre moved by `steps` of its length; borders stay touched, and untouched."""
    low, high = span
    length = min(max((end - start) * scale, MIN_SIDE), high - low)
    if start - low <= EDGE or high - end <= EDGE:
        return (low, low + length) if start - low <= high - end else (high - length, high)
    begin = (start + end - length) / 2 + steps * (end - start)
    begin = min(max(begin, low + EDGE), max(high - EDGE - length, low))
    return begin, begin + length


def _move(start: float, end: float, span: Span, scale: float, draws: Draws, *, is_free: bool) -> Span:
    """One side, rescaled and put elsewhere. Unless it is free, a side that touches a border touches one afterwards, and
    no other does.
    """
    low, high = span
    room = high - low
    length = min(max((end - start) * scale * exp(0.3 * (draws.unit() - 0.5)), MIN_SIDE), room)
    at_low, at_high = start - low <= EDGE and not is_free, high - end <= EDGE and not is_free
    if at_low and at_high:
        return low, high
    if at_low or at_high:
        return (low, low + length) if draws.below(2) else (high - length, high)
    length = min(length, 0.9 * room)
    place = min(max((start - low) / max(room - (end - start), 1e-6), 0.0), 1.0)
    spread = (3 - 2 * place) * place * place  # cumulative density of Beta(2, 2): objects keep to the middle
    moved = (spread + draws.unit()) % 1.0
    place = 0.5 - sin(asin(1 - 2 * moved) / 3)
    begin = low + place * (room - length)
    return begin, begin + length
