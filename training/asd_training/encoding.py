"""From shard rows to tensors: tokens, the loss mask (defined here and nowhere else), preprocessed images, batches.

A question is encoded by one function, `Encoder.question`, for training and for evaluation, so that images are
preprocessed in the same way and the tokens before the answer are the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps
from torch import Tensor

from asd.pictures import PictureError, read_picture
from asd_training.errors import ModelError, TaskDataError
from asd_training.layers.conditioning import INSTRUCTION
from asd_training.prompt_format import IMAGE_MARK, Piece, PromptFormat

IGNORED = -100
"""Label of tokens that are not trained on."""
_WHOLE: dict[str, Any] = {"padding": False, "truncation": False}
"""Said each time: a tokenizer's files may hold other settings, which would cut rows or pad them."""
Row = Mapping[str, Any]


@dataclass
class Encoded:
    """One row. ids, mask: int64, bool (tokens,), mask True where the token belongs to an answer; by_token: other
    tensors (tokens,) that the processor gives; images: tensors as the processor gives them for one row."""

    ids: Tensor
    mask: Tensor
    by_token: dict[str, Tensor] = field(default_factory=dict)
    images: dict[str, Tensor] = field(default_factory=dict)
    style: str = ""
    answer_styles: tuple[str, ...] = ()
    """Of a record: the style of each answer, which `mask` parts; empty where all have `style`."""
    instruction: Tensor | None = None
    """float32 (d,): embedding of the bare instruction, where the method reads it."""

    @property
    def size_bytes(self) -> int:
        tensors = [self.ids, self.mask, *self.by_token.values(), *self.images.values()]
        tensors += [] if self.instruction is None else [self.instruction]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class Encoder:
    """max_length: tokens of a training row; overlong: "error", or "cut" (the answer's tail is lost, with a warning)."""

    def __init__(
        self,
        processor: Any,
        prompts: PromptFormat,
        *,
        image_root: Path | None = None,
        padded_square: bool = False,
        max_length: int = 2048,
        overlong: str = "error",
    ) -> None:
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.prompts = prompts
        self.image_root = image_root
        self.padded_square = padded_square
        self.max_length = max_length
        self.overlong = overlong
        closing = self.tokenizer("x")["input_ids"][-1:]
        if closing == [self.tokenizer.eos_token_id]:
            raise ModelError("the tokenizer adds an end token to every text; set its add_eos_token to false")

    def question(self, row: Row) -> Encoded:
        """What the model is asked. Raises: TaskDataError if an image is missing or the text does not fit the images."""
        return self._assemble(self._asked(row), row)

    def _asked(self, row: Row) -> list[Piece]:
        self.require_no_marks(row["messages"], row["id"])
        return self.prompts.asked(row["messages"], row["id"])

    def require_no_marks(self, messages: Sequence[Mapping[str, str]], row_id: str) -> None:
        """Raises: TaskDataError if a question would be read otherwise than it is written."""
        for message in messages:
            text = message["content"].replace(IMAGE_MARK, "") if message["role"] != "assistant" else ""
            if mark := self.prompts.special_in(text):
                raise TaskDataError(
                    f"row {row_id}: its question holds {mark!r}, which the tokenizer takes for a token of its own, not for "
                    "text; write it otherwise, or leave the row out"
                )

    def request(self, row: Row) -> tuple[list[int], list[Image.Image]]:
        """A question for an engine that preprocesses images itself: tokens with each image still one mark, and images."""
        pieces = self._asked(row)
        self._require_marks(pieces, row)
        ids = self._tokens(pieces[0].text)
        for tokens, _ in self._continuations(pieces):
            ids += tokens
        return ids, [self._image(image, row["id"]) for image in row["images"]]

    def example(self, row: Row) -> Encoded:
        """Question and answer, the answer's tokens (its end token too) marked. Raises: TaskDataError."""
        self.require_no_marks(row["messages"], row["id"])
        return self._fit(self._assemble(self.prompts.pieces(row["messages"], row["id"]), row), row)

    def require_eyes(self, row: Row) -> None:
        """Raises: TaskDataError if a row has pictures, and the model reads text alone."""
        if row["images"] and self.processor.image_processor is None:
            raise TaskDataError(
                f"row {row['id']} has {len(row['images'])} image(s), and the model reads text alone; leave such rows out, or "
                "tune a model that sees (model.name)"
            )

    def _assemble(self, pieces: Sequence[Piece], row: Row) -> Encoded:
        self._require_marks(pieces, row)
        pictures = [self._image(image, row["id"]) for image in row["images"]]
        shown = pieces[0].text.count(self.prompts.image_token)
        parts = [self._encode(pieces[0].text, pictures[:shown], row)]
        for (tokens, is_answer), piece in zip(self._continuations(pieces), pieces[1:], strict=True):
            count = piece.text.count(self.prompts.image_token)
            if count:
                parts.append(self._encode(piece.text, pictures[shown : shown + count], row, first=False))
                shown += count
            else:
                ids = torch.tensor(tokens, dtype=torch.int64)
                parts.append(Encoded(ids, torch.full((len(tokens),), is_answer)))
        images = parts[0].images
        if any(part.images for part in parts[1:]):  # the layout of several pictures is the processor's own affair
            images = self._encode(self.prompts.image_token * shown, pictures, row).images
        by_token = {
            key: torch.cat([part.by_token.get(key, torch.zeros_like(part.ids)) for part in parts])
            for key in sorted({key for part in parts for key in part.by_token})
        }
        ids, mask = torch.cat([part.ids for part in parts]), torch.cat([part.mask for part in parts])
        return Encoded(ids, mask, by_token, images, row["style"])

    def text_tokens(self, row: Row) -> tuple[int, int]:
        """Tokens before the first answer, and of all; each picture counts as its mark. Raises: TaskDataError."""
        pieces = self.prompts.pieces(row["messages"], row["id"])
        before = len(self._tokens(pieces[0].text))
        return before, before + sum(len(tokens) for tokens, _ in self._continuations(pieces))

    def picture_tokens(self, sizes: Sequence[tuple[int, int]]) -> int:
        """Tokens that pictures of these sizes (width, height) add to their marks. Raises: TaskDataError."""
        text = self.prompts.image_token * len(sizes)
        blank = [Image.new("RGB", size) for size in sizes]
        given = [self._pad(picture) for picture in blank] if self.padded_square else blank
        ids = self._processed(text, given, f"(a picture of {sizes[0][0]} x {sizes[0][1]} pixels)")["input_ids"]
        return int(ids.shape[1]) - len(self._tokens(text))

    def continuation(self, before: str, after: str) -> list[int]:
        """Tokens of `after` where it follows `before`."""
        head = self._tokens(before)
        whole = self._tokens(before + after)
        if whole[: len(head)] == head:
            return whole[len(head) :]
        tokens: list[int] = self.tokenizer(after, add_special_tokens=False)["input_ids"]
        return tokens  # the tokenizer would join letters across the border, which generation cannot

    def piece_tokens(self, before: str, piece: Piece) -> list[int]:
        """Tokens of a piece where it follows `before`; what looks like a special token in an answer is read as text."""
        said = piece.text.removesuffix(piece.end)
        if not piece.is_answer or self.prompts.special_in(said) is None:
            return self.continuation(before, piece.text)
        tokens: list[int] = self.tokenizer(said, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return [*tokens, self.prompts.end_id]

    def _continuations(self, pieces: Sequence[Piece]) -> list[tuple[list[int], bool]]:
        before, continuations = pieces[0].text, []
        for piece in pieces[1:]:
            continuations.append((self.piece_tokens(before, piece), piece.is_answer))
            before += piece.text
        return continuations

    def _tokens(self, text: str) -> list[int]:
        tokens: list[int] = self.tokenizer(text, add_special_tokens=self._adds_special(text), **_WHOLE)["input_ids"]
        return tokens

    def _adds_special(self, text: str) -> bool:
        """False where the template has written the first token already."""
        start = self.tokenizer.bos_token
        return not (start and text.startswith(start))

    def _require_marks(self, pieces: Sequence[Piece], row: Row) -> None:
        self.require_eyes(row)
        marks = sum(piece.text.count(self.prompts.image_token) for piece in pieces)
        if marks != len(row["images"]):
            raise TaskDataError(f"row {row['id']} has {len(row['images'])} image(s), but its prompt asks for {marks}")

    def _encode(self, text: str, pictures: Sequence[Image.Image], row: Row, *, first: bool = True) -> Encoded:
        """first: of its conversation, where special tokens may have to be added."""
        made = self._processed(text, pictures, row["id"], first=first)
        ids = made.pop("input_ids")[0]
        made.pop("attention_mask", None)
        by_token = {key: t[0] for key, t in made.items() if torch.is_tensor(t) and t.shape == (1, len(ids))}
        images = {key: t for key, t in made.items() if torch.is_tensor(t) and key not in by_token}
        return Encoded(ids, torch.zeros(len(ids), dtype=torch.bool), by_token, images, row["style"])

    def _processed(
        self, text: str, pictures: Sequence[Image.Image], row_id: str, *, first: bool = True
    ) -> dict[str, Any]:
        special = first and self._adds_special(text)
        given: dict[str, Any] = {"text": [text], "return_tensors": "pt", "add_special_tokens": special}
        if pictures:
            given["images"] = list(pictures)
        try:
            return dict(self.processor(**given, **_WHOLE))
        except (ValueError, IndexError) as exc:
            raise TaskDataError(f"row {row_id}: the processor does not take its text and images ({exc})") from exc

    def _image(self, image: Mapping[str, Any], row_id: str) -> Image.Image:
        source = bytes(image["bytes"]) if image["bytes"] else self.image_path(image)
        try:
            picture = read_picture(source).convert("RGB")  # what is transparent is dropped, as `load_image` does
        except (OSError, PictureError) as exc:
            raise TaskDataError(f"row {row_id}: {self._unreadable(image, exc)}") from exc
        return self._pad(picture) if self.padded_square else picture

    def _unreadable(self, image: Mapping[str, Any], exc: Exception) -> str:
        if isinstance(exc, OSError):
            return f"the image {self.image_path(image)} cannot be read ({exc}); see data.image_root"
        where = f"the image {image['path']} in the row" if image["bytes"] else f"the image {self.image_path(image)}"
        return f"{where} cannot be read: {exc}; replace it, or leave the row out"

    def image_path(self, image: Mapping[str, Any]) -> Path:
        return (self.image_root or Path()) / str(image["path"])

    def _pad(self, picture: Image.Image) -> Image.Image:
        mean = getattr(self.processor.image_processor, "image_mean", None) or (0.5, 0.5, 0.5)
        side = max(picture.size)
        return ImageOps.pad(picture, (side, side), color=tuple(int(255 * share) for share in mean))

    def _fit(self, encoded: Encoded, row: Row) -> Encoded:
        length = len(encoded.ids)
        if length <= self.max_length:
            return encoded
        problem = f"row {row['id']} has {length} tokens, {int(encoded.mask.sum())} of them of answers"
        if self.overlong == "error" or not encoded.mask[: self.max_length].any():
            raise TaskDataError(
                f"{problem}; train.max_length is {self.max_length}: set it to {length} or more, or leave the row out"
            )
        warnings.warn(f"{problem}; train.max_length is {self.max_length}, so the answer is cut", stacklevel=2)
        short = slice(self.max_length)
        by_token = {key: t[short] for key, t in encoded.by_token.items()}
        return Encoded(encoded.ids[short], encoded.mask[short], by_token, encoded.images, encoded.style)


class Collator:
    """Batches of encoded rows: padded on the right for training (with labels), on the left for generation.

    per_row: names of image tensors whose first dimension counts rows, not images (see `find_per_row`).
    """

    def __init__(self, pad_id: int, *, per_row: frozenset[str] = frozenset(), styles: Sequence[str] = ()) -> None:
        self.pad_id = pad_id
        self.per_row = per_row
        self.styles = {style: number for number, style in enumerate(styles)}

    def training(self, rows: Sequence[Encoded]) -> dict[str, Tensor]:
        """With `labels` (rows, tokens), IGNORED outside answers, and `style` (rows, tokens), the position in `styles`."""
        batch = self._batch(rows, left=False)
        labels = [row.ids.masked_fill(~row.mask, IGNORED) for row in rows]
        batch["labels"] = _pad(labels, IGNORED, left=False)
        batch["style"] = _pad([self._style_of_tokens(row) for row in rows], 0, left=False)
        return batch

    def _style_of_tokens(self, row: Encoded) -> Tensor:
        """int64 (tokens,): the place of the style of the answer that a token belongs to; before answers of no meaning."""
        by_answer = torch.tensor([self.styles[style] for style in row.answer_styles or (row.style,)])
        begins = row.mask & ~torch.cat([row.mask.new_zeros(1), row.mask[:-1]])
        return by_answer[(begins.cumsum(0) - 1).clamp(0, len(by_answer) - 1)]

    def generation(self, rows: Sequence[Encoded]) -> dict[str, Tensor]:
        return self._batch(rows, left=True)

    def _batch(self, rows: Sequence[Encoded], *, left: bool) -> dict[str, Tensor]:
        batch = {
            "input_ids": _pad([row.ids for row in rows], self.pad_id, left=left),
            "attention_mask": _pad([torch.ones_like(row.ids) for row in rows], 0, left=left),
        }
        for key in sorted({key for row in rows for key in row.by_token}):
            parts = [row.by_token.get(key, torch.zeros_like(row.ids)) for row in rows]
            batch[key] = _pad(parts, 0, left=left)
        for key in sorted({key for row in rows for key in row.images}):
            batch[key] = self._images(key, [row.images.get(key) for row in rows])
        instructions = [row.instruction for row in rows if row.instruction is not None]
        if instructions:
            batch[INSTRUCTION] = torch.stack(instructions)
        return batch

    def _images(self, key: str, parts: Sequence[Tensor | None]) -> Tensor:
        given = [part for part in parts if part is not None]
        if key not in self.per_row:
            return _stack(given)
        blank = torch.zeros_like(given[0][:, :1])  # models of this kind leave out images that are all zero
        return _stack([blank if part is None else part for part in parts])


def find_per_row(processor: Any, prompts: PromptFormat) -> frozenset[str]:
    """Image tensors that have one entry a row however many images it has, found by asking with two images."""
    if processor.image_processor is None:
        return frozenset()
    picture = Image.new("RGB", (32, 32))
    asked = [{"role": "user", "content": "<image>\n<image>\nx"}]
    try:
        made = processor(text=[prompts.question(asked, "probe")], images=[picture, picture], return_tensors="pt")
    except (ValueError, IndexError, TaskDataError):
        return frozenset()  # a model of one image a row
    length = made["input_ids"].shape[1]
    return frozenset(
        key for key, t in made.items() if torch.is_tensor(t) and t.shape[:1] == (1,) and t.shape != (1, length)
    )


def _pad(parts: Sequence[Tensor], value: int, *, left: bool) -> Tensor:
    longest = max(len(part) for part in parts)
    padded = parts[0].new_full((len(parts), longest), value)
    for row, part in enumerate(parts):
        at = slice(longest - len(part), None) if left else slice(len(part))
        padded[row, at] = part
    return padded


def _stack(parts: Sequence[Tensor]) -> Tensor:
    """Along the first dimension; other dimensions are padded with zeros to the largest."""
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        largest = [max(sizes) for sizes in zip(*shapes, strict=True)]
        widened = [part.new_zeros(part.shape[0], *largest) for part in parts]
        for wide, part in zip(widened, parts, strict=True):
            wide[tuple(slice(size) for size in part.shape)] = part
        parts = widened
    return torch.cat(list(parts))
