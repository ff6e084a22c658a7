"""The training loop: an iterator of records. Asking for the next record does one iteration.

A plain ``for`` runs it, a session drives it from a thread, a test reads it. Not asking is pausing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import torch

from workbench.errors import (
    CheckpointError,
    LostGradientError,
    NotFiniteError,
    NotScalarError,
    ParameterError,
)
from workbench.training.history import Change, History, Record, Value
from workbench.training.optimisers import OPTIMISERS, Optimiser
from workbench.training.problem import Problem
from workbench.training.schedules import SCHEDULES
from workbench.training.settings import Settings, check_positive


@dataclass(frozen=True)
class Best:
    """The parameters and buffers that gave the lowest (smoothed) loss so far, and where that was."""

    iteration: int
    loss: float
    values: Mapping[str, torch.Tensor]


class Training(Iterator[Record]):
    """Minimises the loss of a problem, one iteration for each ``next``.

    An iteration that fails, because a number is not finite or the problem raises, leaves everything as it
    was before it: parameters, buffers, optimiser, generator, history.

    Args:
        problem: what to train.
        settings: the keywords of ``Settings``: iterations, learning_rate, optimiser, schedule, clip_norm,
            patience, smoothing, keep_best, seed.
    Raises:
        ParameterError: a setting that makes no sense.
    """

    def __init__(self, problem: Problem, **settings: Any) -> None:
        self.problem = problem
        self.settings = Settings(**settings)
        self.learning_rate = float(self.settings.learning_rate)
        self.iteration = 0
        self.seconds = 0.0
        self.history = History()
        self.best: Best | None = None
        self.generator = torch.Generator().manual_seed(self.settings.seed)
        self._learnable = {n: p for n, p in problem.modules.named_parameters() if p.requires_grad}
        self._optimiser = Optimiser(OPTIMISERS[self.settings.optimiser], self._learnable.values())
        self._schedule = SCHEDULES[self.settings.schedule]
        self._smoothed = 0.0

    # ------------------------------------------------------------------------------------ iterating

    def __next__(self) -> Record:
        if self.done:
            raise StopIteration
        begin = time.perf_counter()
        learning_rate = self.learning_rate * self._schedule(self.iteration / self.iterations)
        loss, metrics = self._attempt()
        self._note(loss)
        self._optimiser.step(learning_rate)
        self.iteration += 1
        self.seconds += time.perf_counter() - begin
        record = Record(self.iteration, loss, MappingProxyType(metrics), learning_rate, self.seconds)
        self.history.append(record)
        return record

    @property
    def iterations(self) -> int:
        """How many iterations make the run complete."""
        return self.settings.iterations

    @property
    def done(self) -> bool:
        """Whether there is no next record."""
        return self.reason_done is not None

    @property
    def reason_done(self) -> str | None:
        """Why there is no next record, in words; None while there is one."""
        if self.iteration >= self.iterations:
            return f"all {self.iterations} iterations done"
        patience = self.settings.patience
        if patience is not None and self.best and self.iteration - self.best.iteration >= patience:
            return f"no lower loss for {patience} iterations"
        return None

    def set(self, name: str, value: Value) -> None:
        """Use another value from the next iteration on, and note the change in the history.

        Args:
            name: "learning_rate" (before the schedule's factor), or what the problem's ``set`` knows.
        Raises:
            ParameterError: a learning rate that is not positive, or a problem that cannot change this.
        """
        self._apply(name, value)
        self.history.changes.append(Change(self.iteration, name, value))

    def _apply(self, name: str, value: Value) -> None:
        if name == "learning_rate":
            check_positive("learning_rate", value)
            self.learning_rate = float(value)
        elif hasattr(self.problem, "set"):
            self.problem.set(name, value)
        else:
            raise ParameterError(
                f"{name!r} cannot be changed while training",
                found=f"{type(self.problem).__name__} has no method `set`",
                where=name,
                fix="reset with the new value, or give the problem a method `set(name, value)`",
            )

    def load_best(self) -> None:
        """Put the parameters that gave the lowest loss back into the modules; the last ones if none kept."""
        if self.best is not None and self.best.values:
            with torch.no_grad():
                for name, tensor in self._tensors():
                    tensor.copy_(self.best.values[name])

    def _attempt(self) -> tuple[float, dict[str, float]]:
        """Loss, metrics and gradients of this iteration, all finite; or an error and nothing changed."""
        generator_before = self.generator.get_state()
        buffers_before = [buffer.clone() for buffer in self.problem.modules.buffers()]
        try:
            self._optimiser.zero_grad()
            loss, named = self.problem.loss(self.generator)
            self._check_differentiable(loss)
            value = loss.item()
            metrics = {name: _number(metric) for name, metric in named.items()}
            self._check_finite({**metrics, "loss": value})
            loss.backward()
            self._check_and_clip_gradients()
        except BaseException:
            self.generator.set_state(generator_before)
            for buffer, before in zip(self.problem.modules.buffers(), buffers_before, strict=True):
                buffer.copy_(before)
            raise
        return value, metrics

    def _note(self, loss: float) -> None:
        """Follow the smoothed loss and keep the parameters if it is the lowest."""
        weight = 1.0 / min(self.iteration + 1, self.settings.smoothing)
        self._smoothed += weight * (loss - self._smoothed)
        if self.best is None or self._smoothed < self.best.loss:
            kept = self._tensors() if self.settings.keep_best else ()
            values = {name: tensor.detach().clone() for name, tensor in kept}
            self.best = Best(self.iteration + 1, self._smoothed, values)

    def _tensors(self) -> Iterable[tuple[str, torch.Tensor]]:
        yield from self._learnable.items()
        yield from self.problem.modules.named_buffers()

    # --------------------------------------------------------------------------------------- guards

    def _check_differentiable(self, loss: torch.Tensor) -> None:
        if loss.numel() != 1:
            raise NotScalarError(
                "the loss of an iteration must be one number",
                found=f"got a tensor of shape {tuple(loss.shape)}",
                where=f"{type(self.problem).__name__}.loss",
                fix="return its mean or its sum",
            )
        if not loss.requires_grad:
            raise self._lost_gradient("a tensor that does not require a gradient")

    def _check_finite(self, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            if not math.isfinite(value):
                what = "the loss" if name == "loss" else f"the term {name!r}"
                raise self._not_finite(what, f"{name} = {value}")

    def _check_and_clip_gradients(self) -> None:
        gradients = {n: p.grad for n, p in self._learnable.items() if p.grad is not None}
        if not gradients:
            raise self._lost_gradient("a gradient for none of the parameters of `modules`")
        norm = torch.cat([gradient.flatten() for gradient in gradients.values()]).norm().item()
        if not math.isfinite(norm):
            for name, gradient in gradients.items():
                if not gradient.isfinite().all():
                    bad = f"{int((~gradient.isfinite()).sum())} of {gradient.numel()} numbers"
                    raise self._not_finite(f"the gradient of {name!r}", f"{bad} are NaN or infinite")
            raise self._not_finite("the length of the gradient", f"length = {norm}")
        limit = self.settings.clip_norm
        if limit is not None and norm > limit:
            for gradient in gradients.values():
                gradient.mul_(limit / norm)

    def _lost_gradient(self, found: str) -> LostGradientError:
        return LostGradientError(
            "the loss does not depend on anything learnable",
            found=f"got {found}",
            where=f"{type(self.problem).__name__}.loss",
            fix="compute it from the parameters of `modules`, without detach(), item() or no_grad()",
        )

    def _not_finite(self, what: str, found: str) -> NotFiniteError:
        return NotFiniteError(
            f"{what} is not finite in iteration {self.iteration + 1}",
            found=found,
            where=f"iteration {self.iteration + 1} of {self.iterations}",
            fix="lower the learning rate or set clip_norm; the state before this iteration is kept",
        )

    # ------------------------------------------------------------------------------------ the state

    def state_dict(self) -> dict[str, Any]:
        """Everything that an exact resume needs: tensors and plain values only."""
        best = None
        if self.best is not None:
            best = {**vars(self.best), "values": dict(self.best.values)}
        return {
            "settings": asdict(self.settings),
            "modules": self.problem.modules.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "history": self.history.state_dict(),
            "best": best,
            "iteration": self.iteration,
            "seconds": self.seconds,
            "learning_rate": self.learning_rate,
            "smoothed": self._smoothed,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on exactly where ``state_dict`` was taken.

        Raises:
            CheckpointError: the state was made with other settings or belongs to other modules. Nothing
                has been changed then.
        """
        self._check_belongs(state)
        self.problem.modules.load_state_dict(state["modules"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        self.history.load_state_dict(state["history"])
        self.best = Best(**state["best"]) if state["best"] else None
        self.iteration = state["iteration"]
        self.seconds = state["seconds"]
        for change in self.history.changes:
            self._apply(change.name, change.value)
        self.learning_rate = state["learning_rate"]
        self._smoothed = state["smoothed"]

    def _check_belongs(self, state: Mapping[str, Any]) -> None:
        for name, mine in asdict(self.settings).items():
            theirs = state["settings"].get(name)
            if theirs != mine:
                raise _other_training(f"{name} = {theirs!r}, expected {mine!r}")
        mine = {name: tuple(t.shape) for name, t in self.problem.modules.state_dict().items()}
        theirs = {name: tuple(t.shape) for name, t in state["modules"].items()}
        for name in [*mine, *theirs]:
            if mine.get(name) != theirs.get(name):
                raise _other_training(f"{name!r} of shape {theirs.get(name)}, expected {mine.get(name)}")


def _other_training(found: str) -> CheckpointError:
    return CheckpointError(
        "this state belongs to another training",
        found=f"got {found}",
        where="load_state_dict",
        fix="use the parameters it was made with, or start afresh in another folder",
    )


def _number(metric: float | torch.Tensor) -> float:
    return metric.item() if isinstance(metric, torch.Tensor) else float(metric)
