"""Generated Python and its machine code give the same bits, and the program's own where Python computes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.autodiff.native import Plan


def functions(x, y):
    a = (
        math.sin(x)
        + math.cos(y) * math.tan(0.1 * x)
        - math.exp(-y * y)
        + math.log(2.0 + x * x) / (1.0 + y**2)
    )
    b = (
        math.tanh(x) * math.sinh(0.2 * y)
        + math.asinh(x)
        - math.atan2(x, y)
        + math.expm1(0.1 * x)
        + math.log1p(y * y)
    )
    c = x**2 - y**3 + (2.0 + y**2) ** 0.5 + (1.0 + x**2) ** -1.5 + math.sqrt(abs(x)) + (0.1 + x * x) ** y
    d = (
        math.erf(x) * math.log10(3.0 + y * y)
        + x % 0.7
        + y // 0.3
        + math.asin(math.sin(x))
        + math.cosh(0.3 * y)
    )
    return a, b, c, d


def hypotenuse(x, y):
    return math.hypot(x, y)


@pytest.mark.parametrize("program", [functions, hypotenuse])
def test_the_bits_are_the_same(program, monkeypatch):
    rng = np.random.default_rng(5)
    points = [tuple(map(float, rng.normal(size=2) * 10.0 ** rng.uniform(-2, 1))) for _ in range(400)]
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    python = Plan(program, points[0])
    seeds = (1.0, 0.5, 0.25, 2.0) if program is functions else 1.0
    expected = [(value, back(seeds)) for value, back in map(python.pullback, points)]
    monkeypatch.setenv("WORKBENCH_NATIVE", "numba")
    machine = Plan(program, points[0])
    found = [(value, back(seeds)) for value, back in map(machine.pullback, points)]
    assert machine.state == "compiled"
    assert found == expected
    if program is functions:
        assert [value for value, _ in found] == [program(*point) for point in points]
    else:  # Python's own rounds better than the library
        assert np.allclose([value for value, _ in found], [program(*p) for p in points], rtol=3e-16)
