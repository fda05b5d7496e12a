"""The `asd` command: parse, call, print. Each command is a module of its own, imported when it is used."""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import copy
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from typer.main import get_command_name
from typer.models import CommandInfo

from asd.cli.convert_app import convert
from asd.cli.data_app import data_app
from asd.cli.help import LOOK, MAKE, MODEL, USE, HelpfulCommand, HelpfulGroup
from asd.cli.probe_app import probe_app
from asd.cli.rewrite_app import rewrite_app
from asd.cli.rewriter_options import takes_connection_options, takes_rewriter_options
from asd.errors import AsdError, UsageError
from asd.plain_files import require_text_arguments
from asd.shown_text import shown_output

app = typer.Typer(
    name="asd",
    cls=HelpfulGroup,
    help="Answer Style Diversification: convert visual question answering data into several answer styles, as "
    "validated, versioned Arrow shards.",
    epilog="asd convert scienceqa                          # a small sample that comes along\n"
    "asd inspect asd-data/scienceqa-sample          # look at it\n"
    "asd init rows.jsonl                            # describe data of your own\n"
    "asd COMMAND --help                             # options and examples of one command",
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
Function = TypeVar("Function", bound=Callable[..., Any])


def command(panel: str, *examples: str) -> Callable[[Function], Function]:
    return app.command(cls=HelpfulCommand, rich_help_panel=panel, epilog="\n".join(examples))


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


command(
    MAKE,
    "asd convert scienceqa --ratio 0.2",
    "asd convert --task my_task.yaml --source rows.jsonl --image-root photos --dry-run",
    "asd convert vqav2 --styles yes_no,multiple_choice --split train --out mine",
    "asd convert --recipe coin/asd --jobs 2",
)(takes_rewriter_options(convert, panel=MODEL))


@command(
    MAKE,
    "asd tasks",
    "asd tasks vqav2",
    "asd tasks vqav2 --yaml > my_task.yaml",
)
def tasks(
    name: Annotated[str | None, typer.Argument(help="Show one task in full.")] = None,
    yaml: Annotated[
        bool, typer.Option("--yaml", help="Print the task's file, to be changed and given by its path.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List known tasks: native style, the styles each can take and who makes them, formats read."""
    from asd.cli.tasks import run

    run(name, as_json=json, as_yaml=yaml)


@command(
    MAKE,
    "asd init rows.jsonl",
    "asd init table.csv --out my_task.yaml --question ask --answer reply",
)
def init(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Your questions and answers, in any format that is read.")
    ],
    out: Annotated[str | None, typer.Option(help="File to write. [default: the name of FILE, with .yaml]")] = None,
    question: Annotated[str | None, typer.Option(metavar="FIELD", help="The field that holds the question.")] = None,
    answer: Annotated[str | None, typer.Option(metavar="FIELD", help="The field that holds the answer.")] = None,
    image: Annotated[
        str | None, typer.Option(metavar="FIELD", help="The field that holds the image or its path.")
    ] = None,
    options: Annotated[str | None, typer.Option(metavar="FIELD", help="The field that holds the options.")] = None,
) -> None:
    """Look at a file of your own and write the task YAML that converts it, with a comment on every guess."""
    from asd.cli.init import run

    run(file, out=out, chosen={"question": question, "gold": answer, "images": image, "options": options})


@command(
    MAKE,
    "asd recipes",
    "asd recipes coin/asd",
    "asd recipes coin/asd --yaml > mine.yaml   # then: asd convert --recipe mine.yaml",
)
def recipes(
    name: Annotated[str | None, typer.Argument(help="Show one recipe in full.")] = None,
    yaml: Annotated[
        bool, typer.Option("--yaml", help="Print the recipe whole, to be changed and given by its path.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the recipes, which convert whole benchmarks with one command, and explain them."""
    from asd.cli.recipes import run

    run(name, as_yaml=yaml, as_json=json)


@command(
    MAKE,
    "asd merge asd-data/vqav2",
    "asd merge asd-data/vqav2 --finish   # also parts that never began",
)
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


@command(
    MAKE,
    "asd mix mix.yaml --dry-run",
    "asd mix mix.yaml",
    "asd export asd-data/my-mix --to llama-factory --out for-my-trainer",
)
def mix(
    file: Annotated[str, typer.Argument(metavar="FILE", help="YAML that names the parts and their shares.")],
    out: Annotated[str | None, typer.Option(help="Dataset directory. [default: asd-data/<name of the mix>]")] = None,
    total: Annotated[
        int | None, typer.Option(min=1, help="Rows (words, tokens) of the mix, instead of the file's.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Say what would be taken of each part; its conversions are made, the mix is not.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Mix own rows, converted rows and rows of earlier tasks in exact shares, as a version like any other."""
    from asd.cli.mix import run

    run(file, out=out, total=total, dry=dry_run, as_json=json)


@command(
    LOOK,
    "asd inspect asd-data/vqav2 -n 1 --style yes_no",
    "asd inspect asd-data/vqav2@v1 --html report.html",
)
def inspect(
    directory: DatasetArgument,
    style: Annotated[str | None, typer.Option(help="Show only this style.")] = None,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="Samples per style.")] = 2,
    html: Annotated[str | None, typer.Option(help="Write a self-contained page for people to this file.")] = None,
) -> None:
    """Show samples of every style in the terminal, or as an HTML page with the quality figures."""
    from asd.cli.inspect import run

    run(directory, style=style, number=number, html=html)


@command(
    LOOK,
    "asd view asd-data/vqav2",
    "asd view asd-data/vqav2@v1 --port 8300 --no-browser",
)
def view(
    directory: DatasetArgument,
    port: Annotated[int, typer.Option(help="Port on this machine. [default: a free one]", show_default=False)] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address, open no browser.")] = False,
) -> None:
    """Leaf through a version in the browser: filter, search, compare two versions, mark samples good or bad."""
    from asd.cli.view import run

    run(directory, port=port, browser=not no_browser)


@command(
    LOOK,
    "asd versions asd-data/vqav2",
    "asd versions asd-data/vqav2 --clean",
)
def versions(
    directory: DatasetArgument,
    clean: Annotated[bool, typer.Option("--clean", help="Delete what stopped conversions left unfinished.")] = False,
    json: JsonOption = False,
) -> None:
    """List the versions of a dataset, and what stopped conversions left unfinished."""
    from asd.cli.versions import run_versions

    run_versions(directory, clean=clean, as_json=json)


@command(
    LOOK,
    "asd diff asd-data/vqav2@v1 asd-data/vqav2@v2",
)
def diff(
    left: Annotated[str, typer.Argument(metavar="DIR@VERSION", help="The version before, e.g. asd-data/vqav2@v1.")],
    right: Annotated[str, typer.Argument(metavar="DIR@VERSION", help="The version after.")],
    json: JsonOption = False,
) -> None:
    """Compare two versions: settings, and rows by what happened to them."""
    from asd.cli.versions import run_diff

    run_diff(left, right, as_json=json)


@command(
    LOOK,
    "asd verify asd-data/vqav2",
    "asd verify asd-data/vqav2@v1 --json",
)
def verify(directory: DatasetArgument, json: JsonOption = False) -> None:
    """Check every checksum, schema and count of a version."""
    from asd.cli.versions import run_verify

    run_verify(directory, as_json=json)


@command(
    LOOK,
    "asd quality asd-data/vqav2",
)
def quality(
    directory: DatasetArgument,
    every: Annotated[bool, typer.Option("--all", help="Also print every figure by its name, judged or not.")] = False,
    json: JsonOption = False,
) -> None:
    """Measure a version: answers kept, letters and yes/no balanced, wrong answers not tellable from the text alone."""
    from asd.cli.quality import run

    run(directory, every=every, as_json=json)


@command(
    LOOK,
    "asd styles train.jsonl",
    "asd styles old.json new.parquet --weights 0.3,0.7 --html audit.html",
    "asd styles train.jsonl --fail-on monoculture,contradictions",
)
def styles(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...", help="Fine-tuning files or folders of them, hf:NAME, or DIR[@VERSION] of ours."
        ),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="Share of each file in your training mix, e.g. 0.7,0.3.")] = None,
    fail_on: Annotated[
        str | None, typer.Option(help="Exit with 4 if this is found: monoculture, contradictions, ..., or any.")
    ] = None,
    html: Annotated[str | None, typer.Option(help="Write a self-contained page with charts to this file.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Read so many answers of each file at most.")] = None,
    question: Annotated[
        str | None,
        typer.Option(metavar="FIELD", help="The field that holds the question (or prompt), a.b if inside one."),
    ] = None,
    answer: Annotated[str | None, typer.Option(metavar="FIELD", help="The field that holds the answer.")] = None,
    json: JsonOption = False,
) -> None:
    """Audit fine-tuning data: which answer styles it holds, which its prompts ask for, and what a model would unlearn."""
    from asd.cli.styles import run

    run(
        files or [],
        weights=weights,
        fail_on=fail_on,
        html=html,
        limit=limit,
        question=question,
        answer=answer,
        as_json=json,
    )


@command(
    USE,
    "asd export --to help   # the formats",
    "asd export asd-data/gqa --to llama-factory --out for-my-trainer",
    "asd export --recipe coin/asd --to coin --out coin-data --split train",
)
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
    recipe: Annotated[str | None, typer.Option(help="Export all datasets of a recipe, in its order.")] = None,
    pipeline: Annotated[str | None, typer.Option(hidden=True)] = None,
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
    run(directories or [], settings, recipe=recipe or pipeline, styles=styles, as_json=json)


@command(
    USE,
    "asd score predictions.jsonl --task vqav2",
    "asd score predictions.jsonl --task gqa --gold asd-data/gqa --rules coin",
)
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


@command(
    USE,
    "asd judge predictions.jsonl --task llava_detail --rewriter vllm --model MODEL",
    "asd judge --sanity --rewriter openai --model MODEL --base-url URL",
)
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

    Exit code 4 if --sanity finds that the judge cannot be relied on.
    """
    from asd.cli.judge import run

    run(predictions, task=task, gold=gold, split=split, out=out, template_dir=template_dir, sanity=sanity,
        as_json=json, rewriter=rewriter or {})  # fmt: skip


@command(
    USE,
    "asd push asd-data/vqav2 --to OWNER/NAME --licence-ok",
)
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


app.add_typer(data_app, name="data", rich_help_panel=MAKE)
app.add_typer(rewrite_app, name="rewrite", rich_help_panel=USE)
app.add_typer(probe_app, name="probe", rich_help_panel=LOOK)


def main() -> None:
    """Entry point. Deliberate errors become one message: exit code 2 for usage, 1 for data, 3 for the rewriter's
    side (a server, a key, a spent budget; what was finished is kept), 130 for Ctrl-C; 4 is a finding."""
    with shown_output():
        _run()


def _run() -> None:
    try:
        require_text_arguments(sys.argv[1:])
        _with_command(sys.argv[1:2])(prog_name="asd")
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


def _with_command(names: list[str]) -> typer.Typer:
    """The app with no other command than the one that is named: building those that are not asked for takes longer than
    many a command does. The whole app where none is named."""
    named = [command for command in app.registered_commands if _name_of(command) in names]
    if not named:
        return app
    short = copy(app)
    short.registered_commands, short.registered_groups = named, []
    return short


def _name_of(command: CommandInfo) -> str:
    return command.name or get_command_name(command.callback.__name__) if command.callback else ""


_KEPT = {
    "convert": "Finished parts",
    "merge": "Finished parts",
    "mix": "Conversions of its parts that were finished",
    "judge": "Replies that came in",
    "probe ask": "Answers that came in",
}
"""What a command that was stopped leaves for the same command to go on with."""


def _stop() -> NoReturn:
    words = [word for word in sys.argv[1:3] if not word.startswith("-")]
    kept = _KEPT.get(" ".join(words)) or _KEPT.get(words[0] if words else "")
    print(f"stopped.{f' {kept} are kept: run the same command again to go on.' if kept else ''}", file=sys.stderr)
    sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
