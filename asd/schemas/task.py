"""TaskSpec: all that the pipeline must know about a data set, as data. One YAML file is one task."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from asd.schemas.layout import BoxConvention, Layout
from asd.schemas.styles import TARGET_STYLES, AnswerStyle, Maker

__all__ = ["Family", "Layout", "TaskSpec"]

Family = Literal["vqa", "ocr", "classification", "science", "grounding", "statement", "caption", "chart", "text"]

NOT_GIVEN = "not given"
"""Stands where a reader would look for what a task does not say of its data."""


MIN_ANSWER_SET = 2


class TaskSpec(BaseModel):
    """A task: its native style, how its files are read, what its samples can become and by which maker."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]*$")
    title: str | None = None
    """For people; without it they read the name."""
    description: str = ""
    family: Family
    """Chooses the template: templates/<style>/<family>.jinja, else templates/<style>/_default.jinja."""
    benchmarks: list[str] = Field(default_factory=list)
    """Benchmarks that hold this task: coin, coast-domain, ucit, mllm-dcl, ..."""
    native_style: AnswerStyle
    question: str | None = None
    """The question asked of every sample where the source has none (image classification, captions)."""
    layouts: list[Layout] = Field(default_factory=list)
    """Tried in order; the LLaVA/CoIN conversation layout is known for every task and need not be listed."""
    boxes: BoxConvention | None = None
    """How answers in conversations write boxes, where not as samples do: corners in 0..1 of the padded square. Boxes
    in pixels need the fields `width` and `height` in each record."""
    box_of: Literal["answer", "any"] = "answer"
    """The style `bounding_box` asks for what the answer names, or for anything that stands in the picture once."""
    styles: dict[AnswerStyle, list[Maker]] = Field(default_factory=dict)
    """Target style -> makers that can make it, in order of trust. `rewriter` needs a language model."""
    rfps: dict[str, list[str]] = Field(default_factory=dict)
    """Response-format prompts by style (paraphrases). Missing keys come from asd/tasks/_defaults.yaml."""
    labels: str | None = None
    """File (relative to the source) that lists the closed set of labels, if the task has one."""
    placeholders: list[str] = Field(default_factory=list)
    """Answers of the source that say that there is none, beside the usual ones ("<no answer>", "n/a"); rows with them keep
    their native style."""
    answer_sets: dict[str, list[str]] = Field(default_factory=dict)
    """Closed sets of answers by a name of one's choice ("genre": ["Law", "Travel"]): beside an answer of a set stand only
    other answers of that set."""
    overlapping_answers: list[list[str]] = Field(default_factory=list)
    """Lists of answers of which several may be right at once (["Romance", "Literature"]): none is offered as wrong where
    another one of its list is right."""
    scorer: str
    licence: str | None = None
    """Of the data. Without it `asd push` refuses, and the dataset card says that it is not given."""
    citation: str | None = None
    """How to cite the data."""
    homepage: str = ""
    hub: str | None = None
    """Name on the Hugging Face hub, used when no source is given and no data root is set."""
    data_dir: str | None = None
    """Folder of this task below the data root; defaults to `name`."""

    _reads_regions: bool = PrivateAttr(default=False)

    @property
    def reads_regions(self) -> bool:
        """Whether it is read what stands where; `read_for` decides."""
        return self._reads_regions

    def read_for(self, styles: Collection[AnswerStyle]) -> TaskSpec:
        """The task as its source is read for these target styles: what only others need is left unread."""
        regions = AnswerStyle.BOUNDING_BOX in styles
        task = self.model_copy(update={"layouts": [layout.read_for(regions=regions) for layout in self.layouts]})
        task._reads_regions = regions
        return task

    @model_validator(mode="after")
    def validate_styles(self) -> TaskSpec:
        for style in self.styles:
            if style not in TARGET_STYLES:
                raise ValueError(
                    f"styles: {style.value!r} can be native but not a target; targets: {', '.join(TARGET_STYLES)}"
                )
            if style == self.native_style:
                raise ValueError(f"styles: {style.value!r} is the native style, so nothing converts to it")
        owner: dict[str, str] = {}
        for name, answers in self.answer_sets.items():
            if len(answers) < MIN_ANSWER_SET:
                raise ValueError(f"answer_sets: {name!r} has {len(answers)} answers, expected {MIN_ANSWER_SET} or more")
            for answer in answers:
                if (other := owner.setdefault(answer.strip().casefold(), name)) != name:
                    raise ValueError(
                        f"answer_sets: {answer!r} stands in {other!r} and in {name!r}; one set may hold it"
                    )
        return self
