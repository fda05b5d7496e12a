"""`croissant.json` of a version: its files and columns in the Croissant 1.1 vocabulary, and in PROV-O what each column was
made from and by whom.

All of it follows from the manifest, so that two makings of a version have the same bytes; hence it has no date of
publication, which Croissant asks for: a version holds no times.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from asd.schemas.task import NOT_GIVEN
from asd.shards.manifest import Manifest

CROISSANT_NAME = "croissant.json"
ARROW = "application/vnd.apache.arrow.file"
_CR = "http://mlcommons.org/croissant/"
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": _CR,
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": f"{_CR}RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_READING, _CONVERSION, _REWRITING, _MIXING = "reading", "conversion", "rewriting", "mixing"
_SOURCE, _SHARDS, _ROWS, _SPLITS, _SOFTWARE, _MODEL = "source", "shards", "rows", "splits", "asd-mcit", "model"
_OF_ANSWER = ("question", "options", "gold")
_COLUMNS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "id": ("Name of the row, unique in the version and the same in all versions.", _READING, ()),
    "source_id": ("The source's own id of the sample.", _READING, ()),
    "task": ("The task that the sample belongs to.", _READING, ()),
    "split": ("The split that the sample belongs to.", _READING, ()),
    "images": ("Images by their paths below the image root, or with their bytes.", _READING, ()),
    "context": ("What belongs before the question, or empty.", _READING, ()),
    "question": ("The bare question; a style may turn the source's round.", _CONVERSION, ()),
    "options": ("The options in the order shown.", _CONVERSION, ("question", "gold")),
    "candidate": ("Style yes_no: the answer that the prompt proposes.", _CONVERSION, ("question", "gold")),
    "rfp": ("The response-format prompt: the sentence that asks for the style.", _CONVERSION, ()),
    "prompt": ("What a model is asked.", _CONVERSION, ("images", "context", "question", "options", "candidate", "rfp")),
    "response": ("What a model is to answer.", _CONVERSION, _OF_ANSWER),
    "messages": ("Prompt and response as a conversation.", _CONVERSION, ("prompt", "response")),
    "native_style": ("The answer style that the sample has in its source.", _READING, ()),
    "style": ("The answer style of this row.", _CONVERSION, ()),
    "maker": ("Who made the row: native, field, mined, rule or rewriter.", _CONVERSION, ()),
    "gold": ("The original answer as text.", _READING, ()),
    "accepted": ("Every accepted answer, the original one first.", _READING, ()),
    "group": ("The source record that this turn belongs to.", _READING, ()),
    "turn": ("The number of the turn in that record, from 0.", _READING, ()),
    "source_file": ("The file of the source that the sample stands in.", _READING, ()),
    "source_row": ("The record of that file, from 0.", _READING, ()),
    "template": ("Name and hash of the template that wrote prompt and response.", _CONVERSION, ()),
    "seed": ("The seed of every random choice.", _CONVERSION, ()),
    "checks": ("The checks that the row passed before it was written.", _CONVERSION, _OF_ANSWER),
    "rewrite": ("The language model's part in the row.", _REWRITING, _OF_ANSWER),
}
"""Column -> what it holds, what made it, and the columns it was made from; () where it was made from the source alone."""
_WRITTEN_BY_MODEL = ("question", "options", "candidate", "response", "messages", "checks")
"""Columns that hold a rewriter's text in the rows that it wrote."""


def croissant_of(manifest: Manifest) -> str:
    """The JSON-LD document, indented. manifest: with all files but this one."""
    spec = manifest.spec
    title = spec.get("title") or manifest.task
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": f"{_CR}1.1",
        "name": f"{title} with answer style diversification",
        "description": f"{manifest.counts.samples:,} samples of task {manifest.task}, {manifest.counts.converted:,} of them "
        f"in another answer style than the source's.",
        "identifier": manifest.version,
        "version": f"{manifest.format_version}.0.0+{manifest.version}",
        "license": spec.get("licence") or NOT_GIVEN,
        "citeAs": spec.get("citation") or NOT_GIVEN,
        **({"url": spec["homepage"]} if spec.get("homepage") else {}),
        **({"creator": {"@type": "sc:Organization", "name": f"The makers of {title}"}} if spec.get("title") else {}),
        "keywords": ["answer style diversification", "visual question answering", "instruction tuning", manifest.task],
        "prov:wasDerivedFrom": _sources(manifest),
        "prov:wasGeneratedBy": list(_activities(manifest)),
        "distribution": [*_files(manifest)],
        "recordSet": [_split_records(manifest), _row_records(manifest)],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _sources(manifest: Manifest) -> list[dict[str, Any]]:
    """What the rows were made from: the data set, or the versions that a mix was made of."""
    if parts := manifest.source.get("parts"):
        return [
            {"@type": "prov:Entity", "@id": f"{_SOURCE}/{part['name']}", "name": str(part["name"]),
             "identifier": str(part["version"])}
            for part in parts
        ]  # fmt: skip
    spec, files = manifest.spec, manifest.source.get("files", [])
    return [
        {
            "@type": "prov:Entity",
            "@id": _SOURCE,
            "name": spec.get("title") or manifest.task,
            **({"url": spec["homepage"]} if spec.get("homepage") else {}),
            "license": spec.get("licence") or NOT_GIVEN,
            "citation": spec.get("citation") or NOT_GIVEN,
            "description": f"{len(files)} files of layout {manifest.source.get('layout')}; the manifest has their checksums.",
        }
    ]


