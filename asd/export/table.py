"""All export formats, by name."""

from __future__ import annotations

from asd.errors import UnknownNameError
from asd.export import (
    axolotl,
    coin,
    gcltuner,
    internvl,
    llama_factory,
    llava,
    mcitlib,
    ms_swift,
    openai_messages,
    parquet,
    prism,
    smolora,
    trl,
    trl_sdft,
    unsloth,
    webdataset,
)
from asd.export.format import Format

_MODULES = (
    llava, coin, llama_factory, ms_swift, trl, trl_sdft, axolotl, unsloth, openai_messages, internvl, mcitlib, prism, smolora,
    gcltuner, parquet, webdataset,
)  # fmt: skip
FORMATS: dict[str, Format] = {module.FORMAT.name: module.FORMAT for module in _MODULES}


def find_format(name: str) -> Format:
    """Raises: UnknownNameError with near matches."""
    if name not in FORMATS:
        raise UnknownNameError("export format", name, FORMATS)
    return FORMATS[name]
