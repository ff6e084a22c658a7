"""Inverses of ``scipy.special``'s distributions by a parameter: degrees of freedom, shapes, numbers of successes.

Numbers of successes and failures are those of the smooth incomplete beta and gamma functions.
"""

from __future__ import annotations

import scipy.special as sp

from workbench.autodiff.registry import PARTIALS
from workbench.rules.scipy_special import by_difference
from workbench.rules.scipy_special_densities import beta_density, gamma_density
from workbench.rules.scipy_special_distributions import Partials, implicit

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

# the inverse -> the partials of the distribution, and which of its arguments is found
_INVERSES: dict[str, tuple[Partials, int]] = {
    "bdtrik": (_BINOMIAL, 0),
    "bdtrin": (_BINOMIAL, 1),
    "nbdtrik": (_NEGATIVE, 0),
    "nbdtrin": (_NEGATIVE, 1),
    "pdtrik": (_POISSON, 0),
    "btdtria": (PARTIALS[sp.betainc], 0),
    "btdtrib": (PARTIALS[sp.betainc], 1),
    "chdtriv": (PARTIALS[sp.chdtr], 0),
    "chndtridf": (PARTIALS[sp.chndtr], 1),
    "chndtrinc": (PARTIALS[sp.chndtr], 2),
    "fdtridfd": (PARTIALS[sp.fdtr], 1),
    "gdtrib": (PARTIALS[sp.gdtr], 1),
    "ncfdtri": (PARTIALS[sp.ncfdtr], 3),
    "ncfdtridfn": (PARTIALS[sp.ncfdtr], 0),
    "ncfdtridfd": (PARTIALS[sp.ncfdtr], 1),
    "ncfdtrinc": (PARTIALS[sp.ncfdtr], 2),
    "nctdtridf": (PARTIALS[sp.nctdtr], 0),
    "nctdtrinc": (PARTIALS[sp.nctdtr], 1),
    "stdtridf": (PARTIALS[sp.stdtr], 0),
}

for _name, (_partials, _solved) in _INVERSES.items():
    PARTIALS[getattr(sp, _name)] = implicit(_partials, _solved)
