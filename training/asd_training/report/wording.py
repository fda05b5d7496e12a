"""How figures are written in reports, and what each of them means in one sentence."""

from __future__ import annotations

import math

NOT_EVALUATED = "–"

METRIC_FORMULAS = {
    "MFT": ("mean over i of A[i, i]", "Each task right after it was trained: how well new tasks are learnt."),
    "MFN": ("mean over i of A[T-1, i]", "All tasks after the last one was trained: the final accuracy."),
    "MAA": (
        "mean over t of the mean over i ≤ t of A[t, i]",
        "After every task, the mean of all tasks trained so far; then the mean of those.",
    ),
    "BWT (divisor T)": (
        "sum over i of (A[T-1, i] - A[i, i]) / T",
        "Backward transfer as in the tables of CoIN and SEFE; negative means forgetting.",
    ),
    "BWT (divisor T-1)": (
        "sum over i of (A[T-1, i] - A[i, i]) / (T-1)",
        "The same sum divided as in MCITlib and MLLM-CL: the last task cannot be forgotten yet.",
    ),
    "forgetting (from the best)": (
        "sum over i < T-1 of (max over i ≤ t < T-1 of A[t, i] - A[T-1, i]) / (T-1)",
        "Fall from the best that the run ever was on a task (Chaudhry et al. 2018); positive means forgetting.",
    ),
}

TRANSITION_TITLES = {
    "lost": "right to wrong",
    "gained": "wrong to right",
    "lost_beyond_chance": "right to wrong, less chance",
    "gained_beyond_chance": "wrong to right, less chance",
}

READ_OUT_TITLES = {
    "strict": ("Strict", "Answers as the benchmark's rule scores them."),
    "recovered": ("Style-recovered", "An answer whose fact is right counts in full, whatever its style."),
    "constrained": ("Constrained", "Greedy decoding that may only write answers in the task's own style."),
}

KIND_TITLES = {
    "superficial": ("Superficial", "the fact is right; the style, or only the spelling, is not what the rule takes"),
    "less_specific": ("Less specific", "a broader class name"),
    "style_lost": ("Style lost", "the style is wrong and no fact can be read"),
    "both_wrong": ("Both wrong", "the style is wrong, and so is the fact that it states"),
    "essential": ("Essential", "the style is right, the fact is wrong"),
}


def percent(share: float | None, digits: int = 1) -> str:
    """ "52.4" for 0.524; a dash where it was not evaluated, never 0."""
    return NOT_EVALUATED if not is_number(share) else f"{100 * share:.{digits}f}"  # type: ignore[operator]


def is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def duration(seconds: float | None) -> str:
    if seconds is None:
        return NOT_EVALUATED
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def memory(size_bytes: float | None) -> str:
    if size_bytes is None:
        return NOT_EVALUATED
    return f"{size_bytes / 2**30:.2f} GiB" if size_bytes >= 2**30 else f"{size_bytes / 2**20:.0f} MiB"


def shortened(text: str, longest: int) -> str:
    """At most `longest` characters, and how many were left out."""
    left = len(text) - longest
    return text if left <= 0 else f"{text[:longest]}… ({left:,} more characters)"
