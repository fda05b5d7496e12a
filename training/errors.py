"""What can go wrong in training, as a tree. Messages say what, where, expected, got, and what to do next.

TrainingError         anything this package raises on purpose
├── SettingError      a setting is outside its range, or two settings exclude each other
├── ShapeError        tensors that do not fit together, of a kind that cannot be worked with, or not finite
├── ModelError        the model lacks the layers, adapters or parameters that a method needs
└── StateError        a saved state has missing, extra or damaged entries, or belongs to another model
"""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 5


class TrainingError(Exception):
    """Base of all deliberate errors of this package."""


class SettingError(TrainingError):
    pass


class ShapeError(TrainingError):
    pass


class ModelError(TrainingError):
    pass


class StateError(TrainingError):
    pass


def list_names(names: Iterable[str]) -> str:
    """Sorted names for a message, the first few of many."""
    ordered = sorted(names)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(map(repr, ordered[:_SHOWN])) + more
