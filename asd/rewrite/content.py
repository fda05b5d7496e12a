"""From a reply to a draft: the checks of its style, then the draft that the pipeline deals and renders. Pure."""

from __future__ import annotations

import re

from asd.makers.answer_spelling import like
from asd.makers.explanation import options_shown
from asd.makers.grounding import region_question
from asd.makers.maker_context import MakerContext
from asd.makers.option_text import collapsed_key
from asd.makers.wording import as_sentence, collapse, contains_words
from asd.records import Draft, Sample
from asd.rewrite.distractor_checks import DISTRACTOR_CHECKS, DistractorCase
from asd.rewrite.explanation_checks import EXPLANATION_CHECKS, ExplanationCase
from asd.rewrite.meaning_checks import Problem, find_problems
from asd.rewrite.writable import DESCRIBED_FAMILIES
from asd.schemas.reply_models import ReplyModel
from asd.schemas.styles import AnswerStyle, Maker
from asd.sources.instructions import without_lead_in
from asd.styles.table import writing_of

_FULL_STOP = re.compile(r"(?:^|\s)[^\s.]+\.$")
"""Of a sentence; not of "p.m." or "U.S."."""
_ARTICLE = re.compile(r"(?:[Tt]he|[Aa]n?) (?=[a-z])(?!(?:lot|few|little|bit|couple|dozen)\b)")
"""Before a noun; "a lot" and "a few" are no nouns."""
_QUOTES = "\"'“”‘’`"


def reply_model(style: AnswerStyle, family: str) -> type[ReplyModel]:
    """Raises: IncompleteStyleError for a style that the rewriter does not write."""
    writing = writing_of(style)
    return writing.description if family in DESCRIBED_FAMILIES and writing.description else writing.reply


def check_names(style: AnswerStyle) -> tuple[str, ...]:
    """Slugs of the checks that a reply in this style passes, in the order in which they run."""
    checks = DISTRACTOR_CHECKS if writing_of(style).num_distractors else EXPLANATION_CHECKS
    return tuple(check.slug for check in checks)


def read_content(
    reply: ReplyModel, sample: Sample, style: AnswerStyle, ctx: MakerContext, kept: list[str]
) -> Draft | list[Problem]:
    """The draft that a reply makes of a sample, or every check that it fails.

    `kept`: wrong answers of earlier replies that passed, to which this reply's own are added.
    """
    texts = [str(answer.answer) for answer in reply.answers(style)]
    if writing_of(style).num_distractors:
        return _read_distractors(texts, sample, style, kept)
    return _read_explanation(texts[0], sample, style, ctx)


def _read_distractors(texts: list[str], sample: Sample, style: AnswerStyle, kept: list[str]) -> Draft | list[Problem]:
    gold = collapse(sample.gold)
    problems: list[Problem] = []
    for text in texts:
        fitted = fit_form(text, gold)
        case = DistractorCase(fitted, gold, tuple(sample.accepted), tuple(kept), sample.question)
        failed = find_problems(case, DISTRACTOR_CHECKS)
        problems += failed
        if not failed:
            kept.append(fitted)
    wanted = writing_of(style).num_distractors
    if len(kept) < wanted:
        return problems + _say_kept(kept, wanted)
    if style is AnswerStyle.YES_NO:
        return Draft(style, Maker.REWRITER, gold, wrong=kept[0])
    return Draft(style, Maker.REWRITER, gold, options=[gold, *kept[:wanted]])


def _say_kept(kept: list[str], wanted: int) -> list[Problem]:
    """Tells the model, after what was wrong, what it need not write again."""
    if not kept:
        return []
    named = ", ".join(map(repr, kept))
    return [Problem("", f"{named}: good, and kept. Write {wanted} others; {wanted - len(kept)} of them must be good.")]


def fit_form(text: str, gold: str) -> str:
    """Quotation marks off; article, full stop and letter case as the gold answer has them, so that none gives it away."""
    text = collapse(text)
    if len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES and gold[:1] not in _QUOTES:
        text = text[1:-1].strip()
    if _FULL_STOP.search(text) and not gold.endswith("."):
        text = text[:-1].rstrip()
    elif gold.endswith(".") and text and text[-1].isalnum():
        text += "."
    if not _ARTICLE.match(gold):
        text = text[at.end() :] if (at := _ARTICLE.match(text)) else text
    return like(text, gold)


def _read_explanation(text: str, sample: Sample, style: AnswerStyle, ctx: MakerContext) -> Draft | list[Problem]:
    family = ctx.spec.family
    text, gold = collapse(text), collapse(sample.gold)
    case = _as_case(text, gold, sample, style, family)
    problems = find_problems(case, EXPLANATION_CHECKS)
    if problems:
        return problems
    text = as_sentence(text)
    if not case.is_description:
        asked = without_lead_in(sample.question) if sample.options else sample.question
        question = asked if asked != sample.question else ""
        options = options_shown(sample, gold, text)
        return Draft(style, Maker.REWRITER, gold, options=options, text=text, question=question)
    written = case.gold.rstrip(".")
    response = written if contains_words(text, written) else text.rstrip(".")
    question = region_question(gold) if family == "grounding" else ""
    return Draft(style, Maker.REWRITER, response, text=text, question=question)


def _as_case(text: str, gold: str, sample: Sample, style: AnswerStyle, family: str) -> ExplanationCase:
    if family == "grounding":  # what the region shows is told by the expression
        expression, in_words = collapse(sample.question), tuple(filter(None, [sample.full_answer]))
        return ExplanationCase(text, expression, expression, style, in_words, is_description=True)
    accepted = tuple(sample.accepted)
    if family == "caption":
        return ExplanationCase(text, gold, gold, style, accepted, is_description=True)
    key = collapsed_key(gold)
    others = tuple(option for option in map(collapse, sample.options) if collapsed_key(option) != key)
    return ExplanationCase(text, gold, sample.question, style, accepted, others, sample.context)
