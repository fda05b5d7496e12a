"""`asd push`."""

from __future__ import annotations

from asd.remote.push import push
from asd.shards.store import split_location


def run(directory: str, *, to: str, public: bool, licence_ok: bool) -> None:
    root, version = split_location(directory)
    done = push(root, version, to, private=not public, licence_ok=licence_ok)
    names = ", ".join(done.names) or "no name"
    print(
        f"pushed version {done.version} ({names}), {done.files} files, to {'the public' if public else 'the private'} "
        f"dataset {to}"
    )
    print(done.url)
