"""How right an answer is: the rules of the benchmarks, each as released and repaired. Pure functions.

`score("label:legacy", "Teapot.", "Teapot")` gives the number of the released script; "label" alone means the fixed form.
"""

from __future__ import annotations

from collections.abc import Sequence

from asd.scoring.judge_verdict import read_verdict
from asd.scoring.registry import RULES, find_rule, find_scorer, rule_names
from asd.scoring.rule import Reference, Rule

__all__ = ["RULES", "Reference", "Rule", "find_rule", "find_scorer", "read_verdict", "rule_names", "score"]


def score(
    rule: str,
    prediction: str,
    gold: str,
    accepted: Sequence[str] = (),
    options: Sequence[str] = (),
    *,
    prompt: str = "",
    image: str = "",
    side: float = 1.0,
) -> float:
    """Score in 0..1 of one response. `rule`: a task's `scorer`, or "<name>:legacy", "<name>:fixed".

    gold: the option's text or its letter, "yes"/"no", a phrase, or a box. accepted: further right answers, or the
    answers of all annotators, repeated ones as votes. prompt and image: for one rule of MLLM-DCL alone. side: the longer one
    of the image in pixels; it decides borderline boxes of the released rule.
    Raises: UnknownNameError; ScoreError where the rule lacks what it needs.
    """
    return find_scorer(rule)(prediction, Reference(gold, tuple(accepted), tuple(options), prompt, image, side))
