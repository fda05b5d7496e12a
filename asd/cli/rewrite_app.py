"""`asd rewrite`: what a rewriter would be asked, what it was asked, and the cache of its replies."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from asd.cli.help import HelpfulCommand, HelpfulGroup
from asd.cli.rewriter_options import takes_rewriter_options

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
CacheOption = Annotated[
    str | None, typer.Option("--rewrite-cache", help="File of the request cache. [default: in the user's cache folder]")
]

rewrite_app = typer.Typer(
    cls=HelpfulGroup,
    help="The rewriter: plan its requests, count them, share its cache of replies.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
cache_app = typer.Typer(cls=HelpfulGroup, help="The cache of replies.", no_args_is_help=True, rich_markup_mode=None)
rewrite_app.add_typer(cache_app, name="cache")


@rewrite_app.command(
    cls=HelpfulCommand,
    epilog="asd rewrite plan asd-data/vqav2\nasd rewrite plan --task vqav2 --source rows.jsonl --ratio 0.4 --prompts 2",
)
@takes_rewriter_options
def plan(
    directory: Annotated[
        str | None, typer.Argument(metavar="[DIR[@VERSION]]", help="Plan the settings and source of this dataset.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Task or task YAML; instead of DIR.")] = None,
    source: Annotated[str | None, typer.Option(help="File, directory, or hf:NAME.")] = None,
    ratio: Annotated[float | None, typer.Option(help="Share of samples that leave the native style.")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides every random choice.")] = None,
    styles: Annotated[str | None, typer.Option(help="Target styles, comma-separated.")] = None,
    split: Annotated[str | None, typer.Option(help="Read only rows of this split.")] = None,
    template_dir: Annotated[str | None, typer.Option(help="Folder of templates that replace built-in ones.")] = None,
    image_root: Annotated[str | None, typer.Option(help="Folder that image paths are relative to.")] = None,
    prompts: Annotated[int, typer.Option(min=0, help="Prompts to show in full, per style.")] = 1,
    json: JsonOption = False,
    rewriter: dict[str, Any] | None = None,
) -> None:
    """Dry run: how many requests, their tokens and cost (estimated), and the very prompts. Contacts nothing."""
    from asd.cli.rewrite import run_plan

    given = {
        "task": task, "source": source, "ratio": ratio, "seed": seed, "styles": styles, "split": split,
        "template_dir": template_dir, "image_root": image_root,
    }  # fmt: skip
    run_plan(directory, given, rewriter or {}, prompts=prompts, as_json=json)


@rewrite_app.command(cls=HelpfulCommand, epilog="asd rewrite stats asd-data/vqav2")
def stats(
    directory: Annotated[str, typer.Argument(metavar="DIR[@VERSION]", help="Dataset directory.")],
    json: JsonOption = False,
) -> None:
    """What the rewriter was asked for a version, and for those that are not finished: requests, rejects, tokens, cost."""
    from asd.cli.rewrite import run_stats

    run_stats(directory, as_json=json)


@cache_app.command("export", cls=HelpfulCommand, epilog="asd rewrite cache export replies.jsonl.gz")
def cache_export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="File to write.")],
    model: Annotated[str | None, typer.Option(help="Only replies of this model, NAME or NAME@REVISION.")] = None,
    rewrite_cache: CacheOption = None,
) -> None:
    """Write the cached replies to one file, so that others can make the same versions without the model."""
    from asd.cli.rewrite import run_cache_export

    run_cache_export(file, model, rewrite_cache)


@cache_app.command("import", cls=HelpfulCommand, epilog="asd rewrite cache import replies.jsonl.gz")
def cache_import(
    file: Annotated[str, typer.Argument(metavar="FILE", help="File that `asd rewrite cache export` wrote.")],
    rewrite_cache: CacheOption = None,
) -> None:
    """Add the replies of an exported cache to this one."""
    from asd.cli.rewrite import run_cache_import

    run_cache_import(file, rewrite_cache)


@cache_app.command("stats", cls=HelpfulCommand, epilog="asd rewrite cache stats")
def cache_stats(rewrite_cache: CacheOption = None, json: JsonOption = False) -> None:
    """What is in the cache: replies and tokens by model, size."""
    from asd.cli.rewrite import run_cache_stats

    run_cache_stats(rewrite_cache, as_json=json)
