"""The mapping engine on small rows: every expression, every rule, every message."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from asd.errors import SourceError, UsageError
from asd.schemas.task import TaskSpec
from asd.sources.layouts import matches_glob
from asd.sources.open import open_source
from asd.tasks.registry import load_task

MANUAL = Path(__file__).resolve().parents[3] / "asd" / "sources" / "LAYOUTS.md"


def make_spec(layout: str | dict[str, Any] | list[dict[str, Any]], **fields: Any) -> TaskSpec:
    """A task with one layout (YAML text or dict; `name` may be left out) or several."""
    if isinstance(layout, str):
        layout = yaml.safe_load(textwrap.dedent(layout))
    layouts = layout if isinstance(layout, list) else [{"name": "own", **layout}]
    base = {"name": "t", "title": "T", "family": "vqa", "native_style": "short_answer", "layouts": layouts}
    return TaskSpec.model_validate({**base, "scorer": "x", "licence": "x", "citation": "x", **fields})


def write(folder: Path, name: str, records: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".jsonl"):
        path.write_text("".join(json.dumps(r) + "\n" for r in records))
    elif name.endswith(".json"):
        path.write_text(json.dumps(records))
    else:
        path.write_text(records)
    return path


def read(spec: TaskSpec, location: Path, **options: Any) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Rows, and (reason, detail) of the rejects."""
    rows, rejects = [], []
    for batch in open_source(spec, location, **options).batches():
        batch.table.validate(full=True)
        rows.extend(batch.table.to_pylist())
        rejects.extend((r.reason, r.detail) for r in batch.rejects)
    return rows, rejects


def column(spec_columns: str, records: list[Any], name: str, tmp_path: Path, **fields: Any) -> list[Any]:
    spec = make_spec({"columns": yaml.safe_load(spec_columns)}, **fields)
    return [row[name] for row in read(spec, write(tmp_path, "rows.jsonl", records))[0]]


QA = "{question: q, gold: a, "


@pytest.mark.parametrize(
    ("expression", "record", "value"),
    [
        ("x.y.1", {"x": {"y": ["a", "b"]}}, "b"),
        ("x.-1", {"x": ["a", "b"]}, "b"),
        ("x.9", {"x": ["a", "b"]}, ""),
        ("'x?'", {}, ""),
        ("'n {x:04d} {y}'", {"x": "7", "y": 2.5}, "n 0007 2.5"),
        ("'{x}'", {"x": None}, ""),
        ("{text: 'a {b}'}", {}, "a {b}"),
        ("{first_of: [x, y, {text: z}]}", {"x": "", "y": None}, "z"),
        ("{list: [x, y, '{z}'], join: ' / '}", {"x": "a", "y": ["b", "c"], "z": None}, "a / b / c"),
        ("{switch: {by: x, cases: {1: {text: one}, a: y}, default: {text: d}}}", {"x": 1}, "one"),
        ("{switch: {by: x, cases: {1: {text: one}, a: y}, default: {text: d}}}", {"x": "a", "y": "Y"}, "Y"),
        ("{switch: {by: x, cases: {1: {text: one}}}}", {"x": 2}, ""),
        ("{pick: {from: x, at: y}}", {"x": ["a", "b"], "y": 1}, "b"),
        ("{pick: {from: x, at: y}, join: +}", {"x": ["a", "b"], "y": [1, 0]}, "b+a"),
        ("{field: x, find: '(\\d+) m'}", {"x": "about 40 m"}, "40"),
        ("{field: x, find: 'zz', default: none}", {"x": "about"}, "none"),
        ("{field: x, remove: '<[^>]*>'}", {"x": "a<b>c"}, "ac"),
        ("{field: x, split: ', ', join: '|'}", {"x": "a, b, , c"}, "a|b|c"),
        ("{field: x, case: upper}", {"x": "a"}, "A"),
        ("{field: x, basename: true}", {"x": "http://h/p/a.png?w=1#z"}, "a.png"),
        ("{field: x, map: {0: no, 1: yes}}", {"x": 1}, "yes"),
        ("{field: x, map: {true: yes, false: no}}", {"x": False}, "no"),
        ("{field: x, each: $it.n, join: ' '}", {"x": [{"n": 1}, {"n": 2}]}, "1 2"),
        ("{field: x, numbered: 'p{n}', join: ' '}", {"x": ["a", "b"]}, "p1 p2"),
        ("'{$stem}/{$row}/{$number}/{$name}'", {}, "rows/0/1/rows.jsonl"),
    ],
)
def test_expressions(tmp_path, expression, record, value):
    row = {"q": "?", "a": "!", **record}
    assert column(f"{QA}context: {expression}}}", [row], "context", tmp_path) == [value]


