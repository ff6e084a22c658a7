"""The command ``workbench``: run a showcase headlessly, list what there is, open the lab, make reports.

What a user can get wrong ends in a plain message on stderr and one of the exit codes below, and never in a
traceback. Nothing heavy is imported before the arguments have been read.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from workbench.commands import new, runs, sweeps
from workbench.commands.arguments import EXIT_CODES, check_folder, parameter_texts, seconds
from workbench.errors import (
    MachineError,
    ParameterError,
    RunError,
    RunInterruptedError,
    RunTimeoutError,
    UnknownShowcaseError,
    WorkbenchError,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, do what it says, and return the exit code."""
    options = _parser().parse_args(argv)
    try:
        options.command(options)
    except WorkbenchError as error:
        print(f"workbench: {error}", file=sys.stderr)
        return _exit_code(error)
    except KeyboardInterrupt:
        print("workbench: stopped by Ctrl-C", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def _exit_code(error: WorkbenchError) -> int:
    if isinstance(error, RunInterruptedError):
        return 128 + error.signal
    kinds = ((RunTimeoutError, 4), (ParameterError, 2), (UnknownShowcaseError, 2), (MachineError, 5))
    return next((code for kind, code in kinds if isinstance(error, kind)), 3)


def _parser() -> argparse.ArgumentParser:
    layout: Any = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="workbench",
        description="A research workbench for differentiable programming.",
        epilog=EXIT_CODES,
        formatter_class=layout,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, does: Callable[[argparse.Namespace], None], help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=help, description=help, epilog=_EXAMPLES[name], formatter_class=layout
        )
        sub.set_defaults(command=does)
        return sub

    run = command("run", _run, "run a showcase's notebook headlessly and write its results and report")
    run.add_argument("name", metavar="NAME", help="a showcase; `workbench list` names them")
    run.add_argument(
        *("-p", "--parameter"),
        action="append",
        default=[],
        metavar="name=value",
        help="set one parameter (again for more); `workbench list NAME` shows names, ranges and units",
    )
    run.add_argument("--preset", default="default", help="named set of values to start from (%(default)s)")
    run.add_argument("--out", default="runs", metavar="DIR", help="folder for the runs (%(default)s)")
    again = run.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on from the last checkpoint, if any")
    again.add_argument("--fresh", action="store_true", help="throw away an earlier run with these parameters")
    run.add_argument("--timeout", type=seconds, metavar="S", help="seconds after which to give up")

    listing = command("list", _list, "list the showcases, or one showcase's parameters and presets")
    listing.add_argument("name", nargs="?", metavar="NAME", help="a showcase")

    lab = command("lab", _lab, "open JupyterLab on this machine only, with a token")
    lab.add_argument("notebook", nargs="?", default="00_welcome", help="notebook to open (%(default)s)")
    lab.add_argument("--no-browser", action="store_true", help="print the address instead of opening it")

    report = command(
        "report", _report, "make the HTML report of a run or sweep, or of all in a folder, again"
    )
    report.add_argument("directory", metavar="DIR", help="the folder of a run or sweep, or of many")
    report.add_argument("--pdf", action="store_true", help="print each as a PDF too, by Chromium or Chrome")
    sweeps.add(command)
    runs.add(command)
    new.add(command)
    return parser


_EXAMPLES = {
    "runs": runs.RUNS_EXAMPLES,
    "tag": runs.TAG_EXAMPLES,
    "note": runs.NOTE_EXAMPLES,
    "sweep": sweeps.SWEEP_EXAMPLES,
    "tune": sweeps.TUNE_EXAMPLES,
    "new": new.NEW_EXAMPLES,
    "run": "examples:\n"
    "  workbench run trebuchet\n"
    "  workbench run trebuchet --preset paper --out results --timeout 3600\n"
    "  workbench run trebuchet -p seed=3 -p learning_rate=1e-3 --resume\n\n" + EXIT_CODES,
    "list": "examples:\n  workbench list\n  workbench list trebuchet",
    "lab": "examples:\n  workbench lab\n  workbench lab 10_trebuchet",
    "report": "examples:\n  workbench report runs\n  workbench report runs/1a2b3c4d5e6f --pdf",
}


def _run(options: argparse.Namespace) -> None:
    texts = parameter_texts(options.parameter)
    check_folder("--out", options.out)
    from workbench import showcases

    showcase = showcases.find(options.name)
    parameters = showcase.parameters.from_text(texts, preset=options.preset)
    from workbench.reports import runner

    directory = runner.run(
        showcase,
        parameters,
        out=options.out,
        preset=options.preset,
        resume=options.resume,
        fresh=options.fresh,
        timeout=options.timeout,
        say=_say,
    )
    _say(_summary(directory))


