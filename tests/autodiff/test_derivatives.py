"""The operators: structures in and out, repeated pullbacks, nesting, what is left behind in the program."""

import cmath
import math
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from workbench import (
    gradient,
    hessian,
    non_differentiable,
    pullback,
    pushforward,
    rule,
    stop_gradient,
    value_and_gradient,
)
from workbench.autodiff.registry import DOORS, RULES
from workbench.errors import NotDifferentiableError, NotScalarError


@dataclass
class Layer:
    weight: np.ndarray
    bias: float
    name: str = "layer"


class Plain:
    def __init__(self, a, n):
        self.a, self.n = a, n


def test_gradient_has_the_structure_of_the_argument():
    found = gradient(lambda p: p["w"][0] * p["w"][1] ** 2 + p["k"] * 3)(
        {"w": [2.0, 3.0], "k": 1.0, "n": 4, "s": "x"}
    )
    assert found == {"w": [9.0, 12.0], "k": 3.0, "n": None, "s": None}
    layer = gradient(lambda layer: (layer.weight**2).sum() * layer.bias)(Layer(np.array([1.0, 2.0]), 3.0))
    assert type(layer) is Layer
    assert np.array_equal(layer.weight, [6.0, 12.0])
    assert (layer.bias, layer.name) == (5.0, None)
    thing = gradient(lambda t: t.a**t.n)(Plain(2.0, 3))
    assert (type(thing), thing.a, thing.n) == (Plain, 12.0, None)


def test_several_arguments_and_keywords():
    value, (by_x, by_z) = value_and_gradient(lambda x, y, z, k=1.0: x * y * z * k, wrt=(0, 2))(
        2.0, 3.0, 5.0, k=2.0
    )
    assert (value, by_x, by_z) == (60.0, 30.0, 12.0)
    assert gradient(lambda x, y: x * y, wrt=-1)(2.0, 3.0) == 2.0


def test_equal_numbers_in_two_places_are_two_variables():
    x = 1.5
    assert gradient(lambda xs: xs[0] * xs[1] ** 2)([x, x]) == [x**2, 2 * x * x]


def test_aux():
    value, found = value_and_gradient(lambda x: (x**2, {"inner": x * 3}), aux=True)(2.0)
    assert value == (4.0, {"inner": 6.0})
    assert found == 4.0
    assert type(value[1]["inner"]) is float


def test_aux_of_every_operator():
    def f(x):
        return x**2, {"inner": x * 3, "count": 2}

    assert gradient(f, aux=True)(2.0) == (4.0, {"inner": 6.0, "count": 2})
    value, back, extra = pullback(lambda x: (x**2, x.sum()), np.array([1.0, 2.0]), aux=True)
    assert np.array_equal(value, [1.0, 4.0])
    assert extra == 3.0
    assert np.array_equal(back(np.array([1.0, 1.0]))[0], [2.0, 4.0])
    with pytest.raises(NotScalarError, match="does not fit"):
        back(1.0)
    for program in (lambda x: x**2, lambda x: (x, x, x)):
        with pytest.raises(NotScalarError, match="returns a pair"):
            value_and_gradient(program, aux=True)(2.0)


def test_complex_numbers_are_numbers_of_two_directions():
    """The gradient of a real function of z is ∂f/∂Re z + i ∂f/∂Im z."""

    def f(z):
        w = z
        w += 1  # z stays as it is, as with any number
        assert isinstance(z, complex)
        return abs(z * z * cmath.exp(w)) + (complex(z.imag, 2.0) * z).real

    z, h = 1.3 + 0.4j, 1e-6
    by_difference = (f(z + h) - f(z - h)) / (2 * h) + 1j * (f(z + 1j * h) - f(z - 1j * h)) / (2 * h)
    found = gradient(f)(z)
    assert type(found) is complex
    assert found == pytest.approx(by_difference, rel=1e-8)
    assert gradient(lambda z: abs(z) ** 2)(3 - 4j) == pytest.approx(6 - 8j)
    value, back = pullback(
        lambda z: z**3, 1 + 2j
    )  # holomorphic: back is the product with the conjugate derivative
    assert (value, back(1j)[0]) == (pytest.approx((1 + 2j) ** 3), pytest.approx(1j * (3 * (1 - 2j) ** 2)))
    assert gradient(lambda x: (lambda c: (c * c).real)(complex(x, 1.0)))(2.0) == 4.0


