"""`asd styles`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import typer

from asd.audit.audit import Audit, audit_files
from asd.audit.findings import Finding, parse_keys
from asd.audit.forms import MEANING, Form
from asd.audit.tally import Tally
from asd.cli.table import Table
from asd.errors import FINDING, UsageError
from asd.plain_files import require_other_than

_TOLD_LANGUAGE = 0.005


def run(
    locations: Sequence[str],
    *,
    weights: str | None,
    fail_on: str | None,
    html: str | None,
    limit: int | None,
    question: str | None,
    answer: str | None,
    as_json: bool,
) -> None:
    """Exit code 4 if --fail-on names a finding that is there."""
    if not locations:
        raise UsageError("give FILE, the data that you fine-tune on: asd styles train.jsonl")
    keys = parse_keys(fail_on)
    if html is not None:
        require_other_than(Path(html), locations, "--html")
    shares = parse_weights(weights, len(locations))
    audit = audit_files(locations, weights=shares, limit=limit, question=question, answer=answer)
    if html is not None:
        from asd.audit.page import write_page

        write_page(Path(html), audit)
    if as_json:
        print(json.dumps(audit.as_json(), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        print("\n".join(_text(audit)))
        if html is not None:
            print(f"\nthe page is in {html}")
    if failed := [finding.key for finding in audit.findings if finding.key in keys]:
        typer.echo(f"--fail-on: found {', '.join(dict.fromkeys(failed))}", err=True)
        raise typer.Exit(FINDING)


def parse_weights(text: str | None, count: int) -> tuple[float, ...]:
    """One weight a file. Raises: UsageError."""
    if text is None:
        return ()
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError:
        weights = ()
    if len(weights) != count or not all(0 <= weight < float("inf") for weight in weights) or not sum(weights):
        raise UsageError(
            f"--weights {text}: expected one number of 0 or more for each of the {count} files, with commas between them"
        )
    return weights


def _text(audit: Audit) -> list[str]:
    lines = []
    for name, tally in audit.by_file:
        lines += [f"{name}: {tally.turns:,} answers in {tally.records:,} records, {tally.with_images:,} with images"]
    if len(audit.by_file) > 1:
        lines += ["", *_shares_by_file(audit)]
    lines += ["", *_forms(audit.whole), "", *_facts(audit), ""]
    if not audit.findings:
        lines.append("nothing stands out")
    for finding in audit.findings:
        lines += _finding(finding)
    return lines


def _forms(tally: Tally) -> list[str]:
    table = Table(["answers", "share", "rows", "not asked for", "words (5 % to 95 %)"])
    for form in sorted(Form, key=lambda form: -tally.share(form)):
        if count := tally.forms[form]:
            low, middle, high = tally.word_quantiles(form)
            table.add(
                f"{form.value} ({MEANING[form]})",
                f"{tally.share(form):.1%}",
                f"{count:,}",
                f"{tally.silent[form] / count:.0%}",
                f"{low} to {high}, half up to {middle}",
            )
    return table.lines()


def _shares_by_file(audit: Audit) -> list[str]:
    mixed = audit.whole.mixed
    table = Table(
        ["share of answers", *(Path(name).name for name, _ in audit.by_file), *(["weighted"] if mixed else [])]
    )
    for form in Form:
        if audit.whole.forms[form]:
            cells = [f"{tally.share(form):.1%}" for _, tally in audit.by_file]
            table.add(form.value, *cells, *([f"{mixed[form.value]:.1%}"] if mixed else []))
    return table.lines()


def _facts(audit: Audit) -> list[str]:
    tally = audit.whole
    same, other = tally.repeated()
    languages = ", ".join(
        f"{name} {count / tally.turns:.0%}"
        for name, count in tally.languages.most_common(5)
        if count / tally.turns >= _TOLD_LANGUAGE
    )
    lines = [
        f"prompts that name no form: {tally.asked[None] / tally.turns:.1%}; different response-format prompts: "
        f"{len(tally.prompts):,}",
        f"languages of the answers: {languages}; another than the prompt's: {tally.in_other_language:,}",
        f"repeated turns: {same:,}; other answers to a prompt seen before: {other:,}",
    ]
    if audit.unread.count:
        lines.append(f"not read: {audit.unread.count:,} records ({'; '.join(audit.unread.examples)})")
    return lines


def _finding(finding: Finding) -> list[str]:
    indent: dict[str, Any] = {"initial_indent": " " * 6, "subsequent_indent": " " * 6, "break_long_words": False}
    lines = [
        f"{finding.mark:>4}  {finding.title}",
        *wrap(finding.meaning, 100, **indent),
        *wrap(finding.remedy, 110, **indent),
    ]
    lines += [
        f"      {example.where}: {_short(example.prompt, 60, tail=True)!r} -> {_short(example.answer, 60)!r}"
        for example in finding.examples
    ]
    return [*lines, ""]


def _short(text: str, most: int, *, tail: bool = False) -> str:
    if len(text) <= most:
        return text
    return f"...{text[-most:]}" if tail else f"{text[:most]}..."
