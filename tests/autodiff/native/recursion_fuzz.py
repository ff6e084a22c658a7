"""Random programs that recur: over numbers, tuples, dictionaries, arrays that are written into, one in the other.

The judge runs the program itself on dual numbers. As a script: see ``fuzz``.
"""

from __future__ import annotations

import functools
import sys

import fuzz


class Author(fuzz.Author):
    """Writes one random program ``main(x, y, n)`` that calls recursive functions from its statements."""

    def program(self) -> str:
        """The source of a module whose function ``main(x, y, n)`` is to be differentiated."""
        self.lines = ["import math", "import numpy as np", "", "C = 0.7"]
        self.lines += ["T = np.array([0.3, -1.2, 0.8, 1.7, 0.45])", ""]
        self.scalar()
        self.mutual()
        self.pair()
        self.table()
        self.record()
        return self.with_main(6, 20)

    def inner(self, depth: int = 2) -> str:
        """An expression of the parameters ``a`` and ``b``."""
        self.floats, self.ints, self.pairs = ["a", "b"], ["n"], []
        return self.expression(depth)

    def scalar(self) -> None:
        name = "climb"
        self.lines += [
            f"def {name}(a, b, n):",
            f"    if n <= 0{self.pick('', ' or a > 3.0', f' or {self.inner(1)} > 2.0')}:",
            f"        return {self.pick(self.inner(), 'a', '1', 'b * C')}",
            f"    c = {self.inner()}",
            f"    {self.pick('a = c', 'pass', 'b = b * c', 'c += 1')}",
            f"    d = {name}({self.pick(self.inner(1), 'c', '1')}, {self.inner(1)}, n - 1)",
            f"    {self.pick('d = d * a', f'for k in range(2): d = d * 0.5 + {name}(d, a, n - 3)', 'pass')}",
            f"    return d {self.pick('+', '*', '-')} {self.pick('c', 'math.tanh(b)', f'{name}(b, a, n - 2)')}",
            "",
        ]

    def mutual(self) -> None:
        for name, other in (("ping", "pong"), ("pong", "ping")):
            self.lines += [
                f"def {name}(a, b, n):",
                f"    if n <= 0: return {self.pick(self.inner(), '0', 'a')}",
                f"    return {self.inner(1)} + 0.5 * {other}({self.inner(1)}, {self.pick('a', 'b')}, n - 1)",
                "",
            ]

    def pair(self) -> None:
        self.lines += [
            "def both(p, n):",
            "    a, b = p",
            f"    if n <= 0: return {self.pick('(a, b)', 'p', '(b, 1)', f'({self.inner(1)}, a)')}",
            f"    c, d = both(({self.inner(1)}, {self.pick('a', 'b', self.inner(1))}), n - 1)",
            f"    return ({self.pick('c * a', 'c + d', 'math.sin(d)')}, {self.pick('d', 'c', 'd * b')})",
            "",
        ]

    def table(self) -> None:
        before = self.pick("w[n % 3] = w[0] * a", "w[0] += a", "w[1:] = w[:2] * 0.5", "w = w * a")
        self.lines += [
            "def change(w, a, n):",
            f"    if n <= 0: return {self.pick('w[0] * a', 'w[1]', 'w[2] * w[0] + a')}",
            f"    {before}",
            f"    t = change({self.pick('w', 'w', 'w[::-1]', 'w * 0.5')}, {self.pick('a', 'w[1]', '0.5 * a')}, n - 1)",
            f"    {self.pick('w[n % 3] = t', 'pass', 't = t * w[1]')}",
            f"    return t + {self.pick('w[0]', 'w[n % 3] * w[1]', 'a')}",
            "",
        ]

    def record(self) -> None:
        self.lines += [
            "def descend(p, n):",
            f"    if n <= 0: return {self.pick('p', 'dict(p)')}['b'] * p['a']",
            "    q = {'a': p['b'] * 0.7, 'b': math.sin(p['a'])}",
            f"    {self.pick('q[' + repr('a') + '] += p[' + repr('a') + ']', 'pass')}",
            f"    return descend(q, n - 1) + {self.pick('p', 'q')}['a']",
            "",
            "",
        ]

    def statement(self, loop: bool) -> None:
        if self.chance(0.6):
            super().statement(loop)
            return
        x, a, b = self.pick(*self.floats), self.expression(1), self.expression(1)
        n = self.pick("n % 4", "2", "3")
        kind = self.pick("climb", "ping", "both", "change", "descend", "local")
        if kind in ("climb", "ping"):
            self.add(f"{x} = math.tanh({kind}({a}, {b}, {n}))")
        elif kind == "both":
            self.add(f"{x}, {self.pick(*self.floats)} = both(({a}, {b}), {n})")
        elif kind == "change":
            self.add(f"w = np.array([{a}, {b}, {x}])")
            self.add(f"{x} = math.tanh(change(w, {self.pick(*self.floats)}, {n}))")
            self.add(f"{self.pick(*self.floats)} += {self.pick('w[0]', 'w[1] * w[2]', '0.1')}")
        elif kind == "descend":
            self.add(f"{x} = descend({{'a': {a}, 'b': {b}}}, {n})")
        else:
            self.add("def go(s, k):")
            self.add(f"    if k <= 0: return s * {self.pick(*self.floats)}")
            self.add(
                f"    return go({self.pick('math.sin(s)', 's * ' + self.pick(*self.floats))}, k - 1) + 0.1 * s"
            )
            self.add(f"{x} = go({a}, {n})")


check = functools.partial(fuzz.check, author=Author)

if __name__ == "__main__":
    sys.exit(fuzz.main(check))
