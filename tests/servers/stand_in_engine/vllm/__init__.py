"""Stands in for vLLM where the test is about what can go wrong with it; $STAND_IN names what does.

Otherwise `LLM` answers with the end token, and makes no image tokens.
"""

import os
import signal
import sys
from types import SimpleNamespace

WRONG = os.environ.get("STAND_IN", "")


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


class VLLMValidationError(ValueError):
    """Named as vLLM names its own."""


class EngineArgs:
    def __init__(self, model, **others):
        self.model = model

    def create_model_config(self):
        if WRONG == "unknown":
            raise ValueError("Model architectures ['Newest'] are not supported for now.")
        return SimpleNamespace(is_multimodal_model=WRONG != "text", max_model_len=4096)


class SamplingParams:
    def __init__(self, **settings):
        self.__dict__.update(settings)


class LLM:
    def __init__(self, model, **others):
        if WRONG == "memory":
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        if WRONG == "full":
            raise ValueError("No available memory for the cache blocks. Try increasing `gpu_memory_utilization`.")
        if WRONG == "exit":
            print("RuntimeError: the driver is too old", file=sys.stderr)
            os._exit(3)
        config = SimpleNamespace(max_model_len=others["max_model_len"])
        self.llm_engine = SimpleNamespace(model_config=config, engine_core=SimpleNamespace(shutdown=lambda: None))

    def get_tokenizer(self):
        return SimpleNamespace(decode=str)

    def generate(self, prompts, sampling_params, use_tqdm):
        if WRONG == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if WRONG == "long":
            raise VLLMValidationError("This model's maximum context length is 8 tokens. Please reduce the length.")
        ends = [sampling.stop_token_ids[0] for sampling in sampling_params]
        cut = WRONG == "cut"
        return [
            SimpleNamespace(
                prompt_token_ids=[*prompt["prompt_token_ids"], *([9] if WRONG == "tokens" else [])],
                outputs=[SimpleNamespace(token_ids=[] if cut else [end])],
            )
            for prompt, end in zip(prompts, ends, strict=True)
        ]
