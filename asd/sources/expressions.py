"""Compiles the expressions of a layout to functions of one record. No evaluation of code: only paths and
fixed steps."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asd.errors import UsageError
from asd.records import brief
from asd.schemas.boxes import BoxError, canonical_box
from asd.schemas.layout import BoxSource, Expression, Messages, Pick, Regions, Switch, near_names
from asd.sources.annotators import NO_VOTE, Vote, vote

SPECIALS = ("$key", "$row", "$number", "$file", "$name", "$stem", "$folder", "$value", "$item", "$it")
_FILE_SPECIALS = ("$file", "$name", "$stem", "$folder")


class RowError(Exception):
    """This record is no sample; `reason` is the reject's reason."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(slots=True)
class Row:
    """What surrounds the record while its expressions run."""

    file: str = ""
    name: str = ""
    stem: str = ""
    folder: str = ""
    key: str | None = None
    row: int = 0
    item: dict[str, Any] = field(default_factory=dict)
    it: Any = None
    joined: list[Any] = field(default_factory=list)
    """Per join: a tuple of slots, a list of such tuples (the lookup was a list), or None."""


Fn = Callable[[Any, Row], Any]
Step = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    fn: Fn
    per_file: bool
    """The value is the same for all records of a file."""
    is_box: bool = False
    """The value is a box as samples write it."""


