"""The base model as files: built by the recipe, found by name, checked against its checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import ModelError
from training.pocket.drawing import PITCH, SIZE

if TYPE_CHECKING:
    from transformers import LlavaProcessor, PreTrainedTokenizerFast

SEED = 0
SEE_STEPS = 1300
LANGUAGE_STEPS = 4800
EXAMPLES = 40_000
RECIPE_FILE = "recipe.json"


def base_folder() -> Path:
    """Folder of the shipped model. Raises: ModelError if the installation lacks it."""
    folder = Path(str(resources.files("training.pocket"))) / "base"
    if not (folder / "model.safetensors").is_file():
        raise ModelError(f"{folder} has no model.safetensors; make the base model with `asd-train pocket base`")
    return folder


def make_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    from transformers import CLIPImageProcessorPil, LlavaProcessor

    from training.pocket.vision import MEAN, STD

    images = CLIPImageProcessorPil(
        do_resize=True, size={"height": SIZE, "width": SIZE}, do_center_crop=False, do_convert_rgb=True,
        image_mean=list(MEAN), image_std=list(STD),
    )  # fmt: skip
    return LlavaProcessor(  # type: ignore[no-untyped-call]
        image_processor=images, tokenizer=tokenizer, patch_size=PITCH, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, chat_template=tokenizer.chat_template,
    )  # fmt: skip


def build_base(
    out: Path, *, seed: int = SEED, see_steps: int = SEE_STEPS, language_steps: int = LANGUAGE_STEPS,
    examples: int = EXAMPLES, say: Callable[[str], None] = print,
) -> dict[str, Any]:  # fmt: skip
    """Trains the base model from scratch into `out`; about 15 minutes of one core. Returns what `recipe.json` says."""
    import torch

    from training.pocket.language import make_model, train_language
    from training.pocket.tokenizer import build_tokenizer
    from training.pocket.vision import train_tower
    from training.pocket.vocabulary import all_texts

    tower, seen = train_tower(seed=seed, steps=see_steps, say=say)
    tokenizer = build_tokenizer(all_texts(seed))
    model = make_model(tower, tokenizer, seed)
    train_language(model, tokenizer, seed=seed, steps=language_steps, examples=examples, say=say)
    out.mkdir(parents=True, exist_ok=True)
    model.config.vision_config._name_or_path = ""  # the folder of its builder is nobody's business
    model.bfloat16().save_pretrained(out)
    make_processor(tokenizer).save_pretrained(out)
    steps = {"see_steps": see_steps, "language_steps": language_steps, "examples": examples}
    recipe = {"seed": seed, **steps, "torch": torch.__version__, "read_outs_of_the_tower": seen, **checksum(out)}
    (out / RECIPE_FILE).write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")
    return recipe


def checksum(folder: Path) -> dict[str, str]:
    return {"sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()}
