"""A version to the Hugging Face hub: its shards as they are, its card, and its names without this machine's paths."""

from __future__ import annotations

import importlib.util
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from asd.errors import StorageError, UsageError
from asd.remote.licence_terms import licence_terms
from asd.shards.card import dataset_card
from asd.shards.manifest import Manifest
from asd.shards.store import REFS, VERSIONS, Store

_OF_THIS_MACHINE = ("source", "image_root", "parts")
_HUB = "https://huggingface.co"
Upload = tuple[str, Path | bytes]
"""Name in the repository, and the file or its content."""


@dataclass(frozen=True)
class Pushed:
    url: str
    version: str
    files: int


def push(root: Path, name: str | None, repository: str, *, private: bool = True, licence_ok: bool = False) -> Pushed:
    """Upload one version in one commit; what is there already is not sent again.

    The token is that of `hf auth login` or $HF_TOKEN. Raises: UsageError (licence, repository name, no network by
    choice), StorageError (the hub's refusals), ShardError.
    """
    store = Store(root)
    version = store.resolve(name)
    manifest = store.manifest(version)
    if not store.is_whole(version):
        raise StorageError(f"version {version} of {root} is damaged; run `asd verify {quote(str(root))}` first.")
    _require_licence(manifest, licence_ok)
    uploads = list(files_of(store, version, manifest))
    return Pushed(_send(repository, uploads, private=private, message=_message(manifest)), version, len(uploads))


def _require_licence(manifest: Manifest, licence_ok: bool) -> None:
    licence = str(manifest.spec["licence"])
    terms = licence_terms(licence)
    if terms.may_share is not True and not licence_ok:
        raise UsageError(
            f"the licence of {manifest.task}'s data, {licence!r}, may not let you share it ({terms.sentence}). If you "
            "have read it and may, say --licence-ok."
        )


def files_of(store: Store, version: str, manifest: Manifest) -> Iterator[Upload]:
    """Everything that makes a downloaded copy a dataset again, so that `asd verify COPY@v1` works on it."""
    yield "README.md", dataset_card(manifest).encode()
    folder = store.path_of(version)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield f"{VERSIONS}/{version}/{path.relative_to(folder).as_posix()}", path
    for ref, content in store.refs().items():
        if content["version"] == version:
            kept = {key: value for key, value in content.items() if key not in _OF_THIS_MACHINE}
            yield f"{REFS}/{ref}.json", (json.dumps(kept, indent=1, ensure_ascii=False) + "\n").encode()


def _message(manifest: Manifest) -> str:
    return f"{manifest.task}: version {manifest.version}, {manifest.counts.samples:,} samples"


def _send(repository: str, uploads: list[Upload], *, private: bool, message: str) -> str:
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled

    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT", _HUB))
    operations = [
        CommitOperationAdd(name, str(content) if isinstance(content, Path) else io.BytesIO(content))
        for name, content in uploads
    ]
    try:
        api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
        done = api.create_commit(repository, operations, commit_message=message, repo_type="dataset")
    except (HFValidationError, LocalTokenNotFoundError) as exc:
        raise UsageError(f"{repository}: {exc}") from exc
    except OfflineModeIsEnabled as exc:
        raise UsageError("the hub is switched off here (HF_HUB_OFFLINE is set); unset it to push.") from exc
    except HfHubHTTPError as exc:
        raise StorageError(f"the hub refused {repository}: {_refusal(exc.response.status_code)} ({exc})") from exc
    except _network_errors() as exc:
        raise StorageError(f"the hub at {api.endpoint} cannot be reached ({exc}). Run the same command again.") from exc
    return str(done.commit_url)


def _network_errors() -> tuple[type[Exception], ...]:
    """Of the HTTP library that the installed client uses; it has had three."""
    for name in ("httpx2", "httpx"):
        if importlib.util.find_spec(name) is not None:
            return importlib.import_module(name).HTTPError, OSError
    return (OSError,)  # the errors of `requests` are of this kind


def _refusal(status: int) -> str:
    if status in (401, 403):
        return "log in with `hf auth login`, or set HF_TOKEN to a token that may write there"
    return "run the same command again later; nothing of a commit is there before all of it is"
