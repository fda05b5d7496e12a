"""How far a version is from SEFE's split, in which every other style gets the same part of the converted share."""

from __future__ import annotations

from collections.abc import Mapping

from asd.schemas.styles import MODEL_MAKERS, ON_REQUEST_STYLES, TARGET_STYLES, AnswerStyle, Maker

NEARLY_EVEN = 0.01


def distance_from_even(native_style: str, by_style: Mapping[str, int]) -> float:
    """Share of the converted rows that would have to be of another style; 0 where the split is even, or nothing was converted.

    Half the sum, over the styles that the task has not, of how far each one's share is from an equal one.
    """
    styles = _split_over(native_style, by_style)
    converted = sum(by_style.get(style, 0) for style in styles)
    if not converted:
        return 0.0
    return sum(abs(by_style.get(style, 0) / converted - 1 / len(styles)) for style in styles) / 2


def _split_over(native_style: str, by_style: Mapping[str, int]) -> list[AnswerStyle]:
    """The styles that share the converted rows: SEFE's, and those beside them that were asked for."""
    return [
        style
        for style in TARGET_STYLES
        if style != native_style and (style not in ON_REQUEST_STYLES or by_style.get(style))
    ]


def describe_split(native_style: str, by_style: Mapping[str, int], by_maker: Mapping[str, int]) -> str:
    """Sentences for a reader of the version; "" where nothing was converted."""
    styles = _split_over(native_style, by_style)
    converted = sum(by_style.get(style, 0) for style in styles)
    if not converted:
        return ""
    shares = ", ".join(f"{style} {100 * by_style.get(style, 0) / converted:.1f}" for style in styles)
    even, distance = 100 / len(styles), distance_from_even(native_style, by_style)
    sentences = [f"SEFE splits the converted rows evenly, {even:.1f} % to each style; here, in percent: {shares}."]
    if distance <= NEARLY_EVEN:
        sentences.append("That is its split.")
    else:
        sentences.append(f"{100 * distance:.1f} % of them would have to be of another style to match.")
    if any(by_maker.get(maker) for maker in MODEL_MAKERS):
        return " ".join(sentences)
    if not by_style.get(AnswerStyle.DETAILED_EXPLANATION):
        sentences.append(
            "Detailed explanations (some 50 words in SEFE) need a language model where the data hold none; there are none."
        )
    if by_style.get(AnswerStyle.BRIEF_EXPLANATION) and by_maker.get(Maker.RULE):
        sentences.append(
            "Brief explanations made by rule restate question and answer in a short sentence, where SEFE has a model explain in "
            "some 20 words."
        )
    if len(sentences) > 2:
        sentences.append("A rewriter (--rewriter) writes these, and wrong answers where none could be mined.")
    return " ".join(sentences)
