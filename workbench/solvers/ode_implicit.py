"""The step of an implicit pair, for stiff ordinary equations: Newton's method in every stage, row by row.

A stage k = f(t + c h, x + γ h k) is solved for its increment z = γ h k. The derivative of a solved stage follows from
its equation: (I − γ h J) δk = δf, where δf is how f changes at the stage's state if z stays. It needs the Jacobian J
of every row by itself, so the rows must not depend on each other; that is checked wherever J is used.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.autograd.graph import saved_tensors_hooks

from workbench.errors import SolverOptionError, StepLimitError
from workbench.solvers.ode_steps import Function, Taken
from workbench.solvers.problem import refuse_second_derivative
from workbench.solvers.tableaus import Pair

ITERATIONS, POLISHING = 10, 25
SHARE = 1e-3
"""Of the tolerance of a step, the part that Newton's method may leave undone."""


class ImplicitStep:
    """The step of a pair with ``gamma`` on the diagonal.

    Args:
        pair: the coefficients.
        f: the right-hand side on (batch, state).
        tolerance: rtol and atol of the steps; None solves every stage to rounding.
    """

    def __init__(self, pair: Pair, f: Function, tolerance: tuple[float, float] | None) -> None:
        self.pair, self.f, self.tolerance = pair, self._counted(f), tolerance
        self.evaluations = 0
        """Of the last step."""
        self._rows, self._c = pair.a.tolist(), pair.c.tolist()
        self._checked = False

    def _counted(self, f: Function) -> Function:
        def counted(t: Any, y: torch.Tensor) -> torch.Tensor:
            self.evaluations += 1
            return f(t, y)

        return counted

    def __call__(self, t: torch.Tensor, h: torch.Tensor, y0: torch.Tensor, k0: torch.Tensor) -> Taken:
        """The step from (t, y0), where the slope is k0."""
        self.evaluations = 0
        part = self.pair.gamma * h
        exact = torch.is_grad_enabled() or self.tolerance is None
        jacobian = self._slope_and_jacobian(t, y0.detach())[1]
        factors = torch.linalg.lu_factor(_matrix(jacobian, part))
        ks, base = [k0], y0
        solved = torch.ones(len(y0), dtype=torch.bool, device=y0.device)
        for row, c in zip(self._rows[1:], self._c[1:], strict=True):
            base = y0 + h * sum(a * k for a, k in zip(row, ks, strict=False) if a)
            at = t + c * h
            with torch.no_grad():
                guess, ok = self._simplified(at, base, part, (factors, ks[-1], y0))
            if exact:
                ks.append(self._exact(at, base, part, guess))
                continue
            solved = solved & ok
            ks.append(_slope(guess, part, k0))
        return Taken(t, h, y0, ks, base + part * ks[-1], self.pair, solved)

    def _simplified(
        self, t: torch.Tensor, base: torch.Tensor, part: torch.Tensor, known: tuple[Any, ...]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The increment of a stage by Newton's method with the step's Jacobian, or 0; and where it was found."""
        factors, slope, y0 = known
        rtol, atol = self.tolerance or (1e-6, 1e-9)
        scale = SHARE * (atol + rtol * y0.abs())
        z, before = part * slope, torch.full_like(part[:, 0], torch.inf)
        ok = torch.zeros_like(before, dtype=torch.bool)
        for _ in range(ITERATIONS):
            move = torch.linalg.lu_solve(*factors, (part * self.f(t, base + z) - z)[..., None])[..., 0]
            size = (move / scale).square().mean(1).sqrt()
            z = torch.where(ok[:, None], z, z + move)
            rate = torch.where(torch.isfinite(before), size / before, 0.99).clamp(max=0.99)
            ok = ok | (size * rate / (1.0 - rate) <= 1.0) | (size <= 1e-3)
            failed = ~torch.isfinite(size) | (size > 2.0 * before)
            if (ok | failed).all():
                break
            before = size
        ok = ok & torch.isfinite(z).all(1)
        return torch.where(ok[:, None], z, 0.0), ok

    def _exact(
        self, t: torch.Tensor, base: torch.Tensor, part: torch.Tensor, guess: torch.Tensor
    ) -> torch.Tensor:
        """The slope of a stage to rounding, with its derivative."""
        z, fixed = guess, base.detach()
        before = torch.inf
        for _ in range(POLISHING):
            slope, jacobian = self._slope_and_jacobian(t, fixed + z)
            matrix = _matrix(jacobian, part)
            move = torch.linalg.solve(matrix, (part * slope - z)[..., None])[..., 0]
            largest = (fixed.abs() + z.abs()).amax(1) + torch.finfo(z.dtype).tiny
            sizes = move.abs().amax(1) / largest
            size = float(sizes.max())
            if not math.isfinite(size):
                return z + 0.0 * move  # the step will be seen not to be finite
            if size <= 4 * torch.finfo(z.dtype).eps or (size < 1e-6 and size > 0.5 * before):
                break
            z, before = z + move, size
        else:
            raise StepLimitError(
                "the equations of an implicit step could not be solved to rounding",
                found=f"a change of {size:.2g} after {POLISHING} iterations of Newton's method",
                where=f"row {int(sizes.argmax())}, t = {float(t[sizes.argmax(), 0]):.6g}",
                fix="shorter steps (rtol, atol, dt), or smooth the kink in the right-hand side there",
            )
        if not torch.is_grad_enabled():
            return _slope(z, part, slope)
        return _Solved.apply(self.f(t, base + z), _slope(z, part, slope), matrix)

    def _slope_and_jacobian(self, t: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """f and ∂f/∂y of every row: (batch, state) and (batch, state, state), without derivatives of their own."""
        recorded = torch.is_grad_enabled()
        with torch.enable_grad(), saved_tensors_hooks(_as_it_is, _as_it_is):
            # kept as it is, not by a checkpoint around: it is used at once
            at = y.detach().requires_grad_()
            slope = self.f(t, at)
            if not slope.requires_grad:
                return slope.detach(), y.new_zeros(*y.shape, y.shape[1])
            parts = [_pulled(slope, at, unit) for unit in torch.eye(y.shape[1]).to(y)]
            jacobian = torch.stack(parts, dim=1)
            if len(y) > 1 and (recorded or not self._checked):
                self._check_rows(slope, at, jacobian)
        return slope.detach(), jacobian

    def _check_rows(self, slope: torch.Tensor, at: torch.Tensor, jacobian: torch.Tensor) -> None:
        """Rows that depend on each other have another pullback than their own Jacobians say."""
        self._checked = True
        probe = torch.cos(torch.arange(slope.numel(), dtype=at.dtype)).reshape(slope.shape).to(at.device)
        found, expected = _pulled(slope, at, probe), torch.einsum("bo,boi->bi", probe, jacobian)
        if not torch.isfinite(expected).all():
            return
        limit = 1e3 * torch.finfo(at.dtype).eps * (1.0 + float(jacobian.abs().max()) * at.shape[1])
        if (found - expected).abs().max() > limit:
            raise SolverOptionError(
                "an implicit method needs rows that do not depend on each other",
                found="a row's rate of change depends on another row's state",
                where="f",
                fix="make the rows that belong together one row: a state of shape (1, rows × state)",
            )


class _Solved(torch.autograd.Function):
    """A solved stage: its value is known; its derivative is (I − γhJ)⁻¹ times that of the slope."""

    @staticmethod
    def forward(ctx: Any, slope: torch.Tensor, value: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(matrix)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, bar: torch.Tensor) -> tuple[Any, ...]:
        refuse_second_derivative(
            "an implicit step", fix='method="tsit5", if the equation is not too stiff for it'
        )
        (matrix,) = ctx.saved_tensors
        return torch.linalg.solve(matrix.mT, bar[..., None])[..., 0], None, None


def _pulled(slope: torch.Tensor, at: torch.Tensor, bar: torch.Tensor) -> torch.Tensor:
    (found,) = torch.autograd.grad(slope, at, bar.expand_as(slope), retain_graph=True, allow_unused=True)
    return torch.zeros_like(at) if found is None else found


def _as_it_is(x: torch.Tensor) -> torch.Tensor:
    return x


def _matrix(jacobian: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
    return torch.eye(jacobian.shape[1]).to(jacobian) - part[..., None] * jacobian


def _slope(z: torch.Tensor, part: torch.Tensor, resting: torch.Tensor) -> torch.Tensor:
    """k from γ h k; of a row that rests (h = 0), any finite slope does."""
    return torch.where(part > 0, z / torch.where(part > 0, part, 1.0), resting.detach())
