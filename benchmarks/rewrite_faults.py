"""Fault run of the rewriter: the same conversion with and without faults, compared byte by byte.

    python -m benchmarks.rewrite_faults --data ../shared/data/vqav2 --rows 5000 --rate 0.3

One conversion of real rows runs against a scripted server that answers well. Another runs against one whose answers
are faults at the given rate (resets, timeouts, 429, 5xx, half bodies, no JSON, no choices, no text, cut-off replies,
foreign schemas, slow drips); on the way the pipeline is killed three times with SIGKILL and the server twice. Then:

- every row of the source is in the result once, converted or native with its reasons;
- no request was answered twice, but for replies that were on their way when the pipeline was killed;
- both results are the same files, byte for byte.

Exit code 1 if any of that does not hold. The rows stay outside the repository; nothing but this machine is contacted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.running import RunningServer

REPO = Path(__file__).resolve().parents[1]
MODEL = "scripted"
PIPELINE_KILLS = (0.2, 0.45, 0.75)
SERVER_KILLS = (0.33, 0.6)
"""Shares of the replies of the fault-free run at which something is killed."""
SERVER_AWAY_S = 2.0
TIMEOUT_S = 8.0
ROOM_S = 1800.0


def write_source(data: Path, folder: Path, rows: int) -> None:
    """The first `rows` questions of VQA v2 with their annotations."""
    questions = json.loads(gzip.decompress((data / "vqa_questions_train.json.gz").read_bytes()))["questions"][:rows]
    kept = {question["question_id"] for question in questions}
    annotations = json.loads(gzip.decompress((data / "vqa_annotatons_train.json.gz").read_bytes()))["annotations"]
    folder.mkdir()
    (folder / "vqa_questions_train.json").write_text(json.dumps({"questions": questions}))
    answers = [annotation for annotation in annotations if annotation["question_id"] in kept]
    (folder / "vqa_annotatons_train.json").write_text(json.dumps({"annotations": answers}))


@dataclass
class Pipeline:
    """`asd convert` in a process of its own."""

    folder: Path
    source: Path
    server: RunningServer
    ratio: float
    lost: int = 0
    """Replies that the server had sent and that were not yet in the cache, at all kills together."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def cache(self) -> Path:
        return self.folder / "cache.sqlite"

    @property
    def out(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        command = [
            sys.executable, "-m", "asd.cli.main", "convert", "--task", "vqav2", "--source", self.source, "--out", self.out,
            "--ratio", self.ratio, "--rewriter", "openai", "--model", MODEL, "--base-url", self.server.base_url,
            "--images", "never", "--rewrite-cache", self.cache, "--request-timeout", TIMEOUT_S,
            "--max-failures", 10**6, "--json",
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(REPO)}
        with (self.folder / "out.json").open("wb") as out, (self.folder / "err.txt").open("ab") as err:
            self.process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=err, env=environment)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        time.sleep(2 * TIMEOUT_S)  # what the server still sends to nobody is in its log then
        self.count_lost()

    def count_lost(self) -> None:
        """To be called when nothing has been in flight for a while."""
        self.lost += len(self.server.answered()) - cached_replies(self.cache)

    def finish(self) -> dict[str, Any]:
        assert self.process is not None
        if self.process.wait(ROOM_S) != 0:
            sys.exit(f"the conversion failed:\n{(self.folder / 'err.txt').read_text()[-3000:]}")
        found: dict[str, Any] = json.loads((self.folder / "out.json").read_text())
        return found


def cached_replies(path: Path) -> int:
    if not path.is_file():
        return 0
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM replies WHERE status = 'reply'").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0
    finally:
        connection.close()


def run_without_faults(folder: Path, source: Path, ratio: float) -> tuple[dict[str, Any], Path, int, float]:
    folder.mkdir()
    with RunningServer(log=folder / "log.jsonl", model=MODEL, latency_s=0.05) as server:
        pipeline = Pipeline(folder, source, server, ratio)
        begin = time.monotonic()
        pipeline.start()
        done = pipeline.finish()
        return done, pipeline.out, len(server.answered()), time.monotonic() - begin


