"""Opens a task's data wherever it is (a file, a folder, a saved or hub data set) and streams its native rows.

The task's own layouts are tried in their order, because they say more than the general ones; then the LLaVA
conversation and flat test layouts, which every task knows. If nothing fits, the error lists what was looked
for and what was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import xxhash

from asd.errors import SourceError, UnknownNameError, UsageError
from asd.plain_files import require_source
from asd.schemas.layout import Layout, near_names
from asd.schemas.styles import AnswerStyle
from asd.schemas.task import TaskSpec
from asd.sources.batch import BATCH_ROWS, NativeBatch, SourceFile
from asd.sources.formats import BadRecord, ReadOptions, base_suffix, detect_format, iterate_records
from asd.sources.image_text import holds_absolute_path, roots_of
from asd.sources.in_order import map_in_order
from asd.sources.layouts import (
    CompiledLayout,
    LayoutMismatchError,
    MainFile,
    compile_layout,
    first_record,
    list_files,
    read_options,
    select_files,
    why_unfit,
)
from asd.sources.line_spans import LineSpan
from asd.sources.messages import looks_like, unread_form
from asd.sources.native_rows import normalise_split, split_in_name
from asd.sources.open_layout import OpenLayout
from asd.sources.parts import PART_BYTES, SPAN_BYTES, PartReader, SourcePart, cut_into_parts, rejoin

__all__ = ["NativeBatch", "Source", "SourceFile", "open_source"]

LLAVA = "llava"
"""Name of the built-in conversation and flat test layouts for --source-format."""
RECORDS_SNIFFED = 1000
_HASH_BLOCK_BYTES = 1 << 20
_LISTED_FILES = 8
_MEDIA_SUFFIXES = frozenset(
    ".jpg .jpeg .png .gif .webp .bmp .tif .tiff .svg .mp4 .avi .mov .mkv .wav .mp3 .pdf .npy .npz .pt .bin .safetensors "
    ".zip .7z .md .py .html .css".split()
)
"""Names under which no records are looked for."""
_DATA_SUFFIXES = (".json", ".jsonl", ".tar", ".ndjson", ".csv", ".tsv", ".txt", ".parquet", ".arrow", "")


class NoFileError(LayoutMismatchError):
    """A layout whose files are not there."""


@dataclass
class Source:
    """One opened source of one task. `batches` may be called again and gives the same rows."""

    spec: TaskSpec
    root: Path
    layout: str
    files: tuple[SourceFile, ...]
    image_root: Path | None
    """Folder that image paths are relative to: as given, else the folder of the files; None for a data set."""
    reader: PartReader = field(repr=False)
    split: str | None = None
    """Only rows of this split are given; rejects are given whatever their split."""
    notes: list[str] = field(default_factory=list)
    """What the user should know of how the files were read (another encoding, files left out); grows while
    reading."""
    roots_in_paths: tuple[str, ...] = ()
    """The image root in all its spellings, where the records have absolute paths that it makes relative."""

    def note(self, text: str) -> None:
        if text not in self.notes:  # a second pass over the files says the same things
            self.notes.append(text)

    def batches(self, batch_rows: int = BATCH_ROWS) -> Iterator[NativeBatch]:
        """Native rows and rejects, in the order of the files. Raises: SourceError where a file cannot be
        read on."""
        return self.arrange(self.pieces(range(len(self.reader.mains)), batch_rows), batch_rows)

    def parts(self, part_bytes: int = PART_BYTES, span_bytes: int = SPAN_BYTES) -> list[SourcePart]:
        """What other processes can read, in order; none where the rows are not in files."""
        sizes = {file.path: file.size_bytes for file in self.files}
        return cut_into_parts(self.reader, sizes, part_bytes, span_bytes)

    def pieces(self, mains: range, batch_rows: int = BATCH_ROWS, span: LineSpan | None = None) -> Iterator[NativeBatch]:
        """What a reader of these main files alone gives, or of a stretch of one."""
        return self.reader.pieces(mains, batch_rows, self.note, {}, span)

    def arrange(self, pieces: Iterable[NativeBatch], batch_rows: int = BATCH_ROWS) -> Iterator[NativeBatch]:
        """The source's batches from the pieces of all its parts in order, which may have more columns."""
        whole = rejoin(pieces, batch_rows)
        return whole if self.split is None else self._of_split(whole, self.split)

    def _of_split(self, batches: Iterable[NativeBatch], split: str) -> Iterator[NativeBatch]:
        wanted, seen, kept = normalise_split(split), Counter[str](), 0
        for batch in batches:
            splits = batch.table["split"]
            for entry in splits.value_counts().to_pylist():
                seen[entry["values"]] += entry["counts"]
            table = batch.table.filter(pc.equal(splits, wanted))
            kept += table.num_rows
            yield NativeBatch(table, batch.rejects)
        if seen and not kept:
            counted = ", ".join(f"{name}: {count} rows" for name, count in sorted(seen.items()))
            raise SourceError(
                f"{self.root}: no row of split {wanted!r} (found {counted}). Name one of these splits, or none to read all."
            )


