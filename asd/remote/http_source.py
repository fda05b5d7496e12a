"""What a web server says of an address that cannot be had: fsspec takes every refusal for a missing file."""

from __future__ import annotations

from typing import Any

_ELSEWHERE = "Fetch the file by hand, if you may have it, and give its path."
_LATER = "Try again later."
_WORDS = {
    401: ("the server wants to know who asks", _ELSEWHERE),
    403: ("the server refuses to give it", _ELSEWHERE),
    404: ("there is no such file or folder", "Check the spelling."),
    410: ("there is no such file or folder any more", "Look for another copy."),
    429: ("the server was asked too often", _LATER),
}


def refusal(filesystem: Any, url: str) -> str | None:
    """The server's answer in words, its status and what to do; None if it gives the file, or is no web server.

    Raises: whatever the HTTP library raises where no server answers.
    """
    if not url.startswith(("http://", "https://")):
        return None
    from fsspec.asyn import sync

    status, reason = sync(filesystem.loop, _status, filesystem, url)
    if status < 400:
        return None
    what, advice = _WORDS.get(status, ("the server fails", _LATER) if status >= 500 else _WORDS[403])
    return f"{what} ({f'{status} {reason}'.strip()}). {advice}"


async def _status(filesystem: Any, url: str) -> tuple[int, str]:
    session = await filesystem.set_session()
    async with session.get(filesystem.encode_url(url), **filesystem.kwargs) as reply:
        return int(reply.status), str(reply.reason or "")
