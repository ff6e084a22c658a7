"""mpmath: real numbers of any precision. mpmath itself computes the derivatives, with digits to spare.

A long number that depends on the inputs goes through a program as a ``TracedLong``: all of its digits, and beside
them a traced float. Each of mpmath's functions of real numbers is one operation; its partial derivatives are
``mpmath.diff`` of it, or a formula for the operators.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
from types import MethodType
from typing import Any

import mpmath

from workbench.autodiff.calls import resolve
from workbench.autodiff.location import name_of
from workbench.autodiff.registry import DOORS, LIFTS, NUMBERS
from workbench.autodiff.scalars import TracedFloat, innermost, lost, scalar_result, strip
from workbench.autodiff.structure import leaves
from workbench.autodiff.tape import OPEN

# partial derivatives of the operators
_OPERATORS: dict[Callable, tuple[Callable, ...]] = {
    operator.add: (lambda x, y: mpmath.mpf(1), lambda x, y: mpmath.mpf(1)),
    operator.sub: (lambda x, y: mpmath.mpf(1), lambda x, y: mpmath.mpf(-1)),
    operator.mul: (lambda x, y: y, lambda x, y: x),
    operator.truediv: (lambda x, y: 1 / y, lambda x, y: -x / y**2),
    operator.neg: (lambda x: mpmath.mpf(-1),),
    operator.pos: (lambda x: mpmath.mpf(1),),
    operator.mod: (_MODULO := (lambda x, y: mpmath.mpf(1), lambda x, y: -mpmath.floor(x / y))),
    mpmath.fmod: _MODULO,
    mpmath.frac: (lambda x: mpmath.mpf(1),),
    mpmath.fabs: (lambda x: mpmath.sign(x),),
}
# functions with steps, which have derivative 0, as long as a float has digits behind the point
_STEPS = frozenset({mpmath.floor, mpmath.ceil, mpmath.nint, mpmath.sign})
_LARGEST = 2**52
# functions of functions, which try points so near that their values differ in more digits than a trace has
_OF_FUNCTIONS = (
    "diff",
    "diffs",
    "diffun",
    "taylor",
    "pade",
    "limit",
    "differint",
    "chebyfit",
    "fourier",
    "jacobian",
)
# what only asks about a number
_QUESTIONS = ("isnan", "isinf", "isint", "isfinite", "isnormal", "mag", "almosteq")
# what takes lists and matrices, written in Python with what has doors
_FOLLOWED = frozenset(
    "polyval det inverse lu_solve qr_solve cholesky_solve LU_decomp L_solve U_solve cholesky qr householder residual "
    "improve_solution norm mnorm extend swap_row absmin absmax".split()
)
# what takes no real numbers, or gives something else than one: left to mpmath, which refuses what it does not know
_OTHERS = frozenset(
    "FPContext MPContext MPIntervalContext mpc mpi matrix autoprec maxcalls memoize monitor timing workdps workprec "
    "extradps extraprec doctests runtests nstr nprint quad quadgl quadts quadosc nsum nprod findroot odefun chop "
    "nint_distance frexp plot cplot splot polar rect cos_sin "
    "cospi_sinpi eig eigh svd lu qr det inverse make_mpf make_mpc rand arange linspace".split()
)


class TracedLong:
    """A real number of mpmath's that depends on the inputs.

    Attributes:
        value: the number, an ``mpf``.
        trace: the same as a traced float.
    """

    __slots__ = ("trace", "value")

    def __init__(self, value: Any, trace: TracedFloat) -> None:
        self.value, self.trace = value, trace

    def __float__(self) -> Any:
        return self.trace

    def __int__(self) -> int:
        _check_steps(self.value)
        return int(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return str(self.trace)

    __repr__ = __str__

    def sqrt(self) -> Any:
        return _apply(mpmath.sqrt, (self,), {})

    @property
    def real(self) -> TracedLong:
        return self

    @property
    def imag(self) -> Any:
        return mpmath.mpf(0)

    def conjugate(self) -> TracedLong:
        return self

    def __abs__(self) -> Any:
        return _apply(mpmath.fabs, (self,), {})

    def __format__(self, form: str) -> Any:
        return format(self.trace, form)

    def __getattr__(self, name: str) -> Any:
        # mpmath asks for '_mpf_' to tell numbers apart
        if name.startswith("_") or not hasattr(self.value, name):
            raise AttributeError(f"{type(self.value).__name__!r} object has no attribute {name!r}")
        raise lost(f"a traced number of mpmath's was about to be taken apart, by its attribute {name!r}")


def _operator(function: Callable, *, turned: bool = False) -> Callable:
    def method(self: TracedLong, *others: Any) -> Any:
        return _apply(function, (*others, self) if turned else (self, *others), {})

    return method


for _name in ("add", "sub", "mul", "truediv", "pow", "mod"):
    setattr(TracedLong, f"__{_name}__", _operator(getattr(operator, _name)))
    setattr(TracedLong, f"__r{_name}__", _operator(getattr(operator, _name), turned=True))
for _name in ("neg", "pos"):
    setattr(TracedLong, f"__{_name}__", _operator(getattr(operator, _name)))


def _comparison(compare: Callable) -> Callable:
    return lambda self, other: compare(self.value, _digits(other))


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(TracedLong, f"__{_name}__", _comparison(getattr(operator, _name)))


def _digits(x: Any) -> Any:
    """A number without its trace, as mpmath takes it."""
    return x.value if type(x) is TracedLong else strip(x) if type(x) is TracedFloat else x


def _long(number: Any, other: Any = None) -> Any:
    """A traced float with all the digits it has."""
    return TracedLong(mpmath.mpf(strip(number)), number) if type(number) is TracedFloat else number


def _check_steps(value: Any) -> None:
    if abs(value) >= _LARGEST:
        raise lost(
            "a long number that varies was about to become a whole number that holds all of its digits"
        )


def _float(x: Any) -> Any:
    if isinstance(x, mpmath.mpc):
        raise lost("a derivative of a function of mpmath's was about to become complex")
    return x.trace if type(x) is TracedLong else float(x)


def _apply(function: Callable, args: tuple, kwargs: dict) -> Any:
    """A function of real numbers, one operation on the innermost tape that an argument belongs to."""
    if any(
        type(x) in (TracedLong, TracedFloat)
        for x in leaves((list(kwargs.values()), [a for a in args if type(a) in (list, tuple)]))
    ):
        raise lost(f"{name_of(function)} got a number that varies by name, or in a list")
    args = tuple(map(_long, args))
    traces = [x.trace for x in args if type(x) is TracedLong]
    tape = innermost(*traces)
    if tape is None:
        if any(isinstance(x, mpmath.matrix) and _varies(list(x)) for x in args):
            raise lost(f"{name_of(function)} got a matrix of numbers that vary")
        try:
            return function(*map(_digits, args), **kwargs)
        except (TypeError, AttributeError) as error:
            if not any(map(callable, args)):
                raise
            raise lost(f"{name_of(function)} got a function that uses numbers that vary") from error
    if function in _STEPS:
        if function != mpmath.sign:
            _check_steps(args[0].value)
        return function(args[0].value, **kwargs)
    on_tape = [k for k, x in enumerate(args) if type(x) is TracedLong and x.trace.tape is tape]
    below = tuple(_below(x) if k in on_tape else x for k, x in enumerate(args))
    value = _apply(function, below, kwargs)
    if not isinstance(value, mpmath.mpf | TracedLong):
        if isinstance(value, bool | int):
            return value
        raise lost(f"{name_of(function)} gave something other than a real number, {type(value).__name__}")
    partials = [_float(_apply(_partial(function, k), below, kwargs)) for k in on_tape]
    trace = scalar_result(_float(value), tape, [args[k].trace for k in on_tape], partials)
    return TracedLong(_digits(value), trace)


def _below(x: TracedLong) -> Any:
    """The argument as outer tapes see it."""
    return TracedLong(x.value, x.trace.value) if type(x.trace.value) is TracedFloat else x.value


@functools.cache
def _partial(function: Callable, k: int) -> Callable:
    """The partial derivative of a function of real numbers by its k-th."""
    if function in _OPERATORS:
        return _OPERATORS[function][k]

    def partial(*args: Any, **kwargs: Any) -> Any:
        return mpmath.diff(lambda x: function(*args[:k], x, *args[k + 1 :], **kwargs), args[k])

    return partial


def _door(function: Callable) -> Callable:
    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        return _apply(function, args, kwargs)

    return call


def _method_door(method: MethodType) -> Callable:
    """The door of a function that is a method of mpmath's usual context; other contexts have it too."""
    function = method.__func__

    @functools.wraps(function, updated=())
    def call(context: Any, *args: Any, **kwargs: Any) -> Any:
        if context is not method.__self__:
            return function(context, *args, **kwargs)
        return _apply(method, args, kwargs)

    return call


