"""A probe's questions and answers: one JSON object a line, which any runner of a model can read and fill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from asd.errors import SourceError, UsageError
from asd.plain_files import require_regular
from asd.schemas.styles import AnswerStyle
from asd.shards.files import write_bytes


class ProbeItem(BaseModel):
    """A question in one style, and the answer that a model gave to it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    task: str = ""
    style: AnswerStyle
    question: str
    """As it stands in the source: no options, no instruction."""
    prompt: str
    """What the model is asked, with `<image>` for each picture."""
    images: tuple[str, ...] = ()
    """Paths, absolute or relative to the file's folder."""
    options: tuple[str, ...] = ()
    response: str
    """The right answer as this style writes it."""
    accepted: tuple[str, ...]
    """Right answers as texts, the first is the gold one; "yes" or "no" where the right answer is a verdict."""
    answer: str | None = None
    """The model's; None: not asked yet."""


def write_items(path: Path, items: Iterable[ProbeItem]) -> None:
    write_bytes(path, b"".join(orjson.dumps(item.model_dump(mode="json")) + b"\n" for item in items))


def read_items(path: Path) -> list[ProbeItem]:
    """Raises: UsageError if it is not there, SourceError with the line that is no probe item."""
    try:
        require_regular(path)
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    except OSError as exc:
        raise UsageError(
            f"{path} cannot be read ({exc.strerror or exc}). `asd probe questions` writes such a file."
        ) from exc
    items = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            items.append(ProbeItem.model_validate(orjson.loads(line)))
        except ValidationError as exc:
            first = exc.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise SourceError(
                f"{path}:{number}: {where}: {first['msg']}. `asd probe questions` writes such a file."
            ) from exc
        except ValueError as exc:
            raise SourceError(f"{path}:{number}: not a line of JSON ({exc}).") from exc
    if not items:
        raise SourceError(f"{path} holds no questions.")
    return items


def require_answers(path: Path, items: Sequence[ProbeItem]) -> None:
    """Raises: SourceError where no question has an answer."""
    if not any(item.answer is not None for item in items):
        raise SourceError(
            f"{path} has questions and no answers: let a model answer them with `asd probe ask {path} --out ANSWERS`, or write "
            "each answer under `answer`."
        )
