"""The programs written for the trace tier: each is taken here too and agrees with it, or is refused with a reason."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

from tests.autodiff import corpus
from workbench.autodiff import pullback
from workbench.autodiff.native import DeclinedError, Plan, plan

for _module in pkgutil.iter_modules(corpus.__path__):
    importlib.import_module(f"{corpus.__name__}.{_module.name}")


def flat(thing):
    """The numbers in a cotangent; what cannot vary counts as zero."""
    if thing is None or isinstance(thing, str):
        return np.zeros(0)
    if isinstance(thing, dict):
        thing = list(thing.values())
    if hasattr(thing, "__dataclass_fields__"):
        thing = list(vars(thing).values())
    if isinstance(thing, list | tuple):
        return np.concatenate([np.zeros(0), *map(flat, thing)])
    return np.atleast_1d(np.asarray(thing, dtype=float)).ravel()


@pytest.mark.parametrize(("name", "function", "args"), corpus.PROGRAMS, ids=[p[0] for p in corpus.PROGRAMS])
def test_taken_and_agrees_or_refused(name, function, args, monkeypatch):
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    made = plan(function, args)
    if not isinstance(made, Plan):
        assert made.reason
        return
    monkeypatch.setenv("WORKBENCH_NATIVE", "off")
    expected, expected_back = pullback(function, *args)
    monkeypatch.setenv("WORKBENCH_NATIVE", "python")
    try:
        value, back = made.pullback(args)
    except DeclinedError:
        return
    assert np.allclose(flat(value), flat(expected), rtol=1e-12, atol=0)
    bar = np.ones(np.shape(value)) if isinstance(value, np.ndarray) else 1.0
    if not isinstance(value, np.ndarray | float | int):
        pytest.skip("the result is a structure")
    assert np.allclose(flat(back(bar)), flat(expected_back(bar)), rtol=1e-10, atol=1e-12)
