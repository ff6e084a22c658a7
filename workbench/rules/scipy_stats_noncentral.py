"""The noncentral distributions: of χ² (and so Skellam's), of t and of F, by their argument and by their parameters.

Of noncentral χ² with k degrees of freedom and noncentrality λ: f′ = f·(k/2 − 1)/x − f/2 + λ f₊/(2x), ∂f/∂λ = (f₊ − f)/2
and ∂(1 − F)/∂λ = f₊, where f₊ has two degrees of freedom more.
Source: Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions 2, 1995, chapter 29.
"""

from __future__ import annotations

from typing import Any

from scipy.special import _ufuncs as ufuncs

from workbench.autodiff.registry import PARTIALS
from workbench.rules.scipy_special import by_difference


def _chi2_by_x(m: Any, y: Any, x: Any, k: Any, nc: Any) -> Any:
    return y * ((0.5 * k - 1.0) / x - 0.5) + 0.5 * nc / x * ufuncs._ncx2_pdf(x, k + 2.0, nc)


PARTIALS.update(
    {
        ufuncs._ncx2_pdf: (
            _chi2_by_x,
            by_difference(ufuncs._ncx2_pdf, 1),
            lambda m, y, x, k, nc: 0.5 * (ufuncs._ncx2_pdf(x, k + 2.0, nc) - y),
        ),
        ufuncs._ncx2_sf: (
            lambda m, y, x, k, nc: -ufuncs._ncx2_pdf(x, k, nc),
            by_difference(ufuncs._ncx2_sf, 1),
            lambda m, y, x, k, nc: ufuncs._ncx2_pdf(x, k + 2.0, nc),
        ),
        ufuncs._nct_pdf: (
            by_difference(ufuncs._nct_pdf, 0, room=None),
            by_difference(ufuncs._nct_pdf, 1),
            by_difference(ufuncs._nct_pdf, 2, room=None),
        ),
        ufuncs._nct_sf: (
            lambda m, y, x, df, nc: -ufuncs._nct_pdf(x, df, nc),
            by_difference(ufuncs._nct_sf, 1),
            by_difference(ufuncs._nct_sf, 2, room=None),
        ),
        ufuncs._ncf_pdf: tuple(by_difference(ufuncs._ncf_pdf, k) for k in range(4)),
        ufuncs._ncf_sf: (
            lambda m, y, x, *shape: -ufuncs._ncf_pdf(x, *shape),
            *[by_difference(ufuncs._ncf_sf, k) for k in range(1, 4)],
        ),
    }
)
