"""What a finished version says of itself: `croissant.json`, and the manifest, which is written last."""

from __future__ import annotations

from pathlib import Path

from asd.shards.croissant import CROISSANT_NAME, croissant_of
from asd.shards.files import sha256_of, sync_folder, write_text
from asd.shards.manifest import MANIFEST_NAME, FileEntry, Manifest


def write_description(out: Path, manifest: Manifest) -> None:
    """Into a version's folder, after all its other files. manifest: gets the entry of croissant.json.

    Raises: StorageError.
    """
    path = out / CROISSANT_NAME
    write_text(path, croissant_of(manifest))
    manifest.croissant = FileEntry(path=path.name, size_bytes=path.stat().st_size, sha256=sha256_of(path))
    write_text(out / MANIFEST_NAME, manifest.to_json())
    sync_folder(out)
