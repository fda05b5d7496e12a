"""Continual LLaVA: which increments act on which row, what is learnt in which stage, and the encoders of instructions."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from asd_training.config import ContinualLlava as ContinualLlavaSettings  # noqa: E402
from asd_training.errors import ModelError, SettingError  # noqa: E402
from asd_training.instruction_encoders import build_instruction_encoder, instruction_size  # noqa: E402
from asd_training.layers.conditioning import condition  # noqa: E402
from asd_training.layers.increment_pool import Choice, IncrementPool, Slots, choose, key_loss  # noqa: E402
from asd_training.methods.continual_llava import fit_keys  # noqa: E402
from tests.training.conformance.trainees import STAGES, Rows, Trainee, build  # noqa: E402
from tests.training.tiny_models import llava  # noqa: E402

FIRST, SECOND, THIRD = STAGES
SETTINGS = ContinualLlavaSettings(method="continual-llava", encoder="hashed-words")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llava(tmp_path_factory.mktemp("models") / "llava")


def test_weights_of_the_chosen_by_hand() -> None:
    """Cosines 0.6, 0.8, -1 and 0; the two nearest share 0.6 : 0.8."""
    keys = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-0.6, -0.8], [0.8, -0.6]])
    asked = torch.tensor([[3.0, 4.0]])
    ratio = choose(asked, keys, Choice(2))
    torch.testing.assert_close(ratio, torch.tensor([[0.6 / 1.4, 0.8 / 1.4, 0.0, 0.0]]))
    softmax = choose(asked, keys, Choice(2, "softmax"))
    torch.testing.assert_close(softmax[0, :2], torch.tensor([0.6, 0.8]).softmax(-1))
    all_of_them = choose(asked, keys, Choice(4))[0]
    assert all_of_them[2] < 1e-5  # opposite directions get next to nothing
    assert key_loss(asked, keys, 2).item() == pytest.approx(-0.7)


def test_keys_move_to_the_instructions_that_choose_them() -> None:
    instructions = Rows(FIRST, count=200).instructions()
    slots = Slots(8, 256, 0)
    before = key_loss(instructions, slots.keys, 4).item()
    fit_keys(
        slots.keys, instructions, SETTINGS.model_copy(update={"key_epochs": 30, "key_lr": 1e-2, "key_batch": 20}), 0
    )
    assert key_loss(instructions, slots.keys, 4).item() < before - 0.1
    assert not slots.keys.requires_grad


def pool_of_two() -> IncrementPool:
    """Two tasks of two increments each, whose keys are the four axes."""
    pool = IncrementPool(Choice(2))
    for number, name in enumerate(("one", "two")):
        pool[name] = Slots(2, 4, number)
        pool[name].keys.data = torch.eye(4)[2 * number : 2 * number + 2]
        pool[name].usage.data = torch.tensor([0.25, 0.75])
    return pool


def test_a_task_in_training_chooses_among_its_own_and_adds_the_mean_choices_of_earlier_ones() -> None:
    pool = pool_of_two()
    pool.training_on = "two"
    pool.condition(torch.tensor([[1.0, 0.0, 0.1, 0.0]]))
    assert pool["two"].context_weights().tolist() == pytest.approx([0.25])  # 1 / (4 * one earlier task)
    torch.testing.assert_close(pool.gates["one"], 0.25 * torch.tensor([[0.25, 0.75]]))
    torch.testing.assert_close(pool.gates["two"], torch.tensor([[1.0, 0.0]]), atol=1e-4, rtol=0)


def test_afterwards_all_compete_and_no_task_is_named() -> None:
    pool = pool_of_two()
    pool.condition(torch.tensor([[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 3.0, 1.0]]))
    intrinsic = torch.cat([pool.gates["one"] - 0.25 * pool["one"].usage, pool.gates["two"]], dim=1)
    torch.testing.assert_close(intrinsic, torch.tensor([[0.5, 0, 0, 0.5], [0, 0, 0.75, 0.25]]))


def test_rows_of_other_instructions_get_other_updates(model: Path) -> None:
    trainee = Trainee("continual-llava", model)
    trainee.train(FIRST, 6)
    trainee.carry_over(FIRST)
    one = trainee.answers(FIRST)
    batch = Rows(FIRST).batch()
    moved = {**batch, "instruction": Rows(SECOND).instructions()}
    condition(trainee.model, moved)
    with torch.no_grad():
        other = trainee.model(**moved).logits
    assert (one - other).abs().max() > 1e-3


def test_each_stage_learns_its_own_part(model: Path) -> None:
    """Keys in the first, increments and context in the second; earlier tasks' in neither."""
    trainee = Trainee("continual-llava", model)
    trainee.train(FIRST)
    trainee.carry_over(FIRST)
    trainee.wrap(SECOND)
    pool = trainee.model.get_base_model().lora_pool
    keys = pool["task_02"].keys.clone()
    trainee.method.before_training(trainee.model, SECOND, Rows(SECOND))
    fitted, context = pool["task_02"].keys.clone(), pool["task_02"].context.clone()
    asked = Rows(SECOND).instructions()
    assert key_loss(asked, fitted, 2) < key_loss(asked, keys, 2)
    trainee.steps(SECOND, 3)
    assert torch.equal(pool["task_02"].keys, fitted)
    assert not torch.equal(pool["task_02"].context, context)


