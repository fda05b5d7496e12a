"""Small conversions of rows with odd questions, answers, options and annotators: nothing raises, counts add up.

    python -m tests.fuzz.rows --inputs 5000 [--seed 0] [--only TRIAL]

For every conversion: it ends without an error, rows read = kept + converted + rejected, and no row offers as wrong, or
calls wrong, what is its gold answer or an accepted one in any notation. Not part of CI.
"""

from __future__ import annotations

import json
import random
import string
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import asd
from asd.makers.normalise import is_one_of
from asd.makers.option_text import option_key
from asd.shards.reader import read_shard
from tests.asd.sources_made import COLOURS, THINGS
from tests.fuzz.frame import INPUTS, main, require

TASK = """
name: fuzzed
title: "Fuzzed rows"
description: "Rows that nobody would write."
family: FAMILY
native_style: NATIVE
styles:
  yes_no: [field, mined]
  multiple_choice: [field, mined]
  short_answer: [field]
  brief_explanation: [field, rule]
  detailed_explanation: [field]
scorer: contains
licence: "none"
citation: "none"
homepage: "https://example.org"
layouts:
  - name: rows
    files: "*.jsonl"
    columns:
      source_id: id
      images: image
      question: question
      ANSWERS
      rationales: rationales?
      solution: solution?
"""
ANSWERS = {
    "gold": "gold: answer",
    "annotators": "annotators: answers",
    "options": "gold: answer\n      options: choices",
}
NOTATIONS = """
10:30 am|10:30 a.m.|10.30|22:30|8 ft|8 feet|8'|5'10"|aug 5|august 5|5 august|december 25, 2010|12/25/2010|2010-12-25
white and brown|brown & white|brown/white|2nd|second|st louis|saint louis|$5|5 dollars|usd 5|1,200|1200|1 200|1/2|half|0.5|½
.0|.000%|.00 %|-.5|0%|1e9|--5|+-3|1,2,3|1.2.3|5-5|::|3:|:30|12:61|99:99|0/0|1/0|1//2|$|$$|$-5|% |°|5°|5°c|feb 31|13/13/13|0/0/0
yes|no|yeah|yep|nope|yes!|(yes)|Yes.|no?|yes it is|YES|n|y|none|nothing|unanswerable|unsuitable image|a|the|.|...|-|?|'|"|(|[]
[0.1,0.2,0.3,0.4]|[1,1,0,0]|A|B.|(C)|all of the above|both a and b|<image>|< image >|<image><image>|{{x}}|{% if %}|\\|\\n|%s
""".replace("\n", "|").strip("|").split("|")  # fmt: skip
ODD = (
    "\u0660\u0967\u00b2\u2460\u1369\u00bd\u2159\uff15\u200b\u200d\u202e\ufeff\u0301\u00a0\u2028\u0000\u001b"
    "\u007f\U0001f602\u0130\u00df\ufb01\u4e2d\u0e01"
)
QUESTIONS = [
    "What color is the {}?", "Is the {} red?", "How many {}s are there?", "Is this a {} or a dog?", "Where is the {}?",
    "What does the {} say?", "What time is it on the {}?", "Who is holding the {}?", "Which {} is larger, a or b?", "{}?", "{}",
    "What is the {}", "Are there any {}s?", "Why is the {} there?", "Is there is a {}?", "whats the {} warning?",
]  # fmt: skip


def trial(draw: random.Random, folder: Path) -> Counter[str]:
    kind = draw.choice([*ANSWERS])
    native = draw.choice(["multiple_choice"] if kind == "options" else ["short_answer", "yes_no", "free_form"])
    rows = [row(draw, kind, number) for number in range(draw.randint(40, 400))]
    if native == "yes_no":
        for one in rows:
            if draw.random() < 0.8:
                said = draw.choice(["yes", "no", "0", "1", "True", "false", 0, 1, True, "YES", "No."])
                one.update(
                    {"answer": said} if kind == "gold" else {"answers": [{"answer": said}] * draw.randint(1, 10)}
                )
    task = TASK.replace("FAMILY", draw.choice(["vqa", "vqa", "vqa", "statement", "caption", "classification"]))
    task = task.replace("NATIVE", native).replace("ANSWERS", ANSWERS[kind])
    if native in ("yes_no", "multiple_choice", "short_answer"):
        task = "\n".join(line for line in task.splitlines() if not line.startswith(f"  {native}:"))
    (folder / "task.yaml").write_text(task, encoding="utf-8")
    lines = "".join(json.dumps(one, ensure_ascii=draw.random() < 0.5) + "\n" for one in rows)
    (folder / "rows.jsonl").write_bytes(lines.encode("utf-8", "surrogatepass"))
    done = asd.convert(
        task=str(folder / "task.yaml"), source=folder / "rows.jsonl", out=folder / "out", seed=draw.randrange(100),
        ratio=draw.choice([0.3, 0.9, 1.0]), max_reject_rate=1.0, workers=1,
    )  # fmt: skip
    counts = done.manifest.counts
    told = Counter({INPUTS: len(rows), "converted": counts.converted, "rejected": sum(counts.rejects.values())})
    require(
        counts.samples + told["rejected"] == len(rows), f"{counts.samples} + {told['rejected']} of {len(rows)} rows"
    )
    require(sum(counts.by_style.values()) == counts.samples, "styles do not add up")
    native_rows = counts.by_maker.get("native", 0)
    require(native_rows + counts.converted == counts.samples, f"{native_rows} + {counts.converted} of {counts.samples}")
    for path in sorted((done.path / "versions" / done.version / "data").glob("*.arrow")):
        for batch in read_shard(path):
            for one in batch.to_pylist():
                _look_at(one)
    return told


