"""What is given to the operators: cotangents and tangents find their places by key and name; positions are checked."""

import math
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

from workbench import (
    check_gradient,
    diagonal_hessian,
    gradient,
    hessian,
    hessian_vector_product,
    hook,
    jacobian,
    pullback,
    pushforward,
    sparse_jacobian,
    torch_function,
    value_and_gradient,
)
from workbench.errors import NotDifferentiableError, NotScalarError, SparsityError

Pair = namedtuple("Pair", "a b")


@pytest.fixture(params=["off", "python"], autouse=True)
def _both_tiers(request, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", request.param)


def both(x):
    return {"a": x, "b": x**2}


def product(d):
    return d["a"] * d["b"] ** 2


def test_dicts_are_matched_by_their_keys():
    _, back = pullback(both, 3.0)
    assert back({"b": 1.0, "a": 0.0}) == (6.0,)
    _, push = pushforward(product, {"a": 2.0, "b": 3.0})
    assert push({"b": 1.0, "a": 0.0}) == 12.0
    turned = hessian_vector_product(product)({"a": 2.0, "b": 3.0}, {"b": 1.0, "a": 0.0})
    assert turned == {"a": 6.0, "b": 4.0}


def test_whole_numbers_and_none_are_cotangents():
    _, back = pullback(lambda x: Pair(x * 2, [x.sum(), "name", 7]), np.ones(2))
    assert np.array_equal(back(Pair(np.array([1, 0]), [True, None, None]))[0], [3.0, 1.0])
    assert np.array_equal(back((None, [2, None, None]))[0], [2.0, 2.0])
    assert pushforward(lambda x, y: x * y, 2.0, 3.0)[1](None, 1) == 2.0


def test_a_list_met_twice_gathers_the_cotangents_of_both_places():
    def twice(x):
        inner = [x]
        return inner, inner

    assert pullback(twice, 2.0)[1](([1.0], [10.0])) == (11.0,)


@pytest.mark.parametrize(
    ("y_bar", "message"),
    [
        ({"a": 1.0, "c": 1.0}, r"keys \['a', 'c'\], expected a dict with the keys \['a', 'b'\]"),
        ({"a": 1.0}, r"expected a dict with the keys \['a', 'b'\]"),
        ((1.0, 1.0), "got a tuple of 2, expected a dict"),
        (
            {"a": np.ones(2), "b": 1.0},
            r"got an array of shape \(2,\), expected a number\n  where: y_bar\['a'\]",
        ),
        ({"a": 1.0, "b": 1j}, "got a complex number, expected a real number"),
        ({"a": 1.0, "b": "text"}, "got a str, expected a number"),
    ],
)
def test_cotangents_that_do_not_fit(y_bar, message):
    with pytest.raises(NotScalarError, match=message):
        pullback(both, 3.0)[1](y_bar)


@pytest.mark.parametrize(
    "hidden",
    [
        lambda x: {x, 1.0},
        lambda x: (v for v in [x]),
        lambda x: map(abs, [x]),
        lambda x: iter([x]),
        lambda x: np.array([x, None], dtype=object),
        lambda x: lambda: x,
    ],
)
def test_no_cotangent_for_what_may_hide_numbers(hidden):
    _, back = pullback(lambda x: {"number": x * x, "rest": hidden(x)}, 1.5)
    assert back({"number": 1.0, "rest": None}) == (3.0,)
    with pytest.raises(NotScalarError, match=r"not looked for(.|\n)*y_bar\['rest'\]"):
        back({"number": 1.0, "rest": 1.0})


HIDING = {
    "set": lambda x: {2.0 * x, 1.0},
    "frozen set": lambda x: frozenset([2.0 * x]),
    "iterator": lambda x: iter([2.0 * x]),
    "generator": lambda x: (v for v in [2.0 * x]),
    "closure": lambda x: lambda: 2.0 * x,
    "array of objects": lambda x: np.array([2.0 * x, None], dtype=object),
    "values": lambda x: {1: 2.0 * x}.values(),
    "array in a closure": lambda x: (lambda a: lambda: a[0])(np.array([2.0 * x])),
}


@pytest.mark.parametrize("name", HIDING)
def test_cotangents_and_tangents_of_what_hides_numbers(name):
    hidden = HIDING[name]
    in_a_field = lambda x: SimpleNamespace(number=x * x, rest=[hidden(x), 3])  # noqa: E731
    value, back = pullback(in_a_field, 1.5)
    for rest in (value.rest, [{3.0}, None], [1.0, None]):
        with pytest.raises(NotScalarError, match=r"no cotangent belongs to a (.|\n)*y_bar.rest\[0\]"):
            back(SimpleNamespace(number=1.0, rest=rest))
    assert back(SimpleNamespace(number=1.0, rest=[None, None])) == (3.0,)
    assert back(SimpleNamespace(number=1.0, rest=None)) == (3.0,)
    value, back = pullback(hidden, 1.5)
    for y_bar in (value, 1.0):
        with pytest.raises(NotScalarError, match="no cotangent belongs to a"):
            back(y_bar)
    for program in (hidden, in_a_field):
        with pytest.raises(NotScalarError, match=r"no tangent belongs to a(.|\n)*aux=True"):
            pushforward(program, 1.5)
    beside = lambda x: (x * x, hidden(x))  # noqa: E731
    assert pullback(beside, 1.5, aux=True)[1]() == (3.0,)
    assert pushforward(beside, 1.5, aux=True)[1](1.0) == 3.0
    assert value_and_gradient(beside, aux=True)(1.5)[1] == 3.0
    check_gradient(in_a_field, 1.5)


def test_what_hides_numbers_holds_plain_ones_afterwards():
    assert {type(v) for v in pullback(HIDING["set"], 1.5)[0]} == {float}
    assert {type(v) for v in pullback(HIDING["frozen set"], 1.5)[0]} == {float}
    assert type(pullback(HIDING["array of objects"], 1.5)[0][0]) is float
    assert type(pullback(HIDING["closure"], 1.5)[0]()) is float


def test_a_cotangent_beside_what_holds_nothing_that_varies():
    made = lambda x: SimpleNamespace(number=x * x, names={"a"}, rule=math.sin, draws=iter([1.0]))  # noqa: E731
    value, back = pullback(made, 1.5)
    assert back(value) == (2.25 * 3.0,)
    assert pushforward(made, 1.5)[1](1.0).number == 3.0


def test_cotangents_of_what_cannot_vary_are_not_looked_at():
    _, back = pullback(lambda x: (x * x, 3, "text", None, np.arange(2), True), 1.5)
    assert back((1.0, 1.0, 0.0, 0.0, np.ones(2), 0.0)) == (3.0,)


def test_tangents_that_do_not_fit():
    _, push = pushforward(lambda x, y: x * y.sum(), 1.0, np.ones(2))
    with pytest.raises(NotScalarError, match=r"tangent does not fit the argument(.|\n)*where: tangent 1"):
        push(1.0, 1.0)


@pytest.mark.parametrize("operator", [gradient, value_and_gradient, jacobian])
@pytest.mark.parametrize("wrt", ["b", 1.0, True, (1, 1), (1, -1)])
def test_positions_are_whole_numbers_and_differ(operator, wrt):
    with pytest.raises(NotDifferentiableError, match="got wrt="):
        operator(lambda a, b: a * b, wrt=wrt)(2.0, 3.0)


def test_operators_of_one_argument():
    for operator in (jacobian, sparse_jacobian, diagonal_hessian):
        with pytest.raises(NotDifferentiableError, match="differentiates by one argument"):
            operator(lambda a, b: a * b, wrt=(0, 1))(2.0, 3.0)


def test_the_result_of_a_call_is_no_program():
    for operator in (gradient, jacobian, pullback, pushforward, torch_function):
        with pytest.raises(NotDifferentiableError, match="the function itself"):
            operator(3.0)


def test_hooks_that_return_nothing_or_something_else():
    seen = []
    assert gradient(lambda x: hook(seen.append, x**2) * 3)(2.0) == 12.0
    assert seen == [3.0]
    with pytest.raises(NotScalarError, match="what the hook"):
        gradient(lambda x: hook(lambda bar: bar[:1], x * x).sum())(np.ones(2))


def test_jacobians_of_whole_numbers():
    for mode in (None, "forward", "reverse"):
        assert np.array_equal(jacobian(lambda x: np.arange(4), mode=mode)(np.ones(3)), np.zeros((4, 3)))
        with pytest.raises(NotDifferentiableError, match=r"got ndarray of int64(.|\n)*astype\(float\)"):
            jacobian(lambda x: x * 2.0, mode=mode)(np.arange(3))


@pytest.mark.parametrize("mode", [None, "forward", "reverse"])
def test_jacobians_of_numbers_nest(mode):
    def inner(x):
        return jacobian(lambda y: math.sin(x * y), mode=mode)(x)

    assert jacobian(inner, mode=mode)(0.5) == pytest.approx(math.cos(0.25) - 0.5 * math.sin(0.25))


def test_the_diagonal_of_a_hessian_by_one_of_several_arguments():
    found = diagonal_hessian(lambda k, x, *, power: k * (x**power).sum(), wrt=1)(2.0, np.ones(2), power=3)
    assert np.allclose(found, 12.0)


def test_a_pattern_is_found_again_for_another_length():
    program = sparse_jacobian(lambda x, *, k: k * x)
    for n in (3, 5, 2):
        assert np.array_equal(program(np.ones(n), k=2.0).toarray(), 2 * np.eye(n))
    assert np.array_equal(program(np.ones(2, np.float32), k=2.0).toarray(), 2 * np.eye(2))
    with pytest.raises(SparsityError, match="got 'auto' of type str"):
        sparse_jacobian(lambda x: x, sparsity="auto")


def test_namespaces_are_containers():
    found = gradient(lambda p: p.a * p.b["c"])(SimpleNamespace(a=2.0, b={"c": 3.0}, name="text"))
    assert found == SimpleNamespace(a=3.0, b={"c": 2.0}, name=None)


def test_arrays_given_by_name_are_not_changed():
    def program(x, *, buffer):
        buffer[0] += x
        return buffer[0] * buffer[1]

    buffer = np.array([1.0, 3.0])
    for operator in (gradient, jacobian):
        assert operator(program)(2.0, buffer=buffer) == 3.0
    assert np.array_equal(buffer, [1.0, 3.0])


def test_angles_of_tiny_and_huge_numbers():
    for function in (math.atan2, np.arctan2):
        for size in (1e-200, 1e200):
            found = gradient(lambda y, x: function(y, x), (0, 1))(size, size)  # noqa: B023
            assert found == pytest.approx((0.5 / size, -0.5 / size), rel=1e-14, abs=0.0)
        assert np.isnan(gradient(lambda y: function(y, 0.0))(0.0))  # noqa: B023
        assert hessian(lambda y: function(y, 2.0))(1.0) == pytest.approx(-4 / 25)  # noqa: B023


@pytest.mark.parametrize(
    ("argument", "message"),
    [(np.int64(2), "pass a float"), (np.array(["a"]), "choose another")],
)
def test_arguments_that_cannot_vary(argument, message):
    with pytest.raises(NotDifferentiableError, match=message):
        gradient(lambda x: x)(argument)


def test_a_tangent_of_shared_memory_counts_once():
    x = np.array([1.0, 2.0, 3.0])

    def product(pair):
        return (pair[0] * pair[1]).sum()

    _, push = pushforward(product, [x, x])
    assert push([x, x]) == 28.0
    with pytest.raises(NotScalarError, match="two tangents were given for one variable"):
        push([x, 2 * x])
    assert pushforward(product, [x[:2], x[1:]])[1]([x[:2], x[1:]]) == 16.0
    assert pushforward(lambda a: (a**2).sum(), np.broadcast_to(2.0, (3,)))[1](np.ones(3)) == 12.0
    assert np.array_equal(hessian_vector_product(lambda p: product(p) ** 2)([x, x], [x, x])[1], 168 * x)
    same = [2.0]
    assert pushforward(lambda p: p[0][0] * p[1][0], (same, same))[1](([1.0], [1.0])) == 4.0


def test_second_derivatives_by_structures_are_refused_by_name():
    for operator in (hessian, diagonal_hessian):
        with pytest.raises(
            NotDifferentiableError, match=f"^{operator.__name__} needs one real number(.|\n)*product"
        ):
            operator(lambda d: d["a"] ** 2)({"a": 1.0})
    assert diagonal_hessian(lambda x: (x**3).sum())(np.ones(2, np.float32)).dtype == np.float32


def test_a_hook_comes_first():
    with pytest.raises(NotDifferentiableError, match="pass the function first"):
        gradient(lambda x: hook(x, lambda bar: bar) * 2)(1.0)


def scaled(a, b):
    b[1] = 2.0 * b[0] * b[2]
    return np.sum(a * b)


def test_writing_into_an_array_that_two_arguments_hold_is_refused():
    x, y = np.array([1.0, 2.0, 3.0]), np.arange(1.0, 5.0)
    for run in (
        lambda: gradient(scaled)(x, x),
        lambda: pullback(scaled, y[1:], y[:3]),
        lambda: pushforward(scaled, x, x),
    ):
        with pytest.raises(NotDifferentiableError, match="two arguments hold"):
            run()
    np.testing.assert_array_equal(x, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(gradient(scaled)(x, x.copy()), [1.0, 6.0, 3.0])
    np.testing.assert_array_equal(gradient(lambda a, b: np.sum(a * b))(x, x), x)


class Line:
    def __init__(self, weights):
        self.weights = weights

    def at(self, x):
        return self.weights["w"] * x


def trained(weights, line, step):
    weights["w"] = weights["w"] - step
    return line.at(3.0)


def cleared(x, buffer=None):
    buffer[0] = 0.0
    return np.sum(x * x)


def appended(a, b):
    a.append(1.0)
    return a[0] * len(b)


def counted(a, b):
    b.calls = 1
    return a.at(1.0) * b.at(2.0)


def test_writing_into_what_two_arguments_hold_some_other_way_is_refused():
    x, weights, numbers = np.array([1.0, 2.0]), {"w": 2.0}, [1.0, 2.0]
    line = Line(weights)
    for run in (
        lambda: gradient(cleared)(x, buffer=x),
        lambda: gradient(trained)(weights, line, 0.1),
        lambda: gradient(appended)(numbers, numbers),
    ):
        with pytest.raises(NotDifferentiableError, match="two arguments hold"):
            run()
    assert gradient(trained)({"w": 2.0}, line, 0.1) == {"w": 0.0}
    assert gradient(counted, wrt=(0, 1))(line, line)[0].weights == {"w": 4.0}
    np.testing.assert_array_equal(gradient(cleared)(x, buffer=x.copy()), 2 * x)
