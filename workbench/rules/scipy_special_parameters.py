"""Inverses of ``scipy.special``'s distributions by a parameter: degrees of freedom, shapes, numbers of successes.

Numbers of successes and failures are those of the smooth incomplete beta and gamma functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.registry import PARTIALS
from workbench.autodiff.telling import plain
from workbench.rules.scipy_special import by_difference
from workbench.rules.scipy_special_densities import beta_density, gamma_density
from workbench.rules.scipy_special_distributions import Partial, Partials, implicit

_A, _B = by_difference(sp.betainc, 0), by_difference(sp.betainc, 1)

# I_{1−p}(n − k, k + 1), the binomial distribution
_BINOMIAL: Partials = (
    lambda m, y, k, n, p: _B(m, None, n - k, k + 1.0, 1.0 - p) - _A(m, None, n - k, k + 1.0, 1.0 - p),
    lambda m, y, k, n, p: _A(m, None, n - k, k + 1.0, 1.0 - p),
    lambda m, y, k, n, p: -beta_density(k + 1.0, n - k, p),
)
# I_p(n, k + 1), the negative one
_NEGATIVE: Partials = (
    lambda m, y, k, n, p: _B(m, None, n, k + 1.0, p),
    lambda m, y, k, n, p: _A(m, None, n, k + 1.0, p),
    lambda m, y, k, n, p: beta_density(n, k + 1.0, p),
)
_POISSON: Partials = (
    lambda m, y, k, rate: by_difference(sp.gammaincc, 0)(m, None, k + 1.0, rate),
    lambda m, y, k, rate: -gamma_density(k + 1.0, rate),
)

# the inverse -> the distribution, its partials, and which of its arguments is found
_INVERSES: dict[str, tuple[Callable, Partials, int]] = {
    "bdtrik": (lambda k, n, p: sp.betainc(n - k, k + 1.0, 1.0 - p), _BINOMIAL, 0),
    "bdtrin": (lambda k, n, p: sp.betainc(n - k, k + 1.0, 1.0 - p), _BINOMIAL, 1),
    "nbdtrik": (lambda k, n, p: sp.betainc(n, k + 1.0, p), _NEGATIVE, 0),
    "nbdtrin": (lambda k, n, p: sp.betainc(n, k + 1.0, p), _NEGATIVE, 1),
    "pdtrik": (lambda k, rate: sp.gammaincc(k + 1.0, rate), _POISSON, 0),
    "btdtria": (sp.betainc, PARTIALS[sp.betainc], 0),
    "btdtrib": (sp.betainc, PARTIALS[sp.betainc], 1),
    "chdtriv": (sp.chdtr, PARTIALS[sp.chdtr], 0),
    "chndtridf": (sp.chndtr, PARTIALS[sp.chndtr], 1),
    "chndtrinc": (sp.chndtr, PARTIALS[sp.chndtr], 2),
    "fdtridfd": (sp.fdtr, PARTIALS[sp.fdtr], 1),
    "gdtrib": (sp.gdtr, PARTIALS[sp.gdtr], 1),
    "ncfdtri": (sp.ncfdtr, PARTIALS[sp.ncfdtr], 3),
    "ncfdtridfn": (sp.ncfdtr, PARTIALS[sp.ncfdtr], 0),
    "ncfdtridfd": (sp.ncfdtr, PARTIALS[sp.ncfdtr], 1),
    "ncfdtrinc": (sp.ncfdtr, PARTIALS[sp.ncfdtr], 2),
    "nctdtridf": (sp.nctdtr, PARTIALS[sp.nctdtr], 0),
    "nctdtrinc": (sp.nctdtr, PARTIALS[sp.nctdtr], 1),
    "stdtridf": (sp.stdtr, PARTIALS[sp.stdtr], 0),
}


def _where_found(partial: Partial, distribution: Callable, solved: int) -> Partial:
    """Without a solution SciPy gives an end of the interval that it searches, which does not vary."""

    def of_solution(m: Any, y: Any, *x: Any) -> Any:
        given = plain(x[solved])
        reached = distribution(*map(plain, (*x[:solved], y, *x[solved + 1 :])))
        room = np.minimum(given, 1.0 - given)
        found = (room > 0) & (np.abs(reached - given) <= 1e-4 * room)
        return np.where(found, partial(m, y, *x), 0.0)

    return of_solution


for _name, (_distribution, _partials, _solved) in _INVERSES.items():
    PARTIALS[getattr(sp, _name)] = tuple(
        _where_found(partial, _distribution, _solved) for partial in implicit(_partials, _solved)
    )
