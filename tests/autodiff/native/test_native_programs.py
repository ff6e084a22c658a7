"""Every construct, in both sweeps, as Python and as machine code, against differences and against each other."""

from __future__ import annotations

import fuzz
import programs
import pytest

from workbench.autodiff.native import Plan, plan


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
    for name in ("reverse", "tangent"):
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
