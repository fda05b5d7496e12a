"""`asd data check`."""

from __future__ import annotations

from typing import Annotated

import typer

from asd.cli.help import HelpfulCommand, HelpfulGroup

data_app = typer.Typer(cls=HelpfulGroup, help="The data of a benchmark: what is there, what is missing, where it comes from.",
                       no_args_is_help=True, rich_markup_mode=None)  # fmt: skip


@data_app.callback()
def root() -> None:
    pass


@data_app.command(
    cls=HelpfulCommand,
    epilog="asd data check coin/asd --data-root /data\nasd data check coin/asd --no-images --json",
)
def check(
    recipe: Annotated[str, typer.Argument(help="Recipe, e.g. coin/asd, or the path of one.")],
    data_root: Annotated[str | None, typer.Option(help="Folder of the data sets. [default: ASD_DATA_ROOT]")] = None,
    images: Annotated[bool, typer.Option(help="Look every image up; --no-images reads annotations only.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Say per task which files and images are there, which are missing, where to get them, what the licence allows.

    Exit code 4 if something that the recipe needs is missing.
    """
    from asd.cli.data import run

    run(recipe, data_root, images=images, as_json=json)
