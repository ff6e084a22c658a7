"""What a caller gives to an operator besides the arguments: a program, positions, cotangents and tangents; checked."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.arrays import address_of, overlaps, owner_of
from workbench.autodiff.scalars import COMPLEX, TRACED, TracedFloat
from workbench.autodiff.structure import field, field_names, is_leaf, leaves, map_leaves
from workbench.autodiff.telling import plain
from workbench.errors import NotDifferentiableError, NotScalarError


def checked_program(f: Any, operator: str) -> None:
    """Refuse what cannot be called, as in ``gradient(f(x))``."""
    if not callable(f):
        raise NotDifferentiableError(
            f"{operator} needs a program, something that can be called",
            found=f"got {f!r:.60} of type {type(f).__name__}",
            where="its first argument",
            fix="pass the function itself, as in gradient(f)(x), not the result of a call, as in gradient(f(x))",
        )


def listed(wrt: Any) -> tuple[int, ...]:
    """One position or several as a tuple of them."""
    positions = tuple(wrt) if isinstance(wrt, tuple | list) else (wrt,)
    for k in positions:
        if isinstance(k, bool) or not isinstance(k, int | np.integer):
            raise NotDifferentiableError(
                "arguments to differentiate by are given by their positions",
                found=f"got wrt={wrt!r}, expected a whole number or a tuple of them",
                where="wrt",
                fix="count positional arguments from 0, as in gradient(f, wrt=1) or gradient(f, wrt=(0, 2))",
            )
    return tuple(map(int, positions))


def checked_positions(args: tuple, wrt: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The positions of the arguments to differentiate by, counted from the first; of all where ``wrt`` is None."""
    if wrt is None:
        return tuple(range(len(args)))
    positions = listed(wrt)
    for k in positions:
        if not -len(args) <= k < len(args):
            raise NotDifferentiableError(
                f"there is no argument {k} to differentiate by",
                found=f"got wrt={wrt!r} and {len(args)} positional argument{'s' * (len(args) != 1)}",
                where="wrt",
                fix="count positional arguments from 0, and pass what you differentiate by positionally",
            )
    positions = tuple(k % len(args) for k in positions)
    if len(set(positions)) < len(positions):
        raise NotDifferentiableError(
            "an argument to differentiate by is named twice",
            found=f"got wrt={wrt!r}",
            where="wrt",
            fix="name each position once",
        )
    return positions


def checked_position(args: tuple, wrt: int) -> int:
    """The one position of an operator that differentiates by a single argument."""
    if isinstance(wrt, tuple | list | None):
        raise NotDifferentiableError(
            "this operator differentiates by one argument",
            found=f"got wrt={wrt!r}",
            where="wrt",
            fix="pass one position, and call it again for another argument",
        )
    return checked_positions(args, wrt)[0]


Hidden = dict[int, Any]
"""What hides numbers that vary, by its id: a set, an iterator, a closure, what a table of pandas stores."""


def hidden_in(x: Any, hidden: Hidden) -> list[Any]:
    """What stands in ``x`` and hides numbers that vary."""
    found: list[Any] = []
    map_leaves(lambda leaf: leaf, x, other=lambda one: found.append(one) if id(one) in hidden else one)
    return found


class _Place:
    """Where a cotangent belongs: the leaf, and its number among the leaves."""

    __slots__ = ("leaf", "number")

    def __init__(self, number: int, leaf: Any) -> None:
        self.number, self.leaf = number, leaf


def checked_cotangent(y: Any, y_bar: Any, hidden: Hidden | None = None) -> Any:
    """A cotangent in the structure of ``y``."""
    bars = iter(checked_bars(y, y_bar, hidden))
    return map_leaves(lambda _: next(bars), y, other=lambda _: None)


def checked_bars(y: Any, y_bar: Any, hidden: Hidden | None = None) -> list[Any]:
    """The cotangents of the leaves of a result; 1 for a single real number when none are given."""
    if y_bar is not None:
        return fitted(y, y_bar, hidden=hidden)
    found = leaves(y)
    if len(found) != 1 or np.ndim(found[0]) or isinstance(found[0], COMPLEX):
        raise NotScalarError(
            "the pullback of a program whose result is not one real number needs a cotangent",
            found=f"the result is {described(y)}",
            fix="call back(y_bar) with a cotangent of the result's structure and shapes",
        )
    return [1.0]


