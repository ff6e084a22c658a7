"""Programs written for other libraries' namespaces: HIPS autograd's NumPy and SciPy, and Dask's delayed calls."""

import functools

import autograd as hips
import autograd.numpy as anp
import autograd.scipy.linalg as asl
import autograd.scipy.special as asp
import dask
import dask.array
import numpy as np
import pytest
import scipy.optimize as so
from autograd.misc import flatten

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


def _loss(w, x):
    return anp.sum(anp.tanh(anp.dot(anp.array([[x, 1.0], [2.0, x * x]]), w)) ** 2) * x


W = np.array([0.3, -0.2])
HIPS = {
    "grad": lambda x: anp.sum(hips.grad(_loss)(W * x, x) ** 2),
    "by another argument": lambda x: hips.grad(_loss, 1)(W, x),
    "several": lambda x: hips.grad(_loss, (0, 1))(W, x)[1] + anp.sum(hips.grad(_loss, (0, 1))(W, x)[0]),
    "value_and_grad": lambda x: hips.value_and_grad(_loss)(W, x)[0] * hips.value_and_grad(_loss)(W, x)[1][0],
    "elementwise_grad": lambda x: anp.sum(hips.elementwise_grad(lambda t: anp.sin(t * x))(W)),
    "jacobian": lambda x: anp.sum(hips.jacobian(lambda w: anp.exp(w * x) * w[0])(W) ** 2),
    "hessian": lambda x: anp.sum(hips.hessian(_loss)(W, x) ** 2),
    "hessian_vector_product": lambda x: anp.sum(hips.hessian_vector_product(_loss)(W, x, W) ** 2),
    "make_vjp": lambda x: anp.sum(hips.make_vjp(lambda w: w * w * x)(W)[0](W)),
    "make_jvp": lambda x: anp.sum(hips.make_jvp(lambda w: w * w * x)(W)(W)[1]),
    "grad of grad": lambda x: hips.grad(hips.grad(lambda t: anp.sin(t * t) * x))(x),
    "in a minimiser": lambda x: so.minimize(
        hips.value_and_grad(lambda w: anp.sum((anp.exp(w) - x) ** 2)), W, jac=True, tol=1e-12
    ).x[0],
}


@pytest.mark.parametrize("name", HIPS)
def test_hips_differentiates_what_varies(name):
    check_gradient(HIPS[name], 0.7)


def test_hips_flattens_what_varies():
    def program(x):
        flat, unflatten = flatten({"a": x * W, "b": [x, 2.0]})
        return anp.sum(flat**2 * anp.arange(1.0, 5.0)) + anp.sum(unflatten(flat * x)["b"][0])

    check_gradient(program, 0.7)


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
