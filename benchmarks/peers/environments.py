"""One virtual environment per contender, made once from its pinned requirements."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from .contenders import OURS, Contender

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
MARK = "requirements.sha256"


class NotInstallableError(Exception):
    """The packages could not be installed; holds the installer's last words."""


def python_of(contender: Contender, environments: Path) -> Path:
    return environments / (contender.environment or contender.name) / "bin" / "python"


def prepare(contender: Contender, environments: Path, revision: str | None) -> Path:
    """The environment's Python, made if it is not there. Raises NotInstallableError.

    Ours is installed anew, for its code may have changed: from a git revision, or else from the working tree.
    """
    name = contender.environment or contender.name
    folder, requirements = environments / name, HERE / "requirements" / f"{name}.txt"
    python = python_of(contender, environments)
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    mark = folder / MARK
    if not (mark.is_file() and mark.read_text("ascii") == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([*_pip(python), "-r", str(requirements)])
        mark.write_text(wanted, "ascii")
    if contender.name == OURS or contender.uses_ours:
        _install_ours(python, revision)
    return python


def _install_ours(python: Path, revision: str | None) -> None:
    with tempfile.TemporaryDirectory(prefix="asd-peers-") as name:
        tree = REPOSITORY
        if revision is not None:
            tree = Path(name) / "tree"
            tree.mkdir()
            archive = Path(name) / "tree.tar"
            _run(["git", "archive", "--output", str(archive), revision])
            with tarfile.open(archive) as packed:
                packed.extractall(tree, filter="data")
        _run([*_pip(python), str(tree)])


def commit(revision: str | None) -> str:
    """The commit that ours was installed from, `+` behind it if the working tree held more; empty outside of git."""
    try:
        found = _run(["git", "rev-parse", "--short=12", revision or "HEAD"]).strip()
        changed = _run(["git", "status", "--porcelain", "--untracked-files=no", "--", "asd", "templates"])
    except (NotInstallableError, FileNotFoundError):
        return ""
    return found + ("+" if changed and revision is None else "")


def version(contender: Contender, python: Path) -> str:
    asked = f"import importlib.metadata as m; print(m.version({contender.package!r}))"
    return _run([str(python), "-c", asked]).strip()


def packages(python: Path) -> list[str]:
    """Every package of an environment with its version."""
    asked = "import importlib.metadata as m; print('\\n'.join(f'{d.name}=={d.version}' for d in m.distributions() if d.name))"
    return sorted(set(_run([str(python), "-c", asked]).split()), key=str.lower)


def _pip(python: Path) -> list[str]:
    return [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstallableError(" ".join(done.stderr.split())[-500:])
    return done.stdout
