"""Showcases: problems worth differentiating, each a small package with the same names inside.

A member is a package with ``SHOWCASE``, a ``Showcase`` record, in its ``__init__``; beside it
``parameters.py``, ``physics.py`` (or whatever the program being differentiated is called) in plain
Python that knows of no engine, the loss and the network, and a README.md. To add one: make the package
and a notebook; nothing is registered. Showcases never import each other, nor anything of the screen.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from workbench.errors import UnknownShowcaseError, choice_among
from workbench.parameters import Parameters

if TYPE_CHECKING:
    from workbench.training import Problem, Training

__all__ = ["Showcase", "find", "names"]


@dataclass(frozen=True, kw_only=True)
class Showcase:
    """What the gallery, the command line, the notebook and the reports need of one showcase.

    Args:
        name: also the package's name.
        title: a few words, for people.
        question: the question it answers, one sentence.
        level: what a reader should know beforehand.
        run_seconds: what the notebook's default size takes, on two cores with everything compiled.
        notebook: file name below notebooks/.
        parameters: the class that describes every parameter.

    What needs torch is imported from the package when it is first asked for.
    """

    name: str
    title: str
    question: str
    level: str
    run_seconds: int
    notebook: str
    parameters: type[Parameters]

    @property
    def run_time(self) -> str:
        """``run_seconds`` for people."""
        return f"about {self.run_seconds} s on two cores"

    def make_problem(self, parameters: Any) -> Problem:
        """What is trained."""
        return self._member("loss").make_problem(parameters)

    def make_training(self, parameters: Any) -> Training:
        """Problem, optimiser and schedule, ready to iterate."""
        return self._member("loss").make_training(parameters)

    def evaluate(self, training: Training, parameters: Any) -> dict[str, Any]:
        """``{"metrics", "tables", "arrays", "timings"}`` of a finished training.

        Whatever was measured with a clock stands in ``timings``.
        """
        return self._member("evaluation").evaluate(training, parameters)

    def _member(self, module: str) -> ModuleType:
        return importlib.import_module(f"{__name__}.{self.name}.{module}")

    @property
    def figures(self) -> Callable[..., dict[str, Any]]:
        """``summary_figures(result, history)`` → named plotly figures, from ``workbench.figures.<name>``."""
        return importlib.import_module(f"workbench.figures.{self.name}").summary_figures


def names() -> tuple[str, ...]:
    """The showcases there are, in the order of their notebooks."""
    return tuple(sorted(_packages(), key=lambda name: find(name).notebook))


def find(name: str) -> Showcase:
    """The showcase of this name.

    Raises:
        UnknownShowcaseError: there is none; names the nearest.
    """
    packages = _packages()
    if name not in packages:
        raise UnknownShowcaseError(
            f"there is no showcase {name!r}",
            found=f"got {name!r}, expected one of {', '.join(sorted(packages))}",
            where="name",
            fix=choice_among(name, packages),
        )
    return importlib.import_module(f"{__name__}.{name}").SHOWCASE


def known(name: str) -> Showcase | None:
    """The showcase of this name; None where it is one of another version."""
    return find(name) if name in _packages() else None


def _packages() -> tuple[str, ...]:
    return tuple(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
