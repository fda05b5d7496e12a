"""What a gated method's gates do on each task's test questions: do they keep tasks apart?

    python benchmarks/pocket_choices.py runs/pocket/continual-llava-s1 runs/pocket/moelora-s1

Continual LLaVA: the share of the intrinsic weight that falls on each task's increments, mean over questions. MoELoRA:
how evenly a token spreads over experts (entropy of its gates, 1 = evenly), and how far the mean gates of two tasks are
apart in a layer (half the sum of absolute differences: 0 = the same, 1 = no expert in common), both over prompt tokens.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asd_training.finished_run import FinishedRun, load_run
from asd_training.layers.conditioning import condition
from asd_training.layers.expert_router import RoutedLoraLinear
from asd_training.methods.continual_llava import POOL


def increments(run: FinishedRun) -> str:
    """A line a task asked, a column a task whose increments are chosen; percent."""
    pool: Any = getattr(run.model.get_base_model(), POOL)  # type: ignore[operator]
    trained = [task.name for task in run.tasks][: len(pool)]
    lines = [f"| asked | {' | '.join(trained)} | of its own |", "|---" * (len(trained) + 2) + "|"]
    for task in run.tasks:
        questions = run.inputs.embed(task.test.table["question"].to_pylist())
        with torch.no_grad():
            shares = [100 * float(part.sum(-1).mean()) for part in pool.intrinsic(questions).values()]
        own = f"{shares[trained.index(task.name)]:.0f}" if task.name in trained else "–"
        lines.append(f"| {task.name} | {' | '.join(f'{share:.0f}' for share in shares)} | {own} |")
    return "\n".join(lines)


def experts(run: FinishedRun, rows: int) -> str:
    by_task = {task.name: _mean_gates(run, task, rows) for task in run.tasks}
    lines = ["| asked | evenness of a token's gates | farthest task | apart | nearest task | apart |", "|---" * 6 + "|"]
    apart = {frozenset(pair): _apart(by_task[pair[0]][0], by_task[pair[1]][0]) for pair in combinations(by_task, 2)}
    for name, (_, evenness) in by_task.items():
        others = sorted((apart[frozenset((name, other))], other) for other in by_task if other != name)
        near, far = others[0], others[-1]
        lines.append(f"| {name} | {evenness:.2f} | {far[1]} | {far[0]:.2f} | {near[1]} | {near[0]:.2f} |")
    return "\n".join(lines)


def _mean_gates(run: FinishedRun, task: Any, rows: int) -> tuple[dict[str, Tensor], float]:
    """Layer -> (experts,), mean over prompt tokens; and the mean entropy of a token's gates over that of even ones."""
    sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros(()))
    seen: list[float] = []

    def watch(layer: str, logits: Tensor, kept: Tensor) -> None:
        gates = logits.float().softmax(-1).reshape(kept.numel(), -1)[kept.flatten()]
        sums[layer] = sums[layer] + gates.sum(0)
        seen.append(float(-(gates * gates.log()).sum(-1).mean() / math.log(gates.shape[-1])))

    batch = run.inputs.collator.generation(run.inputs.questions(list(task.test)[:rows], task.test_image_root))
    kept = batch["attention_mask"].bool()
    hooks = [
        router.register_forward_hook(lambda _, __, logits, layer=name: watch(layer, logits, kept))
        for name, module in run.model.named_modules()
        if isinstance(module, RoutedLoraLinear)
        for router in module.lora_router.values()
    ]
    condition(run.model, batch)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        run.model(**batch)
    for hook in hooks:
        hook.remove()
    return {layer: total / total.sum() for layer, total in sums.items()}, sum(seen) / len(seen)


def _apart(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    return sum(float((one[layer] - other[layer]).abs().sum()) / 2 for layer in one) / len(one)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--after", help="stage, e.g. 03-imagenet; the last one if not given")
    parser.add_argument("--rows", type=int, default=32, help="questions of each task (MoELoRA)")
    given = parser.parse_args()
    for folder in given.runs:
        run = load_run(folder, after=given.after)
        print(f"\n{folder.name}\n")
        print(increments(run) if run.config.method.method == "continual-llava" else experts(run, given.rows))


if __name__ == "__main__":
    main()
