"""Small programs with lists that grow, with arguments to try them at."""

from __future__ import annotations

import math

import numpy as np


def recurrence(x, y):
    found = [x, y]
    for k in range(9):
        found.append(0.5 * found[-1] + math.sin(found[k]))
    total = 0.0
    for v in found:
        total += v * v
    return total + found[3] * found[-2] + len(found)


def stack(x, y):
    waiting = [x]
    total = 0.0
    steps = 0
    while waiting:
        v = waiting.pop()
        steps += 1
        total += v * y
        if steps < 12:
            waiting.append(math.sin(v) + 0.1)
            if v > 0.3:
                waiting.append(0.7 * v * y)
    return total


def path_of_pairs(x, y):
    path = []
    a, b = x, y
    for _ in range(7):
        path.append((a, b))
        a, b = a + 0.1 * b, b - 0.1 * math.sin(a)
    total = 0.0
    for k, (p, q) in enumerate(path):
        total += k * p * q
    return total + path[-1][0] * path[2][1]


def filled(x, y):
    n = int(x * 0.0) + 6
    table = [0.0] * n
    table[0] = x
    for k in range(1, n):
        table[k] = table[k - 1] * y + 0.1 * k
        table[k] += 0.5 * x
    return sum_of(table) * table[-1]


def sum_of(values):
    total = 0.0
    for v in values:
        total += v
    return total


def rows(x, y):
    row = [1.0]
    for _ in range(5):
        new = [x * v for v in row]
        for k in range(len(new)):
            new[k] += y * math.cos(0.1 * k * x)
        new.append(x + y)
        row = new
    return sum_of(row) * row[0]


def comprehensions(x, y):
    n = int(y * 0.0) + 5
    squares = [(k + 1.0) * x * x for k in range(n) if k != 2]
    both = [a * b + y for a, b in zip(squares, reversed(squares), strict=True)]
    return np.sum(np.array(both)) * squares[-1] + np.sum(squares)


def made_elsewhere(x, y):
    found = orbit(x, 6)
    found.append(y)
    return sum_of(found) * found[-1] + sum_of(orbit(y, 3))


def orbit(x, n):
    seen = []
    for _ in range(n):
        seen.append(x)
        x = math.cos(x)
    return seen


def overwritten_places(x, y):
    values = [x]
    for k in range(10):
        values.append(values[-1] * y + k)
        if k % 3 == 2:
            values.pop()
            last = values.pop()
            values.append(last * x)
    return sum_of(values)


def sieve(x, y):
    primes = []
    total = 0.0
    for n in range(2, 40):
        prime = True
        for p in primes:
            if n % p == 0:
                prime = False
                break
        if prime:
            primes.append(n)
            total += math.sin(n * x) * y
    return total * len(primes)


TABLE = [
    (program, (0.7, 1.3))
    for program in (
        recurrence, stack, path_of_pairs, filled, rows, comprehensions, made_elsewhere, overwritten_places, sieve,
    )
]  # fmt: skip
