"""DocVQA's ANLS: one minus the normalised edit distance to the nearest right answer, 0 below one half."""

from __future__ import annotations

from asd.scoring.rule import Reference
from asd.scoring.written import said_phrase

THRESHOLD = 0.5


def legacy(prediction: str, reference: Reference) -> float:
    """Lower case and outer blanks off; other blanks count."""
    return max(_similarity(prediction.lower().strip(), right.lower().strip()) for right in reference.right_answers)


def fixed(prediction: str, reference: Reference) -> float:
    """Repeated blanks and line ends count as one blank."""
    said = {" ".join(text.casefold().split()) for text in (prediction, said_phrase(prediction))}
    rights = [" ".join(right.casefold().split()) for right in reference.right_answers]
    return max(_similarity(answer, right) for answer in said for right in rights)


def _similarity(left: str, right: str) -> float:
    longer = max(len(left), len(right))
    if longer == 0:
        return 1.0
    value = 1.0 - edit_distance(left, right) / longer
    return value if value >= THRESHOLD else 0.0


def edit_distance(left: str, right: str) -> int:
    """Levenshtein distance in signs; O(len * len) time, one row of memory."""
    row = list(range(len(right) + 1))
    for at, sign in enumerate(left, start=1):
        diagonal, row[0] = row[0], at
        for place, other in enumerate(right, start=1):
            diagonal, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, diagonal + (sign != other))
    return row[-1]
