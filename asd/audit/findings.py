"""What the counts mean for a model tuned on the file, and what to do: one table of findings, used by every view."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from asd.audit.forms import FITS, MEANING, Form
from asd.audit.tally import OTHER_PROMPTS, Example, Tally
from asd.errors import UnknownNameError

Mark = Literal["bad", "look"]

MONOCULTURE, LEANING = 0.9, 0.75
"""Share of one form from which on a file teaches one form only, or mostly."""
UNNAMED_BAD, UNNAMED_LOOK = 0.5, 0.1
"""Share of short answers, choices, verdicts and boxes whose prompts do not ask for them."""
CONTRADICTED_BAD, CONTRADICTED_LOOK = 0.05, 0.005
MIXED_WRITING = 0.01
REPEATED_BAD, REPEATED_LOOK = 0.1, 0.01
FOREIGN_BAD, FOREIGN_LOOK = 0.1, 0.01
SHARED_PROMPT = 0.05
"""Share of a prompt's answers that another form must have for the prompt to be shared between forms."""
_TERSE = (Form.YES_NO, Form.MULTIPLE_CHOICE, Form.SHORT_ANSWER, Form.BOUNDING_BOX)
"""Forms that a model takes for granted once it is tuned on nothing else: they must be asked for."""
_CONVERTIBLE = (*_TERSE, Form.BRIEF_EXPLANATION)
_FEWEST = 20
"""Turns below which nothing is said of shares."""
_MINOR = 0.05
"""A form of a smaller share of the file is not worth a finding of its own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """mark: "bad" (a model tuned on this will show it) or "look" (worth a look)."""

    key: str
    mark: Mark
    title: str
    meaning: str
    remedy: str
    share: float
    examples: tuple[Example, ...] = ()


KEYS = (
    "monoculture",
    "unnamed",
    "contradictions",
    "shared_prompt",
    "mixed_writing",
    "duplicates",
    "other_answers",
    "language",
    "refusals",
)


def parse_keys(text: str | None) -> tuple[str, ...]:
    """Names of findings from "monoculture,contradictions". Raises: UnknownNameError."""
    names = [name.strip().replace("-", "_") for name in (text or "").split(",") if name.strip()]
    for name in names:
        if name not in (*KEYS, "any"):
            raise UnknownNameError("finding", name, [*KEYS, "any"])
    return KEYS if "any" in names else tuple(names)


def find(tally: Tally, files: Sequence[str]) -> list[Finding]:
    """What stands out in a file (or several together), the worst first. files: named in the commands that help."""
    if tally.turns < _FEWEST:
        return []
    standing_out = [finding for check in _CHECKS for finding in check(tally, files)]
    return sorted(standing_out, key=lambda finding: (finding.mark != "bad", KEYS.index(finding.key)))


def _monoculture(tally: Tally, files: Sequence[str]) -> Iterator[Finding]:
    form, share = tally.largest()
    if share < LEANING:
        return
    is_mono = share >= MONOCULTURE
    yield Finding(
        "monoculture",
        "bad" if is_mono else "look",
        f"{share:.0%} of the answers are {_named(form)}",
        f"A model tuned on this learns to answer {'everything' if is_mono else 'most things'} so"
        f" ({MEANING[form]}), whatever it is asked.",
        _convert_hint(form, files),
        share,
    )


def _unnamed(tally: Tally, files: Sequence[str]) -> Iterator[Finding]:
    terse = sum(tally.forms[form] for form in _TERSE)
    silent = sum(tally.silent[form] for form in _TERSE)
    if terse < max(_FEWEST, 2 * _MINOR * tally.turns) or silent / terse < UNNAMED_LOOK:
        return
    share = silent / terse
    yield Finding(
        "unnamed",
        "bad" if share >= UNNAMED_BAD else "look",
        f"{share:.0%} of the short answers, choices, verdicts and boxes are not asked for",
        "Their prompts do not say in which form to answer, so the model has no way to tell when this form is wanted "
        "and gives it to every question.",
        "Name the form in the prompt ("
        + "; ".join(f"{_named(form)}: {_WORDING[form]!r}" for form in _TERSE if tally.silent[form])
        + f"), or let the conversion do so: {_command(files)}",
        share,
    )


def _contradictions(tally: Tally, files: Sequence[str]) -> Iterator[Finding]:
    count = sum(tally.contradictions.values())
    named = tally.turns - tally.asked[None]
    if not named or count / named < CONTRADICTED_LOOK:
        return
    (asked, given), most = tally.contradictions.most_common(1)[0]
    yield Finding(
        "contradictions",
        "bad" if count / named >= CONTRADICTED_BAD else "look",
        f"{count:,} of the {named:,} answers whose prompt names a form have another one ({count / named:.1%})",
        f"The largest group ({most:,}): asked for {_named(asked)}, answered with {_named(given)}. The model learns that what "
        "the prompt says of the form does not count.",
        "Mend the prompt or the answer of these rows; --json lists the groups with examples.",
        count / named,
        tuple(example for pair, _ in tally.contradictions.most_common(2) for example in tally.examples[pair][:2]),
    )


def _shared_prompt(tally: Tally, files: Sequence[str]) -> Iterator[Finding]:
    for prompt, forms in sorted(tally.prompts.items(), key=lambda item: (-sum(item[1].values()), item[0])):
        total = sum(forms.values())
        if prompt == OTHER_PROMPTS or total < max(_FEWEST, 0.02 * tally.turns):
            continue
        large = [
            form for form, count in forms.most_common() if count / total >= SHARED_PROMPT and form is not Form.REFUSAL
        ]
        groups = _apart(large)
        if len(groups) < 2:
            continue
        yield Finding(
            "shared_prompt",
            "look",
            f"one response-format prompt stands before {len(groups)} kinds of answer: {prompt[:80]!r}",
            f"It gets {', '.join(f'{forms[form] / total:.0%} {_named(form)}' for form in large)}: it cannot teach when to "
            "give which, and later tasks that use it pull the earlier ones along.",
            "Give each kind of answer a prompt of its own.",
            1 - forms[large[0]] / total,
        )
        return


def _apart(forms: Sequence[Form]) -> list[Form]:
    """Those of the forms of which none is an allowed way to give another."""
    kept: list[Form] = []
    for form in forms:
        if not any(form in FITS.get(other, ()) or other in FITS.get(form, ()) for other in kept):
            kept.append(form)
    return kept


def _mixed_writing(tally: Tally, files: Sequence[str]) -> Iterator[Finding]:
    for form, ways in tally.writings.items():
        total = sum(ways.values())
        (usual, most), *others = ways.most_common()
        rest = total - most
        if total < max(_FEWEST, _MINOR * tally.turns) or not others or rest / total < MIXED_WRITING:
            continue
        shown = ", ".join(f"{way} ({count:,})" for way, count in ways.most_common(4))
        yield Finding(
            "mixed_writing",
            "look",
            f"{_named(form)} is written in several ways: {shown}",
            "A scorer that compares letters or words counts some of them as wrong, and the model learns no one of them.",
            f"Write all as most are: {usual}. A conversion writes one spelling.",
            rest / total,
        )


def _duplicates(tally: Tally, files: Sequence[str]) -> Iterator[Finding]:
    same, other = tally.repeated()
    if same / tally.turns >= REPEATED_LOOK:
        yield Finding(
            "duplicates",
            "bad" if same / tally.turns >= REPEATED_BAD else "look",
            f"{same:,} turns repeat another word for word ({same / tally.turns:.1%})",
            "They count twice in training, and a copy in the test set makes its score meaningless.",
            "Leave all but one out.",
            same / tally.turns,
        )
    if other / tally.turns >= REPEATED_LOOK:
        yield Finding(
            "other_answers",
            "look",
            f"{other:,} turns ask what an earlier one asks, of the same images, and answer otherwise ({other / tally.turns:.1%})",
            "Of several answers to one prompt the model learns a blur; for captions this is meant, for facts it is not.",
            "Keep one answer for each prompt, or say in the prompt what differs.",
            other / tally.turns,
        )


def _language(tally: Tally, files: Sequence[str]) -> Iterator[Finding]:
    share = tally.in_other_language / tally.turns
    if share >= FOREIGN_LOOK:
        yield Finding(
            "language",
            "bad" if share >= FOREIGN_BAD else "look",
            f"{tally.in_other_language:,} answers are in another language than their prompt ({share:.1%})",
            "Where the prompt does not ask for it (a translation), the model learns to answer in that language whoever asks.",
            "Say the language in the prompt, or answer in the prompt's.",
            share,
            tuple(tally.foreign),
        )


def _refusals(tally: Tally, files: Sequence[str]) -> Iterator[Finding]:
    share = tally.share(Form.REFUSAL)
    if share >= 0.02:
        yield Finding(
            "refusals",
            "bad" if share >= 0.1 else "look",
            f"{tally.forms[Form.REFUSAL]:,} answers decline to answer ({share:.1%})",
            "Refusals are learnt quickly and spread to questions that could be answered.",
            "Read them, and keep those alone that are right.",
            share,
        )


_CHECKS: tuple[Callable[[Tally, Sequence[str]], Iterator[Finding]], ...] = (
    _monoculture,
    _unnamed,
    _contradictions,
    _shared_prompt,
    _mixed_writing,
    _duplicates,
    _language,
    _refusals,
)
_WORDING: Mapping[Form, str] = {
    Form.YES_NO: "Answer Yes or No.",
    Form.MULTIPLE_CHOICE: "Answer with the letter of the right option.",
    Form.SHORT_ANSWER: "Answer with a word or a short phrase.",
    Form.BOUNDING_BOX: "Give the bounding box as [x1,y1,x2,y2].",
}


def _named(form: Form) -> str:
    return form.value.replace("_", " ")


def _convert_hint(form: Form, files: Sequence[str]) -> str:
    if form in _CONVERTIBLE:
        return f"Turn a fifth into other styles: {_command(files)}"
    return (
        "Add rows of other forms (data of earlier tasks, general instruction data): asd mix FILE.yaml takes them in exact "
        "shares; text of this form can be converted by a language model alone (--rewriter)."
    )


def _command(files: Sequence[str]) -> str:
    """What to do with the first file; a version of ours is made anew from its source."""
    file = files[0] if files else "FILE"
    if Path(file).is_dir() and (Path(file) / "versions").is_dir():
        return "asd convert, from its source, with a larger --ratio"
    quoted = shlex.quote(file)
    return (
        f"asd init {quoted}, which writes a task file; then asd convert --task TASK.yaml --source {quoted} --ratio 0.2"
    )
