"""Lines and sentences that say in which form to answer, rather than asking something; tables of known wordings.

English wordings are taken apart (an imperative and a form); of thirteen other languages the usual ones are known. Only
text decides, so the columnar reading asks once for each distinct line.
"""

from __future__ import annotations

import re
from functools import lru_cache

from asd.lazy_regex import regex

MAX_INSTRUCTION_CHARS = 240

_VERBS = (
    "answer|respond|reply|give|provide|use|write|choose|select|pick|output|return|state|keep|limit|make|express|"
    "formulate|summarize|summarise|simplify|produce|say|offer|present|indicate|put|deliver|condense|explain|submit|"
    "enter|type|mark|report|phrase|restrict|ensure|locate|be|do|try|your answer|your response|your reply|"
    "the answer|using|in|with|for|think|reason|let's|let us|show|justify|solve|only|just|simply|directly"
)
_FORMS = (
    r"(?:single|one|few|short|brief|concise|exact|only the|just the|full) (?:\w+ )?"
    r"(?:words?|phrases?|names?|sentences?)"
    r"|words? or (?:a )?(?:short )?phrases?|two words|brief phrase|short phrase|label only"
    r"|class name|category name"
    r"|(?:short|brief|concise|succinct|detailed|direct|full|minimal|terse) "
    r"(?:answer|response|reply|explanation|form)"
    r"|(?:one|two|three|a few|several|full|complete|short|single)[ -]sentences?|sentences? at most"
    r"|in detail|step[ -]by[ -]step"
    r"|letters? (?:of|from|only|alone|that|before)|option'?s'? letter|(?:option|choice) letter"
    r"|the letter|by letter|(?:with|by|using|only|just|give|write) (?:the |its |an? )?(?:option |choice )?number(?! of)"
    r"|(?:given|listed|provided|available|above|following|correct|right|best) (?:choices?|options?|answers?)"
    r"|yes[ ,/]+(?:or )?[\"']?no|true[ ,/]+(?:or )?false|['\"]yes['\"]|['\"]unanswerable['\"]|unanswerable"
    r"|bounding box|coordinates?|x1, ?y1|briefly|concisely|succinctly|as few words"
    r"|no explanation|nothing else"
    r"|do not explain|without explanation|as short as possible|directly"
    r"|your (?:reasoning|choice|work|thinking|rationale)|(?:explain|justify|give|state|write|support) your answer"
    r"|before (?:you answer|answering)"
)
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_OPENING = regex(rf"(?:please |kindly |now |then |finally )?(?:{_VERBS})[ ,:'\"]", re.ASCII)
_CONDITIONAL = regex(r"(?:when|if|where) [^\n]*[ ,](?:respond|reply|answer|say|write|output|return)[ ,:]", re.ASCII)
_FORM = regex(rf"(?<![a-z])(?:{_FORMS})(?![a-z])", re.ASCII)
_WHOLE = regex(
    r"[(\[*_]*(?:short answer|one word|single word|yes or no|brief answer|yes ?/ ?no|y/n|true or false|true ?/ ?false"
    r"|(?:one|single|two)[- ]word(?: (?:answer|response|reply))?|(?:short|brief|direct) answer|letter|option letter"
    r"|(?:answer |respond |reply |be |keep it |please be )(?:briefly|brief|concise|concisely|short|succinctly|directly)"
    r"|(?:please )?(?:answer|respond|reply) (?:yes or no|true or false|with yes or no)|briefly|concisely"
    r"|in (?:just |only )?(?:one|two|a single|a few|few) (?:short |brief |full |complete )?(?:words?|sentences?|phrases?)"
    r"|no explanation(?: needed| required| necessary)?|think (?:carefully|aloud)|take a deep breath"
    r"|select all that apply)(?: only| please)?[)\]*_]*[:.!]?\Z",
    re.ASCII,
)

