"""What is minimised: the energy of the ring in the state that the circuit prepares."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from workbench.quantum import (
    Circuit,
    PauliSum,
    expectation,
    heisenberg_ring,
    noisy_expectation,
    parameter_shift_gradient,
    sampled_expectation,
    torch_expectation,
)
from workbench.showcases.quantum_vqe.ansatz import circuit_of
from workbench.showcases.quantum_vqe.live import training_picture
from workbench.showcases.quantum_vqe.parameters import VQEParameters
from workbench.training import Training

MOST_ROWS = 400
"""Of the energies that are kept on the way: every so many iterations one row."""


class Angles(torch.nn.Module):
    """The angles of every start, uniform in (0, 2π) at first, and the energies on the way.

    Buffers: ``energies`` (rows, starts), not a number where the training has not been; ``iteration``.
    """

    def __init__(self, parameters: VQEParameters, n_angles: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(parameters.seed)
        first = torch.rand(parameters.starts, n_angles, generator=generator, dtype=torch.float64)
        self.angles = torch.nn.Parameter(2.0 * math.pi * first)
        rows = math.ceil(parameters.iterations / kept_every(parameters))
        self.register_buffer(
            "energies", torch.full((rows, parameters.starts), torch.nan, dtype=torch.float64)
        )
        self.register_buffer("iteration", torch.zeros((), dtype=torch.int64))


def kept_every(parameters: VQEParameters) -> int:
    """Iterations from one kept row of energies to the next."""
    return math.ceil(parameters.iterations / MOST_ROWS)


class EnergyProblem:
    """Circuits of the same kind with angles of their own, which all learn at the same time.

    Without noise and shots the gradient is the simulator's reversible one. With them it comes from the
    parameter-shift rule, as on a device: from measured energies at shifted angles.

    Args:
        parameters: ring, circuit, starts, noise and shots.
    """

    def __init__(self, parameters: VQEParameters) -> None:
        self.parameters = parameters
        self.circuit = circuit_of(parameters)
        self.ring = heisenberg_ring(parameters.sites, parameters.coupling)
        self.modules = Angles(parameters, self.circuit.n_parameters)

    def loss(self, generator: torch.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        """The mean energy of the starts; beside it the lowest and the median."""
        p, angles = self.parameters, self.modules.angles
        if p.noise or p.shots:
            rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
            energies = Measured.apply(self.device_circuit(), self.ring, p.shots, rng, angles)
            reached = self.energies()
        else:
            energies = torch_expectation(self.circuit, self.ring, angles)
            reached = energies.detach().numpy()
        self._note(reached)
        return energies.mean(), {
            "lowest_energy": float(reached.min()),
            "median_energy": float(np.median(reached)),
        }

    def device_circuit(self) -> Circuit:
        """The circuit with the noise of the device."""
        return self.circuit.noisy(depolarizing=self.parameters.noise)

    def energies(self) -> np.ndarray:
        """The energy of each start, with noise but without the scatter of shots. Shape (starts,)."""
        return true_energies(self.device_circuit(), self.ring, self.modules.angles.detach().numpy())

    def set(self, name: str, value: float) -> None:
        """Go on with another value of a live parameter."""
        self.parameters = self.parameters.changed(**{name: value})

    def snapshot(self) -> dict[str, Any]:
        """The energies so far against the ring's levels; the best start's state and its correlations."""
        return training_picture(self.circuit, self.modules, self.parameters, kept_every(self.parameters))

    def _note(self, energies: np.ndarray) -> None:
        """Keep the energies before this iteration."""
        row, rest = divmod(int(self.modules.iteration), kept_every(self.parameters))
        if rest == 0 and row < len(self.modules.energies):
            self.modules.energies[row] = torch.from_numpy(energies)
        self.modules.iteration += 1


class Measured(torch.autograd.Function):
    """Energies as a device measures them, with gradients from the parameter-shift rule. Shape (starts,)."""

    @staticmethod
    def forward(
        ctx: Any, circuit: Circuit, ring: PauliSum, shots: int, rng: Any, angles: torch.Tensor
    ) -> Any:
        """One energy for each row of angles."""
        rows = angles.detach().numpy()
        sampling = {"shots": shots, "rng": rng} if shots else {}
        gradients = [parameter_shift_gradient(circuit, ring, row, **sampling) for row in rows]
        ctx.save_for_backward(torch.from_numpy(np.array(gradients)))
        found = (
            sampled_expectation(circuit, ring, rows, **sampling)
            if shots
            else true_energies(circuit, ring, rows)
        )
        return torch.from_numpy(np.asarray(found))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, bar: torch.Tensor) -> Any:
        """The measured gradients, each weighted by its energy's cotangent."""
        return None, None, None, None, bar[:, None] * ctx.saved_tensors[0]


def true_energies(circuit: Circuit, ring: PauliSum, rows: np.ndarray) -> np.ndarray:
    """The energies without the scatter of shots. Shape (starts, angles) in, (starts,) out."""
    return expectation(circuit, ring, rows) if circuit.is_unitary else noisy_expectation(circuit, ring, rows)


def make_problem(parameters: VQEParameters) -> EnergyProblem:
    """What is trained."""
    return EnergyProblem(parameters)


def make_training(parameters: VQEParameters) -> Training:
    """The problem with its optimiser and schedule.

    Sets torch to one thread in this process: the work is in the simulator, and torch only steps the angles.
    """
    torch.set_num_threads(1)
    return Training(
        make_problem(parameters),
        iterations=parameters.iterations,
        learning_rate=parameters.learning_rate,
        schedule=parameters.schedule,
        keep_best=False,
        seed=parameters.seed + 1,
    )
