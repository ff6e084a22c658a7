"""One program's derivatives backward, forward and of second order, against differences."""

import numpy as np

from workbench import check_gradient, gradient, pullback, pushforward
from workbench.autodiff.structure import leaves, map_leaves
from workbench.checks import central_difference


def check_all_ways(program, *args, second=True, rtol=1e-5):
    """Backward against differences, forward against backward, and the gradient of a scalar made of the result."""
    check_gradient(program, *args, rtol=rtol)
    rng = np.random.default_rng(1)
    directions = map_leaves(lambda x: _like(rng, x), args)
    value, back = pullback(program, *args)
    bars = map_leaves(lambda x: _like(rng, x), value)
    pushed = pushforward(program, *args)[1](*_opened(directions))
    there, back_again = _inner(bars, pushed), _inner(back(bars), directions)
    assert abs(there - back_again) <= 1e-8 * max(1.0, abs(there)), (there, back_again)
    if second:
        slopes = gradient(lambda *xs: _scalar(program(*xs)), wrt=tuple(range(len(args))))
        moved = leaves(directions)
        expected = central_difference(lambda *xs: slopes(*xs), args, moved, 3e-4)
        bars = map_leaves(lambda x: _like(rng, x), args)
        got = _inner(pullback(slopes, *args)[1](bars), directions)
        there = _inner(bars, tuple(expected))
        assert abs(there - got) <= 10 * rtol * max(1.0, abs(there)), (there, got)


def check_value(program, *args):
    """The value with the engine is that without it, in bits and types, one by one in a tuple."""
    own, traced = program(*args), pullback(program, *args)[0]
    for one, other in zip(own, traced, strict=True) if isinstance(own, tuple) else [(own, traced)]:
        assert type(one) is type(other)
        np.testing.assert_array_equal(one, other)


def _opened(directions):
    return directions if isinstance(directions, tuple) else tuple(directions)


def _scalar(value):
    return sum(np.sum(np.sin(np.real(x)) + np.imag(x) ** 2) for x in leaves(value))


def _like(rng, x):
    new = rng.standard_normal(np.shape(x))
    if np.iscomplexobj(x):
        new = new + 1j * rng.standard_normal(np.shape(x))
    return (
        new
        if isinstance(x, np.ndarray)
        else new.item()
        if np.ndim(new) == 0 and hasattr(new, "item")
        else new
    )


def _inner(bars, directions):
    pairs = zip(leaves(bars), leaves(directions), strict=True)
    return float(sum(np.sum(np.real(np.conj(b) * d)) for b, d in pairs))
