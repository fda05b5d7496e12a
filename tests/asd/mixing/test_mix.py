"""Mixes of real versions: what is in them, that they are versions like any other, and what is said of wrong files."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
import yaml

import asd
from asd.export.table import FORMATS
from asd.mixing.sizes import sizes_in
from asd.shards.files import sha256_of
from asd.shards.manifest import read_manifest
from asd.shards.reader import read_batches
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import write_lines


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two embedded samples, converted."""
    folder = tmp_path_factory.mktemp("parts")
    made = {}
    for task in ("scienceqa", "gqa"):
        done = run_asd("convert", "--task", task, "--ratio", "0.4", "--out", folder / task, "--json")
        made[task] = json.loads(done.out)["path"]
    return made


def written(folder: Path, parts: dict[str, Any], **more: Any) -> Path:
    path = folder / "mix.yaml"
    path.write_text(yaml.safe_dump({"name": "my-mix", **more, "parts": parts}, sort_keys=False), "utf-8")
    return path


def rows_of(folder: str | Path) -> list[dict[str, Any]]:
    return [row for batch in read_batches(Path(folder)) for row in batch.to_pylist()]


def mixed(folder: Path, parts: dict[str, Any], name: str = "out", **more: Any) -> dict[str, Any]:
    done = run_asd("mix", written(folder, parts, **more), "--out", folder / name, "--json")
    assert done.code == 0, done.err
    told: dict[str, Any] = json.loads(done.out)
    return told


def test_shares_are_exact_and_the_version_is_sound(parts: dict[str, str], tmp_path: Path) -> None:
    both = {"own": {"data": parts["scienceqa"], "share": 0.75}, "old": {"data": parts["gqa"], "share": 0.25}}
    made = mixed(tmp_path, both, total=80)
    assert [(part["name"], part["rows"]) for part in made["parts"]] == [("own", 60), ("old", 20)]
    rows = rows_of(made["path"])
    assert sorted({row["task"] for row in rows}) == ["gqa", "scienceqa"]
    assert sum(row["id"].startswith("own/") for row in rows) == 60
    assert run_asd("verify", made["path"]).code == 0
    assert run_asd("quality", made["path"]).code == 0
    assert run_asd("inspect", made["path"], "-n", "1").code == 0
    manifest = read_manifest(Path(made["path"]) / "versions" / made["version"])
    assert [part["version"] for part in manifest.source["parts"]] == [part["version"] for part in made["parts"]]
    assert manifest.counts.samples == 80


def test_rows_come_mixed_and_unchanged_but_for_their_names(parts: dict[str, str], tmp_path: Path) -> None:
    both = {"own": {"data": parts["scienceqa"], "share": 0.5}, "old": {"data": parts["gqa"], "share": 0.5}}
    rows = rows_of(mixed(tmp_path, both, total=60)["path"])
    first_half = sum(row["id"].startswith("own/") for row in rows[:30])
    assert 8 <= first_half <= 22
    before = {f"own/{row['id']}": row for row in rows_of(parts["scienceqa"])}
    before |= {f"old/{row['id']}": row for row in rows_of(parts["gqa"])}
    kept = ("prompt", "response", "gold", "accepted", "style", "maker", "task", "source_id", "source_file", "checks")
    for row in rows:
        assert {name: row[name] for name in kept} == {name: before[row["id"]][name] for name in kept}


def test_images_of_all_parts_are_found_from_one_root(parts: dict[str, str], tmp_path: Path) -> None:
    both = {"own": {"data": parts["scienceqa"], "share": 0.5}, "old": {"data": parts["gqa"], "share": 0.5}}
    made = mixed(tmp_path, both)
    rows = asd.load(made["path"])
    root = Path(rows.image_root)
    paths = [image["path"] for row in rows for image in row["images"]]
    assert paths
    assert all((root / path).is_file() for path in paths)


