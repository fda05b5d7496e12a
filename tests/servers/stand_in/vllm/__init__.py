"""Stands in for vLLM where the test is about batches and errors, not about a model; see also entrypoints.

`LLM` answers `{"text": ...}` with the words of the prompt and keeps the sizes of its batches; prompts with "too long",
"bad" or "die" fail as vLLM fails for a long prompt, a refused request and a broken engine.
"""

from types import SimpleNamespace

from vllm.sampling_params import SamplingParams as SamplingParams

__version__ = "0"


class EngineDeadError(Exception):
    pass


class LLM:
    def __init__(self, model, max_model_len=4096, **others):
        if "broken" in model:
            raise RuntimeError("Engine core initialization failed. See root cause above.")
        config = SimpleNamespace(is_multimodal_model=True, max_model_len=max_model_len)
        self.keywords, self.batches, self.ended = others, [], False
        self.llm_engine = SimpleNamespace(model_config=config, engine_core=SimpleNamespace(shutdown=self.end))

    def chat(self, messages, sampling_params, use_tqdm):
        texts = [conversation[-1]["content"] for conversation in messages]
        self.batches.append(len(texts))
        for text in texts:
            if "too long" in text:
                raise ValueError("the prompt is longer than the maximum model length of 4096")
            if "bad" in text:
                raise ValueError("this grammar is not supported")
            if "die" in text:
                raise EngineDeadError("EngineCore encountered an issue.")
        return [self.output(text) for text in texts]

    def output(self, text):
        reply = SimpleNamespace(text='{"text":"' + text + '"}', token_ids=[1] * 5, finish_reason="stop")
        return SimpleNamespace(prompt_token_ids=[1] * 7, outputs=[reply])

    def end(self):
        self.ended = True
