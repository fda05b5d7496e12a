"""Asks vLLM's in-process engine; run by test_vllm_offline with the interpreter that has vLLM.

`python -m tests.servers.offline_replies MODEL CACHE`: prints what came back as one JSON document.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from asd.rewrite.reply_text import Unparsed, parse_reply
from asd.rewrite.request import Completion, CompletionRequest, Sampling
from asd.schemas.reply_models import SupportVerdict, letter_reply, schema_of
from asd.schemas.styles import WRITTEN_STYLES
from asd.styles.table import writing_of
from asd.work.rewriting import open_model
from tests.servers.real_vllm import TALK, small_settings

REPLIES = {style: writing_of(style).reply for style in WRITTEN_STYLES}
DESCRIPTIONS = {style: model for style in WRITTEN_STYLES if (model := writing_of(style).description)}
MODELS = [*REPLIES.values(), *DESCRIPTIONS.values(), SupportVerdict, letter_reply("ABCD")]


async def ask_all(model: str, cache: Path) -> dict[str, Any]:
    said: list[str] = []
    requests = [
        CompletionRequest("Reply in JSON.", f"Question {n}", (), schema_of(m), m.__name__, "test", TALK)
        for m in MODELS
        for n in range(2)
    ]
    long = CompletionRequest("", "word " * 5000, (), schema_of(MODELS[0]), "long", "test", Sampling())
    async with open_model(small_settings(model, cache, "vllm-offline"), said.append) as complete:
        *replies, refusal = await asyncio.gather(*map(complete, [*requests, long]))
        again = await asyncio.gather(*map(complete, requests))
        return {
            "said": said,
            "sends": complete.stats.sends,
            "context": complete.context,
            "parsed": [
                isinstance(reply, Completion) and not isinstance(parse_reply(reply.text, MODELS[place // 2]), Unparsed)
                for place, reply in enumerate(replies)
            ],
            "keys": len({reply.key for reply in replies if isinstance(reply, Completion)}),
            "cached": [isinstance(reply, Completion) and reply.cached for reply in again],
            "first": dataclasses.asdict(replies[0]),
            "refusal": dataclasses.asdict(refusal),
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask_all(sys.argv[1], Path(sys.argv[2])))))
