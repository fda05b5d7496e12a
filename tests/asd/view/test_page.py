"""The viewer's page in a headless Chromium: what a reader does, and what the data must not do."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asd.shards.marks import read_marks
from asd.view.server import ViewServer
from tests.asd.view.conftest import EVIL, get
from tests.browser import Browser, browsing, find_browser

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    assert PROGRAM is not None
    with browsing(PROGRAM) as browser:
        yield browser


def open_page(chromium: Browser, server: ViewServer) -> None:
    """Anew, without what the page of an earlier test is still asking."""
    chromium.open("about:blank")
    chromium.wait_for("location.href === 'about:blank'")
    chromium.requests.clear()
    chromium.errors.clear()
    chromium.open(server.url)
    chromium.wait_for("!!document.querySelector('#card .asd-card')")


@pytest.fixture
def page(chromium: Browser, server: ViewServer) -> Iterator[Browser]:
    """The viewer's page with its first sample; nothing may have gone wrong or out when the test ends."""
    open_page(chromium, server)
    yield chromium
    chromium.wait_for("document.querySelector('#progress').hidden")
    asked = len([url for url in chromium.requests if "/rows" in url])
    chromium.ask("new Promise((done) => setTimeout(done, 200))")
    assert len([url for url in chromium.requests if "/rows" in url]) == asked  # the page rests
    assert chromium.ask("window.owned === undefined")
    assert [url for url in chromium.requests if not url.startswith(server.url)] == []
    assert chromium.errors == []


def chosen(page: Browser) -> int:
    return int(page.ask("Number(document.querySelector('#items li.chosen')?.dataset.n ?? -1)"))


def wait_for_card(page: Browser, sample_id: str) -> None:
    page.wait_for(f"document.querySelector('#card .id')?.textContent === {json.dumps(sample_id)}")


def count(page: Browser, text: str) -> None:
    page.wait_for(f"document.querySelector('#count').textContent === {json.dumps(text)}")


def filter_by(page: Browser, name: str, value: str) -> None:
    page.click(f"#filters button[data-name={json.dumps(name)}][data-value={json.dumps(value)}]")


def ids(server: ViewServer, **query: Any) -> list[str]:
    return [
        server.viewer.rows_of("v2").row(number)["id"] for number in get(server, "rows", limit=200, **query)["numbers"]
    ]


def test_leaf_by_keys_and_clicks(page: Browser, server: ViewServer) -> None:
    every = ids(server)
    assert page.ask("document.querySelectorAll('#items li').length") == 50
    count(page, "120 samples")
    for key, place in (("j", 1), ("j", 2), ("k", 1)):
        page.press(key)
        wait_for_card(page, every[place])
        assert chosen(page) == place
    page.click("#items li[data-n='4']")
    wait_for_card(page, every[4])
    page.click("#after")
    wait_for_card(page, every[50])
    page.press("k")  # back over the page's edge
    wait_for_card(page, every[49])
    page.ask("location.reload()")
    wait_for_card(page, every[49])  # the address remembers


def test_filter_by_style_maker_and_search(page: Browser, server: ViewServer) -> None:
    filter_by(page, "style", "yes_no")
    yes_no = ids(server, style="yes_no")
    count(page, f"{len(yes_no)} samples")
    filter_by(page, "maker", "native")
    native = ids(server, style="yes_no", maker="native")
    count(page, f"{len(native)} sample{'s' if len(native) != 1 else ''}")
    filter_by(page, "maker", "native")  # once more takes it away
    filter_by(page, "style", "yes_no")
    count(page, "120 samples")
    page.press("/")
    page.type("COLOR is the")
    found = ids(server, text="color is the")
    assert 0 < len(found) < 120
    count(page, f"{len(found)} samples")
    wait_for_card(page, found[0])
    page.press("Escape")
    page.press("j")
    wait_for_card(page, found[1])
    page.ask("history.back()")
    count(page, "120 samples")
    assert page.ask("document.querySelector('#search').value") == ""


