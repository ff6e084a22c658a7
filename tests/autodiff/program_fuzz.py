"""Random programs that write into arrays, views, lists, dicts and objects under several names.

Each is text: a function of a number ``a``, a vector ``x`` of 4 and a matrix ``w`` of 4 by 4 that returns a number. What
stands in angle brackets in the templates below is filled in at random: ``<n>``, ``<v>``, ``<m>`` are expressions
for a number, a vector, a matrix; capital letters are names the program has (``<N>``, ``<V>``, ``<M>``, ``<L>`` for a
list, ``<D>`` for a dict, ``<O>`` for an object), with a plus a new one; ``<k>`` is an index and ``<c>`` a constant.
"""

from __future__ import annotations

import random
import re

BEFORE = """
import collections
import copy
import functools
import heapq
import itertools
import math

import numpy as np


class Box:
    def __init__(self, a, v):
        self.a, self.v = a, v

    @property
    def total(self):
        return self.a + self.v.sum()

    @total.setter
    def total(self, value):
        self.a = value

    def shift(self, by):
        self.v += by
        return self

    def __getitem__(self, k):
        return self.v[k]

    def __setitem__(self, k, value):
        self.v[k] = value

    def __iadd__(self, by):
        self.a = self.a + by
        return self


class Stopped(Exception):
    pass


def stir(v, by):
    for k in range(len(v) - 1):
        v[k + 1] += 0.3 * v[k] * by
    return v[-1]


def relax(m, by):
    for i in range(1, 3):
        for j in range(1, 3):
            m[i, j] = 0.25 * (m[i - 1, j] + m[i + 1, j] + m[i, j - 1] + m[i, j + 1]) + 0.1 * by


def walk(v):
    total = 0.0
    for item in v:
        total = total * 0.5 + item
        yield total


def deep(s, n):
    return s if n == 0 or s > 2.0 else math.tanh(deep(s * 0.9 + 0.1, n - 1) + s)


def checked(s):
    if s > 0.2:
        raise Stopped(s * 2.0)
    return s
"""


def _choices(text: str) -> list[str]:
    return [choice.strip() for line in text.strip().splitlines() for choice in line.split(" | ")]


NUMBERS = _choices("""
(<n> + <n>) | (<n> - <n>) | (<n> * <n>) | math.sin(<n>) | np.cos(<n>) | math.tanh(<n>) | abs(<n>) | float(<n>)
<V>[<k>] | <V>[-1] | <M>[<k>, <k>] | <M>[<k>][<k>] | <M>.flat[<k>] | <M>.item(<k>, <k>) | <L>[<k>] | <D>['k']
<O>.a | <D>['v'][<k>] | <O>.total | <O>[<k>] | <O>.v.sum() | <v>.sum() | np.dot(<v>, <v>) | float(np.max(<v>))
<v>.mean() | sum(<L>) | max(<L>) | min(<n>, <n>) | (<n> if <n> > <n> else <n>) | (<n> / (1.5 + <n>**2))
math.hypot(<n>, <n>, 1.0) | sum(q * <n> for q in <L>) | [*walk(<v>)][-1] | deep(<n>, <k>)
functools.reduce(lambda p, q: p * 0.5 + q, <L>) | np.linalg.norm(<v> + 2.0) | np.trace(<m>)
(lambda q: q * q + <n>)(<n>) | heapq.nsmallest(2, <L>)[1] | sorted(<L>)[1]
sum(p * q for p, q in zip(<L>, <v>)) | <v>[[0, 2]].prod() | <v>[np.argsort(<v>)][1] | np.median(<v>) | <m>.std()
copy.deepcopy(<O>).shift(<n>).total | copy.copy(<O>).v[<k>] | list(itertools.accumulate(<L>))[2] | (<n> % 0.7)
np.sqrt(1.0 + (<m>**2).sum()) | (<n> + 1j * <n>).conjugate().imag | int(<n> * 3) | math.exp(-(<n>**2))
""")

