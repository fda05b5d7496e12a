"""The rules by name. A name may carry its form, "letter:legacy"; without one it means the fixed form."""

from __future__ import annotations

from typing import Literal, cast, get_args

from asd.errors import UnknownNameError
from asd.scoring import (
    anls,
    caption,
    contains,
    dcl_fin,
    dcl_med,
    dcl_rs,
    dcl_sci,
    exact_match,
    exact_unless_refused,
    final_number,
    gqa,
    iou,
    judge_verdict,
    label,
    letter,
    letter_sefe,
    relaxed_number,
    single_string,
    vqa_soft,
    yes_no,
)
from asd.scoring.rule import Rule, Scorer, answered

Form = Literal["legacy", "fixed"]

_RULES = (
    Rule(
        "letter",
        letter.legacy,
        letter.fixed,
        "CoIN, ScienceQA",
        "the article a is read as option A; no blank is stripped",
        letter.gold_problem,
    ),
    Rule(
        "letter_sefe",
        letter_sefe.legacy,
        letter_sefe.fixed,
        "SEFE, ScienceQA",
        'only "The answer is X." is read inside a text',
        letter.gold_problem,
    ),
    Rule(
        "letter_exact",
        letter.legacy_exact,
        letter.fixed,
        "MCITlib, ArxivQA",
        'only "B" or "b" is read, not "B."',
        letter.gold_problem,
    ),
    Rule(
        "vqa_soft",
        vqa_soft.legacy,
        answered(vqa_soft.fixed),
        "CoIN and SEFE, TextVQA",
        "exactly ten annotators; 's is parted from its word",
    ),
    Rule(
        "single_string",
        single_string.legacy,
        answered(single_string.fixed),
        "CoIN and SEFE, VizWiz and VQA v2",
        "one gold string; a closing full stop is wrong",
    ),
    Rule(
        "label",
        label.legacy,
        answered(label.fixed),
        "CoIN and SEFE, ImageNet",
        "substring either way, case counts: a superclass or nothing at all is right, another case wrong",
    ),
    Rule(
        "label_exact",
        exact_match.legacy,
        answered(label.fixed),
        "MCITlib, ImageNet-R",
        "blanks, hyphens and a full stop count",
    ),
    Rule(
        "gqa", gqa.legacy, answered(gqa.fixed), "CoIN and SEFE, GQA", "articles, number words and a leading blank count"
    ),
    Rule(
        "ocrvqa",
        exact_unless_refused.legacy,
        answered(exact_unless_refused.fixed),
        "CoIN and SEFE, OCR-VQA",
        "blanks and a closing full stop count",
    ),
    Rule(
        "iou",
        iou.legacy,
        iou.fixed,
        "CoIN and SEFE, Grounding",
        "first and last sign of the box are cut off",
        iou.gold_problem,
    ),
    Rule(
        "relaxed_number",
        relaxed_number.legacy,
        answered(relaxed_number.fixed),
        "ChartQA, as usually released",
        "45% is not 45; 1,200 is no number",
    ),
    Rule("anls", anls.legacy, answered(anls.fixed), "DocVQA", "repeated blanks count"),
    Rule(
        "exact_match",
        exact_match.legacy,
        answered(exact_match.fixed),
        "MCITlib, UCIT",
        "articles, marks and number words count",
    ),
    Rule(
        "contains",
        contains.legacy,
        answered(contains.fixed),
        "MLLM-CL, ACL; OCRBench",
        "letter by letter: 1 stands in 12",
    ),
    Rule(
        "dcl_rs",
        dcl_rs.legacy,
        answered(dcl_rs.fixed),
        "MCITlib, DCL remote sensing and driving",
        'one word counts only before or after a blank ("female: yes" does not hold "female"), or anywhere: 1 stands in 12',
    ),
    Rule(
        "dcl_med",
        dcl_med.legacy,
        answered(dcl_med.fixed),
        "MLLM-CL, DCL medicine (PathVQA)",
        "letter by letter: normal stands in abnormal, no in unknown; a finding that is denied counts",
    ),
    Rule(
        "dcl_fin",
        dcl_fin.legacy,
        dcl_fin.fixed,
        "MLLM-CL, DCL finance",
        "all blanks and full stops are dropped from the answer alone, so an answer of two words is wrong",
    ),
    Rule(
        "dcl_sci",
        dcl_sci.legacy,
        dcl_sci.fixed,
        "MLLM-CL, DCL science",
        "letters by equality; naming every state finds all of them",
    ),
    Rule("yes_no", yes_no.legacy, yes_no.fixed, "POPE", "anything without a no is a yes", yes_no.gold_problem),
    Rule(
        "final_number",
        final_number.legacy,
        final_number.fixed,
        "GSM8K",
        "a number without the mark #### is not read",
        final_number.gold_problem,
    ),
    Rule(
        "caption", caption.legacy, answered(caption.fixed), "COCO caption evaluation, ROUGE-L", "marks stick to words"
    ),
    Rule("judge", judge_verdict.needs_judge, judge_verdict.needs_judge, "open text", ""),
)
RULES: dict[str, Rule] = {rule.name: rule for rule in _RULES}


def rule_names() -> list[str]:
    """Names without forms, sorted."""
    return sorted(RULES)


def find_rule(name: str) -> tuple[Rule, Form]:
    """The rule and the form that a name means. Raises: UnknownNameError."""
    base, _, form = name.partition(":")
    if base not in RULES:
        raise UnknownNameError("scoring rule", base, RULES)
    if form and form not in get_args(Form):
        raise UnknownNameError("form of a scoring rule", form, get_args(Form))
    return RULES[base], cast(Form, form or "fixed")


def find_scorer(name: str) -> Scorer:
    """The function that a name means. Raises: UnknownNameError."""
    rule, form = find_rule(name)
    return rule.legacy if form == "legacy" else rule.fixed
