"""Functions of ``scipy.special`` in Python whose branches at equal parameters would hide a derivative.

Roots of Jacobi polynomials go through those of Gegenbauer and Legendre where the two parameters are equal, and a
factorial of 1 is 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.calls import resolve
from workbench.autodiff.telling import plain
from workbench.rules.stand_ins import no_rule, stands_in


@stands_in(sp.roots_jacobi)
def _roots_jacobi(n, alpha, beta, mu=False):
    """Nodes are the eigenvalues of the recurrence's matrix, weights the first elements of its vectors squared.

    Source: G. H. Golub, J. H. Welsch, Calculation of Gauss quadrature rules, 1969; the recurrence is DLMF 18.9.2.
    """
    k, both, join = np.arange(1.0, n), alpha + beta, resolve(np.concatenate)
    first, s = k[:1], 2.0 * k + both
    middle = (beta**2 - alpha**2) / (s * (s + 2.0))
    diagonal = join([np.reshape((beta - alpha) / (both + 2.0), (1,)), middle])
    more = k[1:]
    s = 2.0 * more + both
    side = 4.0 * more * (more + alpha) * (more + beta) * (more + both) / (s**2 * (s + 1.0) * (s - 1.0))
    start = 4.0 * first * (1.0 + alpha) * (1.0 + beta) / ((2.0 + both) ** 2 * (3.0 + both))
    side = resolve(np.diag)(np.sqrt(join([start, side])), 1)
    nodes, vectors = np.linalg.eigh(resolve(np.diag)(diagonal) + side + np.transpose(side))
    total = 2.0 ** (both + 1.0) * sp.beta(alpha + 1.0, beta + 1.0)
    found = nodes, total * vectors[0] ** 2
    return (*found, total) if mu else found


@stands_in(sp.roots_gegenbauer)
def _roots_gegenbauer(n, alpha, mu=False):
    return _roots_jacobi(n, alpha - 0.5, alpha - 0.5, mu)


@stands_in(sp.factorial)
def _factorial(n, exact=False, extend="zero"):
    if exact:
        raise no_rule(sp.factorial, "exact=True")
    found = sp.gamma(n + 1.0)
    return np.where(plain(n) < 0, 0.0, found) if extend == "zero" else found


@stands_in(sp.factorialk)
def _factorialk(n, k, exact=False, extend="zero"):
    """k^((n − 1)/k) Γ(n/k + 1) / Γ(1/k + 1), of numbers that are not whole."""
    return np.power(k, (n - 1.0) / k) * sp.gamma(n / k + 1.0) * sp.rgamma(1.0 / k + 1.0)


@stands_in(sp.factorial2)
def _factorial2(n, exact=False, extend="zero"):
    return _factorialk(n, 2.0)


@stands_in(sp.comb)
def _comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    if exact:
        raise no_rule(sp.comb, "exact=True")
    if repetition:
        return sp.binom(N + k - 1.0, k)
    inside = (plain(k) <= plain(N)) & (plain(N) >= 0) & (plain(k) >= 0)
    return np.where(inside, sp.binom(N, k), 0.0)