def test_a_forward_pass_without_an_instruction_is_refused(model: Path) -> None:
    trainee = Trainee("continual-llava", model)
    trainee.wrap(FIRST)
    with pytest.raises(ModelError, match="no instruction was given"):
        trainee.model(input_ids=torch.ones(1, 3, dtype=torch.int64))


def test_more_chosen_than_there_are() -> None:
    with pytest.raises(SettingError, match="chosen is 5, but a task has 4 slots"):
        build("continual-llava", chosen=5)


def encode(encoder: str, texts: list[str]) -> torch.Tensor:
    settings = SETTINGS.model_copy(update={"encoder": encoder})
    vectors = build_instruction_encoder(settings)(texts)
    assert vectors.shape == (len(texts), instruction_size(settings))
    return vectors


def test_hashed_words_are_near_where_words_are_shared() -> None:
    near, far, base = encode("hashed-words", ["What colour is the dog?", "Name two kings.", "What colour is the cat?"])
    assert base @ near > 0.5 > base @ far
    assert torch.equal(encode("hashed-words", ["", "?"]), encode("hashed-words", ["", "?"]))


def two_numbers(texts: list[str]) -> list[list[float]]:
    return [[3.0, 4.0] for _ in texts]


def test_any_function_can_be_the_encoder() -> None:
    assert encode(f"{__name__}:two_numbers", ["a"]).tolist() == [pytest.approx([0.6, 0.8])]
    with pytest.raises(SettingError, match="cannot be imported"):
        encode("nowhere.at.all:function", ["a"])
    with pytest.raises(SettingError, match=r"gave \(1, 2\) for 2 texts"):
        build_instruction_encoder(SETTINGS.model_copy(update={"encoder": f"{__name__}:one_row"}))(["a", "b"])


def one_row(texts: list[str]) -> list[list[float]]:
    return [[1.0, 2.0]]


def test_a_sentence_encoder_is_pooled_over_words_not_over_padding(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    from tests.training.tiny_models import build_tokenizer

    tokenizer = build_tokenizer()
    BertModel(BertConfig(vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                         intermediate_size=16)).save_pretrained(tmp_path)  # fmt: skip
    tokenizer.save_pretrained(tmp_path)
    together = encode(str(tmp_path), ["ab", "a much longer question"])
    torch.testing.assert_close(together[0], encode(str(tmp_path), ["ab"])[0])
    with pytest.raises(SettingError, match=r"cannot be loaded .* or hashed-words"):
        encode(str(tmp_path / "nothing"), ["a"])
