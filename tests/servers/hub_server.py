"""A stand-in for the Hugging Face hub, for one dataset commit: the requests that `huggingface_hub` sends are answered
and kept in FOLDER. `python hub_server.py FOLDER`; prints its port. The token "wrong" is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1])
LFS_SUFFIXES = (".arrow", ".parquet")


class Hub(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        pass

    def _answer(self, content: Any, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_POST(self) -> None:
        body = self._body()
        with (FOLDER / "requests.txt").open("a") as log:
            log.write(f"POST {self.path}\n")
        if self.headers.get("Authorization") == "Bearer wrong":
            return self._answer({"error": "Invalid credentials"}, 401)
        if self.path == "/api/repos/create":
            (FOLDER / "created.json").write_bytes(body)
            return self._answer({"url": f"{self._here()}/datasets/me/made", "name": "me/made"})
        if self.path == "/api/validate-yaml":
            return self._answer({"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            files = [
                {"path": one["path"], "uploadMode": "lfs" if one["path"].endswith(LFS_SUFFIXES) else "regular",
                 "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]  # fmt: skip
            return self._answer({"files": files})
        if self.path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**one, "actions": {"upload": {"href": f"{self._here()}/lfs/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]
            return self._answer({"transfer": "basic", "objects": objects})
        if "/commit/" in self.path:
            return self._commit(body)
        return self._answer({"error": f"unknown {self.path}"}, 404)

    def do_GET(self) -> None:
        dataset = FOLDER / "dataset"
        if self.path == "/api/datasets/me/made":
            files = sorted(path.relative_to(dataset).as_posix() for path in dataset.rglob("*") if path.is_file())
            siblings = [{"rfilename": name} for name in files]
            return self._answer({"id": "me/made", "sha": self._revision(), "siblings": siblings, "private": True})
        if (prefix := f"/datasets/me/made/resolve/{self._revision()}/") in self.path:
            return self._send_file(dataset / self.path.removeprefix(prefix))
        return self._answer({"error": f"unknown {self.path}"}, 404)

    do_HEAD = do_GET  # noqa: N815  (the base class's spelling)

    def _send_file(self, path: Path) -> None:
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("X-Repo-Commit", self._revision())
        self.send_header("ETag", hashlib.sha256(content).hexdigest())
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _revision(self) -> str:
        """Another one after every commit."""
        commits = FOLDER / "commits.txt"
        return f"{commits.stat().st_size if commits.exists() else 0:040d}"

    def do_PUT(self) -> None:
        (FOLDER / "lfs").mkdir(exist_ok=True)
        (FOLDER / "lfs" / self.path.rsplit("/", 1)[-1]).write_bytes(self._body())
        self._answer({})

    def _commit(self, body: bytes) -> None:
        """Lay the files out as they would be on the hub."""
        lines = [json.loads(line) for line in body.splitlines()]
        if (parent := lines[0]["value"].get("parentCommit")) not in (None, self._revision()):
            return self._answer({"error": f"A commit has happened since {parent}"}, 412)
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                (FOLDER / "message.txt").write_text(value["summary"])
                continue
            target = FOLDER / "dataset" / value["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            stored = FOLDER / "lfs" / value["oid"] if line["key"] == "lfsFile" else None
            target.write_bytes(stored.read_bytes() if stored else base64.b64decode(value["content"]))
        with (FOLDER / "commits.txt").open("a") as log:
            log.write("x")
        oid = self._revision()
        return self._answer(
            {"success": True, "commitOid": oid, "commitUrl": f"{self._here()}/datasets/me/made/commit/{oid}"}
        )

    def _here(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    print(server.server_address[1], flush=True)
    server.serve_forever()
