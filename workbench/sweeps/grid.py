"""What was typed after ``-p``, as points: ``lr=1e-3,1e-2`` and ``seed=0..4`` make ten of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from workbench.errors import ParameterError
from workbench.parameters import ParameterInfo, Parameters

MOST_POINTS = 100_000


def axes(
    kind: type[Parameters], texts: Mapping[str, str], *, preset: str = "default"
) -> dict[str, list[Any]]:
    """The values of each parameter, read as its own type: a list with commas, or ``low..high`` of whole numbers.

    Raises:
        ParameterError: a value the parameter does not take, a range that is empty or not of whole numbers,
            the same value twice, or more points than ``MOST_POINTS``.
        UnknownParameterError: no parameter has this name.
    """
    infos = {info.name: info for info in kind.infos()}
    found = {}
    for name, text in texts.items():
        items = _items(name, text, infos.get(name))
        values = [getattr(kind.from_text({name: item}, preset=preset), name) for item in items]
        if len(set(values)) < len(values):
            raise ParameterError(
                f"-p {name}={text} names a value twice", where=name, fix="give every value once"
            )
        found[name] = values
    total = 1
    for values in found.values():
        total *= len(values)
    if total > MOST_POINTS:
        raise _too_many(total)
    return found


def points(axes: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values, the last parameter changing fastest."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def bounds(
    kind: type[Parameters], name: str, text: str, *, preset: str = "default"
) -> tuple[Any, Any] | None:
    """The two ends of ``low..high``, each a value that the parameter takes; None when it is no range."""
    low, dots, high = text.partition("..")
    if not dots:
        return None
    ends = [getattr(kind.from_text({name: end}, preset=preset), name) for end in (low, high)]
    if isinstance(ends[0], (bool, str)) or ends[0] >= ends[1]:
        raise _no_range(name, text, "expected two numbers, the lower one first")
    return ends[0], ends[1]


def _items(name: str, text: str, info: ParameterInfo | None) -> list[str]:
    if info is None or (info.kind is str and info.choices is None):
        return [text]  # an unknown name is refused below; a free text may hold commas and dots
    items = []
    for part in text.split(","):
        low, dots, high = part.partition("..")
        if not dots:
            items.append(part)
            continue
        if info.kind is not int:
            raise _no_range(name, part, "only whole numbers have ranges here")
        try:
            first, last = int(low), int(high)
        except ValueError:
            raise _no_range(name, part, "expected whole numbers, low..high") from None
        if first > last:
            raise _no_range(name, part, "the range is empty")
        if last - first >= MOST_POINTS:
            raise _too_many(last - first + 1)
        items += [str(value) for value in range(first, last + 1)]
    return items


def _no_range(name: str, text: str, found: str) -> ParameterError:
    return ParameterError(
        f"-p {name}={text} is no range",
        found=found,
        where=name,
        fix=f"write {name}=0..4 for whole numbers from 0 to 4, or list values: {name}=1,2,5",
    )


def _too_many(total: int) -> ParameterError:
    return ParameterError(
        "these are too many runs for one sweep",
        found=f"got {total:,} combinations, expected at most {MOST_POINTS:,}",
        where="-p",
        fix="take fewer values, or sweep one parameter after the other",
    )
