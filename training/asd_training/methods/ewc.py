"""EWC: what earlier tasks need is held back by a quadratic penalty, weighted by the diagonal Fisher information.

    loss + strength / 2 * sum over earlier tasks k, elements i of F_k,i (v_i - v*_k,i)^2

Source: Elastic Weight Consolidation (arXiv 1612.00796), eq. 3, one term per task (kept as one parabola, exactly; see
`asd_training.layers.anchored_values`). `fisher` chooses v:

  adapter   elements of A and B of one adapter that goes on from task to task. Cheap.
  merged    elements of the merged update: v = scale * B A since the last merge, F from gradients with respect to the
            adapted weights themselves. What a function needs does not depend on how B A is factored, but this takes
            two float32 numbers per adapted weight, and one product B A per layer and step.

Choices that the paper leaves open: F is the empirical Fisher, from `rows` training rows per task, chosen by a hash
of `sample` and their ids (all processes take the same rows, so that all have the same F), of the summed log likelihood
of a row's answer tokens, dropout off. With a loss per answer token, a strength of about 1 / (answer tokens per row) is
what Bayes' rule gives for tasks of equal size; in practice more is used (the paper: 400 on MNIST), and the default of
100 is ours. `decay` < 1 lets earlier tasks fade by that factor at each new one (online EWC). The projector, if it is
trained, is not held back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from asd_training.errors import ModelError, StateError, list_names
from asd_training.layers.anchored_values import Anchor, first_anchor
from asd_training.layers.fisher import diagonal_fisher
from asd_training.layers.lora_pairs import layer_name, lora_pairs
from asd_training.methods.seq_lora import SeqLora

if TYPE_CHECKING:
    from asd_training.config import Ewc as EwcSettings
    from asd_training.config import LoraSettings
    from asd_training.methods.protocol import Stage, StageRows

_ENTRIES = ("importance", "anchor", "constant")


class Ewc(SeqLora):
    has_extra_loss = True
    can_shard = False  # row by row, Fisher information wants gradients of whole parameters

    def __init__(self, settings: EwcSettings, lora: LoraSettings) -> None:
        self.lora = lora
        self.merged = settings.fisher == "merged"
        self.between_tasks = "merge" if self.merged else "keep"
        self.strength, self.decay = settings.strength, settings.decay
        self.num_rows, self.sample = settings.rows, settings.sample
        self.scale = lora.alpha / lora.r
        self.anchors: dict[str, Anchor] = {}
        self._rows: StageRows | None = None

    def before_training(self, model: nn.Module, stage: Stage, rows: StageRows) -> None:
        self._rows = rows

    def extra_loss(self, model: nn.Module) -> Tensor:
        """Raises: ModelError if the adapted layers are not those of earlier tasks."""
        total = super().extra_loss(model)
        if not self.anchors:
            return total
        parts = self._values(model)
        _check_same(self.anchors.keys(), parts.keys())
        for name, factors in parts.items():
            self.anchors[name] = self.anchors[name].to(factors[0].device)
            cost = checkpoint(self._penalty, name, *factors, use_reentrant=False)  # keeps no B A of any layer
            total = total + cost.to(total.device)
        return self.strength / 2 * total

    def _penalty(self, name: str, *factors: Tensor) -> Tensor:
        with torch.autocast(factors[0].device.type, enabled=False):
            return self.anchors[name].penalty(self._value(factors))

    def _value(self, factors: tuple[Tensor, ...]) -> Tensor:
        """factors: (A, B) of a layer, or the one tensor that is held back itself."""
        if len(factors) == 1:
            return factors[0].float()
        lora_a, lora_b = factors
        return self.scale * lora_b.float() @ lora_a.float()

    def _values(self, model: nn.Module) -> dict[str, tuple[Tensor, ...]]:
        pairs = lora_pairs(model, "default")
        if self.merged:
            return dict(pairs)
        return {f"{layer}/{name}": (pair[at],) for layer, pair in pairs.items() for at, name in enumerate("AB")}

    def after_task(self, model: nn.Module, stage: Stage) -> None:
        if self._rows is None:
            raise ModelError(f"stage {stage.name!r} ended without having begun; call before_training first")
        losses = self._rows.losses(model, self.num_rows, self.sample)
        values = self._values(model)
        if self.merged:
            with _trainable_weights(model, set(values)) as weights:
                importance = diagonal_fisher(weights, losses)
        else:
            importance = diagonal_fisher({name: factors[0] for name, factors in values.items()}, losses)
        with torch.no_grad():
            self.anchors = {name: self._joined(name, importance[name], values[name]) for name in values}

    def _joined(self, name: str, importance: Tensor, factors: tuple[Tensor, ...]) -> Anchor:
        """Merged updates are counted from the weights that the next task starts from, where this task's is 0."""
        value = self._value(factors)
        left = torch.zeros_like(value) if self.merged else value
        if name not in self.anchors:
            return first_anchor(importance, left)
        old = self.anchors[name].to(value.device).faded(self.decay)
        return (old.moved(value) if self.merged else old).joined(importance, left)

    def state_dict(self) -> dict[str, Tensor]:
        return {
            f"{name}/{entry}": getattr(anchor, entry).detach().cpu().contiguous()
            for name, anchor in self.anchors.items()
            for entry in _ENTRIES
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        parts = [key.rpartition("/") for key in state]
        names = {name for name, _, entry in parts if entry in _ENTRIES}
        wanted = {f"{name}/{entry}" for name in names for entry in _ENTRIES}
        if wanted != state.keys():
            raise StateError(
                f"not a state of EWC: missing {list_names(wanted - state.keys()) or 'nothing'}, "
                f"unexpected {list_names(state.keys() - wanted) or 'nothing'}"
            )
        self.anchors = {name: Anchor(*(state[f"{name}/{entry}"] for entry in _ENTRIES)) for name in sorted(names)}


class _trainable_weights:  # noqa: N801  # used as a context
    """The frozen weights of adapted layers, by layer name, for a while with gradients."""

    def __init__(self, model: nn.Module, layers: set[str]) -> None:
        modules: Any = model.named_modules()
        named = ((layer_name(path), module) for path, module in modules if isinstance(module, LoraLayer))
        linears: dict[str, Any] = {name: module.get_base_layer() for name, module in named if name in layers}
        self.weights: dict[str, Tensor] = {name: linear.weight for name, linear in linears.items()}

    def __enter__(self) -> dict[str, Tensor]:
        for weight in self.weights.values():
            weight.requires_grad_(True)
        return self.weights

    def __exit__(self, *_: object) -> None:
        for weight in self.weights.values():
            weight.requires_grad_(False)


def _check_same(known: Any, given: Any) -> None:
    if known != given:
        raise ModelError(
            f"the adapted layers are not those of earlier tasks: missing now {list_names(known - given) or 'none'}, "
            f"new {list_names(given - known) or 'none'}; adapt the same layers for every task"
        )
