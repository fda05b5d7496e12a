"""Which rows an exported file must say more about than prompt and response, so that it reads back as the same samples.

A prompt is composed text: its context, options and instruction are usually found again by the reader, and then nothing
is said. What the reader would take otherwise, and every converted row, is told under the key `asd`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asd.export.conversation import is_kept_dialogue
from asd.schemas.task import TaskSpec
from asd.sources.bad_record import BadRecordError
from asd.sources.kept_rows import tell
from asd.sources.llava_record import RecordRules, make_record_rules, read_answer
from asd.sources.prompt_text import take_apart


class KeptRows:
    """What a record says of its rows under `asd`. It holds how the reader takes the prompts of one task apart."""

    def __init__(self, spec: TaskSpec) -> None:
        self.rules: RecordRules = make_record_rules(spec, "train.json")

    def text(self, rows: Sequence[dict[str, Any]]) -> str:
        """The text under `asd` of a record made of these rows; "" where there is nothing to tell."""
        return tell([row if self._is_to_be_told(row) else None for row in rows])

    def _is_to_be_told(self, row: dict[str, Any]) -> bool:
        if is_kept_dialogue(row):
            return False
        if row["style"] != row["native_style"]:
            return True
        return bool(row["accepted"] != [row["gold"]] or self._reads_otherwise(row))

    def _reads_otherwise(self, row: dict[str, Any]) -> bool:
        prompt = row["prompt"]
        try:
            parts, _, gold = read_answer(prompt, row["response"], take_apart(prompt, self.rules.prompt), self.rules)
        except BadRecordError:
            return True
        read = (parts.question, parts.context, list(parts.options), parts.rfp or "", gold)
        return read != (row["question"], row["context"], row["options"], row["rfp"], row["gold"])
