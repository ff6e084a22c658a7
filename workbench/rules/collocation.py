"""Collocation: the derivative of an initial value problem is that of the differential equation itself.

On a mesh of steps h the three-stage Radau IIA equations are Y_i = y_k + h Σ_j a_ij f(t_j, Y_j), with
y_{k+1} = Y_3. Linearised at the solution, with the plain Jacobians J_i, δY = M⁻¹ (1 ⊗ δy_k + h A δF),
M = 1 − h A ⊗ J: one linear operation from (F, y_0) to all stages, whose transpose is the adjoint equation. F is
evaluated traced, so that it depends on whatever the right-hand side uses. Facts: order 5, stiffly accurate, mesh
tolerance 1e-8 to 1e-6.
Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, 1996, section IV.8.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.integrate as si

from workbench.autodiff.application import apply_rule
from workbench.autodiff.calls import resolve
from workbench.autodiff.derivatives import pullback
from workbench.autodiff.registry import Rule
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import plain
from workbench.rules.implicit import quiet

_ROOT6 = math.sqrt(6.0)
_C = np.array([(4.0 - _ROOT6) / 10.0, (4.0 + _ROOT6) / 10.0, 1.0])
_A = np.array(
    [
        [(88 - 7 * _ROOT6) / 360, (296 - 169 * _ROOT6) / 1800, (-2 + 3 * _ROOT6) / 225],
        [(296 + 169 * _ROOT6) / 1800, (88 + 7 * _ROOT6) / 360, (-2 - 3 * _ROOT6) / 225],
        [(16 - _ROOT6) / 36, (16 + _ROOT6) / 36, 1 / 9],
    ]
)
# of a step as long as 1: the cubics that are 1 at one of the beginning and the stages and 0 at the others, their slopes
# at the beginning and at the end, and the quartic without a value at both ends and a slope at the stages
_CUBICS = [np.poly1d(column) for column in np.linalg.inv(np.vander([0.0, *_C])).T]
_AT_START, _AT_END = [np.array([cubic.deriv()(place) for cubic in _CUBICS]) for place in (0.0, 1.0)]
_QUARTIC = np.poly1d(_C, r=True).integ() / -np.prod(_C)  # its slope at the beginning is 1


class Mesh:
    """The solution on a mesh, and the linearised equations there.

    Args:
        f: the right-hand side, f(t, y), traced in what it uses.
        y0: the initial state, perhaps traced.
        times: the first time, those where a step has to end, the last time, in order.
        tolerance: relative and absolute, of the mesh.
    """

    def __init__(self, f: Callable, y0: Any, times: np.ndarray, tolerance: tuple[float, float]) -> None:
        self.f, self.y0 = f, y0
        start, rtol, atol = np.array(plain(y0), float), *tolerance
        run = si.solve_ivp(
            quiet(f), (times[0], times[-1]), start, method="Radau", dense_output=True, rtol=rtol, atol=atol
        )
        edges = np.unique(np.concatenate([run.t, times]))
        self.edges = edges if times[-1] >= times[0] else edges[::-1]
        self.steps = np.diff(self.edges)
        self.stage_times = self.edges[:-1, None] + self.steps[:, None] * _C
        self.values = run.sol(self.stage_times.ravel()).T.reshape(len(self.steps), 3, start.size)
        self.values[:, 2][-1] = run.y[:, -1]
        rates, back = pullback(self._rates, self.values)
        self.rates = rates
        self.slopes = np.stack([plain(back(row)[0]) for row in self._components()], axis=2)
        self.inverses = [self._inverse(k) for k in range(len(self.steps))]

    def _components(self) -> Iterator[np.ndarray]:
        """Cotangents of the rates, each of one component at all stages, which do not depend on one another."""
        for i in range(self.values.shape[2]):
            row = np.zeros(self.values.shape)
            row[:, :, i] = 1.0
            yield row

    def _inverse(self, k: int) -> np.ndarray:
        n = self.values.shape[2]
        blocks = self.steps[k] * _A[:, None, :, None] * self.slopes[k].transpose(1, 0, 2)[None]
        return np.linalg.inv(np.eye(3 * n) - blocks.reshape(3 * n, 3 * n))

    def stages(self) -> Any:
        """All stages, traced: shape (steps, 3, n)."""
        found: Any = self.values
        for _ in OPEN:
            rates = self.rates
            if type(found) in TRACED:
                rates = self._rates(found)
                away = found - self.values
                away = np.reshape(away, (*np.shape(plain(away)), 1))
                rates = rates - np.reshape(np.matmul(self.slopes, away), self.values.shape)
            found = apply_rule(Rule(lambda rates, y0: self.values, self._linear), (rates, self.y0), {})
            if type(found) not in TRACED:
                break
        return found

    def _rates(self, stages: Any) -> Any:
        """The right-hand side at all stages."""
        rows = []
        for k, times in enumerate(self.stage_times.tolist()):
            for j, t in enumerate(times):
                rows.append(self.f(t, stages[k, j]))
        return np.reshape(resolve(np.stack)(rows), self.values.shape)

    def _linear(self, needs: tuple, args: tuple, kwargs: dict) -> tuple[Any, Callable]:
        """From (F, y_0) to the stages; the pullback is the adjoint equation, step by step from the end."""
        rule = Rule(lambda rates, y0: self.values, self._linear)
        nested = any(type(a) in TRACED for a in args)
        value = apply_rule(rule, args, {}) if nested else self.values.copy()
        n = self.values.shape[2]

        def collocation_pullback(bar: Any) -> list[Any]:
            later, rates_bar = np.zeros(n), []
            for k in range(len(self.steps) - 1, -1, -1):
                stage_bar = resolve(np.concatenate)([np.reshape(bar[k, :2], (-1,)), bar[k, 2] + later])
                solved = np.reshape(np.matmul(self.inverses[k].T, stage_bar), (3, n))
                rates_bar.append(self.steps[k] * np.matmul(_A.T, solved))
                later = np.sum(solved, axis=0)
            found = (resolve(np.stack)(rates_bar[::-1]), later)
            return [found[k] for k in needs]

        return value, collocation_pullback

    def at(self, stages: Any, times: np.ndarray) -> Any:
        """The states at any times of the mesh: shape (times, n).

        Of a step they are the cubic through y_k and the stages, and the quartic that has the slope of the step before
        at y_k too: its error is of order 5 in h, and nothing where a step ends.
        """
        forward = np.sign(self.steps[0])
        k = np.maximum(np.searchsorted(forward * self.edges, forward * times) - 1, 0)
        place = (times - self.edges[k]) / self.steps[k]
        more = _QUARTIC(place)[:, None]
        here = np.stack([cubic(place) for cubic in _CUBICS], axis=1) - more * _AT_START
        before = more * (self.steps[k] / self.steps[k - 1])[:, None] * _AT_END
        before[k == 0] = more[k == 0] * [self.steps[0], 0.0, 0.0, 0.0]
        # y_k and the stages, in a list of the slope at the beginning, the beginning, and all stages
        first = 3 * k[:, None] + 1 + np.arange(4)
        places = np.concatenate([np.where(k[:, None] == 0, 0, first - 3), first], axis=1)
        rows = (self.f(float(self.edges[0]), self.y0), self.y0, *stages.reshape(-1, self.values.shape[2]))
        weights = np.concatenate([before, here], axis=1)[:, :, None]
        return np.sum(weights * resolve(np.stack)(rows)[places], axis=1)
