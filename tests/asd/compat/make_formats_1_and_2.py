"""Made `formats_1_and_2` beside it, with the last build that wrote these formats; a folder is its argument.

Later builds refuse; what it made is kept to see that they read it.

v1: format 1, images by their paths; v2: format 1, images embedded; v3, named `paper`: format 2, with a (scripted) rewriter.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from PIL import Image

import asd
from asd.shards import manifest
from tests.asd.sources_made import vqa_records, write_lines
from tests.servers.running import RunningServer

ROWS = 12


def main(folder: Path) -> None:
    if manifest.FORMAT_VERSION != 1:
        raise SystemExit(f"this build writes format {manifest.FORMAT_VERSION}")
    records = vqa_records(ROWS)
    images = folder / "images_of_rows"
    for record in records:
        path = images / record["image"]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (int(record["id"][1:]) * 20, 0, 0)).save(path.with_suffix(".png"))
        record["image"] = record["image"].replace(".jpg", ".png")
    source, out = write_lines(folder / "rows.jsonl", records), folder / "formats_1_and_2"
    given = {"source": source, "ratio": 0.5, "out": out, "image_root": images}
    asd.convert("vqav2", **given)
    asd.convert("vqav2", **given, embed_images=True)
    with RunningServer(log=folder / "log.jsonl", model="scripted") as server:
        rewriter = {"kind": "openai", "base_urls": [server.base_url], "model": "scripted", "images": "never",
                    "cache": folder / "cache.sqlite"}  # fmt: skip
        asd.convert("vqav2", **given, rewriter=rewriter, name="paper")
    _make_portable(out)


def _make_portable(out: Path) -> None:
    """As a copy from an object store: no links, no places of the machine that made it."""
    for ref in (out / "refs").iterdir():
        kept = {
            name: value for name, value in json.loads(ref.read_text()).items() if name not in ("source", "image_root")
        }
        ref.write_text(json.dumps(kept, indent=1) + "\n")
    latest = out / "latest"
    target = str(latest.readlink())
    latest.unlink()
    latest.write_text(target + "\n")
    shutil.rmtree(out / ".staging")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
