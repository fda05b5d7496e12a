"""What is counted of a file's turns, turn by turn, in memory that does not grow with the texts."""

from __future__ import annotations

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import xxhash

from asd.audit.forms import Form, contradicts, form_of_answer, read_prompt
from asd.audit.turns import Turn
from asd.rewrite.language import is_other_language, latin_language_of
from asd.word_count import count_words

MAX_PROMPTS = 2000
"""Different response-format prompts that are told apart; what comes later counts as one more."""
OTHER_PROMPTS = "(further wordings)"
MAX_EXAMPLES = 3
SILENT = "none named"
_MAX_WORDS = 4096
_SCRIPTS = (
    ("Latin", re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")),
    ("Chinese", re.compile(r"[\u3400-\u9fff]")),
    ("Japanese", re.compile(r"[\u3040-\u30ff]")),
    ("Korean", re.compile(r"[\uac00-\ud7af]")),
    ("Cyrillic", re.compile(r"[\u0400-\u04ff]")),
    ("Arabic", re.compile(r"[\u0600-\u06ff]")),
    ("Devanagari", re.compile(r"[\u0900-\u097f]")),
    ("Greek", re.compile(r"[\u0370-\u03ff]")),
    ("Thai", re.compile(r"[\u0e00-\u0e7f]")),
    ("Hebrew", re.compile(r"[\u0590-\u05ff]")),
)
_SCRIPT_CHARS = 400
"""Characters of an answer's beginning, and of a prompt's end, by which language and script are told."""
UNTOLD = "too short to tell"
_LANGUAGES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese", "nl": "Dutch",
}  # fmt: skip
_OF_NO_LANGUAGE = (Form.CODE, Form.JSON, Form.BOUNDING_BOX, Form.MULTIPLE_CHOICE)


@dataclass(frozen=True, slots=True)
class Example:
    where: str
    prompt: str
    answer: str


