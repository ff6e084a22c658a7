"""Making objects: as their classes do it, with the methods that take part rewritten."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from workbench.autodiff.calls import SLOT_DOORS, python_method, resolve
from workbench.autodiff.compiled import compiled_door
from workbench.autodiff.registry import module_door
from workbench.autodiff.rewritten import REWRITTEN_DOORS, rewritten_code
from workbench.autodiff.settling import note
from workbench.autodiff.subarrays import class_of
from workbench.autodiff.tape import OPEN


def class_door(cls: type) -> Callable:
    """Making an object: as the class does it, with rewritten ``__new__`` and ``__init__``."""
    own = python_method(type(cls), "__call__")
    if own is None:
        return making(cls)
    new = resolve(own)
    return functools.partial(new, cls) if new is not own else compiled_door(cls) if OPEN else cls


SLOT_DOORS[type, "__call__"] = lambda cls, *args, **kwargs: making(cls)(*args, **kwargs)


def making(cls: type) -> Callable:
    """What ``type.__call__`` does."""
    from workbench.autodiff.subnumbers import maker_of

    foreign = type(cls).__call__ is not type.__call__ and python_method(type(cls), "__call__") is None
    if foreign or cls.__module__ == "builtins":
        return compiled_door(cls) if OPEN else cls
    # a metaclass may have called this, and is not asked again
    plainly = cls if python_method(type(cls), "__call__") is None else functools.partial(type.__call__, cls)
    init, new = python_method(cls, "__init__"), python_method_or_static(cls, "__new__")
    makes_number = maker_of(cls) if OPEN and new is None else None
    if init is None and new is None and makes_number is None:
        return compiled_door(plainly) if OPEN else plainly
    new_door = resolve(new) if new is not None else makes_number
    init_door = resolve(init) if init is not None else None
    post_init = python_method(cls, "__post_init__")
    is_dataclass = hasattr(cls, "__dataclass_fields__")
    stays = init is not None and rewritten_code(init) is None  # dataclasses made it, without source
    stays = stays and module_door(init.__module__) is None
    if stays and is_dataclass and (post_init is not None or _sets_by_itself(cls)):
        init_door, stays = dataclass_init(init), False
    if makes_number is None and (new is None or rewritten_code(new) is None) and (init is None or stays):
        return _noted_dataclass(cls, plainly) if is_dataclass and OPEN else plainly

    def make(*args: Any, **kwargs: Any) -> Any:
        if new_door is not None:
            made = new_door(cls, *args, **kwargs)
        elif init is not None and cls.__new__ is object.__new__:
            made = object.__new__(cls)
        else:
            made = cls.__new__(cls, *args, **kwargs)
        if isinstance(made, cls):
            own = class_of(made).__init__
            if own is object.__init__:
                pass  # it is an array, made by ``__new__``
            elif own is not cls.__init__:  # ``__new__`` chose a class of its own
                resolve(own)(made, *args, **kwargs)
            elif init_door is not None:
                init_door(made, *args, **kwargs)
            else:
                cls.__init__(made, *args, **kwargs)
        return made

    return make


def _noted_dataclass(cls: type, plainly: Callable) -> Callable:
    def make(*args: Any, **kwargs: Any) -> Any:
        made = plainly(*args, **kwargs)
        for name in cls.__dataclass_fields__:
            note(made, getattr(made, name, None), name)
        return made

    return make


def _sets_by_itself(cls: type) -> bool:
    """Whether code of the program runs where a field is set."""
    if not cls.__dataclass_params__.frozen and python_method(cls, "__setattr__") is not None:
        return True
    members = [inspect.getattr_static(cls, name, None) for name in cls.__dataclass_fields__]
    return any(isinstance(m, property) or python_method(type(m), "__set__") is not None for m in members)


@functools.lru_cache(maxsize=256)
def dataclass_init(init: FunctionType) -> Callable:
    """The ``__init__`` that ``dataclasses`` made, which has no source, with what it calls rewritten."""

    class Receiver:
        def __post_init__(self, *args: Any) -> None:
            self.__dict__["<after>"] = args

    def call(made: Any, *args: Any, **kwargs: Any) -> None:
        receiver = Receiver()
        init(receiver, *args, **kwargs)
        after = receiver.__dict__.pop("<after>", None)
        frozen = type(made).__dataclass_params__.frozen
        for name, value in receiver.__dict__.items():
            note(made, value, name)
            if frozen:
                object.__setattr__(made, name, value)
            else:
                REWRITTEN_DOORS["set_attribute"](value, made, name)
        if after is not None:
            resolve(python_method(class_of(made), "__post_init__"))(made, *after)

    return call


def python_method_or_static(cls: type, name: str) -> FunctionType | None:
    found = inspect.getattr_static(cls, name, None)
    found = found.__func__ if isinstance(found, staticmethod) else found
    return found if type(found) is FunctionType else None
