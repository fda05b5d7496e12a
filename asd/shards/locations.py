"""Where versions are when a folder of several datasets is named: a recipe's output, or asd-data itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from asd.errors import AsdError, UsageError
from asd.shards.store import VERSIONS, Store, split_location


def datasets_below(location: str) -> list[str]:
    """The location itself; or, of a folder that is no dataset and holds some, those, each with the version that was named.

    Whatever is neither comes back as it is: `Store.require` says what is wrong with it.
    """
    root, version = split_location(location)
    if (root / VERSIONS).is_dir() or not root.is_dir():
        return [location]
    inside = sorted(path for path in root.iterdir() if (path / VERSIONS).is_dir())
    return [f"{path}@{version}" if version else str(path) for path in inside] or [location]


def pairs_below(left: str, right: str) -> Iterator[tuple[str, str]]:
    """The two locations; or, of two folders of several datasets, those of one name, e.g. the same task of two recipes.

    Raises: UsageError if only one of them holds several, or none is in both.
    """
    of_left, of_right = datasets_below(left), datasets_below(right)
    if len(of_left) == len(of_right) == 1:
        yield of_left[0], of_right[0]
        return
    names = {split_location(location)[0].name: location for location in of_right}
    pairs = [(location, names[name]) for location in of_left if (name := split_location(location)[0].name) in names]
    if not pairs:
        shown = [", ".join(split_location(location)[0].name for location in side) for side in (of_left, of_right)]
        raise UsageError(
            f"{left} holds {shown[0]}, and {right} holds {shown[1]}: no dataset is in both. Name one on each side."
        )
    yield from pairs


def dataset_of_task(location: str, task: str) -> str:
    """The location; or, of a folder of several datasets, the one of this task. Raises: UsageError unless one fits."""
    datasets = datasets_below(location)
    if len(datasets) == 1:
        return datasets[0]
    tasks = {dataset: _task_of(dataset) for dataset in datasets}
    fitting = [dataset for dataset, name in tasks.items() if name == task]
    if len(fitting) != 1:
        held = ", ".join(f"{split_location(dataset)[0].name} ({name})" for dataset, name in tasks.items())
        raise UsageError(
            f"{location} holds several datasets, {len(fitting) or 'none'} of task {task}: {held}. Name one of them."
        )
    return fitting[0]


def _task_of(location: str) -> str:
    root, version = split_location(location)
    with suppress(AsdError):  # what is wrong with it is told where it is asked for
        store = Store(Path(root))
        return store.manifest(store.resolve(version)).task
    return "not readable"
