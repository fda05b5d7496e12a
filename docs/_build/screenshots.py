"""Draws the pictures in docs/images from real pages: `python docs/_build/screenshots.py` (needs `chromium` and Pillow).

The samples shown are the package's own drawn ones.
"""

from __future__ import annotations

import html
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from PIL import Image, ImageChops

from asd.view.query import Query
from asd.view.server import ViewServer
from asd.view.viewer import Viewer

DOCS = Path(__file__).resolve().parents[1]
REPO = DOCS.parent
sys.path.insert(0, str(REPO))

from tests.browser import browsing  # noqa: E402

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
        (work / "gallery.html").write_text(_gallery_cell(), "utf-8")
        _shoot(browser, work / "gallery.html", DOCS / "images" / "gallery.png", height=900)
        _asd("convert", "--task", "vqav2", "--ratio", "0.3", "--out", str(work / "vqav2"))
        _shoot_viewer(browser, data)


def _samples_alone(page: str) -> str:
    """The page's samples without what stands above them."""
    return re.sub(r"(<main>).*?(<div class=\"samples\">)", r"\1\2", page, flags=re.DOTALL)


def _gallery_cell() -> str:
    """The tour's first cell that shows a gallery, as a notebook shows it: its code, and what it gave."""
    cells = json.loads((REPO / "notebooks" / "tour.ipynb").read_text("utf-8"))["cells"]
    for cell in cells:
        shown = [out["data"]["text/html"] for out in cell.get("outputs", []) if "text/html" in out.get("data", {})]
        if shown and "asd.show(rows" in "".join(cell["source"]):
            code = html.escape("".join(cell["source"]))
            return (
                '<!doctype html><meta charset="utf-8"><body style="margin: 16px"><pre style="margin: 0 0 12px; padding: 10px 14px; '
                f'border: 1px solid #ddd; border-radius: 4px; background: #f7f7f7; font-size: 14px">{code}</pre>'
                + "".join(shown[0])
            )
    raise SystemExit("notebooks/tour.ipynb shows no gallery: run notebooks/refresh.py")


def _shoot_viewer(browser: str, data: Path) -> None:
    """Two versions beside each other, a re-styled sample chosen, one sample marked."""
    server = ViewServer(Viewer(data, "v1"))
    viewer = server.viewer
    threading.Thread(target=server.serve_forever, daemon=True).start()
    other = viewer.rows_of("v2").version
    found = viewer.page("v1", Query(change="re-styled", style="multiple_choice"), other, 0, 50)["numbers"]
    viewer.mark("v1", found[1], "good", "")
    with browsing(browser, width=1360, height=860) as page:
        page.open(f"{server.url}#against={other}&change=re-styled&style=multiple_choice&n={found[1]}")
        page.wait_for("document.querySelectorAll('#card .asd-card').length === 2")
        page.wait_for("[...document.images].every((image) => image.complete)")
        raw = Image.open(io.BytesIO(page.picture())).convert("RGB")
        raw.quantize(128).save(DOCS / "images" / "view.png", optimize=True)
    server.shutdown()
    server.server_close()


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
