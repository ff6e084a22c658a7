"""Every exception of the project.

Each error says, in this order, what failed (in the caller's words), what was found, where, and what to do.
Each is also the builtin exception a caller would expect, so that ``except ValueError`` keeps working.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import ClassVar


class WorkbenchError(Exception):
    """What failed, what was found, where, and what to do, as one readable message.

    Args:
        what: what failed, in the caller's words.
        found: what was found, usually "got …, expected …".
        where: file, line and caret for programs; the argument's name otherwise.
        fix: what to do, preferred way first.
    """

    def __init__(
        self, what: str, *, found: str | None = None, where: str | None = None, fix: str | None = None
    ) -> None:
        self.what, self.found, self.where, self.fix = what, found, where, fix
        super().__init__(what)

    def __str__(self) -> str:
        parts = [self.what]
        if self.found:
            parts.append(f"  found: {self.found}")
        if self.where:
            parts.append(f"  where: {self.where}")
        if self.fix:
            parts.append(f"  to do: {self.fix}")
        return "\n".join(parts)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or None when nothing is close."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return close[0] if close else None


def choice_among(name: str, known: Iterable[str]) -> str:
    """What to do about a name that is none of the known ones, which the error has told."""
    close = nearest(name, known)
    return f"did you mean {close!r}?" if close else "choose one of the names above"


# ---------------------------------------------------------------------------------------- the engine


class DifferentiationError(WorkbenchError):
    """Something in a differentiated program cannot be differentiated."""


class RefusedError(DifferentiationError):
    """The engine refused a step that the program itself would have taken.

    A program that swallows it goes on where it would not have been, so each is told to the tapes that are open.
    """

    tell: ClassVar[Callable[[RefusedError], None]] = staticmethod(lambda refused: None)

    def __init__(self, what: str, **facts: str | None) -> None:
        super().__init__(what, **facts)
        self.tell(self)


class LostGradientError(RefusedError, TypeError):
    """A traced value was about to leave the tape, which would have made the gradient silently wrong."""


class MissingRuleError(RefusedError, NotImplementedError):
    """A function without a rule, whose source cannot be rewritten, was called with a traced value."""


class NotScalarError(DifferentiationError, TypeError):
    """``gradient`` needs a program whose result is one real number."""


class NotDifferentiableError(DifferentiationError, TypeError):
    """The argument to differentiate by cannot vary: an integer, a string, an unknown object."""


class SparsityError(DifferentiationError, ValueError):
    """A pattern of sparsity does not fit the Jacobian."""


class OptionError(DifferentiationError, ValueError):
    """An option of an operator does not fit, by itself or to the arguments."""


class RuleError(WorkbenchError, AssertionError):
    """A registered rule fails one of the checks of ``check_rule``."""


class GradientMismatchError(WorkbenchError, AssertionError):
    """A gradient disagrees with central differences."""


# ---------------------------------------------------------------------------------------- the workbench


class ParameterError(WorkbenchError, ValueError):
    """A parameter's value has the wrong type or lies outside its range."""


class UnknownParameterError(ParameterError, TypeError):
    """No parameter has this name."""


class UnknownShowcaseError(WorkbenchError, LookupError):
    """No showcase has this name."""


class SimulationError(WorkbenchError, ArithmeticError):
    """A simulation cannot go on: the physics excludes it, or a number is no longer finite."""


class SolverOptionError(WorkbenchError, ValueError):
    """An option of a solver makes no sense, or does not go with another one."""


class BlowUpError(WorkbenchError, FloatingPointError):
    """The solution of a differential equation became NaN or infinite at some time."""


class StepLimitError(WorkbenchError, ArithmeticError):
    """An adaptive solver needs steps that are too short, or too many of them."""


class NotFiniteError(WorkbenchError, FloatingPointError):
    """The loss, one of its terms or a gradient became NaN or infinite during training."""


class CheckpointError(WorkbenchError, OSError):
    """A checkpoint is missing, truncated, of a newer schema, or belongs to another run."""


class SessionError(WorkbenchError, RuntimeError):
    """A training session was asked for something its present state does not allow."""


class RunError(WorkbenchError, RuntimeError):
    """A headless run did not end with a complete result."""


class MachineError(WorkbenchError, RuntimeError):
    """Something this machine or environment lacks: a package version, a browser, a writable folder."""


class RunTimeoutError(RunError, TimeoutError):
    """A headless run did not end within the time it was given."""


class RunInterruptedError(RunError):
    """Someone stopped a headless run: Ctrl-C, or a signal to end.

    Args:
        signal: the number of the signal, 2 for Ctrl-C and 15 for a request to end.
    """

    def __init__(self, what: str, *, signal: int, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what, where=where, fix=fix)
        self.signal = signal


# ---------------------------------------------------------------------------------------- the quantum simulator


class CircuitError(WorkbenchError, ValueError):
    """A circuit, a gate or an observable that is not what its description promises."""


class QubitError(CircuitError, IndexError):
    """A qubit that the circuit does not have, or one qubit named twice."""


class NotUnitaryError(CircuitError):
    """A matrix meant as a gate that does not preserve the norm of states."""


class NotHermitianError(CircuitError):
    """An observable with complex weights: its expectation would not be a real number."""


class StateTooLargeError(WorkbenchError, MemoryError):
    """A state that does not fit into this machine's memory."""


class QasmError(WorkbenchError, ValueError):
    """A text that is not OpenQASM, or uses a part of it that is not known here."""
