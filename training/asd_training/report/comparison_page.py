"""A comparison as one HTML page that holds everything itself and needs no network and no script."""

from __future__ import annotations

from pathlib import Path

from asd.report.visible_text import visible
from asd_training.evaluation.forgetting import CATEGORIES
from asd_training.report import plots
from asd_training.report.comparison import Comparison, Group
from asd_training.report.comparison_text import LEGEND, PUBLISHED_TITLE, cell
from asd_training.report.figures import Figure, rates_of_known
from asd_training.report.intervals import interval
from asd_training.report.page import render
from asd_training.report.plots import Plot
from asd_training.report.wording import KIND_TITLES, METRIC_FORMULAS, percent
from asd_training.stage_files import write_text

_PLOTTED = ("MFN", "MAA", "BWT (divisor T)", "MFN recovered", "forgotten")


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Raises: OSError if the page cannot be written."""
    write_text(path, render_comparison(comparison))


def render_comparison(comparison: Comparison) -> str:
    return render(
        "comparison.html.jinja",
        title=f"{sum(len(group.runs) for group in comparison.groups)} runs on {len(comparison.tasks)} tasks",
        lead=visible(", ".join(comparison.tasks)),
        legend=LEGEND,
        notes=[visible(note) for note in comparison.notes],
        plots=_plots(comparison),
        kinds=[(*KIND_TITLES[kind], plots.KIND_COLOURS[kind]) for kind in CATEGORIES],
        kind_plot=_kind_plot(comparison),
        curves=_curves(comparison),
        groups=[
            (visible(group.label), group.unfinished, ", ".join(map(str, group.seeds)) or "–") for group in comparison.groups
        ],
        rows=[(figure.title, [cell(group, figure) for group in comparison.groups]) for figure in comparison.figures],
        differences=[
            (visible(difference.group.label), ", ".join(map(str, difference.seeds))) for difference in comparison.differences
        ],
        versus=visible(comparison.differences[0].versus.label) if comparison.differences else "",
        difference_rows=[
            (figure.title, [cell(difference, figure) for difference in comparison.differences])
            for figure in comparison.figures
        ],
        published_title=PUBLISHED_TITLE,
        published=_published(comparison),
        formulas=METRIC_FORMULAS,
        folders=[
            (visible(group.label), run.results.seed, visible(run.root)) for group in comparison.groups for run in group.runs
        ],
    )  # fmt: skip


def _plots(comparison: Comparison) -> list[Plot]:
    drawn = []
    for figure in comparison.figures:
        if figure.name in _PLOTTED:
            rows = {group.label: _in_percent(group, figure) for group in comparison.groups}
            drawn.append(plots.dots_with_intervals(rows, title=figure.title, x_label="%"))
    return drawn


def _in_percent(group: Group, figure: Figure) -> tuple[float | None, float | None, float | None]:
    estimate = group.interval(figure)
    if estimate is None:
        return None, None, None
    return (
        100 * estimate.mean,
        None if estimate.low is None else 100 * estimate.low,
        None if estimate.high is None else 100 * estimate.high,
    )


def _kind_plot(comparison: Comparison) -> Plot | None:
    """Mean over seeds of the questions forgotten at the end, by kind, of those known."""
    bars: dict[str, dict[str, float] | None] = {}
    for group in comparison.groups:
        rates = [rate for run in group.runs if (rate := rates_of_known(run)) is not None]
        bars[group.label] = (
            {kind: sum(rate[kind] for rate in rates) / len(rates) for kind in CATEGORIES} if rates else None
        )
    if not any(bars.values()):
        return None
    highest = max(sum(bar.values()) for bar in bars.values() if bar)
    return plots.stacked_bars(bars, title="Forgotten at the end by kind, % of known", y_label="% of known",
                              colours=plots.KIND_COLOURS, top=min(1.0, max(0.1, 1.1 * highest)),
                              width=max(5.2, 1.1 * len(bars)), void="nothing to\nforget")  # fmt: skip


def _curves(comparison: Comparison) -> list[Plot]:
    """Mean accuracy of the tasks trained so far, after every task, mean over seeds, by read-out."""
    drawn = []
    for kind in ("strict", "recovered"):
        series = {}
        for group in comparison.groups:
            runs = [run.matrices[kind].values for run in group.runs if kind in run.matrices]
            means = [
                interval([float(scores[t, : t + 1].mean()) for scores in runs]) for t in range(len(comparison.tasks))
            ]
            series[group.label] = [(float(t), estimate.mean if estimate else None) for t, estimate in enumerate(means)]
        if any(y is not None for points in series.values() for _, y in points):
            title = f"Mean accuracy of the tasks trained so far, {kind}, %"
            drawn.append(plots.lines(series, title=title, x_names=comparison.tasks, percent=True))
    return drawn


def _published(comparison: Comparison) -> list[dict[str, object]]:
    names = ("MFT", "MFN", "MAA", "BWT", "BWT (divisor T)", "BWT (divisor T-1)")
    return [
        {
            "method": visible(row.method + (", ASD" if row.asd else "")),
            "figures": ", ".join(
                f"{name} {percent(row.figures[name], 2)}{'*' if name in row.computed else ''}"
                for name in names
                if name in row.figures
            ),
            "start_model": visible(row.start_model),
            "source": visible(f"{row.source}; {row.certainty}"),
            "note": visible(row.note),
        }
        for row in comparison.published
    ]
