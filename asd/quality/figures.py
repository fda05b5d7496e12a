"""The quality figures of a data set: one pass over its rows, plain numbers out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from asd.makers.option_references import refers_to_options
from asd.quality.chi_square import pooled_letter_p
from asd.quality.exposure import Exposure
from asd.quality.keyed_sample import KeyedSample
from asd.quality.oddities import find_conflict, letter_index, says_yes
from asd.quality.probe import PriorRow, ProbeResult, ProbeRow, probe
from asd.quality.recovery import is_gold_recoverable, is_question_preserved
from asd.quality.wrong_answers import WrongAnswers
from asd.schemas.styles import MODEL_MAKERS
from asd.shards.marks import BAD, count_marks, read_marks
from asd.shards.reader import read_batches
from asd.shards.store import Store

MAX_PROBE_ROWS = 20_000
MAX_PRIOR_ROWS = 200_000

_MADE = ("mined", "rule")
"""Makers whose wrong answers are judged by what other rows tell."""
_READ = ["id", "question", "options", "candidate", "prompt", "response", "style", "maker", "gold", "accepted"]


def quality_figures(batches: Iterable[pa.RecordBatch]) -> dict[str, Any]:
    """All quality figures of the rows in `batches` (columns of `asd.columns.SHARD_SCHEMA`).

    A figure that is not defined for these rows is None, never 0. "Converted" means `maker != "native"`.

    - samples, converted: numbers of rows. by_style, by_maker: rows per value.
    - gold_recoverable: converted rows from whose response the gold answer can be read / converted rows
      (`asd.quality.recovery` says how per style).
    - question_preserved: converted rows whose prompt holds the question word for word / converted rows.
    - option_conflicts: number of converted rows with an option other than the gold one, or a candidate
      answered "No", that could itself pass as an accepted answer. For mined and made answers that is
      decided by meaning (`asd.makers.normalise.conflicts`, which errs on the side of yes), for `field`,
      where the source itself calls the option wrong ("cat" beside "wild cat"), by notation
      (`asd.makers.normalise.is_one_of`). option_conflicts_by_maker: the same per maker. option_conflicts_by_meaning: by
      meaning for all makers.
    - letter_chi2_p: chi-square p of "the gold answer is equally likely at every letter" over converted
      multiple-choice rows, X2 and degrees of freedom added up over numbers of options. Rows made of the
      source's own options of which one refers to others ("none of these") are left out: they stay in the
      source's order, so no letter was dealt. Groups with fewer than 5 rows expected per letter are left out.
      Small p = letters are not balanced.
    - yes_share: "Yes" / converted yes_no rows; yes_share_candidates: the same over rows that propose a
      candidate, where the polarity was dealt and not given by the source.
    - longest_is_gold: mean over converted multiple-choice rows of 1/t if the gold option is one of the t
      longest (characters), else 0; longest_is_gold_chance: mean of 1 / number of options.
      yes_share_n, longest_is_gold_n: rows counted.
    - probe_S for S = multiple_choice, yes_no: accuracy of a text-only classifier (`asd.quality.probe`) on
      converted rows not made by a rewriter, mean of two swaps of a split by image; yes_no rows that propose
      no candidate are left out. At most 20,000 rows, those of smallest keyed hash. probe_S_prior: accuracy of
      the most probable answer to like questions, from the training half's rows of all makers (at most
      200,000); for yes_no: yes where the candidate's prior reaches the threshold that was best in training.
      probe_S_chance: mean 1 / number of options, or the larger of the yes and no shares. probe_S_n: rows
      tested. probe_S_ci: 95 % interval [low, high].
    - seen_elsewhere_S and those beside it: whether other rows tell the answer of mined rows; see
      `asd.quality.exposure.Exposure.figures`.
    - same_meaning, other_kind, covisible_wrong, verdict_questions and those beside them: see
      `asd.quality.wrong_answers.WrongAnswers.figures`.
    """
    tally = _Tally()
    for batch in batches:
        if batch.num_rows:
            tally.add(batch)
    return tally.figures()


def figures_of_version(root: Path, version: str | None) -> dict[str, Any]:
    """`quality_figures` of a version, and what its readers marked, where they did.

    - marks: rows by mark, "good" and "bad". marked_bad: bad rows by the reason given ("" for none).
    """
    store = Store(root)
    resolved = store.resolve(version)
    marks = read_marks(store, resolved)
    figures = quality_figures(read_batches(root, resolved))
    if marks:
        reasons = Counter(mark.why for mark in marks.values() if mark.value == BAD)
        figures |= {"marks": count_marks(marks), "marked_bad": dict(sorted(reasons.items()))}
    return figures


class _Tally:
    """Running counts. One instance is one data set."""

    def __init__(self) -> None:
        self.samples = self.converted = self.recovered = self.preserved = 0
        self.by_style: Counter[str] = Counter()
        self.by_maker: Counter[str] = Counter()
        self.conflicting: Counter[str] = Counter()  # by maker
        self.conflicting_by_meaning = 0
        self.letters: dict[int, list[int]] = {}
        self.yes: Counter[tuple[bool, bool]] = Counter()  # (proposes a candidate, is Yes)
        self.num_choice, self.longest, self.longest_chance = 0, 0.0, 0.0
        self.probed = {style: KeyedSample[ProbeRow](MAX_PROBE_ROWS, "probe") for style in ("multiple_choice", "yes_no")}
        self.prior_rows = KeyedSample[tuple[str, str, str]](MAX_PRIOR_ROWS, "probe-prior")
        self.exposure = Exposure()
        self.wrong_answers = WrongAnswers()

    def add(self, batch: pa.RecordBatch) -> None:
        self.samples += batch.num_rows
        self.by_style.update(batch.column("style").to_pylist())
        self.by_maker.update(batch.column("maker").to_pylist())
        keys = _image_keys(batch)
        self._add_prior_rows(batch, keys)
        is_converted = pc.not_equal(batch.column("maker"), "native")
        self.exposure.add_native(batch.column("gold").filter(pc.invert(is_converted)).drop_null().to_pylist())
        self.exposure.add_right(batch.column("gold").filter(_states_gold(batch)).drop_null().to_pylist())
        self._add_questions(batch, keys, is_converted)
        converted = batch.select(_READ).filter(is_converted).to_pylist()
        for row, key in zip(converted, pc.filter(keys, is_converted).to_pylist(), strict=True):
            self._add_converted(row, key)

    def _add_prior_rows(self, batch: pa.RecordBatch, keys: pa.Array) -> None:
        columns = (batch.column("question").to_pylist(), batch.column("gold").to_pylist(), keys.to_pylist())
        self.prior_rows.add(batch.column("id").to_pylist(), list(zip(*columns, strict=True)))

    def _add_questions(self, batch: pa.RecordBatch, keys: pa.Array, is_converted: pa.Array) -> None:
        styles = pc.if_else(is_converted, batch.column("style"), "native").to_pylist()
        ids, questions, candidates = (batch.column(name).to_pylist() for name in ("id", "question", "candidate"))
        self.wrong_answers.add_rows(ids, questions, styles, candidates)
        self.wrong_answers.add_answers(keys.to_pylist(), batch.column("gold").to_pylist())

    def _add_converted(self, row: dict[str, Any], key: str) -> None:
        style, response, gold = row["style"], row["response"], row["gold"]
        options, candidate, accepted = row["options"], row["candidate"], row["accepted"]
        self.converted += 1
        self.recovered += is_gold_recoverable(style, response, gold, options, candidate, accepted, row["question"])
        self.preserved += is_question_preserved(row["question"], row["prompt"])
        if style == "multiple_choice":
            self._add_choice(row, key)
        elif style == "yes_no":
            self._add_yes_no(row, key)

    def _add_choice(self, row: dict[str, Any], key: str) -> None:
        options = row["options"]
        gold = letter_index(row["response"], len(options))
        if gold is None:
            return  # counted as not recoverable
        wrong = [option for index, option in enumerate(options) if index != gold]
        self._add_conflicts(wrong, row)
        self.num_choice += 1
        self.longest += _longest_share(options, gold)
        self.longest_chance += 1.0 / len(options)
        if row["maker"] != "field" or not any(map(refers_to_options, options)):
            self.letters.setdefault(len(options), [0] * len(options))[gold] += 1
        if row["maker"] in _MADE:
            self.exposure.add_shown("multiple_choice", row["id"], options, gold)
        if row["maker"] != "field":
            self.wrong_answers.add_shown(row, key, options[gold], wrong)
        if row["maker"] not in MODEL_MAKERS:
            probed = ProbeRow(row["question"], tuple(options), gold, key)
            self.probed["multiple_choice"].add([row["id"]], [probed])

    def _add_yes_no(self, row: dict[str, Any], key: str) -> None:
        candidate = row["candidate"]
        is_yes = says_yes(row["response"])
        self.yes[candidate is not None, is_yes] += 1
        if candidate is None:
            return
        if not is_yes:
            self._add_conflicts([candidate], row)
            if row["maker"] != "field":
                self.wrong_answers.add_shown(row, key, None, [candidate])
        else:
            self._add_conflicts([], row)
        if row["maker"] in _MADE:
            self.exposure.add_shown("yes_no", row["id"], [candidate], int(is_yes))
        if row["maker"] not in MODEL_MAKERS:
            probed = ProbeRow(row["question"], (candidate,), int(is_yes), key)
            self.probed["yes_no"].add([row["id"]], [probed])

    def _add_conflicts(self, wrong: Sequence[str], row: dict[str, Any]) -> None:
        is_conflict, by_meaning = find_conflict(wrong, row)
        self.conflicting_by_meaning += by_meaning
        self.conflicting[row["maker"]] += is_conflict

    def figures(self) -> dict[str, Any]:
        dealt = {is_yes: self.yes[True, is_yes] for is_yes in (True, False)}
        every = {is_yes: dealt[is_yes] + self.yes[False, is_yes] for is_yes in (True, False)}
        return (
            {
                "samples": self.samples,
                "converted": self.converted,
                "by_style": dict(sorted(self.by_style.items())),
                "by_maker": dict(sorted(self.by_maker.items())),
                "gold_recoverable": _share(self.recovered, self.converted),
                "question_preserved": _share(self.preserved, self.converted),
                "option_conflicts": sum(self.conflicting.values()) if self.conflicting else None,
                "option_conflicts_by_maker": dict(sorted(self.conflicting.items())),
                "option_conflicts_by_meaning": self.conflicting_by_meaning if self.conflicting else None,
                "letter_chi2_p": pooled_letter_p(self.letters),
                "yes_share": _share(every[True], sum(every.values())),
                "yes_share_candidates": _share(dealt[True], sum(dealt.values())),
                "yes_share_n": sum(every.values()) or None,
                "longest_is_gold": _share(self.longest, self.num_choice),
                "longest_is_gold_chance": _share(self.longest_chance, self.num_choice),
                "longest_is_gold_n": self.num_choice or None,
            }
            | self._probe_figures()
            | self.exposure.figures()
            | self.wrong_answers.figures()
        )

    def _probe_figures(self) -> dict[str, Any]:
        figures: dict[str, Any] = {}
        prior_rows = [PriorRow(*columns) for columns in self.prior_rows.rows()]
        for style, sample in self.probed.items():
            rows = sample.rows()
            result = probe(rows, prior_rows, is_yes_no=style == "yes_no") if rows else None
            figures |= _named(f"probe_{style}", result)
        return figures


def _named(name: str, result: ProbeResult | None) -> dict[str, Any]:
    return {
        name: result.accuracy if result else None,
        f"{name}_prior": result.prior if result else None,
        f"{name}_chance": result.chance if result else None,
        f"{name}_n": result.num_rows if result else None,
        f"{name}_ci": list(result.interval) if result else None,
    }


def _states_gold(batch: pa.RecordBatch) -> pa.Array:
    """Whether each row says which answer is right: all but candidates answered No."""
    says_no = pc.is_in(pc.utf8_lower(batch.column("response")), pa.array(["no", "n", "否"]))
    return pc.invert(pc.and_(pc.is_valid(batch.column("candidate")), pc.fill_null(says_no, fill_value=False)))


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def _image_keys(batch: pa.RecordBatch) -> pa.Array:
    """What must not stand in both halves of a split: the first image's path, else the record."""
    images = batch.column("images")
    sizes = pc.fill_null(pc.list_value_length(images), 0)
    paths = images.flatten().field("path")
    first = pc.subtract(pc.cumulative_sum(sizes), sizes)
    first = pc.if_else(pc.greater(sizes, 0), first, pa.scalar(None, pa.int32()))
    return pc.coalesce(paths.take(first), batch.column("group"), batch.column("source_id"))


def _longest_share(options: Sequence[str], gold: int) -> float:
    lengths = [len(option.strip()) for option in options]
    longest = max(lengths)
    return 1.0 / lengths.count(longest) if lengths[gold] == longest else 0.0
