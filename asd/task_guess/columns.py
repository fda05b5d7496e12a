"""Which field is the question, which the answer, and so on: by its name first, then by what its values look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from asd.errors import UsageError
from asd.task_guess.look import Field, Look, is_image, is_image_name
from asd.task_guess.styles import has_options

_NAMES = {
    "question": "question questions query ask asked questiontext prompt instruction text command expression phrase "
    "normalcaption sentence statement problem utterance claim caption input q",
    "gold": "gold answer answers label reply response output target groundtruth gt gtanswer correctanswer correct right "
    "solution bbox box 2dbox boundingbox truth a",
    "options": "options choices opts candidates answerchoices multiplechoices",
    "answer_index": "answerindex correctchoiceidx correctindex correctidx answeridx goldindex labelindex",
    "images": "images image imagepath imagefile imgpath imagename imgname img filename file photo picture pic t2cimg "
    "imageurl url imagelink",
    "source_id": "id uid questionid qid pid sampleid rowid key index idx",
    "split": "split set subset partition",
    "context": "context hint passage paragraph",
    "rationales": "rationale rationales explanation explanations reason reasons why",
    "full_answer": "fullanswer answersentence",
    "solution": "solution steps working derivation",
}  # fmt: skip
"""Native column -> names of fields, letters and digits alone, the likeliest first."""
_SHOWN = 25
_FEWEST_LETTERS = 5
_SIDE_BY_SIDE = tuple(
    tuple(f"{prefix}{mark}" for mark in marks)
    for prefix in ("", "option", "choice", "opt", "answer")
    for marks in ("abcdefgh", "12345678")
    if prefix or marks == "abcdefgh"
)
"""Names of fields that hold an option each."""
_CAPTIONS = "captions caption description".split()
_SPLITS = {"train", "training", "val", "valid", "validation", "dev", "test", "testdev", "trainval", "minival"}


@dataclass
class Guess:
    """What is taken for what."""

    paths: dict[str, str] = field(default_factory=dict)
    """Native column -> YAML value of it in the layout."""
    why: dict[str, str] = field(default_factory=dict)
    """Native column -> the evidence."""
    fields: dict[str, Field] = field(default_factory=dict)
    constant_question: str = ""
    """Asked of every sample where the records have none (captions, classes)."""
    is_caption: bool = False

    def take(self, column: str, source: Field, why: str) -> None:
        self.paths[column], self.why[column], self.fields[column] = source.path_in_layout(), why, source


def guess_columns(look: Look, chosen: dict[str, str]) -> Guess:
    """chosen: native column -> field that the user named. Raises: UsageError if there is no question or no answer."""
    guess = Guess()
    for column, path in chosen.items():
        guess.take(column, look.named(path), "as you said")
    for column, fits in _FITS.items():
        if column in guess.paths:
            continue
        best = _best(column, look.fields, set(_taken(guess)), fits)
        if best is not None:
            guess.take(column, best, _evidence(column, best))
    if "options" not in guess.paths:
        _options_side_by_side(look, guess)
    _settle_index(guess)
    _require_options_of_letters(look, guess)
    _settle_answers(guess)
    if not _has_answer(guess) and "question" in guess.fields and guess.fields["question"].name in _CAPTIONS:
        del guess.paths["question"], guess.why["question"], guess.fields["question"]  # it is what is said of a picture
    if "question" not in guess.paths:
        _without_question(look, guess)
    if "images" not in guess.paths:
        _images_by_content(look, guess)
    if "question" not in guess.paths and not guess.constant_question:
        raise UsageError(_nothing_looks_like("question", look))
    if not _has_answer(guess):
        raise UsageError(_nothing_looks_like("gold", look))
    return guess


def _has_answer(guess: Guess) -> bool:
    return bool({"gold", "accepted", "annotators", "answer_index"} & guess.paths.keys())


def _best(column: str, fields: Sequence[Field], taken: set[str], fits: Callable[[Field], bool]) -> Field | None:
    names = _NAMES[column].split()
    fitting = [
        candidate
        for candidate in fields
        if candidate.name in names and candidate.path not in taken and candidate.values and fits(candidate)
    ]
    if fitting:
        rank = _how_unlike_a_question if column == "question" else lambda candidate: 0
        return min(fitting, key=lambda candidate: (rank(candidate), names.index(candidate.name)))
    if column != "source_id":
        return None
    return next(
        (
            candidate
            for candidate in fields
            if candidate.name.endswith("id") and candidate.path not in taken and fits(candidate)
        ),
        None,
    )


def _how_unlike_a_question(candidate: Field) -> int:
    """0 where many ask, 1 for sentences, 2 for words."""
    if candidate.share(_asks) > 0.3:
        return 0
    return 1 if candidate.share(lambda value: len(str(value).split()) >= 4) > 0.5 else 2


def _asks(value: Any) -> bool:
    return str(value).rstrip().endswith(("?", "？"))


def _taken(guess: Guess) -> list[str]:
    return [taken.path for taken in guess.fields.values()]


def is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_text_list(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(text, str) for text in value)


def is_four_numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(_is_number(number) for number in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_answer(value: Any) -> bool:
    return is_text(value) or isinstance(value, int | float | bool) or is_text_list(value) or is_four_numbers(value) or (
        _is_annotation(value)
    )  # fmt: skip


def _is_annotation(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(answer, dict) and "answer" in answer for answer in value)
    )


def _is_key(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_unique(candidate: Field) -> bool:
    return (
        candidate.share(_is_key) == 1.0
        and len(set(candidate.values)) == len(candidate.values)
        and candidate.is_always_there
    )


_FITS: dict[str, Callable[[Field], bool]] = {
    "options": lambda candidate: candidate.share(lambda value: is_text_list(value) and len(value) > 1) > 0.9,
    "images": lambda candidate: candidate.share(is_image) > 0.9,
    "answer_index": lambda candidate: candidate.share(_is_key) > 0.9,
    "source_id": _is_unique,
    "split": lambda candidate: candidate.share(lambda value: str(value).lower() in _SPLITS) == 1.0,
    "question": lambda candidate: candidate.share(is_text) > 0.9 and len(set(map(str, candidate.values))) > 1,
    "gold": lambda candidate: candidate.share(_is_answer) > 0.9,
    "context": lambda candidate: candidate.share(is_text) > 0.9,
    "rationales": lambda candidate: candidate.share(lambda value: is_text(value) or is_text_list(value)) > 0.9,
    "full_answer": lambda candidate: candidate.share(is_text) > 0.9,
    "solution": lambda candidate: candidate.share(is_text) > 0.9,
}
"""In the order in which fields are given away."""


def _evidence(column: str, candidate: Field) -> str:
    shown = next(iter(candidate.values))
    some = f"e.g. {_brief(shown)}"
    if column == "question":
        asking = candidate.share(_asks)
        return f"{some}; {asking:.0%} end with a question mark"
    if column == "source_id":
        return f"different in all {len(candidate.values):,} rows; {some}"
    return some


def _brief(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _options_side_by_side(look: Look, guess: Guess) -> None:
    """Options in a field each: A, B, C, D; option_a, option_b; choice1, choice2, ..."""
    for names in _SIDE_BY_SIDE:
        by_name = {
            candidate.name: candidate
            for candidate in look.fields
            if candidate.share(lambda value: isinstance(value, str | int | float)) > 0.5
        }
        side_by_side = [by_name[name] for name in names if name in by_name and by_name[name].path not in _taken(guess)]
        if len(side_by_side) < 2 or [option.name for option in side_by_side] != list(names[: len(side_by_side)]):
            continue
        paths = [option.path for option in side_by_side]
        values = tuple([str(row[path]) for path in paths if row.get(path) not in (None, "")] for row in look.rows)
        guess.fields["options"] = Field(paths[0], values, True)
        guess.paths["options"] = f"[{', '.join(option.path_in_layout() for option in side_by_side)}]"
        guess.why["options"] = f"one option each; e.g. {_brief(values[0])}"
        return


def _require_options_of_letters(look: Look, guess: Guess) -> None:
    """Raises: UsageError where answers are letters, and what they stand for was not found."""
    gold = guess.fields.get("gold")
    if gold is None or "options" in guess.paths or len(gold.values) < _FEWEST_LETTERS:
        return
    letters = {str(value).strip().strip("().").upper() for value in gold.values}
    questions = guess.fields.get("question")
    in_prompts = questions is not None and questions.share(lambda value: has_options(str(value))) > 0.5
    if letters <= set("ABCDEFGH") and len(letters) > 1 and not in_prompts:
        raise UsageError(
            f"{look.path}: the answers ({gold.path}) are letters ({', '.join(sorted(letters))}), and no field was found that "
            "holds the options they stand for. Name it with --options FIELD (a list of texts); options in other fields, or "
            "in another file, are described in a task file (asd/sources/LAYOUTS.md)."
        )


def _settle_index(guess: Guess) -> None:
    """An answer that is a number or a letter beside options says which option it is."""
    options, gold = guess.fields.get("options"), guess.fields.get("gold")
    if options is None or gold is None or "answer_index" in guess.paths:
        return
    longest = max(map(len, options.values))
    letters = {chr(ord("A") + number) for number in range(longest)}
    texts = {text for listed in options.values for text in listed}
    if gold.share(lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value < longest) == 1.0:
        what = f"numbers from 0 to {max(gold.values)}, the option's place from 0"
    elif gold.share(lambda value: str(value).strip().upper() in letters and value not in texts) > 0.95:
        what = "letters of the options"
    else:
        return
    del guess.paths["gold"], guess.why["gold"], guess.fields["gold"]
    guess.take("answer_index", gold, what)


def _settle_answers(guess: Guess) -> None:
    """Lists of answers: annotators vote, or the first is the answer and all are accepted."""
    gold = guess.fields.get("gold")
    if gold is None:
        return
    if gold.share(_is_annotation) > 0.9:
        del guess.paths["gold"], guess.why["gold"]
        guess.paths["annotators"] = gold.path
        guess.why["annotators"] = (
            f"{len(gold.values[0])} annotators' answers in the first row; the most frequent one is gold"
        )
    elif gold.share(is_text_list) > 0.0 and not gold.share(is_four_numbers):
        del guess.paths["gold"], guess.why["gold"]
        guess.paths["accepted"] = gold.path_in_layout()
        guess.why["accepted"] = f"lists of right answers, the first is gold; e.g. {_brief(gold.values[0])}"


def _without_question(look: Look, guess: Guess) -> None:
    caption = next(
        (candidate for name in _CAPTIONS for candidate in look.fields if candidate.name == name and candidate.values),
        None,
    )
    if (
        caption is not None
        and "gold" not in guess.paths
        and caption.share(lambda v: is_text(v) or is_text_list(v)) > 0.9
    ):
        guess.constant_question, guess.is_caption = "What does the picture show?", True
        column = "accepted" if caption.share(is_text_list) else "gold"
        guess.fields["gold"] = caption
        guess.paths[column] = caption.path_in_layout()
        guess.why[column] = f"captions; e.g. {_brief(caption.values[0])}"
        return
    asking = [candidate for candidate in look.fields if candidate.path not in _taken(guess) and candidate.share(is_text) > 0.9
              and candidate.share(_asks) > 0.3]  # fmt: skip
    if asking:
        guess.take("question", asking[0], _evidence("question", asking[0]))
    elif "gold" in guess.paths and any(candidate.share(is_image) > 0.9 for candidate in look.fields):
        guess.constant_question = "What does the picture show?"


def _images_by_content(look: Look, guess: Guess) -> None:
    pictured = [
        candidate
        for candidate in look.fields
        if candidate.path not in _taken(guess) and candidate.share(is_image) > 0.9
    ]
    if len(pictured) == 1:
        guess.take("images", pictured[0], _evidence("images", pictured[0]))
    elif pictured:
        guess.paths["images"] = f"[{', '.join(candidate.path_in_layout() for candidate in pictured)}]"
        guess.why["images"] = f"one image each; e.g. {_brief(pictured[0].values[0])}"
        guess.fields["images"] = pictured[0]


def image_ids(look: Look) -> Field | None:
    """A field that names pictures without a file's ending, from which a layout must make their paths."""
    return next(
        (candidate for candidate in look.fields
         if candidate.name in ("imageid", "imgid", "image") and candidate.values and candidate.share(is_image_name) < 0.1), None
    )  # fmt: skip


def _nothing_looks_like(column: str, look: Look) -> str:
    what, option = {"question": ("question", "--question"), "gold": ("answer", "--answer")}[column]
    shown = [
        f"{candidate.path}: {_brief(candidate.values[0]) if candidate.values else 'always empty'}"
        for candidate in look.fields
    ]
    fields = "\n  ".join([*shown[:_SHOWN], *([f"and {len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else [])])
    return (
        f"{look.path}: no field looks like the {what}. Name it with {option} FIELD, if it is here:\n  {fields}\n"
        "If questions and answers are in two files, describe them in a task file with `joins` (asd/sources/LAYOUTS.md)."
    )
