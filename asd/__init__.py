"""Answer Style Diversification: visual question answering data in several answer styles, as versioned Arrow shards.

>>> import asd
>>> done = asd.convert(task="scienceqa", ratio=0.2)        # doctest: +SKIP
>>> rows = asd.load(f"{done.path}@{done.number}", style="multiple_choice")    # doctest: +SKIP
>>> asd.show(rows[0])                                      # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asd.audit.audit import Audit
    from asd.conversion.config import ConvertConfig as ConvertConfig
    from asd.conversion.convert import Conversion
    from asd.errors import AsdError as AsdError
    from asd.export.run import Exported
    from asd.mixing.mix import Mix
    from asd.report.gallery import Gallery
    from asd.report.notebook import SampleView
    from asd.rewrite.settings import RewriterSettings as RewriterSettings
    from asd.schemas.styles import AnswerStyle as AnswerStyle
    from asd.schemas.task import TaskSpec as TaskSpec
    from asd.scoring.predictions import ScoreReport
    from asd.shards.diff import Difference
    from asd.shards.reader import load as load
    from asd.shards.verify import Verification
    from asd.tasks.registry import load_task as load_task

_LAZY = {
    "AnswerStyle": "asd.schemas.styles",
    "AsdError": "asd.errors",
    "ConvertConfig": "asd.conversion.config",
    "RewriterSettings": "asd.rewrite.settings",
    "TaskSpec": "asd.schemas.task",
    "load": "asd.shards.reader",
    "load_task": "asd.tasks.registry",
}
"""Public names that live elsewhere, imported when first used: `import asd` itself costs nothing."""

__all__ = [
    "AnswerStyle",
    "AsdError",
    "ConvertConfig",
    "RewriterSettings",
    "TaskSpec",
    "audit_styles",
    "convert",
    "diff",
    "export_version",
    "load",
    "load_task",
    "mix_parts",
    "quality_figures",
    "score_predictions",
    "show",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'asd' has no attribute {name!r}")


def __dir__() -> list[str]:
    """For completion in a shell or notebook: the public names, imported yet or not."""
    return sorted({*globals(), *__all__})


def convert(task: str | Path, source: str | Path | None = None, **settings: Any) -> Conversion:
    """Convert a share of a task's samples into other answer styles; see `ConvertConfig` for the settings.

    Returns where the new version is and its manifest; the same inputs give the same version and do no work.
    Raises: UsageError (settings), SourceError, RejectLimitError, StorageError (data).
    """
    from pydantic import ValidationError

    from asd.conversion.config import ConvertConfig
    from asd.conversion.convert import convert as run
    from asd.errors import UsageError, problem_of_setting

    given = {"task": str(task), "source": None if source is None else str(source), **settings}
    try:
        config = ConvertConfig(**given)
    except ValidationError as exc:
        first = exc.errors()[0]
        where, message = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        shown = where and not where.startswith("rewriter")  # a key in the wrong place must not stand in an error
        described = f"{where}: {problem_of_setting(first) if shown else message}" if where else message
        raise UsageError(f"{described}.") from exc
    return run(config)


def audit_styles(files: str | Path | Sequence[str | Path], weights: Sequence[float] = ()) -> Audit:
    """Say which answer styles fine-tuning files hold, which their prompts ask for, and what stands out (`findings`).

    files: one or several files or folders of them, hf:NAME, or "DIR[@VERSION]"; weights: share of each in the training mix.
    Raises: UsageError, SourceError, ShardError.
    """
    from asd.audit.audit import audit_files as run

    return run([str(file) for file in ([files] if isinstance(files, str | Path) else files)], weights=weights)


def mix_parts(file: str | Path, out: str | Path | None = None, total: int | None = None) -> Mix:
    """Make the version that a mix file describes: rows of several versions in exact shares.

    out: dataset directory, by default asd-data/<name>; total: rows (words, tokens) of the mix instead of the file's.
    Raises: UsageError, and what `convert` raises for parts that are to be converted first.
    """
    from asd.mixing.mix import mix as run

    return run(file, out=None if out is None else Path(out), total=total)


def verify(path: str | Path) -> Verification:
    """Check every checksum, schema and count of "DIR" or "DIR@version"; `problems` is empty when all is well."""
    from asd.shards.store import split_location
    from asd.shards.verify import verify as run

    return run(*split_location(str(path)))


def diff(left: str | Path, right: str | Path) -> Difference:
    """What differs between two versions, each "DIR@version"."""
    from asd.shards.diff import diff as run
    from asd.shards.store import split_location

    return run(*split_location(str(left)), *split_location(str(right)))


def export_version(path: str | Path, to: str, out: str | Path, **options: Any) -> Exported:
    """Write "DIR" or "DIR@version" as files that a trainer opens; `asd export --to help` lists the formats.

    options: split, styles, group_turns, images, image_root; see `asd.export.run.ExportOptions`.
    Raises: UnknownNameError (format), UsageError, ShardError, SourceError (images), StorageError.
    """
    from asd.export.run import ExportOptions, export

    if isinstance(options.get("image_root"), Path):
        options["image_root"] = str(options["image_root"])
    return export([path], ExportOptions(to, Path(out), **options))


def score_predictions(
    predictions: str | Path, task: str, gold: str | Path | None = None, rule: str | None = None
) -> ScoreReport:
    """Score a file of predictions by a task's rule, as released and repaired.

    gold: file or dataset with the gold answers; None takes those that the predictions carry. rule: another rule than the
    task's. Scores are in [0, 1]. Raises: ScoreError, UnknownNameError, ShardError.
    """
    from asd.scoring.predictions import score_predictions as run
    from asd.tasks.registry import load_task

    spec = load_task(task)
    return run(str(predictions), task=spec.name, scorer=rule or spec.scorer, gold=None if gold is None else str(gold))


def quality_figures(path: str | Path) -> dict[str, Any]:
    """The quality figures of "DIR" or "DIR@version"; see `asd.quality.figures.quality_figures` for each one.

    `marks` and `marked_bad` count what readers marked in `asd view`, where they did.
    """
    from asd.quality.figures import figures_of_version
    from asd.shards.store import split_location

    return figures_of_version(*split_location(str(path)))


def show(
    rows: Any,
    n: int = 12,
    *,
    style: str | Sequence[str] | None = None,
    maker: str | Sequence[str] | None = None,
    image_root: str | Path | None = None,
) -> SampleView | Gallery:
    """Rows that display themselves in a notebook: images, before and after, options, answer, origin.

    rows: a row of `load`, several of them (what `load` returns, a list, a table), or "DIR[@VERSION]".
    n: of several, show at most so many: the first of each style in turn, converted ones before native ones.
    style, maker: of several, only rows of this style or maker, or of these.
    image_root: folder of the images; by default the one that the version records, which rows of `load` know.
    Raises: UsageError, UnknownNameError; for "DIR" also what `load` raises.
    """
    from asd.report.gallery import show as run

    return run(rows, n, style=style, maker=maker, image_root=None if image_root is None else Path(image_root))
