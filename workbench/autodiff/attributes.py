"""Attributes of rewritten programs: ``obj.name`` is ``get_attribute(obj, "name")``, ``obj.name = v`` is
``set_attribute(v, obj, "name")``, so that the Python code behind attributes is traced: properties, descriptors,
``__getattr__`` and ``__setattr__``.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from types import FunctionType, GetSetDescriptorType, ModuleType
from typing import Any

import numpy as np

from workbench.autodiff import class_attributes
from workbench.autodiff.arrays import TracedArray, current, is_complex_number, is_followed_subclass
from workbench.autodiff.calls import SLOT_DOORS, python_method, resolve
from workbench.autodiff.dressing import undressed
from workbench.autodiff.indexing import get_item
from workbench.autodiff.location import user_line
from workbench.autodiff.met import BUILT_IN, CACHES, meet
from workbench.autodiff.methods import Flat
from workbench.autodiff.operations import array_attribute, number_attribute
from workbench.autodiff.reshaping import reshape_in_place
from workbench.autodiff.rewritten import REWRITTEN_DOORS
from workbench.autodiff.scalars import TRACED, TracedFloat
from workbench.autodiff.settling import note
from workbench.autodiff.subarrays import DRESSED, TracedSubarray
from workbench.autodiff.tape import OPEN
from workbench.autodiff.telling import contains_traced, plain
from workbench.autodiff.unseen import HANDED_OUT, handed_out, interface_of, lent
from workbench.autodiff.watch import is_known
from workbench.autodiff.writing import set_item
from workbench.errors import MissingRuleError

# properties of compiled classes, by their type: a function of (object, name, property)
COMPILED_PROPERTIES: dict[type, Callable] = {}

_OF_THE_ENGINE = frozenset({*TracedFloat.__slots__, *TracedArray.__slots__, "tape", "value"})

_PROXIES = (weakref.ProxyType, weakref.CallableProxyType)
_RECORDS = (np.recarray, np.record)
_MISSING = object()
# the class something stands in, what stands there, and how it is read or set
_Found = tuple[type, Any, Callable]
# type -> {name: how it is read}, None when no attribute of the type runs Python code
_getters: dict[type, dict[str, _Found] | None] = {ModuleType: None}
_setters: dict[type, dict[str, _Found] | None] = {ModuleType: None}
CACHES += [_getters, _setters]


def get_attribute(obj: Any, name: str) -> Any:
    """``obj.name``."""
    kind = type(obj)
    if kind is super:
        return _super_attribute(obj, name)
    if kind in DRESSED:
        if name == "__array_interface__":
            return interface_of(obj)
        return class_attributes.get_attribute(obj, name)
    if kind in _PROXIES:
        return get_attribute(obj.__repr__.__self__, name)  # of what it stands for
    if kind is np.ndarray:
        if OPEN and name == "flat":
            return Flat(obj)
        if OPEN and name in HANDED_OUT:
            handed_out(obj)
            if name == "ctypes":
                lent(obj)
        return getattr(current(obj) if OPEN else obj, name)
    getters = _getters.get(kind, _MISSING)
    if getters is None:
        return _traced_attribute(obj, name) if kind in TRACED else getattr(obj, name)
    if getters is _MISSING:
        _getters_of(kind)
        return get_attribute(obj, name)
    if _READERS.isdisjoint(getters):
        getter = _getter_of(kind, name)
        return getattr(obj, name) if getter is None else getter(obj)
    own, fallback = _getter_of(kind, "__getattribute__"), _getter_of(kind, "__getattr__")
    read = own or _own_attribute
    if fallback is None or name == "__getattr__":
        return read(obj, name)
    try:
        return read(obj, name)
    except AttributeError:
        return resolve(fallback)(obj, name)


def get_method(obj: Any, name: str) -> Any:
    """``obj.name`` where it is called at once: what Python binds, unless code in Python gives it."""
    kind = type(obj)
    getters = _getters.get(kind, _MISSING)
    if getters is _MISSING:
        getters = _getters_of(kind)
    if not getters:
        return getattr(obj, name)
    if kind is type:
        member = next((vars(cls)[name] for cls in obj.__mro__ if name in vars(cls)), None)
        return getattr(obj, name) if type(member).__flags__ & BUILT_IN else get_attribute(obj, name)
    followed = name in getters or not _READERS.isdisjoint(getters)
    return get_attribute(obj, name) if followed else getattr(obj, name)


def _traced_attribute(obj: Any, name: str) -> Any:
    """``obj.name`` of a traced number or array: what NumPy's or Python's has, and nothing of the engine's."""
    if type(obj) is TracedFloat:
        if name in _OF_THE_ENGINE:  # packages take numbers for parameters that have a value
            return number_attribute(obj, name)
        try:
            return getattr(obj, name)
        except AttributeError:  # of a number with a class of its own
            return number_attribute(obj, name)
    if name in _OF_THE_ENGINE:
        raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
    if is_complex_number(obj.array):
        getattr(plain(obj), name)  # arrays have more
    try:
        return getattr(obj, name)
    except AttributeError:
        return array_attribute(obj, name)


