"""A dataset of two versions whose source holds what a page must not act on, and the server that shows it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest
from PIL import Image

import asd
from asd.view.server import ViewServer
from asd.view.viewer import Viewer
from tests.asd.sources_made import record, vqa_records, write_lines

EVIL = "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'> &amp; \u202eWho?"


@dataclass(frozen=True)
class Shown:
    """`versions`: ids of v1 and v2."""

    data: Path
    versions: tuple[str, str]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """120 rows of which 36 (v1) and 60 (v2, three shards) are converted; row q119 is hostile; images for some."""
    folder = tmp_path_factory.mktemp("view")
    (folder / "images").mkdir()
    for number in range(30):
        Image.new("RGB", (60, 40), (8 * number, 90, 160)).save(folder / "images" / f"q{number}.jpg")
    records = [*vqa_records(119), record("q119", EVIL, "<b>bold</b>")]
    records += [{"id": "no-answer", "image": "a.jpg", "conversations": [{"from": "human", "value": EVIL}]}]
    source = write_lines(folder / "source.jsonl", records)
    first = asd.convert("vqav2", source, out=folder / "data", ratio=0.3)
    second = asd.convert("vqav2", source, out=folder / "data", ratio=0.5, shard_rows=50)
    return Shown(folder / "data", (first.version, second.version))


@pytest.fixture
def copy(made: Shown, tmp_path: Path) -> Path:
    """The dataset, to be marked or damaged."""
    shutil.copytree(made.data, tmp_path / "data", symlinks=True)
    return tmp_path / "data"


@pytest.fixture
def server(copy: Path) -> Iterator[ViewServer]:
    """On v2, the latest."""
    serving = ViewServer(Viewer(copy))
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield serving
    serving.shutdown()
    serving.server_close()
    thread.join(timeout=30)
    assert not thread.is_alive()


def get(server: ViewServer, path: str, **query: Any) -> Any:
    """The JSON that the page would get."""
    with urlopen(f"{server.url}{path}?{urlencode(query)}", timeout=30) as reply:
        return json.loads(reply.read())


def post(server: ViewServer, body: Any, **headers: str) -> Any:
    sent = Request(f"{server.url}mark", json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
    with urlopen(sent, timeout=30) as reply:
        return json.loads(reply.read())


def port_of(server: ViewServer) -> int:
    return urlsplit(server.url).port or 0
