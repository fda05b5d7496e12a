"""The tasks of a run: training and test rows from `asd` shards, converted first where the configuration says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

import asd
from asd.errors import AsdError, UnknownNameError
from asd.schemas.task import TaskSpec
from asd.scoring import find_scorer
from asd.shards.reader import read_batches
from asd.shards.store import Store, split_location
from asd.tasks.registry import load_task
from asd_training.errors import TaskDataError
from asd_training.pocket.source import with_drawn_tasks
from asd_training.training_units import TrainingUnits, Unit

if TYPE_CHECKING:
    from asd_training.config import DataConfig, TaskEntry

_COLUMNS = [
    "id", "task", "images", "question", "options", "prompt", "response", "messages", "native_style", "style", "gold", "accepted",
    "source_file", "source_row", "group", "turn",
]  # fmt: skip


class Rows:
    """Rows of shards, memory-mapped; a row is a dictionary of the columns that training and evaluation use, and of
    `location`, the "DIR@version" that it is from: ids are of a source's own making, two sources may use the same ones.
    """

    def __init__(self, table: pa.Table, location: str = "") -> None:
        self.table, self.location = table, location

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __getitem__(self, number: int) -> dict[str, Any]:
        row: dict[str, Any] = self.table.slice(number, 1).to_pylist()[0]
        return {**row, "location": self.location}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in self.table.to_batches(max_chunksize=1024):
            yield from ({**row, "location": self.location} for row in batch.to_pylist())

    def message_bytes(self) -> npt.NDArray[np.int64]:
        """Per row, the bytes of its messages: no fewer than their tokens."""
        sizes = []
        for chunk in self.table["messages"].chunks:
            lengths = pc.binary_length(chunk.flatten().field("content")).to_numpy(zero_copy_only=False)
            parents = pc.list_parent_indices(chunk).to_numpy()
            sizes.append(np.bincount(parents, weights=lengths, minlength=len(chunk)).astype(np.int64))
        return np.concatenate(sizes) if sizes else np.zeros(0, np.int64)

    def only(self, column: str, value: str) -> Rows:
        return Rows(self.table.filter(pc.equal(self.table[column], value)), self.location)

    def styles(self) -> dict[str, int]:
        """Style -> rows, the styles in alphabetical order."""
        counts = pc.value_counts(self.table["style"]).to_pylist()
        return {entry["values"]: entry["counts"] for entry in sorted(counts, key=lambda entry: str(entry["values"]))}

    def num_converted(self) -> int:
        """Rows in another style than their task's own."""
        return int(pc.sum(pc.not_equal(self.table["style"], self.table["native_style"])).as_py() or 0)

    def at_most(self, count: int | None, unit: Unit = "turn") -> Rows:
        """`count` rows, or the rows of `count` records, chosen by a hash of their ids, in the order they have."""
        units = TrainingUnits(self.table, unit)
        if count is None or count >= len(units):
            return self
        return Rows(self.table.take(units.rows_of_at_most(count)), self.location)


@dataclass(frozen=True)
class Shards:
    """Where rows came from: "DIR@version", image folder, the task's spec, and the share that was converted."""

    location: str
    image_root: Path | None
    spec: TaskSpec
    converted: float
    source: str | None


@dataclass(frozen=True)
class TaskData:
    name: str
    given: str
    """How the configuration names it: a built-in task, or the path of a task YAML."""
    spec: TaskSpec
    scorer: str
    train: Rows
    test: Rows
    """Of the native style only."""
    train_shards: Shards
    test_shards: Shards
    test_split: str
    image_root: Path | None = None
    test_image_root: Path | None = None
    unit: Unit = "turn"

    @cached_property
    def examples(self) -> TrainingUnits:
        """What is trained on: the training rows one by one, or record by record."""
        return TrainingUnits(self.train.table, self.unit, self.train.location)

    def native_responses(self) -> list[str]:
        """The distinct responses of the training rows in native style, sorted."""
        native = self.train.only("style", self.spec.native_style.value)
        return sorted(pc.unique(native.table["response"]).to_pylist())


