"""The page: complete, self-contained, escaped, the same each time."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from report_rows import make_batches, make_choice, make_picture, make_row

from asd.errors import UnknownNameError
from asd.report.html import pick_samples, render_report

EVIL = "<script>alert(1)</script>\"'><img src=http://evil.example/x.png onerror=alert(2)>"


class Page(HTMLParser):
    """Tags and the attributes by which a page could load something or run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("meta", "img", "rect", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in ("rect", "line") or self.open.pop() == tag, tag


def render(rows: list[dict[str, Any]], manifest: dict[str, Any], figures: dict[str, Any], **more: Any) -> str:
    return render_report(manifest, make_batches(rows), figures, more.pop("image_root", None), **more)


def test_page_shows_what_was_made_from_what(manifest: dict[str, Any], figures: dict[str, Any]) -> None:
    page = render([make_row(0), make_choice(1)], manifest, figures)
    for text in (
        "abc123", "20.0%", "<dd>7</dd>", "CC BY 4.0", "A. Author", "/data/demo", "12,345", "too_few_answers",
        "multiple_choice → yes_no", "no_answer", "100.0% → 80.0%", "train.json:1",
        "multiple_choice/_default@12ab",
        "Before: short_answer", "After: multiple_choice", "Also accepted: kitten",
    ):  # fmt: skip
        assert text in page
    assert '<span class="option">B. cat</span>' in page


def test_page_loads_nothing_and_runs_nothing(manifest: dict[str, Any], figures: dict[str, Any]) -> None:
    rows = [make_choice(0, images=[{"path": "x.png", "bytes": make_picture()}])]
    page = Page(render(rows, manifest, figures))
    assert "script" not in page.tags
    assert page.links
    assert all(link.startswith(("data:image/", "#")) for link in page.links)
    assert page.open == []


def test_all_data_is_escaped(manifest: dict[str, Any], figures: dict[str, Any]) -> None:
    row = make_choice(0, options=["dog", EVIL], gold=EVIL, accepted=[EVIL, EVIL + "2"], candidate=EVIL, rfp=EVIL)
    row |= {
        "question": EVIL,
        "response": EVIL,
        "prompt": f"{EVIL}\nA. dog\nB. {EVIL}\n{EVIL}",
        "context": EVIL,
    }
    row |= {"source_file": EVIL, "template": EVIL, "id": EVIL, "images": [{"path": EVIL, "bytes": None}]}
    manifest["spec"] = dict.fromkeys(("title", "licence", "citation", "homepage", "description"), EVIL)
    for key in ("declined", "rejects", "moved", "by_maker", "by_style", "by_style_before"):
        manifest["counts"][key] = {EVIL: 1}
    manifest["source"] = {"location": EVIL, "files": [{"path": EVIL}]}
    text = render([row], manifest, figures)
    page = Page(text)
    assert "<script" not in text
    assert not [link for link in page.links if "evil" in link]
    assert "img" not in page.tags


def test_same_input_gives_same_page_whatever_the_batches(manifest: dict[str, Any], figures: dict[str, Any]) -> None:
    rows = [make_row(number) for number in range(40)]
    assert render(rows, manifest, figures) == render_report(manifest, make_batches(rows[::-1], 3), figures, None)


def test_empty_manifest_and_figures_still_make_a_page() -> None:
    page = render_report({}, [], {}, None)
    assert "No samples." in page
    assert "not defined" not in page  # figures that do not apply are left out
    Page(page)


def test_images_come_from_the_root_and_never_from_outside_it(
    tmp_path: Path, manifest: dict[str, Any], figures: dict[str, Any]
) -> None:
    root = tmp_path / "images"
    root.mkdir()
    (root / "in.png").write_bytes(make_picture())
    (root / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "out.png").write_bytes(make_picture())
    paths = ["in.png", "broken.jpg", "../out.png", "absent.png"]
    rows = [make_row(n, images=[{"path": path, "bytes": None}]) for n, path in enumerate(paths)]
    page = render(rows, manifest, figures, image_root=root)
    assert page.count("data:image/jpeg;base64,") == 1
    assert "not a readable image" in page
    assert page.count("image: not found") == 2


def test_large_pictures_are_shrunk(manifest: dict[str, Any], figures: dict[str, Any]) -> None:
    rows = [make_row(0, images=[{"path": "x", "bytes": make_picture(3000, 2000, "JPEG")}])]
    assert len(render(rows, manifest, figures)) < len(render([make_row(0)], manifest, figures)) + 4000


def test_boxes_are_drawn_in_percent_of_the_padded_square(manifest: dict[str, Any], figures: dict[str, Any]) -> None:
    native = {"style": "bounding_box", "native_style": "bounding_box"}
    page = render([make_row(0, gold="[0.10,0.20,0.30,0.40]", **native)], manifest, figures)
    assert '<rect class="gold" x="10.0" y="20.0" width="20.0" height="20.0"/>' in page
    picture = [{"path": "x", "bytes": make_picture(40, 20)}]
    page = render([make_row(0, gold="[10,0,20,20]", images=picture, **native)], manifest, figures)
    assert '<rect class="gold" x="25.0" y="25.0" width="25.0" height="50.0"/>' in page
    page = render([make_row(0, gold="[10,0,20,20]", **native)], manifest, figures)
    assert '<rect class="gold"' not in page


def test_converted_samples_come_first_and_the_number_is_kept() -> None:
    rows = [make_row(n) for n in range(20)] + [make_choice(20 + n) for n in range(3)]
    rows += [make_choice(30 + n, maker="native") for n in range(20)]
    picked = pick_samples(make_batches(rows, 4), 5)
    assert list(picked) == ["multiple_choice", "short_answer"]
    assert [row["maker"] for row in picked["multiple_choice"]] == ["mined"] * 3 + ["native"] * 2
    assert len(picked["short_answer"]) == 5


def test_one_style_only(manifest: dict[str, Any], figures: dict[str, Any]) -> None:
    rows = [make_row(0), make_choice(1)]
    page = render(rows, manifest, figures, style="multiple_choice")
    assert re.findall(r'<h3 id="(\w+)">', page) == ["multiple_choice"]
    assert "No samples of style yes_no." in render(rows, manifest, figures, style="yes_no")
    with pytest.raises(UnknownNameError, match="no answer style named 'yesno'; did you mean 'yes_no'"):
        render(rows, manifest, figures, style="yesno")


def test_quality_marks(manifest: dict[str, Any], figures: dict[str, Any]) -> None:
    page = render([], manifest, figures)
    marks = re.findall(r'class="mark (\w+)"', page)
    assert marks == ["good", "look", "good", "bad", "good", "bad"]
    assert "99.9%" in page  # 0.9999 is not all
