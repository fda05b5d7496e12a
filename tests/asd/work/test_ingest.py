"""The first pass and what reads for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from asd.conversion.config import ConvertConfig
from asd.conversion.prepare import prepare
from asd.errors import RejectLimitError
from asd.sources.batch import NativeBatch
from asd.sources.in_order import map_in_order
from asd.sources.open import Source
from asd.work.ingest import content_bytes, ingest
from asd.work.measuring import Measured, Measuring, read_here
from tests.asd.sources_made import record, vqa_records, write_lines


def test_readers_elsewhere_end_with_the_error_that_stops_the_pass(tmp_path: Path) -> None:
    """At once, even where somebody keeps the error: a cluster they work on may be gone when Python tidies up."""
    rows = [record("bad", "", ""), *vqa_records(50)]
    source = write_lines(tmp_path / "source.jsonl", rows)
    config = ConvertConfig(task="vqav2", source=str(source), out=tmp_path / "data", strict=True)
    prepared = prepare(config)
    is_over = []

    def elsewhere(source: Source) -> Iterator[NativeBatch]:
        try:
            yield from source.pieces(range(1), 10)
        finally:
            is_over.append(True)

    def read(source: Source, measure: Measuring) -> Measured:
        return map_in_order(measure, source.arrange(elsewhere(source), 10))

    with pytest.raises(RejectLimitError, match="row 0, id bad: no_answer") as kept:
        ingest(prepared.source, prepared.spec, config, prepared.styles, tmp_path / "ingest", lambda rows: None, read)
    assert is_over == [True]
    assert kept.value


def test_the_size_of_a_block_does_not_tell_where_its_rows_come_from(tmp_path: Path) -> None:
    """By it blocks are cut, which must be the same wherever the source was read."""
    config = ConvertConfig(task="vqav2", source=str(write_lines(tmp_path / "source.jsonl", vqa_records(300))))
    (batch,) = prepare(config).source.batches()
    sent = pa.ipc.read_record_batch(batch.table.serialize(), batch.table.schema)
    assert sent.nbytes != batch.table.nbytes
    for rows in (batch.table, sent, pa.concat_batches([sent.slice(0, 123), sent.slice(123)])):
        sizes = [sum(map(content_bytes, part.columns)) for part in (rows, rows.slice(7, 101))]
        assert sizes == [sum(map(content_bytes, part.columns)) for part in (batch.table, batch.table.slice(7, 101))]
    assert 0.99 < sum(map(content_bytes, sent.columns)) / sent.nbytes <= 1.0


def test_batches_of_any_size_measure_the_same(tmp_path: Path) -> None:
    config = ConvertConfig(task="vqav2", source=str(write_lines(tmp_path / "source.jsonl", vqa_records(300))))
    prepared = prepare(config)
    measure = Measuring(prepared.spec, tuple(prepared.styles), None, 7, None)
    found = []
    for batch_rows in (1, 17, 300):
        parts = [part for _, rows in read_here(prepared.source, measure, batch_rows) for part in rows]
        found.append(
            [
                (key, bits, polarity, source_id)
                for part in parts
                for key, bits, polarity, source_id in zip(
                    part.keys.tolist(),
                    part.capable.tolist(),
                    part.polarity.tolist(),
                    part.rows["source_id"].to_pylist(),
                    strict=True,
                )
            ]
        )
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 300
