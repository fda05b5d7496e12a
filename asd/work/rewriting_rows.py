"""Drafts one row where a language model may write: who is asked in which order, and what is noted of it.

Per style: what the sample's own fields hold; else the model; else what was mined or made by rule; else the next style
of the chain. The result depends on the sample, the settings, the templates and the replies, never on time or order.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from asd.makers.drafting import draft
from asd.makers.maker_context import MakerContext
from asd.makers.rendering import render_all
from asd.plan.capability import written_styles
from asd.plan.codes import NOBODY, STYLE_BITS
from asd.records import Decline, Draft, Sample
from asd.rewrite.rewritten import Rewritten
from asd.rewrite.settings import RewriterSettings
from asd.schemas.styles import MODEL_MAKERS, TARGET_STYLES, AnswerStyle, Maker
from asd.styles.checking import check
from asd.styles.table import target_of
from asd.work.draft_files import CHAINS, Made
from asd.work.rewriting_record import Reply, RowRecord, begin_recording, share_of, with_tokens
from asd.work.worker import Worker

ONLY_MODEL = "needs_rewriter"
"""Why rules decline what only a model can write; see `asd/makers/REASONS.md`."""


class Ask(NamedTuple):
    """One request of the planner: a sample, the style that it is tried in first, and the styles it may take."""

    sample: Sample
    first: int
    able: int
    """Bit s set: style s may be tried."""


class Writer(Protocol):
    """The part of the rewriter that rows need; see `asd.rewrite.rewriter.Rewriter`."""

    async def draft(self, sample: Sample, style: AnswerStyle, ctx: MakerContext) -> Rewritten | Decline: ...

    async def draft_group(
        self, samples: Sequence[Sample], style: AnswerStyle, ctx: MakerContext
    ) -> list[Rewritten | Decline]: ...


class RowDrafter:
    """Asks fields, model, mining and rules about rows."""

    def __init__(
        self, worker: Worker, rewriter: Writer, settings: RewriterSettings, *, checks_texts: bool = True
    ) -> None:
        """checks_texts: False where what is written is no text, but stands for one."""
        self._worker, self._rewriter, self._checks_texts = worker, rewriter, checks_texts
        # Once: of a model in a folder this reads its files.
        self._model = settings.model_name, settings.model_revision
        self._written = written_styles(worker.spec, settings)
        self._is_self = settings.maker == "self"

    async def draft_unit(self, asks: Sequence[Ask]) -> list[Made]:
        """asks: one, or several about one image, whose questions may go into one request."""
        if len(asks) == 1:
            return [await self._draft_row(asks[0], None, [])]
        given = await self._draft_together(asks)
        rows = [self._draft_row(ask, *given.get(place, (None, []))) for place, ask in enumerate(asks)]
        return list(await asyncio.gather(*rows))

    async def _draft_together(self, asks: Sequence[Ask]) -> dict[int, tuple[Rewritten | Decline, list[Reply]]]:
        """Place -> what the model wrote for the row's first style, for the rows that need it there."""
        by_style: dict[int, list[int]] = defaultdict(list)
        for place, ask in enumerate(asks):
            number = next((number for number in CHAINS[ask.first] if ask.able >> number & 1), None)
            if number is not None and self._needs_model(ask.sample, TARGET_STYLES[number]):
                by_style[number].append(place)
        given: dict[int, tuple[Rewritten | Decline, list[Reply]]] = {}
        for number, places in by_style.items():
            if len(places) > 1:
                replies = begin_recording()
                samples = [asks[place].sample for place in places]
                written = await self._rewriter.draft_group(samples, TARGET_STYLES[number], self._worker.context)
                given.update(zip(places, zip(written, _dealt(written, replies), strict=True), strict=True))
        return given

    def _needs_model(self, sample: Sample, style: AnswerStyle) -> bool:
        return self._asks_model(style, draft(sample, style, self._worker.context))

    def _asks_model(self, style: AnswerStyle, made: Draft | Decline) -> bool:
        """made: without the model. What the sample's own fields hold needs no model; the model to be tuned learns least
        strange words from its own, so theirs are what it falls back on."""
        return style in self._written and (self._is_self or not _is_own(made))

    async def _draft_row(self, ask: Ask, given: Rewritten | Decline | None, replies: list[Reply]) -> Made:
        """given: what the model wrote for the first style, if it has been asked, with the replies to that."""
        record = RowRecord(begin_recording(replies))
        reasons: list[str] = []
        has_part = False  # the model, in what becomes of the row
        for number in CHAINS[ask.first]:
            if not ask.able >> number & 1:
                continue
            style = TARGET_STYLES[number]
            made = draft(ask.sample, style, self._worker.context)
            if self._asks_model(style, made):
                before = 0 if given is not None else len(record.replies)
                written = given or await self._rewriter.draft(ask.sample, style, self._worker.context)
                given = None
                if isinstance(written, Rewritten) and (failed := self._failed(ask.sample, written.draft)):
                    written = Decline("unusable_text", failed)
                if isinstance(written, Rewritten):
                    return self._written_row(number, written, reasons, record)
                if len(record.replies) > before or isinstance(made, Draft):
                    has_part = True
                    record.declined.append(f"{style.value}: {written.reason}")
                    reasons.append(f"{style.value}: rewriter, {written.reason}")
                elif made.reason == ONLY_MODEL:  # and there is one, which has a reason of its own
                    made = written
            if isinstance(made, Draft):
                return self._other_row(number, made, reasons, record, has_part)
            reasons.append(f"{style.value}: {made.reason}")
        return self._other_row(NOBODY, None, reasons, record, has_part)

    def _written_row(self, number: int, written: Rewritten, reasons: list[str], record: RowRecord) -> Made:
        source = written.provenance
        judge = None if source.judge == "off" else source.judge
        struct = record.as_struct(self._model, source.template, source.attempts, judge)
        return Made(number, written.draft, reasons, struct, tuple(source.checks))

    def _other_row(
        self, number: int, made: Draft | None, reasons: list[str], record: RowRecord, has_part: bool
    ) -> Made:
        if not has_part:
            return Made(number, made, reasons)
        struct = record.as_struct(self._model, None, len(record.replies), None)
        return Made(number, made, reasons, struct)

    def _failed(self, sample: Sample, made: Draft) -> str:
        """Names of the checks that the finished row would fail, however it is dealt; "" is good."""
        if not self._checks_texts:
            return ""
        if made.style not in STYLE_BITS or made.maker not in MODEL_MAKERS:
            return f"a draft in style {made.style.value} by {made.maker.value}"
        deals = target_of(made.style).tried_deals(made)
        try:
            rendered = render_all([sample] * len(deals), [made] * len(deals), deals, self._worker.rendering)
            "".join((*made.options, made.text, made.wrong, made.question)).encode()
        except UnicodeEncodeError:
            return "characters that are no text"
        return ", ".join(sorted({name for row in rendered for name in check(row, sample, made)}))


