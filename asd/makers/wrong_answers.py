"""Wrong answers for a sample: from its own options, from the boxes of its image, or mined from other
samples."""

from __future__ import annotations

from asd.makers.answer_spelling import like
from asd.makers.answer_types import is_vague
from asd.makers.asked_noun import tells_answer
from asd.makers.box_distractors import draw_boxes
from asd.makers.english.alternatives import offers_alternatives, stated_alternatives
from asd.makers.keyed import MinedWrong
from asd.makers.maker_context import MakerContext
from asd.makers.normalise import conflicts, is_one_of
from asd.makers.open_questions import is_open
from asd.makers.option_text import collapsed_key, is_image_file, option_key
from asd.makers.unfit_questions import finds_none, is_within_table
from asd.makers.wording import collapse
from asd.records import Decline, Sample
from asd.schemas.boxes import read_box
from asd.schemas.image_marks import names_image
from asd.schemas.styles import AnswerStyle, Maker
from asd.word_count import count_words

MAX_CANDIDATE_WORDS = 20  # longer answers are sentences, which no mined answer can stand beside (captions apart)


def own_wrong_options(sample: Sample, gold: str) -> list[str] | Decline:
    """The sample's other options, in source order, without duplicates; [] where it has no options.

    The data set itself says that they are wrong, so only the gold answer in another notation and wrong options
    that an annotator accepted count as ambiguous, not every answer that resembles another one.
    """
    texts = [collapse(option) for option in sample.options]
    keys = [collapsed_key(text) for text in texts]
    gold_key = collapsed_key(gold)
    if keys.count(gold_key) != 1 or not gold_key:
        return Decline("gold_not_in_options" if gold_key not in keys else "gold_twice_in_options", gold)
    wrong: dict[str, str] = {}
    for key, text in zip(keys, texts, strict=True):
        if key and key != gold_key and not is_one_of(text, [gold], in_order=True):
            wrong.setdefault(key, text)
    return _drop_accepted(sample, gold, list(wrong.values()))


def stated_wrong(sample: Sample, gold: str) -> list[str] | Decline:
    """What the question itself offers beside the gold answer ("a cat or a dog?"); [] where it offers nothing.

    Nothing else is then an answer at all, so such questions are declined where their offer cannot be read.
    """
    stated = stated_alternatives(sample.question, gold)
    if not stated:
        if offers_alternatives(sample.question):
            return Decline("unread_alternatives", collapse(sample.question))
        return []
    accepted, wrong = [gold, *sample.accepted], dict[str, str]()
    for phrase in stated:
        if conflicts(phrase, accepted):
            return Decline("disputed_answer", phrase)
        text = like(collapse(phrase), gold)
        wrong.setdefault(option_key(text), text)
    return list(wrong.values())


def stating_maker(style: AnswerStyle, ctx: MakerContext) -> Maker:
    """Who made the wrong answers that the question states: the source, or mining where a task lists that
    alone."""
    return Maker.FIELD if ctx.allows(style, Maker.FIELD) else Maker.MINED


def mine_wrong(sample: Sample, gold: str, count: int, style: AnswerStyle, ctx: MakerContext) -> MinedWrong | Decline:
    """Exactly `count` wrong answers mined from the task's other samples."""
    if not ctx.allows(style, Maker.MINED):
        return Decline("maker_not_listed", Maker.MINED.value)
    is_of_set = ctx.distractors is not None and ctx.distractors.is_of_set(gold)
    if (is_vague(gold) or finds_none(sample.question, gold)) and not is_of_set:
        return Decline("vague_answer", gold)
    if ctx.spec.family != "caption" and tells_answer(sample.question, gold) and not is_of_set:
        return Decline("answer_in_question", gold)
    if is_within_table(sample.question):
        return Decline("bounded_answer", gold)
    index = ctx.distractors
    if not index.is_exclusive(sample.question, gold) if index is not None else is_open(sample.question, gold):
        return Decline("open_question", gold)
    if ctx.distractors is None:
        return Decline("no_distractors", "no index of this task's answers was built")
    if ctx.spec.family != "caption" and count_words(gold) > MAX_CANDIDATE_WORDS:
        return Decline("long_answer", f"{count_words(gold)} words")
    drawing = ctx.distractors.drawing(sample, ctx.seed)
    if drawing.falls_short(count):
        return Decline("too_few_distractors", f"fewer than {count}")
    return MinedWrong(style, gold, count, drawing, option_key(gold))


def draw_wrong_boxes(
    sample: Sample, count: int, style: AnswerStyle, ctx: MakerContext
) -> tuple[list[str], Maker] | Decline:
    """Boxes of the image's other objects where the source has enough of them (field), else boxes of other
    samples (mined, where the task has an index and lists that maker) or moved copies of the gold box (rule).
    """
    index = ctx.distractors if ctx.allows(style, Maker.MINED) else None
    draw = draw_boxes if index is None else index.draw
    drawn = draw(sample, count, ctx.seed)
    if len(drawn) < count or collapse(sample.gold) in drawn:
        return Decline("too_few_boxes", f"{len(drawn)} of {count}")
    others = [read_box(box) for box in sample.other_boxes]
    if all(read_box(box) in others for box in drawn):
        return drawn, Maker.FIELD
    return drawn, Maker.RULE if index is None else Maker.MINED


def is_conflict(wrong: str, gold: str, accepted: list[str], maker: Maker) -> bool:
    """Whether a wrong answer could be taken for a right one: the same in another notation where the data set made it,
    by meaning where it was mined or made."""
    if maker is Maker.FIELD:
        return option_key(wrong) == option_key(gold) or is_one_of(wrong, _right(gold, accepted), in_order=True)
    return conflicts(wrong, [gold, *accepted])


def _drop_accepted(sample: Sample, gold: str, wrong: list[str]) -> list[str]:
    if len(sample.accepted) <= 1:
        return wrong
    right = _right(gold, sample.accepted)
    return [text for text in wrong if not is_one_of(text, right, in_order=True)]


def _right(gold: str, accepted: list[str]) -> list[str]:
    return [gold, *(answer for answer in accepted if answer != gold)] if len(accepted) > 1 else [gold]


def has_image_options(options: list[str]) -> bool:
    """Options that are pictures: their texts are file names or marks, which say nothing in a prompt."""
    return any(is_image_file(option) or names_image(option) for option in options)
