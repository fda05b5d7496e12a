"""What each command prints and does when all is well."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

import asd
from asd.conversion.convert import Conversion
from asd.conversion.progress import LineProgress
from asd.tasks.registry import load_task
from tests.asd.cli.conftest import Made
from tests.asd.cli_runner import run_asd
from tests.asd.sources_made import vqa_records, write_lines
from tests.conftest import REPO

COMMANDS = ("tasks", "convert", "inspect", "versions", "diff", "verify", "quality", "export")


def in_a_process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=REPO, env={**os.environ, "HF_HUB_OFFLINE": "1", **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    overview, done = run_asd("--help"), run_asd(command, "--help")
    assert (overview.code, done.code) == (0, 0)
    assert f"\n  {command} " in overview.out
    assert done.out.startswith(f"Usage: asd {command}")
    assert len(done.out.splitlines()[2].split()) >= 4, "no sentence says what it is for"


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nsys.argv = ['asd', '--help']\nfrom asd.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'pyarrow', 'datasets', 'polars', 'pydantic', 'numpy', 'PIL', 'lemminflect'} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))"
    )
    done = in_a_process("-c", script)
    assert done.stdout.rstrip().endswith("HEAVY []"), done.stdout + done.stderr


def test_version() -> None:
    assert run_asd("--version").out == f"asd {asd.__version__}\n"


class TestTasks:
    def test_list(self) -> None:
        done = run_asd("tasks")
        assert done.code == 0
        for name in ("vqav2", "scienceqa", "grounding"):
            assert f"\n{name} " in f"\n{done.out}"
        assert "native: short_answer" in done.out

    def test_one(self) -> None:
        done = run_asd("tasks", "vqav2")
        assert "native style   short_answer" in done.out
        assert "formats read   llava, release" in done.out
        assert "rewriter: a language model, asked where --rewriter names one" in done.out

    def test_yaml_is_the_file_of_the_task_and_converts_by_its_path(self, tmp_path: Path) -> None:
        text = run_asd("tasks", "VQA-v2", "--yaml").out
        (tmp_path / "mine.yaml").write_text(text)
        assert load_task(tmp_path / "mine.yaml") == load_task("vqav2")
        assert run_asd("tasks", tmp_path / "mine.yaml", "--yaml").out == text
        assert run_asd("tasks", "--yaml").err.startswith("error: --yaml prints one task; give its name")

    def test_names_as_people_write_them(self) -> None:
        for name, meant in {
            "ScienceQA": "scienceqa",
            "OCR-VQA": "ocrvqa",
            "A-OKVQA": "aokvqa",
            "VQA_v2": "vqav2",
        }.items():
            assert load_task(name) == load_task(meant)

    def test_json(self) -> None:
        specs = json.loads(run_asd("tasks", "--json").out)
        assert {"vqav2", "scienceqa"} <= {spec["name"] for spec in specs}
        (one,) = json.loads(run_asd("tasks", "vqav2", "--json").out)
        assert one["native_style"] == "short_answer"


class TestConvert:
    def arguments(self, tmp_path: Path) -> list[object]:
        source = write_lines(tmp_path / "source.jsonl", vqa_records(50))
        return [
            "convert",
            "--task",
            "vqav2",
            "--source",
            source,
            "--out",
            tmp_path / "data",
            "--ratio",
            "0.4",
        ]

    def test_text_and_a_second_run(self, tmp_path: Path) -> None:
        arguments = self.arguments(tmp_path)
        done = run_asd(*arguments)
        assert done.code == 0
        assert [line[:36] for line in done.err.splitlines()] == ["note: of 16 image paths that were lo"]
        assert done.out.startswith(f"made {tmp_path}/data@v1 (version ")
        assert [line.split() for line in done.out.splitlines() if line.startswith("converted")] == [
            ["converted", "20", "40.0", "%"]
        ]
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data" / "versions").rglob("*")}
        again = run_asd(*arguments)
        assert again.code == 0
        assert again.out.startswith(f"already there, nothing to do: {tmp_path}/data@v1")
        assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "data" / "versions").rglob("*")}

    def test_json(self, tmp_path: Path) -> None:
        arguments = self.arguments(tmp_path)
        told = json.loads(run_asd(*arguments, "--json").out)
        assert told["did_work"] is True
        assert told["path"] == str(tmp_path / "data")
        assert (told["number"], told["task"], len(told["notes"])) == ("v1", "vqav2", 1)
        assert told["counts"]["converted"] == 20
        assert [file["path"] for file in told["files"]] == ["data/train-00000.arrow", "rejects.jsonl"]
        assert json.loads(run_asd(*arguments, "--json").out) == {**told, "did_work": False, "notes": []}

    def test_an_image_root_given_later_is_recorded(self, tmp_path: Path) -> None:
        """The version stays, byte for byte; its ref says where its images are now."""
        arguments = self.arguments(tmp_path)
        run_asd(*arguments, "--name", "first")
        pictures, moved = tmp_path / "pictures", tmp_path / "moved"
        pictures.mkdir()
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data" / "versions").rglob("*")}
        told = run_asd(*arguments, "--image-root", pictures)
        assert told.out.startswith(f"already there, its image root is recorded anew: {tmp_path}/data@v1")
        assert f"images in:   {pictures} (before: {tmp_path})" in told.out
        ref = json.loads((tmp_path / "data/refs/v1.json").read_text("utf-8"))
        assert ref["image_root"] == str(pictures) and ref["seed"] == 0 and ref["created"]
        assert run_asd(*arguments, "--image-root", pictures).out.startswith("already there, nothing to do:")
        assert run_asd(*arguments).out.startswith("already there, nothing to do:")
        pictures.rename(moved)
        assert json.loads(run_asd(*arguments, "--image-root", moved, "--json").out)["image_root"] == str(moved)
        assert asd.load(tmp_path / "data@first").image_root == str(moved)
        assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "data" / "versions").rglob("*")}

    def test_a_task_may_stand_by_itself(self, tmp_path: Path) -> None:
        _, _, task, *rest = self.arguments(tmp_path)
        assert json.loads(run_asd("convert", "VQAv2", *rest, "--json").out)["task"] == task
        both = run_asd("convert", "gqa", "--task", "vqav2", *rest)
        assert both.err == "error: TASK gqa and --task vqav2 say different things; give one of them.\n"

    def test_a_sample_goes_where_it_is_told_and_says_that_it_is_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.delenv("ASD_DATA_ROOT", raising=False)
        done = run_asd("convert", "scienceqa", "--out", "my own")
        assert done.out.startswith("made my own@v1 ")
        assert done.out.endswith("look at it:  asd inspect 'my own'\n")
        assert done.err.startswith(
            "using the small embedded sample of scienceqa, drawn by this package, not the data set"
        )
        assert "**A sample, not the data set**" in (tmp_path / "my own" / "README.md").read_text()
        assert run_asd("convert", "scienceqa").out.startswith("made asd-data/scienceqa-sample@v1 ")
        assert run_asd("convert", "--recipe", "smoke/embedded").code == 0
        assert (tmp_path / "asd-data/smoke/vqav2-sample").is_dir()
        assert run_asd("convert", "--recipe", "smoke/embedded", "--out", "all").code == 0
        assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["grounding", "scienceqa", "vqav2"]

    def test_dry_run_writes_nothing(self, tmp_path: Path) -> None:
        arguments = self.arguments(tmp_path)
        told = json.loads(run_asd(*arguments, "--dry-run", "--json").out)
        text = run_asd(*arguments, "--dry-run")
        assert text.out.startswith("dry run: nothing was written. Would make")
        assert [f"─ {style}, from short_answer by" in text.out for style in told["counts"]["by_style"]].count(True) == 3
        made = {row["style"]: row["id"] for row in told["samples"]}
        assert set(made) == set(told["counts"]["by_style"])
        assert sorted(path.name for path in tmp_path.iterdir()) == ["source.jsonl"]
        done = json.loads(run_asd(*arguments, "--json").out)
        assert (told["version"], told["exists"]) == (done["version"], False)
        rows = {row["id"]: row for row in asd.load(tmp_path / "data")}
        for row in told["samples"]:
            assert {key: value for key, value in row.items() if key != "images"} == {
                key: value for key, value in rows[row["id"]].items() if key != "images"
            }
        assert {key: told["counts"][key] for key in ("samples", "converted", "by_style")} == {
            key: done["counts"][key] for key in ("samples", "converted", "by_style")
        }
        assert "(already there)" in run_asd(*arguments, "--dry-run").out

    def test_dry_run_of_the_embedded_sample_writes_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.delenv("ASD_DATA_ROOT", raising=False)
        done = run_asd("convert", "--task", "vqav2", "--dry-run")
        assert done.code == 0, done.err
        assert "from the embedded sample" in done.out
        assert list(tmp_path.iterdir()) == []

    def test_the_embedded_sample_embeds_its_own_images(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.delenv("ASD_DATA_ROOT", raising=False)
        for did_work in (True, False):
            told = json.loads(run_asd("convert", "--task", "vqav2", "--embed-images", "--json").out)
            assert told["did_work"] is did_work
        (row, *_) = asd.load(tmp_path / "asd-data" / "vqav2-sample")
        assert row["images"][0]["bytes"].startswith((b"\xff\xd8", b"\x89PNG"))

    def test_a_dataset_below_its_own_source_is_no_source(self, tmp_path: Path) -> None:
        write_lines(tmp_path / "source.jsonl", vqa_records(50))
        arguments = ["convert", "--task", "vqav2", "--source", tmp_path, "--out", tmp_path / "data", "--json"]
        assert [json.loads(run_asd(*arguments).out)["did_work"] for _ in range(2)] == [True, False]

    def test_progress_is_plain_lines_where_standard_error_is_no_terminal(self, tmp_path: Path) -> None:
        arguments = self.arguments(tmp_path)
        script = (
            "import sys\nfrom asd.conversion import progress\n"
            "progress.LineProgress.__init__.__defaults__ = (0.0,)\n"  # a line at each step, not every few seconds
            "from asd.cli.main import main\nmain()"
        )
        done = in_a_process("-c", script, *arguments)
        assert done.returncode == 0, done.stderr
        lines = done.stderr.splitlines()
        assert "\x1b" not in done.stderr and "\r" not in done.stderr
        assert lines[0].startswith("reading: 50 rows, ")
        assert lines[-2].startswith("writing: 50 of 50 rows, ")
        assert lines[-1].startswith("note: of 16 image paths")

    def test_progress_is_never_more_than_all_of_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """More samples are asked about than are wanted, since makers decline some."""
        records = vqa_records(400)
        for record in records[::2]:
            record["conversations"][1]["value"] = "unanswerable"
        source = write_lines(tmp_path / "source.jsonl", records)
        monkeypatch.setattr(LineProgress.__init__, "__defaults__", (0.0,))
        done = run_asd("convert", "--task", "vqav2", "--source", source, "--out", tmp_path / "data", "--ratio", 0.3)
        counts = re.findall(r"converting: (\d+) of (\d+) rows", done.err)
        assert counts and all(int(rows) <= int(total) for rows, total in counts)
        assert int(counts[-1][1]) > 120 and counts[-1][0] == counts[-1][1]


class TestReading:
    def test_inspect(self, made: Made) -> None:
        done = run_asd("inspect", made.data, "-n", "1")
        assert done.code == 0
        for style in ("yes_no", "multiple_choice", "brief_explanation"):
            assert f"{style}, from short_answer" in done.out
        assert "multiple_choice" not in run_asd("inspect", made.data, "--style", "yes_no").out

    def test_inspect_html(self, made: Made, tmp_path: Path) -> None:
        page = tmp_path / "new" / "page.html"
        done = run_asd("inspect", made.data, "--html", page)
        assert (done.code, done.out) == (0, f"wrote {page}\n")
        assert page.read_text("utf-8").lower().startswith("<!doctype html>")

    def test_versions(self, made: Made) -> None:
        done = run_asd("versions", made.data)
        rows = [line.split() for line in done.out.splitlines()[2:]]
        assert rows[0][:2] == ["v1", made.versions[0]]
        assert "v2 (latest)" in done.out
        told = json.loads(run_asd("versions", made.data, "--json").out)
        assert [(row["version"], row["names"], row["latest"]) for row in told] == [
            (made.versions[0], ["v1"], False),
            (made.versions[1], ["v2"], True),
        ]

    def test_verify_of_several_shards(self, made: Made) -> None:
        done = run_asd("verify", made.data)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"version {made.versions[1]} is sound: 4 files, 60 rows, ")
        told = json.loads(run_asd("verify", f"{made.data}@v1", "--json").out)
        assert (told["version"], told["files"], told["rows"], told["problems"]) == (
            made.versions[0],
            2,
            60,
            [],
        )

    def test_diff(self, made: Made) -> None:
        text = run_asd("diff", f"{made.data}@v1", f"{made.data}@v2").out
        assert "config.ratio: 0.3 -> 0.4" in text
        told = json.loads(run_asd("diff", f"{made.data}@v1", f"{made.data}@v2", "--json").out)
        assert told["same"] + told["restyled"] + told["changed"] == 60
        assert (told["added"], told["removed"]) == (0, 0)
        assert told["settings"]["config.seed"] == [0, 1]
        same = json.loads(run_asd("diff", made.data, f"{made.data}@v2", "--json").out)
        assert (same["same"], same["settings"]) == (60, {})

    def test_quality(self, made: Made) -> None:
        told = json.loads(run_asd("quality", made.data, "--json").out)
        assert {
            "samples", "converted", "by_style", "by_maker", "gold_recoverable", "question_preserved", "option_conflicts",
            "letter_chi2_p", "yes_share", "longest_is_gold", "longest_is_gold_chance", "probe_multiple_choice",
            "probe_multiple_choice_prior", "probe_yes_no", "probe_yes_no_prior",
        } <= set(told)  # fmt: skip
        assert (told["samples"], told["converted"]) == (60, 24)
        assert sum(told["by_style"].values()) == sum(told["by_maker"].values()) == 60
        text = run_asd("quality", made.data, "--all").out
        assert all((key in text) == (value is not None) for key, value in told.items() if not isinstance(value, dict))
        short = run_asd("quality", made.data).out
        assert short.startswith("60 samples, 24 of them converted (")
        assert "gold_recoverable" not in short
        assert "good  Answer can be read back: 100.0% (wanted: 100%)\n      From the response" in short

    def test_quality_where_nothing_was_converted(self, tmp_path: Path) -> None:
        source = write_lines(tmp_path / "rows.jsonl", vqa_records(20))
        assert run_asd("convert", "vqav2", "--source", source, "--ratio", 0, "--out", tmp_path / "data").code == 0
        told = run_asd("quality", tmp_path / "data").out
        assert told.startswith(
            "20 samples, 0 of them converted\nstyles: short_answer 20\nnothing is judged: no sample was"
        )

    def test_output_into_a_pipe_that_closes(self, made: Made) -> None:
        command = f'"{sys.executable}" -m asd.cli.main tasks --json | head -c 10'
        done = subprocess.run(["bash", "-c", command], cwd=REPO, capture_output=True, text=True, check=False)
        assert done.stderr == ""

    def test_a_terminal_without_utf_8(self, made: Made) -> None:
        done = in_a_process("-m", "asd.cli.main", "inspect", made.data, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert (done.returncode, done.stderr) == (0, "")


class TestExport:
    def test_one_record_per_sample(self, made: Made, tmp_path: Path) -> None:
        done = run_asd("export", made.data, "--out", tmp_path / "out.json")
        said = done.out.splitlines()
        assert (done.code, said[0]) == (0, f"wrote 60 records to {tmp_path}/out.json")
        assert [line[:29] for line in said[1:]] == ["warning: 60 images are not in"]  # the fixture's rows have none
        records = json.loads((tmp_path / "out.json").read_text())
        assert len(records) == 60
        assert {turn["from"] for record in records for turn in record["conversations"]} == {"human", "gpt"}

    def test_grouped_turns_convert_again_to_the_same_samples(self, tmp_path: Path) -> None:
        """Round trip: what was exported is a source with the same questions, answers, images and turns."""
        singles = vqa_records(60)
        records = [
            {"id": f"r{number}", "image": singles[number]["image"],
             "conversations": [turn for one in singles[number : number + 3] for turn in one["conversations"]]}
            for number in range(0, 60, 3)
        ]  # fmt: skip
        for item in records:
            for turn in item["conversations"][2::2]:
                turn["value"] = turn["value"].removeprefix("<image>\n")
        source = write_lines(tmp_path / "source.jsonl", records)
        first = asd.convert("vqav2", source, out=tmp_path / "first", ratio=0)
        assert run_asd("export", first.path, "--out", tmp_path / "again.json", "--group-turns").code == 0
        assert len(json.loads((tmp_path / "again.json").read_text())) == 20
        second = asd.convert("vqav2", tmp_path / "again.json", out=tmp_path / "second", ratio=0)

        def samples(path: Path) -> list[dict[str, object]]:
            dropped = ("source_file", "source_row")
            rows = asd.load(path).to_list()
            return sorted(
                ({k: v for k, v in row.items() if k not in dropped} for row in rows),
                key=lambda row: str(row["id"]),
            )

        assert samples(first.path) == samples(second.path)
        assert len(samples(first.path)) == 60


def test_listing_and_verifying_hold_no_rows_in_memory(tmp_path: Path) -> None:
    """Shards are mapped, not read: sixteen times the rows cost Python no more, and Arrow next to nothing."""
    few = _converted(tmp_path / "few", 500)
    many = _converted(tmp_path / "many", 8000)
    size = sum(entry.size_bytes for entry in many.manifest.files)
    assert len(many.manifest.files) == 17
    _peaks(few.path)  # imports
    (peak_few, _), (peak_many, arrow) = _peaks(few.path), _peaks(many.path)
    assert peak_many < peak_few + size / 10
    assert arrow < size / 4


def _converted(folder: Path, rows: int) -> Conversion:
    folder.mkdir()
    source = write_lines(folder / "source.jsonl", vqa_records(rows))
    return asd.convert("vqav2", source, out=folder / "data", ratio=0.2, shard_rows=500)


def _peaks(path: Path) -> tuple[int, int]:
    """Bytes of Python at the peak, and of Arrow that are left, after listing and verifying a dataset."""
    import pyarrow as pa

    before = pa.total_allocated_bytes()
    tracemalloc.start()
    assert run_asd("versions", path).code == 0
    assert run_asd("verify", path).code == 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, pa.total_allocated_bytes() - before
