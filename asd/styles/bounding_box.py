"""Any style -> bounding box: where in the picture is what the answer names, or (`box_of: any`) one of the objects?

Only what stands in the picture once is asked for: a phrase that fits two places has no right box. The names and boxes
are those that the task's YAML reads (`regions`); nothing is guessed.
"""

from __future__ import annotations

from collections import Counter

from asd.makers.checks import gold_recoverable, unsure_boxes
from asd.makers.keyed import Prepared, keyed_hash
from asd.makers.maker_context import MakerContext
from asd.makers.normalise import conflicts, normalise_answer
from asd.makers.wording import collapse
from asd.records import Decline, Draft, Sample
from asd.schemas.boxes import format_box, read_box
from asd.schemas.styles import AnswerStyle, Maker
from asd.styles.dealt import deal_nothing
from asd.styles.may_take import has_regions
from asd.styles.style import Style, Target

MIN_SIDE = 0.03
"""Of a box; boxes are written with two decimals, and a thinner one is mostly rounding."""
_PUNCTUATION = ".,;:!?\"'()[]“”‘’"


def draft_bounding_box(sample: Sample, ctx: MakerContext) -> Prepared:
    if not sample.region_names:
        return Decline("no_regions")
    if ctx.spec.box_of == "any":
        return _any_object(sample, ctx)
    return _read_text(sample) if ctx.spec.family == "ocr" else _answer_object(sample)


def _answer_object(sample: Sample) -> Draft | Decline:
    """The object that the answer names."""
    wanted = _name_key(sample.gold)
    places = [place for place, name in enumerate(sample.region_names) if _name_key(name) == wanted]
    if not places:
        return Decline("answer_not_in_regions", collapse(sample.gold))
    return _only_object(sample, places[0], Counter(map(_name_key, sample.region_names)))


def _any_object(sample: Sample, ctx: MakerContext) -> Draft | Decline:
    """The first of the objects that can be asked for, in an order by the sample's key."""
    purpose, keys = "bounding_box:region", Counter(map(_name_key, sample.region_names))
    places = sorted(
        range(len(sample.region_names)), key=lambda place: keyed_hash(ctx.seed, sample.source_id, f"{purpose}:{place}")
    )
    tried = (_only_object(sample, place, keys) for place in places)
    declined: Decline | None = None
    for made in tried:
        if isinstance(made, Draft):
            return made
        declined = declined or made
    return declined or Decline("no_regions")


def _only_object(sample: Sample, place: int, keys: Counter[str]) -> Draft | Decline:
    """keys: of all objects of the picture."""
    name, key = collapse(sample.region_names[place]), _name_key(sample.region_names[place])
    if not key:
        return Decline("no_noun_phrase", name)
    if keys[key] > 1 or any(conflicts(other, [key]) for other in keys if other not in ("", key)):
        return Decline("region_not_alone", name)
    return _drafted(f"the {name}", sample.region_boxes[place])


def _read_text(sample: Sample) -> Draft | Decline:
    """The words of the answer, one after the other as they were read."""
    gold = collapse(sample.gold)
    wanted, words = [_word_key(word) for word in gold.split()], [_word_key(name) for name in sample.region_names]
    if '"' in gold:
        return Decline("no_noun_phrase", gold)
    if "" in wanted:
        return Decline("answer_not_in_regions", gold)
    size = len(wanted)
    places = [first for first in range(len(words) - size + 1) if words[first : first + size] == wanted]
    if len(places) != 1:
        return Decline("region_not_alone" if places else "answer_not_in_regions", gold)
    return _drafted(f'the text "{gold}"', *sample.region_boxes[places[0] : places[0] + size])


def _drafted(phrase: str, *texts: str) -> Draft | Decline:
    """texts: the boxes; several are taken as one around them all."""
    boxes = [read_box(text) for text in texts]
    known = [box for box in boxes if box is not None]
    if len(known) < len(boxes):
        return Decline("region_without_box", phrase)
    x1, y1 = min(box[0] for box in known), min(box[1] for box in known)
    x2, y2 = max(box[2] for box in known), max(box[3] for box in known)
    if min(x2 - x1, y2 - y1) < MIN_SIDE - 1e-9:
        return Decline("small_box", phrase)
    gold = texts[0] if len(texts) == 1 else format_box((x1, y1, x2, y2))
    return Draft(AnswerStyle.BOUNDING_BOX, Maker.FIELD, gold, question=phrase)


def _name_key(name: str) -> str:
    """One for all spellings and both numbers of a noun."""
    return normalise_answer(name)


def _word_key(word: str) -> str:
    return word.strip(_PUNCTUATION).casefold()


STYLE = Style(
    name=AnswerStyle.BOUNDING_BOX,
    title="bounding box",
    colour="#aa4499",
    recovery="box",
    scoring_rule="iou",
    target=Target(
        draft=draft_bounding_box,
        checks=(gold_recoverable,),
        may_fail=unsure_boxes,
        deal=deal_nothing,
        reads=("region_names", "region_boxes"),
        may_take=has_regions,
        answers_own_question=True,
        has_english_words=True,
    ),
)
