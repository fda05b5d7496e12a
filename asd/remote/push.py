"""A version to the Hugging Face hub: its shards as they are, a card that keeps the configs of the versions that are there,
and its names without this machine's paths."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from asd.errors import StorageError, UsageError
from asd.lazy_regex import regex
from asd.remote.licence_terms import licence_terms
from asd.shards.card import card_beside
from asd.shards.manifest import Manifest
from asd.shards.store import NUMBERED, README, REFS, VERSIONS, Store

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_OF_THIS_MACHINE = ("source", "image_root", "parts")
_HUB = "https://huggingface.co"
_REF = regex(rf"{REFS}/(.+)\.json")


@dataclass(frozen=True)
class Pushed:
    """What was uploaded, and the names that the version has there."""

    url: str
    version: str
    names: tuple[str, ...]
    files: int


def push(root: Path, name: str | None, repository: str, *, private: bool = True, licence_ok: bool = False) -> Pushed:
    """Upload one version in one commit; what is there already is not sent again, and other versions there stay.

    Its number is that of the repository, where another version has its number there.

    The token is that of `hf auth login` or $HF_TOKEN. Raises: UsageError (licence, repository name, a name of another
    version there, no network by choice), StorageError (the hub's refusals), ShardError.
    """
    store = Store(root)
    version = store.resolve(name)
    manifest = store.manifest(version)
    if not store.is_whole(version):
        raise StorageError(f"version {version} of {root} is damaged; run `asd verify {quote(str(root))}` first.")
    _require_licence(manifest, licence_ok)
    with _refusals(repository) as api:
        api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
        there = _Repository.look(api, repository)
        refs = {there.name_for(ref, version): content for ref, content in shared_refs(store, version).items()}
        others = [ref for ref in there.refs if ref not in refs]
        card = card_beside(store, version, refs, there.read(README).decode("utf-8", "replace"), others)
        uploads: dict[str, Path | bytes] = {README: card.encode(), **version_files(store, version)}
        uploads |= {f"{REFS}/{ref}.json": content for ref, content in refs.items()}
        url = there.commit(uploads, f"{manifest.task}: version {version}, {manifest.counts.samples:,} samples")
    return Pushed(url, version, tuple(refs), len(uploads))


def _require_licence(manifest: Manifest, licence_ok: bool) -> None:
    if licence_ok:
        return
    licence = str(manifest.spec.get("licence") or "")
    terms = licence_terms(licence)
    if not licence:
        raise UsageError(
            f"the licence of {manifest.task}'s data is not given, so nobody knows whether you may share it. Give `licence:` "
            "in the task's YAML and convert again, or, if you have read it and may, say --licence-ok."
        )
    if terms.may_share is not True:
        raise UsageError(
            f"the licence of {manifest.task}'s data, {licence!r}, may not let you share it ({terms.sentence}). If you "
            "have read it and may, say --licence-ok."
        )


def version_files(store: Store, version: str) -> dict[str, Path]:
    """The files of a version by their names in a dataset directory."""
    folder = store.path_of(version)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {f"{VERSIONS}/{version}/{path.relative_to(folder).as_posix()}": path for path in files}


def shared_refs(store: Store, version: str) -> dict[str, bytes]:
    """What the names of a version say of it, without this machine's paths: name -> content of its ref."""
    refs = {}
    for name, content in store.refs().items():
        if content["version"] == version:
            kept = {key: value for key, value in content.items() if key not in _OF_THIS_MACHINE}
            refs[name] = (json.dumps(kept, indent=1, ensure_ascii=False) + "\n").encode()
    return refs


@dataclass(frozen=True)
class _Repository:
    """A dataset on the hub as it was when it was looked at; a commit of somebody else since then is refused by the hub."""

    api: HfApi
    name: str
    revision: str | None
    files: frozenset[str]

    @classmethod
    def look(cls, api: HfApi, name: str) -> _Repository:
        info = api.dataset_info(name)
        return cls(api, name, info.sha, frozenset(sibling.rfilename for sibling in info.siblings or ()))

    @property
    def refs(self) -> list[str]:
        """Names of the versions there."""
        return sorted(match[1] for file in self.files if (match := _REF.fullmatch(file)))

    def read(self, name: str) -> bytes:
        """The content of a small file; nothing if it is not there."""
        if name not in self.files:
            return b""
        with tempfile.TemporaryDirectory() as folder:
            path = self.api.hf_hub_download(
                self.name, name, repo_type="dataset", revision=self.revision, local_dir=folder
            )
            return Path(path).read_bytes()

    def name_for(self, ref: str, version: str) -> str:
        """The name itself, unless another version has it there: then, for a number, the version's there or the next one.

        Raises: UsageError for a name that is no number.
        """
        if (taken := self._version_of(ref)) in (None, version):
            return ref
        if not NUMBERED.fullmatch(ref):
            raise UsageError(
                f"the name {ref!r} already points to version {taken} in {self.name}; choose another, or delete "
                f"{REFS}/{ref}.json there."
            )
        numbers = [int(match[1]) for name in self.refs if (match := NUMBERED.fullmatch(name))]
        return next((f"v{n}" for n in numbers if self._version_of(f"v{n}") == version), f"v{max(numbers) + 1}")

    def _version_of(self, ref: str) -> str | None:
        content = self.read(f"{REFS}/{ref}.json")
        try:
            return str(json.loads(content)["version"]) if content else None
        except (ValueError, KeyError, TypeError):
            raise StorageError(
                f"{self.name}: {REFS}/{ref}.json there is damaged, it names no version. Delete it there."
            ) from None

    def commit(self, uploads: Mapping[str, Path | bytes], message: str) -> str:
        """Returns the commit's address."""
        from huggingface_hub import CommitOperationAdd

        operations = [
            CommitOperationAdd(name, str(content) if isinstance(content, Path) else io.BytesIO(content))
            for name, content in uploads.items()
        ]
        done = self.api.create_commit(
            self.name, operations, commit_message=message, repo_type="dataset", parent_commit=self.revision
        )
        return str(done.commit_url)


@contextlib.contextmanager
def _refusals(repository: str) -> Iterator[HfApi]:
    """The hub's client, whose errors become UsageError and StorageError."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled

    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT", _HUB))
    try:
        yield api
    except (HFValidationError, LocalTokenNotFoundError) as exc:
        raise UsageError(f"{repository}: {exc}") from exc
    except OfflineModeIsEnabled as exc:
        raise UsageError("the hub is switched off here (HF_HUB_OFFLINE is set); unset it to push.") from exc
    except HfHubHTTPError as exc:
        raise StorageError(f"the hub refused {repository}: {_refusal(exc.response.status_code)} ({exc})") from exc
    except _network_errors() as exc:
        raise StorageError(f"the hub at {api.endpoint} cannot be reached ({exc}). Run the same command again.") from exc


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
