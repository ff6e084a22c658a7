"""What does each notebook cost with nobody watching: time, memory, and the wait for its first picture?

    python benchmarks/notebooks.py [NOTEBOOK ...] [--presets smoke default] [--cold]

Runs every notebook in a kernel of its own and prints, against their bars: the time from the kernel being up to the
last cell's end, against what the showcase's card says of its default size; the largest resident size of the kernel;
and the time from the kernel being up to the first picture. With --cold nothing is there that was compiled before, and
the compiler takes some 100 MB more.
"""

from __future__ import annotations

import argparse
import os
import queue
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupyter_client import KernelManager

from workbench import showcases
from workbench.errors import RunError, RunTimeoutError

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
MEMORY_BAR, PICTURE_BAR = 700.0, 5.0
PICTURES = ("application/vnd.plotly.v1+json", "image/", "<svg", "<img")
PEAK = """
from pathlib import Path
(line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(int(line.split()[1]) * 1024 / 1e6)
"""


@dataclass(frozen=True)
class Cost:
    """Of one run of a notebook: seconds, MB, and seconds until the first picture (None where there is none)."""

    seconds: float
    peak: float
    first_picture: float | None


def measure(notebook: Path, preset: str, *, limit: float, variables: Mapping[str, str] | None = None) -> Cost:
    """Run a notebook's code cells in a fresh kernel, headless.

    Args:
        notebook: its file.
        preset: for notebooks that have presets.
        limit: seconds for everything together.
        variables: of the environment, for this kernel alone.
    Raises:
        RunError: a cell failed, or the kernel is gone.
        RunTimeoutError: the time was up.
    """
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    headless = {"WORKBENCH_PRESET": preset, "WORKBENCH_LIVE": "0", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        manager = KernelManager(kernel_name="python3", transport="ipc", ip=f"{folder}/kernel")
        manager.start_kernel(env={**os.environ, **headless, **(variables or {})}, cwd=folder)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=300)
            began, pictures = time.monotonic(), []

            def see(message: dict) -> None:
                data = message["content"].get("data", {})
                if any(sign in kind + str(data[kind]) for kind in data for sign in PICTURES):
                    pictures.append(time.monotonic() - began)

            for number, source in enumerate(cells, 1):
                _run(client, source, f"{notebook.name}, cell {number}", began + limit, see)
            seconds, said = time.monotonic() - began, []
            _run(client, PEAK, "the question for the memory", began + limit + 10, said.append)
            (peak,) = [float(m["content"]["text"]) for m in said if m["msg_type"] == "stream"]
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    return Cost(seconds, peak, pictures[0] if pictures else None)


def _run(client: object, source: str, where: str, deadline: float, see: object) -> None:
    try:
        reply = client.execute_interactive(
            source, timeout=max(0.1, deadline - time.monotonic()), output_hook=see, store_history=False
        )
    except (TimeoutError, queue.Empty) as error:
        raise RunTimeoutError(
            "the notebook did not end within its time",
            where=where,
            fix="see which cell has become slow: python benchmarks/notebooks.py",
        ) from error
    except RuntimeError as error:
        raise RunError("the kernel is gone", found=str(error), where=where) from error
    if reply["content"]["status"] != "ok":
        found = f"{reply['content']['ename']}: {reply['content']['evalue']}"
        raise RunError("a cell failed", found=found, where=where)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("notebooks", nargs="*", help="beginnings of file names; all where none is given")
    options.add_argument("--presets", nargs="+", default=["smoke", "default"])
    options.add_argument("--cold", action="store_true", help="with an empty folder for compiled programs")
    given = options.parse_args()
    declared = {showcases.find(name).notebook: showcases.find(name).run_seconds for name in showcases.names()}
    for path in sorted(FOLDER.glob("*.ipynb")):
        if given.notebooks and not path.name.startswith(tuple(given.notebooks)):
            continue
        for preset in given.presets if path.name in declared else ["default"]:
            with tempfile.TemporaryDirectory() as fresh:
                variables = {"WORKBENCH_CACHE": fresh, "NUMBA_CACHE_DIR": fresh} if given.cold else None
                cost = measure(path, preset, limit=1800, variables=variables)
            _print(path.stem, preset, cost, declared.get(path.name))
    cores, load = os.cpu_count(), os.getloadavg()[0]
    if load > cores:
        print(f"the machine is busy (load {load:.1f} on {cores} cores): all times are upper bounds")


def _print(name: str, preset: str, cost: Cost, declared: float | None) -> None:
    parts = [f"{name:<27}{preset:<9}", _held("run", cost.seconds, declared, "s")]
    parts += [
        _held("peak", cost.peak, MEMORY_BAR, "MB"),
        _held("picture", cost.first_picture, PICTURE_BAR, "s"),
    ]
    print("  ".join(parts), flush=True)


def _held(what: str, measured: float | None, bar: float | None, unit: str) -> str:
    if measured is None:
        return f"{what} none"
    judged = "" if bar is None else f" of {bar:g} {'ok' if measured <= bar else 'MISSED'}"
    return f"{what} {measured:6.1f} {unit}{judged}"


if __name__ == "__main__":
    main()
