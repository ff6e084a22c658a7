"""Who is on the other side of the kernel: a page with somebody before it, or nobody."""

from __future__ import annotations

import os
from typing import Any

from IPython import get_ipython


def why_nobody_watches() -> str | None:
    """What tells that this is a headless run; None where somebody watches."""
    if os.environ.get("WORKBENCH_LIVE") == "0":
        return "WORKBENCH_LIVE=0"
    if "PYTEST_CURRENT_TEST" in os.environ:
        return "a test run"
    if "VOILA_KERNEL_ID" in os.environ:  # set by Voilà in its kernels; it says nothing of its cells
        return None
    # Front ends say which cell they run; papermill, nbconvert and nbval have no cell on a screen.
    if "cellId" not in _request_metadata():
        return "a notebook run without a page"
    return None


def fills_slots() -> bool:
    """Whether the page starts a panel's script without being asked for a view of it.

    JupyterLab and Notebook 7, which alone tell of deleted cells, and Voilà do.
    """
    return "VOILA_KERNEL_ID" in os.environ or "deletedCells" in _request_metadata()


def _request_metadata() -> dict[str, Any]:
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return {}
    return shell.get_parent().get("metadata", {})
