"""Special methods that an object binds: ``singledispatchmethod``, ``partialmethod``, properties and others."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.registry import DOORS
from workbench.autodiff.rewritten import REWRITTEN_DOORS

_methods: dict[int, tuple[Any, FunctionType]] = {}  # by the id of what binds, which is kept alive


def method_of(found: Any, name: str) -> FunctionType | None:
    """``found``, which stands in a class under ``name``, as a method; None where no code in Python binds it."""
    if type(found) is not property and python_method(type(found), "__get__") is None:
        return None
    if id(found) not in _methods:
        _methods[id(found)] = found, _made(name)
    return _methods[id(found)][1]


def _made(name: str) -> FunctionType:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, name)(*args, **kwargs)

    def followed(self: Any, *args: Any, **kwargs: Any) -> Any:
        return resolve(REWRITTEN_DOORS["get_attribute"](self, name))(*args, **kwargs)

    DOORS[method] = followed
    return method