def test_map_refuses_other_values(tmp_path):
    spec = make_spec("columns: {question: q, gold: {field: a, map: {0: 'no', 1: 'yes'}}}")
    rows, rejects = read(spec, write(tmp_path, "rows.jsonl", [{"q": "?", "a": 1}, {"q": "?", "a": 2}]))
    assert [row["gold"] for row in rows] == ["yes"]
    assert rejects == [("unknown_label", "'2' is not one of 0, 1")]


def test_options_gold_and_accepted(tmp_path):
    records = [
        {"q": " Which? ", "o": ["a\n b", "c"], "i": 0, "more": ["A b", "c", "d", "a b"]},
        {"q": "Which?", "o": ["a", "c"], "i": "B", "more": None},
        {"q": "Which?", "o": ["a", "c"], "i": 2, "more": None},
        {"q": "", "o": ["a", "c"], "i": 1, "more": None},
        {"q": "Which?", "o": None, "i": 1, "more": None},
    ]
    columns = "columns: {question: q, options: o, answer_index: i, accepted: more}"
    rows, rejects = read(make_spec(columns, native_style="multiple_choice"), write(tmp_path, "r.jsonl", records))
    assert rows[0]["question"] == "Which?"
    assert rows[0]["options"] == ["a b", "c"]
    assert rows[0]["accepted"] == ["a b", "A b", "d"]  # "c" is a wrong option
    assert [(row["response"], row["gold"], row["answer_index"]) for row in rows] == [
        ("A", "a b", 0),
        ("B", "c", 1),
    ]
    assert [reason for reason, _ in rejects] == ["answer_index_out_of_range", "no_question", "no_answer"]
    assert rejects[0][1] == "answer 2 of 2 options"


def test_gold_text_is_looked_up_among_the_options(tmp_path):
    records = [
        {"q": "?", "o": ["Yes", "No"], "a": "no"},
        {"q": "?", "o": ["x", "y"], "a": "z"},
        {"q": "?", "o": [], "a": "4"},
    ]
    rows, rejects = read(make_spec("columns: {question: q, options: o, gold: a}"), write(tmp_path, "r.jsonl", records))
    assert [(row["gold"], row["answer_index"], row["response"]) for row in rows] == [
        ("No", 1, "No"),
        ("4", None, "4"),
    ]
    assert rejects == [("answer_not_in_options", "'z' is none of the 2 options")]


@pytest.mark.parametrize(("label", "gold"), [("Yes", "yes"), (1, "yes"), (True, "yes"), ("False", "no"), ("0", "no")])
def test_yes_no_has_one_spelling(tmp_path, label, gold):
    columns = "{question: q, gold: a}"
    assert column(columns, [{"q": "?", "a": label}], "gold", tmp_path, native_style="yes_no") == [gold]


def test_answer_decides_about_yes_no_and_not_the_wording(tmp_path):
    records = [{"q": "Is it left or right?", "a": "left"}, {"q": "Is it left?", "a": "perhaps"}]
    assert column("{question: q, gold: a}", records, "gold", tmp_path) == ["left", "perhaps"]
    rows, rejects = read(
        make_spec("columns: {question: q, gold: a}", native_style="yes_no"),
        write(tmp_path, "r.jsonl", records),
    )
    assert rows == []
    assert [reason for reason, _ in rejects] == ["not_yes_no", "not_yes_no"]


def test_placeholders_are_plain_text(tmp_path):
    records = [{"q": "What is <image> in {{name}}?", "a": "{x} <image>"}]
    rows, _ = read(make_spec("columns: {question: q, gold: a}"), write(tmp_path, "r.jsonl", records))
    assert (rows[0]["question"], rows[0]["gold"]) == ("What is <image> in {{name}}?", "{x} <image>")


@pytest.mark.parametrize("path", ["/etc/x.png", "../x.png", "a/../../x.png", "C:\\x.png", "..\\x.png"])
def test_images_stay_below_the_root(tmp_path, path):
    spec = make_spec("columns: {question: q, gold: a, images: p}")
    records = [
        {"q": "?", "a": "!", "p": "./a/b.jpg.jpg"},
        {"q": "?", "a": "!", "p": path},
        {"q": "?", "a": "!", "p": None},
    ]
    rows, rejects = read(spec, write(tmp_path, "r.jsonl", records))
    assert [row["images"] for row in rows] == [["a/b.jpg.jpg"], []]
    assert [reason for reason, _ in rejects] == ["image_outside_root"]


