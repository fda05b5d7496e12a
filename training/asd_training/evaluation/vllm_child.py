"""Answers questions with vLLM: a program of its own, at the other end of `asd_training.evaluation.vllm_process`.

Runs under the interpreter that has vLLM, where this package need not be installed: of the package it reads one
neighbouring file, by path. Messages come in on standard input and go out on standard output, each as 8 bytes of length
and a pickle of builtin types. A message is {"do": "check" | "load" | "answer", ...}; its reply holds "error", the class
names and the text of what was raised, where it failed. When standard input closes, this process and its group end.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

_GRACE_S = 20.0
"""For the engine to shut down once standard input is closed."""
_RULES: list[Any] = []
"""Rules of the message in work; a request names its rule by position."""


def main() -> None:
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [place for place in sys.path if place != here]  # its neighbours have names that packages have, too
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print goes into the log
    messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, messages), daemon=True).start()
    child = Child()
    while (message := messages.get()) is not None:
        try:
            reply = getattr(child, message.pop("do"))(**message)
        except Exception as exc:  # whatever it is, the other side has to know
            import traceback

            traceback.print_exc()
            reply = {"error": [kind.__name__ for kind in type(exc).__mro__], "text": str(exc)}
        _write(replies, reply)
    child.close()


def _read(stream: BinaryIO, messages: queue.Queue[dict[str, Any] | None]) -> None:
    while len(head := stream.read(8)) == 8:
        messages.put(pickle.loads(stream.read(int.from_bytes(head, "big"))))
    messages.put(None)
    time.sleep(_GRACE_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)  # busy with answers that nobody waits for


def _write(stream: BinaryIO, reply: dict[str, Any]) -> None:
    packed = pickle.dumps(reply, protocol=4)
    stream.write(len(packed).to_bytes(8, "big") + packed)
    stream.flush()


class Child:
    def __init__(self) -> None:
        self._llm: Any = None

    def check(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Whether vLLM knows the model; its weights are not read."""
        from vllm import EngineArgs

        config = EngineArgs(**arguments).create_model_config()
        return {"images": bool(config.is_multimodal_model), "context": int(config.max_model_len)}

    def load(self, arguments: dict[str, Any], constrained: bool, pillow: bool) -> dict[str, Any]:
        """constrained: answers may come with rules; pillow: images are preprocessed by Pillow, not by torchvision."""
        import vllm

        if constrained:
            arguments = {**arguments, "logits_processors": [make_limiter()], "async_scheduling": False}
        if pillow and importlib.util.find_spec("torchvision") is not None:
            arguments = {**arguments, "mm_processor_kwargs": {"backend": "pil"}}
        self._llm = vllm.LLM(**arguments)
        return {"context": int(self._llm.llm_engine.model_config.max_model_len)}

    def answer(
        self, prompts: list[dict[str, Any]], stop: list[int], max_tokens: int, rules: list[Any], probe: bool
    ) -> dict[str, Any]:
        """prompts: {"ids", "images": [(width, height, RGB bytes)], "rule": position in `rules` or None}; probe: also
        tell what becomes of the first image."""
        import vllm

        decode = self._llm.get_tokenizer().decode
        rule_from = _neighbour("allowed_tokens").rule_from
        _RULES[:] = [rule_from(data, lambda tokens: decode(list(tokens))) for data in rules]
        asked, sampling = [], []
        for prompt in prompts:
            pictures = [_picture(*image) for image in prompt["images"]]
            extra = {"rule": prompt["rule"]} if prompt["rule"] is not None else None
            asked.append(_request(prompt["ids"], pictures))
            sampling.append(
                vllm.SamplingParams(
                    temperature=0.0, max_tokens=max_tokens, stop_token_ids=stop, detokenize=False, extra_args=extra
                )
            )
        outputs = self._llm.generate(asked, sampling, use_tqdm=False)
        return {
            "prompts": [list(output.prompt_token_ids) for output in outputs],
            "answers": [list(output.outputs[0].token_ids) for output in outputs],
            "pixels": self._pixels(asked) if probe else None,
        }

    def _pixels(self, asked: list[dict[str, Any]]) -> dict[str, tuple[list[int], bytes]]:
        """The first image as vLLM's own processor makes it: name -> shape, float32 bytes."""
        from vllm.transformers_utils.processor import cached_processor_from_config

        picture = next(request["multi_modal_data"]["image"][0] for request in asked if "multi_modal_data" in request)
        processor = cached_processor_from_config(self._llm.llm_engine.model_config)
        made = processor.image_processor(images=[picture], return_tensors="pt")
        floats = {
            key: value for key, value in made.items() if hasattr(value, "dtype") and value.dtype.is_floating_point
        }
        return {key: (list(value.shape), value.float().numpy().tobytes()) for key, value in floats.items()}

    def close(self) -> None:
        if self._llm is not None:
            self._llm.llm_engine.engine_core.shutdown()


def _request(ids: list[int], pictures: list[Any]) -> dict[str, Any]:
    request: dict[str, Any] = {"prompt_token_ids": ids}
    if pictures:
        request["multi_modal_data"] = {"image": pictures}
    return request


def _picture(width: int, height: int, pixels: bytes) -> Any:
    from PIL import Image

    return Image.frombytes("RGB", (width, height), pixels)


def _neighbour(name: str) -> Any:
    full = f"asd_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).resolve().parent / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        spec.loader.exec_module(module)
    return sys.modules[full]


def make_limiter() -> Any:
    """The class that vLLM asks before each token: those that a request's rule does not allow get -inf."""
    import torch
    from vllm.v1.sample.logits_processor import AdapterLogitsProcessor

    class Limiter(AdapterLogitsProcessor):  # type: ignore[misc]
        @classmethod
        def validate_params(cls, params: Any) -> None:
            return

        def is_argmax_invariant(self) -> bool:
            return False

        def new_req_logits_processor(self, params: Any) -> Any:
            number = (params.extra_args or {}).get("rule")
            if number is None:
                return None
            rule = _RULES[number]

            def limit(written: list[int], logits: Any) -> Any:
                places = torch.tensor(list(rule(tuple(written))), device=logits.device)
                limited = torch.full_like(logits, float("-inf"))
                limited[places] = logits[places]
                return limited

            return limit

    return Limiter


if __name__ == "__main__":
    main()
