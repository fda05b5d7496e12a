"""`asd-train classify`."""

from __future__ import annotations

import json as json_format
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from asd_training.evaluation.answer_file import ClassifiedAnswer


def command(
    answers: Annotated[
        str,
        typer.Argument(
            metavar="ANSWERS",
            help="JSON Lines, a JSON list or Arrow: question_id, text, gold, perhaps accepted, options, score.",
        ),
    ],
    task: Annotated[str, typer.Option(help="Task that was asked (see `asd tasks`), or its YAML file.")],
    clipped: Annotated[
        bool, typer.Option("--clipped", help="The stored answers lost their first letter (noticed where many did).")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON line an answer instead of a table.")] = False,
) -> None:
    """Say of each wrong answer what is wrong: only the style, a broader name, no style, another fact, or both."""
    from asd.tasks.registry import load_task
    from asd_training.evaluation.answer_file import classify, clipped_where_stored_so, read_answers, task_reader

    reader = task_reader(load_task(task), clipped=clipped)
    given = read_answers(answers)
    reader = clipped_where_stored_so(reader, [(row.text, row.reference.right_answers) for row in given])
    classified = classify(given, reader)
    lines = (
        [json_format.dumps(row.to_json(), ensure_ascii=False) for row in classified] if json else describe(classified)
    )
    print("\n".join(lines))


def describe(classified: list[ClassifiedAnswer]) -> list[str]:
    """Answers by category, and how many ran on."""
    from asd.cli.table import Table
    from asd_training.evaluation.forgetting import CATEGORIES

    counts: Counter[str] = Counter(row.category for row in classified)
    table = Table(["category", "answers", "%"])
    for name in [*CATEGORIES, "right"] if counts["right"] else CATEGORIES:
        table.add(name.replace("_", " "), f"{counts[name]:,}", f"{100 * counts[name] / len(classified):.1f}")
    went_on = sum(row.runs_on for row in classified)
    return [*table.lines(), f"{went_on:,} of {len(classified):,} answers ran on; what stands before that was read"]