def test_second_derivatives_by_complex_numbers():
    def slope(x, y):
        return gradient(lambda w: abs(np.exp(w) * w) ** 2)(complex(x, y)).real

    by_x, by_y = gradient(slope, (0, 1))(0.3, 0.5)
    assert by_x == pytest.approx((slope(0.3 + 1e-5, 0.5) - slope(0.3 - 1e-5, 0.5)) / 2e-5, rel=1e-8)
    assert by_y == pytest.approx((slope(0.3, 0.5 + 1e-5) - slope(0.3, 0.5 - 1e-5)) / 2e-5, rel=1e-8)


@pytest.mark.parametrize(
    "name", "acos acosh asin asinh atan atanh cos cosh exp log log10 sin sinh sqrt tan tanh".split()
)
def test_second_derivatives_of_cmath(name):
    function = getattr(cmath, name)

    def part(x, y):
        w = function(complex(x, y))
        return w.real * 0.7 + w.imag * w.real

    def slope(x, y):
        by_x, by_y = gradient(part, (0, 1))(x, y)
        return by_x + 0.3 * by_y

    step = 1e-5
    by_x, by_y = gradient(slope, (0, 1))(0.4, 0.6)
    assert by_x == pytest.approx((slope(0.4 + step, 0.6) - slope(0.4 - step, 0.6)) / (2 * step), rel=1e-7)
    assert by_y == pytest.approx((slope(0.4, 0.6 + step) - slope(0.4, 0.6 - step)) / (2 * step), rel=1e-7)


def test_pullback_is_linear_and_repeatable():
    a = np.arange(6.0).reshape(2, 3)
    value, back = pullback(lambda x: a @ x, np.ones(3))
    assert np.array_equal(value, a @ np.ones(3))
    assert np.array_equal(back(np.array([1.0, 0.0]))[0], a[0])
    assert np.array_equal(back(np.array([0.0, 2.0]))[0], 2 * a[1])
    assert np.array_equal(back(np.array([1.0, 0.0]))[0], a[0])


def test_pullback_of_a_structure():
    (low, high), back = pullback(lambda x: (x * 2, {"h": np.array([x, x**2])}), 3.0)
    assert low == 6.0
    assert np.array_equal(high["h"], [3.0, 9.0])
    assert back((1.0, {"h": np.array([0.0, 1.0])})) == (8.0,)


def test_derivatives_of_derivatives():
    def f(x):
        return math.sin(x) * x**3

    second = gradient(gradient(f))(0.7)
    assert second == pytest.approx(6 * 0.7 * math.sin(0.7) + 6 * 0.49 * math.cos(0.7) - 0.343 * math.sin(0.7))
    third = gradient(gradient(gradient(f)))
    step = 1e-4
    numeric = (gradient(gradient(f))(0.7 + step) - gradient(gradient(f))(0.7 - step)) / (2 * step)
    assert third(0.7) == pytest.approx(numeric, rel=1e-6)


def test_no_perturbation_confusion():
    assert gradient(lambda x: x * gradient(lambda y: x + y)(1.0))(2.0) == 1.0
    assert gradient(lambda x: gradient(lambda y: x * y * y)(3.0))(2.0) == 6.0


def test_hessian_of_a_program_that_writes():
    def f(x):
        y = np.zeros(3)
        for i in range(3):
            y[i] = x[i] ** 2 * x[0]
        y[1:] *= 2
        return np.sum(y) + np.dot(x, y)

    def row(x, i):
        return gradient(f)(x)[i]

    x, step = np.array([0.1, 0.5, -0.3]), 1e-5
    hessian = np.array([gradient(row)(x, i) for i in range(3)])
    numeric = np.array(
        [(gradient(f)(x + step * e) - gradient(f)(x - step * e)) / (2 * step) for e in np.eye(3)]
    )
    assert np.allclose(hessian, numeric, rtol=1e-7, atol=1e-8)
    assert np.allclose(hessian, hessian.T)


def test_stop_gradient():
    assert gradient(lambda x: x * stop_gradient(x))(3.0) == 3.0
    assert np.array_equal(gradient(lambda x: (x * stop_gradient(x)).sum())(np.array([1.0, 2.0])), [1.0, 2.0])


def test_values_left_in_globals_and_containers_are_numbers_again():
    seen = []

    def f(x, log):
        seen.append(x * 2)
        log.append(x * 3)
        return x * x

    log = [1.0]
    assert gradient(f)(2.0, log) == 4.0
    assert log == [1.0, 6.0]
    assert type(log[1]) is float
    assert float(seen[0]) == 4.0
    assert seen[0] + 1.0 == 5.0
    assert gradient(lambda x: x * seen[0])(1.0) == 4.0