_CUE_NOUNS = (
    r"(?:answers?|ans|option|choice|response|reply|output|solution|letter|prediction|assistant|a"
    r"|答案|回答|答|正确答案|正确选项|解答|答え|正解|正答|정답|답변|답|antwort|lösung|réponse|respuesta|resposta|risposta|ответ"
    r"|antwoord|odpowiedź|cevap|yanıt|trả lời|đáp án|svar|jawaban|الإجابة|الجواب|उत्तर|जवाब)"
)
_CUE = regex(
    rf"[#*_>\s]*(?:(?:so|thus|therefore|hence|and),? )?(?:(?:the|your|my|die|la|le|el|a|o) )?"
    rf"(?:(?:correct|right|final|best|short|richtige|bonne|correcta|correta|corretta|правильный|model) )?{_CUE_NOUNS}"
    rf"(?: (?:is|would be|letter|option|choice|here|ist|lautet|est|es|é|è|то)|是|为|は)?[*_]*"
    rf"(?:\s*[:：=>؟-]+[\s(\[_.…*]*|\s+is[\s(\[_]*|(?<=[是为]))(?:(?:let'?s|let us) think step by step[.!]?)?"
)
_BARE_CUE = regex(
    r"[#*_>\s]*(?:(?:the|your) )?(?:(?:correct|final|best) )?(?:answer|response|solution)(?: is)?\s*[:.…_(*]*"
)
_BEHIND_OPTIONS = regex(
    r"(?:which|what) (?:option|answer|choice|one|of the|of these|letter)\b.*|(?:please )?(?:select|choose|pick|mark"
    r"|tick) (?:one|the|your|only|an?)\b.*"
    r"|(?:please )?(?:reply|respond|answer) (?:with|by|using|in|only)\b.*|hint\s*[:：].*|(?:veuillez )?(?:choisir"
    r"|choisissez)\b.*|.*\b(?:yazın|seçin)[.!]?"
)
_TAIL_CUE = regex(
    r"(?<![ \t])[ \t]+(?:(?:the|your) )?(?:(?:correct|right|final|best) )?(?:answer|response|答案|antwort|réponse|respuesta"
    r"|ответ)(?: is)?\s*[:：]\s*\Z",
    re.IGNORECASE,
)
_FOREIGN = regex(
    # Chinese, Japanese, Korean
    r"(?:^(?:请|請|只|仅|僅|直接|回答|用|从|從|选|選|给|給|注意|提示|根据|根據|一步一步|逐步|让我们|使用)[^?？]*"
    r"(?:回答|答案|选项|選項|字母|单词|單詞|个词|個詞|词语|短语|短語|句话|句話|选择|選擇|选出|選出|是或否|是或不是"
    r"|是或者否|简短|簡短|简要|一步一步|逐步|坐标|给出|说明理由))"
    r"|(?:答え|回答し|回答を|選ん|選び|選択し|出力し|説明し|考え|書い).{0,10}(?:ください|下さい|なさい|せよ|ましょう|こと)[。.]?$"
    r"|(?:답|대답|선택|고르|골라|설명|출력|생각).{0,10}(?:하세요|하시오|하십시오|세요|시오|해라|주세요|십시오|합시다)[.。]?$"
    # German, Dutch
    r"|^(?:bitte |nur |nun )*(?:geben sie|gib|antworte|beantworte|wähle|nenne|schreib|verwende|denke?|denk |erkläre"
    r"|begründe)[^?]*"
    r"(?:wort|wörter|worten|satz|sätzen|buchstabe|ja oder nein|option|antwort|kurz|phrase|schritt|knapp|möglichkeit)"
    r"|^(?:geef|antwoord|beantwoord|kies|selecteer|gebruik|denk)[^?]*(?:woord|zin|letter|ja of nee|optie|antwoord|kort|stap)"
    # French, Spanish, Portuguese, Italian
    r"|^(?:veuillez |merci de |s'il vous plaît,? )*(?:répond|donne|choisis|sélectionn|indique|utilise|écri|en un"
    r"|en une|réfléch|explique)"
    r"[^?]*(?:mot|phrase|lettre|oui ou non|option|choix|réponse|brièvement|brève|étape|directement|court)"
    r"|^(?:por favor,? |per favore,? )?(?:respond|contest|elig|elij|selec|escog|escolh|indi[cq]|da |dé |dê |dai |use "
    r"|usa |utili[czs]"
    r"|rispond|scegli|selezion|fornis|escrib|escrev|scriv|piens|pens|ragion)[^?]*"
    r"(?:palabra|palavra|parola|frase|letra|lettera|s[íi] o no|sim ou não|sì o no|opci|opç|opzion|respuesta|resposta"
    r"|risposta|breve"
    r"|paso a paso|passo a passo|passo dopo passo|directamente|diretamente|direttamente)"
    # Russian, Polish, Turkish, Vietnamese, Indonesian, Arabic, Hindi
    r"|^(?:пожалуйста,? )?(?:ответ|отвеч|выбер|укаж|дай|назов|напиш|использу|одним|кратко|подума|объясн)[^?]*"
    r"(?:слов|букв|предложен|да или нет|вариант|ответ|кратк|фраз|шаг)"
    r"|^(?:proszę |krótko )?(?:odpowiedz|wybierz|podaj|napisz)[^?]*(?:słow|zdani|liter|tak lub nie|odpowied|opcj|krótk)"
    r"|(?:kelime|cümle|harf|evet veya hayır|seçenek|kısa)[^?]*(?:cevapla|yanıtla|cevap ver|yanıt ver|seç|yaz|belirt)\w*[.!]?$"
    r"|^(?:hãy |vui lòng )?(?:trả lời|chọn|viết|suy nghĩ)[^?]*(?: từ| câu|chữ cái|có hoặc không|đáp án|ngắn|từng bước)"
    r"|^(?:jawab|jawablah|pilih|pilihlah|berikan|tulis)[^?]*(?:kata|kalimat|huruf|ya atau tidak|pilihan|jawaban|singkat)"
    r"|^(?:من فضلك،? )?(?:أجب|اختر|اكتب|أعط)[^?؟]*(?:كلمة|جملة|حرف|نعم أو لا|الخيار|باختصار|الإجابة)"
    r"|(?:शब्द|वाक्य|अक्षर|हाँ या नहीं|विकल्प|संक्षेप).*(?:दें|दीजिए|चुनें|लिखें|बताएं)[।.]?$"
)

