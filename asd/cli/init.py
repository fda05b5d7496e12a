"""`asd init`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from shlex import quote

from asd.errors import UsageError
from asd.schemas.task import TaskSpec
from asd.shards.files import write_text
from asd.shown_text import shown_on_line
from asd.sources.open import open_source
from asd.task_guess.task_text import TaskDraft, draft_task
from asd.tasks.registry import builtin_name, read_task_file

_ROWS_READ = 1000


def run(file: str, *, out: str | None, chosen: dict[str, str | None]) -> None:
    path = Path(file)
    draft = draft_task(path, {column: name for column, name in chosen.items() if name is not None})
    target = Path(out) if out is not None else Path(f"{draft.name}.yaml")
    if target.exists():
        raise UsageError(f"{target} is there already; give another name with --out, or remove it.")
    write_text(target, draft.yaml)
    try:
        lines = _told(draft, target, path, read_task_file(target))
    except BaseException:  # a file that its own check does not pass would only be in the way of the next try
        target.unlink()
        raise
    print("\n".join(map(shown_on_line, lines)))


def _told(draft: TaskDraft, target: Path, path: Path, spec: TaskSpec) -> list[str]:
    usable, rejects = _usable(spec, path)
    root = "" if draft.image_root is None or draft.image_root == path.resolve().parent else (
        f" --image-root {quote(str(draft.image_root))}"
    )  # fmt: skip
    lines = [
        f"wrote {target}: {draft.native.style.value}, as {draft.native.why}",
        f"{usable:,} samples in the first records" + (
            f"; not usable: {', '.join(f'{count:,} {reason}' for reason, count in rejects.most_common(4))}" if rejects else ""
        ),
        *(f"note: {note}" for note in draft.notes),
    ]  # fmt: skip
    limit = _reject_limit(usable, rejects)
    if (known := builtin_name(path.name.split(".")[0]) or builtin_name(path.resolve().parent.name)) is not None:
        lines.append(f"note: {known} is a built-in task, which reads its original release: asd tasks {known}")
    command = f"asd convert --task {quote(str(target))} --source {quote(str(path))}{root}{limit}"
    return [*lines, f"look it over, then:  {command} --dry-run"]


def _usable(spec: TaskSpec, path: Path) -> tuple[int, Counter[str]]:
    """Samples and rejects by reason among the first records, read as a conversion reads them."""
    rows, rejects = 0, Counter[str]()
    for batch in open_source(spec, path).batches(_ROWS_READ):
        rows += batch.table.num_rows
        rejects.update(reject.reason for reject in batch.rejects)
        if rows + sum(rejects.values()) >= _ROWS_READ:
            break
    return rows, rejects


def _reject_limit(usable: int, rejects: Counter[str]) -> str:
    """The option that lets a conversion go on where many rows cannot be used."""
    share = sum(rejects.values()) / max(1, usable + sum(rejects.values()))
    return f" --max-reject-rate {min(1.0, share + 0.1):.1f}" if share > 0.15 else ""
