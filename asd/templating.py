"""The one Jinja environment, and the templates compiled by it: from the parts of a sample to prompt and
response (`CompiledTemplate`), or to whatever blocks and variables another template folder names (`BlockTemplate`).

A template is one file with two blocks, `prompt` and `response`, and stands alone: no imports, so its sha256
says all that it does. Everything that can be wrong with a template is found by `TemplateSet.check` before
the first row. Data is only ever a value: `{{...}}` inside a question stays text.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import jinja2
import jinja2.meta
from jinja2 import nodes
from jinja2.runtime import Context

from asd.errors import TemplateError, UnknownNameError, UsageError
from asd.plain_files import require_regular
from asd.resources import templates_dir
from asd.schemas.answers import MODELS, PROBE
from asd.schemas.styles import LETTERS, TARGET_STYLES, AnswerStyle
from asd.schemas.task import Family
from asd.template_sandbox import BoundedEnvironment

VARIABLES = ("question", "context", "options", "candidate", "rfp", "letter", "answer", "text")
"""What every template is given. Strings, "" where a style has none; `options` is a list of (letter, text)
pairs."""

BLOCKS = ("prompt", "response")
_ROWS, _ROW = "_rows", "_row"
_FAMILIES: tuple[str, ...] = get_args(Family)
REWRITE_FOLDER = "rewrite"
"""Below a template folder: the prompts of the rewriter, which `asd.rewrite.prompts` compiles."""
REWRITE_NAMES = ("_frame", "judge/choice", "judge/explanation", "self/brief_explanation", "self/detailed_explanation")
"""Templates of the rewriter that belong to no answer style."""
JUDGE_FOLDER = "judge"
"""Below a template folder: the prompts of `asd judge`, which `asd.judging.prompt` compiles."""
_ENV = BoundedEnvironment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
)


class TemplateRowError(Exception):
    """A template fails on the row of this place among those that were given; the message says where in it, and why."""

    def __init__(self, place: int, problem: str) -> None:
        super().__init__(problem)
        self.place = place


@dataclass(frozen=True, slots=True)
class CompiledTemplate:
    """A template that is ready to render rows."""

    name: str
    """`<style>/<file name without ending>`, the same for a built-in file and the user's that replaces it."""
    sha256: str
    path: Path
    lines: Mapping[str, int]
    """Line on which each block starts, for messages."""
    _line_of: Callable[[int], int] = field(repr=False)
    """Line of the compiled code -> line of the template."""
    _blocks: Mapping[str, Callable[[Context], Iterator[str]]] = field(repr=False)
    _prompt: Callable[[Context], Iterator[str]] = field(repr=False)
    _response: Callable[[Context], Iterator[str]] = field(repr=False)
    _many: Mapping[str, Callable[[Context], Iterator[str]]] = field(repr=False)
    """The same blocks, each within a loop over rows."""

    @property
    def reference(self) -> str:
        """Name and content, as shards record it."""
        return f"{self.name}@{self.sha256[:12]}"

    @property
    def is_built_in(self) -> bool:
        """Whether it comes with the package."""
        return self.path.is_relative_to(templates_dir())

    def render(self, values: dict[str, Any]) -> tuple[str, str]:
        """Prompt and response without surrounding white space. `values` must hold all of VARIABLES."""
        _ENV.allow()
        context = Context(_ENV, values, self.name, self._blocks)  # type: ignore[arg-type]
        return "".join(self._prompt(context)).strip(), "".join(self._response(context)).strip()

    def render_all(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[str, str]]:
        """`render` of each row (its values in the order of VARIABLES), several times as quick: the template loops
        over the rows, which saves what starting it costs.

        Row by row where that fails, so results never differ.
        """
        return list(zip(*self.render_columns(rows), strict=True))

    def render_columns(self, rows: Sequence[tuple[Any, ...]]) -> tuple[list[str], list[str]]:
        """`render_all`, all prompts and all responses. Raises: TemplateRowError."""
        try:
            prompts, responses = (self._render_block(name, rows) for name in BLOCKS)
        except Exception:
            prompts = responses = []
        if len(prompts) != len(rows) or len(responses) != len(rows):
            pairs = [self._render_row(place, dict(zip(VARIABLES, row, strict=True))) for place, row in enumerate(rows)]
            return [prompt for prompt, _ in pairs], [response for _, response in pairs]
        return prompts, responses

    def _render_row(self, place: int, values: dict[str, Any]) -> tuple[str, str]:
        try:
            return self.render(values)
        except Exception as error:
            raise TemplateRowError(place, f"{self.raised_at(error)}: template fails: {error}") from error

    def _render_block(self, name: str, rows: Sequence[tuple[Any, ...]]) -> list[str]:
        _ENV.allow(len(rows))
        context = Context(_ENV, {_ROWS: rows}, self.name, self._many)  # type: ignore[arg-type]
        return [text.strip() for text in self._many[name](context)]

    def raised_at(self, error: BaseException) -> str:
        """`file:line` of the template at which rendering raised `error`, or the file where that is unknown."""
        return _raised_at(error, self.path, self._line_of)


