"""How quickly does a live notebook answer, and what does watching cost the training?

    python benchmarks/live.py [--moves 60]
    python benchmarks/live.py --soak 10      # does the memory of kernel or page grow? minutes at 10 frames a second

Opens the trebuchet notebook in a real JupyterLab and a real browser and prints four numbers against their
bars: the time from a click on Pause and on Stop until the training rests; the time from moving a slider
until the new flight path is drawn (95th percentile); and how much slower the same iterations are with the
live panel open than without it. Needs Debian's chromium or Google Chrome.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests" / "browser"))

import conftest as laboratory  # noqa: E402

PAUSE_BAR, STOP_BAR, REDRAW_BAR, COST_BAR = 0.5, 1.0, 0.150, 0.05

RUN_SECONDS = 6

CELLS = (
    """
import contextlib, io, itertools, time
from widgets import explore, show
from workbench import showcases
from workbench.showcases.trebuchet.live import throw_picture
from workbench.training import Session
""",
    f"""
showcase = showcases.find("trebuchet")
parameters = showcase.parameters()
trial = showcase.make_training(parameters)
list(itertools.islice(trial, 20))
before = trial.seconds
list(itertools.islice(trial, 20))
samples = int({RUN_SECONDS} * 20 / (trial.seconds - before)) * parameters.batch
parameters = parameters.changed(samples=min(samples, 1_000_000))
""",
    "explore(throw_picture, parameters, ['angle', 'weight', 'wind', 'target'])",
    "session = Session('live', showcase.make_training, parameters)\nshow(session)",
)

# The kernel's main thread is left free while the panel is watched, as it is when people watch.
TIMING = """
import threading

def clocks():
    return time.perf_counter(), time.process_time()

def time_watched():
    session.reset()
    session.wait()
    times[:] = [clocks()]
    session.start()
    threading.Thread(target=lambda: (session.wait(), times.append(clocks()))).start()

def time_headless():
    plain = Session("headless", showcase.make_training, session.parameters)
    times[:] = [clocks()]
    with contextlib.redirect_stdout(io.StringIO()):
        plain.run()
    times.append(clocks())

times = []
"""
SPENT = "[times[1][0] - times[0][0], times[1][1] - times[0][1]]"

# Trainings one after the other, and the panel drawn ten times a second instead of four.
SOAK = """
import collections, gc, importlib, threading
import psutil

panels = importlib.import_module("widgets.dashboard")
sessions = importlib.import_module("workbench.training.session")
panels.PUMP_SECONDS = sessions.SNAPSHOT_SECONDS = 0.1
sessions.SNAPSHOT_SHARE = 1.0
drawn = collections.Counter()
panels.dashboard(session).widget.observe(lambda change: drawn.update(["frames"]), "frame")

def train_for_ever():
    while not session.closed:
        session.reset()
        session.start()
        session.wait()
        drawn.update(["trainings"])

def kernel():
    gc.collect()
    return [drawn["frames"], drawn["trainings"], psutil.Process().memory_info().rss / 1e6]

