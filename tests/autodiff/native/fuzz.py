"""Random programs of the native tier's subset, and an independent judge of their derivatives.

The judge runs the program itself on dual numbers (a value and its derivative in one direction), so it needs neither
differences nor anything of the tier; branches and loops are taken as Python takes them.

As a script: ``python tests/autodiff/native/fuzz.py FIRST LAST [--numba]`` runs the programs of these seeds, prints
the disagreements, and ends with status 1 when there was one.
"""

from __future__ import annotations

import linecache
import math
import os
import sys
import types

import numpy as np
from duals import DUAL_CMATH, DUAL_MATH, Dual, dual, dual_complex

# ------------------------------------------------------------------------------------------- the programs


class Author:
    """Writes one random program."""

    modules = ("math",)

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.lines: list[str] = []
        self.budget = int(self.rng.integers(4, 22))
        self.loops = 0
        self.functions: list[tuple[str, int, int]] = []  # name, arguments, results

    def pick(self, *options):
        return options[int(self.rng.integers(len(options)))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def program(self) -> str:
        """The source of a module whose function ``main(x, y, n)`` is to be differentiated."""
        self.lines = [*(f"import {name}" for name in self.modules), "", "import numpy as np", "", "C = 0.7"]
        self.lines += ["T = np.array([0.3, -1.2, 0.8, 1.7, 0.45])", ""]
        for k in range(int(self.rng.integers(0, 3))):
            self.function(f"part{k}", ["a", "b"], int(self.rng.integers(1, 3)))
        if self.chance(0.3):
            self.recursive()
        return self.with_main(6, 30)

    def with_main(self, least: int, most: int) -> str:
        """The source, with ``main`` below what is written already; its length is drawn between these."""
        self.budget = int(self.rng.integers(least, most))
        self.function("main", ["x", "y"], 1)
        return "\n".join(self.lines) + "\n"

    def function(self, name: str, params: list[str], results: int) -> None:
        self.floats = list(params)
        self.ints = ["n"]
        self.pairs: list[str] = []
        self.results = results
        self.lines.append(f"def {name}({', '.join(params)}, n):")
        self.level = 1
        for extra in ("u", "v"):
            if self.chance(0.8):
                self.add(f"{extra} = {self.expression(2)}")
                self.floats.append(extra)
        self.statements(loop=False)
        self.add(self.result())
        self.lines += ["", ""]
        self.functions.append((name, len(params), results))

    def recursive(self) -> None:
        self.lines += [
            "def again(a, b, n):",
            "    if n <= 0:",
            f"        return {self.pick('a * b', 'a', 'math.sin(a) + b')}",
            f"    c = again({self.pick('b', 'a * C', 'math.cos(b)')}, {self.pick('a', 'b + a', '0.5 * b')}, n - 1)",
            f"    if c > {self.pick('0.1', 'a', '0.5')}:",
            "        c = c * a",
            f"    return c + {self.pick('b', '0.3', 'again(b, a, n - 2)')}",
            "",
            "",
        ]
        self.functions.append(("again", 2, 1))

    def add(self, text: str) -> None:
        self.lines.append("    " * self.level + text)

    def result(self) -> str:
        everything = " + ".join(f"{0.1 * (k + 1):.1f} * {name}" for k, name in enumerate(self.floats))
        return f"return {everything} + " + ", ".join(self.expression(2) for _ in range(self.results))

    def statements(self, loop: bool) -> None:
        for _ in range(int(self.rng.integers(1, 5))):
            if self.budget <= 0:
                break
            self.budget -= 1
            self.statement(loop)

    def statement(self, loop: bool) -> None:
        kinds = (
            ["assign"] * 5
            + ["augmented"] * 3
            + ["if"] * 4
            + ["for"] * 2
            + ["while", "swap", "pair", "unpair"]
        )
        kinds += ["call"] * 2 + ["int"] + (["leave"] * 2 if loop else ["leave"])
        getattr(self, f"_{self.pick(*kinds)}")(loop)

    def target(self) -> str:
        if self.chance(0.25):
            new = f"w{len(self.floats)}"
            return new
        return self.pick(*self.floats)

    def known(self, name: str) -> None:
        if name not in self.floats:
            self.floats.append(name)

    def _assign(self, loop: bool) -> None:
        name = self.target()
        self.add(f"{name} = {self.expression(3)}")
        self.known(name)

    def _augmented(self, loop: bool) -> None:
        self.add(f"{self.pick(*self.floats)} {self.pick('+', '-', '*')}= {self.expression(2)}")

    def _swap(self, loop: bool) -> None:
        a, b = self.pick(*self.floats), self.pick(*self.floats)
        if a != b:
            self.add(self.pick(f"{a}, {b} = {b}, {a}", f"{a}, {b} = {b}, {self.expression(2)}", f"{a} = {b}"))

    def _pair(self, loop: bool) -> None:
        name = f"p{len(self.pairs)}" if self.chance(0.5) or not self.pairs else self.pick(*self.pairs)
        self.add(f"{name} = ({self.expression(2)}, {self.expression(2)})")
        if name not in self.pairs:
            self.pairs.append(name)

    def _unpair(self, loop: bool) -> None:
        if self.pairs:
            self.add(f"{self.pick(*self.floats)}, {self.pick(*self.floats)} = {self.pick(*self.pairs)}")

    def _call(self, loop: bool) -> None:
        if not self.functions:
            return
        name, arguments, results = self.functions[int(self.rng.integers(len(self.functions)))]
        given = [*(self.expression(1) for _ in range(arguments)), self.pick("1", "2", "n")]
        named = self.pick(0, 0, 1, 2)  # how many of the arguments are given by name
        if named:
            given[-named:] = [
                f"{key}={text}" for key, text in zip("abn"[-named:], given[-named:], strict=True)
            ]
        args = ", ".join(given)
        targets = ", ".join(self.pick(*self.floats) for _ in range(results))
        self.add(f"{targets} = {name}({args})")

    def _int(self, loop: bool) -> None:
        name = self.pick("k", "m")
        self.add(f"{name} = {self.integer()}")
        if name not in self.ints:
            self.ints.append(name)

    def _leave(self, loop: bool) -> None:
        self.add(f"if {self.condition()}:")
        what = self.pick("break", "continue", "break", "continue", "return") if loop else "return"
        self.level += 1
        if self.chance(0.4):
            self._assign(loop)
        self.add(self.result() if what == "return" else what)
        self.level -= 1

    def _if(self, loop: bool) -> None:
        names = list(self.floats), list(self.ints), list(self.pairs)
        self.add(f"if {self.condition()}:")
        self.deeper(loop, names)
        if self.chance(0.3):
            self.add(f"elif {self.condition()}:")
            self.deeper(loop, names)
        if self.chance(0.5):
            self.add("else:")
            self.deeper(loop, names)

    def deeper(self, loop: bool, names) -> None:
        size = len(self.lines)
        self.level += 1
        if self.level < 5:
            self.statements(loop)
        if len(self.lines) == size:
            self.add("pass")
        self.level -= 1
        if not self.chance(0.08):  # rarely a name set on one path only is used afterwards
            self.floats, self.ints, self.pairs = map(list, names)

    def _for(self, loop: bool) -> None:
        names = list(self.floats), list(self.ints), list(self.pairs)
        counter = f"i{self.level}"
        bounds = self.pick("3", "n", "1, 4", "4, 0, -1", "n - 1", "0, 5, 2")
        self.add(f"for {counter} in range({bounds}):")
        self.ints.append(counter)
        self.deeper(True, names)
        self.for_else(loop, names)

    def for_else(self, loop: bool, names) -> None:
        if self.chance(0.2):
            self.add("else:")
            self.deeper(loop, names)

    def _while(self, loop: bool) -> None:
        names = list(self.floats), list(self.ints), list(self.pairs)
        self.loops += 1
        counter = f"c{self.loops}"
        self.add(f"{counter} = 0")
        test = self.pick(
            f"{counter} < 4",
            f"{counter} < n and ({self.condition()})",
            f"({self.condition()}) and {counter} < 3",
        )
        self.add(f"while {test}:")
        self.level += 1
        self.add(f"{counter} += 1")
        self.level -= 1
        self.deeper(True, names)
        self.for_else(loop, names)

    # ------------------------------------------------------------------------------------ expressions

    def integer(self) -> str:
        a = self.pick(*self.ints)
        return self.pick(
            a, "2", f"{a} + 1", f"{a} * 2", f"{a} % 3", f"{a} // 2", f"int({self.pick(*self.floats)} * 0 + 2)"
        )

    def condition(self) -> str:
        a, b = self.pick(*self.floats), self.expression(1)
        simple = [
            f"{a} > {b}",
            f"{b} <= {a}",
            f"0.0 < {a} < {b}",
            f"{self.pick(*self.ints)} % 2 == 0",
            f"{a} != {b}",
        ]
        first = self.pick(*simple)
        if self.chance(0.25):
            return f"{first} {self.pick('and', 'or')} {self.pick(*simple)}"
        return f"not {first}" if self.chance(0.1) else first

    def expression(self, depth: int) -> str:
        if depth == 0 or self.chance(0.15):
            return self.pick(*self.floats, "0.5", "C", "1.25", f"T[{self.pick(*self.ints)} % 5]")
        a, b = self.expression(depth - 1), self.expression(depth - 1)
        forms = [
            f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"math.sin({a})", f"math.cos({a})", f"math.tanh({a})",
            f"math.exp(-({a}) ** 2)", f"({a} / (1.0 + ({b}) ** 2))", f"math.sqrt(1.0 + ({a}) ** 2)", f"abs({a})",
            f"max({a}, {b})", f"min({a}, {b})", f"math.atan({a})", f"(-{a})", f"math.tanh({a}) ** 3",
            f"({a} if {self.pick(*self.floats)} > {b} else {self.pick(*self.floats)})", f"math.hypot(1.5, {a})",
            f"math.tanh({a} * {self.pick(*self.ints)})", f"math.atan2({a}, 2.0)", f"math.log(2.0 + abs({a}))",
        ]  # fmt: skip
        if self.pairs and self.chance(0.2):
            return f"{self.pick(*self.pairs)}[{self.pick('0', '1')}]"
        return self.pick(*forms)


def load(source: str, name: str, **names):
    """The functions of a source that need not be in a file."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace = {"__name__": name}
    exec(compile(source, name, "exec"), namespace)
    namespace.update(names)
    return namespace


def judge(source: str, args) -> tuple:
    """Value and gradient by dual numbers, or the exception's class."""
    namespace = load(source, "<judged program>", math=DUAL_MATH, cmath=DUAL_CMATH, complex=dual_complex)
    namespace["np"] = types.SimpleNamespace(array=lambda items: np.array([*map(dual, items)], dtype=object))
    namespace["T"] = namespace["T"].tolist()  # numbers of NumPy's do not leave operations to the dual numbers
    slopes = []
    for k in range(2):
        duals = [Dual(arg, 1.0 if k == place else 0.0) for place, arg in enumerate(args[:2])]
        result = dual(namespace["main"](*duals, args[2]))
        slopes.append(result.dot)
    return result.value, tuple(slopes)


def close(a: float, b: float, tolerance: float) -> bool:
    return a == b or abs(a - b) <= tolerance * max(1.0, abs(a), abs(b)) or (a != a and b != b)


def check(seed: int, author: type[Author] = Author) -> str:
    """Compare the tier with the judge on the program of a seed: "" when they agree, else what was wrong."""
    from workbench.autodiff.native import DeclinedError, Plan, plan

    source = author(seed).program()
    rng = np.random.default_rng(seed + 1_000_000_000)
    namespace = load(source, f"<program {seed}>")
    for _ in range(3):
        args = (float(rng.normal()), float(rng.normal()), int(rng.integers(0, 5)))
        try:
            expected, slopes = judge(source, args)
        except (NameError, LookupError, ArithmeticError, TypeError, ValueError) as error:
            expected, slopes = type(error), None
        made = plan(namespace["main"], args)
        if not isinstance(made, Plan):
            return f"refused: {made}"
        try:
            value, back = made.pullback(args)
        except DeclinedError as error:
            return f"declined: {error}"
        except Exception as error:
            if type(error) is not expected:
                return f"{args}: raised {error!r}, expected {expected}"
            continue
        if slopes is None:
            return f"{args}: gave {value}, expected {expected}"
        own = float(namespace["main"](*args))
        if own.hex() != float(value).hex() and "hypot" not in source:  # the library's hypot rounds otherwise
            return f"{args}: value {value}, the program gives {own}"
        found = back(1.0)[:2]
        if (
            max(map(abs, slopes)) > 1e100
            or not all(map(math.isfinite, slopes))
            or not all(map(math.isfinite, found))
        ):
            continue  # numbers too large for a comparison
        if math.isfinite(expected) and not close(value, expected, 1e-13):
            return f"{args}: value {value}, expected {expected}"
        good = [close(a, b, 1e-9) for a, b in zip(found, slopes, strict=True)]
        if all(map(math.isfinite, slopes)) and not all(good):
            return f"{args}: gradient {found}, expected {slopes}"
        pushed = [made.pushforward(args, dots)[1] for dots in ((1.0, 0.0, None), (0.0, 1.0, None))]
        good = [close(a, b, 1e-9) for a, b in zip(found, pushed, strict=True)]
        if all(map(math.isfinite, slopes)) and not all(good):
            return f"{args}: reverse {found}, forward {pushed}"
        if back(1.0)[:2] != found and all(map(math.isfinite, found)):
            return f"{args}: a second pull gives another gradient"
    return ""


def main(check=check) -> int:
    first, last = int(sys.argv[1]), int(sys.argv[2])
    os.environ["WORKBENCH_NATIVE"] = "numba" if "--numba" in sys.argv else "python"
    wrong = refused = 0
    for seed in range(first, last):
        try:
            message = check(seed)
        except Exception as error:
            message = f"crashed: {error!r}"
        if message.startswith("refused"):
            refused += 1
        elif message:
            wrong += 1
            print(f"seed {seed}: {message}", flush=True)
        if "-v" in sys.argv and message.startswith("refused"):
            print(f"seed {seed}: {message}")
    print(f"seeds {first} to {last}: {wrong} disagreements, {refused} refused", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
