"""Prepares a conversion before any work: everything that can fail early fails here, and the version gets its id."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asd.conversion.config import ConvertConfig
from asd.errors import SourceError, StorageError, UsageError
from asd.fingerprint import (
    code_fingerprint,
    images_fingerprint,
    images_listing,
    rewriter_fingerprint,
    version_id,
)
from asd.plain_files import Stamp, require_text_name, stamps_of
from asd.plan.capability import makeable_styles, written_styles
from asd.remote.object_store import is_url
from asd.remote.publishing import check_target
from asd.remote.spool import spool
from asd.rewrite.settings import RewriterSettings
from asd.schemas.styles import AnswerStyle
from asd.schemas.task import TaskSpec
from asd.shards.files import storage_errors
from asd.shards.manifest import FORMAT_VERSION
from asd.shards.store import Store
from asd.sources.image_text import is_address, is_data
from asd.sources.open import Source, open_source
from asd.sources.resolve import ResolvedSource, resolve_source
from asd.templating import TemplateSet


@dataclass(frozen=True)
class Prepared:
    """A conversion that has been checked and fingerprinted, before any work."""

    config: ConvertConfig
    spec: TaskSpec
    resolved: ResolvedSource
    source: Source
    styles: list[AnswerStyle]
    templates: dict[str, str]
    store: Store
    version: str
    identity: dict[str, Any]
    notes: tuple[str, ...]
    stamps: dict[Path, Stamp]
    """Size and time of change of the source's files when they were fingerprinted."""


def prepare(config: ConvertConfig, scratch: Path | None = None) -> Prepared:
    """Everything that can fail early, fails here: names, templates, the source's existence and layout.

    scratch: folder for the embedded sample, where nothing may be written into the dataset directory.
    """
    spec = config.load_spec()
    styles = _styles(config, spec)
    templates = TemplateSet(config.template_dir)
    templates.check(styles, spec.family)
    template_hashes = {template.name: template.sha256 for template in (templates.get(s, spec.family) for s in styles)}
    resolved = resolve_source(spec, config.source)
    store = Store(_out_folder(config, spec, resolved))
    store.require_free()
    if config.publish is not None:
        check_target(config.publish)
    if resolved.kind == "embedded":
        resolved = _write_embedded(spec, store, resolved, scratch)
    source = open_source(
        spec,
        spool(resolved.location) if is_url(resolved.location) else resolved.location,
        source_format=config.source_format,
        split=config.split,
        image_root=config.image_root,
        styles=styles,
    )
    _require_text_names(source, store)
    if config.embed_images and source.image_root is None:
        raise UsageError("--embed-images needs --image-root, the folder that image paths are relative to.")
    identity = {
        "format": FORMAT_VERSION,
        "code": code_fingerprint(),
        "spec": spec.model_dump(mode="json"),
        "config": config.identity(),
        "templates": template_hashes,
        "source": {
            "layout": source.layout,
            "files": [[file.path, file.size_bytes, file.xxh3_128] for file in source.files],
            **({"drawn": True} if resolved.kind == "embedded" else {}),
        },
    }
    if source.roots_in_paths:
        identity["image_root"] = source.roots_in_paths[0]
    looks_at_images = config.embed_images or (config.rewriter is not None and config.rewriter.images != "never")
    named = _named_images(source) if looks_at_images and source.image_root is not None else set()
    if config.embed_images and source.image_root is not None:
        identity["images"] = images_fingerprint(source.image_root, named)
    if config.rewriter is not None:
        identity["rewriter"] = _rewriter_identity(config.rewriter, spec, templates, source, named)
    version = version_id(identity)
    if config.name is not None:
        store.check_name(config.name, version)
    return Prepared(
        config=config,
        spec=spec,
        resolved=resolved,
        source=source,
        styles=styles,
        templates=template_hashes,
        store=store,
        version=version,
        identity=identity,
        notes=(resolved.message,) if resolved.message else (),
        stamps=stamps_of([Path(source.root) / file.path for file in source.files]),
    )


