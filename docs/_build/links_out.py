"""Pages link to files of the repository. Some of these are pages of the site, too, where they stand beside the code that they
are about; a link to any other becomes the file's name, as the site does not hold it.

A link to a file that does not exist stays a link, so that the strict build reports it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")
_REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = {
    "asd/makers/REASONS.md": "reasons.md",
    "asd/rewrite/CHECKS.md": "checks.md",
    "asd/shards/FORMAT.md": "format.md",
    "asd/sources/LAYOUTS.md": "layouts.md",
}
"""Files of the repository that are pages of the site, and their names there. They may link within themselves only."""


def on_files(files: Files, config: Any) -> Files:
    for source, name in PAGES.items():
        files.append(File.generated(config, name, abs_src_path=str(_REPOSITORY / source)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    return _LINK.sub(_name_of, markdown)


def _name_of(link: re.Match[str]) -> str:
    text, target, place = link.groups()
    path = (_REPOSITORY / "docs" / target).resolve()
    if not path.is_relative_to(_REPOSITORY) or not path.exists():
        return link.group(0)
    name = path.relative_to(_REPOSITORY).as_posix()
    if name in PAGES:
        return f"[{text}]({PAGES[name]}{place or ''})"
    return text if text.strip("`") == name else f"{text} (`{name}`)"
