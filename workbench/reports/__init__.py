"""Reports: headless runs, the store they fill, result records, and the readable HTML report.

A notebook needs two names from here, in its last cells::

    record_result(showcase, parameters, training, result, run_dir)
    footer(parameters)

The members: ``record`` (what came out), ``provenance`` (where it came from), ``cards`` (the gallery of the
welcome notebook), ``store`` (the files of a run), ``runner`` (a notebook run headlessly), ``html`` and
``cells`` (the report). A new kind of output gets a file of its own here, and reads the store, never a
notebook's metadata.
"""

from workbench.reports.cards import gallery
from workbench.reports.provenance import footer
from workbench.reports.record import record_result

__all__ = ["footer", "gallery", "record_result"]
