"""Draws the pictures in docs/images from real pages: `python docs/_build/screenshots.py` (needs `chromium` and Pillow).

The samples shown are the package's own drawn ones.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

DOCS = Path(__file__).resolve().parents[1]
WIDTH, TALL = 1000, 4000


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("chromium is not installed; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _asd("convert", "--task", "vqav2", "--ratio", "0.6", "--out", str(work / "vqav2"))
        data = next(path for path in work.iterdir() if path.name.startswith("vqav2"))
        _asd("inspect", str(data), "-n", "1", "--html", str(work / "report.html"))
        page = (work / "report.html").read_text("utf-8")
        (work / "samples.html").write_text(_samples_alone(page), "utf-8")
        _shoot(browser, work / "samples.html", DOCS / "images" / "samples.png")
        _shoot(browser, work / "report.html", DOCS / "images" / "report.png", height=1150)


def _samples_alone(page: str) -> str:
    """The page's samples without what stands above them."""
    return re.sub(r"(<main>).*?(<div class=\"samples\">)", r"\1\2", page, flags=re.DOTALL)


def _shoot(browser: str, page: Path, target: Path, height: int | None = None) -> None:
    """The page as it is shown, cut off where it ends or at a height in pixels."""
    raw = page.with_suffix(".png")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={WIDTH},{TALL}"]
    subprocess.run(
        [browser, *options, f"--screenshot={raw}", page.as_uri()], check=True, capture_output=True, timeout=120
    )
    image = Image.open(raw).convert("RGB")
    ground = Image.new("RGB", image.size, image.getpixel((2, TALL - 2)))
    drawn = ImageChops.difference(image, ground).getbbox()
    bottom = min(height or TALL, (drawn[3] if drawn else TALL) + 16)
    target.parent.mkdir(exist_ok=True)
    image.crop((0, 0, WIDTH, bottom)).quantize(128).save(target, optimize=True)


def _asd(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "asd.cli.main", *words], check=True, capture_output=True)


if __name__ == "__main__":
    main()
