"""HTML pages from the templates of this folder: everything escaped, no scripts, no requests."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

import asd.report

_FOLDER = Path(__file__).parent
_HOUSE = Path(asd.report.__file__).parent


def render(template: str, **variables: Any) -> str:
    return _environment().get_template(template).render(css=_stylesheet(), **variables)


@lru_cache
def _stylesheet() -> Markup:
    """Colours and boxes are those of the data set's report."""
    files = [_HOUSE / "card.css", _HOUSE / "report.css", _FOLDER / "run.css"]
    return Markup("\n").join(Markup(file.read_text("utf-8")) for file in files)


@lru_cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
