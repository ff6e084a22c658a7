"""Every construct, in both sweeps, as Python and as machine code, against differences and against each other."""

from __future__ import annotations

import math

import fuzz
import numpy as np
import programs
import pytest

from workbench import diagonal_hessian, hessian, hessian_vector_product
from workbench.autodiff.native import Plan, plan
from workbench.autodiff.tiers import native_curvature


@pytest.fixture(autouse=True)
def _generated_python(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


def differences(function, args):
    found = []
    for k in range(len(args)):
        sides = []
        for sign in (1, -1):
            for factor in (1, 2):
                moved = list(args)
                moved[k] += sign * factor * 1e-4
                sides.append(function(*moved))
        found.append((8 * (sides[0] - sides[2]) - (sides[1] - sides[3])) / (12e-4))
    return tuple(found)


@pytest.mark.parametrize(("program", "args"), programs.TABLE, ids=lambda v: getattr(v, "__name__", str(v)))
def test_program(program, args):
    made = plan(program, args)
    assert isinstance(made, Plan), str(made)
    value, back = made.pullback(args)
    assert value == pytest.approx(program(*args), rel=1e-14, abs=1e-300)
    found = back(1.0)
    assert found == pytest.approx(differences(program, args), rel=2e-7, abs=2e-7)
    assert back(2.0) == pytest.approx(tuple(2 * part for part in found), rel=1e-14)
    for k, dots in enumerate(((1.0, 0.0), (0.0, 1.0))):
        pushed, dot = made.pushforward(args, dots)
        assert pushed == value
        assert dot == pytest.approx(found[k], rel=1e-12, abs=1e-13)


def everything(x, y):
    total = 0.0
    total += (
        programs.arithmetic(x, y)
        + programs.functions(x, y)
        + programs.overwritten(x, y)
        + programs.swapped(x, y)
    )
    total += programs.branches(x, y) + programs.loop_carried(x, y) + programs.steps_backwards(x, y)
    total += programs.taylor_sine(x, y) + programs.leaves_loops(x, y) + programs.returns_early(x, y)
    total += programs.newton(x, y) + programs.short_circuits(x, y) + programs.extremes(x, y)
    total += programs.tuples(x, y) + programs.frozen_dataclass(x, y)
    total += programs.recursion(x, y)
    total += programs.integers(x, y) + programs.set_in_loop(x, y)
    total += programs.shadowing(x, y) + programs.remainders(x, y) + programs.compared(x, y)
    return total


def test_machine_code_agrees_with_generated_python(monkeypatch, tmp_path):
    args = (1.3, 0.6)
    plain = plan(everything, args)
    value, back = plain.pullback(args)
    monkeypatch.setenv("WORKBENCH_NATIVE", "numba")
    made = Plan(everything, args)
    found, back_compiled = made.pullback(args)
    assert made.state == "compiled"
    assert found == pytest.approx(value, rel=1e-12)
    assert back_compiled(1.0) == pytest.approx(back(1.0), rel=1e-12)


@pytest.mark.parametrize("seed", range(120))
def test_random_program(seed):
    message = fuzz.check(seed)
    assert message == "" or message.startswith("refused"), message


def test_the_judge_notices_a_wrong_derivative(monkeypatch):
    from workbench.autodiff.native import primitives

    wrong = dict(primitives.PRIMITIVES)
    wrong["sin"] = primitives.Primitive("sin", "sin({0})", ("{b} * 1.001 * {cos 0}",), "float", "s")
    for name in ("backward", "tangent"):
        module = __import__(f"workbench.autodiff.native.{name}", fromlist=["PRIMITIVES"])
        monkeypatch.setattr(module, "PRIMITIVES", wrong)
    messages = [fuzz.check(seed) for seed in range(500, 520)]
    assert any("gradient" in message for message in messages)


@pytest.mark.parametrize(
    ("program", "args"), programs.TABLE[::3], ids=lambda v: getattr(v, "__name__", str(v))
)
def test_second_derivative(program, args):
    made, direction, h = plan(program, args), (0.3, -0.7), 1e-6
    sides = [
        made.pullback(tuple(a + s * h * d for a, d in zip(args, direction, strict=True)))[1](1.0)
        for s in (1, -1)
    ]
    expected = tuple((p - m) / (2 * h) for p, m in zip(*sides, strict=True))
    assert made.hessian_vector_product(args, direction) == pytest.approx(expected, rel=1e-5, abs=1e-5)


def second_derivatives(program, args):
    def of_pair(pair):
        return program(*pair)

    return (
        hessian(program)(*args),
        hessian(program, 1)(*args),
        *hessian_vector_product(of_pair)(args, (0.3, -0.7)),
    )


def check_second_derivatives(monkeypatch, program, args):
    assert native_curvature(program, args, 0) is not None
    found = second_derivatives(program, args)
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    assert found == pytest.approx(second_derivatives(program, args), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize(
    ("program", "args"), programs.TABLE[1::3], ids=lambda v: getattr(v, "__name__", str(v))
)
def test_second_derivatives_of_both_tiers_agree(program, args, monkeypatch):
    check_second_derivatives(monkeypatch, program, args)


@pytest.mark.parametrize("seed", range(8))
def test_second_derivatives_of_a_random_program(seed, monkeypatch):
    main = fuzz.load(fuzz.Author(seed).program(), f"<curved program {seed}>")["main"]
    check_second_derivatives(monkeypatch, lambda x, y: main(x, y, 3), (0.7, -0.4))


def weighed_squares(x, scale=1.0):
    total = 0.0
    for k in range(len(x)):
        total += scale * math.sin(x[k]) * x[k - 1] * programs.HEIGHTS[k % 4]
    return total


def test_hessian_by_an_array_as_machine_code(monkeypatch):
    x = np.linspace(0.2, 1.4, 6)
    found = []
    for mode in ("off", "numba"):
        monkeypatch.setenv("WORKBENCH_NATIVE", mode)
        product = hessian_vector_product(weighed_squares)(x, x)
        found.append((hessian(weighed_squares)(x, scale=2.0), diagonal_hessian(weighed_squares)(x), product))
    for traced, native in zip(*found, strict=True):
        assert np.allclose(native, traced, rtol=1e-12, atol=1e-14)
    assert native_curvature(weighed_squares, (x,), 0)(x) == pytest.approx(product, rel=1e-14)


def test_second_derivatives_that_generated_code_leaves():
    def guarded(x):
        y = math.sqrt(x)
        return x * x if x < 1.0 else y

    def two_results(x):
        return x * x, x

    assert native_curvature(two_results, (2.0,), 0) is None
    assert native_curvature(weighed_squares, (np.ones(3),), 0)(np.ones(2)) is None
    assert hessian(guarded)(0.0) == 2.0
