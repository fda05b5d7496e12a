"""The rewriter against a real vLLM whose model is random: replies parse, none of them passes, all is accounted for."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from asd.makers.maker_context import MakerContext
from asd.records import Decline
from asd.rewrite.completions import open_completions
from asd.rewrite.rewriter import Rewriter
from asd.schemas.styles import AnswerStyle
from asd.templating import TemplateSet
from tests.asd.rewrite.rewrite_cases import make_sample, make_spec
from tests.servers.real_vllm import tiny_settings

pytestmark = pytest.mark.vllm
UNREADABLE = {"reply_no_json", "reply_bad_json", "reply_wrong_schema"}
STYLES = (AnswerStyle.MULTIPLE_CHOICE, AnswerStyle.BRIEF_EXPLANATION, AnswerStyle.DETAILED_EXPLANATION)


def test_noise_is_refused_for_what_it_says(tiny_server: str, tiny_model: str, tmp_path: Path) -> None:
    settings = tiny_settings(tiny_model, tmp_path / "cache.sqlite").model_copy(update={"attempts": 2})
    samples = [make_sample(f"What lies on table {number}?", gold, source_id=str(number))
               for number, gold in enumerate(["apple", "12", "a red cup"])]  # fmt: skip

    async def run() -> tuple[list[Decline], Counter[str]]:
        running = settings.model_copy(update={"kind": "openai", "base_urls": (tiny_server,)})
        async with open_completions(running) as complete:
            spec = make_spec()
            rewriter = Rewriter(spec, 0, running, TemplateSet(), complete, None, takes_images=complete.images)
            drafts = (rewriter.draft(one, style, MakerContext(spec, 0)) for one in samples for style in STYLES)
            return list(await asyncio.gather(*drafts)), rewriter.failed_checks

    results, failed = asyncio.run(run())
    assert all(isinstance(result, Decline) for result in results)
    reasons = Counter(result.reason for result in results)
    assert not UNREADABLE & reasons.keys() and all(reason.startswith("reply_") for reason in reasons), reasons
    assert sum(failed.values()) >= 2 * len(results), "every reply of every try failed a check"
