"""Random programs with arrays: views, aliases, overlapping writes, whole-array expressions, loops, calls that write.

The judge runs the program itself on arrays of dual numbers. As a script: see ``fuzz``.
"""

from __future__ import annotations

import math
import os
import sys
import types

import fuzz
import numpy as np
from fuzz import Dual, close, dual, load


def _each(function):
    def lifted(x):
        if isinstance(x, np.ndarray):
            return np.array([function(item) for item in x.ravel()], dtype=object).reshape(x.shape)
        return function(x)

    return lifted


def _duals(shape):
    made = np.empty(shape, dtype=object)
    made[...] = Dual(0.0)
    return made


DUAL_NUMPY = types.SimpleNamespace(
    zeros=_duals,
    zeros_like=lambda x: _duals(x.shape),
    array=lambda items: np.array([dual(item) for item in items], dtype=object),
    sin=_each(fuzz.DUAL_MATH.sin),
    tanh=_each(fuzz.DUAL_MATH.tanh),
    sum=lambda x: x.sum(),
)


class Author(fuzz.Author):
    """Writes one random program ``main(x, y, n)`` of two arrays of five numbers."""

    KINDS = (
        "element",
        "slice",
        "whole",
        "view",
        "augmented",
        "scalar",
        "swap",
        "call",
        "new",
        "buffer",
        "stencil",
    )

    def program(self) -> str:
        self.lines = ["import math", "import numpy as np", "", ""]
        self.lines += [
            "def mix(a, b, n):",
            f"    a[{self.pick('0', 'n - 1', '-1')}] = b[{self.pick('0', '1')}] * a[1]",
            f"    a[1:3] {self.pick('=', '+=', '*=')} b[:2]",
            f"    return {self.pick('a[0] + b[1]', 'np.sum(a)', 'a[1] * 0.5')}",
            "",
            "",
            "def make(a, s):",
            f"    {self.pick('a = a * s', 'b = a[1:4]', 'a[2] = s')}",
            f"    return {self.pick('a', 'a[:3]', 'a[::-1]', 'np.tanh(a) + s')}",
            "",
            "",
        ]
        self.arrays = {"x": 5, "y": 5}
        self.views: dict[str, str] = {}
        self.floats = ["s"]
        self.budget = int(self.rng.integers(5, 16))
        self.level = 1
        self.lines += ["def main(x, y, n):", "    s = 0.5"]
        self.begin()
        self.block(False)
        total = " + ".join(f"np.sum({name} * {0.3 + 0.1 * k:.1f})" for k, name in enumerate(self.arrays))
        self.add(self.pick(f"return s + {total}", f"return s * 0.1 + {total}"))
        return "\n".join(self.lines) + "\n"

    def begin(self) -> None:
        """What stands before the random statements."""

    def block(self, loop: bool) -> None:
        for _ in range(int(self.rng.integers(2, 6))):
            if self.budget > 0:
                self.budget -= 1
                kinds = [*self.KINDS]
                kinds += [] if self.level > 3 else ["loop", "branch", "loop"]
                kinds += ["leave"] if loop else []
                getattr(self, f"_{self.pick(*kinds)}")(loop)

    def array(self) -> str:
        return self.pick(*self.arrays)

    def index(self, name: str) -> str:
        options = ["0", "1", "-1", "2"]
        return self.pick(*options, "i") if self.level > 1 and "i" in self.counters() else self.pick(*options)

    def counters(self) -> list[str]:
        return ["i"] if any(line.strip().startswith("for i in") for line in self.lines[-6:]) else []

    def number(self) -> str:
        name = self.array()
        a = self.pick(f"{name}[{self.index(name)}]", "s", "0.7", f"np.sum({name})")
        b = self.pick(f"{self.array()}[0]", "s")
        return self.pick(a, f"math.sin({a})", f"({a} + {b})", f"math.tanh({a} * {b})", f"0.5 * {a}")

    def part(self, length: int) -> str:
        """A view or expression of this length, in NumPy's sense."""
        name = self.pick(*[n for n, size in self.arrays.items() if size >= length])
        size = self.arrays[name]
        start = int(self.rng.integers(0, size - length + 1))
        views = [f"{name}[{start}:{start + length}]"]
        if size == length:
            views += [name, name, f"{name}[::-1]"]
        if start + length < size:
            views.append(f"{name}[{start}:{start + length - size}]")
        if size >= 2 * length - 1:
            views.append(f"{name}[:{2 * length - 1}:2]")
        return self.pick(*views)

    def whole(self, length: int, depth: int = 2) -> str:
        if depth == 0 or self.chance(0.3):
            return self.part(length)
        a, b = self.whole(length, depth - 1), self.whole(length, depth - 1)
        return self.pick(
            f"({a} + {b})",
            f"({a} - 0.5 * {b})",
            f"np.sin({a})",
            f"np.tanh({a} * {b})",
            f"(-{a})",
            f"({a} * {self.number()})",
        )

    def _element(self, loop: bool) -> None:
        name = self.array()
        self.add(f"{name}[{self.index(name)}] {self.pick('=', '=', '+=', '*=')} {self.number()}")

    def _slice(self, loop: bool) -> None:
        length = int(self.rng.integers(2, 4))
        target = self.part(length)
        while target in self.arrays:
            target = self.part(length)
        self.add(f"{target} = {self.pick(self.whole(length), self.whole(length), self.number())}")

    def _augmented(self, loop: bool) -> None:
        length = int(self.rng.integers(2, 5))
        name = self.pick(*[n for n, size in self.arrays.items() if size >= length])
        length = self.arrays[name] if self.chance(0.5) else length
        target = name if length == self.arrays[name] else f"{name}[{self.arrays[name] - length}:]"
        operator = self.pick("+=", "*=", "-=")
        value = self.pick(f"np.tanh({self.whole(length)})", "0.5", self.part(length))
        self.add(f"{target} {operator} {value}")

    def _whole(self, loop: bool) -> None:
        name = self.array()
        self.add(f"{name} = np.tanh({self.whole(self.arrays[name])})")

    def _view(self, loop: bool) -> None:
        length = int(self.rng.integers(3, 5))
        part = self.part(length)
        if self.level == 1:
            name = f"v{len(self.arrays)}"
            self.add(f"{name} = {part}")
            self.arrays[name] = length
            self.views[name] = part.split("[")[0]

    def _new(self, loop: bool) -> None:
        if self.level == 1:
            name = f"w{len(self.arrays)}"
            forms = [
                "np.zeros(5)",
                "x.copy()",
                f"{self.array()} * 1.0",
                "np.zeros_like(x)",
                "np.array([s, x[0], y[1], 0.5, s])",
            ]
            form = self.pick(*forms)
            source = form.split(" ")[0] if " * 1.0" in form else ""
            self.add(f"{name} = {form}")
            self.arrays[name] = self.arrays.get(
                source, self.arrays.get("x", 5) if "x.copy" in form or "like(x" in form else 5
            )

    def _buffer(self, loop: bool) -> None:
        a, b = self.array(), self.array()
        if self.arrays[a] == self.arrays[b]:
            self.add(self.pick(f"{a} = {b}", f"{a}, {b} = {b}, {a}"))

    def _stencil(self, loop: bool) -> None:
        target, a, b = self.array(), self.array(), self.array()
        if self.views and self.chance(0.6):
            a = self.pick(*self.views)
            target = self.views[a]
        n = min(self.arrays[name] for name in (target, a, b))
        if n < 3:
            return
        at = [f"[k{self.pick('', ' + 1', ' - 1')}]" for _ in range(4)]
        value = self.pick(
            f"0.4 * {a}{at[1]} + 0.3 * {b}{at[2]} * s",
            f"0.5 * ({a}{at[1]} - {a}{at[2]}) + math.sin({b}{at[3]})",
            f"math.tanh({a}{at[1]} * {a}{at[2]}) - 0.2 * {a}{at[3]}",
        )
        self.add(
            f"for k in range(1, {self.pick(str(n - 1), f'len({target}) - {self.arrays[target] - n + 1}')}):"
        )
        self.lines.append("    " * (self.level + 1) + f"{target}{at[0]} {self.pick('=', '=', '+=')} {value}")

    def _swap(self, loop: bool) -> None:
        name = self.array()
        self.add(f"{name}[0], {name}[-1] = {name}[-1], {name}[0] * 0.5")

    def _scalar(self, loop: bool) -> None:
        self.add(f"s = {self.number()} + 0.3 * s")

    def _call(self, loop: bool) -> None:
        a, b = self.array(), self.array()
        if self.chance(0.6):
            self.add(f"s = math.tanh(mix({a}, {b}, n)) + {self.pick('0.1', 's', f'{a}[0]')}")
        elif self.level == 1:
            name = f"z{len(self.arrays)}"
            self.add(f"{name} = make({a}, s)[:3]")
            self.arrays[name] = 3

    def _loop(self, loop: bool) -> None:
        self.add(f"for i in range({self.pick('3', 'n', '1, 3')}):")
        self.inside(True)

    def _branch(self, loop: bool) -> None:
        self.add(f"if {self.array()}[{self.pick('0', '1')}] > {self.pick('s', '0.2')}:")
        self.inside(loop)
        if self.chance(0.4):
            self.add("else:")
            self.inside(loop)

    def _leave(self, loop: bool) -> None:
        self.add(f"if s > {self.pick('0.4', f'{self.array()}[0]')}:")
        self.lines.append(
            "    " * (self.level + 1) + self.pick("break", "continue", "return s + np.sum(x) * y[0]")
        )

    def inside(self, loop: bool) -> None:
        size = len(self.lines)
        self.level += 1
        self.block(loop)
        if len(self.lines) == size:
            self.add("pass")
        self.level -= 1


