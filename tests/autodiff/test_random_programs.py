"""Random programs of writes, views, containers and objects: reverse, forward, twice, and differences."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
import pytest

from tests.autodiff.program_fuzz import BEFORE, program
from workbench.autodiff import gradient, pushforward, value_and_gradient

COUNT = 60


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path = tmp_path_factory.mktemp("fuzz") / "random_programs.py"
    path.write_text("\n".join([BEFORE, *(program(seed) for seed in range(COUNT))]))
    spec = importlib.util.spec_from_file_location("random_programs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Overflow and division by zero are these programs' own affair."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def differences(f: Callable[[float], float]) -> tuple[float, bool]:
    """The derivative of ``f`` at 0, and whether two formulas agree on it."""
    first, second, third = ((f(h) - f(-h)) / (2 * h) for h in (1e-4, 5e-5, 2.5e-5))
    rough, fine = (4 * second - first) / 3, (4 * third - second) / 3
    return fine, abs(rough - fine) < 1e-4 * (1 + abs(fine))


@pytest.mark.parametrize("seed", range(COUNT))
def test_random_programs(programs: ModuleType, seed: int) -> None:
    f, rng = getattr(programs, f"program_{seed}"), np.random.default_rng(seed)
    at = (rng.uniform(-1, 1), rng.uniform(-1, 1, 4), rng.uniform(-1, 1, (4, 4)))
    along = (rng.normal(), rng.normal(size=4), rng.normal(size=(4, 4)))

    def line(t: float) -> float:
        return f(*(p + t * q for p, q in zip(at, along, strict=True)))

    plain = line(0.0)
    expected, smooth = differences(line)
    value, bars = value_and_gradient(f, wrt=(0, 1, 2))(*at)
    assert value == plain
    slope = sum(np.sum(bar * q) for bar, q in zip(bars, along, strict=True))
    assert pushforward(f, *at)[1](*along) == pytest.approx(slope, rel=1e-9, abs=1e-9)
    if smooth:
        assert slope == pytest.approx(expected, rel=1e-4, abs=1e-4)
    if smooth and seed % 4 == 0:
        twice, smooth = differences(lambda t: float(gradient(line)(t)))
        if smooth:
            assert gradient(gradient(line))(0.0) == pytest.approx(twice, rel=1e-3, abs=1e-3)
