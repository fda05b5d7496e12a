"""Conversions with a language model: a scripted server in its own process, real requests, real files."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.conversion.config import ConvertConfig
from asd.conversion.convert import Conversion
from asd.conversion.prepare import prepare
from asd.errors import BudgetError, CacheError, UsageError
from asd.shards.manifest import read_manifest
from asd.shards.store import Store
from tests.asd.cli_runner import run_asd
from tests.asd.robustness.conversions import contents
from tests.asd.sources_made import vqa_records, write_lines
from tests.servers.running import RunningServer

ROWS = 160
STYLES = {"yes_no", "multiple_choice", "brief_explanation", "detailed_explanation"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(log=tmp_path_factory.mktemp("server") / "log.jsonl", model="scripted") as running:
        yield running


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lines(tmp_path_factory.mktemp("source") / "source.jsonl", vqa_records(ROWS))


def convert(source: Path, folder: Path, server: RunningServer | None, **other: Any) -> Conversion:
    """A conversion of half the rows in shards of 40; `rewriter`: settings beside those of the server."""
    place = {"kind": "cache"} if server is None else {"kind": "openai", "base_urls": [server.base_url]}
    rewriter = {
        "model": "scripted",
        "images": "never",
        "cache": folder / "cache.sqlite",
        **place,
        **other.pop("rewriter", {}),
    }
    given: dict[str, Any] = {"ratio": 0.5, "shard_rows": 40, "out": folder / "data", **other}
    return asd.convert("vqav2", source, rewriter=rewriter, **given)


def rows_of(done: Any) -> list[dict[str, Any]]:
    return asd.load(f"{done.path}@{done.number}").to_list()


@pytest.fixture(scope="module")
def made(source: Path, server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return convert(source, tmp_path_factory.mktemp("made"), server)


def test_the_ratio_is_exact_and_the_styles_are_even(made: Any) -> None:
    counts = made.manifest.counts
    assert counts.converted == ROWS // 2
    converted = {style: count for style, count in counts.by_style.items() if style != "short_answer"}
    assert set(converted) == STYLES
    assert max(converted.values()) - min(converted.values()) <= 1
    assert counts.by_maker["rewriter"] > ROWS // 4


def test_a_version_with_a_rewriter_is_sound_and_has_the_models_column(made: Any) -> None:
    assert made.manifest.format_version == 3
    assert "rewrite" in asd.load(made.path).column_names
    assert asd.verify(made.path).problems == []
    assert run_asd("inspect", made.path).code == 0
    assert run_asd("quality", made.path, "--json").code == 0


def test_every_row_says_who_wrote_it(made: Any) -> None:
    rows = rows_of(made)
    for row in rows:
        told = row["rewrite"]
        if row["maker"] == "rewriter":
            assert told["model"] == "scripted"
            assert told["template"].startswith(f"rewrite/{row['style']}/")
            assert told["attempts"] >= 1
            assert len(told["requests"]) >= told["attempts"]
            assert told["prompt_tokens"] > 0 < told["completion_tokens"]
            assert "gold_recoverable" in row["checks"] or "explanation_contains_gold" in row["checks"]
            assert len(row["checks"]) > 7, "the checks on meaning are missing"
        elif told is not None:
            assert told["template"] is None
            assert told["declined"]
    assert sum(row["maker"] == "rewriter" for row in rows) == made.manifest.rewriter.written


def test_the_manifest_sums_up_its_rows(made: Any) -> None:
    entry, rows = made.manifest.rewriter, [row["rewrite"] for row in rows_of(made) if row["rewrite"]]
    assert entry.model == "scripted"
    assert entry.replies == sum(len(row["requests"]) for row in rows)
    assert entry.prompt_tokens == sum(row["prompt_tokens"] for row in rows)
    assert entry.completion_tokens == sum(row["completion_tokens"] for row in rows)
    assert entry.declined == dict(sorted(Counter(reason for row in rows for reason in row["declined"]).items()))
    assert len(entry.digest) == 64
    assert set(entry.templates) >= {"rewrite/detailed_explanation/_default"} or entry.templates


def test_counts_of_the_making_stand_in_the_ref_alone(made: Any) -> None:
    making = Store(made.path).refs()["v1"]["rewriter"]
    assert making == made.making
    assert making["runs"] == 1
    assert making["replies"] == making["requests"] - making["cache_hits"] - making["merged"]
    assert "retries" not in made.manifest.to_json()


def test_own_options_come_before_the_model(source: Path, server: RunningServer, tmp_path: Path) -> None:
    """A yes/no question is answered as it is, whatever the model could write."""
    done = convert(source, tmp_path, server, styles="yes_no")
    makers = {(row["gold"] in ("yes", "no"), row["maker"]) for row in rows_of(done) if row["style"] == "yes_no"}
    assert makers <= {(True, "field"), (False, "rewriter"), (False, "mined")}
    assert (False, "rewriter") in makers


def test_the_same_again_does_no_work(source: Path, made: Any) -> None:
    before = contents(made.path)
    again = convert(source, made.path.parent, None)  # no server: it is not needed
    assert (again.did_work, again.version) == (False, made.version)
    assert contents(made.path) == before


def test_replies_from_the_cache_alone_give_the_same_bytes(source: Path, made: Any, tmp_path: Path) -> None:
    shutil.copy(made.path.parent / "cache.sqlite", tmp_path)
    done = convert(source, tmp_path, None)
    assert done.making["replies"] == 0
    assert done.making["cache_hits"] == done.making["requests"] > 0
    assert (done.version, contents(done.path / "latest")) == (made.version, contents(made.path / "latest"))


def test_fewer_in_flight_and_other_budgets_are_the_same_version(
    source: Path, server: RunningServer, made: Any, tmp_path: Path
) -> None:
    speed = {"max_in_flight": 3, "timeout_s": 30.0, "max_failures": 5, "max_tokens_total": 10**9, "price_in": 1.0}
    done = convert(source, tmp_path, server, rewriter=speed)
    assert (done.version, contents(done.path / "latest")) == (made.version, contents(made.path / "latest"))


@pytest.mark.parametrize(
    "change",
    [
        {"attempts": 2},
        {"sampling": {"temperature": 0.5}},
        {"revision": "b"},
        {"judge": "count"},
        {"styles": ["yes_no"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_can_change_a_sample_makes_another_version(
    source: Path, server: RunningServer, made: Any, change: dict[str, Any]
) -> None:
    given: dict[str, Any] = {"task": "vqav2", "source": str(source), "ratio": 0.5, "shard_rows": 40, "out": made.path}
    rewriter = {"kind": "openai", "base_urls": [server.base_url], "model": "scripted", "images": "never"}
    assert prepare(ConvertConfig(**given, rewriter=rewriter)).version == made.version
    assert prepare(ConvertConfig(**given, rewriter={**rewriter, **change})).version != made.version


def test_without_a_rewriter_nothing_is_as_with_one(source: Path, tmp_path: Path) -> None:
    done = asd.convert("vqav2", source, ratio=0.5, out=tmp_path / "data")
    assert done.manifest.format_version == 3
    assert "rewriter" not in json.loads((done.path / "latest" / "manifest.json").read_text())
    assert "rewrite" not in asd.load(done.path).column_names
    assert "detailed_explanation" not in done.manifest.counts.by_style


def test_a_larger_ratio_asks_only_about_the_new_rows(
    source: Path, server: RunningServer, made: Any, tmp_path: Path
) -> None:
    shutil.copy(made.path.parent / "cache.sqlite", tmp_path)
    done = convert(source, tmp_path, server, ratio=0.6)
    assert 0 < done.making["replies"] < 0.35 * done.making["requests"]
    before = {
        row["id"]: row["response"] for row in rows_of(made) if row["maker"] == "rewriter" and row["style"] != "yes_no"
    }
    now = {row["id"]: row for row in rows_of(done)}
    kept = [now[name]["style"] == "multiple_choice" or now[name]["response"] == text for name, text in before.items()]
    assert all(kept)


def test_one_row_in_a_hundred_changed_means_one_request_in_a_hundred(server: RunningServer, tmp_path: Path) -> None:
    records = vqa_records(300, seed=5)
    source = write_lines(tmp_path / "source.jsonl", records)
    first = convert(source, tmp_path, server, ratio=1.0)
    for number in range(0, 300, 100):
        turn = records[number + 7]["conversations"][0]
        turn["value"] = turn["value"].replace("<image>\n", "<image>\nNow look: ")
    write_lines(source, records)
    second = convert(source, tmp_path, server, ratio=1.0)
    assert second.version != first.version
    assert 1 <= second.making["replies"] <= 0.025 * second.making["requests"]


def test_questions_of_one_image_share_requests(server: RunningServer, tmp_path: Path) -> None:
    records = vqa_records(120, seed=3)
    for number, record in enumerate(records):
        record["image"] = f"images/{number // 10}.jpg"
        turn = record["conversations"][0]
        turn["value"] = turn["value"].replace("?", f" in part {number}?")
    source = write_lines(tmp_path / "source.jsonl", records)
    alone = convert(source, tmp_path, server, ratio=1.0)
    grouped = {"group_by_image": 4, "cache": tmp_path / "other.sqlite"}
    together = convert(source, tmp_path, server, ratio=1.0, rewriter=grouped)
    assert together.version != alone.version
    assert together.making["replies"] < 0.75 * alone.making["replies"]
    assert together.manifest.rewriter.written > 0.9 * alone.manifest.rewriter.written
    entry, making = together.manifest.rewriter, together.making
    assert 0.85 < entry.prompt_tokens / making["prompt_tokens"] <= 1  # the rest is of rows that were not taken


def test_the_second_opinion_is_counted(source: Path, server: RunningServer, tmp_path: Path) -> None:
    done = convert(source, tmp_path, server, ratio=0.3, rewriter={"judge": "count"})
    entry = done.manifest.rewriter
    views = Counter(row["rewrite"]["judge"] for row in rows_of(done) if row["maker"] == "rewriter")
    assert entry.judged == dict(sorted(views.items()))
    assert sum(entry.judged.values()) == entry.written
    assert entry.replies >= 2 * entry.written


def test_a_spent_budget_is_one_message_and_the_next_run_goes_on(
    source: Path, server: RunningServer, made: Any, tmp_path: Path
) -> None:
    budget = {"max_tokens_total": 10_000, "max_in_flight": 4}
    with pytest.raises(BudgetError, match=r"stopped at the budget, max_tokens_total 10,000"):
        convert(source, tmp_path, server, rewriter=budget)
    assert Store(tmp_path / "data").refs() == {}
    (unfinished,) = Store(tmp_path / "data").unfinished()
    assert unfinished.version == made.version
    told = json.loads(run_asd("rewrite", "stats", tmp_path / "data", "--json").out)
    spent = told["unfinished"][made.version]
    assert 0 < spent["prompt_tokens"] + spent["completion_tokens"] <= 10_000
    done = convert(source, tmp_path, server)
    assert done.making["runs"] == 2
    assert done.making["replies"] == made.making["replies"]
    assert contents(done.path / "latest") == contents(made.path / "latest")


def test_a_missing_reply_without_a_server_says_so(source: Path, made: Any, tmp_path: Path) -> None:
    shutil.copy(made.path.parent / "cache.sqlite", tmp_path)
    with pytest.raises(CacheError, match=r"the reply to a request of rewrite/.* is missing"):
        convert(source, tmp_path, None, ratio=0.9)


def test_a_style_that_the_rewriter_is_not_to_write(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be made by the rewriter as it is set \(it writes: yes_no\)"):
        convert(source, tmp_path, None, styles="detailed_explanation", rewriter={"styles": "yes_no"})
    with pytest.raises(UsageError, match=r"can only be made by a rewriter\. Give one with --rewriter"):
        asd.convert("vqav2", source, styles="detailed_explanation", out=tmp_path / "data")


def test_styles_that_no_model_writes_are_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the rewriter does not write short_answer; it writes yes_no, multiple_choice"):
        convert(source, tmp_path, None, rewriter={"styles": "short_answer"})


def test_the_models_own_reason_stands_where_only_it_could_write(
    source: Path, server: RunningServer, tmp_path: Path
) -> None:
    (tmp_path / "pictures").mkdir()
    done = convert(source, tmp_path, server, image_root=tmp_path / "pictures", rewriter={"images": "always"})
    declined = done.manifest.counts.declined
    assert declined["detailed_explanation: missing_image"] and "detailed_explanation: needs_rewriter" not in declined


def test_a_broken_prompt_template_is_found_before_any_request(
    source: Path, server: RunningServer, tmp_path: Path
) -> None:
    folder = tmp_path / "templates" / "rewrite" / "yes_no"
    folder.mkdir(parents=True)
    (folder / "vqa.jinja").write_text("{% block task %}{{ nonsense }}{% endblock %}{% block request %}x{% endblock %}")
    before = server.told()["counts"]
    with pytest.raises(UsageError, match=r"vqa\.jinja.*nonsense"):
        convert(source, tmp_path, server, template_dir=tmp_path / "templates")
    assert server.told()["counts"] == before


def test_in_a_notebook_whose_event_loop_runs(source: Path, server: RunningServer, tmp_path: Path, made: Any) -> None:
    import asyncio

    async def cell() -> Any:
        return convert(source, tmp_path, server)

    assert asyncio.run(cell()).version == made.version


def test_a_version_names_its_manifest_digest(made: Any, source: Path, tmp_path: Path) -> None:
    """Two makings with other replies have one version id and two digests."""
    with RunningServer(model="scripted", prose=True, schemas=False) as other:
        done = convert(source, tmp_path, other)
    assert done.version == made.version
    first, second = (read_manifest(one.path / "latest").rewriter for one in (made, done))
    assert first is not None and second is not None
    assert (first.digest == second.digest) == (contents(made.path / "latest") == contents(done.path / "latest"))
    assert first.digest != second.digest
