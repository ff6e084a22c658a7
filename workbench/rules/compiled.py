"""Compiled functions that write their result into an array that they are given.

Most of ``scipy.ndimage`` is Python around such functions: it is traced through, options and all, and only the
compiled core needs a *form* (see ``stand_ins``). The form's own value must be what the function has written: where
it is not, the form does not cover the call, and an error says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.autodiff.application import written
from workbench.autodiff.arrays import current
from workbench.autodiff.registry import DOORS
from workbench.autodiff.telling import contains_traced, plain
from workbench.rules.stand_ins import must_agree, settled, with_value


def writes(function: Callable, place: int) -> Callable:
    """Decorator: the decorated form computes what ``function`` writes into its argument at ``place``.

    The form takes the function's arguments, with the shape of the result in place of that one. What the function
    returns is not kept.
    """

    def register(form: Callable) -> Callable:
        def call(*args: Any) -> Any:
            if not any(map(contains_traced, args)):
                return function(*args)
            out = args[place]
            value = np.array(plain(current(out)), order="K")  # some elements may stay
            function(*[value if k == place else plain(current(a)) for k, a in enumerate(args)])
            traced = form(*[value.shape if k == place else settled(a) for k, a in enumerate(args)])
            must_agree(function, traced, value)
            written(with_value(traced, value), out)
            return None

        DOORS[function] = call
        return form

    return register
