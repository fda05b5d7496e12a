"""vLLM's batch engine in this process: no server, no HTTP, the same replies, cache and checks.

The engine takes batches and gives nothing back before a batch is through. So whatever waits when one ends is the next;
within a batch vLLM schedules as its server does. Many requests in flight (`max_in_flight`) make long batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from asd.errors import PreflightError, RewriterError, ServerError, UsageError
from asd.rewrite import child_guard
from asd.rewrite.completions import Completions, ReplyStore, open_completions
from asd.rewrite.request import Completion, CompletionRequest, Refusal
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.vllm_arguments import as_keywords, engine_arguments, quiet_environment

_LINGER_S = 0.02
"""Waiting time for company: requests that follow from the same batch arrive together."""
_HOPELESS = 20
"""Requests refused without a single reply, after which something is wrong with all of them."""
_ROOM_FOR_PROMPT = 512
_TOO_LONG = ("context length", "maximum model length", "max_model_len")
_LOGGING = {"VLLM_LOGGING_STREAM": "ext://sys.stderr", "VLLM_LOGGING_LEVEL": "WARNING"}
"""Standard output is the command's own."""


@asynccontextmanager
async def open_offline(
    settings: RewriterSettings, say: Callable[[str], None], cache: ReplyStore | None = None
) -> AsyncIterator[Completions]:
    """Load the model, complete requests until the block ends, free its memory.

    Raises: UsageError without vLLM, ServerError where the model cannot be loaded, PreflightError if its context is too
    small, CacheError.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="vllm") as thread:  # one thread: the engine belongs to its maker
        loop = asyncio.get_running_loop()
        say(f"loading {settings.model} with vLLM")
        engine = await loop.run_in_executor(thread, load_engine, settings)
        batcher = MicroBatcher(engine, thread)
        try:
            async with open_completions(settings, say, engine=batcher, cache=cache) as completions:
                yield completions
        finally:
            await batcher.close()
            await loop.run_in_executor(thread, engine.close)


def load_engine(settings: RewriterSettings) -> VllmEngine:
    """Raises: as `open_offline`."""
    keywords = as_keywords(engine_arguments(settings))
    vllm = _import_vllm()
    before = set(multiprocessing.active_children())
    try:
        llm = vllm.LLM(**keywords)
    except Exception as exc:  # whatever it is, vLLM's own words are the best there are
        raise ServerError(
            f"vLLM cannot load {settings.model}: {type(exc).__name__}: {_short(exc)}. What it wrote to standard error "
            f"says more. Check the model's name and the memory it needs; server_args passes arguments on to vLLM"
        ) from exc
    engine = VllmEngine(vllm, llm, [child.pid for child in set(multiprocessing.active_children()) - before])
    needed = settings.sampling.max_tokens + _ROOM_FOR_PROMPT
    if engine.context < needed:
        context = engine.context
        engine.close()
        raise PreflightError(
            f"the context of {settings.model} is too small: {context} tokens, at least {needed} are needed "
            f"({settings.sampling.max_tokens} for the reply, sampling.max_tokens). Raise max_model_len in server_args, "
            f"or lower sampling.max_tokens"
        )
    return engine


def _import_vllm() -> ModuleType:
    for name, value in {**quiet_environment(), **_LOGGING}.items():
        os.environ.setdefault(name, value)
    try:
        import vllm
    except ModuleNotFoundError as exc:
        if exc.name != "vllm":
            raise ServerError(f"vLLM is installed but does not start: {_short(exc)}") from exc
        raise UsageError(
            "the rewriter vllm-offline needs vLLM in this environment: pip install vllm (or use --rewriter vllm, which "
            "runs it with the interpreter that $ASD_VLLM_PYTHON names)"
        ) from None
    module: ModuleType = vllm
    return module


class VllmEngine:
    """`vllm.LLM` with this package's requests and replies. Not thread-safe."""

    def __init__(self, vllm: ModuleType, llm: Any, pids: Sequence[int | None] = ()) -> None:
        """pids: processes that hold the model; by themselves they would go on if this one were killed."""
        self._vllm, self._llm = vllm, llm
        self._watch = start_watch([pid for pid in pids if pid is not None])
        model = llm.llm_engine.model_config
        self.images = bool(model.is_multimodal_model)
        self.context = int(model.max_model_len)
        self._replies = self._refused = 0

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completion | Refusal]:
        """In the order of the requests. Raises: ServerError where the engine is broken."""
        if not requests:
            return []
        try:
            outputs = self._llm.chat(
                [messages_of(request) for request in requests],
                [self._sampling(request) for request in requests],
                use_tqdm=False,
            )
        except Exception as exc:
            if not _blames_request(exc):
                raise ServerError(f"vLLM's engine failed: {type(exc).__name__}: {_short(exc)}") from exc
            return self._refuse(exc) if len(requests) == 1 else self._halves(requests)
        self._replies += len(outputs)
        return [_completion(output) for output in outputs]

    def _halves(self, requests: Sequence[CompletionRequest]) -> list[Completion | Refusal]:
        """One bad request spoils a batch; it is found by halving."""
        middle = len(requests) // 2
        return [*self.complete(requests[:middle]), *self.complete(requests[middle:])]

    def _refuse(self, exc: Exception) -> list[Completion | Refusal]:
        self._refused += 1
        if not self._replies and self._refused >= _HOPELESS:
            raise ServerError(
                f"vLLM refuses every request: {_short(exc)}. Check the model, its chat template and `sampling`"
            ) from exc
        too_long = any(mark in str(exc).lower() for mark in _TOO_LONG)
        return [Refusal("context_too_long" if too_long else "bad_request", _short(exc))]

    def _sampling(self, request: CompletionRequest) -> Any:
        wanted = request.sampling
        return self._vllm.SamplingParams(
            temperature=wanted.temperature,
            top_p=wanted.top_p,
            max_tokens=wanted.max_tokens,
            seed=wanted.seed,
            structured_outputs=self._structured(request) if request.schema else None,
        )

    def _structured(self, request: CompletionRequest) -> Any:
        from vllm.sampling_params import StructuredOutputsParams

        return StructuredOutputsParams(json=request.schema)

    def close(self) -> None:
        self._llm.llm_engine.engine_core.shutdown()
        self._watch.kill()
        self._watch.communicate()