def _record_attribute(obj: Any, name: str) -> Any:
    """``obj.name`` of records, whose fields are parts of arrays."""
    return get_item(obj, name) if name in (obj.dtype.names or ()) else getattr(obj, name)


def _getters_of(kind: type) -> dict[str, _Found]:
    """What runs Python code when it is read of an object of this type."""
    found = _getters.get(kind, _MISSING)
    if found is _MISSING:
        found = _found(kind, _getter)
        _getters[kind] = found
    return found or {}


def _getter_of(kind: type, name: str) -> Callable | None:
    """What runs where ``name`` is read of an object of this type, None if no Python code does."""
    getters = _getters_of(kind)
    if name not in getters:
        return None
    cls, member, getter = getters[name]
    if cls.__dict__.get(name) is member:
        return getter
    _getters[kind] = _found(kind, _getter)  # the class has been changed
    return _getter_of(kind, name)


def _own_attribute(obj: Any, name: str) -> Any:
    """``object.__getattribute__(obj, name)``."""
    kind = type(obj)
    if kind in DRESSED:
        return class_attributes.get_own_attribute(obj, name)
    getter = None if name in _READERS else _getter_of(kind, name)
    if getter is not None:
        return getter(obj)
    by_itself = _READERS.isdisjoint(_getters_of(kind))
    return getattr(obj, name) if by_itself else object.__getattribute__(obj, name)


_READERS = frozenset({"__getattr__", "__getattribute__"})


def _class_attribute(cls: type, name: str) -> Any:
    """``cls.name``: properties of its metaclass, and descriptors that answer to the class."""
    of_kind = inspect.getattr_static(type(cls), name, None)
    if isinstance(of_kind, property):
        return _read_property(of_kind, cls)
    member = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    own = None if isinstance(member, type) else python_method(type(member), "__get__")
    if own is None or type(member).__module__ == "functools":
        return type.__getattribute__(cls, name)
    return resolve(own)(member, None, cls)


def _super_attribute(obj: super, name: str) -> Any:
    """``super().name``."""
    kinds = obj.__self_class__.__mro__ if obj.__self_class__ is not None else ()
    after = kinds[kinds.index(obj.__thisclass__) + 1 :] if obj.__thisclass__ in kinds else ()
    home = next((cls for cls in after if name in vars(cls)), None)
    if type(obj.__self__) in DRESSED and home is not None and home.__flags__ & BUILT_IN:
        return class_attributes.of_base(obj.__self__, name)
    getter = None if home is None else _getter(name, vars(home)[name])
    if getter is None or name in _READERS or isinstance(obj.__self__, type):
        return getattr(obj, name)
    return getter(obj.__self__)


def delete_attribute(obj: Any, name: str) -> None:
    """``del obj.name``."""
    kind = type(obj)
    if kind in DRESSED:
        class_attributes.delete_attribute(obj, name)
        return
    member = inspect.getattr_static(kind, name, None)
    if (own := python_method(kind, "__delattr__")) is not None:
        resolve(own)(obj, name)
    elif (own := python_method(type(member), "__delete__")) is not None:
        resolve(own)(member, obj)
    elif isinstance(member, property) and member.fdel is not None:
        resolve(member.fdel)(obj)
    else:
        delattr(obj, name)


