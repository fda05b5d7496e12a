"""The figures of `pocket.py` as one picture: final accuracy, what was forgotten and how, time; with and without ASD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asd_training.report.plots import FAINT, INK, KIND_COLOURS, LINE_COLOURS, SOFT

# Method -> its run on native tasks, its run on diversified ones.
LINES = {
    "sequential LoRA": ("seq-lora", "seq-lora-asd"),
    "O-LoRA": ("o-lora", "o-lora-asd"),
    "MoELoRA": ("moelora", "moelora-asd"),
    "Continual LLaVA": ("continual-llava", "continual-llava-asd"),
    "EWC": ("ewc", "ewc-asd"),
    "RegLoRA; with ASD: SEFE": ("reglora", "sefe"),
    "replay": ("replay", "replay-asd"),
}
PARTS = {
    "wrong style": (("superficial", "style_lost", "both_wrong"), KIND_COLOURS["style_lost"]),
    "less specific": (("less_specific",), KIND_COLOURS["less_specific"]),
    "essential": (("essential",), KIND_COLOURS["essential"]),
}
APART = 0.19
"""Half the distance of the two runs of a method."""


def draw(found: dict[str, Any], path: Path) -> None:
    """Raises: OSError if the file cannot be written."""
    import matplotlib
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.hashsalt": "asd",
        "svg.fonttype": "none",
        "font.size": 9,
        "font.family": "sans-serif",
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(11.5, 4.6), layout="constrained")
        left, middle, right = figure.subplots(1, 3, sharey=True, width_ratios=(4, 4, 2.2))
        methods = found["methods"]
        _accuracy(left, methods)
        _forgotten(middle, methods)
        _time(right, methods)
        for axes in (left, middle, right):
            _clean(axes)
        left.set_yticks(range(len(LINES)), list(LINES))
        left.set_ylim(len(LINES) - 0.45, -0.55)
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = path.suffix.removeprefix(".")
        metadata: dict[str, Any] = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(path, format=kind, dpi=110, metadata=metadata)


def _runs(methods: dict[str, Any]) -> list[tuple[float, bool, dict[str, Any]]]:
    """Height, whether with ASD, figures; of the runs that are there."""
    return [
        (place + (APART if asd else -APART), asd, methods[name])
        for place, pair in enumerate(LINES.values())
        for asd, name in enumerate(pair)
        if name in methods
    ]


def _accuracy(axes: Any, methods: dict[str, Any]) -> None:
    for height, asd, one in _runs(methods):
        figure = one["metrics"]["strict"]["MFN"]
        axes.errorbar(
            100 * figure["mean"], height, xerr=100 * (figure["half_width"] or 0), fmt="o", color=LINE_COLOURS[0],
            mfc="white" if asd else LINE_COLOURS[0], ms=6, lw=1.5,
        )  # fmt: skip
    for name, side in (("zero-shot", "left"), ("joint", "right")):
        if name in methods:
            mean = 100 * methods[name]["metrics"]["strict"]["MFN"]["mean"]
            axes.axvline(mean, color=SOFT, lw=1, ls=":")
            axes.text(mean, -0.5, f" {name} ", ha=side, va="top", fontsize=8, color=SOFT)
    for asd, label in enumerate(("native tasks", "with ASD")):
        axes.plot([], [], "o", color=LINE_COLOURS[0], mfc="white" if asd else LINE_COLOURS[0], label=label)
    axes.set_title("Accuracy after the last task, %", fontsize=10, loc="left", color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=SOFT, loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=2)


def _forgotten(axes: Any, methods: dict[str, Any]) -> None:
    for height, _, one in _runs(methods):
        start = 0.0
        for kinds, colour in PARTS.values():
            width = 100 * sum(one["forgetting"]["all stages"][kind]["mean"] for kind in kinds)
            axes.barh(height, width, 0.3, left=start, color=colour)
            start += width
    for label, (_, colour) in PARTS.items():
        axes.barh(0, 0, color=colour, label=label)
    axes.set_title("Forgotten, % of known, all stages (below: with ASD)", fontsize=10, loc="left", color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=SOFT, loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=3)


def _time(axes: Any, methods: dict[str, Any]) -> None:
    base = methods["seq-lora"]["costs"]["train_processor_s"]
    for height, _, one in _runs(methods):
        spent = one["costs"]["train_processor_s"]
        if spent and base:
            axes.barh(height, spent["mean"] / base["mean"], 0.3, color=LINE_COLOURS[1])
    axes.axvline(1, color=SOFT, lw=1, ls=":")
    axes.set_title("Training time / seq-lora's", fontsize=10, loc="left", color=INK)


def _clean(axes: Any) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(SOFT)
    axes.tick_params(colors=SOFT, labelcolor=INK, length=0)
    axes.grid(axis="x", color=FAINT)
    axes.set_axisbelow(True)
