"""What is learnt of a conversation, token by token, with the templates of well-known models."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import (
    GotOcr2ImageProcessorPil,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    InternVLProcessor,
    LlavaProcessor,
    ProcessorMixin,
    Qwen2VLImageProcessorPil,
)

from asd_training.encoding import Encoder
from asd_training.errors import ModelError, TaskDataError
from asd_training.prompt_format import PromptFormat
from tests.training.chat_templates import FAMILIES, SAID, Family
from tests.training.tiny_models import LETTERS, ImageOnlyProcessor, _image_processor, build_tokenizer


class ImagesOfInternVL(InternVLProcessor):
    """Without its video part, which needs torchvision."""

    def __init__(self, image_processor: Any, tokenizer: Any, chat_template: str) -> None:
        self.image_seq_length, self.image_token, self.video_token = 2, "<IMG_CONTEXT>", "<video>"
        self.start_image_token, self.end_image_token = "<img>", "</img>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.multimodal_pattern = re.compile(r"(?P<image><IMG_CONTEXT>)|(?P<video><video>)")
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


def processor(family: Family) -> Any:
    tokenizer = build_tokenizer(*family.marks, eos=family.eos, letters=LETTERS + "|")
    given = {"tokenizer": tokenizer, "chat_template": family.template}
    if "<IMG_CONTEXT>" in family.marks:
        return ImagesOfInternVL(GotOcr2ImageProcessorPil(size={"height": 8, "width": 8}, max_patches=1), **given)
    if "<|image_pad|>" in family.marks:
        sizes = {"size": {"shortest_edge": 64, "longest_edge": 1024}, "patch_size": 4, "merge_size": 2}
        return ImageOnlyProcessor(Qwen2VLImageProcessorPil(**sizes), **given)
    if "<global-img>" in family.marks:
        edge = {"longest_edge": 16}
        images = Idefics3ImageProcessorPil(size=edge, max_image_size=edge, do_image_splitting=False)
        return Idefics3Processor(image_processor=images, image_seq_len=4, **given)
    images = _image_processor("CLIPImageProcessor", size={"shortest_edge": 16}, crop_size=16)
    return LlavaProcessor(images, patch_size=8, vision_feature_select_strategy="default",
                          num_additional_image_tokens=1, **given)  # fmt: skip


def encoder(family: Family, **settings: Any) -> Encoder:
    made = processor(family)
    return Encoder(made, PromptFormat(made), **settings)


def row(messages: list[dict[str, str]], images: int = 1) -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(file, "png")
    pictures = [{"path": "a.png", "bytes": file.getvalue()}] * images
    return {"id": "t/train/1", "images": pictures, "messages": messages, "style": "short_answer"}


def marked(one: Encoder, ids: torch.Tensor, mask: torch.Tensor, image: str) -> list[tuple[str, bool]]:
    """(token, whether it is learnt), a run of image tokens as one."""
    tokens = one.tokenizer.convert_ids_to_tokens(ids.tolist())
    pairs = list(zip(tokens, mask.tolist(), strict=True))
    return [pair for at, pair in enumerate(pairs) if not (at and pair[0] == image == pairs[at - 1][0])]


def table(one: Encoder, learnt: str) -> list[tuple[str, bool]]:
    """The same of a hand-written text in which «...» is learnt."""
    found: list[tuple[str, bool]] = []
    for part in re.split(r"(«.*?»)", learnt, flags=re.DOTALL):
        found += [(token, part.startswith("«")) for token in one.tokenizer.tokenize(part.strip("«»"))]
    return found


@pytest.mark.parametrize("name", FAMILIES)
def test_the_mask_is_that_of_the_table(name: str) -> None:
    family = FAMILIES[name]
    one = encoder(family)
    example = one.example(row(SAID))
    assert marked(one, example.ids, example.mask, family.image) == table(one, family.learnt)
    assert one.prompts.end == family.learnt.rpartition("»")[0].removeprefix("«")[-len(one.prompts.end) :]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_question_is_what_stands_before_the_last_answer(name: str) -> None:
    """Earlier answers are closed in evaluation as they are in training."""
    one = encoder(FAMILIES[name])
    for turns in (SAID[:2], SAID):
        example, question = one.example(row(turns)), one.question(row(turns))
        start = len(question.ids)
        assert example.ids[:start].tolist() == question.ids.tolist()
        assert example.mask[start:].all()
        assert int(example.ids[-1]) == one.prompts.end_id


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("special", ["</s>", "own"])
def test_an_answer_with_a_special_token_is_learnt_whole(name: str, special: str) -> None:
    one = encoder(FAMILIES[name])
    text = f"the {one.prompts.end if special == 'own' else special} tag strikes"
    example = one.example(row([SAID[0], {"role": "assistant", "content": text}]))
    learnt = example.ids[example.mask].tolist()
    assert one.tokenizer.decode(learnt[:-1]).strip() == text and learnt[-1] == one.prompts.end_id
    assert not set(learnt[:-1]) & set(one.tokenizer.all_special_ids)
    assert one.tokenizer.decode(learnt, skip_special_tokens=True).strip() == text  # as evaluation reads an answer


@pytest.mark.parametrize("name", FAMILIES)
def test_a_question_with_a_special_token_is_refused(name: str) -> None:
    one = encoder(FAMILIES[name])
    asked = {"role": "user", "content": f"<image>\nWhat does {one.prompts.end} mean?"}
    for read in (one.example, one.question, one.request):
        with pytest.raises(TaskDataError, match=r"row t/train/1: its question holds .*; write it otherwise"):
            read(row([asked, SAID[1]]))


def test_a_template_made_for_texts_gets_texts() -> None:
    """As the tokenizers of language models have; a list of parts would be written out as Python does."""
    texts = "{% for m in messages %}{{ m.role }}: {{ m.content }}</s>{% endfor %}"
    texts += "{% if add_generation_prompt %}assistant: {% endif %}"
    one = encoder(FAMILIES["llava-1.5"]._replace(template=texts))
    example = one.example(row(SAID[:2]))
    wanted = "user: <image>\nWhat is it?</s>assistant: «A cat.</s>»"
    assert marked(one, example.ids, example.mask, "<image>") == table(one, wanted)


def test_a_template_that_knows_the_day_says_the_same_every_day() -> None:
    dated = "{{ strftime_now('%d %b %Y') }}" + FAMILIES["llava-1.5"].template
    assert (
        encoder(FAMILIES["llava-1.5"]._replace(template=dated))
        .prompts.question(SAID[:1], "r")
        .startswith("26 Jul 2024")
    )


def test_a_closing_that_only_the_last_answer_has() -> None:
    last = "{% if not add_generation_prompt %}<|endoftext|>{% endif %}"
    family = FAMILIES["qwen2-vl"]
    one = encoder(family._replace(template=family.template + last))
    example = one.example(row(SAID))
    assert marked(one, example.ids, example.mask, family.image) == table(one, family.learnt)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for m in messages %}{{ m.role }} {% endfor %}", "leaves out what the user asks"),
        ("{{ raise_exception('no') }}", "the chat template refuses a conversation .*set model.prompt to 'plain'"),
    ],
)
def test_templates_that_cannot_be_used(template: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        encoder(FAMILIES["llava-1.5"]._replace(template=template))


def test_a_template_that_refuses_a_row() -> None:
    picky = (
        "{% if messages|length > 3 %}{{ raise_exception('one turn only') }}{% endif %}" + FAMILIES["llava-1.5"].template
    )
    with pytest.raises(
        TaskDataError, match=r"row t/train/1: the chat template refuses a conversation \(one turn only\)"
    ):
        encoder(FAMILIES["llava-1.5"]._replace(template=picky)).example(row(SAID))


def test_earlier_answers_with_a_special_token_are_asked_as_they_were_learnt() -> None:
    one = encoder(FAMILIES["llava-1.5"])
    turns = [SAID[0], {"role": "assistant", "content": "</s> it is"}, *SAID[2:]]
    example, question = one.example(row(turns)), one.question(row(turns))
    assert example.ids[: len(question.ids)].tolist() == question.ids.tolist()
    unexpanded, _ = one.request(row(turns))
    assert unexpanded == [token for at, token in enumerate(question.ids.tolist())
                          if token != question.ids[max(0, at - 1)] or one.tokenizer.decode(token) != "<image>"]  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_a_later_turn_may_bring_a_picture_of_its_own(name: str) -> None:
    family = FAMILIES[name]
    one = encoder(family)
    later = [*SAID[:2], {"role": "user", "content": "<image>\nAnd this?"}, SAID[3]]
    example, first = one.example(row(later, images=2)), one.example(row(SAID[:2]))
    assert example.ids[: len(first.ids)].tolist() == first.ids.tolist()
    whole = one.example(row(SAID))
    assert example.ids[example.mask].tolist() == whole.ids[whole.mask].tolist()
    marks = example.ids.tolist().count(one.tokenizer.convert_tokens_to_ids(family.image))
    assert marks == 2 * first.ids.tolist().count(one.tokenizer.convert_tokens_to_ids(family.image))
    both = one.example(row([{"role": "user", "content": "<image>\n<image>\nBoth?"}, SAID[3]], images=2))
    assert {key: t.shape for key, t in example.images.items()} == {key: t.shape for key, t in both.images.items()}
