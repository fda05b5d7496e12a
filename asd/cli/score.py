"""`asd score`."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable
from typing import Any

from asd.cli.table import Table
from asd.errors import UnknownNameError
from asd.schemas.task import TaskSpec
from asd.scoring import find_rule
from asd.scoring.coco_captions import measure_captions
from asd.scoring.predictions import ScoreReport, match_references, read_predictions, score_predictions
from asd.scoring.reference_files import reference_of
from asd.scoring.rule import Reference
from asd.shards.locations import dataset_of_task
from asd.sources.open import open_source
from asd.tasks.registry import load_task

_RULES = ("coin", "sefe", "ucit", "fixed")


def run(
    predictions: str, *, task: str, gold: str | None, rules: str, split: str | None, rule: str | None, as_json: bool
) -> None:
    if rules not in _RULES:
        raise UnknownNameError("set of rules", rules, _RULES)
    spec = load_task(task)
    gold = dataset_of_task(gold, spec.name) if gold is not None else None
    if rules == "ucit" and (rule or spec.scorer) == "caption":
        _run_captions(predictions, spec, gold, split, as_json=as_json)
        return
    report = score_predictions(
        predictions,
        task=spec.name,
        scorer=rule or spec.scorer,
        gold=gold,
        split=split,
        sefe=rules == "sefe",
        by_layout=_by_layout(spec, split),
    )
    if as_json:
        print(json_module.dumps(_document(report, rules), indent=1, allow_nan=False))
        return
    print("\n".join(_lines(report, rules)))


def _by_layout(spec: TaskSpec, split: str | None) -> Callable[[str], dict[str, Reference]]:
    def read(location: str) -> dict[str, Reference]:
        by_id = {}
        for batch in open_source(spec, location, split=split).batches():
            columns = batch.table.select(["source_id", "gold", "accepted", "options", "question", "images"])
            for row in columns.to_pylist():
                row["image"] = next(iter(row["images"]), None)
                by_id[row["source_id"]] = reference_of(row, f"{location}, record {row['source_id']!r}")
        return by_id

    return read


def _run_captions(location: str, spec: TaskSpec, gold: str | None, split: str | None, *, as_json: bool) -> None:
    """UCIT's measure of captions is one of the whole set: no score of a single caption, no repaired form."""
    predictions = read_predictions(location)
    references = match_references(predictions, location, gold=gold, split=split, by_layout=_by_layout(spec, split))
    measured = measure_captions({name: str(record["text"]) for name, record in predictions.items()}, references)
    measures = {name: round(value, 4) for name, value in measured.measures.items()}
    if as_json:
        document = {"format_version": 1, "task": spec.name, "questions": measured.captions, "rules": "ucit",
                    "score_percent": round(measured.mean, 4), "measures": measures, "package": measured.package}  # fmt: skip
        print(json_module.dumps(document, indent=1, allow_nan=False))
        return
    table = Table(["measure", "x 100"])
    for name, value in measured.measures.items():
        table.add(name, f"{value:.2f}")
    print(f"{spec.name}: {measured.captions:,} captions, ucit rules: mean {measured.mean:.2f} ({measured.package})\n")
    print("\n".join(table.lines()))


def _document(report: ScoreReport, rules: str) -> dict[str, Any]:
    return {
        "format_version": 1,
        "task": report.task,
        "questions": report.questions,
        "rules": rules,
        "score_percent": _percent(report.fixed if rules == "fixed" else report.legacy),
        "legacy": {
            "rule": report.legacy_rule,
            "percent": _percent(report.legacy),
            "reason": report.legacy_reason or None,
        },
        "fixed": {"rule": report.fixed_rule, "percent": _percent(report.fixed)},
        "difference_percent": _percent(report.difference),
        "higher_by_legacy": len(report.only_legacy),
        "higher_by_fixed": len(report.only_fixed),
        "examples_higher_by_legacy": report.only_legacy[:5],
        "examples_higher_by_fixed": report.only_fixed[:5],
        "notes": list(report.notes),
    }


def _lines(report: ScoreReport, rules: str) -> list[str]:
    known, _ = find_rule(report.fixed_rule)
    table = Table(["rule", "score %"])
    table.add(f"{report.legacy_rule} ({known.source})", _shown(report.legacy))
    table.add(report.fixed_rule, _shown(report.fixed))
    table.add("difference", _shown(report.difference, sign="+"))
    lines = [f"{report.task}: {report.questions:,} questions, {rules} rules: {_shown(_headline(report, rules))} %", ""]
    lines += table.lines()
    lines += [line for note in report.notes for line in ("", f"note: {note}")]
    if report.legacy is None:
        return [*lines, "", f"no released score: {report.legacy_reason}"]
    lines += ["", f"higher by the released form: {len(report.only_legacy):,}{_examples(report.only_legacy)}"]
    lines += [f"higher by the fixed form: {len(report.only_fixed):,}{_examples(report.only_fixed)}"]
    return [*lines, f"what the released form gets wrong: {known.defects}"] if known.defects else lines


def _headline(report: ScoreReport, rules: str) -> float | None:
    return report.fixed if rules == "fixed" else report.legacy


def _examples(names: list[str]) -> str:
    return f" (e.g. {', '.join(names[:3])})" if names else ""


def _percent(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 4)


def _shown(value: float | None, *, sign: str = "") -> str:
    return "-" if value is None else f"{100 * value:{sign}.2f}"
