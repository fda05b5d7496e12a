"""The `configs` of a dataset card: every named version as `datasets.load_dataset(DIR, NAME)` takes it.

The columns' types stand in the card and not in the shards: `datasets` casts what it reads to them, so that versions of
every format open with their images typed, and no byte of a shard is there for one reader's sake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from asd.errors import ShardError
from asd.lazy_regex import regex
from asd.plain_yaml import parse_yaml
from asd.shards.files import open_arrow
from asd.shards.manifest import ImageCounts, Manifest
from asd.shards.store import VERSIONS, Store, order_of_name

DEFAULT = "default"
"""The config that is read where none is named: the latest version."""
Config = dict[str, Any]
_HUB_SPLITS = {"val": "validation", "valid": "validation", "dev": "validation"}
_NO_LETTER = regex(r"\W")
_FRONT = regex(r"\A---\n(.*?)^---$", re.DOTALL | re.MULTILINE)
_ANY_NUMBER = "?" * 5
"""Of a shard; `*` would also take the shards of a split whose name begins alike."""


def configs_of(store: Store, latest: str) -> list[Config]:
    """A config for the version that is read where none is named, and one for every name in the store.

    A version whose manifest or shards cannot be read is left out: `asd versions` and `asd verify` tell of it.
    Raises: ShardError if the latest version cannot be read.
    """
    entries: dict[str, Config | None] = {latest: version_config(store, latest)}
    others = []
    for name, ref in store.refs().items():
        version = str(ref["version"])
        if version not in entries:
            try:
                entries[version] = version_config(store, version)
            except ShardError:
                entries[version] = None
        if (entry := entries[version]) is not None:
            others.append({"config_name": name, **entry})
    return named_configs(entries[latest] or {}, (), others)


def named_configs(entry: Config, names: Iterable[str], others: Iterable[Config] = ()) -> list[Config]:
    """One version as the one that is read where none is named, and by each of its names; beside it the others'."""
    named = {str(config["config_name"]): config for config in others}
    named |= {name: {"config_name": name, **entry} for name in names}
    named.pop(DEFAULT, None)
    first = [{"config_name": DEFAULT, **entry, "data_files": _plain(entry)}] if entry["data_files"] else []
    return first + [named[name] for name in sorted(named, key=order_of_name) if named[name]["data_files"]]


def _plain(entry: Config) -> list[dict[str, Any]]:
    """One pattern as a text: so cards have always named the latest version's files, and scripts look for that line."""
    files: list[dict[str, Any]] = entry["data_files"]
    return [{**part, "path": part["path"][0] if len(part["path"]) == 1 else part["path"]} for part in files]


def version_config(store: Store, version: str) -> Config:
    """`data_files` by split, and the features. Raises: ShardError."""
    manifest = store.manifest(version)
    images = manifest.images or count_images(store.path_of(version) / name for name in manifest.shard_names())
    return {
        "data_files": data_files_of(manifest),
        "features": features_of(manifest.row_schema, decode=images.embedded == images.named),
    }


def data_files_of(manifest: Manifest) -> list[dict[str, Any]]:
    """Splits that `datasets` knows by one name are one split there."""
    paths: dict[str, list[str]] = {}
    for split in sorted({entry.split for entry in manifest.files if entry.split is not None}):
        pattern = f"{VERSIONS}/{manifest.version}/data/{split}-{_ANY_NUMBER}.arrow"
        paths.setdefault(_split_name(split), []).append(pattern)
    return [{"split": name, "path": patterns} for name, patterns in paths.items()]


def _split_name(split: str) -> str:
    """`datasets` allows letters, digits and underscores in the names of splits."""
    return _HUB_SPLITS.get(split, _NO_LETTER.sub("_", split))


def features_of(schema: pa.Schema, *, decode: bool) -> list[dict[str, Any]]:
    """The columns' types as a card spells them.

    decode: whether `datasets` makes pictures of the images when a row is read. Without it a row holds their path (and
    bytes, if there are any): a path below an image root that `datasets` does not know could not be opened.
    """
    picture = "image" if decode else {"image": {"decode": False}}
    return [
        {"name": field.name, "list": picture if isinstance(picture, str) else dict(picture)}
        if field.name == "images"
        else {"name": field.name, **_feature(field.type)}
        for field in schema
    ]


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(kind):
        inner = _feature(kind.value_type)
        return {"list": inner.get("dtype") or inner["struct"]}
    if pa.types.is_struct(kind):
        return {"struct": [{"name": field.name, **_feature(field.type)} for field in kind]}
    return {"dtype": str(kind)}


def count_images(shards: Iterable[Path]) -> ImageCounts:
    """From what the files say of their columns; the rows themselves are not read. Raises: ShardError."""
    counts = ImageCounts()
    for path in shards:
        try:
            reader = open_arrow(path)
            for number in range(reader.num_record_batches):
                counts.add(reader.get_batch(number)["images"])
        except (OSError, KeyError, pa.ArrowException) as exc:
            raise ShardError(f"{path} cannot be read ({exc}). Run `asd verify` on the dataset.") from exc
    return counts


def front_matter(front: Mapping[str, Any]) -> str:
    """As YAML. What several configs share stands there once, and as a reference after that."""
    shared: dict[str, Any] = {}
    configs = []
    for config in map(deepcopy, front["configs"]):
        if "features" in config:
            config["features"] = shared.setdefault(repr(config["features"]), config["features"])
        configs.append(config)
    return str(yaml.safe_dump({**front, "configs": configs}, sort_keys=False, allow_unicode=True))


def kept_configs(card: str, names: Iterable[str]) -> list[Config]:
    """The configs of another card of the same dataset that bear one of the names; none if it is no such card."""
    match = _FRONT.match(card)
    try:
        front = parse_yaml(match[1]) if match else None
    except yaml.YAMLError:
        return []
    configs, kept = front.get("configs") if isinstance(front, dict) else None, set(names)
    return [
        config
        for config in (configs if isinstance(configs, list) else [])
        if isinstance(config, dict) and str(config.get("config_name")) in kept and config.get("data_files")
    ]
