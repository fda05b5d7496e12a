"""`asd judge`."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from asd.cli.rewriter_options import OFF, build_settings
from asd.cli.table import Table
from asd.conversion.progress import progress_for_terminal
from asd.errors import FINDING, UsageError
from asd.judging.items import read_items
from asd.judging.judge import MAX_TOKENS, Asked, JudgedAnswers, judge, summarise, verdict_rows
from asd.judging.prompt import load_prompt
from asd.judging.sanity import Finding, findings, sanity_set
from asd.plain_files import require_replaceable
from asd.rewrite.settings import RewriterSettings
from asd.shards.files import write_text
from asd.tasks.registry import load_task


def run(
    predictions: str | None, *, task: str | None, gold: str | None, split: str | None, out: str | None,
    template_dir: str | None, sanity: bool, as_json: bool, rewriter: Mapping[str, Any],
) -> None:  # fmt: skip
    """Exit code 4 if a sanity check was asked for and fails."""
    if (predictions is None) != (task is None) or (predictions is None and not sanity):
        raise UsageError("give PREDICTIONS and --task NAME, to judge them; or --sanity alone, to look at the judge.")
    if out is not None and predictions is None:
        raise UsageError("--out takes the verdicts of PREDICTIONS; --sanity alone has none.")
    if out is not None:
        require_replaceable(Path(out))  # before any model is asked
    settings = _settings(rewriter)
    folder = None if template_dir is None else Path(template_dir)
    known = [(entry.item, load_prompt(entry.family, folder)) for entry in sanity_set()[1]] if sanity else []
    judged = _ask([*known, *_read(predictions, task, gold, split, folder)], settings)
    document: dict[str, Any] = {"format_version": 1}
    checks = findings(judged.part(0, len(known))) if sanity else []
    if sanity:
        document["sanity"] = _sanity_document(checks, judged.part(0, len(known)))
    if task is not None:
        document |= {"task": load_task(task).name, **summarise(judged.part(len(known)))}
    if out is not None:
        write_text(Path(out), _lines_of(verdict_rows(judged.part(len(known)))))
    print(json_module.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) if as_json else _text(document))
    if not all(check.is_sane for check in checks):
        print(_warning(checks, settings.model_name), file=sys.stderr)
        raise typer.Exit(FINDING)


def _settings(given: Mapping[str, Any]) -> RewriterSettings:
    """Temperature 0, text alone: the judge never sees an image."""
    if given.get("kind", OFF) == OFF:
        raise UsageError("a judge is a language model: give --rewriter vllm, openai or cache, and --model.")
    sampling = {"max_tokens": MAX_TOKENS, **given.get("sampling", {}), "temperature": 0.0}
    return build_settings({**given, "sampling": sampling, "images": "never"})


def _read(
    predictions: str | None, task: str | None, gold: str | None, split: str | None, folder: Path | None
) -> list[Asked]:
    if predictions is None or task is None:
        return []
    prompt = load_prompt(load_task(task).family, folder)
    return [(item, prompt) for item in read_items(predictions, gold=gold, split=split)]


def _ask(asked: list[Asked], settings: RewriterSettings) -> JudgedAnswers:
    progress = progress_for_terminal()
    progress.stage("judging", len(asked))
    try:
        return judge(asked, settings, progress.say, progress.advance)
    finally:
        progress.close()


def _lines_of(rows: list[dict[str, Any]]) -> str:
    return "".join(json_module.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _sanity_document(checks: list[Finding], judged: JudgedAnswers) -> dict[str, Any]:
    kinds = {
        check.kind: {
            "items": check.count,
            "mean_points": None if check.mean is None else round(check.mean, 4),
            "expected": [check.low, check.high],
            "unreadable": check.unreadable,
            "sane": check.is_sane,
        }
        for check in checks
    }
    return {"sane": all(check.is_sane for check in checks), "kinds": kinds, "judge": judged.provenance}


def _text(document: Mapping[str, Any]) -> str:
    lines = _sanity_lines(document["sanity"]) if "sanity" in document else []
    if "task" in document:
        lines += ([""] if lines else []) + _result_lines(document)
    return "\n".join(lines)


def _sanity_lines(sanity: Mapping[str, Any]) -> list[str]:
    table = Table(["answers with known points", "items", "expected", "mean", ""])
    for kind, check in sanity["kinds"].items():
        mean = "-" if check["mean_points"] is None else f"{check['mean_points']:.1f}"
        low, high = check["expected"]
        note = "" if check["sane"] else f"{check['unreadable']} unreadable" if check["unreadable"] else "wrong"
        table.add(kind, str(check["items"]), f"{low:g} to {high:g}", mean, note)
    return [f"sanity of the judge {_name(sanity['judge'])}", *table.lines()]


def _result_lines(result: Mapping[str, Any]) -> list[str]:
    unreadable = result["unreadable"]
    lines = [
        f"{result['task']}: {result['score_percent']:.2f} % ({result['points']:g} of {result['max_points']:g} points), "
        f"{result['judged']:,} of {result['questions']:,} answers judged by {_name(result['judge'])}",
        f"  by CoIN's reader of the same replies: {result['legacy']['percent']} %",
    ]
    if unreadable["count"]:
        low, high = result["range_percent"]
        lines.append(
            f"  {unreadable['count']:,} verdicts cannot be read and count neither way; with them the score lies "
            f"between {low:.2f} and {high:.2f} %"
        )
        lines += [
            f"    {example['id']}: {example['reason']}: {example['reply']!r}" for example in unreadable["examples"]
        ]
    usage = result["usage"]
    lines.append(
        f"  {usage['requests']:,} requests, {usage['cache_hits']:,} answered by the cache, "
        f"{usage['prompt_tokens'] + usage['completion_tokens']:,} tokens"
    )
    return lines


def _name(judge_of: Mapping[str, Any]) -> str:
    revision = f"@{judge_of['revision']}" if judge_of["revision"] else ""
    templates = ", ".join(f"{name}@{sha[:12]}" for name, sha in judge_of["templates"].items())
    return f"{judge_of['model']}{revision} ({templates})"


def _warning(checks: list[Finding], model: str) -> str:
    kinds = ", ".join(check.kind for check in checks if not check.is_sane)
    return f"warning: {model} is no judge to rely on; it fails on: {kinds}. Its points say little about any answer"