_THINGS = r"(?:options?|choices?|answers?|alternatives|candidates|possibilities|answer (?:options|choices))"
_LEAD_IN = regex(
    rf"(?:here (?:are|is)|these are|below are|the following are|there are)(?: [\w-]+){{0,4}} {_THINGS}(?: [\w-]+){{0,5}}"
    rf"|(?:(?:the|your|all|some) )?(?:(?:possible|available|candidate|answer|given|multiple[- ]choice|following"
    rf"|potential) )*{_THINGS}"
    rf"(?:(?: (?:are|is|were))?(?: (?:listed|given|shown|provided|presented|available))?(?: (?:below|as follows"
    rf"|as below|here|next))?)"
    rf"|(?:please )?(?:choose|select|pick|answer)(?: [\w-]+){{0,8}} (?:from|among|of|out of|between|using|in)(?: [\w-]+){{0,4}} "
    rf"(?:{_THINGS}|following|below|these|list)(?: (?:below|above|given|provided|listed|here))?"
    r"|(?:可选|可选择的|候选|答案|以下|备选|下面|这些)*(?:是|为)?(?:选项|選項|选择|答案选项)(?:如下|列表|有|为|是|包括)*"
    r"|(?:hier sind |dies sind |die |mögliche )*(?:antwortmöglichkeiten|optionen|auswahlmöglichkeiten|antworten"
    r"|möglichkeiten)(?: sind| lauten)?(?: [\wäöü]+)?"
    r"|(?:voici |les |des |vos )*(?:options|choix|réponses|propositions)(?: possibles| de réponse"
    r"| disponibles)?(?: sont| suivantes?)*"
    r"|(?:estas son |las |los )*(?:opciones|alternativas|respuestas|elecciones)(?: posibles| de respuesta"
    r"| disponibles)?(?: son)?(?: las siguientes)?"
    r"|(?:as |estas são )*(?:opções|alternativas|respostas)(?: possíveis| de resposta)?(?: são)?(?: as seguintes)?"
    r"|(?:ecco |le )*(?:opzioni|scelte|risposte|alternative)(?: possibili| disponibili)?(?: sono)?(?: le seguenti)?"
    r"|(?:возможные )?варианты(?: ответа| ответов| выбора)?(?: следующие)?|選択肢(?:は(?:以下|次)の?(?:通り"
    r"|とおり)?(?:です)?)?|(?:보기|선택지|선택 항목)(?:는 다음과 같습니다)?"
)
"""Whole lines before the options, without their colon."""
_LEAD_IN_END = regex(r"\s*[:：]\s*\Z")
_MAX_LEAD_IN = 100

