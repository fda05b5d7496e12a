"""Artefact probe: how often can a text-only classifier pick the answer of a converted row without its image?

A conversion must not give its answer away. The probe sees the options (or the proposed answer) and the
question, learns on one half of the images and is judged on the other, and the other way round. What it
reaches is read beside two marks: chance, and the prior, which is the best that guessing from the training
half's answers to like questions gives (chance, where those say nothing). Below or near the prior is fine; far above
it means that the conversion left traces.

How often an alternative is an answer anywhere in the data set is a feature too. There every alternative is counted
without one row: the gold one without its own row, a wrong one without the row that it was mined from. Otherwise an
answer that occurs once would be told apart by where it was counted, not by what it is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xxhash

from asd.quality.answer_prior import HALF, NUM_FOLDS, AnswerPrior, Floats, Ints, answer_key, signatures
from asd.quality.choice_model import Bools, Choices, fit, hit_rate, tied_hit_rate
from asd.quality.keyed_sample import keyed_hash
from asd.schemas.boxes import read_box

MIN_ROWS = 50
"""Nothing can be learnt from fewer rows; the figures are then undefined."""

_BUCKETS = 1 << 17
_DENSE = 24
"""The first weights belong to the dense features, the rest to hashed words."""
_RIDGE = 3e-3
_MAX_WORDS = 12
"""Words of a question, and of an alternative, that are looked at."""


@dataclass(slots=True, frozen=True)
class ProbeRow:
    """One converted row as the probe sees it.

    alternatives: the options; for yes_no the candidate alone. gold: index of the gold option; for yes_no 1 =
    yes. key: image or group; rows that share it stay in one half.
    """

    question: str
    alternatives: tuple[str, ...]
    gold: int
    key: str


@dataclass(slots=True, frozen=True)
class PriorRow:
    """One row of any maker, as the prior counts it."""

    question: str
    gold: str
    key: str


@dataclass(slots=True, frozen=True)
class ProbeResult:
    """accuracy, prior, chance: in [0, 1]. interval: 95 % Wilson interval of `accuracy` over `num_rows` test
    rows.
    """

    accuracy: float
    prior: float
    chance: float
    num_rows: int
    interval: tuple[float, float]


def probe(rows: Sequence[ProbeRow], prior_rows: Sequence[PriorRow], *, is_yes_no: bool) -> ProbeResult | None:
    """None where either half has too few rows to learn from."""
    folds = _folds([row.key for row in rows])
    is_first = folds < HALF
    if min(int(is_first.sum()), int((~is_first).sum())) * 2 < MIN_ROWS:
        return None
    prior = AnswerPrior(
        [row.question for row in prior_rows],
        [row.gold for row in prior_rows],
        _folds([row.key for row in prior_rows]),
    )
    table = _Alternatives(rows, folds, prior, _answer_counts(prior_rows))
    accuracies, priors = [], []
    for trained_on in (is_first, ~is_first):
        accuracies.append(_probe_half(table, trained_on, is_yes_no))
        priors.append(_prior_half(table, trained_on, is_yes_no))
    accuracy, chance = float(np.mean(accuracies)), _chance(table, is_yes_no)
    return ProbeResult(
        accuracy=accuracy,
        prior=max(float(np.mean(priors)), chance),
        chance=chance,
        num_rows=len(rows),
        interval=wilson_interval(accuracy, len(rows)),
    )


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """95 % interval of a share seen over n rows taken as independent."""
    z = 1.959963984540054
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - reach), min(1.0, centre + reach)


def _folds(keys: Sequence[str]) -> Ints:
    return np.array([keyed_hash(key, "probe-fold") % NUM_FOLDS for key in keys], dtype=np.int64)


class _Alternatives:
    """All alternatives of all rows as flat arrays: their features and their prior in either role."""

    def __init__(self, rows: Sequence[ProbeRow], folds: Ints, prior: AnswerPrior, answer_counts: Counter[str]) -> None:
        self.sizes = np.array([len(row.alternatives) for row in rows], dtype=np.int64)
        self.gold = np.array([row.gold for row in rows], dtype=np.int64)
        texts = [text for row in rows for text in row.alternatives]
        questions = [row.question for row in rows for _ in row.alternatives]
        is_right = [
            place == row.gold if len(row.alternatives) > 1 else row.gold == 1
            for row in rows
            for place in range(len(row.alternatives))
        ]
        spread = np.repeat(folds, self.sizes)
        self.prior = {role: prior.scores(questions, texts, spread, role) for role in ("train", "test")}
        others = [_rows_elsewhere(text, answer_counts, is_gold) for text, is_gold in zip(texts, is_right, strict=True)]
        self.frequency = np.log1p(np.array(others, dtype=np.float64))
        self.words, self.num_words = _word_features(rows)
        self.shape = _shape_features(rows)


def _rows_elsewhere(text: str, answer_counts: Counter[str], is_gold: bool) -> int:
    """Rows that an alternative is the answer of, without its own row or the one that it was mined from. A wrong box is
    mined from none: it is gold in as many rows as the gold one is beside its own (`asd.makers.box_distractors`)."""
    return max(answer_counts[answer_key(text)] - (is_gold or read_box(text) is None), 0)


def _answer_counts(rows: Sequence[PriorRow]) -> Counter[str]:
    """Images or records in which each answer is given; several questions of one image count once."""
    return Counter(answer for answer, _ in {(answer_key(row.gold), row.key) for row in rows})


def _word_features(rows: Sequence[ProbeRow]) -> tuple[Ints, Ints]:
    """Hashed features of each alternative: its words, its whole text, and question word x own word pairs."""
    codes: dict[str, int] = {}

    def code(word: str) -> int:
        number = codes.get(word)
        if number is None:
            number = codes[word] = xxhash.xxh32_intdigest(word.encode())
        return number

    features: list[int] = []
    sizes = []
    span = _BUCKETS - _DENSE
    for row in rows:
        _, _, opening, *_, whole = signatures(row.question)
        asked = [code(f"q:{word}") for word in dict.fromkeys(whole.split()[:_MAX_WORDS])]
        asked.append(code(f"start:{opening}"))
        for text in row.alternatives:
            own = [code(word) for word in dict.fromkeys(text.lower().split()[:_MAX_WORDS])]
            own.append(code(f"text:{text.lower()}"))
            pairs = [((q * 1000003) ^ word) % span + _DENSE for word in own for q in asked]
            features.extend(word % span + _DENSE for word in own)
            features.extend(pairs)
            sizes.append(len(own) + len(pairs))
    return np.array(features, dtype=np.int64), np.array(sizes, dtype=np.int64)


def _shape_features(rows: Sequence[ProbeRow]) -> Floats:
    """What an alternative looks like, alone and against the others of its row; shape (alternatives, 12)."""
    table = []
    for row in rows:
        texts = row.alternatives
        asked = set(row.question.lower().split())
        lengths = [len(text) for text in texts]
        mean, longest, shortest = sum(lengths) / len(texts), max(lengths), min(lengths)
        words = [set(text.lower().split()) for text in texts]
        shared = [sum(len(own & other) for other in words) - len(own) for own in words]
        most_shared = max(shared)
        for text, length, own, common in zip(texts, lengths, words, shared, strict=True):
            table.append(
                (
                    math.log1p(length),
                    (length - mean) / (mean + 1.0),
                    length == longest,
                    length == shortest,
                    len(own),
                    text[:1].isupper(),
                    text.isupper(),
                    text[:1].isdigit(),
                    not text.replace(" ", "").isalnum(),
                    text[-1:] in ".!?",
                    len(own & asked) / (len(own) + 1),
                    common == most_shared,
                )
            )
    return np.array(table, dtype=np.float64)


def _dense_features(table: _Alternatives, known: Bools) -> Floats:
    """Shape and frequency as an answer, scaled to unit spread over the alternatives in `known` (those trained
    on).
    """
    dense = np.column_stack([table.shape, table.frequency])
    mean, spread = dense[known].mean(axis=0), dense[known].std(axis=0)
    scaled: Floats = (dense - mean) / np.where(spread > 1e-9, spread, 1.0)
    return scaled


def _choices(table: _Alternatives, trained_on: Bools, is_yes_no: bool) -> Choices:
    dense = _dense_features(table, np.repeat(trained_on, table.sizes))
    dense = np.column_stack([dense, np.ones(len(dense))])  # the bias: how often the answer is yes
    num_dense = dense.shape[1]
    sizes = table.num_words + num_dense
    ends = np.cumsum(sizes)
    is_dense = np.arange(ends[-1]) - np.repeat(ends - sizes, sizes) < num_dense
    features, values = np.empty(ends[-1], dtype=np.int64), np.empty(ends[-1])
    features[is_dense], values[is_dense] = np.tile(np.arange(num_dense), len(dense)), dense.ravel()
    features[~is_dense] = table.words
    values[~is_dense] = np.repeat(1.0 / np.sqrt(table.num_words), table.num_words)
    choices = Choices(features, values, sizes, table.sizes, table.gold)
    return _with_no(choices) if is_yes_no else choices


def _with_no(yes: Choices) -> Choices:
    """Adds to each row, before its candidate, the alternative "no" with one feature of value 0."""
    starts = np.cumsum(yes.num_features) - yes.num_features
    return Choices(
        np.insert(yes.features, starts, 0),
        np.insert(yes.values, starts, 0.0),
        np.column_stack([np.ones_like(yes.num_features), yes.num_features]).ravel(),
        np.full_like(yes.num_alternatives, 2),
        yes.gold,
    )


def _probe_half(table: _Alternatives, trained_on: Bools, is_yes_no: bool) -> float:
    choices = _choices(table, trained_on, is_yes_no)
    return hit_rate(choices.take(~trained_on), fit(choices.take(trained_on), _BUCKETS, ridge=_RIDGE))


def _prior_half(table: _Alternatives, trained_on: Bools, is_yes_no: bool) -> float:
    """Accuracy on the other half of: the most probable option; yes where the candidate's prior passes a
    threshold.
    """
    exact = -1
    if is_yes_no:
        bar = _best_threshold(table.prior["train"][exact][trained_on], table.gold[trained_on])
        said = table.prior["test"][exact][~trained_on] >= bar
        return float(np.mean(said == table.gold[~trained_on].astype(bool)))
    tested = np.repeat(~trained_on, table.sizes)
    return tied_hit_rate(table.prior["test"][exact][tested], table.sizes[~trained_on], table.gold[~trained_on])


def _best_threshold(scores: Floats, is_yes: Ints) -> float:
    """The threshold at or above which "yes" is right most often; the lowest of equally good ones."""
    bars, inverse = np.unique(scores, return_inverse=True)
    yes = np.bincount(inverse.ravel(), weights=is_yes, minlength=bars.size)
    no = np.bincount(inverse.ravel(), weights=1 - is_yes, minlength=bars.size)
    right = np.append(np.cumsum(yes[::-1])[::-1], 0.0) + np.append(0.0, np.cumsum(no))
    return float(np.append(bars, np.inf)[int(np.argmax(right))])


def _chance(table: _Alternatives, is_yes_no: bool) -> float:
    if is_yes_no:
        yes = float(np.mean(table.gold))
        return max(yes, 1.0 - yes)
    return float(np.mean(1.0 / table.sizes))
