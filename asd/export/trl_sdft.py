"""TRL's self-distillation (SDFT): `prompt`, `privileged_context`, `images`; the model trains on words of its own.

The student answers the prompt; the teacher, the same model, sees the answer of the data set as well, and its probabilities
are what the student learns. So the data set's own words are never a target. `privileged_context` holds the answer in a
sentence that makes sense behind the prompt, where TRL's `teacher_prompt_template` puts it. `completion` stands beside it,
as in `trl`: the trainer drops columns that it does not know, and what was exported can be read back.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from asd.export.format import ExportedSplit, Format, task_file
from asd.export.images import ImageMode
from asd.export.trl import Columns, answer_records, columns_of, write_records
from asd.export.writing import Record

CONTEXT = "For you alone, a right answer in the form asked for: {answer}\nGive a right answer in this form, as you would word it."


def _records(part: ExportedSplit, columns: Columns) -> Iterator[Record]:
    for conversation in part.conversations():
        for record in answer_records(conversation, part, columns):
            yield {**record, "privileged_context": CONTEXT.format(answer=record["completion"][0]["content"])}


def _write(part: ExportedSplit, path: Path) -> int:
    columns = columns_of(part, tools=False)
    schema = columns.schema().insert(1, pa.field("privileged_context", pa.string()))
    return write_records(path, schema, _records(part, columns))


def _hint(part: ExportedSplit) -> str:
    path = part.places.out / FORMAT.file(part)
    return (
        f'datasets.load_dataset("parquet", data_files="{path}"), trl.experimental.sdft.SDFTTrainer; TRL 1.16 trains it on '
        f"text alone: images are dropped"
    )


FORMAT = Format(
    name="trl-sdft",
    summary="TRL's self-distillation: Parquet with prompt, privileged_context and images",
    file=task_file(".parquet"),
    write=_write,
    images=(ImageMode.PATHS, ImageMode.EMBED, ImageMode.COPY),
    needs_root=True,
    hint=_hint,
)
