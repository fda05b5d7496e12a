"""Questions, asking and comparing by the command line, against a model that is a function."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from asd.probing.items import ProbeItem, read_items, write_items
from asd.probing.questions import _item, _OwnPictures
from asd.schemas.styles import AnswerStyle
from asd.shards.reader import read_batches
from asd.shards.store import Store
from tests.asd.cli_runner import run_asd
from tests.asd.probing.answering_server import AnsweringServer
from tests.asd.sources_made import write_lines


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("data") / "gqa"
    return str(json.loads(run_asd("convert", "--task", "gqa", "--ratio", "0.6", "--out", out, "--json").out)["path"])


def asked(data: str, folder: Path, number: int = 12) -> Path:
    done = run_asd("probe", "questions", "--data", data, "--out", folder / "probe.jsonl", "-n", number)
    assert done.code == 0, done.err
    return folder / "probe.jsonl"


def answered(path: Path, out: Path, server: AnsweringServer) -> list[ProbeItem]:
    done = run_asd(
        "probe", "ask", path, "--out", out, "--rewriter", "openai", "--base-url", server.base_url, "--model", "model"
    )
    assert done.code == 0, done.err
    return read_items(out)


def test_questions_of_a_version(data: str, tmp_path: Path) -> None:
    items = read_items(asked(data, tmp_path))
    counts = Counter(item.style.value for item in items)
    assert counts == {"short_answer": 12, "multiple_choice": 12, "yes_no": 12, "brief_explanation": 12}
    assert all(Path(path).is_file() for item in items for path in item.images)
    assert {item.accepted[0] for item in items if item.style is AnswerStyle.YES_NO} <= {"yes", "no"}


def test_questions_are_the_same_each_time_and_more_hold_fewer(data: str, tmp_path: Path) -> None:
    few, more = read_items(asked(data, tmp_path, 5)), read_items(asked(data, tmp_path, 10))
    assert few == read_items(asked(data, tmp_path, 5))
    assert {item.id for item in few} < {item.id for item in more}


def test_drawn_questions_are_asked_in_every_style(tmp_path: Path) -> None:
    assert run_asd("probe", "questions", "--out", tmp_path / "p.jsonl", "-n", 8).code == 0
    items = read_items(tmp_path / "p.jsonl")
    assert {item.style.value for item in items} == {
        "yes_no", "multiple_choice", "short_answer", "brief_explanation", "detailed_explanation", "bounding_box",
    }  # fmt: skip
    pictures = [tmp_path / path for item in items for path in item.images]
    right = [path.read_bytes() for path in pictures]
    for path in pictures:
        path.write_bytes(b"of other questions")
    assert run_asd("probe", "questions", "--out", tmp_path / "p.jsonl", "-n", 8).code == 0
    assert [path.read_bytes() for path in pictures] == right
    assert max(Counter(item.question for item in items).values()) >= 4, "one question in several styles"


def test_ones_own_rows_without_pictures(tmp_path: Path) -> None:
    done = run_asd("probe", "questions", "--task", "scienceqa", "--out", tmp_path / "p.jsonl", "-n", 5, "--text-only")
    assert done.code == 0, done.err
    assert not any(item.images for item in read_items(tmp_path / "p.jsonl"))


def test_a_style_is_lost_and_the_facts_are_kept(data: str, tmp_path: Path) -> None:
    path = asked(data, tmp_path, 20)
    right = {item.prompt.replace("<image>\n", ""): item for item in read_items(path)}  # the model sees no pictures,
    write_items(path, right.values())  # so that it can be asked no question of two of them

    def before(prompt: str) -> str:
        return right[prompt].response

    def after(prompt: str) -> str:
        item = right[prompt]
        return (
            f"The answer is {item.response}, I think." if item.style is AnswerStyle.MULTIPLE_CHOICE else item.response
        )

    with AnsweringServer(before) as server:
        first = answered(path, tmp_path / "before.jsonl", server)
    with AnsweringServer(after) as server:
        answered(path, tmp_path / "after.jsonl", server)
        assert all("response_format" not in body or "asd_preflight" in json.dumps(body) for body in server.bodies)
    assert [item.answer for item in first] == [item.response for item in first]
    done = run_asd(
        "probe", "compare", tmp_path / "before.jsonl", tmp_path / "after.jsonl", "--html", tmp_path / "p.html"
    )
    assert done.code == 2
    assert "style lost: multiple choice 100% to 0%; the facts are kept (100% to 100%)" in done.out
    assert "yes no is kept (100% to 100%)" in done.out
    assert "<h1>Lost: multiple choice</h1>" in (tmp_path / "p.html").read_text("utf-8")
    told = json.loads(run_asd("probe", "compare", tmp_path / "before.jsonl", tmp_path / "after.jsonl", "--json").out)
    assert told["fallen"] == ["multiple_choice"]
    assert told["styles"]["multiple_choice"]["follows"]["lost"] == sum(
        item.style is AnswerStyle.MULTIPLE_CHOICE for item in right.values()
    )
    same = run_asd("probe", "compare", tmp_path / "before.jsonl", tmp_path / "before.jsonl")
    assert same.code == 0


def test_two_models_of_one_name_do_not_get_each_others_answers(data: str, tmp_path: Path) -> None:
    path = asked(data, tmp_path, 3)
    for said in ("one", "two"):
        with AnsweringServer(lambda prompt, said=said: said) as server:  # type: ignore[misc]
            assert {item.answer for item in answered(path, tmp_path / "out.jsonl", server)} == {said}
    assert not list(tmp_path.glob(".*replies*"))


def test_few_questions_are_not_enough_evidence(data: str, tmp_path: Path) -> None:
    items = read_items(asked(data, tmp_path, 5))
    write_items(tmp_path / "b.jsonl", [item.model_copy(update={"answer": item.response}) for item in items])
    write_items(
        tmp_path / "a.jsonl",
        [item.model_copy(update={"answer": "I do not know what to say to this."}) for item in items],
    )
    done = run_asd("probe", "compare", tmp_path / "b.jsonl", tmp_path / "a.jsonl")
    assert done.code == 0
    assert "not enough evidence on yes no (100% to 0%, 5 questions): ask more" in done.out


def test_a_wrong_call_is_no_lost_style(data: str, tmp_path: Path) -> None:
    """2 is taken: it says that a style was lost."""
    path = asked(data, tmp_path, 1)
    lines = path.read_bytes()
    for words, message in (
        ((path,), "Missing argument 'after'"),
        ((path, path, "--max-drop", "2"), "Invalid value for '--max-drop'"),
        ((path, path, "--drop", "2"), "No such option: --drop"),
        ((path, path, "--html", path), "error: --html "),
    ):
        done = run_asd("probe", "compare", *words)
        assert (done.code, done.out) == (1, "")
        assert message in done.err
    assert path.read_bytes() == lines
    assert run_asd("probe", "compare", "--help").code == 0


def test_a_model_that_takes_no_images(data: str, tmp_path: Path) -> None:
    path = asked(data, tmp_path, 2)
    with AnsweringServer(lambda prompt: "x", images=False) as server:
        done = run_asd("probe", "ask", path, "--out", tmp_path / "o.jsonl", "--rewriter", "openai",
                       "--base-url", server.base_url, "--model", "model")  # fmt: skip
    assert done.code == 1
    assert "model takes no images, and 8 of the questions have some" in done.err


def test_what_the_server_refuses_was_not_asked(data: str, tmp_path: Path) -> None:
    path = asked(data, tmp_path, 3)
    verdicts = {item.prompt.replace("<image>\n", "") for item in read_items(path) if item.style is AnswerStyle.YES_NO}
    with AnsweringServer(lambda prompt: None if prompt in verdicts else "") as server:
        items = answered(path, tmp_path / "out.jsonl", server)
    assert {item.answer for item in items if item.style is AnswerStyle.YES_NO} == {None}
    assert {item.answer for item in items if item.style is not AnswerStyle.YES_NO} == {""}, "an empty answer is one"
    with AnsweringServer(lambda prompt: None) as server:
        done = run_asd("probe", "ask", path, "--out", tmp_path / "none.jsonl", "--rewriter", "openai",
                       "--base-url", server.base_url, "--model", "model")  # fmt: skip
    assert done.code == 3
    assert "none of the 12 questions was answered; the first: content_filter" in done.err
    assert not (tmp_path / "none.jsonl").exists()


def test_pictures_that_rows_hold_are_written_beside_the_questions(tmp_path: Path) -> None:
    data = json.loads(run_asd("convert", "--task", "gqa", "--out", tmp_path / "data", "--embed-images", "--json").out)
    shutil.rmtree(Path(data["path"]) / "images", ignore_errors=True)
    path = asked(data["path"], tmp_path, 4)
    items = [item for item in read_items(path) if item.images]
    assert items
    names = {name for item in items for name in item.images}
    assert all(re.fullmatch(r"probe-images/held/[0-9a-f]{32}\.jpg", name) for name in names)
    held = {str(file.relative_to(tmp_path)) for file in (tmp_path / "probe-images").rglob("*") if file.is_file()}
    assert held == names, "those of the chosen questions alone"
    with AnsweringServer(lambda prompt: "x") as server:
        answered(path, tmp_path / "out.jsonl", server)
        sent = [body for body in server.bodies if isinstance(body["messages"][-1]["content"], list)]
        assert any(";base64," in json.dumps(body) for body in sent)


def test_an_image_that_is_nowhere_is_left_out(data: str, tmp_path: Path) -> None:
    version = Store(Path(data)).resolve(None)
    row = next(row for batch in read_batches(Path(data), version) for row in batch.to_pylist() if row["images"])
    (image,) = row["images"]
    nowhere = {**image, "path": None, "bytes": None}
    item = _item({**row, "images": [nowhere, image]}, "/root", _OwnPictures(tmp_path, tmp_path / "pictures"))
    assert item.images == (f"/root/{image['path']}",)


def test_questions_do_not_depend_on_the_order_of_the_rows(tmp_path: Path) -> None:
    rows = [
        {"id": f"q{n}", "image": "a.jpg", "text": "", "conversations": [
            {"from": "human", "value": f"<image>\nWhat is {n}?"}, {"from": "gpt", "value": str(n)}]}
        for n in range(40)
    ]  # fmt: skip
    found = []
    for name, records in (("one", rows), ("two", rows[::-1])):
        write_lines(tmp_path / f"{name}.jsonl", records)
        done = run_asd("convert", "--task", "vqav2", "--source", tmp_path / f"{name}.jsonl", "--ratio", "0", "--out",
                       tmp_path / name, "--json")  # fmt: skip
        (tmp_path / f"of-{name}").mkdir()
        found.append(read_items(asked(json.loads(done.out)["path"], tmp_path / f"of-{name}", 5)))
    assert [(item.id, item.prompt) for item in found[0]] == [(item.id, item.prompt) for item in found[1]]
    both = run_asd("probe", "questions", "--data", tmp_path / "one", "--data", tmp_path / "two", "--out",
                   tmp_path / "both.jsonl", "-n", 5)  # fmt: skip
    assert both.code == 0, both.err
    assert [item.id for item in read_items(tmp_path / "both.jsonl")] == [item.id for item in found[0]], "each once"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["questions", "--out", "p.jsonl", "--data", "x", "--task", "gqa"], "give --data DIR or --task NAME, not both"),
        (["questions", "--out", "p.jsonl", "--source", "x"], "--source and --image-root belong to --task NAME"),
        (
            [
                "ask",
                "nowhere.jsonl",
                "--out",
                "o.jsonl",
                "--rewriter",
                "openai",
                "--base-url",
                "http://x/v1",
                "--model",
                "m",
            ],
            "cannot be read",
        ),
        (["ask", "{bad}", "--out", "o.jsonl"], "bad.jsonl:2: style: "),
        (["ask", "{good}", "--out", "o.jsonl"], "a probe needs a model to ask"),
        (["compare", "{good}", "{good}"], "let a model answer them with `asd probe ask {good} --out ANSWERS`"),
        (["compare", "{noise}", "{good}"], "noise.jsonl:1: not a line of JSON"),
        (["compare", "{empty}", "{good}"], "holds no questions"),
    ],
)
def test_what_cannot_be_done_is_one_message(
    arguments: list[str], message: str, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good = asked(data, tmp_path, 2)
    (tmp_path / "bad.jsonl").write_text(
        good.read_text("utf-8").splitlines()[0] + '\n{"id": "1", "style": "x"}\n', "utf-8"
    )
    (tmp_path / "noise.jsonl").write_text("{noise\n", "utf-8")
    (tmp_path / "empty.jsonl").write_text("\n", "utf-8")
    names = {name: str(tmp_path / f"{name}.jsonl") for name in ("bad", "noise", "empty")} | {"good": str(good)}
    done = run_asd("probe", *(argument.format(**names) for argument in arguments))
    assert done.code in (1, 2)
    assert message.format(**names) in done.err
    assert "Traceback" not in done.err


def test_answers_to_different_questions_are_not_compared(data: str, tmp_path: Path) -> None:
    items = [item.model_copy(update={"answer": "x"}) for item in read_items(asked(data, tmp_path, 2))]
    write_items(tmp_path / "a.jsonl", items)
    write_items(tmp_path / "b.jsonl", [item.model_copy(update={"prompt": "another"}) for item in items])
    assert (
        "is not the same in both files" in run_asd("probe", "compare", tmp_path / "a.jsonl", tmp_path / "b.jsonl").err
    )
    write_items(tmp_path / "c.jsonl", [item.model_copy(update={"id": f"other {item.id}"}) for item in items])
    assert (
        "no answered question in common" in run_asd("probe", "compare", tmp_path / "a.jsonl", tmp_path / "c.jsonl").err
    )


def test_ids_stand_once_and_inputs_are_not_replaced(data: str, tmp_path: Path) -> None:
    items = [item.model_copy(update={"answer": item.response}) for item in read_items(asked(data, tmp_path, 2))]
    write_items(tmp_path / "a.jsonl", items)
    write_items(tmp_path / "twice.jsonl", [*items, items[0]])
    done = run_asd("probe", "compare", tmp_path / "twice.jsonl", tmp_path / "a.jsonl")
    assert "stands more than once in one of the files; ids must be unique" in done.err
    done = run_asd("probe", "compare", tmp_path / "a.jsonl", tmp_path / "a.jsonl", "--html", tmp_path / "a.jsonl")
    assert (done.code, "is a file that is read, and would be replaced" in done.err) == (1, True)
    assert run_asd("styles", tmp_path / "a.jsonl", "--html", tmp_path / "a.jsonl").code == 2
    assert read_items(tmp_path / "a.jsonl") == items
    write_items(tmp_path / "other.jsonl", [item.model_copy(update={"accepted": ("x",)}) for item in items])
    assert (
        "is not the same in both files"
        in run_asd("probe", "compare", tmp_path / "a.jsonl", tmp_path / "other.jsonl").err
    )
