"""The tokenizer gives texts back, and an answer's first word is the piece that it is inside a prompt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd_training.pocket.tokenizer import build_tokenizer

TEXTS = (
    "USER: <image>\nWhat colour is the circle?\nReply with a single word or a short phrase. ASSISTANT: red</s>",
    "[0.10,0.21,0.45,0.67]",
    " There are 47 shapes.",
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return build_tokenizer(TEXTS)


@pytest.mark.parametrize("text", [*TEXTS, "An unknown zebra, (quite) new: 12.5%", "two  blanks\n\nand lines"])
def test_texts_come_back(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_known_words_digits_and_coordinates_are_single_pieces(tokenizer: Any) -> None:
    assert tokenizer.tokenize("[0.10,0.21,0.45,0.67]") == ["[", "0.10", ",", "0.21", ",", "0.45", ",", "0.67", "]"]
    assert tokenizer.tokenize(" 47 shapes") == ["▁4", "7", "▁shapes"]


def test_an_unknown_word_is_spelt(tokenizer: Any) -> None:
    assert tokenizer.tokenize(" zebra") == ["▁", *"zebra"]


def test_an_answer_begins_with_the_piece_that_a_prompt_has() -> None:
    tokenizer = build_tokenizer(["Is the circle red?\nA. red ASSISTANT:"])
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "red"}], tokenize=False, add_generation_prompt=True
    )
    told = [{"role": "user", "content": "red"}, {"role": "assistant", "content": "red"}]
    whole = tokenizer.apply_chat_template(told, tokenize=False)
    assert whole.startswith(asked)
    assert tokenizer.tokenize(whole[len(asked) :]) == ["▁red", "</s>"]


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_any_printable_text_comes_back(text: str) -> None:
    tokenizer = build_tokenizer(TEXTS)
    if "<" not in text:  # "<s>" and the like are no text
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
