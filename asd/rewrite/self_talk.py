"""Phrases by which a model talks about its task instead of the matter: data for `asd.rewrite.explanation_checks`.

Each line is one pattern of lower-case text. They are matched against explanations and descriptions; wording that real
rationales use ("the image shows", "it is given that") is left alone, see CHECKS.md for how often they misfire.
"""

from __future__ import annotations

import re

_SELF_TALK = (
    # of the answer as something handed over
    r"\b(?:the|this|your|an?) (?:provided|supplied|accepted|gold(?:en)?|ground[- ]truth|reference|expected|target) "
    r"(?:answers?|responses?|labels?|captions?|descriptions?|expressions?)\b",
    r"\bthe given (?:answers?|responses?|labels?|captions?|expressions?)\b",
    r"\b(?:answers?|responses?|labels?) (?:is |are |was |were |has been |have been )?"
    r"(?:provided|given|supplied)(?! by\b)(?= (?:is|are|was|as|here|above|below|in the|to me)\b|[.,;])",
    r"\bground[- ]truth\b",
    r"\bannotat(?:ors?|ions?|ed)\b",
    r"\b(?:also|other) accepted\b",
    r"\bocr[ _]?tokens?\b|\bocr (?:text|results?|output|list)\b",
    r"\b(?:sample|json|input|metadata) (?:data|block|object|field)s?\b|\bsample_data\b|\balso_accepted\b|\bjson\b",
    r"\b(?:data ?set|training data|the prompt|(?:these|your|my) instructions?|system message)\b",
    r"\bas (?:instructed|requested|asked|per (?:the|your) (?:instructions?|request))\b",
    r"\bthe (?:data|question) (?:\w+ly )?(?:states?|says?|mentions?|provides?)\b|\b(?:given|provided) (?:data|sample)\b",
    r"\b(?:data|information) (?:given|provided|stated) in the question\b",
    r"\b(?:because|since|as) the question (?:asks|asked|is about)\b|^the question (?:asks|is about)\b[^.]*\bthe answer\b",
    r"\bthe answer (?:confirms|indicates|implies|suggests|states)\b",
    r"\b(?:is|are) the (?:right |correct )?answer to the question\b|\bthe answer provided\b",
    # of itself
    r"\bas an? (?:ai|a\.i\.|artificial intelligence|(?:large )?language model|assistant|vision model|text-based)\b",
    r"\b(?:i am|i'm|being) (?:just |only )?an? (?:ai|(?:large )?language model|(?:virtual |digital )?assistant|chatbot)\b",
    r"\blanguage model\b|\b(?:an?|your) (?:ai|virtual|digital)[- ](?:assistant|model|chatbot)\b",
    r"\b(?:i am|i'm) (?:sorry|unable|not able|afraid)\b|\bi apologi[sz]e\b|\bmy apologies\b",
    r"\bi (?:cannot|can't|can not|could not|couldn't|do not|don't|am unable to) "
    r"(?:see|view|access|open|display|process|analy[sz]e|determine|tell|have access|provide|verify|answer|assist|help)\b",
    r"^(?:sure|certainly|of course)\b[^.]{0,60}[!:]|^here(?:'s| is| are)\b[^.,]{0,60}:",
    r"\b(?:hope this helps|let me know if|feel free to)\b",
    # of not seeing
    r"\b(?:cannot|can't|can not|unable to|not able to|not possible to|impossible to|without) "
    r"(?:\w+ )?(?:see(?:ing)?|view(?:ing)?|access(?:ing)?|look(?:ing)? at|inspect(?:ing)?) "
    r"(?:the|this|that|an?|any) (?:\w+ )?(?:image|picture|photo|photograph)\b",
    r"\b(?:no|without an?|without the|without any) (?:image|picture|photo|photograph) "
    r"(?:is |was |has been )?(?:provided|given|attached|supplied|available|shown|included)\b",
    r"\b(?:image|picture|photo|photograph) (?:is|was|has) (?:not|n't) (?:been )?"
    r"(?:provided|attached|supplied|available|included|visible to me)\b",
    r"\bbased (?:solely |only )?on the (?:question|answer|text) (?:alone|only|provided|given)\b",
    # of the explanation itself
    r"\b(?:this|the following|the above|my) explanation\b|^explanation:|\bword count\b",
    r"^(?:answer|description|caption|response|output)\s*:",
    # of what was wrong with an earlier reply, said again
    r"\bthe text (?:must|has \d+ words|holds markup|repeats (?:itself|the question)|breaks off|is refused|does not state)\b",
    r"\bthe text is too (?:long|short)\b|\brewritten version\b|\bwrite (?:less|shorter, whole sentences)\b",
    r"\bwrite (?:it )?(?:at (?:most|least) \d+|an explanation in words|the answer alone|plain (?:running )?text)\b",
    r"\b(?:must hold|spelt) .{1,80} exactly like this\b|\bsays no more than question and answer\b",
)
_ANSWER_TALK = (
    r"\b(?:wrong|right|correct|incorrect|accepted) (?:answers?|options?)\b",
    r"\bthe (?:answer|question|option) (?:is|was|to)\b|^the (?:answer|question|option)$",
    r"\banother spelling\b|\bnames? of the same thing\b|\banother kind of thing\b",
    r"\bi(?:'m| am) (?:not|un)\s?(?:sure|certain)\b|\bi (?:do not|don't) know\b",
)
"""What a wrong answer says that is none: it stands for itself, and does not speak of answers."""
_REGION_TALK = (
    r"\bbounding box(?:es)?\b",
    r"\bcoordinates?\b",
    r"\b(?:referring )?expressions? (?:says?|refers?|describes?|mentions?|states?)\b",
    r"\[\s*\d*\.?\d+\s*,",
)
SELF_TALK = re.compile("|".join(f"(?:{pattern})" for pattern in _SELF_TALK))
ANSWER_TALK = re.compile("|".join(f"(?:{pattern})" for pattern in _ANSWER_TALK))
REGION_TALK = re.compile("|".join(f"(?:{pattern})" for pattern in _REGION_TALK))


def find_self_talk(text: str) -> str:
    """The words that talk about the task or the writer; "" where there are none."""
    match = SELF_TALK.search(text.casefold().replace("’", "'"))
    return match[0].strip() if match else ""


def find_answer_talk(text: str) -> str:
    """The same of a wrong answer, which may not speak of answers either."""
    talk = ANSWER_TALK.search(text.casefold().replace("’", "'"))
    return talk[0].strip() if talk else find_self_talk(text)


def find_region_talk(text: str) -> str:
    """Words about boxes and numbers, which a description of what they enclose does without."""
    match = REGION_TALK.search(text.casefold())
    return match[0].strip() if match else ""
