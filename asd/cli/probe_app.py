"""`asd probe`: its commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from asd.cli.help import HelpfulCommand, HelpfulGroup
from asd.cli.rewriter_options import takes_connection_options
from asd.errors import AsdError

probe_app = typer.Typer(
    cls=HelpfulGroup,
    help="Put the same questions in every answer style to a model before and after tuning: which style was lost?",
    epilog="asd probe questions --out probe.jsonl\n"
    "asd probe ask probe.jsonl --out before.jsonl --rewriter openai --base-url http://localhost:8000/v1 --model base\n"
    "asd probe ask probe.jsonl --out after.jsonl --rewriter openai --base-url http://localhost:8000/v1 --model tuned\n"
    "asd probe compare before.jsonl after.jsonl --html probe.html",
    no_args_is_help=True,
    rich_markup_mode=None,
)


Function = TypeVar("Function", bound=Callable[..., Any])


@probe_app.callback()
def root() -> None:
    pass


class ComparingCommand(HelpfulCommand):
    """Exit code 2 says here that a style was lost; so a wrong call is 1, as any other error."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as exc:
            if hasattr(exc, "exit_code"):
                exc.exit_code = min(exc.exit_code, AsdError.exit_code)
            raise

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AsdError as exc:
            exc.exit_code = AsdError.exit_code
            raise


def command(*examples: str, cls: type[HelpfulCommand] = HelpfulCommand) -> Callable[[Function], Function]:
    return probe_app.command(cls=cls, epilog="\n".join(examples))


@command(
    "asd probe questions --out probe.jsonl --text-only",
    "asd probe questions --data asd-data/my-task --out probe.jsonl -n 100",
    "asd probe questions --task my_task.yaml --source rows.jsonl --out probe.jsonl",
)
def questions(
    out: Annotated[str, typer.Option(help="JSON Lines file to write: a question in one style on each line.")],
    data: Annotated[
        list[str] | None, typer.Option(metavar="DIR[@VERSION]", help="Ask rows of this version; repeat for several.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="Ask rows of --source in every style that this task can take.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="File or folder with the rows of --task.")] = None,
    image_root: Annotated[str | None, typer.Option(help="Folder that image paths of --source are relative to.")] = None,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="Questions of each style at most.")] = 50,
    text_only: Annotated[bool, typer.Option("--text-only", help="No questions with pictures.")] = False,
) -> None:
    """Write the questions: drawn by this package, rows of a version, or your own rows in every style."""
    from asd.cli.probe import run_questions

    run_questions(
        out, data=data or [], task=task, source=source, image_root=image_root, number=number, text_only=text_only
    )


@command(
    "asd probe ask probe.jsonl --out before.jsonl --rewriter openai --base-url http://localhost:8000/v1 --model base",
    "asd probe ask probe.jsonl --out after.jsonl --rewriter vllm --model ./tuned",
)
@takes_connection_options
def ask(
    questions: Annotated[str, typer.Argument(metavar="QUESTIONS", help="File that `asd probe questions` wrote.")],
    out: Annotated[str, typer.Option(help="JSON Lines file to write: the questions with the model's answers.")],
    rewriter: dict[str, Any] | None = None,
) -> None:
    """Let a model answer the questions, word for word as it will."""
    from asd.cli.probe import run_ask

    run_ask(questions, out, rewriter or {})


@command(
    "asd probe compare before.jsonl after.jsonl",
    "asd probe compare before.jsonl after.jsonl --max-drop 0.05 --html probe.html",
    cls=ComparingCommand,
)
def compare(
    before: Annotated[str, typer.Argument(help="Answers of the model before tuning.")],
    after: Annotated[str, typer.Argument(help="Answers of the model after tuning, to the same questions.")],
    max_drop: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a style's questions by which it may fall.")
    ] = 0.1,
    html: Annotated[str | None, typer.Option(help="Write a self-contained page with charts to this file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Say for each style whether it was lost, and whether the facts were. Exit code 2 if a style was lost.

    A wrong call has exit code 1 here, as any other error.
    """
    from asd.cli.probe import run_compare

    run_compare(before, after, max_drop=max_drop, html=html, as_json=json)