def test_the_same_bytes_again_and_a_larger_mix_holds_the_smaller(parts: dict[str, str], tmp_path: Path) -> None:
    both = {"own": {"data": parts["scienceqa"], "share": 0.5}, "old": {"data": parts["gqa"], "share": 0.5}}
    one, again = mixed(tmp_path, both, "one", total=60), mixed(tmp_path, both, "two", total=60)
    assert one["version"] == again["version"]
    folders = [Path(made["path"]) / "versions" / made["version"] for made in (one, again)]
    files = [
        {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()} for folder in folders
    ]
    assert files[0] == files[1]
    larger = {row["id"] for row in rows_of(mixed(tmp_path, both, "three", total=100)["path"])}
    assert {row["id"] for row in rows_of(one["path"])} <= larger
    assert run_asd("mix", tmp_path / "mix.yaml", "--out", tmp_path / "three").out.count("it was there already") == 1


def test_repeated_rows_are_left_out_and_counted(parts: dict[str, str], tmp_path: Path) -> None:
    twice = {"own": {"data": parts["scienceqa"], "share": 0.5}, "same": {"data": parts["scienceqa"], "share": 0.5}}
    done = run_asd("mix", written(tmp_path, twice), "--out", tmp_path / "out")
    assert done.code == 2
    assert "part same has no rows left to give" in done.err


def test_styles_choose_rows(parts: dict[str, str], tmp_path: Path) -> None:
    one = {"own": {"data": parts["scienceqa"], "share": 1.0, "styles": ["native", "yes_no"]}}
    rows = rows_of(mixed(tmp_path, one)["path"])
    assert {row["style"] for row in rows} == {"multiple_choice", "yes_no"}


