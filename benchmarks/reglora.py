"""Time and memory of the RegLoRA penalty, forward and backward, in three forms, at the shapes of a model.

    python benchmarks/reglora.py --device cpu  --out benchmarks/results/reglora-cpu.json
    python benchmarks/reglora.py --device cuda --out benchmarks/results/reglora-gpu.json
    python benchmarks/reglora.py --device cuda --tune           # times alternatives to the kernels' tilings

Forms: `released` (all of B A per layer, then a gather at int64 (row, column) pairs, as the SEFE release does; written
from its description), `gather` (only the rows of B and columns of A at those pairs, in checkpointed chunks), `ours`
(`RegLoraPenalty`, duplicates counted as released), `ours-union` (each element once: another mean). On CUDA the
shapes are LLaMA-7B's (seven linears x 32 layers), bfloat16, rank 128; on a CPU the same linears at a quarter of the
width and rank in 4 layers, float32. Task t has t - 1 earlier tasks of 2 % key elements each, from random adapters.

Memory is what a form adds to parameters and gradients: what it keeps between steps, and the peak within one. Every
case on a CPU is weighed in a process of its own; the forms are timed in turns, in CPU time of one thread; ratios are
of medians. On CUDA the time of a training step is estimated beside it: three real decoder layers less one
(transformers, LoRA on all linears, gradient checkpointing, 16 x 700 tokens), per layer times 32, without embeddings,
head, vision tower and optimizer, so the share that is printed is an upper bound.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd_training.layers.key_elements import key_elements
from asd_training.methods.reg_lora import RegLoraPenalty

STRENGTH, FRACTION = 2.5e3, 0.02
FORMS = ("released", "gather", "ours", "ours-union")
GATHER_CHUNK = 1 << 18
Pairs = dict[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Sizes:
    hidden: int
    intermediate: int
    layers: int
    rank: int
    dtype: str

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Layer -> (out, in)."""
        h, i = self.hidden, self.intermediate
        linears = {"q": (h, h), "k": (h, h), "v": (h, h), "o": (h, h), "gate": (i, h), "up": (i, h), "down": (h, i)}
        return {f"{layer}.{name}": shape for layer in range(self.layers) for name, shape in linears.items()}

    @property
    def num_elements(self) -> int:
        return sum(rows * columns for rows, columns in self.shapes().values())


FULL = Sizes(4096, 11008, 32, 128, "bfloat16")
SMALL = Sizes(1024, 2752, 4, 32, "float32")


def make_pairs(sizes: Sizes, device: str, seed: int) -> Pairs:
    draw = torch.Generator(device).manual_seed(seed)

    def factor(*shape: int) -> Tensor:
        values = torch.randn(shape, generator=draw, device=device) * 0.02
        return values.to(getattr(torch, sizes.dtype))

    shapes = sizes.shapes().items()
    return {name: (factor(sizes.rank, columns), factor(rows, sizes.rank)) for name, (rows, columns) in shapes}


def earlier_tasks(sizes: Sizes, device: str, tasks: int, form: str) -> Any:
    """What the form keeps: a penalty, or int64 (positions, 2) per layer."""
    if form.startswith("ours"):
        penalty = RegLoraPenalty(fraction=FRACTION, duplicates="union" if form == "ours-union" else "count")
        for task in range(tasks):
            penalty.update_from(make_pairs(sizes, device, 1000 + task))
        return penalty
    lists: dict[str, list[Tensor]] = {name: [] for name in sizes.shapes()}
    for task in range(tasks):
        for name, (a, b) in make_pairs(sizes, device, 1000 + task).items():
            lists[name].append(key_elements(a, b, FRACTION).unpack().nonzero())
    joined = {}
    for name in list(lists):
        joined[name] = torch.cat(lists.pop(name))
    return joined


def released(pairs: Pairs, positions: dict[str, Tensor]) -> Tensor:
    total = torch.zeros((), device=next(iter(positions.values())).device)
    for name, (a, b) in pairs.items():
        total = total + (b @ a)[positions[name][:, 0], positions[name][:, 1]].abs().mean().float()
    return STRENGTH * total / len(pairs)