@dataclass(frozen=True, slots=True)
class BlockTemplate:
    """A template of any blocks and variables, ready to render one row at a time."""

    name: str
    sha256: str
    path: Path
    _line_of: Callable[[int], int] = field(repr=False, compare=False)
    _blocks: Mapping[str, Callable[[Context], Iterator[str]]] = field(repr=False, compare=False)

    def render(self, block: str, values: dict[str, Any]) -> str:
        """The block's text without surrounding white space; `values` must hold all variables.

        Raises: TemplateError for whatever the template's own expressions raise.
        """
        _ENV.allow()
        context = Context(_ENV, values, self.name, self._blocks)  # type: ignore[arg-type]
        try:
            return "".join(self._blocks[block](context)).strip()
        except Exception as error:
            message = _raised_at(error, self.path, self._line_of)
            raise TemplateError(f"{message}: template fails: {error}") from error


def _raised_at(error: BaseException, path: Path, line_of: Callable[[int], int]) -> str:
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = line_of(trace.tb_lineno)
        trace = trace.tb_next
    return f"{path}:{line}" if line else str(path)


class TemplateSet:
    """The built-in templates, with the files of a user's folder in place of those of the same name.

    Raises: UsageError for a folder that does not exist, UnknownNameError for a file in it that nothing
    would read.
    """

    def __init__(self, template_dir: Path | None = None) -> None:
        self._folders = [templates_dir()]
        self._compiled: dict[Path, CompiledTemplate] = {}
        if template_dir is not None:
            _check_folder(template_dir)
            self._folders.insert(0, template_dir)

    def get(self, style: AnswerStyle, family: str) -> CompiledTemplate:
        """The template for a style and task family, else the style's `_default`.

        Raises: TemplateError if it does not compile, UnknownNameError if the style has no template.
        """
        path = self.find(style.value, family)
        if path not in self._compiled:
            self._compiled[path] = compile_template(path, f"{style.value}/{path.stem}")
        return self._compiled[path]

    def check(self, styles: Iterable[AnswerStyle], family: str) -> None:
        """Compiles and probes every template that these styles need. Raises: TemplateError listing all
        problems."""
        problems: list[str] = []
        for style in styles:
            try:
                problems += probe(self.get(style, family), style)
            except TemplateError as error:
                problems.append(str(error))
        if problems:
            raise TemplateError("\n".join(problems))

    def has_default(self, folder: str) -> bool:
        """Whether a folder of templates has one for families without their own."""
        return any((root / folder / "_default.jinja").is_file() for root in self._folders)

    def find(self, folder: str, family: str) -> Path:
        """File of `folder` for a task family, else its `_default`. Raises: UnknownNameError if it has neither."""
        for stem in (family, "_default"):
            for root in self._folders:
                path = root / folder / f"{stem}.jinja"
                if path.is_file():
                    return path
        have = {path.parent.name for path in self._folders[-1].glob("*/*.jinja")}
        raise UnknownNameError("template for answer style", folder, have)


def compile_template(path: Path, name: str) -> CompiledTemplate:
    """Raises: TemplateError with file and line for bad syntax, an unknown variable, or blocks that are not
    the two."""
    return _compile(_read_source(path), path, name)


