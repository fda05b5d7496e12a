"""Are the outputs right? Peers by digest against the task's definition, ours row by row against its source.

    python -m peers.agreement expected SOURCE RATIO     # what the definition itself gives
    python -m peers.agreement peer OUT PATTERN          # a peer's Parquet or Arrow files
    python -m peers.agreement ours SOURCE OUT RATIO     # raises on the first thing that is wrong
    python -m peers.agreement makers SOURCE OUT PATTERN # a peer's that calls our makers: as ours, but for quotas

Each prints one JSON object. Runs in the environment of this package.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from .task import COLUMNS, convert, threshold


class DisagreementError(Exception):
    """An output that is not what its source and the settings make it."""


def digest(table: pa.Table) -> str:
    """Of all rows in the order of their ids, over every column's text."""
    table = table.select(list(COLUMNS)).sort_by("id")
    hasher = xxhash.xxh3_64()
    for name in COLUMNS:
        hasher.update("\x1f".join(table[name].to_pylist()).encode() + b"\x1e")
    return hasher.hexdigest()


def described(table: pa.Table) -> dict[str, Any]:
    styles = {row["values"]: row["counts"] for row in pc.value_counts(table["style"].cast(pa.string())).to_pylist()}
    return {"rows": table.num_rows, "digest": digest(table), "styles": dict(sorted(styles.items()))}


def expected(source: Path, ratio: float) -> dict[str, Any]:
    with (source / "rows.jsonl").open("rb") as lines:
        rows = [convert(json.loads(line), threshold(ratio)) for line in lines]
    return described(pa.Table.from_pylist(rows))


def peer(out: Path, pattern: str) -> dict[str, Any]:
    paths = sorted(out.glob(pattern))
    if not paths:
        raise DisagreementError(f"no output at {out}/{pattern}")
    tables = [_read(path).select(list(COLUMNS)).cast(_ROW) for path in paths]
    return described(pa.concat_tables(tables))


_ROW = pa.schema([(name, pa.string()) for name in COLUMNS])


def _read(path: Path, columns: tuple[str, ...] | None = COLUMNS) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path, columns=None if columns is None else list(columns))
    with pa.memory_map(str(path)) as mapped:
        return pa.ipc.open_stream(mapped).read_all()


def ours(source: Path, out: Path, ratio: float) -> dict[str, Any]:
    """Every row against its source, every converted one against its gold answer, the version against its manifest."""
    import asd

    problems = asd.verify(str(out)).problems
    _hold(not problems, f"asd verify: {problems[:3]}")
    manifest = json.loads((out / "latest" / "manifest.json").read_text("utf-8"))
    joined = _joined(_rows(out), source)
    counted = dict(joined.group_by("style").len().sort("style").iter_rows())
    converted = len(joined) - counted.get("short_answer", 0)
    short = manifest["counts"]["shortfall"]  # rows that nothing can be made of: only where nearly all are asked for
    _hold(short == 0 or ratio == 1, f"{short} rows short at ratio {ratio}")
    _hold(
        converted + short == round(ratio * len(joined)), f"{converted} rows converted of {len(joined)}, ratio {ratio}"
    )
    _hold_rules(joined)
    return {"rows": len(joined), "version": manifest["version"], "styles": counted, "short": short}


def makers(source: Path, out: Path, pattern: str) -> dict[str, Any]:
    paths = sorted(out.glob(pattern))
    _hold(bool(paths), f"no output at {out}/{pattern}")
    joined = _joined(pl.from_arrow(pa.concat_tables([_read(path, None) for path in paths])), source)
    _hold_rules(joined)
    return {"rows": len(joined), "styles": dict(joined.group_by("style").len().sort("style").iter_rows())}


