"""Attributes of rewritten programs: ``obj.name`` is ``get_attribute(obj, "name")``, so that properties are traced."""

from __future__ import annotations

from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from workbench.autodiff.arrays import current
from workbench.autodiff.calls import REWRITTEN_DOORS, python_method, resolve
from workbench.autodiff.methods import Flat
from workbench.autodiff.tape import OPEN

_MISSING = object()
# type -> {name: function to call}, None when no attribute of the type runs Python code
_getters: dict[type, dict[str, FunctionType] | None] = {ModuleType: None}


def get_attribute(obj: Any, name: str) -> Any:
    """``obj.name``."""
    kind = type(obj)
    if kind is np.ndarray:
        if OPEN and name == "flat":
            return Flat(obj)
        return getattr(current(obj) if OPEN else obj, name)
    getters = _getters.get(kind, _MISSING)
    if getters is None:
        return getattr(obj, name)
    if getters is _MISSING:
        getters = _getters[kind] = _properties(kind)
        return get_attribute(obj, name)
    getter = getters.get(name)
    if getter is not None:
        return resolve(getter)(obj)
    return getattr(obj, name)


def _properties(kind: type) -> dict[str, FunctionType] | None:
    if kind.__module__.partition(".")[0] == "workbench" and kind.__name__.startswith("Traced"):
        return None
    if python_method(kind, "__getattribute__") is not None:
        return None
    found = {}
    for cls in reversed(kind.__mro__):
        for name, member in vars(cls).items():
            found.pop(name, None)
            if isinstance(member, property) and type(member.fget) is FunctionType:
                found[name] = member.fget
    return found or None


REWRITTEN_DOORS["get_attribute"] = get_attribute
