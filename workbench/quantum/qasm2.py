"""OpenQASM 2 read.

Read: qreg, creg, the gates of qelib1.inc, gate definitions, measure, if, barrier. Channels and ``reset`` are refused.

Source: Cross et al., Open Quantum Assembly Language, 2017, arXiv:1707.03429.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from dataclasses import dataclass, field

from workbench.errors import QasmError, WorkbenchError, nearest
from workbench.quantum.circuit import Circuit
from workbench.quantum.gates import Gate
from workbench.quantum.operations import Conditional, Measurement, Operation
from workbench.quantum.qasm_gates import KNOWN

_TOKEN = re.compile(
    r'\s+|//[^\n]*|(?P<string>"[^"\n]*")|(?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)'
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>->|==|\*\*|[{}()\[\];,+\-*/^])"
)
_FUNCTIONS = {name: getattr(math, name) for name in ("sin", "cos", "tan", "exp", "sqrt")} | {"ln": math.log}
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def read(text: str) -> Circuit:
    """The circuit that an OpenQASM 2 program describes; see ``qasm.from_qasm``.

    Raises:
        QasmError: with line, column and caret.
    """
    return _Reader(text).circuit()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    place: int


@dataclass(frozen=True)
class _Definition:
    angles: list[str]
    qubits: list[str]
    body: list[tuple[_Token, list[list[_Token]], list[str]]] = field(default_factory=list)


class _Reader:
    """A descent through the grammar of the paper's appendix A."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._next = text, [], 0
        self._qubits: dict[str, range] = {}
        self._bits: dict[str, int] = {}
        self._measured: set[str] = set()
        self._defined: dict[str, _Definition] = {}
        self._found: list[Operation] = []
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise self._error("a sign that OpenQASM does not have", place, found=repr(text[place]))
            if match.lastgroup:
                self._tokens.append(_Token(match.lastgroup, match.group(), place))
            place = match.end()
        self._tokens.append(_Token("end", "the end of the program", len(text)))

    def circuit(self) -> Circuit:
        self._take("OPENQASM")
        version = self._token()
        if version.text not in ("2.0", "2"):
            raise self._error(
                "only OpenQASM 2 and 3 are read here", version.place, found=f"version {version.text}"
            )
        self._take(";")
        while self._peek().kind != "end":
            self._statement()
        n_qubits = sum(len(r) for r in self._qubits.values())
        if not n_qubits:
            raise self._error("the program declares no qubits", len(self._text), fix="add qreg q[2];")
        return Circuit(n_qubits, self._found)

    def _statement(self) -> None:
        token = self._token()
        if token.text == "include":
            name = self._token()
            if name.text != '"qelib1.inc"':
                raise self._error("only qelib1.inc can be included", name.place, found=name.text)
            self._take(";")
        elif token.text in ("qreg", "creg"):
            self._register(token.text)
        elif token.text == "gate":
            self._define()
        elif token.text == "barrier":
            while self._token().text != ";":
                self._not_at_end()
        elif token.text == "measure":
            self._measure()
        elif token.text == "if":
            self._if(token)
        elif token.text in ("reset", "opaque"):
            raise self._error(f"{token.text} is not simulated here", token.place)
        else:
            self._found += self._call(token)

    def _register(self, kind: str) -> None:
        name = self._name()
        self._take("[")
        size = self._integer()
        self._take("]")
        self._take(";")
        if name.text in self._qubits or name.text in self._bits:
            raise self._error(f"register {name.text} is declared twice", name.place)
        if kind == "creg":
            self._bits[name.text] = size
        else:
            first = sum(len(r) for r in self._qubits.values())
            self._qubits[name.text] = range(first, first + size)

    def _measure(self) -> None:
        place = self._peek().place
        qubits = self._qubit_argument()
        self._take("->")
        name = self._name()
        if name.text not in self._bits:
            raise self._error(f"no classical register {name.text}", name.place)
        bits = range(self._bits[name.text])
        if self._peek().text == "[":
            bits = range(*self._index(len(bits)))
        self._take(";")
        if len(bits) != len(qubits):
            raise self._error(f"{len(qubits)} qubits are measured into {len(bits)} bits", place)
        for qubit, bit in zip(qubits, bits, strict=True):
            self._found.append(Measurement(qubit, f"{name.text}[{bit}]"))
            self._measured.add(f"{name.text}[{bit}]")

    def _if(self, start: _Token) -> None:
        self._take("(")
        name = self._name()
        self._take("==")
        value = self._integer()
        self._take(")")
        if self._bits.get(name.text) != 1 or value > 1:
            raise self._error(
                "a condition is known here on a register of one bit only",
                start.place,
                found=f"{name.text}[{self._bits.get(name.text, 0)}] == {value}",
                fix="declare a creg of size 1 for each bit that decides something",
            )
        if f"{name.text}[0]" not in self._measured:
            raise self._error(f"{name.text} is not measured before it decides", name.place)
        self._found += [Conditional(gate, f"{name.text}[0]", value) for gate in self._call(self._token())]

    def _define(self) -> None:
        name, angles = self._name(), []
        if self._peek().text == "(":
            self._token()
            while self._peek().text != ")":
                angles.append(self._name().text)
                if self._peek().text == ",":
                    self._token()
            self._token()
        made = _Definition(angles, self._names())
        self._take("{")
        while self._peek().text != "}":
            inner = self._name()
            if inner.text == "barrier":
                self._names()
            else:
                self._check_known(inner)
                made.body.append((inner, self._angles(), self._names()))
            self._take(";")
        self._token()
        self._defined[name.text] = made

    def _call(self, name: _Token) -> list[Gate]:
        """A gate, on single qubits or on whole registers."""
        angles = [self._number(tokens, {}) for tokens in self._angles()]
        arguments = [self._qubit_argument()]
        while self._peek().text == ",":
            self._token()
            arguments.append(self._qubit_argument())
        self._take(";")
        sizes = {len(a) for a in arguments if len(a) > 1}
        if len(sizes) > 1:
            raise self._error(
                "registers of different sizes in one gate", name.place, found=str(sorted(sizes))
            )
        count = max(sizes, default=1)
        rows = [[a[k] if len(a) > 1 else a[0] for a in arguments] for k in range(count)]
        return [gate for row in rows for gate in self._made(name, angles, row)]

    def _made(self, name: _Token, angles: list[float], qubits: list[int]) -> list[Gate]:
        self._check_known(name)
        definition = self._defined.get(name.text)
        n_angles, n_qubits = (
            (len(definition.angles), len(definition.qubits)) if definition else KNOWN[name.text][:2]
        )
        if (len(angles), len(qubits)) != (n_angles, n_qubits):
            raise self._error(
                f"{name.text} takes {n_angles} angles and {n_qubits} qubits",
                name.place,
                found=f"got {len(angles)} and {len(qubits)}",
            )
        try:
            if definition is None:
                return KNOWN[name.text][2](*angles, *qubits)
        except WorkbenchError as error:
            raise self._error(error.what, name.place, found=error.found, fix=error.fix) from error
        values = dict(zip(definition.angles, angles, strict=True))
        wires = dict(zip(definition.qubits, qubits, strict=True))
        found = []
        for inner, tokens, names in definition.body:
            unknown = [n for n in names if n not in wires]
            if unknown:
                raise self._error(f"{name.text} has no qubit {unknown[0]}", inner.place)
            numbers = [self._number(t, values) for t in tokens]
            found += self._made(inner, numbers, [wires[n] for n in names])
        return found

    # ------------------------------------------------------------------------------------ pieces

    def _check_known(self, name: _Token) -> None:
        if name.text not in KNOWN and name.text not in self._defined:
            close = nearest(name.text, [*KNOWN, *self._defined])
            fix = f"did you mean {close}?" if close else "define it before it is used"
            raise self._error(f"no gate {name.text}", name.place, fix=fix)

    def _angles(self) -> list[list[_Token]]:
        """Expressions in brackets, as their tokens."""
        if self._peek().text != "(":
            return []
        self._token()
        found: list[list[_Token]] = [[]]
        depth = 1
        while True:
            self._not_at_end()
            token = self._token()
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                return [part for part in found if part]
            if token.text == "," and depth == 1:
                found.append([])
            else:
                found[-1].append(token)

    def _number(self, tokens: list[_Token], values: dict[str, float]) -> float:
        text = " ".join("**" if t.text == "^" else t.text for t in tokens)
        try:
            found = _evaluate(ast.parse(text, mode="eval").body, {"pi": math.pi, **values})
        except (SyntaxError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise self._error(
                "an angle that cannot be computed", tokens[0].place, found=f"{text}: {error}"
            ) from error
        return float(found)

    def _qubit_argument(self) -> range:
        name = self._name()
        if name.text not in self._qubits:
            close = nearest(name.text, self._qubits)
            raise self._error(
                f"no quantum register {name.text}",
                name.place,
                fix=f"did you mean {close}?" if close else None,
            )
        register = self._qubits[name.text]
        if self._peek().text != "[":
            return register
        first, last = self._index(len(register))
        return register[first:last]

    def _index(self, size: int) -> tuple[int, int]:
        self._take("[")
        place, index = self._peek().place, self._integer()
        if index >= size:
            raise self._error(f"index {index} is out of range", place, found=f"the register has {size}")
        self._take("]")
        return index, index + 1

    def _names(self) -> list[str]:
        found = [self._name().text]
        while self._peek().text == ",":
            self._token()
            found.append(self._name().text)
        return found

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _token(self) -> _Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _not_at_end(self) -> None:
        if self._peek().kind == "end":
            raise self._error("the program ends within a statement", len(self._text))

    def _take(self, text: str) -> None:
        token = self._token()
        if token.text != text:
            raise self._error(f"{text!r} is missing here", token.place, found=token.text)

    def _name(self) -> _Token:
        token = self._token()
        if token.kind != "name":
            raise self._error("a name is missing here", token.place, found=token.text)
        return token

    def _integer(self) -> int:
        token = self._token()
        if not token.text.isdigit():
            raise self._error("a whole number is missing here", token.place, found=token.text)
        return int(token.text)

    def _error(self, what: str, place: int, *, found: str | None = None, fix: str | None = None) -> QasmError:
        line = self._text.count("\n", 0, place) + 1
        start = self._text.rfind("\n", 0, place) + 1
        shown = self._text[start:].split("\n", 1)[0]
        where = f"line {line}, column {place - start + 1}\n    {shown}\n    {' ' * (place - start)}^"
        return QasmError(what, found=found, where=where, fix=fix)


def _evaluate(node: ast.expr, values: dict[str, float]) -> float:
    """Arithmetic of numbers, names and the functions of OpenQASM, nothing else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _evaluate(node.operand, values)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluate(node.left, values), _evaluate(node.right, values))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
        return _FUNCTIONS[node.func.id](*[_evaluate(a, values) for a in node.args])
    raise ValueError("not arithmetic")
