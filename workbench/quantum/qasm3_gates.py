"""Gates of OpenQASM 3, with the global phase that it gives some of them: it matters once the gate is controlled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.quantum.angles import Angle
from workbench.quantum.gates import Gate, Phase

Number = float | Angle


@dataclass(frozen=True)
class MadeGates:
    """Gates and the global phase beside them."""

    gates: tuple[Gate, ...] = ()
    phase: Number = 0.0

    def __add__(self, other: MadeGates) -> MadeGates:
        return MadeGates(self.gates + other.gates, sum_of_angles(self.phase, other.phase))

    def inverse(self) -> MadeGates:
        return MadeGates(tuple(gate.dagger() for gate in reversed(self.gates)), -1.0 * self.phase)

    def controlled(self, controls: Sequence[int]) -> MadeGates:
        gates = tuple(gate.controlled(*controls) for gate in self.gates)
        if isinstance(self.phase, Angle) or self.phase != 0.0:
            first, *others = controls
            turn = Phase(self.phase, first)
            gates += (turn.controlled(*others) if others else turn,)
        return MadeGates(gates)


def sum_of_angles(a: Number, b: Number) -> Number:
    """a + b, which is one parameter times a number, plus a number, or ``ValueError``."""
    if not isinstance(b, Angle):
        return a + b if b != 0.0 else a
    if not isinstance(a, Angle):
        return b + a
    if a.name == b.name:
        return Angle(a.name, a.scale + b.scale, a.offset + b.offset)
    raise ValueError(f"the sum of {a} and {b} is not one parameter times a number")


# name -> the global phase of OpenQASM 3's gate beside the one of the same name in ``KNOWN``
PHASES: dict[str, Callable[..., Number]] = {
    "U": lambda theta, phi, lam: 0.5 * theta,
    "u2": lambda phi, lam: -0.5 * sum_of_angles(phi, lam),
    "u3": lambda theta, phi, lam: -0.5 * sum_of_angles(phi, lam),
}
# names of stdgates.inc -> those in ``KNOWN``
SAME = {"phase": "p", "cphase": "cp"}