def _rewriter_identity(
    settings: RewriterSettings, spec: TaskSpec, templates: TemplateSet, source: Source, named: set[str]
) -> dict[str, Any]:
    """Everything that decides the model's part of the content, but for its replies. named: images. Raises: TemplateError."""
    from asd.rewrite.prompts import PromptSet

    prompts, written = PromptSet(templates), sorted(written_styles(spec, settings))
    prompts.check(written, spec.family, by_self=settings.maker == "self")
    identity = {
        "settings": settings.identity(),
        "templates": prompts.hashes(written, spec.family, by_self=settings.maker == "self"),
        "code": rewriter_fingerprint(),
    }
    if settings.images != "never" and source.image_root is not None:
        identity["images"] = images_listing(source.image_root, named)
    return identity


def _named_images(source: Source) -> set[str]:
    """Paths of the images that the rows name; reads the source once."""
    named: set[str] = set()
    for batch in source.batches():
        paths = batch.table["images"].flatten().unique().to_pylist()
        named.update(path for path in paths if not is_data(path) and not is_address(path))
    return named


def _require_text_names(source: Source, store: Store) -> None:
    """Before any work: manifest, refs and rows can hold every name that will stand in them."""
    require_text_name(store.root.absolute(), "dataset directory", StorageError)
    require_text_name(source.root.absolute(), "source", SourceError)
    if source.image_root is not None:
        require_text_name(source.image_root.resolve(), "image root", SourceError)
    for file in source.files:
        require_text_name(file.path, f"{source.root}: the file name", SourceError)


def _styles(config: ConvertConfig, spec: TaskSpec) -> list[AnswerStyle]:
    wanted = config.styles
    if config.ratio_per_style is not None:
        wanted = tuple(style for style, share in config.ratio_per_style.items() if share > 0)
    for style in wanted or ():
        if style == spec.native_style:
            raise UsageError(f"{style.value} is the native style of task {spec.name!r}; choose other target styles.")
        if style not in spec.styles:
            known = ", ".join(style.value for style in spec.styles) or "none"
            raise UsageError(f"task {spec.name!r} cannot take style {style.value}; it can take: {known}.")
    styles = makeable_styles(spec, wanted, config.rewriter)
    missing = [style.value for style in wanted or () if style not in styles]
    if missing:
        writes = ", ".join(sorted(written_styles(spec, config.rewriter))) or "none of the styles"
        why = (
            "can only be made by a rewriter. Give one with --rewriter, or leave the style out of --styles."
            if config.rewriter is None
            else f"cannot be made by the rewriter as it is set (it writes: {writes}). Leave it out of --styles."
        )
        raise UsageError(f"style {', '.join(missing)} of task {spec.name!r} {why}")
    return styles


def _out_folder(config: ConvertConfig, spec: TaskSpec, resolved: ResolvedSource) -> Path:
    out = config.out if config.out is not None else Path("asd-data") / spec.name
    is_apart = resolved.kind == "embedded" and (config.out is None or config.sample_apart)
    if is_apart and not out.name.endswith("-sample"):  # a merge names the folder as it is
        return out.with_name(f"{out.name}-sample")
    return out


def _write_embedded(spec: TaskSpec, store: Store, resolved: ResolvedSource, scratch: Path | None) -> ResolvedSource:
    """Draw the embedded sample into the dataset directory, so that its images stay beside its shards.

    What is there already is left alone if it is the same: another process may be reading it.
    """
    from asd.embedded import write_sample

    if scratch is not None:
        return replace(resolved, location=str(write_sample(spec.name, scratch / "source")))
    target, fresh = store.root / "source", store.staging("embedded")
    with store.lock("embedded"), storage_errors(target):
        store.discard(fresh)
        path = write_sample(spec.name, fresh)
        if _file_sizes(fresh) == _file_sizes(target) and path.read_bytes() == (target / path.name).read_bytes():
            store.discard(fresh)
        else:
            store.discard(target)
            fresh.rename(target)
    return replace(resolved, location=str(target / path.name))


def _file_sizes(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
