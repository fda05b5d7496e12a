"""The process that runs the COCO caption evaluation: captions as JSON in, measures as JSON out, all talk to standard
error."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

MEASURES = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr")


def measure(pairs: list[tuple[str, list[str]]]) -> dict[str, float]:
    """Measures in 0..1 (CIDEr in 0..10) of captions, each with its references. Raises: RuntimeError if one is lost."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge

    said = _tokenise([[text] for text, _ in pairs])
    references = _tokenise([texts for _, texts in pairs])
    bleu, _ = Bleu(len(MEASURES) - 3).compute_score(references, said)
    others = [scorer().compute_score(references, said)[0] for scorer in (Meteor, Rouge, Cider)]
    return {name: float(value) for name, value in zip(MEASURES, [*bleu, *others], strict=True)}


def _tokenise(texts: list[list[str]]) -> dict[int, list[str]]:
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    given = {place: [{"caption": text} for text in some] for place, some in enumerate(texts)}
    tokenised: dict[int, list[Any]] = PTBTokenizer().tokenize(given)
    if {place: len(some) for place, some in tokenised.items()} != {place: len(some) for place, some in given.items()}:
        raise RuntimeError("the tokenizer gave back another number of captions than it was given")
    return tokenised


def main() -> None:
    pairs = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        measures = measure(pairs)
    print(json.dumps(measures))


if __name__ == "__main__":
    main()
