"""The dataset card (README.md with YAML front matter) that the Hugging Face hub and `datasets.load_dataset` read."""

from __future__ import annotations

from textwrap import fill

import yaml

from asd.shards.even_split import describe_split
from asd.shards.manifest import Manifest

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
_WIDTH = 120
_HUB_SPLITS = {"val": "validation", "valid": "validation", "dev": "validation"}


def dataset_card(manifest: Manifest) -> str:
    """Card of the dataset directory; its `configs` point to the files of `manifest`'s version."""
    spec, counts = manifest.spec, manifest.counts
    splits = sorted({entry.split for entry in manifest.files if entry.split is not None})
    folder = f"versions/{manifest.version}"
    front = {
        "pretty_name": f"{spec['title']} with answer style diversification",
        "license": "other",
        "license_name": spec["licence"],
        "language": ["en"],
        "task_categories": ["visual-question-answering"],
        "tags": ["answer-style-diversification", "continual-learning", "instruction-tuning", manifest.task],
        "size_categories": [_size(counts.samples)],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": _split_name(split), "path": f"{folder}/data/{split}-*.arrow"} for split in splits
                ],
            }
        ],
    }
    styles = "\n".join(f"| {style} | {count:,} |" for style, count in counts.by_style.items())
    makers = "\n".join(f"| {maker} | {count:,} |" for maker, count in counts.by_maker.items())
    return f"""---
{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---

# {spec["title"]}: answer style diversification

{counts.samples:,} samples of task `{manifest.task}` (native style `{spec["native_style"]}`), of which
{counts.converted:,} were rewritten into other answer styles. Version `{manifest.version}`, format
{manifest.format_version}, seed {manifest.config["seed"]}.

| style | samples |
| --- | ---: |
{styles}

| maker | samples |
| --- | ---: |
{makers}

{_drawn_told(manifest)}{_split_told(manifest)}Every row says where it came from (`source_id`, `source_file`, `source_row`), who
made it (`maker`, `template`) and keeps the original answer (`gold`, `accepted`). Load it with
`datasets.load_dataset(<this folder>)`, or any Arrow reader on `{folder}/data/*.arrow`.

- Licence of the underlying data: {spec["licence"]}
- Cite: {spec["citation"]}
"""


def _drawn_told(manifest: Manifest) -> str:
    if not manifest.source.get("drawn"):
        return ""
    return (
        f"**A sample, not the data set**: questions and pictures were drawn by this package; no result on them is one on\n"
        f"{manifest.spec['title']}.\n\n"
    )


def _split_told(manifest: Manifest) -> str:
    told = describe_split(str(manifest.spec["native_style"]), manifest.counts.by_style, manifest.counts.by_maker)
    return f"{fill(told, _WIDTH, break_long_words=False, break_on_hyphens=False)}\n\n" if told else ""


def _split_name(split: str) -> str:
    return _HUB_SPLITS.get(split, split)


def _size(samples: int) -> str:
    return next((label for bound, label in _SIZES if samples < bound), "10M<n<100M")
