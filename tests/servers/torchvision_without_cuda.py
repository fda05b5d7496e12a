"""Makes the registry's torchvision importable beside a torch for CPUs; for environments of tests alone.

Its compiled part wants CUDA. Where that part does not load, torchvision still registers shape rules for two of its
operators, which fails, because nobody has said that they exist. This says it, in the installed package. What tests need
of torchvision, resizing and normalising images, is plain torch.

    python torchvision_without_cuda.py      run with the interpreter of the environment; a second time changes nothing
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

MARK = "# operators of the part that is not loaded"
SHAPE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
LINES = f"""
{MARK}
if not _has_ops():
    from torch import library as _operators

    _operators.define("torchvision::nms", "{SHAPE}")
    _operators.define("torchvision::qnms", "{SHAPE}")
"""


def main() -> None:
    found = importlib.util.find_spec("torchvision")
    assert found is not None and found.submodule_search_locations, "torchvision is not installed here"
    file = Path(found.submodule_search_locations[0]) / "extension.py"
    text = file.read_text("utf-8")
    if MARK not in text:
        file.write_text(text + LINES, encoding="utf-8")


if __name__ == "__main__":
    main()
