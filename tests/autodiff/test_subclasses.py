"""Arrays of subclasses: as arguments and results, forward and twice, left behind, and what is refused of them.

What programs do with them stands in ``corpus/subclasses.py``.
"""

import pickle

import numpy as np
import pytest

from tests.autodiff.corpus import subclasses
from tests.autodiff.corpus.subclasses import Pair, Plain, Signal
from workbench.autodiff import gradient, hessian, jacobian, pullback, pushforward
from workbench.checks import check_gradient
from workbench.errors import LostGradientError, NotDifferentiableError

X = np.array([0.7, -1.3, 2.1])


def energy_of_products(x):
    s = Signal(x, 2.0)
    return (s * s[::-1]).energy() * np.sin(s).sum()


def test_all_derivatives_of_a_program():
    check_gradient(energy_of_products, X)
    _, push = pushforward(energy_of_products, X)
    back = gradient(energy_of_products)(X)
    assert np.isclose(push(np.array([1.0, 2.0, 3.0])), back @ [1.0, 2.0, 3.0])
    rows = [
        (gradient(energy_of_products)(X + h) - gradient(energy_of_products)(X - h)) / 2e-6
        for h in 1e-6 * np.eye(3)
    ]
    assert np.allclose(hessian(energy_of_products)(X), rows, atol=1e-6)


@pytest.mark.parametrize("name", ["own_operators", "own_universal_functions", "matrices"])
def test_forward_agrees_with_reverse(name):
    function, args = (
        getattr(subclasses, name),
        {"matrices": (subclasses.A,)}.get(name, (X[:2], 0.6) if name == "own_operators" else (X,)),
    )
    back = gradient(function)(*args)
    _, push = pushforward(function, *args, wrt=0)
    direction = np.cos(np.arange(np.size(back))).reshape(np.shape(back))
    assert np.isclose(push(direction), np.sum(back * direction), rtol=1e-10)


def test_the_value_is_of_the_class_and_cotangents_are_arrays():
    y, back = pullback(lambda x: Signal(x, 2.0) ** 2, X)
    assert type(y) is Signal
    assert y.rate == 2.0
    assert np.array_equal(y, X**2)
    (found,) = back(np.ones(3))
    assert type(found) is np.ndarray
    assert np.allclose(found, 2 * X)
    assert np.allclose(back(np.ones(3).view(Signal))[0], 2 * X)
    assert np.allclose(jacobian(lambda x: Signal(x, 2.0) ** 2)(X), np.diag(2 * X))


def test_an_argument_of_a_subclass_keeps_class_and_attributes():
    def program(s, factor):
        assert type(s) is Signal
        return s.energy() * factor + s.mean()

    s = Signal(X, 4.0)
    found = gradient(program, wrt=(0, 1))(s, 3.0)
    assert type(found[0]) is np.ndarray
    assert np.allclose(found[0], 1.5 * X + 10.0 / 3.0)
    assert np.isclose(found[1], s.energy())
    assert np.allclose(gradient(lambda m: (m * m.T).item())(np.matrix(X)), 2 * X)


def test_attributes_over_the_memory_of_an_argument_vary_with_it():
    """``Pair`` reads its elements out of an attribute, the array over whose memory it lies."""
    found = gradient(lambda p: (p * p).parts[0])(Pair([0.3, 0.8]))
    assert np.allclose(found, [0.6, -1.6])


def test_an_argument_that_keeps_its_numbers_twice_is_refused():
    s = Signal(X, 1.0)
    s.twice = X.copy()
    with pytest.raises(NotDifferentiableError, match="'twice'") as caught:
        gradient(lambda s: np.sum(s.twice))(s)
    assert "numpy.asarray" in caught.value.fix


def test_what_is_left_behind_is_plain():
    kept = []

    def program(x):
        s = Signal(x, x[0])
        s.parent = Signal(x * x)
        kept.append(s)
        filled = np.zeros(3).view(Signal)
        filled[:] = x
        filled.rate = x[1]
        kept.append(filled)
        return s.energy()

    gradient(program)(X)
    assert [type(s) for s in kept] == [Signal, Signal]
    assert type(kept[0].rate) in (float, np.float64)
    assert type(kept[0].parent) is Signal
    assert np.array_equal(kept[0], X)
    assert np.array_equal(kept[0].parent, X * X)
    assert np.array_equal(kept[1], X)
    assert kept[1].rate == X[1]
    assert type(kept[1].rate) in (float, np.float64)


def test_compiled_code_takes_nothing_unseen():
    def program(x):
        return pickle.loads(pickle.dumps(Plain.__new__(Plain, 3) + x)).sum()

    with pytest.raises(LostGradientError) as caught:
        gradient(program)(X)
    assert "in program" in caught.value.where


def test_attributes_that_arrays_do_not_have_are_errors():
    with pytest.raises(AttributeError, match="'Plain' object has no attribute 'rate'"):
        gradient(lambda x: x.view(Plain).rate)(X)
    with pytest.raises(AttributeError):
        gradient(lambda x: x.view(Signal).value)(X)  # a slot of the engine's own


def test_methods_of_other_subclasses_and_of_numpy_give_what_they_give():
    def program(x):
        s = x.view(Plain)
        assert np.ndarray.sum(s).shape == ()
        assert type(np.ndarray.__mul__(s, 2.0)) is Plain
        assert repr(s).startswith("Plain(")
        assert len(s) == 3
        assert x[0] in s
        assert list(s.shape) == [3]
        assert s.tolist() == list(s)
        assert bool(s.any())
        assert type(s.view(Signal)) is Signal
        return np.ndarray.__getitem__(s, 1) * np.ndarray.max(s)

    check_gradient(program, X)
