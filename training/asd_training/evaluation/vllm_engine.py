"""vLLM in place of `generate`: the same questions, images and rules for answers, another program that writes.

The model as it stands (its adapters added to the weights, its projector) is written to a folder of the run and loaded by
vLLM in a process of its own; both are gone when the engine is closed. Meanwhile the model here leaves the GPU.

vLLM preprocesses images itself. That it does so as training did is checked, not hoped: pixels of the first image, and
for SAMPLE questions of each task every token, image tokens among them, have to be what the encoder here makes.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from asd_training.errors import EngineError, ModelError, SettingError
from asd_training.evaluation.allowed_tokens import Rule
from asd_training.evaluation.generate import answer_text, end_tokens
from asd_training.evaluation.served_model import write_description, write_model
from asd_training.evaluation.vllm_process import VllmProcess, require_vllm
from asd_training.methods.registry import method_class
from asd_training.processes import gather_by_position, num_processes, rank, share_of, start_processes, writes_files

if TYPE_CHECKING:
    from PIL import Image

    from asd_training.config import RunConfig
    from asd_training.inputs import RunInputs

SAMPLE = 16
"""Questions of a task whose tokens are compared with those of the encoder."""
_CHUNK = 512
"""Questions in one message: the next ones are prepared while vLLM answers these."""
_SHARE = 0.9
"""Of the memory that is free."""
_PIXEL = 1e-3
"""Far below one of 255 levels of brightness."""
_FOLDER = ".vllm-model-"
Row = Mapping[str, Any]


def require_engine(config: RunConfig) -> None:
    """Quick checks, before anything is loaded. Raises: SettingError."""
    if config.eval.engine != "vllm":
        return
    if not method_class(config.method).can_merge:
        raise SettingError(
            f"eval.engine is vllm, but adapters of the method {config.method.method!r} cannot be added to the weights "
            "without changing what the model computes, and vLLM serves no others; set eval.engine to transformers"
        )
    shared = config.eval.vllm.tensor_parallel_size > 1
    if shared and config.eval.constrained:
        raise SettingError(
            "eval.constrained needs vLLM in one process; set eval.vllm.tensor_parallel_size to 1, or eval.constrained to "
            "false"
        )
    if shared and num_processes() > 1:
        raise SettingError(
            f"{num_processes()} processes each run a vLLM on a GPU of their own; set eval.vllm.tensor_parallel_size to 1"
        )
    require_vllm()


def require_model(model: nn.Module, inputs: RunInputs, root: Path) -> None:
    """Asks vLLM, before time is spent on training, whether it knows the model. Raises: EngineError, ModelError."""
    config = inputs.config
    arguments = _given({"max_model_len": config.eval.vllm.max_model_len})
    with TemporaryDirectory() as folder, closing(VllmProcess(root / "vllm.log")) as process:
        write_description(model, inputs.processor, Path(folder))
        reply = process.ask(
            f"looking at the model {config.model.name!r} (before anything is trained)",
            do="check",
            arguments={"model": folder, "dtype": config.train.precision, **arguments},
        )
    if inputs.processor.image_processor is not None and not reply["images"]:
        raise ModelError(f"vLLM takes no images with {config.model.name!r}; set eval.engine to transformers")


@contextmanager
def serve(model: nn.Module, inputs: RunInputs, root: Path) -> Iterator[VllmEngine]:
    """root: folder for the log, and for the model while it is served."""
    engine = VllmEngine(model, inputs, root)
    try:
        yield engine
    finally:
        engine.close()


class VllmEngine:
    """Answers of one model, which must not change meanwhile; loaded when the first question comes."""

    def __init__(self, model: nn.Module, inputs: RunInputs, root: Path) -> None:
        self._model, self._inputs, self._root = model, inputs, root
        self._home = next(model.parameters()).device
        self._device = start_processes()
        self._ends = end_tokens(model, inputs.tokenizer, inputs.prompts.end_id)
        self._process: VllmProcess | None = None
        self._images = 1
        self._is_probed = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def answers(
        self, task: str, rows: Sequence[Row], image_root: Path | None, rules: Sequence[Rule] | None = None
    ) -> list[str]:
        """As `generate` gives them. rules: per row; None = all tokens. Raises: EngineError, MemoryLimitError."""
        self._start(task, max((len(row["images"]) for row in rows), default=0))
        numbers = share_of(range(len(rows)))
        chunks = [numbers[start : start + _CHUNK] for start in range(0, len(numbers), _CHUNK)]
        tokens_of: dict[int, list[int]] = {}
        prompts: dict[int, list[int]] = {}
        doing = f"evaluating {task}"
        for position in range(len(chunks) + 1):
            if position < len(chunks):
                self._send(doing, chunks[position], rows, image_root, rules)
            if position > 0:
                reply = self._receive(doing)
                tokens_of |= zip(chunks[position - 1], reply["answers"], strict=True)
                prompts |= zip(chunks[position - 1], reply["prompts"], strict=True)
        self._compare_prompts(rows, image_root, prompts)
        texts = {number: self._text(rows[number], tokens) for number, tokens in tokens_of.items()}
        everyone = gather_by_position(texts)
        return [everyone[number] for number in range(len(rows))]

    def _send(
        self,
        doing: str,
        numbers: Sequence[int],
        rows: Sequence[Row],
        image_root: Path | None,
        rules: Sequence[Rule] | None,
    ) -> None:
        assert self._process is not None
        encoder = self._inputs.encoder(image_root)
        distinct: dict[int, tuple[int, Rule]] = {}
        prompts = []
        probe: Image.Image | None = None
        for number in numbers:
            ids, pictures = encoder.request(rows[number])
            probe = probe or next(iter(pictures), None)
            rule = rules[number] if rules is not None else None
            place = distinct.setdefault(id(rule), (len(distinct), rule))[0] if rule is not None else None
            prompts.append({"ids": ids, "images": [_raw(picture) for picture in pictures], "rule": place})
        self._process.send(
            doing,
            do="answer",
            prompts=prompts,
            stop=self._ends,
            max_tokens=self._inputs.config.eval.max_new_tokens,
            rules=[rule.data() for _, rule in distinct.values()],
            probe=probe is not None and not self._is_probed,
        )
        if probe is not None and not self._is_probed:
            self._is_probed = True
            self._probe = probe

    def _receive(self, doing: str) -> dict[str, Any]:
        assert self._process is not None
        reply = self._process.receive(doing)
        if reply["pixels"] is not None:
            self._compare_pixels(reply["pixels"])
        return reply

    def _compare_pixels(self, theirs: dict[str, tuple[list[int], bytes]]) -> None:
        made = self._inputs.processor.image_processor(images=[self._probe], return_tensors="pt")
        for key, ours in made.items():
            if not torch.is_tensor(ours) or not ours.is_floating_point():
                continue
            shape, packed = theirs.get(key, ([], b""))
            if shape != list(ours.shape):
                apart = f"{key} has the shape {shape}, here {list(ours.shape)}"
            elif (most := _difference(ours, packed)) > _PIXEL:
                apart = f"{key} differs by up to {most:.3g}"
            else:
                continue
            raise EngineError(
                f"vLLM preprocesses images otherwise than training did: {apart}. The environment of vLLM has to have the "
                "same transformers, and torchvision if and only if this one has it; or set eval.engine to transformers"
            )

    def _compare_prompts(self, rows: Sequence[Row], image_root: Path | None, prompts: Mapping[int, list[int]]) -> None:
        numbers = sorted(prompts)
        sample = numbers[:: max(1, len(numbers) // SAMPLE)]
        for number, ours in zip(sample, self._inputs.questions([rows[n] for n in sample], image_root), strict=True):
            if ours.ids.tolist() != prompts[number]:
                raise EngineError(
                    f"row {rows[number]['id']}: vLLM reads {len(prompts[number])} tokens, training {len(ours.ids)}, or "
                    "others; this model needs eval.engine: transformers"
                )

    def _text(self, row: Row, tokens: list[int]) -> str:
        if len(tokens) < self._inputs.config.eval.max_new_tokens and set(self._ends).isdisjoint(tokens):
            raise EngineError(
                f"row {row['id']}: no room for the answer after {len(tokens)} tokens; raise eval.vllm.max_model_len"
            )
        return answer_text(self._inputs.tokenizer, tokens, self._ends)

    # -- the process --------------------------------------------------------------------------------------------

    def _start(self, task: str, images: int) -> None:
        if self._process is not None and images <= self._images:
            return
        self.close()
        self._images = max(self._images, images)
        folder = self._write()
        self._model.to("cpu")
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        name = "vllm.log" if rank() == 0 else f"vllm-{rank()}.log"
        self._process = VllmProcess(self._root / name, self._own_gpu())
        self._process.ask(
            f"loading the model to evaluate {task}",
            do="load",
            arguments=self._arguments(folder),
            constrained=self._inputs.config.eval.constrained,
            pillow=type(self._inputs.processor.image_processor).__name__.endswith("Pil"),
        )

    def _write(self) -> Path:
        """By the first process, for all of this run."""
        made: dict[int, str] = {}
        if writes_files():
            _remove_left_over(self._root)
            self._folder = self._root / f"{_FOLDER}{os.getpid()}-{socket.gethostname()}"
            write_model(self._model, self._inputs.processor, self._folder)
            made[0] = str(self._folder.resolve())
        return Path(gather_by_position(made)[0])

    def _arguments(self, folder: Path) -> dict[str, Any]:
        config, wanted = self._inputs.config, self._inputs.config.eval.vllm
        text: Any = self._model.config.get_text_config()  # type: ignore[union-attr,operator]
        room = config.train.max_length + config.eval.max_new_tokens
        context = wanted.max_model_len or min(room, getattr(text, "max_position_embeddings", None) or room)
        return {
            "model": str(folder),
            "dtype": config.train.precision,
            "generation_config": "vllm",
            **({"limit_mm_per_prompt": {"image": self._images}} if self._inputs.processor.image_processor else {}),
            "max_model_len": context,
            "tensor_parallel_size": wanted.tensor_parallel_size,
            "enforce_eager": wanted.enforce_eager,
            "gpu_memory_utilization": wanted.gpu_memory_utilization or self._free_share(),
            **_given({"max_num_seqs": wanted.max_num_seqs}),
        }

    def _free_share(self) -> float:
        if self._device.type == "cuda":
            free, total = torch.cuda.mem_get_info(self._device)
        else:
            free, total = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PHYS_PAGES")
        return round(_SHARE * free / total, 3)

    def _own_gpu(self) -> str | None:
        if self._device.type != "cuda" or self._inputs.config.eval.vllm.tensor_parallel_size > 1:
            return None
        number = self._device.index if self._device.index is not None else torch.cuda.current_device()
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        return visible.split(",")[number] if visible else str(number)

    def close(self) -> None:
        """The process ends, the folder goes, the model is back on its device."""
        if self._process is not None:
            self._process.close()
            self._process = None
        if hasattr(self, "_folder"):
            shutil.rmtree(self._folder, ignore_errors=True)
        self._model.to(self._home)


def _raw(picture: Image.Image) -> tuple[int, int, bytes]:
    return picture.width, picture.height, picture.tobytes()


def _difference(ours: torch.Tensor, packed: bytes) -> float:
    theirs = torch.frombuffer(bytearray(packed), dtype=torch.float32)
    return float((ours.float().flatten() - theirs).abs().max())


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _remove_left_over(root: Path) -> None:
    """Models that a killed process of this machine could not remove."""
    for path in root.glob(f"{_FOLDER}*"):
        pid, _, host = path.name.removeprefix(_FOLDER).partition("-")
        if host == socket.gethostname() and not _is_running(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(pid: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