def _gathered_sum(a: Tensor, b: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    return (b[rows] * a[:, columns].t()).sum(-1).abs().float().sum()


def gather(pairs: Pairs, positions: dict[str, Tensor]) -> Tensor:
    total = torch.zeros((), device=next(iter(positions.values())).device)
    for name, (a, b) in pairs.items():
        layer = torch.zeros_like(total)
        for chunk in torch.split(positions[name], GATHER_CHUNK):
            layer = layer + checkpoint(_gathered_sum, a, b, chunk[:, 0], chunk[:, 1], use_reentrant=False)
        total = total + layer / len(positions[name])
    return STRENGTH * total / len(pairs)


def kept_bytes(state: Any) -> int:
    return state.size_bytes if isinstance(state, RegLoraPenalty) else sum(tensor.nbytes for tensor in state.values())


def penalty_of(form: str, state: Any) -> Callable[[Pairs], Tensor]:
    if form.startswith("ours"):
        return state
    chosen = {"released": released, "gather": gather}[form]
    return lambda pairs: chosen(pairs, state)


def trainable(sizes: Sizes, device: str) -> Pairs:
    """Factors of the current task, with gradients allocated, as in the middle of a training run."""
    pairs = make_pairs(sizes, device, 1)
    for pair in pairs.values():
        for factor in pair:
            factor.requires_grad_()
            factor.grad = torch.zeros_like(factor)
    return pairs


def timed(step: Callable[[], float], repeats: int, device: str) -> tuple[list[float], float]:
    """(milliseconds of each repeat, last value), after two warm-ups (one of them compiles)."""
    durations, value = [], 0.0
    for repeat in range(repeats + 2):
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        value = step()
        if device == "cuda":
            torch.cuda.synchronize()
        if repeat >= 2:
            durations.append(1e3 * (time.perf_counter() - start))
    return durations, value


def forward_backward(penalty: Callable[[Pairs], Tensor], pairs: Pairs) -> Callable[[], float]:
    def step() -> float:
        value = penalty(pairs)
        value.backward()
        return value.item()

    return step


def run_on_cuda(sizes: Sizes, form: str, task: int, repeats: int) -> dict[str, Any]:
    """One row of the table."""
    pairs = trainable(sizes, "cuda")
    memory = CudaMemory()
    row: dict[str, Any] = {"form": form, "task": task}
    try:
        state = earlier_tasks(sizes, "cuda", task - 1, form)
        memory.start_peak()
        durations, value = timed(forward_backward(penalty_of(form, state), pairs), repeats, "cuda")
    except torch.OutOfMemoryError:
        return {**row, "error": "out of memory"}
    return {**row, **summary(durations), **sizes_of(state, memory), "value": value}


def memory_on_cpu(sizes: Sizes, form: str, task: int) -> dict[str, Any]:
    """The memory columns of a row; alone in its process, after a run at toy size has loaded what torch loads."""
    toy = Sizes(64, 172, 1, 4, sizes.dtype)
    for any_form in FORMS:
        forward_backward(penalty_of(any_form, earlier_tasks(toy, "cpu", 2, any_form)), trainable(toy, "cpu"))()
    pairs = trainable(sizes, "cpu")
    memory = ProcessMemory()
    state = earlier_tasks(sizes, "cpu", task - 1, form)
    memory.start_peak()
    value = forward_backward(penalty_of(form, state), pairs)()
    return {**sizes_of(state, memory), "value": value}


def times_on_cpu(sizes: Sizes, forms: list[str], task: int, repeats: int) -> dict[str, dict[str, float]]:
    """The time columns by form: CPU time of one thread, in turns, so that a busy machine disturbs little."""
    torch.set_num_threads(1)
    pairs = trainable(sizes, "cpu")
    steps = {
        form: forward_backward(penalty_of(form, earlier_tasks(sizes, "cpu", task - 1, form)), pairs) for form in forms
    }
    durations: dict[str, list[float]] = {form: [] for form in forms}
    for repeat in range(repeats + 1):
        for form, step in steps.items():
            start = time.process_time()
            step()
            if repeat:
                durations[form].append(1e3 * (time.process_time() - start))
    return {form: summary(taken) for form, taken in durations.items()}


def summary(durations: list[float]) -> dict[str, float]:
    return {"milliseconds": round(statistics.median(durations), 3), "fastest": round(min(durations), 3)}


def sizes_of(state: Any, memory: Any) -> dict[str, float]:
    return {"kept_mb": round(kept_bytes(state) / 1e6, 2), "peak_mb": round(memory.peak() / 1e6, 2)}


class CudaMemory:
    def __init__(self) -> None:
        gc.collect()
        torch.cuda.empty_cache()
        self.before = torch.cuda.memory_allocated()

    def start_peak(self) -> None:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()

    def peak(self) -> int:
        return torch.cuda.max_memory_allocated() - self.before


class ProcessMemory:
    """Resident memory of this process, from Linux's own counters."""

    def __init__(self) -> None:
        self.before = self._read("VmRSS")

    def start_peak(self) -> None:
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts again from here

    def peak(self) -> int:
        return self._read("VmHWM") - self.before

    @staticmethod
    def _read(field: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024


def memory_in_own_process(sizes: Sizes, form: str, task: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "row.json"
        options = {"--device": "cpu", "--out": result, "--layers": sizes.layers, "--rank": sizes.rank}
        command = [sys.executable, __file__, "--one", form, str(task)]
        command += [str(part) for option in options.items() for part in option]
        # freed blocks go back to the system at once, or the peak would be that of the allocator's habits
        subprocess.run(command, check=True, env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"})
        row: dict[str, Any] = json.loads(result.read_text())
        return row


def rows_of_task(arguments: argparse.Namespace, task: int) -> list[dict[str, Any]]:
    sizes, forms = arguments.sizes, arguments.forms
    if arguments.device == "cuda":
        return [run_on_cuda(sizes, form, task, arguments.repeats) for form in forms]
    memory = {form: memory_in_own_process(sizes, form, task) for form in forms}
    times = times_on_cpu(sizes, forms, task, arguments.repeats)
    return [{"form": form, "task": task, **times[form], **memory[form]} for form in forms]


def step_milliseconds(sizes: Sizes, repeats: int) -> dict[str, float]:
    """Forward and backward of one decoder layer by difference, and of all layers of the model."""
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaModel

    times = {}
    for layers in (1, 3):
        config = LlamaConfig(
            hidden_size=sizes.hidden, intermediate_size=sizes.intermediate, num_hidden_layers=layers,
            num_attention_heads=32, num_key_value_heads=32, vocab_size=64, attn_implementation="sdpa", use_cache=False,
        )  # fmt: skip
        with torch.device("cuda"):
            base = LlamaModel(config).to(torch.bfloat16)
        lora = LoraConfig(r=sizes.rank, lora_alpha=2 * sizes.rank, lora_dropout=0.05, target_modules="all-linear")
        model = get_peft_model(base, lora, autocast_adapter_dtype=False)
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.train()
        embedded = torch.randn(16, 700, sizes.hidden, device="cuda", dtype=torch.bfloat16).requires_grad_()

        def step(model: Any = model, embedded: Tensor = embedded) -> float:
            loss = model(inputs_embeds=embedded).last_hidden_state.float().pow(2).mean()
            loss.backward()
            return loss.item()

        times[layers] = statistics.median(timed(step, repeats, "cuda")[0])
        del model, base, embedded, step
        gc.collect()
        torch.cuda.empty_cache()
    per_layer = (times[3] - times[1]) / 2
    return {"decoder_layer": round(per_layer, 3), "all_layers": round(sizes.layers * per_layer, 1)}


def tune(sizes: Sizes) -> list[dict[str, Any]]:
    """Both passes over 32 square layers under other tilings; the fastest first."""
    from asd_training.layers import masked_l1_triton as fused

    square = Sizes(sizes.hidden, sizes.hidden, 4, sizes.rank, sizes.dtype)
    pairs = make_pairs(square, "cuda", 1)
    a, b = [pair[0] for pair in pairs.values()], [pair[1] for pair in pairs.values()]
    rows = []
    for tasks in (1, 7):
        weights = list(earlier_tasks(square, "cuda", tasks, "ours").key_elements.values())
        (group, *_) = fused.group_layers(a, b, weights)
        up_to = 64 if group.rank_block <= 64 else group.rank_block
        for direction in ("rows", "columns"):
            key = (direction, up_to, group.planes > 0)
            before = fused.TILINGS[key]
            for tiling in (before, *candidates()):
                fused.TILINGS[key] = tiling
                rows.append({"pass": direction, "planes": group.planes, **asdict(tiling)})
                rows[-1] |= time_pass(fused, direction, a, b, weights)
            fused.TILINGS[key] = before
    return sorted(rows, key=lambda row: (row["planes"], row["pass"], row["milliseconds"]))


def candidates() -> list[Any]:
    from asd_training.layers.masked_l1_triton import Tiling

    shapes = [(32, 4), (64, 4), (64, 8), (128, 4), (128, 8)]
    return [
        Tiling(rows, warps, stages, cap)
        for rows, warps in shapes
        for stages in (2, 3, 4)
        for cap in ((None, 128, 168) if warps == 4 else (None, 128))
    ]


def time_pass(fused: Any, direction: str, a: Any, b: Any, weights: Any) -> dict[str, Any]:
    try:
        _, kept = fused.forward(a, b, weights, keep_d_b=True)
        scales = torch.ones(len(weights), device="cuda")
        if direction == "rows":
            durations, _ = timed(lambda: fused.forward(a, b, weights, keep_d_b=True) and 0.0, 5, "cuda")
        else:
            durations, _ = timed(lambda: fused.backward(a, b, weights, kept, scales) and 0.0, 5, "cuda")
    except Exception as error:  # a tiling that does not fit the card is a result, whatever the compiler calls it
        return {"milliseconds": float("inf"), "error": f"{type(error).__name__}: {error}"[:120]}
    return {"milliseconds": round(statistics.median(durations), 3)}


def about(device: str) -> dict[str, Any]:
    versions = {}
    for package in ("torch", "triton", "transformers", "peft"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU {platform.machine()}, timed on one thread"
    return {"device": name, "python": platform.python_version(), **versions}


def ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many times faster and smaller than the released form, case by case."""
    rows = [row for row in rows if "error" not in row]
    released_rows = {row["task"]: row for row in rows if row["form"] == "released"}
    found = []
    for row in rows:
        base = released_rows.get(row["task"])
        if base and row is not base:
            found.append(
                {
                    "form": row["form"],
                    "task": row["task"],
                    "times_faster": round(base["milliseconds"] / row["milliseconds"], 2),
                    "times_smaller_kept": round(base["kept_mb"] / row["kept_mb"], 2),
                    "times_smaller_peak": round(base["peak_mb"] / max(row["peak_mb"], 1e-3), 2),
                }
            )
    return found


def print_table(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *[[str(row.get(name, "")) for name in names] for row in rows]]
    widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
    for line in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)), flush=True)
    print()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--layers", type=int, help="number of decoder layers")
    parser.add_argument("--rank", type=int, help="LoRA rank")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tune", action="store_true", help="time alternatives to the kernels' tilings and stop")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", nargs=2, metavar=("FORM", "TASK"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    default = FULL if arguments.device == "cuda" else SMALL
    arguments.layers = arguments.layers or default.layers
    arguments.rank = arguments.rank or default.rank
    arguments.sizes = Sizes(default.hidden, default.intermediate, arguments.layers, arguments.rank, default.dtype)
    return arguments


def write(path: Path | None, result: Any) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n")


def main() -> None:
    arguments = parse()
    sizes, device = arguments.sizes, arguments.device
    if arguments.one:
        write(arguments.out, memory_on_cpu(sizes, arguments.one[0], int(arguments.one[1])))
        return
    if arguments.tune:
        tilings = tune(sizes)
        print_table(tilings)
        write(arguments.out, {**about(device), "tilings": tilings})
        return
    result = {**about(device), "sizes": asdict(sizes), "num_elements": sizes.num_elements}
    print(json.dumps(result), flush=True)
    rows: list[dict[str, Any]] = []
    for task in arguments.tasks:
        rows += rows_of_task(arguments, task)
        print_table(rows)
        write(arguments.out, {**result, "rows": rows})  # kept, should a later case fail
    if device == "cuda":
        result["step_milliseconds"] = step_milliseconds(sizes, arguments.repeats)
        for row in rows:
            if "error" not in row:
                row["percent_of_step"] = round(100 * row["milliseconds"] / result["step_milliseconds"]["all_layers"], 2)
    print_table(rows)
    print_table(ratios(rows))
    write(arguments.out, {**result, "rows": rows, "against_released": ratios(rows)})


if __name__ == "__main__":
    main()
