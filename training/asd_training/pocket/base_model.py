"""The base model as files: built by the recipe, found by name, checked against its checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asd_training.errors import ModelError
from asd_training.pocket import Facts
from asd_training.pocket.drawing import PITCH, SIZE

if TYPE_CHECKING:
    from transformers import LlavaProcessor, PreTrainedTokenizerFast

SEED = 0
SEE_STEPS = 1300
LANGUAGE_STEPS = 4800
EXAMPLES = 40_000
KNOWING_STEPS = 2100
KNOWING_EXAMPLES = 30_000
FOLDERS: dict[Facts, str] = {"some": "base", "all": "knowing_base"}
RECIPE_FILE = "recipe.json"


def base_folder(facts: Facts = "some") -> Path:
    """Folder of a shipped model. Raises: ModelError if the installation lacks it."""
    folder = Path(str(resources.files("asd_training.pocket"))) / FOLDERS[facts]
    if not (folder / "model.safetensors").is_file():
        raise ModelError(f"{folder} has no model.safetensors; make it with `asd-train pocket base --facts {facts}`")
    return folder


def make_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    from transformers import CLIPImageProcessorPil, LlavaProcessor

    from asd_training.pocket.vision import MEAN, STD

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
    from asd_training.pocket.language import make_model, train_language
    from asd_training.pocket.tokenizer import build_tokenizer
    from asd_training.pocket.vision import train_tower
    from asd_training.pocket.vocabulary import all_texts

    tower, seen = train_tower(seed=seed, steps=see_steps, say=say)
    tokenizer = build_tokenizer(all_texts(seed))
    model = make_model(tower, tokenizer, seed)
    train_language(model, tokenizer, seed=seed, steps=language_steps, examples=examples, say=say)
    steps = {"see_steps": see_steps, "language_steps": language_steps, "examples": examples}
    return _save(model, tokenizer, out, {"seed": seed, **steps, "read_outs_of_the_tower": seen})


def raise_further(
    out: Path, *, facts: Facts = "all", start: Path | None = None, seed: int = SEED, steps: int = KNOWING_STEPS,
    examples: int = KNOWING_EXAMPLES, say: Callable[[str], None] = print,
) -> dict[str, Any]:  # fmt: skip
    """Raises a base model further, with more pictures than before; a quarter of an hour of one core.

    facts: `all`, every fact that the tasks ask for; `some`, those that the shipped base was told already (a control: as
    much training, nothing new). start: the model to begin with, the shipped one by default. Tower, vocabulary and the
    rule that pictures are only described or asked about in sentences stay as they are. Returns what `recipe.json` says.
    """
    import torch
    from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

    from asd_training.pocket.language import train_language

    start = start or base_folder()
    if not (start / "model.safetensors").is_file():
        raise ModelError(f"{start} has no model.safetensors; name a folder that `asd-train pocket base` wrote")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(start)
    model = LlavaForConditionalGeneration.from_pretrained(start, dtype=torch.float32)
    model.model.vision_tower.requires_grad_(False)
    train_language(
        model, tokenizer, seed=seed + 1, steps=steps, examples=examples, lr=1.5e-3, facts=facts, pictures_in_three=2,
        fresh=False, say=say,
    )  # fmt: skip
    record = {"seed": seed, "facts": facts, "steps": steps, "examples": examples, "start": checksum(start)["sha256"]}
    return _save(model, tokenizer, out, record)


def _save(model: Any, tokenizer: PreTrainedTokenizerFast, out: Path, facts: dict[str, Any]) -> dict[str, Any]:
    import torch

    out.mkdir(parents=True, exist_ok=True)
    model.config.vision_config._name_or_path = ""  # the folder of its builder is nobody's business
    model.bfloat16().save_pretrained(out)
    make_processor(tokenizer).save_pretrained(out)
    recipe = {**facts, "torch": torch.__version__, **checksum(out)}
    (out / RECIPE_FILE).write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")
    return recipe


def checksum(folder: Path) -> dict[str, str]:
    return {"sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()}
