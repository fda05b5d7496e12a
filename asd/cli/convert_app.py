"""The options of `asd convert`, in the groups in which its help shows them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from asd.cli.help import CLUSTER, CONVERTED, OUTPUT, SOURCE
from asd.errors import UsageError
from asd.work.collector import collector_paused


def _option(panel: str, text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


def convert(
    task_name: Annotated[
        str | None,
        typer.Argument(metavar="TASK", help="Built-in task (see `asd tasks`), or the path of a task YAML."),
    ] = None,
    task: Annotated[str | None, _option(SOURCE, "The same as TASK.")] = None,
    recipe: Annotated[
        str | None, _option(SOURCE, "Recipe that converts several tasks (see `asd recipes`); instead of a task.")
    ] = None,
    pipeline: Annotated[str | None, typer.Option(hidden=True)] = None,
    source: Annotated[
        str | None,
        _option(
            SOURCE,
            "File, directory, address (s3://...), or hf:NAME. [default: data root, hub, a sample that comes along]",
        ),
    ] = None,
    source_format: Annotated[str | None, _option(SOURCE, "Layout to read, instead of detecting it.")] = None,
    split: Annotated[str | None, _option(SOURCE, "Read only rows of this split, e.g. train.")] = None,
    image_root: Annotated[str | None, _option(SOURCE, "Folder that image paths are relative to.")] = None,
    strict: Annotated[bool, _option(SOURCE, "Stop at the first unusable row.", "--strict")] = False,
    max_reject_rate: Annotated[
        float | None, _option(SOURCE, "Stop if more than this share of rows is unusable. [default: 0.2]")
    ] = None,
    ratio: Annotated[
        float | None, _option(CONVERTED, "Share of samples that leave the native style, 0 to 1. [default: 0.2]")
    ] = None,
    styles: Annotated[
        str | None, _option(CONVERTED, "Target styles, comma-separated. [default: all the task can take]")
    ] = None,
    ratio_per_style: Annotated[
        str | None, _option(CONVERTED, "Own mix instead of --ratio, e.g. yes_no=0.1,multiple_choice=0.05.")
    ] = None,
    seed: Annotated[int | None, _option(CONVERTED, "Decides every random choice. [default: 0]")] = None,
    template_dir: Annotated[
        str | None, _option(CONVERTED, "Folder of templates that replace the built-in ones file by file.")
    ] = None,
    out: Annotated[str | None, _option(OUTPUT, "Dataset directory. [default: asd-data/<task>]")] = None,
    name: Annotated[str | None, _option(OUTPUT, "Give the version a name of your own.")] = None,
    dry_run: Annotated[
        bool, _option(OUTPUT, "Show what would be made, with samples of each style; write nothing.", "--dry-run")
    ] = False,
    events: Annotated[
        str | None, _option(OUTPUT, "Add what happens to this file, as JSON Lines: stages, rates, notes, the result.")
    ] = None,
    embed_images: Annotated[bool, _option(OUTPUT, "Store the image bytes in the shards.", "--embed-images")] = False,
    follow_links: Annotated[
        bool,
        _option(OUTPUT, "With --embed-images: also images that links lead to outside the root.", "--follow-links"),
    ] = False,
    publish: Annotated[
        str | None, _option(OUTPUT, "Also copy the finished version to this address: s3://, gs://, ...")
    ] = None,
    workers: Annotated[int | None, _option(OUTPUT, "Processes, this one included. [default: one per core]")] = None,
    jobs: Annotated[int | None, _option(OUTPUT, "With --recipe: convert so many tasks side by side.", min=1)] = None,
    json: Annotated[bool, _option(OUTPUT, "Print one JSON document instead of text.", "--json")] = False,
    engine: Annotated[str | None, _option(CLUSTER, "Where the work is done: local or ray. [default: local]")] = None,
    ray_address: Annotated[
        str | None,
        _option(CLUSTER, "Running Ray cluster, HOST:PORT or auto. [default: $RAY_ADDRESS, else one made here]"),
    ] = None,
    ray_rewriters: Annotated[
        int | None,
        _option(CLUSTER, "Ray workers that ask the model. [default: one per node, or as many as the GPUs allow]"),
    ] = None,
    ray_rewriter_gpus: Annotated[
        float | None, _option(CLUSTER, "GPUs of each of them. [default: what its own vLLM needs, else 0]")
    ] = None,
    shard_index: Annotated[
        int | None,
        _option(CLUSTER, "Do only this part of the work, 0 to --num-shards less one; `asd merge` commits."),
    ] = None,
    num_shards: Annotated[int | None, _option(CLUSTER, "In how many parts the work is handed out.")] = None,
    wait: Annotated[
        float | None,
        _option(CLUSTER, "With --shard-index: seconds to wait for parts that are not at work. [default: 0]", min=0),
    ] = None,
    rewriter: dict[str, Any] | None = None,
) -> None:
    """Convert a share of a task's samples into other answer styles and write a new version."""
    with collector_paused():  # modules hold no cycles that could be freed
        from asd.cli.convert import run

    settings = {
        "task": _one_of(task_name, task, "TASK", "--task"), "source": source, "out": out, "seed": seed,
        "styles": styles, "split": split, "template_dir": template_dir, "source_format": source_format,
        "image_root": image_root, "embed_images": embed_images or None, "follow_links": follow_links or None,
        "workers": workers, "strict": strict or None, "max_reject_rate": max_reject_rate,
        "name": name, "engine": engine, "ray_address": ray_address,
        "ray_rewriters": ray_rewriters, "ray_rewriter_gpus": ray_rewriter_gpus, "publish": publish,
    }  # fmt: skip
    run(settings, recipe=_one_of(recipe, pipeline, "--recipe", "--pipeline"), ratio=ratio,
        ratio_per_style=ratio_per_style, dry=dry_run, as_json=json, rewriter=rewriter, jobs=jobs,
        shard=(shard_index, num_shards, wait), events=events)  # fmt: skip


def _one_of(first: str | None, second: str | None, first_name: str, second_name: str) -> str | None:
    """Two spellings of one option. Raises: UsageError if they say different things."""
    if first is not None and second is not None and first != second:
        raise UsageError(f"{first_name} {first} and {second_name} {second} say different things; give one of them.")
    return first if first is not None else second
