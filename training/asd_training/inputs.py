"""How the rows of a run's tasks become model inputs: one processor, prompt format, cache and collator for all tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from asd_training.data import Rows, TaskData
from asd_training.encoding import Collator, Encoded, Encoder, find_per_row
from asd_training.errors import ModelError, SettingError
from asd_training.example_cache import ExampleCache
from asd_training.instruction_encoders import build_instruction_encoder
from asd_training.methods.registry import method_class
from asd_training.models import load_processor
from asd_training.prompt_format import PromptFormat

if TYPE_CHECKING:
    from asd_training.config import RunConfig


class RunInputs:
    """styles: those of all training rows, in the order that loss lines use. Raises: ModelError, SettingError."""

    def __init__(self, config: RunConfig, tasks: Sequence[TaskData]) -> None:
        self.config = config
        self.processor = load_processor(config.model)
        self.tokenizer = self.processor.tokenizer
        self.prompts = PromptFormat(self.processor, kind=config.model.prompt, plain_format=config.model.plain_format)
        self.styles = sorted({style for task in tasks for style in task.train.styles()})
        self.collator = Collator(
            self.tokenizer.pad_token_id, per_row=find_per_row(self.processor, self.prompts), styles=self.styles
        )
        self._cache = ExampleCache(config.train.cache_mb * 2**20)
        self._encoders: dict[Path | None, Encoder] = {}
        reads_instructions = method_class(config.method).reads_instructions
        if reads_instructions and config.train.unit == "record":
            raise SettingError(
                f"the method {config.method.method!r} chooses what it adds by the instruction of a row, and a record has "
                "several; set train.unit: turn"
            )
        self._embed = build_instruction_encoder(config.method) if reads_instructions else None

    def encoder(self, image_root: Path | None) -> Encoder:
        if image_root not in self._encoders:
            self._encoders[image_root] = Encoder(
                self.processor,
                self.prompts,
                image_root=image_root,
                padded_square=self.config.model.image == "padded_square",
                max_length=self.config.train.max_length,
                overlong=self.config.train.overlong,
            )
        return self._encoders[image_root]

    def example(self, task: TaskData, number: int) -> Encoded:
        """A training row, question and answer, or a record with all of its turns."""
        encoder = self.encoder(task.image_root)

        def make() -> Encoded:
            row = task.examples[number]
            encoded = self._with_instruction(encoder.example(row), row)
            encoded.answer_styles = tuple(row.get("answer_styles", ()))
            return encoded

        return self._cache.get(("train", task.train_shards.location, task.name, number), make)

    def questions(self, rows: Sequence[Mapping[str, Any]], image_root: Path | None) -> list[Encoded]:
        """Test rows, the question only."""
        encoder = self.encoder(image_root)

        def ask(row: Mapping[str, Any]) -> Encoded:
            def make() -> Encoded:
                return self._with_instruction(encoder.question(row), row)

            location = row.get("location")  # the version, whose ids and images may be other ones than another's
            return self._cache.get(("ask", location, image_root, row["id"], row["style"]), make) if location else make()

        return [ask(row) for row in rows]

    def embed(self, texts: Sequence[str]) -> Tensor:
        """float32 (texts, d), of length 1. Raises: ModelError if the run's method does not read instructions."""
        if self._embed is None:
            raise ModelError(f"the method {self.config.method.method!r} has no encoder of instructions")
        return self._embed(texts)

    def _with_instruction(self, encoded: Encoded, row: Mapping[str, Any]) -> Encoded:
        if self._embed is not None:
            encoded.instruction = self._embed([row["question"]])[0]
        return encoded


def has_text_only_rows(rows: Rows) -> bool:
    """Some rows have images and some have none."""
    import pyarrow.compute as pc

    counts = pc.list_value_length(rows.table["images"])
    return bool(pc.any(pc.equal(counts, 0)).as_py())
