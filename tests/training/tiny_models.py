"""Vision-language models of a few thousand random parameters, each with its processor, built on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast, ProcessorMixin, Qwen2VLProcessor

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'\"()[]-+/%=<>_*&#@ \n"
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}Q: {% else %} A: {% endif %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE\n{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% if message['role'] != 'user' %}</s>{% endif %}{% endfor %}{% if add_generation_prompt %} A:{% endif %}"
)


def build_tokenizer(*special: str, eos: str = "</s>", letters: str = LETTERS) -> PreTrainedTokenizerFast:
    """One token a letter, so that any text of them is read and written back unchanged. eos: one of the special tokens."""
    words = ["<unk>", "<s>", "</s>", "<pad>", *special, *letters]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token=eos, pad_token="<pad>",
        additional_special_tokens=list(special), clean_up_tokenization_spaces=False, model_max_length=4096,
    )  # fmt: skip


def llava(folder: Path, *, hidden: int = 32, side: int = 16, seed: int = 0) -> Path:
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

    tokenizer = build_tokenizer("<image>")
    vision = CLIPVisionConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                              image_size=side, patch_size=8)  # fmt: skip
    text = LlamaConfig(hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=2, num_attention_heads=2,
                       vocab_size=len(tokenizer), max_position_embeddings=4096, **_ends(tokenizer))  # fmt: skip
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
                         vision_feature_layer=-1, tie_word_embeddings=False)  # fmt: skip
    processor = LlavaProcessor(
        image_processor=_image_processor("CLIPImageProcessor", size={"shortest_edge": side}, crop_size=side),
        tokenizer=tokenizer, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE.replace("IMAGE", "<image>"),
    )  # fmt: skip
    return _save(LlavaForConditionalGeneration, config, processor, folder, seed)


def qwen2_vl(folder: Path, *, seed: int = 0) -> Path:
    from transformers import AutoProcessor, Qwen2VLConfig, Qwen2VLForConditionalGeneration

    AutoProcessor.register(Qwen2VLConfig, ImageOnlyProcessor, exist_ok=True)
    marks = ("<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|video_pad|>")
    tokenizer = build_tokenizer(*marks)
    ids = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in marks}
    text = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 2, "vocab_size": len(tokenizer), "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
            **_ends(tokenizer)}  # fmt: skip
    vision = {"depth": 2, "embed_dim": 16, "num_heads": 2, "hidden_size": 32, "mlp_ratio": 2, "patch_size": 4,
              "spatial_merge_size": 2, "temporal_patch_size": 2, "in_channels": 3}  # fmt: skip
    config = Qwen2VLConfig(
        text_config=text, vision_config=vision, image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"], tie_word_embeddings=False,
    )  # fmt: skip
    sizes = {"size": {"shortest_edge": 64, "longest_edge": 1024}, "patch_size": 4, "merge_size": 2}
    processor = ImageOnlyProcessor(
        image_processor=_image_processor("Qwen2VLImageProcessor", **sizes), tokenizer=tokenizer,
        chat_template=CHAT_TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>"),
    )  # fmt: skip
    return _save(Qwen2VLForConditionalGeneration, config, processor, folder, seed)


def smolvlm(folder: Path, *, seed: int = 0) -> Path:
    """With the processor of Idefics 3, its twin: SmolVLM's own needs torchvision for videos."""
    from transformers import Idefics3Processor, SmolVLMConfig, SmolVLMForConditionalGeneration

    tokenizer = build_tokenizer("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
    text = {"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": len(tokenizer),
            "max_position_embeddings": 4096, **_ends(tokenizer)}  # fmt: skip
    vision = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
              "image_size": 16, "patch_size": 4}  # fmt: skip
    config = SmolVLMConfig(text_config=text, vision_config=vision, scale_factor=2,
                           image_token_id=tokenizer.convert_tokens_to_ids("<image>"), **_ends(tokenizer))  # fmt: skip
    processor = Idefics3Processor(
        image_processor=_image_processor("Idefics3ImageProcessor", size={"longest_edge": 16},
                                         max_image_size={"longest_edge": 16}, do_image_splitting=False),
        tokenizer=tokenizer, image_seq_len=4, chat_template=CHAT_TEMPLATE.replace("IMAGE", "<image>"),
    )  # fmt: skip
    return _save(SmolVLMForConditionalGeneration, config, processor, folder, seed)


class ImageOnlyProcessor(Qwen2VLProcessor):
    """Qwen2-VL's without its video part, which needs torchvision."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


BUILDERS: dict[str, Callable[..., Path]] = {"llava": llava, "qwen2_vl": qwen2_vl, "smolvlm": smolvlm}


def _ends(tokenizer: PreTrainedTokenizerFast) -> dict[str, int | None]:
    return {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}


def _image_processor(name: str, **settings: Any) -> Any:
    """The form that needs no torchvision, where the library has one."""
    import transformers

    kind = getattr(transformers, f"{name}Pil", None) or getattr(transformers, name)
    return kind(**settings)


def _save(kind: Any, config: Any, processor: Any, folder: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    model = kind(config)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.08)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
