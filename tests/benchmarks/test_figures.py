"""From runs to tables: medians, ratios, aims, slopes, sums, and the pages they are put into."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page import filled
from peers.table import aims_table, processor_table, speed_table, summary
from scaling_page import Line, Point, decade_below, exponent, on_cores, points, shared, slopes_table

seconds = st.floats(0.01, 1000)


def run(work_s: float) -> dict[str, float]:
    return {"work_s": work_s, "wall_s": work_s + 1, "cpu_s": 2 * work_s, "peak_mb": 100, "others": 0.01}


def part(**work: list[float]) -> dict[str, Any]:
    return {"ratio": 0.2, "runs": {name: [run(each) for each in found] for name, found in work.items()}}


def test_ratios_are_of_medians_and_ranges_of_extremes() -> None:
    found = summary(part(asd=[2.0, 1.0, 4.0], floor=[1.5], datasets=[9.0, 11.0, 10.0], daft=[]), 1000)
    by_name = {line["name"]: line for line in found["lines"]}
    assert list(by_name) == ["floor", "asd", "datasets"]
    assert by_name["asd"]["rows_per_s"] == 500
    assert by_name["datasets"]["ours_is_faster"] == 5.0
    assert by_name["datasets"]["ours_is_faster_range"] == [2.25, 11.0]
    aims = {aim["what"]: aim for aim in found["aims"]}
    assert aims["times as fast as datasets.map"] | {"found": 5.0, "met": True} == aims["times as fast as datasets.map"]
    assert aims["of the I/O floor's speed"]["met"]
    assert aims["MB at the peak, at most"]["met"]


def test_an_aim_that_is_missed_is_said_to_be() -> None:
    found = summary(part(asd=[2.0], datasets=[4.0]), 1000)
    assert "| times as fast as datasets.map | 4 | 2 | no |" in aims_table(found)
    installed = {name: {"version": "1.2"} for name in ("asd", "datasets")}
    table = speed_table({"installed": installed}, found)
    assert "| datasets.map | 1.2 | 4.00 [4.00-4.00] | 250 | 5.0 | 8.0 | 100 | 2.00 [2.00-2.00] |" in table


def test_on_a_busy_machine_the_order_is_by_processor_time() -> None:
    given = part(asd=[2.0], datasets=[9.0])
    given["runs"]["datasets"][0]["cpu_s"] = 3.0
    installed = {name: {"version": "1.2"} for name in ("asd", "datasets")}
    table = processor_table({"installed": installed}, summary(given, 1000)).splitlines()
    assert table[2:] == [
        "| datasets.map | 1.2 | 3.00 [3.00-3.00] | 0.75 | 9.00 [9.00-9.00] | 100 |",
        "| asd (ours) | 1.2 | 4.00 [4.00-4.00] | 1 | 2.00 [2.00-2.00] | 100 |",
    ]


def point(rows: int, stages: list[float], memory: float = 100.0) -> Point:
    named = dict(zip(("preparing", "reading", "converting", "writing"), stages, strict=True))
    work = sum(stages)
    return Point(rows, work, work, work, 2 * work, memory, memory, named, 250 * rows, 600 * rows, 900 * rows)


@given(st.lists(seconds, min_size=4, max_size=4), st.lists(st.floats(0.5, 1.0), min_size=4, max_size=4))
def test_what_two_cores_took_is_what_the_law_gives_for_two(alone: list[float], parts: list[float]) -> None:
    both = [one * share for one, share in zip(alone, parts, strict=True)]
    stages = shared(point(10, alone), point(10, both))
    assert on_cores(stages, 1) == pytest.approx(sum(alone))
    assert on_cores(stages, 2) == pytest.approx(sum(both))
    assert on_cores(stages, 64) <= on_cores(stages, 2) + 1e-9


def test_slopes_go_through_the_last_decade() -> None:
    found = [point(10**5, [1, 1, 1, 1]), point(10**6, [1, 4, 4, 1], 110), point(3 * 10**6, [2, 9, 9, 3]),
             point(10**7, [3, 40, 40, 17], 200)]  # fmt: skip
    decade = decade_below(found)
    assert [each.rows for each in decade] == [10**6, 10**7]
    memory = Line.through(decade, "peak_mb")
    assert memory.at(10**8) == pytest.approx(200 + 10 * 90 * 1.0)
    assert memory.reaches(1100) == pytest.approx(10**8)
    assert exponent(found, "work_s") == pytest.approx(1.0)
    assert "| version | 600.00 bytes | 1.00 |" in slopes_table(found)


def test_nothing_that_does_not_grow_is_ever_reached() -> None:
    assert Line.through([point(10, [1, 1, 1, 1]), point(20, [1, 1, 1, 1])], "peak_mb").reaches(1e9) == float("inf")


def test_a_line_may_be_told_what_is_known_to_grow() -> None:
    level = Line(rows=10, value=500.0, slope=0.0)
    assert level.at_least(2.0).at(15) == 510.0
    assert level.at_least(2.0).reaches(520.0) == 20
    assert Line(10, 500.0, slope=3.0).at_least(2.0).at(15) == 515.0


def test_runs_of_one_size_are_one_point() -> None:
    base = {
        "rows": 10,
        "cores": 2,
        "cpu_s": 1,
        "main_peak_mb": 5,
        "source_bytes": 1,
        "version_bytes": 2,
        "held_bytes": 3,
    }
    runs = [base | {"work_s": work, "peak_mb": 50 + work, "stages_s": {"reading": work}} for work in (3.0, 1.0, 2.0)]
    (found,) = points({"conversions": [*runs, runs[0] | {"cores": 1}]}, 2)
    assert (found.work_s, found.low_s, found.high_s, found.peak_mb) == (2.0, 1.0, 3.0, 53.0)
    assert found.stages_s == {"preparing": 0.0, "reading": 2.0, "converting": 0.0, "writing": 0.0}


def test_figures_replace_what_stood_between_their_comments() -> None:
    page = "a\n<!-- figures: speed -->\nold\n<!-- /figures -->\nb\n<!-- figures: other -->\n<!-- /figures -->\n"
    once = filled(page, {"speed": "new"})
    assert "old" not in once
    assert "<!-- figures: speed -->\n\nnew\n\n<!-- /figures -->\nb" in once
    assert filled(once, {"speed": "new"}) == once
    with pytest.raises(KeyError, match="0 places for the figures 'lost'"):
        filled(page, {"lost": "new"})