def _say(line: str) -> None:
    print(line, flush=True)


def _summary(directory: Any) -> str:
    from workbench.reports.record import number_text
    from workbench.reports.store import read_record

    facts = {
        **read_record(directory.result)["metrics"],
        **read_record(directory.provenance)["timings"],
    }
    width = max((len(name) for name in facts), default=0)
    lines = [f"  {name.replace('_', ' '):<{width}}  {number_text(value)}" for name, value in facts.items()]
    return "\n".join([*lines, f"report: {directory.report}"])


def _list(options: argparse.Namespace) -> None:
    from workbench import showcases

    if options.name is None:
        for name in showcases.names():
            showcase = showcases.find(name)
            print(f"{name:<12} {showcase.title}: {showcase.question}")
            print(f"{'':<12} {showcase.level}, {showcase.run_time}, notebooks/{showcase.notebook}")
        return
    showcase = showcases.find(options.name)
    print(f"{showcase.title}: {showcase.question}\n")
    rows = showcase.parameters().rows()
    columns = ("name", "default", "unit", "range", "help")
    widths = [max(len(column), *(len(row[column]) for row in rows)) for column in columns[:-1]]
    for row in [dict(zip(columns, columns, strict=True)), *rows]:
        cells = [f"{row[column]:<{width}}" for column, width in zip(columns, widths, strict=False)]
        print("  ".join([*cells, row["help"]]))
    print("\npresets:")
    for preset, changes in {"default": {}, **showcase.parameters.presets}.items():
        print(f"  {preset:<10} " + (", ".join(f"{k}={v}" for k, v in changes.items()) or "the defaults"))


_NEVER = "jupyterlab.handlers.announcements.NeverCheckForUpdate"


def _lab(options: argparse.Namespace) -> None:
    from jupyterlab.labapp import LabApp

    from workbench.reports.execution import find_notebook

    notebook = find_notebook(options.notebook.removesuffix(".ipynb") + ".ipynb")
    arguments = [
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.allow_remote_access=False"),
        f"--ServerApp.root_dir={notebook.parent.parent}",
        f"--LabApp.default_url=/lab/tree/notebooks/{notebook.name}",
        *("--LabApp.news_url=None", f"--LabApp.check_for_updates_class={_NEVER}"),
        *(["--no-browser"] if options.no_browser else []),
        *(["--allow-root"] if os.geteuid() == 0 else []),  # as in containers; still loopback and token only
    ]
    server = LabApp.initialize_server(argv=arguments)
    if not server.identity_provider.auth_enabled:
        raise MachineError(
            "JupyterLab would be open to every user of this machine",
            found="its token is switched off",
            where="your Jupyter configuration (`jupyter --paths` says where it lies)",
            fix="remove the setting IdentityProvider.token = ''",
        )
    server.start()


def _report(options: argparse.Namespace) -> None:
    from workbench.reports.store import RunDirectory
    from workbench.sweeps.summary import write_summary

    top = Path(options.directory)
    if (top / "sweep.json").exists():
        _tell(write_summary(top), options.pdf)
        return
    runs = [top] if (top / "params.json").exists() else _folders_with(top, "params.json")
    sweeps = _folders_with(top, "sweep.json")
    if not runs and not sweeps:
        raise MachineError(
            "there is no run here",
            found="no params.json and no sweep.json",
            where=str(top),
            fix="give the --out folder of `workbench run`, or the folder of one run or sweep in it",
        )
    _make_reports([*map(RunDirectory, runs)], sweeps, options.pdf)


def _folders_with(top: Path, name: str) -> list[Path]:
    """The folders in ``top`` that hold such a file; links may lead out of it, and are left alone."""
    return sorted(file.parent for file in top.glob(f"*/{name}") if not file.parent.is_symlink())


def _tell(page: Path, pdf: bool) -> None:
    print(page)
    if pdf:
        from workbench.reports.pdf import print_pdf

        print(print_pdf(page))


def _make_reports(runs: list[Any], sweeps: list[Path], pdf: bool) -> None:
    """Make every report that can be made; those that cannot are told at the end, and hide no other."""
    from workbench.reports.html import write_report
    from workbench.sweeps.summary import write_summary

    makers: list[Callable[[], Path]] = []
    for run in runs:
        if len(runs) > 1 and not run.has_something_to_tell:
            print(f"{run.path}: nothing has run here yet")
        else:
            makers.append(partial(write_report, run))
    makers += [partial(write_summary, folder) for folder in sweeps]
    damaged: list[RunError] = []
    for make in makers:
        try:
            _tell(make(), pdf)
        except RunError as error:
            damaged.append(error)
    for error in damaged[:-1]:
        print(f"workbench: {error}", file=sys.stderr)
    if damaged:
        raise damaged[-1]
