"""The fused kernels against the tiled form: interpreted on the CPU, and as compiled where there is a GPU.

Triton's interpreter runs the kernels' own code on the CPU, so their arithmetic, masks and bit fiddling are
tested everywhere (in float16 and float32; it has no products of bfloat16). Speed and the compiler are not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'asd-mcit[train]'")
pytest.importorskip("triton", reason="triton is not installed: it comes with torch builds for CUDA")

from asd_training.layers import masked_l1_triton as fused  # noqa: E402
from asd_training.layers.masked_l1 import _tiled, dense_masked_l1, masked_delta_l1_means  # noqa: E402
from asd_training.layers.packed_bits import unpack_bits  # noqa: E402
from tests.training.strategies import make_pair, make_weights  # noqa: E402

# out, in, rank, most: odd and even sizes, one to four extra planes, several tiles each way
CASES = [
    (130, 70, 5, 1),
    (64, 128, 16, 5),
    (70, 200, 20, 12),
    (1, 1, 1, 3),
    (200, 130, 64, 2),
    (3, 1100, 16, 3),
]


interpreted = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") != "1",
    reason="run by test_under_the_interpreter, in a process of its own",
)
no_gpu = not torch.cuda.is_available() or os.environ.get("TRITON_INTERPRET") == "1"


def on_gpu(test: Callable[..., None]) -> Callable[..., None]:
    return pytest.mark.gpu(pytest.mark.skipif(no_gpu, reason="no CUDA device, or kernels are interpreted")(test))


@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="this is that process")
def test_under_the_interpreter() -> None:
    """The switch must be set before triton is first imported, hence a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", __file__],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert "passed" in run.stdout


def make_group(out_features: int, in_features: int, rank: int, most: int, dtype, count: int = 3):  # type: ignore[no-untyped-def]
    pairs = [make_pair(out_features, in_features, rank, seed) for seed in range(count)]
    weights = [make_weights(out_features, in_features, most=most, density=0.2, seed=seed) for seed in range(count)]
    return [a.detach().to(dtype) for a, _ in pairs], [b.detach().to(dtype) for _, b in pairs], weights


def assert_near(got, expected, tolerance: float = 1e-6) -> None:  # type: ignore[no-untyped-def]
    assert float((got.float() - expected.float()).norm()) <= tolerance * float(expected.float().norm()) + 1e-12


@interpreted
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_interpreted_kernels_equal_the_tiled_form(case, dtype) -> None:  # type: ignore[no-untyped-def]
    a, b, weights = make_group(*case, dtype)
    sums, kept = fused.forward(a, b, weights, keep_d_b=True)
    scales = torch.tensor([1.0, 2.0, 0.5])
    d_a, d_b = fused.backward(a, b, weights, kept, scales)
    expected_sums, expected = _tiled(a, b, weights, True)
    assert_near(sums, expected_sums)
    tolerance = 1e-6 if dtype == torch.float32 else 1e-3
    for layer in range(3):
        assert_near(d_a[layer], expected[layer][0] * scales[layer], tolerance)
        assert_near(d_b[layer], expected[layer][1] * scales[layer], tolerance)


@interpreted
@pytest.mark.parametrize("case", [(70, 200, 1, 12), (5, 2000, 1, 4), (33, 64, 1, 2)])
def test_interpreted_deposit_spreads_the_planes(case) -> None:  # type: ignore[no-untyped-def]
    _, _, weights = make_group(*case, torch.float32)
    addresses = torch.tensor([one.presence.data_ptr() for one in weights])
    planes = fused.deposit_extra(weights, addresses)
    for layer, one in enumerate(weights):
        counts = unpack_bits(one.presence, case[1]).int()
        for plane in range(one.num_planes):
            counts += unpack_bits(planes[layer, plane], case[1]).int() << plane
        assert torch.equal(counts, one.unpack().int())


def test_layers_are_grouped_by_shape_and_cut_to_the_scratch_memory() -> None:
    a, b, weights = make_group(64, 128, 16, 4, torch.float32, 4)
    other = make_group(32, 64, 16, 1, torch.float32, 2)
    a, b, weights = a + other[0], b + other[1], weights + other[2]
    per_layer = 2 * 2 * 64 * 8
    groups = fused.group_layers(a, b, weights, scratch_bytes=2 * per_layer)
    assert [group.layers for group in groups] == [(0, 1), (2, 3), (4, 5)]
    assert [group.planes for group in groups] == [2, 2, 0]


@interpreted
def test_without_gradients_nothing_is_kept() -> None:
    a, b, weights = make_group(64, 128, 16, 1, torch.float32)
    sums, kept = fused.forward(a, b, weights, keep_d_b=False)
    assert kept == []
    assert_near(sums, _tiled(a, b, weights, False)[0])