def open_source(
    spec: TaskSpec,
    location: Path | str,
    *,
    source_format: str | None = None,
    split: str | None = None,
    image_root: Path | None = None,
    styles: Collection[AnswerStyle] = (),
) -> Source:
    """Finds the layout that fits `location`: a file, a folder, or `hf:NAME` (`hf:NAME#CONFIG`).

    styles: the target styles that are asked for; what only others need is not read.
    Raises: SourceError if nothing is there or no layout fits, UnknownNameError for an unknown
    `source_format`.
    """
    if image_root is not None and not image_root.is_dir():
        above = image_root.parent
        near = near_names(image_root.name, (path.name for path in above.iterdir())) if above.is_dir() else ""
        raise UsageError(
            f"image root {image_root} is not a folder{near or '.'} Give the folder that the image paths of the source are "
            "relative to."
        )
    opening = _Opening(spec.read_for(styles), source_format, split)
    if isinstance(location, str) and location.startswith("hf:"):
        return _rooted(opening.data_set(location, image_root), image_root)
    path = Path(location)
    if not path.exists():
        raise SourceError(f"{path}: there is no such file or folder (source of task {spec.name!r})")
    if not path.is_dir():
        require_source(path)
    if path.is_dir() and _is_saved_data_set(path):
        return _rooted(opening.data_set(str(path), image_root), image_root)
    return _rooted(opening.files(path, image_root), image_root)


def _rooted(source: Source, image_root: Path | None) -> Source:
    """With an image root that was named, and absolute paths in the first records: the source that takes them as below it.

    Only the first records are asked, so that what is read follows from the files and from what is said of the root.
    """
    if image_root is None:
        return source
    try:
        is_absolute = any(map(holds_absolute_path, source.reader.first_images(RECORDS_SNIFFED)))
    except SourceError:  # the reader will say so
        is_absolute = False
    if not is_absolute:
        return source
    roots = roots_of(image_root)
    return replace(source, reader=source.reader.with_image_roots(roots), roots_in_paths=roots)


def _is_saved_data_set(path: Path) -> bool:
    return (path / "dataset_dict.json").is_file() or (
        (path / "state.json").is_file() and (path / "dataset_info.json").is_file()
    )