def test_a_rule_of_the_users_is_used_and_can_be_wrong():
    def cube(x):
        return x**3

    @rule(cube)
    def cube_rule(x):
        def cube_pullback(y_bar):
            return (100.0 * y_bar,)

        return x**3, cube_pullback

    assert gradient(lambda x: cube(x) + x)(2.0) == 101.0
    del RULES[cube], DOORS[cube]


def test_non_differentiable():
    @non_differentiable
    def bucket(x):
        return math.floor(x) * 1.0

    assert gradient(lambda x: x * bucket(x))(2.5) == 2.0


def test_an_array_of_one_number_is_a_number():
    x = np.array([[0.3, 0.7]])
    value, found = value_and_gradient(lambda x: np.sin(x).sum(keepdims=True))(x)
    assert value.shape == (1, 1)
    np.testing.assert_array_equal(found, np.cos(x))


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_the_sign_of_an_imaginary_zero_is_the_side_of_a_branch_cut(zero):
    def root(x, y):
        return cmath.sqrt(complex(x, y)).imag

    side = math.copysign(1.0, zero)
    value, (by_x, by_y) = value_and_gradient(root, (0, 1))(-4.0, zero)
    assert (value, by_x, abs(by_y)) == (2.0 * side, -0.25 * side, 0.0)
    assert gradient(gradient(root))(-4.0, zero) == -side / 32.0


def test_what_is_no_number_is_refused():
    with pytest.raises(NotScalarError, match="an array of shape"):
        gradient(lambda x: x)(np.ones(2))
    with pytest.raises(NotScalarError, match="does the program return its result"):
        gradient(lambda x: None)(1.0)
    with pytest.raises(NotDifferentiableError, match="pass a float"):
        gradient(lambda x: x)(3)
    with pytest.raises(NotDifferentiableError, match="astype"):
        gradient(lambda x: x.sum())(np.arange(3))
    with pytest.raises(NotDifferentiableError, match="there is no argument 2"):
        gradient(lambda x: x, wrt=2)(1.0)
    with pytest.raises(NotScalarError, match="does not fit"):
        pullback(lambda x: x, np.ones(2))[1](np.ones(3))


def test_the_caller_s_array_is_untouched():
    x = np.array([1.0, 2.0])

    def f(v):
        v *= 3
        v[0] = 0.0
        return v.sum()

    assert np.array_equal(gradient(f)(x), [0.0, 3.0])
    assert np.array_equal(x, [1.0, 2.0])


def test_arrays_that_share_memory_go_on_sharing_it():
    class Field:
        def __init__(self):
            self.u = np.arange(5.0)
            self.inner = self.u[1:-1]

    def f(field):
        field.inner[:] = 2 * field.inner
        return (field.u**2).sum()

    plain = f(Field())
    value, found = value_and_gradient(f)(Field())
    assert value == plain
    assert np.array_equal(found.u, [0.0, 8.0, 16.0, 24.0, 8.0])


def test_gradients_in_several_threads_do_not_meet():
    shared = np.array([1.0, 2.0, 3.0])

    def f(x):
        buffer = np.zeros(50)
        for i in range(50):
            buffer[i] = math.sin(x[i % 3] * i) * shared[i % 3]
        return (buffer**2).sum()

    points = [np.array([0.1, 0.2, 0.3]) * k for k in range(1, 9)]
    alone = [gradient(f)(p) for p in points]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(gradient(f), points * 3))
    for got, expected in zip(together, alone * 3, strict=True):
        assert np.array_equal(got, expected)


def test_second_derivative_of_a_normal_quantile():
    def program(p):
        return statistics.NormalDist().inv_cdf(p)

    def difference(p, h=1e-4):
        return (program(p + h) - 2 * program(p) + program(p - h)) / h**2

    assert hessian(program)(0.3) == pytest.approx(difference(0.3), rel=1e-5)


def test_second_derivatives_of_products_of_nothing():
    def program(x):
        return np.prod(x[:0] ** 2) * x[0] ** 2 + np.cumprod(x[:0] ** 2).sum() * x[1]

    np.testing.assert_allclose(hessian(program)(np.array([1.0, 2.0])), [[2.0, 0.0], [0.0, 0.0]])


class _Slotted:
    __slots__ = ("t",)

    def __init__(self, t):
        self.t = t


class _NamedAgain(_Slotted):
    __slots__ = ("t",)


def test_slot_that_a_subclass_names_again_counts_once():
    value, back = pullback(_NamedAgain, 3.0)
    assert value.t == 3.0
    assert back(_NamedAgain(1.0)) == (1.0,)
    assert gradient(lambda x: x.t**2)(_NamedAgain(3.0)).t == 6.0
    assert pushforward(_NamedAgain, 3.0)[1](2.0).t == 2.0
