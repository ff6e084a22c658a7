"""Writes ``docs/coverage.md``: what becomes of every public function of NumPy and SciPy, found out by running it.

    python docs/coverage_page.py

Every function is called with the cases of ``tests/coverage``; its derivative, forward and backward, is compared with
central differences.
"""

from __future__ import annotations

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_name("coverage.md")

sys.path.insert(0, str(TOP))

from tests.coverage.tables import PACKAGES, section  # noqa: E402

HEAD = """# Coverage

What becomes of the public functions of NumPy and SciPy in a differentiated program. The page is written by
`python docs/coverage_page.py`, which calls every function and compares its derivative, forward and backward, with
central differences; a test compares the NumPy part with the installed NumPy.

- **supported**: the derivatives agree, in at least one way of calling it. An option without a rule is an error.
- **constant**: the result does not vary with the arguments: whole numbers, truth values, shapes, steps.
- **refused**: a traced value is an error that names the line.
- **no numbers**: files, settings, types and random draws.

"""


def page() -> str:
    """The whole document."""
    return HEAD + "\n".join(section(package) for package in PACKAGES)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
