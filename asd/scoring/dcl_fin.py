"""MLLM-DCL finance: yes, no or a letter by equality. The script descends from OCR-VQA's."""

from __future__ import annotations

from asd.scoring import exact_unless_refused, letter
from asd.scoring.exact_unless_refused import REFUSED
from asd.scoring.rule import Reference
from asd.scoring.verdict import is_verdict_word, stated_verdict


def legacy(prediction: str, reference: Reference) -> float:
    """Equal to the gold but for case once every blank and full stop of the answer is dropped; a refusal is wrong."""
    said = prediction.lower().replace(" ", "").replace(".", "")
    return float(REFUSED not in prediction and said == reference.gold.lower())


def fixed(prediction: str, reference: Reference) -> float:
    """The yes or no, or the letter, that the answer states; any other gold answer as OCR-VQA's fixed rule has it."""
    if legacy(prediction, reference):
        return 1.0
    if is_verdict_word(reference.gold):
        return float(stated_verdict(prediction, reference.prompt) == reference.gold.strip(" .").lower())
    if reference.options or letter.gold_letter(reference) is not None:
        return letter.fixed(prediction, reference)
    return exact_unless_refused.fixed(prediction, reference)
