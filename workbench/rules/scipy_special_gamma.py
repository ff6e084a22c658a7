"""The trigamma function, the derivative of ``scipy.special.digamma``, which SciPy has for real numbers only.

Source of the formulas: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, by the numbers in the
comments.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sp

from workbench.autodiff.telling import plain

_BERNOULLI = sp.bernoulli(20)[2::2]


def _of_complex(z: Any) -> Any:
    """ψ′(z) of complex z: reflected to the right, moved on by twelve, and there its asymptotic series (DLMF 5.15.8)."""
    left = np.real(plain(z)) < 0
    w = np.where(left, 1.0 - z, z)
    moved = sum(1.0 / (w + k) ** 2 for k in range(12))
    w = w + 12.0
    series = sum(b / w ** (2 * k + 3) for k, b in enumerate(_BERNOULLI))
    inner = moved + 1.0 / w + 0.5 / w**2 + series
    if not np.any(left):
        return inner
    return np.where(left, (math.pi / np.sin(math.pi * np.where(left, z, 0.5))) ** 2 - inner, inner)


def trigamma(x: Any) -> Any:
    """ψ′(x) = ζ(2, x), and by reflection for negative x (DLMF 5.15.1, 5.15.6)."""
    if np.iscomplexobj(plain(x)):
        return _of_complex(x)
    negative = plain(x) <= 0
    inner = sp._ufuncs._zeta(2.0, np.where(negative, 1.0 - x, x))
    if not np.any(negative):
        return sp._ufuncs._zeta(2.0, x)
    return np.where(negative, (math.pi / np.sin(math.pi * x)) ** 2 - inner, inner)