def test_pair_join_votes_and_reports_missing_entries(tmp_path):
    for split in ("train", "val"):
        write(tmp_path, f"{split}_questions.json", {"questions": [{"id": i, "q": f"{split}?"} for i in (1, 2)]})
        write(
            tmp_path,
            f"{split}_annotations.json",
            {"annotations": [{"id": "1", "answers": [split, "x", split]}]},
        )
    spec = make_spec(
        """
        files: "*_questions.json"
        records: questions
        joins:
          ann: {pair: [{_nope: _x}, {_questions: _annotations}], records: annotations, key: id, lookup: id}
        columns: {source_id: "{$stem}-{id}", question: q, annotators: ann.answers}
        """
    )
    rows, rejects = read(spec, tmp_path)
    assert [(r["source_id"], r["split"], r["gold"], r["accepted"]) for r in rows] == [
        ("train_questions-1", "train", "train", ["train", "x"]),
        ("val_questions-1", "val", "val", ["val", "x"]),
    ]
    assert rejects == [("no_answer", "no entry in ann")] * 2
    (tmp_path / "val_annotations.json").unlink()
    with pytest.raises(SourceError, match=r"val_questions.json has no file of 'ann' beside it \(looked for val_annot"):
        read(spec, tmp_path)


def test_list_lookup_and_values_without_fields(tmp_path):
    write(tmp_path, "labels.json", ["cat", "dog", "owl"])
    write(tmp_path, "real.json", [[1], [], [2, 0]])
    spec = make_spec(
        """
        files: real.json
        joins: {label: {files: labels.json, lookup: $value}}
        columns: {images: "val_{$number:03d}.png", accepted: label}
        """,
        question="What is it?",
    )
    rows, rejects = read(spec, tmp_path)
    assert [(r["images"], r["gold"], r["accepted"]) for r in rows] == [
        (["val_001.png"], "dog", ["dog"]),
        (["val_003.png"], "owl", ["owl", "cat"]),
    ]
    assert rejects == [("no_answer", "the answer is empty or missing")]
    assert {r["question"] for r in rows} == {"What is it?"}


def test_line_aligned_files_must_be_equally_long(tmp_path):
    write(tmp_path, "images.txt", "a.jpg\nb.jpg\n")
    write(tmp_path, "caps.txt", "A cat.\nA dog.\n")
    spec = make_spec(
        """
        files: images.txt
        joins: {cap: {files: caps.txt, lookup: $row, aligned: true}}
        columns: {source_id: $value, question: {text: "What?"}, gold: cap}
        """
    )
    assert [(r["source_id"], r["gold"]) for r in read(spec, tmp_path)[0]] == [
        ("a.jpg", "A cat."),
        ("b.jpg", "A dog."),
    ]
    write(tmp_path, "caps.txt", "A cat.\n")
    with pytest.raises(SourceError, match=r"images.txt has 2 records and its line-aligned 'cap' has 1"):
        read(spec, tmp_path)


def test_repeated_keys_keep_the_first_and_are_noted(tmp_path):
    write(tmp_path, "q.jsonl", [{"id": 1, "q": "?"}])
    write(tmp_path, "a.jsonl", [{"id": 1, "a": "first"}, {"id": 1, "a": "second"}])
    spec = make_spec(
        "{files: q.jsonl, joins: {ann: {files: a.jsonl, key: id, lookup: id}}, columns: {question: q, gold: ann.a}}"
    )
    source = open_source(spec, tmp_path)
    assert [b.table["gold"].to_pylist() for b in source.batches()] == [["first"]]
    assert source.notes == ["a.jsonl: 1 keys of 'ann' occur again; the first of each is used"]


def test_join_that_lacks_a_field(tmp_path):
    write(tmp_path, "q.jsonl", [{"id": 1, "q": "?"}])
    write(tmp_path, "a.jsonl", [{"id": 1, "answr": "x"}])
    spec = make_spec(
        "{files: q.jsonl, joins: {ann: {files: a.jsonl, key: id, lookup: id}}, "
        "columns: {question: q, gold: ann.answer}}"
    )
    with pytest.raises(
        SourceError,
        match=r"join 'ann': no field 'answer' in the first record; did you mean 'answr'\?.*a.jsonl",
    ):
        read(spec, tmp_path)


