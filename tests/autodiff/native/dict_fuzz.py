"""Random programs with dictionaries: displays, copies, entries written and updated, loops over them, aliases, calls.

The judge runs the program itself on dual numbers. As a script: see ``fuzz``.
"""

from __future__ import annotations

import functools
import sys

import fuzz

KEYS = ("a", "b", "c")


class Author(fuzz.Author):
    """Writes one random program ``main(x, y, n)`` with dictionaries beside the statements of every program."""

    def program(self) -> str:
        """The source of a module whose function ``main(x, y, n)`` is to be differentiated."""
        self.dicts: dict[str, tuple[str, ...]] = {}
        self.shared: set[str] = set()  # dictionaries that may have a second name
        self.lines = [
            "import math",
            "import numpy as np",
            "",
            "C = 0.7",
            "T = np.array([0.3, -1.2, 0.8, 1.7, 0.45])",
            "",
            "def used(p, s):",
            f"    total = {self.pick('s', 'p[' + repr('a') + ']', '0.0')}",
            f"    for {self.pick('v in p.values()', 'k, v in p.items()')}:",
            f"        total = total * {self.pick('0.5', 's')} + {self.pick('v', 'math.sin(v)')}",
            f"    return total * {self.pick('1.0', 'len(p)', 'p.get(' + repr('c') + ', s)')}",
            "",
            "def made(s, t):",
            "    p = {'a': s, 'b': math.sin(t)}",
            f"    {self.pick('pass', 'p[' + repr('a') + '] *= t', 'p[' + repr('b') + '] = s * t')}",
            f"    return {self.pick('p', 'dict(p)', 'p.copy()', '{**p}')}",
            "",
            "",
        ]
        return self.with_main(8, 30)

    def statement(self, loop: bool) -> None:
        if self.chance(0.5):
            super().statement(loop)
            return
        kinds = ["write"] * 5 + ["read"] * 4 + ["through"] * 2 + ["new", "alias", "inside"]
        getattr(self, f"_{self.pick(*kinds) if self.dicts else 'new'}")(loop)

    def deeper(self, loop: bool, names) -> None:
        kept = dict(self.dicts)
        super().deeper(loop, names)
        self.dicts = kept

    def entry(self) -> str:
        """An entry, mostly one that is there."""
        name = self.pick(*self.dicts)
        key = self.pick(*(KEYS if self.chance(0.03) else self.dicts[name]))
        return f"{name}[{key!r}]"

    def expression(self, depth: int) -> str:
        if self.dicts and self.chance(0.15):
            name = self.pick(*self.dicts)
            return self.pick(self.entry(), self.entry(), f"{name}.get('c', {self.pick(*self.floats)})")
        return super().expression(depth)

    def _new(self, loop: bool) -> None:
        name = f"d{len(self.dicts)}" if self.chance(0.7) or not self.dicts else self.pick(*self.dicts)
        a, b = self.expression(2), self.expression(1)
        keys: tuple[str, ...] = ("a", "b")
        text = self.pick(f"{{'a': {a}, 'b': {b}}}", f"made({a}, {b})", f"dict(a={a}, b={b})")
        if self.dicts and self.chance(0.5):
            other = self.pick(*self.dicts)
            keys = self.dicts[other]
            text = self.pick(
                f"{other}.copy()",
                f"dict({other}, a={a})",
                f"{{**{other}, 'a': {a}}}",
                f"{{k: v * {b} for k, v in {other}.items()}}",
            )
            if "items" in text:
                self.shared.add(other)
            if "'a'" in text or "a=" in text:
                keys = tuple(dict.fromkeys([*keys, "a"]))
        if name in self.dicts and self.dicts[name] != keys:
            return
        self.add(f"{name} = {text}")
        self.dicts[name] = keys

    def _write(self, loop: bool) -> None:
        own = [name for name in self.dicts if name not in self.shared] or list(self.dicts)
        name = self.pick(*(self.dicts if self.chance(0.03) else own))
        key = self.pick(*self.dicts[name])
        if self.level == 1 and self.chance(0.1):
            key = "c"
            self.dicts[name] = tuple(dict.fromkeys([*self.dicts[name], key]))
            self.add(f"{name}[{key!r}] = {self.expression(2)}")
            return
        self.add(f"{name}[{key!r}] {self.pick('=', '=', '+=', '*=')} {self.expression(2)}")

    def _read(self, loop: bool) -> None:
        name, x = self.pick(*self.dicts), self.pick(*self.floats)
        self.add(self.pick(f"{x} = {self.entry()}", f"{x} += used({name}, {self.entry()})"))

    def _through(self, loop: bool) -> None:
        name, x = self.pick(*self.dicts), self.pick(*self.floats)
        self.shared.add(name)
        self.add(
            self.pick(
                f"for k in {name}: {x} = {x} * 0.5 + {name}[k]",
                f"for v in {name}.values(): {x} = {x} - math.sin(v)",
                f"for k, v in {name}.items(): {x} = v if k == 'b' else {x} * v",
                f"{x} = sum(v * {x} for v in {name}.values())",
            )
        )

    def _alias(self, loop: bool) -> None:
        if self.chance(0.4):
            other, name = self.pick(*self.dicts), f"d{len(self.dicts)}"
            self.add(f"{name} = {other}")
            self.dicts[name] = self.dicts[other]
            self.shared |= {name, other}

    def _inside(self, loop: bool) -> None:
        """A function that reads a dictionary when it is called."""
        name, x = self.pick(*self.dicts), self.pick(*self.floats)
        self.add(f"f = lambda s: {self.entry()} * s + {name}['a']")
        if self.chance(0.5):
            self._write(loop)
        self.add(f"{x} = math.sin(f({x}))")


check = functools.partial(fuzz.check, author=Author)

if __name__ == "__main__":
    sys.exit(fuzz.main(check))
