"""Wrong answers mined from the task's own answers, so that text alone does not tell which answer is the gold
one.

How it works. Every row of the index falls into exactly one bucket: the most specific (question key, answer
kind) that holds enough different answers; rows that find none pass on to the next coarser key, so that a
bucket's golds are the golds of exactly those questions that draw from it. For a draw of `count` answers a
bucket is cut into m = count + 1 strata of (nearly) equal mass, each answer whole in one stratum. The gold
answer stands for its own stratum; one answer is drawn from each of the others, by frequency. Then

    P(gold = a_i, set = {a_1, ..., a_m}) = M_i * product over j of P(a_j | stratum j),    M_i = mass of
    stratum i

so, given the options, every one of them is the gold answer with probability M_i = 1/m, whatever its length,
case or frequency. An answer heavier than 1/m is a stratum of its own and therefore an option of every
question of its bucket: then guessing it is exactly as good as the prior allows and no better. Several cuts
per bucket exist and the sample's key picks one, so that no two answers are kept apart for good. Skipping a
candidate that conflicts with an accepted answer is the only step that is not exactly symmetric.

No I/O but `save` and `load`; no state but caches; every choice is keyed by (seed, sample id).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from math import log
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import orjson

from asd.errors import ShardError
from asd.lazy_regex import regex
from asd.makers.answer_buckets import LAST_RESORT, MIN_ROWS, Leveled, into_buckets
from asd.makers.answer_draw import AnswerDraw, BoxDraw, Bucket, Drawing, FixedAnswers
from asd.makers.answer_kinds import (
    ASKING,
    BOX,
    EMPTY,
    TEXT,
    YES_NO,
    answer_kind,
    is_plural,
    parse_question,
)
from asd.makers.answer_spelling import like
from asd.makers.answer_types import is_vague
from asd.makers.asked_noun import about, is_kind_of, is_no_answer, kind_asked_for, kinds_asked_for
from asd.makers.box_distractors import BoxPool
from asd.makers.english.alternatives import offers_alternatives, stated_alternatives
from asd.makers.exclusive_answers import RightAnswers
from asd.makers.mining_rows import Row, smallest_rows
from asd.makers.normalise import answer_form, conflicts, distinct_forms
from asd.makers.open_questions import is_open
from asd.makers.option_references import refers_to_options
from asd.makers.unfit_questions import finds_none
from asd.records import Sample
from asd.schemas.styles import SPELLINGS
from asd.schemas.task import TaskSpec
from asd.sources.marked_options import names_listed_option

FORMAT = 3
NUM_ASKED = 8
"""Question keys per question; each is a level with the fine answer kind, then one with the coarse kind."""
NUM_LEVELS = 2 * NUM_ASKED
_APART = (YES_NO, BOX, EMPTY)
"""Kinds that no bucket holds: they need none, or have their own."""
_QUESTIONS_KEPT = 1 << 16
"""As many as exchange answers with each other (`asd.work.exchanging`), which goes through all of them level by level."""


def _asked_keys(question: str, telling: dict[str, float]) -> tuple[str, ...]:
    """NUM_ASKED keys from the full question to any question; the numbers in front keep the levels apart.

    telling: how much '<head>|<word>' says about the answer; the two most telling words of a question make its
    keys.
    """
    asked = parse_question(question)
    words = sorted([word for word in asked.content if word in telling], key=telling.__getitem__, reverse=True)[:2]
    first = words[0] if words else asked.head
    second = words[1] if len(words) > 1 else first
    return (
        f"0 {asked.full}",
        f"1 {first}|{second}",
        f"2 {first}",
        f"3 {second}",
        f"4 {first.rpartition('|')[2] if words else asked.head + '|'}",
        f"5 {asked.head}",
        f"6 {asked.asking}",
        "7",
    )


_GENERIC_HEADS = regex(
    r"5 (?:how .*|(?:what|which|why)?(?: (?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|"
    r"would|should|other|kind|kinds|type|types|sort|thing|things|the|this|these|that|those|a|an|it|else|if|in|on|of|to|you))?)$"
)
_OPEN_ASKING = ("5 who", "5 where", "5 when", "6 who", "6 where", "6 when")


def _is_telling_level(asked: str, kind: str) -> bool:
    """Whether answers of no known type are plausible beside each other where their questions share this key.

    The less telling of two words ("what is|man"), a word without its head ("man"), or a head that asks for
    anything
    ("what is") does not do.
    """
    if asked[0] == "0":
        return True
    if asked[0] in "12":  # without a telling word these are but the head
        return asked.count("|") > 1 if asked[0] == "1" else "|" in asked
    if asked.startswith(_OPEN_ASKING):
        return kind[0] != "~"  # a name, a phrase with a preposition: of one form at least
    return asked[0] == "5" and asked[2:].split(" ")[0] in ASKING and _GENERIC_HEADS.match(asked) is None


_HEAD = 5
"""Place of the question's head ("what shape") among its keys; those behind it are for any question."""


