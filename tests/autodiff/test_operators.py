"""Jacobians, Hessians, the pushforward, checkpoints, hooks: against differences and against each other."""

import importlib
import math
import pkgutil

import numpy as np
import pytest

from tests.autodiff import corpus
from workbench import (
    checkpoint,
    diagonal_hessian,
    gradient,
    hessian,
    hessian_vector_product,
    hook,
    is_differentiating,
    jacobian,
    pullback,
    pushforward,
    sparse_jacobian,
)
from workbench.autodiff.structure import leaves, map_leaves
from workbench.checks import central_difference
from workbench.errors import NotDifferentiableError

for _module in pkgutil.iter_modules(corpus.__path__):
    importlib.import_module(f"{corpus.__name__}.{_module.name}")

X = np.array([0.3, -0.7, 1.1])


def rosenbrock(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
    return total


def spiral(x):
    y = np.zeros(5)
    for i in range(5):
        y[i] = math.sin(x[0] * i) * x[1] + x[2] ** 2
    y[2:] *= y[:3]
    return y


@pytest.mark.parametrize(("name", "function", "args"), corpus.PROGRAMS, ids=[p[0] for p in corpus.PROGRAMS])
def test_pushforward_of_program(name, function, args):
    rng = np.random.default_rng(1)
    directions = [
        rng.standard_normal(np.shape(x)) if np.ndim(x) else rng.standard_normal() for x in leaves(args)
    ]
    value, push = pushforward(function, *args)
    entries = iter(directions)
    pushed = push(*map_leaves(lambda x: next(entries), args))
    fresh = map_leaves(lambda x: x.copy() if isinstance(x, np.ndarray) else x, args)
    expected = central_difference(function, fresh, directions, 3e-4)
    for got, want, y in zip(leaves(pushed), expected, leaves(value), strict=True):
        size = np.max(np.abs(want)) + np.max(np.abs(y)) + 1.0
        assert np.allclose(got, want, rtol=1e-6, atol=1e-7 * size)


def test_jacobian_by_rows_and_by_columns():
    wide = jacobian(spiral)(X)
    assert wide.shape == (5, 3)
    _, back = pullback(spiral, X)
    rows = np.stack([back(row)[0] for row in np.eye(5)])
    assert np.allclose(wide, rows, rtol=1e-12, atol=1e-14)
    assert jacobian(lambda x: (x**2).sum())(X).shape == (3,)
    assert jacobian(lambda x: np.outer(x, x))(X).shape == (3, 3, 3)
    assert np.allclose(jacobian(lambda a: np.array([a, a * a, math.exp(a)]))(0.5), [1.0, 1.0, math.exp(0.5)])
    assert jacobian(lambda a, b: a * b**2, wrt=1)(2.0, 3.0) == 12.0


def test_the_modes_of_a_jacobian_agree():
    by_shape = jacobian(spiral)(X)
    for mode in ("forward", "reverse"):
        assert np.allclose(jacobian(spiral, mode=mode)(X), by_shape, rtol=1e-12, atol=1e-14)
    found, extra = jacobian(lambda x, k=1.0: (x * k, {"sum": x.sum()}), aux=True)(X, k=2.0)
    assert np.array_equal(found, 2 * np.eye(3))
    assert extra == {"sum": X.sum()}
    with pytest.raises(ValueError, match="there is no mode 'sideways'"):
        jacobian(spiral, mode="sideways")


def test_the_pushforward_by_some_arguments():
    value, push, extra = pushforward(lambda a, n, b: (a**n * b, "extra"), 2.0, 3, 5.0, wrt=(0, 2), aux=True)
    assert (value, push(1.0, 0.0), push(0.0, 1.0), extra) == (40.0, 60.0, 8.0, "extra")
    with pytest.raises(NotDifferentiableError, match="one tangent for each argument"):
        push(1.0, 0, 1.0)


def test_jacobian_of_structures_is_refused():
    with pytest.raises(NotDifferentiableError, match="as argument"):
        jacobian(lambda p: p["a"])({"a": 1.0})
    with pytest.raises(NotDifferentiableError, match="as result"):
        jacobian(lambda a: (a, a))(1.0)


def test_hessians_agree():
    full = hessian(rosenbrock)(X)
    step = 1e-5
    numeric = np.stack(
        [
            (gradient(rosenbrock)(X + step * e) - gradient(rosenbrock)(X - step * e)) / (2 * step)
            for e in np.eye(3)
        ]
    )
    assert np.allclose(full, numeric, rtol=1e-6, atol=1e-5)
    assert np.allclose(full, full.T)
    direction = np.array([1.0, -2.0, 0.5])
    assert np.allclose(hessian_vector_product(rosenbrock)(X, direction), full @ direction)
    assert np.allclose(diagonal_hessian(rosenbrock)(X), np.diag(full))
    assert hessian(lambda x: x**3)(2.0) == pytest.approx(12.0)


def test_checkpoints_give_the_same_gradient_and_run_again():
    calls = []

    def step(x, k):
        calls.append(1)
        y = np.zeros_like(x)
        for i in range(len(x)):
            y[i] = math.sin(x[i] * k) + x[i - 1]
        return y, y.sum()

    def run(x, wrap):
        total = 0.0
        for k in range(3):
            x, part = wrap(step)(x, 0.5 + k)
            total += part**2
        return total

    plain = gradient(lambda x: run(x, lambda f: f))(X)
    calls.clear()
    assert np.allclose(gradient(lambda x: run(x, checkpoint))(X), plain, rtol=1e-13)
    assert len(calls) == 6
    nested = gradient(lambda x: checkpoint(lambda v: run(v, checkpoint))(x))(X)
    assert np.allclose(nested, plain, rtol=1e-13)


def test_checkpoint_by_a_number_it_takes_along():
    assert gradient(lambda k: checkpoint(lambda a, b: a**b)(2.0, k))(3.0) == pytest.approx(8 * math.log(2.0))


def test_hooks_see_and_change_cotangents():
    seen = []

    def clipped(bar):
        seen.append(bar)
        return max(-1.0, min(1.0, bar))

    assert gradient(lambda x: 10.0 * hook(clipped, x) + x)(2.0) == 2.0
    assert seen == [10.0]
    assert hook(clipped, 3.0) == 3.0


def test_is_differentiating():
    assert not is_differentiating()
    assert gradient(lambda x: x * (2.0 if is_differentiating() else 1.0))(1.0) == 2.0
    assert not is_differentiating()


def test_modes_nest():
    def f(x):
        return math.exp(x) * x

    _, push = pushforward(gradient(f), 0.3)
    assert push(1.0) == pytest.approx(gradient(gradient(f))(0.3), rel=1e-13)
    inner = gradient(lambda x: pushforward(f, x)[1](1.0))(0.3)
    assert inner == pytest.approx(push(1.0), rel=1e-13)


def of_two_items(x, items):
    return np.array([x * next(items), x * x * next(items), 3.0 * x])


def of_two_draws(x, rng):
    return np.array([x * rng.normal(), x * x, x * rng.normal()])


@pytest.mark.parametrize("aux", [False, True])
def test_a_jacobian_runs_the_program_once(aux):
    program = (lambda x, items: (of_two_items(x, items), "and more")) if aux else of_two_items
    found = jacobian(program, aux=aux)(2.0, iter([2.0, 3.0, 5.0, 7.0]))
    np.testing.assert_array_equal(found[0] if aux else found, [2.0, 12.0, 3.0])
    rng, again = np.random.default_rng(0), np.random.default_rng(0)
    np.testing.assert_array_equal(jacobian(of_two_draws)(2.0, rng), [again.normal(), 4.0, again.normal()])
    assert rng.bit_generator.state == again.bit_generator.state
    sparse = sparse_jacobian(lambda x, items: x * next(items))
    np.testing.assert_array_equal(sparse(np.ones(2), iter([2.0, 3.0])).toarray(), 2.0 * np.eye(2))


def test_arguments_by_name_are_constants_of_pullback_and_pushforward():
    def program(x, *, power, table):
        return np.sum(table * x**power)

    table = np.array([1.0, 2.0])
    x = np.array([3.0, 0.5])
    y, back = pullback(program, x, power=2.0, table=table)
    assert y == 9.5
    assert np.allclose(back()[0], [6.0, 2.0])
    y, push, extra = pushforward(lambda x, power: (x**power, "more"), 3.0, aux=True, power=2.0)
    assert (y, push(0.5), extra) == (9.0, 3.0, "more")
    with pytest.raises(TypeError, match="speed"):
        pullback(program, x, power=2.0, table=table, speed=1.0)
