"""Rows shaped like the world's: made here, fitted to what was counted in public data sets, so that no data is needed.

    python benchmarks/world.py vqav2 20000 /tmp/rows             # as released: questions, and ten annotators' answers
    python benchmarks/world.py unique 100000 /tmp/rows.json      # LLaVA conversations, one JSON array
    python benchmarks/world.py textvqa 50000 /tmp/rows.jsonl     # the same, as JSON Lines
    python benchmarks/world.py --fit vqav2 20000                 # what a shape has, beside what was counted

Nouns come from the bundled table of WordNet. A row depends on the shape and its number alone.
"""

from __future__ import annotations

import argparse
import json
import random
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from convert import COLOURS, NAMES, PLACES, RFP

NOUNS = Path(__file__).resolve().parents[1] / "asd" / "makers" / "wordnet" / "nouns.tsv.z"
ANNOTATORS = 10
COMMON_QUESTIONS = 400


class Shape(NamedTuple):
    """What is fitted. Shares are of rows; `counted` has what the data set itself has, for `--fit`."""

    common: float
    """Rows that ask one of a few hundred questions, the first ones most often."""
    kinds: tuple[float, float, float, float, float, float]
    """Weights of the kinds of questions, in the order of FRAMES."""
    words: int
    """Of a question that is not common, about."""
    spread: tuple[int, ...]
    """Weights of 1, 2, 3 ... different answers among ten annotators; empty: the data set has one answer a row."""
    counted: str


FRAMES = {
    "yes_no": ("Is the {a} near the {b}", "Are there any {a}s by the {b}", "Is this a {a}", "Does the {a} look {c}"),
    "number": ("How many {a}s are there", "How many {a}s are by the {b}", "How many {a}s do you see"),
    "colour": ("What color is the {a}", "What color are the {a}s", "What color is the {a} by the {b}"),
    "thing": ("What is on the {a}", "What kind of {a} is this", "What is the {a} for", "Which {a} is by the {b}"),
    "where": ("Where is the {a}", "Where was this {a} seen"),
    "read": ("What is the brand of the {a}", "What does the {a} say", "Who made the {a}", "What is written on the {a}"),
}
TAILS = ("beside the {b}", "behind that {c} {b}", "in front of the {b}", "that the {b} belongs to", "under the {c} {b}")
OPEN_FRAMES = (
    "Considering the {a} beside the {b}, what might it be used for",
    "Judging from the {a}, which {b} would fit best",
    "Between the {a} and the {b}, which would you call {c}",
    "How would you describe the {b} of this {c} {a}",
)
"""Of the unique shape: few of them are read by the rules for sentences."""

SHAPES = {
    "vqav2": Shape(0.10, (34, 31, 9, 20, 4, 2), 5, (28, 22, 12, 9, 7, 6, 6, 5, 4, 3),
                   "0.70 of questions differ, 0.86 with their answer; 6.2 words; 2.8 answers of ten differ, 35 % unanimous"),
    "gqa": Shape(0.32, (25, 0, 15, 52, 8, 0), 7, (),
                 "0.70 of questions differ, 0.92 with their answer; 7.5 words; one answer"),
    "textvqa": Shape(0.0, (5, 14, 2, 12, 2, 65), 6, (17, 23, 21, 16, 10, 6, 4, 2, 1, 1),
                     "0.91 of questions differ, 0.995 with their answer; 7.0 words; 3.2 answers of ten differ, 19 % unanimous"),
    "vizwiz": Shape(0.34, (5, 1, 8, 50, 2, 34), 6, (5, 12, 16, 16, 14, 13, 11, 8, 5, 2),
                    "0.66 of questions differ, 0.86 with their answer; 7.2 words; 4.5 answers of ten differ, 7 % unanimous"),
    "unique": Shape(0.0, (20, 15, 15, 30, 10, 10), 14, (), "no two questions alike, most not of the wordings that rules read"),
}  # fmt: skip


class Row(NamedTuple):
    number: int
    question: str
    answers: tuple[str, ...]
    """Of the annotators, or the one answer."""


@cache
def nouns() -> list[str]:
    synsets = zlib.decompress(NOUNS.read_bytes()).decode().partition("\f")[0]
    names = (line.partition("\t")[0] for line in synsets.splitlines())
    return [name for name in names if name.isalpha() and name.islower() and len(name) < 12]


def rows(shape_name: str, count: int) -> Iterator[Row]:
    shape = SHAPES[shape_name]
    common = [_asked(shape, random.Random(f"{shape_name}:common:{place}"), 0) for place in range(COMMON_QUESTIONS)]
    for number in range(count):
        draw = random.Random(f"{shape_name}:{number}")
        if draw.random() < shape.common:
            kind, question = common[min(int(draw.paretovariate(0.6)), COMMON_QUESTIONS) - 1]
        else:
            kind, question = _asked(shape, draw, shape.words, is_open=shape_name == "unique")
        yield Row(number, question, tuple(_answers(shape, kind, draw)))


