"""GCLTuner: UCIT's training files under the names that its configurations give, in LLaVA form.

Its reader (XTuner's) takes one picture a record, below `image_folder`, and the roles human and gpt.
"""

from __future__ import annotations

from asd.export.flat_questions import is_test
from asd.export.format import ExportedSplit, Format
from asd.export.mcitlib import write_train_or_test

TRAIN_FILES = {
    "imagenet_r": "ImageNet-R/train.json",
    "arxivqa": "ArxivQA/train_4w.json",
    "vizwiz_caption": "VizWiz/train.json",
    "iconqa": "IconQA/train.json",
    "clevr_math": "CLEVR-Math/train_4w.json",
    "flickr30k": "Flickr30k/train_brief_4w.json",
}
"""As its configurations train on them, in their order."""


def _file(part: ExportedSplit) -> str:
    folder, _, name = TRAIN_FILES.get(part.task, f"{part.task}/train.json").partition("/")
    return f"{folder}{'-sample' if part.is_drawn else ''}/{f'{part.name}.json' if is_test(part) else name}"


FORMAT = Format(
    name="gcltuner",
    summary="GCLTuner: UCIT's training files by the names of its configurations, for its `data_root`",
    file=_file,
    write=write_train_or_test,
    for_images=True,
)