class _Opening:
    """One attempt to open a source; keeps why each layout did not fit."""

    def __init__(self, spec: TaskSpec, source_format: str | None, split: str | None) -> None:
        self.spec, self.split = spec, split
        self.notes: list[str] = []
        self.problems: list[str] = []
        self.firsts: dict[Any, Any] = {}
        names = [layout.name for layout in spec.layouts]
        if source_format is not None and source_format not in (*names, LLAVA):
            raise UnknownNameError("source format", source_format, (*names, LLAVA), hint=f"(task {spec.name!r})")
        self.layouts = [layout for layout in spec.layouts if source_format in (None, layout.name)]
        self.try_llava = source_format in (None, LLAVA)

    def note(self, text: str) -> None:
        if text not in self.notes:  # a second pass over the files says the same things
            self.notes.append(text)

    # -- files
    # -----------------------------------------------------------------------------------------------------

    def files(self, path: Path, image_root: Path | None) -> Source:
        root = path if path.is_dir() else path.parent
        listed = list_files(root) if path.is_dir() else _siblings(path)
        only = None if path.is_dir() else path.name
        passed: list[str] = []
        for layout in self.layouts:
            try:
                opened = self._try_layout(layout, root, listed, only)
            except LayoutMismatchError as exc:
                self.problems.append(f"layout {layout.name!r}: {exc}")
                if only is None and not isinstance(exc, NoFileError):
                    passed.append(f"layout {layout.name!r} was passed over ({exc})")
                continue
            self._note_passed(passed, layout.name)
            return self._source(root, layout.name, opened.paths(), image_root or root, opened)
        if self.try_llava:
            rels = self._llava_files(root, [only] if only else listed)
            if rels:
                self._note_passed(passed, LLAVA)
                return self._source(root, LLAVA, rels, image_root or root, self._conversations(root, rels))
        raise SourceError(self._nothing_fits(path, root, [only] if only else listed))

    def _note_passed(self, passed: list[str], used: str) -> None:
        if passed:
            self.note(f"{'; '.join(passed)}; layout {used!r} is read. --source-format NAME insists on one")

    def _try_layout(self, layout: Layout, root: Path, listed: list[str], only: str | None) -> OpenLayout:
        compiled = compile_layout(layout, self.spec)
        rels = [only] if only else select_files(listed, layout.files, layout.exclude)
        if not rels:
            globs = layout.files if isinstance(layout.files, str) else ", ".join(layout.files)
            raise NoFileError(f"no file matches {globs}")
        if layout.files == "*":
            rels = self._fitting(compiled, root, rels)
        else:
            problem = self._problem(compiled, root, rels[0])
            if problem:
                raise LayoutMismatchError(problem)
        given = normalise_split(self.split) if self.split else "train"
        mains = [MainFile(rel, root / rel, split=split_in_name(rel) or given) for rel in rels]
        return OpenLayout(compiled, self.spec, root, mains, listed)

    def _fitting(self, compiled: CompiledLayout, root: Path, rels: list[str]) -> list[str]:
        """Of all files, those that fit; for layouts that name no files."""
        problems = {rel: self._problem(compiled, root, rel) for rel in rels}
        fitting = [rel for rel, problem in problems.items() if problem is None]
        if not fitting:
            raise LayoutMismatchError(next(problem for problem in problems.values() if problem))
        for problem in filter(None, problems.values()):
            self.note(f"left out {problem}")
        return fitting

    def _problem(self, compiled: CompiledLayout, root: Path, rel: str) -> str | None:
        problem = None
        if compiled.layout.format in ("csv", "tsv") and base_suffix(rel) not in (".csv", ".tsv"):
            try:
                kind = detect_format(root / rel)
            except SourceError as exc:
                return str(exc)
            if kind not in ("csv", "tsv", "text"):
                return f"{rel}: holds {kind}, and this layout reads {compiled.layout.format}"
        for fields in (compiled.fields, None):  # all columns of a Parquet file only to say which ones it has
            options = read_options(compiled.layout, fields, lambda note: None)
            try:
                record = first_record(iterate_records(root / rel, options, name=rel))
            except SourceError as exc:
                return str(exc)
            problem = why_unfit(compiled, record)
            if problem is None:
                return None
            if record is None and (bad := _first_bad(root, rel, options)):
                problem = f"{problem}; the first is a reject ({bad.reason}: {bad.detail})"
        return f"{rel}: {problem}"

    def _llava_files(self, root: Path, listed: list[str]) -> list[str]:
        from asd.sources import llava

        rels = []
        for rel in listed:
            if base_suffix(rel) in _MEDIA_SUFFIXES:
                continue  # a folder may hold a million images; any other name may hide records, so those are opened
            record = self._peek(root, rel)
            if isinstance(record, dict) and llava.looks_like(record) and _kind(root, rel) in llava.FORMATS:
                rels.append(rel)
        if not rels:
            self.problems.append(f"layout {LLAVA!r}: {self._why_no_conversation()}")
        return rels

    def _why_no_conversation(self) -> str:
        for rel, record in self.firsts.items():
            if isinstance(record, SourceError) and len(self.firsts) == 1:
                return str(record)
            if form := unread_form(record):
                return f"{rel} holds {form}"
        return "no file whose first record is a conversation or a flat question"

    def _peek(self, root: Path, rel: str) -> Any:
        if rel not in self.firsts:
            try:
                self.firsts[rel] = first_record(iterate_records(root / rel, ReadOptions(is_record=looks_like)))
            except SourceError as exc:
                self.firsts[rel] = exc
        return self.firsts[rel]

    def _conversations(self, root: Path, rels: list[str]) -> PartReader:
        from asd.sources.conversations import ConversationFiles

        return ConversationFiles(self.spec, root, tuple(rels), normalise_split(self.split) if self.split else None)

    def _source(self, root: Path, name: str, rels: list[str], image_root: Path | None, reader: PartReader) -> Source:
        files = tuple(map_in_order(lambda rel: _source_file(root, rel), rels))
        return Source(self.spec, root, name, files, image_root, reader, self.split, self.notes)

    def _nothing_fits(self, path: Path, root: Path, listed: list[str]) -> str:
        data = [rel for rel in listed if base_suffix(rel) in _DATA_SUFFIXES]
        seen = "; ".join(_describe(root, rel, self._peek(root, rel)) for rel in data[:_LISTED_FILES])
        more = f"; and {len(data) - _LISTED_FILES} more" if len(data) > _LISTED_FILES else ""
        tried = "\n  ".join(self.problems) or "nothing: the task has no layout of its own"
        return (
            f"{path}: nothing here fits task {self.spec.name!r}.\nLooked for:\n  {tried}\n"
            f"Found: {seen or 'no data file'}{more}.\n"
            "Give another --source, or describe the files in your own task file (asd/sources/LAYOUTS.md)."
        )

    # -- data sets (`datasets`)
    # --------------------------------------------------------------------------------------

    def data_set(self, location: str, image_root: Path | None) -> Source:
        from asd.sources import llava
        from asd.sources.data_sets import load_data_set

        loaded = load_data_set(location, self.split)
        for layout in self.layouts:
            compiled = compile_layout(layout, self.spec)
            mains = loaded.main_files(compiled.fields)
            problem = why_unfit(compiled, first_record(mains[0].records())) if mains[0].records else "no rows"
            needed = [name for name, join in layout.joins.items() if join.required]
            if problem or needed:
                self.problems.append(
                    f"layout {layout.name!r}: {problem or f'needs the file of {needed[0]!r} beside it'}"
                )
                continue
            opened = OpenLayout(compiled, self.spec, loaded.root, mains, [])
            split = self.split if _has_split(layout) else None  # else the split was chosen when loading
            return Source(
                self.spec,
                loaded.root,
                layout.name,
                loaded.files,
                image_root,
                opened,
                split,
                self.notes,
            )
        if self.try_llava:
            records = loaded.main_files(loaded.column_names)[0].records
            first = first_record(records()) if records is not None else None
            if isinstance(first, dict) and llava.looks_like(first):
                from asd.sources.conversations import ConversationDataSet

                reader = ConversationDataSet(self.spec, loaded)
                return Source(self.spec, loaded.root, LLAVA, loaded.files, image_root, reader, None, self.notes)
            self.problems.append(f"layout {LLAVA!r}: the first record is no conversation and no flat question")
        tried = "\n  ".join(self.problems) or "nothing: the task has no layout of its own"
        raise SourceError(
            f"{location}: no layout of task {self.spec.name!r} fits this data set.\nLooked for:\n  {tried}\n"
            f"Found: columns {', '.join(loaded.column_names)}.\n"
            "Describe the columns in a task file of your own (asd/sources/LAYOUTS.md)."
        )


