"""Runs one contender in its own environment: `python -m peers.drive DRIVER --source DIR --out DIR --ratio X --report F`."""

from __future__ import annotations

import argparse
import importlib
import json
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("driver")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ratio", type=float, required=True)
    parser.add_argument("--report", type=Path, required=True)
    arguments = parser.parse_args()
    start = time.perf_counter()
    driver = importlib.import_module(f"peers.drivers.{arguments.driver}")
    driver.start()
    ready = time.perf_counter()
    driver.work(arguments.source, arguments.out, arguments.ratio)
    done = time.perf_counter()
    driver.stop()
    arguments.report.write_text(json.dumps({"start_s": ready - start, "work_s": done - ready}), "ascii")


if __name__ == "__main__":
    main()
