"""Which form a text answer has, and which form a prompt asks for: one table of forms, two readers.

A form is an answer style as text shows it. Six are the styles that samples are converted to or come in; the others are
what fine-tuning files hold besides. Text alone decides; nothing is asked of a model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from asd.schemas.answers import parse_letter
from asd.schemas.boxes import read_answer
from asd.sources.instructions import is_instruction, states_form
from asd.sources.prompt_text import make_rules, take_apart
from asd.word_count import count_words


class Form(StrEnum):
    YES_NO = "yes_no"
    MULTIPLE_CHOICE = "multiple_choice"
    SHORT_ANSWER = "short_answer"
    BRIEF_EXPLANATION = "brief_explanation"
    DETAILED_EXPLANATION = "detailed_explanation"
    BOUNDING_BOX = "bounding_box"
    FREE_FORM = "free_form"
    LIST = "list"
    JSON = "json"
    CODE = "code"
    REFUSAL = "refusal"


MEANING = {
    Form.YES_NO: "yes or no, alone",
    Form.MULTIPLE_CHOICE: "an option's letter, or its letter or number with its text",
    Form.SHORT_ANSWER: "a number, a word, a phrase",
    Form.BRIEF_EXPLANATION: "one or two sentences",
    Form.DETAILED_EXPLANATION: "a paragraph, or a worked solution",
    Form.BOUNDING_BOX: "coordinates",
    Form.FREE_FORM: "several paragraphs, a dialogue's greeting, long text",
    Form.LIST: "items, one a line or between commas",
    Form.JSON: "a JSON document or a tool call",
    Form.CODE: "program text",
    Form.REFUSAL: "declines to answer",
}

PHRASE_WORDS, LOWER_PHRASE_WORDS = 8, 12
"""A line of so many words without a sentence's end is a phrase, the more so where it begins in small letters."""
SENTENCE_WORDS = 4
BRIEF_WORDS, BRIEF_SENTENCES = 45, 2
DETAILED_WORDS, DETAILED_PARAGRAPHS = 300, 3

