"""Python's clocks and calendars: whole seconds, days and years do not vary; points in time and spans are refused."""

from __future__ import annotations

import time
from datetime import date, datetime
from typing import Any

from workbench.autodiff.refusing import without_rule
from workbench.autodiff.registry import DOORS, add_constant
from workbench.autodiff.telling import contains_traced

for _function in (time.sleep, time.gmtime, time.localtime, time.ctime, date.fromtimestamp):
    add_constant(_function)


def _refused(function: Any) -> None:
    def call(*args: Any, **kwargs: Any) -> Any:
        if any(map(contains_traced, (*args, *kwargs.values()))):
            raise without_rule(function)
        return function(*args, **kwargs)

    DOORS[function] = call


for _function in (datetime.fromtimestamp, datetime.utcfromtimestamp):
    _refused(_function)
