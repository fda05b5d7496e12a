"""The Jinja environment that templates run in: no objects, no files, no chance, and no more work or text than any template
needs. A template may be somebody else's; ten letters of one can ask for a number of a billion digits.

Bounds, which `docs/limits.md` repeats: whole numbers of MAX_DIGITS digits, texts and lists of MAX_LENGTH that a single
operation makes, MAX_STEPS calls, operations and turns of inner loops a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from asd.lazy_regex import regex

MAX_DIGITS = 100
MAX_LENGTH = 100_000
MAX_STEPS = 100_000
_MAX_BITS = int(MAX_DIGITS * 3.33)
_MAX_WIDTH = 10_000
_RANDOM_FILTERS = ("random",)  # a row must not depend on anything but its sample and the seed
_SIZED_FILTERS = (
    "center",
    "indent",
    "wordwrap",
    "batch",
    "slice",
    "round",
    "format",
    "join",
    "replace",
    "xmlattr",
    "sum",
)
_WIDTH = regex(r"[0-9]{5,}|\*")
_COUNTED = "_counted"
_FORBIDDEN_METHODS = frozenset({"translate", "format_map"})


class TemplateBoundsError(ArithmeticError):
    """A template asks for more than any template needs."""


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """`steps_left` is set before each rendering (`allow`)."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.steps_left = MAX_STEPS
        self.globals.clear()
        for name in _RANDOM_FILTERS:
            self.filters.pop(name, None)
        for name in _SIZED_FILTERS:
            self.filters[name] = _bounded_filter(self.filters[name])
        self.filters["_joined"] = _joined
        self.filters[_COUNTED] = self._counted

    def allow(self, rows: int = 1) -> None:
        """Begin to render so many rows."""
        self.steps_left = MAX_STEPS * rows

    def step(self) -> None:
        """Raises: TemplateBoundsError after too many."""
        self.steps_left -= 1
        if self.steps_left < 0:
            raise TemplateBoundsError(f"more than {MAX_STEPS:,} steps for one row")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Raises: TemplateBoundsError for what would grow beyond all bounds; what the operation itself raises."""
        self.step()
        _require_bounded(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """A method of a text, say. Raises: TemplateBoundsError."""
        self.step()
        name = getattr(obj, "__name__", "")
        if name in _FORBIDDEN_METHODS:
            raise TemplateBoundsError(f"{name}() is not for templates")
        owner = getattr(getattr(obj, "__wrapped__", obj), "__self__", None)  # the sandbox wraps the method `format`
        _require_bounded_call(name, owner, (*args, *kwargs.values()))
        return super().call(context, obj, *args, **kwargs)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for concat in list(tree.find_all(nodes.Concat)):
            _replace(tree, concat, nodes.Filter(nodes.List(concat.nodes), "_joined", [], [], None, None))
        for outer in tree.find_all(nodes.For):
            for inner in outer.find_all(nodes.For):
                if not (isinstance(inner.iter, nodes.Filter) and inner.iter.name == _COUNTED):
                    inner.iter = nodes.Filter(inner.iter, _COUNTED, [], [], None, None)
        tree.set_environment(self)
        return tree

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.step()
            yield item


def _replace(node: nodes.Node, old: nodes.Node, new: nodes.Node) -> None:
    new.set_lineno(old.lineno)
    for parent in [node, *node.find_all(nodes.Node)]:
        for field, value in parent.iter_fields():
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list):
                value[:] = [new if item is old else item for item in value]


def _require_bounded(operator: str, left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length()
        grown = bits * max(right, 1) if operator == "**" else bits + right.bit_length() if operator == "*" else 0
        if grown > _MAX_BITS:
            raise TemplateBoundsError(f"a number of more than {MAX_DIGITS} digits")
        return
    if operator == "*":
        for many, times in ((left, right), (right, left)):
            if isinstance(many, Sized) and isinstance(times, int):
                _require_length(len(many) * times)
    elif operator == "+" and isinstance(left, Sized) and isinstance(right, Sized):
        _require_length(len(left) + len(right))
    elif operator == "%" and isinstance(left, str):
        _require_narrow(left)


def _require_bounded_call(name: str, owner: Any, given: tuple[Any, ...]) -> None:
    if any(isinstance(value, int) and abs(value) > _MAX_WIDTH for value in given):
        raise TemplateBoundsError(f"a number of more than {_MAX_WIDTH:,} given to {name or 'a call'}")
    if isinstance(owner, str):
        if name == "format":
            _require_narrow(owner)
        elif name == "replace" and len(given) > 1:
            _require_length(_replaced_length(owner, given[0], given[1]))
        elif name == "join" and given and isinstance(given[0], list | tuple):
            _require_length(sum(len(str(item)) + len(owner) for item in given[0]))
        elif name == "expandtabs":
            _require_length(owner.count("\t") * (given[0] if given and isinstance(given[0], int) else 8))


def _require_narrow(pattern: str) -> None:
    if _WIDTH.search(pattern):
        raise TemplateBoundsError("a width of more than four digits in a format")


def _require_length(length: int) -> None:
    if length > MAX_LENGTH:
        raise TemplateBoundsError(f"more than {MAX_LENGTH:,} characters or items")


def _replaced_length(text: str, old: Any, new: Any) -> int:
    times = text.count(str(old)) if str(old) else len(text) + 1
    return len(text) + times * len(str(new))


def _joined(parts: list[Any]) -> str:
    """`~`: the texts of its parts, put together."""
    texts = [str(part) for part in parts]
    _require_length(sum(map(len, texts)))
    return "".join(texts)


def _bounded_filter(run: Callable[..., Any]) -> Callable[..., Any]:
    name = run.__name__.removeprefix("do_").removeprefix("sync_do_")

    def bounded(*args: Any, **kwargs: Any) -> Any:
        # Filters that need the environment or the context are given it before the value.
        given = [value for value in args if not isinstance(value, jinja2.Environment | Context | nodes.EvalContext)]
        given += kwargs.values()
        value, rest = (given[0], given[1:]) if given else ("", [])
        if any(isinstance(value, int) and abs(value) > _MAX_WIDTH for value in rest):
            raise TemplateBoundsError(f"a number of more than {_MAX_WIDTH:,} given to the filter {name}")
        if name == "format":
            _require_narrow(str(value))
        elif name == "replace" and len(rest) > 1:
            _require_length(_replaced_length(str(value), rest[0], rest[1]))
        elif name == "join":
            value = value if isinstance(value, list | tuple) else list(value)
            between = len(str(rest[0])) if rest else 0
            _require_length(sum(len(str(item)) + between for item in value))
        elif name == "indent":
            width = rest[0] if rest else 4
            _require_length(
                len(str(value)) + (str(value).count("\n") + 1) * (width if isinstance(width, int) else len(str(width)))
            )
        return run(*args, **kwargs)

    for attribute in ("jinja_pass_arg", "jinja_async_variant"):
        if hasattr(run, attribute):
            setattr(bounded, attribute, getattr(run, attribute))
    return bounded
