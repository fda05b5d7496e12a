"""The report of one run: an HTML page that holds everything itself and needs no network and no script.

It depends on the files of the run (and the pictures of its test questions) only: the same run gives the same page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from asd.report.visible_text import visible
from asd_training.evaluation.forgetting import CATEGORIES
from asd_training.report import plots
from asd_training.report.error_examples import pick_examples
from asd_training.report.heat_map import heat_map
from asd_training.report.page import render
from asd_training.report.plots import Plot
from asd_training.report.run_record import RunRecord, Split, StageRecord
from asd_training.report.wording import (
    KIND_TITLES,
    METRIC_FORMULAS,
    READ_OUT_TITLES,
    TRANSITION_TITLES,
    duration,
    is_number,
    memory,
    percent,
)

_KIND_NAMES = {kind: title for kind, (title, _) in KIND_TITLES.items()}


def render_run(run: RunRecord, examples_per_kind: int = 4) -> str:
    """The page as text. Raises: RunError or PredictionError for files of the run that are damaged."""
    examples, notes = pick_examples(run, examples_per_kind)
    return render(
        "run.html.jinja",
        title=visible(f"{run.results.name or run.root.name}: what was learnt and what was kept"),
        lead=visible(_lead(run)),
        finished=run.results.finished,
        progress=run.progress,
        tiles=_tiles(run),
        heat_maps=[(_titled(kind), heat_map(matrix, run.stages)) for kind, matrix in run.matrices.items()],
        metrics=_metrics(run),
        read_outs=[READ_OUT_TITLES.get(kind, (kind, ""))[0] for kind in run.matrices],
        kinds=[(kind, *KIND_TITLES[kind], plots.KIND_COLOURS[kind]) for kind in CATEGORIES],
        transition_titles=list(TRANSITION_TITLES.values()),
        transitions=_transitions(run),
        forgetting_plots=_forgetting_plots(run),
        forgetting=_forgetting_table(run),
        curves=_curves(run),
        losses=[plot for stage in run.stages if (plot := _loss_plot(stage))],
        cross_format=_cross_format(run),
        examples=examples,
        notes=[visible(note) for note in notes],
        preflight=visible(run.preflight),
        stages=_stages(run),
        provenance=_provenance(run),
        shards=_shards(run),
        versions=sorted((visible(name), visible(text)) for name, text in _dict(run.facts, "versions").items()),
        settings=visible(yaml.safe_dump(dict(run.config), sort_keys=False, allow_unicode=True)),
    )


def describe_method(run: RunRecord) -> str:
    """ "reglora, ASD 20 %" """
    return run.results.method + (f", ASD {100 * run.asd_ratio:g} %" if run.results.asd else "")


def _lead(run: RunRecord) -> str:
    return f"{describe_method(run)}, seed {run.results.seed}, {len(run.tasks)} tasks: {', '.join(run.tasks)}"


def _tiles(run: RunRecord) -> list[tuple[str, str]]:
    metrics = run.metrics.get("strict", {})
    recovered = run.metrics.get("recovered", {})
    return [
        (f"{percent(metrics.get('MFN'))} %", "final accuracy (MFN)"),
        (f"{percent(recovered.get('MFN'))} %", "the same, style-recovered"),
        (f"{percent(metrics.get('MAA'))} %", "mean average accuracy (MAA)"),
        (percent(metrics.get("BWT (divisor T)")), "backward transfer (BWT, divisor T), points"),
        (f"{run.results.trainable_parameters:,}", "trainable parameters"),
        (duration(run.seconds("train")), "training"),
        *((memory(size), f"peak memory ({kind})") for kind, size in run.peak_memory.items()),
    ]


def _titled(kind: str) -> tuple[str, str]:
    return READ_OUT_TITLES.get(kind, (visible(kind), ""))


def _metrics(run: RunRecord) -> list[tuple[str, str, str, list[str]]]:
    """Name, formula, meaning, and the value by every read-out."""
    return [
        (name, *METRIC_FORMULAS[name], [percent(metrics.get(name), 2) for metrics in run.metrics.values()])
        for name in METRIC_FORMULAS
    ]


def _transitions(run: RunRecord) -> list[tuple[str, list[str]]]:
    """Shares in percent, task by task, and their mean."""
    transitions = run.results.transitions
    rows = [(visible(task), counts.shares) for task, counts in transitions.by_task.items()]
    rows += [("mean", transitions.mean)] if rows else []
    return [(name, [percent(shares.get(kind)) for kind in TRANSITION_TITLES]) for name, shares in rows]


def _forgetting_plots(run: RunRecord) -> list[Plot]:
    """Per task, a bar for every stage since: forgotten questions by kind, of those known after its own training."""
    drawn = []
    for task, since in run.results.forgetting.items():
        bars = {stage.name: _kind_shares(since[stage.folder]) for stage in run.stages if stage.folder in since}
        title = f"{task}: forgotten, of what was known"
        drawn.append(plots.stacked_bars(bars, title=title, y_label="% of known", colours=plots.KIND_COLOURS))
    return drawn


def _kind_shares(split: Split) -> dict[str, float] | None:
    """None where nothing was known, so that nothing can be forgotten."""
    known = split.right_own
    return {kind: split.counts.get(kind, 0) / known for kind in CATEGORIES} if known else None


@dataclass(frozen=True)
class ForgettingRow:
    task: str
    stage: str
    known: int
    forgotten: int
    gained: int
    shares: list[str]
    """Of the forgotten questions, in percent, by kind."""
    agree: str
    kappa: str


def _forgetting_table(run: RunRecord) -> list[ForgettingRow]:
    names = {stage.folder: stage.name for stage in run.stages}
    return [
        _forgetting_row(task, names.get(folder, folder), split)
        for task, since in run.results.forgetting.items()
        for folder, split in since.items()
    ]


def _forgetting_row(task: str, stage: str, split: Split) -> ForgettingRow:
    lost, both = split.forgotten, split.constrained or {}
    kappa = both.get("kappa")
    return ForgettingRow(
        visible(task), visible(stage), split.right_own, lost, split.gained,
        [percent(split.counts.get(kind, 0) / lost if lost else None) for kind in CATEGORIES],
        percent(both.get("agree")), percent(None) if kappa is None else f"{kappa:.2f}",
    )  # fmt: skip


def _curves(run: RunRecord) -> list[Plot]:
    """Accuracy of every task over the stages, by read-out; nothing to draw after a single stage."""
    if len(run.stages) < 2:
        return []
    names = [stage.name for stage in run.stages]
    drawn = []
    for kind, matrix in run.matrices.items():
        series = {
            task: [(float(x), _or_none(matrix.values[stage.row, i])) for x, stage in enumerate(run.stages)]
            for i, task in enumerate(matrix.tasks)
        }
        title = f"{_titled(kind)[0]} accuracy after each task, %"
        drawn.append(plots.lines(series, title=title, x_names=names, percent=True))
    return drawn


def _loss_plot(stage: StageRecord) -> Plot | None:
    series: dict[str, list[tuple[float, float]]] = {}
    for line in stage.log:
        for style, loss in _dict(line, "loss_by_style").items():
            series.setdefault(style, []).append((float(line["step"]), float(loss)))
    if not series:
        return None
    ordered = {name: plots.thinned(series[name]) for name in sorted(series)}
    return plots.lines(ordered, title=stage.name, x_label="optimizer step", y_label="loss per answer token",
                       colours=plots.STYLE_COLOURS, width=3.8)  # fmt: skip


def _cross_format(run: RunRecord) -> dict[str, Any] | None:
    cross_format = run.results.cross_format
    if not cross_format:
        return None
    styles = list(dict.fromkeys(style for facts in cross_format.values() for style in _dict(facts, "accuracy")))
    rows = []
    for task, facts in cross_format.items():
        cells = [_dict(_dict(facts, "accuracy"), style) for style in styles]
        several = _dict(facts, "consistency")
        total = several.get("questions") or 0
        shares = [
            percent(several.get(name, 0) / total if total else None) for name in ("all_right", "mixed", "all_wrong")
        ]
        scored = [(percent(cell.get("score")), cell.get("questions")) for cell in cells]
        rows.append((visible(task), scored, shares, total))
    return {"styles": [visible(style) for style in styles], "rows": rows}


def _stages(run: RunRecord) -> list[list[str]]:
    times = run.results.time_s
    return [
        [
            visible(stage.name),
            f"{stage.facts.get('steps', 0):,}",
            f"{stage.facts.get('trainable_parameters', 0):,}",
            _last(stage, "loss"),
            _last(stage, "penalty"),
            stage.facts.get("learnt", "–"),
            _merging_error(stage),
            duration(_dict(times, "train").get(stage.folder)),
            duration(_dict(times, "evaluate").get(stage.folder)),
            ", ".join(f"{memory(size)} ({kind})" for kind, size in _dict(stage.facts, "peak_memory_bytes").items())
            or "–",
        ]
        for stage in run.stages
    ]


def _merging_error(stage: StageRecord) -> str:
    errors = _dict(stage.facts, "merging_error")
    return ", ".join(f"{100 * share:.2g} % ({kind})" for kind, share in errors.items() if is_number(share)) or "–"


def _last(stage: StageRecord, name: str) -> str:
    value = stage.log[-1].get(name) if stage.log else None
    return "–" if value is None else f"{value:.4g}"


def _provenance(run: RunRecord) -> list[tuple[str, str]]:
    facts = run.facts
    entries = [
        ("Run folder", run.root.name),
        ("Method", describe_method(run)),
        ("Model", run.results.model),
        ("Seed", run.results.seed),
        ("Training rows in other styles", f"{100 * float(run.results.asd):.2f} %" if run.results.asd else "none"),
        ("Python", facts.get("python")),
        ("Commit", facts.get("git_commit")),
    ]
    return [(name, visible(value)) for name, value in entries if value is not None]


def _shards(run: RunRecord) -> list[tuple[str, str, str, str]]:
    shards = _dict(run.facts, "shards")
    return [
        (visible(task), f"{run.results.questions.get(task, 0):,}", visible(_dict(shards, task).get("train", "–")),
         visible(_dict(shards, task).get("test", "–")))
        for task in run.tasks
    ]  # fmt: skip


def _or_none(value: Any) -> float | None:
    return float(value) if is_number(value) else None


def _dict(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, Mapping) else {}


def write_run(run: RunRecord, path: Path, examples_per_kind: int = 4) -> None:
    """Raises: as `render_run`; OSError if the page cannot be written."""
    from asd_training.stage_files import write_text

    write_text(path, render_run(run, examples_per_kind))
