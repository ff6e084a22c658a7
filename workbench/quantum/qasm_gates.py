"""The gates that OpenQASM knows by name: those of qelib1.inc, with Qiskit's meaning."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from workbench.quantum import gates as g
from workbench.quantum.gates import Gate

_HALF = math.pi / 2


def _u(theta: float, phi: float, lam: float, qubit: int) -> list[Gate]:
    return [g.U3(theta, phi, lam, qubit)]


# name -> (angles, qubits, gates), with the meaning of qelib1.inc as Qiskit has it
KNOWN: dict[str, tuple[int, int, Callable[..., list[Gate]]]] = {
    "U": (3, 1, _u),
    "u3": (3, 1, _u),
    "u": (3, 1, _u),
    "u2": (2, 1, lambda phi, lam, q: _u(_HALF, phi, lam, q)),
    "u1": (1, 1, lambda lam, q: [g.Phase(lam, q)]),
    "p": (1, 1, lambda lam, q: [g.Phase(lam, q)]),
    "id": (0, 1, lambda q: []),
    **{name.lower(): (0, 1, lambda q, n=name: [Gate(n, (q,))]) for name in ("X", "Y", "Z", "H", "S", "T")},
    "sdg": (0, 1, lambda q: [Gate("Sdg", (q,))]),
    "tdg": (0, 1, lambda q: [Gate("Tdg", (q,))]),
    "sx": (0, 1, lambda q: [g.Unitary(np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2, q)]),
    **{
        f"r{p.lower()}": (1, len(p), lambda a, *q, p=p: [g.PauliRotation(p, a, *q)])
        for p in ("X", "Y", "Z", "XX", "YY", "ZZ")
    },
    **{
        f"c{n.lower()}": (0, 2, lambda c, q, n=n: [Gate(n, (q,), controls=(c,))])
        for n in ("X", "Y", "Z", "H")
    },
    "CX": (0, 2, lambda c, q: [g.CNOT(c, q)]),
    **{
        f"cr{p.lower()}": (1, 2, lambda a, c, q, p=p: [g.PauliRotation(p, a, q).controlled(c)]) for p in "XYZ"
    },
    "cu1": (1, 2, lambda a, c, q: [g.Phase(a, q).controlled(c)]),
    "cp": (1, 2, lambda a, c, q: [g.Phase(a, q).controlled(c)]),
    "cu3": (3, 2, lambda a, b, d, c, q: [g.U3(a, b, d, q).controlled(c)]),
    "swap": (0, 2, lambda a, b: [g.SWAP(a, b)]),
    "ccx": (0, 3, lambda a, b, q: [g.X(q).controlled(a, b)]),
    "cswap": (0, 3, lambda c, a, b: [g.SWAP(a, b).controlled(c)]),
}
