"""More families of models, each of a few thousand random parameters: what `tiny_models` is not about.

Only as far as they can be made without torchvision: processors without their video part.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import transformers as hf
from transformers import ProcessorMixin

from tests.training.chat_templates import FAMILIES
from tests.training.tiny_models import (
    CHAT_TEMPLATE,
    ImageOnlyProcessor,
    _ends,
    _image_processor,
    _save,
    build_tokenizer,
)

TEXT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 2, "max_position_embeddings": 2048}  # fmt: skip
TOWER = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8}


def _template(image: str = "<image>") -> str:
    return CHAT_TEMPLATE.replace("IMAGE", image)


def _text(tokenizer: Any, **more: Any) -> dict[str, Any]:
    return {**TEXT, "vocab_size": len(tokenizer), **_ends(tokenizer), **more}


def llava_next(folder: Path) -> Path:
    tokenizer = build_tokenizer("<image>")
    pins = [[16, 32], [32, 16], [32, 32]]
    config = hf.LlavaNextConfig(
        vision_config=hf.CLIPVisionConfig(image_size=16, **TOWER), text_config=hf.LlamaConfig(**_text(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"), vision_feature_layer=-1, image_grid_pinpoints=pins,
        tie_word_embeddings=False,
    )  # fmt: skip
    images = _image_processor(
        "LlavaNextImageProcessor", size={"shortest_edge": 16}, crop_size=16, image_grid_pinpoints=pins
    )
    processor = hf.LlavaNextProcessor(images, tokenizer, patch_size=8, vision_feature_select_strategy="default",
                                      num_additional_image_tokens=1, chat_template=_template())  # fmt: skip
    return _save(hf.LlavaNextForConditionalGeneration, config, processor, folder, 0)


class ImagesOfOneVision(hf.LlavaOnevisionProcessor):
    def __init__(self, image_processor: Any, tokenizer: Any, chat_template: str | None = None) -> None:
        self.num_image_tokens, self.vision_feature_select_strategy = 4, "full"
        self.image_token, self.video_token = "<image>", "<video>"
        self.image_token_id = tokenizer.convert_tokens_to_ids("<image>")
        self.video_token_id = tokenizer.convert_tokens_to_ids("<video>")
        self.vision_aspect_ratio = "anyres_max_9"
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


def llava_onevision(folder: Path) -> Path:
    tokenizer = build_tokenizer("<image>", "<video>")
    pins = [[16, 32], [32, 16], [32, 32]]
    config = hf.LlavaOnevisionConfig(
        vision_config=hf.SiglipVisionConfig(image_size=16, vision_use_head=False, **TOWER),
        text_config=hf.Qwen2Config(**_text(tokenizer)), image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_index=tokenizer.convert_tokens_to_ids("<video>"), vision_feature_layer=-1, image_grid_pinpoints=pins,
        vision_feature_select_strategy="full", tie_word_embeddings=False,
    )  # fmt: skip
    images = _image_processor(
        "LlavaOnevisionImageProcessor", size={"height": 16, "width": 16}, image_grid_pinpoints=pins
    )
    processor = ImagesOfOneVision(images, tokenizer, chat_template=_template())
    return _save(hf.LlavaOnevisionForConditionalGeneration, config, processor, folder, 0)


def qwen2_5_vl(folder: Path) -> Path:
    family = FAMILIES["qwen2.5-vl"]
    tokenizer = build_tokenizer(*family.marks, eos=family.eos)
    ids = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in family.marks}
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
    vision = {"depth": 2, "hidden_size": 16, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32, "patch_size": 4,
              "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 16, "fullatt_block_indexes": [1]}  # fmt: skip
    config = hf.Qwen2_5_VLConfig(
        text_config=_text(tokenizer, rope_parameters=rope), vision_config=vision, image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"], vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"], tie_word_embeddings=False,
    )  # fmt: skip
    sizes = {"size": {"shortest_edge": 64, "longest_edge": 1024}, "patch_size": 4, "merge_size": 2}
    images = _image_processor("Qwen2VLImageProcessor", **sizes)
    processor = ImageOnlyProcessor(images, tokenizer, chat_template=family.template)
    return _save(hf.Qwen2_5_VLForConditionalGeneration, config, processor, folder, 0)


def idefics3(folder: Path) -> Path:
    tokenizer = build_tokenizer("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
    config = hf.Idefics3Config(
        text_config={"model_type": "llama", **_text(tokenizer)},
        vision_config={**TOWER, "image_size": 16, "patch_size": 4}, scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"), **_ends(tokenizer),
    )  # fmt: skip
    edge = {"longest_edge": 16}
    images = _image_processor("Idefics3ImageProcessor", size=edge, max_image_size=edge, do_image_splitting=False)
    template = FAMILIES["smolvlm"].template.replace("<|im_start|>", "")
    processor = hf.Idefics3Processor(
        image_processor=images, tokenizer=tokenizer, image_seq_len=4, chat_template=template
    )
    return _save(hf.Idefics3ForConditionalGeneration, config, processor, folder, 0)


class ImagesOfInternVL(hf.InternVLProcessor):
    def __init__(self, image_processor: Any, tokenizer: Any, chat_template: str | None = None) -> None:
        self.image_seq_length, self.image_token, self.video_token = 4, "<IMG_CONTEXT>", "<video>"
        self.start_image_token, self.end_image_token = "<img>", "</img>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.multimodal_pattern = re.compile(r"(?P<image><IMG_CONTEXT>)|(?P<video><video>)")
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


def internvl(folder: Path) -> Path:
    family = FAMILIES["internvl"]
    tokenizer = build_tokenizer(*family.marks, eos=family.eos)
    config = hf.InternVLConfig(
        vision_config={**TOWER, "image_size": [16, 16], "patch_size": [4, 4]},
        text_config=hf.Qwen2Config(**_text(tokenizer)),
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"), image_seq_length=4, downsample_ratio=0.5,
        tie_word_embeddings=False,
    )  # fmt: skip
    images = hf.GotOcr2ImageProcessorPil(size={"height": 16, "width": 16}, max_patches=2)
    processor = ImagesOfInternVL(images, tokenizer, chat_template=family.template)
    return _save(hf.InternVLForConditionalGeneration, config, processor, folder, 0)


def paligemma(folder: Path) -> Path:
    tokenizer = build_tokenizer("<image>")
    config = hf.PaliGemmaConfig(
        vision_config=hf.SiglipVisionConfig(image_size=16, projection_dim=32, vision_use_head=False, **TOWER),
        text_config=hf.GemmaConfig(**_text(tokenizer, head_dim=16)), projection_dim=32, hidden_size=32,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"), vocab_size=len(tokenizer),
    )  # fmt: skip
    images = _image_processor("SiglipImageProcessor", size={"height": 16, "width": 16})
    images.image_seq_length = 4
    processor = hf.PaliGemmaProcessor(images, tokenizer, chat_template=_template())
    return _save(hf.PaliGemmaForConditionalGeneration, config, processor, folder, 0)


def gemma3(folder: Path) -> Path:
    marks = ("<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<image_soft_token>", "<end_of_image>")
    tokenizer = build_tokenizer(*marks)
    tokenizer = type(tokenizer)(
        tokenizer_object=tokenizer._tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        extra_special_tokens={"boi_token": marks[2], "image_token": marks[3], "eoi_token": marks[4]},
    )  # fmt: skip
    config = hf.Gemma3Config(
        text_config=_text(tokenizer, head_dim=16, sliding_window=64), mm_tokens_per_image=4,
        vision_config=hf.SiglipVisionConfig(image_size=16, vision_use_head=False, **TOWER),
        boi_token_index=tokenizer.boi_token_id, eoi_token_index=tokenizer.eoi_token_id,
        image_token_index=tokenizer.image_token_id,
    )  # fmt: skip
    images = _image_processor("Gemma3ImageProcessor", size={"height": 16, "width": 16})
    template = (
        "{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
        "{% for p in m.content %}{% if p.type == 'image' %}<start_of_image>{% else %}{{ p.text }}{% endif %}{% endfor %}"
        "<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
    )
    processor = hf.Gemma3Processor(images, tokenizer, image_seq_length=4, chat_template=template)
    return _save(hf.Gemma3ForConditionalGeneration, config, processor, folder, 0)


def llama(folder: Path) -> Path:
    """Of text alone, with a template that takes contents as they are, as those of language models do."""
    tokenizer = build_tokenizer("<|im_start|>", "<|im_end|>", eos="<|im_end|>")
    tokenizer.chat_template = (
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return _save(hf.LlamaForCausalLM, hf.LlamaConfig(**_text(tokenizer)), tokenizer, folder, 0)


MORE: dict[str, Callable[[Path], Path]] = {
    "llava_next": llava_next,
    "llava_onevision": llava_onevision,
    "qwen2_5_vl": qwen2_5_vl,
    "idefics3": idefics3,
    "internvl": internvl,
    "paligemma": paligemma,
    "gemma3": gemma3,
    "llama": llama,
}
PROCESSORS = {"qwen2_5_vl": ImageOnlyProcessor, "llava_onevision": ImagesOfOneVision, "internvl": ImagesOfInternVL}
"""Of families whose own processor needs torchvision."""