def test_a_part_is_converted_first(parts: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_lines(
        tmp_path / "chat.jsonl",
        [{"instruction": f"Say {n}.", "input": "", "output": f"This is {n}."} for n in range(40)],
    )
    both = {
        "own": {"data": parts["scienceqa"], "share": 0.8},
        "general": {"task": "alpaca", "source": "chat.jsonl", "ratio": 0, "share": 0.2},
    }
    made = mixed(tmp_path, both, total=50)
    assert [part["rows"] for part in made["parts"]] == [40, 10]
    assert (tmp_path / "asd-data" / "my-mix-general").is_dir()


def test_shares_in_words(parts: dict[str, str], tmp_path: Path) -> None:
    both = {"own": {"data": parts["scienceqa"], "share": 0.5}, "old": {"data": parts["gqa"], "share": 0.5}}
    own, old = mixed(tmp_path, both, unit="words", total=1000)["parts"]
    assert abs(own["size"] - 500) < 60
    assert abs(old["size"] - 500) < 60


def tokenizer_of_words(folder: Path) -> Path:
    """A tokenizer for which every word, and every sign, is a token; it would cut texts off and pad them."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"?": 0}, unk_token="?"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.enable_truncation(4)
    made.enable_padding(length=1000)
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))
    return folder


def test_shares_in_tokens(parts: dict[str, str], tmp_path: Path) -> None:
    folder = tokenizer_of_words(tmp_path / "model")
    both = {"own": {"data": parts["scienceqa"], "share": 0.5}, "old": {"data": parts["gqa"], "share": 0.5}}
    made = mixed(tmp_path, both, unit="tokens", tokenizer="model", total=2000)
    rows = rows_of(made["path"])
    sizes = [
        sum(len(re.findall(r"\w+|[^\w\s]+", row[name].replace("<image>", ""))) for name in ("prompt", "response"))
        for row in rows
    ]
    assert [
        sum(size for row, size in zip(rows, sizes, strict=True) if row["id"].startswith(part))
        for part in ("own/", "old/")
    ] == [part["size"] for part in made["parts"]]
    assert all(abs(part["size"] - 1000) <= max(sizes) / 2 for part in made["parts"])
    file = mixed(tmp_path, both, "two", unit="tokens", tokenizer=str(folder / "tokenizer.json"), total=2000)
    assert file["version"] == made["version"], "its content counts, not where it lies"
    manifest = read_manifest(Path(made["path"]) / "versions" / made["version"])
    assert manifest.config["mix"]["tokenizer"] == sha256_of(folder / "tokenizer.json")
    told = run_asd("mix", tmp_path / "mix.yaml", "--out", tmp_path / "out", "--dry-run").out
    assert re.search(r"^part +rows +tokens +share", told, re.MULTILINE)


def test_tokens_need_a_tokenizer(parts: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    (tmp_path / "broken.json").write_text("{}")
    own = {"own": {"data": parts["scienceqa"], "share": 1.0}}
    for tokenizer, message in (
        (None, "`unit: tokens` needs the tokenizer that counts: `tokenizer: FOLDER`"),
        ("nowhere", "tokenizer nowhere: nowhere cannot be read (No such file or directory). Give a model's folder"),
        (str(tmp_path), f"{tmp_path}/tokenizer.json cannot be read"),
        ("broken.json", "broken.json is no tokenizer of the package tokenizers"),
    ):
        done = run_asd("mix", written(tmp_path, own, unit="tokens", tokenizer=tokenizer), "--out", tmp_path / "out")
        assert done.code == 2
        assert message in done.err
        assert not (tmp_path / "out").exists()


def test_a_tokenizer_that_fails_on_the_rows_is_named(parts: dict[str, str], tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizers.Tokenizer(tokenizers.models.WordLevel({}, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    own = {"own": {"data": parts["scienceqa"], "share": 1.0}}
    done = run_asd("mix", written(tmp_path, own, unit="tokens", tokenizer="tokenizer.json"), "--out", tmp_path / "out")
    assert (done.code, "tokenizer.json cannot count tokens of these rows" in done.err) == (2, True)


def test_roles_and_image_marks_are_not_counted(tmp_path: Path) -> None:
    said = [("system", "You answer."), ("human", "<image>\nWhat is it?"), ("gpt", "a cat")]
    (tmp_path / "rows.json").write_text(
        json.dumps([{"conversations": [{"from": who, "value": what} for who, what in said], "image": "a.png"}])
    )
    part = {
        "task": "llava_conversation",
        "source": "rows.json",
        "ratio": 0,
        "out": str(tmp_path / "chat"),
        "share": 1.0,
    }
    made = mixed(tmp_path, {"chat": part}, unit="words")
    assert made["parts"][0]["size"] == 2 + 3 + 2


def test_tokens_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(asd.errors.UsageError, match=r"needs the package tokenizers: pip install 'asd-mcit\[tokens\]'"):
        sizes_in("tokens", tmp_path)


def test_messages_of_tool_calls_count_and_tell_rows_apart(tmp_path: Path) -> None:
    def call(city: str) -> dict[str, Any]:
        said = [
            ("human", "How is the weather?"),
            ("function_call", json.dumps({"name": "weather", "arguments": {"city": city}})),
            ("observation", "sunny"),
            ("gpt", "It is sunny."),
        ]
        return {"conversations": [{"from": who, "value": what} for who, what in said], "tools": "[]"}

    path = tmp_path / "glaive.json"
    path.write_text(json.dumps([call("Kyiv"), call("Rome"), call("Rome")]))
    part = {"task": "glaive", "source": "glaive.json", "ratio": 0, "out": str(tmp_path / "tools"), "share": 1.0}
    made = mixed(tmp_path, {"tools": part}, unit="words")
    assert [(part["rows"], part["repeated"]) for part in made["parts"]] == [(2, 1)]
    assert made["parts"][0]["size"] > 2 * (4 + 3)


def test_no_place_of_this_machine_stands_in_a_version(parts: dict[str, str], tmp_path: Path) -> None:
    """The same rows from other folders are the same version, and the description, which the manifest tells, counts."""
    versions = []
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copytree(parts["scienceqa"], folder / "science", symlinks=True)
        write_lines(folder / "chat.jsonl", [{"instruction": f"Say {n}.", "output": f"It is {n}."} for n in range(9)])
        general = {"task": "alpaca", "source": str(folder / "chat.jsonl"), "ratio": 0, "out": str(folder / "general")}
        both = {"own": {"data": str(folder / "science"), "share": 0.8}, "general": general | {"share": 0.2}}
        versions.append(mixed(folder, both)["version"])
        manifest = (folder / "out" / "versions" / versions[-1] / "manifest.json").read_text("utf-8")
        assert str(tmp_path) not in manifest
    assert versions[0] == versions[1]
    described = mixed(folder, both, "described", description="What we tuned on.")
    assert described["version"] != versions[0]
    folder = Path(described["path"]) / "versions" / described["version"]
    assert read_manifest(folder).spec["description"] == "What we tuned on."


def test_a_mix_is_not_written_among_the_versions_of_its_part(parts: dict[str, str], tmp_path: Path) -> None:
    for part in ({"data": parts["scienceqa"]}, {"task": "scienceqa", "out": parts["scienceqa"]}):
        done = run_asd("mix", written(tmp_path, {"own": part | {"share": 1.0}}), "--out", parts["scienceqa"])
        assert done.code == 2
        assert "the dataset of its part own. Choose another --out, or another `name` of the mix" in done.err


def test_addresses_need_no_image_root(tmp_path: Path) -> None:
    """Pictures on the web beside pictures in a folder; the folder's name is put before the latter alone."""
    made = {}
    for name, image in (("web", "https://example.org/0.png"), ("disk", "0.png")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "0.png").write_bytes(b"x")
        said = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "it"}]
        write_lines(folder / "rows.jsonl", [{"id": "1", "image": image, "conversations": said}])
        root = ["--image-root", folder] if name == "disk" else []
        done = run_asd("convert", "--task", "vqav2", "--source", folder / "rows.jsonl", *root, "--ratio", "0", "--out",
                       tmp_path / f"{name}-data", "--json")  # fmt: skip
        made[name] = json.loads(done.out)["path"]
    for ref in Path(made["web"]).glob("refs/v1.json"):
        ref.write_text(json.dumps(json.loads(ref.read_text()) | {"image_root": None}))
    told = mixed(tmp_path, {name: {"data": path, "share": 0.5} for name, path in made.items()})
    rows = asd.load(told["path"])
    assert sorted(row["images"][0]["path"] for row in rows) == ["0.png", "https://example.org/0.png"]
    assert Path(rows.image_root) == tmp_path / "disk"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_exports_a_mix(name: str, parts: dict[str, str], tmp_path: Path) -> None:
    both = {"own": {"data": parts["scienceqa"], "share": 0.5}, "old": {"data": parts["gqa"], "share": 0.5}}
    made = mixed(tmp_path, both, total=40)
    done = run_asd("export", made["path"], "--to", name, "--out", tmp_path / "exported")
    assert done.code == 0, done.err
    assert any(path.is_file() and path.stat().st_size for path in (tmp_path / "exported").rglob("*"))


