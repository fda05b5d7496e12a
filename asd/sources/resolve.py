"""Where a task's data is when the user did not say: data root, then hub, then the embedded sample."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from platformdirs import user_config_dir

from asd.errors import UsageError
from asd.plain_yaml import read_yaml
from asd.schemas.task import TaskSpec

CONFIG_FILE = Path(user_config_dir("asd")) / "config.yaml"
HUB_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class ResolvedSource:
    """kind: "given", "data_root", "hub" or "embedded"; location: a path, "hf:NAME", or "" for the embedded sample."""

    kind: str
    location: str
    message: str = ""
    """One line for the user where the choice was not theirs."""


def resolve_source(spec: TaskSpec, source: str | None) -> ResolvedSource:
    """Raises: UsageError if nothing is given and this task has no embedded sample."""
    if source is not None:
        return ResolvedSource("given", source)
    tried = []
    root = data_root()
    if root is not None:
        folder = root / (spec.data_dir or spec.name)
        if folder.exists():
            return ResolvedSource("data_root", str(folder), f"reading {folder} (from the data root)")
        tried.append(f"{folder} does not exist")
    else:
        tried.append("no data root is set (ASD_DATA_ROOT)")
    if spec.hub is None:
        tried.append("no copy on the Hugging Face hub is known")
    elif not hub_reachable():
        tried.append("the Hugging Face hub cannot be reached")
    else:
        return ResolvedSource("hub", f"hf:{spec.hub}", f"reading {spec.hub} from the Hugging Face hub")
    from asd.embedded import EMBEDDED_TASKS

    why = "; ".join(tried)
    if spec.name not in EMBEDDED_TASKS:
        raise UsageError(
            f"task {spec.name!r} needs a source: {why}; and there is no embedded sample of it. Give --source PATH."
        )
    message = f"using the small embedded sample of {spec.name}, drawn by this package, not the data set: {why}"
    return ResolvedSource("embedded", "", message)


def data_root() -> Path | None:
    """$ASD_DATA_ROOT, else `data_root` of the config file. Raises: UsageError if the config file is not readable."""
    if value := os.environ.get("ASD_DATA_ROOT"):
        return Path(value).expanduser()
    if not CONFIG_FILE.is_file():
        return None
    try:
        settings = read_yaml(CONFIG_FILE) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise UsageError(f"{CONFIG_FILE} cannot be read ({exc}). Mend it, or set ASD_DATA_ROOT.") from exc
    root = settings.get("data_root") if isinstance(settings, dict) else None
    return Path(str(root)).expanduser() if root else None


def hub_reachable() -> bool:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        return False
    host = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    try:
        port = host.port or (443 if host.scheme == "https" else 80)
        with socket.create_connection((host.hostname or "", port), timeout=HUB_TIMEOUT_S):
            return True
    except OSError:
        return False
