"""What goes wrong on the way to a server and back, by reason, and whether asking again can help."""

from __future__ import annotations

from collections.abc import Iterator

LOST = frozenset({"connect", "reset"})
"""The server may be gone; nobody knows whether it saw the request."""
BUSY = frozenset({"http_429", "http_503", "http_529"})
"""The server takes no more just now."""
PATIENT = frozenset({"connect", *BUSY})
"""The request was not looked at: it costs none of its own tries."""
DOUBTFUL = frozenset({"length", "off_schema", "empty"})
"""A whole reply, but cut, of the wrong shape or without a word. Asked again; the same text twice is what the model has to say."""


class Fault(Exception):  # noqa: N818  not an error of the run: the request is asked again
    """One failed try of one request."""

    def __init__(self, reason: str, detail: str = "", retry_after_s: float | None = None) -> None:
        self.reason, self.detail, self.retry_after_s = reason, detail, retry_after_s
        super().__init__(f"{reason}: {detail}" if detail else reason)


class Refused(Exception):  # noqa: N818
    """The server understood and will not answer, ever. `passing`: another server, or another setting of it, may."""

    def __init__(self, reason: str, detail: str = "", *, passing: bool = False) -> None:
        self.reason, self.detail, self.passing = reason, detail, passing
        super().__init__(f"{reason}: {detail}" if detail else reason)


def connection_fault(error: BaseException) -> Fault:
    """The fault behind a failed exchange. The client maps aiohttp's errors coarsely (a dropped connection becomes a
    timeout), so the original is looked up in the chain of causes."""
    import aiohttp

    for cause in _causes(error):
        if isinstance(cause, (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError)):
            return Fault("tls", str(cause))
        if isinstance(cause, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
            return Fault("connect", str(cause))
        if isinstance(cause, aiohttp.ServerTimeoutError):
            return Fault("timeout", "no answer in time")
        if isinstance(cause, aiohttp.ClientPayloadError):
            return Fault("half_body", "the connection ended inside the reply")
        if isinstance(cause, (aiohttp.ClientConnectionError, ConnectionError)):
            return Fault("reset", "the server closed the connection")
        if isinstance(cause, aiohttp.ClientError):
            return Fault("not_http", type(cause).__name__)
    return Fault("timeout" if "timeout" in type(error).__name__.lower() else "reset", type(error).__name__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
