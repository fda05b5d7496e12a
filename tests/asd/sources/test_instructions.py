"""Instructions, closing lines and lead-ins in a dozen languages: out of options, questions and converted prompts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asd
from asd.makers.drafting import draft
from asd.makers.maker_context import MakerContext
from asd.records import Decline, Draft, Sample
from asd.schemas.styles import AnswerStyle
from asd.sources.instructions import is_lead_in, states_form, without_lead_in
from asd.sources.option_lines import split_options
from asd.sources.prompt_text import make_rules, split_instruction, take_apart
from asd.tasks.registry import load_task

RULES = make_rules()
ASKED = "What is in the picture?"

CLOSING = [
    "Answer:",
    "The answer is:",
    "ANSWER:",
    "Answer",
    "The answer is",
    "The correct answer is:",
    "Your answer:",
    "Final answer:",
    "A:",
    "Ans:",
    "Response:",
    "ASSISTANT:",
    "### Answer:",
    "**Answer:**",
    "Answer: (",
    "The answer is (",
    "Think step by step.",
    "Let's think step by step.",
    "Answer: Let's think step by step.",
    "Please think step by step before answering.",
    "Answer with the option's letter from the given choices directly.",
    "Select the correct answer.",
    "Choose the best option.",
    "Which option is correct?",
    "Which of the above is right?",
    "Only respond with the letter.",
    "Just the letter, please.",
    "Give your reasoning.",
    "Explain your answer.",
    "Justify your choice.",
    "Please select one.",
    "Pick one.",
    "Letter only.",
    "Reply with A, B, C or D.",
    "Do not explain.",
    "Hint: look at the roof.",
    "请直接回答选项字母。",
    "请选择正确答案。",
    "答案：",
    "答案是：",
    "回答:",
    "正确答案是",
    "请从给定选项中选择。",
    "只回答字母",
    "選項字母：",
    "Antworte mit dem Buchstaben der richtigen Option.",
    "Bitte wähle die richtige Antwort.",
    "Antwort:",
    "Répondez avec la lettre de la bonne option.",
    "Réponse :",
    "Veuillez choisir la bonne réponse.",
    "Responda con la letra de la opción correcta.",
    "Respuesta:",
    "Elige la respuesta correcta.",
    "Responda apenas com a letra.",
    "Resposta:",
    "Rispondi con la lettera dell'opzione corretta.",
    "Risposta:",
    "Ответьте буквой правильного варианта.",
    "Ответ:",
    "Выберите правильный ответ.",
    "正しい選択肢の記号で答えてください。",
    "答え：",
    "選択肢から選んでください。",
    "정답:",
    "알맞은 기호를 고르세요.",
    "Odpowiedz jedną literą.",
    "Odpowiedź:",
    "Doğru şıkkı yazın.",
    "Trả lời bằng chữ cái.",
    "Đáp án:",
    "أجب بحرف الخيار الصحيح.",
    "الإجابة:",
    "सही विकल्प चुनें।",
    "उत्तर:",
    "Antwoord met de letter.",
    "Jawab dengan huruf.",
]

INSTRUCTIONS = [
    "Answer in one word.",
    "Answer in one sentence.",
    "Yes or No",
    "Please answer yes or no",
    "Please answer yes or no.",
    "Answer yes or no.",
    "(yes/no)",
    "Answer briefly",
    "Answer briefly.",
    "Use a single word or phrase",
    "Use a single word or phrase.",
    "Answer the question using a single word or phrase.",
    "Answer with yes or no.",
    "Reply with Yes or No only.",
    "Respond in one sentence.",
    "Give a short answer.",
    "Be brief.",
    "Be concise.",
    "One word answer.",
    "In one word.",
    "Keep it short.",
    "True or False",
    "Answer true or false.",
    "Short answer only.",
    "Answer with a single word.",
    "Explain in one sentence.",
    "Provide a brief answer.",
    "Just answer yes or no.",
    "Only answer with one word.",
    "No explanation needed.",
    "Please respond with a single word.",
    "Think step by step.",
    "请用一个词回答。",
    "请回答是或否。",
    "请简短回答。",
    "Antworte mit einem Wort.",
    "Antworte mit ja oder nein.",
    "Répondez en un mot.",
    "Répondez par oui ou non.",
    "Responde con una palabra.",
    "Responde sí o no.",
    "Responda em uma palavra.",
    "Rispondi con una parola.",
    "Rispondi sì o no.",
    "Ответьте одним словом.",
    "Ответьте да или нет.",
    "一言で答えてください。",
    "はいかいいえで答えてください。",
    "한 단어로 답하세요.",
    "예 또는 아니오로 대답하세요.",
    "Antwoord met één woord.",
    "Odpowiedz jednym słowem.",
    "Tek kelimeyle cevapla.",
    "Trả lời bằng một từ.",
    "أجب بكلمة واحدة.",
    "एक शब्द में उत्तर दें।",
]

LEAD_INS = [
    "The choices are listed below:",
    "Options:",
    "Choices:",
    "Here are the options:",
    "The options are:",
    "Choose from the following options:",
    "Select one of the following:",
    "Answer options:",
    "Possible answers:",
    "The options are as follows:",
    "Please choose from the options below:",
    "Choose the correct answer from the options below:",
    "Pick one of these:",
    "Candidates:",
    "The following are the choices:",
    "Available options:",
    "The answer choices are:",
    "Answer choices:",
    "选项：",
    "选项如下：",
    "以下是选项：",
    "Optionen:",
    "Antwortmöglichkeiten:",
    "Options :",
    "Choix :",
    "Opciones:",
    "Las opciones son:",
    "Opções:",
    "Opzioni:",
    "Варианты ответа:",
    "Варианты:",
    "選択肢：",
    "選択肢は以下の通りです：",
    "보기:",
    "선택지:",
]


@pytest.mark.parametrize("closing", CLOSING)
@pytest.mark.parametrize(
    "options",
    [("cat", "dog"), ("two\nlines", "two\nother lines"), ("Answer: 4", "Answer: 5")],
    ids=["one", "two", "answers"],
)
def test_a_closing_line_is_no_part_of_the_last_option(closing: str, options: tuple[str, str]) -> None:
    prompt = f"{ASKED}\nA. {options[0]}\nB. {options[1]}\n{closing}"
    parts = take_apart(prompt, RULES)
    assert (parts.question, parts.options, parts.rfp) == (ASKED, options, closing)
    marked = take_apart(prompt.replace("A. ", "(A) ").replace("B. ", "(B) "), RULES)
    assert marked.options == options
    with_more = take_apart(f"{prompt}\n\nAnswer the question using a single word or phrase.\nThe answer is:", RULES)
    assert with_more.options == options


@pytest.mark.parametrize(
    ("text", "options", "closing"),
    [
        ("Q\nA. cat\nB. dog Answer:", ("cat", "dog"), "Answer:"),
        ("Q\n(A) cat (B) dog The answer is:", ("cat", "dog"), "The answer is:"),
        ("Q\nOptions: (A) cat (B) dog\nAnswer:", ("cat", "dog"), "Answer:"),
        ("Q\nA. x\nB. dog Answer with the option's letter from the given choices directly.", ("x", "dog"),
         "Answer with the option's letter from the given choices directly."),
        ("Q\nA. cat\nB. dog\n\nSome words that nobody knows", ("cat", "dog"), "Some words that nobody knows"),
        ("Q\nA. cat\nB. a dog that runs\nover the lawn", ("cat", "a dog that runs\nover the lawn"), ""),
        ("Q\nA. see you,\nJo\nB. See you,\nJo", ("see you,\nJo", "See you,\nJo"), ""),
        ("Q\nA. cat\nB. None of the above", ("cat", "None of the above"), ""),
        ("Q\nA. cat\nB. Answer: 5", ("cat", "Answer: 5"), ""),
        ("Q\nA. Use a single word.\nB. Answer briefly.", ("Use a single word.", "Answer briefly."), ""),
        ("Q\nA. cat\nB. Answer:", ("cat", "Answer:"), ""),
        ("Q\nA. cat\nB. dog\n请直接回答选项字母。\n答案：", ("cat", "dog"), "请直接回答选项字母。\n答案："),
    ],
)  # fmt: skip
def test_where_the_last_option_ends(text: str, options: tuple[str, ...], closing: str) -> None:
    assert split_options(text) == ("Q", options, closing)
    parts = take_apart(text, RULES)
    assert (parts.options, parts.rfp or "") == (options, closing)


@pytest.mark.parametrize("line", INSTRUCTIONS)
def test_an_instruction_is_found_wherever_it_stands(line: str) -> None:
    question = "Is there a cat?"
    assert split_instruction(f"{question}\n{line}") == (question, line)
    assert split_instruction(f"{question} {line}") == (question, line)
    assert take_apart(f"<image>\n{question}\n{line}", RULES).rfp == line
    for text in (f"{line} {question}", f"{line}\n{question}", f"Look at the picture. {line} {question}"):
        assert states_form(text), text
    assert not states_form(line)


@pytest.mark.parametrize(
    "question",
    [
        "Is it red, yes or no?", "Is it red (yes/no)?", "Yes or no: is it red?", "True or false: it is red.",
        "In one word, what is this?", "Describe the room in one sentence.", "What is this? (one word)",
        "Answer yes or no: is it red?", "Briefly, what is shown?", "What is shown, briefly?", "Is this a cat [Y/N]?",
        "Please answer with only one word: what is this?", "What colour is it? One word answer please",
    ],
)  # fmt: skip
def test_questions_that_state_a_form(question: str) -> None:
    assert states_form(question)
    sample = Sample("1", question, "yes", accepted=["yes"])
    for style in (AnswerStyle.MULTIPLE_CHOICE, AnswerStyle.BRIEF_EXPLANATION):
        assert draft(sample, style, MakerContext(load_task("vqav2"), 0)) == Decline("instruction_in_question", question)


@pytest.mark.parametrize(
    "question",
    [
        "What is the single word on the sign?", "Is the answer yes?", "What does the box say?", "Is it red or blue?",
        "The bus is red. Where is it?", "Look at the map: which state is marked?", "What is written in the word cloud?",
        "Select the estuary.", "Complete the statement.\nMammals are ().", "Which letter is on the cap?", "Yes, but why?",
        "What fraction of the points were scored by Miguel? Simplify your answer.", "Who said no?", "",
    ],
)  # fmt: skip
def test_questions_that_state_none(question: str) -> None:
    assert not states_form(question)
    assert split_instruction(question) == (question, None)


@pytest.mark.parametrize("line", LEAD_INS)
def test_a_lead_in_goes_where_the_choices_go(line: str) -> None:
    assert is_lead_in(line)
    assert without_lead_in(f"{ASKED}\n{line}") == ASKED
    assert without_lead_in(f"{ASKED} {line}") == ASKED
    assert without_lead_in(line) == line
    sample = Sample("1", f"{ASKED}\n{line}", "dog", options=["cat", "dog"], answer_index=1, accepted=["dog"])
    made = draft(sample, AnswerStyle.SHORT_ANSWER, MakerContext(load_task("arxivqa"), 0))
    assert isinstance(made, Draft)
    assert made.question == ASKED


@pytest.mark.parametrize(
    "line",
    [
        "Which of the following options is true:",
        "The bus is red.",
        "Look at these:",
        "What are the choices?",
        "Note:",
        "A:",
    ],
)
def test_other_lines_are_no_lead_in(line: str) -> None:
    assert without_lead_in(f"The bus stops.\n{line}") == f"The bus stops.\n{line}"


def convert(
    tmp_path: Path, records: list[dict[str, Any]], task: str | Path = "arxivqa", **options: Any
) -> list[dict[str, Any]]:
    source = tmp_path / "train.json"
    source.write_text(json.dumps(records))
    return asd.load(asd.convert(task, source, out=tmp_path / "d", **options).path).to_list()


def record(number: int, asked: str, answer: str) -> dict[str, Any]:
    turns = [{"from": "human", "value": f"<image>\n{asked}"}, {"from": "gpt", "value": answer}]
    return {"id": f"q{number}", "image": "a.jpg", "conversations": turns}


def test_no_closing_line_reaches_a_converted_row(tmp_path: Path) -> None:
    asked = [
        f"What is in picture {k}?\n{lead}\nA. cat\nB. dog\n{end}"
        for k, (lead, end) in enumerate(zip(LEAD_INS, CLOSING, strict=False))
    ]
    records = [record(k, text, "AB"[k % 2]) for k, text in enumerate(asked)]
    rows = convert(tmp_path, records, ratio=1, styles=["yes_no", "short_answer"])
    assert len(rows) == len(asked)
    for row in rows:
        number = int(row["source_id"][1:])
        assert row["gold"] in ("cat", "dog", "yes", "no")
        assert row["question"] == f"What is in picture {number}?"
        assert CLOSING[number] not in row["prompt"]
        assert LEAD_INS[number] not in row["prompt"]
    native = convert(tmp_path, records, ratio=0)
    for row in native:
        number = int(row["source_id"][1:])
        lead = LEAD_INS[number] in row["prompt"]  # "Options:" and the like never stood in native prompts
        assert lead or LEAD_INS[number].rstrip(": ") in ("Options", "Choices", "Answer choices")
        assert row["prompt"].endswith(f"A. cat\nB. dog\n{CLOSING[number]}")


def test_instructions_in_a_field_are_moved_out(tmp_path: Path) -> None:
    task = tmp_path / "mine.yaml"
    columns = "{source_id: id, images: image, question: q, gold: a}"
    task.write_text(
        "name: mine\ntitle: Mine\nfamily: vqa\nnative_style: yes_no\nscorer: exact_match\nlicence: CC0\ncitation: us\n"
        f"styles: {{multiple_choice: [field]}}\nlayouts:\n  - {{name: l, files: '*.jsonl', columns: {columns}}}\n"
    )
    source = tmp_path / "train.jsonl"
    lines = [
        {"id": str(k), "image": "a.jpg", "q": f"Is there a cat in video {k}? {line}", "a": "1"}
        for k, line in enumerate(INSTRUCTIONS)
    ]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for ratio in (0, 1):
        rows = asd.load(asd.convert(task, source, out=tmp_path / "d", ratio=ratio).path).to_list()
        assert len(rows) == len(INSTRUCTIONS)
        for row in rows:
            line = INSTRUCTIONS[int(row["source_id"])]
            assert row["question"] == f"Is there a cat in video {row['source_id']}?"
            if row["style"] == "yes_no":
                assert row["prompt"] == f"<image>\n{row['question']}\n{line}"
            else:
                assert line not in row["prompt"]


MANY = [f"code{number}" for number in range(40)]


def lettered(count: int, form: str) -> str:
    letters = [*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", *(f"A{letter}" for letter in "ABCDEFGHIJKLMN")]
    if form.startswith("BB"):
        letters[26:] = [letter * 2 for letter in "ABCDEFGHIJKLMN"]
        form = form[2:]
    names = [letter.lower() for letter in letters] if "a" in form else letters
    return "\n".join(form.replace("a", "{}").replace("A", "{}").replace("1", "{}").format(
        number + 1 if "1" in form else names[number]) + f" {MANY[number]}" for number in range(count))  # fmt: skip


@pytest.mark.parametrize("form", ["A.", "A)", "(A)", "BBA.", "BB(A)", "1.", "1)", "(1)", "(a)", "a)", "a."])
@pytest.mark.parametrize("count", [27, 30, 40])
def test_more_options_than_letters_are_a_reject(tmp_path: Path, form: str, count: int) -> None:
    records = [record(0, f"Which code?\n{lettered(count, form)}", "B"), record(1, "Which code?\nA. x\nB. y", "B")]
    rows = convert(tmp_path, records, ratio=0, max_reject_rate=1.0)
    assert [row["source_id"] for row in rows] == ["q1"]
    rejects = [json.loads(line) for line in (tmp_path / "d/latest/rejects.jsonl").read_text().splitlines()]
    assert [one["reason"] for one in rejects] == ["too_many_options"]
    assert f"{count} options" in rejects[0]["detail"]


def test_as_many_options_as_letters_are_read() -> None:
    found = split_options(f"Which code?\n{lettered(26, '(A)')}\nAnswer:")
    assert found.options == tuple(MANY[:26])
    assert found.closing == "Answer:"


PIECES = [*CLOSING, *LEAD_INS, "A. #", "B. #", "(C) #", "C. #", "", "#?", " ", "# y"]


@given(st.lists(st.sampled_from(PIECES), max_size=7))
def test_nothing_is_lost_when_a_prompt_is_taken_apart(lines: list[str]) -> None:
    parts = take_apart("\n".join(lines), RULES)
    kept = "\n".join([parts.context, parts.question, *parts.options, parts.rfp or ""])
    assert kept.count("#") == "\n".join(lines).count("#")
    assert all(parts.options)
