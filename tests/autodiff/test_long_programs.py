"""Programs that a program wrote: hundreds of lines, branches, terms, and of levels in each other."""

import linecache
import sys

import pytest

from workbench.autodiff import gradient
from workbench.autodiff.tiers import tier_of

_LONG = {
    "lines": lambda n: "".join(f"    x = math.sin(x) * y + {k}e-3\n" for k in range(n)) + "    return x\n",
    "branches": lambda n: (
        "".join(
            f"    if x > {k / n}:\n        x = x * y\n    else:\n        x = x + y * {k}e-3\n"
            for k in range(n)
        )
        + "    return x\n"
    ),
    "cases": lambda n: (
        "    if x > 1e9:\n        return x\n"
        + "".join(f"    elif x < {k} - {n / 2}:\n        return x * y * {k}\n" for k in range(n))
        + "    return x + y\n"
    ),
    "returns": lambda n: (
        "".join(f"    if x < {k} - {n / 2}:\n        return x * y * {k}\n" for k in range(n))
        + "    return x + y\n"
    ),
    "terms": lambda n: f"    return {' + '.join(f'x * y ** {k % 4}' for k in range(n))}\n",
    "calls": lambda n: f"    return {'math.sin(' * n}x * y{')' * n}\n",
}


def _program(kind, n):
    text = f"import math\n\n\ndef f(x, y):\n{_LONG[kind](n)}"
    name = f"<{n} {kind}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace = {}
    exec(compile(text, name, "exec"), namespace)
    return namespace["f"]


def _by_differences(f, x, y, h=1e-6):
    return (f(x + h, y) - f(x - h, y)) / (2 * h), (f(x, y + h) - f(x, y - h)) / (2 * h)


SIZES = [
    ("lines", 600),
    ("branches", 400),
    ("cases", 1000),
    ("returns", 600),
    ("terms", 2000),
    ("calls", 150),
]


@pytest.mark.parametrize("native", ["off", "auto"])
@pytest.mark.parametrize(("kind", "n"), SIZES)
def test_a_long_program(kind, n, native, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", native)
    f = _program(kind, n)
    assert gradient(f, (0, 1))(0.3, 0.9) == pytest.approx(_by_differences(f, 0.3, 0.9), rel=1e-6, abs=1e-9)


def test_lines_and_branches_in_a_row_are_generated_and_levels_beyond_python_s_are_traced(monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "auto")
    for kind, n in [("lines", 600), ("branches", 400), ("cases", 40)]:
        assert tier_of(_program(kind, n), 0.3, 0.9).tier == "generated Python"
    choice = tier_of(_program("cases", 120), 0.3, 0.9)
    assert choice.tier == "trace"
    assert "deep in each other" in choice.reason


@pytest.mark.parametrize("limit", [10**8, 2**31 - 1])
def test_a_limit_of_recursion_that_is_as_high_as_can_be(limit):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    try:
        assert gradient(lambda x: x * x if str(x) else x)(1.5) == 3.0
        assert sys.getrecursionlimit() == limit
    finally:
        sys.setrecursionlimit(before)


def test_a_limit_of_recursion_that_the_program_sets():
    before = sys.getrecursionlimit()

    def program(x):
        sys.setrecursionlimit(before + 50)
        return x * x

    try:
        assert gradient(program)(1.5) == 3.0
        assert sys.getrecursionlimit() == before + 50
    finally:
        sys.setrecursionlimit(before)
