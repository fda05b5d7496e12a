"""`asd view`."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import webbrowser
from pathlib import Path

from asd.errors import StorageError, UsageError
from asd.shards.locations import datasets_below
from asd.shards.store import split_location
from asd.view.server import ViewServer
from asd.view.viewer import Viewer


def run(directory: str, *, port: int, browser: bool) -> None:
    """Serve the page until Ctrl-C."""
    datasets = datasets_below(directory)
    if len(datasets) > 1:
        names = ", ".join(shlex.quote(dataset) for dataset in datasets)
        raise UsageError(f"{directory} holds several datasets: {names}. Name the one to look at.")
    root, version = split_location(datasets[0])
    server = ViewServer(Viewer(root, version), port)
    try:
        print(f"{directory} is shown at {server.url}", flush=True)
        print("this machine only; Ctrl-C ends it", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="asd-view-") as folder:
            if browser and _has_screen():
                webbrowser.open(_door(Path(folder), server.url))
            server.serve_forever()
    except KeyboardInterrupt:
        print("ended.", file=sys.stderr)
    except BrokenPipeError:
        sys.stdout = None  # nothing more is flushed to it
        raise StorageError("the address cannot be printed: nobody reads the standard output any more.") from None
    finally:
        server.server_close()


def _has_screen() -> bool:
    """Else a browser of the terminal would be opened, over what the command says."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _door(folder: Path, url: str) -> str:
    """Address of a file that leads to the page: a browser's command line can be seen by others on this machine, and the
    token must not stand in it. The folder is readable by this user alone."""
    door = folder / "asd-view.html"
    door.write_text(
        f'<!doctype html><meta http-equiv="refresh" content="0; url={url}"><a href="{url}">asd view</a>\n', "utf-8"
    )
    return door.as_uri()