def to_text(value: Any) -> str | None:
    """The text of a scalar. Raises: RowError `bad_field` for a list or an object, which no text column can
    hold."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list | tuple | dict):
        raise RowError("bad_field", f"expected text, got {type(value).__name__}: {brief(value)}")
    return str(value)


class Compiler:
    """Compiles the expressions of one layout, and collects what they need of the files.

    `needs`: paths that the first record must have; `fields`: top-level fields in use; `slots`: per join, the
    functions whose results are kept of each joined record (so that only these stay in memory).
    """

    def __init__(self, layout: str, joins: Sequence[str] = (), variables: Mapping[str, Expression] | None = None):
        self.layout = layout
        self.join_names = tuple(joins)
        self.variables = dict(variables or {})
        self.needs: list[str] = []
        self.fields: set[str] = set()
        self.slots: dict[str, list[Fn]] = {name: [] for name in joins}
        self._slot_keys: dict[tuple[str, str], int] = {}
        self.join_needs: dict[str, list[str]] = {name: [] for name in joins}
        self._per_file = True
        self._optional = 0
        self._open_variables: list[str] = []

    def compile(self, expr: Expression) -> Compiled:
        """Raises: UsageError if the expression names something that cannot be."""
        self._per_file = True
        fn = self.expression(expr)
        return Compiled(fn, self._per_file, expr.box is not None)

    def expression(self, expr: Expression) -> Fn:
        fn = self._source(expr)
        steps = self._steps(expr)
        if expr.each is not None:
            fn = _each(fn, self._loosely(expr.each))
        if not steps and expr.default is None:
            return fn
        if len(steps) == 1 and expr.default is None:
            return _one_step(fn, steps[0])
        return _stepped(fn, tuple(steps), expr.default)

    def _loosely(self, expr: Expression) -> Fn:
        """Compiles an expression whose fields need not be in the first record."""
        self._optional += 1
        try:
            return self.expression(expr)
        finally:
            self._optional -= 1

    def _source(self, expr: Expression) -> Fn:
        if expr.field is not None:
            return self.path(expr.field)
        if expr.text is not None:
            text = expr.text
            return lambda rec, row: text
        if expr.format is not None:
            return self._format(expr.format)
        if expr.first_of is not None:
            return _first_of(tuple(self._loosely(part) for part in expr.first_of))
        if expr.list_ is not None:
            return _list(tuple(self.expression(part) for part in expr.list_))
        if expr.switch is not None:
            return self._switch(expr.switch)
        if expr.pick is not None:
            return self._pick(expr.pick)
        if expr.box is not None:
            return self._box(expr.box)
        if expr.messages is not None:
            return self._messages(expr.messages)
        raise UsageError(f"layout {self.layout!r}: an expression without a source")

    # -- sources
    # ---------------------------------------------------------------------------------------------------

    def path(self, path: str) -> Fn:
        """The value at a path; null where it is absent."""
        optional = path.endswith("?")
        path = path.rstrip("?")
        root, *rest = path.split(".")
        if not root:
            raise UsageError(f"layout {self.layout!r}: {path!r} is no field path")
        if root.startswith("$"):
            return _walk(self._special(root), rest)
        if root in self.variables:
            return _walk(self._variable(root), rest)
        self._per_file = False
        if root in self.slots:
            return self._join_slot(root, ".".join(rest) + ("?" if optional else ""), None)
        self.fields.add(root)
        if not optional and not self._optional:
            self.needs.append(path)
        if not rest:
            return _field(root)
        return _walk(_field(root), rest)

    def annotators(self, path: str) -> Callable[[Any, Row], Vote]:
        """The vote over a list of annotators' answers; a joined list is counted when its file is read."""
        root, _, rest = path.partition(".")
        if root in self.slots:
            self._per_file = False
            slot = self._join_slot(root, rest, vote)
            return lambda rec, row: slot(rec, row) or NO_VOTE
        fn = self.path(path)
        return lambda rec, row: vote(_as_list(fn(rec, row)))

    def _special(self, root: str) -> Fn:
        if root not in SPECIALS:
            raise UsageError(
                f"layout {self.layout!r}: no {root!r}{near_names(root, SPECIALS)} (known: {', '.join(SPECIALS)})"
            )
        if root not in _FILE_SPECIALS:
            self._per_file = False
        if root == "$value":
            return lambda rec, row: rec
        name = root[1:]
        if name == "number":
            return lambda rec, row: row.row + 1
        if name == "item":
            return lambda rec, row: row.item
        return lambda rec, row: getattr(row, name)

    def _variable(self, name: str) -> Fn:
        if name in self._open_variables:
            chain = " -> ".join((*self._open_variables, name))
            raise UsageError(f"layout {self.layout!r}: variables refer to each other in a circle: {chain}")
        self._open_variables.append(name)
        outer, self._per_file = self._per_file, True
        try:
            fn = self.expression(self.variables[name])
            return _once_a_file(fn) if self._per_file else fn
        finally:
            self._per_file = outer and self._per_file
            self._open_variables.pop()

    def _join_slot(self, join: str, path: str, transform: Callable[[Any], Any] | None) -> Fn:
        slot_key = (join, f"{path}|{transform is not None}")
        if slot_key not in self._slot_keys:
            self._slot_keys[slot_key] = len(self.slots[join])
            self.slots[join].append(self._slot_value(join, path, transform))
        number, slot = self.join_names.index(join), self._slot_keys[slot_key]

        def read(rec: Any, row: Row) -> Any:
            joined = row.joined[number]
            if joined is None:
                return None
            return [entry[slot] for entry in joined] if type(joined) is list else joined[slot]

        return read

    def _slot_value(self, join: str, path: str, transform: Callable[[Any], Any] | None) -> Fn:
        optional, path = path.endswith("?"), path.rstrip("?")
        if not path:
            value: Fn = lambda rec, row: rec  # noqa: E731  (one function type for all branches)
        else:
            if not optional and not self._optional:
                self.join_needs[join].append(path)
            root, *rest = path.split(".")
            value = _walk(_field(root), rest)
        if transform is None:
            return value
        return lambda rec, row: transform(value(rec, row))

    def _format(self, text: str) -> Fn:
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as exc:
            raise UsageError(f"layout {self.layout!r}: format {text!r}: {exc}") from exc
        pieces: list[tuple[str, Fn | None, str]] = []
        for literal, name, spec, conversion in parts:
            if name is None:
                pieces.append((literal, None, ""))
                continue
            if conversion or "{" in (spec or "") or not name:
                raise UsageError(
                    f"layout {self.layout!r}: format {text!r}: {{{name}}} may have a field and a plain format only"
                )
            pieces.append((literal, self.path(name), spec or ""))
        return _format(text, tuple(pieces))

    def _switch(self, switch: Switch) -> Fn:
        by = self.expression(switch.by)
        cases = {key: self._loosely(expr) for key, expr in switch.cases.items()}
        default = self._loosely(switch.default) if switch.default is not None else None

        def run(rec: Any, row: Row) -> Any:
            case = cases.get(to_text(by(rec, row)) or "", default)
            return None if case is None else case(rec, row)

        return run

    def _pick(self, pick: Pick) -> Fn:
        source, at = self.expression(pick.from_), self.expression(pick.at)

        def run(rec: Any, row: Row) -> Any:
            values, index = source(rec, row), at(rec, row)
            if values is None or index is None:
                return None
            if isinstance(index, list):
                return [_element(values, i) for i in index]
            return _element(values, index)

        return run

    def _box(self, box: BoxSource) -> Fn:
        source, convention = self.expression(box.from_), box.convention
        width = self.expression(box.width) if box.width is not None else None
        height = self.expression(box.height) if box.height is not None else None

        def run(rec: Any, row: Row) -> Any:
            try:
                size = None
                if width is not None and height is not None:
                    size = (_number(width(rec, row), "width"), _number(height(rec, row), "height"))
                return canonical_box(source(rec, row), convention, size)
            except BoxError as exc:
                raise RowError(exc.reason, str(exc)) from exc

        return run

    def regions(self, regions: Regions) -> dict[str, Compiled]:
        """The columns of regions: a name and a box for each, "" where there is none."""
        self._per_file = False
        every, name, box = self._loosely(regions.of), self._loosely(regions.name), self._loosely_boxed(regions.box)

        def named(rec: Any, row: Row) -> str:
            return to_text(name(rec, row)) or ""

        def boxed(rec: Any, row: Row) -> str:
            try:
                return str(box(rec, row))
            except RowError:
                return ""

        return {
            "region_names": Compiled(_each(every, named), False),
            "region_boxes": Compiled(_each(every, boxed), False),
        }

    def _loosely_boxed(self, box: BoxSource) -> Fn:
        self._optional += 1
        try:
            return self._box(box)
        finally:
            self._optional -= 1

    def _messages(self, messages: Messages) -> Fn:
        source = self.expression(messages.from_)
        first = [(role, self.expression(expr)) for role, expr in messages.first.items()]
        role_key, content_key, roles = messages.role, messages.content, messages.roles

        def run(rec: Any, row: Row) -> Any:
            turns = source(rec, row)
            if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
                raise RowError("bad_field", f"expected a list of messages, got {brief(turns)}")
            out = [{"role": role, "content": text} for role, fn in first if (text := to_text(fn(rec, row)))]
            for turn in turns:
                role = to_text(turn.get(role_key)) or ""
                out.append({"role": roles.get(role, role), "content": to_text(turn.get(content_key)) or ""})
            return json.dumps(out, ensure_ascii=False)

        return run

    # -- steps
    # -----------------------------------------------------------------------------------------------------

    def _steps(self, expr: Expression) -> list[Step]:
        steps: list[Step] = []
        if expr.find is not None:
            steps.append(_on_text(_find(self._regex(expr.find))))
        if expr.remove is not None:
            remove = self._regex(expr.remove)
            steps.append(_on_text(lambda text: remove.sub("", text)))
        if expr.split is not None:
            separator = expr.split
            steps.append(lambda value: _split(value, separator))
        if expr.case is not None:
            steps.append(_on_text(str.lower if expr.case == "lower" else str.upper))
        if expr.basename:
            steps.append(_on_text(_basename))
        if expr.map is not None:
            steps.append(_on_text(_map(expr.map)))
        if expr.numbered is not None:
            pattern = expr.numbered
            steps.append(lambda value: [pattern.replace("{n}", str(n)) for n, _ in enumerate(_as_list(value), start=1)])
        if expr.join is not None:
            glue = expr.join
            steps.append(lambda value: glue.join(text for part in _as_list(value) if (text := to_text(part))))
        return steps

    def _regex(self, pattern: str) -> re.Pattern[str]:
        try:
            return re.compile(pattern)
        except re.error as exc:
            raise UsageError(f"layout {self.layout!r}: {pattern!r} is no regular expression: {exc}") from exc


