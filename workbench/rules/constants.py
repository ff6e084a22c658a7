"""Functions whose results do not vary: positions, counts, truth values, shapes, random draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.autodiff.distances import asking, near
from workbench.autodiff.elementwise import ufunc_door
from workbench.autodiff.kept import watching
from workbench.autodiff.registry import DOORS, add_constant, door
from workbench.autodiff.telling import plain

_NUMPY = (
    "all any argmax argmin argsort argpartition argwhere array_equal array_equiv allclose isclose around round fix "
    "count_nonzero digitize flatnonzero iscomplex iscomplexobj isin isneginf isposinf isreal "
    "isrealobj lexsort may_share_memory nanargmax nanargmin ndim nonzero result_type searchsorted shape "
    "shares_memory size can_cast common_type indices"
).split()

for _name in _NUMPY:
    add_constant(getattr(np, _name))


@door(np.isscalar)
def isscalar(element: Any) -> bool:
    """``numpy.isscalar(element)``, which complex numbers are."""
    return np.isscalar(plain(element))


for _function in (np.array_equal, np.array_equiv):
    DOORS[_function] = watching(DOORS[_function], says=True)
for _function in (np.allclose, np.isclose):
    DOORS[_function] = near(watching(DOORS[_function], says=True))
for _function in (np.equal, np.not_equal):
    DOORS[_function] = watching(ufunc_door(_function), says=_function is np.equal)
for _function in (np.any, np.count_nonzero, np.nonzero, np.flatnonzero, np.argwhere):
    DOORS[_function] = asking(DOORS[_function])
