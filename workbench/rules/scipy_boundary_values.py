"""``scipy.integrate.solve_bvp`` by the implicit function theorem (see ``implicit``).

SciPy finds mesh and values with plain numbers. They solve the collocation equations of the three-stage Lobatto IIIA
formula on that mesh, together with the boundary conditions; through these the solution depends on whatever the
equations use. The mesh does not vary.
Source: J. Kierzenka, L. F. Shampine, A BVP solver based on residual control and the Matlab PSE, 2001, section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate as si
import scipy.interpolate as ip

from workbench.autodiff.calls import resolve
from workbench.autodiff.operators import pushforward
from workbench.autodiff.registry import DOORS
from workbench.autodiff.scalars import TRACED
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.implicit import quiet, solved, unknown
from workbench.rules.keeping import Around
from workbench.rules.stand_ins import no_rule, settled, with_value


def _solve_bvp(
    fun: Callable, bc: Callable, x: Any, y: Any, p: Any = None, S: Any = None, *rest: Any, **options: Any
) -> Any:
    """``solve_bvp``: ``y``, ``yp``, ``p`` and ``sol`` of its result are traced."""
    if not OPEN:
        return si.solve_bvp(fun, bc, x, y, p, S, *rest, **options)
    if S is not None or contains_traced(settled(x)):
        raise no_rule(si.solve_bvp, "a singular term, and a mesh that varies; scale the independent variable")
    options.update(zip(("fun_jac", "bc_jac", "tol", "max_nodes", "verbose", "bc_tol"), rest, strict=False))
    around = Around(fun, bc)
    with around.during():
        found = si.solve_bvp(
            quiet(fun),
            quiet(bc),
            x,
            plain(settled(y)),
            None if p is None else plain(settled(p)),
            **{name: quiet(value) if callable(value) else plain(value) for name, value in options.items()},
        )
    (n, m), mesh, steps = found.y.shape, found.x, np.diff(found.x)
    rate, conditions = resolve(fun), resolve(bc)

    def parts(z: Any) -> tuple[Any, tuple]:
        return np.reshape(z[: n * m], (n, m)), (() if p is None else (z[n * m :],))

    def rates(t: np.ndarray, values: Any, unknown: tuple) -> Any:
        return resolve(np.asarray)(rate(t, values, *unknown))

    def equations(z: Any) -> Any:
        values, free = parts(z)
        f = rates(mesh, values, free)
        middle = 0.5 * (values[:, 1:] + values[:, :-1]) - 0.125 * steps * (f[:, 1:] - f[:, :-1])
        between = rates(mesh[:-1] + 0.5 * steps, middle, free)
        rest = values[:, 1:] - values[:, :-1] - steps / 6.0 * (f[:, :-1] + f[:, 1:] + 4.0 * between)
        ends = resolve(np.ravel)(resolve(np.asarray)(conditions(values[:, 0], values[:, -1], *free)))
        return resolve(np.concatenate)([np.reshape(rest, (-1,)), ends])

    def slopes(z: np.ndarray) -> np.ndarray:
        return _jacobian(pushforward(equations, z)[1], n, m, len(z) - n * m, z.dtype)

    if not found.success:
        found.update({name: unknown(found[name], f"the solver's {name!r}") for name in _UNSOLVED})
        return found
    z = np.concatenate([found.y.ravel(), np.ravel(found.p) if p is not None else []])
    with around.aside():
        solution = solved(equations, z, where="scipy.integrate.solve_bvp", jacobian=slopes)
        if type(solution) not in TRACED:
            return found
        values, free = parts(solution)
        f = rates(mesh, values, free)
    slope = (values[:, 1:] - values[:, :-1]) / steps
    bend = (f[:, :-1] + f[:, 1:] - 2.0 * slope) / steps
    pieces = [bend / steps, (slope - f[:, :-1]) / steps - bend, f[:, :-1], values[:, :-1]]
    coefficients = with_value(np.swapaxes(resolve(np.stack)(pieces), 1, 2), found.sol.c)
    found.rms_residuals = unknown(found.rms_residuals, "the solver's 'rms_residuals'")
    found.y, found.yp = with_value(values, found.y), with_value(f, found.yp)
    found.sol = resolve(ip.PPoly.construct_fast)(coefficients, mesh, True, 1)
    if p is not None:
        found.p = with_value(free[0], found.p)
    return found


_UNSOLVED = ("y", "yp", "p", "sol", "rms_residuals")


def _jacobian(forward: Callable, n: int, m: int, k: int, kind: np.dtype) -> np.ndarray:
    """∂F/∂z by 4 n + k products: each equation is about two neighbouring nodes, or the first and the last."""
    groups = [[0], list(range(1, m - 1, 2)), list(range(2, m - 1, 2)), [m - 1]]
    found = np.zeros((n * m + k, n * m + k), kind)
    inner = found[: n * (m - 1)].reshape(n, m - 1, -1)
    for component in range(n):
        for nodes in groups:
            columns = component * m + np.array(nodes, int)
            seed = np.zeros(n * m + k)
            seed[columns] = 1.0
            product = plain(forward(seed))
            for node, column in zip(nodes, columns, strict=True):
                touched = slice(max(node - 1, 0), node + 1)
                inner[:, touched, column] = product[: n * (m - 1)].reshape(n, m - 1)[:, touched]
                if node in (0, m - 1):
                    found[n * (m - 1) :, column] = product[n * (m - 1) :]
    for column in range(n * m, n * m + k):
        found[:, column] = plain(forward(np.eye(1, n * m + k, column)[0]))
    return found


DOORS[si.solve_bvp] = _solve_bvp