_OWN_ANSWERS = regex(
    r"5 (?:(?:what|which) (?:shape|colou?r|size|height|game)s?|how (?:tall|long|large|big|high|wide|deep))"
)


def _has_own_answers(keys: Sequence[str], coarse: str) -> bool:
    """Whether a question's head wants answers that other questions have in another sense: the "square" of a town is no
    shape, an "orange" of a fruit bowl no colour. Numbers are alike whatever is asked."""
    return not coarse.startswith(("integer", "decimal", "quantity")) and _OWN_ANSWERS.fullmatch(keys[_HEAD]) is not None


def _is_text(coarse: str) -> bool:
    """Whether answers of a kind stand beside each other only where their questions are alike."""
    return coarse in (TEXT, "code")


def _names_of_sets(answer_sets: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {answer.strip().casefold(): name for name, answers in answer_sets.items() for answer in answers}


def _overlaps(lists: Sequence[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Answer -> all others that share a list with it."""
    beside: dict[str, dict[str, None]] = defaultdict(dict)
    for answers in lists:
        for answer in answers:
            beside[answer.strip().casefold()].update(dict.fromkeys(other for other in answers if other != answer))
    return {answer: tuple(others) for answer, others in beside.items()}


def _kinds_with(set_of: Mapping[str, str]) -> KindsOf:
    """`kinds_asked_for`, but that the answers of a closed set are a kind of their own."""

    def kinds_of(question: str, gold: str) -> tuple[str, str]:
        name = set_of.get(gold.strip().casefold())
        return kinds_asked_for(question, gold) if name is None else (f"set {name}", f"set {name}")

    return kinds_of


KindsOf = Callable[[str, str], tuple[str, str]]


def _asked_of_text(question: str, asked: str, kind: str) -> str:
    """The question key of a level; "" where texts of no known type are not plausible beside each other at this level. They
    stand beside those of other questions only where these are about the like, and beside those of the fine kind alone:
    texts of unlike length or form give each other away."""
    if asked[0] == "0":
        return asked
    if not _is_telling_level(asked, kind):
        return ""
    topic = about(question)
    return f"{asked}, {topic}" if topic or asked[0] != "2" else ""


def _asked_of(question: str, keys: Sequence[str], kinds: tuple[str, str]) -> Sequence[str]:
    """The question keys under which an answer stands beside others. keys: of the question; kinds: of the answer."""
    return [_asked_of_text(question, asked, kinds[0]) for asked in keys] if _is_text(kinds[1]) else keys


def _beside(kinds: tuple[str, str]) -> tuple[str, str]:
    """The kinds by which an answer stands beside others, fine and coarse; "" for a text's coarse one."""
    return kinds[0], "" if _is_text(kinds[1]) else f"~{kinds[1]}"


def _telling_words(tally: Mapping[tuple[str, str], int]) -> dict[str, float]:
    """Information (nats) that a word of the question gives about the answer beyond the question's head.

    D = sum over a of p(a | head, word) ln(p(a | head, word) / p(a | head)) - (k - 1) / 2n, the last term
    being the bias of an estimate from n rows with k different answers. Words on fewer than MIN_ROWS rows are
    left out.
    """
    of_head: dict[str, dict[str, int]] = defaultdict(dict)
    of_word: dict[str, dict[str, int]] = defaultdict(dict)
    for (question, gold), count in tally.items():
        asked, answer = parse_question(question), answer_form(gold).compact
        for counts in (of_head[asked.head], *[of_word[word] for word in asked.content]):
            counts[answer] = counts.get(answer, 0) + count
    telling = {}
    frequent = {word: rows for word, counts in of_word.items() if (rows := sum(counts.values())) >= MIN_ROWS}
    for word, rows in sorted(frequent.items()):
        counts, whole = of_word[word], of_head[word.partition("|")[0]]
        scale = sum(whole.values()) / rows
        nats = sum(n * log(n * scale / whole[answer]) for answer, n in sorted(counts.items())) / rows
        telling[word] = round(nats - (len(counts) - 1) / (2 * rows), 4)
    return telling


class AnswerRules(NamedTuple):
    """What a task says of its answers, beside the rows themselves."""

    sets: Mapping[str, Sequence[str]] = MappingProxyType({})
    """Closed sets of answers by name; answers of a set stand beside no others."""
    overlapping: Sequence[Sequence[str]] = ()
    """Lists of answers of which several may be right at once."""
    is_closed: bool = False
    """Whether all answers exclude each other (the classes of a classification), so that no question is open."""

    @classmethod
    def of(cls, spec: TaskSpec) -> AnswerRules:
        return cls(spec.answer_sets, spec.overlapping_answers, spec.family == "classification")


NO_RULES = AnswerRules()


class DistractorIndex:
    """Buckets of a task's own answers, from which the wrong answers of its samples are drawn."""

    def __init__(
        self,
        buckets: dict[str, dict[str, int]],
        telling: dict[str, float],
        boxes: BoxPool,
        seed: int,
        rules: AnswerRules = NO_RULES,
    ) -> None:
        """buckets: key -> answer -> rows; taken over, in the order given. Use `build` or `load`."""
        self.seed = seed
        self.boxes = boxes
        self._telling = telling
        self._keys = lru_cache(maxsize=_QUESTIONS_KEPT)(partial(_asked_keys, telling=telling))
        self._counts = buckets
        self._rules = rules
        self._set_of = _names_of_sets(rules.sets)
        self._beside = _overlaps(rules.overlapping)
        self._kinds = _kinds_with(self._set_of)
        self._named = lru_cache(maxsize=None)(self._kinds_of)
        self._buckets = {key: Bucket(f"{seed}:{key}", counts) for key, counts in buckets.items()}
        self._asked = {key.partition("\t")[0] for key in buckets}

    def __len__(self) -> int:
        return len(self._counts)

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Bucket key -> (rows, different answers), for reports."""
        return {key: (sum(counts.values()), len(counts)) for key, counts in self._counts.items()}

    @classmethod
    def build(cls, rows: Iterable[Row], seed: int, rules: AnswerRules = NO_RULES) -> DistractorIndex:
        """Rows in any order; of more than MAX_ROWS those with the smallest keys count. Golds that are boxes
        make the pool `boxes`.
        """
        kept, set_of = smallest_rows(rows), _names_of_sets(rules.sets)
        tally: dict[tuple[str, str], int] = {}
        kinds: list[tuple[str, str]] = []
        kinds_of = _kinds_with(set_of)
        for pair, count in Counter([row[1:3] for row in kept]).items():
            if is_minable(*pair, is_closed=rules.is_closed) or pair[1].strip().casefold() in set_of:
                tally[pair] = count
                kinds.append(kinds_of(*pair))  # here, while what is known of the question is at hand
        telling = _telling_words(tally)
        keys_of = lru_cache(maxsize=_QUESTIONS_KEPT)(partial(_asked_keys, telling=telling))
        leveled = [
            Leveled(_asked_of(question, keys_of(question), both), *_beside(both), gold, count)
            for ((question, gold), count), both in zip(tally.items(), kinds, strict=True)
        ]
        return cls(into_buckets(leveled), telling, BoxPool.build(kept), seed, rules)

    def is_minable(self, question: str, gold: str) -> bool:
        """Whether the answer may stand beside others: `is_minable`, or one of a closed set."""
        return self.is_of_set(gold) or is_minable(question, gold, is_closed=self._rules.is_closed)

    def is_of_set(self, gold: str) -> bool:
        """Whether the task names a closed set of answers with this one, so that the others of it are wrong."""
        return gold.strip().casefold() in self._set_of

    def is_exclusive(self, question: str, gold: str) -> bool:
        """Whether other answers of the task are wrong where this one is right: not of open questions, unless all are."""
        return self._rules.is_closed or self.is_of_set(gold) or not is_open(question, gold)

    def overlapping(self, gold: str) -> tuple[str, ...]:
        """Answers that the task calls right beside this one."""
        return self._beside.get(gold.strip().casefold(), ())

    def rows_by_answer(self) -> Counter[str]:
        """Rows of the index by compact answer; those that are never mined are left out."""
        rows: Counter[str] = Counter()
        for key, counts in self._counts.items():
            if key.startswith(f"{LAST_RESORT}\t") and not key.startswith(
                f"{LAST_RESORT}\t~"
            ):  # texts have no coarse kind
                for answer, count in counts.items():
                    rows[answer_form(answer).compact] += count
        return rows

    def draw(self, sample: Sample, count: int, seed: int) -> list[str]:
        """Up to `count` wrong answers of the gold answer's kind: none conflicts with an accepted answer or
        another one.

        Fewer where the task's answers do not give so many that are plausible. A box gets boxes (see
        `box_distractors`). Alternatives that the question states are no matter of this index
        (`wrong_answers`).
        """
        return self.drawing(sample, seed).answers(sample.source_id, count) if count > 0 else []

    def drawing(self, sample: Sample, seed: int) -> Drawing:
        """All of `draw` in which the sample's id and the number of answers have no part."""
        gold, kinds = sample.gold, answer_kind(sample.gold)
        if kinds[0] == EMPTY:
            return FixedAnswers()
        if kinds[0] == BOX:
            return BoxDraw(sample, self.boxes, seed)
        form = answer_form(gold)
        if kinds[0] == YES_NO:
            return _opposite(gold, sample.accepted)
        others = (*sample.accepted, *self.overlapping(gold))
        taken, right = tuple(distinct_forms(gold, others)), RightAnswers(sample.question, gold, others)
        return AnswerDraw(form.compact, taken, right, self.buckets, (sample.question, gold), seed)

    def levels(self, question: str, gold: str) -> list[str]:
        """Names of the NUM_LEVELS groups of like questions and answers that a row is in, from specific to general; ""
        where answers of so general a group are not plausible beside each other."""
        keys, kinds = self._keys(question), self._kinds(question, gold)
        both = _beside(kinds)
        levels = [
            f"{asked}\t{kind}" if asked and kind else "" for asked in _asked_of(question, keys, kinds) for kind in both
        ]
        if _has_own_answers(keys, kinds[1]):
            levels[2 * (_HEAD + 1) :] = [""] * (NUM_LEVELS - 2 * (_HEAD + 1))
        return levels

    def buckets(self, question: str, gold: str) -> Iterator[Bucket]:
        """The bucket that the sample's own row is in, then those to fall back on, more and more general."""
        kinds, keys, known = self._kinds(question, gold), self._keys(question), self._buckets
        fine, coarse = _beside(kinds)
        if _has_own_answers(keys, kinds[1]):
            keys = keys[: _HEAD + 1]
        elif coarse:
            keys = (*keys, LAST_RESORT)
        is_text = not coarse
        for key in keys:
            asked = _asked_of_text(question, key, fine) if is_text else key
            if asked not in self._asked:
                continue
            if (bucket := known.get(f"{asked}\t{fine}")) is not None:
                yield bucket
            if coarse and (bucket := known.get(f"{asked}\t{coarse}")) is not None:
                yield bucket
        if noun := kind_asked_for(question, gold):
            number = " plural" if is_plural(gold) else ""
            yield self._named(noun, f"{answer_kind(gold)[1]}{number}")

    def _kinds_of(self, noun: str, coarse: str) -> Bucket:
        """Answers of a known type to any question that are kinds of a noun: what fruit there is among the food."""
        bucket = None if coarse.startswith(TEXT) else self._buckets.get(f"{LAST_RESORT}\t~{coarse}")
        counts = bucket.counts if bucket else {}
        return Bucket(
            f"{self.seed}:{noun}", {answer: rows for answer, rows in counts.items() if is_kind_of(answer, noun)}
        )

    def save(self, path: Path) -> None:
        """One .npz of plain arrays, no pickles; the same index gives the same bytes."""
        content = {
            "format": FORMAT,
            "seed": self.seed,
            "telling": self._telling,
            "buckets": self._counts,
            "boxes": self.boxes.to_plain(),
            "rules": [
                {name: [*answers] for name, answers in self._rules.sets.items()},
                [[*answers] for answers in self._rules.overlapping],
                self._rules.is_closed,
            ],
        }
        blob = np.frombuffer(orjson.dumps(content), dtype=np.uint8)
        with path.open("wb") as file:
            np.savez_compressed(file, index=blob)

    @classmethod
    def load(cls, path: Path) -> DistractorIndex:
        """Raises: ShardError where the file is missing, damaged, or of another format."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                content = orjson.loads(arrays["index"].tobytes())
            if content["format"] != FORMAT:
                raise ShardError(
                    f"{path}: distractor index has format {content['format']}, this build reads {FORMAT}; "
                    "delete it and run the conversion again, or upgrade."
                )
            boxes = BoxPool.from_plain(content["boxes"])
            return cls(content["buckets"], content["telling"], boxes, content["seed"], AnswerRules(*content["rules"]))
        except (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError, BadZipFile) as error:
            raise ShardError(
                f"{path}: not a readable distractor index ({error}); expected the .npz that "
                "DistractorIndex.save wrote. Delete it and run the conversion again."
            ) from error


def is_minable(question: str, gold: str, *, is_closed: bool = False) -> bool:
    """Whether a row's answer may stand beside others: rows that draw no answers from the index give none. is_closed: all
    answers of the task exclude each other."""
    return not (
        answer_kind(gold)[0] in _APART
        or is_vague(gold)
        or is_no_answer(question, gold)
        or finds_none(question, gold)
        or refers_to_options(gold)
        or names_listed_option(question, gold)
        or offers_alternatives(question)
        or stated_alternatives(question, gold)
        or (not is_closed and is_open(question, gold))
    )


def _opposite(gold: str, accepted: Sequence[str]) -> Drawing:
    """'no' for 'yes' and the other way round, written as the gold answer is ('Yes' -> 'No'); of "yeah" and "nO" none."""
    if not any(gold.strip(" .") in pair for pair in SPELLINGS[:3]):
        return FixedAnswers()
    other = "no" if answer_form(gold).compact == "yes" else "yes"
    return FixedAnswers() if conflicts(other, [gold, *accepted]) else FixedAnswers(like(other, gold))
