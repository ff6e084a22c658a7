"""The package's names: all there, and nothing loaded before one is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import workbench
from workbench import reports


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[str], object]:
    """What the last line of a program is worth in a new process that has run the lines before; as JSON."""

    def run(code: str) -> object:
        *lines, last = code.splitlines()
        program = tmp_path / "program.py"
        program.write_text("\n".join([*lines, f"import json; print(json.dumps({last}))"]))
        done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return run


def test_the_package_alone_loads_nothing(fresh: Callable[[str], object]) -> None:
    heavy = (
        "sorted({'numpy', 'numba', 'torch', 'pydantic', 'autograd', 'workbench.rules'} & set(sys.modules))"
    )
    assert fresh(f"import sys, workbench, workbench.reports.table\n{heavy}") == []


@pytest.mark.parametrize(
    "line",
    [
        "from workbench import gradient",
        "from workbench.autodiff import gradient",
        "import workbench; gradient = workbench.gradient",
        "import workbench; gradient = workbench.autodiff.gradient",
        "import workbench.rules; from workbench.autodiff.derivatives import gradient",
        "from workbench.autodiff.derivatives import gradient",
        "from workbench import *",
    ],
)
def test_whichever_way_the_engine_is_imported_it_has_its_rules(
    fresh: Callable[[str], object], line: str
) -> None:
    code = f"import math, sys\n{line}\nslope = gradient(lambda x: math.sin(x) * abs(x))(2.0)\n"
    slope, loaded = fresh(code + "[slope, 'workbench.rules.hips' in sys.modules]")
    assert slope == pytest.approx(0.0770037537)
    assert loaded


@pytest.mark.parametrize("package", [workbench, reports])
def test_every_public_name_is_there(package: object) -> None:
    for name in package.__all__:
        assert callable(getattr(package, name))
        assert name in dir(package)
    assert not hasattr(package, "gradent")


def test_the_rooms_are_attributes_as_they_were(fresh: Callable[[str], object]) -> None:
    rooms = ("autodiff", "checks", "errors", "explanations", "parameters", "rules")
    found = fresh(f"import workbench\n[getattr(workbench, name).__name__ for name in {rooms}]")
    assert found == [f"workbench.{name}" for name in rooms]


def test_names_of_other_tools_lead_to_ours() -> None:
    for name, ours in workbench._ELSEWHERE.items():
        assert ours in workbench.__all__
        with pytest.raises(AttributeError, match=f"{name}'; it is called '{ours}' here"):
            getattr(workbench, name)
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'$"):
        _ = workbench.nothing
