"""A word-level tokenizer that gives every text back unchanged and knows every word of the benchmark.

Pieces are words with the blank before them, single digits, coordinates such as 0.25, and punctuation. What is in no
list is spelt letter by letter.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from transformers import PreTrainedTokenizerFast

PIECE = r" ?[A-Za-z]+| ?\d\.\d\d| ?\d| ?[^\sA-Za-z\d]|\n|\s"
BLANK = "▁"
SPECIAL = ("<unk>", "<s>", "</s>", "<pad>", "<image>")
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}USER: {% else %} ASSISTANT: {% endif %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<image>\n' }}{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}"
    "{% if message['role'] != 'user' %}{{ eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)
"""LLaVA 1.5's form; the answer begins with a blank, so its first word is the same piece as inside a prompt."""


def pieces_of(text: str) -> list[str]:
    return re.findall(PIECE, text)


def build_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Whole pieces for all that stands in `texts`, single characters for anything else printable."""
    words = sorted({piece.replace(" ", BLANK) for text in texts for piece in pieces_of(text)})
    singles = [c for c in [*string.printable.strip(), "\n", BLANK] if c not in set(words)]
    vocabulary = [(token, 0.0) for token in SPECIAL]
    vocabulary += [(word, -1.0) for word in words] + [(single, -10.0) for single in singles]
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=0, byte_fallback=False))
    tokenizer.normalizer = normalizers.Replace(" ", BLANK)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECE.replace(" ?", f"{BLANK}?")), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.Replace(BLANK, " "), decoders.Fuse()])
    tokenizer.add_special_tokens(list(SPECIAL))
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        additional_special_tokens=["<image>"],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=512,
    )