def _joined(rows: pl.DataFrame, source: Path) -> pl.DataFrame:
    """Each row beside that of the source. Raises: DisagreementError where ids or gold answers are others."""
    native = _source_rows(source)
    _hold(rows["source_id"].n_unique() == len(rows) == len(native), f"{len(rows)} rows of {len(native)}")
    joined = rows.join(native, left_on="source_id", right_on="id", how="inner", validate="1:1")
    _hold(len(joined) == len(rows), "ids that the source has not")
    _all(joined, pl.col("gold") == pl.col("source_gold"), "gold answers differ from the source's")
    return joined


def _hold_rules(joined: pl.DataFrame) -> None:
    for style, (holds, what) in _RULES.items():
        _all(joined.filter(pl.col("style") == style), holds(), what)


def _hold(condition: bool, problem: str) -> None:
    if not condition:
        raise DisagreementError(problem)


def _all(rows: pl.DataFrame, condition: pl.Expr, problem: str) -> None:
    wrong = rows.filter(~condition.fill_null(value=False))
    _hold(wrong.is_empty(), f"{problem}: {len(wrong)} rows, the first {wrong.head(1).to_dicts()}")


def _rows(out: Path) -> pl.DataFrame:
    wanted = ["source_id", "style", "question", "options", "candidate", "prompt", "response", "gold"]
    tables = []
    for path in sorted((out / "latest" / "data").glob("*.arrow")):
        with pa.memory_map(str(path)) as mapped:
            tables.append(pa.ipc.open_file(mapped).read_all().select(wanted))
    return pl.from_arrow(pa.concat_tables(tables))


def _source_rows(source: Path) -> pl.DataFrame:
    with (source / "rows.jsonl").open("rb") as lines:
        records = [json.loads(line) for line in lines]
    return pl.DataFrame(
        {
            "id": [record["id"] for record in records],
            "source_prompt": [record["conversations"][0]["value"] for record in records],
            "source_gold": [record["conversations"][1]["value"] for record in records],
        }
    )


def _native_as_it_was() -> pl.Expr:
    return (pl.col("prompt") == pl.col("source_prompt")) & (pl.col("response") == pl.col("source_gold"))


def _verdict_is_true() -> pl.Expr:
    right = pl.col("candidate") == pl.col("gold")
    asked_as_is = pl.col("response").str.to_lowercase() == pl.col("gold")
    judged = pl.when(right).then(pl.lit("yes")).otherwise(pl.lit("no")) == pl.col("response").str.to_lowercase()
    return pl.when(pl.col("candidate").is_null()).then(asked_as_is).otherwise(judged)


def _letter_is_the_gold() -> pl.Expr:
    place = pl.col("response").replace_strict(list("ABCD"), [0, 1, 2, 3], default=None, return_dtype=pl.Int64)
    chosen = pl.col("options").list.get(place, null_on_oob=True) == pl.col("gold")
    return chosen & (pl.col("options").list.n_unique() == pl.col("options").list.len())


def _gold_is_told() -> pl.Expr:
    polar = pl.col("gold").is_in(["yes", "no"])
    told = pl.col("response").str.to_lowercase().str.contains(pl.col("gold"), literal=True)
    return polar | told | (pl.col("gold") == "0") & pl.col("response").str.contains("no ", literal=True)


_RULES: dict[str, tuple[Callable[[], pl.Expr], str]] = {
    "short_answer": (_native_as_it_was, "native rows differ from the source"),
    "yes_no": (_verdict_is_true, "Yes or No against the gold answer"),
    "multiple_choice": (_letter_is_the_gold, "the letter is not the gold answer's, or options repeat"),
    "brief_explanation": (_gold_is_told, "sentences without the gold answer"),
}


def main() -> None:
    what, *given = sys.argv[1:]
    if what == "expected":
        found = expected(Path(given[0]), float(given[1]))
    elif what == "peer":
        found = peer(Path(given[0]), given[1])
    elif what == "makers":
        found = makers(Path(given[0]), Path(given[1]), given[2])
    else:
        found = ours(Path(given[0]), Path(given[1]), float(given[2]))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
