"""Images of several formats, damaged, stored by `--embed-images`: a row's images are stored and can be shown, or it is a reject.

    python -m tests.fuzz.pictures --inputs 5000 [--seed 0] [--only TRIAL]

For every conversion: samples + rejects = rows, and each stored image decodes. Not part of CI.
"""

from __future__ import annotations

import io
import json
import random
import sys
from collections import Counter
from pathlib import Path

from PIL import Image

import asd
from asd.pictures import read_picture
from tests.asd.robustness.hostile_rows import row, task_file
from tests.fuzz.damage import damaged
from tests.fuzz.frame import INPUTS, main, require

ROWS = 12
MODES = {"PNG": ("RGB", "RGBA", "L", "P", "I;16"), "JPEG": ("RGB", "L", "CMYK"), "WEBP": ("RGB", "RGBA"), "GIF": ("P",),
         "BMP": ("RGB",), "TIFF": ("RGB", "L")}  # fmt: skip


def picture(draw: random.Random) -> bytes:
    kind = draw.choice(list(MODES))
    image = Image.effect_noise((draw.randrange(1, 40), draw.randrange(1, 40)), 60).convert(draw.choice(MODES[kind]))
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def trial(draw: random.Random, folder: Path) -> Counter[str]:
    rows = [row(number, image=f"{number}.png") for number in range(ROWS)]
    for number in range(ROWS):
        (folder / f"{number}.png").write_bytes(damaged(picture(draw), draw) or b"x")
    (folder / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    done = asd.convert(task=task_file(folder), source=folder / "rows.jsonl", out=folder / "out", image_root=folder,
                       embed_images=True, max_reject_rate=1, workers=1, ratio=0.5)  # fmt: skip
    counts = done.manifest.counts
    rejects = sum(counts.rejects.values())
    require(counts.samples + rejects == ROWS, f"{counts.samples} samples and {rejects} rejects of {ROWS} rows")
    for one in asd.load(folder / "out")["images"]:
        read_picture(one[0]["bytes"])
    return Counter({INPUTS: ROWS, "stored": counts.samples, "rejects": rejects})


if __name__ == "__main__":
    sys.exit(main(trial, str(__doc__)))
