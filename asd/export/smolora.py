"""SMoLoRA: LLaVA records, and the instructions whose embeddings its router reads, one `ins_type` each.

Its own scripts pick one `ins_type` for a whole task; with several styles a task has several, so `instructions.json`
also says how often each occurs, for a weighted mean of their embeddings.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from asd.export.conversation import Conversation
from asd.export.flat_questions import is_test, write_test
from asd.export.format import ExportedSplit, Format, Written, json_list, task_file
from asd.export.llava import record_for_llava
from asd.export.writing import Record, write_json


def _instruction(conversation: Conversation) -> str:
    """That of the first turn: the router looks at one text a record."""
    return str(conversation.rows[0]["rfp"])


def _record(conversation: Conversation, part: ExportedSplit) -> Record:
    text = _instruction(conversation)
    part.seen[text] += 1
    return record_for_llava(conversation, part) | {"ins_type": part.numbers.setdefault(text, len(part.numbers))}


_write_train = json_list(_record)


def _write(part: ExportedSplit, path: Path) -> int:
    return write_test(part, path) if is_test(part) else _write_train(part, path)


def _sides(written: Sequence[Written], out: Path) -> list[Path]:
    trained = [file.part for file in written if not is_test(file.part)]
    numbers = trained[0].numbers if trained else {}
    tasks = {
        part.label: [
            {"ins_type": number, "records": part.seen[text]} for text, number in numbers.items() if text in part.seen
        ]
        for part in trained
    }
    return [write_json(out / "instructions.json", {"instructions": list(numbers), "tasks": tasks})]


FORMAT = Format(
    name="smolora",
    summary="SMoLoRA: LLaVA JSON and the instructions behind its ins_type indices",
    file=task_file(".json"),
    write=_write,
    sides=_sides,
    for_images=True,
)
