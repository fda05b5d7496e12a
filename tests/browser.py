"""A headless Chromium, driven over its DevTools pipe: open a page, press keys, click, ask what is there.

A pipe needs neither a port nor a driver of the browser's version. Tests that use it skip where no Chromium is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0


def find_browser() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class BrowserGoneError(Exception):
    """It has ended, or answers no more: nothing that is asked of it can come true."""


class Browser:
    """One page. `seen` collects every request's address and every console error."""

    def __init__(self, program: str, profile: Path, width: int = 1300, height: int = 850) -> None:
        reading, self._out = os.pipe()
        self._in, writing = os.pipe()
        pipes = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (reading, writing)]
        os.close(reading)
        os.close(writing)
        begin = f"import os, sys; os.dup2({pipes[0]}, 3); os.dup2({pipes[1]}, 4); os.execv(sys.argv[1], sys.argv[1:])"
        command = [program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run",
                   "--disable-background-networking", "--hide-scrollbars", f"--user-data-dir={profile}",
                   f"--window-size={width},{height}", "about:blank"]  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", begin, *command], pass_fds=pipes, stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        for end in pipes:
            os.close(end)
        self._numbers, self._rest, self._session = itertools.count(1), b"", ""
        self.requests: list[str] = []
        self.errors: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def open(self, url: str) -> None:
        self._call("Page.navigate", url=url)

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression; promises are waited for."""
        done = self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in done:
            raise AssertionError(f"{expression}: {done['exceptionDetails']}")
        return done["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """The expression's value as soon as it is true. Raises: AssertionError after `PATIENCE_S`."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with contextlib.suppress(AssertionError):  # the page is on its way
                if value := self.ask(expression):
                    return value
            time.sleep(0.02)
        raise AssertionError(
            f"did not come true: {expression}; the page says {self.ask('document.body.innerText')[:800]}"
        )

    def press(self, key: str) -> None:
        """A key as it is named in `KeyboardEvent.key`."""
        text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
        self._call(
            "Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=13 if key == "Enter" else 0, **text
        )
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def type(self, text: str) -> None:
        self._call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """A real click in the middle of the first element that a CSS selector names."""
        find = f"document.querySelector({json.dumps(selector)})"
        self.wait_for(f"!!{find}")
        x, y = self.ask(
            f"(() => {{ const e = {find}; e.scrollIntoView({{block: 'nearest'}}); const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self) -> bytes:
        """The page as it is seen, as a PNG file."""
        import base64

        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def prefer(self, scheme: str) -> None:
        """ "light" or "dark" """
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        try:
            os.write(self._out, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise BrowserGoneError(self._gone(method)) from None
        while True:
            reply = self._read(method)
            if reply.get("id") == number:
                if "error" in reply:
                    raise AssertionError(f"{method}: {reply['error']}")
                return dict(reply["result"])
            self._note(reply)

    def _read(self, method: str) -> dict[str, Any]:
        """The next message. Raises: BrowserGoneError where none comes any more."""
        while b"\0" not in self._rest:
            if not select.select([self._in], [], [], PATIENCE_S)[0]:
                raise BrowserGoneError(f"{method}: the browser has said nothing for {PATIENCE_S:g} s")
            part = os.read(self._in, 1 << 16)
            if not part:
                raise BrowserGoneError(self._gone(method))
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def _gone(self, method: str) -> str:
        """Waits for the process, which has closed its pipes, so that its exit code can be told."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        return f"{method}: the browser has ended (exit code {self._process.returncode})"

    def _note(self, event: dict[str, Any]) -> None:
        about = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif event.get("method") == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.errors.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")
        elif event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(about["exceptionDetails"].get("exception", {}).get("description")))


@contextlib.contextmanager
def browsing(program: str, **size: int) -> Iterator[Browser]:
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        browser = Browser(program, Path(profile), **size)
        try:
            yield browser
        finally:
            browser.close()
