"""What `benchmarks/gpu.sh` writes about tests and runs, as JSON with the device's name.

python benchmarks/gpu_results.py tests JUNIT.xml OUT.json
python benchmarks/gpu_results.py runs RUNS OUT.json [EARLIER.json]    # RUNS/RECIPE-SEED/results.json
python benchmarks/gpu_results.py has EARLIER.json RUNS RECIPE-SEED    # exit code 0 if that run is finished in either
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree


def tests(report: Path) -> dict[str, Any]:
    """Outcome of each test. Raises: SystemExit if none of them ran."""
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        flaws = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        outcomes[f"{case.get('classname')}::{case.get('name')}"] = flaws[0] if flaws else "passed"
    if not set(outcomes.values()) - {"skipped"}:
        raise SystemExit(f"{report}: no test ran ({len(outcomes)} skipped); is triton there, and a device?")
    return {**device(), "tests": outcomes}


def runs(folder: Path, earlier: Path | None) -> dict[str, Any]:
    """Finished runs by name, with those of an earlier machine."""
    known = json.loads(earlier.read_text("utf-8"))["runs"] if earlier and earlier.is_file() else {}
    for path in sorted(folder.glob("*/results.json")):
        results = json.loads(path.read_text("utf-8"))
        if results["finished"]:
            known[path.parent.name] = {"on": device(), **results}
    return {"runs": known}


def device() -> dict[str, str]:
    import torch

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU {platform.machine()}"
    return {"device": name, "torch": torch.__version__, "python": platform.python_version()}


def main(arguments: Sequence[str]) -> None:
    match arguments:
        case ["tests", report, out]:
            outcome = tests(Path(report))
        case ["runs", folder, out, *earlier]:
            outcome = runs(Path(folder), Path(earlier[0]) if earlier else None)
        case ["has", known, folder, name]:
            sys.exit(name not in runs(Path(folder), Path(known))["runs"])
        case _:
            sys.exit(__doc__)
    Path(out).write_text(json.dumps(outcome, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
