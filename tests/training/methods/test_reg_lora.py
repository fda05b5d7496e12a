"""RegLoRA as a whole: the released reading over tasks, states, errors, and a tiny PEFT model in training."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from hypothesis import given  # noqa: E402
from torch import Tensor  # noqa: E402

from asd_training.errors import ModelError, SettingError, StateError  # noqa: E402
from asd_training.layers.delta_weight import delta_weight  # noqa: E402
from asd_training.layers.lora_pairs import lora_pairs  # noqa: E402
from asd_training.methods.reg_lora import RegLoraPenalty  # noqa: E402
from tests.training.strategies import make_pair, seeds  # noqa: E402

# peft asks transformers for attributes that the latter is about to rename.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:transformers", "ignore::FutureWarning:peft")

SHAPES = {"layers.0.q": (24, 40), "layers.0.up": (50, 24), "layers.1.q": (24, 40)}


def make_pairs(seed: int) -> dict[str, tuple[Tensor, Tensor]]:
    return {name: make_pair(*shape, 4, 100 * seed + at) for at, (name, shape) in enumerate(SHAPES.items())}


def make_penalty(tasks: int, **settings) -> RegLoraPenalty:  # type: ignore[no-untyped-def]
    penalty = RegLoraPenalty(fraction=0.1, **settings)
    for task in range(tasks):
        penalty.update_from(make_pairs(task))
    return penalty


def released_positions(task: int, name: str, fraction: float) -> Tensor:
    """int64 (k, 2): what the released code appends after a task, written from its description."""
    delta = delta_weight(*make_pairs(task)[name]).abs()
    chosen = delta.flatten().topk(int(fraction * delta.numel())).indices
    return torch.stack([chosen // delta.shape[1], chosen % delta.shape[1]], dim=1)


def released_penalty(pairs: dict[str, tuple[Tensor, Tensor]], tasks: int, unique: bool = False) -> Tensor:
    total = torch.zeros(())
    for name, (a, b) in pairs.items():
        positions = torch.cat([released_positions(task, name, 0.1) for task in range(tasks)])
        positions = positions.unique(dim=0) if unique else positions
        total = total + (b @ a)[positions[:, 0], positions[:, 1]].abs().mean()
    return 2.5e3 * total / len(pairs)


@pytest.mark.parametrize("duplicates", ["count", "union"])
@given(seeds)
def test_equals_the_released_form_over_three_tasks(duplicates: str, seed: int) -> None:
    penalty = make_penalty(3, duplicates=duplicates)
    pairs = make_pairs(seed)
    expected = released_penalty(pairs, 3, unique=duplicates == "union")
    got = penalty(pairs)
    torch.testing.assert_close(got, expected)
    factors = [factor for pair in pairs.values() for factor in pair]
    gradients = zip(torch.autograd.grad(got, factors), torch.autograd.grad(expected, factors), strict=True)
    for one, other in gradients:
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_the_two_readings_differ_where_tasks_choose_the_same_elements() -> None:
    pairs = make_pairs(0)
    twice = RegLoraPenalty(fraction=0.1)
    twice.update_from(pairs)
    twice.update_from(pairs)
    once = make_penalty(1)
    assert twice(pairs).item() == pytest.approx(once(pairs).item())  # all weights doubled: the same mean
    assert {weights.total for weights in twice.key_elements.values()} == {192, 240}
    union = RegLoraPenalty(fraction=0.1, duplicates="union")
    union.update_from(pairs)
    union.update_from(pairs)
    assert {weights.total for weights in union.key_elements.values()} == {96, 120}


def test_defaults_are_the_released_ones() -> None:
    penalty = RegLoraPenalty()
    assert (penalty.strength, penalty.fraction, penalty.duplicates) == (2.5e3, 0.02, "count")


def test_nothing_to_pay_before_the_first_task_ends_or_with_a_fresh_adapter() -> None:
    pairs = make_pairs(0)
    assert RegLoraPenalty()(pairs).item() == 0
    fresh = {name: (a, torch.zeros_like(b)) for name, (a, b) in pairs.items()}
    assert make_penalty(2)(fresh).item() == 0


def test_state_round_trip_through_safetensors_and_going_on() -> None:
    safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
    penalty = make_penalty(2)
    again = RegLoraPenalty(fraction=0.1)
    again.load_state_dict(safetensors.load(safetensors.save(penalty.state_dict())))
    assert again.num_tasks == 2
    for one in (penalty, again):
        one.update_from(make_pairs(2))
    assert torch.equal(again(make_pairs(9)), penalty(make_pairs(9)))


def test_an_empty_state_round_trip() -> None:
    again = RegLoraPenalty()
    again.load_state_dict(RegLoraPenalty().state_dict())
    assert again.key_elements == {} and again.num_tasks == 0


def test_states_that_do_not_fit_are_refused_and_change_nothing() -> None:
    state = make_penalty(2).state_dict()
    penalty = make_penalty(1)
    before = {name: weights.total for name, weights in penalty.key_elements.items()}

    def refused(changed: dict[str, Tensor], match: str) -> None:
        with pytest.raises(StateError, match=match):
            penalty.load_state_dict(changed)
        assert {name: weights.total for name, weights in penalty.key_elements.items()} == before

    refused(
        {k: v for k, v in state.items() if k != "reg_lora/num_tasks"},
        "missing 'reg_lora/num_tasks', unexpected nothing",
    )
    refused({**state, "reg_lora/extra": torch.ones(())}, "unexpected 'reg_lora/extra'")
    refused({**state, "reg_lora/format_version": torch.tensor(2)}, "format 2, this build reads 1; upgrade")
    refused(
        {**state, "weight": torch.ones(())},
        "unexpected entry 'weight'; expected keys of the form <layer>/<entry>",
    )
    refused({k: v for k, v in state.items() if k != "layers.1.q/extra"}, r"layers\.1\.q: expected the entries")
    refused({**state, "layers.1.q/bias": torch.ones(())}, r"layers\.1\.q: expected the entries")
    refused(
        {k: v for k, v in state.items() if k.startswith("reg_lora/")},
        r"2 task\(s\) but key elements of 0 layers",
    )
    with pytest.raises(StateError, match=r"made with fraction=0.1, duplicates='count', .* fraction=0.02"):
        RegLoraPenalty().load_state_dict(state)
    with pytest.raises(StateError, match=r"duplicates='count', this penalty has fraction=0\.1, duplicates='union'"):
        RegLoraPenalty(fraction=0.1, duplicates="union").load_state_dict(state)


def test_another_model_is_refused_and_changes_nothing() -> None:
    penalty = make_penalty(1)
    fewer = {name: pair for name, pair in make_pairs(1).items() if name != "layers.1.q"}
    more = {**make_pairs(1), "layers.2.q": make_pair(24, 40, 4)}
    with pytest.raises(ModelError, match=r"1 without an adapter now: 'layers\.1\.q'; adapt the same layers"):
        penalty(fewer)
    with pytest.raises(ModelError, match=r"1 without key elements: 'layers\.2\.q'"):
        penalty.update_from(more)
    other = {**make_pairs(1), "layers.1.q": make_pair(24, 41, 4)}
    with pytest.raises(ModelError, match=r"'layers\.1\.q' is 24 x 41, but its key elements of 1 earlier .* 24 x 40"):
        penalty.update_from(other)
    with pytest.raises(ModelError, match="no LoRA pairs were given"):
        penalty({})
    assert penalty.num_tasks == 1


def test_settings_out_of_range() -> None:
    with pytest.raises(SettingError, match="strength of the penalty must be 0 or more, got -1"):
        RegLoraPenalty(strength=-1)
    with pytest.raises(SettingError, match=r"fraction of key elements must be in \(0, 1\], got 2"):
        RegLoraPenalty(fraction=2)
    with pytest.raises(SettingError, match="duplicates must be one of count, union, got 'set'"):
        RegLoraPenalty(duplicates="set")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def tiny_llama():  # type: ignore[no-untyped-def]
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("peft", reason="peft is not installed")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=32,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config)


def adapt(model):  # type: ignore[no-untyped-def]
    peft = pytest.importorskip("peft", reason="peft is not installed")
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
    return peft.get_peft_model(model, config)


def train(model, penalty: RegLoraPenalty, seed: int, steps: int = 25) -> list[float]:  # type: ignore[no-untyped-def]
    torch.manual_seed(seed)
    batches = torch.randint(0, 64, (4, 8, 12))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-2, weight_decay=0.0)
    losses = []
    for step in range(steps):
        batch = batches[step % 4]
        loss = model(input_ids=batch, labels=batch).loss
        (loss + penalty(model)).backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def change_at_key_elements(model, penalty: RegLoraPenalty) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Mean |B A| at the key elements and elsewhere."""
    at_keys, elsewhere = [], []
    for name, (a, b) in lora_pairs(model).items():
        delta, chosen = delta_weight(a.detach(), b.detach()).abs(), penalty.key_elements[name].unpack().bool()
        at_keys.append(delta[chosen])
        elsewhere.append(delta[~chosen])
    return torch.cat(at_keys).mean().item(), torch.cat(elsewhere).mean().item()