threading.Thread(target=train_for_ever, daemon=True).start()
"""

# Time from the slider's own input event until the frame in which the new path is on the screen.
MEASURE_MOVES = """async (moves) => {
  const panel = document.querySelector(".wb:has(.wb-explore)");
  const slider = panel.querySelector("input[type=range]");
  const picture = panel.querySelector(".wb-picture");
  const path = () => picture.querySelector(".wb-curve")?.getAttribute("d");
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  for (let move = 0; move < moves; move += 1) {
    const before = path(), low = Number(slider.min), high = Number(slider.max);
    slider.value = low + (high - low) * (0.3 + 0.4 * ((move * 0.381966) % 1));
    const start = performance.now();
    slider.dispatchEvent(new Event("input"));
    while (path() === before && performance.now() - start < 5000) await frame();
    await frame();
    times.push((performance.now() - start) / 1000);
    await new Promise((done) => setTimeout(done, 60));
  }
  return times;
}"""

# Time from the click until the panel says that the training rests.
MEASURE_CLICK = """async ([button, word]) => {
  const panel = document.querySelector(".wb:has(.wb-card)");
  const state = panel.querySelector(".wb-state");
  const start = performance.now();
  [...panel.querySelectorAll("button")].find((made) => made.textContent === button).click();
  while (state.textContent !== word && performance.now() - start < 10000) {
    await new Promise(requestAnimationFrame);
  }
  return (performance.now() - start) / 1000;
}"""


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--moves", type=int, default=60, help="slider moves to time")
    options.add_argument("--rounds", type=int, default=5, help="clicks and pairs of runs to time")
    options.add_argument(
        "--soak", type=int, metavar="MINUTES", help="watch the memory for so long, and no more"
    )
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder) / "root"
        root.mkdir()
        _write_notebook(root / "live.ipynb")
        path = laboratory.find_browser()
        if path is None:
            raise SystemExit(f"no browser found; one of these is needed: {', '.join(laboratory.BROWSERS)}")
        with laboratory.running_lab(Path(folder), root) as lab:
            browser = playwright.chromium.launch(executable_path=path, args=list(laboratory.SWITCHES))
            notebook = laboratory.opened_notebook(browser, lab, "live.ipynb")
            notebook.run_all()
            if given.soak:
                _soak(notebook, given.soak)
                return
            moves = sorted(notebook.page.evaluate(MEASURE_MOVES, given.moves))
            _print("slider to redrawn path, 95th percentile", moves[int(0.95 * len(moves))], REDRAW_BAR, "s")
            print(
                f"    median {statistics.median(moves):.3f} s, longest {moves[-1]:.3f} s, {len(moves)} moves"
            )
            _click_latencies(notebook, given.rounds)
            _cost_of_watching(notebook, given.rounds)
            browser.close()


def _write_notebook(path: Path) -> None:
    import nbformat

    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS]
    # Without a kernel's name JupyterLab asks for one.
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def _click_latencies(notebook: laboratory.Notebook, rounds: int) -> None:
    for button, resting, bar in (("Pause", "Paused", PAUSE_BAR), ("Stop", "Stopped", STOP_BAR)):
        taken = []
        for _ in range(rounds):
            notebook.page.evaluate(laboratory.ASK_KERNEL, "session.reset(); session.start()")
            notebook.expect_state("Training")
            notebook.page.wait_for_timeout(700)
            taken.append(notebook.page.evaluate(MEASURE_CLICK, [button, resting]))
        _print(f"click on {button} until the panel says {resting}, longest", max(taken), bar, "s")


def _cost_of_watching(notebook: laboratory.Notebook, rounds: int) -> None:
    """The same iterations with the panel open and headless, in turns, on the same kernel."""

    def ask(code: str) -> None:
        notebook.page.evaluate(laboratory.ASK_KERNEL, code)

    ask(TIMING)
    runs = []
    for _ in range(rounds):
        ask("time_watched()")
        notebook.expect_state("Training")
        notebook.expect_state("Done", timeout=120)
        notebook.page.wait_for_timeout(200)
        watched = notebook.value_of(SPENT)
        ask("time_headless()")
        runs.append([*watched, *notebook.value_of(SPENT)])
    watched, watched_cpu, headless, headless_cpu = map(statistics.median, zip(*runs, strict=True))
    count = notebook.value_of("session.training.iterations")
    _print("live panel, slower than headless by", watched / headless - 1.0, COST_BAR, "")
    print(
        f"    watched {count / watched:.0f}, headless {count / headless:.0f} iterations/s; medians of {rounds} runs"
    )
    print(f"    of it in the kernel: {watched_cpu / headless_cpu - 1.0:.1%} more processor time")
    cores, load = os.cpu_count(), os.getloadavg()[0]
    if load > cores:
        print(f"    the machine is busy (load {load:.1f} on {cores} cores): all times are upper bounds")


def _soak(notebook: laboratory.Notebook, minutes: int) -> None:
    """Memory of kernel and page, once a minute, and how fast they grow after the first two."""
    notebook.in_page(laboratory.ASK_KERNEL, SOAK)
    page = notebook.page.context.new_cdp_session(notebook.page)
    page.send("Performance.enable")
    rows: list[tuple[float, float, float]] = []
    began, frames_before = time.monotonic(), 0
    for minute in range(1, minutes + 1):
        notebook.page.wait_for_timeout(1000 * max(0.0, began + 60 * minute - time.monotonic()))
        frames, trainings, kernel = notebook.value_of("kernel()")
        page.send("HeapProfiler.collectGarbage")
        found = {row["name"]: row["value"] for row in page.send("Performance.getMetrics")["metrics"]}
        rows.append((minute, kernel, found["JSHeapUsedSize"] / 1e6))
        print(
            f"minute {minute:>3}: kernel {kernel:7.1f} MB   page {rows[-1][2]:6.1f} MB, {found['Nodes']:.0f} nodes, "
            f"{found['JSEventListeners']:.0f} listeners   {(frames - frames_before) / 60:4.1f} frames/s, "
            f"{trainings} trainings done",
            flush=True,
        )
        frames_before = frames
    for name, place in (("kernel", 1), ("page", 2)):
        if len(rows) > 3:
            settled = [row for row in rows if row[0] > 2]
            slope = statistics.linear_regression(
                [row[0] for row in settled], [row[place] for row in settled]
            )[0]
            print(f"{name} grows by {60 * slope:.1f} MB an hour")


def _print(what: str, measured: float, bar: float, unit: str) -> None:
    shown = f"{measured:8.3f} {unit}" if unit else f"{measured:8.1%}"
    wanted = f"{bar:.3f} {unit}" if unit else f"{bar:.0%}"
    print(f"{what:<58}{shown}   bar {wanted}   {'ok' if measured <= bar else 'MISSED'}", flush=True)


if __name__ == "__main__":
    main()
