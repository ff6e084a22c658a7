"""``operator.attrgetter``, ``itemgetter`` and ``methodcaller``: they read what the program would read itself."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

from workbench.autodiff.calls import resolve
from workbench.autodiff.registry import INSTANCE_DOORS
from workbench.autodiff.rewritten import REWRITTEN_DOORS


def _each(read: Callable, keys: tuple) -> Callable:
    """One value, or a tuple of them where several are asked for."""

    def call(obj: Any) -> Any:
        found = [read(obj, key) for key in keys]
        return found[0] if len(found) == 1 else tuple(found)

    return call


def _attribute(obj: Any, path: str) -> Any:
    return functools.reduce(REWRITTEN_DOORS["get_attribute"], path.split("."), obj)


def _attrgetter(getter: operator.attrgetter) -> Callable:
    return _each(_attribute, getter.__reduce__()[1])


def _itemgetter(getter: operator.itemgetter) -> Callable:
    return _each(REWRITTEN_DOORS["get_item"], getter.__reduce__()[1])


def _methodcaller(caller: operator.methodcaller) -> Callable:
    made_by, given = caller.__reduce__()
    if isinstance(made_by, functools.partial):  # it was made with arguments by name
        name, named = made_by.args[0], made_by.keywords
    else:
        (name, *given), named = given, {}

    def call(obj: Any) -> Any:
        return resolve(REWRITTEN_DOORS["get_attribute"](obj, name))(*given, **named)

    return call


INSTANCE_DOORS[operator.attrgetter] = _attrgetter
INSTANCE_DOORS[operator.itemgetter] = _itemgetter
INSTANCE_DOORS[operator.methodcaller] = _methodcaller
