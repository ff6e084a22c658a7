"""Numbers that come out of machine code are Python's or NumPy's, as the program's are."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from workbench.autodiff import pullback, pushforward

M = np.array([0.5, 0.2, 0.7])


@pytest.fixture(autouse=True)
def _generated_python(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")


def length(m):
    s = 0.0
    for q in m:
        s = s + q * q
    return math.sqrt(s)


def squares(m):
    s = 0.0
    for q in m:
        s = s + q * q
    return s


def converted(m):
    return float(m[0] * m[1])


def several(m):
    t, u = float(m[0]), m[0]
    return t, u, math.tanh(u), np.sinh(u), math.tanh(u) * 2.0 + 1, math.tanh(u) + u, 0.5


def early(m):
    if m[0] > 0:
        return math.sin(m[0])
    return 0.0


def summed(m):
    s = 0.0
    for k in range(len(m)):
        s += math.sin(m[k]) * k
    return s


def until(m):
    s, k = 0.0, 0
    while s < 1.0 and k < 9:
        s += math.exp(-m[0])
        k += 1
    return s


def branches(m):
    return math.exp(-m[1] * m[2]) if m[0] > 0.3 else math.cos(m[0])


def doubled(m):
    x = math.sin(m[0])
    x = x + x
    x = x + x * x
    if x > 0.1:
        x = x + x
    for _ in range(3):
        x = 0.1 * x + x * x
    return x


def mixed(m):
    return math.exp(m[0]) if m[0] > 9.0 else m[1]


def inverse_distances(m, n):
    total = 0.0
    for k in range(n):
        total -= 1.0 / (np.sum((m - k) ** 2) + 1.0)
    return float(total)


def converted_by_another(m):
    return inverse_distances(m, 3), 2.0 * inverse_distances(m, 2), inverse_distances(m, 2) * m[0]


@pytest.mark.parametrize(
    "program",
    [
        *(length, squares, converted, several, early, summed, until, branches, doubled, mixed),
        converted_by_another,
    ],
)
def test_kinds_of_numbers(program):
    expected = program(M)
    value, _ = pullback(program, M)
    pushed, _ = pushforward(program, M)
    for found in (value, pushed):
        assert found == expected
        assert type(found) is type(expected)
        if isinstance(found, tuple):
            assert [*map(type, found)] == [*map(type, expected)]


def test_a_long_chain_is_gone_over_once(tmp_path):
    lines = [f"    x = x + 0.1 * x\n    if m[{k % 3}] > 0.3:\n        x = x * x - x" for k in range(60)]
    (tmp_path / "long_chain.py").write_text(
        "import math\ndef f(m):\n    x = math.sin(m[0])\n" + "\n".join(lines) + "\n    return x\n"
    )
    spec = importlib.util.spec_from_file_location("long_chain", tmp_path / "long_chain.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    value, _ = pullback(module.f, 0.1 * M)
    assert value == module.f(0.1 * M)
    assert type(value) is float