_SENTENCE = regex(r"(?<=[.!?:;。！？：।؟])\s+|(?<=[。！？])|\n+")
_SENTENCE_END = regex("[.!?:;。！？：।؟\n]")
_FORM_INSIDE = regex(
    r"[(\[]\s*(?:please )?(?:answer )?(?:yes|no|true|false|y|n)\s*(?:/|or|,|\|)\s*(?:yes|no|true|false|y|n)\b[^)\]]*[)\]]"
    r"|[,;:–-]\s*(?:yes|true)\s*(?:or|/)\s*(?:no|false)\W*\Z|(?:^|[.!?:\n])\W*(?:yes|true)\s*(?:or|/)\s*(?:no|false)\b"
    r"|\bin (?:just |only |exactly |at most |no more than )?(?:one|a single|1|two|2|three|3|a few|few)(?: or (?:two"
    r"|three|fewer))?"
    r"(?: short| single| brief| complete| full| simple)* (?:words?|sentences?|phrases?)\b"
    r"|\b(?:one|single|two)[- ]word (?:answer|response|reply)\b"
    r"|\b(?:use|using|with|by|in) (?:only |just )?(?:a|one) single (?:word|phrase|letter)\b"
    r"|\b(?:answer|respond|reply)(?: this| the question| me)?(?: \w+)? (?:briefly|shortly|concisely|yes or no"
    r"|with (?:only |just )?(?:yes|no|true|a|one|the)\b)"
    r"|^\W*(?:please )?(?:briefly|concisely)[ ,]|[ ,](?:briefly|concisely)\W*\Z|\b(?:short|brief|one word"
    r"|one-word) answer (?:only|please)\b"
    r"|[(\[](?:one|single|a few|two) words?(?: only| answer)?[)\]]|[(\[](?:short|brief) answer(?: only)?[)\]]"
    r"|(?:用一个词|用一句话|是或否|是或不是|简短|用一個詞)|(?:ja oder nein|oui ou non|s[íi] o no|sim ou não|sì o no"
    r"|да или нет|はいかいいえ|예 또는 아니)",
)
_MAY_STATE_FORM = (
    "yes", "no ", "no)", "true", "word", "sentence", "phrase", "brief", "concise", "single", "short", "n)", "n]", "no/",
    "answer", "respond", "reply", "oder nein", "oui ou", " o no",
)  # fmt: skip
_MAY_STATE_FORM_ELSEWHERE = ("用一", "是或", "简短", "ou não", "или нет", "はいか", "또는")
"""One of these, or of `_MAY_STATE_FORM`, stands in every text that `_FORM_INSIDE` finds; looking for them is quicker."""


