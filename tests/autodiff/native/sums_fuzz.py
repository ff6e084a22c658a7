"""Random programs with arrays as in ``array_fuzz``, and with sums of products in loops around each other.

What such loops read again and again is kept once where it does not change: arguments, and rows. As a script: see
``fuzz``.
"""

from __future__ import annotations

import functools
import sys

import array_fuzz
import fuzz


class Author(array_fuzz.Author):
    """Writes programs whose arguments are written into in half of all cases only."""

    KINDS = (*array_fuzz.Author.KINDS, "sums", "sums", "sums", "sums")

    def begin(self) -> None:
        self.given = ["x", "y"]
        if self.chance(0.5):
            self.lines += ["    a, b = x * 1.0, np.tanh(y)"]
            self.arrays = {"a": 5, "b": 5}

    def _sums(self, loop: bool) -> None:
        target = self.array()
        read = [self.pick(*self.given, *self.arrays) for _ in range(3)]
        lengths = [self.arrays.get(name, 5) for name in (target, *read)]
        n = min(lengths)
        outer = self.pick(f"for p in range({n}):", f"for p in range(1, {n}):", f"for p in range(n % {n}):")
        inner = self.pick(f"for q in range({n}):", f"for q in range(p, {n}):", "for q in range(p):")
        places = [self.pick("q", "q", "q", "p", "0", "-1", f"(p + q) % {n}") for _ in read]
        a, b, c = (f"{name}[{place}]" for name, place in zip(read, places, strict=True))
        value = self.pick(
            f"0.2 * {a} * {b} + 0.1 * {c}",
            f"0.3 * math.sin({a} * {b}) * {c}",
            f"0.1 * {a} * {a} - 0.2 * {b} * {c}",
        )
        self.add(outer)
        steps = [
            f"s = 0.8 * s + {value}",
            f"{target}[p] = 0.5 * {target}[p] + {value}",
            f"{target}[q] += {value}",
        ]
        step = self.pick(steps[0], *steps)
        deeper = "    " * (self.level + 1)
        if self.chance(0.3):
            self.lines.append(f"{deeper}if {self.pick(*self.given)}[p] > 0.1:")
            deeper += "    "
        if self.chance(0.3):
            self.lines.append(f"{deeper}v = {self.pick(*self.given, *self.arrays)}[{self.pick('0', '1')}:]")
            step = f"{step} + 0.1 * v[{self.pick('0', 'q % 2')}]"
        self.lines += [f"{deeper}{inner}", f"{deeper}    {step}"]
        if self.chance(0.2):
            self.lines.append(f"{deeper}{self.array()}[p % 3] += 0.1 * s")


check = functools.partial(array_fuzz.check, author=Author)

if __name__ == "__main__":
    sys.exit(fuzz.main(check))