def _once_a_file(fn: Fn) -> Fn:
    """The same, worked out for the first record of each file."""
    known: dict[str, Any] = {}

    def read(rec: Any, row: Row) -> Any:
        if row.file not in known:
            known.clear()
            known[row.file] = fn(rec, row)
        return known[row.file]

    return read


def _field(name: str) -> Fn:
    def read(rec: Any, row: Row) -> Any:
        return rec.get(name) if type(rec) is dict else None

    return read


def _walk(fn: Fn, parts: Sequence[str]) -> Fn:
    if not parts:
        return fn
    keys = [(part, int(part) if part.lstrip("-").isdigit() else None) for part in parts]

    def read(rec: Any, row: Row) -> Any:
        value = fn(rec, row)
        for name, index in keys:
            if type(value) is dict:
                value = value.get(name) if name != "*" else list(value.values())
            elif index is not None and isinstance(value, list | tuple) and -len(value) <= index < len(value):
                value = value[index]
            else:
                return None
        return value

    return read


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as exc:
        raise RowError("bad_box", f"the image {name} is {value!r}") from exc


def _element(values: Any, index: Any) -> Any:
    try:
        number = int(index)
    except (TypeError, ValueError) as exc:
        raise RowError("bad_index", f"{index!r} is no index") from exc
    if not isinstance(values, list) or not 0 <= number < len(values):
        size = len(values) if isinstance(values, list) else 0
        raise RowError("bad_index", f"index {number} of a list of {size}")
    return values[number]


