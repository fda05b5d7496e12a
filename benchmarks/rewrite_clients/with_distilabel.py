"""The same requests through a distilabel pipeline; a batch holds as many rows as may be in flight. Needs distilabel,
requests and openai in an environment of their own; uses nothing of this package."""

from __future__ import annotations

import json
import logging
import resource
import sys
import time

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from questions import SYSTEM, user_text


def main(base_url: str, rows: int, at_once: int) -> None:
    logging.disable(logging.INFO)
    data = [{"instruction": user_text(number), "system_prompt": SYSTEM} for number in range(rows)]
    with Pipeline(name="benchmark") as pipeline:
        load = LoadDataFromDicts(data=data, batch_size=at_once)
        llm = OpenAILLM(model="fixed", base_url=base_url, api_key="none", generation_kwargs={"max_new_tokens": 96})
        load >> TextGeneration(llm=llm, input_batch_size=at_once)
    start = time.perf_counter()
    made = pipeline.run(use_cache=False)["default"]["train"]
    assert len(made) == rows and all(json.loads(text)["wrong"] for text in made["generation"])
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": time.perf_counter() - start, "peak_mb": peak / 1024}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