def _has_split(layout: Layout) -> bool:
    return any(columns.split is not None for columns in (layout.columns, *layout.variants))


def _first_bad(root: Path, rel: str, options: ReadOptions) -> BadRecord | None:
    return next(
        (record for _, _, record in iterate_records(root / rel, options, name=rel) if isinstance(record, BadRecord)),
        None,
    )


def _siblings(path: Path) -> list[str]:
    """Files beside a single file, where its joins are looked for."""
    return sorted(entry.name for entry in path.parent.iterdir() if entry.is_file() and not entry.name.startswith("."))


def _source_file(root: Path, rel: str) -> SourceFile:
    digest, size = xxhash.xxh3_128(), 0
    block = memoryview(bytearray(_HASH_BLOCK_BYTES))
    require_source(root / rel)
    try:
        with (root / rel).open("rb", buffering=0) as stream:
            while count := stream.readinto(block):
                digest.update(block[:count])
                size += count
    except OSError as exc:
        raise SourceError(f"{root / rel}: cannot be read ({exc.strerror or exc})") from exc
    return SourceFile(rel, size, digest.hexdigest())


def _kind(root: Path, rel: str) -> str | None:
    try:
        return detect_format(root / rel)
    except SourceError:
        return None


def _describe(root: Path, rel: str, record: Any) -> str:
    try:
        kind = str(detect_format(root / rel))
    except SourceError:
        return f"{rel} (not readable)"
    if isinstance(record, dict):
        keys = ", ".join(list(map(str, record))[:8])
        return f"{rel} ({kind}; fields {keys})"
    return f"{rel} ({kind})"
