"""A showcase small enough to test with: fit a line. It is given to real kernels through PYTHONPATH.

LINE_PACE in the environment is how many seconds each iteration sleeps. It is no parameter: a run that a test stops
half way may be slow, and the run that goes on with it fast.
"""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar

import nbformat

from workbench.parameters import Parameters, parameter

if TYPE_CHECKING:
    import numpy as np
    import torch

    from workbench.training import Training


class LineParameters(Parameters):
    """What can be set."""

    seed: int = parameter(0, low=0, high=10**6, help="seed of the noise and of the start")
    iterations: int = parameter(30, low=1, high=10**6, help="iterations of training")
    learning_rate: float = parameter(0.05, low=1e-6, high=1.0, help="step size", live=True, scale="log")
    nap: float = parameter(0.0, low=0.0, high=10.0, unit="s", help="sleep in each iteration")
    label: str = parameter("plain", help="any text")
    fail: int = parameter(0, low=0, high=10**6, help="iteration in which it breaks; 0 for never")

    presets: ClassVar = {"smoke": {"iterations": 5}}


class LineProblem:
    """Slope and offset of noisy points."""

    def __init__(self, parameters: LineParameters) -> None:
        import torch

        self.nap, self.fail, self.iteration = parameters.nap, parameters.fail, 0
        generator = torch.Generator().manual_seed(parameters.seed)
        self.modules = torch.nn.Linear(1, 1, dtype=torch.float64)
        with torch.no_grad():
            for weight in self.modules.parameters():
                weight.copy_(torch.randn(weight.shape, generator=generator, dtype=torch.float64))

    def loss(self, generator: torch.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        """Mean square over eight fresh points."""
        import torch

        time.sleep(self.nap + float(os.environ.get("LINE_PACE", "0")))
        self.iteration += 1
        if self.iteration == self.fail:
            raise ArithmeticError(f"the line <breaks> at {self.fail}")
        xs = torch.rand(8, 1, generator=generator, dtype=torch.float64)
        ys = 2 * xs + 1 + 0.01 * torch.randn(8, 1, generator=generator, dtype=torch.float64)
        loss = ((self.modules(xs) - ys) ** 2).mean()
        return loss, {"half": loss.item() / 2}

    def snapshot(self) -> dict[str, np.ndarray]:
        """Nothing to draw."""
        return {}


def make_training(parameters: LineParameters) -> Training:
    """The training of the line."""
    from workbench.training import Training

    return Training(
        LineProblem(parameters),
        iterations=parameters.iterations,
        learning_rate=parameters.learning_rate,
        seed=parameters.seed,
    )


def evaluate(training: Training, parameters: LineParameters) -> dict:
    """Slope and offset, and how long the evaluation took."""
    import numpy as np

    began = time.perf_counter()
    weights = [weight.detach().numpy().ravel() for weight in training.problem.modules.parameters()]
    return {
        "metrics": {"slope": float(weights[0][0]), "offset": float(weights[1][0])},
        "tables": {"points": [{"x": 0.0, "y": float(weights[1][0])}]},
        "arrays": {"weights": np.concatenate(weights)},
        "timings": {"evaluation_s": time.perf_counter() - began},
    }


SHOWCASE = SimpleNamespace(
    name="line",
    title="Line <b>fit</b>",
    question="Which line goes through the points & why?",
    level="beginner",
    run_seconds=1,
    notebook="line.ipynb",
    parameters=LineParameters,
    make_training=make_training,
    evaluate=evaluate,
)

PARAMETERS_CELL = """preset = "default"
overrides = {}
live = None
run_dir = None"""
PREPARE = """from pathlib import Path
from line_fit import SHOWCASE, LineParameters, evaluate, make_training
from workbench.reports import footer, record_result
from workbench.training.session import Session
parameters = LineParameters.from_preset(preset, **overrides)
checkpoint = Path(run_dir) / "checkpoint.pt" if run_dir else None
session = Session("line", make_training, parameters, checkpoint=checkpoint)"""
TRAIN = "training = session.run()"
RECORD = "record_result(SHOWCASE, parameters, training, evaluate(training, parameters), run_dir)"
FOOTER = "footer(parameters)"


def notebook(*cells: str) -> nbformat.NotebookNode:
    """A notebook of the given cells; those that start with "#" are markdown."""
    node = nbformat.v4.new_notebook()
    parameters = nbformat.v4.new_code_cell(PARAMETERS_CELL, metadata={"tags": ["parameters"]})
    rest = [
        nbformat.v4.new_markdown_cell(cell) if cell.startswith("#") else nbformat.v4.new_code_cell(cell)
        for cell in cells
    ]
    node.cells = [parameters, *rest]
    return node


def whole_notebook(*extra: str) -> nbformat.NotebookNode:
    """A showcase's notebook as it should be, with ``extra`` cells before the last two."""
    return notebook("# Prepare", PREPARE, "# Train", TRAIN, *extra, "# Result", RECORD, FOOTER)
