"""The judge's prompt: our template, the item as a JSON block that is never an instruction, the schema of the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from asd.errors import TemplateError
from asd.judging.items import Item
from asd.rewrite.request import CompletionRequest, Sampling
from asd.rewrite.sample_data import CLOSE_MARK, OPEN_MARK, as_block
from asd.schemas.reply_models import schema_of
from asd.templating import JUDGE_FOLDER, BlockTemplate, TemplateSet, compile_blocks

BLOCKS, VARIABLES = ("system", "user"), ("data", "form")
FORM = '{"points": 0}'
SCHEMA_NAME = "asd_judge"
_CHARS_PER_TOKEN = 4


class Verdict(BaseModel):
    """The reply that is asked for. Whole points: every guided-decoding backend can hold a model to them."""

    model_config = ConfigDict(frozen=True)

    points: Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """The template of a task family, ready to ask."""

    template: BlockTemplate

    @property
    def reference(self) -> str:
        """Name and hash, as requests and results record it ("judge/_default@1a2b...")."""
        return f"{self.template.name}@{self.template.sha256[:12]}"

    def request(self, item: Item, sampling: Sampling) -> CompletionRequest:
        values: dict[str, Any] = {"data": as_block(item.told()), "form": FORM}
        system, user = (self.template.render(block, values) for block in BLOCKS)
        weight = (len(system) + len(user)) // _CHARS_PER_TOKEN
        return CompletionRequest(
            system, user, (), schema_of(Verdict), SCHEMA_NAME, self.reference, sampling, weight=weight
        )


def load_prompt(family: str, template_dir: Path | None = None) -> JudgePrompt:
    """The prompt for a task family: its own template, else the default one.

    Raises: TemplateError for a template that does not compile or loses the item or the form; UsageError for the folder.
    """
    path = TemplateSet(template_dir).find(JUDGE_FOLDER, family)
    template = compile_blocks(path, f"{JUDGE_FOLDER}/{path.stem}", BLOCKS, VARIABLES, VARIABLES)
    data = f'{OPEN_MARK}\n{{"question": "probe"}}\n{CLOSE_MARK}'
    try:
        system, user = (template.render(block, {"data": data, "form": FORM}) for block in BLOCKS)
    except Exception as error:  # whatever the template's own expressions raise
        raise TemplateError(f"{path}: template fails on a probe item: {type(error).__name__}: {error}") from None
    if data not in user:
        raise TemplateError(f"{path}: the user block loses the item; write {{{{ data }}}} into it")
    if FORM not in system + user:
        raise TemplateError(f"{path}: the form of the reply is lost; write {{{{ form }}}}")
    return JudgePrompt(template)
