"""Asks the judge about every item, a bounded number at once, and sums the points up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from asd.errors import ScoreError
from asd.judging.items import Item
from asd.judging.prompt import JudgePrompt
from asd.judging.verdict import Judged, read_reply
from asd.rewrite.open_model import ask_each, open_model, run_to_end
from asd.rewrite.request import Completion, Refusal
from asd.rewrite.settings import RewriterSettings
from asd.scoring.judge_verdict import FULL_POINTS

MAX_TOKENS = 128
"""Of a verdict, where no other limit is set; some models talk around it. Models that think aloud need more."""
_SHOWN = 5

Say = Callable[[str], None]
Advance = Callable[[int], None]
Asked = tuple[Item, JudgePrompt]


@dataclass(frozen=True)
class JudgedAnswers:
    """What was asked and what the judge said of it, in the same order. `usage`: requests and tokens of the run."""

    asked: Sequence[Asked]
    judged: list[Judged]
    settings: RewriterSettings
    usage: dict[str, Any]

    def part(self, start: int, stop: int | None = None) -> JudgedAnswers:
        return JudgedAnswers(self.asked[start:stop], self.judged[start:stop], self.settings, self.usage)

    @property
    def items(self) -> list[Item]:
        return [item for item, _ in self.asked]

    @property
    def provenance(self) -> dict[str, Any]:
        """Model, revision, templates with their hashes, sampling: what the points depend on beside the answers."""
        prompts = {prompt.template.name: prompt.template.sha256 for _, prompt in self.asked}
        return {
            "model": self.settings.model_name,
            "revision": self.settings.model_revision,
            "templates": dict(sorted(prompts.items())),
            "temperature": self.settings.sampling.temperature,
            "max_tokens": self.settings.sampling.max_tokens,
        }

    @property
    def unreadable(self) -> list[tuple[Item, Judged]]:
        return [pair for pair in zip(self.items, self.judged, strict=True) if pair[1].points is None]

    @property
    def points(self) -> list[float]:
        """Of the verdicts that can be read."""
        return [verdict.points for verdict in self.judged if verdict.points is not None]


def judge(asked: Sequence[Asked], settings: RewriterSettings, say: Say, advance: Advance) -> JudgedAnswers:
    """Raises: RewriterError where the judge's side has to stop; replies that came in are in the request cache."""

    sampling = settings.sampling.as_sampling()

    async def work() -> JudgedAnswers:
        async with open_model(settings, say) as complete:

            async def ask(place: int) -> Completion | Refusal:
                item, prompt = asked[place]
                return await complete(prompt.request(item, sampling))

            replies = await ask_each(len(asked), ask, settings.max_in_flight, advance)
            usage = complete.stats.as_dict()
        return JudgedAnswers(asked, [read_reply(reply) for reply in replies], settings, usage)

    return run_to_end(work)


def summarise(answers: JudgedAnswers) -> dict[str, Any]:
    """The result, JSON-ready: points over the most that the readable verdicts could give, and what is not in it.

    Raises: ScoreError if no verdict can be read.
    """
    points, unreadable, provenance = answers.points, answers.unreadable, answers.provenance
    if not points:
        item, judged = unreadable[0]
        raise ScoreError(
            f"none of the {len(unreadable)} verdicts of {provenance['model']} can be read; the first, of "
            f"{item.id!r}, is {judged.reply!r} ({judged.reason}). Take another judge"
        )
    asked, most = len(answers.items), FULL_POINTS * len(answers.items)
    reached, open_points = sum(points), FULL_POINTS * len(unreadable)
    return {
        "questions": asked,
        "judged": len(points),
        "points": reached,
        "max_points": FULL_POINTS * len(points),
        "score_percent": round(100 * reached / (FULL_POINTS * len(points)), 4),
        "range_percent": [round(100 * value / most, 4) for value in (reached, reached + open_points)],
        "unreadable": {
            "count": len(unreadable),
            "examples": [
                {"id": item.id, "reason": verdict.reason, "reply": verdict.reply}
                for item, verdict in unreadable[:_SHOWN]
            ],
        },
        "by_points": {f"{value:g}": count for value, count in sorted(Counter(points).items())},
        "legacy": {"reader": "CoIN", "percent": round(100 * sum(verdict.legacy for verdict in answers.judged) / most)},
        "judge": provenance,
        "usage": answers.usage,
    }


def verdict_rows(answers: JudgedAnswers) -> list[dict[str, Any]]:
    """One record for each item, by which points are joined back to answers."""
    return [
        {"question_id": item.id, "points": verdict.points, "unreadable": verdict.reason or None, "reply": verdict.reply}
        for item, verdict in zip(answers.items, answers.judged, strict=True)
    ]
