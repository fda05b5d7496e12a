"""Good replies for the rewriter's prompts, made from the request alone: the same request, the same reply.

The sample is read from the data block of the prompt, the shape from the schema (or from the form that the prompt
shows). What comes out passes the checks on meaning for plain English samples; nothing here is a language model.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from tests.servers import scripted_verdicts

_BLOCK = re.compile(r"<q>\n(.*?)\n</q>", re.DOTALL)
_FORM = re.compile(r"(?:nothing before or after it|this JSON only):\s*(\{.*\})", re.DOTALL)
_BAND = re.compile(r"\((\d+) to (\d+)\)")
_SERIES = [
    "zero one two three four five six seven eight nine ten eleven twelve".split(),
    "monday tuesday wednesday thursday friday saturday sunday".split(),
    "january february march april may june july august september october november december".split(),
    "first second third fourth fifth sixth seventh eighth ninth tenth".split(),
]
_HEADS = "bar cor dun fel gar hol kel lan mor nar pel ran sol tor vel wen".split()
_TAILS = "dle fin gow hup kin lop mit nex pod rick sen tam vock wig zel yorn".split()


@dataclass(frozen=True)
class Asked:
    """What a request wants: `salt` stands for all of it, `least` is the shortest text in words."""

    data: dict[str, Any]
    salt: str
    least: int


def reply_to(body: dict[str, Any], judge: str = "good") -> str:
    """The text of the reply to the body of a chat request. judge: manner in which answers are rated."""
    texts = [_text(message["content"]) for message in body["messages"]]
    block, band = _BLOCK.search(texts[-1]), _BAND.search(texts[0])
    salt = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    asked = Asked(json.loads(block[1]) if block else {}, salt, int(band[1]) if band else 8)
    if "reference_answer" in asked.data:
        return scripted_verdicts.verdict(asked.data, judge)
    return json.dumps(_fill(_shape(body, texts), asked), ensure_ascii=False)


def _text(content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def _shape(body: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    """Key -> the values it may have (None for free text), or the shape of an object inside."""
    asked = body.get("response_format")
    if asked:
        return _shape_of_schema(asked["json_schema"]["schema"])
    form = _FORM.search(texts[0])
    return _shape_of_form(json.loads(form[1])) if form else {"reply": None}


def _shape_of_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: _shape_of_property(part) for name, part in schema["properties"].items()}


def _shape_of_property(part: dict[str, Any]) -> Any:
    if part.get("type") == "object":
        return _shape_of_schema(part)
    if part.get("type") == "boolean":
        return [True]
    return part.get("enum", [part["const"]] if "const" in part else None)


def _shape_of_form(form: dict[str, Any]) -> dict[str, Any]:
    return {name: _shape_of_form(part) if isinstance(part, dict) else None for name, part in form.items()}


def _fill(shape: dict[str, Any], asked: Asked) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for name, part in shape.items():
        if isinstance(part, dict):
            filled[name] = _fill(part, Asked(asked.data.get(name, {}), asked.salt + name, asked.least))
        else:
            filled[name] = _value(name, part, asked)
    return filled


def _value(name: str, choices: list[Any] | None, asked: Asked) -> Any:
    gold = str(asked.data.get("answer", "")).rstrip(".")
    if name.startswith("wrong"):
        return wrong_answer(gold, int(name[-1]) if name[-1].isdigit() else 1, asked.salt)
    if name == "full_answer":
        return explanation(gold, asked.least)
    if name == "description":
        return description(str(asked.data.get("expression", gold)).rstrip("."), asked.least)
    if name == "answer" and isinstance(asked.data.get("options"), dict):
        return likely_letter(asked.data["options"])
    if name == "supports":
        return "yes"
    return choices[0] if choices else f"reply {asked.salt[:8]}"


def wrong_answer(gold: str, number: int, salt: str) -> str:
    """Of the gold answer's kind: other digits, another month, else made-up words. `number`: 1 to 3."""
    if any(char.isdigit() for char in gold):
        return _other_digits(gold, number)
    for series in _SERIES:
        if gold.lower() in series:
            return series[(series.index(gold.lower()) + 1 + number) % len(series)]
    seed = int(salt[8 * number : 8 * number + 8], 16)
    words = max(1, min(4, len(gold.split())))
    return " ".join(made_up_word(seed + 7 * place, number) for place in range(words))


def _other_digits(gold: str, number: int) -> str:
    """Each digit moved by 2, 4 or 6, none to zero; so no two of the wrong answers are alike."""
    return "".join(str((int(char) - 1 + 2 * number) % 9 + 1) if char in "0123456789" else char for char in gold)


def made_up_word(seed: int, number: int) -> str:
    """`number` picks the middle, so that words of different numbers differ."""
    return _HEADS[seed % len(_HEADS)] + "aeiou"[number % 5] + _TAILS[seed // len(_HEADS) % len(_TAILS)]


def is_made_up(text: str) -> bool:
    words = text.lower().rstrip(".").split()
    return any(word[:3] in _HEADS and word[4:] in _TAILS for word in words)


def explanation(gold: str, least: int) -> str:
    verdict = gold.lower() in ("yes", "no")
    start = (
        f"{gold.capitalize()}, the details around the main subject bear this out"
        if verdict
        else (f"The details around the main subject fit {gold} best")
    )
    text = f"{start}, and nothing nearby points towards anything else."
    if least > 20:
        text += (
            " Colour, outline and position agree with one another, as a careful look from left to right confirms."
            " Further off, smaller things keep in the background and change nothing about that conclusion."
        )
    return text


def description(subject: str, least: int) -> str:
    text = f"Standing out from its surroundings: {subject}, with clear edges and even light."
    if least > 20:
        text += (
            " Around it lie a few smaller things of less weight, partly in shadow."
            " Its colour and outline make it easy to tell from whatever stands behind or beside it in this scene."
        )
    return text


def likely_letter(options: dict[str, str]) -> str:
    """The first option that was not made up here."""
    return next((letter for letter, text in options.items() if not is_made_up(text)), next(iter(options)))
