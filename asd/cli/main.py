"""The `asd` command: parse, call, print. Each command is a module of its own, imported when it is used."""

from __future__ import annotations

import sys
from typing import Annotated, Any, NoReturn

import typer

from asd.cli.data_app import data_app
from asd.cli.rewrite_app import rewrite_app
from asd.cli.rewriter_options import takes_connection_options, takes_rewriter_options
from asd.errors import AsdError, UsageError
from asd.plain_files import require_text_arguments
from asd.shown_text import shown_output

app = typer.Typer(
    name="asd",
    help="Answer Style Diversification: convert visual question answering data into several answer styles, as "
    "validated, versioned Arrow shards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DatasetArgument = Annotated[
    str, typer.Argument(metavar="DIR[@VERSION]", help="Dataset directory, as `asd convert` printed it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
_INTERRUPTED = 130
app.add_typer(data_app, name="data")
app.add_typer(rewrite_app, name="rewrite")


def _version(value: bool) -> None:
    if value:
        from asd import __version__

        print(f"asd {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def tasks(
    name: Annotated[str | None, typer.Argument(help="Show one task in full.")] = None,
    json: JsonOption = False,
) -> None:
    """List known tasks: native style, the styles each can take and who makes them, formats read."""
    from asd.cli.tasks import run

    run(name, as_json=json)


@app.command()
@takes_rewriter_options
def convert(
    task: Annotated[
        str | None, typer.Option(help="Built-in task (see `asd tasks`), or the path of a task YAML.")
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option(help="Recipe that converts several tasks, e.g. coin/asd; instead of --task.")
    ] = None,
    ratio: Annotated[
        float | None, typer.Option(help="Share of samples that leave the native style. [default: 0.2]")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="File, directory, address (s3://...), or hf:NAME. Default: data root, hub, embedded sample."),
    ] = None,
    out: Annotated[str | None, typer.Option(help="Dataset directory. [default: asd-data/<task>]")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides every random choice. [default: 0]")] = None,
    styles: Annotated[
        str | None, typer.Option(help="Target styles, comma-separated. [default: all the task can take]")
    ] = None,
    ratio_per_style: Annotated[str | None, typer.Option(help="Own mix, e.g. yes_no=0.1,multiple_choice=0.05.")] = None,
    split: Annotated[str | None, typer.Option(help="Read only rows of this split, e.g. train.")] = None,
    template_dir: Annotated[
        str | None, typer.Option(help="Folder of templates that replace the built-in ones file by file.")
    ] = None,
    source_format: Annotated[str | None, typer.Option(help="Layout to read, instead of detecting it.")] = None,
    image_root: Annotated[str | None, typer.Option(help="Folder that image paths are relative to.")] = None,
    publish: Annotated[
        str | None, typer.Option(help="Also copy the finished version to this address: s3://, gs://, ...")
    ] = None,
    embed_images: Annotated[bool, typer.Option("--embed-images", help="Store the image bytes in the shards.")] = False,
    follow_links: Annotated[
        bool,
        typer.Option("--follow-links", help="With --embed-images: also images that links lead to outside the root."),
    ] = False,
    workers: Annotated[int | None, typer.Option(help="Processes, this one included. [default: one per core]")] = None,
    engine: Annotated[str | None, typer.Option(help="Where the work is done: local or ray. [default: local]")] = None,
    ray_address: Annotated[
        str | None,
        typer.Option(help="Running Ray cluster, HOST:PORT or auto. [default: $RAY_ADDRESS, else one made here]"),
    ] = None,
    ray_ship_files: Annotated[
        bool, typer.Option("--ray-ship-files", help="Send files through Ray even to nodes that see the output folder.")
    ] = False,
    ray_rewriters: Annotated[
        int | None,
        typer.Option(help="Ray workers that ask the model. [default: one per node, or as many as the GPUs allow]"),
    ] = None,
    ray_rewriter_gpus: Annotated[
        float | None, typer.Option(help="GPUs of each of them. [default: what its own vLLM needs, else 0]")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="With --pipeline: convert so many tasks side by side.")
    ] = None,
    shard_index: Annotated[
        int | None, typer.Option(help="Do only this part of the work, 0 to --num-shards less one; `asd merge` commits.")
    ] = None,
    num_shards: Annotated[int | None, typer.Option(help="In how many parts the work is handed out.")] = None,
    wait: Annotated[
        float | None,
        typer.Option(min=0, help="With --shard-index: seconds to wait for parts that are not at work. [default: 0]"),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first unusable row.")] = False,
    max_reject_rate: Annotated[
        float | None, typer.Option(help="Stop if more than this share of rows is unusable. [default: 0.2]")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Give the version a name of your own.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would be made, write nothing.")] = False,
    json: JsonOption = False,
    rewriter: dict[str, Any] | None = None,
) -> None:
    """Convert a share of a task's samples into other answer styles and write a new version."""
    from asd.cli.convert import run

    settings = {
        "task": task, "source": source, "out": out, "seed": seed, "styles": styles, "split": split,
        "template_dir": template_dir, "source_format": source_format, "image_root": image_root,
        "embed_images": embed_images or None, "follow_links": follow_links or None,
        "workers": workers, "strict": strict or None, "max_reject_rate": max_reject_rate,
        "name": name, "engine": engine, "ray_address": ray_address, "ray_ship_files": ray_ship_files or None,
        "ray_rewriters": ray_rewriters, "ray_rewriter_gpus": ray_rewriter_gpus, "publish": publish,
    }  # fmt: skip
    run(settings, pipeline=pipeline, ratio=ratio, ratio_per_style=ratio_per_style, dry=dry_run, as_json=json,
        rewriter=rewriter, jobs=jobs, shard=(shard_index, num_shards, wait))  # fmt: skip


@app.command()
def merge(
    directories: Annotated[
        list[str],
        typer.Argument(metavar="DIR[@ID]...", help="Dataset directories that `asd convert --shard-index` told."),
    ],
    finish: Annotated[bool, typer.Option("--finish", help="Also do the work of parts that never began.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes, this one included. [default: one per core]")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Commit conversions that were handed out in parts; what the parts left undone is done first."""
    from asd.cli.parts import run_merge

    run_merge(directories, finish=finish, workers=workers, as_json=json)


@app.command()
def inspect(
    directory: DatasetArgument,
    style: Annotated[str | None, typer.Option(help="Show only this style.")] = None,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="Samples per style.")] = 2,
    html: Annotated[str | None, typer.Option(help="Write a self-contained page for people to this file.")] = None,
) -> None:
    """Show samples of every style in the terminal, or as an HTML page with the quality figures."""
    from asd.cli.inspect import run

    run(directory, style=style, number=number, html=html)


@app.command()
def versions(
    directory: DatasetArgument,
    clean: Annotated[bool, typer.Option("--clean", help="Delete what stopped conversions left unfinished.")] = False,
    json: JsonOption = False,
) -> None:
    """List the versions of a dataset, and what stopped conversions left unfinished."""
    from asd.cli.versions import run_versions

    run_versions(directory, clean=clean, as_json=json)


@app.command()
def diff(
    left: Annotated[str, typer.Argument(metavar="DIR@VERSION")],
    right: Annotated[str, typer.Argument(metavar="DIR@VERSION")],
    json: JsonOption = False,
) -> None:
    """Compare two versions: settings, and rows by what happened to them."""
    from asd.cli.versions import run_diff

    run_diff(left, right, as_json=json)


@app.command()
def verify(directory: DatasetArgument, json: JsonOption = False) -> None:
    """Check every checksum, schema and count of a version."""
    from asd.cli.versions import run_verify

    run_verify(directory, as_json=json)


@app.command()
def quality(directory: DatasetArgument, json: JsonOption = False) -> None:
    """Measure a version: answers kept, letters and yes/no balanced, wrong answers not tellable from the text alone."""
    from asd.cli.quality import run

    run(directory, as_json=json)


@app.command()
def export(
    directories: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DIR[@VERSION]...", help="Datasets, as `asd convert` printed them, in the tasks' order."
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder to write into; for one dataset of one split also a file's name.")
    ] = None,
    to: Annotated[str, typer.Option(help="Format; --to help lists them.")] = "llava",
    styles: Annotated[
        str | None, typer.Option(help="Only these answer styles, comma-separated; `native` is the task's own.")
    ] = None,
    group_turns: Annotated[
        bool, typer.Option("--group-turns", help="Put the turns of one record together again.")
    ] = False,
    split: Annotated[str | None, typer.Option(help="Only this split. [default: a file for each]")] = None,
    images: Annotated[
        str | None, typer.Option(help="paths (as in the source), copy (beside the files), embed (bytes inside).")
    ] = None,
    image_root: Annotated[
        str | None, typer.Option(help="Folder or address of the images. [default: where the conversion read them]")
    ] = None,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Also read images that links lead to outside the image root.")
    ] = False,
    missing_images: Annotated[
        str | None,
        typer.Option(
            help="Samples whose images are not there or cannot be shown: error, skip, keep. "
            "[default: skip; an error if none is there]"
        ),
    ] = None,
    pipeline: Annotated[str | None, typer.Option(help="Export all datasets of a recipe, in its order.")] = None,
    json: JsonOption = False,
) -> None:
    """Write datasets as the files that trainers read: LLaVA, LLaMA-Factory, ms-swift, TRL, MCITlib and others."""
    from asd.cli.export import list_formats, run

    if to == "help":
        print(list_formats())
        return
    if out is None:
        raise UsageError("give --out FOLDER, where to write the files.")
    settings = {
        "out": out, "format": to, "group_turns": group_turns, "split": split, "images": images,
        "image_root": image_root, "missing_images": missing_images, "follow_links": follow_links,
    }  # fmt: skip
    run(directories or [], settings, pipeline=pipeline, styles=styles, as_json=json)


@app.command()
def score(
    predictions: Annotated[
        str, typer.Argument(metavar="PREDICTIONS", help="JSON Lines (CoIN's result files) or an Arrow prediction file.")
    ],
    task: Annotated[str, typer.Option(help="Task whose rule scores (see `asd tasks`), or its YAML file.")],
    gold: Annotated[
        str | None,
        typer.Option(help="File or DIR[@VERSION] with the gold answers. [default: those in the predictions]"),
    ] = None,
    rules: Annotated[
        str, typer.Option(help="Whose score to headline: coin, sefe, ucit (as released) or fixed.")
    ] = "fixed",
    split: Annotated[str | None, typer.Option(help="Only gold answers of this split.")] = None,
    rule: Annotated[str | None, typer.Option(help="Another rule than the task's own, e.g. vqa_soft.")] = None,
    json: JsonOption = False,
) -> None:
    """Score predictions by id, with the rule as released and as repaired, and show the difference."""
    from asd.cli.score import run

    run(predictions, task=task, gold=gold, rules=rules, split=split, rule=rule, as_json=json)


@app.command()
@takes_connection_options
def judge(
    predictions: Annotated[
        str | None,
        typer.Argument(metavar="PREDICTIONS", help="JSON Lines (CoIN's result files) or an Arrow prediction file."),
    ] = None,
    task: Annotated[str | None, typer.Option(help="Task that the predictions are of (see `asd tasks`).")] = None,
    gold: Annotated[
        str | None,
        typer.Option(help="File or DIR[@VERSION] with the gold answers. [default: those in the predictions]"),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only gold answers of this split.")] = None,
    out: Annotated[str | None, typer.Option(help="JSON Lines file to write: points by question id.")] = None,
    sanity: Annotated[
        bool, typer.Option("--sanity", help="First let the judge rate answers whose points are known.")
    ] = False,
    template_dir: Annotated[
        str | None, typer.Option(help="Folder with judge/*.jinja that replace the built-in prompts.")
    ] = None,
    json: JsonOption = False,
    rewriter: dict[str, Any] | None = None,
) -> None:
    """Let a language model rate open answers from 0 to 10 against the gold ones (CoIN's general knowledge measure).

    Exit code 1 if --sanity finds that the judge cannot be relied on.
    """
    from asd.cli.judge import run

    run(predictions, task=task, gold=gold, split=split, out=out, template_dir=template_dir, sanity=sanity,
        as_json=json, rewriter=rewriter or {})  # fmt: skip


@app.command()
def push(
    directory: DatasetArgument,
    to: Annotated[str, typer.Option(help="Dataset on the hub, OWNER/NAME; it is made if it is not there.")],
    public: Annotated[bool, typer.Option("--public", help="Make a new dataset public. [default: private]")] = False,
    licence_ok: Annotated[
        bool, typer.Option("--licence-ok", help="You have read the licence of the data and may share it.")
    ] = False,
) -> None:
    """Upload a version with its card to the Hugging Face hub, in one commit (needs `hf auth login` or HF_TOKEN)."""
    from asd.cli.push import run

    run(directory, to=to, public=public, licence_ok=licence_ok)


def main() -> None:
    """Entry point. Deliberate errors become one message: exit code 2 for usage, 1 for data, 3 for the rewriter's
    side (a server, a key, a spent budget; what was finished is kept), 130 for Ctrl-C."""
    with shown_output():
        _run()


def _run() -> None:
    try:
        require_text_arguments(sys.argv[1:])
        app(prog_name="asd")
    except AsdError as exc:
        print(f"error: {exc}", file=sys.stderr)
        sys.exit(exc.exit_code)
    except KeyboardInterrupt:
        _stop()
    except SystemExit as exc:
        if exc.code == _INTERRUPTED:  # typer has turned Ctrl-C into an exit, without a word
            _stop()
        raise
    except OSError as exc:
        print(f"error: {exc}", file=sys.stderr)
        sys.exit(1)


def _stop() -> NoReturn:
    kept = (
        " Finished parts are kept: run the same command again to go on."
        if {"convert", "judge"} & set(sys.argv[1:2])
        else ""
    )
    print(f"stopped.{kept}", file=sys.stderr)
    sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
