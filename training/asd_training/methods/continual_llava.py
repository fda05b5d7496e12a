"""Continual LLaVA: a frozen model and a pool of low-rank increments, picked by what is asked. No rehearsal, no task id.

Source: Continual LLaVA (arXiv 2411.02564). Its code was never released; "descended" below is what public code of the
same lineage does. For a row with instruction embedding q, in every attention output projection:

    W x + sum over m of weight_m * B_m A_m x                        intrinsic: the M increments with the nearest keys
        + sum over earlier tasks l of w_l * sum over n of u_l,n * B_n A_n x          contextual: their mean choices

Stage one fits the keys to the instructions (loss: -cos of q and the chosen keys), stage two the increments and the w
by the language loss. What the sources leave open, and what is done here:

- Embedding: of the bare question, without the response-format prompt and the image, by a frozen sentence encoder;
  the default is the descended code's. Cosines are over whole vectors (descended: mean over 4 groups of dimensions).
- A task's own increments: `slots` are added per task; its rows choose among these while it trains (descended), so that
  every choice is learnt by the task that made it. At inference all increments of all tasks compete.
- Weights of the chosen: cos / sum of cos, which the formula says, with cosines below 0 taken as 0; the text says
  softmax, `weights: softmax`.
- Keys: orthogonal start, AdamW with weight decay 0.01 at 1e-3, divided by 10 after each of 3 epochs, batches of 128,
  gradients clipped to 0.1 (all descended). They stay as they are in stage two. Keys that no row chooses get no
  gradient; nothing is done about it.
- Mean choices u_l: mean of a task's intrinsic weights over its training rows, after stage one. Only earlier tasks are
  summed (descended: the current one too, at weight 1, on top of the intrinsic increment).
- w_l: one number per earlier task for the whole model, learnt anew in each task, in (0, 1) by a sigmoid, from
  1 / (4 * number of earlier tasks) (descended: 1 / (4 i)). At inference those of the last task are used.
- Stop-gradient: earlier tasks' increments are frozen, so only w gets a gradient through the contextual increment.
- Increments: B A with B zero and A as PEFT starts it, no scale (alpha = rank), dropout as in `train.lora`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from peft import PeftModel
from torch import Tensor, nn

from asd_training.errors import SettingError
from asd_training.instruction_encoders import instruction_size
from asd_training.layers.increment_pool import Choice, IncrementPool, PooledLoraLinear, Slots, key_loss
from asd_training.methods.adapters import add_adapter
from asd_training.methods.defaults import MethodDefaults

if TYPE_CHECKING:
    from asd_training.config import ContinualLlava as ContinualLlavaSettings
    from asd_training.config import LoraSettings
    from asd_training.methods.protocol import Stage, StageRows

POOL = "lora_pool"
"""Name of the pool in the model; begins like PEFT's parameters, so that PEFT does not freeze it."""
_CLIP, _DECAY, _FADE = 0.1, 0.01, 0.1


class ContinualLlava(MethodDefaults):
    """Raises: SettingError if more increments are to be chosen than a task has."""

    can_merge = False
    reads_instructions = True

    def __init__(self, settings: ContinualLlavaSettings, lora: LoraSettings) -> None:
        if settings.chosen > settings.slots:
            raise SettingError(f"method.chosen is {settings.chosen}, but a task has {settings.slots} slots")
        self.settings = settings
        rank = settings.slots * settings.rank
        self.lora = lora.model_copy(update={"r": rank, "alpha": float(rank), "targets": settings.targets})
        self.choice = Choice(settings.chosen, settings.weights)
        self._key_size: int | None = None

    def adapter_of(self, stage: Stage) -> str:
        return f"task_{stage.number + 1:02d}"

    def wrap(self, model: nn.Module, stage: Stage) -> nn.Module:
        name = self.adapter_of(stage)
        if isinstance(model, PeftModel) and name in model.peft_config:
            return model
        pool = self._pool(model)
        wrapped = add_adapter(model, self.lora, name, layers=partial(PooledLoraLinear, pool=[pool]))
        base = wrapped.get_base_model()
        if not hasattr(base, POOL):
            base.add_module(POOL, pool)
        for slots in pool.values():
            slots.requires_grad_(False)
        pool[name] = self._slots(earlier=len(pool)).to(next(base.parameters()).device)
        pool.training_on = name
        return wrapped

    def _slots(self, earlier: int) -> Slots:
        if self._key_size is None:
            self._key_size = instruction_size(self.settings)
        return Slots(self.settings.slots, self._key_size, earlier)

    def _pool(self, model: nn.Module) -> IncrementPool:
        base = model.get_base_model() if isinstance(model, PeftModel) else model
        pool: IncrementPool = getattr(base, POOL, None) or IncrementPool(self.choice)
        return pool

    def before_training(self, model: nn.Module, stage: Stage, rows: StageRows) -> None:
        """Stage one: keys, then how often each is chosen."""
        pool = self._pool(model)
        slots = pool.slots(self.adapter_of(stage))
        instructions = rows.instructions().to(slots.keys.device)
        fit_keys(slots.keys, instructions, self.settings, seed=stage.number)  # type: ignore[arg-type]
        with torch.no_grad():
            slots.usage.copy_(pool.intrinsic(instructions)[self.adapter_of(stage)].mean(0))

    def carry_over(self, model: nn.Module, stage: Stage) -> nn.Module:
        self._pool(model).training_on = None
        return model


def fit_keys(keys: nn.Parameter, instructions: Tensor, settings: ContinualLlavaSettings, seed: int) -> None:
    """Move keys (slots, d) towards the instructions (rows, d) that choose them; in place."""
    draw = torch.Generator().manual_seed(seed)
    keys.requires_grad_(True)
    optimizer = torch.optim.AdamW([keys], lr=settings.key_lr, weight_decay=_DECAY)
    for _ in range(settings.key_epochs):
        for places in torch.split(torch.randperm(len(instructions), generator=draw), settings.key_batch):
            optimizer.zero_grad()
            key_loss(instructions[places.to(instructions.device)], keys, settings.chosen).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([keys], _CLIP)
            optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= _FADE
    keys.requires_grad_(False)
    keys.grad = None
