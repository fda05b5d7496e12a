"""Prompts of the rewriter: the frame that every request shares, filled with the template of a style and task family.

A style's template (`templates/rewrite/<style>/<family>.jinja`) says what to write; the frame
(`templates/rewrite/_frame.jinja`) says that the sample is data, holds it, and gives the form of the reply, so no
style's template can leave that out. The frame's hash enters the hash of every prompt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from asd.errors import TemplateError
from asd.rewrite.sample_data import CLOSE_MARK, OPEN_MARK
from asd.schemas.styles import WRITTEN_STYLES, AnswerStyle
from asd.styles.table import writing_of
from asd.templating import REWRITE_FOLDER, BlockTemplate, TemplateSet, compile_blocks

FRAME_BLOCKS, FRAME_VARIABLES = ("system", "user"), ("task", "request", "data", "form", "is_batch", "is_retry")
BLOCKS, VARIABLES = ("task", "request"), ("has_image", "count", "words", "min_words", "max_words")
JUDGE = "judge"
SELF = "self"
"""Folder of prompts by style that ask for answer and explanation, and do not tell the answer."""
JUDGE_CHOICE, JUDGE_EXPLANATION = "choice", "explanation"
_REQUIRED: dict[str, tuple[str, ...]] = {style: writing_of(style).prompt_uses for style in WRITTEN_STYLES}


@dataclass(frozen=True, slots=True)
class PromptValues:
    """What a style's template is given."""

    has_image: bool = False
    count: int = 1
    words: int = 0
    min_words: int = 0
    max_words: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template within the frame. `reference` names and hashes both ("rewrite/yes_no/ocr@1a2b...")."""

    frame: BlockTemplate
    template: BlockTemplate

    @property
    def name(self) -> str:
        return self.template.name

    @property
    def sha256(self) -> str:
        return hashlib.sha256(f"{self.frame.sha256}:{self.template.sha256}".encode()).hexdigest()

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.sha256[:12]}"

    def render(
        self, values: PromptValues, data: str, form: str, *, is_batch: bool = False, is_retry: bool = False
    ) -> tuple[str, str]:
        """System and user message. `data`: a block as `sample_data.as_block` makes it."""
        task, request = _render_parts(self.template, values)
        filled: dict[str, Any] = {
            "task": task,
            "request": request,
            "data": data,
            "form": form,
            "is_batch": is_batch,
            "is_retry": is_retry,
        }
        return self.frame.render("system", filled), self.frame.render("user", filled)


@lru_cache(maxsize=256)
def _render_parts(template: BlockTemplate, values: PromptValues) -> tuple[str, str]:
    """Task and request, which no sample changes."""
    given = {name: getattr(values, name) for name in VARIABLES}
    return template.render("task", given), template.render("request", given)


class PromptSet:
    """The rewriter's prompts among a set of templates, compiled when first asked for."""

    def __init__(self, templates: TemplateSet) -> None:
        self._templates = templates
        self._compiled: dict[tuple[str, str], Prompt] = {}
        self._frame: BlockTemplate | None = None

    def get(self, folder: str, family: str) -> Prompt:
        """`folder`: an answer style, or `judge`. Raises: TemplateError if it does not compile, UnknownNameError."""
        if (folder, family) not in self._compiled:
            path = self._templates.find(f"{REWRITE_FOLDER}/{folder}", family)
            name = f"{REWRITE_FOLDER}/{folder}/{path.stem}"
            template = compile_blocks(
                path, name, BLOCKS, VARIABLES, _REQUIRED.get(family if folder == SELF else folder, ())
            )
            self._compiled[folder, family] = Prompt(self._get_frame(), template)
        return self._compiled[folder, family]

    def check(self, styles: Iterable[AnswerStyle], family: str, *, by_self: bool = False) -> None:
        """Compiles and tries every prompt that these styles need. Raises: TemplateError listing all problems."""
        problems: list[str] = []
        for folder, stem in _needed(styles, family, by_self):
            try:
                problems += _probe(self.get(folder, stem))
            except TemplateError as error:
                problems.append(str(error))
        if problems:
            raise TemplateError("\n".join(dict.fromkeys(problems)))

    def hashes(self, styles: Iterable[AnswerStyle], family: str, *, by_self: bool = False) -> dict[str, str]:
        """Name -> sha256 of the prompts that these styles and the judge need."""
        prompts = [self.get(folder, stem) for folder, stem in _needed(styles, family, by_self)]
        return {prompt.name: prompt.sha256 for prompt in prompts}

    def _get_frame(self) -> BlockTemplate:
        if self._frame is None:
            path = self._templates.find(REWRITE_FOLDER, "_frame")
            self._frame = compile_blocks(
                path, f"{REWRITE_FOLDER}/_frame", FRAME_BLOCKS, FRAME_VARIABLES, FRAME_VARIABLES
            )
        return self._frame


def _needed(styles: Iterable[AnswerStyle], family: str, by_self: bool) -> list[tuple[str, str]]:
    judging = [(JUDGE, JUDGE_CHOICE), (JUDGE, JUDGE_EXPLANATION)]
    listed = list(styles)
    unaided = [(SELF, style.value) for style in listed] if by_self else []
    return [*((style.value, family) for style in listed), *unaided, *judging]


def _probe(prompt: Prompt) -> list[str]:
    """Renders the prompt in all its forms and says what it loses; [] is good."""
    problems: list[str] = []
    data, form = f'{OPEN_MARK}\n{{"question": "probe"}}\n{CLOSE_MARK}', '{"probe": "..."}'
    for has_image, is_batch, is_retry in product((False, True), repeat=3):
        values = PromptValues(has_image, 3, 20, 8, 35)
        try:
            system, user = prompt.render(values, data, form, is_batch=is_batch, is_retry=is_retry)
        except Exception as error:  # whatever the template's own expressions raise
            return [f"{prompt.template.path}: template fails on a probe sample: {type(error).__name__}: {error}"]
        if data not in user:
            problems.append(f"{prompt.frame.path}: the user block loses the sample; write {{{{ data }}}} into it")
        if form not in system + user:
            problems.append(f"{prompt.frame.path}: the form of the reply is lost; write {{{{ form }}}}")
    return problems