def test_a_dry_run_writes_nothing(parts: dict[str, str], tmp_path: Path) -> None:
    path = written(tmp_path, {"own": {"data": parts["scienceqa"], "share": 1.0}})
    done = run_asd("mix", path, "--out", tmp_path / "out", "--dry-run")
    assert done.code == 0
    assert "no mix was written" in done.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"name": "m", "parts": {"a": {"data": "x", "share": 0.5}}}, "parts: the shares add up to 0.5, expected 1"),
        (
            {"name": "m", "parts": {"a": {"data": "x", "share": 70}}},
            "parts.a.share: give a share between 0 and 1; 70 % is 0.7",
        ),
        ({"name": "m", "parts": {"a": {"share": 1.0}}}, "parts.a: say `data: DIR`, or `task:`"),
        (
            {"name": "m", "parts": {"a": {"data": "x", "share": 1.0, "ratio": 0.2}}},
            "parts.a: `data` names a version that is there; ratio",
        ),
        ({"name": "m", "parts": {"a": {"sahre": 1.0, "share": 1.0}}}, "parts.a: no key 'sahre'"),
        ({"name": "m", "parts": {"a b": {"data": "x", "share": 1.0}}}, "'a b' cannot name a part"),
        (
            {"name": "m", "parts": {"a": {"data": "x", "share": 1.0, "styles": "yesno"}}},
            "no answer style named 'yesno'",
        ),
        ({"name": "M!", "parts": {"a": {"data": "x", "share": 1.0}}}, "name: String should match pattern"),
        ({"name": "m", "parts": {"a": {"data": "nowhere", "share": 1.0}}}, "nowhere"),
        (
            {"name": "m", "parts": {"a": {"task": "alpacca", "share": 1.0}}},
            "no task named 'alpacca'; did you mean 'alpaca'",
        ),
        ({"name": "m", "parts": {"a": {"task": "alpaca", "ratoi": 0.2, "share": 1.0}}}, "part a: ratoi: Extra inputs"),
        (
            {"name": "m", "tokenizer": "x", "unit": "words", "parts": {"a": {"data": "x", "share": 1.0}}},
            "`tokenizer` counts tokens, but shares are counted in words: add `unit: tokens`",
        ),
        (
            {"name": "m", "parts": {"a": {"task": "alpaca", "share": 1.0, "rewriter": {"api_key": "sk-secret"}}}},
            "part a: rewriter.",
        ),
    ],
)
def test_what_is_wrong_with_a_mix_file_is_one_message(content: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "mix.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    done = run_asd("mix", path, "--out", tmp_path / "out")
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert "sk-secret" not in done.err


def test_a_part_has_no_such_split(parts: dict[str, str], tmp_path: Path) -> None:
    path = written(tmp_path, {"own": {"data": parts["scienceqa"], "share": 1.0, "split": "val"}})
    done = run_asd("mix", path, "--out", tmp_path / "out")
    assert "has no split 'val' (it has: train). Name one with `split:`" in done.err
    assert run_asd("mix", tmp_path / "none.yaml").err.startswith(f"error: {tmp_path / 'none.yaml'} is not there.")


def test_styles_and_makers_are_counted(parts: dict[str, str], tmp_path: Path) -> None:
    made = mixed(tmp_path, {"own": {"data": parts["scienceqa"], "share": 1.0}})
    batches = list(read_batches(Path(made["path"])))
    for column in ("style", "maker"):
        counted = {
            item["values"]: item["counts"] for batch in batches for item in pc.value_counts(batch[column]).to_pylist()
        }
        manifest = read_manifest(Path(made["path"]) / "versions" / made["version"])
        assert getattr(manifest.counts, f"by_{column}") == dict(sorted(counted.items()))


def test_pictures_of_one_name_in_two_folders_are_two_pictures(tmp_path: Path) -> None:
    made = {}
    for name in ("red", "blue"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "0.png").write_bytes(name.encode())
        records = [
            {
                "id": str(n),
                "image": "0.png",
                "conversations": [{"from": "human", "value": f"<image>\nWhat is {n}?"}, {"from": "gpt", "value": "it"}],
            }
            for n in range(10)
        ]
        write_lines(folder / "rows.jsonl", records)
        done = run_asd("convert", "--task", "vqav2", "--source", folder / "rows.jsonl", "--image-root", folder, "--ratio", "0",
                       "--out", tmp_path / f"{name}-data", "--json")  # fmt: skip
        made[name] = json.loads(done.out)["path"]
    both = {name: {"data": path, "share": 0.5} for name, path in made.items()}
    told = mixed(tmp_path, both)
    assert [(part["rows"], part["repeated"]) for part in told["parts"]] == [(10, 0), (10, 0)]
    rows = asd.load(told["path"])
    assert {(Path(rows.image_root) / row["images"][0]["path"]).read_bytes() for row in rows} == {b"red", b"blue"}


def test_an_export_says_which_part_is_drawn(parts: dict[str, str], tmp_path: Path) -> None:
    own = asd.convert("llava_conversation", write_lines(tmp_path / "own.jsonl", [
        {"conversations": [{"from": "human", "value": f"Say {n}."}, {"from": "gpt", "value": f"{n}."}]} for n in range(60)
    ]), out=tmp_path / "own", ratio=0)  # fmt: skip
    both = {"own": {"data": str(own.path), "share": 0.8}, "old": {"data": parts["scienceqa"], "share": 0.2}}
    mix_file = written(tmp_path, both, name="my-mix")
    made = run_asd("mix", mix_file, "--out", tmp_path / "mix")
    assert (
        "free_form: kept as they came, whatever their form; `asd styles` tells the forms by the texts themselves"
        in made.out
    )
    said = run_asd("export", tmp_path / "mix", "--to", "llava", "--out", tmp_path / "out").out
    assert (
        "note: my-mix: of this mix, part old is a sample that this package drew, not the data set of that name." in said
    )
    assert "no result on it" not in said
