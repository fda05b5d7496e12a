"""Wrong boxes: apart from the gold one and from each other, inside the image, not to be told by size."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.makers.box_distractors import MAX_IOU, BoxPool, draw_boxes, read_box
from asd.makers.distractors import DistractorIndex
from asd.records import Sample
from asd.schemas.boxes import canonical_box, format_box, iou


@st.composite
def boxes(draw: st.DrawFn, most: float = 1.0) -> str:
    width, height = draw(st.floats(0.03, most)), draw(st.floats(0.03, most))
    x1, y1 = draw(st.floats(0, 1 - width)), draw(st.floats(0, 1 - height))
    return format_box((x1, y1, x1 + width, y1 + height))


def make_sample(gold: str, source_id: str = "s", others: tuple[str, ...] = (), question: str = "the cup") -> Sample:
    return Sample(source_id=source_id, question=question, gold=gold, accepted=[gold], other_boxes=list(others))


def check_apart(gold: str, drawn: list[str]) -> None:
    chosen = [read_box(text) for text in (gold, *drawn)]
    for place, box in enumerate(chosen):
        assert box is not None
        assert 0 <= box[0] < box[2] <= 1
        assert 0 <= box[1] < box[3] <= 1
        assert all(iou(box, other) < MAX_IOU for other in chosen[:place] if other is not None)


@given(boxes(), st.lists(boxes(), max_size=5), st.integers(0, 4), st.text(max_size=4), st.integers(0, 5))
@settings(max_examples=150)
def test_apart_and_deterministic(gold: str, others: list[str], count: int, source_id: str, seed: int) -> None:
    sample = make_sample(gold, source_id, tuple(others))
    drawn = draw_boxes(sample, count, seed)
    assert len(drawn) <= count
    assert drawn == draw_boxes(sample, count, seed)
    check_apart(gold, drawn)


@given(boxes(most=0.3), st.integers(0, 5))
def test_small_boxes_always_get_three(gold: str, seed: int) -> None:
    assert len(draw_boxes(make_sample(gold), 3, seed)) == 3


def test_other_objects_come_first() -> None:
    others = ("[0.60,0.60,0.90,0.90]", "[0.10,0.60,0.30,0.80]", "[0.12,0.11,0.40,0.40]")
    drawn = draw_boxes(make_sample("[0.10,0.10,0.40,0.40]", others=others), 2, 0)
    assert sorted(drawn) == sorted(others[:2])  # the third one overlaps the gold box


def test_no_box_or_no_count_gives_nothing() -> None:
    assert draw_boxes(make_sample("a cup"), 3, 0) == []
    assert draw_boxes(make_sample("[0.40,0.40,0.40,0.60]"), 3, 0) == []
    assert draw_boxes(make_sample("[0.10,0.10,0.40,0.40]"), 0, 0) == []
    assert draw_boxes(make_sample("[0.00,0.00,1.00,1.00]"), 3, 0) == []


def test_accepted_boxes_are_left_out() -> None:
    sample = make_sample("[0.10,0.10,0.40,0.40]", others=("[0.60,0.60,0.90,0.90]",))
    sample.accepted.append("[0.60,0.60,0.90,0.90]")
    for seed in range(20):
        for text in draw_boxes(sample, 3, seed):
            box = read_box(text)
            assert box is not None
            assert iou(box, (0.6, 0.6, 0.9, 0.9)) < MAX_IOU


def test_gold_rank_by_size_is_even() -> None:
    ranks = [0] * 4
    for number in range(800):
        drawn = draw_boxes(make_sample("[0.30,0.40,0.45,0.60]", str(number)), 3, 0)
        areas = [(box[2] - box[0]) * (box[3] - box[1]) for text in drawn if (box := read_box(text)) is not None]
        ranks[sum(area > 0.03 for area in areas)] += 1
    assert max(ranks) / min(ranks) < 1.5


def test_pool_serves_questions_of_like_words() -> None:
    left = [(number, "left cup", format_box((0.05, 0.3, 0.25 + number / 500, 0.5)), None) for number in range(30)]
    right = [(number, "right cup", format_box((0.7 - number / 500, 0.3, 0.9, 0.5)), None) for number in range(30)]
    index = DistractorIndex.build([*left, *right], seed=0)
    assert len(index.boxes) == 60
    for number in range(20):
        sample = make_sample("[0.05,0.60,0.25,0.80]", str(number), question="left cup")
        assert draw_boxes(sample, 1, 0, index.boxes) == index.draw(sample, 1, 0)
        assert read_box(index.draw(sample, 1, 0)[0])[0] == 0.05  # type: ignore[index]


def make_pool(times: int, count: int = 40) -> tuple[BoxPool, list[str]]:
    """Boxes along the middle of the image, each gold in so many rows."""
    golds = [format_box((0.02 + number / 50, 0.4, 0.06 + number / 50, 0.5)) for number in range(count)]
    rows = [(row, "the cup", gold, None) for row, gold in enumerate(golds * times)]
    return BoxPool.build(rows), golds


def test_beside_a_box_that_is_gold_once_stand_boxes_that_are_gold_nowhere() -> None:
    pool, golds = make_pool(times=1)
    for number, gold in enumerate(golds):
        drawn = draw_boxes(make_sample(gold, str(number)), 3, 0, pool)
        assert len(drawn) == 3
        assert not set(drawn) & set(golds)


def test_beside_a_box_that_is_gold_twice_stand_boxes_that_are_gold_once() -> None:
    once = [(row, "the cup", format_box((0.02 + row / 50, 0.4, 0.06 + row / 50, 0.5)), None) for row in range(40)]
    twice = format_box((0.1, 0.7, 0.3, 0.9))
    pool = BoxPool.build([*once, (40, "the cup", twice, None), (41, "the cup", twice, None)])
    for number in range(20):
        drawn = draw_boxes(make_sample(twice, str(number)), 3, 0, pool)
        assert set(drawn) <= {gold for _, _, gold, _ in once}


def test_reshaped_boxes_keep_the_borders_that_they_touch() -> None:
    rows = [(row, "the cup", format_box((0.0, 0.3 + row / 100, 0.1 + row / 50, 1.0)), None) for row in range(30)]
    pool = BoxPool.build(rows)
    for number in range(20):
        for text in draw_boxes(make_sample("[0.80,0.10,0.90,0.20]", str(number)), 1, 0, pool):
            box = read_box(text)
            assert box is not None
            assert (box[0], box[3]) == (0.0, 1.0)


def test_pool_survives_json_and_row_order() -> None:
    rows = [(n, f"cup {n % 3}", format_box((n / 100, 0.2, n / 100 + 0.2, 0.5)), None) for n in range(60)]
    pool = BoxPool.build(rows)
    same = BoxPool.from_plain(json.loads(json.dumps(BoxPool.build(rows[::-1]).to_plain())))
    assert same.to_plain() == pool.to_plain()


@pytest.mark.shared_data
def test_real_rows(shared_data: Path) -> None:
    commands = json.loads((shared_data / "talk2car" / "val_commands.json").read_text(encoding="utf-8"))["commands"]
    samples = [
        make_sample(
            canonical_box(row["2d_box"], "xywh_pixels", (1600, 900)),
            row["command_token"],
            question=row["command"],
        )
        for row in commands
    ]
    pool = BoxPool.build([(number, s.question, s.gold, None) for number, s in enumerate(samples)])
    smallest = declined = 0
    for sample in samples:
        drawn = draw_boxes(sample, 3, 0, pool)
        declined += len(drawn) < 3
        check_apart(sample.gold, drawn)
        areas = [(b[2] - b[0]) * (b[3] - b[1]) for text in (sample.gold, *drawn) if (b := read_box(text))]
        smallest += areas[0] == min(areas)
    assert declined / len(samples) < 0.01  # boxes that leave no place for three others
    assert smallest / len(samples) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize(
    ("gold", "notation"),
    [
        ("[0.10, 0.20, 0.42, 0.55]", r"\[0\.\d\d, 0\.\d\d, [01]\.\d\d, [01]\.\d\d\]"),
        ("[0.101,0.202,0.423,0.554]", r"\[0\.\d{3},0\.\d{3},[01]\.\d{3},[01]\.\d{3}\]"),
        ("(.11 .22 .42 .55)", r"\((?:[01]?\.\d\d? ?){4}\)"),
        ("[0.1, 0.25, 0.4, 0.55]", r"\[(?:[01]\.\d?[1-9](?:, )?){4}\]"),
        ("[0.1,0.2,0.4,0.5]", r"\[[01]\.\d,[01]\.\d,[01]\.\d,[01]\.\d\]"),
    ],
)
def test_wrong_boxes_are_written_as_the_gold_one_is(gold: str, notation: str) -> None:
    right = read_box(gold)
    assert right is not None
    for seed in range(40):
        drawn = draw_boxes(Sample("s", "left bowl", gold), 3, seed)
        assert len(drawn) >= 2, drawn
        for text in drawn:
            box = read_box(text)
            assert re.fullmatch(notation, text), text
            assert box is not None
            assert iou(box, right) < MAX_IOU


def test_finer_coordinates_are_not_all_rounded_ones() -> None:
    drawn = [
        text for seed in range(20) for text in draw_boxes(Sample("s", "bowl", "[0.101,0.202,0.423,0.554]"), 3, seed)
    ]
    last = [number[-1] for text in drawn for number in re.findall(r"0\.\d{3}", text)]
    assert last.count("0") < len(last) / 4