def test_optional_join_may_be_absent(tmp_path):
    write(tmp_path, "q.jsonl", [{"id": 1, "q": "?", "a": "!"}])
    spec = make_spec(
        """
        files: q.jsonl
        joins: {ocr: {files: ocr.jsonl, required: false, key: id, lookup: id}}
        columns: {question: q, gold: a, ocr_tokens: {field: ocr.text, split: ","}}
        """
    )
    assert read(spec, tmp_path)[0][0]["ocr_tokens"] == []
    write(tmp_path, "ocr.jsonl", [{"id": 1, "text": "a,b"}])
    assert read(spec, tmp_path)[0][0]["ocr_tokens"] == ["a", "b"]


def test_explode_and_variants_make_turns(tmp_path):
    path = write(
        tmp_path,
        "a.json",
        {"k": {"qs": ["p?", "q?", "r?"], "as": ["1", "", "3"]}, "l": {"qs": ["s?"], "as": []}},
    )
    spec = make_spec("{explode: {q: qs, a: as}, columns: {source_id: $key, question: $item.q, gold: $item.a}}")
    rows, rejects = read(spec, path)
    assert [(r["source_id"], r["group"], r["turn"], r["question"]) for r in rows] == [
        ("k#0", "k", 0, "p?"),
        ("k#2", "k", 2, "r?"),
    ]
    assert rejects == [
        ("no_answer", "the answer is empty or missing"),
        ("uneven_lists", "lengths of the lists: q: 1, a: 0"),
    ]

    path = write(tmp_path, "b.jsonl", [{"t": "T", "g": "G"}, {"t": "U", "g": ""}])
    spec = make_spec("{columns: {gold: t}, variants: [{question: {text: Title}}, {question: {text: Genre}, gold: g}]}")
    rows, rejects = read(spec, path)
    assert [(r["source_id"], r["gold"]) for r in rows] == [("b/0#0", "T"), ("b/0#1", "G"), ("b/1#0", "U")]
    assert len(rejects) == 1


def test_reject_when(tmp_path):
    spec = make_spec("{columns: {question: q, gold: a}, reject_when: {withdrawn: {field: bad, find: 'yes'}}}")
    rows, rejects = read(
        spec,
        write(tmp_path, "r.jsonl", [{"q": "?", "a": "1", "bad": "no"}, {"q": "?", "a": "2", "bad": "yes"}]),
    )
    assert [row["gold"] for row in rows] == ["1"]
    assert rejects == [("withdrawn", "")]


def test_boxes_and_null_boxes(tmp_path):
    records = [
        {"q": "it", "b": [50, 0, 50, 50], "w": 100},
        {"q": "it", "b": None, "w": 100},
        {"q": "it", "b": "x", "w": 9},
    ]
    box = "{box: {from: b, convention: xywh_pixels, width: w, height: 50}}"
    spec = make_spec(f"columns: {{question: q, gold: {box}}}", native_style="bounding_box")
    rows, rejects = read(spec, write(tmp_path, "r.jsonl", records))
    assert [row["gold"] for row in rows] == ["[0.50,0.25,1.00,0.75]"]
    assert [reason for reason, _ in rejects] == ["no_box", "bad_box"]


def test_messages_are_kept(tmp_path):
    turns = [
        {"from": "human", "value": "Hi"},
        {"from": "function_call", "value": '{"f": 1}'},
        {"from": "gpt", "value": "Done"},
    ]
    messages = "{messages: {from: turns, roles: {human: user, gpt: assistant}, first: {tools: tools}}}"
    spec = make_spec(f"columns: {{question: turns.0.value, gold: turns.-1.value, passthrough: {messages}}}")
    rows, _ = read(spec, write(tmp_path, "r.jsonl", [{"turns": turns, "tools": "[]"}]))
    assert json.loads(rows[0]["passthrough"]) == [
        {"role": "tools", "content": "[]"},
        {"role": "user", "content": "Hi"},
        {"role": "function_call", "content": '{"f": 1}'},
        {"role": "assistant", "content": "Done"},
    ]


