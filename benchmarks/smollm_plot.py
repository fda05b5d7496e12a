"""The figures of `smollm.py` as one picture: each seed a dot, each mean a bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from smollm import ARMS, SECOND, base_of

from asd_training.report.plots import FAINT, INK, LINE_COLOURS, SOFT

LABELS = {
    "seq-lora": "sequential LoRA",
    "named-seq-lora": "style named in prompts",
    "seq-lora-asd": "ASD 20 %",
    "named-seq-lora-asd": "ASD 20 %, style named",
    "reglora": "RegLoRA",
    "sefe": "SEFE (ASD 20 %, RegLoRA)",
}
PANELS = {
    "letters after tabmwp": "letters, tasks' own prompt",
    f"multiple_choice in style, {SECOND}": "letters, asked for by name",
    f"yes_no in style, {SECOND}": "yes or no, asked for by name",
    f"brief_explanation in style, {SECOND}": "sentence, asked for by name",
}
"""Figure -> title."""


def draw(gathered: dict[str, Any], path: Path) -> None:
    """Raises: OSError if the file cannot be written."""
    import matplotlib
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {"svg.hashsalt": "asd", "svg.fonttype": "none", "font.size": 9}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(11.5, 2.8), layout="constrained")
        panels = figure.subplots(1, len(PANELS), sharey=True)
        for axes, (name, title) in zip(panels, PANELS.items(), strict=True):
            _panel(axes, gathered, name)
            axes.set_title(f"{title}, %", fontsize=9, loc="left", color=INK)
        panels[0].set_yticks(range(len(ARMS)), [LABELS[arm] for arm in ARMS])
        panels[0].set_ylim(len(ARMS) - 0.5, -0.5)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def _panel(axes: Any, gathered: dict[str, Any], name: str) -> None:
    for place, arm in enumerate(ARMS):
        values = [100 * each[name] for each in gathered["runs"].get(arm, {}).values() if name in each]
        if values:
            axes.barh(place, sum(values) / len(values), 0.5, color=FAINT)
            axes.plot(values, [place] * len(values), "o", color=LINE_COLOURS[0], ms=4, alpha=0.7)
    before = base_of(name, gathered["base"])
    if before is not None:
        axes.axvline(100 * before, color=SOFT, lw=1, ls=":")
    axes.set_xlim(-4, 104)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=SOFT, labelcolor=INK, length=0)