def described(value: Any) -> str:
    """A result in the words of an error."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if value is None:
        return "None (does the program return its result?)"
    return f"{value!r:.60} of type {type(value).__name__}"


def fitted(
    value: Any,
    given: Any,
    what: str = "cotangent",
    where: str = "y_bar",
    *,
    part: Callable | None = None,
    hidden: Hidden | None = None,
) -> list[Any]:
    """The parts of a cotangent or tangent, one for each leaf of ``value`` and in their order.

    They are found by place: dicts by their keys, objects by the names of their fields. None stands for zero, and
    what belongs to a whole number or a text is not looked at. ``part`` checks one of them, and makes it what it
    should be: by default a number or an array of the same shape. ``hidden`` is known of the result of a program; of
    anything else the types tell what may hide numbers.

    Raises:
        NotScalarError: ``given`` has another structure, another shape, or is complex where ``value`` is real; or it has
            something for an object in which numbers may be, but where they are not looked for.
    """
    part = part or _part
    if is_leaf(value):
        return [part(value, given, what, where)]
    fitting = _Fitting(value, what, part, hidden)
    fitting.walk(fitting.places, given, where)
    return [
        zero(leaf) if bar is None else bar for leaf, bar in zip(leaves(value), fitting.found, strict=True)
    ]


class _Fitting:
    """A cotangent or tangent on the way to the leaves of ``value``: see ``fitted``.

    Attributes:
        places: ``value`` with the number of each leaf in its place.
        found: the parts, by these numbers.
        met: containers that have been gone through, each with what was given for it.
    """

    def __init__(self, value: Any, what: str, part: Callable, hidden: Hidden | None) -> None:
        numbers = itertools.count()
        self.places = map_leaves(lambda leaf: _Place(next(numbers), leaf), value)
        self.found: list[Any] = [None] * next(numbers)
        self.met: set[tuple[int, int]] = set()
        self.what, self.part, self.hidden = what, part, hidden

    def walk(self, place: Any, bar: Any, where: str) -> None:
        if type(place) is _Place:
            self.put(place, bar, where)
        elif bar is not None and (id(place), id(bar)) not in self.met:
            self.refuse_hidden(place, bar, where)
            if bar is not place:
                self.met.add((id(place), id(bar)))  # a container met twice is one, and so is its cotangent
                self.walk_elements(place, bar, where)
                self.walk_fields(place, bar, where)

    def put(self, place: _Place, bar: Any, where: str) -> None:
        new, before = self.part(place.leaf, bar, self.what, where), self.found[place.number]
        again = before is not None and self.what == "tangent"
        if again and not np.array_equal(plain(before), plain(new)):
            raise _two_tangents(where)
        self.found[place.number] = new if before is None or again else before + new

    def refuse_hidden(self, place: Any, bar: Any, where: str) -> None:
        by_type = self.hidden is None and bar is not place and _may_hide(place) and not leaves(place)
        if self.what == "cotangent" and (by_type or id(place) in (self.hidden or ())):
            raise NotScalarError(
                f"no {self.what} belongs to a {type(place).__name__}: numbers in it are not looked for",
                found=f"got {bar!r:.60}",
                where=where,
                fix="let the program return numbers, arrays, or lists, dicts and objects that hold them",
            )

    def walk_elements(self, place: Any, bar: Any, where: str) -> None:
        if isinstance(place, list | tuple | deque):
            if not isinstance(bar, list | tuple | deque) or len(bar) != len(place):
                raise misfit(self.what, where, bar, f"a {type(place).__name__} of {len(place)}")
            for k, (one, other) in enumerate(zip(place, bar, strict=True)):
                self.walk(one, other, f"{where}[{k}]")
        elif isinstance(place, dict):
            given = list(dict.keys(bar)) if isinstance(bar, dict) else None
            if given is None or set(given) != set(dict.keys(place)):
                keys = "" if given is None else f", with the keys {given!r:.80}"
                raise misfit(
                    self.what, where, bar, f"a dict with the keys {list(dict.keys(place))!r:.80}", keys
                )
            for key, one in dict.items(place):
                self.walk(one, dict.__getitem__(bar, key), f"{where}[{key!r}]")

    def walk_fields(self, place: Any, bar: Any, where: str) -> None:
        for name in field_names(place):
            if leaves(one := field(place, name)) or (self.hidden and hidden_in(one, self.hidden)):
                if name not in field_names(bar):
                    expected = f"a {type(place).__name__} with the field {name!r}"
                    raise misfit(self.what, where, bar, expected)
                self.walk(one, field(bar, name), f"{where}.{name}")


# what no numbers that vary are hidden in
_OPEN = (type(None), bool, int, np.integer, np.bool_, str, bytes, list, tuple, deque, dict)


def _may_hide(x: Any) -> bool:
    """Whether numbers may be in it that ``leaves`` does not find, as in an iterator, a set or a table of pandas."""
    if isinstance(x, np.ndarray):
        return x.dtype.kind not in "biu"
    closed = not field_names(x) or type(x).__module__.startswith("pandas")
    return closed and not isinstance(x, _OPEN)


def _part(leaf: Any, bar: Any, what: str, where: str) -> Any:
    """A cotangent of one leaf."""
    if bar is None:
        return zero(leaf)
    if isinstance(bar, int | np.integer | np.bool_):
        bar = float(bar)
    elif isinstance(bar, np.ndarray) and bar.dtype.kind in "iub":
        bar = bar.astype(float)
    if not is_leaf(bar) or np.shape(bar) != np.shape(leaf):
        raise misfit(what, where, bar, in_words(leaf))
    if _is_complex(bar) and not _is_complex(leaf):
        raise misfit(
            what, where, bar, f"{in_words(leaf)} of real numbers" if np.ndim(leaf) else "a real number"
        )
    return bar


def one_for_each_place(variables: list[Any], dots: list[Any], where: str) -> list[Any]:
    """Tangents of arrays, some of which share memory: where elements are one place only the first keeps its tangent.

    The pullback reports the cotangent of such a place with each of its elements, so that a tangent given with each
    would count several times.
    """
    arrays = [getattr(x, "array", x) for x in variables]
    owners = Counter(id(owner_of(a)) for a in arrays if isinstance(a, np.ndarray))
    taken: dict[int, Any] = {}  # the tangent at each address
    found = []
    for array, dot in zip(arrays, dots, strict=True):
        if isinstance(array, np.ndarray) and (owners[id(owner_of(array))] > 1 or overlaps(array)):
            first = np.ones(array.shape)
            plain_dot = np.asarray(plain(dot))
            for index, address in zip(np.ndindex(*array.shape), _addresses(array), strict=True):
                if address not in taken:
                    taken[address] = plain_dot[index]
                    continue
                if taken[address] != plain_dot[index]:
                    raise _two_tangents(where)
                first[index] = 0.0
            dot = dot if first.all() else dot * first.astype(array.dtype)
        found.append(dot)
    return found


def _addresses(array: np.ndarray) -> list[int]:
    start = address_of(array)
    steps = [np.arange(n) * s for n, s in zip(array.shape, array.strides, strict=True)]
    return (start + sum(np.ix_(*steps), np.zeros((), int))).reshape(-1).tolist()


def _two_tangents(where: str) -> NotScalarError:
    return NotScalarError(
        "two tangents were given for one variable, and they differ",
        found="a list, a dict or an object that stands in the argument twice, or arrays that share memory",
        where=where,
        fix="give both places the same tangent, or copy what is to vary on its own",
    )


def misfit(what: str, where: str, bar: Any, expected: str, more: str = "") -> NotScalarError:
    """The error that a cotangent or tangent is another one than expected."""
    return NotScalarError(
        f"the {what} does not fit the {'result' if what == 'cotangent' else 'argument'}",
        found=f"got {in_words(bar)}{more}, expected {expected}",
        where=where,
        fix="give it the structure, the keys and the shapes of what it belongs to; None stands for zero",
    )


def _is_complex(x: Any) -> bool:
    return type(x) is not TracedFloat and np.iscomplexobj(getattr(x, "array", x))


def in_words(x: Any) -> str:
    """The kind and the shape of a number, an array or a container."""
    if isinstance(x, np.ndarray) or type(x) in TRACED:
        kind = " of complex numbers" if _is_complex(x) else ""
        return f"an array of shape {np.shape(x)}{kind}" if np.ndim(x) else "a number"
    if isinstance(x, float | np.floating):
        return "a number"
    if isinstance(x, COMPLEX):
        return "a complex number"
    return f"a {type(x).__name__}" + (f" of {len(x)}" if isinstance(x, list | tuple | deque) else "")


def one_like(leaf: Any) -> Any:
    """The cotangent of a leaf of a result that is pulled back with ones."""
    return np.ones_like(leaf) if isinstance(leaf, np.ndarray) else type(leaf)(1.0)


def zero(leaf: Any) -> Any:
    """The zero cotangent or tangent of a number or an array."""
    array = getattr(leaf, "array", leaf)
    return np.zeros_like(array) if isinstance(array, np.ndarray) else 0.0
