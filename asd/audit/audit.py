"""An audit: files read, counted, and what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from asd.audit.findings import Finding, find
from asd.audit.forms import Form
from asd.audit.tally import SILENT, Tally, merge_weighted
from asd.audit.turns import Fields, Turn, Unread, read_turns, require_turns

_PROMPTS_TOLD = 50


@dataclass(frozen=True)
class Audit:
    by_file: tuple[tuple[str, Tally], ...]
    whole: Tally
    unread: Unread
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "files": {name: figures(tally) for name, tally in self.by_file},
            "all": figures(self.whole),
            "weighted_shares": self.whole.mixed or None,
            "unread": {"records": self.unread.count, "examples": list(self.unread.examples)},
            "findings": [
                {
                    "key": finding.key,
                    "mark": finding.mark,
                    "title": finding.title,
                    "meaning": finding.meaning,
                    "remedy": finding.remedy,
                    "share": round(finding.share, 6),
                    "examples": [
                        {"where": example.where, "prompt": example.prompt, "answer": example.answer}
                        for example in finding.examples
                    ],
                }
                for finding in self.findings
            ],
        }


def audit_files(
    locations: Sequence[str],
    *,
    weights: Sequence[float] = (),
    limit: int | None = None,
    question: str | None = None,
    answer: str | None = None,
) -> Audit:
    """Read and count files of fine-tuning data.

    weights: share of each file in the training mix. limit: read so many turns of each file at most. question, answer: fields
    that hold them, where they are not among the usual ones.
    Raises: UsageError, SourceError, ShardError.
    """
    by_file, whole, unread = [], Tally(), Unread()
    for location in locations:
        tally, of_file = Tally(), Unread()
        for turn in _first(read_turns(location, of_file, Fields(question, answer)), limit):
            tally.add(turn)
        require_turns(location, tally.turns, of_file)
        by_file.append((location, tally))
        whole.merge(tally)
        unread.merge(of_file)
    if weights:
        whole.mixed = merge_weighted((tally, weight) for (_, tally), weight in zip(by_file, weights, strict=True))
    return Audit(tuple(by_file), whole, unread, tuple(find(whole, locations)))


def _first(turns: Iterator[Turn], limit: int | None) -> Iterator[Turn]:
    return turns if limit is None else islice(turns, limit)


def figures(tally: Tally) -> dict[str, Any]:
    """Counts as JSON holds them."""
    same, other = tally.repeated()
    prompts = sorted(tally.prompts.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    return {
        "records": tally.records,
        "turns": tally.turns,
        "turns_with_images": tally.with_images,
        "answers": {form.value: tally.forms[form] for form in Form if tally.forms[form]},
        "asked_for": {form.value if form else SILENT: count for form, count in tally.asked.most_common()},
        "not_asked_for": {form.value: count for form, count in tally.silent.most_common()},
        "contradictions": [
            {
                "asked": asked.value,
                "given": given.value,
                "turns": count,
                "examples": [example.where for example in tally.examples[asked, given]],
            }
            for (asked, given), count in tally.contradictions.most_common()
        ],
        "response_format_prompts": len(tally.prompts),
        "most_frequent_prompts": [
            {"prompt": prompt, "answers": {form.value: count for form, count in forms.most_common()}}
            for prompt, forms in prompts[:_PROMPTS_TOLD]
        ],
        "writings": {form.value: dict(ways.most_common()) for form, ways in tally.writings.items()},
        "words": {form.value: list(tally.word_quantiles(form)) for form in Form if tally.forms[form]},
        "scripts": dict(tally.scripts.most_common()),
        "languages": dict(tally.languages.most_common()),
        "in_other_language_than_the_prompt": tally.in_other_language,
        "repeated_turns": same,
        "other_answers_to_a_prompt": other,
    }
