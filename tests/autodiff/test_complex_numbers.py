"""Complex numbers of Python's and of NumPy's stay what they are: their type, and each bit of what is computed."""

from __future__ import annotations

import cmath
import copy
import math
import operator

import numpy as np
import pytest
import scipy.special

from workbench.autodiff import gradient, pullback, pushforward

KINDS = {
    "Python's": complex,
    "NumPy's": np.complex128,
    "single": np.complex64,
}
FUNCTIONS = [
    lambda z: z * z * z,
    lambda z: z / (z + 0.3j),
    lambda z: z**2.5,
    lambda z: z**-2,
    lambda z: 2 ** (z * z),
    lambda z: (0.7 - 0.2j) ** z,
    lambda z: np.float32(0.7) * z,
    lambda z: z / np.float64(0.3),
    lambda z: np.complex64(0.3 + 0.4j) * z,
    lambda z: pow(z, 3),
    lambda z: abs(z),
    lambda z: z.__abs__(),
    lambda z: z.real * z.imag,
    lambda z: -z.conjugate(),
    lambda z: +z,
    lambda z: complex(z),
    lambda z: complex(z, z.real),
    lambda z: complex(z.imag, np.complex128(z)),
    lambda z: np.complex128(z) * z,
    lambda z: sum([z, 2.0, z * z]),
    lambda z: np.exp(z) * z,
    lambda z: np.conj(z) * z,
    lambda z: np.array([z, z * z])[1] * z,
    lambda z: np.array([z, z * z])[1].item() * z,
    lambda z: np.array([z, z]).tolist()[0] * z,
    lambda z: np.asarray(z) * z,
    lambda z: np.asarray(z).real,
    lambda z: np.asarray(z).imag * z,
    lambda z: np.ones(2, np.complex64) * z,
    lambda z: cmath.exp(z) * z,
    lambda z: cmath.log(z, 3.0),
    lambda z: cmath.log(z.real).conjugate(),
    lambda z: cmath.phase(z),
    lambda z: cmath.polar(z)[0] ** z,
    lambda z: cmath.rect(abs(z), z.imag),
    lambda z: operator.neg(z) * z.imag,
]


def bits(x):
    return type(x), np.asarray(x).tobytes()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_types_and_bits(kind, function):
    def program(x, y):
        z = kind(complex(x, y))
        types.append((type(z), isinstance(z, complex), isinstance(z, np.generic)))
        w = function(z)
        types.append((type(w), getattr(w, "dtype", None)))
        return w

    types = []
    expected = bits(program(0.7, 0.4)), types
    types = []
    value, back = pullback(program, 0.7, 0.4)
    assert (bits(value), types) == expected
    cotangent = 0.3 - 0.8j if np.iscomplexobj(value) else 0.3
    cotangent = np.full(2, cotangent) if np.ndim(value) else cotangent
    single = kind is np.complex64 or np.finfo(type(np.ravel(value)[0])).bits == 32

    def loss(x, y):
        return np.sum(np.real(np.conj(cotangent) * program(x, y)))

    h = 1e-2 if single else 1e-4
    differences = [
        (loss(0.7 + h * dx, 0.4 + h * dy) - loss(0.7 - h * dx, 0.4 - h * dy)) / (2 * h)
        for dx, dy in ((1, 0), (0, 1))
    ]
    near = {"rtol": 2e-3, "atol": 1e-3} if single else {"rtol": 1e-6, "atol": 1e-7}
    np.testing.assert_allclose(back(cotangent), differences, **near)
    _, push = pushforward(program, 0.7, 0.4)
    forward = np.sum(np.real(np.conj(cotangent) * push(0.6, -0.9)))
    np.testing.assert_allclose(forward, np.dot(back(cotangent), [0.6, -0.9]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_second_derivatives(function):
    def loss(x):
        return np.sum(np.abs(function(complex(x, 0.4))) ** 2)

    second = gradient(gradient(loss))(0.7)
    single = np.finfo(type(np.ravel(function(0.7 + 0.4j))[0])).bits == 32
    h = 1e-2 if single else 1e-4
    difference = (gradient(loss)(0.7 + h) - gradient(loss)(0.7 - h)) / (2 * h)
    np.testing.assert_allclose(second, difference, rtol=1e-3 if single else 1e-6, atol=1e-6)


def test_a_power_of_a_negative_number():
    def program(x):
        return abs((-x) ** 0.3 + (-2.0) ** x)

    value, back = pullback(program, 0.7)
    assert value == program(0.7)
    np.testing.assert_allclose(back()[0], (program(0.7001) - program(0.6999)) / 2e-4, rtol=1e-6)


def test_errors_are_those_of_each_kind():
    with pytest.raises(ZeroDivisionError):
        gradient(lambda x: abs(1.0 / complex(x, 0.0)))(0.0)
    with np.errstate(all="ignore"):
        value, _ = pullback(lambda x: 1.0 / np.complex128(x), 0.0)
    assert np.isnan(value)
    with pytest.raises(AttributeError, match="'complex' object has no attribute 'shape'"):
        gradient(lambda x: complex(x).shape and x)(1.0)
    assert gradient(lambda x: np.complex128(x).real * (1.0 + len(np.complex128(x).shape)))(1.0) == 1.0


def test_copies_and_text_are_those_of_a_number():
    def program(x):
        z = complex(x, 0.3)
        copied = [copy.copy(z), copy.deepcopy(z), *copy.deepcopy([z])]
        told.append([*map(type, copied), repr(z), str([z, np.complex64(z)])])
        return abs(sum(copied))

    told = []
    assert pullback(program, 0.7)[0] == program(0.7)
    assert told[0] == told[1]
    with pytest.raises(TypeError, match="not 'complex'"):
        gradient(lambda x: float(complex(x, 0.3)))(0.7)


METHODS = {
    "copy": lambda z: z.copy(),
    "astype": lambda z: z.astype(np.complex128),
    "astype, shorter": lambda z: z.astype(np.complex64),
    "of a real one": lambda z: z.real.astype(complex),
    "round": lambda z: z.round(9),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_a_number_give_numbers(name):
    kinds = []

    def program(x):
        made = METHODS[name](np.complex128(complex(x, 2.0)))
        kinds.append((type(made), isinstance(made, np.ndarray), isinstance(made, complex)))
        return abs(made) ** 2

    program(0.5)
    assert gradient(program)(0.5) == pytest.approx(1.0)
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("isclose", [math.isclose, cmath.isclose])
def test_a_tolerance_may_vary(isclose):
    def program(x):
        far = 3.0 if isclose(x, x + 1e-3, rel_tol=x * 1e-5) else 2.0
        return x**far if isclose(x, x + 1e-3, abs_tol=x) else x

    assert gradient(program)(0.5) == 1.0


def test_trigamma_of_complex_numbers():
    mpmath = pytest.importorskip("mpmath")
    rng = np.random.default_rng(5)
    z = rng.normal(0.0, 6.0, 40) + 1j * rng.normal(0.0, 3.0, 40)
    (found,) = pullback(lambda z: scipy.special.digamma(z), z)[1](np.ones(40, complex))
    expected = np.array([complex(mpmath.psi(1, mpmath.mpc(one))) for one in z])
    np.testing.assert_allclose(found, np.conj(expected), rtol=1e-13)


def test_the_logarithm_of_zero_with_a_base():
    """``cmath.log(0)`` is an error, that with a base is not."""
    assert pullback(lambda x: cmath.log(0, x).real, 2.0)[0] == -math.inf
    assert pullback(lambda x: cmath.log(0 * x, 2.0).real, 2.0)[0] == -math.inf