def test_marks_by_keys_and_buttons(page: Browser, server: ViewServer, copy: Path) -> None:
    every = ids(server)
    page.press("g")
    page.wait_for("document.querySelector('#items li.chosen').className.includes('good')")
    page.press("j")
    wait_for_card(page, every[1])
    page.press("b")
    page.wait_for("document.activeElement.id === 'why'")
    page.type("the <b>wrong</b> picture")
    page.press("Enter")
    page.wait_for("document.querySelector('#bad').getAttribute('aria-pressed') === 'true'")
    page.press("j")
    wait_for_card(page, every[2])
    assert page.ask("document.querySelector('#why').value") == ""
    page.click("#good")
    page.wait_for("document.querySelector('#items li.chosen .tick').textContent === '✓'")
    page.press("u")
    page.wait_for("document.querySelector('#items li.chosen .tick').textContent === ''")
    held = json.loads(next((copy / "marks").glob("*.json")).read_text("utf-8"))["marks"]
    assert {name: (mark["mark"], mark["why"]) for name, mark in held.items()} == {
        every[0]: ("good", ""),
        every[1]: ("bad", "the <b>wrong</b> picture"),
    }
    filter_by(page, "mark", "bad")
    count(page, "1 sample")
    wait_for_card(page, every[1])
    assert page.ask("document.querySelector('#why').value") == "the <b>wrong</b> picture"


def test_marks_made_in_a_row_are_all_sent_in_their_order(page: Browser, server: ViewServer, copy: Path) -> None:
    """Also where an earlier one takes long, and where another sample, or version, is looked at meanwhile."""
    first = page.ask("document.querySelector('#card .id').textContent")
    page.ask(
        "(() => { const send = fetch; let first = new Promise((done) => { window.go = done; });"
        " window.fetch = (path, ...rest) => path !== 'mark' ? send(path, ...rest) : first.then(() => send(path, ...rest)); })()"
    )
    for key in "bgug":
        page.press(key)
    page.ask("(() => { const box = document.querySelector('#version'); box.selectedIndex = 1 - box.selectedIndex;"
             " box.dispatchEvent(new Event('change')); })()")  # fmt: skip
    viewer = server.viewer
    page.wait_for("!location.hash.includes('v=" + viewer.first + "')")
    page.ask("window.go()")
    end = time.monotonic() + 30
    while (marks := read_marks(viewer.store, viewer.first)).get(first, None) is None or marks[first].value != "good":
        assert time.monotonic() < end, marks
        time.sleep(0.05)
    others = [one["version"] for one in viewer.versions() if one["version"] != viewer.first]
    assert not any(read_marks(viewer.store, version) for version in others)


def test_marks_that_wait_are_sent_when_the_page_is_closed(page: Browser, server: ViewServer) -> None:
    """Of each row the last one, and what is being typed of why."""
    every = ids(server)
    page.ask(
        "(() => { const send = fetch; window.fetch ="
        " (path, ...rest) => path === 'mark' ? new Promise(() => {}) : send(path, ...rest); })()"
    )
    page.press("g")  # under way for ever
    for name, keys in zip(every[1:3], ("bg", "u"), strict=True):
        page.press("j")
        wait_for_card(page, name)
        for key in keys:
            page.press(key)
    page.ask("document.querySelector('#why').focus()")
    page.type("too dark")
    page.open("about:blank")
    viewer = server.viewer
    end = time.monotonic() + 30
    while len(marks := read_marks(viewer.store, viewer.first)) < 2:
        assert time.monotonic() < end, marks
        time.sleep(0.05)
    assert {name: (mark.value, mark.why) for name, mark in marks.items()} == {
        every[1]: ("good", ""), every[2]: ("bad", "too dark"),
    }  # fmt: skip
    open_page(page, server)