def _asked(shape: Shape, draw: random.Random, words: int, *, is_open: bool = False) -> tuple[str, str]:
    """A kind and a question of about so many words."""
    kind = draw.choices(list(FRAMES), shape.kinds)[0]
    opens = is_open and kind != "yes_no" and draw.random() < 0.8
    frame = draw.choice(OPEN_FRAMES if opens else FRAMES[kind])
    while len(frame.split()) < words:
        frame += " " + draw.choice(TAILS)
    while "{b}" in frame or "{a}" in frame or "{c}" in frame:
        for mark, word in (("{a}", _noun(draw)), ("{b}", _noun(draw)), ("{c}", draw.choice(COLOURS))):
            frame = frame.replace(mark, word, 1)
    return kind, frame + "?"


def _noun(draw: random.Random) -> str:
    """One of all, the first ones most often."""
    names = nouns()
    return names[int(len(names) ** draw.random() - 1) * 7919 % len(names)]


def _answers(shape: Shape, kind: str, draw: random.Random) -> list[str]:
    gold = _answer(kind, draw)
    if not shape.spread:
        return [gold]
    others = dict.fromkeys(_answer(kind, draw) for _ in range(draw.choices(range(len(shape.spread)), shape.spread)[0]))
    others.pop(gold, None)
    given = [*others, *[gold] * (ANNOTATORS - len(others))][:ANNOTATORS]
    draw.shuffle(given)
    return given


def _answer(kind: str, draw: random.Random) -> str:
    if kind == "yes_no":
        return draw.choice(("yes", "no"))
    if kind == "number":
        return str(min(int(draw.paretovariate(0.9)), 99))
    if kind == "colour":
        return COLOURS[int(draw.paretovariate(0.9)) % len(COLOURS)]
    if kind == "where":
        return draw.choice(PLACES)
    if kind == "read" and draw.random() < 0.3:
        return draw.choice(NAMES)
    return " ".join(_noun(draw) for _ in range(draw.choice((1, 1, 2)) if kind == "read" else 1))


def write_conversations(path: Path, shape: str, count: int) -> None:
    """LLaVA conversations: JSON Lines where the name ends in .jsonl, else one JSON array on one line."""
    is_lines = path.suffix == ".jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.write("" if is_lines else "[")
        for row in rows(shape, count):
            record = {
                "id": str(row.number),
                "image": f"COCO2014/train2014/COCO_train2014_{row.number // 5:012d}.jpg",
                "conversations": [
                    {"from": "human", "value": f"<image>\n{row.question}\n{RFP}"},
                    {"from": "gpt", "value": max(row.answers, key=row.answers.count)},
                ],
            }
            file.write(json.dumps(record) + "\n" if is_lines else (", " if row.number else "") + json.dumps(record))
        file.write("" if is_lines else "]")


def write_release(folder: Path, shape: str, count: int) -> None:
    """The files that the data set is released in: of GQA one, of the others questions and annotations."""
    folder.mkdir(parents=True)
    if shape == "gqa":
        records = {
            str(row.number): {"question": row.question, "answer": row.answers[0], "imageId": str(row.number // 9)}
            | {"semanticStr": "select", "types": {"structural": "query"}}
            for row in rows(shape, count)
        }
        (folder / "train_balanced_questions.json").write_text(json.dumps(records), "utf-8")
        return
    questions, annotations = [], []
    for row in rows(shape, count):
        image = {"image_id": row.number // 5} if shape == "vqav2" else {"image_id": f"{row.number // 2:08x}"}
        asked = image | {"question_id": row.number}
        questions.append(asked | {"question": row.question})
        given = [
            {"answer": answer, "answer_confidence": "yes", "answer_id": place}
            for place, answer in enumerate(row.answers, 1)
        ]
        annotations.append(
            asked
            | {"question_type": "what", "answer_type": "other", "multiple_choice_answer": row.answers[0]}
            | {"answers": given}
        )
    names = {
        "vqav2": ("v2_OpenEnded_mscoco_train2014_questions.json", "v2_mscoco_train2014_annotations.json"),
    }.get(shape, ("val_questions_vqa_format.json", "val_annotations_vqa_format.json"))
    for name, key, records in zip(names, ("questions", "annotations"), (questions, annotations), strict=True):
        (folder / name).write_text(json.dumps({key: records}), "utf-8")


def fit(shape: str, count: int) -> str:
    made = list(rows(shape, count))
    questions = [row.question for row in made]
    pairs = {(row.question, max(row.answers, key=row.answers.count)) for row in made}
    different = [len(set(row.answers)) for row in made]
    words = sum(len(question.split()) for question in questions) / count
    return (
        f"{shape}: {len(set(questions)) / count:.2f} of questions differ, {len(pairs) / count:.2f} with their answer; "
        f"{words:.1f} words; {sum(different) / count:.1f} answers of a row differ, "
        f"{100 * different.count(1) / count:.0f} % unanimous\n  counted: {SHAPES[shape].counted}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("rows", type=int)
    parser.add_argument("out", type=Path, nargs="?", help="a folder, for files as released; or NAME.json or NAME.jsonl")
    parser.add_argument("--fit", action="store_true", help="say what the shape has; write nothing")
    arguments = parser.parse_args()
    if arguments.fit or arguments.out is None:
        print(fit(arguments.shape, arguments.rows))
    elif arguments.out.suffix in (".json", ".jsonl") or arguments.shape == "unique":
        write_conversations(arguments.out, arguments.shape, arguments.rows)
    else:
        write_release(arguments.out, arguments.shape, arguments.rows)


if __name__ == "__main__":
    main()