_YES_NO = re.compile(
    r"\W*(?:yes|no|yeah|nope|true|false|是|否|不是|是的|对|不对|はい|いいえ|예|아니요|아니오|ja|nein|oui|non|s[íi]|sì|да|нет|sim|não)\W*",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\W*(?:(?:i'?m|i am|we are|we're) (?:very |really |so |deeply )?(?:sorry|afraid)\b|(?:sorry|apologies"
    r"|unfortunately)\b[^.]{0,40}"
    r"\b(?:i|we|there|it|but)\b|i (?:can(?:no|')t|can not|am unable|am not able|do not have|don't have (?:the|access|enough))"
    r"|i'm (?:unable|not able)|as an? (?:ai|artificial|large language|language)\b"
    r"|(?:很|非常)?(?:抱歉|对不起|遗憾)[^。]{0,40}(?:无法|不能|没有|不便)|我(?:不好意思|无法|不能)"
    r"|申し訳|ごめんなさい|죄송)",
    re.IGNORECASE,
)
_CODE_LINE = re.compile(
    r"[ \t]*(?:def |class |import |from \w+ import |#include|public |private |function |const |let |var |SELECT |INSERT |"
    r"UPDATE |CREATE |<\?|<html|<!DOCTYPE|</?[a-z]+>|for ?\(|while ?\(|if ?\(.*\) ?\{|return\b|print ?\(|\$ |\}|//|#!)"
)
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_ITEM_LINE = re.compile(r"[ \t]*(?:[-*•–·]|\(?\d{1,3}[.):、]|\(?[a-zA-Z][.)])[ \t]*\S")
_HEADING = re.compile(r"(?m)^[ \t]*(?:#{1,6} (?![ \t]*[-$]?\d)|\*\*[^*\n]+\*\*:?[ \t]*$)")
_SENTENCE_END = re.compile(r"[.!?](?=[\s\"')\]]|\Z)|[。！？]")
_ABBREVIATION = re.compile(
    r"(?<![\w'’°])(?:mr|mrs|ms|dr|st|vs|etc|e\.g|i\.e|no|fig|jr|sr|inc|ltd|[a-z])\.\Z", re.IGNORECASE
)
_LETTER_MARK = re.compile(r"\s*\(?[A-Z](?:\)|[.:])\s+\S")
_HAS_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|be|been)\b", re.IGNORECASE)
_WORK = re.compile(r"=|<<|\\frac|\$")


def count_sentences(text: str) -> int:
    """Sentences of more than a word ("Hello!" is none); a text without an end is one."""
    ends = [0, *(match.end() for match in _ends(text))]
    said = [count_words(text[start:end]) for start, end in pairwise(ends)]
    return max(1, sum(words > 1 for words in said) + (count_words(text[ends[-1] :]) > 2))


def _ends(text: str) -> list[re.Match[str]]:
    """Sentences' ends. The full stop of an abbreviation is none, but where it ends a text of several words."""
    last = len(text) if count_words(text) > SENTENCE_WORDS else -1
    return [
        match
        for match in _SENTENCE_END.finditer(text)
        if match.end() == last or not _ABBREVIATION.search(text[max(0, match.end() - 8) : match.end()])
    ]


def form_of_answer(answer: str, options: Sequence[str] = (), *, is_call: bool = False) -> Form:
    """The form of an answer. options: those that its prompt shows, which make a letter or an option's text a choice."""
    text = answer.strip()
    if is_call or _is_json(text):
        return Form.JSON
    if _YES_NO.fullmatch(text):
        return Form.YES_NO
    if options and parse_letter(text, options) is not None and count_words(text) <= 60:
        return Form.MULTIPLE_CHOICE
    if not options and (
        re.fullmatch(r"\(?[A-Z][.):]?|\([a-z]\)", text) or (_LETTER_MARK.match(text) and _is_one(text))
    ):
        return Form.MULTIPLE_CHOICE
    if read_answer(text) is not None or _is_box_list(text):
        return Form.BOUNDING_BOX
    if _REFUSAL.match(text) and count_words(text) >= 3:
        return Form.REFUSAL
    return _form_of_text(text)


def _form_of_text(text: str) -> Form:
    lines = [line for line in text.split("\n") if line.strip()]
    if _is_code(text, lines):
        return Form.CODE
    words, items = count_words(text), sum(_ITEM_LINE.match(line) is not None for line in lines)
    if items >= 2 and items * 2 >= len(lines) and not _WORK.search(text):
        return Form.LIST
    if len(lines) == 1 and _is_comma_list(text):
        return Form.LIST
    if len(lines) <= 1 and _is_phrase(text, words):
        return Form.SHORT_ANSWER
    sentences = count_sentences(text)
    if len(lines) == 1 and sentences <= BRIEF_SENTENCES and words <= BRIEF_WORDS:
        return Form.BRIEF_EXPLANATION
    paragraphs = len([part for part in re.split(r"\n[ \t]*\n", text) if part.strip()])
    if words <= DETAILED_WORDS and paragraphs <= DETAILED_PARAGRAPHS and not _HEADING.search(text):
        return Form.DETAILED_EXPLANATION
    return Form.FREE_FORM


def _is_phrase(text: str, words: int) -> bool:
    if _ends(text):
        return words < 3
    return words <= (PHRASE_WORDS if text[:1].isupper() else LOWER_PHRASE_WORDS)


def _is_one(text: str) -> bool:
    """Whether a text is an option as it would be written: one line, not long."""
    return "\n" not in text and count_words(text) <= 40


def _is_json(text: str) -> bool:
    inner = text.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if inner[:1] == "{" or (inner[:1] == "[" and '"' in inner):
        try:
            value = json.loads(inner)
        except (ValueError, RecursionError):
            return False
        return isinstance(value, dict) or (isinstance(value, list) and bool(value))
    return False


def _is_box_list(text: str) -> bool:
    """Several boxes, or points, and nothing but them."""
    bare = re.sub(r"</?(?:box|ref|point|quad)>|\|", " ", text)
    rest = re.sub(r"[\[\](){}\s,;.\d-]", "", bare)
    return not rest and len(re.findall(r"\d+(?:\.\d+)?", bare)) >= 4 and ("[" in text or "(" in text) and "," in text


def _is_code(text: str, lines: Sequence[str]) -> bool:
    fenced = sum(len(part) for part in _FENCE.findall(text))
    if fenced * 5 > len(text) * 2:
        return True
    marked = sum(_CODE_LINE.match(line) is not None for line in lines)
    return marked * 2 > len(lines) and (len(lines) > 1 or bool(re.search(r"[(){};=<>]", text)))


def _is_comma_list(text: str) -> bool:
    parts = [part.strip() for part in re.split(r"[,;、，；]", text)]
    if (
        len(parts) < 3
        or text[:1] in "\"'“«「"
        or _ends(text)
        or _HAS_VERB.search(text)
        or re.search(r"\d,\d{3}\b", text)
    ):
        return False
    return all(part and count_words(part) <= 4 for part in parts)


# What prompts ask for. The first pattern that is found in what the prompt says of the answer's form decides.
_ASKS: tuple[tuple[Form, re.Pattern[str]], ...] = tuple(
    (form, re.compile(pattern, re.IGNORECASE))
    for form, pattern in (
        (Form.BOUNDING_BOX, r"bounding box|\bbbox|coordinates?|x1, ?y1|边界框|坐标"),
        (Form.JSON, r"\bjson\b"),
        (
            Form.MULTIPLE_CHOICE,
            r"\bletter\b|(?:option|choice)s?(?:'s)? (?:letter|directly|only)|(?:given|correct|right|best|following|listed"
            r"|provided|available) (?:options?|choices?)|(?:select|choose|pick) (?:one|the|from|an?|your)\b|选项|字母",
        ),
        (
            Form.YES_NO,
            r"\byes\b\W*(?:or|and|/)?\W*(?:just |only |plain )?[\"']?no\b|\by/n\b|true[\"' ]*(?:,|/"
            r"|or)+[\"' ]*false|是或否|是或不是|是还是否",
        ),
        (
            Form.DETAILED_EXPLANATION,
            r"in (?:great |full |more )?detail|detailed|(?:several|full) sentences|step[ -]by[ -]step"
            r"|thorough|at length|elaborate|comprehensive"
            r"|(?:show|explain) your (?:work|reasoning|steps)|reasoning|详细|逐步|一步一步",
        ),
        (
            Form.SHORT_ANSWER,
            r"(?:single|one|two|few|three|brief|short|a) (?:\w+ )?(?:words?|phrases?|terms?)\b"
            r"|no (?:full )?sentences?|words? or (?:a )?(?:short )?phrases?|word or name"
            r"|short (?:answer|phrase)|brief(?:ly)? (?:answer|phrase)|answer[^.]{0,20}\b(?:briefly|concisely"
            r"|shortly)|as few words"
            r"|(?:class|category) name|(?:only|just) (?:the|a) (?:\w+ )?(?:number|name|word|answer|value)|as a number|numeric"
            r"|label only|with (?:a|the) number|(?:用|只用|以)?一个(?:词|单词|短语|数字)(?:或短语)?(?:来)?回答"
            r"|单词或短语|简短(?:地)?回答|简答",
        ),
        (
            Form.BRIEF_EXPLANATION,
            r"(?:one|a|single|two|three|short|brief|full|complete)[ -](?:\w+ )?sentences?|short explanation"
            r"|brief(?:ly)?|concise|succinct|in short"
            r"|summar|caption|一句话|简要",
        ),
    )
)
_BRIEF_OVER_SHORT = re.compile(r"(?<!no )(?<!full )sentences?|explain|explanation|describe|description", re.IGNORECASE)
_TO_START = (
    r"(?:^|[.!?:\n][ \t]*)(?:please |kindly |now |then |can you |could you |would you |i want you to |help me )*"
)
_ASKS_FOR_LIST = re.compile(
    _TO_START
    + r"(?:list (?!comprehension)|enumerate |(?:give|name|provide|suggest|generate|write|identify|find|create|make|come up with)"
    r"(?: me| us)? (?:a list of |(?:two|three|four|five|six|seven|eight|ten|several|some|\d+) (?!\w+ \w*(?:essay|article))))"
    r"|" + _TO_START + r"(?:create|make|write|generate) (?:a|an|the)(?: \S+){0,4} list\b"
    r"|bullet points?|生成\S{0,30}列表|列出|列举|给出\S{0,2}(?:三|四|五|几|\d)",
    re.IGNORECASE,
)
_ASKS_FOR_CODE = re.compile(
    _TO_START
    + r"(?:write|create|construct|implement|generate|develop|code|complete|fix|edit|output|provide)\b[^.?!\n]{0,60}"
    r"\b(?:function|program|code|query|regex|html|css|sql|python|java(?:script)?)\b",
    re.IGNORECASE,
)
_ASKS_FOR_DETAIL = re.compile(
    r"\bin (?:great |full |more )?detail\b|\bdetailed\b|\bstep[ -]by[ -]step\b|\bthoroughly\b|\bcomprehensive\b|"
    + _TO_START
    + r"(?:write|compose|create) (?:a|an) (?:\w+ )?(?:essay|article|story|narrative|poem|report|blog post)\b",
    re.IGNORECASE,
)
_ASKS_FOR_JSON = re.compile(r"\b(?:as|in|into|valid|return|output) (?:a )?json\b", re.IGNORECASE)
_EDGE = 240
_RULES = make_rules()


@lru_cache(maxsize=1 << 14)
def read_prompt(prompt: str) -> tuple[Form | None, tuple[str, ...], str | None]:
    """(form asked for, options shown, response-format prompt) of a prompt; a form of None: the prompt names none.

    Options without a word on how to choose ask for a choice.
    """
    parts = take_apart(prompt, _RULES)
    said = parts.rfp or ""
    if not said and (is_instruction(parts.question) or states_form(parts.question)):
        said = parts.question[-_EDGE:]
    if not said:
        said = _last_said(prompt)
    asked = _asked(said) if said else None
    if asked is None and parts.options:
        asked = Form.MULTIPLE_CHOICE
    if asked is None:
        asked = _asked_by_request(prompt)
    return asked, parts.options, parts.rfp


def _last_said(prompt: str) -> str:
    """What stands behind the question, on a line of its own or behind its question mark: often an instruction."""
    text = prompt.strip()
    cut = max(text.rfind("\n"), text.rfind("? "), text.rfind("？"))
    last = text[cut + 1 :].strip()
    return last if cut > 0 and len(last) <= _EDGE and not last.endswith(("?", "？")) else ""


def _asked(said: str) -> Form | None:
    for form, pattern in _ASKS:
        if pattern.search(said):
            if form is Form.SHORT_ANSWER and _BRIEF_OVER_SHORT.search(said):
                return Form.BRIEF_EXPLANATION
            return form
    return None


def _asked_by_request(prompt: str) -> Form | None:
    """What a request itself asks for, beside any instruction: a list, code, JSON, detail."""
    edges = prompt if len(prompt) <= 2 * _EDGE else f"{prompt[:_EDGE]}\n{prompt[-_EDGE:]}"
    for form, pattern in (
        (Form.JSON, _ASKS_FOR_JSON),
        (Form.CODE, _ASKS_FOR_CODE),
        (Form.LIST, _ASKS_FOR_LIST),
        (Form.DETAILED_EXPLANATION, _ASKS_FOR_DETAIL),
    ):
        if pattern.search(edges):
            return form
    return None


FITS: dict[Form, frozenset[Form]] = {
    Form.YES_NO: frozenset({Form.YES_NO}),
    Form.MULTIPLE_CHOICE: frozenset({Form.MULTIPLE_CHOICE}),
    Form.SHORT_ANSWER: frozenset({Form.SHORT_ANSWER, Form.YES_NO, Form.LIST}),
    Form.BRIEF_EXPLANATION: frozenset({Form.BRIEF_EXPLANATION}),
    Form.DETAILED_EXPLANATION: frozenset(
        {Form.DETAILED_EXPLANATION, Form.FREE_FORM, Form.LIST, Form.BRIEF_EXPLANATION}
    ),
    Form.BOUNDING_BOX: frozenset({Form.BOUNDING_BOX}),
    Form.LIST: frozenset(
        {Form.LIST, Form.FREE_FORM, Form.DETAILED_EXPLANATION, Form.BRIEF_EXPLANATION, Form.SHORT_ANSWER}
    ),
    Form.JSON: frozenset({Form.JSON, Form.CODE}),
    Form.CODE: frozenset(
        {Form.CODE, Form.FREE_FORM, Form.DETAILED_EXPLANATION, Form.SHORT_ANSWER, Form.BRIEF_EXPLANATION}
    ),
}
"""Forms of answers that do what a prompt asks; a refusal is counted apart."""


def contradicts(asked: Form | None, given: Form) -> bool:
    """Whether an answer is of another form than its prompt asks for."""
    return asked is not None and given is not Form.REFUSAL and given not in FITS[asked]
