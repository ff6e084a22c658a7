"""Angles of gates: a number, or a named parameter times a scale plus an offset."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

from workbench.errors import CircuitError


@dataclass(frozen=True)
class Angle:
    """``scale · parameter + offset``, in radians. Arithmetic with numbers gives another angle.

    ``RX("a", 0)`` is short for ``RX(Angle("a"), 0)``. One parameter may stand in many gates, with a scale of
    its own in each: ``RZZ(2 * Angle("gamma"), 0, 1)``.
    """

    name: str
    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        constant(self.scale)
        constant(self.offset)

    def __add__(self, number: float) -> Angle:
        return Angle(self.name, self.scale, self.offset + number)

    def __sub__(self, number: float) -> Angle:
        return self + (-number)

    def __rsub__(self, number: float) -> Angle:
        return -self + number

    def __mul__(self, number: float) -> Angle:
        return Angle(self.name, self.scale * number, self.offset * number)

    def __truediv__(self, number: float) -> Angle:
        return self * (1.0 / number)

    def __neg__(self) -> Angle:
        return self * -1.0

    __radd__, __rmul__ = __add__, __mul__

    def __str__(self) -> str:
        text = self.name
        if self.scale != 1.0:
            text = f"-{text}" if self.scale == -1.0 else f"{self.scale:.4g}*{text}"
        return text if self.offset == 0.0 else f"{text}{self.offset:+.4g}"

    def at(self, values: Mapping[str, float]) -> float:
        """The angle where its parameter has its value in ``values``."""
        return self.scale * values[self.name] + self.offset


def constant(number: float) -> float:
    """The number as it stands in a circuit or an observable: a constant.

    A circuit keeps no track of derivatives by the numbers in it. Compiled code that asks for the bits makes the
    engine refuse a number that is being differentiated by, where it would otherwise be a silent zero.
    """
    return struct.unpack("d", struct.pack("d", number))[0]


def as_angle(value: float | str | Angle, *, where: str) -> float | Angle:
    """A number as a float, a name as an angle.

    Raises:
        CircuitError: neither a finite number, nor a name, nor an angle.
    """
    if isinstance(value, Angle):
        return value
    if isinstance(value, str) and value:
        return Angle(value)
    if isinstance(value, Real) and math.isfinite(value):
        return constant(value)
    raise CircuitError(
        f"{value!r} is not an angle",
        found=f"got {type(value).__name__}, expected a finite number in radians or a parameter's name",
        where=where,
        fix='write RX(0.3, 0), RX("a", 0) or RX(2 * Angle("a"), 0), and pass values where the circuit is simulated',
    )
