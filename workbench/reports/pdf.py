"""Reports as PDF, printed by a browser without a window."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from workbench.errors import MachineError, RunError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Names under which a browser that can print may be installed."""

SWITCHES = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
)

DRAWING_TIME = 20_000
"""Milliseconds of the page's own clock in which its figures are drawn; they pass at once."""

TIMEOUT = 180.0
"""Seconds after which a browser is given up."""


def find_browser() -> str | None:
    """The first browser of the known names on this machine."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def print_pdf(page: Path) -> Path:
    """Print a report beside itself.

    Args:
        page: the HTML file.
    Returns:
        the PDF file, written whole or not at all.
    Raises:
        MachineError: there is no browser on this machine.
        RunError: the browser printed nothing.
    """
    browser = find_browser()
    if browser is None:
        raise MachineError(
            "there is no browser to print the report with",
            found=f"none of {', '.join(BROWSERS)} is installed",
            where="--pdf",
            fix="install Chromium or Chrome, or open the report in a browser of your own and print it there",
        )
    target = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(dir=page.parent) as room:
        printed = Path(room) / target.name
        command = [
            browser,
            *SWITCHES,
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # as root it does not start otherwise
            f"--user-data-dir={room}/profile",
            f"--virtual-time-budget={DRAWING_TIME}",
            f"--print-to-pdf={printed}",
            page.resolve().as_uri(),
        ]
        told = _run(command)
        if not printed.is_file() or printed.read_bytes()[:5] != b"%PDF-":
            raise RunError(
                "the browser did not print the report",
                found=told.strip().splitlines()[-1] if told.strip() else "no message",
                where=str(page),
                fix="open the report in a browser and print it there",
            )
        printed.replace(target)
    return target


def _run(command: list[str]) -> str:
    """What the browser says on its error output."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer for {TIMEOUT:.0f} s"
    return done.stderr
