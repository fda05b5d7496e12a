"""The work given to every peer: which rows change, into which style, and the Jinja templates that write them.

A row of LLaVA conversation form becomes `id, image, style, gold, prompt, response`. Everything follows from two hashes
of the id, so outputs can be compared by digest whatever the order. Needs xxhash and Jinja alone; each driver calls
`convert` (a record) or `convert_columns` (a batch), whichever its library's documentation calls for.
"""

from __future__ import annotations

from typing import Any, Final

import xxhash
from convert import COLOURS, NAMES, PLACES, RFP, THINGS
from jinja2 import Environment, StrictUndefined

COLUMNS: Final = ("id", "image", "style", "gold", "prompt", "response")
STYLES: Final = ("yes_no", "multiple_choice", "brief_explanation")
LETTERS: Final = "ABCD"
POOLS: Final = (tuple(COLOURS), tuple(map(str, range(30))), tuple(PLACES), tuple(NAMES))
"""Where wrong answers come from: a gold answer is in exactly one pool, save yes and no, and those of other shapes of rows."""
PLACE_IN_POOL: Final = {answer: (pool, place) for pool in POOLS for place, answer in enumerate(pool)}
SEED: Final = 0
PREFIX, SUFFIX = "<image>\n", f"\n{RFP}"

TEMPLATES: Final = {
    "yes_no": (
        "{% if image %}<image>\n{% endif %}{{ question }}\n"
        "{% if candidate %}Proposed answer: {{ candidate }}\nIs the proposed answer right? {% endif %}"
        "Reply with Yes or No only.",
        "{{ answer }}",
    ),
    "multiple_choice": (
        "{% if image %}<image>\n{% endif %}{{ question }}\n"
        "{% for letter, option in options %}{{ letter }}. {{ option }}\n{% endfor %}"
        "Pick one option and reply with its letter alone.",
        "{{ answer }}",
    ),
    "brief_explanation": (
        "{% if image %}<image>\n{% endif %}{{ question }}\nPut the answer into one short, complete sentence.",
        'The answer to "{{ question }}" is {{ answer }}.',
    ),
}
"""Prompt and response of each style."""

_ENVIRONMENT = Environment(undefined=StrictUndefined, autoescape=False)
_COMPILED = {style: tuple(map(_ENVIRONMENT.from_string, pair)) for style, pair in TEMPLATES.items()}


def selection_hash(sample_id: str) -> int:
    """Uniform on 64 bits; the row is converted where it is below `threshold`."""
    return xxhash.xxh3_64_intdigest(f"{SEED}\x1f{sample_id}".encode())


def style_hash(sample_id: str) -> int:
    """Uniform on 64 bits: `% 3` is the style, bit 8 whether the candidate is right, 16 on the letter, 24 on the start."""
    return xxhash.xxh3_64_intdigest(f"{SEED}\x1fstyle\x1f{sample_id}".encode())


def threshold(ratio: float) -> int:
    return int(ratio * (1 << 64))


def distractor(gold: str, start: int, number: int) -> str:
    """The `number`-th wrong answer: another entry of the gold answer's pool."""
    known = PLACE_IN_POOL.get(gold)
    if known is None:  # a thing of a shape of `world`
        others = [thing for thing in THINGS if thing != gold]
        return others[(start + number) % len(others)]
    pool, place = known
    return pool[(place + 1 + (start + number) % (len(pool) - 1)) % len(pool)]


def facts(sample_id: str, image: str, question: str, gold: str) -> tuple[str, dict[str, Any]]:
    """The style drawn for a row, and what its templates are given."""
    drawn = style_hash(sample_id)
    style, start = STYLES[drawn % 3], (drawn >> 24) % (1 << 20)
    known: dict[str, Any] = {"image": image, "question": question, "answer": gold, "candidate": "", "options": ()}
    if gold in ("yes", "no"):
        style = "yes_no" if style == "multiple_choice" else style
        known["answer"] = gold.capitalize() if style == "yes_no" else gold
    elif style == "yes_no":
        right = (drawn >> 8) & 1
        known["candidate"] = gold if right else distractor(gold, start, 0)
        known["answer"] = "Yes" if right else "No"
    elif style == "multiple_choice":
        options = [distractor(gold, start, number) for number in range(3)]
        letter = (drawn >> 16) % 4
        options.insert(letter, gold)
        known["options"], known["answer"] = tuple(zip(LETTERS, options, strict=True)), LETTERS[letter]
    return style, known


def rewritten(sample_id: str, image: str, prompt: str, gold: str) -> tuple[str, str, str]:
    """Style, prompt and response of a row that is converted: two Jinja renders."""
    question = prompt.removeprefix(PREFIX).removesuffix(SUFFIX)
    style, known = facts(sample_id, image, question, gold)
    ask, reply_with = _COMPILED[style]
    return style, ask.render(known), reply_with.render(known)


def convert(record: dict[str, Any], below: int) -> dict[str, str]:
    """One record to one row."""
    human, reply = record["conversations"]
    sample_id, image, prompt, gold = record["id"], record["image"], human["value"], reply["value"]
    style, response = "short_answer", gold
    if selection_hash(sample_id) < below:
        style, prompt, response = rewritten(sample_id, image, prompt, gold)
    return {"id": sample_id, "image": image, "style": style, "gold": gold, "prompt": prompt, "response": response}


def convert_columns(batch: dict[str, list[Any]], below: int) -> dict[str, list[str]]:
    """A batch by columns (`id`, `image`, `conversations`) to columns."""
    ids, images = batch["id"], batch["image"]
    prompts = [turns[0]["value"] for turns in batch["conversations"]]
    golds = [turns[1]["value"] for turns in batch["conversations"]]
    styles, responses = ["short_answer"] * len(ids), list(golds)
    for place, sample_id in enumerate(ids):
        if selection_hash(sample_id) < below:
            done = rewritten(sample_id, images[place], prompts[place], golds[place])
            styles[place], prompts[place], responses[place] = done
    return dict(zip(COLUMNS, (ids, images, styles, golds, prompts, responses), strict=True))
