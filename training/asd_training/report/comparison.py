"""Runs side by side: grouped by what they do, mean and interval over seeds, differences paired by seed.

Runs with other settings are never averaged together, nor are unfinished ones with finished ones; runs on other task
sequences are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asd_training.config import NOT_IDENTITY
from asd_training.errors import RunError
from asd_training.report.figures import Figure, figures_of, values
from asd_training.report.intervals import Interval, interval
from asd_training.report.published import PublishedRow, published_rows
from asd_training.report.run_page import describe_method
from asd_training.report.run_record import RunRecord, load_record

NOT_A_DIFFERENCE = {*NOT_IDENTITY, "name", "seed", "data.convert.seed", "data.pocket.seed", "train.log_steps"}
"""Settings that runs of one group may differ in: seeds, names, and what changes no answer."""
_PLACES = {"data.root", "data.pocket.folder", "data.image_root", "data.tasks"}
"""Where data is kept. What it is: settings of the conversion, or else the versions of the shards."""


@dataclass(frozen=True)
class Group:
    """Runs that differ by seed alone. unfinished: "3 of 8 tasks", or ""."""

    label: str
    runs: tuple[RunRecord, ...]
    unfinished: str = ""

    @property
    def seeds(self) -> list[int]:
        return [run.results.seed for run in self.runs]

    def interval(self, figure: Figure) -> Interval | None:
        return interval([values(run).get(figure.name) for run in self.runs])


@dataclass(frozen=True)
class Difference:
    """`group` minus `versus`, over the seeds that both have."""

    group: Group
    versus: Group
    seeds: tuple[int, ...]

    def interval(self, figure: Figure) -> Interval | None:
        sides = [
            {run.results.seed: values(run).get(figure.name) for run in side.runs} for side in (self.group, self.versus)
        ]
        pairs = [(sides[0][seed], sides[1][seed]) for seed in self.seeds]
        return interval([None if a is None or b is None else a - b for a, b in pairs])


@dataclass(frozen=True)
class Comparison:
    """differences: of every finished group to the first one; none where no seed is shared."""

    tasks: list[str]
    figures: list[Figure]
    groups: list[Group]
    differences: list[Difference]
    published: list[PublishedRow]
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """Shares in 0..1; null where not evaluated."""
        return {
            "tasks": self.tasks,
            "interval": "95 %, Student's t over seeds; low and high are null for a single seed",
            "groups": [
                {"label": group.label, "finished": not group.unfinished, "seeds": group.seeds,
                 "runs": [str(run.root) for run in group.runs], "figures": self._figures(group),
                 "values": {figure.name: [values(run).get(figure.name) for run in group.runs] for figure in self.figures}}
                for group in self.groups
            ],
            "differences": [
                {"label": difference.group.label, "versus": difference.versus.label, "seeds": list(difference.seeds),
                 "figures": self._figures(difference)}
                for difference in self.differences
            ],
            "published": [row.to_json() for row in self.published],
            "notes": self.notes,
        }  # fmt: skip

    def _figures(self, of: Group | Difference) -> dict[str, Any]:
        intervals = {figure.name: of.interval(figure) for figure in self.figures}
        return {name: estimate.to_json() if estimate else None for name, estimate in intervals.items()}


def compare(roots: Sequence[Path], recipes: Sequence[str] = ()) -> Comparison:
    """recipes: whose published results to show, beside those that the runs' configurations name.

    Raises: RunError for folders that are no runs, given twice, or on other task sequences; AsdError for recipes.
    """
    runs = [load_record(root) for root in _distinct(roots)]
    _require_one_sequence(runs)
    groups = _grouped(runs)
    named = [*(run.config["published"] for run in runs if run.config.get("published")), *recipes]
    published, notes = published_rows(list(dict.fromkeys(named)), runs[0].tasks)
    return Comparison(
        runs[0].tasks, figures_of(runs), groups, _differences(groups), published, [*_notes(runs, groups), *notes]
    )


def _distinct(roots: Sequence[Path]) -> list[Path]:
    seen: dict[Path, Path] = {}
    for root in roots:
        if root.resolve() in seen:
            raise RunError(f"{root} and {seen[root.resolve()]} are the same run; give each run once")
        seen[root.resolve()] = root
    return list(roots)


def _require_one_sequence(runs: Sequence[RunRecord]) -> None:
    if not runs:
        raise RunError("there are no runs to compare; give their folders")
    for run in runs[1:]:
        if run.tasks != runs[0].tasks:
            raise RunError(
                "runs on other task sequences cannot be compared:\n"
                f"  {runs[0].root}: {', '.join(runs[0].tasks)}\n  {run.root}: {', '.join(run.tasks)}"
            )


def _grouped(runs: Sequence[RunRecord]) -> list[Group]:
    """In the order of the runs given; every unfinished run is a group of its own."""
    alike: dict[str, list[RunRecord]] = {}
    for run in runs:
        alone = "" if run.results.finished else str(run.root)
        alike.setdefault(json.dumps([identity(run), alone], sort_keys=True), []).append(run)
    labels = _labels([members[0] for members in alike.values()])
    groups = []
    for label, members in zip(labels, alike.values(), strict=True):
        _require_other_seeds(label, members)
        ordered = tuple(sorted(members, key=lambda run: run.results.seed))
        groups.append(Group(label, ordered, "" if members[0].results.finished else members[0].progress))
    return groups


def identity(run: RunRecord) -> dict[str, Any]:
    """Settings by their full name, without those that runs of one group may differ in."""
    flat = dict(_flat(run.config))
    flat |= {f"{task}.scorer": rule for task, rule in _scorers(run).items()}
    if not (run.config.get("data") or {}).get("convert"):
        flat |= {f"{task}.train": shard_version(run, task, "train") for task in run.tasks}
    hidden = NOT_A_DIFFERENCE | _PLACES
    return {name: value for name, value in flat.items() if name not in hidden}


def _scorers(run: RunRecord) -> dict[str, Any]:
    entries = (run.config.get("data") or {}).get("tasks") or []
    return {str(entry.get("task")): entry.get("scorer") for entry in entries}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, value in settings.items():
        flat += _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(prefix + name, value)]
    return flat


def _labels(firsts: Sequence[RunRecord]) -> list[str]:
    """Method and ASD ratio; where that is the same for two groups, also the settings in which they differ."""
    names = [describe_method(run) for run in firsts]
    labels = []
    for name, run in zip(names, firsts, strict=True):
        twins = [identity(other) for other, also in zip(firsts, names, strict=True) if also == name]
        mine = identity(run)
        keys = sorted({key for twin in twins for key in mine.keys() | twin.keys() if twin.get(key) != mine.get(key)})
        parts = [f"{key}={json.dumps(mine.get(key), ensure_ascii=False)}" for key in keys]
        state = [] if run.results.finished else [f"NOT FINISHED ({run.progress})"]
        labels.append(", ".join([name, *parts, *state]))
    return labels


def _require_other_seeds(label: str, runs: Sequence[RunRecord]) -> None:
    first: dict[int, RunRecord] = {}
    for run in runs:
        twin = first.setdefault(run.results.seed, run)
        if twin is not run:
            raise RunError(
                f"{twin.root} and {run.root} are both {label} with seed {run.results.seed}: two runs of one seed are no "
                "two samples; give one of them"
            )


def _differences(groups: Sequence[Group]) -> list[Difference]:
    whole = [group for group in groups if not group.unfinished]
    differences = []
    for group in whole[1:]:
        shared = tuple(seed for seed in whole[0].seeds if seed in group.seeds)
        if shared:
            differences.append(Difference(group, whole[0], shared))
    return differences


def _notes(runs: Sequence[RunRecord], groups: Sequence[Group]) -> list[str]:
    notes: list[str] = []
    models = list(dict.fromkeys(run.results.model for run in runs))
    if len(models) > 1:
        notes.append(f"The runs start from different models: {', '.join(models)}.")
    for task in runs[0].tasks:
        tests = _versions(runs, task, "test")
        if len(tests) > 1:
            notes.append(f"{task}: the runs were tested on different questions (shard versions {', '.join(tests)}).")
    return notes + [note for group in groups for note in _other_shards(group)]


def _other_shards(group: Group) -> list[str]:
    """Where the same settings and data seeds gave other training shards: the data itself has changed."""
    if len({_data_seeds(run) for run in group.runs}) > 1:
        return []
    versions = {task: _versions(group.runs, task, "train") for task in group.runs[0].tasks}
    return [
        f"{group.label}, {task}: trained on different shards ({', '.join(shards)}) at the same settings."
        for task, shards in versions.items()
        if len(shards) > 1
    ]


def _data_seeds(run: RunRecord) -> tuple[Any, Any]:
    flat = dict(_flat(run.config))
    return flat.get("data.convert.seed"), flat.get("data.pocket.seed")


def _versions(runs: Sequence[RunRecord], task: str, split: str) -> list[str]:
    return sorted({version for run in runs if (version := shard_version(run, task, split))})


def shard_version(run: RunRecord, task: str, split: str) -> str | None:
    """A hash of what is in the shards; None where it is not recorded."""
    location = ((run.facts.get("shards") or {}).get(task) or {}).get(split)
    return str(location).rpartition("@")[2] if location else None