def test_a_peft_model_changes_less_at_the_key_elements(tiny_llama) -> None:  # type: ignore[no-untyped-def]
    free, bound = RegLoraPenalty(strength=0.0, fraction=0.05), RegLoraPenalty(strength=100.0, fraction=0.05)
    model = adapt(copy.deepcopy(tiny_llama))
    train(model, free, seed=1)
    for penalty in (free, bound):
        penalty.update_from(model)
    assert len(bound.key_elements) == 2 * 7
    merged = model.merge_and_unload()
    changes, losses = {}, {}
    for label, penalty in (("free", free), ("bound", bound)):
        torch.manual_seed(2)
        second = adapt(copy.deepcopy(merged))
        losses[label] = train(second, penalty, seed=2)
        changes[label] = change_at_key_elements(second, penalty)
    assert changes["bound"][0] < 0.3 * changes["free"][0]
    assert changes["bound"][1] > changes["bound"][0]  # the pull is at the key elements, not everywhere alike
    assert losses["bound"][-1] < losses["bound"][0]  # and the task is still learnt


def test_gradient_checkpointing_adds_the_penalty_once(tiny_llama) -> None:  # type: ignore[no-untyped-def]
    gradients = []
    for checkpointing in (False, True):
        torch.manual_seed(3)
        model = adapt(copy.deepcopy(tiny_llama))
        for _, b in lora_pairs(model).values():
            torch.nn.init.normal_(b)
        penalty = RegLoraPenalty(fraction=0.05)
        penalty.update_from(model)
        if checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.train()
        batch = torch.arange(24).view(2, 12)
        (model(input_ids=batch, labels=batch).loss + penalty(model)).backward()
        gradients.append([factor.grad for pair in lora_pairs(model).values() for factor in pair])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_bfloat16_model_under_autocast(tiny_llama) -> None:  # type: ignore[no-untyped-def]
    model = adapt(copy.deepcopy(tiny_llama)).bfloat16()
    for _, b in lora_pairs(model).values():
        torch.nn.init.normal_(b)
    penalty = RegLoraPenalty()
    penalty.update_from(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = penalty(model)
    assert value.dtype == torch.float32
    means = [
        (delta_weight(*pair).abs() * penalty.key_elements[name].unpack()).sum() / penalty.key_elements[name].total
        for name, pair in lora_pairs(model).items()
    ]
    torch.testing.assert_close(value, 2.5e3 * torch.stack(means).mean(), rtol=1e-5, atol=1e-5)
    value.backward()
    assert all(b.grad.dtype == torch.bfloat16 and b.grad.isfinite().all() for _, b in lora_pairs(model).values())


def test_a_second_adapter_beside_a_frozen_one(tiny_llama) -> None:  # type: ignore[no-untyped-def]
    peft = pytest.importorskip("peft", reason="peft is not installed")
    model = adapt(copy.deepcopy(tiny_llama))
    penalty = RegLoraPenalty(fraction=0.05)
    penalty.update_from(model)
    model.add_adapter("second", peft.LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    model.base_model.set_adapter(["default", "second"])
    with pytest.raises(ModelError, match="of which 2 are active; name the one of the current task"):
        penalty(model)
    assert penalty(model, adapter="second").item() == 0  # its B is still 0