def test_what_the_kernels_can_run() -> None:
    assert fused.can_run({torch.bfloat16}, 256) and not fused.can_run({torch.bfloat16}, 257)
    assert fused.can_run({torch.float32}, 64) and not fused.can_run({torch.float32}, 128)
    assert not fused.can_run({torch.float64}, 8)
    assert not fused.can_run({torch.float32, torch.bfloat16}, 8)


@on_gpu
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("case", [*CASES, (1000, 777, 128, 1), (1024, 2048, 128, 7), (512, 640, 256, 3)])
def test_compiled_kernels_equal_the_definition_in_float64(case, dtype) -> None:  # type: ignore[no-untyped-def]
    a, b, weights = make_group(*case, dtype)
    pairs = [(x.cuda().requires_grad_(), y.cuda().requires_grad_()) for x, y in zip(a, b, strict=True)]
    means = masked_delta_l1_means(pairs, [one.to("cuda") for one in weights])
    scale = torch.tensor([1.0, 2.0, 0.5])
    (means * scale.cuda()).sum().backward()
    for layer, one in enumerate(weights):
        wide = [factor[layer].double().requires_grad_() for factor in (a, b)]
        expected = dense_masked_l1(*wide, one)
        (expected * scale[layer]).backward()
        assert_near(means[layer].detach().cpu(), expected.detach(), 1e-5)
        for parameter, reference in zip(pairs[layer], wide, strict=True):
            # an element of B A within rounding of 0 may turn its sign; bfloat16 results are rounded besides
            assert_near(parameter.grad.cpu(), reference.grad, 5e-3)


@on_gpu
def test_compiled_kernels_are_deterministic() -> None:
    a, b, weights = make_group(1024, 1024, 128, 7, torch.bfloat16)
    results = []
    for _ in range(3):
        pairs = [(x.cuda().requires_grad_(), y.cuda().requires_grad_()) for x, y in zip(a, b, strict=True)]
        means = masked_delta_l1_means(pairs, [one.to("cuda") for one in weights])
        means.sum().backward()
        results.append([means.detach(), *(factor.grad for pair in pairs for factor in pair)])
    for other in results[1:]:
        assert all(torch.equal(one, two) for one, two in zip(results[0], other, strict=True))


COMPILED = [
    (direction, rank, planes, dtype)
    for direction in ("rows", "columns")
    for rank, planes, dtype in [
        (16, 0, torch.bfloat16),
        (128, 0, torch.bfloat16),
        (128, 3, torch.bfloat16),
        (256, 4, torch.bfloat16),
        (64, 3, torch.float32),
    ]
]


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="kernels are interpreted here")
@pytest.mark.parametrize(("direction", "rank", "planes", "dtype"), COMPILED)
def test_kernels_compile_for_hopper_without_a_gpu(direction: str, rank: int, planes: int, dtype) -> None:  # type: ignore[no-untyped-def]
    """They use its matrix instruction, overlap copies to shared memory, and need no more of that than it has."""
    compiler = pytest.importorskip("triton.compiler", reason="triton is not installed")
    from triton.backends.compiler import GPUTarget

    tiling = fused.choose_tiling(direction, rank, planes, dtype)
    kernel = fused.kernels.row_kernel if direction == "rows" else fused.kernels.column_kernel
    pointer = "*bf16" if dtype == torch.bfloat16 else "*fp32"
    given = dict.fromkeys(("a_table", "b_table", "presence_table", "extra"), "*i64")
    given |= {"d_b": pointer, "d_a": pointer, "sums": "*fp32", "scales": "*fp32"}
    given |= {"row_blocks": "i32", "column_blocks": "i32"}
    constants = {
        "OUT": 4096, "IN": 11008, "RANK": rank, "R": rank, "EXTRA": planes, "STORE": True, "EVEN": True,
        "BM": tiling.rows, "DTYPE": fused._TRITON_DTYPES[dtype],
        "PRECISION": "tf32x3" if dtype == torch.float32 else "tf32",
    }  # fmt: skip
    signature = {name: given.get(name, "constexpr") for name in kernel.arg_names}
    constants = {name: value for name, value in constants.items() if name in kernel.arg_names}
    aligned = {(at,): [["tt.divisibility", 16]] for at, name in enumerate(kernel.arg_names) if name in given}
    source = compiler.ASTSource(kernel, signature, constants, aligned)
    binary = compiler.compile(source, target=GPUTarget("cuda", 90, 32), options=tiling.options)
    assert binary.metadata.shared <= 227 * 1024
    assert "wgmma.mma_async" in binary.asm["ptx"]
    wide = rank >= 128  # 16 bytes a copy; a thread's share of a narrower tile is less
    assert ("cp.async.cg.shared.global" if wide else "cp.async") in binary.asm["ptx"]