VECTORS = _choices("""
(<v> + <v>) | (<v> * <v>) | (<v> * <n>) | (<n> - <v>) | np.sin(<v>) | np.abs(<v>) | <v>[::-1] | <m>[<k>]
<m>[:, <k>] | (<m> @ <v>) | np.array([<n>, <n>, <n>, <n>]) | np.array(<L>[:4]) | np.where(<v> > <n>, <v>, <v>)
np.cumsum(<v>) | np.sort(<v>) | np.roll(<v>, 1) | np.concatenate([<v>[:2], <v>[2:]]) | <v>.copy()
<m>.diagonal() | np.diag(<m>) | np.clip(<v>, -0.5, <n>) | np.maximum(<v>, <v>) | np.outer(<v>, <v>).sum(axis=0)
np.einsum('ij,j->i', <m>, <v>) | np.fft.fft(<v>).real | np.convolve(<v>, <v>, 'same') | np.full(4, <n>)
np.linspace(<n>, <n>, 4) | <O>.v | <D>['v'] | np.fromiter(walk(<v>), float) | <v>[[3, 1, 1, 0]]
np.linalg.solve(np.eye(4) * 3 + 0.1 * <m>, <v>) | np.gradient(<v>) | np.append(<v>[:3], <n>)
np.array([q * <n> for q in <v>]) | np.array(list(map(math.sin, <v>))) | <m>.max(axis=1)
np.lib.stride_tricks.sliding_window_view(<m>.ravel(), 4)[<k>] | np.broadcast_to(<v>, (2, 4))[1]
<m>.sum(axis=0)
""")

MATRICES = _choices("""
(<m> + <m>) | (<m> * <n>) | (<m> + <v>) | <m>.T | (<m> @ <m>) | np.outer(<v>, <v>) | np.tanh(<m>) | <m>.copy()
<m>[::-1] | np.array([<v>, <v>, <v>, <v>]) | np.stack([<v>] * 4, axis=1) | np.diag(<v>)
np.roll(<m>, 1, axis=1) | np.triu(<m>) | np.linalg.inv(np.eye(4) * 3 + 0.1 * <m>)
np.pad(<m>[1:3, 1:3], 1, mode='wrap') | np.cumsum(<m>, axis=1) | <m>[[3, 2, 1, 1]]
""")

STATEMENTS = _choices("""
<N> = math.tanh(<n>) | <N> += <n> | <N> *= <n> | <N+> = math.tanh(<n>) | <V+> = np.tanh(<v>)
<M+> = np.tanh(<m>) | <V>[<k>] = <n> | <V>[1:3] = 1.0 * <v>[:2] | <V>[::2] *= <n> | <V>[[0, 3]] += <n>
<V> += <v> | <V> *= <n> | <V>[...] = 1.0 * <v> | <V>[<V> > <n>] = <n> | np.add(<v>, <v>, out=<V>)
np.tanh(<V>, out=<V>) | np.cumsum(<v>, out=<V>) | <V>[1:] += <V>[:-1] | <M>[<k>] = 1.0 * <v>
<M>[:, <k>] += <v> | <M>[<k>, <k>] = <n> | <M>.T[<k>] = <v>.copy() | <M> *= <n> | <M>[1:3, 1:3] -= <n>
<M>[:2] = <M>[2:] | <M>[np.ix_([0, 2], [1, 3])] = <n> | <M>.flat[5] = <n> | np.fill_diagonal(<M>, <n>)
<M> += <M>.T | np.add.at(<V>, [0, 0, <k>], <n>) | <V>.sort() | <V>.fill(<n>)
np.copyto(<V>, <v>, where=<v> > 0) | np.put(<V>, [0, <k>], <n>) | <V>[[0, 2]] = <V>[[2, 0]]
np.multiply(<v>, <n>, out=<V>, where=<v> > 0) | np.matmul(<m>, <v>, out=<V>) | <M>[1:] += <M>[:-1]
<V>[0], <V>[1] = <V>[1], <n> | <M>[<M> < 0] = 0.1 * <M>[<M> < 0] | np.sum(<m>, axis=0, out=<V>)
<M>.reshape(-1)[::5] += <v> | <V+> = <V> | <V+> = <M>[<k>] | <V+> = <M>[:, <k>] | <V+> = <M>.reshape(-1)[4:8]
<V+> = <V>[::-1] | <V+> = <M>.ravel()[::5] | <M+> = <M>.T | <M+> = <M>[::-1] | <M+> = np.einsum('ij->ji', <M>)
<V+> = <O>.v | <V+> = <D>['v'] | <V+> = [*<M>][<k>] | <L>.append(<n>) | <L>[<k>] = <n> | <L>.sort()
<L>.reverse() | <L>[1:3] = [<n>, <n>] | <L>.extend(<v>) | <L+> = <L> | <L+> = [q * <n> for q in <L>]
<L+> = list(<v>) | <L+> = list(collections.deque(<L>, maxlen=4)) | heapq.heapify(<L>) | <D>['k'] = <n>
<D>['v'] = <v> * 1.0 | <D>['v'][<k>] = <n> | <D>.update(k=<n>) | <D+> = dict(<D>) | <D+> = copy.deepcopy(<D>)
<O>.a = <n> | <O>.v = <V> | <O>.shift(<n>) | <O>.total = <n> | <O>[<k>] = <n> | <O> += <n> | <O+> = <O>
<O+> = copy.copy(<O>) | <O+> = Box(<n>, <V>) | setattr(<O>, 'a', <n>) | <N> = stir(<V>, <n>) | relax(<M>, <n>)
<O>.v, <D>['v'] = <D>['v'], <O>.v
""")

