"""``sqlite3``: numbers that come out of a database are constants, so text of traced numbers does not go in."""

import sqlite3
from collections.abc import Callable
from typing import Any

from workbench.autodiff.compiled import compiled_door
from workbench.autodiff.registry import OWNER_DOORS
from workbench.autodiff.text import lost_in_text, tape_in


def _of_database(method: Callable, owner: Any) -> Callable:
    def call(*args: Any) -> Any:
        if tape_in(args) is not None:
            raise lost_in_text("a statement of SQL, or a value in one")
        return compiled_door(method)(*args)

    return call if method.__name__.startswith("execute") else compiled_door(method)


OWNER_DOORS[sqlite3.Connection] = OWNER_DOORS[sqlite3.Cursor] = _of_database