def _of_function_door(name: str) -> Callable:
    def call(context: Any, *args: Any, **kwargs: Any) -> Any:
        if OPEN:
            raise lost(f"{name} of mpmath takes differences nearer than the digits of a derivative")
        return getattr(context, name)(*args, **kwargs)

    return call


def _quad(context: Any, f: Callable, *points: Any, **options: Any) -> Any:
    """``quad(f, [a, …, b])``: the sum of mpmath's own rule, with f and the bounds traced.

    Between bounds that vary ∫ f(t) dt is ∫ f(a + (b − a) s) (b − a) ds over s in (0, 1).
    """
    original = functools.partial(mpmath.quad, f, *points, **options)
    if not OPEN:
        return original()
    if options or len(points) != 1:
        try:
            return original()
        except TypeError as error:
            raise lost(
                "quad of mpmath got options, or several variables, and something that varies"
            ) from error
    called, ends = resolve(f), [_mpf(p) for p in points[0]]
    with context.workprec(context.prec + 20):
        parts = [_part(context, called, a, b) for a, b in itertools.pairwise(ends)]
        total = functools.reduce(operator.add, parts, mpmath.mpf(0))
    return +total if type(total) is TracedLong else original()


def _part(context: Any, f: Callable, a: Any, b: Any) -> Any:
    """The integral from ``a`` to ``b`` by the nodes of all degrees up to the one that mpmath ends with."""
    moves = TracedLong in (type(a), type(b))
    if moves and (mpmath.isinf(_digits(a)) or mpmath.isinf(_digits(b))):
        raise lost("quad of mpmath got an infinite bound beside one that varies")
    low, high = (mpmath.mpf(0), mpmath.mpf(1)) if moves else (a, b)
    length = b - a if moves else mpmath.mpf(1)
    rule, prec = context._tanh_sinh, context.prec
    degree = rule.guess_degree(prec)
    nodes = itertools.chain.from_iterable(rule.get_nodes(low, high, d, prec) for d in range(1, degree + 1))
    found: Any = mpmath.mpf(0)
    for s, weight in nodes:
        found = found + weight * f(a + length * s if moves else s)
    return found * length * mpmath.mpf(2) ** -degree