def test_batches_do_not_depend_on_their_size(tmp_path):
    for part in "ab":
        write(
            tmp_path,
            f"{part}.jsonl",
            [{"q": f"{part}{i}?", "a": "" if i == 3 else str(i)} for i in range(10)],
        )
    source = open_source(make_spec("columns: {question: q, gold: a}"), tmp_path)
    whole = list(source.batches())
    small = list(source.batches(3))
    assert len(whole) == 1
    assert len(small) > 5
    assert [r for b in small for r in b.table.to_pylist()] == whole[0].table.to_pylist()
    assert [r for b in small for r in b.rejects] == whole[0].rejects
    assert {(r["source_file"], r["source_row"]) for r in whole[0].table.to_pylist()} >= {
        ("a.jsonl", 0),
        ("b.jsonl", 9),
    }


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("{colums: {question: q}}", r"unknown key 'colums' in a layout; did you mean 'columns'"),
        ("{columns: {qestion: q}}", r"unknown key 'qestion' in a columns; did you mean 'question'"),
        ("{columns: {question: {feild: q}}}", r"unknown key 'feild' in a expression; did you mean 'field'"),
        ("{columns: {question: {field: q, text: x}}}", r"exactly one of .*; got field, text"),
        ("{columns: {gold: {box: {from: b, convention: xyxy}}}}", r"xyxy_pixels"),
        (
            "{columns: {gold: {box: {from: b, convention: xyxy_pixels}}}}",
            r"needs the frame's width and height",
        ),
        ("{joins: {a: {lookup: id}}}", r"needs either files \(a glob\) or pair"),
        (
            "{joins: {a: {lookup: id, files: x}}, variables: {a: q}}",
            r"a named both in joins and in variables",
        ),
        ("{explode: {a: x}, variants: [{gold: y}]}", r"explode and variants cannot be used together"),
    ],
)
def test_mistakes_of_grammar(layout, message):
    with pytest.raises(ValueError, match=message):
        make_spec(layout)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("{question: $rwo, gold: a}", r"layout 'own': no '\$rwo'; did you mean '\$row'"),
        ("{question: '{q!r}', gold: a}", r"\{q\} may have a field and a plain format only"),
        ("{question: '{q', gold: a}", r"format '\{q': expected '\}'"),
        ("{question: {field: q, find: '('}, gold: a}", r"'\(' is no regular expression"),
    ],
)
def test_mistakes_of_expressions(tmp_path, columns, message):
    spec = make_spec({"columns": yaml.safe_load(columns)})
    with pytest.raises(UsageError, match=message):
        read(spec, write(tmp_path, "r.jsonl", [{"q": "?", "a": "!"}]))


def test_variables_in_a_circle(tmp_path):
    spec = make_spec("{variables: {u: v, v: u}, columns: {question: u, gold: a}}")
    with pytest.raises(UsageError, match="in a circle: u -> v -> u"):
        read(spec, write(tmp_path, "r.jsonl", [{"a": "!"}]))


def test_field_absent_in_the_first_record(tmp_path):
    spec = make_spec("columns: {question: questoin, gold: info.a}")
    path = write(tmp_path, "r.jsonl", [{"question": "?", "info": {"b": 1}}])
    with pytest.raises(
        SourceError, match=r"r.jsonl: no field 'questoin' in the first record; did you mean 'question'\?"
    ):
        read(spec, path)
    spec = make_spec("columns: {question: question, gold: info.a}")
    with pytest.raises(SourceError, match=r"no field 'a' in 'info' of the first record \(it has: b\)"):
        read(spec, path)


@pytest.mark.parametrize(
    ("rel", "pattern", "matches"),
    [
        ("a/b/x.json", "*.json", True),
        ("a/b/x.json.gz", "*.json", True),
        ("a/b/x.json.zst", "x.json", True),
        ("a/b/x.jsonl", "*.json", False),
        ("a/b/x.json", "b/*.json", True),
        ("a/b/x.json", "a/*.json", False),
        ("x.json", "**/x.json", True),
    ],
)
def test_globs(rel, pattern, matches):
    assert matches_glob(rel, pattern) is matches


def test_example_of_the_manual(tmp_path):
    """The rows and the task file of LAYOUTS.md work as they stand there."""
    blocks = MANUAL.read_text(encoding="utf-8").split("```")
    rows = next(b.removeprefix("json\n") for b in blocks if b.startswith("json"))
    task = next(b.removeprefix("yaml\n") for b in blocks if b.startswith("yaml\nname:"))
    (tmp_path / "rows.jsonl").write_text(rows)
    (tmp_path / "my_task.yaml").write_text(task)
    found, rejects = read(load_task(tmp_path / "my_task.yaml"), tmp_path / "rows.jsonl")
    assert rejects == []
    assert [(r["source_id"], r["images"], r["gold"], r["response"]) for r in found] == [
        ("7", ["a/7.png"], "stork", "B"),
        ("8", ["a/8.png"], "oak", "A"),
    ]
    assert found[0]["rationales"] == ["Its bill is red."]