def load_tasks(
    config: DataConfig,
    pinned: Mapping[str, Mapping[str, str]] | None = None,
    *,
    train: bool = True,
    unit: Unit = "turn",
) -> list[TaskData]:
    """All tasks, checked before any training.

    pinned: task -> {"train", "test"} -> "DIR@version" to read, in place of converting or taking the latest;
    train: False leaves the need for training rows out; unit: what a training example is.
    Raises: TaskDataError that says which task has no rows, no scorer, or shards that cannot be read or made.
    """
    config = with_drawn_tasks(config)
    return [_load_task(entry, config, (pinned or {}).get(entry.name), unit, train=train) for entry in config.tasks]


def _load_task(
    entry: TaskEntry, config: DataConfig, pinned: Mapping[str, str] | None, unit: Unit, *, train: bool
) -> TaskData:
    if pinned is not None:
        train_at, test_at = pinned["train"], pinned["test"]
    else:
        train_at, test_at = _converted(entry, config) if config.convert else _given(entry, config)
    test_split = entry.test_split or config.test_split
    try:
        train_shards, test_shards = describe(train_at), describe(test_at)
        train_rows = _read(train_shards, config.train_split)
        test_rows = _read(test_shards, test_split)
    except AsdError as exc:
        raise _of_task(entry.name, exc, _where_looked(entry, config) if pinned is None else "") from exc
    for shards in (train_shards, test_shards):
        _require_same_task(entry, shards)
    native = test_shards.spec.native_style.value
    test_rows = test_rows.only("style", native).at_most(config.max_test)
    train_rows = train_rows.at_most(config.max_train, unit)
    if train:
        _require_rows(entry.name, train_rows, train_shards, config.train_split, "training rows")
    _require_rows(entry.name, test_rows, test_shards, test_split, f"test rows of the native style {native!r}")
    given = entry.image_root or config.image_root
    return TaskData(
        name=entry.name,
        given=entry.task,
        spec=test_shards.spec,
        scorer=checked_scorer(entry.name, entry.scorer or test_shards.spec.scorer),
        train=train_rows,
        test=test_rows,
        train_shards=train_shards,
        test_shards=test_shards,
        image_root=Path(given) if given else train_shards.image_root,
        test_split=test_split,
        test_image_root=Path(given) if given else test_shards.image_root,
        unit=unit,
    )


def _given(entry: TaskEntry, config: DataConfig) -> tuple[str, str]:
    train = entry.train or str(Path(config.root) / entry.name)
    return train, entry.test or (str(Path(config.test_root) / entry.name) if config.test_root else train)


def _converted(entry: TaskEntry, config: DataConfig) -> tuple[str, str]:
    """The training set with a share in other styles, the test set as it is. Nothing is done where both are there."""
    settings = config.convert
    chosen = settings.model_dump(exclude_none=True) if settings else {}
    chosen |= {"styles": entry.styles} if entry.styles else {}
    root = Path(config.root)
    native = {"ratio": 0.0, "seed": chosen.get("seed", 0)}
    parts = [
        (entry.source, config.train_split, root / entry.name, chosen),
        (entry.test_source or entry.source, entry.test_split or config.test_split, root / f"{entry.name}-test", native),
    ]
    made = []
    for source, split, out, how in parts:
        try:
            done = asd.convert(task=entry.task, source=source, split=split, out=out, image_root=entry.image_root, **how)
        except AsdError as exc:
            raise _of_task(entry.name, exc) from exc
        made.append(f"{done.path}@{done.version}")
    return made[0], made[1]


def describe(location: str) -> Shards:
    """Raises: AsdError if there is no such dataset or version, or this build does not read its format."""
    root, name = split_location(location)
    store = Store(root)
    version = store.resolve(name)
    manifest = store.manifest(version)
    origins = [ref for ref in store.refs().values() if ref.get("version") == version]
    origin: dict[str, Any] = origins[0] if origins else {}
    try:
        spec = TaskSpec.model_validate(manifest.spec)
    except ValueError:  # written by a build whose specs had other fields
        spec = load_task(manifest.task)
    counts = manifest.counts
    return Shards(
        location=f"{root}@{version}",
        image_root=Path(origin["image_root"]) if origin.get("image_root") else None,
        spec=spec,
        converted=counts.converted / counts.samples if counts.samples else 0.0,
        source=origin.get("source") or None,
    )


