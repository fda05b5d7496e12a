"""What all HTML pages share: how their templates are filled, and the colours and boxes of the house."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import jinja2
from markupsafe import Markup

_FOLDER = Path(__file__).parent


@lru_cache
def stylesheet(*names: str) -> Markup:
    """Style sheets of this folder, or of the paths given, one after the other."""
    return Markup("\n").join(Markup((_FOLDER / name).read_text("utf-8")) for name in names)


@lru_cache
def templates_in(folder: Path) -> jinja2.Environment:
    """The templates of a folder: everything is escaped, and a name that is not given is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
