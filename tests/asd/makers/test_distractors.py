"""Mined answers are wrong, of the gold answer's kind, and not to be told from it by text alone."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.errors import ShardError
from asd.makers.answer_kinds import answer_kind
from asd.makers.answer_types import is_vague
from asd.makers.distractors import DistractorIndex
from asd.makers.normalise import answer_form, conflicts, normalise_answer
from asd.records import Sample

COLOURS = ["red", "blue", "green", "yellow", "black", "white", "pink", "purple", "orange", "brown"]
ANIMALS = [
    "cat",
    "horse",
    "cow",
    "sheep",
    "zebra",
    "giraffe",
    "elephant",
    "bear",
    "lion",
    "tiger",
    "monkey",
    "goat",
]


def make_sample(question: str, gold: str, source_id: str = "s", accepted: tuple[str, ...] = ()) -> Sample:
    return Sample(source_id=source_id, question=question, gold=gold, accepted=[gold, *accepted])


def make_rows() -> list[tuple[int, str, str, str | None]]:
    pairs = [(f"What color is the {thing}?", colour) for thing in ("car", "hat") for colour in COLOURS]
    pairs += [("What animal is this?", animal) for animal in ANIMALS]
    pairs += [("How many cars are there?", str(number)) for number in range(10) for _ in range(10 - number)]
    pairs += [("Is it raining?", "yes"), ("Where is it?", "[0.10,0.10,0.50,0.50]")]
    return [(number, question, gold, None) for number, (question, gold) in enumerate(pairs)]


INDEX = DistractorIndex.build(make_rows(), seed=1)
answers = st.sampled_from([*COLOURS, *ANIMALS, "3", "two", "12", "black cat", "grey", "Cats", "", "50%", "purple hat"])
questions = st.sampled_from(["What color is the car?", "What animal is this?", "How many?", "Is it red or blue?", ""])


@given(
    questions,
    answers,
    st.lists(answers, max_size=5),
    st.integers(0, 5),
    st.text(max_size=5),
    st.integers(0, 9),
)
@settings(max_examples=200)
def test_never_right_and_never_twice(
    question: str, gold: str, accepted: list[str], count: int, source_id: str, seed: int
) -> None:
    sample = make_sample(question, gold, source_id, tuple(accepted))
    drawn = INDEX.draw(sample, count, seed)
    assert len(drawn) <= count
    assert drawn == INDEX.draw(sample, count, seed)
    for place, answer in enumerate(drawn):
        assert not conflicts(answer, sample.accepted)
        assert not conflicts(answer, drawn[:place])


@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_order_of_rows_does_not_matter(shuffle: random.Random) -> None:
    rows = make_rows()
    shuffle.shuffle(rows)
    other = DistractorIndex.build(rows, seed=1)
    assert other.sizes() == INDEX.sizes()
    for number in range(20):
        sample = make_sample("What color is the hat?", "red", f"s{number}")
        assert other.draw(sample, 3, 0) == INDEX.draw(sample, 3, 0)


def test_same_kind_and_question() -> None:
    for number in range(30):
        assert set(INDEX.draw(make_sample("What color is the hat?", "red", f"s{number}"), 3, 0)) <= set(COLOURS)
        assert set(INDEX.draw(make_sample("What animal is this?", "cow", f"s{number}"), 3, 0)) <= set(ANIMALS)
        drawn = INDEX.draw(make_sample("How many cars are there?", "3", f"s{number}"), 3, 0)
        assert len(drawn) == 3
        assert all(answer_kind(answer)[0] == "integer/1" for answer in drawn)


def test_accepted_answers_are_left_out() -> None:
    accepted = tuple(COLOURS[1:6])
    for number in range(50):
        drawn = INDEX.draw(make_sample("What color is the hat?", "red", f"s{number}", accepted), 3, 0)
        assert not set(drawn) & set(accepted)


def build(*pairs: tuple[str, str]) -> DistractorIndex:
    return DistractorIndex.build([(number, *pair, None) for number, pair in enumerate(pairs)], seed=1)


def test_wrong_answers_name_things_of_the_gold_answers_type() -> None:
    rooms = [("What room is this?", room) for room in ("kitchen", "bedroom", "bathroom", "office")] * 4
    index = build(*rooms, *[("What animal is this?", animal) for animal in ANIMALS] * 4)
    for number in range(20):
        drawn = index.draw(make_sample("What room is this?", "kitchen", str(number)), 3, 0)
        assert sorted(drawn) == ["bathroom", "bedroom", "office"]


def test_answers_of_no_known_type_need_a_telling_question() -> None:
    odd = ["zorb", "blick", "quam", "frell", "snib", "dax", "wug", "toma", "kiki", "bouba", "fep", "lum"]
    index = build(*[(f"What is on the {word} thing?", word) for word in odd] * 3)
    assert index.draw(make_sample("What is on the pole?", "zorb"), 3, 0) == []
    assert index.draw(make_sample("What brand is it?", "zorb"), 3, 0) == []
    same = build(*[("What brand is it?", word) for word in odd] * 3)
    assert len(same.draw(make_sample("What brand is it?", "zorb"), 3, 0)) == 3


def test_rows_by_answer_hold_texts_and_codes_too() -> None:
    golds = {"zorb": 3, "Blick quam": 2, "B52": 4, "red": 5, "7": 1}
    index = build(*[("What brand is it?", gold) for gold, rows in golds.items() for _ in range(rows)])
    assert index.rows_by_answer() == {answer_form(gold).compact: rows for gold, rows in golds.items()}


def test_no_answers_are_never_drawn() -> None:
    pairs = [("What is this?", text) for text in [*ANIMALS, "unanswerable", "nothing", "many", "outside"] * 9]
    index = build(*pairs)
    drawn = {a for n in range(60) for a in index.draw(make_sample("What is this?", "cat", str(n)), 3, 0)}
    assert drawn and drawn <= set(ANIMALS)


def test_choice_questions_give_no_answers() -> None:
    index = build(*[("Is it a zebra or a cow?", "zebra")] * 40, *[("What is this?", a) for a in ANIMALS] * 3)
    counts = [sum(counts.values()) for counts in index._counts.values()]
    assert max(counts) == 3 * len(ANIMALS)


ROOMS = ["kitchen", "bedroom", "bathroom", "office"]
FEW = build(
    *[("What room is this?", room) for room in ROOMS] * 4, *[("What is it?", month) for month in ("May", "june")] * 9
)


@given(st.sampled_from([*ROOMS, "May", "red", "yes", "", "Bed room"]), st.lists(st.sampled_from(ROOMS), max_size=4))
def test_what_falls_short_does_so_for_every_sample(gold: str, accepted: list[str]) -> None:
    drawing = FEW.drawing(make_sample("What room is this?", gold, accepted=tuple(accepted)), 0)
    for count in (1, 2, 3, 4):
        most = max(len(drawing.answers(str(number), count)) for number in range(40))
        assert drawing.falls_short(count) == (most < count)


def test_numbers_stay_near_in_size() -> None:
    numbers = [str(n) for n in (*range(1, 30), *range(100_000, 100_030))]
    index = build(*[("How many are there?", number) for number in numbers])
    for gold in ("7", "100007"):
        for number in range(20):
            drawn = index.draw(make_sample("How many are there?", gold, str(number)), 3, 0)
            assert len(drawn) == 3 and all((len(answer) > 2) == (len(gold) > 2) for answer in drawn)


def test_yes_no_has_one_other_answer() -> None:
    assert INDEX.draw(make_sample("Is it raining?", "yes"), 3, 0) == ["no"]
    assert INDEX.draw(make_sample("Is it raining?", "No"), 1, 0) == ["Yes"]
    assert INDEX.draw(make_sample("Is it raining?", "yes", accepted=("no",)), 1, 0) == []


def test_nothing_to_draw_gives_nothing() -> None:
    empty = DistractorIndex.build([], seed=0)
    assert empty.draw(make_sample("What is it?", "cat"), 3, 0) == []
    assert len(empty) == 0
    assert INDEX.draw(make_sample("What color is the hat?", "red"), 0, 0) == []
    assert INDEX.draw(make_sample("What color is the hat?", " "), 3, 0) == []


def test_seed_and_sample_choose_the_draw() -> None:
    sample = make_sample("What animal is this?", "cow")
    assert len({tuple(INDEX.draw(sample, 3, seed)) for seed in range(20)}) > 5
    others = [make_sample("What animal is this?", "cow", f"s{number}") for number in range(20)]
    assert len({tuple(INDEX.draw(other, 3, 0)) for other in others}) > 5


def test_answers_are_wrong_as_often_as_right() -> None:
    """Exchangeability, counted: in a skewed bucket each answer is gold in a quarter of the sets that show it,
    unless it is heavier than that."""
    rng = random.Random(5)
    names = [f"{first}{second}" for first in "bdfgklmnpr" for second in ("ado", "ix", "oru", "ump")]
    golds = rng.choices(names, weights=[1 / (place + 4) for place in range(len(names))], k=8000)
    rows = [(number, "What town is it?", gold, None) for number, gold in enumerate(golds)]
    index = DistractorIndex.build(rows, seed=3)
    shown: Counter[str] = Counter()
    for number, gold in enumerate(golds):
        drawn = index.draw(make_sample("What town is it?", gold, str(number)), 3, 0)
        assert len(drawn) == 3
        shown.update([gold, *drawn])
    gold_counts = Counter(golds)
    for name, times in gold_counts.items():
        if times >= 150:
            assert times / shown[name] == pytest.approx(0.25, abs=0.04)


def test_heavy_answer_is_always_offered() -> None:
    golds = ["1"] * 60 + ["2"] * 12 + [str(number) for number in range(3, 9) for _ in range(5)] + ["0"] * 3
    rows = [(number, "How many?", gold, None) for number, gold in enumerate(golds)]
    index = DistractorIndex.build(rows, seed=0)
    for number in range(40):
        assert "1" in index.draw(make_sample("How many?", "5", str(number)), 3, 0)


def test_save_and_load_is_identity(tmp_path: Path) -> None:
    INDEX.save(tmp_path / "a.npz")
    loaded = DistractorIndex.load(tmp_path / "a.npz")
    loaded.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    for number, (_, question, gold, _) in enumerate(make_rows()):
        sample = make_sample(question, gold, str(number))
        assert loaded.draw(sample, 3, 0) == INDEX.draw(sample, 3, 0)


def test_unreadable_index_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ShardError, match=r"gone\.npz: not a readable distractor index"):
        DistractorIndex.load(tmp_path / "gone.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ShardError, match="Delete it and run the conversion again"):
        DistractorIndex.load(tmp_path / "bad.npz")
    monkeypatch.setattr("asd.makers.distractors.FORMAT", 9)
    INDEX.save(tmp_path / "new.npz")
    monkeypatch.undo()
    with pytest.raises(ShardError, match="has format 9, this build reads 3"):
        DistractorIndex.load(tmp_path / "new.npz")


@pytest.mark.shared_data
def test_real_rows(shared_data: Path) -> None:
    folder = shared_data / "vqav2"
    with gzip.open(folder / "vqa_questions_valid.json.gz") as file:
        asked = {row["question_id"]: row["question"] for row in json.load(file)["questions"]}
    with gzip.open(folder / "vqa_annotatons_valid.json.gz") as file:
        notes = json.load(file)["annotations"][:4000]
    samples = [
        make_sample(
            asked[note["question_id"]],
            note["multiple_choice_answer"],
            str(note["question_id"]),
            tuple(answer["answer"] for answer in note["answers"]),
        )
        for note in notes
        if answer_kind(note["multiple_choice_answer"])[0] != "yes_no" and not is_vague(note["multiple_choice_answer"])
    ]
    rows = [(number, sample.question, sample.gold, None) for number, sample in enumerate(samples)]
    index = DistractorIndex.build(rows, seed=0)
    full = longest = 0.0
    for sample in samples:
        drawn = index.draw(sample, 3, 0)
        assert not any(conflicts(answer, sample.accepted) for answer in drawn)
        assert len({normalise_answer(answer) for answer in drawn}) == len(drawn)
        if len(drawn) == 3:
            full += 1
            lengths = [len(sample.gold), *map(len, drawn)]
            longest += (lengths[0] == max(lengths)) / lengths.count(max(lengths))
    assert full / len(samples) > 0.6
    assert longest / full == pytest.approx(0.25, abs=0.035)
