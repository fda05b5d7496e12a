"""Opens exported files with a trainer's own loader, in an environment where that trainer is installed and `asd` is not.

python check_loaders.py {trl,llama-factory,ms-swift} FOLDER      (FOLDER: `asd export --to ... --images copy`)
python check_loaders.py trl-calls FOLDER         (FOLDER: `asd export --to trl` of rows that call tools)
python check_loaders.py load-dataset FOLDER                      (FOLDER: of `asd convert --embed-images`)
Exits with 1 and says which sample differs, and how, if anything is not as exported.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tiny_llava import IMAGE_TOKEN, make_model, make_processor

TASKS = ("scienceqa-sample", "vqav2-sample", "grounding-sample")


class DifferenceError(Exception):
    """What the loader gave is not what was exported."""


def require(is_so: bool, what: str) -> None:
    if not is_so:
        raise DifferenceError(what)


def check_trl(folder: Path, scratch: Path) -> str:
    """`load_dataset` and one training step of SFTTrainer, for every task."""
    import datasets
    from trl import SFTConfig, SFTTrainer

    processor, model = make_processor(scratch / "model"), make_model(scratch / "model")
    losses = []
    for task in TASKS:
        rows = datasets.load_dataset("parquet", data_files=str(folder / task / "train.parquet"), split="train")
        for row in rows:
            texts = [message["content"] for message in row["prompt"] + row["completion"]]
            require(IMAGE_TOKEN not in "".join(texts), f"{row['id']}: an image mark is left in the text")
            require(all(image.size[0] > 0 for image in row["images"]), f"{row['id']}: an image does not open")
        config = SFTConfig(
            output_dir=str(scratch / task), max_steps=1, per_device_train_batch_size=4, max_length=None, use_cpu=True,
            report_to="none", save_strategy="no", logging_steps=1, bf16=False,
        )  # fmt: skip
        trainer = SFTTrainer(model=model, args=config, train_dataset=rows, processing_class=processor)
        check_trl_labels(trainer, rows, processor)
        losses.append(trainer.train().training_loss)
        require(math.isfinite(losses[-1]), f"{task}: the loss of a step is {losses[-1]}")
    return f"one step a task, losses {', '.join(f'{loss:.3f}' for loss in losses)}, trained on the answers alone"


def check_versions(folder: Path, scratch: Path) -> str:
    """`load_dataset` of a dataset directory, by config, and one training step of SFTTrainer on messages and images."""
    import datasets
    from trl import SFTConfig, SFTTrainer

    processor, model = make_processor(scratch / "model"), make_model(scratch / "model")
    cache, losses = str(scratch / "cache"), []
    for name in datasets.get_dataset_config_names(str(folder)):
        rows = datasets.load_dataset(str(folder), name, split="train", cache_dir=cache)
        require(
            rows.features["images"] == datasets.List(datasets.Image()), f"{name}: images are {rows.features['images']}"
        )
        rows = rows.select_columns(["messages", "images"]).map(without_marks, input_columns=["messages"])
        config = SFTConfig(
            output_dir=str(scratch / name), max_steps=1, per_device_train_batch_size=4, max_length=None, use_cpu=True,
            report_to="none", save_strategy="no", logging_steps=1, bf16=False,
        )  # fmt: skip
        trainer = SFTTrainer(model=model, args=config, train_dataset=rows, processing_class=processor)
        losses.append(trainer.train().training_loss)
        require(math.isfinite(losses[-1]), f"{name}: the loss of a step is {losses[-1]}")
    return f"one step a config, losses {', '.join(f'{loss:.3f}' for loss in losses)}"


CALLS_TEMPLATE = (
    "{%- for tool in tools or [] %}{{ tool | tojson }}{% endfor %}"
    "{%- for message in messages %} {{ message.role }}: {{ message.content }}"
    "{%- if 'tool_calls' in message %}{% for call in message.tool_calls %} {{ call.function.name }}"
    "{{ call.function.arguments | tojson }}{% endfor %}{% endif %}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %} assistant: {% endif %}"
)
"""Fails at a null `tool_calls`, as templates of real models do."""


def check_trl_calls(folder: Path, scratch: Path) -> str:
    """`load_dataset` of rows that call tools, what a text model sees and learns of them, and one training step."""
    import datasets
    from transformers import LlamaConfig, LlamaForCausalLM
    from trl import SFTConfig, SFTTrainer

    tokenizer = make_processor(scratch / "model").tokenizer
    tokenizer.chat_template = CALLS_TEMPLATE
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **shape))
    path = next(folder.glob("*/train.parquet"))
    rows = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(scratch / "cache"))
    config = SFTConfig(
        output_dir=str(scratch / "out"), max_steps=1, per_device_train_batch_size=2, max_length=None, use_cpu=True,
        report_to="none", save_strategy="no", bf16=False,
    )  # fmt: skip
    trainer = SFTTrainer(model=model, args=config, train_dataset=rows, processing_class=tokenizer)
    seen, learnt = shown(trainer, tokenizer)
    require('{"type": "function", "function": {"name": "weather"' in seen, f"the model sees no tools: {seen!r}")
    for text in ("I look it up.", '{"city": "Oslo", "days": 2}', '{"at": {"lat": 59.9}}'):
        require(text in learnt, f"{text} is not trained on: {learnt!r}")
    require("null" not in seen, f"keys that no message has: {seen!r}")
    loss = trainer.train().training_loss
    require(math.isfinite(loss), f"the loss of a step is {loss}")
    return f"{len(rows)} answers, loss {loss:.3f}, tools shown and calls trained on"


def shown(trainer: Any, tokenizer: Any) -> tuple[str, str]:
    """What the model sees of the first row, and what it is trained on."""
    batch = trainer.data_collator([trainer.train_dataset[0]])
    kept = batch["labels"][batch["labels"] != -100]
    return tokenizer.decode(batch["input_ids"][0].tolist()), tokenizer.decode(kept.tolist())


def without_marks(messages: list[dict[str, str]]) -> dict[str, Any]:
    """TRL puts the model's own image marks before the first question."""
    return {"messages": [{**one, "content": one["content"].replace(f"{IMAGE_TOKEN}\n", "")} for one in messages]}


