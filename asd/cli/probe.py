"""`asd probe questions`, `ask` and `compare`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import typer

from asd.cli.rewriter_options import OFF, build_settings
from asd.cli.table import Table
from asd.conversion.progress import progress_for_terminal
from asd.errors import UsageError
from asd.plain_files import require_other_than, require_replaceable
from asd.probing.asking import MAX_TOKENS, ask
from asd.probing.comparing import Change, Comparison, compare
from asd.probing.items import read_items, require_answers, write_items
from asd.probing.questions import drawn_questions, questions_of, rows_of_versions
from asd.rewrite.settings import RewriterSettings

FALLEN = 2


def run_questions(
    out: str, *, data: Sequence[str], task: str | None, source: str | None, image_root: str | None, number: int,
    text_only: bool,
) -> None:  # fmt: skip
    path = Path(out)
    require_replaceable(path)
    if data and task is not None:
        raise UsageError("give --data DIR or --task NAME, not both.")
    if task is None and (source is not None or image_root is not None):
        raise UsageError("--source and --image-root belong to --task NAME.")
    pictures = path.with_name(f"{path.stem}-images")
    if data:
        items = rows_of_versions(data, number, pictures)
    elif task is not None:
        settings = {"task": task, "source": source, "image_root": image_root}
        given = {name: value for name, value in settings.items() if value is not None}
        items = questions_of([given], number, pictures, text_only=text_only)
    else:
        items = drawn_questions(number, pictures, text_only=text_only)
    if text_only:
        items = [item for item in items if not item.images]
    if not items:
        raise UsageError("there is no question to ask: all have pictures. Leave --text-only out.")
    write_items(path, items)
    styles = Counter(item.style.value for item in items)
    with_images = sum(bool(item.images) for item in items)
    print(f"{path}: {len(items):,} questions, {with_images:,} with pictures ({_listed(styles)})")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def run_ask(questions: str, out: str, rewriter: Mapping[str, Any]) -> None:
    path = Path(out)
    require_replaceable(path)
    require_other_than(path, (questions,), "--out")
    items = read_items(Path(questions))
    progress = progress_for_terminal()
    progress.stage("asking", len(items))
    # A cache of its own: two models that a server calls alike must never get each other's answers.
    cache = path.with_name(f".{path.name}.replies")
    try:
        answered = ask(items, Path(questions).parent, _settings(rewriter, cache), progress.say, progress.advance)
    finally:
        progress.close()
    write_items(path, answered)
    for left in path.parent.glob(f"{cache.name}*"):
        left.unlink()
    given = [item.answer for item in answered if item.answer is not None]
    notes = {"of them empty": given.count(""), "questions that the server did not answer": len(answered) - len(given)}
    missing = "".join(f", {count:,} {what}" for what, count in notes.items() if count)
    print(f"{path}: {len(given):,} answers{missing}")


def _settings(given: Mapping[str, Any], cache: Path) -> RewriterSettings:
    if given.get("kind", OFF) in (OFF, "cache"):
        raise UsageError("a probe needs a model to ask: give --rewriter openai, vllm or another kind, and --model.")
    sampling = {"max_tokens": MAX_TOKENS, **given.get("sampling", {}), "temperature": 0.0}
    return build_settings({**given, "sampling": sampling, "cache": cache})


def run_compare(before: str, after: str, *, max_drop: float, html: str | None, as_json: bool) -> None:
    """Exit code 2 if a style was lost."""
    if html is not None:
        require_other_than(Path(html), (before, after), "--html")
    answers = []
    for name in (before, after):
        items = read_items(Path(name))
        require_answers(Path(name), items)
        answers.append(items)
    comparison = compare(answers[0], answers[1], max_drop)
    if html is not None:
        from asd.probing.page import write_page

        write_page(Path(html), comparison, before, after)
    print(
        json.dumps(comparison.as_json(), indent=1, ensure_ascii=False)
        if as_json
        else "\n".join(_text(comparison, html))
    )
    if comparison.fallen:
        raise typer.Exit(FALLEN)


def _text(comparison: Comparison, html: str | None) -> list[str]:
    table = Table(["style", "questions", "in style", "right as written", "right leniently"])
    for change in comparison.styles:
        cells = [_moved(share) for share in (change.follows, change.right, change.right_leniently)]
        table.add(change.style.value, f"{change.follows.count:,}", *cells)
    lines = [*table.lines(), ""]
    for change in comparison.styles:
        lines += wrap(change.sentence, 110, subsequent_indent="  ")
        for example in change.examples[:2] if change.verdict == "lost" else ():
            note = " (right, in another style)" if example.still_right else ""
            lines.append(f"    {example.item.id}: {_short(example.before)!r} -> {_short(example.after)!r}{note}")
    if comparison.unmatched:
        lines.append(f"{comparison.unmatched:,} questions were not answered by both models, and do not count")
    return [*lines, *([f"the page is in {html}"] if html else [])]


def _moved(change: Change) -> str:
    return f"{change.before:.0%} -> {change.after:.0%} ({change.low:+.0%} to {change.high:+.0%})"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."
