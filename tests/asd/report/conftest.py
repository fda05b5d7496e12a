"""The manifest and the figures of a small data set made by hand."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def manifest() -> dict[str, Any]:
    return {
        "task": "demo",
        "version": "abc123",
        "asd_version": "0.1.0",
        "config": {"ratio": 0.2, "seed": 7},
        "templates": {"yes_no/_default": "f" * 64},
        "counts": {
            "samples": 1000,
            "converted": 200,
            "by_style": {"short_answer": 800, "multiple_choice": 200},
            "by_style_before": {"short_answer": 1000},
            "by_maker": {"native": 800, "mined": 200},
            "declined": {"multiple_choice: too_few_answers": 3, "yes_no: unanswerable": 9},
            "moved": {"multiple_choice->yes_no": 4},
            "rejects": {"no_answer": 2},
        },
        "source": {
            "location": "/data/demo",
            "files": [{"path": "train.json", "size_bytes": 12345, "xxh3_128": "0" * 32}],
        },
        "spec": {
            "title": "Demo <b>set</b>",
            "licence": "CC BY 4.0",
            "citation": "A. Author",
            "native_style": "short_answer",
        },
    }


@pytest.fixture
def figures() -> dict[str, Any]:
    return {
        "samples": 1000,
        "converted": 200,
        "gold_recoverable": 1.0,
        "question_preserved": 0.9999,
        "option_conflicts": 0,
        "letter_chi2_p": 1e-9,
        "yes_share": None,
        "longest_is_gold": 0.27,
        "longest_is_gold_chance": 0.25,
        "probe_multiple_choice": 0.6,
        "probe_multiple_choice_prior": 0.3,
        "probe_multiple_choice_chance": 0.25,
        "probe_multiple_choice_n": 200,
        "probe_multiple_choice_ci": [0.53, 0.67],
        "probe_yes_no": None,
        "probe_yes_no_prior": None,
    }
