"""Addresses that fsspec opens (s3://, gs://, hf://, https://, memory://): opening one, and what its failures mean."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asd.errors import AsdError, StorageError, UsageError
from asd.lazy_regex import regex

_URL = regex(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WEB_ADDRESS = regex(r"https?://[^\s'\"]*")
_LONGEST_REASON = 300
_SILENT = logging.NullHandler()


@dataclass(frozen=True)
class _Service:
    install: str
    credentials: str
    endpoint: str


_S3 = _Service("'asd-mcit[s3]'", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE", "AWS_ENDPOINT_URL")
_GS = _Service(
    "'asd-mcit[gs]'",
    "GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`",
    "STORAGE_EMULATOR_HOST",
)
_HF = _Service("huggingface_hub", "HF_TOKEN, or `hf auth login`", "HF_ENDPOINT")
_SERVICES = {"s3": _S3, "s3a": _S3, "gs": _GS, "gcs": _GS, "hf": _HF}
BUCKETS = frozenset({*_SERVICES, "abfs", "abfss", "az", "adl", "oci", "oss", "obs"})
"""Protocols of stores without folders, in which a file is there whole or not at all."""
_NO_CREDENTIALS = frozenset(
    "NoCredentialsError PartialCredentialsError CredentialRetrievalError ProfileNotFound DefaultCredentialsError "
    "RefreshError LocalTokenNotFoundError GatedRepoError PermissionError".split()
)
_REFUSED = regex(r"\b(401|403|Forbidden|Access ?Denied|InvalidAccessKeyId|SignatureDoesNotMatch|Unauthorized)\b")
_NOT_REACHED = regex(r"Connect|Timeout|Disconnected|DNS|IncompleteRead|ResponseStreaming|ClientPayload|gaierror")


def is_url(location: str) -> bool:
    return _URL.match(location) is not None


def protocol_of(url: str) -> str:
    return url.partition("://")[0].lower()


def shown(url: str) -> str:
    """The address without the signature, token or password that a web address may carry."""
    if protocol_of(url) not in ("http", "https"):
        return url
    scheme, _, rest = url.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def opened(url: str) -> tuple[Any, str]:
    """The file system, with nothing remembered of earlier looks, and the path in it.

    Raises: UsageError (no such protocol, its package is missing, no place named), StorageError.
    """
    import fsspec

    _require_hub_switched_on(url)
    for library in ("fsspec", "s3fs", "gcsfs"):  # with no handler at all they print tracebacks; the error is told once
        logging.getLogger(library).addHandler(_SILENT)
    try:
        filesystem, path = fsspec.url_to_fs(url)
        filesystem.invalidate_cache()
    except ImportError as exc:
        service = _SERVICES.get(protocol_of(url))
        install = f" Run: pip install {service.install}." if service else ""
        raise UsageError(f"{shown(url)}: {exc}.{install}") from exc
    except ValueError as exc:
        raise UsageError(f"{shown(url)}: {exc}.") from exc
    except Exception as exc:  # each protocol's library has errors of its own
        raise StorageError(f"{shown(url)} cannot be opened: {reason(exc, url)}") from exc
    if protocol_of(url) in BUCKETS and not path.strip("/"):
        example = "datasets/me/name/folder" if protocol_of(url) == "hf" else "bucket/folder"
        raise UsageError(f"{url} names no place. Give e.g. {protocol_of(url)}://{example}.")
    return filesystem, str(path)


def _require_hub_switched_on(url: str) -> None:
    if protocol_of(url) != "hf":
        return
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise UsageError(f"{url}: the hub is switched off here (HF_HUB_OFFLINE is set). Unset it, or use a local copy.")


def info_of(filesystem: Any, path: str) -> dict[str, Any] | None:
    """What the store tells of a file or folder; None if it is not there. Refusals and dead servers raise."""
    try:
        return dict(filesystem.info(path))
    except NotADirectoryError:
        return None
    except FileNotFoundError as exc:
        if exc.__cause__ is not None and _NOT_REACHED.search(type(exc.__cause__).__name__):
            raise exc.__cause__ from None  # the HTTP library calls an unreachable server a missing file
        return None


def describe_missing(filesystem: Any, path: str, url: str) -> str | None:
    """A clause about the bucket, or repository of the hub, if it is not there. None also where that cannot be told."""
    if protocol_of(url) not in BUCKETS:
        return None
    parts = path.strip("/").split("/")
    is_hub = protocol_of(url) == "hf"
    depth = 1 + is_hub + (is_hub and parts[0] in ("datasets", "spaces", "buckets"))
    name = "/".join(parts[:depth])
    try:
        filesystem.info(name)
    except FileNotFoundError:
        private = f", or it is private: then give {_HF.credentials}" if is_hub else ""
        return f"there is no {'repository' if is_hub else 'bucket'} {name!r}{private}"
    except Exception:  # each protocol's library has errors of its own; the next request tells
        return None
    return None


@contextlib.contextmanager
def failures(kind: type[AsdError], what: str, url: str) -> Iterator[None]:
    """Turn any error of a protocol's library into one message: `what`, the reason, and what to do."""
    try:
        yield
    except AsdError:
        raise
    except Exception as exc:  # each protocol's library has errors of its own
        raise kind(f"{what}: {reason(exc, url)}") from exc


def reason(exc: BaseException, url: str) -> str:
    """The library's own words on one line, and what to do about them."""
    text = _WEB_ADDRESS.sub(lambda match: shown(match.group()), f"{type(exc).__name__}: {exc}")
    text = " ".join(text.split()).rstrip(".: ")
    if len(text) > _LONGEST_REASON:
        text = f"{text[:_LONGEST_REASON]}..."
    return f"{text}. {_advice(exc, url)}".rstrip()


def _advice(exc: BaseException, url: str) -> str:
    service = _SERVICES.get(protocol_of(url))
    kinds = [kind.__name__ for kind in type(exc).__mro__]
    if service and (_NO_CREDENTIALS & {*kinds} or _REFUSED.search(str(exc))):
        return f"Give credentials that are allowed to do this: {service.credentials}."
    if any(map(_NOT_REACHED.search, kinds)) or isinstance(exc, ConnectionError):
        where = f" and {service.endpoint} (if the service is not the public one)" if service else ""
        return f"Check the network{where}, then run the same command again."
    return ""
