"""Whether the hub of models answers, asked once and told in seconds: the libraries try for minutes, file by file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asd_training.errors import ModelError

TIMEOUT_S = 10.0


def hub_options(name: str, setting: str) -> dict[str, Any]:
    """Options for `from_pretrained`: what was downloaded before is used as it is where the hub does not answer.

    Raises: ModelError if it does not answer and nothing was downloaded; `setting` is where the name stands.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError

    if Path(name).is_dir() or constants.HF_HUB_OFFLINE:
        return {}
    try:
        HfApi().model_info(name, timeout=TIMEOUT_S)
    except (HfHubHTTPError, ValueError):
        return {}  # it answers; what is wrong with the name is told best by the library that loads it
    except Exception as exc:  # of the HTTP library, which differs from version to version of the hub's
        if _is_downloaded(name):
            return {"local_files_only": True}
        raise ModelError(
            f"{constants.ENDPOINT} does not answer ({exc}) and {name!r} was not downloaded before; look at the connection, "
            f"or download it elsewhere and give its folder ({setting})"
        ) from exc
    return {}


def _is_downloaded(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, "config.json"), str)
