"""The rewriter on the command line: options, plans, statistics, caches to share, and keys that stand nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.errors import UsageError
from asd.recipes.recipe import builtin_recipes, load_recipe, recipe_configs
from tests.asd.cli_runner import Outcome, run_asd
from tests.asd.robustness.conversions import contents
from tests.asd.sources_made import vqa_records, write_lines
from tests.servers.running import RunningServer

KEY = "sk-very-secret-4711"
OPENAI = ["--rewriter", "openai", "--model", "scripted", "--images", "never"]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(model="scripted", key=KEY) as running:
        yield running


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lines(tmp_path_factory.mktemp("source") / "source.jsonl", vqa_records(100))


def convert(source: Path, folder: Path, *options: object) -> Outcome:
    return run_asd("convert", "--task", "vqav2", "--source", source, "--out", folder / "data",
                   "--rewrite-cache", folder / "cache.sqlite", *options)  # fmt: skip


@pytest.fixture(scope="module")
def made(source: Path, server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    folder = tmp_path_factory.mktemp("made")
    (folder / "key.txt").write_text(f"{KEY}\n")
    prices = ["--price-in", 0.5, "--price-out", 1.5]
    done = convert(
        source, folder, *OPENAI, "--base-url", server.base_url, "--api-key-file", folder / "key.txt", *prices
    )
    (folder / "key.txt").unlink()
    assert done.code == 0, done.err
    return folder, done


def test_the_conversion_tells_what_the_model_did(made: tuple[Path, Outcome]) -> None:
    _, done = made
    assert "scripted wrote " in done.out
    assert "in 1 runs: " in done.out
    assert ", cost 0.0" in done.out
    assert "for want of a rewriter" not in done.out


def test_explanations_by_the_model_to_be_tuned(source: Path, server: RunningServer, tmp_path: Path) -> None:
    """The scripted server knows no answer that it is not told, so its first tries are refused and the second ones taken."""
    (tmp_path / "key.txt").write_text(f"{KEY}\n")
    key = ["--api-key-file", tmp_path / "key.txt"]
    done = convert(source, tmp_path, *OPENAI, "--base-url", server.base_url, *key, "--maker", "self")
    assert done.code == 0, done.err
    rows = [row for row in asd.load(tmp_path / "data") if row["rewrite"] is not None]
    written = [row for row in rows if row["maker"] == "self"]
    assert written and {row["style"] for row in written} <= {"brief_explanation", "detailed_explanation"}
    assert all(row["rewrite"]["attempts"] == 2 for row in written)
    assert not [row for row in asd.load(tmp_path / "data") if row["maker"] == "rewriter"]
    assert f"scripted wrote {len(written)}" in done.out
    assert asd.verify(tmp_path / "data").problems == []


def test_the_key_stands_nowhere(made: tuple[Path, Outcome]) -> None:
    folder, done = made
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path
    assert KEY not in done.out + done.err


def test_a_wrong_key_is_one_message_without_it(
    source: Path, server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", f"{KEY}-but-wrong")
    done = convert(source, tmp_path, *OPENAI, "--base-url", server.base_url, "--api-key-env", "MY_KEY")
    assert done.code == 3
    assert done.err.count("error:") == 1
    assert KEY not in done.out + done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.glob("data*")) == [], "something was made before the key was tried"


def test_statistics_of_a_version(made: tuple[Path, Outcome]) -> None:
    folder, _ = made
    done = run_asd("rewrite", "stats", folder / "data")
    assert done.code == 0
    for words in ("model scripted", "samples asked about", "digest of the replies", "the making, with all its runs"):
        assert words in done.out
    told = json.loads(run_asd("rewrite", "stats", folder / "data", "--json").out)
    assert told["rewriter"]["written"] == asd.load(folder / "data")["maker"].count("rewriter")
    assert told["making"]["cost"] > 0


def test_statistics_of_a_version_without_a_rewriter(source: Path, tmp_path: Path) -> None:
    asd.convert("vqav2", source, out=tmp_path / "data")
    assert "was made without a rewriter" in run_asd("rewrite", "stats", tmp_path / "data").out


def test_a_shared_cache_makes_the_same_version_elsewhere(
    source: Path, made: tuple[Path, Outcome], tmp_path: Path
) -> None:
    folder, _ = made
    shared = tmp_path / "replies.jsonl.gz"
    assert "replies to" in run_asd("rewrite", "cache", "export", shared, "--rewrite-cache", folder / "cache.sqlite").out
    done = run_asd("rewrite", "cache", "import", shared, "--rewrite-cache", tmp_path / "cache.sqlite")
    assert done.code == 0, done.err
    assert "added " in done.out
    done = convert(source, tmp_path, "--rewriter", "cache", "--model", "scripted", "--images", "never")
    assert done.code == 0, done.err
    assert contents(tmp_path / "data" / "latest") == contents(folder / "data" / "latest")
    listed = json.loads(
        run_asd("rewrite", "cache", "stats", "--rewrite-cache", tmp_path / "cache.sqlite", "--json").out
    )
    assert [row["model"] for row in listed["models"]] == ["scripted@"]


def test_a_plan_shows_requests_and_prompts_and_sends_nothing(source: Path, tmp_path: Path) -> None:
    given = ["--task", "vqav2", "--source", source, "--ratio", 1.0, "--rewrite-cache", tmp_path / "none.sqlite"]
    done = run_asd("rewrite", "plan", *given, "--price-in", 1, "--price-out", 2)
    assert done.code == 0, done.err
    for words in ("plan only: nothing was sent", "requests", "prompt tokens", "at the prices given", "<q>"):
        assert words in done.out
    assert not (tmp_path / "none.sqlite").exists()
    planned = json.loads(run_asd("rewrite", "plan", *given, "--prompts", 0, "--json").out)
    assert planned["requests"] == sum(planned["requests_by_style"].values()) > 50
    assert planned["prompts"] == {style: [] for style in planned["prompts"]}


def test_the_plan_of_a_version_that_is_there_costs_nothing(made: tuple[Path, Outcome]) -> None:
    folder, _ = made
    done = run_asd("rewrite", "plan", folder / "data", "--rewrite-cache", folder / "cache.sqlite", "--json")
    planned = json.loads(done.out)
    manifest = json.loads((folder / "data" / "latest" / "manifest.json").read_text())
    assert planned["model"] == "scripted"
    assert planned["version"] == manifest["version"]
    assert planned["cached"] == planned["requests"] > 0
    assert planned["prompt_tokens"] == 0


def test_a_dry_run_counts_without_sending(source: Path, tmp_path: Path) -> None:
    done = convert(
        source, tmp_path, "--dry-run", "--rewriter", "openai", "--model", "m", "--base-url", "http://127.0.0.1:9/v1"
    )
    assert done.code == 0, done.err
    assert "by rewriter" in done.out or "to detailed_explanation" in done.out
    assert not (tmp_path / "data" / "versions").exists()


WRONG_OPTIONS: dict[str, tuple[list[object], str]] = {
    "no rewriter": (["--model", "m"], "--model is about the rewriter; give --rewriter as well"),
    "no model": (["--rewriter", "openai"], "--rewriter needs --model"),
    "no url": (["--rewriter", "openai", "--model", "m"], "--rewriter: openai needs --base-url, e.g. http"),
    "unknown kind": (["--rewriter", "gpt", "--model", "m"], "--rewriter: give 'vllm', 'llama-cpp', 'openai'"),
    "no http": ([*OPENAI, "--base-url", "host:8000"], "--base-url: a base URL is an http(s) URL"),
    "key in url": ([*OPENAI, "--base-url", f"http://u:{KEY}@host/v1"], "--base-url: http://...host/v1 carries a user"),
    "cost": ([*OPENAI, "--base-url", "http://h/v1", "--max-cost", 1], "--max-cost needs --price-in and --price-out"),
    "attempts": ([*OPENAI, "--base-url", "http://h/v1", "--attempts", 0], "--attempts: give a number at least 1"),
    "server arg": (["--rewriter", "vllm", "--model", "m", "--server-arg", "x"], "--server-arg 'x' is not NAME=VALUE"),
    "foreign url": (["--rewriter", "vllm", "--model", "m", "--base-url", "http://h/v1"], "--base-url belong to openai"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_OPTIONS)
def test_wrong_options_are_named(source: Path, tmp_path: Path, name: str) -> None:
    options, message = WRONG_OPTIONS[name]
    done = convert(source, tmp_path, *options)
    assert done.code == 2
    assert message in done.err
    assert KEY not in done.err
    assert "Traceback" not in done.err


def test_a_key_in_the_wrong_place_is_not_repeated_by_the_api(source: Path, tmp_path: Path) -> None:
    for wrong in ({"api_key": KEY}, {"base_urls": [f"http://u:{KEY}@h/v1"]}, {"api_key_env": [KEY]}):
        with pytest.raises(UsageError) as caught:
            asd.convert("vqav2", source, out=tmp_path, rewriter={"kind": "openai", "model": "m", **wrong})
        shown: BaseException | None = caught.value
        while shown is not None:
            assert KEY not in str(shown)
            shown = shown.__cause__ or shown.__context__


def test_server_arguments_have_types() -> None:
    from asd.cli.rewriter_options import settings_of

    given = settings_of({"server_arg": ["--max-model-len=4096", "enforce_eager=true", "dtype=float16", "x=0.5"]})
    assert given == {"server_args": {"max_model_len": 4096, "enforce_eager": True, "dtype": "float16", "x": 0.5}}


def test_the_command_line_adds_to_the_rewriter_of_a_recipe() -> None:
    recipe = load_recipe("coin/asd-rewriter")
    assert "coin/asd-rewriter" in builtin_recipes()
    over: dict[str, Any] = {"kind": "openai", "base_urls": ["http://h:1/v1"], "sampling": {"max_tokens": 256}}
    for config in recipe_configs(recipe, {"rewriter": over}):
        assert config.rewriter is not None
        assert config.rewriter.kind == "openai"
        assert config.rewriter.model == recipe.settings["rewriter"]["model"]
        assert config.rewriter.sampling.max_tokens == 256
    assert all(config.rewriter is None for config in recipe_configs(recipe, {"rewriter": None}))
