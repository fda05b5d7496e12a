"""The figures of `pocket.py` as Markdown tables."""

from __future__ import annotations

from typing import Any

KINDS = ("strict", "recovered", "constrained")
BWT = "BWT (divisor T)"
SHOWN = ("grounding", "ocrvqa", "all stages")
"""Stages after which the split is printed: the task with a style of its own, the last one, all pooled."""
WRONG_STYLE = ("superficial", "style_lost", "both_wrong")
"""Forgotten in style, whether or not the fact can still be read."""


def tables(found: dict[str, Any]) -> str:
    parts = (_metrics(found), _forgotten(found), _differences(found), _costs(found), _by_task(found))
    return "\n\n".join("\n".join(lines) for lines in parts)


def percent(figure: dict[str, Any] | None, *, signed: bool = False) -> str:
    if figure is None:
        return "–"
    text = f"{100 * figure['mean']:+.1f}" if signed else f"{100 * figure['mean']:.1f}"
    return text if figure["half_width"] is None else f"{text} ± {100 * figure['half_width']:.1f}"


def _head(*names: str) -> list[str]:
    return [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _metrics(found: dict[str, Any]) -> list[str]:
    names = ("MFN, recovered", "BWT, recovered", "MFN, constrained", "wrong style at the end")
    lines = _head("run", "MFT", "MFN", "MAA", "BWT", *names)
    for name, one in found["methods"].items():
        strict, recovered, forced = (one["metrics"][kind] for kind in KINDS)
        cells = [percent(strict.get(key), signed=key == BWT) for key in ("MFT", "MFN", "MAA", BWT)]
        cells += [percent(recovered.get("MFN")), percent(recovered.get(BWT), signed=True), percent(forced.get("MFN"))]
        lines.append(_row(name, *cells, percent(one["final_wrong_style"])))
    return lines


def _forgotten(found: dict[str, Any]) -> list[str]:
    """Of the questions that a model knew after their own task; in the figures each wrong style has its own entry."""
    kinds = ("superficial", "style_lost", "both_wrong", "less_specific", "essential", "right_under_constraint")
    heads = [kind.replace("_", " ").replace("under constraint", "if constrained") for kind in kinds]
    ends = [f"{what}, {stage}" for stage in SHOWN if stage != "all stages" for what in ("wrong style", "essential")]
    lines = _head("run, all stages", "forgotten", *heads, *ends)
    for name, one in found["methods"].items():
        if split := one["forgetting"].get("all stages"):
            lines.append(
                _row(
                    name,
                    *(percent(split[key]) for key in ("forgotten", *kinds)),
                    *(percent(one["shares"].get(end)) for end in ends),
                )
            )
    return lines


def _differences(found: dict[str, Any]) -> list[str]:
    heads = [
        "MFT",
        "MFN",
        "MAA",
        *(f"{what}, {stage}" for stage in ("all stages", "grounding") for what in ("wrong style", "essential")),
    ]
    lines = _head("difference", *heads)
    for name, one in found["differences"].items():
        lines.append(_row(name, *(percent(one.get(head), signed=True) for head in heads)))
    return lines


def _costs(found: dict[str, Any]) -> list[str]:
    """Times are processor times, as the clock's depend on what else the machine does."""
    lines = _head(
        "run", "trainable parameters", "optimizer steps", "training", "of seq-lora's", "evaluation", "peak memory"
    )
    base = found["methods"].get("seq-lora", {}).get("costs", {}).get("train_processor_s")
    for name, one in found["methods"].items():
        costs = {key: value and value["mean"] for key, value in one["costs"].items()}
        spent = costs["train_processor_s"] if costs["steps"] else None
        relative = f"{spent / base['mean']:.2f}" if spent and base else "–"
        memory = costs["peak_memory_cuda"] or costs["peak_memory_process"]
        cells = [f"{costs['trainable_parameters']:,.0f}", f"{costs['steps']:,.0f}", _seconds(spent), relative]
        lines.append(
            _row(name, *cells, _seconds(costs["evaluate_processor_s"]), f"{memory / 2**20:,.0f} MiB" if memory else "–")
        )
    return lines


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} s"


def _by_task(found: dict[str, Any]) -> list[str]:
    tasks = next(iter(next(iter(found["runs"].values())).values()))["tasks"]
    lines = _head("run, accuracy at the end", *tasks)
    for name, one in found["methods"].items():
        lines.append(_row(name, *(f"{100 * one['final_by_task']['strict'][task]:.0f}" for task in tasks)))
    return lines
