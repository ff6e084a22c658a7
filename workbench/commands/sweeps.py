"""``workbench sweep`` and ``workbench tune``: many runs of one showcase."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.commands.arguments import (
    EXIT_CODES,
    check_folder,
    count,
    parameter_texts,
    retries,
    seconds,
)
from workbench.errors import ParameterError, RunError

if TYPE_CHECKING:
    from workbench.sweeps.driver import Progress

SWEEP_EXAMPLES = (
    "examples:\n"
    "  workbench sweep trebuchet -p learning_rate=1e-3,1e-2 -p seed=0..4\n"
    "  workbench sweep trebuchet --preset smoke -p seed=0..63 --jobs 2 --resume\n"
    "  workbench sweep trebuchet -p seed=0..9 --as notebook --scheduler tls://cluster:8786\n\n"
    "a run that failed is recorded and the others go on; exit code 3 tells that there was one\n\n"
    + EXIT_CODES
)
TUNE_EXAMPLES = (
    "examples:\n"
    "  workbench tune trebuchet --objective median_miss_in_m -p learning_rate=1e-4..1e-1 --trials 20\n"
    "  workbench tune trebuchet --objective loss -p width=16..128 -p schedule=constant,cosine\n\n"
    + EXIT_CODES
)

Command = Callable[..., argparse.ArgumentParser]


def add(command: Command) -> None:
    """Declare both commands."""
    sweep = command("sweep", _sweep, "run a showcase with every combination of some parameters' values")
    _add_common(sweep, "name=values", "values: 1,2,5 or a range of whole numbers, 0..4 (again for more)")
    _add_workers(sweep)
    sweep.add_argument(
        "--retries", type=retries, default=0, metavar="N", help="try a failed run again (%(default)s)"
    )

    tune = command("tune", _tune, "let Optuna choose parameters that make a result as small as it can be")
    _add_common(tune, "name=range", "where to look: low..high or a list a,b,c (again for more)")
    _add_workers(tune)
    tune.add_argument(
        "--objective", required=True, metavar="NAME", help="the result: loss, or a metric's name"
    )
    tune.add_argument("--maximise", action="store_true", help="as large as it can be, instead")
    tune.add_argument("--trials", type=count, default=20, metavar="N", help="how many runs (%(default)s)")
    tune.add_argument("--seed", type=retries, default=0, metavar="N", help="of the search (%(default)s)")


def _add_common(parser: argparse.ArgumentParser, shape: str, help: str) -> None:
    parser.add_argument("name", metavar="NAME", help="a showcase; `workbench list` names them")
    parser.add_argument("-p", "--parameter", action="append", default=[], metavar=shape, help=help)
    parser.add_argument("--preset", default="default", help="named set of values to start from (%(default)s)")
    parser.add_argument("--out", default="runs", metavar="DIR", help="folder for the runs (%(default)s)")


def _add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as",
        dest="mode",
        choices=("function", "notebook"),
        default="function",
        help="a function: quick; a notebook: each run leaves an executed notebook too (%(default)s)",
    )
    parser.add_argument(
        "--scheduler",
        default="local",
        metavar="ADDRESS",
        help="local, or a Dask scheduler: tls://HOST:PORT, tcp://127.0.0.1:PORT (%(default)s)",
    )
    parser.add_argument(
        "--insecure", action="store_true", help="allow tcp:// to another machine, unencrypted"
    )
    parser.add_argument(
        "--jobs", type=count, default=None, metavar="N", help="workers of the local pool (one for each core)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with runs that were begun and not finished"
    )
    parser.add_argument("--timeout", type=seconds, metavar="S", help="seconds for each run")


def _common(options: argparse.Namespace) -> tuple[Any, dict[str, str], int]:
    texts = parameter_texts(options.parameter)
    check_folder("--out", options.out)
    if options.scheduler != "local":
        from workbench.sweeps.cluster import check_address

        check_address(options.scheduler, insecure=options.insecure)
    from workbench import showcases

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return showcases.find(options.name), texts, options.jobs or cores


def _sweep(options: argparse.Namespace) -> None:
    showcase, texts, jobs = _common(options)
    from workbench.sweeps import grid, sweep

    axes = grid.axes(showcase.parameters, texts, preset=options.preset)
    if not axes:
        raise ParameterError("a sweep needs something to vary", where="-p", fix="for example -p seed=0..4")
    report, progress = sweep.run(
        showcase,
        grid.points(axes),
        out=Path(options.out).absolute(),
        preset=options.preset,
        mode=options.mode,
        scheduler=options.scheduler,
        insecure=options.insecure,
        workers=jobs,
        resume=options.resume,
        retries=options.retries,
        timeout=options.timeout,
        watch=_Screen(),
    )
    counts = progress.counts
    print(f"{counts['complete']} complete, {counts['failed']} failed, {counts['skipped']} finished before")
    print(f"report: {report}", flush=True)
    if counts["failed"]:
        raise RunError(
            f"{counts['failed']} of {progress.total} runs failed",
            where=str(report.parent),
            fix="the report says why each of them did; the same command tries them again",
        )


def _tune(options: argparse.Namespace) -> None:
    showcase, texts, jobs = _common(options)
    from workbench.sweeps import tuning

    report, best = tuning.tune(
        showcase,
        texts,
        objective=options.objective,
        maximise=options.maximise,
        trials=options.trials,
        seed=options.seed,
        out=Path(options.out).absolute(),
        preset=options.preset,
        mode=options.mode,
        scheduler=options.scheduler,
        insecure=options.insecure,
        workers=jobs,
        resume=options.resume,
        timeout=options.timeout,
        watch=_Screen(),
    )
    print(f"best: {options.objective} = {best.result:.6g} with")
    print("  " + " ".join(f"-p {name}={value}" for name, value in best.values.items()))
    print(f"report: {report}", flush=True)


class _Screen:
    """One line for each run that ends; on a terminal also a last line that tells how all of it stands."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._shown: Any = None

    def __call__(self, progress: Progress) -> None:
        from workbench.reports.record import number_text

        if self._terminal:
            print("\r\x1b[K", end="")
        if progress.latest is not None and progress.latest is not self._shown:
            self._shown = progress.latest
            job, outcome = progress.latest
            done = sum(progress.counts.values())
            values = " ".join(f"{name}={number_text(value)}" for name, value in job.values.items())
            width = len(str(progress.total))
            line = f"[{done:>{width}}/{progress.total}] {job.run_id} {values}  {outcome.status}"
            reason = outcome.error.splitlines()[0] if outcome.error else ""
            print(f"{line} in {outcome.seconds:.1f} s" + (f": {reason}" if reason else ""), flush=True)
        if self._terminal:
            print(_standing(progress)[:120], end="", flush=True)


def _standing(progress: Progress) -> str:
    parts = [f"{sum(progress.counts.values())} of {progress.total}"]
    if progress.counts["failed"]:
        parts.append(f"{progress.counts['failed']} failed")
    for run, news in list(progress.running.items())[:3]:
        reached = f"{news['iteration']:,}/{news['iterations']:,}" if "iteration" in news else "begun"
        parts.append(f"{run[:6]} {reached}")
    if progress.seconds_left is not None:
        parts.append(f"about {progress.seconds_left:.0f} s left")
    return " · ".join(parts)
