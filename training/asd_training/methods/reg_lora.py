"""RegLoRA: keep a new task's update small where earlier tasks' updates were large.

    after each task:         key elements of a layer = the M % of its elements with the largest |B A|
    while a task trains:     loss + lambda * mean over layers( mean over key elements so far of |B A| )

Source: SEFE (arXiv 2505.02486), defaults as in its released code: lambda = 2500, M = 2 %, B A without the
alpha / rank scale, the mean over layers of per-layer means (that code divides by 224, LLaMA-7B's number of
adapted linears; here by the number of adapted layers, whatever it is).

`duplicates` chooses between two readings of "key elements so far". "count" is the released code's: lists of
positions joined, so that an element chosen after two tasks weighs twice and the divisor is the length of the
joined list. "union" is the paper's: each element once. Counts saturate at 15 tasks.

The penalty speaks of the current task's update only. Merge the adapter after each task and start a fresh one,
as released, or keep earlier adapters frozen beside it and name the current one (`adapter=`): B A is the new
one's in both.

    penalty = RegLoraPenalty()
    for task in tasks:
        model = get_peft_model(base, LoraConfig(r=128, target_modules="all-linear"))
        for batch in task:
            loss = model(**batch).loss + penalty(model)          # 0 while the first task trains
            loss.backward(); optimizer.step(); optimizer.zero_grad()
        penalty.update_from(model)
        base = model.merge_and_unload()

In `transformers.Trainer`, add it in an overridden `compute_loss`. It depends on parameters only: call it once
per optimizer step (with gradient accumulation: on one micro-batch, or on each, divided by their number),
outside the model's forward, so gradient checkpointing neither repeats nor loses it. Autocast is off inside,
whatever surrounds the call.

Several processes: DDP, ZeRO-1 and 2 (whole parameters), and FSDP2 (`fully_shard`): there the pairs are gathered
for each call, which every process has to make. FSDP1 and ZeRO-3 are refused.

Limits: linear layers. `compute_dtype=torch.bfloat16` for float32 adapters of rank above 64 on CUDA (see
`masked_l1`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from asd_training.errors import ModelError, SettingError, StateError, list_names
from asd_training.layers.delta_weight import check_factors
from asd_training.layers.key_elements import key_elements
from asd_training.layers.lora_pairs import LoraPairs, lora_pairs
from asd_training.layers.masked_l1 import masked_delta_l1_means
from asd_training.layers.packed_bits import (
    PackedWeights,
    add_weights,
    join_weights,
    weights_from_state,
    weights_to_state,
)
from asd_training.layers.sharded import whole_pair

Duplicates = Literal["count", "union"]

FORMAT_VERSION = 1
_HEADER = "reg_lora"
_HEADER_ENTRIES = ("format_version", "num_tasks", "fraction", "duplicates")


class RegLoraPenalty:
    """Key elements of all adapted layers, and the penalty on them.

    strength: SEFE's lambda. fraction: its M, as a share. key_elements: packed weights by layer name, empty
    before the first `update_from`; num_tasks: how many tasks are in them. Raises: SettingError if a setting
    is out of range.
    """

    def __init__(
        self,
        *,
        strength: float = 2.5e3,
        fraction: float = 0.02,
        duplicates: Duplicates = "count",
        compute_dtype: torch.dtype | None = None,
    ) -> None:
        if not strength >= 0:
            raise SettingError(f"the strength of the penalty must be 0 or more, got {strength}; SEFE uses 2500")
        if not 0 < fraction <= 1:
            raise SettingError(f"the fraction of key elements must be in (0, 1], got {fraction}; 0.02 is 2 %")
        if duplicates not in get_args(Duplicates):
            raise SettingError(f"duplicates must be one of {', '.join(get_args(Duplicates))}, got {duplicates!r}")
        self.strength = strength
        self.fraction = fraction
        self.duplicates = duplicates
        self.compute_dtype = compute_dtype
        self.key_elements: dict[str, PackedWeights] = {}
        self.num_tasks = 0

    @property
    def size_bytes(self) -> int:
        """Memory that the key elements take."""
        return sum(weights.size_bytes for weights in self.key_elements.values())

    def __call__(self, model: nn.Module | LoraPairs, *, adapter: str | None = None) -> Tensor:
        """strength * mean over layers of the masked L1, shape (), float32, on the device of the first layer.

        model: a PEFT model, or {layer: (A, B)}. 0 before the first task's end. Raises: ModelError if its
        adapted layers are not those of the key elements; ShapeError if a layer has another shape.
        """
        pairs = _pairs_of(model, adapter)
        device = next(iter(pairs.values()))[0].device
        if not self.key_elements:
            return torch.zeros((), device=device)
        _check_same_layers(self.key_elements, pairs)
        means = [self._means_on(place, names, pairs).to(device) for place, names in _by_device(pairs).items()]
        return self.strength * torch.cat(means).mean()

    def _means_on(self, device: torch.device, names: list[str], pairs: LoraPairs) -> Tensor:
        for name in names:  # moved once, then they stay where their layer is
            self.key_elements[name] = self.key_elements[name].to(device)
        weights = [self.key_elements[name] for name in names]
        return masked_delta_l1_means([pairs[name] for name in names], weights, compute_dtype=self.compute_dtype)

    def update_from(self, model: nn.Module | LoraPairs, *, adapter: str | None = None) -> None:
        """Add the key elements of the task whose training has just ended; before its adapter is merged.

        Nothing changes if it fails. Raises: as `__call__`, and ShapeError if B A is not finite.
        """
        pairs = _pairs_of(model, adapter)
        if self.key_elements:
            _check_same_layers(self.key_elements, pairs)
            self._check_shapes(pairs)
        merge = add_weights if self.duplicates == "count" else join_weights
        updated = {}
        for name, (lora_a, lora_b) in pairs.items():
            elements = key_elements(lora_a, lora_b, self.fraction, layer=name)
            updated[name] = (
                merge(self.key_elements[name].to(elements.device), elements) if self.key_elements else elements
            )
        self.key_elements = updated
        self.num_tasks += 1

    def _check_shapes(self, pairs: LoraPairs) -> None:
        for name, (lora_a, lora_b) in pairs.items():
            shape = check_factors(lora_a, lora_b, name)[:2]
            if shape != self.key_elements[name].shape:
                known = self.key_elements[name].shape
                raise ModelError(
                    f"layer {name!r} is {shape[0]} x {shape[1]}, but its key elements of {self.num_tasks} "
                    f"earlier task(s) are of a {known[0]} x {known[1]} layer; is this another model?"
                )

    def state_dict(self) -> dict[str, Tensor]:
        """Flat dictionary of tensors, ready for safetensors; keys are `<layer>/<entry>` and
        `reg_lora/<entry>`."""
        state = {
            f"{_HEADER}/format_version": torch.tensor(FORMAT_VERSION),
            f"{_HEADER}/num_tasks": torch.tensor(self.num_tasks),
            f"{_HEADER}/fraction": torch.tensor(self.fraction, dtype=torch.float64),
            f"{_HEADER}/duplicates": torch.tensor(get_args(Duplicates).index(self.duplicates)),
        }
        for name, weights in self.key_elements.items():
            state |= {f"{name}/{entry}": tensor for entry, tensor in weights_to_state(weights).items()}
        return state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Replace the key elements by those of a state; the settings must be those it was made with.

        Nothing changes if it fails. Raises: StateError if entries are missing, extra or damaged, if it has a
        newer format, or if it was made with another fraction or reading of duplicates.
        """
        num_tasks = self._check_header(state)
        by_layer: dict[str, dict[str, Tensor]] = {}
        for key, tensor in state.items():
            layer, _, entry = key.rpartition("/")
            if not layer:
                raise StateError(f"unexpected entry {key!r}; expected keys of the form <layer>/<entry>")
            if layer != _HEADER:
                by_layer.setdefault(layer, {})[entry] = tensor
        if bool(by_layer) != bool(num_tasks):
            raise StateError(
                f"the state records {num_tasks} task(s) but key elements of {len(by_layer)} layers; damaged?"
            )
        self.key_elements = {layer: weights_from_state(entries, layer) for layer, entries in by_layer.items()}
        self.num_tasks = num_tasks

    def _check_header(self, state: Mapping[str, Tensor]) -> int:
        wanted = {f"{_HEADER}/{entry}" for entry in _HEADER_ENTRIES}
        missing = wanted - state.keys()
        extra = {key for key in state if key.startswith(f"{_HEADER}/")} - wanted
        if missing or extra:
            raise StateError(
                f"not a RegLoRA state: missing {list_names(missing) or 'nothing'}, "
                f"unexpected {list_names(extra) or 'nothing'}"
            )
        version, num_tasks, fraction, duplicates = (state[f"{_HEADER}/{entry}"].item() for entry in _HEADER_ENTRIES)
        if version != FORMAT_VERSION:
            raise StateError(f"the state has format {version}, this build reads {FORMAT_VERSION}; upgrade to read it")
        saved = get_args(Duplicates)[int(duplicates)] if 0 <= duplicates < len(get_args(Duplicates)) else duplicates
        if (fraction, saved) != (self.fraction, self.duplicates):
            raise StateError(
                f"the state was made with fraction={fraction}, duplicates={saved!r}, this penalty has "
                f"fraction={self.fraction}, duplicates={self.duplicates!r}; use the same settings to go on"
            )
        return int(num_tasks)


def _pairs_of(model: nn.Module | LoraPairs, adapter: str | None) -> LoraPairs:
    pairs = lora_pairs(model, adapter) if isinstance(model, nn.Module) else model
    if not pairs:
        raise ModelError("no LoRA pairs were given; expected {layer: (A, B)} with at least one layer")
    return {layer: whole_pair(layer, pair) for layer, pair in pairs.items()}


def _by_device(pairs: LoraPairs) -> dict[torch.device, list[str]]:
    places: dict[torch.device, list[str]] = {}
    for name, (lora_a, _) in pairs.items():
        places.setdefault(lora_a.device, []).append(name)
    return places


def _check_same_layers(known: Iterable[str], given: Iterable[str]) -> None:
    missing, extra = set(known) - set(given), set(given) - set(known)
    if missing or extra:
        raise ModelError(
            "the adapted layers are not those of the earlier tasks: "
            + "; ".join(
                f"{len(names)} {what}: {list_names(names)}"
                for what, names in (("without an adapter now", missing), ("without key elements", extra))
                if names
            )
            + "; adapt the same layers for every task"
        )
