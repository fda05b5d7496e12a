"""EWC, O-LoRA and replay: what each of them promises, on a tiny model or by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")

from hypothesis import given, settings, strategies as st  # noqa: E402, I001

from tests.training.conformance.trainees import STAGES, Rows, Trainee  # noqa: E402
from tests.training.tiny_models import llava  # noqa: E402
from asd_training.errors import ModelError, StateError  # noqa: E402
from asd_training.layers.lora_pairs import lora_pairs  # noqa: E402
from asd_training.methods.o_lora import overlap  # noqa: E402
from asd_training.methods.row_sample import sample_rows  # noqa: E402

FIRST, SECOND, _ = STAGES


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llava(tmp_path_factory.mktemp("models") / "llava")


@pytest.mark.parametrize("case", ["ewc-adapter", "ewc-merged"])
def test_ewc_costs_nothing_where_earlier_tasks_ended_and_more_away_from_there(model: Path, case: str) -> None:
    trainee = Trainee(case, model)
    assert trainee.method.extra_loss(trainee.wrap(FIRST)).item() == 0
    trainee.train(FIRST)
    trainee.carry_over(FIRST)
    assert trainee.method.extra_loss(trainee.wrap(SECOND)).item() == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        for a, b in lora_pairs(trainee.model).values():
            a.add_(0.05), b.add_(0.05)
    assert trainee.method.extra_loss(trainee.model).item() > 1e-3


@pytest.mark.parametrize("case", ["ewc-adapter", "ewc-merged"])
def test_ewc_keeps_an_earlier_task_better_than_without(model: Path, case: str) -> None:
    kept = []
    for strength in (0.0, 1000.0):
        trainee = Trainee(case, model, strength=strength)
        for stage, steps in ((FIRST, 20), (SECOND, 20)):
            trainee.train(stage, steps)
            trainee.carry_over(stage)
        targets = Rows(FIRST).batch()["input_ids"][:, 1:]
        log_p = trainee.answers(FIRST)[:, :-1].log_softmax(-1).gather(-1, targets.unsqueeze(-1))
        kept.append(-log_p.mean().item())
    assert kept[1] < kept[0]


def test_the_fisher_of_merged_updates_is_that_of_the_weights_themselves(model: Path) -> None:
    """Merge first, then differentiate by the merged weights: the same."""
    trainee = Trainee("ewc-merged", model)
    trainee.train(FIRST)
    got = {name: anchor.importance for name, anchor in trainee.method.anchors.items()}
    trainee.carry_over(FIRST)
    weights = {name: trainee.model.get_submodule(name).weight.requires_grad_(True) for name in got}
    rows = Rows(FIRST).losses(trainee.model, 4, "")
    squares = [torch.autograd.grad(loss, list(weights.values())) for loss in rows]
    for number, name in enumerate(weights):
        expected = torch.stack([gradients[number].square() for gradients in squares]).mean(0)
        torch.testing.assert_close(got[name], expected, rtol=1e-3, atol=1e-7)


def test_states_of_ewc_that_are_cut_short_or_of_other_layers(model: Path) -> None:
    trainee = Trainee("ewc-adapter", model)
    trainee.train(FIRST)
    state = trainee.method.state_dict()
    lost = next(iter(state))
    with pytest.raises(StateError, match=f"missing '{lost}', unexpected nothing"):
        trainee.method.load_state_dict({key: value for key, value in state.items() if key != lost})
    layer = lost.rpartition("/")[0]
    trainee.method.load_state_dict({key: value for key, value in state.items() if not key.startswith(f"{layer}/")})
    with pytest.raises(ModelError, match=f"not those of earlier tasks: missing now none, new '{layer}'"):
        trainee.method.extra_loss(trainee.model)


def test_overlap_by_hand() -> None:
    """<(1, 2), (3, 0)> = 3 and <(0, 1), (3, 0)> = 0; <.., (1, -1)> = -1 and -1: squares 9 + 1 + 1, values 3 + 1 + 1."""
    earlier, new = torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[3.0, 0.0], [1.0, -1.0]])
    assert overlap(earlier, new, "squared").item() == 11
    assert overlap(earlier, new, "absolute").item() == 5
    assert overlap(torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0]]), "squared").item() == 0


def test_o_lora_turns_the_new_adapter_away_from_all_earlier_ones(model: Path) -> None:
    trainee = Trainee("o-lora", model)
    for stage in STAGES:
        trainee.wrap(stage)
        before = trainee.method.extra_loss(trainee.model).item()
        trainee.train(stage, 10)
    pairs = [lora_pairs(trainee.model, name) for name in ("task_01", "task_02", "task_03")]
    by_hand = sum(overlap(old[layer][0], pairs[2][layer][0], "squared") for old in pairs[:2] for layer in old)
    after = trainee.method.extra_loss(trainee.model)
    torch.testing.assert_close(after, 0.5 * by_hand)
    assert after.item() < before
    trained = {name for name, p in trainee.model.named_parameters() if p.requires_grad}
    assert trained and all(".task_03." in name for name in trained)


@given(st.lists(st.text(max_size=6), unique=True, max_size=40), st.integers(1, 10), st.randoms())
@settings(max_examples=30, deadline=None)
def test_a_sample_knows_no_order_and_grows_without_losing_rows(ids: list[str], count: int, random) -> None:  # type: ignore[no-untyped-def]
    chosen = {ids[place] for place in sample_rows(ids, count, "a")}
    assert len(chosen) == min(count, len(ids))
    shuffled = random.sample(ids, len(ids))
    assert {shuffled[place] for place in sample_rows(shuffled, count, "a")} == chosen
    assert chosen <= {ids[place] for place in sample_rows(ids, count + 3, "a")}


def test_samples_of_other_names_are_others() -> None:
    ids = [str(number) for number in range(1000)]
    one, other = sample_rows(ids, 100, "a"), sample_rows(ids, 100, "b")
    assert one == sorted(set(one)) and len(set(one) & set(other)) < 30
