"""Where a result came from: versions, git commit, machine, when and how long.

``footer`` is the small table of these facts that closes every notebook.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from workbench.parameters import Parameters

MIME = "application/vnd.workbench.provenance+json"
PACKAGES = ("numpy", "scipy", "torch", "autograd", "numba", "torchsde", "plotly", "ipykernel", "papermill")


def collect(*, started: float | None = None) -> dict[str, Any]:
    """Everything a reader needs to repeat a result, as a JSON-able dict.

    Args:
        started: seconds since the epoch at which the work began; by default when this process was started.
    """
    began = psutil.Process().create_time() if started is None else started
    return {
        **when(began),
        "workbench": versions(["workbench"])["workbench"],
        **git_state(Path(__file__).resolve().parents[2]),
        "python": platform.python_version(),
        "versions": versions(PACKAGES),
        "machine": machine(),
    }


def when(began: float) -> dict[str, Any]:
    """The facts that hang on the clock: when the work began (seconds since the epoch) and how long it took."""
    return {
        "started": datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds"),
        "run_time": round(time.time() - began, 3),
    }


def versions(packages: tuple[str, ...] | list[str]) -> dict[str, str]:
    """The installed version of each package, without importing any of them."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def git_state(checkout: Path) -> dict[str, Any]:
    """``commit`` of the checkout (None outside of one) and whether files were ``changed`` since."""
    if not (checkout / ".git").exists():
        return {"commit": None, "changed": None}
    try:
        commit = _git(checkout, "rev-parse", "HEAD")
        changed = bool(_git(checkout, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "changed": None}
    return {"commit": commit, "changed": changed}


def machine() -> dict[str, Any]:
    """Processor, cores, memory and system. The host's and the user's names are left out on purpose."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory_gib(),
    }


class Footer:
    """Two small tables, parameters and provenance, shown when it is the value of a cell."""

    def __init__(self, parameters: Parameters, origin: dict[str, Any]) -> None:
        self.parameters, self.origin = parameters, origin

    def rows(self) -> list[tuple[str, str]]:
        """Name and text of each fact, parameters first."""
        asked = [(row["name"], f"{row['value']} {row['unit']}".strip()) for row in self.parameters.rows()]
        return [*asked, *origin_rows(self.origin)]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {MIME: self.origin, "text/html": self._html(), "text/plain": repr(self)}

    def _html(self) -> str:
        cells = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
            f'<td style="text-align:left">{escape(text)}</td></tr>'
            for name, text in self.rows()
        )
        return f"<details open><summary>How to repeat this result</summary><table>{cells}</table></details>"

    def __repr__(self) -> str:
        return "\n".join(f"{name:<24} {text}" for name, text in self.rows())


def footer(parameters: Parameters) -> Footer:
    """What someone needs to repeat this notebook: parameters, seed, versions, commit, machine, run time."""
    return Footer(parameters, collect())


def origin_rows(origin: dict[str, Any]) -> list[tuple[str, str]]:
    """The facts of ``provenance.collect`` as name and text, for tables."""
    machine = origin["machine"]
    commit = origin["commit"] or "not a git checkout"
    return [
        ("started", origin["started"]),
        ("run time", f"{origin['run_time']:.1f} s"),
        ("workbench", origin["workbench"]),
        ("git commit", commit + (" and local changes" if origin["changed"] else "")),
        ("python", origin["python"]),
        ("packages", ", ".join(f"{name} {version}" for name, version in origin["versions"].items())),
        ("machine", f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB"),
        ("system", machine["system"]),
    ]


def _git(checkout: Path, *arguments: str) -> str:
    command = ["git", "-C", str(checkout), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    return done.stdout.strip()


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return None
