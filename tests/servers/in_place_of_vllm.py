"""The scripted server where a vLLM would be started: the part of vLLM's command line that says where, and as what.

    python -m tests.servers.in_place_of_vllm -m vllm.entrypoints.openai.api_server --port 8000 --served-model-name m

It writes the GPUs that it was given to its standard error, which is the log of the vLLM that it stands for.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    given = sys.argv[1:]
    if given[0] == "-c":  # whether vLLM is installed
        return
    port, name = (given[given.index(option) + 1] for option in ("--port", "--served-model-name"))
    print(f"GPUs: {os.environ.get('CUDA_VISIBLE_DEVICES')}", file=sys.stderr, flush=True)
    module = ["-m", "tests.servers.scripted_server"]
    os.execv(sys.executable, [sys.executable, *module, "--port", port, "--model", name])


if __name__ == "__main__":
    main()