def check_trl_labels(trainer: Any, rows: Any, processor: Any) -> None:
    """The collator's labels are the answer and the end mark, nothing else."""
    for row in (rows[0], rows[len(rows) // 2]):
        batch = trainer.data_collator([dict(row)])
        kept = batch["labels"][batch["labels"] != -100]
        text = processor.tokenizer.decode(kept.tolist(), skip_special_tokens=True)
        answer = row["completion"][0]["content"]
        require(answer in text and len(text) <= len(answer) + 20, f"{row['id']}: trained text is {text!r}")


def check_llama_factory(folder: Path, scratch: Path) -> str:
    """dataset_info.json, alignment, and the supervised preprocessing with the `llava` template."""
    from llamafactory.data import get_template_and_fix_tokenizer
    from llamafactory.data.loader import _load_single_dataset, get_dataset
    from llamafactory.data.parser import get_dataset_list
    from llamafactory.hparams import get_train_args

    processor, _ = make_processor(scratch / "model"), make_model(scratch / "model")
    names = [f"asd_{task.replace('-', '_')}" for task in TASKS]
    model_args, data_args, training_args, _, _ = get_train_args(
        {"stage": "sft", "do_train": True, "model_name_or_path": str(scratch / "model"), "dataset": ",".join(names),
         "dataset_dir": str(folder), "template": "llava", "output_dir": str(scratch / "out"), "report_to": "none",
         "finetuning_type": "lora", "cutoff_len": 4096, "use_cpu": True, "preprocessing_num_workers": 1}
    )  # fmt: skip
    count = 0
    for task, attributes in zip(TASKS, get_dataset_list(names, str(folder)), strict=True):
        rows = _load_single_dataset(attributes, model_args, data_args, training_args)
        exported = json.loads((folder / f"{task}_train.json").read_text())
        require(len(rows) == len(exported), f"{task}: {len(rows)} rows of {len(exported)}")
        for row, record in zip(rows, exported, strict=True):
            check_aligned(row, record)
        count += len(rows)
    tokenizer = processor.tokenizer
    template = get_template_and_fix_tokenizer(tokenizer, data_args)
    made = get_dataset(
        template, model_args, data_args, training_args, stage="sft", tokenizer=tokenizer, processor=processor
    )["train_dataset"]
    require(len(made) == count, f"preprocessing kept {len(made)} of {count} samples")
    for row in made:
        require(any(label != -100 for label in row["labels"]), "a sample has nothing to train on")
    return f"{count} samples aligned and preprocessed with the llava template"


def check_aligned(row: dict[str, Any], record: dict[str, Any]) -> None:
    turns = [turn["value"] for turn in record["conversations"]]
    found = [message["content"] for message in row["_prompt"] + row["_response"]]
    require(found == turns, f"{record['id']}: {found} instead of {turns}")
    images = row["_images"] or []
    require(sum(text.count(IMAGE_TOKEN) for text in found) == len(images), f"{record['id']}: marks and images differ")
    require(all(Path(path).is_file() for path in images), f"{record['id']}: an image is not there: {images}")


def check_ms_swift(folder: Path, scratch: Path) -> str:
    """`load_dataset` with strict rows, and the encoding of a LLaVA template."""
    os.environ["ROOT_IMAGE_DIR"] = str(folder)
    from swift.dataset import load_dataset

    make_processor(scratch / "model")
    make_model(scratch / "model")
    template = swift_template(scratch / "model")
    count = 0
    for task in TASKS:
        path = folder / f"{task}_train.jsonl"
        rows, _ = load_dataset([str(path)], strict=True, load_from_cache_file=False)
        exported = [json.loads(line) for line in path.read_text().splitlines()]
        require(len(rows) == len(exported), f"{task}: {len(rows)} rows of {len(exported)}")
        for row, record in zip(rows, exported, strict=True):
            check_swift_row(row, record, folder)
            encoded = template.encode(dict(row), return_length=True)
            require(any(label != -100 for label in encoded["labels"]), f"{record['id']}: nothing to train on")
            require(("pixel_values" in encoded) == bool(record.get("images")), f"{record['id']}: its image is not used")
        count += len(rows)
    return f"{count} samples loaded strictly and encoded with the llava1_5_hf template"


def swift_template(model: Path) -> Any:
    from swift.model import get_processor
    from swift.template import get_template

    processor = get_processor(str(model), model_type="llava1_5_hf")
    template = get_template(processor, template_type="llava1_5_hf")
    template.set_mode("train")
    return template


def check_swift_row(row: dict[str, Any], record: dict[str, Any], folder: Path) -> None:
    found = [(message["role"], message["content"]) for message in row["messages"]]
    wanted = [(message["role"], message["content"]) for message in record["messages"]]
    require(found == wanted, f"{record['id']}: {found} instead of {wanted}")
    images = [image["path"] for image in row.get("images") or []]
    require(images == record.get("images", []), f"{record['id']}: images {images}")
    require(row["channel"] == record["channel"], f"{record['id']}: the channel is lost")
    require(all((folder / path).is_file() for path in images), f"{record['id']}: an image is not there: {images}")


CHECKS = {
    "load-dataset": (check_versions, ("trl", "transformers", "datasets", "torch")),
    "trl": (check_trl, ("trl", "transformers", "datasets", "torch")),
    "trl-calls": (check_trl_calls, ("trl", "transformers", "datasets", "torch")),
    "llama-factory": (check_llama_factory, ("llamafactory", "transformers", "datasets", "torch")),
    "ms-swift": (check_ms_swift, ("ms-swift", "transformers", "datasets", "torch")),
}


def main() -> int:
    if len(sys.argv) != 3 or sys.argv[1] not in CHECKS:
        print(__doc__, file=sys.stderr)
        return 2
    check, packages = CHECKS[sys.argv[1]]
    with tempfile.TemporaryDirectory() as scratch:
        try:
            told = check(Path(sys.argv[2]).resolve(), Path(scratch))
        except DifferenceError as exc:
            print(f"{sys.argv[1]}: DIFFERS: {exc}", file=sys.stderr)
            return 1
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"{sys.argv[1]}: {told} ({versions})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
