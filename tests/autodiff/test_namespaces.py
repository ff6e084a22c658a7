"""Programs written for other libraries' namespaces: HIPS autograd's NumPy and SciPy, and Dask's delayed calls."""

import functools

import autograd.numpy as anp
import autograd.scipy.linalg as asl
import autograd.scipy.special as asp
import dask
import dask.array
import numpy as np
import pytest

from workbench import gradient
from workbench.autodiff import registry
from workbench.checks import check_gradient
from workbench.errors import DifferentiationError


def _filled(x):
    y = np.zeros(3)
    y[:2] = x, 2.0 * x
    return y


def network(x):
    weights = anp.array([[x, 1.0], [2.0, x * x]])
    hidden = anp.tanh(anp.dot(anp.stack([weights, weights]), anp.append(_filled(x)[:1], x)))
    return anp.sum(hidden**2) + anp.linalg.norm(_filled(x)) + anp.concatenate([_filled(x), [x]])[-1]


def of_scipy(x):
    a = anp.column_stack([_filled(x)[:2] + 3.0, anp.hstack([x, 4.0])])
    return asp.logsumexp(_filled(x)) + asp.gammaln(x) + anp.sum(asl.solve_triangular(a, _filled(x)[:2]))


@pytest.mark.parametrize("program", [network, of_scipy])
def test_hips_namespaces_are_numpy_and_scipy(program):
    check_gradient(program, 1.3)


def test_hips_differentiates_inside_of_a_program():
    from autograd import grad

    def program(x):
        return grad(lambda t: anp.sum(anp.sin(anp.array([t, t * t]))))(0.5) * x

    assert np.isclose(gradient(program)(2.0), np.cos(0.5) + np.cos(0.25))


def test_delayed_calls_of_dask():
    def program(x):
        return dask.delayed(lambda a: a.sum() * 2.0)(_filled(x)).compute(scheduler="synchronous")

    assert gradient(program)(1.5) == 6.0
    with pytest.raises(DifferentiationError):
        gradient(lambda x: float(dask.array.from_array(_filled(x)).sum().compute()))(1.5)


def test_partials_bring_the_rules_of_their_package(monkeypatch):
    def transform(forward, x):
        return x

    transform.__module__ = "a_package_of_transforms"
    monkeypatch.setitem(registry.WAITING, transform.__module__, "json")
    assert registry.learn(functools.partial(transform, True))
