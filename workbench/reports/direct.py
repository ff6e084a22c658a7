"""A showcase run as a function: the same training, evaluation and files as its notebook's, without a kernel.

The result record is the notebook's to the last byte, so a run done here is finished for ``workbench run``
too, and a run that either began the other can go on with. What a notebook would show is kept as arrays, from
which the report draws its figures.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import RunInterruptedError, RunTimeoutError
from workbench.files import write_whole
from workbench.reports import provenance
from workbench.reports.record import make_record, plain_timings, write_result
from workbench.reports.store import RunDirectory, params_record, write_json

if TYPE_CHECKING:
    from workbench.parameters import Parameters
    from workbench.showcases import Showcase
    from workbench.training import Training

CHECKPOINT_SECONDS = 5.0
TELL_SECONDS = 1.0


def run_directly(
    showcase: Showcase,
    parameters: Parameters,
    directory: RunDirectory,
    *,
    preset: str = "default",
    timeout: float | None = None,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[dict[str, Any]], None] = lambda news: None,
) -> None:
    """Train, evaluate and write the files of one run; go on from its checkpoint if there is one.

    Args:
        showcase: what to run.
        parameters: checked parameters.
        directory: made already, named by the run's identity, and held by the caller.
        preset: the preset the parameters were made from, for the record.
        timeout: seconds; looked at between two iterations.
        stop: asked between two iterations; when it says True, a checkpoint is written and the run ends.
        tell: receives iteration, iterations and loss, about once a second.
    Raises:
        RunTimeoutError: the time was up. A checkpoint is there.
        RunInterruptedError: ``stop`` said so. A checkpoint is there.
        WorkbenchError: the training or the checkpoint failed.
    """
    from workbench.training.checkpoint import has_checkpoint, load_checkpoint

    began = time.time()
    directory.failure.unlink(missing_ok=True)
    write_json(directory.params, params_record(showcase.name, directory.path.name, preset, parameters))
    training = showcase.make_training(parameters)
    whose = {"session": showcase.name, "parameters": parameters.model_dump()}
    if has_checkpoint(directory.checkpoint):
        load_checkpoint(directory.checkpoint, training, expected=whose)
    deadline = began + timeout if timeout is not None else float("inf")
    _train(training, directory.checkpoint, whose, deadline=deadline, stop=stop, tell=tell)
    result = showcase.evaluate(training, parameters)
    write_whole(directory.arrays, _packed(result.get("arrays", {})))
    record = make_record(showcase.name, parameters, training.history, result)
    origin = {**_origin(), **provenance.when(began)}
    write_result(directory, record, training.history.to_csv(), plain_timings(result), origin)


def _train(
    training: Training,
    checkpoint: Path,
    whose: Mapping[str, Any],
    *,
    deadline: float,
    stop: Callable[[], bool],
    tell: Callable[[dict[str, Any]], None],
) -> None:
    from workbench.training.checkpoint import save_checkpoint

    save_at, tell_at = time.time() + CHECKPOINT_SECONDS, time.time()
    for record in training:
        now = time.time()
        if now >= tell_at:
            tell({"iteration": record.iteration, "iterations": training.iterations, "loss": record.loss})
            tell_at = now + TELL_SECONDS
        ending = not training.done and (now >= deadline or stop())
        if ending or now >= save_at or training.done:
            save_checkpoint(checkpoint, training, whose)
            save_at = now + CHECKPOINT_SECONDS
        if ending:
            where = str(checkpoint)
            if now >= deadline:
                raise RunTimeoutError(
                    "the run did not end within its time",
                    found=f"reached iteration {training.iteration} of {training.iterations}",
                    where=where,
                    fix="--resume goes on from the last checkpoint, with a longer --timeout",
                )
            raise RunInterruptedError("the run was stopped", signal=2, where=where, fix="--resume goes on")


def _packed(arrays: Mapping[str, Any]) -> bytes:
    content = io.BytesIO()
    np.savez(content, **{name: np.asarray(array) for name, array in arrays.items()})
    return content.getvalue()


@cache
def _origin() -> dict[str, Any]:
    """What is the same for every run of this process; asking git for each would cost more than some runs."""
    return provenance.collect()
