"""How large a row is in the unit of a mix: a row, its words, or its tokens."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from asd.errors import UsageError
from asd.plain_files import require_regular
from asd.word_count import count_words

Unit = Literal["rows", "words", "tokens"]
TOKENIZER_FILE = "tokenizer.json"
Sizes = Callable[[Sequence[Sequence[str]]], list[int]]
"""Texts of each row (prompt and response, or every message) -> how large the row is."""


def sizes_in(unit: Unit, tokenizer: Path | None) -> Sizes:
    """tokenizer: needed for tokens, not read otherwise. Raises: as `_read_tokenizer`."""
    if unit == "tokens":
        if tokenizer is None:
            raise UsageError(
                "`unit: tokens` needs the tokenizer that counts: `tokenizer: FOLDER`, a model's folder that holds "
                f"{TOKENIZER_FILE}, or that file itself."
            )
        file = tokenizer_file(tokenizer)
        return _tokens(_read_tokenizer(file), file)
    return _words if unit == "words" else _rows


def _rows(rows: Sequence[Sequence[str]]) -> list[int]:
    return [1] * len(rows)


def _words(rows: Sequence[Sequence[str]]) -> list[int]:
    return [sum(map(count_words, texts)) for texts in rows]


def _tokens(tokenizer: Any, file: Path) -> Sizes:
    def count(rows: Sequence[Sequence[str]]) -> list[int]:
        """Tokens of the texts alone: what a chat template adds depends on the trainer. Raises: UsageError."""
        texts = [text for row in rows for text in row]
        try:
            encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
        except Exception as exc:  # the package raises plain `Exception`
            raise UsageError(f"{file} cannot count tokens of these rows ({exc}). Give another tokenizer.") from exc
        lengths = iter(map(len, encodings))
        return [sum(next(lengths) for _ in row) for row in rows]

    return count


def tokenizer_file(path: Path) -> Path:
    """The file itself, or that of a model's folder. Raises: UsageError."""
    file = path / TOKENIZER_FILE if path.is_dir() else path
    try:
        require_regular(file)
    except OSError as exc:
        raise UsageError(
            f"tokenizer {path}: {file} cannot be read ({exc.strerror or exc}). Give a model's folder that holds "
            f"{TOKENIZER_FILE} (`save_pretrained` of a fast tokenizer writes it; `hf download NAME {TOKENIZER_FILE}` "
            "fetches it), or that file itself."
        ) from exc
    return file


def tokenizer_digest(path: Path) -> str:
    """SHA-256 of the file, which decides how large rows are. Raises: as `tokenizer_file`."""
    return hashlib.sha256(tokenizer_file(path).read_bytes()).hexdigest()


def _read_tokenizer(file: Path) -> Any:
    """The tokenizer, that cuts nothing off and pads nothing. Raises: UsageError."""
    try:
        tokenizers = importlib.import_module("tokenizers")
    except ImportError:
        raise UsageError("`unit: tokens` needs the package tokenizers: pip install 'asd-mcit[tokens]'") from None
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(file))
    except Exception as exc:  # the package raises plain `Exception`
        raise UsageError(f"{file} is no tokenizer of the package tokenizers ({exc}).") from exc
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
