"""Random programs with lists that grow: appends, pops, elements written, loops over lists, aliases, calls.

The judge runs the program itself on dual numbers. As a script: see ``fuzz``.
"""

from __future__ import annotations

import functools
import sys

import fuzz


class Author(fuzz.Author):
    """Writes one random program ``main(x, y, n)`` with lists beside the statements of every program."""

    def program(self) -> str:
        """The source of a module whose function ``main(x, y, n)`` is to be differentiated."""
        self.lists: list[str] = []
        self.of_pairs: list[str] = []
        self.lines = [
            "import math",
            "import numpy as np",
            "",
            "C = 0.7",
            "T = np.array([0.3, -1.2, 0.8, 1.7, 0.45])",
        ]
        self.lines += [
            "",
            "def added(values, a, b, n):",
            f"    total = {self.pick('a', 'b', '0.0')}",
            f"    for v in {self.pick('values', 'reversed(values)')}:",
            f"        total = total * {self.pick('0.5', 'math.tanh(a)')} + v",
            f"    return total + {self.pick('len(values)', 'values[-1]', 'b * values[0]', '1.0')}",
            "",
            "def orbit(a, b, n):",
            "    seen = []",
            "    for k in range(n + 1):",
            f"        seen.append({self.pick('a', 'math.sin(a) * b', 'k * a')})",
            f"        a = {self.pick('math.cos(a)', '0.5 * a + b', 'b * seen[-1]')}",
            f"        {self.pick('pass', 'b = b - a', 'if a > b: break', 'if a > 0.3: seen.pop()')}",
            "    return seen",
            "",
            "",
        ]
        return self.with_main(8, 30)

    def statement(self, loop: bool) -> None:
        if self.chance(0.5):
            super().statement(loop)
            return
        kinds = ["new"] if not self.lists or self.chance(0.15) else []
        kinds = kinds or ["append"] * 5 + ["pop"] * 2 + ["element"] * 2 + ["through"] * 2 + ["read"] * 3 + [
            "alias",
            "pairs",
        ]
        getattr(self, f"_{self.pick(*kinds)}")(loop)

    def deeper(self, loop: bool, names) -> None:
        kept = list(self.lists), list(self.of_pairs)
        super().deeper(loop, names)
        if not self.chance(0.05):
            self.lists, self.of_pairs = map(list, kept)

    def number(self) -> str:
        """A number that may come from a list."""
        if not self.lists or self.chance(0.4):
            return self.expression(2)
        name = self.pick(*self.lists)
        return self.pick(
            f"{name}[-1]", f"{name}[0]", f"({name}[{self.pick(*self.ints)}] * {self.pick(*self.floats)})",
            f"math.sin({name}[-1])", f"added({name}, {self.pick(*self.floats)}, 0.3, 2)", f"(0.1 * len({name}))",
            f"{name}.pop()",
        )  # fmt: skip

    def _new(self, loop: bool) -> None:
        name = self.pick(f"l{len(self.lists)}", *self.lists)
        a, b = self.expression(1), self.expression(1)
        self.add(
            f"{name} = "
            + self.pick(
                "[]",
                f"[{a}]",
                f"[{a}, {b}]",
                f"[{a}] * {self.pick('n', '3', '(n + 2)', '70')}",
                f"orbit({a}, {b}, {self.pick('2', 'n')})",
                f"[{a} + k * {b} for k in range({self.pick('n', '3')})]",
                f"[{a} * v for v in {self.pick(*self.lists, '(0.3, 0.4)')}]",
            )
        )
        if name not in self.lists:
            self.lists.append(name)

    def _append(self, loop: bool) -> None:
        self.add(f"{self.pick(*self.lists)}.append({self.number()})")

    def _pop(self, loop: bool) -> None:
        name = self.pick(*self.lists)
        self.add(
            self.pick(
                f"if {name}:", f"if len({name}) > {self.pick('0', '1', 'n')}:", f"while len({name}) > 2:"
            )
        )
        self.level += 1
        self.add(self.pick(f"{name}.pop()", f"{self.pick(*self.floats)} = {name}.pop()"))
        self.level -= 1

    def _element(self, loop: bool) -> None:
        name = self.pick(*self.lists)
        index = self.pick("0", "-1", self.pick(*self.ints), f"len({name}) - 1")
        self.add(f"{name}[{index}] {self.pick('=', '=', '+=', '*=')} {self.number()}")

    def _read(self, loop: bool) -> None:
        self.add(f"{self.pick(*self.floats)} {self.pick('=', '+=')} {self.number()}")

    def _through(self, loop: bool) -> None:
        names = list(self.floats), list(self.ints), list(self.pairs)
        name, v, k = self.pick(*self.lists), f"v{self.level}", f"k{self.level}"
        self.add(
            self.pick(
                f"for {v} in {name}:",
                f"for {k}, {v} in enumerate({name}):",
                f"for {v} in reversed({name}):",
                f"for {v}, _ in zip({name}, {self.pick(*self.lists)}):",
            )
        )
        if k in self.lines[-1]:
            self.ints.append(k)
        self.floats.append(v)
        hidden = [
            one for one in self.lists if f" {one}" not in self.lines[-1] and f"({one}" not in self.lines[-1]
        ]
        self.lists, kept = hidden, self.lists  # a list that grew under its own loop would not end
        self.deeper(True, names)
        self.lists = kept

    def _alias(self, loop: bool) -> None:
        name = f"l{len(self.lists)}"
        if self.chance(0.3):
            self.add(f"{name} = {self.pick(*self.lists)}")
            self.lists.append(name)

    def _pairs(self, loop: bool) -> None:
        if not self.of_pairs or self.chance(0.3):
            name = f"q{len(self.of_pairs)}"
            self.add(f"{name} = [({self.expression(1)}, {self.expression(1)})]")
            self.of_pairs = sorted({*self.of_pairs, name})
            return
        name, a, b = self.pick(*self.of_pairs), self.pick(*self.floats), self.pick(*self.floats)
        self.add(
            self.pick(
                f"{name}.append(({self.number()}, {a}))",
                f"{a}, {b} = {name}[-1]",
                f"{a} = {name}[0][1] * {b}",
                f"{a}, {b} = {name}.pop()",
                f"for {a}, {b} in {name}: x = x + {a} * 0.1",
            )
        )


check = functools.partial(fuzz.check, author=Author)

if __name__ == "__main__":
    sys.exit(fuzz.main(check))
