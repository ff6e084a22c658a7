"""``scipy.stats``: the matrices of distributions of vectors and matrices, and what is computed of each of them once."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats._multivariate import _PSD

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.scipy_stats import traced_through
from workbench.rules.stand_ins import settled, with_value

_init = _PSD.__init__


def _of_full_rank(
    self: Any,
    M: Any,
    cond: Any = None,
    rcond: Any = None,
    lower: bool = True,
    check_finite: bool = True,
    allow_singular: bool = True,
) -> None:
    """U with U Uᵀ = M⁻¹, and log |M|, where M has full rank.

    SciPy makes U of eigenvectors, which have no derivative where eigenvalues are equal, as those of a multiple of the
    unit matrix. What becomes of U depends on U Uᵀ alone, and so does U₀ L⁻ᵀ with L Lᵀ = U₀ᵀ M U₀, of which the value
    is SciPy's U₀.
    """
    options = (cond, rcond, lower, check_finite, allow_singular)
    if not contains_traced(M):
        _init(self, M, *options)
        return
    M = resolve(np.asarray)(settled(M))
    _init(self, plain(M), *options)
    if self.rank < len(self.U):
        traced_through(_init)(self, M, *options)
        return
    read, beside = (np.tril, -1) if lower else (np.triu, 1)
    symmetric = resolve(read)(M) + resolve(read)(M, beside).T
    U, log_pdet = self.U, self.log_pdet
    low = np.linalg.cholesky(U.T @ symmetric @ U)
    self._M = M
    self.U = with_value(np.linalg.solve(low, U.T).T, U)
    self.log_pdet = with_value(2.0 * np.sum(np.log(np.diagonal(low))), log_pdet)


DOORS[_init] = _of_full_rank
