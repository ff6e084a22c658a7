"""The tables of ``docs/coverage.md``."""

from __future__ import annotations

import functools
import importlib
import re

from tests.coverage import (  # noqa: F401
    numpy_cases,
    scipy_cases,
    scipy_fitting_cases,
    scipy_image_cases,
    scipy_signal_cases,
)
from tests.coverage.measure import (
    CONSTANT,
    REFUSED,
    SUPPORTED,
    UNTRIED,
    WRONG,
    Found,
    call,
    public,
    settle,
)

PACKAGES = [
    *("numpy", "numpy.linalg", "numpy.fft", "scipy.special", "scipy.linalg", "scipy.integrate"),
    *("scipy.optimize", "scipy.interpolate", "scipy.fft", "scipy.ndimage"),
    *("scipy.signal", "scipy.sparse", "scipy.sparse.linalg", "scipy.spatial", "scipy.spatial.transform"),
    *("scipy.spatial.distance", "scipy.stats"),
]
NO_NUMBERS = "no numbers"


@functools.cache
def results(package: str) -> dict[str, Found]:
    """What was found for every public function of a package."""
    library, _, below = package.partition(".")
    cases = numpy_cases if library == "numpy" else scipy_cases
    found = {}
    for name, function in public(importlib.import_module(package)).items():
        key = f"{below}.{name}" if below else name
        if key in cases.NO_NUMBERS:
            found[name] = Found(NO_NUMBERS)
        elif key in cases.CASES:
            found[name] = settle(cases.CASES[key])
        else:
            found[name] = settle(call(function, *args) for args in cases.GUESSES)
    return found


def section(package: str) -> str:
    """One package's part of the page."""
    found = results(package)
    lines = [f"## {package}", "", "| | how many | which |", "|---|---|---|"]
    for status in (SUPPORTED, CONSTANT, NO_NUMBERS, UNTRIED, WRONG):
        names = [name for name, one in found.items() if one.status == status]
        if names:
            lines.append(f"| {status} | {len(names)} | {', '.join(f'`{name}`' for name in names)} |")
    for status, title in ((SUPPORTED, "supported, but"), (REFUSED, "refused")):
        told = {name: one.reason for name, one in found.items() if one.status == status and one.reason}
        if told:
            lines += ["", f"| {title} ({len(told)}) | |", "|---|---|"]
            lines += [
                f"| {', '.join(f'`{n}`' for n in names)} | {why} |" for why, names in _grouped(told).items()
            ]
    return "\n".join([*lines, ""])


def _grouped(told: dict[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, reason in told.items():
        plainly = re.sub(
            rf"^[\w.]*\b_?{re.escape(name)} (has no rule|is not differentiable here)$", "no rule", reason
        )
        groups.setdefault(plainly.replace("|", "\\|"), []).append(name)
    return dict(sorted(groups.items(), key=lambda item: (item[0] == "no rule", item[1])))
