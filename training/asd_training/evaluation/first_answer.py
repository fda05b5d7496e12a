"""Where a model's answer ends: before it starts to talk to itself, or to say the same again.

A model whose end token was never learnt goes on after its answer: it writes the next turn of the conversation
("Suit. User: What is ..."), a special token that was decoded as text, or the answer over and over. What stands before
is its answer. Nothing here asks whether it is right, or in which style.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ASKS = r"user|human|question|query|instruction|input|prompt|customer|client|student|problem|task|[Qq]|用户|问题|问"
_ANSWERS = r"a|assistant|answer|ans|response|output|bot|chatbot|gpt|gpt-?\d\w*|ai|agent|model|助手|回答|答案|答"
_ADDS = r"system|picture|image|context|options?|choices|hint|explanation|rationale|reasoning|reason|note|because|lecture|solution"
_TOKEN = (
    r"</?s>|<(?:unk|pad|bos|eos|image|img|eoa|eoh|eom|sep|cls)>|<\|[^|<>\s]{1,40}\|>|<｜[^｜<>]{1,40}｜>"
    r"|<(?:start|end)_of_(?:turn|image|utterance)>|\[/?INST\]|<</?SYS>>|\[(?:SEP|CLS|PAD|EOS)\]"
    r"|</?[a-z][a-z0-9_]{0,14}>|<\[\w+\]>"
)
_BARE_ROLE = r"(?:user|human|assistant|system|model)"
"""A chat template's role, alone in its line: what is left of a turn whose special tokens were dropped."""
_MARKS = r"[*_#>\s]*"
_TURN = re.compile(
    rf"(?:{_TOKEN})"
    r"|\#\#\#"
    rf"|(?<![\w'-])(?i:{_ASKS}|{_ANSWERS}|{_ADDS})(?:\s?\d{{1,2}})?\**\s?[:：]"
    r"|(?<=[a-z.!?)\]\d])(?:USER|User|HUMAN|Human|ASSISTANT|Assistant|QUESTION|Question|SYSTEM|System|Q)\s?[:：]"
    rf"|\n\s*{_BARE_ROLE}\s*(?:\n|$)"
    r"|\b(?:USER|HUMAN|ASSISTANT)\b|\s(?:User|Human|Assistant|Question|Answer)\s*$"
    r"|(?<=[\w.!?)\]])(?:assistant|user)\s*\n"
    r"|(?<![\w'-])(?i:answer|respond to|reply to) (?:the|this|each|above|following)(?: above| following)? questions?\b"
)
_LEADS = re.compile(
    rf"\s*(?:<think>.*?</think>|(?:{_TOKEN})(?:{_BARE_ROLE}\s*\n)?|{_MARKS}(?i:{_ANSWERS})\**\s?[:：]\**|{_BARE_ROLE}\s*\n)",
    re.DOTALL,
)
"""What may stand before an answer: its own turn's mark, or thoughts that are closed."""
_SENTENCE_END = re.compile(
    r"(?:(?<=[^\W\d_]{3})|(?<=[)\]\"'’*]))[.!?]+[\"'”’*)]*(?:\s+(?=[^\W_]|[\"'(<*\[])|(?<=[.!?])(?=[A-Z][a-z ]))"
    r"|(?<=\w)\s+(?=(?:What|Which|Who|Where|When|Why|How|Is|Are|Does|Do|Did|Can|Was|Were)\s[^?]{3,200}\?)"
)
"""Three letters before it, as "St." and "U.S." end no sentence; or a question that follows without any mark."""
_LIST = re.compile(r"\s*1[.)]\s.*?\b2[.)](?:\s|$)", re.DOTALL)
_GLUED_LOOP = re.compile(r"(\S.{1,38}?\S)\1{2,}", re.DOTALL)
_TIMES_BARE = 3
"""Times that words follow each other before it is a loop: "bora bora" is a name, "dog dog dog" is none."""
_CLOSES = re.compile(r"[.,;!?\n|/]\s*$")


def own_turn(text: str, *, letters: bool = False) -> str:
    """What stands before the first mark of another turn, without marks before the answer and said once.

    letters: answers are letters, so that "A:" marks an option and no turn. Empty where a turn of somebody else comes first.
    """
    rest = text
    while (lead := _LEADS.match(rest)) and not (letters and _is_option_mark(lead[0])):
        rest = rest[lead.end() :]
    for mark in _TURN.finditer(rest):
        if not (letters and _is_option_mark(mark[0])):
            rest = rest[: mark.start()]
            break
    return said_once(rest.strip(" \t\n*_#>-"))


def said_once(text: str) -> str:
    """One round of a text that is nothing but a loop; any other text as it is. The last round may be cut off."""
    if (glued := _GLUED_LOOP.match(text)) and glued[1].startswith(text[glued.end() :].strip()):
        return glued[1].strip()
    words = text.split()
    said = [word.strip(".,;:!?|/\"'").casefold() for word in words]
    for length in range(1, len(words) // 2 + 1):
        is_loop = all(word == said[place % length] for place, word in enumerate(said[:-1]))
        if not is_loop or not said[(len(said) - 1) % length].startswith(said[-1]):
            continue
        once = " ".join(words[:length])
        if len(words) >= _TIMES_BARE * length or _CLOSES.search(_through(text, length)):
            return once.rstrip(",;|/ ")
    return text


def beginnings(text: str) -> Iterator[str]:
    """Where an answer could have ended early: its first line, then that line's first sentence.

    Only an answer that is complete in its task's style ended there, which the caller has to say. A numbered list has no
    beginning of that kind.
    """
    if _LIST.match(text):
        return
    line = next((line for line in text.splitlines() if line.strip()), "").strip()
    if line != text.strip():
        yield line
    end = _SENTENCE_END.search(line)
    if end:
        yield line[: end.end()].strip()


def _through(text: str, count: int) -> str:
    """The text up to the end of the space after its first `count` words."""
    place = 0
    for _ in range(count):
        match = re.compile(r"\s*\S+\s*").match(text, place)
        place = match.end() if match else len(text)
    return text[:place]


def _is_option_mark(mark: str) -> bool:
    return mark.strip(" *_#>:：\n").upper() == "A"
