"""REASONS.md explains every reason that makers and readers give, and no other."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[3] / "asd"
GIVEN = re.compile(
    r"(?:(?:Decline|RowError|BadRecord|BadRecordError|Reject)\([^()]*?|^REASON = )\"([a-z]+_[a-z_]+|passthrough|unanswerable)\"",
    re.MULTILINE,
)
CHOSEN = re.compile(r"\"([a-z_]+)\" if [^\n]* else \"([a-z_]+)\"")


def test_every_reason_is_explained_and_no_other() -> None:
    given: set[str] = set()
    for file in (file for folder in ("makers", "styles", "sources") for file in (PACKAGE / folder).glob("*.py")):
        text = file.read_text("utf-8")
        given |= set(GIVEN.findall(text))
        for line in text.splitlines():
            if "Decline(" in line or "RowError(" in line:
                given |= {reason for pair in CHOSEN.findall(line) for reason in pair}
    first_cells = re.findall(r"^\| (`.*?) \|", (PACKAGE / "makers" / "REASONS.md").read_text("utf-8"), re.MULTILINE)
    explained = {reason for cell in first_cells for reason in re.findall(r"`([a-z_]+)`", cell)}
    assert len(given) > 40
    assert given == explained
