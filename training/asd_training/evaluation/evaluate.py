"""One task's test questions to one model: answers, how each style's parser reads them, and scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from asd.schemas.answers import parse_response
from asd.schemas.boxes import format_box
from asd.schemas.styles import AnswerStyle
from asd.scoring import score
from asd_training.data import TaskData
from asd_training.errors import EngineError
from asd_training.evaluation.allowed_tokens import Rule
from asd_training.evaluation.constrained import Constraint, closed_labels
from asd_training.evaluation.generate import Generation, generate
from asd_training.evaluation.vllm_engine import VllmEngine, serve
from asd_training.inputs import RunInputs
from asd_training.memory import out_of_memory

if TYPE_CHECKING:
    from asd_training.config import RunConfig

Row = Mapping[str, Any]


class Evaluator:
    """Asks a model a task's test questions."""

    def __init__(self, inputs: RunInputs) -> None:
        self.inputs = inputs
        self.settings = generation_of(inputs.config, inputs)
        self.tell: Callable[[int, int], None] = lambda done, of: None
        """Is told how many questions of a task are answered, and of how many."""
        self._constraints: dict[str, Constraint] = {}
        self._served: VllmEngine | None = None

    @contextmanager
    def engine(self, model: nn.Module, folder: Path) -> Iterator[None]:
        """Inside, questions to `model` are answered by what `eval.engine` says; the model must not change.

        folder: where a model that is served, and its log, may lie.
        """
        if self.inputs.config.eval.engine == "transformers":
            yield
            return
        with serve(model, self.inputs, folder) as served:
            self._served = served
            try:
                yield
            finally:
                self._served = None

    def native(self, model: nn.Module, task: TaskData) -> list[dict[str, Any]]:
        """Rows of PREDICTION_SCHEMA for the questions in the task's own style."""
        rows, root = list(task.test), task.test_image_root
        answered = self.ask(model, task.name, rows, task.scorer, root)
        if self.inputs.config.eval.constrained:
            limits = [self._constraint(task).of(row) for row in rows]
            texts = self.texts(model, task.name, rows, root, limits)
            for made, row, text in zip(answered, rows, texts, strict=True):
                made["constrained_text"] = text
                made["constrained_score"] = score_answer(task.scorer, text, row)
        return answered

    def ask(
        self, model: nn.Module, task: str, rows: Sequence[Row], scorer: str, image_root: Path | None
    ) -> list[dict[str, Any]]:
        """Rows of PREDICTION_SCHEMA for any questions; `task` is what they are filed under."""
        texts = self.texts(model, task, rows, image_root)
        return [prediction(row, text, scorer, task) for row, text in zip(rows, texts, strict=True)]

    def texts(
        self,
        model: nn.Module,
        task: str,
        rows: Sequence[Row],
        image_root: Path | None,
        limits: Sequence[Rule] | None = None,
    ) -> list[str]:
        """Answers to any questions; limits: for each what it may be."""
        if self._served is not None:
            return self._served.answers(task, rows, image_root, limits)
        if self.inputs.config.eval.engine != "transformers":
            raise EngineError("eval.engine is vllm, which has to be started: `with evaluator.engine(model, folder):`")
        encoded = self.inputs.questions(rows, image_root)
        with out_of_memory(f"evaluating {task}", f"eval.batch (now {self.settings.batch})"):
            return generate(
                model, self.inputs.tokenizer, self.inputs.collator, encoded, self.settings, limits, self.tell
            )

    def _constraint(self, task: TaskData) -> Constraint:
        if task.name not in self._constraints:
            responses = task.native_responses()
            labels = closed_labels(task.spec, responses, [row["response"] for row in task.test])
            encoder = self.inputs.encoder(task.test_image_root)
            self._constraints[task.name] = Constraint(task.spec.native_style, encoder, responses, labels)
        return self._constraints[task.name]


def generation_of(config: RunConfig, inputs: RunInputs) -> Generation:
    return Generation(
        config.eval.batch,
        config.eval.max_new_tokens,
        autocast=config.train.precision == "bfloat16",
        end=inputs.prompts.end_id,
    )


def prediction(row: Row, text: str, scorer: str, task: str) -> dict[str, Any]:
    images = row["images"]
    return {
        "id": row["id"],
        "task": task,
        "style": row["style"],
        "native": row["style"] == row["native_style"],
        "prompt": row["prompt"],
        "image": images[0]["path"] if images else None,
        "text": text,
        "parsed": parsed(row["style"], text, row["options"]),
        "gold": row["gold"],
        "accepted": row["accepted"],
        "options": row["options"],
        "score": score_answer(scorer, text, row),
        "constrained_text": None,
        "constrained_score": None,
    }


def parsed(style: str, text: str, options: Sequence[str]) -> str | None:
    """The answer as the style's parser reads it, or None where the text is no answer of this style."""
    answer = parse_response(AnswerStyle(style), text, options=options)
    return format_box(answer) if isinstance(answer, tuple) else answer


def score_answer(scorer: str, text: str, row: Row) -> float:
    image = row["images"][0]["path"] if row["images"] else ""
    return score(scorer, text, row["gold"], row["accepted"], row["options"], prompt=row["prompt"], image=image or "")