def _dealt(written: Sequence[Rewritten | Decline], replies: list[Reply]) -> list[list[Reply]]:
    """Which of the replies to a group each member's outcome depends on; the tokens sum to those used."""
    noted = {reply.key: reply for reply in replies}
    sources = [row.provenance if isinstance(row, Rewritten) else None for row in written]
    claimed = {key for source in sources if source is not None for key in source.request_keys}
    free = [reply for reply in replies if reply.key not in claimed]
    left_in = sum(r.prompt_tokens for r in replies) - sum(s.prompt_tokens for s in sources if s is not None)
    left_out = sum(r.completion_tokens for r in replies) - sum(s.completion_tokens for s in sources if s is not None)
    declined = [place for place, row in enumerate(written) if isinstance(row, Decline) and _was_asked(row)]
    dealt: list[list[Reply]] = []
    for place, source in enumerate(sources):
        if source is not None:
            mine = [noted[key] for key in source.request_keys]
            dealt.append(with_tokens(mine, source.prompt_tokens, source.completion_tokens))
        elif place not in declined:
            dealt.append([])
        else:
            turn, count = declined.index(place), len(declined)
            dealt.append(with_tokens(free, share_of(left_in, turn, count), share_of(left_out, turn, count)))
    return dealt


def _was_asked(decline: Decline) -> bool:
    """Whether a request stands behind a refusal of the rewriter."""
    return decline.reason.startswith(("reply_", "server_"))


def _is_own(made: Draft | Decline) -> bool:
    """Whether a draft was made of the sample's own fields, which no model's text replaces."""
    return isinstance(made, Draft) and made.maker is Maker.FIELD
