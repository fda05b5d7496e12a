"""What each quality figure means in plain words, and whether its value is good: one table, used by every
view.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]


@dataclass(slots=True, frozen=True)
class Verdict:
    """mark: "good", "look" (worth a look), "bad"; "none" where the figure is not defined for these rows."""

    key: str
    title: str
    mark: str
    value: str
    wanted: str
    meaning: str
    scale: tuple[float, tuple[tuple[str, float], ...]] | None = None
    """A value in 0..1 with named marks to draw it against."""

    @property
    def remedy(self) -> str:
        """What to do where the value is not good; empty where it is."""
        return _REMEDIES[self.key] if self.mark in ("look", "bad") else ""


_REMEDIES = {
    "gold_recoverable": "Look at the samples with `asd inspect DIR`; a template of your own may write responses otherwise.",
    "question_preserved": "Look at the templates given with --template-dir: each must write the question as it is.",
    "option_conflicts": "Look at the samples; name synonyms and closed answer sets in the task file, or leave `mined` out.",
    "letter_chi2_p": "Convert more samples; if it stays, the options come in a fixed order from the source.",
    "yes_share": "Where questions bring their own yes or no, give the style a smaller share with --ratio-per-style.",
    "longest_is_gold": "Give the wrong options of the source the length of the right ones, or let `mined` make them.",
    "probe_multiple_choice": "Look at the samples of smallest pools; leave the style out with --styles, or use a rewriter.",
    "probe_yes_no": "Look at the samples of smallest pools; leave the style out with --styles, or use a rewriter.",
    "seen_elsewhere_multiple_choice": "Convert more samples, so that more rows can exchange answers, or use a rewriter.",
    "seen_elsewhere_yes_no": "Convert more samples, so that more rows can exchange answers, or use a rewriter.",
    "right_elsewhere_multiple_choice": "Give the style a smaller share than yes/no with --ratio-per-style, or use a rewriter.",
    "right_elsewhere_yes_no": "Convert more samples, so that more rows can exchange answers, or use a rewriter.",
    "same_meaning": "Name the answers in question as a closed set in the task file (`answer_sets`), or use a rewriter.",
    "other_kind": "Convert more samples, so that more answers of each kind are there, or use a rewriter.",
    "covisible_wrong": "Use a rewriter that sees the images: it offers what a picture holds beside the answer.",
    "verdict_questions": "Give the style a smaller share with --ratio-per-style, or use a rewriter for what rules cannot make.",
    "marks": "Look at them in `asd view DIR`, filter by mark.",
}


def verdicts_on(figures: Figures) -> list[Verdict]:
    """Verdicts on the figures that are defined for these rows, in reading order."""
    return [verdict for verdict in _all_verdicts(figures) if verdict.mark != "none"]


def _all_verdicts(figures: Figures) -> list[Verdict]:
    return [
        _whole_share(
            figures,
            "gold_recoverable",
            "Answer can be read back",
            "From the response of a converted sample, and its options, a reader gets the original answer.",
        ),
        _whole_share(
            figures,
            "question_preserved",
            "Question kept word for word",
            "The prompt of a converted sample still holds the original question.",
        ),
        _conflicts(figures),
        _letters(figures),
        _yes_share(figures),
        _longest(figures),
        _probe(figures, "multiple_choice", "Guessing without the image: multiple choice"),
        _probe(figures, "yes_no", "Guessing without the image: yes/no"),
        _seen_elsewhere(figures, "multiple_choice", "Guessing from other rows: multiple choice"),
        _seen_elsewhere(figures, "yes_no", "Guessing from other rows: yes/no"),
        _exclusion(figures, "multiple_choice", "Guessing by exclusion: multiple choice"),
        _exclusion(figures, "yes_no", "Guessing by exclusion: yes/no"),
        _few(
            figures,
            "same_meaning",
            "Two wrong options of one meaning",
            "Multiple-choice samples in which two wrong options mean the same, or one is a kind of the other.",
        ),
        _few(
            figures,
            "other_kind",
            "Wrong answers of another kind",
            "Where a question asks a kind of something (which fruit?), samples in which no wrong answer is one.",
        ),
        _covisible(figures),
        _verdict_questions(figures),
        _marked(figures),
    ]


def _whole_share(figures: Figures, key: str, title: str, meaning: str) -> Verdict:
    share = figures.get(key)
    mark = "none" if share is None else _grade(1.0 - share, 0.0, 0.001)
    return Verdict(key, title, mark, _percent(share), "100%", meaning)


def _conflicts(figures: Figures) -> Verdict:
    key = "option_conflicts"
    count, converted = figures.get(key), figures.get("converted") or 0
    mark = "none" if count is None else _grade(count / max(1, converted), 0.0, 0.001)
    meaning = (
        "Samples in which a wrong option, or a candidate answered No, may itself be right: a synonym, a "
        "spelling, a broader word. The test errs on the side of counting."
    )
    return Verdict(key, "Wrong options that may be right", mark, _number(count), "0", meaning)


def _letters(figures: Figures) -> Verdict:
    p = figures.get("letter_chi2_p")
    mark = "none" if p is None else _grade(-p, -0.01, -0.001)
    meaning = (
        "Chi-square p of the right answer's letters being equally frequent. A value near 0 means that some "
        "letter is right too often, so that a model learns the letter and not the answer."
    )
    value = "not defined" if p is None else f"p = {p:.3g}"
    return Verdict("letter_chi2_p", "Letters are balanced", mark, value, "p ≥ 0.01", meaning)


def _yes_share(figures: Figures) -> Verdict:
    share, dealt = figures.get("yes_share"), figures.get("yes_share_candidates")
    judged = share if dealt is None else dealt
    mark = "none" if judged is None else _grade(abs(judged - 0.5), 0.03 + _noise(0.5, figures.get("yes_share_n")), 0.1)
    value = _percent(share)
    if dealt is not None and dealt != share:
        value += f" ({_percent(dealt)} where a candidate was proposed)"
    meaning = (
        "Converted yes/no samples answered Yes. Where a candidate answer was proposed the share is dealt; "
        "where the question itself asks for yes or no, the source decides."
    )
    scale = None if share is None else (share, (("even", 0.5),))
    return Verdict("yes_share", "Yes and No are balanced", mark, value, "50%", meaning, scale)


def _longest(figures: Figures) -> Verdict:
    share, chance = figures.get("longest_is_gold"), figures.get("longest_is_gold_chance")
    meaning = "How often picking the longest option would be right; it should do no better than chance."
    title, key = "Length does not give the answer away", "longest_is_gold"
    if share is None or chance is None:
        return Verdict(key, title, "none", "not defined", "near chance", meaning)
    mark = _grade(abs(share - chance), 0.05 + _noise(chance, figures.get("longest_is_gold_n")), 0.15)
    wanted = f"near chance ({_percent(chance)})"
    return Verdict(key, title, mark, _percent(share), wanted, meaning, (share, (("chance", chance),)))


def _probe(figures: Figures, style: str, title: str) -> Verdict:
    key = f"probe_{style}"
    accuracy, prior, chance = figures.get(key), figures.get(f"{key}_prior"), figures.get(f"{key}_chance")
    meaning = (
        "Accuracy of a text-only classifier that never sees the image, beside guessing from the answers that "
        "like questions have. Well above that, the conversion left traces that give the answer away; far below chance, it "
        "has learnt which answers are right in other rows, and these are wrong here."
    )
    if accuracy is None or prior is None:
        return Verdict(key, title, "none", "not defined", "not above the prior", meaning)
    base = max(prior, chance or 0.0)
    low, high = figures.get(f"{key}_ci") or (accuracy, accuracy)
    mark = "good" if low <= base else _grade(accuracy - base, 0.05, 0.15)
    if chance is not None and high < chance - 0.05:
        mark = "look"
    value = f"{_percent(accuracy)} (95% interval {low * 100:.1f} to {high * 100:.1f}"
    value += f", {_number(figures[f'{key}_n'])} samples)" if figures.get(f"{key}_n") else ")"
    marks = (("prior", prior),) if chance is None else (("chance", chance), ("prior", prior))
    wanted = f"at most the prior ({_percent(prior)})"
    wanted += "" if chance is None else f", not far below chance ({_percent(chance)})"
    return Verdict(key, title, mark, value, wanted, meaning, (accuracy, marks))


def _seen_elsewhere(figures: Figures, style: str, title: str) -> Verdict:
    key = f"seen_elsewhere_{style}"
    accuracy, chance = figures.get(key), figures.get(f"{key}_chance")
    meaning = (
        "Accuracy of the rule that an answer which another row states in its native style is wrong here, over rows with "
        "mined wrong answers. Above chance, the rows of the version give each other's answers away."
    )
    if accuracy is None or chance is None:
        return Verdict(key, title, "none", "not defined", "near chance", meaning)
    mark = _grade(accuracy - chance, 0.05 + _noise(chance, figures.get(f"{key}_n")), 0.15)
    wanted = f"near chance ({_percent(chance)})"
    return Verdict(key, title, mark, _percent(accuracy), wanted, meaning, (accuracy, (("chance", chance),)))


def _exclusion(figures: Figures, style: str, title: str) -> Verdict:
    key, chance = f"right_elsewhere_{style}", figures.get(f"seen_elsewhere_{style}_chance")
    by_right, by_wrong = figures.get(key), figures.get(f"wrong_elsewhere_{style}")
    meaning = (
        "Accuracy of picking the answer that is right in the fewest other rows, natively or converted, and of picking by how "
        "often answers are offered as wrong elsewhere; of each rule and its opposite the better. Answers that occur once "
        "are found by exclusion where the wrong ones are other rows' right ones."
    )
    if by_right is None or by_wrong is None or chance is None:
        return Verdict(key, title, "none", "not defined", "near chance", meaning)
    accuracy = max(by_right, by_wrong)
    mark = _grade(accuracy - chance, 0.05 + _noise(chance, figures.get(f"seen_elsewhere_{style}_n")), 0.4)
    value = f"{_percent(by_right)} by where answers are right, {_percent(by_wrong)} by where they are wrong"
    wanted = f"near chance ({_percent(chance)})"
    return Verdict(key, title, mark, value, wanted, meaning, (accuracy, (("chance", chance),)))


def _marked(figures: Figures) -> Verdict:
    counts: Mapping[str, int] = figures.get("marks") or {}
    good, bad = counts.get("good", 0), counts.get("bad", 0)
    mark = "none" if not counts else _grade(bad / (good + bad), 0.0, 0.05)
    meaning = "Samples that readers marked bad, of all that they marked."
    return Verdict("marks", "Marked bad by readers", mark, f"{bad:,} of {good + bad:,}", "0", meaning)


def _few(figures: Figures, key: str, title: str, meaning: str) -> Verdict:
    share = figures.get(key)
    mark = "none" if share is None else _grade(share, 0.01 + _noise(0.01, figures.get(f"{key}_n")), 0.25)
    return Verdict(key, title, mark, _percent(share), "at most 1%", meaning)


def _covisible(figures: Figures) -> Verdict:
    key, title = "covisible_wrong", "Guessing from the image without the question"
    wrong, gold = figures.get(key), figures.get("covisible_gold")
    meaning = (
        "Wrong answers that answer another question on the same image. Where right ones do so far more often, whoever "
        "sees the image picks what it holds, without reading the question."
    )
    if wrong is None or gold is None:
        return Verdict(key, title, "none", "not defined", "as right answers", meaning)
    mark = _grade(gold - wrong, 0.05 + _noise(gold, figures.get("covisible_n")), 0.2)
    return Verdict(key, title, mark, _percent(wrong), f"as right answers ({_percent(gold)})", meaning)


def _verdict_questions(figures: Figures) -> Verdict:
    key, title = "verdict_questions", "Questions of each style are those of the source"
    shares = figures.get(key) or {}
    source = shares.get("source")
    meaning = (
        "Share of questions that want yes or no, by style. A style that takes far more or fewer of them than the source "
        "teaches that such questions are answered in it."
    )
    styles = {style: share for style, share in shares.items() if style != "source"}
    if source is None or not styles:
        return Verdict(key, title, "none", "not defined", "as the source", meaning)
    mark = _grade(max(abs(share - source) for share in styles.values()), 0.15, 0.4)
    value = ", ".join(f"{style.replace('_', ' ')} {_percent(share)}" for style, share in styles.items())
    return Verdict(key, title, mark, value, f"about {_percent(source)} yes/no questions", meaning)


def _noise(share: float, n: int | None) -> float:
    """Two standard deviations of a share seen over n rows: what chance alone may do."""
    return 2.0 * math.sqrt(share * (1.0 - share) / n) if n else 0.0


def _grade(badness: float, good: float, look: float) -> str:
    if badness <= good + 1e-9:
        return "good"
    return "look" if badness <= look + 1e-9 else "bad"


def _percent(share: float | None) -> str:
    """Never rounds up to 100 %: 99.999 % is not all."""
    if share is None:
        return "not defined"
    return f"{min(share * 100, 99.9 if share < 1 else 100):.1f}%"


def _number(count: int | None) -> str:
    return "not defined" if count is None else f"{count:,}"
