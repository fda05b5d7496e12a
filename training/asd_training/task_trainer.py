"""`transformers.Trainer` for one stage: answer-token loss by style, a method's extra loss once per optimizer step,
a learning rate for the projector, checkpoints that hold exactly what is trained.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset, Sampler, SequentialSampler
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from asd_training.encoding import IGNORED, Encoded
from asd_training.layers.conditioning import condition
from asd_training.learning import FirstBadStep, require_numbers
from asd_training.methods.adapters import load_adapter, save_adapter
from asd_training.models import Projector
from asd_training.processes import wait_for_all
from asd_training.sharding import ShardedCopy, average_gradients, leave_model_alone, save_optimizer_whole
from asd_training.stage_files import CHECKPOINT_COMPLETE, StageFiles

if TYPE_CHECKING:
    from asd_training.config import TrainConfig
    from asd_training.methods.protocol import ContinualMethod, Stage


class OrderedExamples(Dataset[Encoded]):
    """Examples in the order of training: epoch after epoch, each shuffled by the seed, `length` in all."""

    def __init__(self, encode: Callable[[int], Encoded], num_rows: int, length: int, seed: int) -> None:
        self.encode = encode
        draw = torch.Generator().manual_seed(seed)
        epochs = -(-length // num_rows)
        self.order = torch.cat([torch.randperm(num_rows, generator=draw) for _ in range(epochs)])[:length].tolist()

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, position: int) -> Encoded:
        return self.encode(self.order[position])


@dataclass(frozen=True)
class StepPlan:
    """How many optimizer steps, and how many examples they see."""

    steps: int
    examples: int

    @classmethod
    def of(cls, config: TrainConfig, num_rows: int, num_processes: int) -> StepPlan:
        per_step = config.batch * config.accumulate * num_processes
        if config.steps is not None:
            return cls(config.steps, config.steps * per_step)
        examples = max(1, round(config.epochs * num_rows))
        return cls(-(-examples // per_step), examples)


class _Totals:
    """Sums since the last log line, kept on the device so that no step waits for them."""

    def __init__(self, num_styles: int, device: torch.device) -> None:
        self.by_style = torch.zeros(2, num_styles, dtype=torch.float64, device=device)  # loss, tokens
        self.penalty = torch.zeros(2, dtype=torch.float64, device=device)  # penalty, steps

    def add_losses(self, losses: Tensor, styles: Tensor) -> None:
        pair = torch.stack([losses.detach().double(), torch.ones_like(losses, dtype=torch.float64)])
        self.by_style.index_add_(1, styles, pair)

    def add_penalty(self, penalty: Tensor) -> None:
        self.penalty += torch.stack([penalty.detach().double(), torch.ones_like(penalty, dtype=torch.float64)])

    def read(self, styles: Sequence[str], reduce: Callable[[Tensor], Tensor]) -> dict[str, Any]:
        losses, tokens = reduce(self.by_style).tolist()
        penalty, steps = reduce(self.penalty).tolist()
        seen = sum(tokens)
        line: dict[str, Any] = {"loss": sum(losses) / seen if seen else None, "answer_tokens": int(seen)}
        line["loss_by_style"] = {
            style: loss / count for style, loss, count in zip(styles, losses, tokens, strict=True) if count
        }
        if steps:
            line["penalty"] = penalty / steps
        return line


class TaskTrainer(Trainer):
    """Trains one stage. Answer tokens only: the mean over all answer tokens of an optimizer step, as in one batch."""

    def __init__(
        self,
        model: nn.Module,
        examples: OrderedExamples,
        collate: Callable[[Sequence[Encoded]], dict[str, Tensor]],
        *,
        arguments: TrainingArguments,
        config: TrainConfig,
        method: ContinualMethod,
        stage: Stage,
        projector: Projector | None,
        styles: Sequence[str],
        files: StageFiles,
        sharded: ShardedCopy | None = None,
        on_line: Callable[[int, int, dict[str, Any]], None] = lambda step, steps, line: None,
    ) -> None:
        """sharded: what `model` is the copy of, if it is sharded; on_line: is told each line of the log, by the process
        that writes it."""
        super().__init__(model=model, args=arguments, train_dataset=examples, data_collator=collate)
        self.sharded, self.on_line = sharded, on_line
        if sharded:
            leave_model_alone(self.accelerator)
        self.remove_callback(PrinterCallback)
        self.add_callback(_Checkpoints(config.checkpoint_s, config.checkpoint_steps))
        self.model_accepts_loss_kwargs = True  # compute_loss divides by all answer tokens of the step
        self.config, self.method, self.stage, self.projector, self.files = config, method, stage, projector, files
        self.styles = list(styles)
        self._totals = _Totals(len(self.styles), arguments.device)
        self._first_bad = FirstBadStep(arguments.device)

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        labels, styles = inputs.pop("labels"), inputs.pop("style")
        condition(self.accelerator.unwrap_model(model), inputs)
        outputs = model(**inputs, use_cache=False)
        targets = labels[:, 1:]
        rows, places = (targets != IGNORED).nonzero(as_tuple=True)
        losses = cross_entropy(outputs.logits[rows, places].float(), targets[rows, places], reduction="none")
        self._totals.add_losses(losses, styles[:, 1:][rows, places])
        step = self.state.global_step + 1
        self._first_bad.watch(losses, step)
        tokens = num_items_in_batch if num_items_in_batch is not None else len(losses)
        loss = losses.sum() / tokens * (self.accelerator.num_processes if num_items_in_batch is not None else 1)
        if self.method.has_extra_loss and self.accelerator.sync_gradients:
            penalty = self.method.extra_loss(self.accelerator.unwrap_model(model))
            self._totals.add_penalty(penalty)
            self._first_bad.watch(penalty, step, of_method=True)
            loss = loss + penalty
        if self.method.has_batch_loss:
            penalty = self.method.batch_loss(self.accelerator.unwrap_model(model))
            self._totals.add_penalty(penalty)
            self._first_bad.watch(penalty, step, of_method=True)
            loss = loss + penalty / self.args.gradient_accumulation_steps
        return (loss, outputs) if return_outputs else loss

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        loss = super().training_step(model, inputs, num_items_in_batch)
        if self.sharded and self.accelerator.sync_gradients:
            average_gradients(self.sharded.model)
        return loss

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            module: Any = self.model
            kind, settings = self.get_optimizer_cls_and_kwargs(self.args, module)
            self.optimizer = kind(self._parameter_groups(module), **settings)
            if self.sharded:
                save_optimizer_whole(self.optimizer)
        return self.optimizer

    def _parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        mine = self.projector.parameters(model) if self.projector else {}
        of_projector = {id(parameter) for parameter in mine.values()}
        rest = [p for p in model.parameters() if p.requires_grad and id(p) not in of_projector]
        groups: list[dict[str, Any]] = [
            {"params": rest, "lr": self.config.lr, "weight_decay": self.config.weight_decay}
        ]
        if mine:
            rate = self.config.projector_lr
            groups.append({"params": list(mine.values()), "lr": rate, "weight_decay": self.config.weight_decay})
        return groups

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        examples: Any = self.train_dataset
        return SequentialSampler(examples)  # it is in order already

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        return 0  # walks over all parameters at every step, for a figure that nobody reads

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            require_numbers(self._first_bad, self.stage.folder, self.state.max_steps, self.config)
            reduce: Any = self.accelerator.reduce
            line = self._totals.read(self.styles, lambda tensor: reduce(tensor, reduction="sum"))
            line |= {"lr": logs.get("learning_rate"), "grad_norm": _number(logs.get("grad_norm"))}
            self._totals = _Totals(len(self.styles), self.args.device)
            if self.is_world_process_zero():
                self.files.append_log({"step": self.state.global_step, **line})
                self.on_line(self.state.global_step, self.state.max_steps, line)
            by_style = {f"loss/{style}": value for style, value in line.pop("loss_by_style").items()}
            logs = {**logs, **{k: v for k, v in line.items() if v is not None}, **by_style}
        super().log(logs, start_time)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        if self.sharded:
            self.sharded.gather()
        super().save_model(output_dir, _internal_call)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if self.sharded and not self.args.should_save:
            optimizer: Any = self.optimizer
            optimizer.state_dict()  # gathered, which the process that saves cannot do alone
        super()._save_optimizer_and_scheduler(output_dir)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        model: Any = self.sharded.whole if self.sharded else self.accelerator.unwrap_model(self.model)
        save_adapter(model, self.method.adapter_of(self.stage), folder / "adapter")
        if self.projector:
            self.projector.save(model, folder / "projector.safetensors")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        folder = Path(resume_from_checkpoint)
        into: Any = self.sharded.whole if self.sharded else self.model
        load_adapter(into, self.method.adapter_of(self.stage), folder / "adapter")
        if self.projector:
            self.projector.load(into, folder / "projector.safetensors")
        if self.sharded:
            self.sharded.scatter()


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


class _Checkpoints(TrainerCallback):
    """Asks for a checkpoint every so often, always at a log line, so that a resumed run logs the same sums."""

    def __init__(self, every_s: float, every_steps: int | None) -> None:
        self.every_s, self.every_steps = every_s, every_steps
        self.last = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.global_step >= state.max_steps:
            control.should_save = False  # the stage itself is saved next
            control.should_log = True
            return
        if self.every_steps is not None:
            due = state.global_step % self.every_steps == 0
            control.should_log |= due
        else:
            due = control.should_log and time.monotonic() - self.last >= self.every_s
        control.should_save = due

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.last = time.monotonic()
        wait_for_all()  # each process writes a file of its own
        if state.is_world_process_zero:
            folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
            (folder / CHECKPOINT_COMPLETE).write_text(json.dumps({"step": state.global_step}))
            StageFiles.remove_checkpoints(Path(str(args.output_dir)), keep=folder)


def training_arguments(
    config: TrainConfig, plan: StepPlan, folder: Path, seed: int, *, mixed: bool, name: tuple[str, str]
) -> TrainingArguments:
    """name: of the run and of the stage, for trackers; mixed: some rows have images and some have not, so a process may
    meet a step without images."""
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=config.batch,
        gradient_accumulation_steps=config.accumulate,
        max_steps=plan.steps,
        learning_rate=config.lr,
        lr_scheduler_type=config.schedule,
        warmup_steps=math.ceil(config.warmup * plan.steps) if plan.steps > 1 else 0,  # its first step has the rate 0
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        bf16=config.precision == "bfloat16",
        use_cpu=not (torch.cuda.is_available() or torch.backends.mps.is_available()),
        logging_strategy="steps",
        logging_steps=config.log_steps,
        logging_nan_inf_filter=False,
        save_strategy="no",
        seed=seed,
        data_seed=seed,
        report_to=list(config.report_to) or "none",
        project=name[0],
        run_name="/".join(name),
        disable_tqdm=True,
        log_level="error",
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_num_workers=config.loader_workers,
        dataloader_pin_memory=torch.cuda.is_available(),
        average_tokens_across_devices=True,
        ddp_find_unused_parameters=mixed or None,
    )
