"""Random programs with complex numbers; see ``fuzz``."""

from __future__ import annotations

import functools
import sys

import fuzz


class Author(fuzz.Author):
    """Writes one random program; complex locals are called z0, z1, …"""

    modules = ("cmath", "math")

    def function(self, name: str, params: list[str], results: int) -> None:
        self.complexes: list[str] = []
        super().function(name, params, results)

    def statement(self, loop: bool) -> None:
        getattr(self, self.pick("_complex", "_complex", "_updated", "_parts"))(loop) if self.chance(
            0.4
        ) else super().statement(loop)

    def deeper(self, loop: bool, names) -> None:
        before = list(self.complexes)
        super().deeper(loop, names)
        self.complexes = before

    def _complex(self, loop: bool) -> None:
        new = f"z{len(self.complexes)}"
        name = self.pick(new, *self.complexes)
        text = self.complex(2)
        self.add(f"{name} = {text}")
        if name == new:
            self.complexes.append(name)

    def _updated(self, loop: bool) -> None:
        if self.complexes:
            self.add(f"{self.pick(*self.complexes)} {self.pick('+', '-', '*')}= {self.complex(1)}")

    def _parts(self, loop: bool) -> None:
        if self.complexes:
            self.add(f"{self.pick(*self.floats)} = {self.real(2)}")

    def condition(self) -> str:
        if self.complexes and self.chance(0.2):
            return self.pick(
                f"abs({self.pick(*self.complexes)}) > 1.0",
                f"{self.pick(*self.complexes)} != {self.complex(1)}",
            )
        return super().condition()

    def expression(self, depth: int) -> str:
        return self.real(depth) if self.complexes and self.chance(0.15) else super().expression(depth)

    def real(self, depth: int) -> str:
        """A real number made of complex ones."""
        z = self.complex(depth)
        return self.pick(f"({z}).real", f"({z}).imag", f"abs({z})", f"cmath.phase({z})")

    def complex(self, depth: int) -> str:
        a = self.pick(*self.floats)
        if depth == 0 or self.chance(0.15):
            return self.pick(*self.complexes, "1j", "(0.5-0.3j)", f"complex({a}, {self.pick(*self.floats)})")
        z, w = self.complex(depth - 1), self.complex(depth - 1)
        x = self.pick(a, "0.7", "2", self.pick(*self.ints))
        return self.pick(
            f"({z} + {w})", f"({z} - {x})", f"({z} * {w})", f"({x} * {z})", f"({z} / (2.5 + ({w}) * 0.1j))",
            f"({z} / {self.pick('3', '(1.0 + abs(' + w + '))')})", f"(-{z})", f"({z}).conjugate()", f"({z}) ** 2",
            f"cmath.exp(0.1 * {z})", f"cmath.sin({z})", f"cmath.cosh(0.3 * {z})", f"cmath.tanh({z})",
            f"cmath.sqrt({z} + 0.3)", f"cmath.log(3.0 + {z})", f"cmath.asinh({z})", f"cmath.atan(0.3 * {z})",
            f"cmath.rect({a}, 0.5 * {a})", f"(2.5 + 0.1 * {z}) ** -3", f"complex({self.real(depth - 1)}, {x})",
            f"({z} if {a} > 0.2 else {w})",
        )  # fmt: skip


check = functools.partial(fuzz.check, author=Author)

if __name__ == "__main__":
    sys.exit(fuzz.main(check))
