"""What the rewriter hands over: a draft, and where its words come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asd.records import Draft

JudgeView = Literal["off", "agrees", "disagrees", "unclear"]
"""`unclear`: the judge's reply could not be read, or its request was refused."""


@dataclass(frozen=True, slots=True)
class RewriteProvenance:
    """How one draft was written. Tokens are those of all its requests, failed tries and the judge's included; of a
    request for several questions each has its share."""

    model: str
    revision: str
    template: str
    """Name and hash of the prompt ("rewrite/yes_no/ocr@1a2b...")."""
    attempts: int
    """Replies that were read until one passed, at least 1."""
    checks: tuple[str, ...]
    """Names of the checks that the reply passed."""
    prompt_tokens: int
    completion_tokens: int
    request_keys: tuple[str, ...]
    """Keys of the requests in the cache, in the order asked; the judge's own ones last of each try."""
    judge: JudgeView = "off"


@dataclass(frozen=True, slots=True)
class Rewritten:
    draft: Draft
    provenance: RewriteProvenance
