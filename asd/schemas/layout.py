"""Layout: where the fields of a data set stand in its files, as data. `asd/sources/LAYOUTS.md` is the manual.

Only the grammar lives here; `asd.sources.expressions` compiles it and `asd.sources.layouts` runs it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Format = Literal["json", "jsonl", "csv", "tsv", "parquet", "arrow_file", "arrow_stream", "tar", "text"]
BoxConvention = Literal[
    "xyxy_pixels", "xywh_pixels", "xyxy_unit", "xywh_unit", "xyxy_permille", "xywh_permille", "yxyx_permille",
    "xyxy_square",
]  # fmt: skip


def near_names(name: str, known: Iterable[str]) -> str:
    """'; did you mean ...?' for a misspelt name, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


class _Strict(BaseModel):
    """Refuses unknown keys with near matches, which Pydantic's own message does not give."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def refuse_unknown_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for key in value:
            if key not in known and key not in cls.model_fields:
                raise ValueError(
                    f"unknown key {key!r} in a {cls.__name__.lower()}{near_names(str(key), known)} "
                    f"(known: {', '.join(sorted(known))})"
                )
        return value


def _expand(value: Any) -> Any:
    """The two shorthands: text with braces is a format, other text a field path; a list is a list of
    expressions."""
    if isinstance(value, str):
        return {"format": value} if "{" in value else {"field": value}
    if isinstance(value, list):
        return {"list": value}
    if isinstance(value, bool | int | float):
        return {"text": str(value)}
    return value


SOURCES = ("field", "text", "format", "first_of", "list", "switch", "pick", "box", "messages")


class Expression(_Strict):
    """How one value is made: exactly one of the sources, then the steps in the order in which they stand
    here."""

    field: str | None = None
    """Path into the record, `a.b.0`; `?` at the end: may be absent. Also `$key`, `$row`, ..., a join or a
    variable."""
    text: str | None = None
    """The same text for every record."""
    format: str | None = None
    """Text with fields in braces, `COCO_{image_id:012d}.jpg`; null if one of its fields is null."""
    first_of: list[Expr] | None = None
    """The first one that is neither null nor empty."""
    list_: list[Expr] | None = Field(default=None, alias="list")
    """A list of these values; lists among them are joined on, nulls are left out."""
    switch: Switch | None = None
    pick: Pick | None = None
    box: BoxSource | None = None
    messages: Messages | None = None

    each: Expr | None = None
    """Replaces every element of a list; the element is `$it` (`$it.name` where it is a record)."""
    find: str | None = None
    """Regular expression: its first group (or all of the match); null where nothing matches."""
    remove: str | None = None
    """Regular expression: what matches is taken out."""
    split: str | None = None
    """Cuts a text into a list at this separator."""
    case: Literal["lower", "upper"] | None = None
    basename: bool = False
    """Last part of a path or an address, without its query."""
    map: dict[str, str] | None = None
    """Replaces values; a value that is not in the table makes the row a reject (`unknown_label`)."""
    numbered: str | None = None
    """Replaces every element of a list by this text with `{n}` = 1, 2, ..."""
    join: str | None = None
    """Makes one text of a list, with this between the parts; empty parts are left out."""
    default: str | None = None
    """Used where the value is null or empty."""

    @model_validator(mode="before")
    @classmethod
    def read_label_keys(cls, value: Any) -> Any:
        """YAML reads yes, no and 0 as something else than text; a label table is always meant as text."""
        if isinstance(value, dict) and isinstance(value.get("map"), dict):
            table: dict[str, str] = {}
            for key, label in value["map"].items():
                table[str(key)] = _label(label)
                if isinstance(key, bool):  # an unquoted yes or no
                    table[_label(key)] = _label(label)
            value = {**value, "map": table}
        return value

    @model_validator(mode="after")
    def has_one_source(self) -> Expression:
        given = [name for name in SOURCES if getattr(self, "list_" if name == "list" else name) is not None]
        if len(given) != 1:
            raise ValueError(f"an expression has exactly one of {', '.join(SOURCES)}; got {', '.join(given) or 'none'}")
        return self


Expr = Annotated[Expression, BeforeValidator(_expand)]


def _label(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


class Switch(_Strict):
    """Takes the expression that belongs to a value; without a match and without `default` the value is
    null."""

    by: Expr
    cases: dict[str, Expr]
    default: Expr | None = None

    @model_validator(mode="before")
    @classmethod
    def read_case_keys(cls, value: Any) -> Any:
        """An unquoted number, yes or no as the text that it was meant to be."""
        if isinstance(value, dict) and isinstance(value.get("cases"), dict):
            value = {**value, "cases": {_label(key): case for key, case in value["cases"].items()}}
        return value


class Pick(_Strict):
    """The element(s) of a list at an index, or at each of a list of indices."""

    from_: Expr = Field(alias="from")
    at: Expr


class BoxSource(_Strict):
    """A bounding box in a named convention; `width` and `height` are the frame's, as numbers or fields."""

    from_: Expr = Field(alias="from")
    convention: BoxConvention
    width: Expr | None = None
    height: Expr | None = None

    @model_validator(mode="after")
    def has_size_where_needed(self) -> BoxSource:
        if self.convention.endswith("_pixels") and (self.width is None or self.height is None):
            raise ValueError(f"convention {self.convention} needs the frame's width and height")
        if (self.width is None) != (self.height is None):
            raise ValueError("give both width and height, or neither")
        return self