@lru_cache(maxsize=1 << 14)
def is_instruction(line: str) -> bool:
    """Whether a line says in which form to answer, rather than asking something.

    It opens with an imperative ("Answer ...", "Please give ...", "Using ...") or a condition ("If ..., reply
    ..."), names a form (one word, a letter, a sentence, a box, ...), and is no question; or it is one of the known
    wordings of another language; or it is where the answer is to be written ("Answer:", "The answer is").
    """
    if len(line) > MAX_INSTRUCTION_CHARS or line.endswith(("?", "？")) or not line:
        return False
    low = line.translate(_ASCII_LOWER)
    if (_OPENING.match(low) or _CONDITIONAL.match(low)) and _FORM.search(low) is not None:
        return True
    if _WHOLE.match(low) is not None:
        return True
    low = line.casefold()
    return _CUE.fullmatch(low) is not None or _FOREIGN.search(low) is not None


def closes_options(line: str) -> bool:
    """Whether a line is the place for the answer, or tells to choose: what can only be so behind options."""
    low = line.casefold()
    return any(pattern.fullmatch(low) is not None for pattern in (_CUE, _BARE_CUE, _BEHIND_OPTIONS))


def cut_tail_cue(option: str) -> tuple[str, str]:
    """(option, "Answer:") of an option on whose line the place for the answer stands; else (option, "")."""
    match = _TAIL_CUE.search(option)
    if match is None or not option[: match.start()].strip():
        return option, ""
    return option[: match.start()].rstrip(), match.group().strip()


def cut_tail_instruction(option: str) -> tuple[str, str]:
    """(option, instruction) where an instruction about options follows on the option's own line."""
    low = option.casefold()
    if "letter" not in low and "option" not in low and "choice" not in low:
        return option, ""
    for match in re.finditer(r"[ \t](?=[A-Z])", option):
        tail = option[match.end() :]
        if option[: match.start()].strip() and len(tail.split()) > 3 and is_instruction(tail):
            return option[: match.start()].rstrip(), tail
    return option, ""


@lru_cache(maxsize=1 << 14)
def is_lead_in(line: str) -> bool:
    """Whether a line only says that options follow."""
    line = line.strip()
    bare = _LEAD_IN_END.sub("", line)
    if len(line) > _MAX_LEAD_IN or not bare or (bare == line and not line.endswith(".")):
        return False
    return _LEAD_IN.fullmatch(bare.rstrip(". ").casefold()) is not None


def without_lead_in(question: str) -> str:
    """A question without the last line (or sentence) that only says that options follow."""
    head, newline, last = question.rpartition("\n")
    if newline and head.strip() and is_lead_in(last):
        return head.rstrip()
    cut = max(last.rfind(mark) for mark in (". ", "? ", "! ", "。", "？"))
    tail = last[cut + 1 :]
    if cut < 0 or not is_lead_in(tail):
        return question
    return (head + newline + last[: cut + 1]).rstrip()


def _may_state_form(low: str) -> bool:
    for part in _MAY_STATE_FORM:
        if part in low:
            return True
    return not low.isascii() and any(part in low for part in _MAY_STATE_FORM_ELSEWHERE)


@lru_cache(maxsize=1 << 14)
def states_form(question: str) -> bool:
    """Whether a question says, beside what it asks, in which form to answer it ("Answer briefly: ...", "(yes/no)").

    A prompt of another style must not repeat that. Where nothing else is said, the instruction is the question.
    """
    if is_instruction(question):
        return False
    low = question.lower()
    if _may_state_form(low) and _FORM_INSIDE.search(low):
        return True
    if (
        _SENTENCE_END.search(question, 0, len(question) - 1) is None
    ):  # of one part: it is an instruction, or there is none
        return False
    parts = [part.strip() for part in _SENTENCE.split(question)]
    are_instructions = [is_instruction(part.rstrip(":")) or is_instruction(part) for part in parts if part]
    return any(are_instructions) and not all(are_instructions)