def _fsum(context: Any, terms: Any, absolute: bool = False, squared: bool = False) -> Any:
    """The sum of numbers, of their sizes or squares."""
    terms = list(terms)
    if not _varies(terms):
        return context.fsum(terms, absolute, squared)
    if absolute or squared:
        terms = [_apply(mpmath.fabs, (x,), {}) ** (2 if squared else 1) for x in terms]
    return functools.reduce(operator.add, map(_mpf, terms), mpmath.mpf(0))


def _fprod(context: Any, factors: Any) -> Any:
    """The product of numbers."""
    factors = list(factors)
    if not _varies(factors):
        return context.fprod(factors)
    return functools.reduce(operator.mul, map(_mpf, factors), mpmath.mpf(1))


def _fdot(context: Any, A: Any, B: Any = None, conjugate: bool = False) -> Any:
    """The sum of products of pairs."""
    pairs = list(A if B is None else zip(A, B, strict=True))
    if not _varies(pairs):
        return context.fdot(pairs, conjugate=conjugate)
    return functools.reduce(operator.add, (_mpf(a) * _mpf(b) for a, b in pairs), mpmath.mpf(0))


def _varies(structure: list) -> bool:
    return any(type(x) in (TracedLong, TracedFloat) for x in leaves(structure))


def _refuse_complex(function: Callable) -> Callable:
    """What mpmath does with complex numbers."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if _varies(list(args)):
            raise lost("a complex number of mpmath's was about to be made of one that varies")
        return function(*args, **kwargs)

    return call


def _frexp(context: Any, x: Any) -> tuple:
    """x = m 2^e; the exponent does not vary."""
    exponent = context.frexp(_digits(x))[1]
    return x * mpmath.ldexp(1, -exponent), exponent


def _question_door(function: Callable) -> Callable:
    return lambda context, *args, **kwargs: function(context, *map(_digits, args), **kwargs)


def _mpf(x: Any = 0, **kwargs: Any) -> Any:
    """``mpf(x)`` and ``mpmathify(x)``."""
    return _long(x) if type(x) in (TracedFloat, TracedLong) else mpmath.mpf(x, **kwargs)


for _name in dir(mpmath):
    _function = getattr(mpmath, _name)
    if (
        callable(_function)
        and not isinstance(_function, type | mpmath.mpf)
        and _name not in _OTHERS | _FOLLOWED
    ):
        if isinstance(_function, MethodType):
            DOORS[_function.__func__] = _method_door(_function)
        else:
            DOORS[_function] = _door(_function)
DOORS[mpmath.mpf] = _mpf
DOORS[mpmath.mpmathify.__func__] = lambda context, x, **kwargs: _mpf(x, **kwargs)
for _name in _OF_FUNCTIONS:
    DOORS[getattr(mpmath, _name).__func__] = _of_function_door(_name)
for _name in _QUESTIONS:
    _function = getattr(mpmath, _name).__func__
    DOORS[_function] = _question_door(_function)
for _name in ("add", "sub", "mul", "truediv", "pow", "radd", "rsub", "rmul", "rtruediv", "rpow"):
    _function = getattr(mpmath.mpc, f"__{_name}__")
    DOORS[_function] = _refuse_complex(_function)
DOORS[mpmath.mpc] = _refuse_complex(mpmath.mpc)
DOORS[mpmath.frexp.__func__] = _frexp
DOORS[mpmath.quad.__func__] = _quad
DOORS[mpmath.fsum.__func__], DOORS[mpmath.fprod.__func__], DOORS[mpmath.fdot.__func__] = _fsum, _fprod, _fdot
NUMBERS[TracedLong] = lambda x: x.trace
for _kind in (mpmath.mpf, type(mpmath.pi), TracedLong):
    LIFTS[_kind] = _long
