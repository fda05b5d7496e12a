"""Time and activation memory of MoELoRA layers, forward and backward: one gated product against a loop over experts.

    python benchmarks/moelora.py --device cpu  --out benchmarks/results/moelora-cpu.json
    python benchmarks/moelora.py --device cuda --out benchmarks/results/moelora-gpu.json

Forms: `frozen` (the linears alone), `loop` (every expert's output in full, scaled, gated and added, with a dropout
mask of its own, as CoIN's release does; written from its description), `ours` (`RoutedLoraLinear`). The layers are the
seven linears of a decoder layer: on CUDA at LLaMA-7B's shapes, rank 128, bfloat16, 16 x 700 tokens; on a CPU at an
eighth of the width, rank 16, float32, 2 x 128 tokens. Both forms have the same parameters, and their outputs are
compared with dropout off before anything is timed.

Time: forms in turns, medians; on a CPU in CPU time of one thread. Memory: bytes of the distinct tensors that autograd
keeps for the backward pass, parameters and the layer's input left out; on CUDA also the allocator's peak above what
was there before. Ratios are of what a form adds to `frozen`, and of the whole.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from asd_training.layers.expert_router import RoutedLoraLinear, Routing

FORMS = ("frozen", "loop", "ours")
LINEARS = ("q", "k", "v", "o", "gate", "up", "down")


@dataclass(frozen=True)
class Sizes:
    hidden: int
    inner: int
    rank: int
    rows: int
    tokens: int
    dtype: str

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Linear -> (in, out)."""
        h, i = self.hidden, self.inner
        return dict(zip(LINEARS, [(h, h)] * 4 + [(h, i)] * 2 + [(i, h)], strict=True))


FULL = Sizes(4096, 11008, 128, 16, 700, "bfloat16")
SMALL = Sizes(512, 1376, 16, 2, 128, "float32")


def make_layers(sizes: Sizes, experts: int, dropout: float, device: str) -> dict[str, RoutedLoraLinear]:
    """Adapted linears by name, in training mode; B is random, so that every gradient is there."""
    torch.manual_seed(0)
    config = LoraConfig(r=sizes.rank, lora_alpha=2 * sizes.rank, lora_dropout=dropout, target_modules=list(LINEARS))
    config._register_custom_module({nn.Linear: partial(RoutedLoraLinear, routing=Routing(experts))})
    with torch.device(device):
        plain = nn.ModuleDict({name: nn.Linear(*shape, bias=False) for name, shape in sizes.shapes().items()})
        adapted = get_peft_model(plain, config).base_model.model
    layers: dict[str, RoutedLoraLinear] = {name: adapted[name] for name in LINEARS}
    for layer in layers.values():
        nn.init.normal_(layer.lora_B["default"].weight, std=0.02)
        layer.to(getattr(torch, sizes.dtype)).train()
    return layers


def loop_over_experts(layer: RoutedLoraLinear, x: Tensor) -> Tensor:
    result = layer.base_layer(x)
    weights = layer.lora_router["default"](x).softmax(-1)
    experts = layer.routing.experts
    factors = layer.lora_A["default"].weight.chunk(experts), layer.lora_B["default"].weight.chunk(experts, dim=1)
    for number, (a, b) in enumerate(zip(*factors, strict=True)):
        expert = nn.functional.linear(nn.functional.linear(layer.lora_dropout["default"](x), a), b)
        result = result + expert * layer.scaling["default"] * weights[..., number, None]
    return result


def forward_of(form: str) -> Callable[[RoutedLoraLinear, Tensor], Tensor]:
    if form == "frozen":
        return lambda layer, x: layer.base_layer(x)
    return loop_over_experts if form == "loop" else lambda layer, x: layer(x)


def make_inputs(sizes: Sizes, device: str) -> dict[str, Tensor]:
    kind = {"dtype": getattr(torch, sizes.dtype), "device": device}
    return {
        name: torch.randn(sizes.rows, sizes.tokens, shape[0], **kind).requires_grad_(True)
        for name, shape in sizes.shapes().items()
    }


