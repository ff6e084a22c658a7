"""Reports: headless runs, the store they fill, result records, and the readable HTML report.

A notebook needs two names from here, in its last cells::

    record_result(showcase, parameters, training, result, run_dir)
    footer(parameters)

The members: ``record`` (what came out), ``provenance`` (where it came from), ``cards`` (the gallery of the
welcome notebook), ``store`` (the files of a run), ``runner`` (a notebook run headlessly), ``html`` and
``cells`` (the report). A new kind of output gets a file of its own here, and reads the store, never a
notebook's metadata.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.reports.cards import gallery
    from workbench.reports.provenance import footer
    from workbench.reports.record import record_result

__all__ = ["footer", "gallery", "record_result"]

# Loaded when asked for: the table of runs needs the store alone, and is to be there at once.
_HOMES = {"footer": "provenance", "gallery": "cards", "record_result": "record"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench.reports' has no attribute {name!r}")
    return getattr(importlib.import_module(f"workbench.reports.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
