"""The facts of a preflight (preflight.json) as text, for a terminal or a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEARNT = "«", "»"


def describe(facts: Mapping[str, Any]) -> str:
    """Of the facts of a preflight, for a terminal or a page."""
    return "\n".join(
        [*_model_lines(facts), *_task_lines(facts), *_step_lines(facts), *_memory_lines(facts), *_answer_lines(facts)]
    )


def _model_lines(facts: Mapping[str, Any]) -> list[str]:
    model, processor, prompt = facts["model"], facts["processor"], facts["prompt"]
    saved = f" (saved as {model['saved_as']})" if model["saved_as"] not in (None, model["used_as"]) else ""
    dropout = f", attention dropout {model['attention_dropout']}" if model["attention_dropout"] else ""
    projector = f"projector: {', '.join(model['projector']) if model['projector'] else 'none was found'}"
    sees = model.get("reads_pictures", True)  # older runs did not say
    image = f", image {processor['image']}" if sees else ""
    images = f", images by {processor['images']}" if sees else ""
    return [
        f"model      {model['name']}: {model['class']}, {model['parameters']:,} parameters, {model['used_as']}{saved}, "
        f"attention {model['attention']}{dropout}; {projector if sees else 'reads text alone'}",
        f"processor  {processor['class']}{images}, tokens by {processor['tokenizer']} "
        f"(begin {processor['begin']}, end {processor['end']}, pad {processor['pad']}{image})",
        f"prompts    {prompt['kind']}; an answer ends with {prompt['end']}",
    ]


def _task_lines(facts: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, task in facts["tasks"].items():
        lines.append(f"task       {name}: {task['questions']:,} questions")
        if lengths := task.get("lengths"):
            of = "" if lengths["sampled"] == lengths["rows"] else f" (of {lengths['sampled']:,} of them)"
            most = lengths["picture_tokens"]
            pictures = f", {most} at most of pictures" if most else ""
            lines[-1] += (
                f", {lengths['rows']:,} rows of {lengths['shortest']} to {lengths['longest']} tokens, median "
                f"{lengths['median']}{of}{pictures}"
            )
            notes = {
                "do not fit": lengths["too_long"],
                "lose the answer's end": lengths["cut"],
                "have an empty answer": lengths["empty_answers"],
            }
            lines += [f"           {count:,} rows {what}" for what, count in notes.items() if count]
        if example := task.get("example"):
            lines.append(f"           {example['row']}, learnt between {''.join(LEARNT)}: {example['text']!r}")
    return lines


def _step_lines(facts: Mapping[str, Any]) -> list[str]:
    lines = []
    for place, (folder, plan) in enumerate(facts["stages"].items()):
        head = "steps" if place == 0 else ""
        lines.append(
            f"{head:<10} {folder}: {plan['steps']:,} of {plan['rows_a_step']} rows, from {plan['rows']:,} rows"
        )
    return lines


def _memory_lines(facts: Mapping[str, Any]) -> list[str]:
    sizes = {name: size / 2**30 for name, size in facts["memory_bytes"].items()}
    merged = f", {sizes['merged']:.3g} as adapters are merged in float32" if sizes["merged"] else ""
    return [
        f"memory     about {sum(sizes.values()):.3g} GiB on the device: weights {sizes['weights']:.3g}{merged}, what is trained "
        f"{sizes['trained']:.3g}, activations {sizes['activations']:.3g}, logits {sizes['logits']:.3g}"
    ]


def _answer_lines(facts: Mapping[str, Any]) -> list[str]:
    stated = dict(facts["generation"])
    unused, ends = stated.pop("not_used"), stated.pop("end_tokens")
    said = ", ".join(f"{name} {value}" for name, value in stated.items())
    lines = [f"answers    {said}; they end at {', '.join(map(str, ends.values()))}"]
    if unused:
        given = ", ".join(f"{name}={value!r}" for name, value in unused.items())
        lines.append(f"           not used of the model's generation_config.json: {given}")
    return lines