def require_same(layers: dict[str, RoutedLoraLinear], inputs: dict[str, Tensor], tolerance: float) -> float:
    """Largest difference of the two forms with dropout off, relative to the largest output; checked."""
    worst = 0.0
    for name, layer in layers.items():
        layer.eval()
        with torch.no_grad():
            loop, ours = loop_over_experts(layer, inputs[name]).float(), layer(inputs[name]).float()
        layer.train()
        worst = max(worst, ((loop - ours).abs().max() / loop.abs().max()).item())
    if worst > tolerance:
        raise SystemExit(f"the forms differ by {worst:.2e} of the largest output, more than {tolerance:.0e}")
    return worst


def step(form: str, layers: dict[str, RoutedLoraLinear], inputs: dict[str, Tensor]) -> None:
    forward = forward_of(form)
    for name, layer in layers.items():
        output = forward(layer, inputs[name])
        output.backward(torch.ones_like(output))
    for tensor in (*inputs.values(), *(p for layer in layers.values() for p in layer.parameters())):
        tensor.grad = None


def kept_bytes(form: str, layers: dict[str, RoutedLoraLinear], inputs: dict[str, Tensor]) -> int:
    """Bytes of the storages that autograd keeps, over all linears."""
    kept: dict[int, int] = {}
    known = {tensor.untyped_storage().data_ptr() for tensor in inputs.values()}
    known |= {p.untyped_storage().data_ptr() for layer in layers.values() for p in layer.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    forward = forward_of(form)
    total = 0
    for name, layer in layers.items():
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            output = forward(layer, inputs[name])
        total += sum(kept.values())
        kept.clear()
        del output
    return total


def peak_bytes(form: str, layers: dict[str, RoutedLoraLinear], inputs: dict[str, Tensor]) -> int:
    """On CUDA: the allocator's peak within a step, above what was allocated before it."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step(form, layers, inputs)
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def time_forms(
    layers: dict[str, RoutedLoraLinear], inputs: dict[str, Tensor], repeats: int, device: str
) -> dict[str, float]:
    """Form -> seconds, medians of runs in turns."""
    found: dict[str, list[float]] = {form: [] for form in FORMS}
    for repeat in range(repeats + 1):
        for form in FORMS:
            found[form].append(_seconds(lambda form=form: step(form, layers, inputs), device))  # type: ignore[misc]
        if repeat == 0:
            found = {form: [] for form in FORMS}  # the first turn warms up
    return {form: statistics.median(times) for form, times in found.items()}


def _seconds(run: Callable[[], None], device: str) -> float:
    if device == "cpu":
        start = time.process_time()
        run()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def ratios(figures: dict[str, float]) -> dict[str, float]:
    """How many times as much the loop needs: of the whole, and of what it adds to the frozen linears."""
    frozen, loop, ours = (figures[form] for form in FORMS)
    return {"whole": loop / ours, "added": (loop - frozen) / max(ours - frozen, 1e-12)}


def measure(sizes: Sizes, experts: int, dropout: float, repeats: int, device: str) -> dict[str, Any]:
    layers, inputs = make_layers(sizes, experts, dropout, device), make_inputs(sizes, device)
    difference = require_same(layers, inputs, 1e-4 if sizes.dtype == "float32" else 5e-2)
    times = time_forms(layers, inputs, repeats, device)
    memory = {form: float(kept_bytes(form, layers, inputs)) for form in FORMS}
    result = {
        "experts": experts,
        "dropout": dropout,
        "difference": difference,
        "seconds": times,
        "time_ratio": ratios(times),
        "kept_bytes": memory,
        "memory_ratio": ratios(memory),
    }
    if device == "cuda":
        peaks = {form: float(peak_bytes(form, layers, inputs)) for form in FORMS}
        result |= {"peak_bytes": peaks, "peak_ratio": ratios(peaks)}
    return result


def machine(device: str) -> dict[str, str]:
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return {"device": name, "torch": torch.__version__, "peft": version("peft"), "python": platform.python_version()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--experts", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(1 if chosen.device == "cpu" else torch.get_num_threads())
    sizes = FULL if chosen.device == "cuda" else SMALL
    found = []
    for experts in chosen.experts:
        for dropout in (0.05, 0.0):
            result = measure(sizes, experts, dropout, chosen.repeats, chosen.device)
            found.append(result)
            added = {key: result[f"{key}_ratio"]["added"] for key in ("time", "memory")}
            print(
                f"{experts} experts, dropout {dropout}: added time {added['time']:.1f}x, memory {added['memory']:.1f}x less"
            )
    report = {"sizes": asdict(sizes), "machine": machine(chosen.device), "results": found}
    if chosen.out:
        chosen.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
