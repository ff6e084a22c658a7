"""Every registered rule is checked, and a rule without a case fails."""

import math

import numpy as np
import pytest

from tests.rules.cases import ELEMENTWISE, INVARIANTS, RULE_CASES, X, Y
from workbench.autodiff.registry import PARTIALS, RULES
from workbench.checks import check_gradient, check_rule

CASES = [
    pytest.param(primitive, args, kwargs, id=f"{primitive.__name__}-{k}")
    for primitive, cases in RULE_CASES.items()
    for k, (args, kwargs) in enumerate(cases)
]


@pytest.mark.parametrize(("primitive", "args", "kwargs"), CASES)
def test_rule(primitive, args, kwargs):
    check_rule(primitive, *args, **kwargs)


@pytest.mark.parametrize(
    ("program", "args"),
    [pytest.param(f, args, id=p.__name__) for p, cases in INVARIANTS.items() for f, args in cases],
)
def test_rule_through_invariants(program, args):
    check_gradient(program, *args)


NUMPYS = [f for f in PARTIALS if getattr(np, f.__name__, None) is f]  # SciPy's have files of their own


@pytest.mark.parametrize("ufunc", NUMPYS, ids=lambda f: f.__name__)
def test_partials(ufunc):
    args = ELEMENTWISE.get(ufunc.__name__, (X,) if ufunc.nin == 1 else (X, Y))
    check_gradient(lambda *xs: ufunc(*xs), *args)
    scalars = [float(a[1]) if a.dtype.kind == "f" else int(a[1]) for a in args]
    check_gradient(lambda *xs: ufunc(*xs), *scalars)
    math_name = {"arcsin": "asin", "power": "pow", "absolute": "fabs"}.get(ufunc.__name__, ufunc.__name__)
    if hasattr(math, math_name) and ufunc.__name__ != "remainder":
        check_gradient(lambda *xs: getattr(math, math_name)(*xs), *scalars)


def test_every_rule_has_a_case():
    # SciPy's have files of their own here, the simulator's stand in tests/quantum; documents run as __main__.
    elsewhere = ("scipy", "tests", "workbench.quantum", "workbench.rules.scipy", "__main__")
    ours = {f for f in RULES if not (getattr(f, "__module__", None) or "").startswith(elsewhere)}
    ours -= {f for f in ours if isinstance(f, np.ufunc) and getattr(np, f.__name__, None) is not f}  # SciPy's
    missing = ours - set(RULE_CASES) - set(INVARIANTS)
    assert not missing, sorted(f.__name__ for f in missing)


def test_cotangent_of_zero_stops_at_infinite_partials():
    x = np.array([0.0, 4.0])
    back = check_free_gradient(lambda v: np.where(v > 1, np.sqrt(v), 0.0).sum(), x)
    assert np.array_equal(back, [0.0, 0.25])


def check_free_gradient(f, x):
    from workbench import gradient

    return gradient(f)(x)


def test_ties_are_shared_evenly():
    assert np.array_equal(
        check_free_gradient(lambda v: np.max(v), np.array([1.0, 3.0, 3.0])), [0.0, 0.5, 0.5]
    )
    assert check_free_gradient(lambda v: abs(v), 0.0) == 0.0
    assert np.array_equal(check_free_gradient(lambda v: np.maximum(v, 1.0).sum(), np.array([1.0])), [0.5])
