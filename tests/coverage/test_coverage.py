"""``docs/coverage.md`` says of NumPy what is found when its functions are run, and the judge can say no."""

from pathlib import Path

import numpy as np
import pytest

from tests.coverage.measure import CONSTANT, REFUSED, SUPPORTED, UNTRIED, WRONG, call, measure
from tests.coverage.tables import PACKAGES, results, section
from workbench import non_differentiable

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coverage.md"


@pytest.mark.parametrize("package", [package for package in PACKAGES if package.startswith("numpy")])
def test_the_page_is_what_is_found(package):
    found = results(package)
    assert not {name: one for name, one in found.items() if one.status in (WRONG, UNTRIED)}
    assert section(package) in PAGE.read_text(encoding="utf-8"), "run: python docs/coverage_page.py"


def test_the_page_has_every_package_and_nothing_wrong():
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"## {package}\n" in text for package in PACKAGES)
    assert WRONG not in text


@non_differentiable
def forgotten(x):
    return x * x


def test_the_judge_tells_one_from_the_other():
    x = np.array([0.3, 0.7])
    assert measure(call(np.sin, x)).status == SUPPORTED
    assert measure(call(np.argmax, x)).status == CONSTANT
    assert measure(call(np.frombuffer, x)).status == REFUSED
    assert measure(call(np.reshape, x, (3, 3))).status == UNTRIED
    assert measure(call(forgotten, x)).status == WRONG
