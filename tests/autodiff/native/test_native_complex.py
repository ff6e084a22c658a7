"""Complex numbers: bits of CPython's, derivatives of both sweeps and of the trace tier, what is refused."""

from __future__ import annotations

import cmath
import math

import complex_fuzz
import complex_programs as programs
import numpy as np
import pytest
from test_native_programs import differences

from workbench import gradient, hessian, pullback, pushforward, value_and_gradient
from workbench.autodiff.native import DeclinedError, Plan, plan


@pytest.fixture(autouse=True)
def _generated_python(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


def points(n):
    rng = np.random.default_rng(3)
    drawn = [tuple(map(float, rng.normal(size=2) * 10.0 ** rng.uniform(-1.5, 0.4))) for _ in range(n)]
    return [*programs.POINTS, *programs.CUTS, *drawn]


def bits(numbers):
    return [number.hex() for number in numbers]


def swept(made, args):
    """Value and both rows of the Jacobian, or None where the program left machine numbers."""
    try:
        value, back = made.pullback(args)
    except (DeclinedError, ArithmeticError, ValueError):
        return None
    return bits(value), [bits(back(seed)) for seed in ((1.0, 0.0), (0.0, 1.0))]


@pytest.mark.parametrize("program", programs.TABLE, ids=lambda f: f.__name__)
def test_the_bits_are_those_of_python(program):
    made = plan(program, (0.7, 0.4))
    assert isinstance(made, Plan), str(made)
    taken = [(args, found[0]) for args in points(300) if (found := swept(made, args)) is not None]
    assert len(taken) > 200
    assert [value for _, value in taken] == [bits(program(*args)) for args, _ in taken]


@pytest.mark.parametrize("program", [programs.arithmetic, programs.inverses], ids=lambda f: f.__name__)
def test_machine_code_gives_the_same_bits(program, monkeypatch):
    expected = [swept(plan(program, (0.7, 0.4)), args) for args in points(200)]
    monkeypatch.setenv("WORKBENCH_NATIVE", "numba")
    made = Plan(program, (0.7, 0.4))
    assert [swept(made, args) for args in points(200)] == expected
    assert made.state == "compiled"


def jacobian(program, args):
    _, back = pullback(program, *args)
    rows = [back(seed) for seed in ((1.0, 0.0), (0.0, 1.0))]
    _, push = pushforward(program, *args)
    columns = [push(*dots) for dots in ((1.0, 0.0), (0.0, 1.0))]
    return np.array(rows), np.transpose(columns)


@pytest.mark.parametrize("program", programs.TABLE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("args", programs.POINTS)
def test_both_tiers_and_both_modes_agree(program, args, monkeypatch):
    assert isinstance(plan(program, args), Plan)
    reverse, forward = jacobian(program, args)
    assert np.allclose(reverse, forward, rtol=1e-12, atol=1e-13)
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    traced, _ = jacobian(program, args)
    assert np.allclose(reverse, traced, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("program", [programs.arithmetic, programs.inverses], ids=lambda f: f.__name__)
def test_derivatives_on_the_branch_cuts(program):
    """The sign of a zero says on which side of a cut a number lies; the derivative is the one of that side."""
    made = plan(program, (0.7, 0.4))
    compared = 0
    for args in programs.CUTS:
        inside = tuple(math.copysign(max(abs(a), 1e-9), a) for a in args)
        on, off = swept(made, args), swept(made, inside)
        if on is not None and off is not None:
            rows = [[[float.fromhex(x) for x in row] for row in found[1]] for found in (on, off)]
            assert np.allclose(*rows, rtol=1e-5, atol=1e-6), args
            compared += 1
    assert compared > 6


@pytest.mark.parametrize("program", programs.TABLE, ids=lambda f: f.__name__)
def test_second_derivatives(program, monkeypatch):
    def one(x, y):
        a, b = program(x, y)
        return a * a + 0.3 * b

    found = hessian(one, 0)(0.7, 0.4), hessian(one, 1)(0.7, 0.4)
    assert isinstance(plan(one, (0.7, 0.4)), Plan)
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    assert found == pytest.approx((hessian(one, 0)(0.7, 0.4), hessian(one, 1)(0.7, 0.4)), rel=1e-9, abs=1e-10)


def test_complex_arguments_and_results_have_complex_cotangents(monkeypatch):
    args = (0.4 - 0.3j, (0.8, 1.1 + 0.2j))
    found = []
    for mode in ("python", "off"):
        monkeypatch.setenv("WORKBENCH_NATIVE", mode)
        value, back = pullback(programs.unit_circle, *args)
        _, push = pushforward(programs.unit_circle, *args)
        found.append((value, back((0.3 - 1j, 0.5)), push(0.1j, (0.2, 1.0 - 0.4j))))
    (value, bars, dots), traced = found
    assert value == programs.unit_circle(*args)
    assert np.allclose([bars[0], *bars[1]], [traced[1][0], *traced[1][1]], rtol=1e-12)
    assert np.allclose(dots, traced[2], rtol=1e-12)
    assert [type(bar) for bar in (bars[0], *bars[1])] == [complex, float, complex]


def test_the_convention_is_that_of_pytorch():
    def squared_modulus(z):
        total = 0.0
        for _ in range(3):
            total += abs(z) ** 2
        return total

    assert gradient(squared_modulus)(0.5 - 2.0j) == pytest.approx(6 * (0.5 - 2.0j))  # the way uphill


@pytest.mark.parametrize("seed", range(60))
def test_random_program(seed):
    message = complex_fuzz.check(seed)
    assert message == "" or message.startswith("refused"), message


def to_a_power_without_imaginary_part(x, y):
    return (complex(x, y) ** complex(y, 0.0)).real


def test_a_power_that_is_surely_real_is_taken():
    args = (0.7, 1.3)
    value, back = plan(to_a_power_without_imaginary_part, args).pullback(args)
    assert value == to_a_power_without_imaginary_part(*args)
    assert back(1.0) == pytest.approx(differences(to_a_power_without_imaginary_part, args), rel=1e-7)


def test_captured_complex_numbers_are_arguments_of_the_plan():
    def rotated(by):
        def turn(x, y):
            z = by * complex(x, y)
            return z.real, z.imag

        return turn

    first, second = rotated(1j), rotated(0.5 - 1j)
    assert plan(first, (0.7, 0.4)).compiled is plan(second, (0.7, 0.4)).compiled
    assert plan(second, (0.7, 0.4)).pullback((0.7, 0.4))[0] == second(0.7, 0.4)


def test_numpy_functions_of_complex_numbers():
    def wave(x, y):
        z = np.exp(1j * x) * np.conj(np.sqrt(complex(x, y))) + np.sin(complex(y, x))
        return np.abs(z) + np.real(z), np.angle(z) - np.imag(z)

    made = plan(wave, (0.7, 0.4))
    value, back = made.pullback((0.7, 0.4))
    assert value == pytest.approx(wave(0.7, 0.4), rel=1e-14)
    assert made.pushforward((0.7, 0.4), (1.0, 0.0))[1][0] == pytest.approx(back((1.0, 0.0))[0], rel=1e-13)


def real_or_complex(x, y):
    return complex(x, y) if x > y else x


def ordered(x, y):
    return x if complex(x, y) < 1.0 else y


def rounded(x, y):
    return float(complex(x, y))


def told_apart(x, y):
    return x if isinstance(complex(x, y), complex) else y


def into_an_array(x, y):
    return np.array([complex(x, y), 1.0]).real.sum()


def unpacked(x, y):
    a, b = complex(x, y)
    return a * b


def sine_of_a_real(x, y):
    return math.sin(complex(x, y))


def compared_closely(x, y):
    return x if cmath.isclose(complex(x, y), 1j) else y


@pytest.mark.parametrize(
    "program",
    [
        real_or_complex,
        ordered,
        rounded,
        told_apart,
        into_an_array,
        unpacked,
        sine_of_a_real,
        compared_closely,
    ],
    ids=lambda f: f.__name__,
)
def test_refused(program):
    found = plan(program, (0.7, 0.4))
    assert not isinstance(found, Plan)


def test_what_cpython_treats_apart_is_left_to_the_program():
    def root(x, y):
        z = cmath.sqrt(complex(x, y)) / complex(x, y)
        return z.real, z.imag

    made = plan(root, (0.7, 0.4))
    with pytest.raises(ZeroDivisionError):
        made.pullback((0.0, 0.0))
    with pytest.raises(DeclinedError):
        made.pullback((1e-200, 0.0))

    def overflow(x, y):
        return abs(complex(x, y) ** 2), abs(complex(x, y) ** -1)

    with pytest.raises(OverflowError):
        plan(overflow, (0.7, 0.4)).pullback((1e200, 0.0))
    with pytest.raises(ZeroDivisionError):
        plan(overflow, (0.7, 0.4)).pullback((0.0, 0.0))


def of_both_parts(p):
    total = 0.0
    for _ in range(2):
        z, w = complex(p[0], p[1]), complex(p[2], 0.5)
        found = cmath.log(z) + cmath.log10(z * 1.0) + z**w + (1.0 + 2.0j) ** z + (-1.5) ** w
        total += found.real + 2.0 * found.imag
    return total


@pytest.mark.parametrize("tier", ["off", "python"])
@pytest.mark.parametrize(
    "at", [[0.8, 0.0, 0.3], [-0.8, 0.3, 1.1], [-1.2, -0.4, 0.0], [0.0, 1.1, 2.0], [3.0, 0.0, 1.0]]
)
def test_logarithms_and_powers_on_the_axes_twice(at, tier, monkeypatch):
    """The second derivative of a logarithm was lost where a part is 0; that of a power by its exponent was NaN where
    the base is left of 0, and an error where it does not vary."""
    monkeypatch.setenv("WORKBENCH_NATIVE", tier)
    p = np.array(at)
    assert value_and_gradient(of_both_parts)(p)[0] == pytest.approx(of_both_parts(p), rel=1e-12)
    steps = np.eye(3) * 1e-5
    slopes = [(of_both_parts(p + s) - of_both_parts(p - s)) / 2e-5 for s in steps]
    assert np.allclose(gradient(of_both_parts)(p), slopes, rtol=1e-7, atol=1e-7)
    bends = [(gradient(of_both_parts)(p + s) - gradient(of_both_parts)(p - s)) / 2e-5 for s in steps]
    assert np.allclose(hessian(of_both_parts)(p), bends, rtol=1e-6, atol=1e-6)


def test_a_branch_point_is_no_error():
    def program(x):
        return cmath.sqrt(complex(x, 0.0)).real + x

    assert value_and_gradient(program)(0.0)[0] == 0.0
    assert math.isnan(gradient(program)(0.0))
    assert gradient(lambda x: (cmath.acosh(complex(x, 0.0)) * 0.0).real + x)(2.0) == 1.0