def _delete_own_attribute(obj: Any, name: str) -> None:
    """``object.__delattr__(obj, name)``."""
    if type(obj) in DRESSED:
        class_attributes.delete_own_attribute(obj, name)
    else:
        object.__delattr__(obj, name)


def set_attribute(value: Any, obj: Any, name: str) -> None:
    """``obj.name = value``."""
    kind = type(obj)
    if kind in DRESSED:
        class_attributes.set_attribute(value, obj, name)
        return
    if OPEN and is_followed_subclass(kind):
        if type(seen := current(obj)) is TracedSubarray:
            class_attributes.set_attribute(value, seen, name)
            return
        if name in _ELEMENTS and contains_traced(value):
            _set_array_attribute(undressed(value), np.ndarray.view(obj, np.ndarray), name)
            return
    setters = _setters.get(kind, _MISSING)
    if setters is None:
        note(obj, value, name)
        setattr(obj, name, value)
        return
    if kind is np.ndarray or kind is TracedArray:
        _set_array_attribute(value, obj, name)
        return
    if issubclass(kind, _RECORDS) and name in (obj.dtype.names or ()):
        set_item(value, obj, name)
        return
    if setters is _MISSING:
        _setters[kind] = _found(kind, _setter)
        set_attribute(value, obj, name)
        return
    own = python_method(kind, "__setattr__")
    if own is not None:
        resolve(own)(obj, name, value)
    else:
        _set_own_attribute(obj, name, value)


_ELEMENTS = frozenset({"real", "imag", "flat"})


def _set_own_attribute(obj: Any, name: str, value: Any) -> None:
    """``object.__setattr__(obj, name, value)``, which runs setters of properties too."""
    kind = type(obj)
    if kind in DRESSED:
        class_attributes.set_own_attribute(obj, name, value)
        return
    if kind not in _setters:
        _setters[kind] = _found(kind, _setter)
    cls, member, setter = (_setters[kind] or {}).get(name, (None, None, None))
    if setter is None or name == "__setattr__":
        note(obj, value, name)
        (setattr if python_method(kind, "__setattr__") is None else object.__setattr__)(obj, name, value)
    elif cls.__dict__.get(name) is not member:
        _setters.pop(kind)
        _set_own_attribute(obj, name, value)
    else:
        setter(obj, value)


def _set_array_attribute(value: Any, array: Any, name: str) -> None:
    plain_array = array.array if type(array) is TracedArray else array
    if name in ("real", "imag"):
        set_item(value, getattr(plain_array, name), ...)
    elif name == "flat":
        records = plain_array.dtype.names is not None
        Flat(plain_array)[...] = resolve(np.array)(value, plain_array.dtype) if records else value
    elif name in (plain_array.dtype.names or ()):
        set_item(value, plain_array, name)
    elif name == "shape" and (
        _with_shape(plain_array, value).shape == plain_array.shape or reshape_in_place(plain_array, value)
    ):
        pass
    elif hasattr(plain_array, name) and is_known(plain_array):
        raise MissingRuleError(
            f"the {name} of an array that takes part in a derivative cannot be set in place",
            where=user_line(),
            fix="make a new view instead, for instance y = y.reshape(shape)",
        )
    else:
        setattr(plain_array, name, value)


def _with_shape(array: np.ndarray, shape: Any) -> np.ndarray:
    """A view of the array with that shape; an error of NumPy's where there is none."""
    seen = array.view()
    seen.shape = shape
    return seen


def _found(kind: type, read: Callable) -> dict[str, _Found] | None:
    """What stands in the classes of ``kind`` and runs Python code when it is read, or set."""
    if kind.__module__.partition(".")[0] == "workbench" and kind.__name__.startswith("Traced"):
        return None
    if issubclass(kind, np.ndarray | np.generic) and python_method(kind, "__getattribute__") is not None:
        own = kind, vars(kind).get("__getattribute__"), _record_attribute
        return {"__getattribute__": own} if issubclass(kind, _RECORDS) and read is _getter else None
    if kind in _PROXIES:
        return {"__getattribute__": (kind, None, None)} if read is _getter else None
    meet(kind)
    found: dict[str, _Found] = {}
    for cls in reversed(kind.__mro__):
        for name, member in vars(cls).items():
            found.pop(name, None)
            if (how := read(name, member)) is not None:
                found[name] = cls, member, how
    if issubclass(kind, type) and read is _getter and "__getattribute__" not in found:
        found["__getattribute__"] = kind, kind.__dict__.get("__getattribute__"), _class_attribute
    if is_followed_subclass(kind) and read is _getter and "__getattribute__" not in found:
        found["__getattribute__"] = kind, kind.__dict__.get("__getattribute__"), _subarray_attribute
    return found or None


