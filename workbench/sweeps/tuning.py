"""Runs chosen by Optuna: it proposes as many as there are workers, learns from what they came to, and so on.

The results are told in the order in which the runs were proposed, so the same command makes the same
proposals, however fast the workers were. A search that was stopped is gone on with by asking again: its
finished runs are skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import MachineError, ParameterError, RunError, choice_among
from workbench.parameters import ParameterInfo, Parameters
from workbench.reports.record import number_text
from workbench.reports.store import read_record, storage_errors
from workbench.sweeps import grid
from workbench.sweeps.driver import Progress, Watch, check_beginning, token_file
from workbench.sweeps.plan import Job, Mode, Plan, sweep_folder, write_sweep
from workbench.sweeps.summary import write_summary
from workbench.sweeps.sweep import Crew

if TYPE_CHECKING:
    from workbench.showcases import Showcase


@dataclass(frozen=True)
class Best:
    """The best run of a search."""

    values: Mapping[str, Any]
    result: float


def tune(
    showcase: Showcase,
    texts: Mapping[str, str],
    *,
    objective: str,
    out: Path,
    trials: int = 20,
    maximise: bool = False,
    seed: int = 0,
    preset: str = "default",
    mode: Mode = "function",
    scheduler: str = "local",
    insecure: bool = False,
    workers: int = 1,
    resume: bool = False,
    timeout: float | None = None,
    notebook: Path | None = None,
    watch: Watch = lambda progress: None,
) -> tuple[Path, Best]:
    """Search for the parameters that make ``objective`` least.

    Args:
        showcase: what to run.
        texts: where to look: ``low..high``, or a list with commas, for each parameter.
        objective: "loss" (the last one) or the name of a metric.
        out: absolute path of the folder that holds the runs.
        trials: how many runs.
        maximise: the greatest instead of the least.
        seed: of the search.
        preset, mode, scheduler, insecure, workers, resume, timeout, notebook, watch: as for a sweep.
    Returns:
        the report, and the best run.
    Raises:
        ParameterError: a range that its parameter does not take, or an objective that no run has.
        RunError: every run failed, or runs were begun before and ``resume`` is False.
        MachineError: Optuna is not installed.
    """
    optuna = _optuna()
    space = {name: _axis(showcase.parameters, name, text, preset) for name, text in texts.items()}
    if not space:
        raise ParameterError(
            "a search needs something to vary", where="-p", fix="for example -p learning_rate=1e-4..1e-1"
        )
    study = optuna.create_study(
        direction="maximize" if maximise else "minimize", sampler=optuna.samplers.TPESampler(seed=seed)
    )
    done: list[Job] = []
    found: list[tuple[float, Job]] = []
    total = Progress(total=trials)
    with token_file(out) as token, Crew(scheduler, workers=workers, insecure=insecure) as crew:
        plan = Plan(
            showcase=showcase,
            preset=preset,
            mode=mode,
            out=out,
            token=token,
            timeout=timeout,
            notebook=notebook,
        )
        folder: Path | None = None
        while len(done) < trials:
            asked = [study.ask() for _ in range(min(workers, trials - len(done)))]
            jobs = plan.jobs([{name: axis.suggest(trial) for name, axis in space.items()} for trial in asked])
            check_beginning(jobs, resume=resume)
            _do(crew, jobs, total, watch)
            done += jobs
            for trial, job in zip(asked, jobs, strict=True):
                result = _result(job, objective)
                if result is None:
                    study.tell(trial, state=optuna.trial.TrialState.FAIL)
                else:
                    study.tell(trial, result)
                    found.append((result, job))
            folder = folder or sweep_folder(out, f"{showcase.name} {objective} {trials} {seed}", jobs, "tune")
            with storage_errors(folder):
                write_sweep(
                    folder, showcase.name, preset, _once(done), objective=objective, maximise=maximise
                )
    assert folder is not None
    report = write_summary(folder, showcase)
    if not found:
        raise RunError("every run of this search failed", where=str(folder), fix="the report says why")
    result, job = (max if maximise else min)(found, key=lambda entry: entry[0])
    return report, Best(job.values, result)


def _do(crew: Crew, jobs: list[Job], total: Progress, watch: Watch) -> None:
    """One batch of runs, told as part of the whole search."""

    def watch_all(part: Progress) -> None:
        shown = Progress(total.total, total.began, total.counts + part.counts)
        shown.running, shown.latest = part.running, part.latest
        watch(shown)

    total.counts += crew.do(_once(jobs), watch=watch_all).counts


def _once(jobs: list[Job]) -> list[Job]:
    """Each run once, in order: a search over a list may propose the same values again."""
    return list({job.run_id: job for job in jobs}.values())


@dataclass(frozen=True)
class _Axis:
    """Where one parameter is looked for."""

    info: ParameterInfo
    low: Any = None
    high: Any = None
    values: tuple[Any, ...] = ()

    def suggest(self, trial: Any) -> Any:
        """A value for a trial."""
        if self.values:
            return trial.suggest_categorical(self.info.name, list(self.values))
        log = self.info.scale == "log" and self.low > 0
        suggest = trial.suggest_int if self.info.kind is int else trial.suggest_float
        return suggest(self.info.name, self.low, self.high, log=log)


def _axis(kind: type[Parameters], name: str, text: str, preset: str) -> _Axis:
    ends = grid.bounds(kind, name, text, preset=preset)
    if ends is None:
        values = grid.axes(kind, {name: text}, preset=preset)[name]
        return _Axis(_info(kind, name), values=tuple(values))
    return _Axis(_info(kind, name), *ends)


def _info(kind: type[Parameters], name: str) -> ParameterInfo:
    return next(info for info in kind.infos() if info.name == name)


def _result(job: Job, objective: str) -> float | None:
    """What the run came to; None where it failed or the result is not a number."""
    if not job.directory.complete:
        return None
    record = read_record(job.directory.result)
    known = {"loss": record.get("loss", {}).get("last"), **record.get("metrics", {})}
    if objective not in known:
        raise ParameterError(
            f"no run has the result {objective!r}",
            found=f"got {objective!r}, expected one of {', '.join(known)}",
            where="--objective",
            fix=choice_among(objective, known),
        )
    value = known[objective]
    if value is not None and not isinstance(value, (int, float)):
        raise ParameterError(
            f"the result {objective!r} is no number", found=f"got {number_text(value)}", where="--objective"
        )
    return value


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise MachineError(
            "`workbench tune` needs Optuna, which is not installed",
            where="this Python environment",
            fix="pip install 'workbench[tune]' (in the checkout: pip install -c constraints.txt -e '.[tune]')",
        ) from None
    optuna.logging.set_verbosity(logging.WARNING)
    return optuna
