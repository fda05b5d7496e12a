"""HTML pages from the templates of this folder: everything escaped, no scripts, no requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asd.report.page_parts import stylesheet, templates_in

_FOLDER = Path(__file__).parent


def render(template: str, **variables: Any) -> str:
    """Colours and boxes are those of the data set's report."""
    css = stylesheet("card.css", "report.css", str(_FOLDER / "run.css"))
    return templates_in(_FOLDER).get_template(template).render(css=css, **variables)