def _activities(manifest: Manifest) -> Iterator[dict[str, Any]]:
    software = {
        "@type": "prov:SoftwareAgent",
        "@id": _SOFTWARE,
        "name": "asd-mcit",
        "softwareVersion": manifest.asd_version,
        "identifier": f"sha256:{manifest.code}",
    }
    sources = [{"@id": source["@id"]} for source in _sources(manifest)]
    if manifest.source.get("parts"):
        yield _activity(_MIXING, "Rows of the parts were chosen and put into one order.", software, sources)
        return
    yield _activity(_READING, "The samples were read from the source.", software, sources)
    templates = [
        {"@type": "prov:Entity", "@id": f"template/{name}", "name": name, "identifier": f"sha256:{digest}"}
        for name, digest in manifest.templates.items()
    ]
    ratio, seed = manifest.config.get("ratio"), manifest.config.get("seed")
    description = f"Rules and templates wrote samples in other answer styles (ratio {ratio}, seed {seed})."
    yield _activity(_CONVERSION, description, {"@id": _SOFTWARE}, templates)
    if (rewriter := manifest.rewriter) is not None:
        model = {
            "@type": "prov:SoftwareAgent",
            "@id": _MODEL,
            "name": rewriter.model,
            **({"softwareVersion": rewriter.revision} if rewriter.revision else {}),
        }
        prompts = [
            {"@type": "prov:Entity", "@id": f"template/{name}", "name": name, "identifier": f"sha256:{digest}"}
            for name, digest in rewriter.templates.items()
        ]
        description = f"A language model wrote {rewriter.written:,} rows of {rewriter.asked:,} that it was asked about."
        yield _activity(_REWRITING, description, model, prompts)


def _activity(name: str, description: str, agent: dict[str, Any], used: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@type": "prov:Activity",
        "@id": name,
        "name": name,
        "description": description,
        "prov:wasAssociatedWith": agent,
        **({"prov:used": used} if used else {}),
    }


def _files(manifest: Manifest) -> Iterator[dict[str, Any]]:
    for entry in manifest.files:
        yield {
            "@type": "cr:FileObject",
            "@id": entry.path,
            "name": entry.path,
            "contentUrl": entry.path,
            "contentSize": f"{entry.size_bytes} B",
            "encodingFormat": ARROW if entry.split is not None else "application/jsonlines",
            "sha256": entry.sha256,
        }
    yield {
        "@type": "cr:FileSet",
        "@id": _SHARDS,
        "name": _SHARDS,
        "description": "The rows, as files of Arrow's IPC file format.",
        "encodingFormat": ARROW,
        "includes": "data/*.arrow",
    }


def _split_records(manifest: Manifest) -> dict[str, Any]:
    name = f"{_SPLITS}/name"
    return {
        "@type": "cr:RecordSet",
        "@id": _SPLITS,
        "name": _SPLITS,
        "dataType": "cr:Split",
        "key": {"@id": name},
        "field": [{"@type": "cr:Field", "@id": name, "name": "name", "dataType": "sc:Text"}],
        "data": [{name: split} for split in sorted(manifest.counts.by_split)],
    }


def _row_records(manifest: Manifest) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": _ROWS,
        "name": _ROWS,
        "description": "One question in one answer style each.",
        "key": {"@id": f"{_ROWS}/id"},
        "field": [_field(column, manifest) for column in manifest.row_schema],
    }


def _field(column: pa.Field, manifest: Manifest) -> dict[str, Any]:
    description, maker, columns = _COLUMNS[column.name]
    name, kind = f"{_ROWS}/{column.name}", column.type
    inner = kind.value_type if pa.types.is_list(kind) else kind
    field: dict[str, Any] = {"@type": "cr:Field", "@id": name, "name": column.name, "description": description}
    if pa.types.is_list(kind):
        field |= {"isArray": True, "arrayShape": "-1"}
    if pa.types.is_struct(inner):
        field["subField"] = [_sub_field(name, column.name, part) for part in inner]
    else:
        field |= {"dataType": _data_type(inner), "source": _column(column.name)}
    if column.name == "split":
        field["references"] = {"field": {"@id": f"{_SPLITS}/name"}}
    if manifest.source.get("parts"):
        return {**field, "prov:wasDerivedFrom": _ids(source["@id"] for source in _sources(manifest)),
                "prov:wasGeneratedBy": {"@id": _MIXING}}  # fmt: skip
    makers = [maker]
    if manifest.rewriter is not None and manifest.rewriter.written and column.name in _WRITTEN_BY_MODEL:
        makers.append(_REWRITING)
    return {
        **field,
        "prov:wasDerivedFrom": _ids([f"{_ROWS}/{other}" for other in columns] or [_SOURCE]),
        "prov:wasGeneratedBy": _ids(makers),
    }


def _ids(names: Any) -> Any:
    references = [{"@id": name} for name in names]
    return references[0] if len(references) == 1 else references


def _sub_field(parent: str, column: str, part: pa.Field) -> dict[str, Any]:
    is_list = pa.types.is_list(part.type)
    return {
        "@type": "cr:Field",
        "@id": f"{parent}/{part.name}",
        "name": part.name,
        "dataType": _data_type(part.type.value_type if is_list else part.type),
        **({"isArray": True, "arrayShape": "-1"} if is_list else {}),
        "source": {**_column(column), "transform": {"jsonPath": part.name}},
    }


def _column(name: str) -> dict[str, Any]:
    return {"fileSet": {"@id": _SHARDS}, "extract": {"column": name}}


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:ImageObject" if pa.types.is_binary(kind) else "sc:Text"