def _subarray_attribute(array: np.ndarray, name: str) -> Any:
    """``array.name`` of a plain array of a subclass, into whose memory traced values may have been written."""
    if OPEN and type(seen := current(array)) is TracedSubarray:
        return get_attribute(seen, name)
    if OPEN and name == "__array_interface__" and isinstance(array, np.ma.MaskedArray):
        return interface_of(array)
    if OPEN and name in HANDED_OUT and getattr(type(array), name) is getattr(np.ndarray, name):
        get_attribute(np.ndarray.view(array, np.ndarray), name)
    return _own_attribute(array, name)


def _read_property(member: property, obj: Any, cls: Any = None) -> Any:
    """``property.__get__(member, obj)``."""
    plain_read = obj is None or member.fget is None
    return property.__get__(member, obj, cls) if plain_read else resolve(member.fget)(obj)


def _set_property(member: property, obj: Any, value: Any) -> None:
    """``property.__set__(member, obj, value)``."""
    setter = functools.partial(property.__set__, member) if member.fset is None else resolve(member.fset)
    setter(obj, value)


def _getter(name: str, member: Any) -> Callable | None:
    if isinstance(member, property) and python_method(type(member), "__get__") is None:
        return functools.partial(_read_property, member)
    if isinstance(member, functools.cached_property):
        return lambda obj: _cached(obj, name, member)
    if type(member) in COMPILED_PROPERTIES:
        return lambda obj: COMPILED_PROPERTIES[type(member)](obj, name, member)
    if name in _READERS and type(member) is FunctionType:
        return member if name == "__getattr__" else lambda obj, name: resolve(member)(obj, name)
    own = None if isinstance(member, type) else python_method(type(member), "__get__")
    if own is None or type(member).__module__ == "functools":
        return None
    is_data = hasattr(type(member), "__set__")
    return lambda obj: (
        obj.__dict__[name]
        if not is_data and name in getattr(obj, "__dict__", ())
        else resolve(own)(member, obj, type(obj))
    )


def _cached(obj: Any, name: str, member: functools.cached_property) -> Any:
    if name not in obj.__dict__:
        value = obj.__dict__[name] = resolve(member.func)(obj)
        note(obj, value, name)
    return obj.__dict__[name]


def _setter(name: str, member: Any) -> Callable | None:
    if isinstance(member, property) and python_method(type(member), "__set__") is None:
        return functools.partial(_set_property, member)
    if name == "__setattr__" and type(member) is FunctionType:
        return member
    own = None if isinstance(member, type) else python_method(type(member), "__set__")
    return None if own is None else lambda obj, value: resolve(own)(member, obj, value)


REWRITTEN_DOORS.update(get_attribute=get_attribute, get_method=get_method)
REWRITTEN_DOORS.update(set_attribute=set_attribute, delete_attribute=delete_attribute)
SLOT_DOORS[object, "__getattribute__"] = _own_attribute
SLOT_DOORS[object, "__setattr__"] = _set_own_attribute
SLOT_DOORS[object, "__delattr__"] = _delete_own_attribute


def _set_part(member: GetSetDescriptorType, obj: Any, value: Any) -> None:
    """``numpy.ndarray.shape.__set__(obj, value)``."""
    seen = current(obj)
    if type(seen) in DRESSED:
        class_attributes.REST_SET[type(seen)](seen, member.__name__, value)
    else:
        member.__set__(obj, value)


SLOT_DOORS[GetSetDescriptorType, "__set__"] = _set_part
SLOT_DOORS[property, "__get__"] = _read_property
SLOT_DOORS[property, "__set__"] = _set_property
