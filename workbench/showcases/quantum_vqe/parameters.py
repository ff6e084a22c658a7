"""Every knob of the quantum showcase, with its default, range, unit and help."""

from __future__ import annotations

from typing import ClassVar

from workbench.parameters import Parameters, parameter


class VQEParameters(Parameters):
    """The ring of spins, the circuit, how its angles are learnt, and on what kind of device."""

    sites: int = parameter(4, low=2, high=12, group="ring", help="spins on the ring, one qubit each")
    coupling: float = parameter(
        0.25,
        low=-1.0,
        high=1.0,
        group="ring",
        help="of XX + YY + ZZ of neighbours; positive: antiferromagnetic",
    )

    ansatz: str = parameter(
        "published",
        choices=("published", "hamiltonian"),
        group="circuit",
        help="rotations of every qubit and rings of CNOTs, or pieces of the ring's own time evolution",
    )
    layers: int = parameter(
        2, low=1, high=24, group="circuit", help="rings of CNOTs, or pairs of pieces of the time evolution"
    )

    starts: int = parameter(
        100, low=1, high=1000, scale="log", group="training", help="sets of angles trained side by side"
    )
    iterations: int = parameter(
        200, low=2, high=20_000, scale="log", group="training", help="of the Adam optimiser"
    )
    learning_rate: float = parameter(
        0.1, low=1e-4, high=1.0, scale="log", group="training", live=True, help="of the Adam optimiser"
    )
    schedule: str = parameter(
        "constant",
        choices=("constant", "linear", "cosine", "exponential", "warmup-cosine"),
        group="training",
        help="how the learning rate changes over the training",
    )
    seed: int = parameter(0, low=0, high=2**31 - 1, group="training", help="of the starts and of the shots")

    noise: float = parameter(
        0.0,
        low=0.0,
        high=0.1,
        group="device",
        live=True,
        help="depolarising of every qubit that a gate has touched: chance of an error",
    )
    shots: int = parameter(
        0, low=0, high=10_000, group="device", live=True, help="for each measured expectation; 0: exact"
    )

    study_starts: int = parameter(
        20, low=2, high=200, scale="log", group="studies", help="for each circuit of the study of depths"
    )
    study_sites: int = parameter(
        8, low=4, high=10, group="studies", help="of the longest ring in the study of depths"
    )
    plateau_sites: int = parameter(
        12, low=4, high=12, group="studies", help="of the longest ring in the study of plateaus"
    )
    samples: int = parameter(
        100,
        low=4,
        high=2000,
        scale="log",
        group="studies",
        help="random sets of angles, for each gradient's variance",
    )
    compared_iterations: int = parameter(
        100, low=5, high=1000, scale="log", group="studies", help="of natural gradient and of Adam"
    )
    cut_rounds: int = parameter(4, low=1, high=8, group="studies", help="of the QAOA circuit, at most")

    presets: ClassVar = {
        "paper": {"starts": 1},
        "deep": {"layers": 5},
        "hamiltonian": {
            "sites": 10,
            "ansatz": "hamiltonian",
            "layers": 14,
            "starts": 10,
            "iterations": 2000,
            "learning_rate": 0.05,
            "schedule": "cosine",
        },
        "device": {"starts": 4, "noise": 0.002, "shots": 1000, "learning_rate": 0.05},
        "smoke": {
            "starts": 4,
            "iterations": 12,
            "study_starts": 2,
            "study_sites": 4,
            "plateau_sites": 4,
            "samples": 4,
            "compared_iterations": 5,
            "cut_rounds": 1,
        },
    }


class RotationParameters(Parameters):
    """Where the single qubit's two rotations start, and how they are learnt."""

    first: float = parameter(0.4, low=-3.2, high=3.2, unit="rad", help="angle of the rotation about x")
    second: float = parameter(
        -0.3, low=-3.2, high=3.2, unit="rad", help="angle of the rotation about z, after it"
    )
    rate: float = parameter(0.3, low=0.01, high=2.0, scale="log", help="of plain gradient ascent")
    steps: int = parameter(60, low=1, high=300, help="of the ascent")