def judge(source: str, args, dots) -> tuple[float, float]:
    """Value and slope in one direction."""
    namespace = load(source, "<judged program>", math=fuzz.DUAL_MATH, np=DUAL_NUMPY)
    arrays = [
        np.array([Dual(a, d) for a, d in zip(arg, dot, strict=True)], dtype=object)
        for arg, dot in zip(args[:2], dots, strict=True)
    ]
    result = dual(namespace["main"](*arrays, args[2]))
    return result.value, result.dot


def check(seed: int, author: type[Author] = Author) -> str:
    """Compare the tier with the judge on the program of a seed: "" when they agree, else what was wrong."""
    from workbench.autodiff.native import DeclinedError, Plan, plan

    source = author(seed).program()
    rng = np.random.default_rng(seed + 1_000_000_000)
    namespace = load(source, f"<array program {seed}>")
    for _ in range(2):
        args = (rng.normal(size=5), rng.normal(size=5), int(rng.integers(1, 5)))
        dots = (rng.normal(size=5), rng.normal(size=5))
        made = plan(namespace["main"], args)
        if not isinstance(made, Plan):
            return f"refused: {made}"
        try:
            expected, slope = judge(source, args, dots)
        except (IndexError, UnboundLocalError, ArithmeticError, ValueError) as error:
            expected = type(error)
        try:
            value, back = made.pullback(args)
        except DeclinedError as error:
            return f"refused: {error}"
        except Exception as error:
            if type(error) is expected:
                continue
            raise
        if expected in (ArithmeticError, ValueError):
            continue  # a sine of infinity: the judge's numbers are Python's, NumPy gives NaN
        if isinstance(expected, type):
            return f"{args}: gave {value}, expected {expected}"
        bars = back(1.0)
        found = float(np.sum(bars[0] * dots[0]) + np.sum(bars[1] * dots[1]))
        pushed, dot = made.pushforward(args, (*dots, None))
        if not math.isfinite(expected) or abs(expected) > 1e6:
            continue
        if not close(value, expected, 1e-11) or not close(pushed, expected, 1e-11):
            return f"{args}: value {value}, expected {expected}"
        if not close(found, slope, 1e-8) or not close(dot, slope, 1e-8):
            return f"{args}: slope {found} in reverse, {dot} forward, expected {slope}"
    return ""


if __name__ == "__main__":
    os.environ["WORKBENCH_NATIVE"] = "numba" if "--numba" in sys.argv else "python"
    sys.exit(fuzz.main(check))
