"""Every knob of the showcase, with its default, range, unit and help."""

from __future__ import annotations

from typing import ClassVar

from workbench.parameters import Parameters, parameter


class SkeletonParameters(Parameters):
    """The true spring, what is measured of it, and how to learn from that."""

    # Yours: sliders, options of the command line, checks and tables of the report are made from these lines.
    stiffness: float = parameter(
        4.0, low=1.0, high=9.0, unit="1/s²", group="truth", help="pull of the spring for each m and kg"
    )
    damping: float = parameter(
        0.3, low=0.0, high=1.0, unit="1/s", group="truth", help="friction for each m/s and kg"
    )

    samples: int = parameter(41, low=5, high=201, group="data", help="positions measured")
    duration: float = parameter(6.0, low=1.0, high=20.0, unit="s", group="data", help="of the measurement")
    noise: float = parameter(
        0.05, low=0.0, high=0.5, unit="m", group="data", help="standard deviation of a measured position"
    )

    iterations: int = parameter(200, low=1, high=100_000, scale="log", group="training", help="of Adam")
    learning_rate: float = parameter(
        0.2, low=1e-4, high=1.0, scale="log", group="training", live=True, help="of the Adam optimiser"
    )
    seed: int = parameter(0, low=0, high=2**31 - 1, group="training", help="of the noise")

    # "smoke" makes the tests quick: as little as still runs every line.
    presets: ClassVar = {"smoke": {"iterations": 4, "samples": 11}}
