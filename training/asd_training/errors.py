"""What can go wrong in training, as a tree. Messages say what, where, expected, got, and what to do next.

TrainingError         anything this package raises on purpose
├── SettingError      a setting is outside its range, or two settings exclude each other
├── ShapeError        tensors that do not fit together, of a kind that cannot be worked with, or not finite
├── ModelError        the model lacks the layers, adapters or parameters that a method needs
├── NumberError       a loss or a weight is no number any more (NaN, infinity)
├── StateError        a saved state has missing, extra or damaged entries, or belongs to another model
├── TaskDataError     the rows of a task cannot be trained or evaluated on
├── MetricError       an accuracy matrix is malformed, or lacks a cell that a metric needs
├── PredictionError   prediction rows do not pair up by id, or lack what is to be read from them
├── EngineError       the program that writes answers cannot be started, refuses the model, or died
├── RunError          a run folder belongs to another configuration, or is not finished
└── MemoryLimitError  the device or the machine has too little memory for the settings
"""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 5


class TrainingError(Exception):
    """Base of all deliberate errors of this package; `exit_code` is what the command line returns."""

    exit_code = 1


class SettingError(TrainingError):
    exit_code = 2


class ShapeError(TrainingError):
    pass


class ModelError(TrainingError):
    pass


class NumberError(TrainingError):
    pass


class StateError(TrainingError):
    pass


class TaskDataError(TrainingError):
    pass


class MetricError(TrainingError):
    pass


class PredictionError(TrainingError):
    pass


class EngineError(TrainingError):
    pass


class RunError(TrainingError):
    pass


class MemoryLimitError(TrainingError):
    pass


def list_names(names: Iterable[str]) -> str:
    """Sorted names for a message, the first few of many."""
    ordered = sorted(names)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(map(repr, ordered[:_SHOWN])) + more
