"""`asd judge` against a server in a process of its own: points by id, nothing asked twice, no silent zero, sanity."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asd.judging.sanity import sanity_set
from tests.asd.cli_runner import Outcome, run_asd
from tests.servers.running import RunningServer

ROWS = [
    {"question_id": "a", "prompt": "What is it?", "text": "a brown teapot", "ground_truth": "Teapot"},
    {"question_id": "b", "prompt": "What is it?", "text": "[0.12,0.34,0.56,0.78]", "ground_truth": "Teapot"},
    {"question_id": "c", "prompt": "What is written?", "text": "open", "ground_truth": "open daily"},
    {"question_id": "d", "prompt": "What is it?", "text": "a brown teapot", "ground_truth": "Teapot"},
]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(schemas=False) as running:
        yield running


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def judge(server: RunningServer, folder: Path, *words: object, rows: list[dict[str, Any]] = ROWS) -> Outcome:
    given = words if "--sanity" in words else (write(folder / "merge.jsonl", rows), "--task", "imagenet", *words)
    return run_asd("judge", *given, "--rewriter", "openai", "--model", "scripted", "--revision", "r1",
                   "--base-url", server.base_url, "--rewrite-cache", folder / "cache.sqlite")  # fmt: skip


def test_points_by_id_and_provenance(server: RunningServer, tmp_path: Path) -> None:
    server.control(judge="good")
    done = judge(server, tmp_path, "--json", "--out", tmp_path / "verdicts.jsonl")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert (found["questions"], found["judged"], found["points"], found["max_points"]) == (4, 4, 25.0, 40.0)
    assert (found["score_percent"], found["range_percent"], found["legacy"]["percent"]) == (62.5, [62.5, 62.5], 62)
    assert found["by_points"] == {"0": 1, "5": 1, "10": 2}
    assert (found["judge"]["model"], found["judge"]["revision"], found["judge"]["temperature"]) == ("scripted", "r1", 0)
    (sha,) = found["judge"]["templates"].values()
    assert len(sha) == 64
    verdicts = [json.loads(line) for line in (tmp_path / "verdicts.jsonl").read_text().splitlines()]
    assert {row["question_id"]: row["points"] for row in verdicts} == {"a": 10.0, "b": 0.0, "c": 5.0, "d": 10.0}


def test_nothing_is_asked_twice(server: RunningServer, tmp_path: Path) -> None:
    server.control(judge="good")
    first = json.loads(judge(server, tmp_path, "--json").out)
    assert (first["usage"]["requests"], first["usage"]["replies"], first["usage"]["merged"]) == (4, 3, 1)
    again = json.loads(judge(server, tmp_path, "--json").out)
    assert (again["usage"]["replies"], again["usage"]["cache_hits"]) == (0, 4)
    assert again["score_percent"] == first["score_percent"]
    replayed = run_asd("judge", tmp_path / "merge.jsonl", "--task", "imagenet", "--rewriter", "cache", "--model",
                       "scripted", "--revision", "r1", "--rewrite-cache", tmp_path / "cache.sqlite", "--json")  # fmt: skip
    assert json.loads(replayed.out)["points"] == 25.0


def test_the_order_of_the_file_does_not_matter(server: RunningServer, tmp_path: Path) -> None:
    server.control(judge="good")
    for rows in (ROWS, ROWS[::-1]):
        judge(server, tmp_path, "--out", tmp_path / f"{rows[0]['question_id']}.jsonl", rows=rows)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "d.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("manner", "percent", "legacy"), [("talks", 62.5, 18), ("wordy", 52.5, 0)]
)  # talks: 1 + 0 + 5 + 1 of 40
def test_judges_that_talk(server: RunningServer, tmp_path: Path, manner: str, percent: float, legacy: int) -> None:
    """ "Score: 10" is 10 where CoIN reads 1, "8/10" is 8 where it reads 0."""
    server.control(judge=manner)
    found = json.loads(judge(server, tmp_path, "--json").out)
    assert (found["score_percent"], found["legacy"]["percent"]) == (percent, legacy)


def test_verdicts_that_cannot_be_read_are_no_zeros(server: RunningServer, tmp_path: Path) -> None:
    server.control(judge="garbage")
    done = judge(server, tmp_path)
    assert done.code == 1
    assert "error: none of the 4 verdicts of scripted can be read; the first, of 'a', is 'I cannot say.'" in done.err
    server.control(judge="good")
    mixed = [*ROWS, {"question_id": "e", "prompt": "Which?", "text": "teapot", "ground_truth": "Teapot"}]
    done = judge(server, tmp_path, rows=mixed)  # the first four replies are in the cache
    assert done.code == 0, done.err
    assert "imagenet: 100.00 % (10 of 10 points), 1 of 5 answers judged by scripted@r1 (judge/_default@" in done.out
    assert "4 verdicts cannot be read and count neither way; with them the score lies between 20.00 and 100.00 %" in (
        done.out
    )
    assert "    b: not one number from 0 to 10: 'Somewhere between 3 and 7.'" in done.out


def test_a_good_judge_is_sane(server: RunningServer, tmp_path: Path) -> None:
    server.control(judge="good")
    done = judge(server, tmp_path, "--sanity")
    assert done.code == 0, done.out
    assert "warning" not in done.err
    assert "box for a thing" in done.out


def test_a_judge_that_likes_boxes_is_found_out(server: RunningServer, tmp_path: Path) -> None:
    server.control(judge="ten")
    done = judge(server, tmp_path, "--sanity", "--json")
    assert done.code == 4
    assert (
        "warning: scripted is no judge to rely on; it fails on: wrong word, wrong sentence, box for a thing" in done.err
    )
    kinds = json.loads(done.out)["sanity"]["kinds"]
    assert kinds["box for a thing"]["mean_points"] == 10.0
    assert {kind for kind, one in kinds.items() if one["sane"]} == {
        "right word", "right sentence", "right in other words", "right box",
    }  # fmt: skip


def test_a_judge_that_cannot_be_read_is_not_sane(server: RunningServer, tmp_path: Path) -> None:
    server.control(judge="garbage")
    done = judge(server, tmp_path, "--sanity")
    assert done.code == 4
    assert "unreadable" in done.out


def test_sanity_comes_with_the_result(server: RunningServer, tmp_path: Path) -> None:
    server.control(judge="ten")
    path = write(tmp_path / "merge.jsonl", ROWS)
    done = judge(server, tmp_path, path, "--task", "imagenet", "--sanity", "--json")
    found = json.loads(done.out)
    assert (done.code, found["sanity"]["sane"], found["score_percent"]) == (4, False, 100.0)
    assert set(found["judge"]["templates"]) == {"judge/_default"}
    assert set(found["sanity"]["judge"]["templates"]) == {"judge/_default", "judge/grounding"}


def test_a_judge_bound_to_the_schema(tmp_path: Path) -> None:
    with RunningServer(schemas=True) as bound:
        done = judge(bound, tmp_path)
    assert done.code == 0, done.err
    assert "imagenet: 62.50 % (25 of 40 points), 4 of 4 answers judged" in done.out


WRONG_CALLS: dict[str, tuple[list[object], str]] = {
    "nothing": (
        ["--rewriter", "cache", "--model", "m"],
        "give PREDICTIONS and --task NAME, to judge them; or --sanity",
    ),
    "no task": (["x.jsonl", "--rewriter", "cache", "--model", "m"], "give PREDICTIONS and --task NAME"),
    "no judge": (["--sanity"], "a judge is a language model: give --rewriter vllm, openai or cache, and --model"),
    "no model": (["--sanity", "--rewriter", "cache"], "--rewriter needs --model"),
    "out": (["--sanity", "--out", "x", "--rewriter", "cache", "--model", "m"], "--sanity alone has none"),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_wrong_calls(name: str) -> None:
    words, message = WRONG_CALLS[name]
    done = run_asd("judge", *words)
    assert done.code == 2
    assert message in done.err


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS, ROWS[0]], "predicted twice: 'a'"),
        ([{**ROWS[0], "prompt": "<image>\n"}], "prediction 'a': a judge needs the question"),
        ([{"question_id": "a", "prompt": "Q?", "text": "x"}], "Name a file of gold answers with --gold"),
    ],
)
def test_predictions_that_cannot_be_judged(
    server: RunningServer, tmp_path: Path, rows: list[dict[str, Any]], message: str
) -> None:
    done = judge(server, tmp_path, rows=rows)
    assert done.code == 1
    assert message in done.err


def test_missing_and_extra_ids_are_named(server: RunningServer, tmp_path: Path) -> None:
    gold = write(tmp_path / "gold.jsonl", [{"id": name, "answer": "Teapot", "question": "What?"} for name in "abcx"])
    done = judge(server, tmp_path, "--gold", gold)
    assert done.code == 1
    assert "1 without a prediction ('x') and 1 predicted that have no gold answer ('d')" in done.err


def test_the_sanity_set_covers_what_fooled_the_published_judge() -> None:
    bands, items = sanity_set()
    assert {one.kind for one in items} == set(bands)
    assert bands["box for a thing"][1] <= 1.0
    assert bands["right sentence"][0] >= 8.0
    assert len({one.item.id for one in items}) == len(items) >= 30
