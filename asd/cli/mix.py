"""`asd mix`."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from asd.cli.table import Table
from asd.conversion.progress import progress_for_terminal
from asd.mixing.mix import Mix, mix
from asd.schemas.styles import AnswerStyle


def run(file: str, *, out: str | None, total: int | None, dry: bool, as_json: bool) -> None:
    with closing(progress_for_terminal()) as progress:
        made = mix(file, out=None if out is None else Path(out), total=total, dry=dry, progress=progress)
    if as_json:
        print(json.dumps(asdict(made) | {"path": str(made.path)}, indent=1, ensure_ascii=False))
    else:
        print("\n".join(_text(made, dry=dry)))


def _text(made: Mix, *, dry: bool) -> list[str]:
    unit = [] if made.unit == "rows" else [made.unit]
    table = Table(["part", "rows", *unit, "share", "it has", "repeated, left out"])
    whole = sum(part.size for part in made.parts)
    for part in made.parts:
        cells = [f"{part.rows:,}", *(f"{part.size:,}" for _ in unit), f"{part.size / whole:.2%}"]
        table.add(f"{part.name} ({part.data}@{part.version})", *cells, f"{part.available:,}", f"{part.repeated:,}")
    styles = ", ".join(f"{style} {count / made.rows:.1%}" for style, count in made.by_style.items())
    lines = [*table.lines(), "", f"answer styles of the {made.rows:,} rows: {styles}"]
    if AnswerStyle.FREE_FORM in made.by_style:
        lines.append(
            "free_form: kept as they came, whatever their form; `asd styles` tells the forms by the texts themselves"
        )
    if dry:
        return [*lines, f"no mix was written (parts that are conversions were made); without --dry-run: {made.path}"]
    state = "" if made.did_work else " (it was there already)"
    return [*lines, f"{made.path}@{made.number}, version {made.version}{state}"]