BLOCKS = [
    ["for i<k> in range(3):", "..."],
    ["if <n> > <n>:", "...", "else:", "..."],
    ["for q in <M>:", "    q *= <n>", "    q[<k>] = <N>"],
    ["for p, q in zip(<L>, <v>):", "    <N> = 0.5 * <N> + p * q"],
    ["for i, q in enumerate(<V>):", "    <V>[i] = q * <N>"],
    ["try:", "    <N> = checked(<n>)", "except Stopped as stopped:", "    <N> = stopped.args[0] * 0.5"],
    [
        "kept = [<V>, <M>[1], <v>]",
        "kept[1][<k>] = <n>",
        "kept[0] += kept[2]",
        "<N> = sum(q.sum() for q in kept)",
    ],
    [
        "seen = []",
        "for i in range(3):",
        "    <V> *= 0.7",
        "    seen.append(<V>)",
        "<N> = sum(q.sum() for q in seen)",
    ],
    [
        "z = np.zeros(4, complex)",
        "z[<k>] = <n> + 1j * <n>",
        "z.real += <v>",
        "<N> = (z * z.conj()).real.sum()",
    ],
    ["later = (q * <N> for q in <V>)", "<V>[3] = <n>", "<N> = sum(later)"],
    [
        "view = np.broadcast_to(<V>, (4, 4))",
        "before = view * <m>",
        "<V>[2] = <n>",
        "<N> = (before * view).sum()",
    ],
    ["view = <M>.diagonal()", "before = view * <v>", "<M>[1, 1] = <n>", "<N> = before.sum() + view.prod()"],
]

START = """\
def {name}(a, x, w):
    y, c = x * 0.5 + 0.1, a * 0.3 - 0.2
    l, d, o = [a, c, x[0], x[1]], {{"k": a, "v": y}}, Box(c, w[1])"""

_EXPRESSIONS = {"n": NUMBERS, "v": VECTORS, "m": MATRICES}


class _Writer:
    def __init__(self, seed: int) -> None:
        self.rng, self.count = random.Random(seed), 0
        self.names = {"N": ["a", "c"], "V": ["x", "y"], "M": ["w"], "L": ["l"], "D": ["d"], "O": ["o"]}
        self.new: list[tuple[str, str]] = []

    def filled(self, template: str, depth: int) -> str:
        return re.sub(r"<(\w\+?)>", lambda found: self.part(found[1], depth), template)

    def part(self, code: str, depth: int) -> str:
        rng = self.rng
        if code in _EXPRESSIONS:
            if depth <= 0 or rng.random() < 0.2:
                return self.part(code.upper(), 0)
            return self.filled(rng.choice(_EXPRESSIONS[code]), depth - 1)
        if code == "k":
            return str(rng.randrange(4))
        if code.endswith("+"):  # known only to the statements after it
            self.count += 1
            self.new.append((code[0], f"{code[0].lower()}{self.count}"))
            return self.new[-1][1]
        return rng.choice(self.names[code])

    def statement(self, depth: int) -> list[str]:
        if depth and self.rng.random() < 0.35:
            lines = []
            for template in self.rng.choice(BLOCKS):
                if template == "...":
                    known = {code: list(names) for code, names in self.names.items()}
                    lines += ["    " + line for _ in range(2) for line in self.statement(depth - 1)]
                    self.names = known
                else:
                    lines.append(self.filled(template, 1))
        else:
            lines = [self.filled(self.rng.choice(STATEMENTS), 2)]
        for code, name in self.new:
            self.names[code].append(name)
        self.new.clear()
        return lines

    def program(self, name: str) -> str:
        lines = [line for _ in range(self.rng.randrange(3, 11)) for line in self.statement(2)]
        ends = [f"math.tanh({n})" for n in [*self.names["N"], "sum(l)", "d['k']", "o.a"]]
        ends += [f"np.tanh({v}).sum()" for v in [*self.names["V"], "w", "d['v']", "o.v"]]
        self.rng.shuffle(ends)
        last = " + ".join(f"{0.5 + 0.1 * k:.1f} * {end}" for k, end in enumerate(ends[:6]))
        return (
            START.format(name=name) + "".join(f"\n    {line}" for line in [*lines, f"return {last}"]) + "\n"
        )


def program(seed: int) -> str:
    """The text of a function named by its seed; ``BEFORE`` is what it needs before it."""
    return _Writer(seed).program(f"program_{seed}")
