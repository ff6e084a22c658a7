"""``scipy.stats``: the transform of Yeo and Johnson, whose branches at 0 and at special powers hide derivatives."""

from __future__ import annotations

import numpy as np
import scipy.special as sp
from scipy.stats import _morestats

from workbench.autodiff.telling import plain
from workbench.rules.stand_ins import stands_in


def _split(x, of_positive, of_negative):
    """One function of what is not negative, another of the size of what is."""
    positive = plain(x) >= 0
    return np.where(
        positive, of_positive(np.where(positive, x, 0.0)), of_negative(np.where(positive, 0.0, -x))
    )


@stands_in(_morestats._yeojohnson_transform)
def _transformed(x, lmbda, xp=None):
    """((x + 1)^λ − 1) / λ, and −((1 − x)^(2 − λ) − 1) / (2 − λ) of negative x; smooth also at 0."""
    return _split(x, lambda z: sp.boxcox1p(z, lmbda), lambda z: -sp.boxcox1p(z, 2.0 - lmbda))


@stands_in(_morestats._yeojohnson_llf)
def _likelihood(data, *, lmb, axis=0):
    """−n/2 log σ² + (λ − 1) Σ sign(x) log(|x| + 1), whose sum is smooth at 0."""
    count = np.size(plain(data)) if axis is None else np.shape(plain(data))[axis]
    slopes = np.sum(_split(data, np.log1p, lambda z: -np.log1p(z)), axis=axis)
    return -count / 2 * np.log(np.var(_transformed(data, lmb), axis=axis)) + (lmb - 1.0) * slopes
