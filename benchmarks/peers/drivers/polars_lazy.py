"""Polars: one lazy query from NDJSON to Parquet, streamed. No Jinja: the templates are expressions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
from peers.task import COLUMNS, LETTERS, POOLS, PREFIX, SUFFIX, selection_hash, style_hash, threshold

SOURCE = {
    "id": pl.String,
    "image": pl.String,
    "conversations": pl.List(pl.Struct({"from": pl.String, "value": pl.String})),
}


def hashed(of: Callable[[str], int]) -> pl.Expr:
    return pl.col("id").map_batches(
        lambda ids: pl.Series([of(text) for text in ids], dtype=pl.UInt64), return_dtype=pl.UInt64, is_elementwise=True
    )


def answers() -> pl.LazyFrame:
    rows = [{"gold": answer, "pool": pool, "place": place} for pool in POOLS for place, answer in enumerate(pool)]
    return pl.LazyFrame(rows, schema={"gold": pl.String, "pool": pl.List(pl.String), "place": pl.Int64})


def wrong(number: int) -> pl.Expr:
    others = pl.col("pool").list.len().cast(pl.Int64) - 1
    shift = (pl.col("first") + number) % others
    return pl.col("pool").list.get((pl.col("place") + 1 + shift) % (others + 1))


def option(place: int) -> pl.Expr:
    letter, gold = pl.col("letter"), pl.col("gold")
    before = pl.col(f"wrong_{place - 1}") if place else pl.lit(None, pl.String)
    after = pl.col(f"wrong_{place}") if place < 3 else pl.lit(None, pl.String)
    return pl.when(letter == place).then(gold).when(letter < place).then(before).otherwise(after)


def prompts() -> pl.Expr:
    head = pl.format(PREFIX + "{}\n", pl.col("question"))
    candidate = pl.when("right_one").then("gold").otherwise("wrong_0")
    proposed = pl.format("Proposed answer: {}\nIs the proposed answer right? ", candidate)
    judged = pl.when(pl.col("pool").is_null()).then(pl.lit("")).otherwise(proposed)
    listed = pl.concat_str([pl.format(LETTERS[place] + ". {}\n", option(place)) for place in range(4)])
    style = pl.col("style")
    return (
        pl.when(style == "short_answer")
        .then("prompt")
        .when(style == "brief_explanation")
        .then(head + "Put the answer into one short, complete sentence.")
        .when(style == "yes_no")
        .then(head + judged + "Reply with Yes or No only.")
        .otherwise(head + listed + "Pick one option and reply with its letter alone.")
    )


def responses() -> pl.Expr:
    style, gold = pl.col("style"), pl.col("gold")
    sentence = pl.format('The answer to "{}" is {}.', pl.col("question"), gold)
    verdict = pl.when("right_one").then(pl.lit("Yes")).otherwise(pl.lit("No"))
    letter = pl.col("letter").replace_strict(list(range(4)), list(LETTERS), return_dtype=pl.String, default=None)
    return (
        pl.when(style == "short_answer")
        .then(gold)
        .when(style == "brief_explanation")
        .then(sentence)
        .when(style == "yes_no")
        .then(pl.when(pl.col("pool").is_null()).then(gold.str.to_titlecase()).otherwise(verdict))
        .otherwise(letter)
    )


def styles() -> pl.Expr:
    drawn = pl.col("draw") % 3
    return (
        pl.when(~pl.col("chosen"))
        .then(pl.lit("short_answer"))
        .when(drawn == 2)
        .then(pl.lit("brief_explanation"))
        .when((drawn == 0) | pl.col("gold").is_in(["yes", "no"]))
        .then(pl.lit("yes_no"))
        .otherwise(pl.lit("multiple_choice"))
    )


def start() -> None:
    """Nothing to start before the work."""


def work(source: Path, out: Path, ratio: float) -> None:
    turn = pl.col("conversations").list
    draw = pl.col("draw")
    rows = (
        pl.scan_ndjson(source / "rows.jsonl", schema=SOURCE)
        .select("id", "image", *(turn.get(n).struct.field("value").alias(x) for n, x in enumerate(("prompt", "gold"))))
        .with_columns(
            chosen=hashed(selection_hash) <= threshold(ratio) - 1,
            draw=hashed(style_hash),
            question=pl.col("prompt").str.slice(len(PREFIX)).str.strip_suffix(SUFFIX),
        )
        .join(answers(), on="gold", how="left")
        .with_columns(
            style=styles(),
            right_one=(draw // (1 << 8)) % 2 == 1,
            letter=((draw // (1 << 16)) % 4).cast(pl.Int64),
            first=((draw // (1 << 24)) % (1 << 20)).cast(pl.Int64),
        )
        .with_columns(**{f"wrong_{number}": wrong(number) for number in range(3)})
        .with_columns(prompt=prompts(), response=responses())
        .select(COLUMNS)
    )
    rows.sink_parquet(out / "rows.parquet")


def stop() -> None:
    """Nothing runs on."""
