"""Attributes of traced values of the program's subclasses: read, set and deleted as their classes say.

What a class leaves to what it is made from, NumPy's arrays or a number, is asked of that (``REST``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import (
    FunctionType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    WrapperDescriptorType,
)
from typing import Any

from workbench.autodiff.calls import python_method, resolve
from workbench.autodiff.dressing import no_rule
from workbench.autodiff.met import BUILT_IN, as_written
from workbench.autodiff.settling import note
from workbench.autodiff.subarrays import DRESSED, Dressed, class_part, own_part, real_part, set_class, set_own

MISSING = object()

# type -> what the class says that values of it are made from, of (value, name of an attribute)
REST: dict[type, Callable] = {}
# type -> sets an attribute that is a part of the number or the array, of (value, name, what it becomes)
REST_SET: dict[type, Callable] = {}


def get_attribute(x: Dressed, name: str) -> Any:
    """``x.name``."""
    cls = class_part(x)
    if name == "__class__":  # ``isinstance`` asks for it, also here
        return cls
    reader, fallback = python_method(cls, "__getattribute__"), python_method(cls, "__getattr__")
    try:
        return get_own_attribute(x, name) if reader is None else resolve(reader)(x, name)
    except AttributeError:
        if fallback is None:
            raise
    return resolve(fallback)(x, name)


def get_own_attribute(x: Dressed, name: str) -> Any:
    """``object.__getattribute__(x, name)``."""
    cls, own = class_part(x), own_part(x)
    if name == "__class__":
        return cls
    if name == "__dict__" and cls.__dictoffset__:
        return own
    member, found = _member(cls, name), MISSING
    if member is not MISSING and _is_data(member):
        found = _read(x, cls, name, member)
    elif name in own:
        found = own[name]
    else:
        found = of_base(x, name) if member is MISSING else _read(x, cls, name, member)
    if found is MISSING:
        raise AttributeError(f"{cls.__name__!r} object has no attribute {name!r}")
    return found


def of_base(x: Dressed, name: str) -> Any:
    """What the compiled class that the one of ``x`` is made from says of ``name``, as by ``super``."""
    return functools.partial(_OF_OBJECTS[name], x) if name in _OF_OBJECTS else REST[type(x)](x, name)


def _read(x: Any, cls: type, name: str, member: Any) -> Any:
    """What stands in the class under ``name``, as it is read of ``x``."""
    if isinstance(member, functools.cached_property):
        found = own_part(x)[name] = resolve(member.func)(x)
        _noted(x, found, name)
        return found
    if (get := _own_way(member, "__get__")) is not None:
        return resolve(get)(member, x, cls)
    if isinstance(member, property):
        if member.fget is None:
            raise AttributeError(f"property {name!r} of {cls.__name__!r} object has no getter")
        return resolve(member.fget)(x)
    if isinstance(member, FunctionType):
        return MethodType(as_written(member), x)
    if type(member) is MemberDescriptorType:  # a slot
        return own_part(x).get(name, MISSING)
    if isinstance(member, classmethod | staticmethod):
        return member.__get__(None, cls)
    if _is_data(member):
        raise no_rule(cls, f"the compiled attribute {name!r}")
    if isinstance(member, MethodDescriptorType | WrapperDescriptorType):  # ``total = numpy.ndarray.sum``
        return MethodType(member, x)
    return member.__get__(x, cls) if hasattr(type(member), "__get__") else member


def _member(cls: type, name: str) -> Any:
    """What stands in the program's classes under ``name``, unless a class before them has it that is not theirs."""
    for base in cls.__mro__:
        if name in vars(base):
            return MISSING if base.__flags__ & BUILT_IN else vars(base)[name]
    return MISSING


def _is_data(member: Any) -> bool:
    """Whether what stands in the class comes before what the object itself stores."""
    return hasattr(type(member), "__set__") or hasattr(type(member), "__delete__")


def _own_way(member: Any, name: str) -> FunctionType | None:
    return None if isinstance(member, type) else python_method(type(member), name)


def set_attribute(value: Any, x: Dressed, name: str) -> None:
    """``x.name = value``."""
    own = python_method(class_part(x), "__setattr__")
    if own is not None:
        resolve(own)(x, name, value)
    else:
        set_own_attribute(x, name, value)


def set_own_attribute(x: Dressed, name: str, value: Any) -> None:
    """``object.__setattr__(x, name, value)``."""
    cls = class_part(x)
    member = _member(cls, name)
    if name == "__class__":
        set_class(x, value)
    elif name == "__dict__" and cls.__dictoffset__:
        set_own(x, value)
    elif (setter := _own_way(member, "__set__")) is not None:
        resolve(setter)(member, x, value)
    elif isinstance(member, property):
        if member.fset is None:
            raise AttributeError(f"property {name!r} of {cls.__name__!r} object has no setter")
        resolve(member.fset)(x, value)
    elif type(member) is not MemberDescriptorType and _is_data(member):
        raise no_rule(cls, f"the compiled attribute {name!r}")
    elif member is MISSING and _is_data(getattr(_base(cls), name, None)):
        REST_SET[type(x)](x, name, value)
    elif type(member) is MemberDescriptorType or cls.__dictoffset__:
        own_part(x)[name] = value
        _noted(x, value, name)
    else:
        raise AttributeError(f"{cls.__name__!r} object has no attribute {name!r}")


def delete_attribute(x: Dressed, name: str) -> None:
    """``del x.name``."""
    own = python_method(class_part(x), "__delattr__")
    if own is not None:
        resolve(own)(x, name)
    else:
        delete_own_attribute(x, name)


def delete_own_attribute(x: Dressed, name: str) -> None:
    """``object.__delattr__(x, name)``."""
    member = _member(class_part(x), name)
    if (delete := _own_way(member, "__delete__")) is not None:
        resolve(delete)(member, x)
    elif isinstance(member, property) and member.fdel is not None:
        resolve(member.fdel)(x)
    elif name in own_part(x):
        del own_part(x)[name]
    else:
        raise AttributeError(f"{class_part(x).__name__!r} object has no attribute {name!r}")


def _base(cls: type) -> type:
    """The compiled class that ``cls`` is made from."""
    return next(base for base in cls.__mro__ if base.__flags__ & BUILT_IN)


def _noted(x: Dressed, value: Any, name: str) -> None:
    if (real := real_part(x)) is not None:
        note(real, value, name)


# what every object has, of the object and the arguments
_OF_OBJECTS: dict[str, Callable] = {
    "__getattribute__": get_own_attribute,
    "__setattr__": set_own_attribute,
    "__delattr__": delete_own_attribute,
    "__dir__": lambda x: sorted({*dir(class_part(x)), *own_part(x)}),
    "__init__": lambda x, *args, **kwargs: None,
}


def _dir(x: Dressed) -> Any:
    own = python_method(class_part(x), "__dir__")
    return _OF_OBJECTS["__dir__"](x) if own is None else resolve(own)(x)


for _kind in DRESSED:
    _kind.__dir__ = _dir
    _kind.__getattribute__, _kind.__delattr__ = get_attribute, delete_attribute
    _kind.__setattr__ = lambda x, name, value: set_attribute(value, x, name)
