"""The language model's part in a row, and in a version: one line for a card, a few figures for the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from asd.report.visible_text import visible


def describe_rewrite(rewrite: Mapping[str, Any] | None) -> str | None:
    """A row's `rewrite` (`asd.columns.REWRITE`) in one line, made `visible`; None where the model had no part.

    A template says that the text was taken, and so passed its checks. Styles declined before are told in both cases.
    """
    return " · ".join(map(visible, _parts(rewrite))) if rewrite else None


def _parts(rewrite: Mapping[str, Any]) -> Iterable[str]:
    template, declined = rewrite.get("template"), ", ".join(rewrite.get("declined") or [])
    yield f"model {_model(rewrite)}"
    yield f"asked {_number(rewrite, 'attempts')}x"
    if template:
        yield "checks passed"
    if rewrite.get("judge"):
        yield f"second opinion {rewrite['judge']}"
    if declined:
        yield f"declined: {declined}"
    yield f"{_number(rewrite, 'prompt_tokens')}+{_number(rewrite, 'completion_tokens')} tokens"
    if template:
        yield f"template {template}"


def rewriter_facts(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a manifest's `rewriter` sums up, for people; empty where the version was made without one.

    Figures count rows, but for replies and tokens. Those that are absent are left out.
    """
    if not entry:
        return []
    asked, written = entry.get("asked"), entry.get("written")
    facts = [("Model", _model(entry))]
    if asked is not None and written is not None:
        share = f" ({written / asked:.1%})" if asked else ""
        facts.append(("Texts accepted", f"{written:,} of {asked:,} rows asked about{share}"))
    if "replies" in entry:
        facts.append(("Replies", f"{_number(entry, 'replies')}, second opinions included"))
    if "prompt_tokens" in entry:
        prompt, completion = _number(entry, "prompt_tokens"), _number(entry, "completion_tokens")
        facts.append(("Tokens", f"{prompt} of prompts, {completion} of replies"))
    return [(name, visible(value)) for name, value in facts]


def _model(holder: Mapping[str, Any]) -> str:
    revision = holder.get("revision")
    return f"{holder.get('model') or 'unknown'}{f'@{revision}' if revision else ''}"


def _number(holder: Mapping[str, Any], key: str) -> str:
    return f"{holder.get(key) or 0:,}"