def test_two_versions_beside_each_other(page: Browser, server: ViewServer) -> None:
    other = server.viewer.rows_of("v1").version
    choose = "((e) => { e.value = '%s'; e.dispatchEvent(new Event('change')); })(document.querySelector('#against'))"
    page.ask(choose % other)
    filter_by(page, "change", "re-styled")
    found = ids(server, against="v1", change="re-styled")
    count(page, f"{len(found)} samples")
    wait_for_card(page, found[0])
    page.wait_for("document.querySelectorAll('#card .asd-card').length === 2")
    styles = page.ask("[...document.querySelectorAll('#card .badge.style')].map((e) => e.textContent)")
    assert len(set(styles)) == 2


def test_most_suspicious_first_and_the_other_tabs(page: Browser, server: ViewServer) -> None:
    page.press("s")
    page.wait_for(
        "document.querySelector('#order').value === 'suspicion' && document.querySelector('#progress').hidden"
    )
    worst = ids(server, order="suspicion")
    page.wait_for(
        f"document.querySelectorAll('#items li')[0].dataset.n === '{get(server, 'rows', order='suspicion')['numbers'][0]}'"
    )
    assert len(worst) == 120
    page.click("[data-tab=rejects]")
    page.wait_for("document.querySelector('#rejects table')?.innerText.includes('no-answer')")
    page.click("[data-tab=overview]")
    page.wait_for("document.querySelector('#overview').innerText.includes('Answer can be read back')")
    assert page.ask("document.querySelector('#samples').hidden")


def test_what_is_in_the_data_does_nothing(page: Browser, server: ViewServer) -> None:
    page.press("/")
    page.type("<script>")
    count(page, "1 sample")
    page.wait_for("document.querySelector('#card')?.innerText.includes('<script>')")
    assert "<script>" in page.ask("document.querySelector('#items').innerText")
    assert page.ask("document.querySelectorAll('#items script, #card script, #card b, #card img[src=x]').length") == 0
    assert json.loads(page.ask("document.querySelector('#json').textContent"))["question"] == EVIL
    page.click("[data-tab=rejects]")
    page.wait_for("document.querySelector('#rejects table') !== null")
    assert page.ask("document.querySelectorAll('#rejects script').length") == 0


def test_even_script_in_the_page_could_not_act(chromium: Browser, server: ViewServer) -> None:
    """The policy stands behind the escaping: inline script does not run, and nothing is sent elsewhere."""
    open_page(chromium, server)
    chromium.ask("document.querySelector('#card').innerHTML = '<img src=\"view.css\" onerror=\"window.owned = 1\">'")
    chromium.ask(
        "(() => { const e = document.createElement('script'); e.textContent = 'window.owned = 1'; document.body.append(e); })()"
    )
    assert chromium.ask("fetch('http://localhost:9/').then(() => 'sent', () => 'refused')") == "refused"
    assert any("Content Security Policy" in error for error in chromium.errors)
    assert chromium.ask("window.owned === undefined")


def test_the_sample_is_copied_as_json(page: Browser, server: ViewServer) -> None:
    page.ask("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }, 0")
    page.press("c")
    page.wait_for("document.querySelector('#copy').textContent === 'Copied'")
    assert json.loads(page.ask("window.copied")) == server.viewer.rows_of("v2").row(0)


def test_images_are_shown(page: Browser, server: ViewServer) -> None:
    page.press("/")
    page.type("train/q7")
    page.wait_for("document.querySelector('#card .id')?.textContent.startsWith('vqav2/train/q7')")
    assert page.wait_for("document.querySelector('#card .picture img')?.naturalWidth") == 60


def test_a_server_that_has_gone_is_told(chromium: Browser, server: ViewServer) -> None:
    open_page(chromium, server)
    server.shutdown()
    server.socket.close()
    chromium.ask("fetch = () => Promise.reject(new TypeError('failed')), 0")
    chromium.press("j")
    chromium.wait_for("document.querySelector('#trouble').innerText.includes('asd view does not answer any more')")