def start_watch(pids: Sequence[int]) -> subprocess.Popen[bytes]:
    """Ends the processes should this one be killed."""
    command = [sys.executable, "-I", str(Path(child_guard.__file__)), "watch", *map(str, pids)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


@dataclass(slots=True, frozen=True)
class _Waiting:
    request: CompletionRequest
    done: asyncio.Future[Completion | Refusal]


class MicroBatcher:
    """Makes batches out of requests that wait at the same time. Satisfies `Complete`."""

    def __init__(self, engine: VllmEngine, thread: ThreadPoolExecutor) -> None:
        self._engine, self._thread = engine, thread
        self.images, self.context, self.structured = engine.images, engine.context, True
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def __call__(self, request: CompletionRequest) -> Completion | Refusal:
        waiting = _Waiting(request, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        return await waiting.done

    async def close(self) -> None:
        """The batch in work is waited for (the engine cannot be interrupted); the others get nothing."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        for waiting in self._waiting:
            waiting.done.cancel()

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            await asyncio.sleep(_LINGER_S)
            self._arrived.clear()
            batch = [waiting for waiting in self._waiting if not waiting.done.done()]
            self._waiting = []
            await self._complete(batch)

    async def _complete(self, batch: list[_Waiting]) -> None:
        requests = [waiting.request for waiting in batch]
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._engine.complete, requests)
        try:
            results = await work
        except RewriterError as error:
            for waiting in batch:
                if not waiting.done.done():
                    waiting.done.set_exception(error)
            return
        for waiting, result in zip(batch, results, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(result)


def messages_of(request: CompletionRequest) -> list[dict[str, Any]]:
    """The conversation, as a server gets it."""
    content: str | list[dict[str, Any]] = request.user
    if request.images:
        parts = [{"type": "image_url", "image_url": {"url": image.data_url}} for image in request.images]
        content = [*parts, {"type": "text", "text": request.user}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    return [{"role": "system", "content": request.system}, *messages] if request.system else messages


def _completion(output: Any) -> Completion:
    first = output.outputs[0]
    tokens = (len(output.prompt_token_ids or ()), len(first.token_ids))
    return Completion(first.text, first.finish_reason or "stop", *tokens, key="")


def _blames_request(exc: Exception) -> bool:
    """vLLM's errors for bad requests are ValueErrors in some versions and of a class of their own in others."""
    return isinstance(exc, ValueError) or any(kind.__name__ == "VLLMClientError" for kind in type(exc).__mro__)


def _short(exc: Exception) -> str:
    return " ".join(str(exc).split())[:300]
