"""YAML from anywhere as plain values, within bounds: no objects are built, and what a few lines of aliases would grow to
is counted before anything is.

Every YAML file of both packages is read here, so the bounds hold for all of them.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from asd.plain_files import require_regular

MAX_TEXT = 4 << 20
"""Characters."""
MAX_VALUES = 100_000
"""Scalars, lists and mappings, aliases written out."""
MAX_DEPTH = 100
"""Levels of lists and mappings within each other."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser is about ten times as fast


class YamlBoundsError(yaml.YAMLError):
    """The text is YAML, and larger, deeper or more entangled than any file of settings."""


class StrictLoader(_Loader):  # type: ignore[misc]
    """A key that stands twice in one mapping is an error, not a silent overwrite."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            _refuse_repeated(node)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


def _refuse_repeated(node: Any) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value in seen:
            problem = f"key {key.value!r} stands twice"
            raise yaml.constructor.ConstructorError("while reading a mapping", node.start_mark, problem, key.start_mark)
        seen.add(key.value)


def parse_yaml(text: str, loader: Any = _Loader) -> Any:
    """The values of one YAML document, None for an empty one. loader: one of PyYAML's safe ones, or of their kind.

    Raises: yaml.YAMLError for a text that is no YAML, or beyond the bounds.
    """
    parser = loader(_within_length(text))
    try:
        node = parser.get_single_node()
        if node is None:
            return None
        _require_bounded(node)
        return parser.construct_document(node)
    except RecursionError:
        raise YamlBoundsError(f"it nests deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:  # 2001-99-99 is a date by its form, 1 and 5,000 zeros a number
        raise yaml.YAMLError(f"a value in it cannot be read ({error}); put it in quotes") from None
    finally:
        parser.dispose()


def parse_nodes(text: str) -> Any:
    """The tree of nodes, with places, of a text that `parse_yaml` has taken."""
    return yaml.compose(_within_length(text), Loader=_Loader)


def read_yaml(file: Path, loader: Any = _Loader) -> Any:
    """`parse_yaml` of a file. Raises: also OSError, UnicodeDecodeError."""
    return parse_yaml(read_text(file), loader)


def read_text(file: Path) -> str:
    """The text of a file of settings. Raises: OSError, also for what is no regular file; UnicodeDecodeError."""
    require_regular(file)
    with file.open(encoding="utf-8") as stream:
        return stream.read(MAX_TEXT + 1)


def _within_length(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise YamlBoundsError(f"it is longer than {MAX_TEXT:,} characters")
    return text


def _require_bounded(root: Any) -> None:
    """Every node is looked at once: what an alias stands for is counted, not followed again."""
    sizes: dict[int, tuple[int, int]] = {}
    """Node -> values and levels in it, aliases written out."""
    open_nodes: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting[-1]
        if id(node) in sizes:
            waiting.pop()
            continue
        below = _children(node)
        missing = [child for child in below if id(child) not in sizes]
        if missing and id(node) in open_nodes:  # come back to, and still not done: a child is above it
            raise YamlBoundsError(f"line {node.start_mark.line + 1}: an alias stands for what it is itself a part of")
        if missing:
            open_nodes.add(id(node))
            waiting.extend(missing)
            continue
        counts = [sizes[id(child)] for child in below]
        values, levels = 1 + sum(count for count, _ in counts), 1 + max((depth for _, depth in counts), default=0)
        if values > MAX_VALUES or levels > MAX_DEPTH:
            what = f"{MAX_VALUES:,} values" if values > MAX_VALUES else f"{MAX_DEPTH} levels"
            raise YamlBoundsError(
                f"line {node.start_mark.line + 1}: more than {what}, once its aliases are written out"
            )
        sizes[id(node)] = values, levels
        waiting.pop()


def _children(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
