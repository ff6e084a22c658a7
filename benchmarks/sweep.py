"""What a sweep costs beside its work: runs of one second each on two workers, one of them killed on the way.

    python benchmarks/sweep.py [--points 64] [--kill]

A run sleeps for one second in twenty iterations, so the processor's other business does not count as work.
The overhead is the time from the first run's beginning to the last one's end, times the workers, over the
seconds slept; what a killed run had slept already is done again and counts as overhead.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil

TESTS = Path(__file__).resolve().parents[1] / "tests" / "reports"
sys.path.insert(0, str(TESTS))
os.environ["PYTHONPATH"] = str(TESTS)

import line_fit  # noqa: E402

from workbench.reports import html  # noqa: E402
from workbench.sweeps import plan, sweep  # noqa: E402
from workbench.sweeps.driver import Progress  # noqa: E402

WORKERS = 2
WORK = {"iterations": 20, "nap": 0.05}


class _Watch:
    """Notes when the first run began and the last one ended; kills a worker when a third is done."""

    def __init__(self, *, kill: bool) -> None:
        self.kill, self.began, self.ended, self.complete = kill, 0.0, 0.0, 0

    def __call__(self, progress: Progress) -> None:
        if progress.running and not self.began:
            self.began = time.monotonic()
        if progress.counts["complete"] > self.complete:
            self.complete, self.ended = progress.counts["complete"], time.monotonic()
        if self.kill and progress.counts["complete"] >= progress.total // 3:
            self.kill = False
            children = psutil.Process().children(recursive=True)
            max(children, key=lambda child: child.memory_info().rss).kill()


def main() -> None:
    """Measure and print one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=64)
    parser.add_argument("--kill", action="store_true", help="kill a worker when a third is done")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        notebook = Path(folder) / "line.ipynb"
        nbformat.write(line_fit.whole_notebook(), notebook)
        plan.find_notebook = html.find_notebook = lambda name: notebook
        watch, began = _Watch(kill=options.kill), time.monotonic()
        points = [{"seed": seed, **WORK} for seed in range(options.points)]
        _, progress = sweep.run(
            line_fit.SHOWCASE,
            points,
            out=Path(folder) / "runs",
            mode="function",
            workers=WORKERS,
            watch=watch,
        )
        whole = time.monotonic() - began
    work = options.points * WORK["iterations"] * WORK["nap"]
    overhead = WORKERS * (watch.ended - watch.began) / work - 1
    print(
        f"{progress.counts['complete']} of {options.points} runs complete, {progress.counts['failed']} failed; "
        f"{work:.0f} s of work, overhead {overhead:.1%}; everything with start and report {whole:.1f} s"
    )


if __name__ == "__main__":
    main()
