"""`croissant.json` is what the Croissant library takes for valid, and says of every column what it was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import asd
from asd.columns import REWRITTEN_SCHEMA
from asd.shards.croissant import croissant_of
from asd.shards.manifest import Manifest, read_manifest
from tests.asd.sources_made import vqa_records, write_lines

OLD = Path(__file__).parents[1] / "compat" / "formats_1_and_2" / "versions"
NO_DATE = 'Property "https://schema.org/datePublished" is recommended'


def validated(path: Path) -> Any:
    """Raises what the library raises for an invalid file; all that it may warn of is that there is no date."""
    import mlcroissant

    read = mlcroissant.Dataset(path)
    warnings = read.metadata.ctx.issues.warnings
    assert [NO_DATE in one for one in warnings] == [True]
    return read.metadata.to_json()


@pytest.fixture
def made(tmp_path: Path) -> Any:
    source = write_lines(tmp_path / "rows.jsonl", vqa_records(30))
    return asd.convert("vqav2", source, out=tmp_path / "data", ratio=0.4)


def fields_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (rows,) = (one for one in document["recordSet"] if one["@id"] == "rows")
    return {field["name"]: field for field in rows["field"]}


@pytest.mark.filterwarnings("ignore")  # of the libraries that the library is made of
def test_every_version_has_one_that_is_valid(made: Any) -> None:
    path = made.path / "latest" / "croissant.json"
    back = validated(path)
    assert back["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert back["version"] == f"3.0.0+{made.version}"
    shards = {one["contentUrl"]: one for one in back["distribution"] if one["@type"] == "cr:FileObject"}
    (entry,) = (file for file in made.manifest.files if file.split == "train")
    assert shards[entry.path]["sha256"] == entry.sha256
    assert list(fields_of(json.loads(path.read_text()))) == made.manifest.row_schema.names
    assert asd.verify(made.path).problems == []
    path.write_text(path.read_text().replace("vqav2", "vqav3"))
    assert [problem for problem in asd.verify(made.path).problems if "croissant.json has sha256" in problem]
    path.unlink()
    assert [problem for problem in asd.verify(made.path).problems if "croissant.json is missing" in problem]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("folder", sorted(OLD.iterdir()), ids=lambda folder: folder.name)
def test_old_manifests_give_valid_ones(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "croissant.json").write_text(croissant_of(read_manifest(folder)))
    validated(tmp_path / "croissant.json")


def test_each_column_says_what_it_was_made_from(made: Any) -> None:
    document = json.loads((made.path / "latest" / "croissant.json").read_text())
    fields = fields_of(document)
    assert fields["gold"]["prov:wasDerivedFrom"] == {"@id": "source"}
    assert fields["gold"]["prov:wasGeneratedBy"] == {"@id": "reading"}
    assert fields["messages"]["prov:wasDerivedFrom"] == [{"@id": "rows/prompt"}, {"@id": "rows/response"}]
    assert fields["messages"]["prov:wasGeneratedBy"] == {"@id": "conversion"}
    assert [part["name"] for part in fields["messages"]["subField"]] == ["role", "content"]
    reading, conversion = document["prov:wasGeneratedBy"]
    assert reading["prov:wasAssociatedWith"]["softwareVersion"] == asd.__version__
    assert {one["name"]: one["identifier"] for one in conversion["prov:used"]} == {
        name: f"sha256:{digest}" for name, digest in made.manifest.templates.items()
    }
    ids = {f"rows/{name}" for name in fields} | {"source", "reading", "conversion"}
    for field in fields.values():
        for key in ("prov:wasDerivedFrom", "prov:wasGeneratedBy"):
            told = field[key] if isinstance(field[key], list) else [field[key]]
            assert {one["@id"] for one in told} <= ids


def test_the_model_is_named_where_it_wrote() -> None:
    (manifest,) = (one for one in map(read_manifest, OLD.iterdir()) if one.rewriter is not None)
    document = json.loads(croissant_of(manifest))
    fields = fields_of(document)
    assert list(fields) == REWRITTEN_SCHEMA.names
    assert fields["response"]["prov:wasGeneratedBy"] == [{"@id": "conversion"}, {"@id": "rewriting"}]
    assert fields["gold"]["prov:wasGeneratedBy"] == {"@id": "reading"}
    assert document["prov:wasGeneratedBy"][2]["prov:wasAssociatedWith"]["name"] == "scripted"


def test_what_is_not_given_is_said_to_be(made: Any) -> None:
    bare: Manifest = made.manifest.model_copy(update={"spec": {}})
    document = json.loads(croissant_of(bare))
    assert (document["license"], document["citeAs"]) == ("not given", "not given")
    assert "creator" not in document and document["name"].startswith("vqav2 ")
