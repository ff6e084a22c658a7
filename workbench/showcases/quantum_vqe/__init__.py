"""Machine learning on simulated quantum hardware: a variational circuit learns the ground state of a ring of spins.

rotation            one qubit, in plain Python: a rotation is learnt on the Bloch sphere
parameters          every knob of the showcase
ansatz              the circuits whose angles are learnt
exact               the ring's levels and ground state by diagonalisation
loss                the energy: exact, with noise, or from shots
live                what the live views draw
evaluation          how near each start has come, and what noise and shots do to the result
limits              what can be reached with which depth, and barren plateaus
natural             natural gradient against Adam
maxcut              QAOA
"""

from __future__ import annotations

from workbench.showcases import Showcase
from workbench.showcases.quantum_vqe.parameters import VQEParameters

SHOWCASE = Showcase(
    name="quantum_vqe",
    title="Learning with qubits",
    question="Which circuit prepares the ground state of a ring of spins?",
    level="Intermediate: complex numbers and matrices; no quantum mechanics needed",
    run_seconds=30,
    notebook="20_quantum_vqe.ipynb",
    parameters=VQEParameters,
)
