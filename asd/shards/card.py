"""The dataset card (README.md with YAML front matter) that the Hugging Face hub and `datasets.load_dataset` read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import fill

from asd.schemas.task import NOT_GIVEN
from asd.shards.card_configs import Config, configs_of, front_matter, kept_configs, named_configs, version_config
from asd.shards.even_split import describe_split
from asd.shards.manifest import Manifest
from asd.shards.store import Store

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
_WIDTH = 120


def dataset_card(store: Store, latest: str) -> str:
    """Card of the dataset directory. It tells of the latest version; its `configs` are all versions that have a name.

    Raises: ShardError if the latest version cannot be read.
    """
    return card_of(store.manifest(latest), configs_of(store, latest))


def card_beside(store: Store, version: str, names: Iterable[str], there: str, others: Iterable[str]) -> str:
    """Card of a copy of one version at a place that holds others, too.

    names: those that the version has there; there: text of the card that is there now; others: the other names there.
    Raises: ShardError.
    """
    entry = version_config(store, version)
    return card_of(store.manifest(version), named_configs(entry, names, kept_configs(there, others)))


def card_of(manifest: Manifest, configs: Sequence[Config]) -> str:
    """Card that tells of `manifest`'s version. configs: as `asd.shards.card_configs` makes them."""
    spec, counts = manifest.spec, manifest.counts
    title = spec.get("title") or manifest.task
    licence, citation = spec.get("licence") or NOT_GIVEN, spec.get("citation") or NOT_GIVEN
    folder = f"versions/{manifest.version}"
    front = {
        "pretty_name": f"{title} with answer style diversification",
        **({"license": "unknown"} if licence == NOT_GIVEN else {"license": "other", "license_name": licence}),
        "language": ["en"],
        "task_categories": ["visual-question-answering"],
        "tags": ["answer-style-diversification", "continual-learning", "instruction-tuning", manifest.task],
        "size_categories": [_size(counts.samples)],
        "configs": list(configs),
    }
    styles = "\n".join(f"| {style} | {count:,} |" for style, count in counts.by_style.items())
    makers = "\n".join(f"| {maker} | {count:,} |" for maker, count in counts.by_maker.items())
    return f"""---
{front_matter(front)}---

# {title}: answer style diversification

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
`datasets.load_dataset(<this folder>)`, another version with its name, as `datasets.load_dataset(<this folder>, "v1")`,
or with any Arrow reader on `{folder}/data/*.arrow`.

- Licence of the underlying data: {licence}
- Cite: {citation}
"""


def _drawn_told(manifest: Manifest) -> str:
    if not manifest.source.get("drawn"):
        return ""
    return (
        f"**A sample, not the data set**: questions and pictures were drawn by this package; no result on them is one on\n"
        f"{manifest.spec['title']}.\n\n"
    )


def _split_told(manifest: Manifest) -> str:
    described = describe_split(str(manifest.spec["native_style"]), manifest.counts.by_style, manifest.counts.by_maker)
    return f"{fill(described, _WIDTH, break_long_words=False, break_on_hyphens=False)}\n\n" if described else ""


def _size(samples: int) -> str:
    return next((label for bound, label in _SIZES if samples < bound), "10M<n<100M")