def _each(fn: Fn, inner: Fn) -> Fn:
    def run(rec: Any, row: Row) -> Any:
        values, outer = fn(rec, row), row.it
        if values is None:
            return None
        out = []
        for row.it in _as_list(values):
            out.append(inner(rec, row))
        row.it = outer
        return out

    return run


def _one_step(fn: Fn, step: Step) -> Fn:
    def run(rec: Any, row: Row) -> Any:
        value = fn(rec, row)
        return None if value is None else step(value)

    return run


def _stepped(fn: Fn, steps: tuple[Step, ...], default: str | None) -> Fn:
    def run(rec: Any, row: Row) -> Any:
        value = fn(rec, row)
        for step in steps:
            if value is None:
                break
            value = step(value)
        return default if default is not None and _is_empty(value) else value

    return run


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == []


def _first_of(parts: tuple[Fn, ...]) -> Fn:
    def run(rec: Any, row: Row) -> Any:
        for part in parts:
            value = part(rec, row)
            if not _is_empty(value):
                return value
        return None

    return run


def _list(parts: tuple[Fn, ...]) -> Fn:
    def run(rec: Any, row: Row) -> Any:
        out: list[Any] = []
        for part in parts:
            value = part(rec, row)
            if isinstance(value, list):
                out.extend(value)
            elif value is not None:
                out.append(value)
        return out

    return run


def _format(text: str, pieces: tuple[tuple[str, Fn | None, str], ...]) -> Fn:
    def run(rec: Any, row: Row) -> Any:
        out = []
        for literal, fn, spec in pieces:
            if literal:
                out.append(literal)
            if fn is None:
                continue
            value = fn(rec, row)
            if value is None:
                return None
            out.append(_formatted(value, spec, text) if spec else to_text(value) or "")
        return "".join(out)

    return run


def _formatted(value: Any, spec: str, text: str) -> str:
    try:
        if spec[-1] == "d" and not isinstance(value, int):
            value = int(value)  # ids are numbers in one release and digits in the next
        return format(value, spec)
    except (TypeError, ValueError) as exc:
        raise RowError("bad_field", f"{value!r} does not fit the format {text!r}") from exc


def _on_text(step: Callable[[str], str | None]) -> Step:
    """Runs a step on a text, or on each text of a list (nulls among the results are left out)."""

    def run(value: Any) -> Any:
        if isinstance(value, str):
            return step(value)
        if isinstance(value, list):
            results = [step(text) for part in value if (text := to_text(part)) is not None]
            return [result for result in results if result is not None]
        text = to_text(value)
        return None if text is None else step(text)

    return run


def _find(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    group = 1 if pattern.groups else 0

    def run(text: str) -> str | None:
        match = pattern.search(text)
        return match.group(group) if match else None

    return run


def _split(value: Any, separator: str) -> list[str]:
    text = to_text(value) or ""
    return [part.strip() for part in text.split(separator) if part.strip()]


def _basename(text: str) -> str:
    return re.split(r"[?#]", text, maxsplit=1)[0].rstrip("/").rsplit("/", 1)[-1]


def _map(table: Mapping[str, str]) -> Callable[[str], str]:
    def run(text: str) -> str:
        try:
            return table[text]
        except KeyError:
            known = ", ".join(list(table)[:8])
            raise RowError("unknown_label", f"{text!r} is not one of {known}") from None

    return run


def missing_path(record: Any, path: str) -> str | None:
    """Why `path` cannot be followed in `record`, or None if it can (a null or a short list on the way is
    fine)."""
    value = record
    for depth, part in enumerate(path.split(".")):
        if value is None or isinstance(value, list):
            return None
        inside = f"{'.'.join(path.split('.')[:depth])!r} of " if depth else ""
        if not isinstance(value, dict):
            return f"{inside}the first record is no object, so it has no field {part!r}"
        if part not in value:
            keys = list(map(str, value))
            return (
                f"no field {part!r} in {inside}the first record"
                f"{near_names(part, keys)} (it has: {', '.join(keys[:16]) or 'nothing'})"
            )
        value = value[part]
    return None
