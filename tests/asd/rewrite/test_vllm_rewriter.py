"""The rewriter against a real vLLM and a small language model: replies parse, few of them pass, all is accounted for."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from asd.makers.maker_context import MakerContext
from asd.records import Decline
from asd.rewrite.completions import open_completions
from asd.rewrite.rewriter import Rewriter, Rewritten
from asd.schemas.styles import AnswerStyle
from asd.templating import TemplateSet
from tests.asd.rewrite.rewrite_cases import make_sample, make_spec
from tests.servers.real_vllm import small_settings

pytestmark = pytest.mark.vllm
UNREADABLE = {"reply_no_json", "reply_bad_json", "reply_wrong_schema"}
STYLES = (AnswerStyle.MULTIPLE_CHOICE, AnswerStyle.BRIEF_EXPLANATION, AnswerStyle.DETAILED_EXPLANATION)


def test_language_is_refused_for_what_it_says(small_server: str, small_llm: str, tmp_path: Path) -> None:
    settings = small_settings(small_llm, tmp_path / "cache.sqlite").model_copy(update={"attempts": 2})
    samples = [make_sample(f"What lies on table {number}?", gold, source_id=str(number))
               for number, gold in enumerate(["apple", "12", "a red cup"])]  # fmt: skip

    async def run() -> tuple[list[Decline | Rewritten], Counter[str]]:
        running = settings.model_copy(update={"kind": "openai", "base_urls": (small_server,)})
        async with open_completions(running) as complete:
            spec = make_spec()
            rewriter = Rewriter(spec, 0, running, TemplateSet(), complete, None, takes_images=complete.images)
            drafts = (rewriter.draft(one, style, MakerContext(spec, 0)) for one in samples for style in STYLES)
            return list(await asyncio.gather(*drafts)), rewriter.failed_checks

    results, failed = asyncio.run(run())
    declined = [result for result in results if isinstance(result, Decline)]
    reasons = Counter(result.reason for result in declined)
    assert declined and not UNREADABLE & reasons.keys(), reasons
    assert all(reason.startswith("reply_") for reason in reasons), reasons
    assert sum(failed.values()) >= 2 * len(declined), "every reply of both tries failed a check"
