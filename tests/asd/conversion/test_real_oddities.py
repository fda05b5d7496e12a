"""What is odd about real annotation rows, followed through whole conversions: from the source's row to the shard's."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.schemas.boxes import canonical_box, iou, parse_box, read_answer

pytestmark = pytest.mark.shared_data
Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def convert(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    done: dict[str, Rows] = {}

    def run(task: str, location: str) -> Rows:
        """Every sample that can leave its native style does; rows by source id."""
        if location not in done:
            out = tmp_path_factory.mktemp(task)
            made = asd.convert(task, shared_data / location, out=out, ratio=1.0, workers=1, max_reject_rate=1.0)
            rows = asd.load(made.path).to_list()
            done[location] = {row["source_id"]: row for row in rows}
            assert len(done[location]) == len(rows)
        return done[location]

    return run


def converted(rows: Rows) -> list[dict[str, Any]]:
    return [row for row in rows.values() if row["style"] != row["native_style"]]


def test_a_tie_goes_to_the_answer_and_not_to_unanswerable(convert: Any) -> None:
    rows = convert("vizwiz", "vizwiz")
    assert rows["5"]["gold"] == "windows 7"  # three annotators, and three who said "unanswerable"
    assert rows["5"]["accepted"][:2] == ["windows 7", "unanswerable"]
    assert rows["242"]["gold"] == "yes"
    refused = [row for row in rows.values() if row["gold"] == "unanswerable"]
    assert len(refused) > 800
    assert {row["style"] for row in refused} <= {"short_answer", "brief_explanation"}  # nothing is a wrong refusal


def test_two_to_five_choices_keep_all_their_letters(convert: Any, shared_data: Path) -> None:
    source = json.loads((shared_data / "scienceqa/llava_test_CQM-A.json").read_text("utf-8"))
    rows = convert("scienceqa", "scienceqa/llava_test_CQM-A.json")
    native = [row for row in rows.values() if row["style"] == "multiple_choice"]
    assert len(rows) == len(source) == 3361
    letters = {record["id"]: record["conversations"][1]["value"] for record in source}
    assert {letter for row in native for letter in row["response"]} <= set("ABCDE")
    for row in native:
        assert row["response"] == letters[row["source_id"]]
        assert row["options"]["ABCDE".index(row["response"])] == row["gold"]
    assert set(Counter(len(row["options"]) for row in convert("scienceqa", "scienceqa/problems.json").values())) <= {
        0, 2, 3, 4, 5
    }  # fmt: skip


def test_choices_that_differ_in_case_only_are_never_set_against_each_other(convert: Any) -> None:
    """ "Which greeting is correct?" asks about capitals: no yes/no question may propose the other spelling."""
    rows = convert("scienceqa", "scienceqa/problems.json")
    odd = [rows[pid] for pid in ("109", "134", "221", "274", "359", "392", "512", "585", "663", "732")]
    assert not {row["style"] for row in odd} & {"yes_no", "short_answer"}
    assert all(row["gold"] in row["response"] for row in odd if row["style"] != "multiple_choice")


def test_a_choice_that_stands_twice_is_shown_once(convert: Any) -> None:
    rows = convert("aokvqa", "aokvqa")
    twice = rows["Cr6fmmEARGDPSbQvpNN4xY"]  # four, none, none, six: the right one stands twice
    assert twice["style"] not in ("yes_no", "multiple_choice") or twice["maker"] == "native"
    for row in converted(rows):
        shown = [option.casefold() for option in row["options"]]
        assert row["style"] != "multiple_choice" or len(set(shown)) == len(shown)


def test_choices_with_newlines_are_one_line_each(convert: Any, shared_data: Path) -> None:
    problems = json.loads((shared_data / "scienceqa/problems.json").read_text("utf-8"))
    odd = [pid for pid, problem in problems.items() if any("\n" in choice for choice in problem["choices"])]
    assert len(odd) >= 10
    rows = convert("scienceqa", "scienceqa/problems.json")
    for pid in odd:
        assert not any("\n" in option for option in rows[pid]["options"])
        assert "\n" not in rows[pid]["gold"]


@pytest.mark.parametrize(
    ("task", "location", "numbers"),
    [("scienceqa", "scienceqa/problems.json", {0, 1}), ("nlvr2", "nlvr2", {2}), ("iconqa", "iconqa", {1, 3, 4, 5, 6})],
)
def test_as_many_placeholders_as_images(convert: Any, task: str, location: str, numbers: set[int]) -> None:
    rows = convert(task, location)
    assert {len(row["images"]) for row in rows.values()} == numbers
    for row in rows.values():
        assert row["prompt"].count("<image>") == len(row["images"])
        assert row["prompt"].startswith("<image>\n" * len(row["images"]))


@pytest.mark.parametrize(
    ("task", "location", "spellings"),
    [
        ("pope", "pope/coco_pope_random.json", {"yes", "no"}),
        ("vsr", "vsr/random_dev.jsonl", {0, 1}),
        ("nlvr2", "nlvr2", {"True", "False"}),
    ],
)
def test_labels_of_every_spelling_become_yes_and_no(
    convert: Any, shared_data: Path, task: str, location: str, spellings: set[Any]
) -> None:
    if task != "nlvr2":
        lines = (shared_data / location).read_text("utf-8").splitlines()
        assert {json.loads(line)["label"] for line in lines} == spellings
    rows = convert(task, location)
    assert {row["gold"] for row in rows.values()} == {"yes", "no"}
    chosen = [row for row in converted(rows) if row["style"] == "multiple_choice"]
    assert chosen
    for row in chosen:
        assert sorted(row["options"]) == ["no", "yes"]
        assert row["options"]["AB".index(row["response"])].lower() == row["gold"]


def _is_flat(record: dict[str, Any]) -> bool:
    box = canonical_box(record["solution"], "xyxy_pixels", (record["width"], record["height"]))
    return read_answer(box) is None


def test_boxes_of_other_conventions_mean_the_same_place(convert: Any, shared_data: Path) -> None:
    rows = convert("grounding", "refcocos")
    records = json.loads((shared_data / "refcocos/refcocos_test.json").read_text("utf-8"))
    null = [record for record in records if record["solution"] is None]
    assert len(null) == 20
    flat = [record for record in records if record not in null and _is_flat(record)]  # no height at two decimals
    assert len(rows) == len(records) - len(null) - len(flat)  # such boxes are rejects, each with its reason
    assert len(flat) == 1
    for number, record in enumerate(records):
        row = rows.get(f"{record['annotation_id']}-{number}")
        assert (row is None) == (record["normalized_solution"] is None or record in flat)
        if row is not None:
            size = (record["width"], record["height"])
            permille = parse_box(canonical_box(record["normalized_solution"], "xyxy_permille", size))
            assert parse_box(row["gold"]) == pytest.approx(permille, abs=0.0101)  # thousandths are cut, not rounded
    for row in converted(rows):
        boxes = [parse_box(option) for option in row["options"]]
        assert all(iou(a, b) < 0.5 for n, a in enumerate(boxes) for b in boxes[:n])


def test_an_instruction_of_the_source_is_replaced_and_not_doubled(
    convert: Any, shared_data: Path, tmp_path: Path
) -> None:
    """The published prompts of TextVQA end in an instruction; with their answers put beside them they convert."""
    published = shared_data / "textvqa/llava_textvqa_val_v051_ocr.jsonl"
    prompts = [json.loads(line) for line in published.read_text("utf-8").splitlines()][:600]
    notes = json.loads((shared_data / "textvqa/val_annotations_vqa_format.json").read_text("utf-8"))["annotations"]
    answers = {note["image_id"]: note["multiple_choice_answer"] for note in notes}
    instruction = prompts[0]["text"].splitlines()[-1]
    lines = [
        json.dumps({**prompt, "question_id": number, "answer": answers[prompt["question_id"]]})
        for number, prompt in enumerate(prompts)
        if prompt["question_id"] in answers
    ]
    source = tmp_path / "with_answers.jsonl"
    source.write_text("\n".join(lines), "utf-8")
    made = asd.convert("textvqa", source, out=tmp_path / "out", ratio=0.5, workers=1)
    rows = asd.load(made.path).to_list()
    assert len(rows) > 500
    for row in rows:
        assert instruction not in row["question"]
        assert "OCR token" not in row["question"]
        is_native = row["style"] == row["native_style"]
        assert row["prompt"].count(instruction) == int(is_native)
        assert row["prompt"].endswith(row["rfp"])


def test_braces_are_text(convert: Any) -> None:
    rows = convert("identity", "text_only/identity.json")
    assert sum("{{" in row["response"] for row in rows.values()) > 30
    assert all(row["response"] == row["gold"] for row in rows.values())


def test_tool_calls_pass_through_untouched(convert: Any, shared_data: Path) -> None:
    records = json.loads((shared_data / "text_only/glaive_toolcall_en_demo.json").read_text("utf-8"))
    rows = list(convert("glaive", "text_only/glaive_toolcall_en_demo.json").values())
    assert len(rows) == len(records)
    for row in rows:
        record = records[row["source_row"]]
        turns = [turn["value"] for turn in record["conversations"]]
        assert [message["content"] for message in row["messages"]] == [record["tools"], *turns][-len(row["messages"]) :]
        assert {"function_call", "observation"} >= {m["role"] for m in row["messages"]} - {"tools", "user", "assistant"}
        assert (row["style"], row["maker"]) == ("free_form", "native")


def test_left_or_right_is_no_yes_or_no_question(convert: Any) -> None:
    rows = convert("gqa", "gqa")
    sided = [row for row in rows.values() if row["source_id"] in ("201080523", "201110869", "201153277", "20136666")]
    assert {row["gold"] for row in sided} == {"left", "right"}
    offered = [row for row in rows.values() if row["gold"] in ("left", "right") and " or " in row["question"]]
    assert len(offered) >= 4
    for row in offered:
        if row["style"] == "yes_no":
            assert row["candidate"]
            assert row["candidate"].lower() in ("left", "right")
        if row["style"] == "multiple_choice":
            assert sorted(option.lower() for option in row["options"]) == ["left", "right"]
