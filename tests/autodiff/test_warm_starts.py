"""Iterations that begin where the run before has ended: at the same point they find nothing left to do."""

import math

import numpy as np
import pytest

from workbench import gradient
from workbench.errors import LostGradientError

POINT = np.array([0.5, -0.3, 1.1])


def image(y, x):
    return 0.5 * np.cos(y) + x


class Iteration:
    def __init__(self, done):
        self.done, self.y = done, np.ones(3)

    def energy(self, x):
        y = self.y
        for _ in range(200):
            new = image(y, x)
            if self.done(new, y):
                break
            y = new
        self.y = y
        return (y**2).sum()


DONE = {
    "norm": lambda new, y: np.linalg.norm(new - y) < 1e-12,
    "most": lambda new, y: np.max(np.abs(new - y)) <= 1e-12,
    "mean": lambda new, y: np.sqrt(np.mean((new - y) ** 2)) < 1e-12,
    "product": lambda new, y: np.dot(new - y, new - y) < 1e-24,
    "relative": lambda new, y: np.sum(np.abs(new - y)) / np.sum(np.abs(new)) < 1e-12,
    "each": lambda new, y: (np.abs(new - y) < 1e-12).all(),
    "in a loop": lambda new, y: all(abs(a - b) < 1e-12 for a, b in zip(new, y, strict=True)),
    "close": lambda new, y: np.allclose(new, y, rtol=0.0, atol=1e-12),
    "close to zero": lambda new, y: np.allclose(new - y, 0.0, atol=1e-12),
}


@pytest.mark.parametrize("before", [lambda f: f, gradient], ids=["plain", "differentiated"])
@pytest.mark.parametrize("done", DONE.values(), ids=DONE)
def test_an_iteration_that_begins_at_its_end(done, before):
    first, other = Iteration(done), Iteration(done)
    found = gradient(first.energy)(POINT)
    step = 1e-5 * np.eye(3)
    expected = [(Iteration(done).energy(POINT + s) - Iteration(done).energy(POINT - s)) / 2e-5 for s in step]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    before(other.energy)(POINT)
    with pytest.raises(LostGradientError, match="kept from before"):
        gradient(other.energy)(POINT)


class Number:
    y = 1.0

    def root(self, x):
        y = self.y
        while True:
            new = 0.5 * math.cos(y) + x
            if abs(new - y) < 1e-12:
                break
            y = new
        self.y = new
        return new


def test_a_number_that_begins_at_its_end():
    number = Number()
    number.root(0.5)
    with pytest.raises(LostGradientError, match="kept from before"):
        gradient(number.root)(0.5)


class Newton:
    """Its last step has the derivative, wherever it begins."""

    def __init__(self):
        self.y = np.ones(3)

    def energy(self, x):
        y = self.y
        for _ in range(50):
            step = -(y**3 + y - x) / (3 * y**2 + 1)
            y = y + step
            if np.linalg.norm(step) < 1e-12:
                break
        self.y = y
        return (y**2).sum()


class Told:
    """What it keeps is read by nobody."""

    def __init__(self):
        self.sizes = []

    def energy(self, x):
        y = np.ones(3)
        for _ in range(200):
            new = image(y, x)
            self.size = np.linalg.norm(new - y)
            self.sizes.append(self.size)
            y = new
            if self.size < 1e-13:
                break
        self.last = y
        return (y**2).sum()


class Anew:
    """It begins at the same place in each run."""

    def energy(self, x):
        self.y = np.ones(3)
        for _ in range(200):
            new = image(self.y, x)
            if np.linalg.norm(new - self.y) < 1e-14:
                break
            self.y = new
        return (self.y**2).sum()


@pytest.mark.parametrize("make", [Newton, Told, Anew])
def test_what_does_not_depend_on_where_it_begins_is_followed(make):
    kept = make()
    expected = gradient(make().energy)(POINT)
    for _ in range(3):
        np.testing.assert_allclose(gradient(kept.energy)(POINT), expected, rtol=1e-9)


class Aimed:
    def aim(self, level):
        self.level = level

    def time(self, x):
        y, n = 1.0 + x, 0
        while y - self.level > 1e-8:
            y, n = self.level + (y - self.level) * 0.5, n + 1
        return n * x + y


def test_a_level_that_somebody_has_set_is_a_constant():
    aimed = Aimed()
    aimed.aim(0.3)
    aimed.time(0.5)
    assert gradient(aimed.time)(0.5) == pytest.approx(27.0, abs=1e-6)


class Atoms:
    """In metres everything is closer than a small number."""

    reference = 2.5e-10

    def energy(self, x):
        place = x * 1e-10
        away = place - self.reference
        energy = away * 1e10 if abs(away) < 1e-9 else 0.0
        self.reference = 1.5 * place
        return energy


def test_small_units_are_no_tolerance():
    atoms = Atoms()
    atoms.energy(0.5)
    assert gradient(atoms.energy)(0.6) == pytest.approx(1.0)