def _read(shards: Shards, split: str) -> Rows:
    root, version = split_location(shards.location)
    batches = [batch.select(_COLUMNS) for batch in read_batches(root, version, split=split, check_values=False)]
    table = pa.Table.from_batches(batches) if batches else pa.table({name: [] for name in _COLUMNS})
    return Rows(table, shards.location)


def read_rows(location: str, split: str) -> Rows:
    """Rows of "DIR@version". Raises: AsdError if they cannot be read."""
    return _read(describe(location), split)


def _require_rows(task: str, rows: Rows, shards: Shards, split: str, what: str) -> None:
    if not len(rows):
        raise TaskDataError(
            f"task {task!r}: {shards.location}, split {split!r}, has no {what}; "
            "look at it with `asd inspect`, or name another split in the data section"
        )


def _require_same_task(entry: TaskEntry, shards: Shards) -> None:
    """A label of one's own says nothing of how answers are scored, so it needs a rule. Raises: TaskDataError."""
    if entry.scorer is None and entry.task == entry.name != shards.spec.name:
        raise TaskDataError(
            f"task {entry.name!r} has no scorer: {shards.location} was made as task {shards.spec.name!r}; name that task "
            f"in data.tasks, or the rule in the entry of {entry.name!r} (`scorer: {shards.spec.scorer}`)"
        )


def checked_scorer(task: str, rule: str) -> str:
    """Raises: TaskDataError if no scorer has that name."""
    try:
        find_scorer(rule)
    except UnknownNameError as exc:
        raise TaskDataError(
            f"task {task!r} has no scorer: {exc} Name one in its entry of data.tasks (`scorer:`)."
        ) from exc
    return rule


def _where_looked(entry: TaskEntry, config: DataConfig) -> str:
    if entry.train is not None or Path(config.root, entry.name).exists():
        return ""
    return f" A task is looked for in the folder with its name below data.root, now {config.root}."


def _of_task(task: str, exc: AsdError, hint: str = "") -> TaskDataError:
    error = TaskDataError(f"task {task!r}: {exc}{hint}")
    error.exit_code = exc.exit_code
    return error


def missing_images(task: TaskData) -> list[str]:
    """ "<row id>: <path>" of images that are neither embedded nor on the disk."""
    return [*missing_in(task.train, task.image_root), *missing_in(task.test, task.test_image_root)]


def missing_in(rows: Rows, root: Path | None) -> list[str]:
    """The same of any rows, their paths relative to `root`."""
    missing: list[str] = []
    checked: dict[str, bool] = {}
    for row_id, images in zip(rows.table["id"].to_pylist(), _paths(rows.table), strict=True):
        for path in images:
            if path not in checked:
                checked[path] = ((root or Path()) / path).is_file()
            if not checked[path]:
                missing.append(f"{row_id}: {(root or Path()) / path}")
    return missing


def require_images(tasks: Sequence[TaskData]) -> None:
    """Before any training. Raises: TaskDataError with the number of missing images and the first of them."""
    for task in tasks:
        if missing := missing_images(task):
            raise TaskDataError(
                f"task {task.name!r}: {len(missing)} image(s) do not exist, e.g. {missing[0]}; "
                "set data.image_root to the folder that the paths are relative to"
            )


def _paths(table: pa.Table) -> Iterator[list[str]]:
    """Per row, the paths of images without bytes; no bytes are read."""
    for chunk in table["images"].chunks:
        structs = chunk.flatten()
        lengths = pc.fill_null(pc.list_value_length(chunk), 0).to_pylist()
        paths = structs.field("path").to_pylist()
        embedded = pc.is_valid(structs.field("bytes")).to_pylist()
        position = 0
        for length in lengths:
            at = range(position, position + length)
            yield [paths[i] for i in at if not embedded[i]]
            position += length