def run_with_faults(
    folder: Path, source: Path, ratio: float, rate: float, expected: int
) -> tuple[dict[str, Any], Pipeline, Counter[str], float]:
    folder.mkdir()
    events = sorted([(share, "pipeline") for share in PIPELINE_KILLS] + [(share, "server") for share in SERVER_KILLS])
    with RunningServer(log=folder / "log.jsonl", model=MODEL, latency_s=0.05, rate=rate) as server:
        pipeline = Pipeline(folder, source, server, ratio)
        begin = time.monotonic()
        pipeline.start()
        seen: Counter[str] = Counter()
        for share, what in events:
            wait_for_replies(pipeline, round(share * expected))
            if what == "pipeline":
                pipeline.kill()
                print(f"  pipeline killed with {cached_replies(pipeline.cache):,} replies in the cache", flush=True)
                pipeline.start()
            else:
                seen.update(server.told()["counts"])
                server.kill()
                print(f"  server killed after {len(server.answered()):,} replies", flush=True)
                time.sleep(SERVER_AWAY_S)
                pipeline.count_lost()
                server.start()
        done = pipeline.finish()
        seen.update(server.told()["counts"])
        answered = server.answered()
        print(f"  answers of the server: {dict(sorted(seen.items()))}", flush=True)
        return done, pipeline, answered, time.monotonic() - begin


def wait_for_replies(pipeline: Pipeline, replies: int) -> None:
    assert pipeline.process is not None
    while cached_replies(pipeline.cache) < replies:
        if pipeline.process.poll() is not None:
            sys.exit(f"the conversion ended before its time:\n{(pipeline.folder / 'err.txt').read_text()[-3000:]}")
        time.sleep(0.02)


def files_of(out: Path) -> dict[str, bytes]:
    version = out / "latest"
    return {str(path.relative_to(version)): path.read_bytes() for path in sorted(version.rglob("*")) if path.is_file()}


def account(out: Path, rows: int) -> tuple[dict[str, int], bool]:
    """What became of each row, and whether each is there once, converted or native for a reason."""
    import asd

    table = asd.load(out).select_columns(["id", "maker", "style", "rewrite"]).to_list()
    became: Counter[str] = Counter()
    for row in table:
        told = row["rewrite"] or {"declined": []}
        if row["maker"] == "native":
            became["native, " + ("given up: " + told["declined"][-1] if told["declined"] else "no maker could")] += 1
        else:
            became[f"{row['maker']}" + (", after the model's text was not taken" if told["declined"] else "")] += 1
    whole = len(table) == rows == len({row["id"] for row in table}) and asd.verify(out).problems == []
    return dict(became.most_common()), whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with vqa_questions_train.json.gz")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=0.3, help="share of answers that are faults")
    parser.add_argument("--ratio", type=float, default=1.0)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="asd-faults-"))
    try:
        sys.exit(0 if run(folder, arguments) else 1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, arguments: argparse.Namespace) -> bool:
    write_source(arguments.data, folder / "source", arguments.rows)
    print("without faults", flush=True)
    calm, calm_out, expected, calm_s = run_without_faults(folder / "calm", folder / "source", arguments.ratio)
    print(f"  {expected:,} requests answered, {calm_s:.0f} s", flush=True)
    print(f"with {arguments.rate:.0%} faults, {len(PIPELINE_KILLS)} SIGKILLs of the pipeline, "
          f"{len(SERVER_KILLS)} of the server", flush=True)  # fmt: skip
    stormy, pipeline, answered, stormy_s = run_with_faults(
        folder / "stormy", folder / "source", arguments.ratio, arguments.rate, expected
    )
    became, whole = account(pipeline.out, arguments.rows)
    twice = sum(count - 1 for count in answered.values())
    same = files_of(calm_out) == files_of(pipeline.out) and calm["version"] == stormy["version"]
    making = stormy["making"]
    print(f"  {len(answered):,} requests answered, {stormy_s:.0f} s with the pauses, {making['runs']} runs, "
          f"{sum(making['retries'].values()):,} tries repeated")  # fmt: skip
    print(f"  repeated: {dict(sorted(making['retries'].items(), key=lambda item: -item[1]))}")
    print(f"  rows: {became}")
    print(f"every row accounted for: {whole}, {sum(became.values()):,} of {arguments.rows:,}")
    print(f"answered twice: {twice}; replies lost on their way at the kills: {pipeline.lost}: {twice <= pipeline.lost}")
    print(
        f"byte-identical to the fault-free run: {same}, version {stormy['version']}, {len(files_of(pipeline.out))} files"
    )
    if not same:
        show_difference(calm_out, pipeline.out)
    return whole and same and twice <= pipeline.lost


def show_difference(left: Path, right: Path) -> None:
    import asd

    one, other = ({row["id"]: row for row in asd.load(out).to_list()} for out in (left, right))
    unlike = [name for name in one if one[name] != other.get(name)]
    print(f"{len(unlike)} rows differ; {(left / 'latest').resolve().name}, {(right / 'latest').resolve().name}")
    for name in unlike[:5]:
        print({key: (value, other[name][key]) for key, value in one[name].items() if value != other[name][key]})


if __name__ == "__main__":
    main()