@dataclass
class Tally:
    """Counts over turns. `add` takes one turn; everything else reads."""

    turns: int = 0
    records: int = 0
    with_images: int = 0
    forms: Counter[Form] = field(default_factory=Counter)
    asked: Counter[Form | None] = field(default_factory=Counter)
    silent: Counter[Form] = field(default_factory=Counter)
    """Forms of the answers whose prompts name none."""
    contradictions: Counter[tuple[Form, Form]] = field(default_factory=Counter)
    """(asked for, given) of the answers that do not do what their prompt asks."""
    examples: dict[tuple[Form, Form], list[Example]] = field(default_factory=lambda: defaultdict(list))
    prompts: dict[str, Counter[Form]] = field(default_factory=dict)
    """Response-format prompt -> forms of the answers it gets."""
    writings: dict[Form, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Form -> ways in which such answers are written ("Yes", "yes", "B", "B. text")."""
    words: dict[Form, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    scripts: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    """Of the answers; for other letters than Latin ones their script stands for it."""
    in_other_language: int = 0
    """Answers in another language, or other letters, than their prompt."""
    foreign: list[Example] = field(default_factory=list)
    mixed: dict[str, float] = field(default_factory=dict)
    """Share of each form where files are mixed by weights; empty: as many rows as there are."""
    _asked_hashes: array[int] = field(default_factory=lambda: array("Q"))
    _turn_hashes: array[int] = field(default_factory=lambda: array("Q"))

    def add(self, turn: Turn) -> None:
        asked, options, rfp = read_prompt(turn.prompt)
        # An option's text is a choice, but where the prompt asks for a word or phrase it is just that.
        shown = () if asked is Form.SHORT_ANSWER else options
        form = form_of_answer(turn.answer, shown, is_call=turn.is_call)
        self.turns += 1
        self.records += turn.is_first
        self.with_images += bool(turn.images)
        self.forms[form] += 1
        self.asked[asked] += 1
        if asked is None:
            self.silent[form] += 1
        elif contradicts(asked, form):
            self.contradictions[asked, form] += 1
            kept = self.examples[asked, form]
            if len(kept) < MAX_EXAMPLES:
                kept.append(Example(turn.where, turn.prompt, turn.answer))
        if rfp:
            if rfp not in self.prompts and len(self.prompts) >= MAX_PROMPTS:
                rfp = OTHER_PROMPTS
            self.prompts.setdefault(rfp, Counter())[form] += 1
        if way := way_of_writing(form, turn.answer):
            self.writings[form][way] += 1
        self.words[form][min(count_words(turn.answer), _MAX_WORDS)] += 1
        self._add_language(turn, form)
        asked_of = "\0".join((turn.before, turn.prompt, *turn.images))
        self._asked_hashes.append(_hash(asked_of))
        self._turn_hashes.append(_hash(f"{asked_of}\0{turn.answer}"))

    def _add_language(self, turn: Turn, form: Form) -> None:
        script = script_of(turn.answer)
        self.scripts[script] += 1
        self.languages[language_of(turn.answer, script)] += 1
        if form in _OF_NO_LANGUAGE or not is_other_language(turn.answer[:_SCRIPT_CHARS], turn.prompt[-_SCRIPT_CHARS:]):
            return
        self.in_other_language += 1
        if len(self.foreign) < MAX_EXAMPLES:
            self.foreign.append(Example(turn.where, turn.prompt, turn.answer))

    def merge(self, other: Tally) -> None:
        """Add what another tally counted."""
        self.turns += other.turns
        self.records += other.records
        self.with_images += other.with_images
        for name in ("forms", "asked", "silent", "contradictions", "scripts", "languages"):
            getattr(self, name).update(getattr(other, name))
        self.in_other_language += other.in_other_language
        self.foreign = (self.foreign + other.foreign)[:MAX_EXAMPLES]
        for pair, examples in other.examples.items():
            self.examples[pair] = (self.examples[pair] + examples)[:MAX_EXAMPLES]
        for prompt, forms in other.prompts.items():
            kept = prompt if prompt in self.prompts or len(self.prompts) < MAX_PROMPTS else OTHER_PROMPTS
            self.prompts.setdefault(kept, Counter()).update(forms)
        for form, ways in other.writings.items():
            self.writings[form].update(ways)
        for form, words in other.words.items():
            self.words[form].update(words)
        self._asked_hashes.extend(other._asked_hashes)
        self._turn_hashes.extend(other._turn_hashes)

    def repeated(self) -> tuple[int, int]:
        """(turns that repeat an earlier one word for word, turns that ask what an earlier one asks, answered otherwise)."""
        if not self.turns:
            return 0, 0
        whole = np.unique(np.frombuffer(self._turn_hashes, np.uint64)).size
        asked = np.unique(np.frombuffer(self._asked_hashes, np.uint64)).size
        return self.turns - whole, whole - asked

    def share(self, form: Form) -> float:
        if self.mixed:
            return self.mixed[form.value]
        return self.forms[form] / self.turns if self.turns else 0.0

    def largest(self) -> tuple[Form, float]:
        """The most frequent form and its share; of equal ones the first of the table."""
        form = max(Form, key=self.share)
        return form, self.share(form)

    def word_quantiles(self, form: Form) -> tuple[int, int, int]:
        """Words of such answers: the 5th, 50th and 95th percentile."""
        counts = sorted(self.words[form].items())
        total, seen, quantiles = sum(self.words[form].values()), 0, []
        marks = [0.05 * total, 0.5 * total, 0.95 * total]
        for value, count in counts:
            seen += count
            while marks and seen >= marks[0]:
                quantiles.append(value)
                marks.pop(0)
        return (quantiles[0], quantiles[1], quantiles[2]) if len(quantiles) == 3 else (0, 0, 0)


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def script_of(text: str) -> str:
    """The script that most letters of a text's beginning are of; "none" where it has no letter."""
    head = text[:_SCRIPT_CHARS]
    if head.isascii():
        return "Latin" if any(map(str.isalpha, head)) else "none"
    counts = {name: len(pattern.findall(head)) for name, pattern in _SCRIPTS}
    if counts["Japanese"]:
        counts["Japanese"] += counts["Chinese"]
    name = max(counts, key=lambda script: counts[script])
    return name if counts[name] else "none"


def language_of(text: str, script: str) -> str:
    """A language of Latin letters by its function words, or the script; UNTOLD where there are too few of them."""
    if script != "Latin":
        return script
    return _LANGUAGES.get(latin_language_of(text[:_SCRIPT_CHARS]), UNTOLD)


def way_of_writing(form: Form, answer: str) -> str:
    """How an answer of this form is written, where one form has several spellings that a scorer tells apart; else ""."""
    text = answer.strip()
    if form is Form.YES_NO:
        case = "Yes/No" if text[:1].isupper() else "yes/no"
        if text.isupper() and len(text) > 1:
            case = "YES/NO"
        return case + (" with a full stop" if text.endswith((".", "。")) else "")
    if form is Form.MULTIPLE_CHOICE:
        return _choice_writing(text)
    if form is Form.SHORT_ANSWER:
        return "with a full stop" if text.endswith((".", "。")) else "without a full stop"
    if form is Form.BOUNDING_BOX:
        numbers = re.findall(r"-?\d+(?:\.\d+)?", text)
        unit = "fractions" if any("." in number for number in numbers) else "whole numbers"
        return f"{unit} in {text[:1] if text[:1] in '[(<{' else 'no brackets'}"
    return ""


def _choice_writing(text: str) -> str:
    if re.fullmatch(r"[A-Z]", text):
        return "A"
    if re.fullmatch(r"[a-z]", text):
        return "a"
    if match := re.fullmatch(r"(\(?)[A-Za-z]([.:)]?)", text):
        return f"{match[1]}A{match[2]}"
    if match := re.match(r"(\(?)[A-Za-z]([.:)]+)\s+\S", text):
        return f"{match[1]}A{match[2]} text"
    return "text of the option"


def merge_weighted(tallies: Iterable[tuple[Tally, float]]) -> dict[str, float]:
    """Share of each form in a mix of files. Each weight is a file's share of the mix, whatever its size; they are
    normalised to 1."""
    pairs = [(tally, weight) for tally, weight in tallies if tally.turns]
    total = sum(weight for _, weight in pairs)
    return (
        {form.value: sum(tally.share(form) * weight for tally, weight in pairs) / total for form in Form}
        if total
        else {}
    )
