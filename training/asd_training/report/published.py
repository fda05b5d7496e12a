"""Published results of a recipe, for orientation beside runs: they are of other models, starts and test draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asd.recipes.benchmark import Published
from asd.recipes.recipe import Recipe, load_recipe
from asd_training.evaluation.accuracy_matrix import AccuracyMatrix
from asd_training.evaluation.metrics import all_metrics

CERTAINTIES = {
    "read": "read in the authors' files",
    "recalled": "recalled from the paper",
    "third_party": "quoted by another paper",
    "inferred": "inferred",
}


@dataclass(frozen=True)
class PublishedRow:
    """figures: by the names that runs use, in 0..1; computed: those worked out from published scores, not printed."""

    method: str
    asd: bool
    start_model: str
    source: str
    certainty: str
    figures: Mapping[str, float]
    computed: tuple[str, ...]
    note: str

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method, "asd": self.asd, "start_model": self.start_model, "source": self.source,
            "certainty": self.certainty, "figures": dict(self.figures), "computed": list(self.computed), "note": self.note,
            "comparable": False,
        }  # fmt: skip


def published_rows(recipes: Sequence[str], tasks: Sequence[str]) -> tuple[list[PublishedRow], list[str]]:
    """Of recipes with the same task sequence, with what a reader of their figures must know; a note for each of the others.

    Raises: AsdError for an unknown recipe.
    """
    rows: list[PublishedRow] = []
    notes = []
    for name in recipes:
        recipe = load_recipe(name)
        sequence = [Path(entry.task).stem for entry in recipe.tasks]
        if sequence != list(tasks):
            notes.append(
                f"Published results of {name} are not shown: they are of another task sequence ({', '.join(sequence)})."
            )
            continue
        if not recipe.published:
            notes.append(f"The recipe {name} holds no published results.")
        rows += [_row(entry, recipe, sequence) for entry in recipe.published]
        if recipe.published and recipe.benchmark:
            notes += [f"Published on {recipe.benchmark.name}: {note}" for note in recipe.benchmark.notes]
    return rows, list(dict.fromkeys(notes))


def _row(entry: Published, recipe: Recipe, tasks: Sequence[str]) -> PublishedRow:
    divisor = recipe.benchmark.backward_transfer_divisor if recipe.benchmark else None
    names = {"BWT": f"BWT (divisor {divisor})" if divisor else "BWT"}
    printed = {names.get(name, name): value / 100 for name, value in entry.metrics.items()}
    worked_out = {name: value for name, value in _worked_out(entry, tasks).items() if name not in printed}
    return PublishedRow(
        entry.method, entry.asd, entry.start_model, entry.source, CERTAINTIES[entry.certainty], printed | worked_out,
        tuple(worked_out), entry.note,
    )  # fmt: skip


def _worked_out(entry: Published, tasks: Sequence[str]) -> dict[str, float]:
    """From the published scores, as far as they are complete."""
    figures: dict[str, float] = {}
    if entry.matrix is not None:
        metrics = all_metrics(AccuracyMatrix.from_rows(tasks, entry.matrix))
        figures = {name: value / 100 for name, value in metrics.items() if value is not None}
        last = entry.matrix[-1]
    else:
        last = [entry.after_last_task.get(task) for task in tasks]
    figures |= {f"final {task}": score / 100 for task, score in zip(tasks, last, strict=True) if score is not None}
    for name, scores in (("MFT", entry.after_own_task), ("MFN", entry.after_last_task)):
        if all(task in scores for task in tasks):
            figures[name] = sum(scores[task] for task in tasks) / len(tasks) / 100
    return figures
