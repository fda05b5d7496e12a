"""How a task words what it asks for: its templates, its response-format prompts, and its spelling of yes and no."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from asd.lazy_regex import regex
from asd.schemas.styles import SPELLINGS, AnswerStyle
from asd.schemas.task import TaskSpec
from asd.templating import CompiledTemplate

VERDICTS = SPELLINGS[0]
"""How they are spelt where the source has no words for them."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A task's templates and response-format prompts, looked up once."""

    spec: TaskSpec
    seed: int
    templates: Mapping[AnswerStyle, CompiledTemplate]
    rfps: Mapping[str, tuple[str, ...]]
    verdicts: tuple[str, str] = VERDICTS
    """How yes and no are spelt, in prompts as in responses."""

    def spelling(self, verdicts: tuple[str, str]) -> Wording:
        """The same with yes and no spelt as given."""
        spelt = {
            key: with_verdicts(texts, verdicts) if key.startswith(AnswerStyle.YES_NO.value) else texts
            for key, texts in self.rfps.items()
        }
        return Wording(self.spec, self.seed, self.templates, spelt, verdicts)


_VERDICT = regex(
    r"\b(?:(Yes|yes)|(?<=[Yy]es/)[Nn]o|(?<=[Yy]es or )[Nn]o|(?<=[Yy]es and )[Nn]o"
    r"|[Nn]o(?=[^\w\s]|\s+\(|\s*$|\s+(?:or|and|only|if|is|means|as|when|for|otherwise)\b))\b"
)
"""Yes, and No where it is an answer: beside a yes, or where no noun follows that it denies ("no explanation")."""

_SENTENCE_END = regex(r"(?<=[.!?])(?=\s)")
_NAMES_VERDICT = regex(r"\b[Yy]es\b|[\"'`“‘][Nn]o[\"'`”’]")
"""In a sentence with none of these, a no is no answer ("There is no, repeat, no need")."""


def with_verdicts(texts: Iterable[str], verdicts: tuple[str, str]) -> tuple[str, ...]:
    """Response-format prompts that name yes and no as they are spelt in the answers."""
    return tuple("".join(_spelt(sentence, verdicts) for sentence in _SENTENCE_END.split(text)) for text in texts)


def _spelt(sentence: str, verdicts: tuple[str, str]) -> str:
    if not _NAMES_VERDICT.search(sentence):
        return sentence
    return _VERDICT.sub(lambda match: verdicts[0 if match[1] else 1], sentence)
