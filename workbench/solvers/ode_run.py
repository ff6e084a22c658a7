"""One solution of an ordinary equation: the steps are chosen, then taken again for outputs and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from workbench.errors import SolverOptionError, StepLimitError
from workbench.solvers.events import Watch
from workbench.solvers.ode_steps import Taken
from workbench.solvers.problem import States, refuse_traced
from workbench.solvers.sde_adaptive import blow_up
from workbench.solvers.solution import EventRecord, ODESolution, Statistics

MAX_STEPS = 100_000
SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0
ROUNDING = 1e-14
UNSOLVED = 1e3
"""What counts as the error of an implicit step, over its tolerance, if its equations could not be solved."""


def column(value: Any, like: torch.Tensor) -> torch.Tensor:
    """A number, or one for each row, as a column (batch, 1)."""
    values = np.broadcast_to(np.asarray(value, float), (len(like),))
    return torch.tensor(values[:, None], dtype=like.dtype, device=like.device)


@dataclass(frozen=True)
class Plan:
    """The accepted steps of all rows, side by side: begins and lengths, (steps, batch). Length 0: the row has ended."""

    begins: np.ndarray
    lengths: np.ndarray


class Run:
    """A solution in the making."""

    def __init__(
        self,
        stepper: Any,
        states: States,
        times: np.ndarray,
        watch: Watch,
        *,
        accuracy: tuple[float, float, float | None],
        progress: Callable[[float], None] | None,
    ) -> None:
        self.stepper, self.states, self.times, self.watch = stepper, states, times, watch
        self.rtol, self.atol, self.dt = accuracy
        self.progress, self.y0, self.batch = progress, states.y0, states.batch
        self.accepted, self.rejected = np.zeros(self.batch, np.int64), np.zeros(self.batch, np.int64)
        self.evaluations = 1

    def solution(self, *, dense: bool, gradient: str) -> ODESolution:
        """Choose the steps, take them, and put the outputs into their places."""
        with torch.no_grad():
            self.plan = plan = self._choose()
        f, y0 = self.stepper.f, self.y0
        # asked whether or not torch records: a function that counts its calls counts the same
        varies = y0.requires_grad or f(column(self.times[0], y0), y0).requires_grad
        varies = varies and torch.is_grad_enabled()
        with torch.set_grad_enabled(varies):
            ys, moments, kept = self.take(plan, keep=dense, checkpointed=varies and gradient == "checkpoint")
        counts = Statistics(
            self.evaluations, torch.from_numpy(self.accepted), torch.from_numpy(self.rejected)
        )
        ts = torch.as_tensor(self.times, dtype=y0.dtype, device=y0.device)
        records, t_end, ys = self._with_events(moments, ts, ys)
        at = Dense(self.states, plan, kept, (self.times, t_end.detach().numpy(), ys)) if dense else None
        shown = self.states
        return ODESolution(shown.times(ts), shown.out(ys), counts, records, shown.times(t_end), at, self)

    # ------------------------------------------------------------------------------------ choosing

    def _choose(self) -> Plan:
        times, y = self.times, self.y0.detach()
        t, done = np.full(self.batch, times[0]), np.zeros(self.batch, bool)
        k = self.stepper.f(column(t, y), y)
        h = self._first_step(y, k)
        self.watch.start(column(t, y), y)
        log: list[tuple[np.ndarray, ...]] = []
        edges = self._fixed_edges()
        while not done.all():
            if edges is not None:
                size = np.where(done, 0.0, edges[len(log) + 1] - edges[len(log)])
            else:
                rest = times[-1] - t
                size = np.where(
                    done, 0.0, np.where(h > 0.9 * rest, rest, np.where(h > 0.5 * rest, 0.5 * rest, h))
                )
            taken = self.stepper(column(t, y), column(size, y), y, k)
            self.evaluations += self.stepper.evaluations
            ratio = self._ratio(taken)
            ok = ~done & (ratio <= 1.0)
            self.accepted += ok
            self.rejected += ~ok & ~done
            self._check(taken, (ratio, ok, done), t, size)
            log.append((ok, t.copy(), size))
            mask = torch.from_numpy(ok)
            if self.watch.events and ok.any():
                theta = self.watch.after(taken, mask, (self.accepted - 1).tolist())
                done = done | (ok & np.isfinite(theta.numpy()))
            y = torch.where(mask[:, None], taken.y1, y)
            k = torch.where(mask[:, None], taken.ks[-1], k)
            end = times[-1] if edges is None else edges[len(log)]
            reached = ok & ((t + size >= end - ROUNDING * abs(end)) if edges is None else True)
            t = np.where(reached, end, np.where(ok, t + size, t))
            done = done | (ok & (t >= times[-1]))
            with np.errstate(divide="ignore"):
                factor = np.clip(SAFETY * ratio ** (-1.0 / (self.stepper.pair.error_order + 1)), SHRINK, GROW)
            h = np.where(ok, np.maximum(factor * size, np.where(size < h, h, 0.0)), factor * size)
            if self.progress is not None:
                self.progress(float((np.where(done, times[-1], t).min() - times[0]) / (times[-1] - times[0])))
        return self._plan(log)

    def _plan(self, log: list[tuple[np.ndarray, ...]]) -> Plan:
        steps = int(self.accepted.max())
        begins, lengths = np.zeros((steps, self.batch)), np.zeros((steps, self.batch))
        begins[:] = self.times[-1]
        filled = np.zeros(self.batch, np.int64)
        for ok, t, size in log:
            rows = np.flatnonzero(ok)
            begins[filled[rows], rows], lengths[filled[rows], rows] = t[rows], size[rows]
            filled[rows] += 1
        return Plan(begins, lengths)

    def _fixed_edges(self) -> np.ndarray | None:
        if self.dt is None:
            return None
        parts = [self.times[:1]]
        for t0, t1 in zip(self.times[:-1], self.times[1:], strict=True):
            parts.append(np.linspace(t0, t1, max(1, math.ceil((t1 - t0) / self.dt * (1 - 1e-12))) + 1)[1:])
        return np.concatenate(parts)

    def _first_step(self, y: torch.Tensor, k: torch.Tensor) -> np.ndarray:
        """Hairer's first step for each row.

        Source: E. Hairer, S. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, 1993, II.4.
        """
        span, order = self.times[-1] - self.times[0], self.stepper.pair.error_order + 1
        scale = self.atol + self.rtol * y.abs()

        def norm(x: torch.Tensor) -> torch.Tensor:
            return (x / scale).square().mean(1).sqrt()

        d0, d1 = norm(y), norm(k)
        h0 = torch.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / d1).clamp(max=span)
        t1 = column(self.times[0], y) + h0[:, None]
        d2 = norm(self.stepper.f(t1, y + h0[:, None] * k) - k) / h0
        self.evaluations += 1
        largest = torch.maximum(d1, d2)
        h1 = torch.where(largest <= 1e-15, (1e-3 * h0).clamp(min=1e-6), (0.01 / largest) ** (1.0 / order))
        h = torch.minimum(100.0 * h0, h1).nan_to_num(1e-6).clamp(max=span)
        return h.double().cpu().numpy()

    def _ratio(self, taken: Taken) -> np.ndarray:
        """The error of each row over its tolerance; infinite if it is not finite; 0 in fixed steps."""
        if self.dt is not None:
            good = torch.isfinite(taken.y1).all(1)
            ratio = torch.where(good, 0.0, torch.inf)
            return (
                ratio if taken.solved is None else torch.where(good & ~taken.solved, UNSOLVED, ratio)
            ).numpy()
        scale = self.atol + self.rtol * torch.maximum(taken.y0.abs(), taken.y1.abs())
        ratio = (taken.error() / scale).square().mean(1).sqrt() + 0.0 * taken.y1.sum(1)
        if taken.solved is not None:
            ratio = torch.where(taken.solved, ratio, ratio.clamp(min=UNSOLVED))
        return torch.where(torch.isfinite(ratio), ratio, torch.inf).double().cpu().numpy()

    def _check(self, taken: Taken, verdict: tuple, t: np.ndarray, size: np.ndarray) -> None:
        """Stop when a row cannot be solved, saying which and when."""
        ratio, ok, done = verdict
        short = ~ok & ~done & (size <= 8 * np.spacing(np.maximum(abs(t), 1e-300)))
        if self.dt is not None:
            short = ~ok & ~done
        many = (self.accepted + self.rejected > MAX_STEPS) & ~done
        if not (short | many).any():
            return
        row = int(np.flatnonzero(short if short.any() else many)[0])
        if short[row] and not np.isfinite(ratio[row]):
            raise blow_up(float(t[row]), row, int((~torch.isfinite(taken.y1[row])).long().argmax()))
        raise StepLimitError(
            f"the steps of row {row} became too {'short' if short[row] else 'many'} at t = {t[row]:.6g}",
            found=f"got a step of {size[row]:.3g} after {int(self.accepted[row])} accepted ones",
            where=f"row {row}, t = {t[row]:.6g}",
            fix='method="kencarp4" if the equation is stiff, looser rtol and atol, or look for a singularity there',
        )

    # ------------------------------------------------------------------------------------ taking

    def take(self, plan: Plan, *, keep: bool, checkpointed: bool) -> tuple[torch.Tensor, list, list[Taken]]:
        """The outputs, the moments of the events, and the steps if they are to be kept."""
        n, y = len(plan.begins), self.y0
        k = self.stepper.f(column(self.times[0], y), y)
        size = max(1, math.isqrt(n)) if checkpointed else n
        wanted = self.wanted(plan)
        pieces: list[torch.Tensor] = [y]
        places: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(self.batch, int), np.arange(self.batch))]
        moments: list[tuple[Any, ...]] = []
        kept: list[Taken] = []
        for a in range(0, n, max(size, 1)):
            b = min(a + size, n)

            def segment(y: torch.Tensor, k: torch.Tensor, a: int = a, b: int = b) -> tuple[torch.Tensor, ...]:
                outputs: list[torch.Tensor] = []
                for m in range(a, b):
                    taken = self.stepper(column(plan.begins[m], y), column(plan.lengths[m], y), y, k)
                    outputs += self._outputs(taken, wanted[m], m)
                    if keep:
                        kept.append(taken)
                    y, k = taken.y1, taken.ks[-1]
                return (y, k, *outputs)

            if checkpointed and not keep:
                y, k, *outputs = checkpoint(segment, y, k, use_reentrant=False, preserve_rng_state=False)
            else:
                y, k, *outputs = segment(y, k)
            for m in range(a, b):
                if len(wanted[m][0]):
                    pieces.append(outputs.pop(0))
                    places.append(wanted[m][:2])
                for crossing in [c for c in self.watch.found if c.step == m]:
                    moments.append((crossing, outputs.pop(0), outputs.pop(0)))
        return self._assembled(pieces, places), moments, kept

    def _outputs(self, taken: Taken, wanted: tuple, m: int) -> list[torch.Tensor]:
        outputs, rows, theta = wanted
        found = []
        if len(outputs):
            column = torch.tensor(theta[:, None], dtype=taken.y0.dtype)
            whole = torch.from_numpy(theta == 1.0)[:, None]
            found.append(torch.where(whole, taken.y1[rows], taken.at(column, rows)))
        for crossing in self.watch.found:
            if crossing.step == m:
                found += self.watch.moment(crossing, taken, self.stepper.f)
        return found

    def wanted(self, plan: Plan) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """For each step the outputs within it: their numbers, rows, and where in the step."""
        ends = plan.begins + plan.lengths
        result = []
        last = np.zeros(self.batch, np.int64)
        stops = self.stops()
        for m in range(len(ends)):
            moving = plan.lengths[m] > 0
            upto = np.searchsorted(self.times, ends[m] + ROUNDING * np.abs(ends[m]), side="right") - 1
            upto = np.where(moving, np.minimum(upto, self._last_before(stops, plan, m)), last)
            rows = np.repeat(np.arange(self.batch), np.maximum(upto - last, 0))
            outputs = np.concatenate([np.arange(last[r] + 1, upto[r] + 1) for r in range(self.batch)]).astype(
                int
            )
            size = np.where(moving, plan.lengths[m], 1.0)
            theta = np.clip((self.times[outputs] - plan.begins[m][rows]) / size[rows], 0.0, 1.0)
            theta[np.abs(theta - 1.0) < 1e-12] = 1.0
            result.append((outputs, rows, theta))
            last = np.maximum(last, upto)
        return result

    def stops(self) -> dict[int, Any]:
        """The terminal crossing of each row that has one."""
        return {c.row: c for c in self.watch.found if self.watch.events[c.event].terminal}

    def _last_before(self, stops: dict[int, Any], plan: Plan, m: int) -> np.ndarray:
        """The last output that each row may reach in step m, given where it stops."""
        limit = np.full(self.batch, len(self.times) - 1)
        for row, c in stops.items():
            if c.step == m:
                t = plan.begins[m, row] + c.theta * plan.lengths[m, row]
                limit[row] = np.searchsorted(self.times, t, side="right") - 1
        return limit

    def _assembled(
        self, pieces: list[torch.Tensor], places: list[tuple[np.ndarray, np.ndarray]]
    ) -> torch.Tensor:
        """The outputs in their places, (times, batch, state); those after a terminal event are still missing: 0."""
        index = torch.cat([torch.from_numpy(outputs * self.batch + rows) for outputs, rows in places])
        flat = torch.zeros(len(self.times) * self.batch, self.states.size, dtype=self.y0.dtype)
        return flat.index_copy(0, index, torch.cat(pieces)).reshape(len(self.times), self.batch, -1)

    def _with_events(
        self, moments: list[tuple[Any, ...]], ts: torch.Tensor, ys: torch.Tensor
    ) -> tuple[tuple[EventRecord, ...], torch.Tensor, torch.Tensor]:
        """The records of the events, the time at which each row ended, and outputs that rest after the end."""
        t_end = ts[-1].expand(self.batch)
        moments = sorted(moments, key=lambda moment: (moment[0].row, float(moment[1].detach())))
        records = []
        for k, event in enumerate(self.watch.events):
            own = [moment for moment in moments if moment[0].event == k]
            rows = torch.tensor([c.row for c, _, _ in own], dtype=torch.long)
            times = torch.stack([t for _, t, _ in own]) if own else ts[:0]
            at = torch.stack([y for _, _, y in own]) if own else ys[0, :0]
            if event.terminal and own:
                t_end = t_end.index_copy(0, rows, times)
                after = ts[:, None] > t_end.detach()
                resting = torch.zeros_like(ys[0]).index_copy(0, rows, at)
                is_own = torch.zeros(self.batch, dtype=torch.bool)
                is_own[rows] = True
                ys = torch.where((after & is_own)[..., None], resting, ys)
            shown = at[:, 0] if self.states.axes == 0 else at
            records.append(EventRecord(rows, self.states.times(times), self.states.times(shown)))
        return tuple(records), t_end, ys


class Dense:
    """The solution as a function of time."""

    def __init__(
        self, states: States, plan: Plan, kept: list[Taken], known: tuple[Any, Any, torch.Tensor]
    ) -> None:
        self.states, self.plan, self.kept = states, plan, kept
        self.times, self.t_end, self.ys = known

    def __call__(self, t: Any) -> Any:
        """The state at time t; after its terminal event a row rests."""
        refuse_traced("put the time among ts", t=t)
        times = np.asarray(t.detach() if isinstance(t, torch.Tensor) else t, float)
        if times.ndim:
            return self.states.out(torch.stack([self._at(time) for time in times.tolist()]))
        return self.states.out(self._at(float(times)))

    def _at(self, t: float) -> torch.Tensor:
        parts = [
            (own, self.kept[m].at(torch.tensor(theta, dtype=self.ys.dtype), own))
            for own, m, theta in self.places(t)
        ]
        order = torch.from_numpy(np.argsort(np.concatenate([own for own, _ in parts])))
        return torch.cat([y for _, y in parts])[order]

    def places(self, t: float) -> list[tuple[np.ndarray, int, np.ndarray]]:
        """The rows that are in the same step at time t, the step, and where in it, a column."""
        if not self.times[0] <= t <= self.times[-1]:
            raise SolverOptionError(
                "a solution was asked for a time outside of its own",
                found=f"got {t}, expected {self.times[0]} to {self.times[-1]}",
                where="t",
            )
        within = np.minimum(t, self.t_end)
        ends = np.where(self.plan.lengths > 0, self.plan.begins + self.plan.lengths, np.inf)
        step = np.argmax(ends >= within - ROUNDING * np.abs(within), axis=0)
        rows = []
        for m in np.unique(step).tolist():
            own = np.flatnonzero(step == m)
            theta = (within[own] - self.plan.begins[m, own]) / self.plan.lengths[m, own]
            rows.append((own, m, np.clip(theta, 0, 1)[:, None]))
        return rows