@lru_cache(maxsize=32)  # what looks at the templates before the work, and what renders them, are often one process
def _compile(source: str, path: Path, name: str) -> CompiledTemplate:
    try:
        tree = _ENV.parse(source, name, str(path))
        lines = _check_tree(tree, path)
        code = _ENV.compile(tree, name, str(path))
        loops = _compile_loops(source, name, path)
    except jinja2.TemplateSyntaxError as error:  # also unknown filters and tests
        raise TemplateError(f"{path}:{error.lineno}: template does not compile: {error.message}") from None
    template = jinja2.Template.from_code(_ENV, code, {})
    blocks: Any = template.blocks
    digest = hashlib.sha256(source.encode()).hexdigest()
    return CompiledTemplate(
        name,
        digest,
        path,
        lines,
        template.get_corresponding_lineno,
        blocks,
        blocks["prompt"],
        blocks["response"],
        loops,
    )


def compile_blocks(
    path: Path, name: str, blocks: tuple[str, ...], variables: tuple[str, ...], required: Iterable[str]
) -> BlockTemplate:
    """Raises: TemplateError for bad syntax, an unknown variable, a missing block, or a `required` variable that is
    used nowhere."""
    source = _read_source(path)
    try:
        tree = _ENV.parse(source, name, str(path))
        _check_tree(tree, path, blocks, variables)
        used = jinja2.meta.find_undeclared_variables(tree)
        code = _ENV.compile(tree, name, str(path))
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{path}:{error.lineno}: template does not compile: {error.message}") from None
    unused = [variable for variable in required if variable not in used]
    if unused:
        raise TemplateError(f"{path}: the template never uses {', '.join(unused)}, so what it says would be lost")
    template = jinja2.Template.from_code(_ENV, code, {})
    return BlockTemplate(
        name, hashlib.sha256(source.encode()).hexdigest(), path, template.get_corresponding_lineno, template.blocks
    )


def _compile_loops(source: str, name: str, path: Path) -> Mapping[str, Callable[[Context], Iterator[str]]]:
    """The blocks of a template, each within `for <VARIABLES> in rows`, one text a row.

    A row's text is gathered in a variable (`{% set %} ... {% endset %}`) and put out whole: what comes out is a row,
    whatever its text holds, and pieces are joined in a list instead of handed out one by one.
    """
    tree = _ENV.parse(source, name, str(path))
    for block in tree.find_all(nodes.Block):
        row = nodes.Tuple([nodes.Name(variable, "store") for variable in VARIABLES], "store")
        gathered = nodes.AssignBlock(nodes.Name(_ROW, "store"), None, block.body)
        body: list[nodes.Node] = [gathered, nodes.Output([nodes.Name(_ROW, "load")])]
        block.body = [nodes.For(row, nodes.Name(_ROWS, "load"), body, [], None, False)]
    tree.set_environment(_ENV).set_lineno(1)
    template = jinja2.Template.from_code(_ENV, _ENV.compile(tree, name, str(path)), {})
    return template.blocks


def probe(template: CompiledTemplate, style: AnswerStyle) -> list[str]:
    """Renders made-up samples and says what the template loses; [] is good."""
    problems: dict[str, None] = {}
    for values in _probes(style):
        try:
            prompt, response = template.render(values)
        except Exception as error:  # whatever the template's own expressions raise, told with file and line
            problems[f"{template.raised_at(error)}: template fails on a probe sample: {error}"] = None
            continue
        problems |= dict.fromkeys(_lost(template, style, values, prompt, response))
    return list(problems)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UsageError(
            f"template folder {folder} does not exist; expected a folder with <style>/<family>.jinja files"
        )
    files = sorted(folder.rglob("*.jinja"))
    if not files:
        raise UsageError(f"template folder {folder} holds no <style>/<family>.jinja file")
    known = [f"{style.value}/{stem}" for style in TARGET_STYLES for stem in ("_default", *_FAMILIES)]
    known += [f"{REWRITE_FOLDER}/{name}" for name in (*known, *REWRITE_NAMES)]
    known += [f"{JUDGE_FOLDER}/{stem}" for stem in ("_default", *_FAMILIES)]
    for file in files:
        name = file.relative_to(folder).with_suffix("").as_posix()
        _read_source(file)
        if name not in known:
            raise UnknownNameError("template", name, known, hint=f"{file} would never be read.")