class Messages(_Strict):
    """A conversation kept as it is: JSON list of {role, content}, roles renamed by `roles`, `first` put
    before it."""

    from_: Expr = Field(alias="from")
    role: str = "from"
    content: str = "value"
    roles: dict[str, str] = Field(default_factory=dict)
    first: dict[str, Expr] = Field(default_factory=dict)
    """Role -> text, as messages before the first one (tool descriptions, system prompts); nulls are left
    out."""


class Columns(_Strict):
    """Native column -> expression. What is not given keeps its default (see LAYOUTS.md, "Columns")."""

    source_id: Expr | None = None
    split: Expr | None = None
    images: Expr | None = None
    question: Expr | None = None
    context: Expr | None = None
    options: Expr | None = None
    answer_index: Expr | None = None
    gold: Expr | None = None
    accepted: Expr | None = None
    annotators: str | None = None
    """Path to the list of annotators' answers; gives `gold` and `accepted` by vote."""
    response: Expr | None = None
    rfp: Expr | None = None
    rationales: Expr | None = None
    full_answer: Expr | None = None
    solution: Expr | None = None
    ocr_tokens: Expr | None = None
    other_boxes: Expr | None = None
    answer_type: Expr | None = None
    group: Expr | None = None
    passthrough: Expr | None = None
    asked: Expr | None = None


class Join(_Strict):
    """A second file whose records are looked up for each record; its fields are reachable as `<join
    name>.<field>`."""

    files: str | None = None
    """Glob below the source; all that match become one table."""
    pair: list[dict[str, str]] = Field(default_factory=list)
    """Instead of `files`: renamings tried in order on the main file's path; the first file that exists is
    taken."""
    format: Format | None = None
    records: str = ""
    key: Expr | None = None
    """Expression on the joined record; default: its key in a dict, else its number."""
    lookup: Expr
    """Expression on the main record: the key to look up. A list gives a list of values."""
    required: bool = True
    """False: the layout also fits where the file is missing."""
    aligned: bool = False
    """Line n belongs to line n: the numbers of records must be equal."""

    @model_validator(mode="after")
    def has_one_place(self) -> Join:
        if (self.files is None) == (not self.pair):
            raise ValueError("a join needs either files (a glob) or pair (renamings of the main file)")
        return self


class Regions(_Strict):
    """What stands in the picture and where, for the style `bounding_box`; read only where that style is asked for."""

    joins: dict[str, Join] = Field(default_factory=dict)
    """Further files that hold it."""
    of: Expr
    """A list: objects, or words that were read."""
    name: Expr
    """Of one of them, `$it`."""
    box: BoxSource
    """Of one of them, `$it`; one that is no box makes the region unusable, not the row."""


class Layout(_Strict):
    """One way in which the data set is found on disk, and where its fields are. See
    `asd/sources/LAYOUTS.md`."""

    name: str
    """Short name, shown in reports and accepted by --source-format."""
    files: str | list[str] = "*"
    """Glob(s) of the main files below the source, at any depth (`*.json` also finds `a/b.json`); also with
    .gz, .zst."""
    exclude: list[str] = Field(default_factory=list)
    format: Format | None = None
    """Only where detection by content cannot know (a CSV file without a usual name)."""
    csv_columns: list[str] | None = None
    """Column names of a CSV file that has no header line."""
    records: str = ""
    """Where the records are inside a JSON file: `questions`, `data.items`; default: the outermost list or
    dict."""
    one_record_per_file: bool = False
    keys: list[str] = Field(default_factory=list)
    """Further fields that the first record must have for this layout to fit (those that columns use always
    must)."""
    without: list[str] = Field(default_factory=list)
    """Fields that the first record must not have."""
    joins: dict[str, Join] = Field(default_factory=dict)
    explode: dict[str, str] = Field(default_factory=dict)
    """One row per element: name -> path of a list; the element is reachable as `$item.<name>`. Lists run in
    parallel."""
    variables: dict[str, Expr] = Field(default_factory=dict)
    """Values that several columns use, reachable by name."""
    columns: Columns = Field(default_factory=Columns)
    variants: list[Columns] = Field(default_factory=list)
    """One row per entry and record; each entry's columns replace those above."""
    reject_when: dict[str, Expr] = Field(default_factory=dict)
    """Reason -> expression: a record for which it is neither null nor empty becomes a reject with this
    reason."""
    regions: Regions | None = None

    @model_validator(mode="after")
    def names_are_distinct(self) -> Layout:
        more = self.regions.joins if self.regions is not None else {}
        for name in (*self.joins, *more, *self.variables):
            if not name.isidentifier():
                raise ValueError(f"layout {self.name!r}: join or variable name {name!r} is not a plain word")
        if twice := sorted(set(self.joins) & set(more)):
            raise ValueError(f"layout {self.name!r}: {', '.join(twice)} named both in joins and in regions.joins")
        both = sorted({*self.joins, *more} & set(self.variables))
        if both:
            raise ValueError(f"layout {self.name!r}: {', '.join(both)} named both in joins and in variables")
        if self.explode and self.variants:
            raise ValueError(f"layout {self.name!r}: explode and variants cannot be used together")
        return self

    def read_for(self, *, regions: bool) -> Layout:
        """The layout as it is read: with its regions and the files that they need, or without."""
        if self.regions is None or not regions:
            return self.model_copy(update={"regions": None})
        return self.model_copy(update={"joins": {**self.joins, **self.regions.joins}})
