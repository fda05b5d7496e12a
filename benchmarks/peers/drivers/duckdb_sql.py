"""DuckDB: one SQL statement from JSON to Parquet. No Jinja: the templates are concatenations, the hashes are functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
from peers.task import POOLS, PREFIX, SUFFIX, selection_hash, style_hash, threshold

STATEMENT = """
COPY (
  WITH native AS (
    SELECT id, image, conversations[1].value AS prompt, conversations[2].value AS gold, selection_hash(id) <= {last} AS chosen
    FROM read_json('{source}', format='newline_delimited',
                   columns={{id: 'VARCHAR', image: 'VARCHAR', conversations: 'STRUCT("from" VARCHAR, "value" VARCHAR)[]'}})
  ), drawn AS (
    SELECT *, CASE WHEN chosen THEN style_hash(id) END AS draw FROM native
  ), facts AS (
    SELECT d.id, d.image, d.prompt, d.gold, d.draw, answers.pool AS pool, answers.place AS place, len(pool) - 1 AS others,
      CASE WHEN NOT chosen THEN 'short_answer'
           WHEN draw % 3 = 2 THEN 'brief_explanation'
           WHEN draw % 3 = 0 OR d.gold IN ('yes', 'no') THEN 'yes_no'
           ELSE 'multiple_choice' END AS style,
      substring(d.prompt, {before} + 1, length(d.prompt) - {around}) AS question,
      ((draw >> 8) & 1) = 1 AS right_one,
      (draw >> 16) % 4 AS letter,
      ((draw >> 24) % 1048576)::BIGINT AS first
    FROM drawn d LEFT JOIN answers ON d.gold = answers.gold
  ), wrong AS (
    SELECT *,
      pool[(place + 1 + (first + 0) % others) % (others + 1) + 1] AS wrong_0,
      pool[(place + 1 + (first + 1) % others) % (others + 1) + 1] AS wrong_1,
      pool[(place + 1 + (first + 2) % others) % (others + 1) + 1] AS wrong_2
    FROM facts
  )
  SELECT id, image, style, gold,
    CASE style
      WHEN 'short_answer' THEN prompt
      WHEN 'brief_explanation' THEN
        '<image>' || chr(10) || question || chr(10) || 'Put the answer into one short, complete sentence.'
      WHEN 'yes_no' THEN '<image>' || chr(10) || question || chr(10)
        || CASE WHEN pool IS NULL THEN ''
                ELSE 'Proposed answer: ' || CASE WHEN right_one THEN gold ELSE wrong_0 END || chr(10)
                     || 'Is the proposed answer right? ' END
        || 'Reply with Yes or No only.'
      ELSE '<image>' || chr(10) || question || chr(10)
        || 'A. ' || CASE WHEN letter = 0 THEN gold ELSE wrong_0 END || chr(10)
        || 'B. ' || CASE WHEN letter < 1 THEN wrong_0 WHEN letter = 1 THEN gold ELSE wrong_1 END || chr(10)
        || 'C. ' || CASE WHEN letter < 2 THEN wrong_1 WHEN letter = 2 THEN gold ELSE wrong_2 END || chr(10)
        || 'D. ' || CASE WHEN letter = 3 THEN gold ELSE wrong_2 END || chr(10)
        || 'Pick one option and reply with its letter alone.'
    END AS prompt,
    CASE style
      WHEN 'short_answer' THEN gold
      WHEN 'brief_explanation' THEN 'The answer to "' || question || '" is ' || gold || '.'
      WHEN 'yes_no' THEN CASE WHEN pool IS NULL THEN upper(gold[1]) || gold[2:]
                              WHEN right_one THEN 'Yes' ELSE 'No' END
      ELSE chr(65 + letter::INT)
    END AS response
  FROM wrong
) TO '{out}' (FORMAT parquet)
"""


def over_columns(of: Callable[[str], int]) -> Callable[[pa.ChunkedArray], pa.Array]:
    def hashes(ids: pa.ChunkedArray) -> pa.Array:
        return pa.array(map(of, ids.to_pylist()), pa.uint64())

    return hashes


def start() -> None:
    """Nothing to start before the work."""


def work(source: Path, out: Path, ratio: float) -> None:
    with duckdb.connect(config={"threads": 2, "preserve_insertion_order": False}) as database:
        for function in (selection_hash, style_hash):
            database.create_function(function.__name__, over_columns(function), ["VARCHAR"], "UBIGINT", type="arrow")
        database.execute("CREATE TABLE answers (gold VARCHAR, pool VARCHAR[], place BIGINT)")
        rows = [(answer, list(pool), place) for pool in POOLS for place, answer in enumerate(pool)]
        database.executemany("INSERT INTO answers VALUES (?, ?, ?)", rows)
        statement = STATEMENT.format(
            source=source / "rows.jsonl",
            out=out / "rows.parquet",
            last=threshold(ratio) - 1,
            before=len(PREFIX),
            around=len(PREFIX) + len(SUFFIX),
        )
        database.execute(statement)


def stop() -> None:
    """Nothing runs on."""
