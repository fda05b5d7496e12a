"""Chat templates that write what those of well-known models write, in our own words; and what is learnt of it.

Of a conversation of two turns (SAID), «...» marks the tokens that are learnt: each answer with the mark that ends it,
and nothing else. A run of image tokens stands as one.
"""

from __future__ import annotations

from typing import NamedTuple

SAID = [
    {"role": "user", "content": "<image>\nWhat is it?"},
    {"role": "assistant", "content": "A cat."},
    {"role": "user", "content": "And its colour?"},
    {"role": "assistant", "content": "red"},
]


class Family(NamedTuple):
    """marks: special tokens beside the usual; eos: the tokenizer's end token; image: what stands for a picture."""

    template: str
    marks: tuple[str, ...]
    eos: str
    image: str
    learnt: str


def _turns(image: str, end: str = "<|im_end|>\n") -> str:
    """The turns of ChatML."""
    parts = (
        f"{{% for part in message.content %}}{{% if part.type == 'image' %}}{image}"
        "{% else %}{{ part.text }}{% endif %}{% endfor %}"
    )
    return (
        f"{{% for message in messages %}}<|im_start|>{{{{ message.role }}}}\n{parts}{end}{{% endfor %}}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )


_QWEN_IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
_QWEN = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    + _turns(_QWEN_IMAGE)
)
_QWEN_LEARNT = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>"
    "What is it?<|im_end|>\n<|im_start|>assistant\n«A cat.<|im_end|>»\n<|im_start|>user\nAnd its colour?<|im_end|>\n"
    "<|im_start|>assistant\n«red<|im_end|>»"
)
_QWEN_MARKS = (
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|video_pad|>",
)  # fmt: skip

FAMILIES = {
    "llava-1.5": Family(
        "{% for message in messages %}{% if message.role != 'system' %}{{ message.role | upper }}: {% endif %}"
        "{% for part in message.content if part.type == 'image' %}<image>\n{% endfor %}"
        "{% for part in message.content if part.type == 'text' %}{{ part.text }} {% endfor %}{% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT:{% endif %}",
        ("<image>",),
        "</s>",
        "<image>",
        "USER: <image>\nWhat is it? ASSISTANT:« A cat.</s>»USER: And its colour? ASSISTANT:« red</s>»",
    ),
    "qwen2-vl": Family(_QWEN, _QWEN_MARKS, "<|im_end|>", "<|image_pad|>", _QWEN_LEARNT),
    "qwen2.5-vl": Family(_QWEN, _QWEN_MARKS, "<|im_end|>", "<|image_pad|>", _QWEN_LEARNT),
    "qwen2-vl, base tokenizer": Family(_QWEN, _QWEN_MARKS, "<|endoftext|>", "<|image_pad|>", _QWEN_LEARNT),
    "smolvlm": Family(
        "<|im_start|>{% for message in messages %}{{ message.role | capitalize }}"
        "{% if message.content[0].type == 'image' %}:{% else %}: {% endif %}"
        "{% for part in message.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}"
        "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}",
        ("<|im_start|>", "<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"),
        "<end_of_utterance>",
        "<image>",
        "<|im_start|>User:<fake_token_around_image><global-img><image><fake_token_around_image>What is it?<end_of_utterance>\n"
        "Assistant:« A cat.<end_of_utterance>»\nUser: And its colour?<end_of_utterance>\nAssistant:« red<end_of_utterance>»",
    ),
    "internvl": Family(
        _turns("<IMG_CONTEXT>\n"),
        ("<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>", "<video>"),
        "<|im_end|>",
        "<IMG_CONTEXT>",
        "<|im_start|>user\n<img><IMG_CONTEXT></img>\nWhat is it?<|im_end|>\n<|im_start|>assistant\n«A cat.<|im_end|>»\n"
        "<|im_start|>user\nAnd its colour?<|im_end|>\n<|im_start|>assistant\n«red<|im_end|>»",
    ),
}
