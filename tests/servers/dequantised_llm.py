"""Turns the GGUF file of a small language model into a folder that vLLM and transformers read.

`python dequantised_llm.py FILE.gguf FOLDER`: weights in bfloat16 as safetensors, config and tokenizer beside them. Needs
torch, transformers, accelerate and gguf; run it with the interpreter that serves the model.
"""

from __future__ import annotations

import sys
from pathlib import Path


def dequantise(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    place = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    read = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.bfloat16)
    with torch.device("meta"):
        plain = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(**place))
    plain.load_state_dict(read.state_dict(), assign=True)  # what was read calls itself quantised, and is not saved
    plain.tie_weights()
    plain.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**place).save_pretrained(folder)


if __name__ == "__main__":
    dequantise(Path(sys.argv[1]), Path(sys.argv[2]))
