"""Arrays of subclasses: as arguments and results, forward and twice, left behind, and what is refused of them.

What programs do with them stands in ``corpus/subclasses.py``.
"""

import operator
import pickle

import numpy as np
import pytest

from tests.autodiff.corpus import subclasses
from tests.autodiff.corpus.classes_of_packages import Slotted, Tracked
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


@pytest.mark.parametrize("op", [operator.add, operator.mul, operator.truediv, operator.matmul])
@pytest.mark.parametrize("kind", [Plain, Signal, np.ndarray])
def test_a_list_of_traced_numbers_beside_an_array_of_a_subclass_is_an_array(op, kind):
    def program(x):
        constant = np.array([0.5, 2.0, -1.0]).view(kind)
        return np.sum(np.asarray(op(constant, [x[0], 2.0, x[1]]) + op((x[1], x[2], 1.5), constant)) ** 2)

    check_gradient(program, X)


class Mesh:
    """It keeps its volume until its vertices have another hash."""

    known = None

    def volume(self):
        if hash(self.vertices) != self.known:
            self.known, self.kept = hash(self.vertices), np.sum(np.asarray(self.vertices) ** 3)
        return self.kept


def test_what_is_kept_under_a_hash_is_made_anew_in_each_run():
    mesh = Mesh()

    def program(x):
        mesh.vertices = x.copy().view(Tracked)
        return mesh.volume() * mesh.volume()

    plain = program(X)
    for _ in range(2):
        assert np.allclose(gradient(program)(X), 6 * np.sum(X**3) * X**2)
    assert type(mesh.kept) is np.float64
    assert program(X) == plain


def test_equal_arrays_under_one_hash_must_vary_alike():
    def program(x):
        kept = {}
        for t in (x.copy().view(Tracked), (2 * x - X).view(Tracked)):
            kept.setdefault(hash(t), np.sum(np.asarray(t) ** 3))
        return sum(kept.values())

    with pytest.raises(LostGradientError, match="vary differently"):
        gradient(program)(X)


class Last:
    """It gives the result for the last argument again for one that is equal."""

    argument = result = None

    def __call__(self, x, equal):
        if self.argument is None or not equal(self.argument, x):
            self.argument, self.result = x.copy() if isinstance(x, np.ndarray) else x, 1.0 * (x * x).sum()
        return self.result


def filled(x):
    made = np.zeros(3)
    made[:] = x
    return made


@pytest.mark.parametrize("make", [filled, lambda x: x.view(Plain), lambda x: Slotted(x, 2.0)])
@pytest.mark.parametrize("equal", [np.array_equal, lambda a, b: (a == b).all(), np.allclose])
def test_an_equal_array_of_an_earlier_run_is_refused(make, equal):
    last = Last()
    assert np.allclose(gradient(lambda x: last(make(x), equal))(X), 2 * X)
    with pytest.raises(LostGradientError, match="kept from before"):
        gradient(lambda x: last(make(x), equal))(X)


def test_an_equal_number_of_an_earlier_run_is_refused():
    kept = {}

    class Once:
        argument = None

        def __call__(self, x):
            if self.argument != x:
                self.argument, self.result = x, float(x) ** 3
            return self.result

    class Tagged(float):
        pass

    once = Once()
    assert np.isclose(gradient(lambda x: once(Tagged(x)))(1.3), 3 * 1.3**2)
    with pytest.raises(LostGradientError, match="kept from before"):
        gradient(lambda x: once(Tagged(x)))(1.3)

    def by_key(x):
        return kept.setdefault(Tagged(x), x**3)

    assert np.isclose(gradient(by_key)(1.3), 3 * 1.3**2)
    with pytest.raises(LostGradientError, match="earlier run had stored"):
        gradient(by_key)(1.3)


def test_an_array_with_slots_is_an_argument_and_is_left_behind():
    found = gradient(lambda s: s.rate * (s * s).sum())(Slotted(X, 3))
    assert np.allclose(found, 6 * X)
    filled = Slotted(np.zeros(3), 1.0)

    def program(x):
        filled[:] = x
        filled.rate = x[0] * filled.rate
        return filled.sum()

    gradient(program)(X)
    assert type(filled.rate) in (float, np.float64)
    assert filled.rate == X[0]
    assert np.array_equal(filled, X)


class Unhashable(np.ndarray):
    def __eq__(self, other):
        return True


@pytest.mark.parametrize("kind", [Plain, Unhashable])
def test_classes_without_a_hash_have_none(kind):
    with pytest.raises(TypeError, match=f"unhashable type: '{kind.__name__}'"):
        gradient(lambda x: {x.view(kind): x.sum()}[0])(X)


class GivesUp(np.ndarray):
    def __add__(self, other):
        return NotImplemented

    def __lt__(self, other):
        return NotImplemented


def test_operators_that_every_class_gives_up_are_errors():
    """NumPy's own arrays and numbers compute with the other operand all the same."""
    check_gradient(lambda x: (x.view(GivesUp) + x).sum() * (x.view(GivesUp) + x[0]).sum(), X)
    for other in (1.0, [1.0], None):
        with pytest.raises(TypeError):
            gradient(lambda x, other=other: (x.view(GivesUp) + other).sum())(X)
    with pytest.raises(TypeError):
        gradient(lambda x: (x.view(GivesUp) + x.view(GivesUp)).sum())(X)
    with pytest.raises(TypeError):
        gradient(lambda x: (x.view(GivesUp) < x.view(GivesUp)) * x[0])(X)


class WithoutScalar(np.ndarray):
    """``__array_wrap__`` as it was before NumPy 2."""

    def __array_wrap__(self, array, context=None):
        made = super().__array_wrap__(array, context)
        made.by = context and context[0].__name__
        return made


@pytest.mark.filterwarnings("ignore:__array_wrap__ must accept")
def test_older_ways_to_wrap_arrays():
    def program(x):
        made = np.sin(x.view(WithoutScalar))
        assert made.by == "sin"
        return np.asarray(made * made.sum()).sum()

    check_gradient(program, X)


def test_torch_takes_arrays_of_subclasses_as_bare_ones():
    torch = pytest.importorskip("torch")
    check_gradient(lambda x: torch.sin(torch.tensor(x.view(Plain))).sum().item(), X)
    check_gradient(lambda x: torch.from_numpy(x.view(Plain)).pow(2).sum().item(), X)