def _read_source(path: Path) -> str:
    try:
        require_regular(path)
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path}: template cannot be read: {error}") from None


def _check_tree(
    tree: nodes.Template, path: Path, blocks: Sequence[str] = BLOCKS, variables: Sequence[str] = VARIABLES
) -> dict[str, int]:
    """Line of each block. Raises: TemplateError."""
    lines: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, nodes.Block):
            lines[node.name] = node.lineno
        elif not _is_blank(node):
            raise TemplateError(
                f"{path}:{node.lineno}: stands outside the blocks {' and '.join(blocks)}, "
                f"so it would be lost; move it into one of them (templates stand alone: no imports)"
            )
    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        raise TemplateError(
            f"{path}:{node.lineno}: a template stands alone; it cannot extend, include or import others"
        )
    for name in lines:
        if name not in blocks:
            raise TemplateError(
                f"{path}:{lines[name]}: unknown block {name!r}{_guess(name, blocks)}; expected {' and '.join(blocks)}"
            )
    for name in blocks:
        if name not in lines:
            raise TemplateError(
                f"{path}: block {name!r} is missing; expected {{% block {name} %}} ... {{% endblock %}}"
            )
    _check_variables(tree, path, variables)
    return lines


def _check_variables(tree: nodes.Template, path: Path, variables: Sequence[str]) -> None:
    unknown = jinja2.meta.find_undeclared_variables(tree) - set(variables)
    for node in tree.find_all(nodes.Name):
        if node.name in unknown:
            raise TemplateError(
                f"{path}:{node.lineno}: unknown variable {node.name!r}{_guess(node.name, variables)} "
                f"(a template is given: {', '.join(variables)})"
            )


def _is_blank(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Output) and all(
        isinstance(part, nodes.TemplateData) and not part.data.strip() for part in node.nodes
    )


def _guess(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def _probes(style: AnswerStyle) -> Iterator[dict[str, Any]]:
    for context in ("", "Probe passage: two lamps stand on a shelf."):
        for own in MODELS[style].PROBES:
            values = {**PROBE, "context": context, **own}
            yield values | {"options": list(zip(LETTERS, values["options"], strict=False))}


def _lost(
    template: CompiledTemplate, style: AnswerStyle, values: Mapping[str, Any], prompt: str, response: str
) -> Iterator[str]:
    at_prompt, at_response = (f"{template.path}:{template.lines[name]}: the {name} block" for name in BLOCKS)
    for name in ("question", "context", "candidate"):
        if values[name] and values[name] not in prompt:
            yield f"{at_prompt} loses the {name}; write {{{{ {name} }}}} into it"
    rows = prompt.splitlines()
    if any(not _has_option(rows, letter, text) for letter, text in values["options"]):
        yield (
            f"{at_prompt} loses options or their letters; write "
            f"{{% for letter, option in options %}} {{{{ letter }}}}. {{{{ option }}}} {{% endfor %}}"
        )
    if not prompt.endswith(values["rfp"]):
        lack = "does not end with" if values["rfp"] in prompt else "loses"
        yield f"{at_prompt} {lack} the response-format prompt; write {{{{ rfp }}}} as its last line"
    if "<image>" in prompt + response:
        place = at_prompt if "<image>" in prompt else at_response
        yield f"{place} writes <image>, which is put in front of every prompt already"
    if not _gives_back(style, values, response):
        yield f"{at_response} does not give the answer back: no {style.value} answer is right in {response!r}"


def _has_option(rows: Iterable[str], letter: str, text: str) -> bool:
    return any(text in row and letter in row[: row.index(text)] for row in rows)


def _gives_back(style: AnswerStyle, values: Mapping[str, Any], response: str) -> bool:
    """Whether the answer can be read out of a probe's response; explanations hold it among other words."""
    model, options = MODELS[style], [text for _, text in values["options"]]
    parsed, answer = model.parse(response, options), values["letter"] or values["answer"]
    return answer in str(parsed) if model.IS_STATED else parsed is not None and parsed == model.parse(answer, options)
