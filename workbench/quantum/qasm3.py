"""OpenQASM 3 read, with the inputs of the program as parameters.

The text is parsed by the language's own reference parser (package ``openqasm3``). Read: qubits and bits, ``input``
and ``const`` numbers, the gates of stdgates.inc, gate definitions, the modifiers ctrl, negctrl, inv and pow,
gphase, measurements, if with a bit, for with a range. A global phase that no qubit controls is left out.

Source: Cross et al., OpenQASM 3: a broader and deeper quantum assembly language, 2022, doi:10.1145/3505636.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from workbench.errors import CircuitError, MachineError, QasmError, WorkbenchError, nearest
from workbench.quantum.angles import Angle
from workbench.quantum.circuit import Circuit
from workbench.quantum.gates import Gate, X
from workbench.quantum.operations import Conditional, Measurement, Operation
from workbench.quantum.qasm3_gates import PHASES, SAME, MadeGates, Number, sum_of_angles
from workbench.quantum.qasm_gates import KNOWN

CONSTANTS = {"pi": math.pi, "π": math.pi, "tau": 2 * math.pi, "τ": 2 * math.pi, "euler": math.e, "ℇ": math.e}
FUNCTIONS = {name: getattr(math, name) for name in ("sin", "cos", "tan", "exp", "sqrt", "log")} | {
    f"arc{name}": getattr(math, f"a{name}") for name in ("sin", "cos", "tan")
}
_OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "%": operator.mod,
}


def read(text: str) -> Circuit:
    """The circuit that an OpenQASM 3 program describes; ``input`` numbers are its parameters.

    Raises:
        QasmError: with line, column and caret.
        MachineError: the package ``openqasm3`` is not installed.
    """
    try:
        import openqasm3
    except ImportError as error:
        raise MachineError(
            "OpenQASM 3 cannot be read here",
            found="the package openqasm3 is not installed",
            where="from_qasm",
            fix="pip install 'openqasm3[parser]', or write the program in OpenQASM 2",
        ) from error
    try:
        program = openqasm3.parse(text)
    except openqasm3.parser.QASM3ParsingError as error:
        raise _unreadable(text, error) from error
    return _Walker(text).circuit(program.statements)


def _unreadable(text: str, error: Exception) -> QasmError:
    """The parser's complaint with its place, which it keeps in the cause of its error."""
    cause = error.__cause__
    while cause is not None and not hasattr(cause, "offendingToken"):
        inner = cause.args[0] if cause.args else None
        cause = inner if isinstance(inner, Exception) else cause.__cause__
    if cause is None or cause.offendingToken is None:
        return QasmError("this is not OpenQASM 3", found=str(error) or None, where="from_qasm")
    token = cause.offendingToken
    told = (
        "the program ends within a statement"
        if token.text == "<EOF>"
        else f"{token.text!r} is not expected here"
    )
    return QasmError(
        told, where=_where(text, token.line, token.column), fix="is a ; or a bracket missing before?"
    )


def _where(text: str, line: int, column: int) -> str:
    shown = (text.splitlines() or [""])[line - 1 : line]
    return f"line {line}, column {column + 1}\n    {''.join(shown)}\n    {' ' * column}^"