def _look_at(one: dict[str, Any]) -> None:
    require(one["messages"][1]["content"] == one["response"], "messages differ from the columns")
    if one["maker"] == "native":
        return
    right = [one["gold"], *one["accepted"]]
    if one["style"] == "multiple_choice":
        gold = option_key(one["gold"])
        wrong = [option for option in one["options"] if option_key(option) != gold]
        require(len(wrong) + 1 == len(one["options"]), f"gold among options: {one['gold']!r} {one['options']!r}")
    else:
        wrong = [one["candidate"]] if one["candidate"] and one["response"] == "No" else []
        right = right if wrong else []
    for text in wrong:
        same = is_one_of(text, right, in_order=one["maker"] == "field")
        require(not same, f"{one['source_id']}: {text!r} is offered as wrong; right are {right!r}")


def row(draw: random.Random, kind: str, number: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": draw.choice([f"r{number}", number, f"r{number} {text(draw)}"]),
        "image": f"{number}.jpg",
        "question": question(draw),
    }
    if kind == "annotators":
        first = answer(draw)
        made["answers"] = [
            {"answer": first if draw.random() < 0.7 else answer(draw)} for _ in range(draw.randint(1, 10))
        ]
    else:
        made["answer"] = answer(draw)
    if kind == "options":
        made["choices"] = [answer(draw) for _ in range(draw.randint(1, 6))]
        if draw.random() < 0.9:
            made["choices"][draw.randrange(len(made["choices"]))] = made["answer"]
    if draw.random() < 0.3:
        made["rationales"] = [sentence(draw, made) for _ in range(draw.randint(0, 3))]
    if draw.random() < 0.3:
        made["solution"] = " ".join(sentence(draw, made) for _ in range(draw.randint(1, 6)))
    if draw.random() < 0.05:
        made[draw.choice([*made])] = draw.choice(
            [None, "", [], {}, 3, 2.5, True, [None], {"a": 1}, "\ud83d", [[["x"]]]]
        )
    return made


def question(draw: random.Random) -> str:
    made = draw.choice(QUESTIONS).format(draw.choice([draw.choice(THINGS), text(draw), answer(draw)]))
    return mutated(draw, made) if draw.random() < 0.3 else made


def answer(draw: random.Random) -> str:
    made = draw.choice([
        draw.choice(NOTATIONS), draw.choice(NOTATIONS), draw.choice(COLOURS), draw.choice(THINGS), str(draw.randint(0, 30)),
        text(draw), f"{draw.randint(0, 99)} {draw.choice(['ft', 'kg', 'pm', '%', 'dollars', 'x'])}",
        f"{draw.choice(COLOURS)} {draw.choice(['and', ',', '/', 'or'])} {draw.choice(COLOURS)}", "9" * draw.choice([5, 50, 5000]),
    ])  # fmt: skip
    return mutated(draw, made) if draw.random() < 0.25 else made


def sentence(draw: random.Random, made: dict[str, Any]) -> str:
    start, end = draw.choice(["The", "A", "It is the", "So the answer is"]), draw.choice([".", "", "!", "?"])
    return f"{start} {made.get('answer', '')} {text(draw)} is {answer(draw)}{end}"


def text(draw: random.Random) -> str:
    letters = string.ascii_lowercase + string.digits + string.punctuation + "     " + ODD
    return "".join(draw.choice(letters) for _ in range(draw.choice([0, 1, 2, 3, 5, 8, 13, 40])))


def mutated(draw: random.Random, made: str) -> str:
    """One change of one place."""
    place = draw.randint(0, len(made))
    return draw.choice([
        made[:place] + draw.choice(string.punctuation + ODD + " \n\t") + made[place:], made[:place], made[place:], made.upper(),
        made[::-1], f" {made} ", f"({made})", f"{made}.", made * 2, made.replace(" ", "  "), made.title(), f'"{made}"',
    ])  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(trial, __doc__ or ""))
