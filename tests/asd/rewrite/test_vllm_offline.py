"""vLLM's in-process engine with a small language model, in the environment that has vLLM."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from asd.errors import UsageError
from asd.rewrite.vllm_offline import load_engine
from tests.servers.real_vllm import REPO, require_vllm, small_settings


def run_inside(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python ARGUMENTS...` in vLLM's environment, with this checkout's asd."""
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    return subprocess.run(
        [require_vllm(), *arguments], check=False, cwd=REPO, env=environment, capture_output=True, text=True
    )


@pytest.mark.vllm
def test_replies_of_the_engine(small_llm: str, tmp_path: Path) -> None:
    done = run_inside("-m", "tests.servers.offline_replies", small_llm, str(tmp_path / "cache.sqlite"))
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)  # standard output is ours: vLLM's log goes elsewhere
    assert got["said"][0] == f"loading {small_llm} with vLLM" and got["context"] == 4096
    assert all(got["parsed"]) and len(got["parsed"]) == got["keys"] == 16
    assert all(got["cached"]) and got["sends"] == 17
    assert got["first"]["finish_reason"] == "stop" and got["first"]["prompt_tokens"] > 0
    assert got["refusal"]["reason"] == "context_too_long"


def test_environment_without_vllm_is_told_how_to_get_it(tmp_path: Path) -> None:
    if "vllm" in sys.modules or _has_vllm():
        pytest.skip("this environment has vLLM")
    with pytest.raises(UsageError, match=r"needs vLLM in this environment: pip install vllm .*--rewriter vllm"):
        load_engine(small_settings("m", tmp_path / "cache.sqlite", "vllm-offline"))


def _has_vllm() -> bool:
    from importlib.util import find_spec

    return find_spec("vllm") is not None
