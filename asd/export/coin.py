"""CoIN's layout in place: <Task>/train_x20.json beside the benchmark's own train.json, which CoIN's and SEFE's scripts
read with one word changed. Turns of one image stand together, ids are the source's own, images are below cl_dataset.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asd.export.conversation import Conversation
from asd.export.flat_questions import is_test, write_test
from asd.export.format import ExportedSplit, Format, json_list
from asd.export.images import ImageMode
from asd.export.llava import record_for_llava
from asd.export.writing import Record
from asd.sources.image_text import is_address

FOLDERS = {
    "scienceqa": "ScienceQA",
    "textvqa": "TextVQA",
    "imagenet": "ImageNet",
    "gqa": "GQA",
    "vizwiz": "VizWiz",
    "grounding": "Grounding",
    "vqav2": "VQAv2",
    "ocrvqa": "OCRVQA",
}
_IMAGES = {
    "scienceqa": "ScienceQA/images",
    "textvqa": "TextVQA/train_images",
    "imagenet": "ImageNet_withlabel/{split}",
    "gqa": "GQA/images",
    "vizwiz": "VizWiz/{split}",
    "grounding": "COCO2014/train2014",
    "vqav2": "COCO2014/{coco}",
    "ocrvqa": "OCR-VQA/images",
}
"""Where CoIN keeps the images of a task; val images of TextVQA lie with the training images."""
_COCO = {"train": "train2014", "val": "val2014", "test": "test2015"}


def share_percent(manifest_config: dict[str, Any]) -> int:
    """SEFE's X: the share of samples that leave the native style, in percent."""
    shares = manifest_config.get("ratio_per_style")
    share: float = sum(shares.values()) if shares else manifest_config["ratio"]
    return round(100 * share)


def _file(part: ExportedSplit) -> str:
    percent = share_percent(part.manifest.config)
    folder = FOLDERS.get(part.task, part.task) + ("-sample" if part.is_drawn else "")
    name = f"train_x{percent}" if part.split == "train" and percent else part.name
    return f"{folder}/{name}.json"


def image_path(task: str, split: str, path: str) -> str:
    """As CoIN's files say it: sources in CoIN's own layout do already, original releases give the bare name."""
    pattern = _IMAGES.get(task)
    if pattern is None or is_address(path) or path.startswith(f"{pattern.partition('/')[0]}/"):
        return path
    return f"{pattern.format(split=split, coco=_COCO.get(split, split))}/{path}"


def _placed(record: Record, part: ExportedSplit) -> Record:
    if "image" in record and part.places.mode is ImageMode.PATHS:
        images = record["image"]
        split = part.split or "train"
        one_by_one = [image_path(part.task, split, path) for path in ([images] if isinstance(images, str) else images)]
        record["image"] = one_by_one[0] if isinstance(images, str) else one_by_one
    return record


def _record(conversation: Conversation, part: ExportedSplit) -> Record:
    return _placed(record_for_llava(conversation, part), part)


_write_train = json_list(_record)


def _write(part: ExportedSplit, path: Path) -> int:
    if is_test(part):
        return write_test(part, path, lambda record: _placed(record, part))
    part.group_turns = True
    return _write_train(part, path)


FORMAT = Format(
    name="coin",
    summary="CoIN's layout: <Task>/train_x20.json (X = share converted), test.json in the flat form",
    file=_file,
    write=_write,
    for_images=True,
)
