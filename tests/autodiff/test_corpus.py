"""Every program of the corpus: value unchanged, gradient equal to central differences, pullback repeatable."""

import importlib
import pkgutil

import numpy as np
import pytest

from tests.autodiff import corpus
from workbench.autodiff import pullback
from workbench.autodiff.structure import leaves, map_leaves
from workbench.checks import check_gradient

for _module in pkgutil.iter_modules(corpus.__path__):
    importlib.import_module(f"{corpus.__name__}.{_module.name}")


@pytest.mark.parametrize(("name", "function", "args"), corpus.PROGRAMS, ids=[p[0] for p in corpus.PROGRAMS])
def test_gradient_of_program(name, function, args):
    before = map_leaves(lambda x: x.copy() if isinstance(x, np.ndarray) else x, args)
    check_gradient(function, *before)
    _, back = pullback(function, *args)
    for a, b in zip(leaves(args), leaves(before), strict=True):
        assert np.array_equal(a, b), "the caller's arguments were changed"
    first, second = leaves(back()), leaves(back())
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a, b), "the pullback gave another result the second time"
