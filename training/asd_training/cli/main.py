"""Entry point of `asd-train`: the table of commands, and errors as one message with an exit code."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.main import get_command

from asd.cli.help import HelpfulCommand, HelpfulGroup

COMMANDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "run": (
        "asd_training.cli.run",
        "Tune a model on a sequence of tasks and evaluate it; goes on where it stopped.",
        ("asd-train run pocket/quick", "asd-train run my_run.yaml --set train.lr=1e-4 --out runs/again"),
    ),
    "check": (
        "asd_training.cli.check",
        "Say what a run would do, and what stands in its way; nothing is trained.",
        ("asd-train check my_run.yaml", "asd-train check coin/sefe --json"),
    ),
    "eval": (
        "asd_training.cli.eval",
        "Evaluate the model that a run had after a stage again.",
        (
            "asd-train eval runs/mine --task gqa",
            "asd-train eval runs/mine --after 03-imagenet --set eval.constrained=true",
        ),
    ),
    "predict": (
        "asd_training.cli.predict",
        "Answer the questions of any dataset with the model of a run.",
        ("asd-train predict runs/mine --data asd-data/gqa --out answers.arrow",),
    ),
    "report": (
        "asd_training.cli.report",
        "Write a page on a run: accuracy, forgetting, losses, wrong answers.",
        ("asd-train report runs/mine", "asd-train report runs/mine --html page.html --examples 10"),
    ),
    "answer": (
        "asd_training.cli.answer",
        "Answer the questions of `asd probe` with a transformers model, with or without an adapter.",
        (
            "asd-train answer probe.jsonl --model ./base --out before.jsonl",
            "asd-train answer probe.jsonl --model ./base --adapter ./tuned --out after.jsonl",
            "asd-train answer probe.jsonl --run runs/mine --after 01-scienceqa --out after.jsonl",
        ),
    ),
    "compare": (
        "asd_training.cli.compare",
        "Put runs side by side, with intervals over seeds.",
        ("asd-train compare runs/a runs/b", "asd-train compare runs/* --published coin/asd --html page.html"),
    ),
    "pocket": ("asd_training.cli.pocket", "The pocket benchmark: draw its tasks, train its base model.", ()),
    "forgetting": (
        "asd_training.cli.forgetting",
        "Split what was forgotten: only the answer style, the fact, or both.",
        ("asd-train forgetting runs/mine --task scienceqa",),
    ),
    "classify": (
        "asd_training.cli.classify",
        "Say of each wrong answer what is wrong: its style, its fact, or both.",
        ("asd-train classify answers.jsonl --task scienceqa",),
    ),
}
"""Command -> its module, which has a typer function `command` or a group `app`, its help line, and examples of it. Listing
them imports none."""

_INTERRUPTED = 130


class _LazyGroup(HelpfulGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = dict.fromkeys(COMMANDS)  # what a mistyped name is compared with

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, name: str) -> Any:
        if name not in COMMANDS:
            return None
        path, _, examples = COMMANDS[name]
        module = import_module(path)
        if hasattr(module, "app"):
            return get_command(module.app)
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        app.command(name, cls=HelpfulCommand, epilog="\n".join(examples))(module.command)
        return get_command(app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text, _) in COMMANDS.items()])


app = typer.Typer(
    name="asd-train",
    cls=_LazyGroup,
    help="Tune multimodal models on sequences of tasks from `asd` shards, and measure what they forget.",
    epilog="asd-train run pocket/quick      # the whole way, with nothing else installed or downloaded\n"
    "asd-train check my_run.yaml     # what a run of yours would do\n"
    "asd-train COMMAND --help        # options and examples of one command",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(value: bool) -> None:
    if value:
        from asd import __version__

        print(f"asd-train {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Deliberate errors become one message: exit code 2 for usage, 1 for data and models, 130 for Ctrl-C."""
    from asd.shown_text import shown_output

    with shown_output():
        _run(arguments)


def _run(arguments: list[str] | None) -> None:
    from asd.errors import AsdError
    from asd.plain_files import require_text_arguments
    from asd_training.errors import TrainingError

    try:
        require_text_arguments(sys.argv[1:] if arguments is None else arguments)
        app(arguments, prog_name="asd-train")
    except (AsdError, TrainingError) as exc:
        _fail(str(exc), exc.exit_code)
    except ModuleNotFoundError as exc:
        extra = "report" if exc.name in ("matplotlib", "scipy") else "train"
        if exc.name not in ("matplotlib", "scipy", "torch", "transformers", "peft", "accelerate", "safetensors"):
            raise
        _fail(f"{exc.name} is not installed; install the extra: pip install 'asd-mcit[{extra}]'", 1)
    except KeyboardInterrupt:
        _stop()
    except SystemExit as exc:
        if exc.code == _INTERRUPTED:
            _stop()
        raise
    except OSError as exc:
        _fail(str(exc), 1)


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


def _stop() -> NoReturn:
    kept = " What is finished is kept: run the same command again to go on." if "run" in sys.argv[1:2] else ""
    print(f"stopped.{kept}", file=sys.stderr)
    sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