class _Walker:
    """One pass through the statements of a program."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._qubits: dict[str, range] = {}
        self._bits: dict[str, int | None] = {}
        self._values: dict[str, Number] = dict(CONSTANTS)
        self._defined: dict[str, Any] = {}
        self._measured: set[str] = set()
        self._found: list[Operation] = []

    def circuit(self, statements: Sequence[Any]) -> Circuit:
        for statement in statements:
            self._found += self._operations(statement)
        n_qubits = sum(len(register) for register in self._qubits.values())
        if not n_qubits:
            raise QasmError(
                "the program declares no qubits", where="the whole program", fix="add qubit[2] q;"
            )
        return Circuit(n_qubits, self._found)

    # ------------------------------------------------------------------------------------ statements

    def _operations(self, node: Any) -> list[Operation]:
        handler = getattr(self, f"_read_{type(node).__name__}", None)
        if handler is None:
            name = re.sub(r"(?<!^)(?=[A-Z])", " ", type(node).__name__).lower()
            self._fail(node, f"a {name} is not read here")
        try:
            return handler(node) or []
        except (CircuitError, ArithmeticError, ValueError, TypeError) as error:
            told = error.what if isinstance(error, WorkbenchError) else str(error)
            self._fail(node, told, found=getattr(error, "found", None), fix=getattr(error, "fix", None))

    def _read_Include(self, node: Any) -> None:
        if node.filename != "stdgates.inc":
            self._fail(node, "only stdgates.inc can be included", found=node.filename)

    def _read_QubitDeclaration(self, node: Any) -> None:
        name = self._new_name(node, node.qubit.name)
        first = sum(len(register) for register in self._qubits.values())
        self._qubits[name] = range(first, first + (self._whole(node, node.size) if node.size else 1))

    def _read_ClassicalDeclaration(self, node: Any) -> list[Operation]:
        name = self._new_name(node, node.identifier.name)
        if type(node.type).__name__ != "BitType":
            self._fail(node, "only bits, const and input numbers are read here")
        self._bits[name] = self._whole(node, node.type.size) if node.type.size else None
        if node.init_expression is None:
            return []
        if type(node.init_expression).__name__ != "QuantumMeasurement":
            self._fail(node, "a bit is given a value by a measurement only")
        return self._measured_into(node, node.init_expression.qubit, node.identifier)

    def _read_ConstantDeclaration(self, node: Any) -> None:
        self._values[self._new_name(node, node.identifier.name)] = self._number(node, node.init_expression)

    def _read_IODeclaration(self, node: Any) -> None:
        name = self._new_name(node, node.identifier.name)
        if node.io_identifier.name == "output":
            self._bits[name] = self._whole(node, node.type.size) if getattr(node.type, "size", None) else None
        elif type(node.type).__name__ in ("FloatType", "AngleType"):
            self._values[name] = Angle(name)
        else:
            self._fail(node, "an input is a float or an angle here")

    def _read_QuantumGateDefinition(self, node: Any) -> None:
        for inner in node.body:
            if type(inner).__name__ not in ("QuantumGate", "QuantumPhase", "QuantumBarrier"):
                self._fail(inner, "a gate is defined by gates only")
        self._defined[node.name.name] = node

    def _read_QuantumBarrier(self, node: Any) -> None:
        """Nothing to simulate."""

    def _read_QuantumGate(self, node: Any) -> list[Operation]:
        arguments = [self._qubit_range(node, qubit) for qubit in node.qubits]
        sizes = {len(a) for a in arguments if len(a) > 1}
        if len(sizes) > 1:
            self._fail(node, "registers of different sizes in one gate", found=str(sorted(sizes)))
        rows = [[a[k] if len(a) > 1 else a[0] for a in arguments] for k in range(max(sizes, default=1))]
        return [gate for row in rows for gate in self._made(node, self._values, row).gates]

    def _read_QuantumPhase(self, node: Any) -> list[Operation]:
        return list(self._made(node, self._values, [self._one_qubit(node, q) for q in node.qubits]).gates)

    def _read_QuantumMeasurementStatement(self, node: Any) -> list[Operation]:
        if node.target is None:
            self._fail(node, "a measurement whose outcome is not kept", fix="write c = measure q;")
        return self._measured_into(node, node.measure.qubit, node.target)

    def _read_BranchingStatement(self, node: Any) -> list[Operation]:
        name, value = self._condition(node, node.condition)
        if name not in self._measured:
            self._fail(node, f"{name} is not measured before it decides")
        found: list[Operation] = []
        for block, wanted in ((node.if_block, value), (node.else_block, 1 - value)):
            for inner in block:
                for gate in self._operations(inner):
                    if not isinstance(gate, Gate):
                        self._fail(inner, "only gates can depend on a measurement here")
                    found.append(Conditional(gate, name, wanted))
        return found

    def _read_ForInLoop(self, node: Any) -> list[Operation]:
        declared, name, found = node.set_declaration, node.identifier.name, []
        if type(declared).__name__ == "RangeDefinition":
            step = self._whole(node, declared.step) if declared.step else 1
            first, last = self._whole(node, declared.start), self._whole(node, declared.end)
            counts = range(first, last + (1 if step > 0 else -1), step)
        elif type(declared).__name__ == "DiscreteSet":
            counts = [self._whole(node, value) for value in declared.values]
        else:
            self._fail(node, "a loop runs over a range or a set of whole numbers here")
        before = self._values.get(name)
        for count in counts:
            self._values[name] = count
            for inner in node.block:
                found += self._operations(inner)
        self._values.pop(name, None)
        if before is not None:
            self._values[name] = before
        return found

    # ------------------------------------------------------------------------------------ gates

    def _made(self, node: Any, values: dict[str, Number], qubits: Sequence[int]) -> MadeGates:
        """A call of a gate, with its modifiers from the outermost to the innermost."""
        return self._modified(node, list(node.modifiers), values, list(qubits))

    def _modified(self, node: Any, modifiers: list[Any], values: dict, qubits: list[int]) -> MadeGates:
        if not modifiers:
            return self._plain(node, values, qubits)
        kind, argument = modifiers[0].modifier.name, modifiers[0].argument
        count = self._whole(node, argument) if argument is not None else 1
        if kind in ("ctrl", "negctrl"):
            controls, rest = qubits[:count], qubits[count:]
            made = self._modified(node, modifiers[1:], values, rest).controlled(controls)
            flips = MadeGates(tuple(X(q) for q in controls) if kind == "negctrl" else ())
            return flips + made + flips
        made = self._modified(node, modifiers[1:], values, qubits)
        if kind == "inv":
            return made.inverse()
        repeated = made if count >= 0 else made.inverse()
        return sum([repeated] * abs(count), MadeGates())

    def _plain(self, node: Any, values: dict, qubits: list[int]) -> MadeGates:
        if type(node).__name__ == "QuantumPhase":
            if qubits:
                self._fail(node, "gphase acts on qubits by ctrl only")
            return MadeGates((), self._number(node, node.argument, values))
        name = SAME.get(node.name.name, node.name.name)
        angles = [self._number(node, argument, values) for argument in node.arguments]
        definition = self._defined.get(name)
        if definition is None and name not in KNOWN:
            close = nearest(name, [*KNOWN, *self._defined])
            self._fail(node, f"no gate {name}", fix=f"did you mean {close}?" if close else "define it before")
        n_angles, n_qubits = (
            (len(definition.arguments), len(definition.qubits)) if definition else KNOWN[name][:2]
        )
        if (len(angles), len(qubits)) != (n_angles, n_qubits):
            self._fail(
                node,
                f"{name} takes {n_angles} angles and {n_qubits} qubits",
                found=f"got {len(angles)} and {len(qubits)}",
            )
        if definition is None:
            phase = PHASES.get(name, lambda *_: 0.0)(*angles)
            return MadeGates(tuple(KNOWN[name][2](*angles, *qubits)), phase)
        known = {**CONSTANTS, **{a.name: v for a, v in zip(definition.arguments, angles, strict=True)}}
        wires = {q.name: k for q, k in zip(definition.qubits, qubits, strict=True)}
        total = MadeGates()
        for inner in definition.body:
            if type(inner).__name__ == "QuantumBarrier":
                continue
            unknown = [q.name for q in inner.qubits if q.name not in wires]
            if unknown:
                self._fail(inner, f"{name} has no qubit {unknown[0]}")
            total = total + self._made(inner, known, [wires[q.name] for q in inner.qubits])
        return total

    # ------------------------------------------------------------------------------------ pieces

    def _measured_into(self, node: Any, qubit: Any, target: Any) -> list[Operation]:
        qubits, bits = self._qubit_range(node, qubit), self._bit_names(node, target)
        if len(bits) != len(qubits):
            self._fail(node, f"{len(qubits)} qubits are measured into {len(bits)} bits")
        self._measured.update(bits)
        return [Measurement(q, bit) for q, bit in zip(qubits, bits, strict=True)]

    def _condition(self, node: Any, condition: Any) -> tuple[str, int]:
        kind, value = type(condition).__name__, 1
        if kind == "UnaryExpression" and condition.op.name == "!":
            name, value = self._condition(node, condition.expression)
            return name, 1 - value
        if kind == "BinaryExpression" and condition.op.name in ("==", "!="):
            wanted = getattr(condition.rhs, "value", None)
            if wanted not in (0, 1):
                self._fail(node, "a bit is compared with 0 or 1")
            value = int(wanted) if condition.op.name == "==" else 1 - int(wanted)
            condition = condition.lhs
        names = self._bit_names(node, condition)
        if len(names) != 1:
            self._fail(node, "a condition is known here on one bit only")
        return names[0], value

    def _bit_names(self, node: Any, target: Any) -> list[str]:
        name, index = _name_and_index(target)
        if name not in self._bits:
            self._fail(node, f"no bit {name}", found=f"declared: {', '.join(self._bits) or 'none'}")
        size = self._bits[name]
        if index is None:
            return [name] if size is None else [f"{name}[{k}]" for k in range(size)]
        return [f"{name}[{self._index(node, index, size or 1)}]" if size is not None else name]

    def _qubit_range(self, node: Any, qubit: Any) -> range:
        name, index = _name_and_index(qubit)
        if name not in self._qubits:
            close = nearest(name or "", self._qubits)
            self._fail(node, f"no qubits {name}", fix=f"did you mean {close}?" if close else None)
        register = self._qubits[name]
        if index is None:
            return register
        place = self._index(node, index, len(register))
        return register[place : place + 1]

    def _one_qubit(self, node: Any, qubit: Any) -> int:
        found = self._qubit_range(node, qubit)
        if len(found) != 1:
            self._fail(node, "one qubit is wanted here, not a register")
        return found[0]

    def _index(self, node: Any, index: Any, size: int) -> int:
        place = self._whole(node, index)
        if not -size <= place < size:
            self._fail(node, f"index {place} is out of range", found=f"the register has {size}")
        return place % size

    def _whole(self, node: Any, expression: Any) -> int:
        value = self._number(node, expression)
        if isinstance(value, Angle) or value != int(value):
            self._fail(node, "a whole number is wanted here", found=str(value))
        return int(value)

    def _number(self, node: Any, expression: Any, values: dict[str, Number] | None = None) -> Number:
        values = self._values if values is None else values
        kind = type(expression).__name__
        if kind in ("IntegerLiteral", "FloatLiteral"):
            return expression.value
        if kind == "Identifier":
            if expression.name not in values:
                close = nearest(expression.name, values)
                self._fail(
                    node, f"no number {expression.name}", fix=f"did you mean {close}?" if close else None
                )
            return values[expression.name]
        if kind == "UnaryExpression" and expression.op.name == "-":
            return -1.0 * self._number(node, expression.expression, values)
        if kind == "BinaryExpression" and expression.op.name in _OPERATORS:
            left, right = (self._number(node, part, values) for part in (expression.lhs, expression.rhs))
            if expression.op.name in "+-" and isinstance(left, Angle) and isinstance(right, Angle):
                return sum_of_angles(left, right if expression.op.name == "+" else -1.0 * right)
            nonlinear = isinstance(right, Angle) and (
                isinstance(left, Angle) or expression.op.name not in "+-*"
            )
            if nonlinear:
                self._fail(node, "an angle is one parameter times a number, plus a number")
            return _OPERATORS[expression.op.name](left, right)
        if kind == "FunctionCall" and expression.name.name in FUNCTIONS:
            return FUNCTIONS[expression.name.name](
                *[self._number(node, argument, values) for argument in expression.arguments]
            )
        self._fail(node, "an angle that cannot be computed", found=kind)

    def _new_name(self, node: Any, name: str) -> str:
        if name in self._qubits or name in self._bits or name in self._values:
            self._fail(node, f"{name} is declared twice")
        return name

    def _fail(self, node: Any, what: str, *, found: str | None = None, fix: str | None = None) -> NoReturn:
        span = node.span
        where = _where(self._text, span.start_line, span.start_column)
        raise QasmError(what, found=found, where=where, fix=fix)


def _name_and_index(node: Any) -> tuple[str, Any]:
    """Of q, q[1] or c[1]; more than one index is nobody's."""
    kind = type(node).__name__
    if kind == "Identifier":
        return node.name, None
    if kind == "IndexedIdentifier" and len(node.indices) == 1 and len(node.indices[0]) == 1:
        return node.name.name, node.indices[0][0]
    if kind == "IndexExpression" and isinstance(node.index, list) and len(node.index) == 1:
        return getattr(node.collection, "name", ""), node.index[0]
    raise ValueError("a name, or a name with one index, is wanted here")
